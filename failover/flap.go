package failover

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// Fall is one time that a check of a member was believed Down, while its
// incident was open.
type Fall struct {
	Check string    `json:"check"`
	At    time.Time `json:"at"`
	First bool      `json:"first,omitempty"` // not again: the check had not failed in this incident before
}

// mostFalls is how many falls of one incident are kept.
const mostFalls = 64

// fallen is the incident's falls after one more change of belief. Who was not Up
// has not fallen: a watcher that has just started finds Down what was Down before.
func (i Incident) fallen(t *monitor.Transition) []Fall {
	if t == nil || t.From != monitor.Up || t.To != monitor.Down || t.Target.Addr.Addr() != i.Member {
		return i.Falls
	}
	falls := append(slices.Clip(i.Falls), Fall{t.Target.Check, t.At, !i.hadFallen(t.Target.Check)})
	return falls[max(0, len(falls)-mostFalls):]
}

// hadFallen reports whether a check has failed in the incident, at its opening
// or later.
func (i Incident) hadFallen(check string) bool {
	opened := func(r probe.Result) bool { return r.Target.Check == check }
	since := func(f Fall) bool { return f.Check == check }
	return slices.ContainsFunc(i.Opening.Evidence, opened) || slices.ContainsFunc(i.Falls, since)
}

// falls counts how often a member fell within the time before now: each of its
// incidents is one fall, and so is each time that a check fell again while one
// was open. Checks that fall together are one fall, and so are those that follow
// each other when an outage begins.
func falls(incidents iter.Seq[Incident], since time.Time) int {
	n := 0
	for i := range incidents {
		if i.Opened.After(since) && !i.Planned() {
			n++
		}
		most := 0
		for at, f := range i.Falls {
			if f.At.After(since) && !f.First {
				most = max(most, again(i.Falls[:at+1], f.Check, since))
			}
		}
		n += most
	}
	return n
}

// again is how often a check fell again since then.
func again(falls []Fall, check string, since time.Time) int {
	n := 0
	for _, f := range falls {
		if f.Check == check && f.At.After(since) && !f.First {
			n++
		}
	}
	return n
}

// steady is how long a member must have been Down without a break to be no
// flapping one any more: what stays down can be answered.
func (l FlapLimit) steady() time.Duration { return l.Within / 6 }

// flap writes down that a member has begun or ceased to flap. Who comes and goes
// is told once: its incident stays open until it is calm.
func (s *state) flap(ctx context.Context, spec *Spec, snap *monitor.Snapshot, now time.Time) {
	limit := spec.Policy.Flaps
	for _, i := range s.open[spec.Name] {
		if limit.Falls == 0 && !i.Flapping {
			continue
		}
		n := falls(s.of(spec.Name, i.Member), now.Add(-limit.Within))
		b := believe(spec, i.Member, snap)
		steady := b.State == monitor.Down && now.Sub(b.Since) >= limit.steady()
		switch {
		case !i.Flapping && n >= limit.Falls && !steady:
			s.record(ctx, i.entry(Flapping, fmt.Sprintf("%s comes and goes: it fell %d times within %s; nothing more is done until it is calm, and a person should look",
				i.Member, n, limit.Within)))
		case i.Flapping && steady:
			s.record(ctx, i.entry(Calm, fmt.Sprintf("%s comes and goes no more: it has been down for %s", i.Member, limit.steady())))
		case i.Flapping && n <= limit.calmFalls():
			s.record(ctx, i.entry(Calm, fmt.Sprintf("%s is calm: it fell %d times within %s", i.Member, n, limit.Within)))
		}
	}
}

// of are the incidents of a member, in no order.
func (s *state) of(pool string, member netip.Addr) iter.Seq[Incident] {
	return func(yield func(Incident) bool) {
		for _, i := range s.incidents {
			if i.Pool == pool && i.Member == member && !yield(i) {
				return
			}
		}
	}
}
