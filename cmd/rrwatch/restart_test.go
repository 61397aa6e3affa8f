package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/simulator"
)

func TestARestartInTheMiddleOfAnIncidentGoesOnWithIt(t *testing.T) {
	// Stopped when the incident was just opened, while the call is under way,
	// and while the proof is awaited.
	for _, after := range []time.Duration{0, 10 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, nil, nil)
			b.start()
			b.healthy()
			b.fault("lb-1", simulator.FaultKill)
			b.until(time.Minute, "the incident", func() bool { return b.member(1).Incident != 0 })
			time.Sleep(after)
			b.stop()
			time.Sleep(20 * time.Second)
			b.start()
			defer b.stop()
			b.until(2*time.Minute, "the incident to close", func() bool { return !b.incident().Open() })
			if n := b.aws.Calls()["AssociateAddress"]; n != 1 || b.carrier(1) != "lb-4" {
				t.Errorf("stopped after %s: %d calls, carried by %s\n%s", after, n, b.carrier(1), b.story())
			}
		})
	}
}

func TestAnActionOfWhichOnlyTheBeginningIsKnownIsSettledByReading(t *testing.T) {
	for _, took := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, nil, nil)
			b.start()
			b.healthy()
			b.fault("lb-1", simulator.FaultKill)
			b.until(time.Minute, "the call", func() bool { return b.aws.Calls()["AssociateAddress"] > 0 })
			b.stop()
			crash(t, b, took)
			b.start()
			defer b.stop()
			b.until(5*time.Minute, "the incident to close", func() bool { return !b.incident().Open() })
			want := 1
			if !took {
				want = 2 // the first was undone by hand, so it is made anew, after a look
			}
			if n := b.aws.Calls()["AssociateAddress"]; n != want || b.carrier(1) != "lb-4" {
				t.Errorf("took effect %v: %d calls, want %d; carried by %s\n%s", took, n, want, b.carrier(1), b.story())
			}
		})
	}
}

// crash makes the database as it would be had rrwatch died between the begin
// of its action and the answer: the entries after the begin are lost. took says
// whether the call has had its effect.
func crash(t *testing.T, b *bubble, took bool) {
	t.Helper()
	entries := readAll(t, b)
	b.path += ".crashed"
	writeUntil(t, b, entries, failover.ActionBegun)
	if !took {
		b.aws.Associate(demoAddress(1), demoInstances()[0].ID)
	}
}

func TestMemberRelapsingWithinItsCoolDownIsNotTouchedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" && b.member(1).Incident == 0 })
		first := time.Now()
		b.heal("lb-1")
		b.pass(10 * time.Second)
		b.fault("lb-4", simulator.FaultKill)
		b.holdsWith(demoAddress(1), failover.GuardCooldown)
		b.until(10*time.Minute, "the second move", func() bool { return b.carrier(1) == "lb-1" })
		if waited := time.Since(first); waited < 4*time.Minute {
			t.Errorf("touched again after %s\n%s", waited, b.story())
		}
	})
}

func TestSpentBudgetLatchesTheBrakeUntilANamedPersonReleasesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("cooldown: 5m", "cooldown: 1s\n    budget: {per_hour: 1, per_day: 5}"), nil)
		b.start()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" && b.member(1).Incident == 0 })
		b.fault("lb-2", simulator.FaultKill)
		b.holdsWith(demoAddress(2), failover.GuardBrake)
		b.stop()
		b.start() // the brake is remembered
		defer b.stop()
		b.pass(10 * time.Minute)
		if b.changes() != 1 || b.responder.View().Brake == nil {
			t.Fatalf("%d changes, brake %v\n%s", b.changes(), b.responder.View().Brake, b.story())
		}
		if err := b.responder.ReleaseBrake(t.Context(), ""); err == nil {
			t.Error("released by nobody")
		}
		if err := b.responder.ReleaseBrake(t.Context(), "Ada"); err != nil {
			t.Fatal(err)
		}
		b.until(time.Minute, "the second move", func() bool { return b.carrier(2) == "lb-5" })
	})
}

func TestThrottledAndLostAnswersAreNoReasonToMoveTwice(t *testing.T) {
	for name, fault := range map[string]func(*simulator.AWS){
		"throttled":   func(a *simulator.AWS) { a.Throttle("AssociateAddress", 2) },
		"lost answer": func(a *simulator.AWS) { a.LoseAnswer("AssociateAddress", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, nil, nil)
				b.start()
				defer b.stop()
				b.healthy()
				fault(b.aws)
				b.fault("lb-1", simulator.FaultKill)
				b.until(3*time.Minute, "the incident to close", func() bool {
					list := b.incidents()
					return len(list) == 1 && !list[0].Open()
				})
				if i := b.incident(); b.carrier(1) != "lb-4" || len(i.Actions) != 1 {
					t.Errorf("carried by %s after %v\n%s", b.carrier(1), i.Actions, b.story())
				}
			})
		})
	}
}

func TestMoveWithoutAClearAnswerIsSettledByReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// Describes lag for longer than the move itself waits for its effect.
		b := newBubbleAt(t, simulator.Options{Latency: 60 * time.Millisecond, Lag: 12 * time.Second}, nil, nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.aws.LoseAnswer("AssociateAddress", 1)
		b.fault("lb-1", simulator.FaultKill)
		b.until(3*time.Minute, "the incident to close", func() bool {
			list := b.incidents()
			return len(list) == 1 && !list[0].Open()
		})
		i := b.incident()
		if b.aws.Calls()["AssociateAddress"] != 1 || len(i.Actions) != 1 || !strings.Contains(b.story(), "so AWS is read") {
			t.Errorf("%d calls, actions %v\n%s", b.aws.Calls()["AssociateAddress"], i.Actions, b.story())
		}
	})
}

func TestStandbyWithAPublicAddressOfItsOwnIsAStandby(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, func(a *simulator.AWS) {
			spare := demoInstances()[3]
			spare.Public = demoAddress(70)
			a.AddInstance(spare)
		})
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" })
	})
}

func TestForbiddenMoveIsRefusedAndTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("cooldown: 5m", "cooldown: 5m\n    remedy: [remap]"), nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.aws.Deny("AssociateAddress")
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "a refusal", func() bool {
			list := b.incidents()
			return len(list) == 1 && len(list[0].Actions) == 1 && list[0].Actions[0].Status == failover.Refused
		})
		b.holdsWith(demoAddress(1), failover.GuardCooldown)
		if a := b.incident().Actions[0]; !strings.Contains(a.Detail, "ec2:AssociateAddress") {
			t.Errorf("refused with %q", a.Detail)
		}
	})
}

func TestNothingIsDoneForAnHourWithoutAFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.pass(time.Hour)
		if b.changes() != 0 || len(b.incidents()) != 0 {
			t.Errorf("%d changes, %d incidents\n%s", b.changes(), len(b.incidents()), b.story())
		}
	})
}
