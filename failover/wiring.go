package failover

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// overlay puts our own moves of the last minute over what EC2 says: its
// describe calls lag. Those of other pools count too: pools may share standbys.
func (s *state) overlay(pool *Pool, now time.Time) {
	for _, a := range s.done() {
		if a.Remap != nil && now.Sub(a.Applied) < describeLag {
			pool.moved(*a.Remap)
		}
	}
}

// done are the actions of the last day that AWS has accepted, in that order.
func (s *state) done() []Action {
	list := slices.DeleteFunc(slices.Clone(s.acted), func(a Action) bool { return a.Applied.IsZero() })
	slices.SortFunc(list, func(a, b Action) int { return cmp.Or(a.Applied.Compare(b.Applied), cmp.Compare(a.ID, b.ID)) })
	return list
}

// moved is the wiring after a move that the read did not see yet.
func (p *Pool) moved(r Remap) {
	m, ok := p.Member(r.Addr)
	if !ok {
		p.given(r)
		return
	}
	if m.Address == nil || m.Address.Instance != r.From || r.Association != "" && m.Address.Association != r.Association {
		return // seen already, or someone else has moved it on, or back
	}
	m.Address.Instance, m.Address.Interface, m.Address.Private = r.To, r.Interface, r.Private
	for n := range p.Instances {
		switch i := &p.Instances[n]; {
		case i.ID == r.To:
			i.take(r)
		case i.ID == r.From && i.Elastic == r.Addr:
			i.Elastic, i.Public = netip.Addr{}, netip.Addr{}
		}
	}
}

// take has the instance carry the address that is moved to it.
func (i *Instance) take(r Remap) {
	if r.Private.IsValid() && r.Private != i.Private {
		i.Free = slices.DeleteFunc(slices.Clone(i.Free), func(a netip.Addr) bool { return a == r.Private })
		return
	}
	i.Elastic, i.Public = r.Addr, r.Addr
}

// given is the wiring after a move of another pool's address: an instance that
// was spare here carries it.
func (p *Pool) given(r Remap) {
	for n := range p.Instances {
		switch i := &p.Instances[n]; {
		case i.ID == r.To && (!i.Elastic.IsValid() || slices.Contains(i.Free, r.Private)):
			i.take(r)
		case i.ID == r.From && i.Elastic == r.Addr:
			i.Elastic, i.Public = netip.Addr{}, netip.Addr{}
		}
	}
}

func carrierName(p *Pool, m Member) string {
	if i, ok := p.Instance(m.Carrier()); ok {
		return i.Label()
	}
	return "nothing"
}
