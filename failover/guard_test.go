package failover

import (
	"maps"
	"strings"
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// change alters what is believed of an address.
func (s *scene) change(n int, f func(*monitor.Health)) {
	h := s.snap.Health(s.target(public(n)))
	f(&h)
	s.snap = s.snap.With(s.target(public(n)), h)
}

func onlyRemap(s *scene)    { s.spec.Policy.Remedies = []Remedy{RemedyRemap} }
func onlyWithdraw(s *scene) { s.spec.Policy.Remedies = []Remedy{RemedyWithdraw} }

// guardCase brings one guard to hold a plan that would act otherwise.
type guardCase struct {
	guard Guard
	bring func(*scene)
}

// generalCases are of the guards that hold whatever the remedy.
func generalCases() map[string]guardCase {
	return map[string]guardCase{
		"the journal cannot be written": {GuardNoRecord, func(s *scene) { s.h.NoRecord = "disk full" }},
		"the references are silent":     {GuardBlind, func(s *scene) { s.snap.Blind = "3 of 3 references do not answer" }},
		"the references have not answered since": {GuardBlind, func(s *scene) {
			s.snap.References, s.snap.Sighted = 3, noon().Add(-3*time.Second)
		}},
		"the watcher was blind since": {GuardBlind, func(s *scene) { s.snap.Sees = noon().Add(-400 * time.Millisecond) }},
		"the others pass again only since the last fail": {GuardShared, func(s *scene) {
			for n := 2; n <= 3; n++ {
				s.change(n, func(h *monitor.Health) { h.Streak = noon().Add(-400 * time.Millisecond) })
			}
		}},
		"the watcher was paused": {GuardStalled, func(s *scene) { s.snap.Stalled = noon().Add(-400 * time.Millisecond) }},
		"nothing was learnt of the member since a blindness": {GuardStalled, func(s *scene) {
			s.change(1, func(h *monitor.Health) {
				h.First, h.Since, h.Asked = noon().Add(-time.Minute), noon().Add(-59*time.Second), noon().Add(-59*time.Second)
			})
		}},
		"AWS was not read lately": {GuardStale, func(s *scene) { s.pool.Read = noon().Add(-3 * time.Minute) }},
		"the member was never seen healthy": {GuardWarmUp, func(s *scene) {
			s.change(1, func(h *monitor.Health) { h.SeenUp = false })
			s.h.Open[0].Opening.SeenUp = false
		}},
		"all members are down alike": {GuardShared, func(s *scene) { s.down(public(2), probe.Refused); s.down(public(3), probe.Refused) }},
		"the others begin to fail alike": {GuardShared, func(s *scene) {
			for n := 2; n <= 3; n++ {
				s.change(n, func(h *monitor.Health) {
					h.Fails, h.First, h.Why = 1, noon().Add(-time.Second), s.snap.Health(s.target(public(1))).Why
				})
			}
		}},
		"the others have not been asked since the fail before the last": {GuardShared, func(s *scene) {
			for n := 2; n <= 3; n++ {
				s.change(n, func(h *monitor.Health) { h.Asked = noon().Add(-1900 * time.Millisecond) })
			}
		}},
		"the others have not been asked since": {GuardShared, func(s *scene) {
			for n := 2; n <= 3; n++ {
				s.change(n, func(h *monitor.Health) { h.Asked = noon().Add(-3 * time.Second) })
			}
		}},
		"maintenance": {GuardMaintenance, func(s *scene) {
			s.spec.Maintenance = func(now time.Time) (time.Time, bool) { return now.Add(time.Hour), true }
		}},
		"the brake": {GuardBrake, func(s *scene) { s.h.Brake = &Brake{Why: "the budget is spent"} }},
		"the cool-down": {GuardCooldown, func(s *scene) {
			s.h.Changes = []Change{{KindRemap, "www", public(1), 99, noon().Add(-time.Minute), true, time.Time{}}}
		}},
		"the cool-down since the call was accepted": {GuardCooldown, func(s *scene) {
			s.h.Changes = []Change{{KindRemap, "www", public(1), 99, noon().Add(-320 * time.Second), true, noon().Add(-290 * time.Second)}}
		}},
		"the pool's hour":  {GuardBudget, func(s *scene) { s.h.Changes = changes("www", 4, time.Minute) }},
		"the pool's day":   {GuardBudget, func(s *scene) { s.h.Changes = changes("www", 12, 2*time.Hour) }},
		"everybody's hour": {GuardBudget, func(s *scene) { s.h.Changes = changes("other", 10, time.Minute) }},
		"everybody's day":  {GuardBudget, func(s *scene) { s.h.Changes = changes("other", 30, 2*time.Hour) }},
		"mode observe":     {GuardMode, func(s *scene) { s.spec.Policy.Mode = Observe }},
		"mode propose":     {GuardMode, func(s *scene) { s.spec.Policy.Mode = Propose }},
		"an approval of something else": {GuardMode, func(s *scene) {
			s.spec.Policy.Mode = Propose
			s.h.Open[0].Approved, s.h.Open[0].Allowed = "remap 203.0.113.1 from lb-1 (i-1) to lb-5 (i-5)", noon()
		}},
		"an approval of long ago": {GuardMode, func(s *scene) {
			s.spec.Policy.Mode = Propose
			s.h.Open[0].Approved, s.h.Open[0].Allowed = toLB4, noon().Add(-16*time.Minute)
		}},
		"another edit of the same record set": {GuardInFlight, func(s *scene) {
			onlyWithdraw(s)
			s.h.InFlight = []Action{{Kind: KindWithdraw, Member: public(9), Reweigh: &Reweigh{Was: weighted(1, 10)}}}
		}},
	}
}

// remedyCases are of the guards of one remedy.
func remedyCases() map[string]guardCase {
	return map[string]guardCase{
		"no EIP of the account": {GuardNotOurs, func(s *scene) { onlyRemap(s); s.pool.Members[0].Address = nil }},
		"a weighted set of two addresses": {GuardNotOurs, func(s *scene) {
			onlyWithdraw(s)
			s.pool.Members[0].Set.Values = []string{public(1).String(), public(2).String()}
		}},
		"an AWS service's":      {GuardService, func(s *scene) { onlyRemap(s); s.pool.Members[0].Address.ServiceManaged = "alb" }},
		"no standby at all":     {GuardWontHelp, func(s *scene) { onlyRemap(s); s.pool.Instances = s.pool.Instances[:3] }},
		"the standbys fail too": {GuardWontHelp, func(s *scene) { onlyRemap(s); s.down(private(4), probe.Refused); s.down(private(5), probe.Refused) }},
		"the standbys' answers are old": {GuardWontHelp, func(s *scene) {
			onlyRemap(s)
			for n := 4; n <= 5; n++ {
				h := s.snap.Health(s.target(private(n)))
				h.Asked = noon().Add(-13 * time.Second) // two intervals and a time-out are 12 s
				s.snap = s.snap.With(s.target(private(n)), h)
			}
		}},
		"the standbys pass again only since the last fail": {GuardWontHelp, func(s *scene) {
			onlyRemap(s)
			for n := 4; n <= 5; n++ {
				h := s.snap.Health(s.target(private(n)))
				h.Streak = noon().Add(-400 * time.Millisecond)
				s.snap = s.snap.With(s.target(private(n)), h)
			}
		}},
		"the standbys failed last": {GuardWontHelp, func(s *scene) {
			onlyRemap(s)
			for n := 4; n <= 5; n++ {
				h := s.snap.Health(s.target(private(n)))
				h.Fails, h.Last.Verdict = 1, probe.Fail
				s.snap = s.snap.With(s.target(private(n)), h)
			}
		}},
		"the standbys carry addresses": {GuardWontHelp, func(s *scene) {
			onlyRemap(s)
			s.pool.Instances[3].Elastic, s.pool.Instances[4].Elastic = public(50), public(51)
		}},
		"the standbys do not run": {GuardWontHelp, func(s *scene) {
			onlyRemap(s)
			s.pool.Instances[3].State, s.pool.Instances[4].State = "stopped", "pending"
		}},
		"the standbys are being given away": {GuardWontHelp, func(s *scene) {
			onlyRemap(s)
			s.h.InFlight = []Action{{Member: public(8), Remap: &Remap{To: "i-4"}}, {Member: public(9), Remap: &Remap{To: "i-5"}}}
		}},
		"a foreign record set": {GuardNotOurs, func(s *scene) { onlyWithdraw(s); s.pool.Members[0].Set.Foreign = "it is an alias" }},
		"the others were withdrawn since the read": {GuardLastHealthy, func(s *scene) {
			onlyWithdraw(s)
			for n := 2; n <= 3; n++ {
				s.h.Changes = append(s.h.Changes, Change{KindWithdraw, "www", public(n), 7, noon().Add(-20 * time.Second), true, s.pool.Read.Add(time.Second)})
			}
		}},
		"the last healthy address":               {GuardLastHealthy, func(s *scene) { onlyWithdraw(s); s.down(public(2), probe.Status); s.down(public(3), probe.Body) }},
		"fewer healthy than the policy asks for": {GuardLastHealthy, func(s *scene) { onlyWithdraw(s); s.spec.Policy.MinHealthy = 3 }},
		"the others are not published": {GuardLastHealthy, func(s *scene) {
			onlyWithdraw(s)
			s.pool.Members[1].Published, s.pool.Members[2].Published = false, false
		}},
		"the others are being withdrawn": {GuardLastHealthy, func(s *scene) {
			onlyWithdraw(s)
			s.h.InFlight = []Action{
				{Kind: KindWithdraw, Member: public(2), Reweigh: &Reweigh{Was: weighted(2, 10)}},
				{Kind: KindWithdraw, Member: public(3), Reweigh: &Reweigh{Was: weighted(3, 10)}},
			}
		}},
	}
}

func changes(pool string, n int, ago time.Duration) []Change {
	list := make([]Change, n)
	for i := range list {
		list[i] = Change{KindRemap, pool, public(200), 77, noon().Add(-ago), true, time.Time{}}
	}
	return list
}

func TestEachGuardHolds(t *testing.T) {
	cases := generalCases()
	maps.Copy(cases, remedyCases())
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.fails(1, probe.Refused)
			if len(s.plan().Actions) != 1 {
				t.Fatalf("without the guard the plan does not act:\n%s", s.plan())
			}
			c.bring(s)
			if h := s.wantHold(t, c.guard); h.Text == "" {
				t.Error("the hold does not say why")
			}
		})
	}
}

func TestGuardsLetGoAgain(t *testing.T) {
	for name, bring := range map[string]func(*scene){
		"the references have answered since": func(s *scene) { s.snap.References, s.snap.Sighted = 3, noon().Add(-time.Second) },
		"asked again since the blindness":    func(s *scene) { s.snap.Sees = noon().Add(-600 * time.Millisecond) },
		"asked again after the pause":        func(s *scene) { s.snap.Stalled = noon().Add(-time.Second) },
		"the cool-down is over": func(s *scene) {
			s.h.Changes = []Change{{KindRemap, "www", public(1), 99, noon().Add(-6 * time.Minute), true, time.Time{}}}
		},
		"the action before changed nothing": func(s *scene) {
			s.h.Changes = []Change{{KindRemap, "www", public(1), 99, noon().Add(-time.Minute), false, time.Time{}}}
		},
		"the remedy before was of this incident": func(s *scene) {
			s.h.Changes = []Change{{KindRemap, "www", public(1), 1, noon().Add(-time.Minute), true, time.Time{}}}
		},
		"the actions were made before the brake was released": func(s *scene) {
			s.h.Changes, s.h.Released = changes("www", 4, 2*time.Minute), noon().Add(-time.Minute)
		},
		"the actions are a day old": func(s *scene) { s.h.Changes = changes("www", 30, 25*time.Hour) },
		"approved": func(s *scene) {
			s.spec.Policy.Mode = Propose
			s.h.Open[0].Approved, s.h.Open[0].Allowed = toLB4, noon().Add(-time.Minute)
		},
		"one other member passes":     func(s *scene) { s.down(public(2), probe.Refused) },
		"the others fail differently": func(s *scene) { s.down(public(2), probe.Status); s.down(public(3), probe.Refused) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.fails(1, probe.Refused)
			bring(s)
			s.wantAction(t, toLB4)
		})
	}
}

// With a long interval the last pass of a standby may be old, and yet be the
// latest answer: it may have died with the member.
func TestAStandbyMustPassSinceTheMemberFails(t *testing.T) {
	s := newScene()
	s.spec.Checks[0].Interval = time.Hour
	s.fails(1, probe.Refused)
	for _, n := range []int{4, 5} {
		h := s.snap.Health(s.target(private(n)))
		h.Asked = noon().Add(-time.Minute)
		s.snap = s.snap.With(s.target(private(n)), h)
	}
	// It is waited for, and the other remedy not taken meanwhile.
	if h := s.wantHold(t, GuardWontHelp); !strings.Contains(h.Text, "lb-4 (i-4) has not been asked since the member began to fail") {
		t.Errorf("held for another reason: %s", h.Text)
	}
	s.up(private(4))
	s.wantAction(t, toLB4)
}
