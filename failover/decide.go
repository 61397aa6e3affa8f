package failover

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// Plan is what the present state of one pool calls for: actions, and whatever
// is held back with the reason. The same input gives the same plan, in a
// stable order.
type Plan struct {
	Pool    string    `json:"pool"`
	At      time.Time `json:"at"`
	Actions []Action  `json:"actions,omitempty"`
	Held    []Hold    `json:"held,omitempty"`
}

// String prints the plan, one line an action or a hold.
func (p Plan) String() string {
	if len(p.Actions) == 0 && len(p.Held) == 0 {
		return fmt.Sprintf("pool %s: nothing to do\n", p.Pool)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "pool %s:\n", p.Pool)
	for _, a := range p.Actions {
		fmt.Fprintf(&b, "  do    %s (%s)\n", a, a.Why)
	}
	for _, h := range p.Held {
		fmt.Fprintf(&b, "  hold  %s: %s", h.Member, h.Text)
		if h.Action != "" {
			fmt.Fprintf(&b, "; would %s", h.Action)
		}
		fmt.Fprintf(&b, " [%s]\n", h.Guard)
	}
	return b.String()
}

// Change is one change that was made to the world, for budgets and cool-downs.
type Change struct {
	Pool     string
	Member   netip.Addr
	Incident int64
	At       time.Time // when it began
	Touched  bool      // the world was, or may have been, changed
	Applied  time.Time // when AWS's acceptance was known; zero: not known
}

// History is what has been done and what is known beside the present state.
type History struct {
	Open     []Incident              // the pool's open incidents, ordered by member
	Changes  []Change                // of all pools within the last 24 hours
	InFlight []Action                // unfinished, of all pools
	Left     map[RecordKey]RecordSet // how our last edit left each record set
	Total    Budget                  // over all pools
	Brake    *Brake                  // latched
	Pauses   []Pause                 // that were not ended
	SeenUp   map[probe.Target]bool   // believed Up within the last day, by an rrwatch before this one
	Released time.Time               // when the brake was last released: budgets begin anew there
	NoRecord string                  // why the journal cannot be written
	StaleAt  time.Duration           // a wiring older than this is no base for acting
}

// planner works out one plan.
type planner struct {
	spec  *Spec
	pool  *Pool
	snap  *monitor.Snapshot
	h     *History
	now   time.Time
	plan  Plan
	taken map[string]bool // standbys given away in this plan or by actions in flight
}

// Decide works out what the pool's present state calls for. It is pure: the
// same input gives the same plan.
func Decide(spec *Spec, pool *Pool, snap *monitor.Snapshot, h *History, now time.Time) Plan {
	p := &planner{
		spec: spec, pool: pool, snap: snap, h: h, now: now,
		plan: Plan{Pool: spec.Name, At: now}, taken: map[string]bool{},
	}
	for _, a := range h.InFlight {
		if a.Remap != nil {
			p.taken[a.Remap.To] = true
		}
	}
	for _, incident := range h.Open {
		if m, ok := pool.Member(incident.Member); ok {
			p.member(m, incident)
		}
	}
	return p.plan
}

// Rehearse is the plan as it would be if all had been well until now and
// nothing had ever been done: every published member that is Down gets an
// incident, as one that was seen healthy before.
func Rehearse(spec *Spec, pool *Pool, snap *monitor.Snapshot, total Budget, now time.Time) Plan {
	h := &History{Total: total, StaleAt: now.Sub(pool.Read) + time.Minute}
	for _, m := range pool.Members {
		if m.Published && believe(spec, m.Addr, snap).State == monitor.Down {
			i := Incident{Pool: spec.Name, Member: m.Addr, Opening: Opening{SeenUp: true}}
			h.Open = append(h.Open, i)
		}
	}
	return Decide(spec, pool, snap, h, now)
}

// member plans for one member that has an open incident.
func (p *planner) member(m Member, i Incident) {
	s := &situation{planner: p, member: m, incident: i, belief: believe(p.spec, m.Addr, p.snap)}
	if _, unfinished := i.Unfinished(); unfinished {
		return // it is being done; the incident's page shows how far it is
	}
	edit, withdrawn := i.Withdrawn()
	switch {
	case withdrawn && s.belief.State == monitor.Up:
		p.consider(s, s.restore(edit))
	case withdrawn && s.belief.State == monitor.Down:
		// Out of the answers it harms nobody; a standby that has turned up
		// since can still take it, and then it comes back.
		if slices.Contains(p.spec.Policy.Remedies, RemedyRemap) {
			p.consider(s, s.remap())
		}
	case !withdrawn && s.belief.State == monitor.Down:
		p.answer(s)
	}
}

// candidate is an action that a remedy proposes, or the reason why it has none.
type candidate struct {
	remedy Remedy
	action Action
	hold   *Hold
	wait   bool // the hold will soon be over, or be another one: no other remedy is taken meanwhile
}

// answer takes the first remedy, in the policy's order, that has an action. A
// remedy without one says why.
func (p *planner) answer(s *situation) {
	for _, remedy := range p.spec.Policy.Remedies {
		var c candidate
		switch remedy {
		case RemedyRemap:
			c = s.remap()
		case RemedyWithdraw:
			c = s.withdraw()
		}
		c.remedy = remedy
		if p.consider(s, c) {
			return
		}
	}
}

// consider plans a candidate or holds it back, and reports whether the matter
// is settled: a general guard holds back whatever the remedy.
func (p *planner) consider(s *situation, c candidate) bool {
	if c.hold != nil {
		c.hold.Member, c.hold.Remedy = s.member.Addr, c.remedy
		p.plan.Held = append(p.plan.Held, *c.hold)
		return c.wait
	}
	if s.tried(c.action) {
		p.plan.Held = append(p.plan.Held, Hold{
			Member: s.member.Addr, Remedy: c.remedy, Guard: GuardCooldown, Action: c.action.String(),
			Text: "this was tried in this incident and did not help; it is tried again after the cool-down of " + p.spec.Policy.Cooldown.String(),
		})
		return false
	}
	for _, g := range generalGuards() {
		text, held := g.holds(s, c.action)
		if _, broken := s.overridden(g.name); held && !broken {
			hold := Hold{Member: s.member.Addr, Guard: g.name, Text: text, Action: c.action.String()}
			if g.name == GuardMode {
				hold.Takes = c.action.takes()
			}
			p.plan.Held = append(p.plan.Held, hold)
			return true
		}
	}
	if s.incident.Approved == c.action.String() {
		c.action.By = s.incident.By
	}
	p.plan.Actions = append(p.plan.Actions, c.action)
	if c.action.Remap != nil {
		p.taken[c.action.Remap.To] = true
	}
	return true
}

// situation is one member's part in the plan.
type situation struct {
	*planner
	member   Member
	incident Incident
	belief   belief
}

func (s *situation) action(kind ActionKind, why string) Action {
	return Action{Kind: kind, Pool: s.spec.Name, Member: s.member.Addr, Incident: s.incident.ID, Why: why}
}

// tried reports whether the same action was already made in this incident and
// ended without success less than a cool-down ago. One that was lost by a stop
// of rrwatch, and never had an effect, was not tried; nor was one that was
// refused because the world could not be read, once it has been read again.
func (s *situation) tried(a Action) bool {
	for _, old := range s.incident.Actions {
		lost := old.Status == Failed && old.Settled || old.Guard == GuardStale && s.pool.Read.After(old.Ended)
		if old.Status.Done() && !lost && old.String() == a.String() && s.now.Sub(old.Ended) < s.spec.Policy.Cooldown {
			return true
		}
	}
	return false
}

// remap proposes to move the member's EIP to the best standby.
func (s *situation) remap() candidate {
	if hold := s.immovable(); hold != nil {
		return candidate{hold: hold}
	}
	standby, hold, wait := s.standby()
	if hold != nil {
		return candidate{hold: hold, wait: wait}
	}
	carrier, _ := s.pool.Instance(s.member.Carrier())
	a := s.action(KindRemap, fmt.Sprintf("%s passes the member's own checks now", standby.Label()))
	a.Remap = &Remap{
		Addr: s.member.Addr, Allocation: s.member.Address.Allocation,
		From: s.member.Carrier(), FromName: carrier.Name, To: standby.ID, ToName: standby.Name, Interface: standby.Interface, Private: standby.Private,
	}
	return candidate{action: a}
}

// immovable says why the member's address cannot be moved at all.
func (s *situation) immovable() *Hold {
	switch address := s.member.Address; {
	case address == nil && s.member.Addr.Is6():
		return &Hold{Guard: GuardNotOurs, Text: "an IPv6 address is no Elastic IP and cannot be moved"}
	case address == nil:
		return &Hold{Guard: GuardNotOurs, Text: "the address is no Elastic IP of this account and Region, so it is watched and never moved"}
	case address.ServiceManaged != "":
		return &Hold{Guard: GuardService, Text: "the address is managed by the AWS service " + address.ServiceManaged}
	}
	return nil
}

// standby chooses where to: an instance of the pool that carries no address,
// runs, and passes the member's own checks now; in the same zone first, then
// the one that has been healthy longest, then by id. Or it says why there is
// none, and whether one has only to be waited for.
func (s *situation) standby() (chosen Instance, hold *Hold, wait bool) {
	type choice struct {
		Instance
		since time.Time
	}
	var choices []choice
	var whyNot []string
	for _, i := range s.pool.Spare() {
		since, why := s.fit(i)
		if why != "" {
			whyNot = append(whyNot, i.Label()+" "+why)
			wait = wait || why == notAskedSinceThen
			continue
		}
		choices = append(choices, choice{i, since})
	}
	if len(choices) == 0 {
		text := "the pool has no instance without an address"
		if len(whyNot) > 0 {
			text = "no standby would help: " + strings.Join(whyNot, "; ")
		}
		return Instance{}, &Hold{Guard: GuardWontHelp, Text: text}, wait
	}
	carrier, _ := s.pool.Instance(s.member.Carrier())
	slices.SortStableFunc(choices, func(a, b choice) int {
		if near := sameZone(a.Zone, b.Zone, carrier.Zone); near != 0 {
			return near
		}
		return a.since.Compare(b.since)
	})
	return choices[0].Instance, nil, false
}

func sameZone(a, b, zone string) int {
	switch {
	case a == b:
		return 0
	case a == zone:
		return -1
	case b == zone:
		return 1
	}
	return 0
}

// notAskedSinceThen is why an instance whose latest answer is good may not take
// the address yet: it may have died with the member. It is being asked.
const notAskedSinceThen = "has not been asked since the member began to fail"

// fit says why a spare instance may not take the address; "" when it may, and
// since when it has been healthy (I3).
func (s *situation) fit(i Instance) (since time.Time, why string) {
	if why := unfit(i); why != "" {
		return time.Time{}, why
	}
	if s.taken[i.ID] {
		return time.Time{}, "is being given another address"
	}
	if s.disappointed(i) {
		return time.Time{}, "carried the address a short while ago and did not serve"
	}
	at := i.ProbeAddr(s.spec.Instances.Address)
	if !at.IsValid() {
		return time.Time{}, "has no address to ask it at"
	}
	b := believe(s.spec, at, s.snap)
	if !b.passing(s.spec, s.now) {
		return time.Time{}, "does not pass the member's own checks now"
	}
	return b.Since, s.untimely(b)
}

// untimely says why passes of an instance are no answer to the member's fails;
// "" when they are.
func (s *situation) untimely(b belief) string {
	switch {
	case !b.askedSince(s.belief.FirstBad):
		return notAskedSinceThen
	case s.belief.lastFail().Before(b.Streak):
		return "passes again only since the member was last asked"
	}
	return ""
}

// disappointed reports whether an instance has lately been given the address in
// vain, or had it before that.
func (s *situation) disappointed(i Instance) bool {
	return slices.ContainsFunc(s.incident.Actions, func(a Action) bool {
		lately := s.now.Sub(a.Ended) < s.spec.Policy.Cooldown
		return a.Remap != nil && a.Status == Unproven && lately && (a.Remap.To == i.ID || a.Remap.From == i.ID)
	})
}

// unfit says, from what EC2 tells, why an instance can be no standby.
func unfit(i Instance) string {
	switch {
	case i.State != running:
		return "is " + i.State
	case i.Elastic.IsValid():
		return "carries " + i.Elastic.String()
	case i.Status == "impaired":
		return "has impaired status checks"
	}
	return ""
}
