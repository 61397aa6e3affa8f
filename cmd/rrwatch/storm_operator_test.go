package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"rrwatch/failover"
	"rrwatch/simulator"
)

// What operators do by hand.

func (s *storm) id(name string) string {
	for _, i := range s.site.instances {
		if i.Name == name {
			return i.ID
		}
	}
	return name
}

// edit is an operator's edit of the set that holds a value, if there is one.
func (s *storm) edit(p stormPool, value string, change func(simulator.RecordSet) *simulator.RecordSet) {
	for _, old := range s.truth.published(p.record) {
		if slices.Contains(old.Values, value) {
			old.Values = slices.Clone(old.Values)
			s.truth.byHand(old, change(old))
			return
		}
	}
}

// unpublish takes an address away, unless it is the last.
func (s *storm) unpublish(p stormPool, value string) {
	rest := slices.DeleteFunc(answering(s.truth.published(p.record)), func(a netip.Addr) bool { return a.String() == value })
	if len(rest) == 0 {
		return
	}
	s.edit(p, value, func(set simulator.RecordSet) *simulator.RecordSet {
		if len(set.Values) == 1 {
			return nil
		}
		set.Values = slices.DeleteFunc(slices.Clone(set.Values), func(v string) bool { return v == value })
		return &set
	})
}

// publish puts an address into the answers, if it is not there.
func (s *storm) publish(p stormPool, addr netip.Addr) {
	sets := s.truth.published(p.record)
	for _, set := range sets {
		if slices.Contains(set.Values, addr.String()) {
			return
		}
	}
	if s.site.kind != simple {
		set := s.site.set(p, addr, 12)
		if len(sets) > 0 {
			set.TTL = sets[0].TTL
		}
		s.truth.byHand(simulator.RecordSet{Name: set.Name, Type: set.Type, SetIdentifier: set.SetIdentifier}, &set)
		return
	}
	old := sets[0]
	set := old
	set.Values = append(slices.Clone(old.Values), addr.String())
	s.truth.byHand(old, &set)
}

// addMember publishes one more address.
func (s *storm) addMember(p stormPool, to string) {
	id := s.id(to)
	if s.truth.free(id).so {
		s.truth.move(spareAddress(), id)
	}
	for _, other := range s.site.pools { // of one pool only
		if strings.Contains(fmt.Sprint(s.truth.published(other.record)), spareAddress().String()) {
			return
		}
	}
	s.publish(p, spareAddress())
}

// memberAddr is the address of a member.
func (s *storm) memberAddr(name string) netip.Addr {
	addr, _ := s.site.member(name)
	return addr
}

func (s *storm) poolNamed(name string) stormPool {
	return s.site.pools[slices.IndexFunc(s.site.pools, func(p stormPool) bool { return p.name == name })]
}

// setTTL sets that of all sets: Route 53 wants one in a group.
func (s *storm) setTTL(pool string, ttl int64) {
	for _, set := range s.truth.published(s.poolNamed(pool).record) {
		set.TTL = ttl
		s.truth.byHand(set, &set)
	}
}

func (s *storm) setWeight(member string, weight int64) {
	addr, pool := s.site.member(member)
	s.edit(pool, addr.String(), func(set simulator.RecordSet) *simulator.RecordSet {
		if set.Weight != nil {
			set.Weight = new(weight)
		}
		return &set
	})
}

// approve approves what is proposed for a member, if anything is.
func (s *storm) approve(member string) {
	if s.away() || s.responder.View() == nil {
		return
	}
	addr := s.memberAddr(member)
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for _, p := range s.responder.View().Pools {
		for _, m := range p.Members {
			for _, h := range m.Holds {
				if m.Addr == addr && h.Guard == failover.GuardMode && m.Incident != 0 {
					s.note("approved: %s", h.Action)
					if err := s.responder.Approve(ctx, m.Incident, h.Action, "Ada"); err != nil {
						s.note("the approval was refused: %v", err)
					}
					return
				}
			}
		}
	}
}
