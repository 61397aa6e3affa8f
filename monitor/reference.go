package monitor

import (
	"fmt"
	"slices"
	"time"

	"rrwatch/probe"
)

// How references are asked: often enough that blindness is known before three
// fails at the default recheck are.
const (
	referenceInterval = 2 * time.Second
	referenceTimeout  = time.Second
	referenceRecheck  = 500 * time.Millisecond
	referenceRest     = 200 * time.Millisecond // not asked more often than this
)

func isReference(t probe.Target) bool { return t.Pool == "" }

// reference watches the references.
func (w *watcher) reference(now time.Time) {
	for _, addr := range w.options.References {
		w.schedule.put(Watch{
			Target: probe.Target{Check: "reference", Addr: addr}, Probe: probe.TCP(w.options.Dial),
			Interval: referenceInterval, Timeout: referenceTimeout, Recheck: referenceRecheck,
			Thresholds: Thresholds{Fall: 1, Clear: 1, Rise: 1},
		}, now)
	}
}

// askReferences asks the references that have not answered since a target
// began to fail: whether its fails are believed depends on them.
func (w *watcher) askReferences(since, now time.Time) {
	for _, addr := range w.options.References {
		e := w.schedule.entries[probe.Target{Check: "reference", Addr: addr}]
		if last := e.health.Last.At; last.Before(since) {
			at := last.Add(referenceRest)
			if at.Before(now) {
				at = now
			}
			w.schedule.hasten(e, since, at)
		}
	}
}

// siblings are the targets of one pool.
type siblings struct {
	list  []*entry
	since time.Time // all were asked since then, because one of them failed
}

// family sorts the targets by their pools.
func (w *watcher) family() {
	since := map[string]time.Time{}
	for pool, s := range w.pools {
		since[pool] = s.since
	}
	w.pools = map[string]*siblings{}
	for target, e := range w.schedule.entries {
		if isReference(target) {
			continue
		}
		if w.pools[target.Pool] == nil {
			w.pools[target.Pool] = &siblings{since: since[target.Pool]}
		}
		w.pools[target.Pool].list = append(w.pools[target.Pool].list, e)
	}
}

// askSiblings asks the pool's targets that have not been asked since one of
// them failed: whether one member fails or all of them alike decides what, if
// anything, would help. Each fail on the way to a belief asks them again, since
// what fails together seldom fails in one instant. Who has failed itself is asked
// again at its own recheck, and not sooner: otherwise two that fail would hasten
// each other to their beliefs.
func (w *watcher) askSiblings(failing *entry, now time.Time) {
	since := failing.health.Why.Ended() // a silent host is known to fail a whole time-out after it was asked
	s := w.pools[failing.watch.Target.Pool]
	if !s.since.Before(since) {
		return
	}
	s.since = since
	for _, e := range s.list {
		if e != failing && e.health.Fails == 0 && e.health.Last.At.Before(since) {
			w.schedule.hasten(e, since, now)
		}
	}
}

// look decides from the references' latest answers whether the watcher is
// blind: it is when most of those that were asked did not pass. An
// Inconclusive answer counts against: our own network being down is blindness.
func (w *watcher) look(now time.Time) {
	asked, silent := 0, 0
	for _, addr := range w.options.References {
		last := w.schedule.entries[probe.Target{Check: "reference", Addr: addr}].health.Last
		if last.At.IsZero() {
			continue
		}
		asked++
		if last.Verdict != probe.Pass {
			silent++
		}
	}
	was := w.blind
	w.blind = ""
	if silent*2 > asked {
		w.blind = fmt.Sprintf("%d of %d references do not answer", silent, asked)
	}
	if was != "" && w.blind == "" {
		w.sees = now
	}
	if (was == "") != (w.blind == "") {
		w.hurry(now)
	}
}

// sighted is when most references were last seen to answer: the latest moment
// since which more than half of them have passed. Zero: not yet.
func (w *watcher) sighted() time.Time {
	var passed []time.Time
	for _, addr := range w.options.References {
		h := w.schedule.entries[probe.Target{Check: "reference", Addr: addr}].health
		if h.Last.Verdict == probe.Pass {
			passed = append(passed, h.Last.At)
		}
	}
	most := len(w.options.References)/2 + 1
	if len(passed) < most {
		return time.Time{}
	}
	slices.SortFunc(passed, func(a, b time.Time) int { return b.Compare(a) })
	return passed[most-1]
}
