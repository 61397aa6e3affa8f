package failover

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// Watcher watches targets and believes; *monitor.Monitor is one.
type Watcher interface {
	Replace(watches []monitor.Watch) error
	Ask(targets []probe.Target)
	Snapshot() *monitor.Snapshot
	Transitions() []monitor.Transition
}

// Options are what a responder works with.
type Options struct {
	Specs    []*Spec
	Watcher  Watcher
	Nudges   <-chan struct{} // receives when a look is worth while
	EIPs     EIPs
	Records  Records
	Journal  Journal
	Total    Budget        // automatic actions over all pools
	Discover time.Duration // how often the world is read; faster while an incident is open
	Vantage  string
	Version  string
	Log      *slog.Logger
	// Alarm tells people directly when the journal, which everything else
	// follows, cannot be written. It must not block. Nil: only the log.
	Alarm func(text string)
}

// Responder sees incidents through: it opens them, diagnoses, decides, acts,
// waits for the proof and closes them. One goroutine owns its state.
type Responder struct {
	Options
	view   atomic.Pointer[View]
	orders chan order
}

// New makes a responder; nothing happens until Run.
func New(o Options) *Responder {
	return &Responder{Options: o, orders: make(chan order)}
}

// View is the present state of everything; nil before the first look.
func (r *Responder) View() *View { return r.view.Load() }

// How often the responder looks when nothing nudges it: level-triggered, it
// needs no nudge to be right. While an action awaits its proof it looks, and
// asks the member, more often.
const (
	lookEvery  = time.Second
	proveEvery = 250 * time.Millisecond
)

// Run responds until ctx ends, then waits for calls under way and returns.
func (r *Responder) Run(ctx context.Context) error {
	s, err := r.recall(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil // stopped before it began
	case err != nil:
		return fmt.Errorf("read what happened before: %w", err)
	}
	defer s.finish()
	s.record(ctx, Entry{Kind: Started, Text: "rrwatch " + r.Version + " watches from " + r.Vantage})
	s.abandon(ctx)
	s.watch() // endpoints need no reading
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.Nudges:
		case <-timer.C:
		case reading := <-s.readings:
			s.read(ctx, reading)
		case o := <-s.outcomes:
			s.ended(ctx, o)
		case o := <-s.leasings:
			s.leased(o)
		case o := <-r.orders:
			o.done <- o.do(ctx, s)
		}
		s.look(ctx, time.Now())
		timer.Reset(s.pause())
	}
}

// state is what Run's goroutine owns.
type state struct {
	*Responder
	wirings    map[string]*wiring
	incidents  map[int64]Incident             // the open ones, and those of the last 7 days
	open       map[string][]Incident          // of them, by pool, each list by member; a list is never changed
	acted      []Action                       // the unfinished ones, and those of the last 24 hours, in the order in which they began
	homes      map[string]map[netip.Addr]Home // by pool: where our moves have taken addresses away from
	brake      *Brake
	pauses     []Pause
	seenUp     map[probe.Target]bool // were believed Up within the last day, by an rrwatch before this one
	scores     map[string]Score      // of the closed incidents
	released   time.Time             // when the brake last was
	blind      string
	everything string // fails at once, by this look; empty: it does not
	watched    map[probe.Target]bool
	plans      map[string]Plan
	advice     advice
	drifted    driftWatch
	left       map[RecordKey]Left // how our last edit left each set

	pending  []Entry // not yet in the journal, and not to be lost
	noRecord string

	readings chan reading
	outcomes chan outcome
	unclear  map[int64]unclear // by id of an action: its call had no clear answer
	working  map[int64]bool    // ids of actions whose call or confirmation is under way
	hands    chan struct{}     // held by each batch of calls under way
	leases   map[string]*lease // by pool; none: it needs none
	leasings chan leased
	calls    sync.WaitGroup
	started  time.Time
}

// unclear is why it is not known what became of a call, and since when that
// was given up.
type unclear struct {
	why string
	at  time.Time
}

// pause is how long the loop may wait for a nudge.
func (s *state) pause() time.Duration {
	for _, i := range s.incidents {
		if a, unfinished := i.Unfinished(); unfinished && a.Status == Applied {
			return proveEvery
		}
	}
	return lookEvery
}

// finish waits for calls under way, so that their outcomes are not lost, and
// writes down that the watcher went down in order.
func (s *state) finish() {
	ended := make(chan struct{})
	go func() {
		s.calls.Wait()
		close(ended)
	}()
	ctx := context.Background()
	for {
		select {
		case <-s.readings:
		case o := <-s.outcomes:
			s.ended(ctx, o)
		case o := <-s.leasings:
			s.leased(o)
		case <-ended:
			s.release()
			s.record(ctx, Entry{Kind: Stopped, Text: "rrwatch was stopped in order"})
			return
		}
	}
}

func (s *state) spec(pool string) *Spec {
	for _, spec := range s.Specs {
		if spec.Name == pool {
			return spec
		}
	}
	return &Spec{Name: pool}
}
