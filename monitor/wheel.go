package monitor

import "time"

// tick is the grain of time at which probes start. Starts that fall together
// share one wake of the loop: with a timer of its own each, a probe costs half
// as much again.
const tick = 10 * time.Millisecond

// turn is how many ticks the wheel has: what lies further ahead goes round.
const turn = 1024

// wheel holds entries by the tick at which they are due: to add, move or remove
// one costs the same however many there are.
type wheel struct {
	began  time.Time // tick 0
	cursor int64     // no entry is due before this tick
	slots  [turn]*entry
}

// floor is the tick in which a moment lies; ceil the first that does not begin before it.
func (w *wheel) floor(at time.Time) int64 { return int64(max(at.Sub(w.began), 0) / tick) }

func (w *wheel) ceil(at time.Time) int64 { return int64((max(at.Sub(w.began), 0) + tick - 1) / tick) }

// start is when a tick begins.
func (w *wheel) start(n int64) time.Time { return w.began.Add(time.Duration(n) * tick) }

// set moves an entry to a tick.
func (w *wheel) set(e *entry, n int64) {
	w.remove(e)
	e.tick, e.placed = max(n, w.cursor), true
	slot := &w.slots[e.tick%turn]
	e.next = *slot
	if e.next != nil {
		e.next.previous = e
	}
	*slot = e
}

func (w *wheel) remove(e *entry) {
	if !e.placed {
		return
	}
	if e.previous != nil {
		e.previous.next = e.next
	} else {
		w.slots[e.tick%turn] = e.next
	}
	if e.next != nil {
		e.next.previous = e.previous
	}
	e.next, e.previous, e.placed = nil, nil, false
}

// due removes the entries whose tick has begun and adds them to list, the
// earliest first but for a wheel that was not turned for a whole turn.
func (w *wheel) due(now time.Time, list []*entry) []*entry {
	current := w.floor(now)
	for n := max(w.cursor, current-turn+1); n <= current; n++ {
		for e := w.slots[n%turn]; e != nil; {
			next := e.next
			if e.tick <= current {
				w.remove(e)
				list = append(list, e)
			}
			e = next
		}
	}
	w.cursor = max(w.cursor, current)
	return list
}

// first is the beginning of the first tick at which something is due, if there
// is one within the next so many.
func (w *wheel) first(ticks int64) (time.Time, bool) {
	for n := w.cursor; n < w.cursor+ticks; n++ {
		for e := w.slots[n%turn]; e != nil; e = e.next {
			if e.tick == n {
				return w.start(n), true
			}
		}
	}
	return time.Time{}, false
}
