package failover

import (
	"net/netip"
	"slices"
	"time"

	"rrwatch/probe"
)

// Opening is what is known when an incident begins.
type Opening struct {
	FirstBad time.Time      `json:"first_bad"`          // when the first bad result was sent
	Believed time.Time      `json:"believed"`           // when the member was believed Down
	Instance string         `json:"instance,omitempty"` // that carried it
	Name     string         `json:"name,omitempty"`     // its Name tag
	Zone     string         `json:"zone,omitempty"`
	SeenUp   bool           `json:"seen_up"`            // the member had been seen healthy before
	Failback bool           `json:"failback,omitempty"` // no outage: the address goes back to where it was
	Evidence []probe.Result `json:"evidence"`
}

// Note is one step of an incident's history.
type Note struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Kind EntryKind `json:"kind"`
	Text string    `json:"text"`
}

// Incident is one member's outage from the first bad result to proven
// recovery. It is the fold of its journal entries: Apply is the only place
// that says what an entry does to it.
type Incident struct {
	ID        int64      `json:"id"`
	Pool      string     `json:"pool"`
	Member    netip.Addr `json:"member"`
	Opened    time.Time  `json:"opened"`
	Closed    time.Time  `json:"closed,omitzero"`
	Opening   Opening    `json:"opening"`
	Diagnosis Diagnosis  `json:"diagnosis"`
	Held      []Hold     `json:"held,omitempty"`
	Actions   []Action   `json:"actions,omitempty"`
	Approved  string     `json:"approved,omitempty"` // Action.String of what a person allowed
	By        string     `json:"by,omitempty"`       // that person
	Allowed   time.Time  `json:"allowed,omitzero"`   // when
	Outcome   string     `json:"outcome,omitempty"`  // how it ended

	Overrides []Override `json:"overrides,omitempty"` // by which people broke the glass
	Proposal  *Proposal  `json:"proposal,omitempty"`  // what waits for a person now
	Shadow    *Shadow    `json:"shadow,omitempty"`    // what would have been done in mode act
	Falls     []Fall     `json:"falls,omitempty"`     // that came after the first, newest last
	Flapping  bool       `json:"flapping,omitempty"`  // it comes and goes
	Notes     []Note     `json:"notes"`               // every step, oldest first
}

// Apply is the incident after one more of its journal entries. It changes
// neither the receiver nor what the receiver shares with others.
func (i Incident) Apply(e Entry) Incident {
	i.Notes = append(slices.Clip(i.Notes), Note{e.Seq, e.At, e.Kind, e.Text})
	switch e.Kind {
	case Opened:
		i.ID, i.Pool, i.Member, i.Opened, i.Opening = e.Incident, e.Pool, e.Member, e.At, or(e.Opening, i.Opening)
	case Diagnosed:
		i.Diagnosis = or(e.Diagnosis, i.Diagnosis)
	case HeldBack:
		i.Held, i.Shadow = e.Held, i.shadowed(e.Held, e.At)
	case Believed:
		i.Falls = i.fallen(e.Transition)
	case Proposed, ProposalOver, Approved, Overridden:
		i = i.asked(e)
	case Flapping, Calm:
		i.Flapping = e.Kind == Flapping
	case ActionBegun, ActionApplied, ActionEnded:
		if e.Action != nil {
			i = i.acted(*e.Action)
		}
	case Closed:
		i.Closed, i.Outcome, i.Proposal, i.Shadow = e.At, e.Text, nil, i.judged(e.At)
	case Started, Stopped, Wired, Noted, BrakeLatched, BrakeReleased, WentBlind, SawAgain,
		NotServed, ServedAgain, Warned, WarningOver, Paused, Resumed, Drifted, DriftOver, Drained,
		LeaseTaken, LeaseLost:
	}
	return i
}

// acted is the incident after a step of an action. An approval is used up by the
// action that begins with it.
func (i Incident) acted(a Action) Incident {
	if a.Status == Begun && a.String() == i.Approved {
		i.Approved = ""
	}
	i.Actions = withAction(i.Actions, a)
	return i
}

// asked is the incident after a person was asked, or has answered.
func (i Incident) asked(e Entry) Incident {
	switch {
	case e.Kind == Proposed:
		i.Proposal = e.Proposal
	case e.Kind == ProposalOver:
		i.Proposal, i.Approved = nil, "" // an approval is of what was proposed then
	case e.Kind == Approved:
		i.Approved, i.By, i.Allowed = e.Approved, e.By, e.At
	case e.Kind == Overridden && e.Override != nil:
		i.Overrides = append(slices.Clip(i.Overrides), *e.Override)
	}
	return i
}

// or is what p points at, or else otherwise.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// withAction is the list with a in the place of the action of the same id, or
// at the end.
func withAction(list []Action, a Action) []Action {
	next := make([]Action, 0, len(list)+1)
	found := false
	for _, old := range list {
		if old.ID == a.ID {
			old, found = a, true
		}
		next = append(next, old)
	}
	if !found {
		next = append(next, a)
	}
	return next
}

// Planned reports whether it is no outage, but a change that was planned, and
// that nothing has failed in it.
func (i Incident) Planned() bool { return i.Opening.Failback && i.Diagnosis.Cause == "" }

// Open reports whether the incident has not ended.
func (i Incident) Open() bool { return i.Closed.IsZero() }

// Unfinished is the action that has begun and not ended, if there is one.
func (i Incident) Unfinished() (Action, bool) {
	for _, a := range i.Actions {
		if !a.Status.Done() {
			return a, true
		}
	}
	return Action{}, false
}

// moved reports whether rrwatch has moved the address in this incident.
func (i Incident) moved() bool {
	return slices.ContainsFunc(i.Actions, func(a Action) bool { return a.Remap != nil && a.Status.tookEffect() })
}

// Withdrawn says how rrwatch has taken the member out of the answers, if it has
// and it is not back as it was: Was is the set before the first edit, Shall the
// set as the latest one left it, which may have a part of the weight.
func (i Incident) Withdrawn() (Reweigh, bool) {
	var edit *Reweigh
	for _, a := range i.Actions {
		if a.Reweigh == nil || !a.Status.tookEffect() || edit == nil && a.Kind != KindWithdraw {
			continue
		}
		whole := edit == nil || edit.Was.Weight == nil || a.Reweigh.Shall.Equal(edit.Was)
		switch {
		case edit == nil:
			edit = new(*a.Reweigh)
		case a.Kind == KindRestore && whole:
			edit = nil
		default:
			edit.Shall = a.Reweigh.Shall
		}
	}
	return or(edit, Reweigh{}), edit != nil
}

// Returning is the weight that the member has again, and the one that it will
// have, while it comes back by steps; false: it does not.
func (i Incident) Returning() (now, full int64, yes bool) {
	edit, withdrawn := i.Withdrawn()
	if !withdrawn || !edit.partial() {
		return 0, 0, false
	}
	return *edit.Shall.Weight, *edit.Was.Weight, true
}

// Clock is the recovery clock: where the time of an outage went. A phase that
// was not reached is zero.
type Clock struct {
	Detect    time.Duration `json:"detect"`    // first bad result sent → believed Down
	Decide    time.Duration `json:"decide"`    // believed Down → the action is in the journal
	API       time.Duration `json:"api"`       // in the journal → accepted by AWS
	Propagate time.Duration `json:"propagate"` // accepted → the first good result is sent
	Verify    time.Duration `json:"verify"`    // first good result → proven
	Whole     time.Duration `json:"whole"`     // first bad result → proven
}

// Clock is the recovery clock of the action that ended the outage, or of the
// latest one while none has.
func (i Incident) Clock() Clock {
	var c Clock
	if i.Opening.FirstBad.IsZero() {
		return c
	}
	c.Detect = i.Opening.Believed.Sub(i.Opening.FirstBad)
	a, ok := i.decisive()
	if !ok {
		return c
	}
	c.Decide = a.Begun.Sub(i.Opening.Believed)
	if a.Applied.IsZero() {
		return c
	}
	c.API = a.Applied.Sub(a.Begun)
	if a.Status != Proven {
		return c
	}
	served := a.Served
	if served.IsZero() {
		served = a.Ended
	}
	c.Propagate = served.Sub(a.Applied)
	c.Verify = a.Ended.Sub(served)
	c.Whole = a.Ended.Sub(i.Opening.FirstBad)
	return c
}

// decisive is the first proven answer to the outage, else the latest try.
func (i Incident) decisive() (Action, bool) {
	var last Action
	found := false
	for _, a := range i.Actions {
		if a.Kind == KindRestore {
			continue
		}
		if last, found = a, true; a.Status == Proven {
			break
		}
	}
	return last, found
}
