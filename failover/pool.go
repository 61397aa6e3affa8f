// Package failover decides what a failed member calls for, and sees it done:
// it diagnoses, plans, guards, acts through its consumers' interfaces, waits
// for the proof from outside and journals every step.
//
// Judgement (Diagnose, Decide) is pure: it uses no clock, context, logger or
// map order, so the same input gives the same plan.
package failover

import (
	"net/netip"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// Mode says what rrwatch may do by itself. It has no default.
type Mode string

// The modes.
const (
	Observe Mode = "observe" // watch and tell
	Propose Mode = "propose" // plan, and wait for a person's approval
	Act     Mode = "act"     // plan and do
)

// Remedy is a way to answer an incident.
type Remedy string

// The remedies.
const (
	RemedyRemap    Remedy = "remap"    // move the EIP to a standby
	RemedyWithdraw Remedy = "withdraw" // take the address out of the answers
)

// Budget bounds the automatic actions in a time; past it the brake latches.
type Budget struct {
	PerHour int `json:"per_hour"` // at most this many in any 60 minutes
	PerDay  int `json:"per_day"`  // at most this many in any 24 hours
}

// Policy is what a pool's owner allows and asks for.
type Policy struct {
	Mode         Mode          `json:"mode"`
	Remedies     []Remedy      `json:"remedies"`      // in the order in which they are tried
	VerifyWithin time.Duration `json:"verify_within"` // an action not proven by then is unproven
	Cooldown     time.Duration `json:"cooldown"`      // a member is not touched again within
	RestoreAfter time.Duration `json:"restore_after"` // a withdrawn member must be Up this long
	MinHealthy   int           `json:"min_healthy"`   // never withdraw below this many healthy published members
	Budget       Budget        `json:"budget"`        // of this pool
	MemberBudget Budget        `json:"member_budget"` // of each of its members

	// RemedyWhen are the remedies for a cause, where they are others than
	// Remedies; an empty list: people are told, and nothing is done.
	RemedyWhen map[Cause][]Remedy `json:"remedy_when,omitempty"`
	// Ramp are the steps by which a withdrawn weighted member comes back; none:
	// at once. The last one has all of the weight.
	Ramp []RampStep `json:"ramp,omitempty"`
	// Failback is how long the instance that carried a member before must have
	// been healthy until the address goes back to it; 0: never.
	Failback time.Duration `json:"failback"`
	Flaps    FlapLimit     `json:"flaps"`
}

// RampStep is one step of coming back.
type RampStep struct {
	Percent int           `json:"percent"` // of the weight that the member had, 1–100
	For     time.Duration `json:"for"`     // how long it must be Up with it before the next step
}

// Weight is the step's share of a weight: at least 1, since 0 is no share.
func (r RampStep) Weight(full int64) int64 { return max(1, (full*int64(r.Percent)+99)/100) }

// FlapLimit says how often a member may fall within a time before it counts as
// flapping. Falls 0: never.
type FlapLimit struct {
	Falls  int           `json:"falls"`
	Within time.Duration `json:"within"`
}

// calmFalls is how few falls within the time make a flapping member calm.
func (l FlapLimit) calmFalls() int { return l.Falls / 2 }

// Check is one question that a pool asks of each member and each standby.
type Check struct {
	Name       string
	Kind       string // http, https, tcp, …
	Port       uint16
	Probe      probe.Func
	Plain      *probe.Plain // the same question for the monitor's engine; nil: only Probe can ask it
	Tripwire   *probe.Plain // how an idle connection is held open; nil: none is
	Interval   time.Duration
	Timeout    time.Duration
	Recheck    time.Duration
	Thresholds monitor.Thresholds
}

// Target is this check asked of one address.
func (c Check) Target(pool string, addr netip.Addr) probe.Target {
	return probe.Target{Pool: pool, Check: c.Name, Addr: netip.AddrPortFrom(addr, c.Port)}
}

// Watch is what the monitor needs to ask this check of one address.
func (c Check) Watch(pool string, addr netip.Addr) monitor.Watch {
	return monitor.Watch{
		Target: c.Target(pool, addr), Probe: c.Probe, Plain: c.Plain, Tripwire: c.Tripwire,
		Interval: c.Interval, Timeout: c.Timeout, Recheck: c.Recheck, Thresholds: c.Thresholds,
	}
}

// Spec is what the configuration says of a pool. It never changes.
type Spec struct {
	Name      string // the pool's name in configuration, pages and logs
	Record    string // the published DNS name, lower case, no trailing dot
	Zone      string // the hosted zone's name or id
	Instances Selector
	Checks    []Check
	Endpoints []Endpoint
	Policy    Policy
	Lease     bool // only the watcher that holds the pool's lease acts
	// Maintenance reports whether now lies in a window in which the pool is
	// watched and nothing is changed, and when that window ends. Nil: never.
	Maintenance func(now time.Time) (until time.Time, in bool)
}

// Selector says which instances belong to a pool, beside those that carry its
// members: by id, or by having all of these tags.
type Selector struct {
	IDs     []string
	Tags    map[string]string
	Address AddressUse
	// Secondary says that the instances answer on the secondary private addresses
	// of their primary interface too, so that one that carries an address may take
	// another one on a private address that is free.
	Secondary bool
}

// AddressUse says at which of its addresses a standby is probed.
type AddressUse string

// The uses.
const (
	AddressAuto    AddressUse = "auto" // its public address if it has one, else its private one
	AddressPublic  AddressUse = "public"
	AddressPrivate AddressUse = "private"
)

// Address is what EC2 says of one Elastic IP.
type Address struct {
	IP             netip.Addr `json:"ip"`
	Allocation     string     `json:"allocation"`
	Association    string     `json:"association,omitempty"`
	Instance       string     `json:"instance,omitempty"`
	Interface      string     `json:"interface,omitempty"`
	Private        netip.Addr `json:"private,omitzero"`
	ServiceManaged string     `json:"service_managed,omitempty"` // the AWS service that owns it, such as "alb"
	BorderGroup    string     `json:"border_group,omitempty"`
}

// Instance is what EC2 says of one instance that may carry a member's address.
type Instance struct {
	ID         string     `json:"id"`
	Name       string     `json:"name,omitempty"` // its Name tag
	Zone       string     `json:"zone"`           // availability zone
	State      string     `json:"state"`          // pending, running, stopping, stopped, shutting-down, terminated
	Status     string     `json:"status,omitempty"`
	Interface  string     `json:"interface,omitempty"` // its primary network interface
	Interfaces int        `json:"interfaces"`          // how many it has
	Private    netip.Addr `json:"private,omitzero"`    // primary private address of that interface
	Public     netip.Addr `json:"public,omitzero"`     // public address of that interface, of whatever kind
	Elastic    netip.Addr `json:"elastic,omitzero"`    // the EIP on that interface's primary private address, if any
	// Free are the secondary private addresses of that interface that no public
	// address stands on, in order.
	Free        []netip.Addr `json:"free,omitempty"`
	BorderGroup string       `json:"border_group,omitempty"` // of its zone: only addresses of the same one can come to it; empty: not known
	Events      []string     `json:"events,omitempty"`       // scheduled by AWS and still to come: "instance-retirement not before 2026-03-01 12:00 UTC"

	Tags map[string]string `json:"-"` // nil: not read
}

// Label names an instance for people: "lb-1 (i-0ab)".
func (i Instance) Label() string { return label(i.ID, i.Name) }

func label(id, name string) string {
	if name == "" {
		return id
	}
	return name + " (" + id + ")"
}

// ProbeAddr is where the instance is asked while it carries no member; invalid
// when it has no such address.
func (i Instance) ProbeAddr(use AddressUse) netip.Addr {
	switch use {
	case AddressPublic:
		return i.Public
	case AddressPrivate:
		return i.Private
	case AddressAuto:
	}
	if i.Public.IsValid() {
		return i.Public
	}
	return i.Private
}

// Member is one published address of a pool, or one that rrwatch withdrew and
// still has to restore.
type Member struct {
	Addr      netip.Addr `json:"addr"`
	Set       RecordSet  `json:"set"`               // the record set that publishes it, as read
	Published bool       `json:"published"`         // the name can answer with it now
	Address   *Address   `json:"address,omitempty"` // nil: no EIP of this account
}

// Carrier is the id of the instance that carries the member; empty if unknown.
func (m Member) Carrier() string {
	if m.Address == nil {
		return ""
	}
	return m.Address.Instance
}

// Pool is how one published name is wired at one moment: what the record sets
// say, which instance carries each address, and which could.
type Pool struct {
	Name      string      `json:"name"`
	Read      time.Time   `json:"read"`      // when the read of it began
	Members   []Member    `json:"members"`   // ordered by address
	Instances []Instance  `json:"instances"` // ordered by id
	Sets      []RecordSet `json:"sets"`      // A and AAAA sets of the name, as read
	ZoneID    string      `json:"zone_id"`
	Private   bool        `json:"private,omitempty"` // a private zone
	Lease     RecordSet   `json:"lease,omitzero"`    // who may act, as read; zero: nobody holds it

	HealthChecks []HealthCheck `json:"-"`                 // that its sets have
	Throttled    int           `json:"-"`                 // as in Published
	Notices      []string      `json:"notices,omitempty"` // what an operator should know about this wiring: its lints' sentences

	lints     []Lint    // as it was read
	withdrawn []Reweigh // by which rrwatch has taken addresses out of its answers
}

// Instance finds an instance of the pool by id.
func (p *Pool) Instance(id string) (Instance, bool) {
	for _, i := range p.Instances {
		if i.ID == id && id != "" {
			return i, true
		}
	}
	return Instance{}, false
}

// Member finds a member of the pool by address.
func (p *Pool) Member(addr netip.Addr) (Member, bool) {
	for _, m := range p.Members {
		if m.Addr == addr {
			return m, true
		}
	}
	return Member{}, false
}

// set is the record set of that key as last read; zero: none.
func (p *Pool) set(key RecordKey) RecordSet {
	for _, set := range p.Sets {
		if set.Key() == key {
			return set
		}
	}
	return RecordSet{}
}

// Spare lists the instances that carry no member of the pool, healthy or not,
// ordered by id.
func (p *Pool) Spare() []Instance {
	carriers := make(map[string]bool, len(p.Members))
	for _, m := range p.Members {
		carriers[m.Carrier()] = true
	}
	var spare []Instance
	for _, i := range p.Instances {
		if !carriers[i.ID] {
			spare = append(spare, i)
		}
	}
	return spare
}
