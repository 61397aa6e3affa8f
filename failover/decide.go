package failover

import (
	"cmp"
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
	Kind     ActionKind
	Pool     string
	Member   netip.Addr
	Incident int64
	At       time.Time // when it began
	Touched  bool      // the world was, or may have been, changed
	Applied  time.Time // when AWS's acceptance was known; zero: not known
}

// Left is how our last edit left a record set, and when AWS had accepted it.
type Left struct {
	Was   RecordSet // before that edit
	Set   RecordSet
	At    time.Time
	Since time.Time // since when nobody else has edited it between two edits of ours
}

// History is what has been done and what is known beside the present state.
type History struct {
	Open       []Incident            // the pool's open incidents, ordered by member
	Changes    []Change              // of all pools within the last 24 hours
	InFlight   []Action              // unfinished, of all pools
	Left       map[RecordKey]Left    // how our last edit left each record set
	Total      Budget                // over all pools
	Brake      *Brake                // latched
	Pauses     []Pause               // that were not ended
	SeenUp     map[probe.Target]bool // believed Up within the last day, by an rrwatch before this one
	Homes      map[netip.Addr]Home   // of the pool's members that our moves have taken elsewhere
	Vacated    map[string]bool       // instances from which an address was moved within the last 24 hours, because it failed there
	Released   time.Time             // when the brake was last released: budgets begin anew there
	Everything string                // that nearly everything fails at once, over all pools; empty: it does not
	NoRecord   string                // why the journal cannot be written
	StaleAt    time.Duration         // a wiring older than this is no base for acting
	Trouble    string                // why the wiring could not be read the last time; empty: it could
	Unleased   string                // why this watcher may not act; empty: it may
}

// planner works out one plan.
type planner struct {
	spec    *Spec
	pool    *Pool
	snap    *monitor.Snapshot
	h       *History
	now     time.Time
	plan    Plan
	taken   map[string]bool         // standbys given away in this plan or by actions in flight
	edited  map[RecordKey]RecordSet // sets as this plan leaves them
	spare   []*Instance             // that carry no member; nil: not worked out yet
	failing []string                // zones in which most fails; nil: not worked out yet
}

// Decide works out what the pool's present state calls for. It is pure: the
// same input gives the same plan.
func Decide(spec *Spec, pool *Pool, snap *monitor.Snapshot, h *History, now time.Time) Plan {
	p := &planner{spec: spec, pool: pool, snap: snap, h: h, now: now, plan: Plan{Pool: spec.Name, At: now}}
	if len(h.Open) == 0 && len(h.Homes) == 0 {
		return p.plan
	}
	p.taken, p.edited = map[string]bool{}, map[RecordKey]RecordSet{}
	for _, a := range h.InFlight {
		if a.Remap != nil {
			p.taken[a.Remap.To] = true
		}
	}
	for _, s := range p.situations() {
		p.member(s)
	}
	p.goHome()
	p.together()
	return p.plan
}

// Rehearse is the plan as it would be if all had been well until now and
// nothing had ever been done: every published member that is Down gets an
// incident, as one that was seen healthy before.
func Rehearse(spec *Spec, pool *Pool, snap *monitor.Snapshot, total Budget, now time.Time) Plan {
	h := &History{Total: total, StaleAt: now.Sub(pool.Read) + time.Minute}
	h.Everything, _ = everythingFails(snap)
	for _, m := range pool.Members {
		if m.Published && believe(spec, m.Addr, snap).State == monitor.Down {
			i := Incident{Pool: spec.Name, Member: m.Addr, Opening: Opening{SeenUp: true}, Diagnosis: Diagnose(spec, pool, snap, m.Addr)}
			h.Open = append(h.Open, i)
		}
	}
	return Decide(spec, pool, snap, h, now)
}

// situations are the members with an open incident, in the order in which they
// are helped: who has most of the weight first, so that it gets the standby,
// then by address.
func (p *planner) situations() []*situation {
	all, list := make([]situation, len(p.h.Open)), make([]*situation, 0, len(p.h.Open))
	for n := range p.h.Open {
		s, i := &all[n], &p.h.Open[n]
		at := slices.IndexFunc(p.pool.Members, func(m Member) bool { return m.Addr == i.Member })
		if at >= 0 {
			*s = situation{planner: p, member: &p.pool.Members[at], incident: i, belief: believe(p.spec, i.Member, p.snap)}
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b *situation) int {
		return cmp.Or(cmp.Compare(b.member.weight(), a.member.weight()), a.member.Addr.Compare(b.member.Addr))
	})
	return list
}

// weight is the member's DNS weight now; 0 when it has none.
func (m *Member) weight() int64 {
	if m.Set.Weight == nil {
		return 0
	}
	return *m.Set.Weight
}

// member plans for one member that has an open incident.
func (p *planner) member(s *situation) {
	if _, unfinished := s.incident.Unfinished(); unfinished {
		return // it is being done; the incident's page shows how far it is
	}
	if p.refused(s) {
		return
	}
	edit, withdrawn := s.incident.Withdrawn()
	switch {
	case withdrawn:
		p.withdrawn(s, edit)
	case s.belief.State == monitor.Down:
		p.answer(s)
	}
}

// throttlePause is how long is waited after AWS has refused a call for its rate,
// beside the SDK's own waiting.
const throttlePause = 10 * time.Second

// refused reports whether the latest action was refused for the way the world was
// a moment ago, so that nothing else is planned until it was read again.
func (p *planner) refused(s *situation) bool {
	if len(s.incident.Actions) == 0 {
		return false
	}
	last := s.incident.Actions[len(s.incident.Actions)-1]
	if last.Status != Refused {
		return false
	}
	if last.Guard == GuardThrottled && p.now.Sub(last.Ended) < throttlePause {
		p.plan.Held = append(p.plan.Held, Hold{
			Member: s.member.Addr, Guard: GuardThrottled, Action: last.String(),
			Text: "AWS refuses calls of this account for their rate; it is tried again after " + throttlePause.String(),
		})
		return true
	}
	return last.Guard.ofTheMoment() && !s.readSince(last) && p.now.Sub(p.pool.Read) <= p.h.StaleAt
}

// withdrawn plans for a member that is out of the answers, or has come back to
// them with a part of its weight.
func (p *planner) withdrawn(s *situation, edit Reweigh) {
	down := s.belief.State == monitor.Down
	switch {
	case s.pool.Read.Before(s.h.Left[edit.Was.Key()].At) && s.now.Sub(s.pool.Read) <= s.h.StaleAt:
		// Our own edit is not in what was read; it is being read again.
	case s.unanswered(edit.Was.Key()):
		// Our own edit of it may have been made already; its answer is awaited.
	case s.belief.State == monitor.Up:
		p.consider(s, s.restore(edit))
	case down && s.returning(edit):
		// It fails while it comes back: out of the answers again.
		p.consider(s, s.withdraw())
	case down && slices.Contains(s.remedies(), RemedyRemap):
		// Out of the answers it harms nobody; a standby that has turned up
		// since can still take it, and then it comes back.
		p.consider(s, s.remap())
	case down && s.member.Published:
		p.consider(s, held(GuardChanged, "rrwatch took it out, and the name answers with it again, by someone's change or another record set; "+
			"who put it there has the last word"))
	}
}

// unanswered reports whether an edit of the set is under way, whatever its
// member, of which it is not known yet whether AWS has made it.
func (p *planner) unanswered(key RecordKey) bool {
	return slices.ContainsFunc(p.h.InFlight, func(a Action) bool {
		return a.Reweigh != nil && a.Status == Begun && a.Reweigh.key() == key
	})
}

// knows reports whether the address was seen healthy by an rrwatch before this
// one, a short while ago.
func (h *History) knows(spec *Spec, addr netip.Addr) bool {
	for _, c := range spec.Checks {
		if !h.SeenUp[c.Target(spec.Name, addr)] {
			return false
		}
	}
	return len(spec.Checks) > 0
}

// spares are the instances that carry no member of the pool.
func (p *planner) spares() []*Instance {
	if p.spare != nil {
		return p.spare
	}
	carriers := make(map[string]bool, len(p.pool.Members))
	for n := range p.pool.Members {
		carriers[p.pool.Members[n].Carrier()] = true
	}
	p.spare = make([]*Instance, 0, 4)
	for n := range p.pool.Instances {
		if i := &p.pool.Instances[n]; !carriers[i.ID] {
			p.spare = append(p.spare, i)
		}
	}
	return p.spare
}
