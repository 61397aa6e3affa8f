package failover

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// ramped is a scene in which member 1, of weight 200, comes back by steps; it has
// been given the weights so far, the last one a while ago.
func ramped(ago time.Duration, weights ...int64) *scene {
	s := newScene()
	s.spec.Policy.Ramp = []RampStep{{10, 5 * time.Minute}, {50, 5 * time.Minute}, {100, 0}}
	s.withdrawn(weighted(1, 200), weighted(1, 0))
	now := weighted(1, 0)
	for n, weight := range weights {
		at := noon().Add(-ago - time.Duration(len(weights)-1-n)*5*time.Minute)
		s.h.Open[0].Actions = append(s.h.Open[0].Actions, Action{
			ID: int64(8 + n), Kind: KindRestore, Pool: "www", Member: public(1), Incident: 1, Status: Proven, Begun: at, Applied: at, Ended: at,
			Reweigh: &Reweigh{Zone: "Z1", Addr: public(1), Was: now, Shall: weighted(1, weight)},
		})
		s.h.Changes = append(s.h.Changes, Change{KindRestore, "www", public(1), 1, at, true, at})
		now = weighted(1, weight)
	}
	s.pool.Members[0].Set, s.pool.Sets[0] = now, now
	s.pool.Members[0].Published = now.Answers()
	s.h.Left[now.Key()] = Left{Set: now}
	return s
}

func TestAWithdrawnMemberComesBackBySteps(t *testing.T) {
	edit := "restore 203.0.113.1: www.example.com A www-1: weight "
	ramped(0).wantAction(t, edit+"0 → 20")
	ramped(6*time.Minute, 20).wantAction(t, edit+"20 → 100")
	ramped(6*time.Minute, 20, 100).wantAction(t, edit+"100 → 200")
	if h := ramped(4*time.Minute, 20).wantHold(t, GuardHoldDown); !strings.Contains(h.Text, "it has 20 of its weight of 200; the next step comes after 5m0s") {
		t.Errorf("it says: %s", h.Text)
	}
}

func TestTheSmallestStepIsAWeightOfOne(t *testing.T) {
	s := ramped(0)
	s.h.Open[0].Actions[0].Reweigh.Was.Weight = new(int64(3))
	s.wantAction(t, "restore 203.0.113.1: www.example.com A www-1: weight 0 → 1")
}

func TestAMemberThatFailsWhileItComesBackLeavesAgain(t *testing.T) {
	s := ramped(time.Minute, 20)
	s.down(public(1), probe.Refused)
	a := s.wantAction(t, "withdraw 203.0.113.1: www.example.com A www-1: weight 20 → 0")
	a.ID, a.Status, a.Begun, a.Applied, a.Ended = 20, Proven, noon(), noon(), noon()
	i := &s.h.Open[0]
	i.Actions = append(i.Actions, a)
	if edit, out := i.Withdrawn(); !out || !edit.Was.Equal(weighted(1, 200)) || !edit.Shall.Equal(weighted(1, 0)) {
		t.Errorf("what it was is forgotten: %v %+v", out, edit)
	}
}

func TestTheLastStepIsTheWholeSetAsItWas(t *testing.T) {
	s := ramped(6*time.Minute, 20, 100, 200)
	if edit, out := s.h.Open[0].Withdrawn(); out {
		t.Errorf("it counts as withdrawn: %+v", edit)
	}
	for n := range 3 {
		if _, out := ramped(0, []int64{20, 100}[:min(n, 2)]...).h.Open[0].Withdrawn(); !out {
			t.Errorf("after %d steps it does not count as withdrawn", n)
		}
	}
}

func TestAnOperatorsWeightEndsTheSteps(t *testing.T) {
	s := ramped(6*time.Minute, 20)
	s.pool.Sets[0] = weighted(1, 77)
	s.pool.Members[0].Set = s.pool.Sets[0]
	s.wantHold(t, GuardChanged)
}

// After a blindness an old belief is no answer.
func TestAMemberThatDoesNotPassNowDoesNotComeBack(t *testing.T) {
	for name, change := range map[string]func(*monitor.Health){
		"its latest answer is a fail": func(h *monitor.Health) { h.Last.Verdict, h.Fails, h.First = probe.Fail, 1, noon().Add(-time.Second) },
		"a fail is not forgotten":     func(h *monitor.Health) { h.Fails, h.First = 1, noon().Add(-3*time.Second) },
		"it could not be asked":       func(h *monitor.Health) { h.Last.Verdict = probe.Inconclusive },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.withdrawn(weighted(1, 10), weighted(1, 0))
			s.pool.Sets[0] = weighted(1, 0)
			s.change(1, change)
			s.wantHold(t, GuardHoldDown)
		})
	}
}

// Another member's edit of the same set is not yet in what was read: nobody else
// has changed it.
func TestAnEditOfOursThatWasNotReadYetIsNobodyElses(t *testing.T) {
	s := newScene()
	s.withdrawn(simple(1, 2, 3), simple(2, 3))
	s.pool.Sets = []RecordSet{simple(2, 3)}
	s.h.Left[simple(1).Key()] = Left{Set: simple(3), At: s.pool.Read.Add(time.Second)}
	if plan := s.plan(); len(plan.Actions)+len(plan.Held) > 0 {
		t.Errorf("got\n%s", plan)
	}
	s.pool.Read = s.pool.Read.Add(2 * time.Second)
	s.wantHold(t, GuardChanged)
}

// Someone edited the set while the member was out; that we have edited it since,
// for another member, does not make it ours again.
func TestAnOperatorsEditIsNotForgottenByALaterOneOfOurs(t *testing.T) {
	s := newScene()
	s.withdrawn(simple(1, 2, 3), simple(2, 3))
	s.pool.Sets = []RecordSet{simple(3)}
	took := s.h.Open[0].Actions[0].Applied
	s.h.Left[simple(1).Key()] = Left{Set: simple(3), At: took.Add(time.Minute), Since: took.Add(time.Minute)}
	s.wantHold(t, GuardChanged)
	s.h.Left[simple(1).Key()] = Left{Set: simple(3), At: took.Add(time.Minute)}
	s.wantAction(t, "restore 203.0.113.1: www.example.com A: 203.0.113.1 joins the set")
}

func TestWhatWasLeftKnowsWhetherAnotherHandCameBetween(t *testing.T) {
	edit := func(was, shall RecordSet, minute int) Action {
		return Action{Status: Applied, Applied: noon().Add(time.Duration(minute) * time.Minute), Reweigh: &Reweigh{Was: was, Shall: shall}}
	}
	s := &state{left: map[RecordKey]Left{}}
	s.leaves(edit(simple(1, 2, 3, 4), simple(3, 4), 1))
	s.leaves(edit(simple(1, 2, 3, 4), simple(3, 4), 1)) // of the same batch
	s.leaves(edit(simple(3, 4), simple(1, 3, 4), 2))
	if left := s.left[simple(1).Key()]; !left.Since.IsZero() || !left.Set.Equal(simple(1, 3, 4)) {
		t.Errorf("only ours: %+v", left)
	}
	s.leaves(edit(simple(1, 3, 4, 5), simple(1, 3, 4), 3)) // someone put 5 in, and we took it out
	if left := s.left[simple(1).Key()]; !left.Since.Equal(noon().Add(3 * time.Minute)) {
		t.Errorf("another hand: %+v", left)
	}
}

// Nor is one that AWS has made and not answered yet.
func TestAnEditOfOursThatWasNotAnsweredYetIsNobodyElses(t *testing.T) {
	s := newScene()
	s.withdrawn(simple(1, 2, 3), simple(2, 3))
	s.pool.Sets = []RecordSet{simple(3)}
	s.h.InFlight = []Action{{ID: 9, Kind: KindWithdraw, Member: public(2), Status: Begun, Reweigh: &Reweigh{Addr: public(2), Was: simple(2, 3), Shall: simple(3)}}}
	if plan := s.plan(); len(plan.Actions)+len(plan.Held) > 0 {
		t.Errorf("got\n%s", plan)
	}
	s.h.InFlight = nil
	s.wantHold(t, GuardChanged)
}

// What we took is given back before the incident ends, though another record set
// publishes the address, too; what someone else has put back is theirs.
func TestAnIncidentEndsOnlyWhenAllWeightIsGivenBack(t *testing.T) {
	second := weighted(1, 10)
	second.Identifier = "www-1-more"
	for name, c := range map[string]struct {
		set  RecordSet // ours, as it is now
		want string    // how the incident ends; empty: it does not
	}{
		"still at 0":              {weighted(1, 0), ""},
		"with a part, by a ramp":  {weighted(1, 2), ""},
		"as an operator wants it": {weighted(1, 7), "203.0.113.1 is served again, by someone else's change of the record set, which is left as it is"},
	} {
		t.Run(name, func(t *testing.T) {
			s := ramped(0)
			if *c.set.Weight == 2 {
				s = ramped(0, 2)
			}
			s.pool.Sets[0] = c.set
			s.pool.Sets = append(s.pool.Sets, second)
			s.pool.Members[0].Set, s.pool.Members[0].Published = second, true
			if text, _ := newAdviser().over(s.spec, s.pool, s.snap, s.h.Open[0]); text != c.want {
				t.Errorf("it ends: %q, want %q", text, c.want)
			}
		})
	}
}

// Somebody has put back what still fails: that is left alone, and said.
func TestWhatSomeonePutBackThatFailsIsHeld(t *testing.T) {
	s := newScene()
	onlyWithdraw(s)
	s.withdrawn(weighted(1, 10), weighted(1, 0))
	s.pool.Members[0].Published = true
	s.down(public(1), probe.Refused)
	s.wantHold(t, GuardChanged)
}

// Who fails each time that it comes back is let back ever later.
func TestTheCoolDownGrowsWithEachRelapseOnTheWayBack(t *testing.T) {
	relapsed := func(times int) *scene {
		s := ramped(0)
		s.h.Changes, s.spec.Policy.Budget = nil, Budget{9, 9}
		for n := range times + 1 {
			at := noon().Add(-time.Duration(6+10*n) * time.Minute)
			s.h.Changes = append(s.h.Changes, Change{KindWithdraw, "www", public(1), 1, at, true, at}, Change{KindRestore, "www", public(1), 1, at.Add(-time.Minute), true, at})
		}
		slices.Reverse(s.h.Changes)
		return s
	}
	relapsed(1).wantAction(t, "restore 203.0.113.1: www.example.com A www-1: weight 0 → 20")
	if h := relapsed(2).wantHold(t, GuardCooldown); !strings.Contains(h.Text, "touched 6m0s ago and cools down for 4m0s more") {
		t.Errorf("it says: %s", h.Text)
	}
}

// An Elastic IP that was released may be anybody's: its answers are no reason to
// publish it again. What never was one is another matter.
func TestAnAddressThatWasReleasedIsNotPublishedAgain(t *testing.T) {
	s := ramped(0)
	s.pool.Members[0].Address = nil
	s.wantAction(t, "restore 203.0.113.1: www.example.com A www-1: weight 0 → 20")
	s.h.Open[0].Opening.Instance = "i-1"
	s.wantHold(t, GuardNotOurs)
}

// A member that was withdrawn and then removed for good has no incident for ever.
func TestAnIncidentEndsWhenItsRecordSetIsRemoved(t *testing.T) {
	s := ramped(0)
	s.down(public(1), probe.Refused)
	if text, over := newAdviser().over(s.spec, s.pool, s.snap, s.h.Open[0]); over {
		t.Errorf("it ends while its set is there: %s", text)
	}
	s.pool.Sets = s.pool.Sets[1:]
	if text, _ := newAdviser().over(s.spec, s.pool, s.snap, s.h.Open[0]); text != "203.0.113.1 stays out of the answers: someone else has removed its record set" {
		t.Errorf("it ends: %q", text)
	}
}
