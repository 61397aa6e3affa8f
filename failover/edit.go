package failover

import (
	"fmt"
	"net/netip"
	"slices"

	"rrwatch/monitor"
)

// withdraw proposes to take the member's address out of the answers: weight 0
// of a weighted set, the value out of a simple one, a multivalue answer whole.
func (s *situation) withdraw() candidate {
	set := s.member.Set
	switch {
	case set.Foreign != "":
		return held(GuardNotOurs, "rrwatch does not edit this record set: "+set.Foreign)
	case !s.member.Published:
		return held(GuardChanged, "the name does not answer with this address any more")
	}
	healthy, hold := s.lastHealthy()
	if hold != nil {
		return candidate{hold: hold}
	}
	a := s.action(KindWithdraw, fmt.Sprintf("the name still answers with %d healthy members", healthy))
	a.Reweigh = &Reweigh{Zone: s.pool.ZoneID, Addr: s.member.Addr, Was: set, Shall: without(set, s.member.Addr)}
	return candidate{action: a}
}

func held(g Guard, text string) candidate { return candidate{hold: &Hold{Guard: g, Text: text}} }

// without is the set as it shall be when addr is withdrawn; zero: no set.
func without(set RecordSet, addr netip.Addr) RecordSet {
	switch {
	case set.Weight != nil:
		set.Weight = new(int64(0))
		return set
	case set.MultiValue:
		return RecordSet{}
	}
	set.Values = slices.DeleteFunc(slices.Clone(set.Values), func(v string) bool {
		a, err := netip.ParseAddr(v)
		return err == nil && a == addr
	})
	return set
}

// lastHealthy holds a withdrawal that would leave the name with too few
// healthy addresses, or with no weight above 0 (I1). Members that this plan or
// an action in flight withdraws do not count. It returns how many there are.
func (s *situation) lastHealthy() (healthy int, hold *Hold) {
	for _, m := range s.pool.Members {
		if m.Addr == s.member.Addr || !m.Published || m.Addr.Is4() != s.member.Addr.Is4() || s.leaving(m.Addr) {
			continue
		}
		if believe(s.spec, m.Addr, s.snap).State == monitor.Up {
			healthy++
		}
	}
	if least := max(s.spec.Policy.MinHealthy, 1); healthy < least {
		return healthy, &Hold{Guard: GuardLastHealthy, Text: fmt.Sprintf(
			"only %d other published members are healthy; the policy asks for %d before an address is withdrawn", healthy, least)}
	}
	return healthy, nil
}

func (s *situation) leaving(addr netip.Addr) bool {
	leaves := func(a Action) bool { return a.Kind == KindWithdraw && a.Member == addr }
	return slices.ContainsFunc(s.plan.Actions, leaves) || slices.ContainsFunc(s.h.InFlight, leaves)
}

// restore proposes to put a withdrawn address back exactly as it was, and only
// if the record set still is as our last edit left it (I9).
func (s *situation) restore(edit Reweigh) candidate {
	key := edit.Was.Key()
	present := s.present(key)
	if present.Holds(s.member.Addr) && present.Answers() {
		return held(GuardChanged, "someone has put the address back already")
	}
	left, known := s.h.Left[key]
	if !known {
		left = edit.Shall
	}
	if !present.Equal(left) {
		return held(GuardChanged, "the record set is not as rrwatch left it, so whoever changed it has the last word; put the address back by hand")
	}
	if healthy := s.now.Sub(s.belief.Since); healthy < s.spec.Policy.RestoreAfter {
		return held(GuardCooldown, fmt.Sprintf("healthy again since %s; it comes back after %s",
			s.belief.Since.UTC().Format("15:04:05"), s.spec.Policy.RestoreAfter))
	}
	shall := edit.Was
	if edit.Was.Simple() {
		shall = with(present, edit.Was, s.member.Addr)
	}
	a := s.action(KindRestore, "the withdrawn member is healthy again")
	a.Reweigh = &Reweigh{Zone: edit.Zone, Addr: s.member.Addr, Was: present, Shall: shall}
	return candidate{action: a}
}

// present is the pool's record set of that key as last read; zero: none.
func (s *situation) present(key RecordKey) RecordSet {
	for _, set := range s.pool.Sets {
		if set.Key() == key {
			return set
		}
	}
	return RecordSet{}
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
