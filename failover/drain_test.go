package failover

import (
	"testing"
	"time"
)

// withdrawn is the edit that takes member 1's address out of a set of this kind.
func takenOut(set RecordSet) Action {
	set.Name, set.Type, set.TTL, set.Values = "www.example.com", "A", 30, []string{public(1).String()}
	return Action{
		ID: 1, Kind: KindWithdraw, Member: public(1), Status: Proven, Applied: noon().Add(-5 * time.Second), Ended: noon(),
		Reweigh: &Reweigh{Addr: public(1), Was: set, Shall: without(set, public(1))},
	}
}

func TestAnAddressHasDrainedWhenItsTTLHasPassedSinceTheProof(t *testing.T) {
	for name, set := range map[string]RecordSet{
		"weighted": {Identifier: "a", Weight: new(int64(10))}, "simple": {}, "multivalue": {Identifier: "a", MultiValue: true},
	} {
		a := takenOut(set)
		if got := a.Reweigh.drained(noon()); !got.Equal(noon().Add(30 * time.Second)) {
			t.Errorf("%s: got %s", name, got)
		}
		back := Reweigh{Addr: public(1), Was: a.Reweigh.Shall, Shall: a.Reweigh.Was}
		if got := back.drained(noon()); !got.IsZero() {
			t.Errorf("%s: coming back, got %s", name, got)
		}
	}
	part := takenOut(RecordSet{Identifier: "a", Weight: new(int64(10))})
	part.Reweigh.Shall.Weight = new(int64(5))
	if got := part.Reweigh.drained(noon()); !got.IsZero() {
		t.Errorf("with a part of its weight, got %s", got)
	}
}

func TestTheDrainIsSaidInASentence(t *testing.T) {
	a := takenOut(RecordSet{})
	a.Drained = a.Reweigh.drained(noon())
	i := Incident{Actions: []Action{a}}
	for now, want := range map[time.Time]string{
		noon():                       "resolvers may give 203.0.113.1 until 12:00:30 (TTL 30 s)",
		a.Drained:                    "resolvers have forgotten 203.0.113.1 since 12:00:30",
		noon().Add(13 * time.Hour):   "resolvers have forgotten 203.0.113.1 since 1 Mar 12:00:30",
		noon().Add(-time.Nanosecond): "resolvers may give 203.0.113.1 until 12:00:30 (TTL 30 s)",
	} {
		if got := i.DrainWords(a, now); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	a.Drained = time.Time{}
	if got := i.DrainWords(a, noon()); got != "" {
		t.Errorf("without a proof, got %q", got)
	}
}

func TestNothingIsSaidOfADrainThatTheReturnCutShort(t *testing.T) {
	a := takenOut(RecordSet{})
	a.Drained = a.Reweigh.drained(noon())
	back := Action{ID: 2, Kind: KindRestore, Status: Proven, Applied: noon().Add(20 * time.Second)}
	i := Incident{Actions: []Action{a, back}}
	if _, tell := i.forgotten(noon().Add(time.Hour)); tell || i.DrainWords(a, noon()) != "" {
		t.Errorf("got %q, told %v", i.DrainWords(a, noon()), tell)
	}
	i.Actions[1].Applied = noon().Add(40 * time.Second)
	if _, tell := i.forgotten(noon().Add(time.Hour)); !tell {
		t.Error("what came back after it had drained is not told")
	}
}

func TestTheEndOfADrainIsToldOnce(t *testing.T) {
	a := takenOut(RecordSet{})
	a.Drained = a.Reweigh.drained(noon())
	i := Incident{Actions: []Action{a}}
	if _, tell := i.forgotten(a.Drained.Add(-time.Second)); tell {
		t.Error("told too early")
	}
	if _, tell := i.forgotten(a.Drained); !tell {
		t.Error("not told")
	}
	i = i.Apply(Entry{Kind: Drained, At: a.Drained.Add(time.Second)})
	if _, tell := i.forgotten(a.Drained.Add(time.Hour)); tell {
		t.Error("told twice")
	}
	again := a
	again.ID, again.Drained = 3, a.Drained.Add(time.Hour)
	i.Actions = append(i.Actions, again)
	if _, tell := i.forgotten(again.Drained); !tell {
		t.Error("the second withdrawal's end is not told")
	}
}

func TestAnAddressStaysAMemberWhileResolversMayGiveIt(t *testing.T) {
	a := takenOut(RecordSet{Identifier: "a", MultiValue: true})
	a.Drained = a.Reweigh.drained(noon())
	closed := Incident{ID: 1, Pool: "www", Member: public(1), Closed: noon().Add(time.Second), Actions: []Action{a}}
	s := &state{incidents: map[int64]Incident{1: closed}}
	if got := s.draining("www", noon().Add(29*time.Second)); len(got) != 1 || got[0].Addr != public(1) {
		t.Errorf("got %v", got)
	}
	if got := s.memberDrains("www", public(1), noon().Add(29*time.Second)); !got.Equal(a.Drained) {
		t.Errorf("got %s", got)
	}
	if got := s.draining("www", noon().Add(30*time.Second)); len(got) != 0 {
		t.Errorf("after the TTL, got %v", got)
	}
	if got := s.draining("api", noon()); len(got) != 0 {
		t.Errorf("of another pool, got %v", got)
	}
	// Without the proof it is counted from what is known.
	closed.Actions[0].Status, closed.Actions[0].Drained, closed.Actions[0].Ended = Unproven, time.Time{}, noon().Add(3*time.Minute)
	if got := s.draining("www", noon().Add(3*time.Minute+29*time.Second)); len(got) != 1 {
		t.Errorf("unproven, got %v", got)
	}
}
