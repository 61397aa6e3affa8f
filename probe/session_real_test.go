package probe_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"rrwatch/probe"
)

// sticky is a HAProxy that keeps sessions by its own cookie, with these servers by name.
func sticky(cookie string, servers ...string) string {
	return fmt.Sprintf(`
global
  maxconn 100
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend www
  bind LISTEN
  default_backend app
backend app
  balance roundrobin
  %s
  %s
`, cookie, strings.Join(servers, "\n  "))
}

// journey is the plain question: the cookie SRV leads to the same X-Backend.
func journey(peers ...netip.AddrPort) probe.JourneyOptions {
	return probe.JourneyOptions{
		Host: "www.example.com", Path: "/", Status: []probe.StatusRange{{From: 200, To: 299}}, Cookie: "SRV",
		BackendHeader: "X-Backend", Dial: dial(), Peers: func(probe.Target) []netip.AddrPort { return peers },
	}
}

func TestASessionOfOneRealHAProxyIsFollowedThroughAnother(t *testing.T) {
	t.Parallel()
	app1, app2 := backendSite(t, "app1"), backendSite(t, "app2")
	server := func(name string, at netip.AddrPort) string { return fmt.Sprintf("server %s %s cookie %[1]s", name, at) }
	const insert = "cookie SRV insert indirect nocache"
	peer, _ := runHAProxy(t, sticky(insert, server("s1", app1), server("s2", app2)))
	for name, c := range map[string]struct {
		config string
		kept   map[string]bool // by what names the backend
		led    string          // in the detail
	}{
		"the same": {
			sticky(insert, server("s2", app2), server("s1", app1)),
			map[string]bool{"header": true, "cookie": true, "body": true}, "",
		},
		"names exchanged": { // the cookie is kept, and that is all that can be seen of it
			sticky(insert, server("s1", app2), server("s2", app1)),
			map[string]bool{"header": false, "cookie": true, "body": false}, "led to app",
		},
		"other names": {
			sticky(insert, server("a", app1), server("b", app2)),
			map[string]bool{"header": false, "cookie": false, "body": false}, "the session of 127.0.0.1 ",
		},
		"no sessions": {
			sticky("", strings.Replace(server("s1", app1), " cookie s1", "", 1), strings.Replace(server("s2", app2), " cookie s2", "", 1)),
			map[string]bool{"header": false, "cookie": true, "body": false}, "led to app",
		},
	} {
		t.Run(name, func(t *testing.T) {
			addr, _ := runHAProxy(t, c.config)
			for how, kept := range c.kept {
				o := journey(peer)
				switch how {
				case "cookie":
					o.BackendHeader, o.BackendCookie = "", "SRV"
				case "body":
					o.BackendHeader, o.BackendBody = "", regexp.MustCompile(`I am (\w+)`)
				}
				for range 4 { // the peer's sessions lead to each backend in turn
					a := ask(t, probe.Journey(o), addr, soon)
					if (a.Verdict == probe.Pass) != kept || !kept && (a.Reason != probe.Session || !strings.Contains(a.Detail, c.led)) {
						t.Errorf("by %s: got %+v", how, a)
					}
				}
			}
		})
	}
}
