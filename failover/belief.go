package failover

import (
	"net/netip"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// belief is what all checks of a pool together say of one address. It is worked
// out many times a look, so it is a sum that takes no memory of its own: it
// points into the snapshot, and what it does not sum up is looked up there.
type belief struct {
	State    monitor.State
	Since    time.Time // when it became so
	FirstBad time.Time // when the streak of fails that brought it Down began; zero unless Down
	Streak   time.Time // when all checks were last passing since; zero unless Up
	SeenUp   bool      // every check was seen to pass

	spec *Spec
	addr netip.Addr
	snap *monitor.Snapshot

	bad    *monitor.Health // of the first check that is Down; nil: none is
	doubt  *monitor.Health // of the first check that is Down or has fails; nil: none has
	began  time.Time       // when the first of all fails that are not yet forgotten was sent; zero: there is none
	failed time.Time       // when the latest fail of a Down check was sent; zero unless Down
	asked  time.Time       // when the check that was asked longest ago was; zero: one never was
	stale  time.Time       // when the first latest answer is too old to count as "now"
	fell   time.Time       // when a check last became Down; zero: none has since the watch began
}

// believe joins the checks: Down when one is Down, Up when all are Up.
func believe(spec *Spec, addr netip.Addr, snap *monitor.Snapshot) belief {
	b := belief{State: monitor.Unknown, spec: spec, addr: addr, snap: snap}
	if len(spec.Checks) == 0 {
		return b
	}
	b.State, b.SeenUp = monitor.Up, true
	for n := range spec.Checks {
		c := &spec.Checks[n]
		h := snap.Of(probe.Target{Pool: spec.Name, Check: c.Name, Addr: netip.AddrPortFrom(addr, c.Port)})
		if h == nil {
			h = &monitor.Health{} // it is not watched
		}
		b.join(h)
		b.sum(h)
		if stale := h.Asked.Add(c.fresh()); n == 0 || stale.Before(b.stale) {
			b.stale = stale
		}
		if n == 0 || h.Asked.Before(b.asked) {
			b.asked = h.Asked
		}
	}
	return b
}

// join takes in what one more check believes.
func (b *belief) join(h *monitor.Health) {
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

// sum takes in what one more check was answered.
func (b *belief) sum(h *monitor.Health) {
	b.SeenUp = b.SeenUp && (h.State == monitor.Up || h.SeenUp)
	b.fell = later(b.fell, h.Fell)
	down := h.State == monitor.Down
	if !down && h.Fails == 0 {
		return
	}
	if b.doubt == nil {
		b.doubt, b.began = h, h.First
	}
	b.began = earlier(b.began, h.First)
	if down {
		if b.bad == nil {
			b.bad = h
		}
		b.failed = later(b.failed, h.Why.At)
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

// asking is one check of an address with what is believed of it, which is
// shared and must not be written to.
type asking struct {
	*Check
	Health *monitor.Health
}

// Checks are the checks of the address, in the configuration's order.
func (b belief) Checks(yield func(int, asking) bool) {
	for n := range b.spec.Checks {
		c := &b.spec.Checks[n]
		h := b.snap.Of(c.Target(b.spec.Name, b.addr))
		if h == nil {
			h = &monitor.Health{}
		}
		if !yield(n, asking{c, h}) {
			return
		}
	}
}

// views are the checks as pages show them.
func (b belief) views() []CheckView {
	list := make([]CheckView, 0, len(b.spec.Checks))
	for _, c := range b.Checks {
		h := *c.Health
		view := CheckView{Name: c.Name, Kind: c.Kind, Health: h, ToChange: h.ToChange(c.Thresholds)}
		if h.Last.Verdict == probe.Inconclusive && h.Last.Reason == probe.Excused {
			view.ExcusedUntil = h.Excused.Add(c.Thresholds.Excused)
		}
		list = append(list, view)
	}
	return list
}

// fresh is how old the latest answer of a check may be for its belief to count
// as "now": two intervals, and a probe that is under way.
func (c *Check) fresh() time.Duration { return 2*c.Interval + c.Timeout }

// passing reports whether every check passes now: believed Up, the latest
// answer a pass, and not older than two intervals.
func (b belief) passing(now time.Time) bool {
	if b.State != monitor.Up || now.After(b.stale) {
		return false
	}
	for _, c := range b.Checks {
		if c.Health.Last.Verdict != probe.Pass {
			return false
		}
	}
	return true
}

// askedSince reports whether every check has said something of the address since t.
func (b belief) askedSince(t time.Time) bool { return !b.asked.Before(t) }

// lately is since when another address must have been asked for its answer to say
// something beside this one, which is Down: shortly before that was believed, so
// that what fails together within moments is not taken for one after the other.
// The monitor asks the pool's other targets at each of the fails on the way, so
// that the answers are there by then.
func (b *belief) lately() time.Time {
	recheck := time.Duration(0)
	for n := range b.spec.Checks {
		recheck = max(recheck, b.spec.Checks[n].Recheck)
	}
	return later(b.FirstBad, b.Since.Add(-recheck-recheck/2))
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
func (b *belief) sideWith(failing *belief) side {
	switch {
	case b.doubt != nil && failing.bad != nil && alike(&b.doubt.Why, &failing.bad.Why):
		return failsAlike
	case b.doubt != nil:
		return failsOtherwise
	case failing.failed.Before(b.Streak), b.asked.Before(failing.lately()):
		return notAskedSince
	}
	return passes
}

// lastFail is when the latest fail of a Down check was sent; zero unless Down.
func (b belief) lastFail() time.Time { return b.failed }

// reason is why the first failing check failed last.
func (b belief) reason() probe.Reason {
	if b.bad == nil {
		return ""
	}
	return b.bad.Why.Reason
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
	var nearest asking
	for _, c := range b.Checks {
		if c.Health.State != b.State {
			continue
		}
		if c.Health.Suspect() {
			return c.Health.ToChange(c.Thresholds)
		}
		if nearest.Health == nil {
			nearest = c
		}
	}
	if nearest.Health == nil {
		return ""
	}
	return nearest.Health.ToChange(nearest.Thresholds)
}

// provenSince reports whether the checks have passed often enough, from
// outside, since a change at t, and when the first such pass was sent.
func (b belief) provenSince(t time.Time) (time.Time, bool) {
	if b.State != monitor.Up {
		return time.Time{}, false
	}
	served := t
	for _, c := range b.Checks {
		switch h := c.Health; {
		case h.Fails > 0 || h.Asked.Before(t):
			return time.Time{}, false
		case !h.Streak.Before(t) && h.Passes >= c.Thresholds.Rise:
			served = later(served, h.Streak)
		case h.Asked.Sub(t) < time.Duration(c.Thresholds.Rise-1)*c.Interval:
			// The streak began before t: as many passes as rise asks for
			// must have been sent after it.
			return time.Time{}, false
		}
	}
	return served, true
}
