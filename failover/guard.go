package failover

import (
	"fmt"
	"slices"
	"time"
)

// The guards. Each is a reason not to act; its name stands in pages, logs and
// the journal.
const (
	GuardMode         Guard = "mode"            // the mode does not allow it
	GuardMaintenance  Guard = "maintenance"     // a maintenance window
	GuardPaused       Guard = "paused"          // a person stopped automatic action for a while
	GuardBrake        Guard = "brake"           // the brake is latched
	GuardBlind        Guard = "blind"           // the watcher does not trust its own eyes
	GuardStalled      Guard = "stalled"         // the watcher was paused and has not asked again
	GuardWarmUp       Guard = "warm-up"         // the member was never seen healthy
	GuardShared       Guard = "shared"          // all members fail alike
	GuardWontHelp     Guard = "would-not-help"  // no standby passes the member's own checks
	GuardLastHealthy  Guard = "last-healthy"    // the name would lose its last healthy address
	GuardAllZero      Guard = "all-zero"        // all weights would be 0
	GuardCooldown     Guard = "cool-down"       // the member was touched a short while ago
	GuardBudget       Guard = "budget"          // too many actions; latches the brake
	GuardFlapping     Guard = "flapping"        // the member comes and goes
	GuardNoRemedy     Guard = "no-remedy"       // the policy has none for this cause
	GuardInFlight     Guard = "in-flight"       // an unfinished action touches the same thing
	GuardNotOurs      Guard = "not-ours"        // no EIP of the account, or a foreign record set
	GuardChanged      Guard = "changed"         // the world is not as the plan expects
	GuardNoRecord     Guard = "no-record"       // the journal cannot be written
	GuardEviction     Guard = "eviction"        // the target carries another address
	GuardNotRunning   Guard = "not-running"     // the target does not run
	GuardService      Guard = "service-managed" // an AWS service owns the address
	GuardNotPermitted Guard = "not-permitted"   // AWS says that rrwatch may not
	GuardStale        Guard = "stale"           // the wiring was not read lately
)

// guard is one reason to hold back any action, whatever the remedy.
type guard struct {
	name  Guard
	holds func(s *situation, a Action) (text string, held bool)
}

// generalGuards are asked in this order; the first that holds is the one that
// is told. Mode comes last, so that in the modes observe and propose it holds
// only what would be done otherwise.
func generalGuards() []guard {
	return []guard{
		{GuardNoRecord, noRecord},
		{GuardBlind, blind},
		{GuardStalled, stalled},
		{GuardStale, stale},
		{GuardWarmUp, warmUp},
		{GuardShared, shared},
		{GuardInFlight, inFlight},
		{GuardMaintenance, maintenance},
		{GuardPaused, paused},
		{GuardBrake, braked},
		{GuardFlapping, flapping},
		{GuardCooldown, coolDown},
		{GuardBudget, overBudget},
		{GuardMode, mode},
	}
}

// noRecord: every change is in the journal before it is made (I5).
func noRecord(s *situation, _ Action) (string, bool) {
	return "the journal cannot be written: " + s.h.NoRecord, s.h.NoRecord != ""
}

// blind: nothing is changed while the references do not answer, or have not
// been seen to since the member began to fail (I2).
func blind(s *situation, a Action) (string, bool) {
	if s.snap.Blind != "" {
		return "the watcher is blind: " + s.snap.Blind, true
	}
	if a.Kind != KindRestore && s.snap.References > 0 && s.snap.Sighted.Before(s.belief.FirstBad) {
		return "the references have not answered since the member began to fail", true
	}
	if last := s.belief.lastFail(); a.Kind != KindRestore && !last.After(s.snap.Sees) {
		return "the watcher was blind, and has not asked the member again since", true
	}
	return "", false
}

// stalled: after a pause of the watcher every check of the member must have
// been asked again, and a belief counts only while answers come: after a
// blindness the member may be well for long (I2).
func stalled(s *situation, _ Action) (string, bool) {
	for i, c := range s.belief.Checks {
		if !s.snap.Stalled.IsZero() && !c.Health.Asked.After(s.snap.Stalled) {
			return "the watcher was paused and has not asked the member again since", true
		}
		if age := s.now.Sub(c.Health.Asked); age > s.spec.Checks[i].fresh() {
			return fmt.Sprintf("the watcher has learnt nothing of the member for %s", age.Round(time.Second)), true
		}
	}
	return "", false
}

// stale: what was read too long ago is no base for acting.
func stale(s *situation, _ Action) (string, bool) {
	age := s.now.Sub(s.pool.Read)
	return fmt.Sprintf("AWS was last read %s ago", age.Round(time.Second)), age > s.h.StaleAt
}

// warmUp: a member that was never seen healthy may never have been meant to
// serve, or the check is wrong (I2).
func warmUp(s *situation, _ Action) (string, bool) {
	return "the member was never seen healthy, so its check or its set-up may be wrong",
		!s.belief.SeenUp && !s.incident.Opening.SeenUp
}

// shared: when all members fail alike a move would not help (I11).
func shared(s *situation, a Action) (string, bool) {
	if a.Kind == KindRestore {
		return "", false
	}
	return sharedFault(s.spec, s.pool, s.snap, s.member.Addr)
}

// inFlight: no two unfinished actions touch the same member, instance or
// record set.
func inFlight(s *situation, a Action) (string, bool) {
	for _, other := range slices.Concat(s.plan.Actions, s.h.InFlight) {
		if touchSame(a, other) {
			return "an unfinished action touches the same thing: " + other.String(), true
		}
	}
	return "", false
}

func touchSame(a, b Action) bool {
	switch {
	case a.Member == b.Member:
		return true
	case a.Remap != nil && b.Remap != nil:
		return a.Remap.To == b.Remap.To || a.Remap.To == b.Remap.From
	case a.Reweigh != nil && b.Reweigh != nil:
		return a.Reweigh.key() == b.Reweigh.key()
	}
	return false
}

// maintenance: in a window the pool is watched and nothing is changed.
func maintenance(s *situation, _ Action) (string, bool) {
	if s.spec.Maintenance == nil {
		return "", false
	}
	until, in := s.spec.Maintenance(s.now)
	return "maintenance until " + until.UTC().Format("2006-01-02 15:04 MST"), in
}

// braked: a person has to release the brake (I6).
func braked(s *situation, _ Action) (string, bool) {
	if s.h.Brake == nil {
		return "", false
	}
	return "the brake is latched: " + s.h.Brake.Why, true
}

// coolDown: a member is not touched again for a while after an incident (I7).
// The remedies of one incident follow each other without that.
func coolDown(s *situation, a Action) (string, bool) {
	for _, change := range s.h.Changes {
		again := change.Pool == a.Pool && change.Member == a.Member && change.Touched && (change.Incident != a.Incident || a.Kind == KindRestore)
		ago := s.now.Sub(later(change.At, change.Applied)) // a call may be repeated for a while before it takes effect
		if left := s.spec.Policy.Cooldown - ago; again && left > 0 {
			return fmt.Sprintf("the member was touched %s ago and cools down for %s more",
				ago.Round(time.Second), left.Round(time.Second)), true
		}
	}
	return "", false
}

// overBudget: too many actions mean that something is wrong with the
// automation's idea of the world; a person has to look (I6). Who releases the
// brake grants the budgets anew.
func overBudget(s *situation, a Action) (string, bool) {
	planned := len(s.plan.Actions)
	for _, b := range []struct {
		of     string
		pool   string
		budget Budget
	}{{"the pool", a.Pool, s.spec.Policy.Budget}, {"all pools", "", s.h.Total}} {
		hour, day := planned, planned
		for _, change := range s.h.Changes {
			age := s.now.Sub(change.At)
			switch {
			case b.pool != "" && change.Pool != b.pool, change.At.Before(s.h.Released):
			case age < time.Hour:
				hour++
				day++
			case age < 24*time.Hour:
				day++
			}
		}
		switch {
		case hour >= b.budget.PerHour:
			return fmt.Sprintf("the budget of %s is spent: %d actions an hour", b.of, b.budget.PerHour), true
		case day >= b.budget.PerDay:
			return fmt.Sprintf("the budget of %s is spent: %d actions a day", b.of, b.budget.PerDay), true
		}
	}
	return "", false
}

// approvalFor is how long a person's approval of a proposed action holds.
const approvalFor = 15 * time.Minute

// mode: only mode act changes anything by itself; propose waits for a person.
func mode(s *situation, a Action) (string, bool) {
	switch s.spec.Policy.Mode {
	case Act:
		return "", false
	case Propose:
		approved := s.incident.Approved == a.String() && s.now.Sub(s.incident.Allowed) < approvalFor
		return "mode is propose: this waits for a person's approval", !approved
	case Observe:
	}
	return "mode is observe: nothing is changed", true
}
