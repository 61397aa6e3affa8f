package failover

import (
	"strings"
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

func TestTheHeaviestMemberGetsTheStandby(t *testing.T) {
	s := newScene()
	s.pool.Instances = s.pool.Instances[:4] // one standby
	s.pool.Members[1].Set.Weight = new(int64(200))
	s.fails(1, probe.Refused)
	s.fails(2, probe.Status)
	plan := s.plan()
	want := []string{"remap 203.0.113.2 from lb-2 (i-2) to lb-4 (i-4)", "withdraw 203.0.113.1: www.example.com A www-1: weight 10 → 0"}
	if len(plan.Actions) != 2 || plan.Actions[0].String() != want[0] || plan.Actions[1].String() != want[1] {
		t.Errorf("got\n%s", plan)
	}
}

func TestTheCauseChoosesTheRemedies(t *testing.T) {
	s := newScene()
	s.spec.Policy.RemedyWhen = map[Cause][]Remedy{CausePartial: {RemedyWithdraw}, CauseUnknown: {}}
	s.fails(1, probe.Refused)
	s.h.Open[0].Diagnosis.Cause = CauseProcess
	s.wantAction(t, toLB4)
	s.h.Open[0].Diagnosis.Cause = CausePartial
	s.wantAction(t, "withdraw 203.0.113.1: www.example.com A www-1: weight 10 → 0")
	s.h.Open[0].Diagnosis.Cause = CauseUnknown
	s.wantHold(t, GuardNoRemedy)
}

// inVain gives member 1's incident a move that was not seen to help.
func (s *scene) inVain(from, to string, ago time.Duration) {
	at := noon().Add(-ago)
	s.h.Open[0].Actions = append(s.h.Open[0].Actions, Action{
		ID: int64(10 + len(s.h.Open[0].Actions)), Kind: KindRemap, Pool: "www", Member: public(1), Incident: 1, Status: Unproven, Begun: at, Applied: at, Ended: at,
		Remap: &Remap{Addr: public(1), From: from, To: to},
	})
}

func TestAMoveInVainTriesTheNextStandbyAndThenWithdraws(t *testing.T) {
	s := newScene()
	s.fails(1, probe.Refused)
	s.inVain("i-1", "i-4", time.Minute)
	s.pool.Members[0].Address.Instance = "i-4"
	s.pool.Instances[3].Elastic, s.pool.Instances[0].Elastic = public(1), public(99)
	s.wantAction(t, "remap 203.0.113.1 from lb-4 (i-4) to lb-5 (i-5)")
	s.inVain("i-4", "i-5", 30*time.Second)
	s.wantAction(t, "withdraw 203.0.113.1: www.example.com A www-1: weight 10 → 0")
}

func TestAStandbyThatAWSRefusedIsPassedOver(t *testing.T) {
	for guard, want := range map[Guard]string{
		GuardEviction:   "remap 203.0.113.1 from lb-1 (i-1) to lb-5 (i-5)",
		GuardNotRunning: "remap 203.0.113.1 from lb-1 (i-1) to lb-5 (i-5)",
		GuardInterfaces: "remap 203.0.113.1 from lb-1 (i-1) to lb-5 (i-5)",
		GuardChanged:    toLB4, // once more, from a newer read
	} {
		s := newScene()
		s.fails(1, probe.Refused)
		s.inVain("i-1", "i-4", time.Minute)
		refused := &s.h.Open[0].Actions[0]
		refused.Status, refused.Guard, refused.Applied = Refused, guard, time.Time{}
		refused.Remap.FromName, refused.Remap.ToName = "lb-1", "lb-4"
		s.wantAction(t, want)
	}
}

// The other remedy is not taken for a world that has only to be read again.
func TestNothingIsPlannedUntilARefusalWasReadAgain(t *testing.T) {
	for guard, held := range map[Guard]Guard{GuardChanged: "", GuardStale: "", GuardThrottled: GuardThrottled} {
		s := newScene()
		s.fails(1, probe.Refused)
		s.inVain("i-1", "i-4", 5*time.Second)
		refused := &s.h.Open[0].Actions[0]
		refused.Status, refused.Guard, refused.Applied = Refused, guard, time.Time{}
		refused.Remap.FromName, refused.Remap.ToName = "lb-1", "lb-4"
		plan := s.plan() // read 10 s ago
		if len(plan.Actions) > 0 || len(plan.Held) > 0 != (held != "") || held != "" && plan.Held[0].Guard != held {
			t.Errorf("%s: got\n%s", guard, plan)
		}
		s.pool.Read, refused.Ended = noon().Add(-4*time.Second), noon().Add(-throttlePause)
		if guard != GuardThrottled {
			refused.Ended = noon().Add(-5 * time.Second)
		}
		s.wantAction(t, toLB4)
	}
}

func TestAnInstanceThatFailedIsNoStandbyAtOnce(t *testing.T) {
	s := newScene()
	s.fails(1, probe.Refused)
	h := s.snap.Health(s.target(private(4)))
	h.Since = noon().Add(-9 * time.Second) // its own address is a new target
	s.snap = s.snap.With(s.target(private(4)), h)
	s.wantAction(t, toLB4)
	s.h.vacate("i-4")
	s.wantAction(t, "remap 203.0.113.1 from lb-1 (i-1) to lb-5 (i-5)")
}

func TestARefusedActionIsNotPlannedForEver(t *testing.T) {
	s := newScene()
	onlyWithdraw(s)
	s.fails(1, probe.Refused)
	for n := range mostRefused {
		s.wantAction(t, "withdraw 203.0.113.1: www.example.com A www-1: weight 10 → 0")
		s.h.Open[0].Actions = append(s.h.Open[0].Actions, Action{
			ID: int64(n + 1), Kind: KindWithdraw, Member: public(1), Status: Refused, Guard: GuardChanged, Ended: noon().Add(-time.Minute),
			Reweigh: &Reweigh{Addr: public(1), Was: weighted(1, 10), Shall: weighted(1, 0)},
		})
	}
	s.wantHold(t, GuardCooldown)
}

func TestNoStandbyInAFailingZone(t *testing.T) {
	s := newScene()
	// Zone b has lb-2 and lb-5; one more standby there fails with lb-2.
	extra := s.pool.Instances[4]
	extra.ID, extra.Name, extra.Private = "i-6", "lb-6", private(6)
	s.pool.Instances = append(s.pool.Instances, extra)
	s.pool.Instances[3].Elastic = public(99) // none in zone a
	s.up(private(6))
	s.fails(2, probe.ConnectTimeout)
	s.down(private(5), probe.ConnectTimeout)
	plan := s.plan()
	if len(plan.Actions) != 1 || plan.Actions[0].Kind != KindWithdraw {
		t.Errorf("got\n%s", plan)
	}
}

func TestAStandbyThatHasJustRecoveredIsNotTrusted(t *testing.T) {
	s := newScene()
	s.fails(1, probe.Refused)
	h := s.snap.Health(s.target(private(4)))
	h.Since, h.Fell = noon().Add(-59*time.Second), noon().Add(-5*time.Minute)
	s.snap = s.snap.With(s.target(private(4)), h)
	s.wantAction(t, "remap 203.0.113.1 from lb-1 (i-1) to lb-5 (i-5)")
	h.Since = noon().Add(-time.Minute)
	s.snap = s.snap.With(s.target(private(4)), h)
	s.wantAction(t, toLB4)
	h.Since, h.Fell = noon().Add(-3*time.Second), time.Time{} // new, and never seen down
	s.snap = s.snap.With(s.target(private(4)), h)
	s.wantAction(t, toLB4)
}

func TestTheCoolDownGrowsWithEachRelapse(t *testing.T) {
	touched := func(incidents ...int64) []Change {
		var list []Change
		for _, i := range incidents {
			list = append(list, Change{KindRemap, "www", public(1), i, noon().Add(-time.Duration(100-i) * time.Minute), true, time.Time{}})
		}
		return list
	}
	for name, c := range map[string]struct {
		changes []Change
		held    bool
	}{
		"the first, 6 minutes ago":   {touched(94), false},
		"the second, 6 minutes ago":  {touched(70, 94), true},
		"the second, 11 minutes ago": {touched(70, 89), false},
		"the third, 19 minutes ago":  {touched(60, 70, 81), true},
		"the third, 21 minutes ago":  {touched(60, 70, 79), false},
		"others, long ago":           {append(touched(94), Change{KindRemap, "www", public(1), 7, noon().Add(-2 * time.Hour), true, time.Time{}}), false},
		"three of one incident":      {append(touched(94), append(touched(94), touched(94)...)...), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.fails(1, probe.Refused)
			s.h.Changes = c.changes
			if c.held {
				s.wantHold(t, GuardCooldown)
			} else {
				s.wantAction(t, toLB4)
			}
		})
	}
	if got := (Policy{Cooldown: 5 * time.Minute}).cooldown(50); got != mostCooldown {
		t.Errorf("it grows to %s", got)
	}
	if got := (Policy{Cooldown: 3 * time.Hour}).cooldown(50); got != 3*time.Hour {
		t.Errorf("one that is longer from the beginning becomes %s", got)
	}
}

func TestAnEarlierRrwatchSawTheMemberHealthy(t *testing.T) {
	s := newScene()
	s.fails(1, probe.Refused)
	s.change(1, func(h *monitor.Health) { h.SeenUp = false })
	s.h.Open[0].Opening.SeenUp = false
	s.wantHold(t, GuardWarmUp)
	s.h.SeenUp = map[probe.Target]bool{s.target(public(1)): true}
	s.wantAction(t, toLB4)
}

// Two names share an address: what one pool has just moved, the other one does not
// move on, so that they do not tear at it.
func TestTheCoolDownOfAMoveIsThatOfTheAddress(t *testing.T) {
	at := noon().Add(-time.Minute)
	for name, c := range map[string]struct {
		change Change
		guard  Guard
	}{
		"moved by another pool":     {Change{KindRemap, "api", public(1), 9, at, true, at}, GuardCooldown},
		"withdrawn by another pool": {Change{KindWithdraw, "api", public(1), 9, at, true, at}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.fails(1, probe.Refused)
			s.h.Changes = []Change{c.change}
			if c.guard == "" {
				s.wantAction(t, toLB4)
				return
			}
			s.wantHold(t, c.guard)
		})
	}
}

// Its zone-mate has not answered since: where zones have remedies of their own it
// is waited for, for a time-out at most.
func TestAZoneWithItsOwnRemediesIsHeardFirst(t *testing.T) {
	s := newScene()
	s.fails(1, probe.ConnectTimeout) // in zone a, as members 3 and the standby 4
	s.change(3, func(h *monitor.Health) { h.Asked = noon().Add(-3 * time.Second) })
	s.wantAction(t, toLB4)
	s.spec.Policy.RemedyWhen = map[Cause][]Remedy{CauseZone: {}}
	if h := s.wantHold(t, GuardShared); !strings.Contains(h.Text, "not yet compared with lb-3 (i-3) in the same zone") {
		t.Errorf("it says: %s", h.Text)
	}
	s.change(1, func(h *monitor.Health) {
		h.Since = noon().Add(-3 * time.Second)
		h.First = noon().Add(-4 * time.Second)
	})
	s.wantAction(t, toLB4) // a time-out and a recheck are 2.5 s
}
