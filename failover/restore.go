package failover

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// restore proposes to put a withdrawn address back exactly as it was, at once or
// by the steps of the ramp, and only if the record set still is as our last edit
// left it (I9).
func (s *situation) restore(edit Reweigh) candidate {
	key := edit.Was.Key()
	present := s.pool.set(key)
	if g, why := s.unrestorable(edit, present); why != "" {
		return held(g, why)
	}
	shall, wait := s.nextStep(edit)
	why, ripe := s.ripe(wait)
	if !ripe {
		return held(GuardHoldDown, s.waits(edit, wait))
	}
	if edit.Was.Simple() {
		if planned, ok := s.edited[key]; ok {
			present = planned // what else this plan edits of it goes with this
		}
		shall = with(present, edit.Was, s.member.Addr)
	}
	a := s.action(KindRestore, "the withdrawn member is healthy again")
	a.Reweigh = &Reweigh{Zone: edit.Zone, Addr: s.member.Addr, Was: present, Shall: shall}
	return candidate{action: a, broken: why}
}

// tookOut is when the member was first taken out of the answers.
func (s *situation) tookOut() time.Time {
	for _, a := range s.incident.Actions {
		if a.Kind == KindWithdraw && a.Status.tookEffect() {
			return a.Applied
		}
	}
	return s.now
}

// unrestorable says why a member may not come back now, however long it has been
// healthy, and by which guard; "" when it may.
func (s *situation) unrestorable(edit Reweigh, present RecordSet) (g Guard, why string) {
	left, known := s.h.Left[edit.Was.Key()]
	if !known {
		left.Set = edit.Shall
	}
	switch {
	case s.member.Address == nil && s.incident.Opening.Instance != "":
		return GuardNotOurs, "the address is no Elastic IP of this account any more, so who answers there may be a stranger; it stays out"
	case present.Holds(s.member.Addr) && present.Answers() && !s.returning(edit):
		return GuardChanged, "someone has put the address back already"
	case !present.Equal(left.Set) || s.tookOut().Before(left.Since):
		return GuardChanged, "the record set is not as rrwatch left it, so whoever changed it has the last word; put the address back by hand"
	case !s.belief.passing(s.now) || s.belief.doubt != nil:
		return GuardHoldDown, "it is believed up, but its latest answer was not good, or is old"
	}
	return "", ""
}

// ripe reports whether the member has been healthy for long enough, or by whose
// word it may come back before.
func (s *situation) ripe(wait time.Duration) ([]Override, bool) {
	if s.healthySince() >= wait {
		return nil, true
	}
	o, broken := s.overridden(GuardHoldDown)
	return []Override{o}, broken
}

// returning reports whether the member is coming back by steps: it has a part of
// its weight, and the set is as we left it.
func (s *situation) returning(edit Reweigh) bool {
	return edit.partial() && s.pool.set(edit.Was.Key()).Equal(edit.Shall)
}

// partial reports whether the edits so far have left a part of the weight.
func (r Reweigh) partial() bool {
	return r.Was.Weight != nil && r.Shall.Weight != nil && *r.Shall.Weight > 0 && *r.Shall.Weight != *r.Was.Weight
}

// nextStep is the set as it shall be next, and how long the member must have
// been healthy with what it has now.
func (s *situation) nextStep(edit Reweigh) (shall RecordSet, wait time.Duration) {
	shall, wait = edit.Was, s.spec.Policy.RestoreAfter
	if edit.Was.Weight == nil || len(s.spec.Policy.Ramp) == 0 {
		return shall, wait
	}
	now := int64(0)
	if edit.partial() {
		now = *edit.Shall.Weight
	}
	for _, step := range s.spec.Policy.Ramp {
		if weight := step.Weight(*edit.Was.Weight); weight > now {
			shall.Weight = &weight
			return shall, wait
		}
		wait = step.For
	}
	return shall, wait
}

// healthySince is for how long the member has been healthy with the weight that
// it has.
func (s *situation) healthySince() time.Duration {
	since := s.belief.Since
	for _, a := range s.incident.Actions {
		if a.Kind == KindRestore {
			since = later(since, a.Applied)
		}
	}
	return s.now.Sub(since)
}

// waits says for what a member that is healthy again still waits.
func (s *situation) waits(edit Reweigh, wait time.Duration) string {
	if edit.partial() {
		return fmt.Sprintf("it has %d of its weight of %d; the next step comes after %s of health with it", *edit.Shall.Weight, *edit.Was.Weight, wait)
	}
	return fmt.Sprintf("healthy again since %s; it comes back after %s", s.belief.Since.UTC().Format("15:04:05"), wait)
}

// with is the present simple set plus addr, its values in the order that they
// had before.
func with(present, before RecordSet, addr netip.Addr) RecordSet {
	back := present
	back.Values = nil
	for _, v := range before.Values {
		a, err := netip.ParseAddr(v)
		if slices.Contains(present.Values, v) || err == nil && a == addr {
			back.Values = append(back.Values, v)
		}
	}
	for _, v := range present.Values {
		if !slices.Contains(back.Values, v) {
			back.Values = append(back.Values, v)
		}
	}
	return back
}
