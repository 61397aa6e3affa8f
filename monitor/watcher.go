package monitor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"rrwatch/probe"
)

// watcher is the state that Run owns.
type watcher struct {
	*Monitor
	schedule schedule
	pools    map[string]*siblings
	timer    *time.Timer // ends the sleep where there is no engine
	probes   sync.WaitGroup
	asked    []probe.Asked // by the engine, in this run of the loop
	old      mail          // taken in the run before
	ready    []*entry      // due in this run
	spare    []*flight     // for probes to come

	wires  map[wireKey]*tripwire
	tended time.Time // when the tripwires were last seen to

	tally   Tally
	said    *said // by the latest answer of all
	blind   string
	sees    time.Time // when it last ceased to be blind
	stalled time.Time
	awake   time.Time // when the loop last woke
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

func newWatcher(m *Monitor, now time.Time) *watcher {
	return &watcher{
		Monitor: m, schedule: newSchedule(now), pools: map[string]*siblings{}, wires: map[wireKey]*tripwire{},
		timer: time.NewTimer(0), awake: now, due: now,
	}
}

// next is until when the loop may sleep.
func (w *watcher) next() time.Time {
	w.due = w.awake.Add(heartbeat) // not from now on: a pause while it was at work counts too
	if at, ok := w.schedule.first(int64(heartbeat / tick)); ok && at.Before(w.due) {
		w.due = at
	}
	if !w.publish.IsZero() && w.publish.Before(w.due) {
		w.due = w.publish
	}
	return w.due
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
	w.awake = now
	return now
}

// paused reports whether the loop was held up: it runs late, or the wall clock
// went on while the monotonic one, which stops when a machine sleeps, did not.
func (w *watcher) paused(now time.Time) bool {
	slept := now.Round(0).Sub(w.awake.Round(0)) - now.Sub(w.awake)
	return now.Sub(w.due) > stallAfter || slept > stallAfter
}

// hasten asks targets now instead of when they are due.
func (w *watcher) hasten(targets []probe.Target, now time.Time) {
	for _, target := range targets {
		if e, ok := w.schedule.entries[target]; ok {
			w.schedule.hasten(e, now, now)
		}
	}
}

// wake starts the probes that are due.
func (w *watcher) wake(ctx context.Context, now time.Time) {
	w.ready = w.schedule.due(now, w.ready[:0])
	for _, e := range w.ready {
		if e.mayStart(now) {
			w.start(ctx, e, now)
		} else if f := e.flights[0]; !f.at.Add(e.watch.Timeout + overdueAfter).After(now) {
			f.lost = true
			w.answered(f, probe.Answer{Verdict: probe.Inconclusive, Reason: probe.Internal, Detail: "the probe has not ended by its time-out"}, now)
		}
		w.schedule.plan(e, now)
	}
	clear(w.ready)
	if now.Sub(w.tended) >= tendEvery {
		w.tend(ctx, now)
	}
	if !w.publish.IsZero() && !now.Before(w.publish) {
		w.show(now)
	}
}

// start sends a probe: by the engine where it can ask the question, else on a
// goroutine of its own.
func (w *watcher) start(ctx context.Context, e *entry, now time.Time) {
	f := w.fresh()
	f.entry, f.at = e, now
	e.flights, e.sent, e.wanted = append(e.flights, f), now, time.Time{}
	if w.options.Engine != nil && e.watch.Plain != nil {
		w.options.Engine.Ask(probe.Job{Ticket: f, Addr: e.watch.Target.Addr, Plain: e.watch.Plain, Timeout: e.watch.Timeout})
		return
	}
	watch := e.watch
	w.probes.Go(func() {
		a := arrival{flight: f, answer: Ask(ctx, watch)}
		w.post(func(mail *mail) { mail.arrivals = append(mail.arrivals, a) })
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

// sleep waits until a moment, or until something has come.
func (w *watcher) sleep(until time.Time) error {
	if w.options.Engine != nil {
		var err error
		w.asked, err = w.options.Engine.Wait(until)
		return err
	}
	w.timer.Reset(time.Until(until))
	select {
	case <-w.timer.C:
	case <-w.alarm:
	}
	return nil
}

// receive takes what has come.
func (w *watcher) receive(now time.Time) {
	w.mu.Lock()
	came := w.mail
	w.mail = mail{asked: w.old.asked[:0], arrivals: w.old.arrivals[:0]} // their memory is used again
	w.mu.Unlock()
	if came.list != nil {
		w.replace(came.list, now)
	}
	w.hasten(came.asked, now)
	for _, a := range came.arrivals {
		w.arrived(a, now)
	}
	for _, asked := range w.asked {
		switch ticket := asked.Ticket.(type) {
		case *flight:
			w.arrived(arrival{flight: ticket, answer: asked.Answer}, now)
		case *grip:
			w.arrived(arrival{grip: ticket, answer: asked.Answer}, now)
		}
	}
	w.asked = nil
	clear(came.asked)
	clear(came.arrivals)
	w.old = came
}

func (w *watcher) arrived(a arrival, now time.Time) {
	switch {
	case a.grip != nil:
		w.tripped(a.grip, a.answer, now)
	case !a.flight.done: // else it was given up
		w.answered(a.flight, a.answer, now)
	}
}

// end waits for the last probe, and closes the engine.
func (w *watcher) end() {
	w.timer.Stop()
	w.probes.Wait()
	if w.options.Engine != nil {
		w.options.Engine.Close()
	}
}

// answered takes the answer of one probe, and believes the results whose turn
// has come: in the order in which they were sent.
func (w *watcher) answered(f *flight, a probe.Answer, now time.Time) {
	e := f.entry
	f.done, f.answer = true, a
	if w.schedule.entries[e.watch.Target] != e {
		w.recycle(f)
		return // it is watched no more
	}
	for len(e.flights) > 0 && e.flights[0].done {
		first := e.flights[0]
		e.flights = slices.Delete(e.flights, 0, 1)
		w.observe(e, probe.Result{Target: e.watch.Target, Vantage: w.options.Vantage, At: first.at, Answer: first.answer}, now)
		w.recycle(first)
	}
	w.schedule.plan(e, now)
}

// spareFlights is how many are kept for other probes.
const spareFlights = 256

func (w *watcher) fresh() *flight {
	n := len(w.spare)
	if n == 0 {
		return &flight{}
	}
	f := w.spare[n-1]
	w.spare = w.spare[:n-1]
	return f
}

// recycle keeps the memory of a flight that is over. One that was given up is
// not: its answer may still come, and must find it.
func (w *watcher) recycle(f *flight) {
	if !f.lost && len(w.spare) < spareFlights {
		*f = flight{}
		w.spare = append(w.spare, f)
	}
}

// observe believes one result.
func (w *watcher) observe(e *entry, r probe.Result, now time.Time) {
	r = w.doubt(r)
	before, health := e.health, e.health.Observe(r, e.watch.Thresholds)
	e.health = &health
	e.recorder.add(health.Last, &w.said)
	w.tally.add(health.Last.Verdict)
	switch {
	case isReference(r.Target):
		w.look(now)
	case health.Last.Verdict == probe.Fail && before.State != Down:
		w.askReferences(health.First, now)
		w.askSiblings(e, now)
	case r.Verdict == probe.Pass:
		e.habit.add(r.Phases.Whole)
	}
	if e.hastened {
		w.eager = true
		e.hastened = !e.wanted.IsZero() || len(e.flights) > 0 // what is waited for may be yet to come
	}
	w.touch(now)
	if health.State != before.State {
		w.changed(e, before.State, now)
	}
}

// doubt makes a fail that the watcher does not trust Inconclusive.
func (w *watcher) doubt(r probe.Result) probe.Result {
	doubtful := r.Verdict == probe.Fail || r.Reason == probe.Excused // which can be taken for a fail
	if !doubtful || isReference(r.Target) {
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
			At: e.health.Since, Evidence: e.recorder.results(e.watch.Target),
		}
		w.mu.Lock()
		w.change = append(w.change, t)
		w.mu.Unlock()
	}
	w.hurry(now)
}

// replace watches exactly the list, and the references.
func (w *watcher) replace(list []Watch, now time.Time) {
	w.schedule.fork()
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
	w.family()
	w.rewire()
	w.touch(now)
}
