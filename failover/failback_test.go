package failover

import (
	"net/netip"
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// moved is a scene in which our move has taken member 1 from lb-4 to lb-1 and
// lb-4 is healthy again, for an hour.
func moved() *scene {
	s := newScene()
	s.spec.Policy.Failback = 30 * time.Minute
	s.h.Homes = map[netip.Addr]Home{public(1): {Instance: "i-4", Away: "i-1"}}
	return s
}

const backToLB4 = "failback 203.0.113.1 from lb-1 (i-1) to lb-4 (i-4)"

func TestAnAddressGoesBackToWhereItWas(t *testing.T) {
	if a := moved().wantAction(t, backToLB4); a.Incident != 0 || a.Kind != KindFailback {
		t.Errorf("%+v", a)
	}
}

func TestAnAddressDoesNotGoBackUnlessAllIsWell(t *testing.T) {
	for name, change := range map[string]func(*scene){
		"never is the default":     func(s *scene) { s.spec.Policy.Failback = 0 },
		"mode propose":             func(s *scene) { s.spec.Policy.Mode = Propose },
		"not healthy long enough":  func(s *scene) { s.spec.Policy.Failback = 2 * time.Hour },
		"its home fails":           func(s *scene) { s.down(private(4), probe.Refused) },
		"its home is gone":         func(s *scene) { s.pool.Instances = s.pool.Instances[:3] },
		"its home carries another": func(s *scene) { s.pool.Instances[3].Elastic = public(50) },
		"someone moved it on":      func(s *scene) { s.h.Homes[public(1)] = Home{"i-4", "i-9"} },
		"another member fails":     func(s *scene) { s.down(public(2), probe.Refused) },
		"it fails itself":          func(s *scene) { s.down(public(1), probe.Refused) },
		"an incident is open":      func(s *scene) { s.fails(2, probe.Refused); s.up(public(2)) },
		"something is under way": func(s *scene) {
			s.h.InFlight = []Action{{Kind: KindRemap, Member: public(9), Remap: &Remap{To: "i-9"}}}
		},
		"the watcher is blind": func(s *scene) { s.snap.Blind = "3 of 3 references do not answer" },
		"the brake":            func(s *scene) { s.h.Brake = &Brake{Why: "x"} },
		"a pause": func(s *scene) {
			s.h.Pauses = []Pause{{Pool: "www", Why: "release", By: "Ada", Until: noon().Add(time.Hour)}}
		},
		"it went back a while ago": func(s *scene) {
			s.h.Changes = []Change{{KindFailback, "www", public(1), 3, noon().Add(-50 * time.Minute), true, time.Time{}}}
		},
		"the member was touched": func(s *scene) {
			s.h.Changes = []Change{{KindRemap, "www", public(1), 3, noon().Add(-4 * time.Minute), true, time.Time{}}}
		},
		"the check was not asked lately": func(s *scene) {
			s.change(2, func(h *monitor.Health) { h.Asked = noon().Add(-time.Minute) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := moved()
			change(s)
			for _, a := range s.plan().Actions {
				if a.Kind == KindFailback {
					t.Errorf("got\n%s", s.plan())
				}
			}
		})
	}
}

func TestOneAddressGoesBackAtATime(t *testing.T) {
	s := moved()
	s.h.Homes[public(2)] = Home{"i-5", "i-2"}
	s.wantAction(t, backToLB4)
}

func TestHomesFollowOurMovesOnly(t *testing.T) {
	homes := map[netip.Addr]Home{}
	for _, c := range []struct {
		from, to string
		want     Home
	}{
		{"i-1", "i-2", Home{"i-1", "i-2"}},
		{"i-2", "i-3", Home{"i-1", "i-3"}}, // moved on: its home stays
		{"i-3", "i-1", Home{}},             // back
		{"i-1", "i-2", Home{"i-1", "i-2"}},
		{"i-7", "i-3", Home{"i-7", "i-3"}}, // someone else had moved it to i-7
		{"", "i-4", Home{}},                // nothing carried it
	} {
		moveHome(homes, Action{Member: public(1), Remap: &Remap{From: c.from, To: c.to}})
		if homes[public(1)] != c.want {
			t.Errorf("%s → %s: %+v, want %+v", c.from, c.to, homes[public(1)], c.want)
		}
	}
}

// A move back that does not serve is answered at once, and not by the instance
// that failed.
func TestAMoveBackInVainIsUndone(t *testing.T) {
	s := newScene()
	s.fails(1, probe.Refused)
	s.h.Open[0].Opening.Failback = true
	at := noon().Add(-30 * time.Second)
	s.h.Open[0].Actions = []Action{{
		ID: 9, Kind: KindFailback, Pool: "www", Member: public(1), Incident: 1, Status: Unproven, Begun: at, Applied: at, Ended: at,
		Remap: &Remap{Addr: public(1), From: "i-4", To: "i-1"},
	}}
	s.h.Changes = []Change{{KindFailback, "www", public(1), 1, at, true, at}}
	s.wantAction(t, toLB4)
}

// A home that does not serve is tried once, and not every hour with an outage.
func TestAHomeThatDidNotServeIsForgotten(t *testing.T) {
	s := &state{incidents: map[int64]Incident{2: {ID: 2, Opening: Opening{Failback: true}}}, homes: map[string]map[netip.Addr]Home{}}
	move := func(kind ActionKind, incident int64, from, to string) {
		s.moves(Action{Kind: kind, Pool: "www", Member: public(1), Incident: incident, Remap: &Remap{From: from, To: to}})
	}
	move(KindRemap, 1, "i-1", "i-4")
	move(KindFailback, 2, "i-4", "i-1")
	move(KindRemap, 2, "i-1", "i-5")
	if home, away := s.homes["www"][public(1)]; away {
		t.Errorf("it is to go back: %+v", home)
	}
	move(KindRemap, 3, "i-5", "i-4")
	if home := s.homes["www"][public(1)]; home != (Home{"i-5", "i-4"}) {
		t.Errorf("after the next failure its home is %+v", home)
	}
}
