package route53_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/route53"
	"rrwatch/simulator"
)

// What follows is written for 2 calls a second after the first 30, of which 10 are for edits.

func TestReadsAndEditsOfAllClientsTakeTwoCallsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		sdk := route53.SDK(config(a.Transport()))
		clients := []*route53.Client{route53.New(sdk, nil, nil), route53.New(sdk, nil, nil)}
		var wg sync.WaitGroup
		began := time.Now()
		for n := range 200 {
			wg.Go(func() { must[failover.Published](t)(clients[n%2].Read(t.Context(), zone, "www.example.com")) })
		}
		wg.Wait()
		calls := 0
		for _, n := range a.Calls() {
			calls += n
		}
		least := time.Duration(calls-20) * time.Second / 2
		if took := time.Since(began); took < least-time.Second || took > least+5*time.Second {
			t.Errorf("%d calls took %s, want about %s", calls, took, least)
		}
	})
}

func TestAnEditWaitsForNoQueueOfReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Latency: 300 * time.Millisecond})
		c := open(a)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				for ctx.Err() == nil {
					_, _ = c.Read(ctx, zone, "www.example.com")
				}
			})
		}
		time.Sleep(time.Minute)
		began := time.Now()
		must[string](t)(editOne(t, c, withdraw(), ""))
		if took := time.Since(began); took > 700*time.Millisecond { // a read and a batch
			t.Errorf("the edit took %s", took)
		}
		cancel()
		wg.Wait()
	})
}

func TestWaitingForACallEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		c := open(a)
		for range 19 { // and the zone
			must[failover.Published](t)(c.Read(t.Context(), zone, "www.example.com"))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := c.Read(ctx, zone, "www.example.com")
		wantText(t, err, "too many calls of Route 53 are waiting, of which rrwatch makes 2 a second")
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("it waited %s", took)
		}
		edits := failover.Reweigh{Zone: zone, Addr: ip("203.0.113.11"), Was: weighted("lb-1", "203.0.113.11", 10), Shall: weighted("lb-1", "203.0.113.11", 20)}
		for range 5 { // a read and a batch each
			must[string](t)(editOne(t, c, edits, ""))
			edits.Was, edits.Shall = edits.Shall, edits.Was
		}
		before := a.Calls()["ChangeResourceRecordSets"]
		short, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer stop()
		refused := c.Edit(short, []failover.Reweigh{edits}, "")[0].Err
		wantRefusal(t, refused, failover.GuardThrottled, "nothing was changed: too many calls of Route 53 are waiting")
		later, end := context.WithTimeout(t.Context(), 700*time.Millisecond) // enough for the read
		defer end()
		refused = c.Edit(later, []failover.Reweigh{edits}, "")[0].Err
		wantRefusal(t, refused, failover.GuardThrottled, "nothing was changed: too many calls of Route 53 are waiting")
		if n := a.Calls()["ChangeResourceRecordSets"]; n != before {
			t.Errorf("%d batches were sent", n-before)
		}
	})
}

func TestRetriesTakeFromTheSameCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		c := open(a)
		for range 19 {
			must[failover.Published](t)(c.Read(t.Context(), zone, "www.example.com"))
		}
		a.Throttle("ListResourceRecordSets", 12)
		began := time.Now()
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() { must[failover.Published](t)(c.Read(t.Context(), zone, "www.example.com")) })
		}
		wg.Wait()
		if took := time.Since(began); took < 8500*time.Millisecond { // 18 tries, half a second each
			t.Errorf("it took %s", took)
		}
	})
}

func TestTellsHowOftenRoute53Throttles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{})
		sdk := route53.SDK(config(a.Transport()))
		c, other := route53.New(sdk, nil, nil), route53.New(sdk, nil, nil)
		if p := c.Pressure(); p != (route53.Pressure{}) {
			t.Errorf("got %+v before any call", p)
		}
		a.Throttle("ListResourceRecordSets", 2)
		must[failover.Published](t)(c.Read(t.Context(), zone, "www.example.com"))
		time.Sleep(time.Minute)
		a.Busy(1)
		must[string](t)(editOne(t, other, withdraw(), ""))
		p := c.Pressure()
		if published, err := c.Read(t.Context(), zone, "www.example.com"); err != nil || published.Throttled != 3 {
			t.Errorf("a read tells of %d throttled calls: %v", published.Throttled, err)
		}
		if p.Total != 3 || p.Recent != 3 || p.Code != "PriorRequestNotComplete" || time.Since(p.Last) > 5*time.Second {
			t.Errorf("got %+v", p)
		}
		time.Sleep(9*time.Minute + 30*time.Second)
		if p := c.Pressure(); p.Recent != 1 || p.Total != 3 {
			t.Errorf("got %+v, want the first two forgotten", p)
		}
		time.Sleep(time.Minute)
		if p := c.Pressure(); p != (route53.Pressure{Total: 3}) {
			t.Errorf("got %+v, want all to be long ago", p)
		}
	})
}

// Fifty pools of a zone lose a member at once.
func TestAnOutageOfManyNamesKeepsTheLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := account(simulator.Options{Latency: 300 * time.Millisecond, Sync: 30 * time.Second, Limits: true})
		var edits []failover.Reweigh
		for n := range 5 {
			id := string(rune('A' + n))
			a.AddZone(simulator.Zone{ID: "Z" + id, Name: id + ".example", Private: true})
			for i := range 10 {
				name := string(rune('a'+i)) + "." + id + ".example"
				a.SetRecord("Z"+id, simulator.RecordSet{Name: name, Type: "A", TTL: 60, Values: []string{"192.0.2.1", "192.0.2.2"}})
				was := failover.RecordSet{Name: strings.ToLower(name), Type: "A", TTL: 60, Values: []string{"192.0.2.1", "192.0.2.2"}}
				shall := was
				shall.Values = was.Values[1:]
				edits = append(edits, failover.Reweigh{Zone: "Z" + id, Addr: ip("192.0.2.1"), Was: was, Shall: shall})
			}
		}
		c := open(a)
		began := time.Now()
		done := c.Edit(t.Context(), edits, "")
		wantDone(t, done)
		if took := time.Since(began); took > 600*time.Millisecond {
			t.Errorf("it took %s, and two calls take 600ms", took)
		}
		wantCalls(t, a, 5, 5)
		var wg sync.WaitGroup
		for n, d := range done {
			wg.Go(func() {
				if err := c.Confirm(t.Context(), edits[n], d.Change); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took > 40*time.Second {
			t.Errorf("it was confirmed after %s", took)
		}
		if p := c.Pressure(); p.Total != 0 {
			t.Errorf("got %+v", p)
		}
	})
}
