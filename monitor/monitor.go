package monitor

import (
	"context"
	"errors"
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
	Dial       probe.Dial       // for the references, and for tripwires without an engine
	Engine     *probe.Engine    // asks plain questions and holds tripwires; nil: goroutines do
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
	w := newWatcher(m, time.Now())
	defer w.probes.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	broken := make(chan error, 1)
	if m.options.Engine != nil {
		w.probes.Go(func() { broken <- m.options.Engine.Run(ctx, w.deliver) })
	}
	w.reference(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-broken:
			return err
		case list := <-m.replaced:
			w.replace(list, w.woke())
		case targets := <-m.asked:
			w.hasten(targets, w.woke())
		case <-w.arrivals.wake:
			w.receive(ctx, w.woke())
		case <-timer.C:
			w.wake(ctx, w.woke())
		}
		timer.Reset(w.next(time.Now()))
	}
}
