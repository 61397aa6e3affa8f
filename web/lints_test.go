package web

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"rrwatch/failover"
)

func lintsAt() []failover.Lint {
	return []failover.Lint{
		{Name: failover.LintNotElastic, Severity: failover.SeverityWarning, Sentence: "198.51.100.22 is no Elastic IP of this account and Region: it is watched and never moved"},
		{Name: failover.LintNoStandby, Severity: failover.SeverityWarning, Sentence: "no instance could take over an address"},
		{Name: failover.LintTTLDetection, Severity: failover.SeverityAdvice, Sentence: "api.example.com A has the TTL 30 s: an outage is noticed within 6.5s, and resolvers give a withdrawn address for 30 s more; a TTL of 10 s is advised"},
	}
}

func driftsAt(now time.Time) []failover.Advisory {
	return []failover.Advisory{{
		Kind: failover.AdviseDrift, Pool: "api", Check: "answered 203.0.113.99", Begun: now.Add(-7 * time.Minute), Told: now.Add(-5 * time.Minute),
		Text: "192.0.2.53:53 answers api.example.com with 203.0.113.99, which no record set has",
	}}
}

// drained is an incident whose withdrawal was proven some time ago, with a TTL of 60 s.
func drained(now time.Time, ago time.Duration) failover.Incident {
	addr := netip.MustParseAddr(withdrawnAddr)
	was := failover.RecordSet{Name: "www.example.com", Type: "A", TTL: 60, Weight: new(int64(10)), Values: []string{withdrawnAddr}}
	shall := was
	shall.Weight = new(int64(0))
	return failover.Incident{ID: 11, Pool: "www", Member: addr, Opened: now.Add(-ago - time.Minute), Actions: []failover.Action{{
		ID: 1, Kind: failover.KindWithdraw, Pool: "www", Member: addr, Incident: 11, Status: failover.Proven, Reweigh: &failover.Reweigh{Addr: addr, Was: was, Shall: shall},
		Begun: now.Add(-ago - 3*time.Second), Applied: now.Add(-ago - 2*time.Second), Served: now.Add(-ago), Ended: now.Add(-ago), Drained: now.Add(time.Minute - ago),
	}}}
}

// drainedSite has one withdrawn member, which resolvers may give still.
func drainedSite(now time.Time) *site {
	s := newSite(now)
	s.journal.incidents = []failover.Incident{drained(now, 10*time.Second)}
	s.view.Load().Pools[0].Members[3].Draining = now.Add(50 * time.Second)
	return s
}

func TestThePoolPageShowsLintsAndDrift(t *testing.T) {
	h := handler(t, newSite(time.Now()).options())
	wants(t, get(t, h, "/pools/api"),
		`id="lints"`, "198.51.100.22 is no Elastic IP of this account and Region: it is watched and never moved.",
		">warning</span>", "No instance could take over an address.", ">advice</span>", "ttl-above-detection</span>", `id="drift"`,
		"192.0.2.53:53 answers api.example.com with 203.0.113.99, which no record set has.")
	if page := get(t, h, "/pools/www"); strings.Contains(page, `id="lints"`) || strings.Contains(page, `id="drift"`) {
		t.Error("a pool without lints has a card for them")
	}
}

func TestTheOverviewCountsLintsAndDrift(t *testing.T) {
	page := get(t, handler(t, newSite(time.Now()).options()), "/")
	wants(t, page, `<a href="/pools/api#lints">2 warnings, 1 piece of advice</a>`, `<a href="/pools/api#drift">1 disagreement</a>`, "1 disagreement")
	if strings.Contains(page, "203.0.113.99") || strings.Contains(page, "is advised") {
		t.Error("the overview tells all of it")
	}
}

func TestMetricsCountLintsAndDrift(t *testing.T) {
	wants(t, get(t, handler(t, newSite(time.Now()).options()), "/metrics"),
		`rrwatch_drift{pool="api"} 1`, `rrwatch_drift{pool="www"} 0`,
		`rrwatch_lints{pool="api",severity="warning"} 2`, `rrwatch_lints{pool="api",severity="advice"} 1`, `rrwatch_lints{pool="www",severity="warning"} 0`)
}

func TestAnIncidentSaysUntilWhenResolversMayGiveItsAddress(t *testing.T) {
	now := time.Now()
	s := newSite(now)
	for ago, want := range map[time.Duration]string{
		10 * time.Second: "resolvers may give 203.0.113.14 until ", 2 * time.Hour: "resolvers have forgotten 203.0.113.14 since ",
	} {
		s.journal.incidents = []failover.Incident{drained(now, ago)}
		h := handler(t, s.options())
		wants(t, get(t, h, "/incidents/11"), want)
		var got struct {
			Drain   string
			Actions []struct{ Drained time.Time }
		}
		if err := json.Unmarshal([]byte(get(t, h, "/api/v1/incidents/11")), &got); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(got.Drain, want) || !got.Actions[0].Drained.Equal(now.Add(time.Minute-ago)) {
			t.Errorf("got %+v", got)
		}
	}
}

func TestAMemberSaysUntilWhenResolversMayGiveIt(t *testing.T) {
	now := time.Now()
	s := newSite(now)
	v := s.view.Load()
	v.Pools[0].Members[3].Draining = now.Add(20 * time.Second)
	wants(t, row(t, get(t, handler(t, s.options()), "/"), withdrawnAddr), "resolvers may give it until")
}
