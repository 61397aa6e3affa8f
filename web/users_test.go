package web

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

const shopURL = "https://shop.example.com/basket"

// endpoint is a page that was asked for a second before now.
func endpoint(now time.Time, name, url string, service failover.Service, detail string) failover.EndpointView {
	last := probe.Result{
		Target: probe.Target{Pool: "www", Check: name}, At: now.Add(-3 * time.Second), Vantage: "mon-1",
		Answer: probe.Answer{Verdict: probe.Pass, Detail: detail, Phases: probe.Phases{Whole: 41200 * time.Microsecond}},
	}
	h := monitor.Health{State: monitor.Up, Since: now.Add(-76 * time.Hour), Last: last, Asked: last.At, SeenUp: true, Passes: 9}
	switch service {
	case failover.ServiceNotServed:
		h.State, h.Since, h.Fails, h.Passes = monitor.Down, now.Add(-4*time.Minute), 3, 0
		h.Last.Verdict, h.Last.Reason = probe.Fail, probe.NotServed
	case failover.ServiceUnknown:
		h = monitor.Health{}
	case failover.ServedElsewhere:
		h.Last.Warning = detail
	case failover.Served:
	}
	return failover.EndpointView{Name: name, URL: url, Service: service, Health: h, ToChange: "not served after 3 more fails"}
}

// pages are two pages of the pool www, one of them not served at the first
// address, and what its checks warn of.
func pages(now time.Time) ([]failover.EndpointView, []failover.Advisory) {
	const second = "served at the second address, 203.0.113.12: 203.0.113.13 refused"
	certificate := failover.Warning{Text: "the certificate expires in 9 days, on 2026-11-30", Addrs: []netip.AddrPort{
		netip.MustParseAddrPort(upAddr + ":443"), netip.MustParseAddrPort(suspectAddr + ":443"),
	}}
	return []failover.EndpointView{
			endpoint(now, "login", "https://www.example.com/login", failover.Served, "served by 203.0.113.11: answered 200 OK"),
			endpoint(now, "shop", shopURL, failover.ServedElsewhere, second),
		}, []failover.Advisory{
			{Kind: failover.AdviseWarning, Pool: "www", Check: "https", Text: certificate.Text + " (2 addresses)", Warnings: []failover.Warning{certificate}, Begun: now.Add(-26 * time.Hour), Told: now.Add(-26 * time.Hour)},
			{Kind: failover.AdviseWarning, Pool: "www", Check: "shop", Text: second, Warnings: []failover.Warning{{Text: second}}, Begun: now.Add(-40 * time.Second)},
			{
				Kind: failover.AdviseWarning, Pool: "www", Check: "tls", Text: "the certificate expires in 2 days, on 2026-11-23 (203.0.113.11)",
				Begun: now.Add(-50 * time.Hour), Told: now.Add(-50 * time.Hour), Gone: now.Add(-12 * time.Minute),
			},
		}
}

func TestOverviewSaysHowUsersFareAndWhatIsWarnedOf(t *testing.T) {
	page := get(t, handler(t, newSite(time.Now()).options()), "/")
	www := part(t, page, "pool-www")
	wants(t, www,
		"Users: served for 3 d 4 h https://www.example.com/login served by 203.0.113.11: answered 200 OK · 41 ms · 3 s ago",
		"Users: served at the second address for 40 s https://shop.example.com/basket served at the second address, 203.0.113.12: 203.0.113.13 refused · 41 ms",
		"https: the certificate expires in 9 days, on 2026-11-30 (2 addresses) since",
		"tls: the certificate expires in 2 days, on 2026-11-23 (203.0.113.11) not seen any more for 12 min",
	)
	if strings.Contains(www, "shop: served") {
		t.Error("what the line of an endpoint says stands there twice")
	}
	wants(t, part(t, page, "site-headline"), "2 of 6 members are down", "2 warnings")
}

func TestOverviewSaysFirstThatUsersAreNotServed(t *testing.T) {
	now := time.Now()
	s := newSite(now)
	s.view.Store(unservedView(now))
	page := get(t, handler(t, s.options()), "/")
	wants(t, part(t, page, "site-headline"), "www is not served to users", "3 of 3 members up")
	wants(t, part(t, page, "pool-www"), "Users: not served for 4 min https://shop.example.com/basket 203.0.113.9 refused; 203.0.113.10 connect timeout",
		"Users: not known yet https://new.example.com/ not asked yet")
	v := unservedView(now)
	v.Pools[0].Members[2].State = monitor.Down
	s.view.Store(v)
	wants(t, part(t, get(t, handler(t, s.options()), "/"), "site-headline"), "www is not served to users www "+downAddr+" down · 2 of 3 members up")
	v = unservedView(now)
	v.Pools[0].Endpoints[1].Service = failover.ServiceNotServed
	s.view.Store(v)
	wants(t, part(t, get(t, handler(t, s.options()), "/"), "site-headline"), "2 of 2 pages are not served to users")
	v = calmView(now)
	v.Pools[0].Endpoints, v.Pools[0].Advisories = pages(now)
	s.view.Store(v)
	wants(t, part(t, get(t, handler(t, s.options()), "/"), "site-headline"), "www is served to users, but not at the first address")
}

func TestASuspectPageSaysWhatIsNext(t *testing.T) {
	now := time.Now()
	s := newSite(now)
	v := calmView(now)
	e := endpoint(now, "shop", shopURL, failover.Served, "203.0.113.9 refused")
	e.Health.Last.Verdict, e.Health.Fails, e.ToChange = probe.Fail, 2, "not served after 1 more fail"
	v.Pools[0].Endpoints = []failover.EndpointView{e}
	s.view.Store(v)
	wants(t, part(t, get(t, handler(t, s.options()), "/"), "pool-www"), "Users: served, with failures", "203.0.113.9 refused", "not served after 1 more fail")
}

// unservedView is a day on which all members are well and users are not.
func unservedView(now time.Time) *failover.View {
	v := calmView(now)
	v.Pools[0].Endpoints = []failover.EndpointView{
		endpoint(now, "shop", shopURL, failover.ServiceNotServed, "203.0.113.9 refused; 203.0.113.10 connect timeout"),
		endpoint(now, "new", "https://new.example.com/", failover.ServiceUnknown, ""),
	}
	return v
}

func TestMetricsSayHowUsersFare(t *testing.T) {
	s := newSite(time.Now())
	wants(t, get(t, handler(t, s.options()), "/metrics"),
		`rrwatch_endpoint_served{endpoint="shop",pool="www"} 1`, `rrwatch_endpoint_served_elsewhere{endpoint="shop",pool="www"} 1`,
		`rrwatch_endpoint_served_elsewhere{endpoint="login",pool="www"} 0`,
		`rrwatch_warning{check="https",pool="www"} 1`, `rrwatch_warning{check="tls",pool="www"} 0`)
	s.view.Store(unservedView(time.Now()))
	_, text := ask(t, handler(t, s.options()), http.MethodGet, "/metrics", "")
	wants(t, text, `rrwatch_endpoint_served{endpoint="shop",pool="www"} 0`)
	if strings.Contains(text, `rrwatch_endpoint_served{endpoint="new"`) {
		t.Error("what is not known is told")
	}
}
