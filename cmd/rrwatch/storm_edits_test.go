package main

import (
	"net/netip"
	"slices"
	"time"

	"rrwatch/failover"
	"rrwatch/simulator"
)

// bySet sorts an edit by the sets that it is of, and finds the actions that
// want it; not ok: a set is deleted or created twice.
func (s *storm) bySet(c *stormCall) (ok bool) {
	at := func(set simulator.RecordSet) *setEdit {
		key := keyOf(set)
		n := slices.IndexFunc(c.edits, func(e setEdit) bool { return e.key == key })
		if n < 0 {
			n = len(c.edits)
			c.edits = append(c.edits, setEdit{key: key})
		}
		return &c.edits[n]
	}
	for _, set := range c.deleted {
		at(set).deleted = append(at(set).deleted, set)
	}
	for _, set := range c.created {
		at(set).created = append(at(set).created, set)
	}
	ok = c.upserts == 0 && len(c.edits) > 0
	for n := range c.edits {
		e := &c.edits[n]
		ok = ok && len(e.deleted) <= 1 && len(e.created) <= 1
		e.of = s.ledger.unfinished(func(a *failover.Action) bool {
			return a.Reweigh != nil && e.key == keyOf(simulator.RecordSet{
				Name: setOf(a.Reweigh).Name, Type: setOf(a.Reweigh).Type, SetIdentifier: setOf(a.Reweigh).Identifier,
			}) && makes(a.Reweigh.Shall, e.created)
		})
		c.of = append(c.of, e.of...)
	}
	return ok
}

// makes reports whether the set that an action wants has the addresses that are
// created.
func makes(shall failover.RecordSet, created []simulator.RecordSet) bool {
	want := map[string]bool{}
	for _, a := range shall.Addrs() {
		want[a.String()] = true
	}
	n := 0
	for _, set := range created {
		for _, v := range set.Values {
			if !want[v] {
				return false
			}
			n++
		}
	}
	return n == len(want)
}

// judgeEdit judges an edit: I1, I4, I9, I10.
func (s *storm) judgeEdit(l *life, c *stormCall) {
	if !s.bySet(c) {
		s.fail("I4: an edit of %d deletes, %d creates and %d upserts of %d sets", len(c.deleted), len(c.created), c.upserts, len(c.edits))
		return
	}
	names := map[string]bool{}
	for _, set := range slices.Concat(c.deleted, c.created) {
		if _, ours := s.site.pool(set.Name); !ours || set.Type != "A" {
			s.fail("I10: an edit of %s %s", set.Name, set.Type)
			return
		}
		names[set.Name] = true
	}
	for _, e := range c.edits {
		if len(e.of) == 0 {
			s.fail("I5: an edit of %s, and no action of the journal has begun that does", e.key)
		}
	}
	for name := range names {
		pool, _ := s.site.pool(name)
		s.judgeLeft(l, c, pool)
	}
}

// judgeLeft judges what an edit leaves of one name.
func (s *storm) judgeLeft(l *life, c *stormCall, pool stormPool) {
	before := s.truth.published(pool.record)
	all, takes := edited(s.truth.all(), c.deleted, c.created)
	if !takes {
		return // AWS refuses it
	}
	after := slices.DeleteFunc(all, func(set simulator.RecordSet) bool { return set.Name != pool.record })
	left := answering(after)
	if len(left) == 0 {
		s.fail("I1: the name %s would have no answer, or weights of 0 only: %v", pool.record, after)
	}
	planned, withdraws := time.Duration(0), false // ago: an edit may be repeated for a while
	for _, a := range c.of {
		if a.Pool == pool.name {
			planned = max(planned, time.Since(a.Begun))
			withdraws = withdraws || a.Kind == failover.KindWithdraw
		}
	}
	healthy := func(a netip.Addr) bool { return s.healthy(l, pool.name, a, planned) }
	if slices.ContainsFunc(answering(before), healthy) && !slices.ContainsFunc(left, healthy) {
		s.fail("I1: %s would be left with %v, and none of them is healthy", pool.record, left)
	}
	if n := count(left, healthy); withdraws && n < s.site.minHealthy {
		s.fail("I1: %s would be left with %d healthy addresses, and the policy asks for %d", pool.record, n, s.site.minHealthy)
	}
	for _, e := range c.edits {
		for _, a := range e.of {
			a.before, a.after = e.deleted, e.created
		}
		if slices.ContainsFunc(e.of, func(a *actionSeen) bool { return a.Kind == failover.KindRestore && a.Pool == pool.name }) {
			s.judgeRestore(e)
		}
	}
}

// judgeRestore judges whether a restore undoes its withdrawals, and nothing
// else. It may come back with a part of its weight first.
func (s *storm) judgeRestore(e setEdit) {
	if s.site.kind == simple {
		s.judgeJoin(e)
		return
	}
	for _, a := range e.of {
		w := s.ledger.withdrawal(a.Incident)
		if w == nil {
			s.fail("I9: %s, and nothing was withdrawn", a)
			continue
		}
		was := s.ledger.asItWas(a.Incident)
		part := slices.Clone(e.created)
		for n, set := range part {
			if set.Weight != nil && len(was) == 1 && was[0].Weight != nil && *set.Weight > 0 && *set.Weight <= *was[0].Weight {
				part[n].Weight = was[0].Weight
			}
		}
		same := func(a, b []simulator.RecordSet) bool { return slices.EqualFunc(a, b, sameSet) }
		if !same(e.deleted, w.after) && len(s.site.poolLines) == 0 || !same(part, was) {
			s.fail("I9: %s makes %v of %v, and the withdrawal made %v of %v", a, e.created, e.deleted, w.after, was)
		}
	}
}

// judgeJoin judges whether what comes back joins its set, and nothing else
// changes of it.
func (s *storm) judgeJoin(e setEdit) {
	want := slices.Clone(e.deleted)
	if len(want) != 1 || len(e.created) != 1 {
		s.fail("I9: %s is made %v of %v", e.key, e.created, e.deleted)
		return
	}
	want[0].Values = slices.Clone(want[0].Values)
	for _, a := range e.of {
		value := a.Member.String()
		switch {
		case a.Kind == failover.KindWithdraw: // in the same edit
			want[0].Values = slices.DeleteFunc(want[0].Values, func(v string) bool { return v == value })
			continue
		case s.ledger.withdrawal(a.Incident) == nil:
			s.fail("I9: %s, and nothing was withdrawn", a)
		}
		if !slices.Contains(want[0].Values, value) {
			want[0].Values = append(want[0].Values, value)
		}
	}
	if !sameSet(e.created[0], want[0]) {
		s.fail("I9: the restores %v make %v of %v", e.of, e.created, e.deleted)
	}
}
