package monitor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rrwatch/probe"
)

// ErrNothingToWatch is returned for an empty list of watches: whoever has
// nothing to watch has failed to find it.
var ErrNothingToWatch = errors.New("the list of targets is empty; the watched ones stay")

// Options say how a monitor sees.
type Options struct {
	Vantage    string           // where it probes from, stamped on every result
	References []netip.AddrPort // should always accept a connection; when most do not, the watcher is blind
	Dial       probe.Dial       // for the references
}

// Monitor watches targets. Run owns its state; the other methods may be called
// from anywhere.
type Monitor struct {
	options  Options
	replaced chan []Watch
	asked    chan []probe.Target
	nudges   chan struct{}
	snapshot atomic.Pointer[Snapshot]

	mu     sync.Mutex   // protects the following
	change []Transition // not yet taken
}

// New makes a monitor that watches nothing yet.
func New(o Options) *Monitor {
	m := &Monitor{
		options:  o,
		replaced: make(chan []Watch, 1),
		asked:    make(chan []probe.Target, 1),
		nudges:   make(chan struct{}, 1),
	}
	m.snapshot.Store(&Snapshot{})
	return m
}

// Replace gives the whole list of what is watched from now on; the health of
// targets that stay is kept. Only the goroutine that discovers may call it.
func (m *Monitor) Replace(watches []Watch) error {
	if len(watches) == 0 {
		return ErrNothingToWatch
	}
	select {
	case <-m.replaced: // a list that Run did not take yet is out of date
	default:
	}
	m.replaced <- slices.Clone(watches)
	return nil
}

// Ask has targets probed now instead of when they are due. It only asks: while
// another such request waits, this one is dropped.
func (m *Monitor) Ask(targets []probe.Target) {
	select {
	case m.asked <- targets:
	default:
	}
}

// Snapshot is what is believed now.
func (m *Monitor) Snapshot() *Snapshot { return m.snapshot.Load() }

// Nudges receives when a look is worth while: a belief has changed. Nudges may
// be merged.
func (m *Monitor) Nudges() <-chan struct{} { return m.nudges }

// Transitions takes the changes of belief since the last call, oldest first.
func (m *Monitor) Transitions() []Transition {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.change
	m.change = nil
	return taken
}

// Run watches until ctx ends and then returns nil. It ends after the last
// probe has.
func (m *Monitor) Run(ctx context.Context) error {
	w := newWatcher(m)
	defer w.probes.Wait()
	w.reference(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case list := <-m.replaced:
			w.replace(list, w.woke())
		case targets := <-m.asked:
			w.hasten(targets, w.woke())
		case r := <-w.results:
			w.observe(r, w.woke())
		case <-timer.C:
			w.wake(ctx, w.woke())
		}
		timer.Reset(w.next(time.Now()))
	}
}

// watcher is the state that Run owns.
type watcher struct {
	*Monitor
	schedule schedule
	results  chan probe.Result
	probes   sync.WaitGroup

	blind   string
	sees    time.Time // when it last ceased to be blind
	stalled time.Time
	awake   time.Time // when the loop last ran
	due     time.Time // when it was to run next
	publish time.Time // when the next snapshot is due; zero: nothing new
	rested  time.Time // no snapshot before this
	eager   bool      // somebody waits for what the next snapshot says
}

// The loop runs at least this often, so that it notices a pause of the
// machine; a run that is later than stallAfter was paused.
const (
	heartbeat  = time.Second
	stallAfter = 2 * time.Second
)

// publishEvery bounds how often an unexciting snapshot is copied. An exciting
// one is copied at once, but all copying has rest for restFactor times as long as
// it took: when thousands of targets change together, probing must go on.
const (
	publishEvery = 100 * time.Millisecond
	restFactor   = 10
)

func newWatcher(m *Monitor) *watcher {
	return &watcher{Monitor: m, schedule: newSchedule(), results: make(chan probe.Result, 64)}
}

// next is how long the loop may sleep.
func (w *watcher) next(now time.Time) time.Duration {
	w.due = now.Add(heartbeat)
	if at, ok := w.schedule.first(); ok && at.Before(w.due) {
		w.due = at
	}
	if !w.publish.IsZero() && w.publish.Before(w.due) {
		w.due = w.publish
	}
	w.awake = now
	return max(w.due.Sub(now), 0)
}

// woke is the time at which the loop goes on, after it has noticed whether it
// was held up.
func (w *watcher) woke() time.Time {
	now := time.Now()
	if w.paused(now) {
		w.stalled = now.Add(-1) // what is sent now is sent after the pause
		w.nudge()
		w.touch(now)
	}
	return now
}

// hasten asks targets now instead of when they are due.
func (w *watcher) hasten(targets []probe.Target, now time.Time) {
	for _, target := range targets {
		if e, ok := w.schedule.entries[target]; ok {
			w.schedule.hasten(e, now)
		}
	}
}

// wake starts the probes that are due.
func (w *watcher) wake(ctx context.Context, now time.Time) {
	for {
		e, ok := w.schedule.take(now)
		if !ok {
			break
		}
		w.start(ctx, e.watch, now)
	}
	if !w.publish.IsZero() && !now.Before(w.publish) {
		w.show(now)
	}
}

// paused reports whether the loop was held up: it runs late, or the wall clock
// went on while the monotonic one, which stops when a machine sleeps, did not.
func (w *watcher) paused(now time.Time) bool {
	if w.awake.IsZero() {
		return false
	}
	slept := now.Round(0).Sub(w.awake.Round(0)) - now.Sub(w.awake)
	return now.Sub(w.due) > stallAfter || slept > stallAfter
}

func (w *watcher) start(ctx context.Context, watch Watch, now time.Time) {
	w.probes.Go(func() {
		r := probe.Result{Target: watch.Target, Vantage: w.options.Vantage, At: now, Answer: Ask(ctx, watch)}
		select {
		case w.results <- r:
		case <-ctx.Done():
		}
	})
}

// Ask runs one probe of a target within its timeout. A probe that panics is
// broken itself: that says nothing about the target.
func Ask(ctx context.Context, watch Watch) (a probe.Answer) {
	ctx, cancel := context.WithTimeout(ctx, watch.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			a = probe.Answer{Verdict: probe.Inconclusive, Reason: probe.Internal, Detail: fmt.Sprintf("the probe broke: %v", p)}
		}
	}()
	return watch.Probe(ctx, watch.Target)
}

// observe believes one result and plans the target's next probe.
func (w *watcher) observe(r probe.Result, now time.Time) {
	e, ok := w.schedule.entries[r.Target]
	if !ok {
		return // it is watched no more
	}
	r = w.doubt(r)
	before := e.health
	e.health = before.Observe(r, e.watch.Thresholds)
	e.recorder.add(r)
	w.schedule.plan(e, r.At, now)
	switch {
	case isReference(r.Target):
		w.look(now)
	case r.Verdict == probe.Fail && before.State != Down:
		w.askReferences(e.health.First, now)
		w.askSiblings(e, now)
	}
	if e.hastened {
		e.hastened, w.eager = false, true
	}
	w.touch(now)
	if e.health.State != before.State {
		w.changed(e, before.State, now)
	}
}

// doubt makes a fail that the watcher does not trust Inconclusive.
func (w *watcher) doubt(r probe.Result) probe.Result {
	if r.Verdict != probe.Fail || isReference(r.Target) {
		return r
	}
	switch {
	case !w.stalled.IsZero() && !r.At.After(w.stalled):
		r.Verdict, r.Reason = probe.Inconclusive, probe.Stalled
	case w.blind != "":
		r.Verdict, r.Reason = probe.Inconclusive, probe.Blind
	}
	return r
}

func (w *watcher) changed(e *entry, from State, now time.Time) {
	if !isReference(e.watch.Target) {
		t := Transition{
			Target: e.watch.Target, From: from, To: e.health.State,
			At: e.health.Since, Evidence: e.recorder.results(),
		}
		w.mu.Lock()
		w.change = append(w.change, t)
		w.mu.Unlock()
	}
	w.hurry(now)
}

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
	s := &Snapshot{At: now, Health: make(map[probe.Target]Health, len(w.schedule.entries)), Blind: w.blind, Sees: w.sees, Stalled: w.stalled}
	for target, e := range w.schedule.entries {
		if !isReference(target) {
			s.Health[target] = e.health
		}
	}
	s.Sighted = w.sighted()
	s.References = len(w.options.References)
	w.snapshot.Store(s)
	w.publish = time.Time{}
	ended := time.Now()
	w.rested = ended.Add(restFactor * ended.Sub(began))
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

// replace watches exactly the list, and the references.
func (w *watcher) replace(list []Watch, now time.Time) {
	wanted := make(map[probe.Target]bool, len(list))
	for _, watch := range list {
		wanted[watch.Target] = true
		w.schedule.put(watch, now)
	}
	for target := range maps.Keys(w.schedule.entries) {
		if !wanted[target] && !isReference(target) {
			w.schedule.drop(target)
		}
	}
	w.touch(now)
}
