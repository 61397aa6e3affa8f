package route53_test

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rrwatch/failover"
	"rrwatch/simulator"
)

func TestReadsTheHealthChecksOfASetOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		a.AddHealthCheck(simulator.HealthCheck{ID: "hc-lb-1", Address: ip("203.0.113.11")})
		a.AddHealthCheck(simulator.HealthCheck{ID: "hc-lb-2", Type: "HTTP", Domain: "www.example.com", Disabled: true})
		a.AddHealthCheck(simulator.HealthCheck{ID: "hc-lb-3", Address: ip("2001:db8::13")})
		c := open(a)
		want := []failover.HealthCheck{
			{ID: "hc-lb-1", Addr: ip("203.0.113.11")}, {ID: "hc-lb-2", Disabled: true}, {ID: "hc-lb-3", Addr: ip("2001:db8::13")},
		}
		for range 59 {
			got := must[failover.Published](t)(c.Read(t.Context(), zone, "api.example.com"))
			if diff := cmp.Diff(want, got.HealthChecks, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Fatal(diff)
			}
			time.Sleep(time.Minute)
		}
		if n := a.Calls()["GetHealthCheck"]; n != 3 {
			t.Errorf("GetHealthCheck was called %d times", n)
		}
		time.Sleep(2 * time.Minute)
		must[failover.Published](t)(c.Read(t.Context(), zone, "api.example.com"))
		if n := a.Calls()["GetHealthCheck"]; n != 6 {
			t.Errorf("after an hour GetHealthCheck was called %d times", n)
		}
	})
}

func TestAHealthCheckThatCannotBeReadSaysWhyAndFailsNothing(t *testing.T) {
	a := account(simulator.Options{})
	a.Deny("GetHealthCheck")
	c := open(a)
	for range 2 {
		got := must[failover.Published](t)(c.Read(t.Context(), zone, "api.example.com"))
		if len(got.Sets) != 3 || len(got.HealthChecks) != 3 {
			t.Fatalf("got %+v", got)
		}
		for _, h := range got.HealthChecks {
			if h.Err != "not permitted; rrwatch needs route53:GetHealthCheck (docs/permissions.md)" {
				t.Errorf("%s: %s", h.ID, h.Err)
			}
		}
	}
	if n := a.Calls()["GetHealthCheck"]; n != 3 {
		t.Errorf("GetHealthCheck was called %d times", n)
	}
}

// Forty health checks are not worth a long read: each reads a few of them, and the next ones the others.
func TestManyHealthChecksDelayNoRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Latency: 300 * time.Millisecond})
		for n := range 40 {
			a.SetRecord(zone, simulator.RecordSet{
				Name: "many.example.com", Type: "A", TTL: 60, SetIdentifier: fmt.Sprint(n), MultiValue: true,
				HealthCheck: fmt.Sprintf("hc-%d", n), Values: []string{fmt.Sprintf("198.51.100.%d", n)},
			})
		}
		c := open(a)
		known := 0
		for range 8 {
			began := time.Now()
			got := must[failover.Published](t)(c.Read(t.Context(), zone, "many.example.com"))
			if took := time.Since(began); took > time.Second {
				t.Errorf("the read took %s", took)
			}
			if known += 5; len(got.HealthChecks) != known {
				t.Errorf("%d are known, want %d", len(got.HealthChecks), known)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestARouteThatHangsAtTheHealthCheckStillReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		c := open(a)
		must[failover.Published](t)(c.Read(t.Context(), zone, "www.example.com"))
		a.Throttle("GetHealthCheck", 1000)
		began := time.Now()
		got := must[failover.Published](t)(c.Read(t.Context(), zone, "api.example.com"))
		if took := time.Since(began); took > 3*time.Second || len(got.Sets) != 3 || len(got.HealthChecks) != 0 {
			t.Errorf("took %s, got %+v", took, got)
		}
	})
}
