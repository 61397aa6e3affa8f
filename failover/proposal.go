package failover

import (
	"context"
	"fmt"
	"time"
)

// Proposal is an action that waits for a person's approval.
type Proposal struct {
	Action string    `json:"action"` // Action.String
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"` // unanswered by then, it expires
}

// proposalFor is how long a proposal waits: who answers later must have looked
// at the situation anew.
const proposalFor = 30 * time.Minute

// propose writes down what waits for a person, what waits no more because it no
// longer holds, and what nobody answered in time; that is proposed anew.
func (s *state) propose(ctx context.Context, spec *Spec, i Incident, plan Plan, now time.Time) {
	if spec.Policy.Mode != Propose {
		return
	}
	wanted, old := plan.proposed(i), i.Proposal
	switch {
	case old != nil && old.Action != wanted:
		text := "the proposal no longer holds: " + old.Action
		if plan.does(i) {
			text = "the proposal is carried out: " + old.Action
		}
		s.proposal(ctx, i, ProposalOver, *old, text)
	case old != nil && !now.Before(old.Until):
		s.proposal(ctx, i, ProposalOver, *old, "nobody answered the proposal in "+proposalFor.String()+": "+old.Action)
	case old != nil:
		return
	}
	if wanted != "" {
		p := Proposal{Action: wanted, At: now.UTC(), Until: now.Add(proposalFor).UTC()}
		s.proposal(ctx, i, Proposed, p, fmt.Sprintf("proposed until %s: %s", p.Until.Format("15:04 MST"), wanted))
	}
}

func (s *state) proposal(ctx context.Context, i Incident, kind EntryKind, p Proposal, text string) {
	e := i.entry(kind, text)
	e.Proposal = &p
	s.record(ctx, e)
}

// proposed is the action that only the mode holds back for an incident; empty:
// none.
func (p Plan) proposed(i Incident) string {
	for _, h := range p.Held {
		if h.Member == i.Member && h.Guard == GuardMode {
			return h.Action
		}
	}
	return ""
}

// does reports whether the plan has an action for the incident.
func (p Plan) does(i Incident) bool {
	for _, a := range p.Actions {
		if a.Incident == i.ID {
			return true
		}
	}
	return false
}
