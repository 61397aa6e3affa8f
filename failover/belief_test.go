package failover

import (
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

func TestAMoveIsProvenOnlyByEnoughPassesSentAfterIt(t *testing.T) {
	moved := noon().Add(-10 * time.Second)
	after := func(d time.Duration) time.Time { return moved.Add(d) }
	for name, c := range map[string]struct {
		health monitor.Health
		served time.Time // zero: not proven
	}{
		"a new streak, long enough": {monitor.Health{State: monitor.Up, Streak: after(time.Second), Passes: 2, Asked: after(2 * time.Second)}, after(time.Second)},
		"a new streak, too short":   {monitor.Health{State: monitor.Up, Streak: after(time.Second), Passes: 1, Asked: after(time.Second)}, time.Time{}},
		"an old streak that went on for as long as two passes take": {
			monitor.Health{State: monitor.Up, Streak: after(-time.Hour), Passes: 99, Asked: after(5 * time.Second)}, moved,
		},
		"an old streak that has not": {monitor.Health{State: monitor.Up, Streak: after(-time.Hour), Passes: 99, Asked: after(4 * time.Second)}, time.Time{}},
		"not asked since":            {monitor.Health{State: monitor.Up, Streak: after(-time.Hour), Passes: 99, Asked: after(-time.Second)}, time.Time{}},
		"a fail since": {
			monitor.Health{State: monitor.Up, Streak: after(time.Second), Passes: 2, Asked: after(7 * time.Second), Fails: 1}, time.Time{},
		},
		"still down": {monitor.Health{State: monitor.Down, Passes: 1, Asked: after(time.Second)}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.snap = s.snap.With(s.target(public(1)), c.health)
			served, proven := believe(s.spec, public(1), s.snap).provenSince(moved)
			if proven != !c.served.IsZero() || !served.Equal(c.served) {
				t.Errorf("proven %v, served %s; want served %s", proven, served, c.served)
			}
		})
	}
}

func TestAnAddressIsAsWellAsItsWorstCheck(t *testing.T) {
	s := newScene()
	s.spec.Checks = append(s.spec.Checks, s.spec.Checks[0])
	s.spec.Checks[1].Name = "tcp"
	second := s.spec.Checks[1].Target("www", public(1))
	for name, c := range map[string]struct {
		health monitor.Health
		want   monitor.State
	}{
		"both up":         {monitor.Health{State: monitor.Up, SeenUp: true}, monitor.Up},
		"one never asked": {monitor.Health{}, monitor.Unknown},
		"one down":        {monitor.Health{State: monitor.Down, Why: probe.Result{Answer: probe.Answer{Reason: probe.Refused}}}, monitor.Down},
	} {
		s.snap = s.snap.With(second, c.health)
		if b := believe(s.spec, public(1), s.snap); b.State != c.want || b.SeenUp != c.health.SeenUp {
			t.Errorf("%s: %s, seen up %v", name, b.State, b.SeenUp)
		}
	}
}

func TestAViewSaysUntilWhenAnExcuseIsTaken(t *testing.T) {
	s := newScene()
	s.spec.Checks[0].Thresholds.Excused = 4 * time.Hour
	h := s.snap.Health(s.target(public(1)))
	h.Excused = noon().Add(-time.Hour)
	h.Last = probe.Result{At: noon(), Answer: probe.Answer{Verdict: probe.Inconclusive, Reason: probe.Excused}}
	for reason, want := range map[probe.Reason]time.Time{
		probe.Excused:    noon().Add(3 * time.Hour),
		probe.OwnNetwork: {}, // what is said now is no excuse
	} {
		h.Last.Reason = reason
		c := believe(s.spec, public(1), s.snap.With(s.target(public(1)), h)).views()[0]
		if !c.ExcusedUntil.Equal(want) {
			t.Errorf("%s: excused until %s, want %s", reason, c.ExcusedUntil, want)
		}
	}
}

func TestABeliefIsTheSumOfItsChecksInAnyOrder(t *testing.T) {
	ago := func(d time.Duration) time.Time { return noon().Add(-d) }
	fail := func(at time.Time) probe.Result {
		return probe.Result{At: at, Answer: probe.Answer{Verdict: probe.Fail, Reason: probe.Refused}}
	}
	checks := []monitor.Health{
		{State: monitor.Down, Fails: 3, Since: ago(4 * time.Second), First: ago(9 * time.Second), Asked: ago(time.Second), Why: fail(ago(time.Second)), SeenUp: true},
		{State: monitor.Down, Fails: 3, Since: ago(5 * time.Second), First: ago(8 * time.Second), Asked: ago(3 * time.Second), Why: fail(ago(3 * time.Second)), SeenUp: true},
		{State: monitor.Up, Fails: 1, Since: ago(time.Hour), First: ago(10 * time.Second), Asked: ago(2 * time.Second), Why: fail(ago(10 * time.Second)), SeenUp: true},
		{State: monitor.Unknown},
	}
	checks[3].Asked = ago(4 * time.Second)
	for turn := range checks {
		s := newScene()
		s.asks("http", "https", "tcp", "icmp")
		for n, c := range s.spec.Checks {
			s.snap = s.snap.With(c.Target("www", public(1)), checks[(n+turn)%len(checks)])
		}
		b := believe(s.spec, public(1), s.snap)
		if b.State != monitor.Down || b.SeenUp || !b.Since.Equal(ago(5*time.Second)) || !b.FirstBad.Equal(ago(9*time.Second)) ||
			!b.began.Equal(ago(10*time.Second)) || !b.lastFail().Equal(ago(time.Second)) || !b.stale.Equal(ago(4*time.Second).Add(12*time.Second)) ||
			!b.askedSince(ago(4*time.Second)) || b.askedSince(ago(4*time.Second-1)) {
			t.Errorf("turn %d: %+v", turn, b)
		}
	}
}

func TestToBelieveTakesNoMemory(t *testing.T) {
	f := newFleet(1, 8, 2, "https", "icmp", "tcp")
	spec, pool := f.specs[0], f.pools[0]
	used := testing.AllocsPerRun(100, func() {
		failing := believe(spec, pool.Members[0].Addr, f.snap)
		other := believe(spec, pool.Members[1].Addr, f.snap)
		if other.sideWith(&failing) != passes || !other.passing(f.now) {
			t.Errorf("%+v does not pass", other)
		}
	})
	if used != 0 {
		t.Errorf("it takes %g allocations", used)
	}
}

func TestAnAddressPassesOnlyByAnswersOfNow(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*monitor.Health)
		want   bool
	}{
		"passes":           {func(*monitor.Health) {}, true},
		"just fresh":       {func(h *monitor.Health) { h.Asked = noon().Add(-12 * time.Second) }, true},
		"too old":          {func(h *monitor.Health) { h.Asked = noon().Add(-12*time.Second - 1) }, false},
		"the last is none": {func(h *monitor.Health) { h.Last.Verdict = probe.Inconclusive }, false},
		"down":             {func(h *monitor.Health) { h.State = monitor.Down }, false},
	} {
		for turn := range 2 {
			s := newScene()
			s.asks("http", "icmp")
			target := s.spec.Checks[turn].Target("www", public(1))
			h := s.snap.Health(target)
			c.change(&h)
			if got := believe(s.spec, public(1), s.snap.With(target, h)).passing(noon()); got != c.want {
				t.Errorf("%s, by check %d: %v, want %v", name, turn, got, c.want)
			}
		}
	}
}
