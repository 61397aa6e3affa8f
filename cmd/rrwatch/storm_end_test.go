package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/simulator"
)

// check judges the journal as it is now.
func (s *storm) check() {
	if !s.away() {
		s.ledger.follow(s.life.bubble.store)
	}
}

// How long the healed world gets: within this all must be served and closed.
const recovery = 30 * time.Minute

// quiet is how long nothing may change before the end is believed: longer than
// anything that rrwatch waits for.
func (s *storm) quiet() time.Duration {
	if s.site.end == endLong {
		return recovery
	}
	return s.site.cooldown + s.site.restore + s.site.verify + 30*time.Second
}

// recover heals the world, and waits until all is as it must be, and quiet.
func (s *storm) recover() {
	s.healWorld()
	s.healed = time.Now()
	for !s.failed() {
		s.sleep(10 * time.Second)
		s.check()
		s.judgeEnd()
		late := time.Since(s.healed) >= recovery
		if len(s.lacks) == 0 && (late || time.Since(s.lastAction(s.healed)) >= s.quiet()) {
			break
		}
		if late {
			s.fail("after %s:\n%s", recovery, strings.Join(s.lacks, "\n"))
		}
	}
	s.hopeForTheEnd()
}

// hopeForTheEnd looks at what is expected when all has healed.
func (s *storm) hopeForTheEnd() {
	for _, e := range s.outage.events {
		if e.at == atEnd && !s.failed() {
			s.happen(e)
			s.passUntil(s.lastHope())
		}
	}
}

// lastAction is when the latest action began, but not before a time.
func (s *storm) lastAction(t time.Time) time.Time {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	for _, a := range s.ledger.actions {
		if a.Begun.After(t) {
			t = a.Begun
		}
	}
	return t
}

// lack notes what is not as it must be at the end.
func (s *storm) lack(format string, args ...any) {
	s.lacks = append(s.lacks, fmt.Sprintf(format, args...))
}

// settled is the time at the end in which nothing may change.
const settled = 10 * time.Minute

// judgeEnd judges the world as it must be when everything has been well for
// long enough.
func (s *storm) judgeEnd() {
	s.lacks = nil
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	late := time.Since(s.healed) >= recovery
	for _, a := range s.ledger.actions {
		if !a.ended {
			s.lack("end: action %d (%s) is still %s", a.ID, a, a.Status)
		}
		if late && a.Kind != failover.KindFailback && time.Since(a.Begun) < settled {
			s.lack("I12: %s begins at %s, when all is well", a, a.Begun.Format("15:04:05.000"))
		}
	}
	s.judgeTold()
	v := s.life.bubble.responder.View()
	if v == nil {
		s.lack("end: there is no view")
		return
	}
	if v.Blind != "" || v.NoRecord != "" {
		s.lack("end: blind %q, no record %q", v.Blind, v.NoRecord)
	}
	for n, p := range s.site.pools {
		s.judgePool(p, v.Pools[n], v.Brake != nil)
	}
	for id, i := range s.ledger.incidents {
		if !i.closed && !s.excused(id) {
			s.lack("end: incident %d of %s is still open", id, i.member)
		}
	}
}

// judgePool judges what is left of one pool.
func (s *storm) judgePool(p stormPool, v failover.PoolView, braked bool) {
	if v.Trouble != "" || time.Since(v.Read) > time.Minute {
		s.lack("end: pool %s was read at %s: %s", p.name, v.Read, v.Trouble)
	}
	published := s.truth.published(p.record)
	if shown := s.aws.Records(p.record, "A"); len(shown) != len(published) {
		s.lack("the checker is wrong: it believes in %v, and there is %v", published, shown)
	}
	members := append(slices.Clone(p.members), spareAddress())
	for _, a := range members {
		wanted := slices.ContainsFunc(s.truth.original, func(set simulator.RecordSet) bool {
			return set.Name == p.record && slices.Contains(answering([]simulator.RecordSet{set}), a)
		})
		if !wanted {
			continue
		}
		served, is := s.truth.served(a).so, slices.Contains(answering(published), a)
		switch {
		case served && is:
		case braked:
		case !served && s.lost(p, v, a):
		case !is && served && s.touched(p, a):
		default:
			s.lack("end: %s of pool %s: published %v, served %v, holds %v", a, p.name, is, served, holdsOf(v, a))
		}
	}
	s.judgeSets(p, published, braked)
}

// judgeSets judges whether what no operator edited is as it was (I9).
func (s *storm) judgeSets(p stormPool, published []simulator.RecordSet, braked bool) {
	for _, was := range s.truth.original {
		if was.Name != p.record || !s.truth.touched[keyOf(was)].IsZero() {
			continue
		}
		same := slices.ContainsFunc(published, func(now simulator.RecordSet) bool { return sameSet(was, now) })
		open := slices.ContainsFunc(was.Values, func(v string) bool { return s.openFor(p.name, netip.MustParseAddr(v)) })
		if !same && !braked && !open {
			s.lack("I9: %v was not restored as it was: %v", was, published)
		}
	}
}

func (s *storm) openFor(pool string, a netip.Addr) bool {
	for _, i := range s.ledger.incidents {
		if i.pool == pool && i.member == a && !i.closed {
			return true
		}
	}
	return false
}

func holdsOf(v failover.PoolView, a netip.Addr) []failover.Hold {
	for _, m := range v.Members {
		if m.Addr == a {
			return m.Holds
		}
	}
	return nil
}

// touched reports whether an operator edited the set that holds an address.
func (s *storm) touched(p stormPool, a netip.Addr) bool {
	for _, set := range s.truth.original {
		if set.Name == p.record && slices.Contains(set.Values, a.String()) {
			return !s.truth.touched[keyOf(set)].IsZero()
		}
	}
	return true
}

// lost reports whether an address that serves nothing cannot be helped, or must
// not be: an operator took its carrier away.
func (s *storm) lost(p stormPool, v failover.PoolView, a netip.Addr) bool {
	spare := slices.ContainsFunc(s.aws.Instances(), func(i simulator.Instance) bool {
		return slices.Contains(p.instances, i.Name) && s.truth.free(i.ID).so && s.truth.isWell(i.ID).so
	})
	alike := !slices.ContainsFunc(v.Members, func(m failover.MemberView) bool {
		return m.Published && m.Addr != a && s.truth.served(m.Addr).so
	})
	// Not, or hardly, healthy since this rrwatch asks it: since it was started, or since an operator has published it
	// and that was read.
	asked := s.lifeBegan()
	if at := s.truth.added[a].Add(s.site.discover); at.After(asked) {
		asked = at
	}
	never := s.truth.served(a).since.Before(asked.Add(s.site.interval + s.soon()))
	for _, i := range s.ledger.incidents {
		never = never && (i.closed || i.member != a || i.pool != p.name || !i.seenUp)
	}
	remaps := s.site.remedies != "withdraw"
	return s.site.mode != config.ModeAct || !remaps || !spare || alike || never
}

// excused reports whether an incident that is still open has a reason that
// people are told.
func (s *storm) excused(id int64) bool {
	i := s.ledger.incidents[id]
	v := s.life.bubble.responder.View()
	for n, p := range s.site.pools {
		if p.name != i.pool {
			continue
		}
		served := s.truth.served(i.member).so
		switch {
		case !served && s.lost(p, v.Pools[n], i.member):
			return true
		case v.Brake != nil:
			return true
		}
		for _, h := range holdsOf(v.Pools[n], i.member) {
			if h.Guard == failover.GuardChanged && s.touched(p, i.member) {
				return true
			}
		}
	}
	return false
}
