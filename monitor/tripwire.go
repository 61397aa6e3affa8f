package monitor

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"rrwatch/probe"
)

// A tripwire is an idle connection to an address that is Up. When it ends, the
// targets there are asked at once. It never counts as a fail itself: load
// balancers close or reset idle connections, and are in their right.
type tripwire struct {
	key     wireKey
	plain   *probe.Plain
	targets []*entry
	grip    *grip         // what is held now; nil: nothing
	idle    time.Duration // how long the far side lets a connection be idle; 0: not known
	ended   *probe.Answer // how the last one ended; nil once that was learnt from
	since   time.Time     // when the last one began, or ended
	again   time.Time     // none is begun before this
}

// wireKey is what tripwires are told apart by: targets of one pool that share an
// address share a wire.
type wireKey struct {
	pool string
	addr netip.AddrPort
}

// grip is one held connection.
type grip struct {
	wire    *tripwire
	release context.CancelFunc // nil: the engine holds it
}

// tendEvery is how often tripwires are seen to: often, so that few of thousands
// begin at once.
const tendEvery = 100 * time.Millisecond

// How tripwires are held: one is begun within wireTimeout; what ended is begun
// again after wireRest, and what could not begin after wireRetry. A far side that
// ends one within wireWorth, or talks on it, is left alone for wireLeave. A held one is renewed
// shortly before the far side would close it, as far as that is known.
const (
	wireTimeout = 5 * time.Second
	wireRest    = time.Second
	wireRetry   = 30 * time.Second
	wireWorth   = 4 * time.Second
	wireLeave   = 10 * time.Minute
)

// rewire has a wire for every address with a target that wants one.
func (w *watcher) rewire() {
	for _, wire := range w.wires {
		wire.targets = wire.targets[:0]
	}
	for target, e := range w.schedule.entries {
		if e.watch.Tripwire == nil {
			continue
		}
		key := wireKey{target.Pool, target.Addr}
		wire := w.wires[key]
		if wire == nil {
			wire = &tripwire{key: key}
			w.wires[key] = wire
		}
		wire.plain = e.watch.Tripwire
		wire.targets = append(wire.targets, e)
	}
	for key, wire := range w.wires {
		if len(wire.targets) == 0 {
			w.loose(wire)
			delete(w.wires, key)
		}
	}
}

// tend begins, renews and gives up wires.
func (w *watcher) tend(ctx context.Context, now time.Time) {
	w.tended = now
	for _, wire := range w.wires {
		switch up := wire.up(); {
		case wire.grip == nil && !up:
			wire.ended = nil // not by habit
		case wire.grip == nil:
			w.begin(ctx, wire, now)
		case !up:
			w.loose(wire)
		case wire.idle > 0 && now.Sub(wire.since) > wire.idle*3/4:
			wire.idle += wire.idle / 100 // it may have been closed for another reason
			w.loose(wire)
			w.hold(ctx, wire, now)
		}
	}
}

// begin holds a wire to an address that is well, unless it is too soon.
func (w *watcher) begin(ctx context.Context, wire *tripwire, now time.Time) {
	if wire.asked() && !now.Before(wire.again) && wire.learn(now) {
		w.hold(ctx, wire, now)
	}
}

// up reports whether everything at the wire's address is believed to be well.
func (t *tripwire) up() bool {
	for _, e := range t.targets {
		if e.health.State != Up || e.health.Fails > 0 {
			return false
		}
	}
	return true
}

// asked reports whether all targets have answered since the last wire ended.
func (t *tripwire) asked() bool {
	return !slices.ContainsFunc(t.targets, func(e *entry) bool { return e.health.Asked.Before(t.since) })
}

// learn takes from the end of the last wire how long the far side lets one be,
// for all was well after it. It reports whether another one is of use.
func (t *tripwire) learn(now time.Time) bool {
	ended := t.ended
	t.ended = nil
	if ended == nil || ended.Phases.Connect == 0 {
		return true
	}
	byHabit := ended.Reason == probe.Closed || ended.Reason == probe.Reset
	switch {
	case ended.Reason == probe.Protocol, byHabit && ended.Phases.Whole < wireWorth:
		t.idle, t.again = 0, now.Add(wireLeave)
		return false
	case !byHabit:
		return true
	case t.idle == 0 || ended.Phases.Whole < t.idle:
		t.idle = ended.Phases.Whole
	}
	return true
}

func (w *watcher) hold(ctx context.Context, wire *tripwire, now time.Time) {
	g := &grip{wire: wire}
	wire.grip, wire.since = g, now
	if w.options.Engine != nil {
		w.options.Engine.Ask(probe.Job{Ticket: g, Addr: wire.key.addr, Plain: wire.plain, Hold: true, Timeout: wireTimeout})
		return
	}
	ctx, g.release = context.WithCancel(ctx)
	dial, addr := w.options.Dial, wire.key.addr
	w.probes.Go(func() {
		a := arrival{grip: g, answer: probe.Hold(ctx, dial, addr, wireTimeout)}
		w.post(func(mail *mail) { mail.arrivals = append(mail.arrivals, a) })
	})
}

// loose gives up what is held.
func (w *watcher) loose(wire *tripwire) {
	g := wire.grip
	wire.grip = nil
	switch {
	case g == nil:
	case g.release != nil:
		g.release()
	default:
		w.options.Engine.Drop(g)
	}
}

// tripped takes the end of a held connection.
func (w *watcher) tripped(g *grip, ended probe.Answer, now time.Time) {
	if g.release != nil {
		g.release()
	}
	wire := g.wire
	if wire.grip != g {
		return // given up by us
	}
	wire.grip, wire.ended, wire.since, wire.again = nil, &ended, now, now.Add(wireRest)
	if ended.Phases.Connect == 0 {
		wire.again = now.Add(wireRetry)
	}
	if ended.Verdict == probe.Inconclusive {
		return // our own trouble
	}
	for _, e := range wire.targets {
		w.schedule.hasten(e, now, now)
	}
}
