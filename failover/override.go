package failover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Override is a person's word that a guard shall not hold an incident back:
// break-glass. It lasts overrideFor, and is over with the incident.
type Override struct {
	Guard Guard     `json:"guard"`
	Why   string    `json:"why"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
	Until time.Time `json:"until"`
}

// overrideFor is how long an override lasts: as long as an approval.
const overrideFor = approvalFor

// Overridable reports whether a person may override the guard. What keeps the
// last healthy address (I1), a target that would not serve (I3), a world that is
// not as planned (I4), the journal (I5) and others' property (I10) may not.
func (g Guard) Overridable() bool {
	switch g {
	case GuardMode, GuardMaintenance, GuardPaused, GuardBrake, GuardBlind, GuardStalled, GuardWarmUp, GuardShared,
		GuardHoldDown, GuardCooldown, GuardBudget, GuardFlapping:
		return true
	case GuardWontHelp, GuardLastHealthy, GuardAllZero, GuardInFlight, GuardNotOurs, GuardChanged, GuardNoRecord,
		GuardEviction, GuardNotRunning, GuardService, GuardNotPermitted, GuardThrottled, GuardStale, GuardNoRemedy,
		GuardLease, GuardInterfaces, GuardBorderGroup:
	}
	return false
}

// overridden finds the latest override of a guard by a person, for the member's
// incident.
func (s *situation) overridden(g Guard) (Override, bool) {
	for _, o := range slices.Backward(s.incident.Overrides) {
		if o.Guard == g && g.Overridable() && s.now.Before(o.Until) {
			return o, true
		}
	}
	return Override{}, false
}

var errNotHeld = errors.New("that guard does not hold this incident back now; look at the incident again")

// Override lets the named guard hold an incident back no more for 15 minutes;
// by names the person and why the reason.
func (r *Responder) Override(ctx context.Context, incident int64, guard Guard, why, by string) error {
	return r.order(ctx, func(ctx context.Context, s *state) error {
		by, why := strings.TrimSpace(by), strings.TrimSpace(why)
		i := s.incidents[incident]
		held := slices.ContainsFunc(s.plans[i.Pool].Held, func(h Hold) bool { return h.Member == i.Member && h.Guard == guard })
		switch {
		case by == "":
			return errNoName
		case why == "":
			return errNoWhy
		case i.ID == 0 || !i.Open():
			return fmt.Errorf("incident %d: %w", incident, errNoIncident)
		case held && !guard.Overridable():
			return fmt.Errorf("the guard %s cannot be overridden: it keeps what must always hold (docs/guards.md)", guard)
		case !held:
			return fmt.Errorf("%s: %w", guard, errNotHeld)
		}
		now := time.Now().UTC()
		o := Override{Guard: guard, Why: why, By: by, At: now, Until: now.Add(overrideFor)}
		e := i.entry(Overridden, fmt.Sprintf("%s overrides the guard %s for %s: %s", by, guard, overrideFor, why))
		e.By, e.Override = by, &o
		if !s.record(ctx, e) {
			return errNoRecord
		}
		return nil
	})
}
