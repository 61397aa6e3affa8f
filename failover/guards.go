package failover

// Invariant numbers one of the things that must always hold
// (docs/ARCHITECTURE.md): "I1" to "I12".
type Invariant string

// The invariants that guards keep.
const (
	KeepsServed  Invariant = "I1"
	SeesClearly  Invariant = "I2"
	TargetServes Invariant = "I3"
	AsPlanned    Invariant = "I4"
	Recorded     Invariant = "I5"
	WithinBudget Invariant = "I6"
	CoolsDown    Invariant = "I7"
	OnlyOurs     Invariant = "I10"
	WouldHelp    Invariant = "I11"
)

// Promise is the invariant as a sentence, without a full stop. The empty one is
// what people have set.
func (i Invariant) Promise() string {
	switch i {
	case KeepsServed:
		return "a published name never loses its last healthy address by our doing, and its weights are never all set to 0"
	case SeesClearly:
		return "nothing is changed while the watcher is blind, was stalled, or has not seen the member healthy"
	case TargetServes:
		return "an address is moved only to an instance that passes the member's own checks now, is running and belongs to the pool, onto a private address that no other stands on"
	case AsPlanned:
		return "an action is refused if the world is not as it was when the plan was made"
	case Recorded:
		return "every change to the world is in the journal before it is made, and its outcome after"
	case WithinBudget:
		return "automatic actions stay inside their budget; past it the brake latches"
	case CoolsDown:
		return "a member is not touched again within its cool-down"
	case OnlyOurs:
		return "what does not belong to a configured pool is never changed"
	case WouldHelp:
		return "nothing is done that would not help"
	}
	return "people decide what rrwatch may do by itself"
}

// GuardRule is what there is to know of one guard.
type GuardRule struct {
	Guard       Guard
	Sentence    string    // when it holds, without a full stop
	Invariant   Invariant // that it keeps
	Overridable bool      // a person may override it for one incident
}

// Guards lists all guards: those that people set first, then those of the
// watcher, of the plan and of the world.
func Guards() []GuardRule {
	rules := []GuardRule{
		{Guard: GuardMode, Sentence: "the pool's mode does not allow it: observe changes nothing, propose waits for a person's approval"},
		{Guard: GuardMaintenance, Sentence: "a maintenance window is open: the pool is watched and nothing is changed"},
		{Guard: GuardPaused, Sentence: "a person stopped automatic action for a while, and said why"},
		{Guard: GuardBrake, Sentence: "the brake is latched: all automatic action has stopped until a person releases it", Invariant: WithinBudget},
		{Guard: GuardNoRemedy, Sentence: "the policy has no remedy for this cause: people are told, and nothing is done"},

		{Guard: GuardBlind, Sentence: "the watcher does not trust its own eyes: the references do not answer, or have not since the member began to fail, or nearly everything fails at once", Invariant: SeesClearly},
		{Guard: GuardStalled, Sentence: "the watcher was paused, or has learnt nothing of the member for too long, and has not asked it again since", Invariant: SeesClearly},
		{Guard: GuardWarmUp, Sentence: "the member was never seen healthy, so its check or its set-up may be wrong", Invariant: SeesClearly},
		{Guard: GuardLease, Sentence: "another rrwatch holds the pool's lease, or it is not known who does: this one watches and tells", Invariant: AsPlanned},
		{Guard: GuardStale, Sentence: "AWS was not read lately, so the wiring may be another by now", Invariant: AsPlanned},
		{Guard: GuardNoRecord, Sentence: "the journal cannot be written: what is not recorded is not done", Invariant: Recorded},

		{Guard: GuardShared, Sentence: "all members fail alike, so moving an address would not help", Invariant: WouldHelp},
		{Guard: GuardWontHelp, Sentence: "no instance of the pool could serve the address now: none is free, runs and passes the member's own checks", Invariant: TargetServes},
		{Guard: GuardLastHealthy, Sentence: "the name would be left with too few healthy addresses", Invariant: KeepsServed},
		{Guard: GuardAllZero, Sentence: "all weights of the name would be 0", Invariant: KeepsServed},
		{Guard: GuardCooldown, Sentence: "the member was touched a short while ago, or the same was tried in vain", Invariant: CoolsDown},
		{Guard: GuardHoldDown, Sentence: "the member has been healthy for too short a time to be trusted with all of its users again", Invariant: CoolsDown},
		{Guard: GuardBudget, Sentence: "too many actions within an hour or a day; this latches the brake", Invariant: WithinBudget},
		{Guard: GuardFlapping, Sentence: "the member comes and goes: one more move would not cure it", Invariant: WouldHelp},
		{Guard: GuardInFlight, Sentence: "an unfinished action touches the same member, instance or record set", Invariant: AsPlanned},

		{Guard: GuardNotOurs, Sentence: "the address is no Elastic IP of this account and Region, or the record set is of a kind that rrwatch does not edit", Invariant: OnlyOurs},
		{Guard: GuardService, Sentence: "an AWS service owns the address", Invariant: OnlyOurs},
		{Guard: GuardNotPermitted, Sentence: "AWS says that rrwatch may not make this call"},
		{Guard: GuardThrottled, Sentence: "AWS refused the call for the rate of this account's calls; it is tried again after a moment"},
		{Guard: GuardChanged, Sentence: "the world is not as the plan expects: somebody has changed it", Invariant: AsPlanned},
		{Guard: GuardEviction, Sentence: "the instance carries another address, which the move would push out", Invariant: TargetServes},
		{Guard: GuardInterfaces, Sentence: "the instance has several network interfaces, and it is not said which one shall have the address", Invariant: AsPlanned},
		{Guard: GuardBorderGroup, Sentence: "the instance lies in another network border group than the address, which cannot leave its own", Invariant: TargetServes},
		{Guard: GuardNotRunning, Sentence: "the instance does not run", Invariant: TargetServes},
	}
	for n := range rules {
		rules[n].Overridable = rules[n].Guard.Overridable()
	}
	return rules
}

// Rule is what there is to know of the guard; false: there is no such guard.
func (g Guard) Rule() (GuardRule, bool) {
	for _, r := range Guards() {
		if r.Guard == g {
			return r, true
		}
	}
	return GuardRule{}, false
}
