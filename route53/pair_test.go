package route53_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rrwatch/failover"
	"rrwatch/simulator"
)

func pair(kind, role, value string) failover.RecordSet {
	s := failover.RecordSet{Name: "pair.example.com", Type: kind, TTL: 60, Identifier: role, Failover: role, Values: []string{value}}
	if role == "PRIMARY" {
		s.HealthCheck = "hc-" + kind // Route 53 takes none without
	}
	return s
}

// paired publishes a failover pair of each address family.
func paired(o simulator.Options) *simulator.AWS {
	a := account(o)
	for _, s := range []failover.RecordSet{
		pair("A", "PRIMARY", "203.0.113.21"), pair("A", "SECONDARY", "203.0.113.22"),
		pair("AAAA", "PRIMARY", "2001:db8::21"), pair("AAAA", "SECONDARY", "2001:db8::22"),
	} {
		a.SetRecord(zone, simulator.RecordSet{Name: s.Name, Type: s.Type, TTL: s.TTL, SetIdentifier: s.Identifier, Failover: s.Failover, HealthCheck: s.HealthCheck, Values: s.Values})
	}
	return a
}

func TestReadsFailoverPairs(t *testing.T) {
	got := must[failover.Published](t)(open(paired(simulator.Options{})).Read(t.Context(), zone, "pair.example.com"))
	want := []failover.RecordSet{
		pair("A", "PRIMARY", "203.0.113.21"), pair("A", "SECONDARY", "203.0.113.22"),
		pair("AAAA", "PRIMARY", "2001:db8::21"), pair("AAAA", "SECONDARY", "2001:db8::22"),
	}
	if diff := cmp.Diff(want, got.Sets); diff != "" {
		t.Error(diff)
	}
}

func TestAFailoverPairWithAnAliasIsNotOursToEdit(t *testing.T) {
	a := paired(simulator.Options{})
	a.SetRecord(zone, simulator.RecordSet{Name: "pair.example.com", Type: "A", SetIdentifier: "SECONDARY", Failover: "SECONDARY", Alias: "d111.cloudfront.net"})
	c := open(a)
	got := must[failover.Published](t)(c.Read(t.Context(), zone, "pair.example.com"))
	for n, want := range []string{
		"the secondary set of its failover pair is an alias of d111.cloudfront.net, of which rrwatch cannot tell whether it serves",
		"an alias of d111.cloudfront.net", "", "",
	} {
		if got.Sets[n].Foreign != want {
			t.Errorf("%s %s is foreign: %q, want %q", got.Sets[n].Type, got.Sets[n].Identifier, got.Sets[n].Foreign, want)
		}
	}
	_, err := editOne(t, c, failover.Reweigh{Zone: zone, Was: got.Sets[0]}, "")
	wantRefusal(t, err, failover.GuardNotOurs, "not rrwatch's to edit: the secondary set")
	_, err = editOne(t, c, failover.Reweigh{Zone: zone, Was: pair("A", "PRIMARY", "203.0.113.21")}, "") // planned before there was an alias
	wantRefusal(t, err, failover.GuardChanged, "as primary, the secondary set of its failover pair is an alias")
}

func TestAPrimaryLeavesAndComesBackAndTheServersProveIt(t *testing.T) {
	for kind, value := range map[string]string{"A": "203.0.113.21", "AAAA": "2001:db8::21"} {
		t.Run(kind, func(t *testing.T) {
			a := paired(simulator.Options{})
			c := open(a, serve(t, a))
			out := failover.Reweigh{Zone: zone, Addr: ip(value), Was: pair(kind, "PRIMARY", value)}
			back := failover.Reweigh{Zone: zone, Addr: ip(value), Shall: out.Was}
			wantNotConfirmed(t, c, out, "still answers pair.example.com with "+value)
			change := must[string](t)(editOne(t, c, out, ""))
			if err := c.Confirm(t.Context(), out, change); err != nil {
				t.Error(err)
			}
			_, err := editOne(t, c, failover.Reweigh{Zone: zone, Was: pair(kind, "SECONDARY", value[:len(value)-1]+"2")}, "")
			wantRefusal(t, err, failover.GuardLastHealthy, "last set")
			wantNotConfirmed(t, c, back, "without "+value)
			change = must[string](t)(editOne(t, c, back, ""))
			if err := c.Confirm(t.Context(), back, change); err != nil {
				t.Error(err)
			}
			if n := a.Calls()["ChangeResourceRecordSets"]; n != 2 {
				t.Errorf("%d batches, want 2", n)
			}
		})
	}
}

func TestASecondaryThatComesBackNeedNotBeAnswered(t *testing.T) {
	a := paired(simulator.Options{})
	c := open(a, serve(t, a))
	out := failover.Reweigh{Zone: zone, Addr: ip("203.0.113.22"), Was: pair("A", "SECONDARY", "203.0.113.22")}
	for _, edit := range []failover.Reweigh{out, {Zone: zone, Addr: out.Addr, Shall: out.Was}} {
		change := must[string](t)(editOne(t, c, edit, ""))
		if err := c.Confirm(t.Context(), edit, change); err != nil {
			t.Error(err)
		}
	}
}

func TestSaysThatAHealthCheckMayKeepAPrimaryBack(t *testing.T) {
	a := paired(simulator.Options{})
	a.SetHealthy("hc-A", false)
	back := failover.Reweigh{Zone: zone, Addr: ip("203.0.113.21"), Shall: pair("A", "PRIMARY", "203.0.113.21")}
	wantNotConfirmed(t, open(a, serve(t, a)), back, "without 203.0.113.21 (the Route 53 health check hc-A may keep it back)")
}

// wantNotConfirmed fails the test unless the servers answer otherwise than the edit wants.
func wantNotConfirmed(t *testing.T, c interface {
	Confirm(context.Context, failover.Reweigh, string) error
}, edit failover.Reweigh, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience/10)
	defer cancel()
	wantText(t, c.Confirm(ctx, edit, ""), text)
}
