package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/simulator"
)

// withdrawn is a site with long TTLs whose first member was withdrawn.
func withdrawn(t *testing.T) *bubble {
	t.Helper()
	b := newBubble(t, nil, func(a *simulator.AWS) {
		alone(a)
		for _, set := range a.Records("www.example.com", "A") {
			set.TTL = 300
			a.SetRecord("Z0DEMO0EXAMPLE0COM00", set)
		}
	})
	b.start()
	t.Cleanup(b.stop)
	b.healthy()
	b.fault("lb-1", simulator.FaultKill)
	b.until(2*time.Minute, "the withdrawal's proof", func() bool {
		list := b.incidents()
		return len(list) == 1 && len(list[0].Actions) == 1 && list[0].Actions[0].Status == failover.Proven
	})
	return b
}

// asked is when the member was last asked.
func (b *bubble) asked(n int) time.Time {
	for _, c := range b.member(n).Checks {
		return c.Health.Last.At
	}
	return time.Time{}
}

func TestTheDrainOfAWithdrawnAddressIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := withdrawn(t)
		a := b.incident().Actions[0]
		if !a.Drained.Equal(a.Ended.Add(300 * time.Second)) {
			t.Errorf("proven at %s, drained at %s", a.Ended, a.Drained)
		}
		at := a.Drained.UTC().Format(time.TimeOnly)
		ended := b.told(failover.ActionEnded)
		if len(ended) != 1 || !strings.HasSuffix(ended[0], "; resolvers may give 127.113.0.11 until "+at+" (TTL 300 s)") {
			t.Errorf("told %q", ended)
		}
		b.until(time.Minute, "the next look", func() bool { return b.member(1).Draining.Equal(a.Drained) })
		b.pass(time.Until(a.Drained) - time.Second)
		if got := b.told(failover.Drained); len(got) != 0 {
			t.Errorf("told too early: %q", got)
		}
		b.pass(time.Hour)
		if got := b.told(failover.Drained); len(got) != 1 || got[0] != "resolvers have forgotten 127.113.0.11 since "+at || !b.member(1).Draining.IsZero() {
			t.Errorf("told %q, draining until %s", got, b.member(1).Draining)
		}
		if got := b.told(failover.Drifted); len(got) != 0 {
			t.Errorf("our own edit drifted: %q", got)
		}
	})
}

func TestAWithdrawnAddressIsWatchedUntilResolversHaveForgottenIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := withdrawn(t)
		a := b.incident().Actions[0]
		b.aws.RemoveRecord("Z0DEMO0EXAMPLE0COM00", "www.example.com", "A", "www-1") // an operator takes it away for good
		b.until(time.Minute, "the incident to close", func() bool { return !b.incident().Open() })
		b.stop()
		b.start() // a restart forgets none of it
		b.pass(time.Minute)
		for time.Until(a.Drained) > 15*time.Second {
			b.pass(10 * time.Second)
			if since := time.Since(b.asked(1)); since > 5*time.Second {
				t.Fatalf("%s before it has drained it was last asked %s ago\n%s", time.Until(a.Drained), since, b.story())
			}
		}
		b.pass(time.Minute)
		if m := b.member(1); m.Addr.IsValid() {
			t.Errorf("it is a member still, draining until %s", m.Draining)
		}
		const gone = "pool www changed: 127.113.0.11 is watched no more: nothing publishes it"
		if got := b.told(failover.Wired); got[len(got)-1] != gone {
			t.Errorf("told %q", got)
		}
		if len(b.incidents()) != 1 || b.changes() != 1 {
			t.Errorf("%d incidents, %d changes\n%s", len(b.incidents()), b.changes(), b.story())
		}
	})
}
