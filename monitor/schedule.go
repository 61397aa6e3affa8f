package monitor

import (
	"hash/fnv"
	"maps"
	"time"

	"rrwatch/probe"
)

// entry is one watched target. There are thousands: it fits in 704 bytes, which
// is a size that memory comes in.
type entry struct {
	watch    Watch
	health   *Health // replaced, never changed: snapshots share it
	recorder recorder
	habit    habit
	place    int32     // in snapshots; as long as it is watched
	hastened bool      // asked out of turn, by somebody who waits for the answer
	placed   bool      // in the wheel
	slot     time.Time // the last regular start, or the first that is to come
	sent     time.Time // when the latest probe started
	flights  []*flight // the probes under way and those whose turn to be believed has not come, oldest first
	wanted   time.Time // when it is asked out of turn; zero: in its turn

	tick           int64 // of the wheel: when there is something to do
	next, previous *entry
}

// flight is one probe under way.
type flight struct {
	entry  *entry
	at     time.Time // when it was sent
	done   bool
	lost   bool // given up: its answer may still come
	answer probe.Answer
}

// schedule says what is asked next. It belongs to one goroutine; but entries is
// shared with snapshots, and is changed only after fork.
type schedule struct {
	wheel
	entries map[probe.Target]*entry
	places  []*entry // by their places; nil: free
	free    []int32  // places
}

// fork has the entries changed without a change to snapshots.
func (s *schedule) fork() { s.entries = maps.Clone(s.entries) }

// settle gives a new entry a place.
func (s *schedule) settle(e *entry) {
	if n := len(s.free); n > 0 {
		e.place, s.free = s.free[n-1], s.free[:n-1]
		s.places[e.place] = e
		return
	}
	e.place = int32(len(s.places))
	s.places = append(s.places, e)
}

func newSchedule(now time.Time) schedule {
	return schedule{wheel: wheel{began: now}, entries: map[probe.Target]*entry{}}
}

// put watches a target, and reports whether it is a new one. A new one gets its
// first probe within its interval, at a place that its name decides: spread, yet
// the same at each start.
func (s *schedule) put(watch Watch, now time.Time) bool {
	e, ok := s.entries[watch.Target]
	switch {
	case !ok:
		e = &entry{watch: watch, health: &Health{}, slot: now.Add(offset(watch.Target, watch.Interval))}
		s.entries[watch.Target] = e
		s.settle(e)
		s.set(e, s.ceil(e.slot))
		return true
	case e.watch.Interval != watch.Interval:
		e.slot = now.Add(offset(watch.Target, watch.Interval))
	}
	e.watch = watch
	s.plan(e, now)
	return false
}

func offset(t probe.Target, interval time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.String()))
	return time.Duration(h.Sum64() % uint64(max(interval, 1)))
}

// drop forgets a target. A probe under way is dropped when it answers.
func (s *schedule) drop(t probe.Target) {
	e := s.entries[t]
	s.remove(e)
	s.places[e.place] = nil
	s.free = append(s.free, e.place)
	delete(s.entries, t)
}

// overdueAfter is how long after its time-out a probe is given up: it is broken,
// and the target must be asked all the same.
const overdueAfter = time.Second

// plan sets when there is something to do for a target.
func (s *schedule) plan(e *entry, now time.Time) {
	at := e.regular()
	if n := len(e.flights); n > 0 {
		at = e.flights[0].at.Add(e.watch.Timeout + overdueAfter)
		if e.mayHedge() {
			at = e.flights[n-1].at.Add(e.late())
		}
	}
	if !e.wanted.IsZero() && !e.full() && e.wanted.Before(at) {
		s.set(e, s.floor(e.wanted))
		return
	}
	if at.Before(now) {
		at = now
	}
	s.set(e, s.ceil(at))
}

// regular is the target's next start in its turn: after the recheck time while
// the next result could change the belief, else a whole number of intervals
// after its first, so that it does not drift.
func (e *entry) regular() time.Time {
	interval := max(e.watch.Interval, time.Millisecond)
	for !e.slot.After(e.sent) {
		e.slot = e.slot.Add(interval * max(1, e.sent.Sub(e.slot)/interval))
	}
	if again := e.sent.Add(e.watch.Recheck); !e.sent.IsZero() && e.health.Suspect() && again.Before(e.slot) {
		return again
	}
	return e.slot
}

// mayStart reports whether a target whose tick has begun is asked now. A wish
// for a later moment of the tick is one for now.
func (e *entry) mayStart(now time.Time) bool {
	n := len(e.flights)
	wanted := !e.wanted.IsZero() && e.wanted.Before(now.Add(tick)) && !e.full()
	return n == 0 || wanted || e.mayHedge() && !e.flights[n-1].at.Add(e.late()).After(now)
}

// mayHedge reports whether a probe that is late starts the next one: of a target
// that is Up, so that silence brings it Down after its time-out and two rechecks
// instead of three time-outs.
func (e *entry) mayHedge() bool {
	return e.health.State == Up && len(e.flights) < e.watch.Thresholds.Fall
}

// late is how long a probe may take before it is late: as long as nearly all
// answers of the target took, and at least the recheck time.
func (e *entry) late() time.Duration { return max(e.watch.Recheck, e.habit.usual()) }

// full reports whether so many probes are under way that no wish adds another.
func (e *entry) full() bool { return len(e.flights) >= max(e.watch.Thresholds.Fall, 2) }

// hasten has a target asked at a moment, or at once when that has passed, unless
// it has been asked since another one. One with its hands full is asked when one
// of its probes has ended.
func (s *schedule) hasten(e *entry, since, at time.Time) {
	if !e.sent.IsZero() && !e.sent.Before(since) {
		return
	}
	if e.wanted.IsZero() || at.Before(e.wanted) {
		e.wanted = at
	}
	e.hastened = true
	if n := s.floor(at); !e.full() && (!e.placed || n < e.tick) {
		s.set(e, n)
	}
}
