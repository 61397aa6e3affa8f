package failover

import (
	"net/netip"
	"time"

	"rrwatch/monitor"
)

// View is the present state of everything, as the last look saw it. It is
// published whole and must not be changed by those who read it.
type View struct {
	At       time.Time  `json:"at"`
	Vantage  string     `json:"vantage"`
	Pools    []PoolView `json:"pools"`               // in the configuration's order
	Blind    string     `json:"blind,omitempty"`     // why the watcher trusts none of its own fails
	Brake    *Brake     `json:"brake,omitempty"`     // latched; nil: released
	NoRecord string     `json:"no_record,omitempty"` // why the journal cannot be written

	Pauses []Pause `json:"pauses,omitempty"` // in force

	Probes monitor.Tally `json:"probes"` // results since the start, by verdict
}

// Brake is the latched stop of all automatic action.
type Brake struct {
	Latched time.Time `json:"latched"`
	Why     string    `json:"why"`
}

// PoolView is one pool: how it is wired, what is believed, what is planned.
type PoolView struct {
	Name        string         `json:"name"`
	Record      string         `json:"record"`
	Policy      Policy         `json:"policy"`
	Read        time.Time      `json:"read,omitzero"`     // when the wiring was last read
	Trouble     string         `json:"trouble,omitempty"` // why the wiring could not be read the last time
	Notices     []string       `json:"notices,omitempty"`
	Lints       []Lint         `json:"lints,omitempty"`      // of the wiring, and of what the host cannot ask: the warnings first
	Maintenance time.Time      `json:"maintenance,omitzero"` // end of the present window; zero: none
	Members     []MemberView   `json:"members"`
	Spare       []SpareView    `json:"spare"` // instances that carry no member
	Endpoints   []EndpointView `json:"endpoints,omitempty"`
	Advisories  []Advisory     `json:"advisories,omitempty"` // warnings, by check
	Lease       *LeaseView     `json:"lease,omitempty"`      // nil: the pool needs none
	Drifts      []Advisory     `json:"drifts,omitempty"`     // disagreements that were told and are not over
	Plan        Plan           `json:"plan"`
	Score       Score          `json:"score"` // of what would have been done, within the last 30 days
}

// LeaseView is who may act on a pool that has a lease.
type LeaseView struct {
	Held   bool   `json:"held"`             // by this watcher
	Holder string `json:"holder,omitempty"` // empty: nobody, or not known
	Number int64  `json:"number,omitempty"`
	Why    string `json:"why,omitempty"` // why this watcher may not act; empty: it may
}

// MemberView is one member as believed.
type MemberView struct {
	Member
	Carrier   Instance      `json:"carrier"` // zero: unknown
	State     monitor.State `json:"state"`
	Since     time.Time     `json:"since,omitzero"`
	ToChange  string        `json:"to_change"` // "down after 1 more fail"
	Checks    []CheckView   `json:"checks"`
	Incident  int64         `json:"incident,omitempty"`  // the open one
	Planned   bool          `json:"planned,omitempty"`   // that one is no outage, but a planned change
	Flapping  bool          `json:"flapping,omitempty"`  // it comes and goes
	Withdrawn bool          `json:"withdrawn"`           // by rrwatch, to be restored
	Draining  time.Time     `json:"draining,omitzero"`   // until when resolvers may give it, though the name does not answer with it; zero: they do not
	Returning int64         `json:"returning,omitempty"` // while it comes back by steps: the weight that it will have again
	Holds     []Hold        `json:"holds,omitempty"`
}

// SpareView is an instance that carries no member; a standby if it is healthy.
type SpareView struct {
	Instance
	Probe    netip.Addr    `json:"probe,omitzero"` // where it is asked; invalid: it has no such address
	State    monitor.State `json:"state"`
	Since    time.Time     `json:"since,omitzero"`
	ToChange string        `json:"to_change"`
	Checks   []CheckView   `json:"checks"`
	Standby  bool          `json:"standby"`
	Why      string        `json:"why,omitempty"` // why it is no standby
}

// EndpointView is how users fare who ask for one page by its name.
type EndpointView struct {
	Name     string         `json:"name"`
	URL      string         `json:"url"`
	Service  Service        `json:"service"`
	Health   monitor.Health `json:"health"`
	ToChange string         `json:"to_change"`
}

// CheckView is the health of one target.
type CheckView struct {
	Name     string         `json:"name"`
	Kind     string         `json:"kind"`
	Health   monitor.Health `json:"health"`
	ToChange string         `json:"to_change"`

	ExcusedUntil time.Time `json:"excused_until,omitzero"` // until when the site's own excuse is taken; zero: it gives none
}
