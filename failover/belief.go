package failover

import (
	"net/netip"
	"slices"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// belief is what all checks of a pool together say of one address.
type belief struct {
	State    monitor.State
	Since    time.Time // when it became so
	FirstBad time.Time // when the streak of fails that brought it Down began; zero unless Down
	Streak   time.Time // when all checks were last passing since; zero unless Up
	SeenUp   bool      // every check was seen to pass
	Checks   []CheckView
}

// believe joins the checks: Down when one is Down, Up when all are Up.
func believe(spec *Spec, addr netip.Addr, snap *monitor.Snapshot) belief {
	b := belief{State: monitor.Up, SeenUp: true}
	for _, c := range spec.Checks {
		h := snap.Health(c.Target(spec.Name, addr))
		view := CheckView{Name: c.Name, Kind: c.Kind, Health: h, ToChange: h.ToChange(c.Thresholds)}
		if h.Last.Verdict == probe.Inconclusive && h.Last.Reason == probe.Excused {
			view.ExcusedUntil = h.Excused.Add(c.Thresholds.Excused)
		}
		b.Checks = append(b.Checks, view)
		b.SeenUp = b.SeenUp && h.SeenUp
		b.join(h)
	}
	if len(spec.Checks) == 0 {
		b.State, b.SeenUp = monitor.Unknown, false
	}
	return b
}

// join takes in what one more check believes.
func (b *belief) join(h monitor.Health) {
	switch {
	case h.State == monitor.Down && b.State == monitor.Down:
		b.Since, b.FirstBad = earlier(b.Since, h.Since), earlier(b.FirstBad, h.First)
	case h.State == monitor.Down:
		b.State, b.Since, b.FirstBad = monitor.Down, h.Since, h.First
	case b.State == monitor.Up && h.State == monitor.Unknown:
		b.State, b.Since = monitor.Unknown, time.Time{}
	case b.State == monitor.Up:
		b.Since, b.Streak = later(b.Since, h.Since), later(b.Streak, h.Streak)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// fresh is how old the latest answer of a check may be for its belief to count
// as "now": two intervals, and a probe that is under way.
func (c Check) fresh() time.Duration { return 2*c.Interval + c.Timeout }

// passing reports whether every check passes now: believed Up, the latest
// answer a pass, and not older than two intervals.
func (b belief) passing(spec *Spec, now time.Time) bool {
	if b.State != monitor.Up {
		return false
	}
	for i, c := range b.Checks {
		h, check := c.Health, spec.Checks[i]
		if h.Last.Verdict != probe.Pass || now.Sub(h.Asked) > check.fresh() {
			return false
		}
	}
	return true
}

// askedSince reports whether every check has said something of the address since t.
func (b belief) askedSince(t time.Time) bool {
	return !slices.ContainsFunc(b.Checks, func(c CheckView) bool { return c.Health.Asked.Before(t) })
}

// side is how one address fares beside another one that fails.
type side uint8

const (
	passes         side = iota // every check passes, and has while the other failed
	failsAlike                 // for the same reason
	failsOtherwise             // for another reason
	notAskedSince              // one of the two, since the other changed
)

// sideWith says how b fares beside a failing one. That both were asked over the
// same time is what makes the comparison fair: when a path to both comes back,
// one of them is asked first.
func (b belief) sideWith(failing belief) side {
	since := failing.FirstBad
	asked := !failing.lastFail().Before(b.Streak)
	for _, c := range b.Checks {
		switch h := c.Health; {
		case h.State == monitor.Down, h.Fails > 0:
			if h.Why.Reason == failing.reason() {
				return failsAlike
			}
			return failsOtherwise
		case h.Asked.Before(since):
			asked = false
		}
	}
	if !asked {
		return notAskedSince
	}
	return passes
}

// lastFail is when the latest fail of a Down check was sent; zero unless Down.
func (b belief) lastFail() time.Time {
	var at time.Time
	for _, r := range b.evidence() {
		at = later(at, r.At)
	}
	return at
}

// reason is why the first failing check failed last.
func (b belief) reason() probe.Reason {
	for _, c := range b.Checks {
		if c.Health.State == monitor.Down {
			return c.Health.Why.Reason
		}
	}
	return ""
}

// evidence are the failing checks' last fails.
func (b belief) evidence() []probe.Result {
	var list []probe.Result
	for _, c := range b.Checks {
		if c.Health.State == monitor.Down {
			list = append(list, c.Health.Why)
		}
	}
	return list
}

// toChange says what would change the belief, by the check that is nearest.
func (b belief) toChange() string {
	for _, c := range b.Checks {
		if c.Health.State == b.State && c.Health.Suspect() {
			return c.ToChange
		}
	}
	for _, c := range b.Checks {
		if c.Health.State == b.State {
			return c.ToChange
		}
	}
	return ""
}

// provenSince reports whether the checks have passed often enough, from
// outside, since a change at t, and when the first such pass was sent.
func (b belief) provenSince(spec *Spec, t time.Time) (time.Time, bool) {
	if b.State != monitor.Up {
		return time.Time{}, false
	}
	served := t
	for i, c := range b.Checks {
		h, check := c.Health, spec.Checks[i]
		switch {
		case h.Fails > 0 || h.Asked.Before(t):
			return time.Time{}, false
		case !h.Streak.Before(t) && h.Passes >= check.Thresholds.Rise:
			served = later(served, h.Streak)
		case h.Asked.Sub(t) < time.Duration(check.Thresholds.Rise-1)*check.Interval:
			// The streak began before t: as many passes as rise asks for
			// must have been sent after it.
			return time.Time{}, false
		}
	}
	return served, true
}
