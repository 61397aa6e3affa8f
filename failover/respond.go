package failover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
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
	wirings   map[string]*wiring
	incidents map[int64]Incident // the open ones, and those of the last 7 days
	brake     *Brake
	pauses    []Pause
	seenUp    map[probe.Target]bool // were believed Up within the last day, by an rrwatch before this one
	scores    map[string]Score      // of the closed incidents
	released  time.Time             // when the brake last was
	blind     string
	watched   map[probe.Target]bool
	plans     map[string]Plan
	advice    advice
	left      map[RecordKey]RecordSet // how our last edit left each set

	pending  []Entry // not yet in the journal, and not to be lost
	noRecord string

	readings chan reading
	outcomes chan outcome
	unclear  map[int64]unclear // by id of an action: its call had no clear answer
	working  map[int64]bool    // ids of actions whose call or confirmation is under way
	hands    chan struct{}     // held by each batch of calls under way
	calls    sync.WaitGroup
	started  time.Time
}

// unclear is why it is not known what became of a call, and since when that
// was given up.
type unclear struct {
	why string
	at  time.Time
}

// recall makes the state from what the journal remembers.
func (r *Responder) recall(ctx context.Context) (*state, error) {
	memory, err := r.Journal.Recall(ctx)
	if err != nil {
		return nil, err
	}
	s := &state{
		Responder: r,
		wirings:   make(map[string]*wiring, len(r.Specs)),
		incidents: make(map[int64]Incident, len(memory.Incidents)),
		brake:     memory.Brake,
		released:  memory.Released,
		pauses:    memory.Pauses,
		seenUp:    map[probe.Target]bool{},
		scores:    map[string]Score{},
		watched:   map[probe.Target]bool{},
		plans:     map[string]Plan{},
		advice:    recalled(memory.Advisories),
		left:      map[RecordKey]RecordSet{},
		readings:  make(chan reading),
		outcomes:  make(chan outcome),
		unclear:   map[int64]unclear{},
		working:   map[int64]bool{},
		hands:     make(chan struct{}, mostCalls),
		started:   time.Now(),
	}
	for _, spec := range r.Specs {
		s.wirings[spec.Name] = &wiring{}
	}
	for _, i := range memory.Incidents {
		s.incidents[i.ID] = i
	}
	for _, t := range memory.SeenUp {
		s.seenUp[t] = true
	}
	maps.Copy(s.scores, memory.Scores)
	for _, a := range s.done() { // in their order: incidents overlap, and may share a set
		s.leaves(a)
	}
	return s, nil
}

// leaves remembers how an edit left its record set.
func (s *state) leaves(a Action) {
	if a.Reweigh != nil && (a.Status == Applied || a.Status == Proven || a.Status == Unproven) {
		s.left[a.Reweigh.key()] = a.Reweigh.Shall
	}
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
		case <-ended:
			s.record(ctx, Entry{Kind: Stopped, Text: "rrwatch was stopped in order"})
			return
		}
	}
}

// record appends entries, after those that could not be written before, and
// folds them into the incidents. It reports whether all are in the journal. What
// cannot be derived again is kept for the next try.
func (s *state) record(ctx context.Context, entries ...Entry) bool {
	now := time.Now().UTC()
	for i := range entries {
		if entries[i].At.IsZero() {
			entries[i].At = now
		}
	}
	all := slices.Concat(s.pending, entries)
	if len(all) == 0 {
		return true
	}
	// A step that was taken is written down even when we are being stopped.
	saved, err := s.Journal.Append(context.WithoutCancel(ctx), all...)
	if err != nil {
		s.unrecorded(err)
		for _, e := range entries {
			if e.Kind == Believed || e.Kind == ActionApplied || e.Kind == ActionEnded {
				s.pending = append(s.pending, e)
			}
		}
		return false
	}
	if s.noRecord != "" {
		s.Log.Info("the journal can be written again")
	}
	s.pending, s.noRecord = nil, ""
	for _, e := range saved {
		s.fold(e)
	}
	return true
}

func (s *state) unrecorded(err error) {
	if s.noRecord == "" {
		s.Log.Error("the journal cannot be written: actions are held, probing goes on", "error", err)
		if s.Alarm != nil {
			s.Alarm("rrwatch cannot write its journal and holds all actions: " + err.Error())
		}
	}
	s.noRecord = err.Error()
}

func (s *state) fold(e Entry) {
	s.Log.Info("journal", "seq", e.Seq, "kind", string(e.Kind), "pool", e.Pool, "incident", e.Incident, "text", e.Text)
	if e.Incident != 0 {
		s.incidents[e.Incident] = s.incidents[e.Incident].Apply(e)
	}
	if e.Action != nil {
		s.leaves(*e.Action)
		if e.Kind != ActionBegun {
			delete(s.unclear, e.Action.ID)
		}
	}
	switch e.Kind {
	case BrakeLatched:
		s.brake = &Brake{Latched: e.At, Why: e.Text}
	case BrakeReleased:
		s.brake, s.released = nil, e.At
	case Paused, Resumed:
		s.pauseChanged(e)
	case Closed:
		s.scores[e.Pool] = s.scores[e.Pool].Add(s.incidents[e.Incident])
	case Started, Stopped, Wired, Believed, Opened, Diagnosed, HeldBack, Approved, ActionBegun, ActionApplied, ActionEnded, Noted, WentBlind, SawAgain,
		NotServed, ServedAgain, Warned, WarningOver, Overridden, Proposed, ProposalOver, Flapping, Calm:
	}
}

// order is something that a person asks of the owner's goroutine.
type order struct {
	do   func(ctx context.Context, s *state) error
	done chan error
}

func (r *Responder) order(ctx context.Context, do func(ctx context.Context, s *state) error) error {
	o := order{do, make(chan error, 1)}
	select {
	case r.orders <- o:
		return <-o.done
	case <-ctx.Done():
		return ctx.Err()
	}
}

var (
	errNoName   = errors.New("who does this? give a name")
	errNoBrake  = errors.New("the brake is not latched")
	errNoPlan   = errors.New("this is not what the plan proposes now; look at the incident again")
	errNoRecord = errors.New("the journal cannot be written, so nothing was changed; look at the log")
)

// ReleaseBrake lets automatic actions go on; by names the person.
func (r *Responder) ReleaseBrake(ctx context.Context, by string) error {
	return r.order(ctx, func(ctx context.Context, s *state) error {
		switch {
		case by == "":
			return errNoName
		case s.brake == nil:
			return errNoBrake
		case !s.record(ctx, Entry{Kind: BrakeReleased, By: by, Text: by + " released the brake"}):
			return errNoRecord
		}
		return nil
	})
}

// Approve allows, in mode propose, the action that the plan holds back for an
// incident; action is its text and by names the person.
func (r *Responder) Approve(ctx context.Context, incident int64, action, by string) error {
	return r.order(ctx, func(ctx context.Context, s *state) error {
		if by == "" {
			return errNoName
		}
		i := s.incidents[incident]
		if !s.proposes(i, action) {
			return errNoPlan
		}
		if !s.record(ctx, Entry{
			Kind: Approved, Pool: i.Pool, Member: i.Member, Incident: i.ID, By: by,
			Approved: action, Text: by + " approved: " + action,
		}) {
			return errNoRecord
		}
		return nil
	})
}

// proposes reports whether the present plan holds the action back for no other
// reason than that it waits for a person.
func (s *state) proposes(i Incident, action string) bool {
	for _, h := range s.plans[i.Pool].Held {
		if h.Member == i.Member && h.Guard == GuardMode && h.Action == action && i.Open() && s.spec(i.Pool).Policy.Mode == Propose {
			return true
		}
	}
	return false
}

func (s *state) spec(pool string) *Spec {
	for _, spec := range s.Specs {
		if spec.Name == pool {
			return spec
		}
	}
	return &Spec{Name: pool}
}

// entry begins a journal entry of an incident.
func (i Incident) entry(kind EntryKind, text string) Entry {
	return Entry{Kind: kind, Pool: i.Pool, Member: i.Member, Incident: i.ID, Text: text}
}

// open lists a pool's open incidents by member.
func (s *state) open(pool string) []Incident {
	var list []Incident
	for _, i := range s.incidents {
		if i.Pool == pool && i.Open() {
			list = append(list, i)
		}
	}
	sortIncidents(list)
	return list
}

// openFor finds a member's open incident.
func (s *state) openFor(pool string, member netip.Addr) (Incident, bool) {
	for _, i := range s.open(pool) {
		if i.Member == member {
			return i, true
		}
	}
	return Incident{}, false
}
