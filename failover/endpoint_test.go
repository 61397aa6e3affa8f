package failover

import (
	"strings"
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

const loginURL = "https://www.example.com/login"

// login is an endpoint of the scene's pool.
func (s *scene) login() Endpoint {
	if len(s.spec.Endpoints) == 0 {
		s.spec.Endpoints = []Endpoint{{Name: "login", URL: loginURL, Interval: 30 * time.Second, Timeout: 5 * time.Second, Thresholds: monitor.Thresholds{Fall: 3, Clear: 1, Rise: 2}}}
	}
	return s.spec.Endpoints[0]
}

// unserved lets the endpoint fail as a member does.
func (s *scene) unserved() {
	t := s.login().Target("www")
	last := probe.Result{Target: t, At: noon().Add(-500 * time.Millisecond), Answer: probe.Answer{Verdict: probe.Fail, Reason: probe.NotServed, Detail: "203.0.113.1 refused"}}
	s.snap = s.snap.With(t, monitor.Health{
		State: monitor.Down, Since: noon().Add(-time.Second), First: noon().Add(-11 * time.Second), Fails: 3, Last: last, Why: last, Asked: last.At, SeenUp: true,
	})
}

func (s *scene) served(since time.Time) {
	t := s.login().Target("www")
	last := probe.Result{Target: t, At: noon(), Answer: probe.Answer{Verdict: probe.Pass, Detail: "served by 203.0.113.1: answered 200 OK"}}
	s.snap = s.snap.With(t, monitor.Health{State: monitor.Up, Since: since, Streak: since, Passes: 2, Last: last, Asked: last.At, SeenUp: true})
}

func TestAnEndpointThatFailsMovesNothing(t *testing.T) {
	s := newScene()
	s.unserved()
	if plan := s.plan(); len(plan.Actions) > 0 || len(plan.Held) > 0 {
		t.Errorf("healthy members and a failing endpoint:\n%s", plan)
	}
	if plan := Rehearse(s.spec, s.pool, s.snap, Budget{10, 30}, noon()); len(plan.Actions) > 0 || len(plan.Held) > 0 {
		t.Errorf("rehearsed:\n%s", plan)
	}
}

// Whatever an endpoint says, the plan for a failing member, its diagnosis and
// what is believed of all others are what they are without it.
func TestAnEndpointChangesNoJudgement(t *testing.T) {
	scenes := map[string]func(*scene){
		"a dead member": func(s *scene) { s.fails(1, probe.Refused) },
		"all fail alike": func(s *scene) {
			for n := 1; n <= 3; n++ {
				s.fails(n, probe.NotServed)
			}
		},
		"no standby": func(s *scene) { s.fails(1, probe.Refused); s.pool.Instances = s.pool.Instances[:3] },
	}
	for name, set := range scenes {
		without := newScene()
		set(without)
		want := without.plan().String() + Diagnose(without.spec, without.pool, without.snap, public(1)).Evidence[0]
		for state, of := range map[string]func(*scene){
			"not served": (*scene).unserved, "served": func(s *scene) { s.served(noon().Add(-time.Hour)) }, "unknown": func(s *scene) { s.login() },
		} {
			with := newScene()
			set(with)
			of(with)
			if got := with.plan().String() + Diagnose(with.spec, with.pool, with.snap, public(1)).Evidence[0]; got != want {
				t.Errorf("%s, users %s:\n%s\nwithout the endpoint:\n%s", name, state, got, want)
			}
		}
	}
	if want := "do    remap 203.0.113.1"; !strings.Contains(func() string { s := newScene(); s.fails(1, probe.Refused); s.unserved(); return s.plan().String() }(), want) {
		t.Error("a member that fails beside its endpoint is not moved")
	}
}

func TestItIsToldOnceThatUsersAreNotServed(t *testing.T) {
	s := newScene()
	e := s.login()
	if n, ok := serve(s.spec, e, nil, s.snap, noon()); ok {
		t.Errorf("nothing is known yet: %+v", n)
	}
	s.unserved()
	n, ok := serve(s.spec, e, nil, s.snap, noon())
	const want = "www: the site is not served to users: https://www.example.com/login: 203.0.113.1 refused"
	if !ok || n.kind != NotServed || n.text != want || !n.advisory.Begun.Equal(noon().Add(-11*time.Second)) {
		t.Fatalf("got %+v", n)
	}
	told := n.advisory.Advisory
	if n, ok := serve(s.spec, e, &told, s.snap, noon()); ok {
		t.Errorf("told twice: %+v", n)
	}
	s.served(noon())
	if n, ok := serve(s.spec, e, &told, s.snap, noon().Add(59*time.Second)); ok {
		t.Errorf("served for less than a minute: %+v", n)
	}
	n, ok = serve(s.spec, e, &told, s.snap, noon().Add(time.Minute))
	const again = "www: the site is served to users again: https://www.example.com/login: served by 203.0.113.1: answered 200 OK; it was not for 11s"
	if !ok || n.kind != ServedAgain || n.text != again {
		t.Errorf("got %+v", n)
	}
	if n, ok := serve(s.spec, e, nil, s.snap, noon().Add(time.Hour)); ok {
		t.Errorf("nothing was told: %+v", n)
	}
}

func TestABlindWatcherTellsNothingOfUsers(t *testing.T) {
	for name, blind := range map[string]func(*monitor.Snapshot){
		"blind":                          func(snap *monitor.Snapshot) { snap.Blind = "2 of 2 references do not answer" },
		"no reference answered since":    func(snap *monitor.Snapshot) { snap.References, snap.Sighted = 2, noon().Add(-12*time.Second) },
		"no reference was ever answered": func(snap *monitor.Snapshot) { snap.References = 2 },
	} {
		s := newScene()
		s.unserved()
		blind(s.snap)
		if n, ok := serve(s.spec, s.login(), nil, s.snap, noon()); ok {
			t.Errorf("%s: %+v", name, n)
		}
	}
	s := newScene()
	s.unserved()
	s.snap.References, s.snap.Sighted = 2, noon()
	if _, ok := serve(s.spec, s.login(), nil, s.snap, noon()); !ok {
		t.Error("nothing is told though the references answer")
	}
}

func TestThePageSaysHowUsersFare(t *testing.T) {
	s := newScene()
	s.login()
	view := func() EndpointView { return showEndpoints(s.spec, s.snap)[0] }
	if v := view(); v.Service != ServiceUnknown || v.ToChange != "served after 1 pass, not served after 3 more fails" {
		t.Errorf("got %+v", v)
	}
	s.served(noon())
	if v := view(); v.Service != Served || v.ToChange != "not served after 3 more fails" || v.URL != loginURL {
		t.Errorf("got %+v", v)
	}
	target := s.login().Target("www")
	h := s.snap.Health(target)
	h.Last.Detail = "served at the second address, 203.0.113.2: 203.0.113.1 refused"
	s.snap = s.snap.With(target, h)
	if v := view(); v.Service != ServedElsewhere {
		t.Errorf("got %+v", v)
	}
	s.unserved()
	if v := view(); v.Service != ServiceNotServed || v.ToChange != "served after 2 more passes" {
		t.Errorf("got %+v", v)
	}
}
