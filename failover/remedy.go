package failover

import (
	"fmt"
	"slices"
	"time"
)

// situation is one member's part in the plan.
type situation struct {
	*planner
	member   *Member
	incident *Incident // zero: the member has none
	belief   belief
}

// candidate is an action that a remedy proposes, or the reason why it has none.
type candidate struct {
	remedy Remedy
	action Action
	hold   *Hold
	wait   bool       // the hold will soon be over, or be another one: no other remedy is taken meanwhile
	broken []Override // of guards that would have held this remedy
}

// answer takes the first remedy that has an action. A remedy without one says
// why.
func (p *planner) answer(s *situation) {
	remedies := s.remedies()
	if len(remedies) == 0 {
		c := held(GuardNoRemedy, fmt.Sprintf("the configuration has no remedy for the cause %s; people are told", s.incident.Diagnosis.Cause))
		p.consider(s, c)
	}
	for _, remedy := range remedies {
		var c candidate
		switch remedy {
		case RemedyRemap:
			c = s.remap()
		case RemedyWithdraw:
			c = s.withdraw()
		}
		c.remedy = remedy
		if p.consider(s, c) {
			return
		}
	}
}

// mostMoves is how many instances may get the address in vain before it is
// taken out of the answers: then the fault may lie in the address.
const mostMoves = 2

// remedies are those for the cause, in the order in which they are tried.
func (s *situation) remedies() []Remedy {
	list, own := s.spec.Policy.RemedyWhen[s.incident.Diagnosis.Cause]
	if !own {
		list = s.spec.Policy.Remedies
	}
	if s.vainMoves() >= mostMoves && slices.Contains(list, RemedyWithdraw) {
		return []Remedy{RemedyWithdraw, RemedyRemap}[:min(len(list), 2)]
	}
	return list
}

// vainMoves is how many moves of this incident were not seen to help.
func (s *situation) vainMoves() int {
	n := 0
	for _, a := range s.incident.Actions {
		if a.Kind == KindRemap && a.Status == Unproven {
			n++
		}
	}
	return n
}

// again is how long what did not help is not tried again in this incident: the
// cool-down, twice as long after each move in vain.
func (s *situation) again() time.Duration { return s.spec.Policy.cooldown(s.vainMoves()) }

// mostCooldown is the longest that a cool-down grows to by itself.
const mostCooldown = time.Hour

// cooldown is the cool-down after so many relapses: twice as long with each.
func (p Policy) cooldown(relapses int) time.Duration {
	d := p.Cooldown
	for range relapses - 1 {
		if d >= mostCooldown {
			return d
		}
		d = min(2*d, max(mostCooldown, p.Cooldown))
	}
	return d
}

// consider plans a candidate or holds it back, and reports whether the matter
// is settled: a general guard holds back whatever the remedy.
func (p *planner) consider(s *situation, c candidate) bool {
	if c.hold != nil {
		c.hold.Member, c.hold.Remedy = s.member.Addr, c.remedy
		p.plan.Held = append(p.plan.Held, *c.hold)
		return c.wait
	}
	if s.tried(c.action, Override{}) {
		o, broken := s.overridden(GuardCooldown)
		if broken && !s.tried(c.action, o) {
			c.broken = append(c.broken, o)
			return p.decided(s, c)
		}
		p.plan.Held = append(p.plan.Held, Hold{
			Member: s.member.Addr, Remedy: c.remedy, Guard: GuardCooldown, Action: c.action.String(),
			Text: "this was tried in this incident and did not help; it is tried again after the cool-down of " + s.again().String(),
		})
		return false
	}
	return p.decided(s, c)
}

// decided plans a candidate unless a general guard holds it, and with that the
// matter is settled.
func (p *planner) decided(s *situation, c candidate) bool {
	hold, why := p.guarded(s, c.action)
	if hold != nil {
		p.plan.Held = append(p.plan.Held, *hold)
		return true
	}
	for _, o := range why {
		if !slices.Contains(c.broken, o) {
			c.broken = append(c.broken, o)
		}
	}
	p.do(s, c.action, c.broken)
	return true
}

// guarded asks the guards that hold whatever the remedy. The first that holds,
// and that no person has overridden, is the one that is told; why says which
// were overridden.
func (p *planner) guarded(s *situation, a Action) (hold *Hold, why []Override) {
	for _, g := range generalGuards() {
		text, held := g.holds(s, a)
		if !held {
			continue
		}
		if o, broken := s.overridden(g.name); broken {
			why = append(why, o)
			continue
		}
		hold := &Hold{Member: s.member.Addr, Guard: g.name, Text: text, Action: a.String()}
		if g.name == GuardMode {
			hold.Takes = a.takes()
		}
		return hold, nil
	}
	return nil, why
}

// do plans an action.
func (p *planner) do(s *situation, a Action, broken []Override) {
	if s.incident.Approved != "" && s.incident.Approved == a.String() {
		a.By = s.incident.By
	}
	for _, o := range broken {
		a.By = o.By
		a.Why += fmt.Sprintf("; %s overrides the guard %s: %s", o.By, o.Guard, o.Why)
	}
	p.plan.Actions = append(p.plan.Actions, a)
	if a.Remap != nil {
		p.taken[a.Remap.To] = true
	}
	if a.Reweigh != nil {
		p.edited[a.Reweigh.key()] = a.Reweigh.Shall
	}
}

func (s *situation) action(kind ActionKind, why string) Action {
	return Action{Kind: kind, Pool: s.spec.Name, Member: s.member.Addr, Incident: s.incident.ID, Why: why}
}

// tried reports whether the same action was already made in this incident and
// ended without success a short while ago. One that was lost by a stop of
// rrwatch, and never had an effect, was not tried. Nor was one that was refused
// because the world could not be read, or was not as planned, once it has been
// read again; but not for ever. What came before a restore is another story, and
// so is what came before a person's override: that allows one more try, and what
// is refused again is held again.
func (s *situation) tried(a Action, o Override) bool {
	text, refused := "", 0
	if len(s.incident.Actions) > 0 {
		text = a.String()
	}
	for _, old := range slices.Backward(s.incident.Actions) {
		if old.Kind == KindRestore && !old.Applied.IsZero() && a.Kind != KindRestore {
			break
		}
		if !old.Status.Done() || old.lost() || old.Ended.Before(o.At) || s.now.Sub(old.Ended) >= s.again() || old.String() != text {
			continue
		}
		if !s.readSince(old) {
			return true
		}
		refused++
	}
	return refused >= mostRefused
}

// lost reports whether a stop of rrwatch was the end of the action, which never
// had an effect.
func (a Action) lost() bool { return a.Status == Failed && a.Settled }

// readSince reports whether an action was refused for what has been read anew
// since.
func (s *situation) readSince(a Action) bool {
	return a.Status == Refused && a.Guard.ofTheMoment() && s.pool.Read.After(a.Ended)
}

// ofTheMoment reports whether what the guard refused may be right when the world
// was read again.
func (g Guard) ofTheMoment() bool {
	return g == GuardStale || g == GuardChanged || g == GuardThrottled || g == GuardLease
}

// mostRefused is how often a refused action is planned again from a newer read.
const mostRefused = 3

// remap proposes to move the member's EIP to the best standby.
func (s *situation) remap() candidate {
	for _, g := range moveGuards() {
		if text, holds := g.holds(s, Action{}); holds {
			return held(g.name, text)
		}
	}
	standby, hold, wait := s.standby()
	if hold != nil {
		return candidate{hold: hold, wait: wait}
	}
	carrier, _ := s.pool.Instance(s.member.Carrier())
	a := s.action(KindRemap, fmt.Sprintf("%s passes the member's own checks now", standby.Label()))
	a.Remap = s.moveTo(carrier, standby)
	return candidate{action: a}
}

// moveTo is the move of the member's address between two instances; the first
// may be none that is known.
func (s *situation) moveTo(from, to Instance) *Remap {
	return &Remap{
		Addr: s.member.Addr, Allocation: s.member.Address.Allocation,
		From: s.member.Carrier(), FromName: from.Name, To: to.ID, ToName: to.Name, Association: s.member.Address.Association, Interface: to.Interface, Private: to.landing(),
	}
}
