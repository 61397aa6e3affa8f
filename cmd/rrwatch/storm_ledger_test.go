package main

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"rrwatch/failover"
	"rrwatch/simulator"
	"rrwatch/store"
)

// ledger follows the journal and says which entries break an invariant. It
// folds the journal by itself: the fold is under test too.
type ledger struct {
	storm *storm

	mu         sync.Mutex
	last       int64
	story      strings.Builder
	incidents  map[int64]*incidentSeen
	actions    map[int64]*actionSeen
	latched    bool
	released   time.Time
	pauses     []failover.Pause
	overridden map[int64]bool                // incidents in which a person has overridden a guard
	cause      failover.Cause                // of the latest diagnosis
	causes     map[netip.Addr]failover.Cause // of each member's latest
}

// incidentSeen is an incident as its entries tell it.
type incidentSeen struct {
	pool    string
	member  netip.Addr
	opened  time.Time
	seenUp  bool
	life    time.Time // when the rrwatch that opened it was started
	closed  bool
	outcome string // how it ended
}

// actionSeen is an action as its entries tell it, with what it really did.
type actionSeen struct {
	failover.Action
	ended   bool
	effect  time.Time // when it changed the world; zero: not
	effects int
	before  []simulator.RecordSet // an edit's set as it was
	after   []simulator.RecordSet // and as it then was; both empty: no such set
}

func newLedger(s *storm) *ledger {
	return &ledger{storm: s, incidents: map[int64]*incidentSeen{}, actions: map[int64]*actionSeen{}, causes: map[netip.Addr]failover.Cause{}, overridden: map[int64]bool{}}
}

// follow takes in what is new in the journal.
func (l *ledger) follow(db *store.Store) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		entries, err := db.Since(context.Background(), l.last, 0)
		if err != nil {
			l.storm.fail("the journal cannot be read: %v", err)
			return
		}
		if len(entries) == 0 {
			return
		}
		for _, e := range entries {
			if e.Seq != l.last+1 {
				l.storm.fail("I8: entry %d follows entry %d", e.Seq, l.last)
			}
			l.last = e.Seq
			fmt.Fprintf(&l.story, "%s %-14s %d %s\n", e.At.Format("15:04:05.000"), e.Kind, e.Incident, e.Text)
			l.take(e)
		}
	}
}

func (l *ledger) take(e failover.Entry) {
	i := l.incidents[e.Incident]
	if e.Incident != 0 && e.Kind != failover.Opened {
		switch {
		case i == nil:
			l.storm.fail("I8: entry %d (%s) belongs to incident %d, which was not opened", e.Seq, e.Kind, e.Incident)
			return
		case i.closed:
			l.storm.fail("I8: entry %d (%s) belongs to incident %d, which is closed", e.Seq, e.Kind, e.Incident)
		}
	}
	switch e.Kind {
	case failover.Opened:
		l.opened(e)
	case failover.Closed:
		i.closed, i.outcome = true, e.Text
		for _, a := range l.actions {
			if a.Incident == e.Incident && !a.ended {
				l.storm.fail("I8: incident %d closes with action %d unfinished", e.Incident, a.ID)
			}
		}
	case failover.ActionBegun:
		l.begun(e, i)
	case failover.ActionApplied, failover.ActionEnded:
		l.stepped(e)
	case failover.Diagnosed:
		l.cause, l.causes[i.member] = e.Diagnosis.Cause, e.Diagnosis.Cause
	case failover.BrakeLatched:
		l.latched = true
	case failover.BrakeReleased:
		l.latched, l.released = false, e.At
	case failover.Started, failover.Stopped, failover.Wired, failover.Believed, failover.HeldBack,
		failover.Approved, failover.Noted, failover.WentBlind, failover.SawAgain,
		failover.NotServed, failover.ServedAgain, failover.Warned, failover.WarningOver,
		failover.Proposed, failover.ProposalOver, failover.Flapping, failover.Calm,
		failover.LeaseTaken, failover.LeaseLost, failover.Drifted, failover.DriftOver, failover.Drained:
	case failover.Paused:
		l.pauses = append(slices.DeleteFunc(l.pauses, e.Pause.SameScope), *e.Pause)
	case failover.Resumed:
		l.pauses = slices.DeleteFunc(l.pauses, e.Pause.SameScope)
	case failover.Overridden:
		l.overridden[e.Incident] = true
	}
}

func (l *ledger) opened(e failover.Entry) {
	if l.incidents[e.Incident] != nil {
		l.storm.fail("I8: incident %d is opened twice", e.Incident)
	}
	for id, other := range l.incidents {
		if !other.closed && other.pool == e.Pool && other.member == e.Member {
			l.storm.fail("I8: incident %d of %s is opened while %d is open", e.Incident, e.Member, id)
		}
	}
	l.incidents[e.Incident] = &incidentSeen{
		pool: e.Pool, member: e.Member, opened: e.At, seenUp: e.Opening != nil && e.Opening.SeenUp, life: l.storm.lifeBegan(),
	}
}

// begun judges an action that begins.
func (l *ledger) begun(e failover.Entry, i *incidentSeen) {
	a := &actionSeen{Action: *e.Action}
	if l.actions[a.ID] != nil {
		l.storm.fail("I5: action %d begins twice", a.ID)
	}
	for _, p := range l.pauses {
		if p.Covers(a.Pool, a.Member, a.Begun) && !l.overridden[a.Incident] {
			l.storm.fail("I2: action %d (%s) begins while %s is paused", a.ID, a, p.Scope())
		}
	}
	if l.latched && !l.overridden[a.Incident] {
		l.storm.fail("I6: action %d (%s) begins while the brake is latched", a.ID, a)
	}
	if i.member != a.Member || i.pool != a.Pool {
		l.storm.fail("I8: action %d is of %s, its incident of %s", a.ID, a.Member, i.member)
	}
	hour, day := map[string]int{}, map[string]int{}
	for _, other := range l.actions {
		if !other.ended && touches(&a.Action, &other.Action) {
			l.storm.fail("I8: action %d (%s) begins while %d (%s) is unfinished", a.ID, a, other.ID, other)
		}
		l.cool(a, other)
		if other.Begun.Before(l.released) || other.ended && other.Status == failover.Refused {
			continue
		}
		if age := a.Begun.Sub(other.Begun); age < time.Hour {
			hour[other.Pool]++
			hour[""]++
		}
		day[other.Pool]++ // a storm is shorter than a day
		day[""]++
	}
	site := l.storm.site
	over := hour[a.Pool] >= site.perHour || day[a.Pool] >= 3*site.perHour || hour[""] >= site.total || day[""] >= 3*site.total
	if over && !l.overridden[a.Incident] {
		l.storm.fail("I6: action %d (%s) is over the budget: %v in an hour, %v in a day", a.ID, a, hour, day)
	}
	l.actions[a.ID] = a
}

// cool judges the time between the actions of two incidents of one member.
func (l *ledger) cool(a, before *actionSeen) {
	if before.Pool != a.Pool || before.Member != a.Member || before.Incident == a.Incident || before.effect.IsZero() || l.overridden[a.Incident] {
		return
	}
	if gap := a.Begun.Sub(before.effect); gap < l.storm.site.cooldown {
		l.storm.fail("I7: action %d (%s) begins %s after incident %d touched the member", a.ID, a, gap, before.Incident)
	}
}

func touches(a, b *failover.Action) bool {
	switch {
	case a.Pool == b.Pool && a.Member == b.Member:
		return true
	case a.Remap != nil && b.Remap != nil:
		return a.Remap.To == b.Remap.To || a.Remap.To == b.Remap.From
	case a.Reweigh != nil && b.Reweigh != nil:
		// Several members of one simple set leave it by one edit, which each of them
		// tells; and a later edit waits only until AWS has accepted the earlier one.
		together := a.Reweigh.Was.Equal(b.Reweigh.Was) && a.Reweigh.Shall.Equal(b.Reweigh.Shall) || b.Status == failover.Applied
		return setOf(a.Reweigh).Key() == setOf(b.Reweigh).Key() && (!together || !setOf(a.Reweigh).Simple())
	}
	return false
}

func setOf(r *failover.Reweigh) failover.RecordSet {
	if r.Was.Exists() {
		return r.Was
	}
	return r.Shall
}

// stepped judges a step of an action, or its end.
func (l *ledger) stepped(e failover.Entry) {
	a := l.actions[e.Action.ID]
	switch {
	case a == nil:
		l.storm.fail("I5: action %d goes on and has not begun", e.Action.ID)
		return
	case a.ended:
		l.storm.fail("I8: action %d has ended and goes on (%s)", a.ID, e.Kind)
	case e.Kind == failover.ActionApplied && a.Status != failover.Begun:
		l.storm.fail("I8: action %d is applied twice", a.ID)
	}
	a.Action = *e.Action
	if e.Kind != failover.ActionEnded {
		return
	}
	a.ended = true
	if !e.Action.Status.Done() {
		l.storm.fail("I8: action %d ends as %s", a.ID, e.Action.Status)
	}
	nothing := a.Status == failover.Refused || a.Status == failover.Failed
	if nothing && a.effects > 0 && !l.undone(a) {
		l.storm.fail("I5: action %d (%s) ends as %s, and it did change the world at %s", a.ID, a, a.Status, a.effect.Format("15:04:05.000"))
	}
}

// undone reports whether an operator has undone an action.
func (l *ledger) undone(a *actionSeen) bool {
	if a.Remap != nil {
		return l.storm.truth.movedSince(a.Member, a.effect)
	}
	set := setOf(a.Reweigh)
	return l.storm.truth.touchedSince(set.Name+" "+set.Type+" "+set.Identifier, a.effect)
}

// withdrawal is the latest of an incident that had an effect.
func (l *ledger) withdrawal(incident int64) *actionSeen {
	l.mu.Lock()
	defer l.mu.Unlock()
	var latest *actionSeen
	for _, a := range l.actions {
		if a.Incident == incident && a.Kind == failover.KindWithdraw && a.effects > 0 && (latest == nil || a.ID > latest.ID) {
			latest = a
		}
	}
	return latest
}

// asItWas is the set of a member before the first of its incident's withdrawals:
// one that fails while it comes back by steps is withdrawn again.
func (l *ledger) asItWas(incident int64) []simulator.RecordSet {
	l.mu.Lock()
	defer l.mu.Unlock()
	var was []simulator.RecordSet
	for _, id := range slices.Sorted(maps.Keys(l.actions)) {
		a := l.actions[id]
		switch {
		case a.Incident != incident || a.effects == 0 || a.Reweigh == nil:
		case a.Kind == failover.KindWithdraw && was == nil:
			was = a.before
		case a.Kind == failover.KindRestore && slices.EqualFunc(a.after, was, sameSet):
			was = nil
		}
	}
	return was
}

// unfinished finds the actions that a call belongs to, in their order.
func (l *ledger) unfinished(so func(*failover.Action) bool) []*actionSeen {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []*actionSeen
	for _, id := range slices.Sorted(maps.Keys(l.actions)) {
		if a := l.actions[id]; !a.ended && so(&a.Action) {
			found = append(found, a)
		}
	}
	return found
}
