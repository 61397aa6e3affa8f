package failover

import (
	"net/netip"
	"time"

	"rrwatch/monitor"
)

// EntryKind says what happened.
type EntryKind string

// The kinds of journal entry.
const (
	Started       EntryKind = "started"        // the watcher came up
	Stopped       EntryKind = "stopped"        // the watcher went down in order
	Wired         EntryKind = "wired"          // a pool's wiring was first read, or has changed
	Believed      EntryKind = "believed"       // the belief in a target changed
	Opened        EntryKind = "opened"         // an incident began
	Diagnosed     EntryKind = "diagnosed"      // its cause was found, or has changed
	HeldBack      EntryKind = "held"           // what the plan holds back, and why, has changed
	Approved      EntryKind = "approved"       // a person allowed a proposed action
	ActionBegun   EntryKind = "action-begun"   // before the call
	ActionApplied EntryKind = "action-applied" // after AWS accepted it
	ActionEnded   EntryKind = "action-ended"   // proven, refused, failed or unproven
	Noted         EntryKind = "noted"          // a sentence worth keeping
	Closed        EntryKind = "closed"         // the incident ended
	BrakeLatched  EntryKind = "brake-latched"  // all automatic action stopped
	BrakeReleased EntryKind = "brake-released" // by a named person
	WentBlind     EntryKind = "blind"          // the watcher no longer trusts its own fails
	SawAgain      EntryKind = "sighted"        // it does again
	NotServed     EntryKind = "not-served"     // users are not served an endpoint's page
	ServedAgain   EntryKind = "served-again"   // they are again
	Warned        EntryKind = "warning"        // a warning began, or has become another or more urgent
	WarningOver   EntryKind = "warning-over"   // it is over
	Paused        EntryKind = "paused"         // a person stopped automatic action for a while
	Resumed       EntryKind = "resumed"        // a pause was ended, by a person or by its time
	Overridden    EntryKind = "overridden"     // a person overrode a guard: break-glass
	Proposed      EntryKind = "proposed"       // an action waits for a person's approval
	ProposalOver  EntryKind = "proposal-over"  // it waits no more: it no longer holds, or has expired
	Flapping      EntryKind = "flapping"       // the member comes and goes: nothing more is done
	Calm          EntryKind = "calm"           // it has been calm for long enough
	LeaseTaken    EntryKind = "lease-taken"    // this watcher holds the pool's lease, and may act
	LeaseLost     EntryKind = "lease-lost"     // it does no more, or not yet again
	Drifted       EntryKind = "drift"          // what should say the same has disagreed for a while
	DriftOver     EntryKind = "drift-over"     // it agrees again
	Drained       EntryKind = "drained"        // resolvers have forgotten an address that was taken out
)

// Entry is one line of the journal: what happened, in a sentence, with the
// facts. Only the facts that belong to its kind are set.
type Entry struct {
	Seq      int64      `json:"seq"` // 1, 2, 3, … without a gap; given by the journal
	At       time.Time  `json:"at"`
	Kind     EntryKind  `json:"kind"`
	Pool     string     `json:"pool,omitempty"`
	Member   netip.Addr `json:"member,omitzero"`
	Incident int64      `json:"incident,omitempty"` // given by the journal when the kind is Opened
	Text     string     `json:"text"`               // one sentence for people, without a final full stop

	Transition *monitor.Transition `json:"transition,omitempty"` // Believed
	Opening    *Opening            `json:"opening,omitempty"`    // Opened
	Diagnosis  *Diagnosis          `json:"diagnosis,omitempty"`  // Diagnosed
	Held       []Hold              `json:"held,omitempty"`       // HeldBack
	Action     *Action             `json:"action,omitempty"`     // ActionBegun, ActionApplied, ActionEnded
	Approved   string              `json:"approved,omitempty"`   // Approved: Action.String of what is allowed
	By         string              `json:"by,omitempty"`         // who: Approved, BrakeReleased, Paused, Resumed, Overridden
	Pause      *Pause              `json:"pause,omitempty"`      // Paused, Resumed
	Override   *Override           `json:"override,omitempty"`   // Overridden
	Proposal   *Proposal           `json:"proposal,omitempty"`   // Proposed, ProposalOver
	Holding    *Holding            `json:"holding,omitempty"`    // LeaseTaken, LeaseLost
	Advisory   *Advisory           `json:"advisory,omitempty"`   // NotServed, ServedAgain, Warned, WarningOver, Drifted, DriftOver
}

// Guard names a reason not to act.
type Guard string

// Hold is something that the plan does not do, and why.
type Hold struct {
	Member netip.Addr `json:"member"`
	Remedy Remedy     `json:"remedy,omitempty"` // empty: whatever the remedy
	Guard  Guard      `json:"guard"`
	Text   string     `json:"text"`
	Action string     `json:"action,omitempty"` // what would be done otherwise
	// Takes is how long the action would take until users are served again; set
	// where only the mode holds it, so that it can be judged afterwards.
	Takes time.Duration `json:"takes,omitempty"`
}

// Cause is the diagnosis of a failed member.
type Cause string

// The causes.
const (
	CauseUnknown  Cause = "unknown"
	CauseProcess  Cause = "process"  // the load balancer on the instance
	CauseInstance Cause = "instance" // the instance itself
	CauseZone     Cause = "zone"     // the availability zone
	CauseShared   Cause = "shared"   // all fail alike: moving would not help
	CauseWatcher  Cause = "watcher"  // we are blind
	CausePartial  Cause = "partial"  // only a part of what the member serves
)

// Diagnosis is a cause with its evidence in sentences.
type Diagnosis struct {
	Cause    Cause    `json:"cause"`
	Evidence []string `json:"evidence"`
}
