package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

// balancers are load balancers on 127.0.0.1, 127.0.0.2 … at one port; each answers by handler. Not every machine has
// these addresses.
func balancers(t *testing.T, handlers ...http.Handler) []netip.AddrPort {
	t.Helper()
	var at []netip.AddrPort
	for n, handler := range handlers {
		want := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(n + 1)}), 0)
		if n > 0 {
			want = netip.AddrPortFrom(want.Addr(), at[0].Port())
		}
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", want.String())
		if err != nil {
			t.Skip("no second loopback address here: ", err)
		}
		server := httptest.NewUnstartedServer(handler)
		server.Listener.Close()
		server.Listener = l
		server.Start()
		t.Cleanup(server.Close)
		at = append(at, netip.MustParseAddrPort(l.Addr().String()))
	}
	return at
}

// askAll asks every address the only check of this configuration, as rrwatch does.
func askAll(t *testing.T, check string, at []netip.AddrPort) []probe.Answer {
	t.Helper()
	text := fmt.Sprintf("region: eu-central-1\nmode: observe\npools: [{name: www, record: www.example.com, zone: example.com, checks: [{port: %d, timeout: 4s, %s}]}]",
		at[0].Port(), check)
	cfg, err := config.Parse("test.yaml", []byte(text), func(string) (string, bool) { return "geheim", true })
	if err != nil {
		t.Fatal(err)
	}
	roster := &probe.Roster{}
	spec := specs(cfg, tools{dial: dialer(), roster: roster})[0]
	pool := &failover.Pool{Name: "www"}
	for _, a := range at {
		pool.Members = append(pool.Members, failover.Member{Addr: a.Addr(), Published: true})
	}
	watches := failover.Watches(spec, pool)
	enroll(roster, watches)
	return askOnce(t.Context(), watches)
}

// sticky is a load balancer that leads new sessions to app1 and those that it knows to their backend.
func sticky(backends map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		backend := "app1"
		if c, err := r.Cookie("SRV"); err == nil {
			backend = backends[c.Value]
		} else {
			http.SetCookie(w, &http.Cookie{Name: "SRV", Value: "s1"})
		}
		if r.Host != "www.example.com" || r.URL.Path != "/cart" || r.Header.Get("X-Probe") != "geheim" {
			backend = "wrongly asked"
		}
		w.Header().Set("X-Backend", backend)
		_, _ = fmt.Fprintf(w, "served by %s.\n", backend)
	})
}

func TestASessionIsFollowedFromMemberToMember(t *testing.T) {
	good, odd := map[string]string{"s1": "app1"}, map[string]string{"s1": "app3"}
	const check = `kind: session, path: /cart, headers: {x-probe: "${TOKEN}"}, status: [200], cookie: SRV, `
	at := balancers(t, sticky(good), sticky(good), sticky(odd))
	for _, how := range []string{"backend_header: X-Backend", "backend_body: 'by (\\w+)'"} {
		answers := askAll(t, check+how, at)
		for n, want := range []string{
			"the session of 127.0.0.2 leads to app1 here too", "the session of 127.0.0.3 leads to app1 here too", "the session of 127.0.0.1 led to app1, here to app3",
		} {
			if a := answers[n]; a.Detail != want || (a.Verdict == probe.Pass) != (n < 2) {
				t.Errorf("%s: %s: got %+v", how, at[n], a)
			}
		}
	}
	answers := askAll(t, check+"backend_cookie: SRV", at)
	if a := answers[0]; a.Verdict != probe.Pass || a.Detail != "the session of 127.0.0.2 is kept here" {
		t.Errorf("by the cookie: got %+v", a)
	}
	if a := askAll(t, check+"tls: true, backend_cookie: SRV", at)[0]; a.Reason != probe.NoPeer {
		t.Errorf("over TLS: got %+v", a)
	}
	if a := askAll(t, check+"backend_cookie: SRV", at[:1])[0]; a.Reason != probe.NoPeer {
		t.Errorf("one member: got %+v", a)
	}
}

func TestHAProxysStatisticsAreAskedAsConfigured(t *testing.T) {
	at := balancers(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "ops" || password != "geheim" || r.Host != "lb.example.com" || r.RequestURI != "/stats;csv" || r.Header.Get("X-Probe") != "1" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "# pxname,svname,status,act,bck\napp,s1,UP,1,0\napp,s2,UP,1,0\napp,s3,UP,0,1\napp,BACKEND,UP,2,1\nold,s1,UP,0,1\nold,BACKEND,UP,0,1\n")
	}))
	const check = `kind: haproxy, host: lb.example.com, path: /stats;csv, headers: {x-probe: "1"}, basic_auth: {user: ops, password: "${PW}"}, `
	for more, want := range map[string]probe.Reason{
		"backend: app, servers: 2":            "",
		"backend: app, servers: 3":            probe.Servers,
		"backend: old":                        "",
		"backend: old, backups: false":        probe.Servers,
		"servers: 1":                          probe.Internal,
		"backend: app, servers: 2, tls: true": probe.TLSHandshake,
	} {
		if a := askAll(t, check+more, at)[0]; a.Reason != want {
			t.Errorf("%s: got %+v, want %q", more, a, want)
		}
	}
	a := askAll(t, strings.Replace(check, "basic_auth: {user: ops, ", "basic_auth: {user: eve, ", 1)+"backend: app", at)[0]
	if a.Reason != probe.Status || strings.Contains(fmt.Sprint(a), "geheim") {
		t.Errorf("another user: got %+v", a)
	}
}

// recorder is a watcher that only remembers its list.
type recorder struct {
	failover.Watcher
	list []monitor.Watch
	seen func() []netip.AddrPort // what is known of the list when it comes
	then []netip.AddrPort
}

func (r *recorder) Replace(list []monitor.Watch) error {
	r.list, r.then = list, r.seen()
	return nil
}

func TestTheRosterKnowsTheListBeforeItIsWatched(t *testing.T) {
	roster := &probe.Roster{}
	watch := func(pool, check, addr string) monitor.Watch {
		return monitor.Watch{Target: probe.Target{Pool: pool, Check: check, Addr: netip.MustParseAddrPort(addr)}}
	}
	first := watch("www", "session", "203.0.113.1:443")
	w := &recorder{seen: func() []netip.AddrPort { return roster.Peers(first.Target) }}
	list := []monitor.Watch{
		{Target: failover.Endpoint{Name: "users"}.Target("www")}, first, watch("www", "http", "203.0.113.1:80"), watch("api", "http", "203.0.113.9:80"),
		watch("www", "session", "203.0.113.3:443"), watch("www", "session", "10.0.0.7:443"),
	}
	if err := (enrolling{w, roster}).Replace(list); err != nil || len(w.list) != len(list) {
		t.Fatalf("got %v, %d watches", err, len(w.list))
	}
	want := []netip.AddrPort{netip.MustParseAddrPort("203.0.113.3:443"), netip.MustParseAddrPort("10.0.0.7:443")}
	if !slices.Equal(w.then, want) {
		t.Errorf("the peers are %v, want %v", w.then, want)
	}
}

// The demo's site sets no cookie: whoever says so has found a peer and asked it.
func TestEveryCommandThatAsksFindsPeers(t *testing.T) {
	at := freePort(t)
	_, file := newTestWorld(t, "kind: http", "kind: session", "/healthz", "/\n        cookie: SRV\n        backend_body: 'by (lb-.)'", "127.0.0.1:0", at)
	const said = "its answer sets no cookie SRV"
	if a := rrwatch(t, "probe", "--config", file); a.code != 1 || strings.Count(a.out, said) < 5 {
		t.Errorf("probe: exit %d\n%s%s", a.code, a.out, a.err)
	}
	started(t, "http://"+at, "run", "--config", file)
	text := ""
	found := within(t, 20*time.Second, func() bool {
		var view json.RawMessage
		fetch(t, "http://"+at+"/api/v1/view", &view)
		text = string(view)
		return strings.Contains(text, said)
	})
	if !found {
		t.Errorf("run: %q is not in %s", said, text)
	}
}
