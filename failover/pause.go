package failover

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Pause is a person's stop of all automatic action, for a while: of all pools,
// of one, or of one member. Watching and telling go on.
type Pause struct {
	Pool   string     `json:"pool,omitempty"`  // empty: all pools
	Member netip.Addr `json:"member,omitzero"` // invalid: the whole pool
	Why    string     `json:"why"`
	By     string     `json:"by"`
	Since  time.Time  `json:"since"`
	Until  time.Time  `json:"until"`
}

// maxPause is the longest pause: one that is forgotten must end by itself.
const maxPause = 31 * 24 * time.Hour

// Scope names what is paused: "all pools", "pool www", "www 203.0.113.1".
func (p Pause) Scope() string {
	switch {
	case p.Pool == "":
		return "all pools"
	case !p.Member.IsValid():
		return "pool " + p.Pool
	}
	return p.Pool + " " + p.Member.String()
}

// Covers reports whether the pause stops actions for a member at a time.
func (p Pause) Covers(pool string, member netip.Addr, now time.Time) bool {
	return now.Before(p.Until) && (p.Pool == "" || p.Pool == pool) && (!p.Member.IsValid() || p.Member == member)
}

// SameScope reports whether both stop the same: a later one takes the place of
// an earlier one.
func (p Pause) SameScope(o Pause) bool { return p.Pool == o.Pool && p.Member == o.Member }

var (
	errNoWhy      = errors.New("why? give a reason, so that others know")
	errNoEnd      = errors.New("until when? a pause needs an end, at most 31 days from now")
	errNoPool     = errors.New("there is no such pool")
	errNoMember   = errors.New("the pool has no such member")
	errNotPaused  = errors.New("that is not paused")
	errNoIncident = errors.New("there is no open incident of that number")
)

// Pause stops automatic action until p.Until; p.By names the person and p.Why
// the reason. A pause of the same scope is replaced.
func (r *Responder) Pause(ctx context.Context, p Pause) error {
	return r.order(ctx, func(ctx context.Context, s *state) error {
		p.By, p.Why, p.Since, p.Until = strings.TrimSpace(p.By), strings.TrimSpace(p.Why), time.Now().UTC(), p.Until.UTC()
		if err := s.scope(p); err != nil {
			return err
		}
		switch length := p.Until.Sub(p.Since); {
		case p.By == "":
			return errNoName
		case p.Why == "":
			return errNoWhy
		case length <= 0 || length > maxPause:
			return errNoEnd
		}
		text := fmt.Sprintf("%s paused %s until %s: %s", p.By, p.Scope(), p.Until.Format("2006-01-02 15:04 MST"), p.Why)
		if !s.record(ctx, Entry{Kind: Paused, Pool: p.Pool, Member: p.Member, By: p.By, Pause: &p, Text: text}) {
			return errNoRecord
		}
		return nil
	})
}

// scope checks that there is what shall be paused.
func (s *state) scope(p Pause) error {
	if p.Pool == "" && !p.Member.IsValid() {
		return nil
	}
	w, known := s.wirings[p.Pool]
	if !known {
		return fmt.Errorf("%w: %q", errNoPool, p.Pool)
	}
	if !p.Member.IsValid() {
		return nil
	}
	if w.pool != nil {
		if _, there := w.pool.Member(p.Member); there {
			return nil
		}
	}
	return fmt.Errorf("%w: %s", errNoMember, p.Member)
}

// Resume ends the pause of the scope of p; by names the person.
func (r *Responder) Resume(ctx context.Context, p Pause, by string) error {
	return r.order(ctx, func(ctx context.Context, s *state) error {
		at := slices.IndexFunc(s.pauses, p.SameScope)
		switch {
		case by == "":
			return errNoName
		case at < 0:
			return fmt.Errorf("%s: %w", p.Scope(), errNotPaused)
		case !s.record(ctx, s.pauses[at].over(by, by+" resumed "+p.Scope())):
			return errNoRecord
		}
		return nil
	})
}

func (p Pause) over(by, text string) Entry {
	return Entry{Kind: Resumed, Pool: p.Pool, Member: p.Member, By: by, Pause: &p, Text: text}
}

// endPauses writes down the pauses whose time is over.
func (s *state) endPauses(ctx context.Context, now time.Time) {
	for _, p := range slices.Clone(s.pauses) {
		if !now.Before(p.Until) {
			s.record(ctx, p.over("", "the pause of "+p.Scope()+" is over; "+p.By+" had said: "+p.Why))
		}
	}
}

// pause takes in that a pause began or ended.
func (s *state) pauseChanged(e Entry) {
	if e.Pause == nil {
		return
	}
	s.pauses = slices.DeleteFunc(slices.Clone(s.pauses), e.Pause.SameScope)
	if e.Kind == Paused {
		s.pauses = append(s.pauses, *e.Pause)
	}
}
