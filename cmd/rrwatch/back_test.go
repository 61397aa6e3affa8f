package main

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/simulator"
)

// weights are those of a member's set, as they follow each other.
func (b *bubble) weight(n int) int64 {
	for _, set := range b.aws.Records("www.example.com", "A") {
		if slices.Contains(set.Values, demoAddress(n).String()) {
			return *set.Weight
		}
	}
	return -1
}

const bySteps = "remedy: [withdraw]\n    restore: [{weight: 20%, for: 5m}, {weight: 50%, for: 5m}, {weight: 100%}]\n    budget: {per_hour: 9, per_day: 9}\n    member_budget: {per_hour: 9, per_day: 9}\n    cooldown: 10s"

func TestAWithdrawnAddressComesBackByStepsAndFallsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("cooldown: 5m", bySteps), nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the withdrawal", func() bool { return b.weight(1) == 0 })
		b.heal("lb-1")
		b.until(5*time.Minute, "the first step", func() bool { return b.weight(1) == 2 })
		if m := b.member(1); !m.Published {
			b.until(time.Minute, "the first step to be read", func() bool { return b.member(1).Published })
		}
		b.pass(time.Minute)
		if m := b.member(1); !m.Withdrawn || m.Returning != 10 || !b.incident().Open() {
			t.Errorf("withdrawn %v, returning %d\n%s", m.Withdrawn, m.Returning, b.story())
		}
		b.fault("lb-1", simulator.Fault503)
		b.until(time.Minute, "it to leave again", func() bool { return b.weight(1) == 0 })
		b.heal("lb-1")
		for _, want := range []int64{2, 5, 10} {
			b.until(8*time.Minute, "the next step", func() bool { return b.weight(1) == want })
		}
		b.until(time.Minute, "the incident to close", func() bool { return !b.incident().Open() })
		if strings.Contains(b.story(), "put the address back by hand") {
			t.Errorf("its own edit was taken for someone else's\n%s", b.story())
		}
		done := b.changes()
		b.pass(20 * time.Minute)
		if b.changes() != done || done != 6 {
			t.Errorf("%d changes, and %d later, want 6\n%s", done, b.changes(), b.story())
		}
	})
}

const goesBack = "failback: {after: 10m}\n    cooldown: 1m"

func TestAnAddressGoesBackToARepairedInstance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("cooldown: 5m", goesBack), nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" })
		b.pass(5 * time.Minute)
		b.heal("lb-1")
		healed := time.Now()
		b.until(20*time.Minute, "the move back", func() bool { return b.carrier(1) == "lb-1" })
		if after := time.Since(healed); after < 10*time.Minute {
			t.Errorf("it went back after %s", after)
		}
		b.until(time.Minute, "the incident to close", func() bool { return !b.incidents()[0].Open() })
		list := b.incidents()
		if len(list) != 2 || !list[0].Planned() || !strings.Contains(list[0].Outcome, "by lb-1 (i-0a1b2c01), as before the failure") {
			t.Errorf("%d incidents, planned %v: %s\n%s", len(list), list[0].Planned(), list[0].Outcome, b.story())
		}
		b.pass(40 * time.Minute)
		if b.changes() != 2 {
			t.Errorf("%d changes, want 2\n%s", b.changes(), b.story())
		}
	})
}

func TestAMoveBackThatDoesNotServeIsUndone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("cooldown: 5m", "failback: {after: 10m}\n    cooldown: 30m"), nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" })
		b.heal("lb-1")
		b.until(time.Hour, "the move back to begin", func() bool { return b.aws.Calls()["AssociateAddress"] == 2 })
		b.fault("lb-1", simulator.Fault503)
		// In spite of the cool-down: it is the same incident.
		b.until(2*time.Minute, "lb-4 to serve it again", func() bool { return b.carrier(1) == "lb-4" })
		b.until(time.Minute, "the incident to close", func() bool { return !b.incidents()[0].Open() })
		if i := b.incidents()[0]; i.Planned() || i.Diagnosis.Cause != failover.CauseProcess {
			t.Errorf("planned %v, cause %q\n%s", i.Planned(), i.Diagnosis.Cause, b.story())
		}
	})
}

// A whole zone is one look: its moves run side by side, its edits are one call.
func TestAZoneOutageOfFiftyMembersIsOneLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("cooldown: 5m", "budget: {per_hour: 100, per_day: 100}\n    cooldown: 5m",
			"discover: 10s", "discover: 10s\nbudget: {per_hour: 100, per_day: 100}"), fillZone)
		b.start()
		defer b.stop()
		b.healthy()
		for n := 20; n < 70; n++ {
			b.fault(zoneName(n), simulator.FaultStop)
		}
		began := time.Now()
		b.until(2*time.Minute, "50 answers", func() bool { return b.aws.Calls()["AssociateAddress"] == 5 && b.published() == 100-45 })
		took, edits := time.Since(began), b.aws.Calls()["ChangeResourceRecordSets"]
		t.Logf("50 members answered in %s by 5 moves and %d calls of 45 edits", took, edits)
		if edits > 10 {
			t.Errorf("%d calls for 45 edits\n%s", edits, b.story())
		}
		zone := 0 // the first are answered before the rest is seen to fail
		for _, i := range b.incidents() {
			if i.Diagnosis.Cause == failover.CauseZone {
				zone++
			}
		}
		if zone < 40 {
			t.Errorf("the zone is the cause of %d of 50", zone)
		}
	})
}
