package probe_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/probe"
)

// member is a load balancer that leads a request without a session to the backend first, and those of sessions in turn
// to then. An empty name is not told.
func member(t *testing.T, first string, then ...string) netip.AddrPort {
	t.Helper()
	return serve(t, balance(first, then...))
}

// balance is what a member does.
func balance(first string, then ...string) func(net.Conn) {
	var asked atomic.Int64
	return func(conn net.Conn) {
		r := request(conn)
		if r == nil {
			return
		}
		backend := first
		if _, err := r.Cookie("SRV"); err == nil && len(then) > 0 {
			backend = then[int(asked.Add(1)-1)%len(then)]
		}
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nSet-Cookie: SRV=old\r\nSet-Cookie: other=x\r\nSet-Cookie: SRV=%s; path=/\r\n"+
			"X-Backend: %s\r\nContent-Length: %d\r\n\r\nserved by %[2]s.\n", sesame, backend, len(backend)+12)
		wait(conn)
	}
}

func TestASessionMustLeadToTheBackendWhereItBegan(t *testing.T) {
	failed := func(detail string) probe.Answer {
		return probe.Answer{Verdict: probe.Fail, Reason: probe.Session, Detail: "the session of 127.0.0.1 led to " + detail}
	}
	const same = "the session of 127.0.0.1 leads to app1 here too"
	for name, c := range map[string]struct {
		peers []string // the backend of each one's session
		here  []string // those of the answers
		want  probe.Answer
	}{
		"the same":           {[]string{"app1"}, []string{"app1"}, probe.Answer{Verdict: probe.Pass, Detail: same}},
		"another":            {[]string{"app1"}, []string{"app3"}, failed("app1, here to app3")},
		"the same by luck":   {[]string{"app1"}, []string{"app1", "app1", "app3"}, failed("app1, here to app3")},
		"one without a name": {[]string{"app1"}, []string{""}, failed("app1, and the answer here has no header X-Backend")},
		"long names": {
			[]string{strings.Repeat("a", 99)}, []string{strings.Repeat("b", 99)},
			failed(strings.Repeat("a", 60) + "…, here to " + strings.Repeat("b", 60) + "…"),
		},
		"one peer is wrong": {[]string{"odd", "app1"}, []string{"app1"}, probe.Answer{
			Verdict: probe.Pass, Detail: same, Warning: "the session of 127.0.0.1 led to odd, here to app1",
		}},
		"all peers are wrong":     {[]string{"app2", "app3"}, []string{"app1"}, failed("app2, here to app1")},
		"only the fourth is like": {[]string{"app2", "app3", "app4", "app1"}, []string{"app1"}, failed("app2, here to app1")},
	} {
		var peers []netip.AddrPort
		for _, backend := range c.peers {
			peers = append(peers, member(t, backend))
		}
		got := ask(t, probe.Journey(journey(peers...)), member(t, "any", c.here...), soon)
		if got.Phases.Connect == 0 || got.Phases.FirstByte == 0 {
			t.Errorf("%s: no phases: %+v", name, got.Phases)
		}
		got.Phases = probe.Phases{}
		if got != c.want {
			t.Errorf("%s: got %+v\nwant %+v", name, got, c.want)
		}
	}
}

// The name of a backend can stand in a page, or be told by a cookie that is not set again.
func TestABackendIsNamedByWhatTheCheckSays(t *testing.T) {
	peer := member(t, "app1")
	sets := func(cookies string) func(net.Conn) { return answer("HTTP/1.1 200 OK\r\n" + cookies + "\r\n") }
	for name, c := range map[string]struct {
		o      func(o *probe.JourneyOptions)
		here   func(net.Conn)
		detail string // empty: it passes
	}{
		"body":         {func(o *probe.JourneyOptions) { o.BackendBody = regexp.MustCompile(`by (\w+)`) }, balance("app1"), ""},
		"another body": {func(o *probe.JourneyOptions) { o.BackendBody = regexp.MustCompile(`by (\w+)`) }, balance("app2"), "the session of 127.0.0.1 led to app1, here to app2"},
		"an endless body": {func(o *probe.JourneyOptions) { o.BackendBody = regexp.MustCompile(`by (\w+)`) }, func(c net.Conn) {
			if request(c) != nil {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
				endless(c, "served by app1.\n")
			}
		}, ""},
		"an odd body": {
			func(o *probe.JourneyOptions) { o.BackendBody = regexp.MustCompile(`by (\w+)`) },
			answer("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n\xff\xc0\xfe by app1\n"), "",
		},
		"no body": {
			func(o *probe.JourneyOptions) { o.BackendBody = regexp.MustCompile(`by (\w+)`) },
			answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nby "), "the session of 127.0.0.1 led to app1, and the answer here has a body that names no backend",
		},
		"the cookie again":       {func(o *probe.JourneyOptions) { o.BackendCookie = "SRV" }, sets("Set-Cookie: SRV=" + sesame + "\r\n"), ""},
		"the cookie left alone":  {func(o *probe.JourneyOptions) { o.BackendCookie = "SRV" }, sets("Set-Cookie: x=y\r\n"), ""},
		"the cookie changed":     {func(o *probe.JourneyOptions) { o.BackendCookie = "SRV" }, sets("Set-Cookie: SRV=geheim\r\n"), "the session of 127.0.0.1 was not kept: here the cookie SRV gets another value"},
		"the cookie deleted":     {func(o *probe.JourneyOptions) { o.BackendCookie = "SRV" }, sets("Set-Cookie: SRV=" + sesame + "; Max-Age=0\r\n"), "the session of 127.0.0.1 was not kept: here the cookie SRV gets another value"},
		"the cookie expired":     {func(o *probe.JourneyOptions) { o.BackendCookie = "SRV" }, sets("Set-Cookie: SRV=" + sesame + "; Expires=Thu, 01 Jan 1970 00:00:01 GMT\r\n"), "the session of 127.0.0.1 was not kept: here the cookie SRV gets another value"},
		"another cookie changed": {func(o *probe.JourneyOptions) { o.BackendCookie = "other" }, sets("Set-Cookie: other=y\r\n"), "the session of 127.0.0.1 was not kept: here the cookie other gets another value"},
	} {
		o := journey(peer)
		o.BackendHeader = ""
		c.o(&o)
		a := ask(t, probe.Journey(o), serve(t, c.here), soon)
		if (a.Verdict == probe.Pass) != (c.detail == "") || c.detail != "" && (a.Reason != probe.Session || a.Detail != c.detail) {
			t.Errorf("%s: got %+v", name, a)
		}
		if text := fmt.Sprint(a); strings.Contains(text, sesame) || strings.Contains(text, "geheim") {
			t.Errorf("%s: the answer holds the session: %s", name, text)
		}
	}
}

func TestTheSessionIsSentAsABrowserWouldSendIt(t *testing.T) {
	ca := newAuthority(t)
	config := ca.config("www.example.com", time.Hour)
	got := make(chan *http.Request, 8)
	tell := func(conn net.Conn) {
		r := request(conn)
		got <- r
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nSet-Cookie: SRV=\"ab\"; Secure\r\nSet-Cookie: id=7\r\nSet-Cookie: x=y\r\nX-Backend: app1\r\n\r\n")
	}
	o := journey(serveTLS(t, config, tell))
	o.TLS, o.Path, o.BackendHeader, o.BackendCookie = &probe.TLSOptions{Roots: ca.roots, WarnDays: 1}, "/cart?a=b", "", "id"
	o.Header = opsHeader()
	o.Header.Set("Cookie", "consent=yes")
	if a := ask(t, probe.Journey(o), serveTLS(t, config, tell), soon); a.Verdict != probe.Pass || a.Phases.TLS == 0 || a.Warning == "" {
		t.Errorf("got %+v", a)
	}
	if len(got) != 4 {
		t.Fatalf("%d requests, want one to the peer and three to the address", len(got))
	}
	for n := range 4 {
		r := <-got
		want := "consent=yes"
		if n > 0 {
			want = `consent=yes; SRV="ab"; id=7`
		}
		_, password, _ := r.BasicAuth()
		if cookies := strings.Join(r.Header["Cookie"], "|"); cookies != want || r.Host != "www.example.com" || r.RequestURI != "/cart?a=b" || password != sesame {
			t.Errorf("request %d: %s of %s with cookies %s", n, r.RequestURI, r.Host, cookies)
		}
	}
}

func TestAPeerThatGivesNoSessionIsLeftOut(t *testing.T) {
	here := member(t, "app1")
	for name, c := range map[string]struct {
		peer   netip.AddrPort
		detail string
	}{
		"refuses":   {closedPort(t), "connection refused"},
		"resets":    {serve(t, reset), "connection reset by the far side"},
		"fails":     {serve(t, answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")), "answered 503 Service Unavailable"},
		"no cookie": {serve(t, answer("HTTP/1.1 200 OK\r\nX-Backend: app1\r\n\r\n")), "its answer sets no cookie SRV"},
		"an empty cookie": {
			serve(t, answer("HTTP/1.1 200 OK\r\nSet-Cookie: SRV=\r\nX-Backend: app1\r\n\r\n")), "its answer sets no cookie SRV",
		},
		"a huge cookie": {
			serve(t, answer("HTTP/1.1 200 OK\r\nSet-Cookie: SRV="+strings.Repeat("x", 4097)+"\r\nX-Backend: app1\r\n\r\n")), "its answer sets no cookie SRV",
		},
		"no backend": {serve(t, answer("HTTP/1.1 200 OK\r\nSet-Cookie: SRV=x\r\n\r\n")), "its answer has no header X-Backend"},
		"garbage":    {serve(t, answer("\x00\x1b[2J\r\n\r\n")), ""},
		"endless":    {serve(t, func(c net.Conn) { endless(c, "HTTP/1.1 103 Early Hints\r\n\r\n") }), ""},
	} {
		if a := ask(t, probe.Journey(journey(c.peer, member(t, "app1"))), here, soon); a.Verdict != probe.Pass || a.Warning != "" {
			t.Errorf("%s: got %+v", name, a)
		}
		a := ask(t, probe.Journey(journey(c.peer)), here, soon)
		if a.Verdict != probe.Inconclusive || a.Reason != probe.NoPeer || !strings.HasPrefix(a.Detail, "no other member gave a session: 127.0.0.1: "+c.detail) {
			t.Errorf("%s alone: got %+v", name, a)
		}
		checkHarmless(t, a.Detail)
		if a := ask(t, probe.Journey(journey(c.peer, c.peer, c.peer, member(t, "app1"))), here, soon); a.Reason != probe.NoPeer {
			t.Errorf("a fourth peer was asked: %s: got %+v", name, a)
		}
	}
	a := ask(t, probe.Journey(journey()), here, soon)
	if a.Verdict != probe.Inconclusive || a.Reason != probe.NoPeer || !strings.HasPrefix(a.Detail, "only one member") {
		t.Errorf("no peers: got %+v", a)
	}
}

// A silent peer has a quarter of the time and all have half of it; what is left is the address's own.
func TestSilentPeersLeaveTheAddressHalfOfTheTime(t *testing.T) {
	const timeout = 10 * time.Second
	silent, good := netip.MustParseAddrPort("192.0.2.1:80"), netip.MustParseAddrPort("192.0.2.2:80")
	for name, c := range map[string]struct {
		peers  []netip.AddrPort
		reason probe.Reason
		took   time.Duration
	}{
		"only silent ones":    {[]netip.AddrPort{silent, silent, silent}, probe.NoPeer, timeout / 2},
		"one silent one":      {[]netip.AddrPort{silent}, probe.NoPeer, timeout / 4},
		"a silent one first":  {[]netip.AddrPort{silent, good}, probe.AnswerTimeout, timeout},
		"all answer but here": {[]netip.AddrPort{good}, probe.AnswerTimeout, timeout},
	} {
		synctest.Test(t, func(t *testing.T) {
			var far sync.WaitGroup
			defer far.Wait()
			o := journey(c.peers...)
			o.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
				near, conn := net.Pipe()
				far.Go(func() {
					defer conn.Close()
					if address == good.String() {
						balance("app1")(conn)
						return
					}
					wait(conn)
				})
				return near, nil
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			a := probe.Journey(o)(ctx, target(netip.MustParseAddrPort("192.0.2.9:80")))
			if a.Reason != c.reason || a.Phases.Whole != c.took {
				t.Errorf("%s: got %+v, want %q after %s", name, a, c.reason, c.took)
			}
		})
	}
}

func TestAnAddressThatDoesNotAnswerFailsForItsOwnReason(t *testing.T) {
	ca := newAuthority(t)
	peer := member(t, "app1")
	for name, c := range map[string]struct {
		here   netip.AddrPort
		reason probe.Reason
	}{
		"refuses": {closedPort(t), probe.Refused},
		"resets":  {serve(t, reset), probe.Reset},
		"ends":    {serve(t, func(c net.Conn) { answerAndEnd(c, "") }), probe.Closed},
		"fails":   {serve(t, answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")), probe.Status},
		"garbage": {serve(t, answer("\x00\x1b[2J\r\n\r\n")), probe.Protocol},
		"TLS":     {serveTLS(t, ca.config("www.example.com", time.Hour), wait), probe.Closed},
	} {
		if a := ask(t, probe.Journey(journey(peer)), c.here, soon); a.Verdict != probe.Fail || a.Reason != c.reason && name != "TLS" {
			t.Errorf("%s: got %+v, want %q", name, a, c.reason)
		}
	}
	o := journey(serveTLS(t, ca.config("www.example.com", time.Hour), balance("app1")))
	o.TLS = &probe.TLSOptions{Roots: ca.roots}
	here := serveTLS(t, ca.config("elsewhere.example.net", time.Hour), balance("app1"))
	if a := ask(t, probe.Journey(o), here, soon); a.Verdict != probe.Fail || a.Reason != probe.TLSName {
		t.Errorf("another certificate: got %+v", a)
	}
}

func TestOwnTroubleWithASessionSaysNothing(t *testing.T) {
	ends := func(cancel func()) func(net.Conn) {
		return func(conn net.Conn) {
			if request(conn) != nil {
				cancel()
				wait(conn)
			}
		}
	}
	for _, where := range []string{"peer", "address"} {
		ctx, cancel := context.WithCancel(t.Context())
		peer, here := member(t, "app1"), serve(t, ends(cancel))
		if where == "peer" {
			peer, here = here, peer
		}
		if a := probe.Journey(journey(peer))(ctx, target(here)); a.Verdict != probe.Inconclusive || a.Reason != probe.Cancelled {
			t.Errorf("cancelled at the %s: got %+v", where, a)
		}
		o := journey(peer)
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if (address == peer.String()) == (where == "peer") {
				return nil, syscall.EMFILE
			}
			return dial()(ctx, network, address)
		}
		want := map[string]probe.Reason{"peer": probe.NoPeer, "address": probe.OwnResources}[where]
		if a := ask(t, probe.Journey(o), member(t, "app1"), soon); a.Verdict != probe.Inconclusive || a.Reason != want {
			t.Errorf("no descriptor for the %s: got %+v", where, a)
		}
	}
}

func TestSessionsAndStatisticsAreReadOverIPv6(t *testing.T) {
	peer := serveOn(t, "[::1]:0", balance("app1"))
	if a := ask(t, probe.Journey(journey(peer)), serveOn(t, "[::1]:0", balance("app1")), soon); a.Detail != "the session of ::1 leads to app1 here too" {
		t.Errorf("session: got %+v", a)
	}
	if a := ask(t, probe.HAProxy(stats("/")), serveOn(t, "[::1]:0", haproxyPage("text/csv", csvPage())), soon); a.Verdict != probe.Pass {
		t.Errorf("haproxy: got %+v", a)
	}
}

func TestSessionsAndStatisticsLeaveNoDescriptorBehind(t *testing.T) {
	before := descriptors(t)
	t.Run("probes", func(t *testing.T) { // its listeners are closed when it ends
		for _, talk := range []func(net.Conn){balance("app1"), haproxyPage("text/csv", csvPage()), reset, wait, func(net.Conn) {}} {
			addr := serve(t, talk)
			for range 5 {
				ask(t, probe.HAProxy(stats("/")), addr, 20*time.Millisecond)
				ask(t, probe.Journey(journey(addr)), addr, 40*time.Millisecond)
				ask(t, probe.Journey(journey(member(t, "app1"))), addr, 40*time.Millisecond)
			}
		}
	})
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func FuzzASessionIsFollowed(f *testing.F) {
	const begun = "HTTP/1.1 200 OK\r\nSet-Cookie: SRV=s1; path=/\r\nX-Backend: app1\r\n\r\nserved by app1"
	for _, text := range []string{
		begun, ok, "", "HTTP/1.1 200 OK\r\nSet-Cookie: SRV=\"a;b\r\nSet-Cookie: =\r\nX-Backend: \x1b[2J\r\n\r\n",
		"HTTP/1.1 200 OK\r\nSet-Cookie: SRV=s2; Expires=Thu, 01 Jan 1970 00:00:01 GMT\r\n\r\n", "HTTP/1.1 302 Found\r\n\r\n",
	} {
		f.Add([]byte(begun), []byte(text), uint8(0))
		f.Add([]byte(text), []byte(begun), uint8(1))
	}
	f.Fuzz(func(t *testing.T, there, here []byte, how uint8) {
		peer := netip.MustParseAddrPort("192.0.2.1:80")
		o := journey(peer)
		o.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
			if address == peer.String() {
				return script{text: strings.NewReader(string(there))}, nil
			}
			return script{text: strings.NewReader(string(here))}, nil
		}
		switch how % 3 {
		case 1:
			o.BackendHeader, o.BackendCookie = "", "SRV"
		case 2:
			o.BackendHeader, o.BackendBody = "", regexp.MustCompile(`by (\w+)`)
		}
		a := probe.Journey(o)(t.Context(), target(netip.MustParseAddrPort("192.0.2.2:80")))
		checkHarmless(t, a.Detail)
		switch {
		case a.Verdict == probe.Inconclusive && a.Reason != probe.NoPeer:
			t.Errorf("an answer is never our own trouble: %+v", a)
		case a.Verdict != probe.Inconclusive && !strings.Contains(string(there), "SRV="):
			t.Errorf("judged without a session: %+v", a)
		}
	})
}
