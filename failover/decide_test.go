package failover

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/monitor"
	"rrwatch/probe"
)

const toLB4 = "remap 203.0.113.1 from lb-1 (i-1) to lb-4 (i-4)"

func TestPlansNothingWhileAllIsWell(t *testing.T) {
	s := newScene()
	if plan := s.plan(); len(plan.Actions)+len(plan.Held) != 0 || plan.String() != "pool www: nothing to do\n" {
		t.Errorf("got %s", plan)
	}
}

func TestMovesTheAddressToTheStandbyOfItsZone(t *testing.T) {
	s := newScene()
	s.fails(1, probe.Refused)
	a := s.wantAction(t, toLB4)
	want := &Remap{
		Addr: public(1), Allocation: "eipalloc-1", From: "i-1", FromName: "lb-1", To: "i-4", ToName: "lb-4",
		Interface: "eni-4", Private: private(4), Association: "eipassoc-1",
	}
	if diff := cmp.Diff(want, a.Remap, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestPrefersTheStandbyThatHasBeenHealthyLongest(t *testing.T) {
	s := newScene()
	s.pool.Instances[4].Zone = "a"
	h := s.snap.Health(s.target(private(5)))
	h.Since = noon().Add(-2 * time.Hour)
	s.snap = s.snap.With(s.target(private(5)), h)
	s.fails(1, probe.Refused)
	s.wantAction(t, "remap 203.0.113.1 from lb-1 (i-1) to lb-5 (i-5)")
}

func TestTwoMembersOfOneLookGetTwoStandbys(t *testing.T) {
	s := newScene()
	s.fails(1, probe.Refused)
	s.fails(2, probe.Refused)
	var got []string
	for _, a := range s.plan().Actions {
		got = append(got, a.String())
	}
	want := []string{toLB4, "remap 203.0.113.2 from lb-2 (i-2) to lb-5 (i-5)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnUnassociatedAddressIsGivenToAStandby(t *testing.T) {
	s := newScene()
	s.fails(1, probe.ConnectTimeout)
	s.pool.Members[0].Address = &Address{IP: public(1), Allocation: "eipalloc-1"}
	s.pool.Instances = s.pool.Instances[1:]
	s.wantAction(t, "remap 203.0.113.1, carried by no instance, to lb-4 (i-4)")
}

func TestWithdrawsWhenNoStandbyHelps(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*scene)
		want   string
		shall  RecordSet
	}{
		"weighted": {func(*scene) {}, "withdraw 203.0.113.1: www.example.com A www-1: weight 10 → 0", weighted(1, 0)},
		"multivalue answer": {func(s *scene) {
			for n := range s.pool.Members {
				s.pool.Members[n].Set.Weight, s.pool.Members[n].Set.MultiValue = nil, true
			}
		}, "withdraw 203.0.113.1: www.example.com A www-1: the set leaves", RecordSet{}},
		"simple": {func(s *scene) {
			for n := range s.pool.Members {
				s.pool.Members[n].Set = simple(1, 2, 3)
			}
		}, "withdraw 203.0.113.1: www.example.com A: 203.0.113.1 leaves the set", simple(2, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.fails(1, probe.Refused)
			s.down(private(4), probe.Refused)
			s.down(private(5), probe.Refused)
			c.change(s)
			a := s.wantAction(t, c.want)
			if !a.Reweigh.Shall.Equal(c.shall) || !a.Reweigh.Was.Equal(s.pool.Members[0].Set) {
				t.Errorf("edit %+v", a.Reweigh)
			}
		})
	}
}

func weighted(n int, weight int64) RecordSet {
	set := newScene().pool.Members[n-1].Set
	set.Weight = &weight
	return set
}

func simple(members ...int) RecordSet {
	set := RecordSet{Name: "www.example.com", Type: "A", TTL: 60}
	for _, n := range members {
		set.Values = append(set.Values, public(n).String())
	}
	return set
}

func TestValuesOfOneSimpleSetAreWithdrawnInOneEdit(t *testing.T) {
	s := newScene()
	for n := range s.pool.Members {
		s.pool.Members[n].Set = simple(1, 2, 3)
	}
	s.spec.Policy.Remedies = []Remedy{RemedyWithdraw}
	s.fails(1, probe.Refused)
	s.fails(2, probe.Status)
	plan := s.plan()
	if len(plan.Actions) != 2 {
		t.Fatalf("got\n%s", plan)
	}
	for _, a := range plan.Actions {
		if !a.Reweigh.Was.Equal(simple(1, 2, 3)) || !a.Reweigh.Shall.Equal(simple(3)) {
			t.Errorf("%s: of %v makes %v", a, a.Reweigh.Was.Values, a.Reweigh.Shall.Values)
		}
	}
	if together := batches(plan.Actions); len(together) != 1 {
		t.Errorf("they are sent in %d calls", len(together))
	}
}

// A second edit of a simple set goes on top of one that AWS has accepted, and
// that has been read.
func TestAnEditFollowsAnAcceptedOneOfTheSameSimpleSet(t *testing.T) {
	for name, c := range map[string]struct {
		status  Status
		applied time.Duration // before the pool was read
		acts    bool
	}{
		"accepted and read":     {Applied, time.Second, true},
		"accepted and not read": {Applied, -time.Second, false},
		"begun":                 {Begun, time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			for n := range s.pool.Members {
				s.pool.Members[n].Set = simple(1, 3)
			}
			s.spec.Policy.Remedies = []Remedy{RemedyWithdraw}
			s.fails(1, probe.Refused)
			s.h.InFlight = []Action{{
				Kind: KindWithdraw, Member: public(2), Status: c.status, Applied: s.pool.Read.Add(-c.applied),
				Reweigh: &Reweigh{Zone: "Z1", Addr: public(2), Was: simple(1, 2, 3), Shall: simple(1, 3)},
			}}
			if c.acts {
				s.wantAction(t, "withdraw 203.0.113.1: www.example.com A: 203.0.113.1 leaves the set")
			} else {
				s.wantHold(t, GuardInFlight)
			}
		})
	}
}

// withdrawn makes member 1 an incident whose address is out of the answers.
func (s *scene) withdrawn(was, shall RecordSet) {
	s.fails(1, probe.Refused)
	a := Action{
		ID: 7, Kind: KindWithdraw, Pool: "www", Member: public(1), Incident: 1, Status: Proven,
		Begun: noon().Add(-time.Hour), Applied: noon().Add(-time.Hour), Ended: noon().Add(-time.Hour),
		Reweigh: &Reweigh{Zone: "Z1", Addr: public(1), Was: was, Shall: shall},
	}
	s.h.Open[0].Actions = []Action{a}
	s.h.Left[a.Reweigh.key()] = Left{Set: shall}
	s.h.Changes = []Change{{KindRemap, "www", public(1), 1, a.Begun, true, time.Time{}}}
	s.pool.Members[0].Published = false
	s.up(public(1))
}

func TestRestoresExactlyWhatItWithdrew(t *testing.T) {
	t.Run("weighted", func(t *testing.T) {
		s := newScene()
		s.withdrawn(weighted(1, 10), weighted(1, 0))
		s.pool.Members[0].Set, s.pool.Sets[0] = weighted(1, 0), weighted(1, 0)
		a := s.wantAction(t, "restore 203.0.113.1: www.example.com A www-1: weight 0 → 10")
		if !a.Reweigh.Shall.Equal(weighted(1, 10)) {
			t.Errorf("restores %+v", a.Reweigh.Shall)
		}
	})
	t.Run("simple, with another value still out", func(t *testing.T) {
		s := newScene()
		s.withdrawn(simple(1, 2, 3), simple(2, 3))
		s.h.Left[simple(1).Key()] = Left{Set: simple(3)} // 2 was withdrawn later
		s.pool.Sets = []RecordSet{simple(3)}
		a := s.wantAction(t, "restore 203.0.113.1: www.example.com A: 203.0.113.1 joins the set")
		if diff := cmp.Diff([]string{"203.0.113.1", "203.0.113.3"}, a.Reweigh.Shall.Values); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("multivalue answer", func(t *testing.T) {
		s := newScene()
		was := RecordSet{Name: "www.example.com", Type: "A", TTL: 60, Identifier: "www-1", MultiValue: true, Values: []string{"203.0.113.1"}}
		s.withdrawn(was, RecordSet{})
		s.pool.Sets = s.pool.Sets[1:]
		a := s.wantAction(t, "restore 203.0.113.1: www.example.com A www-1: the set comes back")
		if !a.Reweigh.Shall.Equal(was) || a.Reweigh.Was.Exists() {
			t.Errorf("restores %+v", a.Reweigh)
		}
	})
}

func TestLeavesAnOperatorsHandAlone(t *testing.T) {
	s := newScene()
	s.withdrawn(weighted(1, 10), weighted(1, 0))
	s.pool.Sets[0] = weighted(1, 3) // someone has chosen another weight
	s.pool.Members[0].Set = s.pool.Sets[0]
	s.wantHold(t, GuardChanged)
}

func TestRestoresOnlyAfterThePolicysTime(t *testing.T) {
	s := newScene()
	s.withdrawn(weighted(1, 10), weighted(1, 0))
	s.pool.Sets[0] = weighted(1, 0)
	h := s.snap.Health(s.target(public(1)))
	h.Since = noon().Add(-59 * time.Second)
	s.snap = s.snap.With(s.target(public(1)), h)
	s.wantHold(t, GuardHoldDown)
}

func TestWithdrawnMemberIsMovedWhenAStandbyTurnsUp(t *testing.T) {
	s := newScene()
	s.withdrawn(weighted(1, 10), weighted(1, 0))
	s.down(public(1), probe.Refused)
	s.wantAction(t, toLB4)
}

func TestTheNextRemedyFollowsOneThatDidNotHelp(t *testing.T) {
	remapTo := func(n string, status Status) Action {
		return Action{
			ID: 5, Kind: KindRemap, Pool: "www", Member: public(1), Incident: 1, Status: status, Ended: noon().Add(-time.Second),
			Remap: &Remap{Addr: public(1), From: "i-1", FromName: "lb-1", To: "i-" + n, ToName: "lb-" + n},
		}
	}
	t.Run("unproven: the next standby", func(t *testing.T) {
		s := newScene()
		s.fails(1, probe.Refused)
		s.h.Open[0].Actions = []Action{remapTo("4", Unproven)}
		s.pool.Members[0].Address.Instance = "i-4"
		s.pool.Instances[0].Elastic = netip.Addr{}
		s.up(private(1)) // even if it seems well again, it did not serve
		s.wantAction(t, "remap 203.0.113.1 from lb-4 (i-4) to lb-5 (i-5)")
	})
	t.Run("refused: not the same again, so withdraw", func(t *testing.T) {
		s := newScene()
		s.fails(1, probe.Refused)
		s.h.Open[0].Actions = []Action{remapTo("4", Refused)}
		s.wantAction(t, "withdraw 203.0.113.1: www.example.com A www-1: weight 10 → 0")
	})
	t.Run("refused: the same again after the cool-down", func(t *testing.T) {
		s := newScene()
		s.fails(1, probe.Refused)
		refused := remapTo("4", Refused)
		refused.Ended = noon().Add(-6 * time.Minute)
		s.h.Open[0].Actions = []Action{refused}
		s.wantAction(t, toLB4)
	})
	t.Run("lost by a stop of rrwatch: the same again", func(t *testing.T) {
		s := newScene()
		s.fails(1, probe.Refused)
		lost := remapTo("4", Failed)
		lost.Settled = true
		s.h.Open[0].Actions = []Action{lost}
		s.wantAction(t, toLB4)
	})
	t.Run("unfinished: nothing", func(t *testing.T) {
		s := newScene()
		s.fails(1, probe.Refused)
		s.h.Open[0].Actions = []Action{remapTo("4", Applied)}
		if plan := s.plan(); len(plan.Actions) != 0 {
			t.Errorf("got\n%s", plan)
		}
	})
}

func TestTheSameInputGivesTheSamePlan(t *testing.T) {
	plan := func() string {
		s := newScene()
		for _, n := range []int{1, 2} {
			s.fails(n, probe.Refused)
		}
		s.spec.Policy.Mode = Observe
		return s.plan().String()
	}
	want := plan()
	for range 50 {
		if got := plan(); got != want {
			t.Fatalf("once\n%s\nand once\n%s", want, got)
		}
	}
	if !strings.Contains(want, "would "+toLB4+" [mode]") {
		t.Errorf("the plan does not say what it would do:\n%s", want)
	}
}

func TestRehearsesWithoutHistory(t *testing.T) {
	s := newScene()
	s.down(public(1), probe.Refused)
	plan := Rehearse(s.spec, s.pool, s.snap, s.h.Total, s.now)
	if len(plan.Actions) != 1 || plan.Actions[0].String() != toLB4 {
		t.Errorf("got\n%s", plan)
	}
}

func TestDiagnosesTheCause(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*scene)
		want   Cause
	}{
		"its process":               {func(s *scene) { s.fails(1, probe.Refused) }, CauseProcess},
		"its instance, silent":      {func(s *scene) { s.fails(1, probe.ConnectTimeout) }, CauseInstance},
		"its instance, as EC2 says": {func(s *scene) { s.fails(1, probe.Refused); s.pool.Instances[0].State = "stopped" }, CauseInstance},
		"its instance, impaired":    {func(s *scene) { s.fails(1, probe.Refused); s.pool.Instances[0].Status = "impaired" }, CauseInstance},
		"no known instance":         {func(s *scene) { s.fails(1, probe.Refused); s.pool.Members[0].Address = nil }, CauseUnknown},
		"ourselves":                 {func(s *scene) { s.fails(1, probe.Refused); s.snap.Blind = "no reference answers" }, CauseWatcher},
		"shared": {func(s *scene) {
			s.fails(1, probe.Status)
			s.down(public(2), probe.Status)
			s.down(public(3), probe.Status)
		}, CauseShared},
		"all fail, for different reasons": {func(s *scene) {
			s.fails(1, probe.Status)
			s.down(public(2), probe.Refused)
			s.down(public(3), probe.Status)
		}, CauseProcess},
		"its zone": {func(s *scene) {
			s.fails(1, probe.ConnectTimeout)
			s.down(public(3), probe.ConnectTimeout)
			s.down(private(4), probe.ConnectTimeout)
		}, CauseZone},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			c.change(s)
			if d := Diagnose(s.spec, s.pool, s.snap, public(1)); d.Cause != c.want || len(d.Evidence) == 0 {
				t.Errorf("got %+v, want %s with evidence", d, c.want)
			}
		})
	}
}

// Who is only listened to was not asked: nothing is known of the host.
func TestDoesNotSayThatTheHostOfAMissedHeartbeatAnswers(t *testing.T) {
	s := newScene()
	s.fails(1, probe.Overdue)
	d := Diagnose(s.spec, s.pool, s.snap, public(1))
	if last := d.Evidence[len(d.Evidence)-1]; d.Cause != CauseProcess || !strings.Contains(last, "may be silent, too") {
		t.Errorf("got %+v", d)
	}
}

func TestSpareInstancesAreThoseWithoutAMember(t *testing.T) {
	s := newScene()
	var got []string
	for _, i := range s.pool.Spare() {
		got = append(got, i.ID)
	}
	if !slices.Equal(got, []string{"i-4", "i-5"}) {
		t.Errorf("got %v", got)
	}
	if b := believe(s.spec, private(9), s.snap); b.State != monitor.Unknown {
		t.Errorf("an address that was never asked is %s", b.State)
	}
}
