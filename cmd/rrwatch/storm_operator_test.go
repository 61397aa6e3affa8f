package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

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

// orders gives rrwatch a person's order. That it is refused is no fault: what
// was to be approved may be over.
func (s *storm) orders(what string, order func(ctx context.Context, r *failover.Responder) error) {
	if s.away() || s.responder.View() == nil {
		return
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := order(ctx, s.responder); err != nil {
		s.note("%s: refused: %v", what, err)
	}
}

const operator = "Ada"

func (s *storm) releaseBrake() {
	s.orders("release", func(ctx context.Context, r *failover.Responder) error { return r.ReleaseBrake(ctx, operator) })
}

func (s *storm) pause(p failover.Pause, d time.Duration) {
	p.Why, p.By, p.Until = "an outage text says so", operator, time.Now().Add(d)
	s.orders("pause", func(ctx context.Context, r *failover.Responder) error { return r.Pause(ctx, p) })
}

func (s *storm) resume(p failover.Pause) {
	s.orders("resume", func(ctx context.Context, r *failover.Responder) error { return r.Resume(ctx, p, operator) })
}

// approve approves what is proposed for a member, if anything is.
func (s *storm) approve(member string) {
	m := s.shown(member)
	for _, h := range m.Holds {
		if h.Guard == failover.GuardMode && m.Incident != 0 {
			s.orders("approve "+h.Action, func(ctx context.Context, r *failover.Responder) error {
				return r.Approve(ctx, m.Incident, h.Action, operator)
			})
			return
		}
	}
}

func (s *storm) override(member string, g failover.Guard) {
	m := s.shown(member)
	s.orders("override", func(ctx context.Context, r *failover.Responder) error {
		return r.Override(ctx, m.Incident, g, "an outage text says so", operator)
	})
}

// shown is a member as rrwatch shows it.
func (s *storm) shown(member string) failover.MemberView {
	addr, pool := s.site.member(member)
	for _, p := range s.view().Pools {
		for _, m := range p.Members {
			if p.Name == pool.name && m.Addr == addr {
				return m
			}
		}
	}
	return failover.MemberView{}
}
