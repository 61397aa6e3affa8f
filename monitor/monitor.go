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
	Turn       func()           // called by the loop before each turn; one that takes long is a pause of the machine, for tests; nil: nothing
	Engine     *probe.Engine    // asks plain questions and holds tripwires; nil: goroutines do
}

// Monitor watches targets. Run owns its state; the other methods may be called
// from anywhere.
type Monitor struct {
	options  Options
	alarm    chan struct{} // ends the loop's sleep where there is no engine
	nudges   chan struct{}
	snapshot atomic.Pointer[Snapshot]

	mu     sync.Mutex // protects the following
	mail   mail
	change []Transition // not yet taken
}

// mail is what the loop has been sent and has not taken yet.
type mail struct {
	list     []Watch // the latest; nil: none since
	asked    []probe.Target
	arrivals []arrival
}

// arrival is the answer of a probe, or the end of a tripwire.
type arrival struct {
	flight *flight
	grip   *grip
	answer probe.Answer
}

// New makes a monitor that watches nothing yet. It takes the engine over.
func New(o Options) *Monitor {
	m := &Monitor{options: o, alarm: make(chan struct{}, 1), nudges: make(chan struct{}, 1)}
	m.snapshot.Store(&Snapshot{})
	return m
}

// Replace gives the whole list of what is watched from now on; the health of
// targets that stay is kept.
func (m *Monitor) Replace(watches []Watch) error {
	if len(watches) == 0 {
		return ErrNothingToWatch
	}
	m.post(func(mail *mail) { mail.list = slices.Clone(watches) })
	return nil
}

// Ask has targets probed now instead of when they are due.
func (m *Monitor) Ask(targets []probe.Target) {
	m.post(func(mail *mail) { mail.asked = append(mail.asked, targets...) })
}

// post sends the loop something, and wakes it.
func (m *Monitor) post(write func(*mail)) {
	m.mu.Lock()
	write(&m.mail)
	m.mu.Unlock()
	m.rouse()
}

func (m *Monitor) rouse() {
	if m.options.Engine != nil {
		m.options.Engine.Wake()
		return
	}
	select {
	case m.alarm <- struct{}{}:
	default: // it is set already
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

// Run watches until ctx ends and then returns nil; an error only if the engine
// breaks. It ends after the last probe has, and may be called once.
func (m *Monitor) Run(ctx context.Context) error {
	w := newWatcher(m, time.Now())
	ctx, cancel := context.WithCancel(ctx)
	defer w.end()
	defer cancel()
	defer context.AfterFunc(ctx, m.rouse)()
	w.reference(time.Now())
	for {
		if err := w.sleep(w.next()); err != nil {
			return err
		}
		if w.options.Turn != nil {
			w.options.Turn()
		}
		if ctx.Err() != nil {
			return nil
		}
		now := w.woke()
		w.receive(now)
		w.wake(ctx, now)
	}
}
