package failover

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// takesOut reports whether the edit takes its address out of the answers.
func (r Reweigh) takesOut() bool {
	answers := func(set RecordSet) bool { return set.Answers() && set.Holds(r.Addr) }
	return answers(r.Was) && !answers(r.Shall)
}

// ttl is how long resolvers keep the answers from before the edit.
func (r Reweigh) ttl() time.Duration { return time.Duration(r.Was.TTL) * time.Second }

// drained is when the last resolver that keeps to the TTL forgets the address, if
// all servers were seen without it at proven; zero: the edit takes nothing out.
func (r Reweigh) drained(proven time.Time) time.Time {
	if !r.takesOut() {
		return time.Time{}
	}
	return proven.Add(r.ttl())
}

// drainsUntil is until when resolvers may give the address that the action took
// out, counted from what is known while no server was seen without it; zero: it
// took none out.
func (a Action) drainsUntil() time.Time {
	if a.Reweigh == nil || !a.Status.tookEffect() || !a.Reweigh.takesOut() {
		return time.Time{}
	}
	if !a.Drained.IsZero() {
		return a.Drained
	}
	return later(a.Applied, a.Ended).Add(a.Reweigh.ttl())
}

// DrainWords says of one of the incident's actions until when resolvers may give
// the address that it took out, or since when they have forgotten it, without a
// full stop; empty: it took none out that stayed out, or that is not proven.
func (i Incident) DrainWords(a Action, now time.Time) string {
	if i.cameBack(a) {
		return ""
	}
	return a.drainWords(now)
}

// drainWords is DrainWords of what has not come back.
func (a Action) drainWords(now time.Time) string {
	if a.Drained.IsZero() {
		return ""
	}
	at := clockTime(a.Drained, now)
	if now.Before(a.Drained) {
		return fmt.Sprintf("resolvers may give %s until %s (TTL %d s)", a.Member, at, a.Reweigh.Was.TTL)
	}
	return fmt.Sprintf("resolvers have forgotten %s since %s", a.Member, at)
}

// drainTail is what a sentence of the proof ends with.
func (a Action) drainTail() string {
	if words := a.drainWords(a.Ended); words != "" {
		return "; " + words
	}
	return ""
}

// clockTime is a moment as people say it at now: with its day where it is not
// today's. UTC.
func clockTime(at, now time.Time) string {
	at, now = at.UTC(), now.UTC()
	if at.Year() == now.Year() && at.YearDay() == now.YearDay() {
		return at.Format(time.TimeOnly)
	}
	return at.Format("2 Jan 15:04:05")
}

// cameBack reports whether the name answered with the address again before
// resolvers had forgotten it.
func (i Incident) cameBack(a Action) bool {
	return slices.ContainsFunc(i.Actions, func(o Action) bool {
		return o.Kind == KindRestore && o.Status.tookEffect() && o.Applied.After(a.Applied) && o.Applied.Before(a.Drained)
	})
}

// tellDrained writes down when resolvers have forgotten an address.
func (s *state) tellDrained(ctx context.Context, now time.Time) {
	var entries []Entry
	for _, spec := range s.Specs {
		for _, i := range s.open[spec.Name] {
			if a, ok := i.forgotten(now); ok {
				e := i.entry(Drained, i.DrainWords(a, now))
				e.At = now.UTC()
				entries = append(entries, e)
			}
		}
	}
	if len(entries) > 0 {
		s.record(ctx, entries...)
	}
}

// forgotten is the latest action whose address resolvers have forgotten, if that
// was not told yet.
func (i Incident) forgotten(now time.Time) (Action, bool) {
	for _, a := range slices.Backward(i.Actions) {
		if a.Drained.IsZero() {
			continue
		}
		told := slices.ContainsFunc(i.Notes, func(n Note) bool { return n.Kind == Drained && !n.At.Before(a.Drained) })
		return a, !told && !now.Before(a.Drained) && !i.cameBack(a)
	}
	return Action{}, false
}

// draining are the edits by which addresses of the pool left its answers in
// incidents that are closed, and which resolvers may give still.
func (s *state) draining(pool string, now time.Time) []Reweigh {
	var over []Incident
	for _, i := range s.incidents {
		if i.Pool == pool && !i.Open() && i.drainsUntil().After(now) {
			over = append(over, i)
		}
	}
	slices.SortFunc(over, func(a, b Incident) int { return cmp.Compare(b.ID, a.ID) }) // the latest says how it was
	var edits []Reweigh
	for _, i := range over {
		if edit, out := i.Withdrawn(); out {
			edits = append(edits, edit)
		}
	}
	return edits
}

// drainsUntil is until when resolvers may give the incident's address; zero: it
// was not taken out.
func (i Incident) drainsUntil() time.Time {
	var until time.Time
	for _, a := range i.Actions {
		until = later(until, a.drainsUntil())
	}
	return until
}

// memberDrains is until when resolvers may give an address that is not
// published; zero: no longer, or it was not rrwatch that took it out.
func (s *state) memberDrains(pool string, addr netip.Addr, now time.Time) time.Time {
	var until time.Time
	for _, i := range s.incidents {
		if i.Pool == pool && i.Member == addr {
			until = later(until, i.drainsUntil())
		}
	}
	if !until.After(now) {
		return time.Time{}
	}
	return until
}
