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
	case !set.Simple() && len(set.Values) > 1:
		return held(GuardNotOurs, fmt.Sprintf("its record set holds %d addresses, which come and go together: taking it out would take out the others, too", len(set.Values)))
	case set.Failover == secondary && s.pool.primary(set) && s.member.Published:
		return held(GuardWontHelp, "it is the secondary of a failover pair: the name answers with its primary")
	case !s.member.Published:
		return held(GuardChanged, "the name does not answer with this address any more")
	}
	healthy, hold := s.lastHealthy()
	if hold != nil {
		return candidate{hold: hold}
	}
	if planned, ok := s.edited[set.Key()]; ok {
		set = planned // what else this plan edits of it goes with this
	}
	a := s.action(KindWithdraw, "the name still answers with "+counted(healthy, "healthy member"))
	a.Reweigh = &Reweigh{Zone: s.pool.ZoneID, Addr: s.member.Addr, Was: set, Shall: without(set, s.member.Addr)}
	return candidate{action: a}
}

// secondary is the role of the set that Route 53 answers with while the primary
// one of its pair is out or unhealthy.
const secondary = "SECONDARY"

// primary reports whether the name has the primary of the set's failover pair.
func (p *Pool) primary(set RecordSet) bool {
	return slices.ContainsFunc(p.Sets, func(o RecordSet) bool {
		return o.Type == set.Type && o.Failover != "" && o.Failover != secondary
	})
}

// together makes one edit of all that this plan edits of one simple set: each of
// its actions says what the set is before and after all of them.
func (p *planner) together() {
	first := map[RecordKey]RecordSet{}
	for _, a := range p.plan.Actions {
		if a.Reweigh == nil || !a.Reweigh.simple() {
			continue
		}
		key := a.Reweigh.key()
		if _, known := first[key]; !known {
			first[key] = a.Reweigh.Was
		}
		a.Reweigh.Was, a.Reweigh.Shall = first[key], p.edited[key]
	}
}

func held(g Guard, text string) candidate { return candidate{hold: &Hold{Guard: g, Text: text}} }

// without is the set as it shall be when addr is withdrawn; zero: no set.
func without(set RecordSet, addr netip.Addr) RecordSet {
	switch {
	case set.Weight != nil:
		set.Weight = new(int64(0))
		return set
	case set.MultiValue, set.Failover != "":
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
	left := func(c Change) bool { // and that was not read yet
		return c.Kind == KindWithdraw && c.Pool == s.spec.Name && c.Member == addr && !c.Applied.Before(s.pool.Read)
	}
	return slices.ContainsFunc(s.plan.Actions, leaves) || slices.ContainsFunc(s.h.InFlight, leaves) || slices.ContainsFunc(s.h.Changes, left)
}
