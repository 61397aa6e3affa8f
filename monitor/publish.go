package monitor

import "time"

// publishEvery bounds how often an unexciting snapshot is made. An exciting one
// is made at once, but all making has rest for restFactor times as long as it
// took: when thousands of targets change together, probing must go on. The rest
// is longRest at most, for on a busy machine it may have taken long for reasons
// of its own.
const (
	publishEvery = 100 * time.Millisecond
	restFactor   = 10
	longRest     = time.Second
)

// hurry publishes a snapshot as soon as it may, and nudges then.
func (w *watcher) hurry(now time.Time) {
	w.eager = true
	if now.Before(w.rested) {
		w.publish = w.rested
		return
	}
	w.show(now)
}

// touch asks for a snapshot soon.
func (w *watcher) touch(now time.Time) {
	if w.publish.IsZero() {
		w.publish = now.Add(publishEvery)
		if w.publish.Before(w.rested) {
			w.publish = w.rested
		}
	}
}

// show publishes a snapshot.
func (w *watcher) show(now time.Time) {
	began := time.Now()
	s := &Snapshot{
		At: now, entries: w.schedule.entries, health: make([]*Health, len(w.schedule.places)), counted: &counted{},
		Blind: w.blind, Sees: w.sees, Stalled: w.stalled,
		Sighted: w.sighted(), References: len(w.options.References), Tally: w.tally,
	}
	for i, e := range w.schedule.places {
		if e != nil {
			s.health[i] = e.health
		}
	}
	w.snapshot.Store(s)
	w.publish = time.Time{}
	ended := time.Now()
	w.rested = ended.Add(min(restFactor*ended.Sub(began), longRest))
	if w.eager {
		w.eager = false
		w.nudge()
	}
}

func (w *watcher) nudge() {
	select {
	case w.nudges <- struct{}{}:
	default: // one is waiting already
	}
}
