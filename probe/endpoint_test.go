package probe_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/probe"
)

// street is a few houses under one name: what listens at each address. One that
// is not in it refuses.
type street struct {
	name  []string // the resolver's answer
	at    map[string]netip.AddrPort
	err   map[string]error // of the dial
	asked atomic.Int64     // connections
}

func (s *street) resolve(context.Context, string) ([]netip.Addr, error) {
	var list []netip.Addr
	for _, a := range s.name {
		list = append(list, netip.MustParseAddr(a))
	}
	return list, nil
}

// dial leads to what listens at an address; "hush" as an error is silence.
func (s *street) dial(ctx context.Context, network, address string) (net.Conn, error) {
	s.asked.Add(1)
	addr := netip.MustParseAddrPort(address).Addr().String()
	if err := s.err[addr]; errors.Is(err, errHush) {
		<-ctx.Done()
		return nil, ctx.Err()
	} else if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	to, ok := s.at[addr]
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	return dial()(ctx, network, to.String())
}

var errHush = errors.New("nobody answers")

// endpoint asks the street's page.
func (s *street) endpoint(t *testing.T, edit func(*probe.EndpointOptions)) probe.Func {
	t.Helper()
	o := probe.EndpointOptions{HTTP: page(), Port: 80, Resolve: s.resolve}
	o.HTTP.Dial = s.dial
	if edit != nil {
		edit(&o)
	}
	return probe.Endpoint(o)
}

// browse asks an endpoint, which has no address of its own.
func browse(t *testing.T, f probe.Func, timeout time.Duration) probe.Answer {
	t.Helper()
	a := ask(t, f, netip.AddrPort{}, timeout)
	checkHarmless(t, a.Detail)
	checkHarmless(t, a.Warning)
	return a
}

const (
	first  = "203.0.113.1"
	second = "203.0.113.2"
	third  = "203.0.113.3"
	sixth  = "2001:db8::6"
)

func TestAnEndpointTriesTheAddressesInTurn(t *testing.T) {
	const busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
	well, ill, other := serve(t, answer(ok)), serve(t, answer(busy)), serve(t, answer(strings.Replace(ok, "hello", "other", 1)))
	cut, ended := serve(t, func(c net.Conn) { request(c); reset(c) }), serve(t, func(c net.Conn) { request(c) })
	for name, c := range map[string]struct {
		names   []string
		at      map[string]netip.AddrPort
		err     map[string]error
		reason  probe.Reason
		detail  string
		asked   int64
		warning bool
	}{
		"the first serves": {names: []string{first, second}, at: map[string]netip.AddrPort{first: well},
			detail: "served by 203.0.113.1: answered 200 OK", asked: 1},
		"the second serves": {names: []string{first, second}, at: map[string]netip.AddrPort{second: well},
			detail: "served at the second address, 203.0.113.2: 203.0.113.1 refused", asked: 2, warning: true},
		"the third serves": {names: []string{first, second, third}, at: map[string]netip.AddrPort{third: well}, err: map[string]error{second: syscall.EHOSTUNREACH},
			detail: "served at the third address, 203.0.113.3: 203.0.113.1 refused; 203.0.113.2 unreachable", asked: 3, warning: true},
		"none serves": {names: []string{first, second}, err: map[string]error{second: syscall.ECONNRESET},
			reason: probe.NotServed, detail: "203.0.113.1 refused; 203.0.113.2 reset", asked: 2},
		"a 503 is an answer": {names: []string{first, second}, at: map[string]netip.AddrPort{first: ill, second: well},
			reason: probe.Status, detail: "203.0.113.1: answered 503 Service Unavailable", asked: 1},
		"another text is one": {names: []string{first, second}, at: map[string]netip.AddrPort{first: other, second: well},
			reason: probe.Body, detail: `203.0.113.1: answered 200 OK, but the body's first 5 bytes lack "hello"`, asked: 1},
		"a reset after the request": {names: []string{first, second}, at: map[string]netip.AddrPort{first: cut, second: well},
			reason: probe.Reset, detail: "203.0.113.1: connection reset by the far side", asked: 1},
		"an end without an answer": {names: []string{first, second}, at: map[string]netip.AddrPort{first: ended, second: well},
			reason: probe.Closed, detail: "203.0.113.1: connection closed by the far side before it answered", asked: 1},
		"a 503 at the second": {names: []string{first, second}, at: map[string]netip.AddrPort{second: ill},
			reason: probe.Status, detail: "203.0.113.2: answered 503 Service Unavailable; before it, 203.0.113.1 refused", asked: 2},
		"no way to IPv6 from here": {names: []string{sixth, first}, at: map[string]netip.AddrPort{first: well}, err: map[string]error{sixth: syscall.ENETUNREACH},
			detail: "served by 203.0.113.1: answered 200 OK", asked: 2},
		"no IPv6 here, and IPv4 refuses": {names: []string{sixth, first}, err: map[string]error{sixth: syscall.EADDRNOTAVAIL},
			reason: probe.NotServed, detail: "203.0.113.1 refused", asked: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := &street{name: c.names, at: c.at, err: c.err}
			a := browse(t, s.endpoint(t, func(o *probe.EndpointOptions) { o.HTTP.Body = "hello" }), soon)
			if a.Reason != c.reason || a.Detail != c.detail || s.asked.Load() != c.asked {
				t.Errorf("got %s %q %q by %d connections", a.Verdict, a.Reason, a.Detail, s.asked.Load())
			}
			if (a.Verdict == probe.Pass) != (c.reason == "") || probe.Elsewhere(a) != c.warning || (a.Warning == a.Detail) != c.warning {
				t.Errorf("got %+v", a)
			}
		})
	}
}

func TestAnEndpointThatCannotBeAskedFromHereSaysNothing(t *testing.T) {
	for name, c := range map[string]struct {
		names  []string
		err    map[string]error
		reason probe.Reason
	}{
		"no way to any":                {[]string{sixth, first}, map[string]error{sixth: syscall.ENETUNREACH, first: syscall.ENETUNREACH}, probe.OwnNetwork},
		"no way to some of one family": {[]string{first, second}, map[string]error{second: syscall.ENETUNREACH}, probe.OwnNetwork},
		"no descriptor":                {[]string{first, second}, map[string]error{first: syscall.EMFILE}, probe.OwnResources},
	} {
		t.Run(name, func(t *testing.T) {
			a := browse(t, (&street{name: c.names, err: c.err}).endpoint(t, nil), soon)
			if a.Verdict != probe.Inconclusive || a.Reason != c.reason || a.Detail == "" {
				t.Errorf("got %+v, want %q", a, c.reason)
			}
		})
	}
}

func TestAnEndpointSaysWhyNobodyCouldBeAsked(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		verdict probe.Verdict
		reason  probe.Reason
	}{
		"the zone has none":       {fmt.Errorf("www.example.com does not exist: %w", probe.ErrNoAddress), probe.Fail, probe.Records},
		"the resolver is silent":  {context.DeadlineExceeded, probe.Inconclusive, probe.Resolver},
		"the resolver is gone":    {syscall.ECONNREFUSED, probe.Inconclusive, probe.Resolver},
		"no way to the resolver":  {syscall.ENETUNREACH, probe.Inconclusive, probe.OwnNetwork},
		"no descriptor to ask it": {syscall.EMFILE, probe.Inconclusive, probe.OwnResources},
		"an empty answer":         {nil, probe.Fail, probe.Records},
	} {
		t.Run(name, func(t *testing.T) {
			f := (&street{}).endpoint(t, func(o *probe.EndpointOptions) {
				o.Resolve = func(context.Context, string) ([]netip.Addr, error) { return nil, c.err }
			})
			if a := browse(t, f, soon); a.Verdict != c.verdict || a.Reason != c.reason || a.Detail == "" {
				t.Errorf("got %+v, want %s, %q", a, c.verdict, c.reason)
			}
		})
	}
}

func TestAnEndpointThatIsCutShortSaysNothing(t *testing.T) {
	for name, f := range map[string]func(*testing.T, context.CancelFunc) probe.Func{
		"while it resolves": func(t *testing.T, cancel context.CancelFunc) probe.Func {
			return (&street{}).endpoint(t, func(o *probe.EndpointOptions) {
				o.Resolve = func(ctx context.Context, _ string) ([]netip.Addr, error) {
					cancel()
					<-ctx.Done()
					return nil, ctx.Err()
				}
			})
		},
		"while it dials": func(t *testing.T, cancel context.CancelFunc) probe.Func {
			time.AfterFunc(20*time.Millisecond, cancel)
			return (&street{name: []string{first, second}, err: map[string]error{first: errHush, second: errHush}}).endpoint(t, nil)
		},
		"while it waits": func(t *testing.T, cancel context.CancelFunc) probe.Func {
			at := serve(t, func(c net.Conn) { request(c); cancel(); wait(c) })
			return (&street{name: []string{first, second}, at: map[string]netip.AddrPort{first: at}}).endpoint(t, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(within(t, soon))
			defer cancel()
			if a := f(t, cancel)(ctx, probe.Target{}); a.Verdict != probe.Inconclusive || a.Reason != probe.Cancelled {
				t.Errorf("got %+v", a)
			}
		})
	}
}

// A silent address leaves the others their share, and an answer that takes long
// may take all the time that is left.
func TestAnEndpointSharesItsTimeFairly(t *testing.T) {
	for name, c := range map[string]struct {
		silent []string
		after  time.Duration // the answer comes so long after the request
		reason probe.Reason
		took   time.Duration
	}{
		"one silent":              {silent: []string{first}, took: 3 * time.Second},
		"two silent":              {silent: []string{first, second}, took: 6 * time.Second},
		"all silent":              {silent: []string{first, second, third}, reason: probe.NotServed, took: 9 * time.Second},
		"a slow answer":           {after: 8 * time.Second, took: 8 * time.Second},
		"two silent, then a slow": {silent: []string{first, second}, after: 2 * time.Second, took: 8 * time.Second},
		"an answer that is late":  {after: time.Minute, reason: probe.AnswerTimeout, took: 9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var wg sync.WaitGroup
				defer wg.Wait()
				f := (&street{name: []string{first, second, third}}).endpoint(t, func(o *probe.EndpointOptions) {
					o.HTTP.Dial = pipedSite(&wg, c.silent, c.after)
				})
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
				defer cancel()
				a := f(ctx, probe.Target{})
				if took := time.Since(start); a.Reason != c.reason || took != c.took || a.Phases.Whole != took {
					t.Errorf("got %+v after %s, want %q after %s", a, took, c.reason, c.took)
				}
			})
		})
	}
}

// pipedSite dials servers on pipes that answer some time after the request.
func pipedSite(wg *sync.WaitGroup, silent []string, after time.Duration) probe.Dial {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		for _, s := range silent {
			if strings.HasPrefix(address, s+":") {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}
		near, far := net.Pipe()
		wg.Go(func() {
			defer far.Close()
			if request(far) != nil {
				time.Sleep(after)
				_, _ = io.WriteString(far, ok)
			}
		})
		return near, nil
	}
}

func TestAnEndpointPassesOverAHandshakeThatFailsAndNotACertificate(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	secured := func(name string, lasts time.Duration) netip.AddrPort {
		return serveTLS(t, ca.config(name, lasts), answer(ok))
	}
	well := secured("www.example.com", time.Hour)
	refusing := ca.config("www.example.com", time.Hour)
	refusing.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errHush }
	for name, c := range map[string]struct {
		at     netip.AddrPort
		reason probe.Reason
	}{
		"well":                  {well, ""},
		"plain text":            {serve(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 ready\r\n"); wait(c) }), probe.TLSHandshake},
		"an alert":              {serveTLS(t, refusing, wait), probe.TLSHandshake},
		"a reset":               {serve(t, reset), probe.Reset},
		"silence":               {serve(t, wait), probe.AnswerTimeout},
		"another name":          {secured("mail.example.com", time.Hour), probe.TLSName},
		"a certificate too old": {secured("www.example.com", -time.Hour), probe.TLSExpired},
	} {
		t.Run(name, func(t *testing.T) {
			s := &street{name: []string{first, second}, at: map[string]netip.AddrPort{first: c.at, second: well}}
			f := s.endpoint(t, func(o *probe.EndpointOptions) { o.HTTP.TLS = &probe.TLSOptions{Roots: ca.roots} })
			a := browse(t, f, 2*time.Second)
			shown := c.reason == probe.TLSName || c.reason == probe.TLSExpired
			switch {
			case c.reason == "" && a.Detail != "served by 203.0.113.1: answered 200 OK":
				t.Errorf("got %+v", a)
			case shown && (a.Reason != c.reason || s.asked.Load() != 1 || !strings.HasPrefix(a.Detail, "203.0.113.1: ")):
				t.Errorf("got %+v by %d connections", a, s.asked.Load())
			case c.reason != "" && !shown && a.Detail != "served at the second address, 203.0.113.2: 203.0.113.1 "+string(c.reason):
				t.Errorf("got %+v", a)
			}
			if c.reason == "" && (a.Phases.TLS == 0 || a.Phases.Connect == 0 || a.Phases.FirstByte == 0) {
				t.Errorf("phases: %+v", a.Phases)
			}
		})
	}
}

// A server that is silent after the handshake is what users wait for: it is
// given the whole time, and the next address is not asked.
func TestAnEndpointWaitsForAnAnswerOnceTheHandshakeIsOver(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := ca.config("www.example.com", time.Hour)
		config.MinVersion, config.MaxVersion = version, version
		s := &street{name: []string{first, second, third}, at: map[string]netip.AddrPort{first: serveTLS(t, config, wait)}}
		f := s.endpoint(t, func(o *probe.EndpointOptions) { o.HTTP.TLS = &probe.TLSOptions{Roots: ca.roots} })
		start := time.Now()
		a := browse(t, f, 600*time.Millisecond)
		if took := time.Since(start); a.Reason != probe.AnswerTimeout || s.asked.Load() != 1 || took < 500*time.Millisecond {
			t.Errorf("%x: got %+v by %d connections after %s", version, a, s.asked.Load(), took)
		}
	}
}

func TestAnEndpointAsksTheNameAndNoMoreThanEightAddresses(t *testing.T) {
	hosts := make(chan string, 1)
	at := serve(t, func(c net.Conn) {
		if r := request(c); r != nil {
			hosts <- r.Host
		}
		_, _ = io.WriteString(c, ok)
		wait(c)
	})
	s := &street{at: map[string]netip.AddrPort{"203.0.113.8": at, "203.0.113.9": at}}
	for n := 1; n <= 12; n++ {
		s.name = append(s.name, fmt.Sprintf("203.0.113.%d", n))
	}
	if a := browse(t, s.endpoint(t, nil), soon); !strings.HasPrefix(a.Detail, "served at the eighth address, 203.0.113.8: ") || <-hosts != "www.example.com" {
		t.Errorf("got %+v", a)
	}
	delete(s.at, "203.0.113.8")
	if a := browse(t, s.endpoint(t, nil), soon); a.Reason != probe.NotServed || s.asked.Load() != 16 {
		t.Errorf("got %+v by %d connections", a, s.asked.Load())
	}
}

func TestAnEndpointEndsWhateverAHostileServerDoes(t *testing.T) {
	const timeout = 100 * time.Millisecond
	before := descriptors(t)
	t.Run("servers", func(t *testing.T) {
		for name, talk := range map[string]func(net.Conn){
			"endless":  func(c net.Conn) { request(c); endless(c, "x") },
			"headers":  func(c net.Conn) { request(c); _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n"); endless(c, "A: b\r\n") },
			"body":     func(c net.Conn) { request(c); endless(c, "HTTP/1.1 200 OK\r\n\r\nx") },
			"nothing":  wait,
			"an end":   func(net.Conn) {},
			"a reset":  reset,
			"no HTTP":  func(c net.Conn) { request(c); _, _ = io.WriteString(c, "\x00\xff\x1b\n"); wait(c) },
			"dripping": func(c net.Conn) { request(c); _, _ = io.WriteString(c, "H"); wait(c) },
		} {
			at := serve(t, talk)
			for _, roots := range []*probe.TLSOptions{nil, {}} {
				s := &street{name: []string{first, second, sixth}, at: map[string]netip.AddrPort{first: at, second: at, sixth: at}}
				f := s.endpoint(t, func(o *probe.EndpointOptions) { o.HTTP.Body, o.HTTP.TLS = "never there", roots })
				if a := browse(t, f, timeout); a.Verdict != probe.Fail {
					t.Errorf("%s: got %+v", name, a)
				}
			}
		}
	})
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestAnEndpointIsAskedOverIPv6(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			defer c.Close()
			answer(ok)(c)
		}
	}()
	r := newResolver(t, zoneFile("AAAA ::1"))
	o := probe.EndpointOptions{HTTP: page(), Port: netip.MustParseAddrPort(l.Addr().String()).Port(), Resolve: probe.ServerResolver(r.at, dial())}
	if a := browse(t, probe.Endpoint(o), soon); a.Detail != "served by ::1: answered 200 OK" {
		t.Errorf("got %+v", a)
	}
}
