package failover

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"time"

	"rrwatch/probe"
)

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
		drifted:   newDriftWatch(r.Specs, memory.Advisories, time.Now()),
		left:      map[RecordKey]Left{},
		open:      map[string][]Incident{},
		homes:     map[string]map[netip.Addr]Home{},
		readings:  make(chan reading),
		outcomes:  make(chan outcome),
		unclear:   map[int64]unclear{},
		working:   map[int64]bool{},
		hands:     make(chan struct{}, mostCalls),
		leases:    r.leasesOf(memory.LeaseID),
		leasings:  make(chan leased),
		started:   time.Now(),
	}
	for _, spec := range r.Specs {
		s.wirings[spec.Name] = &wiring{}
	}
	for _, i := range memory.Incidents {
		s.incidents[i.ID] = i
		s.index(i)
		s.acted = append(s.acted, i.Actions...)
	}
	slices.SortFunc(s.acted, func(a, b Action) int { return cmp.Compare(a.ID, b.ID) })
	for _, t := range memory.SeenUp {
		s.seenUp[t] = true
	}
	maps.Copy(s.scores, memory.Scores)
	for _, a := range s.done() { // in their order: incidents overlap, and may share a set
		s.leaves(a)
		s.moves(a)
	}
	return s, nil
}

// leaves remembers how an edit left its record set.
func (s *state) leaves(a Action) {
	if a.Reweigh != nil && a.Status.tookEffect() {
		left, known := s.left[a.Reweigh.key()]
		again := left.Was.Equal(a.Reweigh.Was) && left.Set.Equal(a.Reweigh.Shall) // another action of the same batch
		if known && !again && !left.Set.Equal(a.Reweigh.Was) {
			left.Since = a.Applied
		}
		left.Was, left.Set, left.At = a.Reweigh.Was, a.Reweigh.Shall, a.Applied
		s.left[a.Reweigh.key()] = left
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
		i := s.incidents[e.Incident].Apply(e)
		s.incidents[e.Incident] = i
		s.index(i)
	}
	if e.Action != nil {
		s.acted = withAction(s.acted, *e.Action)
		if e.Kind == ActionApplied { // one that ends later may have been followed by another
			s.leaves(*e.Action)
			s.moves(*e.Action)
		}
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
		NotServed, ServedAgain, Warned, WarningOver, Overridden, Proposed, ProposalOver, Flapping, Calm, Drifted, DriftOver, Drained,
		LeaseTaken, LeaseLost:
	}
}

// entry begins a journal entry of an incident.
func (i Incident) entry(kind EntryKind, text string) Entry {
	return Entry{Kind: kind, Pool: i.Pool, Member: i.Member, Incident: i.ID, Text: text}
}

// index keeps the list of the pool's open incidents, by member.
func (s *state) index(i Incident) {
	list := slices.DeleteFunc(slices.Clone(s.open[i.Pool]), func(o Incident) bool { return o.ID == i.ID })
	if i.Open() {
		list = append(list, i)
		sortIncidents(list)
	}
	s.open[i.Pool] = list
}

// moves remembers where a move has left an address. A home that did not serve when
// the address came back is none any more: else it would be tried again for ever,
// each time with an outage.
func (s *state) moves(a Action) {
	if a.Remap == nil {
		return
	}
	if a.Kind == KindRemap && s.incidents[a.Incident].Opening.Failback {
		delete(s.homes[a.Pool], a.Member)
		return
	}
	if s.homes[a.Pool] == nil {
		s.homes[a.Pool] = map[netip.Addr]Home{}
	}
	moveHome(s.homes[a.Pool], a)
}

// openFor finds a member's open incident.
func (s *state) openFor(pool string, member netip.Addr) (Incident, bool) {
	for _, i := range s.open[pool] {
		if i.Member == member {
			return i, true
		}
	}
	return Incident{}, false
}
