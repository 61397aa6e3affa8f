package failover

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// lastingDrift plays asks of one pool, a minute apart: x is found, . is not, ? says
// nothing of it. It returns what was told and when.
func lastingDrift(asks string) string {
	d := newDriftWatch([]*Spec{{Name: "www"}}, nil, noon())
	var told []string
	for minute, ask := range asks {
		var found []Drift
		if ask == 'x' {
			found = []Drift{{Key: "answered 203.0.113.9", Text: "a stranger", Type: "A", Servers: []string{ns(1)}}}
		}
		for _, one := range d.round("www", found, func(Drift) bool { return ask == '?' }, noon().Add(time.Duration(minute)*time.Minute)) {
			what := "began"
			if !one.Gone.IsZero() {
				what = "over"
				delete(d.list, one.key())
			} else {
				one.Told = noon()
				d.list[one.key()] = one
			}
			told = append(told, fmt.Sprintf("%s at %d", what, minute))
		}
	}
	return strings.Join(told, ", ")
}

func TestADriftIsToldOnceWhenItHasLasted(t *testing.T) {
	for asks, want := range map[string]string{
		"xx...":         "",
		"xxx":           "began at 2",
		"xxxxxxxx":      "began at 2",
		"xx.x":          "began at 3", // a weighted group is answered at random
		"x..xx":         "",
		"x..xxx":        "began at 5",
		"xxx..":         "began at 2, over at 4",
		"xxx.x.x":       "began at 2",
		"xxx????.?.":    "began at 2, over at 9",
		"xxx..xxx..":    "began at 2, over at 4, began at 7, over at 9",
		"x?????x?x":     "began at 8",
		".............": "",
	} {
		if got := lastingDrift(asks); got != want {
			t.Errorf("%s: got %q, want %q", asks, got, want)
		}
	}
}

func TestThreeAsksInAHurryAreNotLasting(t *testing.T) {
	d := newDriftWatch([]*Spec{{Name: "www"}}, nil, noon())
	for n := range 5 {
		if tell := d.round("www", []Drift{{Key: "silent", Text: "x"}}, nil, noon().Add(time.Duration(n)*20*time.Second)); len(tell) > 0 {
			t.Errorf("told after %d asks within %s", n+1, time.Duration(n)*20*time.Second)
		}
	}
}

func TestADriftThatWasToldIsNotToldAgainAfterARestart(t *testing.T) {
	old := Advisory{Kind: AdviseDrift, Pool: "www", Check: "silent", Text: "x", Begun: noon(), Told: noon()}
	d := newDriftWatch([]*Spec{{Name: "www"}}, []Advisory{old, {Kind: AdviseWarning, Pool: "www", Check: "https"}}, noon())
	if list := d.of("www"); len(list) != 1 {
		t.Fatalf("got %v", list)
	}
	if tell := d.round("www", []Drift{{Key: "silent", Text: "y"}}, nil, noon().Add(time.Hour)); len(tell) > 0 {
		t.Errorf("told again: %v", tell)
	}
	none := func(Drift) bool { return false }
	d.round("www", nil, none, noon().Add(2*time.Hour))
	if tell := d.round("www", nil, none, noon().Add(3*time.Hour)); len(tell) != 1 || tell[0].Gone.IsZero() {
		t.Errorf("its end is not told: %v", tell)
	}
}

func TestPoolsAreAskedOneAfterTheOtherWithinAMinute(t *testing.T) {
	specs := []*Spec{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}
	d := newDriftWatch(specs, nil, noon())
	var offsets []time.Duration
	for _, spec := range specs {
		offsets = append(offsets, d.due[spec.Name].Sub(noon()))
	}
	if want := []time.Duration{0, 15 * time.Second, 30 * time.Second, 45 * time.Second}; !slices.Equal(offsets, want) {
		t.Errorf("got %v, want %v", offsets, want)
	}
}

func TestNothingIsBelievedWhileItIsUnsettled(t *testing.T) {
	edit := func(status Status, ended time.Time) Action {
		a := takenOut(RecordSet{})
		a.Status, a.Ended = status, ended
		return a
	}
	spec := &Spec{Name: "www", Record: "www.example.com"}
	for name, c := range map[string]struct {
		action Action
		busy   bool
	}{
		"begun":                 {edit(Begun, time.Time{}), true},
		"not yet proven":        {edit(Applied, time.Time{}), true},
		"proven while we asked": {edit(Proven, noon().Add(time.Second)), true},
		"proven before":         {edit(Proven, noon().Add(-time.Second)), false},
		"given up before":       {edit(Unproven, noon().Add(-time.Second)), false},
	} {
		s := &state{acted: []Action{c.action}}
		if got := s.did(spec, noon(), noon().Add(10*time.Second)).busy["A"]; got != c.busy {
			t.Errorf("%s: got %v", name, got)
		}
	}
	move := Action{Member: public(1), Status: Proven, Applied: noon().Add(-30 * time.Second), Ended: noon().Add(-20 * time.Second), Remap: &Remap{Addr: public(1), From: "i-1", To: "i-4"}}
	s := &state{acted: []Action{move}}
	if got := s.did(spec, noon(), noon()).fresh; !got["i-1"] || !got["i-4"] || !got[public(1).String()] {
		t.Errorf("a young move: got %v", got)
	}
	if got := s.did(spec, noon().Add(time.Hour), noon().Add(time.Hour)).fresh; len(got) > 0 {
		t.Errorf("an old move: got %v", got)
	}
}

// That servers cannot be asked is no proof that they answer well again, neither
// for what was told just now nor for what was told before a restart.
func TestADriftIsNotOverWhileNobodyCanBeAsked(t *testing.T) {
	told := func(key string) Advisory {
		return Advisory{Kind: AdviseDrift, Pool: "www", Check: key, Text: "x", Begun: noon(), Told: noon()}
	}
	mute := Answer{Server: ns(1), Type: "A", Err: errors.New("timeout")}
	fails := errors.New("the zone's servers are not known")
	edited := own{busy: map[string]bool{"A": true}}
	for name, c := range map[string]struct {
		key  string
		h    heard
		did  own
		over bool
	}{
		"a stranger, nobody can be asked":        {"answered 203.0.113.9", heard{err: fails}, own{}, false},
		"a stranger, no server answers":          {"answered 203.0.113.9", heard{answers: []Answer{mute}}, own{}, false},
		"a stranger, while the name is edited":   {"answered 203.0.113.9", heard{answers: []Answer{{Server: ns(1), Type: "A"}}}, edited, false},
		"a stranger of IPv6, while A is edited":  {"answered 2001:db8::9", heard{answers: []Answer{{Server: ns(1), Type: "A"}}}, edited, true},
		"a stranger, not heard any more":         {"answered 203.0.113.9", heard{answers: []Answer{{Server: ns(1), Type: "A"}}}, own{}, true},
		"another TTL, while the name is edited":  {"ttl A", heard{answers: []Answer{{Server: ns(1), Type: "A"}}}, edited, false},
		"silence, nobody can be asked":           {"silent", heard{err: fails}, own{}, false},
		"silence, and one answers":               {"silent", heard{answers: []Answer{{Server: ns(1), Type: "A"}}}, own{}, true},
		"a carrier, which no server has to tell": {"carrier 203.0.113.9", heard{err: fails}, own{}, true},
	} {
		d := newDriftWatch([]*Spec{{Name: "www"}}, []Advisory{told(c.key)}, noon())
		var tell []drifting
		for n := range driftGone {
			says := func(one Drift) bool { return c.h.saysNothingOf(one, c.did) }
			tell = append(tell, d.round("www", nil, says, noon().Add(time.Duration(n)*time.Minute))...)
		}
		if over := len(tell) > 0; over != c.over {
			t.Errorf("%s: its end is told: %v", name, over)
		}
	}
}
