package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/failover"
	"rrwatch/simulator"
)

func TestMovesTheAddressOfADeadLoadBalancerToAStandbyOfItsZone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.start()
		defer b.stop()
		b.healthy()
		killed := time.Now()
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the incident to close", func() bool {
			list := b.incidents()
			return len(list) == 1 && !list[0].Open()
		})
		i := b.incident()
		if b.carrier(1) != "lb-4" || b.aws.Calls()["AssociateAddress"] != 1 {
			t.Errorf("carried by %s after %d calls, want lb-4 after 1\n%s", b.carrier(1), b.aws.Calls()["AssociateAddress"], b.story())
		}
		if i.Diagnosis.Cause != failover.CauseProcess || len(i.Actions) != 1 || i.Actions[0].Status != failover.Proven {
			t.Errorf("cause %s, actions %v\n%s", i.Diagnosis.Cause, i.Actions, b.story())
		}
		if took := i.Actions[0].Begun.Sub(killed); took > 1500*time.Millisecond {
			t.Errorf("the move began %s after the kill, want at most interval + 2 rechecks\n%s", took, b.story())
		}
		b.pass(10 * time.Minute)
		if b.changes() != 1 || len(b.incidents()) != 1 {
			t.Errorf("something was done after the outage\n%s", b.story())
		}
	})
}

func TestARepairedInstanceIsAStandbyAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" })
		b.heal("lb-1")
		b.until(time.Minute, "lb-1 as a standby", func() bool {
			for _, s := range b.pool().Spare {
				if s.Name == "lb-1" && s.Standby {
					return true
				}
			}
			return false
		})
	})
}

func TestChangesNothingInModeObserveAndSaysWhatItWouldDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("mode: act", "mode: observe"), nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		h := b.holdsWith(demoAddress(1), failover.GuardMode)
		if !strings.Contains(h.Action, "remap 127.113.0.11 from lb-1 (i-0a1b2c01) to lb-4 (i-0a1b2c04)") {
			t.Errorf("would do %q", h.Action)
		}
		b.pass(5 * time.Minute)
		if b.changes() != 0 {
			t.Errorf("something was changed\n%s", b.story())
		}
		b.heal("lb-1")
		b.until(time.Minute, "the incident to close", func() bool { return !b.incident().Open() })
	})
}

func TestWaitsInModeProposeForANamedPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("mode: act", "mode: propose"), nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		h := b.holdsWith(demoAddress(1), failover.GuardMode)
		id := b.incident().ID
		if err := b.responder.Approve(t.Context(), id, h.Action, ""); err == nil {
			t.Error("an approval without a name was taken")
		}
		if err := b.responder.Approve(t.Context(), id, "remap something else", "Ada"); err == nil {
			t.Error("an approval of what is not proposed was taken")
		}
		b.pass(time.Minute)
		if b.changes() != 0 {
			t.Fatalf("something was changed without approval\n%s", b.story())
		}
		if err := b.responder.Approve(t.Context(), id, h.Action, "Ada"); err != nil {
			t.Fatal(err)
		}
		b.until(time.Minute, "the incident to close", func() bool { return !b.incident().Open() })
		if i := b.incident(); i.Actions[0].By != "Ada" || b.carrier(1) != "lb-4" {
			t.Errorf("by %q, carried by %s\n%s", i.Actions[0].By, b.carrier(1), b.story())
		}
	})
}

func TestChangesNothingWhileTheWatcherIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.network.CutOff(true)
		b.pass(2 * time.Minute)
		if v := b.responder.View(); v.Blind == "" {
			t.Errorf("not blind\n%s", b.story())
		}
		b.network.CutOff(false)
		b.pass(2 * time.Minute)
		if b.changes() != 0 || len(b.incidents()) != 0 {
			t.Errorf("%d changes, %d incidents\n%s", b.changes(), len(b.incidents()), b.story())
		}
	})
}

func TestHoldsWhenAllMembersFailAlike(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.start()
		defer b.stop()
		b.healthy()
		for _, lb := range []string{"lb-1", "lb-2", "lb-3"} {
			b.fault(lb, simulator.Fault503)
		}
		for n := 1; n <= 3; n++ {
			b.holdsWith(demoAddress(n), failover.GuardShared)
		}
		b.pass(5 * time.Minute)
		if b.changes() != 0 || len(b.incidents()) != 3 {
			t.Errorf("%d changes, %d incidents\n%s", b.changes(), len(b.incidents()), b.story())
		}
	})
}

func TestNeverMovesAnAddressToAnInstanceThatCarriesAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, func(a *simulator.AWS) {
			// Both standbys carry an address that no pool publishes.
			a.AddAddress(simulator.Address{IP: demoAddress(50), Instance: demoInstances()[3].ID})
			a.AddAddress(simulator.Address{IP: demoAddress(51), Instance: demoInstances()[4].ID})
		})
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		h := b.holdsWith(demoAddress(1), failover.GuardWontHelp)
		if !strings.Contains(h.Text, "carries 127.113.0.60") {
			t.Errorf("held with %q", h.Text)
		}
		if b.aws.Calls()["AssociateAddress"] != 0 {
			t.Errorf("an address was moved\n%s", b.story())
		}
	})
}

// alone takes the standbys away.
func alone(a *simulator.AWS) {
	for _, i := range demoInstances()[3:] {
		a.SetInstanceState(i.ID, "stopped")
	}
}

func TestWithdrawsWhatNoStandbyCanTakeAndRestoresItExactly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("cooldown: 5m", "cooldown: 1m"), alone)
		b.start()
		defer b.stop()
		b.healthy()
		before := b.aws.Records("www.example.com", "A")
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the withdrawal", func() bool { return *b.aws.Records("www.example.com", "A")[0].Weight == 0 })
		b.pass(10 * time.Minute)
		if i := b.incident(); !i.Open() || len(i.Actions) != 1 || i.Actions[0].Status != failover.Proven {
			t.Fatalf("actions %v\n%s", i.Actions, b.story())
		}
		b.heal("lb-1")
		b.until(5*time.Minute, "the incident to close", func() bool { return !b.incident().Open() })
		if diff := cmp.Diff(before, b.aws.Records("www.example.com", "A")); diff != "" {
			t.Errorf("not restored as it was: %s\n%s", diff, b.story())
		}
		if got := b.incident().Outcome; !strings.Contains(got, "published again as it was") {
			t.Errorf("closed as %q\n%s", got, b.story())
		}
		b.pass(10 * time.Minute)
		if b.changes() != 2 {
			t.Errorf("%d changes, want 2\n%s", b.changes(), b.story())
		}
	})
}

func TestTheLastHealthyAddressIsNeverWithdrawn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, alone)
		b.start()
		defer b.stop()
		b.healthy()
		faults := []simulator.Fault{simulator.FaultKill, simulator.Fault503, simulator.FaultHang}
		for n, f := range faults {
			b.fault(demoInstances()[n].Name, f)
			b.pass(time.Minute)
		}
		answering := 0
		for _, set := range b.aws.Records("www.example.com", "A") {
			if *set.Weight > 0 {
				answering++
			}
		}
		if answering != 1 || len(b.incidents()) != 3 {
			t.Errorf("%d of 3 addresses are left in the answers\n%s", answering, b.story())
		}
		b.holdsWith(demoAddress(3), failover.GuardLastHealthy)
	})
}

func TestAnOperatorsEditOfAWithdrawnSetIsNotUndone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("cooldown: 5m", "cooldown: 1m"), alone)
		b.start()
		defer b.stop()
		b.healthy()
		b.fault("lb-1", simulator.FaultKill)
		b.until(time.Minute, "the withdrawal", func() bool { return *b.aws.Records("www.example.com", "A")[0].Weight == 0 })
		b.pass(time.Minute)
		set := b.aws.Records("www.example.com", "A")[0]
		set.TTL = 30
		for n, s := range b.aws.Records("www.example.com", "A") {
			s.TTL = 30
			if n == 0 {
				s = set
			}
			b.aws.SetRecord("Z0DEMO0EXAMPLE0COM00", s)
		}
		b.heal("lb-1")
		b.pass(10 * time.Minute)
		b.holdsWith(demoAddress(1), failover.GuardChanged)
		if got := *b.aws.Records("www.example.com", "A")[0].Weight; got != 0 {
			t.Errorf("weight %d\n%s", got, b.story())
		}
		set.Weight = new(int64(7)) // the operator puts it back
		b.aws.SetRecord("Z0DEMO0EXAMPLE0COM00", set)
		b.until(5*time.Minute, "the incident to close", func() bool { return !b.incident().Open() })
		if got := *b.aws.Records("www.example.com", "A")[0].Weight; got != 7 {
			t.Errorf("weight %d\n%s", got, b.story())
		}
	})
}

// The path between the watcher and the whole site is cut and comes back, while
// the references answer all the time. One address is asked before the other
// when it does: that must not make the other a lone failure.
func TestNothingIsMovedWhenThePathToTheWholeSiteComesBack(t *testing.T) {
	t.Parallel()
	for n := range 12 {
		for _, fault := range []simulator.Fault{simulator.FaultHang, simulator.FaultKill} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, nil, nil)
				b.start()
				defer b.stop()
				b.healthy()
				for _, i := range demoInstances() {
					b.fault(i.Name, fault)
				}
				b.pass(30*time.Second + time.Duration(n)*83*time.Millisecond)
				for _, i := range demoInstances() {
					b.heal(i.Name)
				}
				b.pass(2 * time.Minute)
				if b.changes() != 0 {
					t.Errorf("%s, %d: %d changes\n%s", fault, n, b.changes(), b.story())
				}
				for _, i := range b.incidents() {
					if i.Open() {
						t.Errorf("incident %d is still open\n%s", i.ID, b.story())
					}
				}
			})
		}
	}
}
