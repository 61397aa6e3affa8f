package failover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// callTimeout bounds one action's call with its settling reads. A call is not
// cut short by shutdown: its outcome would be unknown for no need.
const callTimeout = 30 * time.Second

// confirmTimeout bounds the wait for an edit to be INSYNC and answered by the
// authoritative servers: AWS says usually 60 seconds, sometimes more.
const confirmTimeout = 3 * time.Minute

// outcome is what became of a call or of a confirmation.
type outcome struct {
	action Action // with Status, Applied, Ended, Change and Detail as they now are
}

// mostCalls is how many batches of calls are under way at once, enough for a zone
// whose members fail one after the other: AWS's own limits are kept by those who
// call it. waitsFor is how long another one waits for its turn: then what it was
// planned on may be true no more, and it is planned anew.
const (
	mostCalls = 64
	waitsFor  = callTimeout
)

// batches are the actions as they are sent to AWS: the moves of a pool together,
// and the edits of a zone.
func batches(actions []Action) [][]Action {
	type key struct{ pool, zone string }
	var list [][]Action
	at := map[key]int{}
	for _, a := range actions {
		k := key{pool: a.Pool}
		if a.Reweigh != nil {
			k = key{zone: a.Reweigh.Zone}
		}
		if _, begun := at[k]; !begun {
			at[k] = len(list)
			list = append(list, nil)
		}
		list[at[k]] = append(list[at[k]], a)
	}
	return list
}

// perform makes the calls of one batch in a goroutine of its own. A call that has
// begun is not cut short by shutdown, and one that has not is not made any more.
func (s *state) perform(ctx context.Context, batch []Action) {
	for _, a := range batch {
		s.working[a.ID] = true
	}
	ends := s.leaseEnds(batch[0])
	s.calls.Go(func() {
		if why := s.turn(ctx); why != "" {
			s.end(batch, slices.Repeat([]Edited{{Err: &Refusal{GuardStale, "nothing was changed: " + why}}}, len(batch)))
			return
		}
		defer func() { <-s.hands }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		defer cancel()
		if !ends.IsZero() {
			ctx, cancel = context.WithDeadline(ctx, ends)
			defer cancel()
		}
		s.call(ctx, batch)
	})
}

// turn waits until a batch may be called, and takes one of the hands; or it says
// why it shall not be.
func (s *state) turn(ctx context.Context) (why string) {
	select {
	case s.hands <- struct{}{}:
		return ""
	default:
	}
	late := time.NewTimer(waitsFor)
	defer late.Stop()
	select {
	case s.hands <- struct{}{}:
		return ""
	case <-late.C:
		return fmt.Sprintf("%d other calls were under way for %s", mostCalls, waitsFor)
	case <-ctx.Done():
		return "rrwatch was stopped before its turn"
	}
}

// call moves addresses of one pool, or edits the record sets of one zone, and
// hands over what became of each as soon as it is known.
func (s *state) call(ctx context.Context, batch []Action) {
	if batch[0].Remap != nil {
		moves := make([]Remap, len(batch))
		for n, a := range batch {
			moves[n] = *a.Remap
		}
		s.EIPs.Move(ctx, batch[0].Pool, moves, func(n int, err error) { s.outcomes <- outcome{batch[n].after("", err)} })
		return
	}
	edits, comment := make([]Reweigh, len(batch)), "rrwatch"
	for n, a := range batch {
		edits[n] = *a.Reweigh
		comment += fmt.Sprintf(" incident %d: %s;", a.Incident, a.Kind)
	}
	edited := s.Records.Edit(ctx, edits, strings.TrimSuffix(comment, ";"))
	s.end(batch, edited)
}

// end hands over what became of a batch.
func (s *state) end(batch []Action, became []Edited) {
	for _, o := range carried(batch, became) {
		s.leasings <- o
	}
	for n, a := range batch {
		s.outcomes <- outcome{a.after(became[n].Change, became[n].Err)}
	}
}

// after is the action after its call.
func (a Action) after(change string, err error) Action {
	now := time.Now().UTC()
	if err == nil {
		a.Status, a.Applied, a.Change = Applied, now, change
		return a
	}
	a.Detail = oneLine(err)
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		a.Status, a.Ended, a.Guard = Refused, now, refusal.Guard
	}
	return a // any other error leaves it Begun: what became of it is not known
}

// oneLine is an error's text in one line: several that are joined stand on a line
// each.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// confirm waits, in a goroutine of its own, until an edit is answered by the
// authoritative servers.
func (s *state) confirm(ctx context.Context, a Action) {
	s.working[a.ID] = true
	s.calls.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
		defer cancel()
		err := s.Records.Confirm(ctx, *a.Reweigh, a.Change)
		if err != nil && errors.Is(context.Cause(ctx), context.Canceled) {
			s.outcomes <- outcome{a} // shut down; the next start confirms it
			return
		}
		a.Status, a.Ended, a.Served = Proven, time.Now().UTC(), time.Now().UTC()
		a.Detail = "every authoritative server answers so"
		a.Drained = a.Reweigh.drained(a.Ended)
		if err != nil {
			a.Drained = time.Time{}
			a.Status, a.Served, a.Detail = Unproven, time.Time{}, oneLine(err)
		}
		s.outcomes <- outcome{a}
	})
}

// ended takes in what became of a call or a confirmation.
func (s *state) ended(ctx context.Context, o outcome) {
	a := o.action
	delete(s.working, a.ID)
	i := s.incidents[a.Incident]
	if w := s.wirings[a.Pool]; w != nil {
		w.due = time.Time{} // the world has changed: read it now
	}
	var e Entry
	switch a.Status {
	case Applied:
		if old, _ := i.Unfinished(); old.Status == Applied {
			return // a confirmation that was cut short by shutdown
		}
		e = i.entry(ActionApplied, "AWS has accepted: "+a.String())
		e.At = a.Applied
		s.rewire(a)
	case Begun:
		s.unclear[a.ID] = unclear{a.Detail, time.Now()}
		s.record(ctx, i.entry(Noted, fmt.Sprintf("it is not known what became of this, so AWS is read: %s: %s", a, a.Detail)))
		return
	case Proven, Refused, Failed, Unproven:
		e = i.entry(ActionEnded, endText(a))
		e.At = a.Ended
	}
	e.Action = &a
	s.record(ctx, e)
}

// rewire has every pool know of a move before it is read again.
func (s *state) rewire(a Action) {
	if a.Remap == nil {
		return
	}
	for _, w := range s.wirings {
		if w.pool != nil {
			w.pool.moved(*a.Remap)
		}
	}
	s.watch()
}

func endText(a Action) string {
	switch a.Status {
	case Proven:
		return "proven from outside: " + a.String() + a.drainTail()
	case Unproven:
		return fmt.Sprintf("not proven: %s: %s", a, a.Detail)
	case Refused:
		return fmt.Sprintf("refused, nothing was changed: %s: %s", a, a.Detail)
	case Failed:
		return fmt.Sprintf("failed: %s: %s", a, a.Detail)
	case Begun, Applied:
	}
	return a.String()
}

// settle sees to the pool's unfinished actions that no goroutine is busy with:
// an accepted move is proven by the member's own checks, an accepted edit by
// the authoritative servers, and one of which only the beginning is known (we
// were stopped in between) by reading the world, never by repeating it.
func (s *state) settle(ctx context.Context, spec *Spec, pool *Pool, snap *monitor.Snapshot, now time.Time) {
	for _, i := range s.open[spec.Name] {
		a, unfinished := i.Unfinished()
		if !unfinished || s.working[a.ID] || s.unwritten(a.ID) {
			continue
		}
		switch {
		case a.Status == Begun:
			s.settleBegun(ctx, pool, i, a, now)
		case a.Remap != nil:
			s.prove(ctx, spec, snap, i, a, now)
		case ctx.Err() == nil:
			s.confirm(ctx, a)
		}
	}
}

// unwritten reports whether a step of the action waits to be written down.
func (s *state) unwritten(id int64) bool {
	return slices.ContainsFunc(s.pending, func(e Entry) bool { return e.Action != nil && e.Action.ID == id })
}

// prove ends a move once the member's checks pass from outside, or have not in
// time. Until then it has the member asked without waiting for the interval.
func (s *state) prove(ctx context.Context, spec *Spec, snap *monitor.Snapshot, i Incident, a Action, now time.Time) {
	served, proven := believe(spec, a.Member, snap).provenSince(a.Applied)
	switch {
	case proven:
		a.Status, a.Served, a.Ended = Proven, served.UTC(), now.UTC()
		a.Detail = "the member's own checks pass from outside"
	case now.Sub(a.Applied) > spec.Policy.VerifyWithin:
		a.Status, a.Ended = Unproven, now.UTC()
		a.Detail = fmt.Sprintf("the member's checks did not pass from outside within %s", spec.Policy.VerifyWithin)
	default:
		s.Watcher.Ask(targets(spec, a))
		return
	}
	e := i.entry(ActionEnded, endText(a))
	e.Action = &a
	s.record(ctx, e)
}

func targets(spec *Spec, a Action) []probe.Target {
	list := make([]probe.Target, 0, len(spec.Checks))
	for _, c := range spec.Checks {
		list = append(list, c.Target(spec.Name, a.Member))
	}
	return list
}

// settleBegun finds out, by reading, what became of an action of which only
// the beginning is known: its call had no clear answer, or we were stopped.
func (s *state) settleBegun(ctx context.Context, pool *Pool, i Incident, a Action, now time.Time) {
	if pool.Read.Before(a.Begun) {
		return // read before it began: says nothing
	}
	as, want := pool.holds(a)
	// The call may have been sent long after the action began, so what counts is
	// when it was given up: by an error, or because we were stopped.
	last, answered := s.unclear[a.ID]
	if !answered {
		last = unclear{"rrwatch was stopped before it knew", later(a.Begun, s.started)}
	}
	a.Settled = !answered
	switch {
	case want:
		a.Status, a.Applied = Applied, now.UTC()
		a.Detail = last.why + "; AWS was read instead"
		e := i.entry(ActionApplied, "AWS was read and has it: "+a.String())
		e.Action = &a
		s.record(ctx, e)
	case pool.Read.Sub(last.at) > describeLag:
		a.Status, a.Ended = Failed, now.UTC()
		a.Detail = last.why + "; AWS was read and has " + as
		e := i.entry(ActionEnded, endText(a))
		e.Action = &a
		s.record(ctx, e)
	}
}

// holds says what the wiring has in the place that the action changes, and
// whether that is what the action wants.
func (p *Pool) holds(a Action) (as string, want bool) {
	if a.Remap != nil {
		m, _ := p.Member(a.Member)
		return "the address on " + carrierName(p, m), m.Carrier() == a.Remap.To
	}
	return "the record set otherwise", p.set(a.Reweigh.key()).Equal(a.Reweigh.Shall)
}
