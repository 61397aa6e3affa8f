package failover

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"rrwatch/monitor"
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
	GuardHoldDown     Guard = "hold-down"       // healthy for too short a time to be trusted
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
	GuardThrottled    Guard = "throttled"       // AWS refuses calls for their rate
	GuardStale        Guard = "stale"           // the wiring was not read lately
	GuardLease        Guard = "lease"           // another watcher may act, and this one may not
	GuardInterfaces   Guard = "interfaces"      // the target has several, and none was chosen
	GuardBorderGroup  Guard = "border-group"    // the target lies where the address cannot go
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
		{GuardLease, unleased},
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

// blind: nothing is changed while the references do not answer, or have not been
// seen to since the member began to fail, or while nearly everything fails at once
// (I2).
func blind(s *situation, a Action) (string, bool) {
	if s.snap.Blind != "" {
		return "the watcher is blind: " + s.snap.Blind, true
	}
	if s.h.Everything != "" && a.Kind.answers() {
		return s.h.Everything + ", so the fails may be the watcher's own", true
	}
	if a.Kind.answers() && s.snap.References > 0 && s.snap.Sighted.Before(s.belief.FirstBad) {
		return "the references have not answered since the member began to fail", true
	}
	if last := s.belief.lastFail(); a.Kind.answers() && !last.After(s.snap.Sees) {
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
	if age <= s.h.StaleAt {
		return "", false
	}
	text := fmt.Sprintf("AWS was last read %s ago", age.Round(time.Second))
	if s.h.Trouble != "" {
		text += ": " + s.h.Trouble
	}
	return text, true
}

// unleased: of several watchers only one acts (I4).
func unleased(s *situation, _ Action) (string, bool) { return s.h.Unleased, s.h.Unleased != "" }

// warmUp: a member that was never seen healthy may never have been meant to
// serve, or the check is wrong (I2).
func warmUp(s *situation, _ Action) (string, bool) {
	return "the member was never seen healthy, so its check or its set-up may be wrong",
		!s.belief.SeenUp && !s.incident.Opening.SeenUp && !s.h.knows(s.spec, s.member.Addr)
}

// shared: when all members fail alike a move would not help (I11).
func shared(s *situation, a Action) (string, bool) {
	if !a.Kind.answers() {
		return "", false
	}
	if text, so := sharedFault(s.spec, s.pool, s.snap, s.member.Addr); so {
		return text, true
	}
	return s.unlikeItsZone()
}

// unlikeItsZone holds while it is not known whether the member's zone fails, for a
// time-out at most, where a zone's outage has remedies of its own: what is silent
// with it is known to be a moment later.
func (s *situation) unlikeItsZone() (string, bool) {
	_, own := s.spec.Policy.RemedyWhen[CauseZone]
	carrier, _ := s.pool.Instance(s.member.Carrier())
	if !own || carrier.Zone == "" || s.incident.moved() || s.now.Sub(s.belief.Since) > s.spec.longest() {
		return "", false
	}
	for n := range s.pool.Instances {
		i := &s.pool.Instances[n]
		at := s.pool.askedAt(s.spec, i)
		if i.ID == carrier.ID || i.Zone != carrier.Zone || !at.IsValid() {
			continue
		}
		if b := believe(s.spec, at, s.snap); b.State == monitor.Up && b.doubt == nil && !b.askedSince(s.belief.lately()) {
			return fmt.Sprintf("not yet compared with %s in the same zone, which has not answered since; a zone's outage has remedies of its own", i.Label()), true
		}
	}
	return "", false
}

// longest is how long at most a check waits for its answer, and is asked again.
func (s *Spec) longest() time.Duration {
	longest := time.Duration(0)
	for n := range s.Checks {
		longest = max(longest, s.Checks[n].Timeout+s.Checks[n].Recheck)
	}
	return longest
}

// inFlight: no two unfinished actions touch the same member, instance or record
// set. Of a set with many values, edits go together, or follow one that AWS has
// accepted and that has been read.
func inFlight(s *situation, a Action) (string, bool) {
	for _, other := range s.plan.Actions {
		if touchSame(a, other) && !bothOfSimple(a, other) {
			return "another action of this plan touches the same thing: " + other.String(), true
		}
	}
	for _, other := range s.h.InFlight {
		read := bothOfSimple(a, other) && other.Status == Applied && s.pool.Read.After(other.Applied)
		if touchSame(a, other) && !read {
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

// bothOfSimple reports whether both edit one simple set, each for a member of
// its own.
func bothOfSimple(a, b Action) bool {
	return a.Reweigh != nil && b.Reweigh != nil && a.Member != b.Member && a.Reweigh.simple() && b.Reweigh.simple()
}

// maintenance: in a window the pool is watched and nothing is changed.
func maintenance(s *situation, _ Action) (string, bool) {
	if s.spec.Maintenance == nil {
		return "", false
	}
	until, in := s.spec.Maintenance(s.now)
	if !in {
		return "", false
	}
	return "maintenance until " + until.UTC().Format("2006-01-02 15:04 MST"), true
}

// braked: a person has to release the brake (I6).
func braked(s *situation, _ Action) (string, bool) {
	if s.h.Brake == nil {
		return "", false
	}
	return "the brake is latched: " + s.h.Brake.Why, true
}

// paused: a person has stopped automatic action, and said why and until when.
func paused(s *situation, a Action) (string, bool) {
	for _, p := range s.h.Pauses {
		if p.Covers(a.Pool, a.Member, s.now) {
			return fmt.Sprintf("%s paused %s until %s: %s", p.By, p.Scope(), p.Until.UTC().Format("2006-01-02 15:04 MST"), p.Why), true
		}
	}
	return "", false
}

// flapping: an address that comes and goes is not cured by one more move, and
// each move costs its users a connection.
func flapping(s *situation, _ Action) (string, bool) {
	limit := s.spec.Policy.Flaps
	return fmt.Sprintf("the member comes and goes; this waits until it has fallen at most %d times within %s, or has been down for %s",
		limit.calmFalls(), limit.Within, limit.steady()), s.incident.Flapping
}

// relapseWithin is how many cool-downs ago an incident makes another one a
// relapse: two hours ago by default.
const relapseWithin = 24

// coolDown: a member is not touched again for a while after an incident, and for
// twice as long with each relapse (I7). The remedies of one incident follow each
// other without that, and so do the steps of coming back; but that it had to leave
// again while it came back is a relapse, too.
func coolDown(s *situation, a Action) (string, bool) {
	var last time.Time
	var relapses []int64 // by the incident, or the withdrawal in this one
	for n, change := range s.h.Changes {
		if !change.sameAs(a) {
			continue
		}
		relapse := change.Incident
		if change.Incident == a.Incident {
			relapse = relapsed(s.h.Changes[:n], change)
			if !a.returns() {
				continue
			}
		}
		soon := s.now.Sub(change.At) < relapseWithin*s.spec.Policy.Cooldown
		if soon && relapse != 0 && !slices.Contains(relapses, relapse) {
			relapses = append(relapses, relapse)
		}
		last = later(last, later(change.At, change.Applied)) // a call may be repeated for a while before it takes effect
	}
	ago := s.now.Sub(last)
	if left := s.spec.Policy.cooldown(len(relapses)) - ago; !last.IsZero() && left > 0 {
		return fmt.Sprintf("the member was touched %s ago and cools down for %s more",
			ago.Round(time.Second), left.Round(time.Second)), true
	}
	return "", false
}

// sameAs reports whether the change has touched what the action would: the member
// of the pool, or the address, which a move takes away from all pools that share it.
func (c Change) sameAs(a Action) bool {
	moved := (c.Kind == KindRemap || c.Kind == KindFailback) && a.Remap != nil
	return c.Touched && c.Member == a.Member && (c.Pool == a.Pool || moved)
}

// returns reports whether it is the first step by which a member comes back.
func (a Action) returns() bool {
	return a.Kind == KindRestore && (!a.Reweigh.Was.Answers() || a.Reweigh.simple())
}

// relapsed names a change by which the member had to leave the answers again, in
// an incident in which it had left them before; 0: it is none.
func relapsed(before []Change, c Change) int64 {
	left := func(o Change) bool { return o.Kind == KindWithdraw && o.Incident == c.Incident && o.Touched }
	if c.Kind != KindWithdraw || !slices.ContainsFunc(before, left) {
		return 0
	}
	return -c.At.UnixNano() // no incident's number
}

// overBudget: too many actions mean that something is wrong with the
// automation's idea of the world; a person has to look (I6). Who releases the
// brake grants the budgets anew.
func overBudget(s *situation, a Action) (string, bool) {
	member, pool, all := s.spent(a)
	for _, b := range [...]struct {
		of     string
		budget Budget
		spent  Budget
	}{{"the member", s.spec.Policy.MemberBudget, member}, {"the pool", s.spec.Policy.Budget, pool}, {"all pools", s.h.Total, all}} {
		switch {
		case b.budget == (Budget{}): // it has none of its own
		case b.spent.PerHour >= b.budget.PerHour:
			return fmt.Sprintf("the budget of %s is spent: %d actions an hour", b.of, b.budget.PerHour), true
		case b.spent.PerDay >= b.budget.PerDay:
			return fmt.Sprintf("the budget of %s is spent: %d actions a day", b.of, b.budget.PerDay), true
		}
	}
	return "", false
}

// spent counts the actions of the last hour and day, with those of this plan: of
// the member, of its pool, and of all pools.
func (s *situation) spent(a Action) (member, pool, all Budget) {
	count := func(of string, addr netip.Addr, hour int) {
		all = Budget{all.PerHour + hour, all.PerDay + 1}
		if of == a.Pool {
			pool = Budget{pool.PerHour + hour, pool.PerDay + 1}
		}
		if of == a.Pool && addr == a.Member {
			member = Budget{member.PerHour + hour, member.PerDay + 1}
		}
	}
	for n := range s.plan.Actions {
		count(s.plan.Actions[n].Pool, s.plan.Actions[n].Member, 1)
	}
	for n := range s.h.Changes {
		change := &s.h.Changes[n]
		age := s.now.Sub(change.At)
		switch {
		case change.At.Before(s.h.Released), age >= day:
		case age < time.Hour:
			count(change.Pool, change.Member, 1)
		default:
			count(change.Pool, change.Member, 0)
		}
	}
	return member, pool, all
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

// moveGuards are those of a move, whatever its target.
func moveGuards() []guard {
	return []guard{{GuardNotOurs, notOurs}, {GuardService, serviceManaged}}
}

// notOurs: what is no Elastic IP of the account cannot be moved (I10).
func notOurs(s *situation, _ Action) (string, bool) {
	if s.member.Addr.Is6() {
		return "an IPv6 address is no Elastic IP and cannot be moved", s.member.Address == nil
	}
	return "the address is no Elastic IP of this account and Region, so it is watched and never moved", s.member.Address == nil
}

// serviceManaged: an AWS service that owns an address moves it itself (I10).
func serviceManaged(s *situation, _ Action) (string, bool) {
	by := s.member.Address.ServiceManaged
	return "the address is managed by the AWS service " + by, by != ""
}
