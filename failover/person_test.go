package failover

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

func TestAPauseStopsWhatItCovers(t *testing.T) {
	until := noon().Add(time.Hour)
	for name, c := range map[string]struct {
		pause Pause
		held  bool
	}{
		"all pools":      {Pause{Until: until}, true},
		"this pool":      {Pause{Pool: "www", Until: until}, true},
		"this member":    {Pause{Pool: "www", Member: public(1), Until: until}, true},
		"another member": {Pause{Pool: "www", Member: public(2), Until: until}, false},
		"another pool":   {Pause{Pool: "api", Until: until}, false},
		"over since now": {Pause{Until: noon()}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.fails(1, probe.Refused)
			c.pause.By, c.pause.Why = "Ada", "a release"
			s.h.Pauses = []Pause{c.pause}
			if !c.held {
				s.wantAction(t, toLB4)
				return
			}
			if h := s.wantHold(t, GuardPaused); !strings.Contains(h.Text, "Ada paused") || !strings.Contains(h.Text, "a release") {
				t.Errorf("it says: %s", h.Text)
			}
		})
	}
}

// override has Ada override a guard for member 1's incident.
func (s *scene) override(g Guard) {
	s.h.Open[0].Overrides = append(s.h.Open[0].Overrides, Override{Guard: g, Why: "I know", By: "Ada", At: noon(), Until: noon().Add(overrideFor)})
}

func TestAPersonOverridesAGuard(t *testing.T) {
	s := newScene()
	s.fails(1, probe.Refused)
	s.h.Brake = &Brake{Why: "the budget is spent"}
	s.spec.Policy.Mode = Observe
	s.wantHold(t, GuardBrake)
	s.override(GuardBrake)
	s.wantHold(t, GuardMode) // each by its name
	s.override(GuardMode)
	a := s.wantAction(t, toLB4)
	if a.By != "Ada" || !strings.Contains(a.Why, "Ada overrides the guard brake: I know") || !strings.Contains(a.Why, "the guard mode") {
		t.Errorf("by %q, why %q", a.By, a.Why)
	}
	s.now = noon().Add(overrideFor)
	s.pool.Read = s.now
	for n := 1; n <= 5; n++ { // everything was asked again
		at := private(n)
		if n <= 3 {
			at = public(n)
		}
		h := s.snap.Health(s.target(at))
		h.Asked, h.Last.At, h.Why.At = s.now.Add(-time.Second), s.now.Add(-time.Second), s.now.Add(-time.Second)
		s.snap = s.snap.With(s.target(at), h)
	}
	s.wantHold(t, GuardBrake)
}

// An override of the cool-down allows what was tried once more, and not at every
// look for a quarter of an hour.
func TestAnOverrideAllowsOneMoreTry(t *testing.T) {
	s := newScene()
	onlyRemap(s)
	s.fails(1, probe.Refused)
	refused := s.wantAction(t, toLB4)
	refused.ID, refused.Status, refused.Guard = 9, Refused, GuardNotPermitted
	refused.Begun, refused.Ended = noon().Add(-time.Second), noon().Add(-time.Second)
	s.h.Open[0].Actions = []Action{refused}
	s.wantHold(t, GuardCooldown)
	s.override(GuardCooldown)
	if a := s.wantAction(t, toLB4); a.By != "Ada" || !strings.Contains(a.Why, "Ada overrides the guard cool-down: I know") {
		t.Errorf("by %q, why %q", a.By, a.Why)
	}
	again := refused
	again.ID, again.Ended = 10, noon().Add(time.Second)
	s.h.Open[0].Actions = append(s.h.Open[0].Actions, again)
	s.now = noon().Add(2 * time.Second)
	s.wantHold(t, GuardCooldown)
	s.h.Open[0].Overrides = append(s.h.Open[0].Overrides, Override{Guard: GuardCooldown, Why: "it may now", By: "Bob", At: s.now, Until: s.now.Add(overrideFor)})
	if a := s.wantAction(t, toLB4); a.By != "Bob" {
		t.Errorf("by %q", a.By)
	}
}

// What a person lets back before its time says so.
func TestAnOverrideOfTheHoldDownStandsOnTheRestore(t *testing.T) {
	s := ramped(4*time.Minute, 20)
	s.wantHold(t, GuardHoldDown)
	s.override(GuardHoldDown)
	if a := s.wantAction(t, "restore 203.0.113.1: www.example.com A www-1: weight 20 → 100"); a.By != "Ada" {
		t.Errorf("by %q, why %q", a.By, a.Why)
	}
	s = ramped(6*time.Minute, 20)
	s.override(GuardHoldDown) // it does not hold, so nothing is owed to the override
	if a := s.wantAction(t, "restore 203.0.113.1: www.example.com A www-1: weight 20 → 100"); a.By != "" {
		t.Errorf("by %q, why %q", a.By, a.Why)
	}
}

// What keeps I1, I3, I4, I5 and I10 holds whoever says what.
func TestWhatMustHoldCannotBeOverridden(t *testing.T) {
	cases := generalCases()
	maps.Copy(cases, remedyCases())
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.fails(1, probe.Refused)
			c.bring(s)
			s.override(c.guard)
			acts := len(s.plan().Actions) > 0
			if c.guard.Overridable() != acts {
				t.Errorf("%s, overridable %v:\n%s", c.guard, c.guard.Overridable(), s.plan())
			}
		})
	}
}

func TestFallsCountOncePerIncidentAndFall(t *testing.T) {
	at := func(minutes int) time.Time { return noon().Add(time.Duration(minutes) * time.Minute) }
	incidents := []Incident{
		{Opened: at(-40)}, // too old
		{Opened: at(-20)},
		{Opened: at(-15), Opening: Opening{Failback: true}}, // no outage
		{Opened: at(-10), Falls: []Fall{{"http", at(-9), false}, {"tcp", at(-9), false}, {"http", at(-8), false}}},
	}
	if n := falls(slices.Values(incidents), at(-30)); n != 4 {
		t.Errorf("%d falls, want 4", n)
	}
}

func TestAnIncidentRemembersItsFalls(t *testing.T) {
	i := Incident{Pool: "www", Member: public(1)}
	for range 100 {
		i = i.Apply(believed(1, "http", monitor.Down, monitor.Up)).Apply(believed(1, "http", monitor.Up, monitor.Down)).
			Apply(believed(2, "http", monitor.Up, monitor.Down))
	}
	if len(i.Falls) != mostFalls {
		t.Errorf("%d falls are kept, want %d", len(i.Falls), mostFalls)
	}
}

func believed(n int, check string, from, to monitor.State) Entry {
	target := newScene().target(public(n))
	target.Check = check
	return Entry{Kind: Believed, Transition: &monitor.Transition{Target: target, From: from, To: to, At: noon()}}
}

// Two checks that fall one after the other are one outage, and a watcher that is
// started again finds what it had found before.
func TestAnOutageIsOneFall(t *testing.T) {
	opening := &Opening{Evidence: []probe.Result{{Target: newScene().target(public(1))}}}
	i := Incident{}.Apply(Entry{Kind: Opened, At: noon(), Pool: "www", Member: public(1), Opening: opening})
	i = i.Apply(believed(1, "tcp", monitor.Up, monitor.Down)) // after http, which has opened it
	for range 4 {
		i = i.Apply(believed(1, "http", monitor.Unknown, monitor.Down)).Apply(believed(1, "tcp", monitor.Unknown, monitor.Down)) // a restart
	}
	if n := falls(slices.Values([]Incident{i}), noon().Add(-time.Minute)); n != 1 {
		t.Errorf("one outage is %d falls: %+v", n, i.Falls)
	}
	i = i.Apply(believed(1, "tcp", monitor.Up, monitor.Down)).Apply(believed(1, "http", monitor.Up, monitor.Down))
	if n := falls(slices.Values([]Incident{i}), noon().Add(-time.Minute)); n != 2 {
		t.Errorf("with a relapse it is %d falls, want 2: %+v", n, i.Falls)
	}
}

func TestAFlappingMemberIsHeld(t *testing.T) {
	s := newScene()
	s.fails(1, probe.Refused)
	s.h.Open[0].Flapping = true
	s.wantHold(t, GuardFlapping)
}

func TestTheShadowIsJudgedByHowLongTheMemberStayedDown(t *testing.T) {
	hold := Hold{Guard: GuardMode, Action: toLB4, Takes: 8 * time.Second}
	for name, c := range map[string]struct {
		down  time.Duration
		holds []Hold
		acted bool
		want  Score
	}{
		"longer than the move":   {9 * time.Second, []Hold{hold}, false, Score{Right: 1}},
		"shorter than the move":  {8 * time.Second, []Hold{hold}, false, Score{Wrong: 1}},
		"held by something else": {time.Hour, []Hold{{Guard: GuardBrake, Action: toLB4}}, false, Score{}},
		"done after all":         {time.Hour, []Hold{hold}, true, Score{}},
	} {
		t.Run(name, func(t *testing.T) {
			i := Incident{ID: 1}.Apply(Entry{Kind: HeldBack, At: noon(), Held: c.holds})
			if i.Shadow != nil && (Score{}).Add(i) != (Score{Open: 1}) {
				t.Errorf("open: %+v", (Score{}).Add(i))
			}
			if c.acted {
				i = i.Apply(Entry{Kind: ActionBegun, Action: &Action{ID: 3}})
			}
			i = i.Apply(Entry{Kind: Closed, At: noon().Add(c.down)})
			if got := (Score{}).Add(i); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAnApprovalIsUsedUpByItsAction(t *testing.T) {
	s := newScene()
	s.spec.Policy.Mode = Propose
	s.fails(1, probe.Refused)
	i := s.h.Open[0].Apply(Entry{Kind: Approved, At: noon(), By: "Ada", Approved: toLB4})
	s.h.Open[0] = i
	a := s.wantAction(t, toLB4)
	if a.By != "Ada" {
		t.Errorf("by %q", a.By)
	}
	a.ID, a.Status, a.Begun = 9, Begun, noon()
	i = i.Apply(Entry{Kind: ActionBegun, Action: &a})
	a.Status, a.Guard, a.Ended = Refused, GuardChanged, noon().Add(-time.Minute)
	s.h.Open[0] = i.Apply(Entry{Kind: ActionEnded, Action: &a})
	s.wantHold(t, GuardMode)
}

func TestAnApprovalEndsWithItsProposal(t *testing.T) {
	i := Incident{ID: 1}.Apply(Entry{Kind: Approved, At: noon(), By: "Ada", Approved: toLB4}).Apply(Entry{Kind: ProposalOver, At: noon()})
	if i.Approved != "" {
		t.Errorf("approved: %q", i.Approved)
	}
}
