package failover

import (
	"context"
	"errors"
)

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
