package failover

import (
	"fmt"
	"net/netip"
	"time"

	"rrwatch/monitor"
)

// Home is where an address was before our moves, and where they have left it.
type Home struct {
	Instance string // that carried it
	Away     string // that carries it now
}

// moveHome takes one of our moves into account. Who moves an address by hand has
// the last word: that is its home then.
func moveHome(homes map[netip.Addr]Home, a Action) {
	home, away := homes[a.Member]
	switch {
	case a.Remap.From == "", away && a.Remap.To == home.Instance:
		delete(homes, a.Member)
	case away && a.Remap.From == home.Away:
		homes[a.Member] = Home{home.Instance, a.Remap.To}
	default:
		homes[a.Member] = Home{a.Remap.From, a.Remap.To}
	}
}

// goHome plans to move one address back to the instance that carried it before a
// failure, once that has been healthy for as long as the policy asks. That is
// done in mode act only, when all is well: nothing in the pool fails, and nothing
// else is under way. What a guard holds is not told: nobody waits for it.
func (p *planner) goHome() {
	if p.spec.Policy.Failback == 0 || p.spec.Policy.Mode != Act || len(p.h.Homes) == 0 || !p.allWell() {
		return
	}
	for n := range p.pool.Members {
		m := &p.pool.Members[n]
		s := &situation{planner: p, member: m, incident: &Incident{}, belief: believe(p.spec, m.Addr, p.snap)}
		a, ready := s.failback()
		if !ready {
			continue
		}
		if hold, _ := p.guarded(s, a); hold == nil {
			p.do(s, a, nil)
			return
		}
	}
}

// allWell reports whether every published member passes and nothing is under way.
func (p *planner) allWell() bool {
	if len(p.h.Open) > 0 || len(p.h.InFlight) > 0 {
		return false
	}
	for _, m := range p.pool.Members {
		if m.Published && !believe(p.spec, m.Addr, p.snap).passing(p.now) {
			return false
		}
	}
	return true
}

// failback is the move of the member back to its home, if that is ready for it.
func (s *situation) failback() (Action, bool) {
	home, away := s.h.Homes[s.member.Addr]
	if !away || s.member.Carrier() != home.Away || !s.member.Published || s.triedHome() {
		return Action{}, false
	}
	for _, g := range moveGuards() {
		if _, holds := g.holds(s, Action{}); holds {
			return Action{}, false
		}
	}
	to, there := s.pool.Instance(home.Instance)
	if !there || s.belief.State != monitor.Up {
		return Action{}, false
	}
	since, why := s.fit(&to)
	if why != "" || s.now.Sub(since) < s.spec.Policy.Failback {
		return Action{}, false
	}
	carrier, _ := s.pool.Instance(home.Away)
	a := s.action(KindFailback, fmt.Sprintf("%s, which carried it before, has been healthy for %s", to.Label(), s.now.Sub(since).Round(time.Second)))
	a.Remap = s.moveTo(carrier, to)
	return a, true
}

// triedHome reports whether the address was to go back a short while ago.
func (s *situation) triedHome() bool {
	pause := max(s.spec.Policy.Failback, mostCooldown)
	for _, c := range s.h.Changes {
		if c.Kind == KindFailback && c.Pool == s.spec.Name && c.Member == s.member.Addr && s.now.Sub(c.At) < pause {
			return true
		}
	}
	return false
}
