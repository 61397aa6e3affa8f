package failover

import (
	"testing"
	"time"

	"rrwatch/probe"
)

// Two members are withdrawn by one batch; the read that begins between the two
// answers knows of the first only.
func TestAReadThatKnowsNothingOfAWithdrawalIsReadAgain(t *testing.T) {
	s := newScene()
	s.withdrawn(simple(1, 2, 3), simple(3))
	first := s.h.Open[0]
	second := first
	second.ID, second.Member = 2, public(2)
	a := first.Actions[0]
	a.ID, a.Member, a.Incident = 8, public(2), 2
	r := *a.Reweigh
	r.Addr = public(2)
	a.Reweigh = &r
	second.Actions = []Action{a}

	o := newAdviser()
	o.open = map[string][]Incident{"www": {first, second}}
	o.wirings["www"].pool = s.pool
	short := *s.pool
	short.Members = []Member{s.pool.Members[0], s.pool.Members[2]}
	if !o.lacks(&short) {
		t.Error("the read lacks a withdrawn member, and is taken")
	}
	if o.lacks(s.pool) {
		t.Error("a whole read is not taken")
	}
	o.read(t.Context(), reading{pool: "www", got: &short})
	if o.wirings["www"].pool != s.pool || o.wirings["www"].due.After(time.Now()) {
		t.Error("the wiring is the short one, or is not read again at once")
	}
	s.down(public(2), probe.Refused)
	if text, over := o.over(s.spec, &short, s.snap, second); over {
		t.Errorf("its incident ends: %s", text)
	}
}
