package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/simulator"
)

func TestAPauseLastsOverARestartAndEndsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.start()
		b.healthy()
		for name, bad := range map[string]failover.Pause{
			"without a name":   {Pool: "www", Why: "a release", Until: time.Now().Add(time.Hour)},
			"without a reason": {Pool: "www", By: "Ada", Until: time.Now().Add(time.Hour)},
			"without an end":   {Pool: "www", By: "Ada", Why: "a release"},
			"for ever":         {Pool: "www", By: "Ada", Why: "a release", Until: time.Now().Add(32 * 24 * time.Hour)},
			"of another pool":  {Pool: "api", By: "Ada", Why: "a release", Until: time.Now().Add(time.Hour)},
			"of no member":     {Pool: "www", Member: demoAddress(9), By: "Ada", Why: "a release", Until: time.Now().Add(time.Hour)},
		} {
			if err := b.responder.Pause(t.Context(), bad); err == nil {
				t.Errorf("a pause %s was taken", name)
			}
		}
		until := time.Now().Add(10 * time.Minute)
		if err := b.responder.Pause(t.Context(), failover.Pause{Pool: "www", Why: "a release", By: "Ada", Until: until}); err != nil {
			t.Fatal(err)
		}
		b.fault("lb-1", simulator.FaultKill)
		if h := b.holdsWith(demoAddress(1), failover.GuardPaused); !strings.Contains(h.Text, "Ada paused pool www until") {
			t.Errorf("it says: %s", h.Text)
		}
		b.stop()
		b.start()
		defer b.stop()
		b.pass(time.Minute)
		if b.changes() != 0 || len(b.responder.View().Pauses) != 1 {
			t.Fatalf("%d changes, pauses %v\n%s", b.changes(), b.responder.View().Pauses, b.story())
		}
		b.until(10*time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" })
		if time.Now().Before(until) || len(b.responder.View().Pauses) != 0 {
			t.Errorf("moved %s before its end, pauses %v", time.Until(until), b.responder.View().Pauses)
		}
	})
}

func TestAResumedPoolActs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.start()
		defer b.stop()
		b.healthy()
		p := failover.Pause{Pool: "www", Member: demoAddress(1), Why: "a look", By: "Ada", Until: time.Now().Add(time.Hour)}
		if err := b.responder.Pause(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		b.fault("lb-1", simulator.FaultKill)
		b.fault("lb-2", simulator.FaultKill)
		b.holdsWith(demoAddress(1), failover.GuardPaused)
		b.until(time.Minute, "the move of the other member", func() bool { return b.carrier(2) != "lb-2" })
		if err := b.responder.Resume(t.Context(), failover.Pause{Pool: "www"}, "Ada"); err == nil {
			t.Error("a pause that is not was ended")
		}
		if err := b.responder.Resume(t.Context(), p, "Ada"); err != nil {
			t.Fatal(err)
		}
		b.until(time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" })
	})
}

func TestBreakGlassNamesTheGuardAndThePerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("mode: act", "mode: observe"), nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.holdsWith(demoAddress(1), failover.GuardMode)
		id := b.incident().ID
		for name, try := range map[string]error{
			"without a name":         b.responder.Override(t.Context(), id, failover.GuardMode, "I know", " "),
			"without a reason":       b.responder.Override(t.Context(), id, failover.GuardMode, "", "Ada"),
			"of a guard at rest":     b.responder.Override(t.Context(), id, failover.GuardBrake, "I know", "Ada"),
			"of no incident":         b.responder.Override(t.Context(), 99, failover.GuardMode, "I know", "Ada"),
			"of what is not a guard": b.responder.Override(t.Context(), id, "moed", "I know", "Ada"),
		} {
			if try == nil {
				t.Errorf("an override %s was taken", name)
			}
		}
		if err := b.responder.Override(t.Context(), id, failover.GuardMode, "users call", "Ada"); err != nil {
			t.Fatal(err)
		}
		b.until(time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" })
		i := b.incident()
		if a := i.Actions[0]; a.By != "Ada" || !strings.Contains(a.Why, "Ada overrides the guard mode: users call") {
			t.Errorf("by %q because %q", a.By, a.Why)
		}
		if !strings.Contains(b.story(), "Ada overrides the guard mode for 15m0s: users call") {
			t.Errorf("it is not in the journal\n%s", b.story())
		}
	})
}

func TestWhatMustAlwaysHoldCannotBeOverridden(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("cooldown: 5m", "remedy: [withdraw]\n    min_healthy: 3\n    cooldown: 5m"), nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.holdsWith(demoAddress(1), failover.GuardLastHealthy)
		err := b.responder.Override(t.Context(), b.incident().ID, failover.GuardLastHealthy, "I know", "Ada")
		if err == nil || !strings.Contains(err.Error(), "cannot be overridden") {
			t.Errorf("it was taken, or says: %v", err)
		}
		b.pass(time.Minute)
		if b.changes() != 0 {
			t.Errorf("something was changed\n%s", b.story())
		}
	})
}

// Who comes and goes is told once: the incident stays open until it is calm.
func TestAFlappingMemberIsOneIncidentUntilItIsCalm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("interval: 1s", "interval: 4s", "cooldown: 5m", "cooldown: 0s\n    flapping: {falls: 4, within: 12m}\n    remedy: [withdraw]\n"+
			"    budget: {per_hour: 50, per_day: 50}\n    member_budget: {per_hour: 50, per_day: 50}", "discover: 10s", "discover: 10s\nbudget: {per_hour: 50, per_day: 50}", "restore_after: 1m", "restore_after: 5s"), nil)
		b.start()
		defer b.stop()
		b.healthy()
		for range 8 {
			b.fault("lb-1", simulator.FaultKill)
			b.pass(30 * time.Second)
			b.heal("lb-1")
			b.pass(30 * time.Second)
		}
		done := b.changes()
		list := b.incidents()
		if len(list) > 4 || !list[0].Open() || !list[0].Flapping {
			t.Fatalf("%d incidents, the last open %v, flapping %v\n%s", len(list), list[0].Open(), list[0].Flapping, b.story())
		}
		if strings.Count(b.story(), "comes and goes: it fell 4 times within 12m0s") != 1 {
			t.Errorf("it was not told once\n%s", b.story())
		}
		b.pass(3 * time.Minute)
		if b.changes() != done {
			t.Errorf("it was touched while it flaps\n%s", b.story())
		}
		b.until(20*time.Minute, "it to be calm, and back", func() bool { return !b.incidents()[0].Open() && b.weight(1) == 10 })
		if !strings.Contains(b.story(), "is calm: it fell 2 times within 12m0s") {
			t.Errorf("that it is calm was not told\n%s", b.story())
		}
	})
}

func TestAProposalExpiresAndIsWithdrawnWhenItNoLongerHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("mode: act", "mode: propose"), nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the proposal", func() bool { return len(b.incidents()) == 1 && b.incident().Proposal != nil })
		first := b.incident().Proposal
		b.pass(31 * time.Minute)
		second := b.incident().Proposal
		if second == nil || !second.At.After(first.At) || second.Action != first.Action || strings.Count(b.story(), "nobody answered the proposal in 30m0s") != 1 {
			t.Errorf("after %v came %v\n%s", first, second, b.story())
		}
		b.fault("lb-4", simulator.FaultKill) // it is another one now
		b.until(time.Minute, "another proposal", func() bool { p := b.incident().Proposal; return p != nil && p.Action != first.Action })
		b.heal("lb-1")
		b.until(time.Minute, "the incident to close", func() bool { return !b.incident().Open() })
		if i := b.incident(); i.Proposal != nil || b.changes() != 0 || !strings.Contains(b.story(), "the proposal no longer holds: "+first.Action) {
			t.Errorf("proposal %v, %d changes\n%s", i.Proposal, b.changes(), b.story())
		}
		// It stayed down for half an hour: the move would have been right.
		if got := b.pool().Score; got != (failover.Score{Right: 1}) {
			t.Errorf("score %+v", got)
		}
	})
}

func TestTheShadowKnowsABlip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("mode: act", "mode: observe"), nil)
		b.start()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.holdsWith(demoAddress(1), failover.GuardMode)
		b.heal("lb-1")
		b.until(time.Minute, "the incident to close", func() bool { return !b.incident().Open() })
		b.stop()
		b.start()
		defer b.stop()
		b.healthy()
		if got := b.pool().Score; got != (failover.Score{Wrong: 1}) {
			t.Errorf("score %+v\n%s", got, b.story())
		}
	})
}

// What stays down does not flap any more, and is answered.
func TestWhoStaysDownFlapsNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("mode: act", "mode: observe"), nil)
		b.start()
		defer b.stop()
		b.healthy()
		for range 4 {
			b.fault("lb-1", simulator.FaultKill)
			b.pass(20 * time.Second)
			b.heal("lb-1")
			b.pass(20 * time.Second)
		}
		b.fault("lb-1", simulator.FaultKill)
		b.holdsWith(demoAddress(1), failover.GuardFlapping)
		b.pass(4 * time.Minute)
		b.holdsWith(demoAddress(1), failover.GuardFlapping)
		b.pass(2 * time.Minute)
		b.holdsWith(demoAddress(1), failover.GuardMode)
		if !strings.Contains(b.story(), "comes and goes no more: it has been down for 5m0s") || b.incidents()[0].Flapping {
			t.Errorf("it still flaps\n%s", b.story())
		}
	})
}

// A restart during an outage does not forget that the member was well before.
func TestARestartRemembersThatTheMemberWasHealthy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.start()
		b.healthy()
		b.pass(time.Minute)
		b.stop()
		b.fault("lb-1", simulator.FaultKill)
		b.pass(time.Minute)
		b.start()
		defer b.stop()
		b.until(time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" })
	})
}
