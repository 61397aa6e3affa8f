package failover

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rrwatch/monitor"
)

// look compares what is believed with what is wired, and starts the actions
// that the plan allows.
func (s *state) look(ctx context.Context, now time.Time) {
	snap := s.Watcher.Snapshot()
	s.remember(ctx, snap)
	s.advise(ctx, snap, now)
	s.endPauses(ctx, now)
	s.everything, _ = everythingFails(snap)
	for _, spec := range s.Specs {
		if pool := s.wirings[spec.Name].pool; pool != nil {
			s.lease(ctx, spec, pool, now)
			s.openNew(ctx, spec, pool, snap, now)
			s.flap(ctx, spec, snap, now)
			s.settle(ctx, spec, pool, snap, now)
			s.closeOver(ctx, spec, pool, snap)
			s.respond(ctx, spec, pool, snap, now)
		}
	}
	s.tellDrained(ctx, now)
	s.forget(now)
	s.drift(ctx, snap.Blind != "" || s.everything != "", now)
	s.discover(ctx, now)
	s.view.Store(s.show(snap, now))
}

// remember journals the changes of belief.
func (s *state) remember(ctx context.Context, snap *monitor.Snapshot) {
	var entries []Entry
	for _, t := range s.Watcher.Transitions() {
		member := t.Target.Addr.Addr()
		text := fmt.Sprintf("%s is %s", t.Target, t.To)
		if n := len(t.Evidence); n > 0 && t.Evidence[n-1].Detail != "" {
			text += ": " + t.Evidence[n-1].Detail
		}
		e := Entry{At: time.Now().UTC(), Kind: Believed, Pool: t.Target.Pool, Member: member, Text: text, Transition: &t}
		if i, open := s.openFor(t.Target.Pool, member); open {
			e.Incident = i.ID
		}
		entries = append(entries, e)
	}
	switch {
	case snap.Blind != "" && s.blind == "":
		entries = append(entries, Entry{Kind: WentBlind, Text: "the watcher is blind: " + snap.Blind + "; nothing is believed to fail, and nothing is changed"})
	case snap.Blind == "" && s.blind != "":
		entries = append(entries, Entry{Kind: SawAgain, Text: "the watcher sees again: the references answer"})
	}
	if len(entries) > 0 || len(s.pending) > 0 {
		if s.record(ctx, entries...) {
			s.blind = snap.Blind
		}
	}
}

// openNew opens an incident for every published member that is Down and has none.
// While the watcher is blind nothing is opened: the fails may be its own.
func (s *state) openNew(ctx context.Context, spec *Spec, pool *Pool, snap *monitor.Snapshot, now time.Time) {
	for _, m := range pool.Members {
		b := believe(spec, m.Addr, snap)
		if b.State != monitor.Down || !m.Published || snap.Blind != "" {
			continue
		}
		if snap.References > 0 && snap.Sighted.Before(b.FirstBad) {
			continue
		}
		if _, open := s.openFor(spec.Name, m.Addr); open {
			continue
		}
		carrier, _ := pool.Instance(m.Carrier())
		s.record(ctx, Entry{
			Kind: Opened, Pool: spec.Name, Member: m.Addr, At: now.UTC(), Text: openingText(m, carrier, b),
			Opening: &Opening{
				FirstBad: b.FirstBad.UTC(), Believed: b.Since.UTC(), Instance: carrier.ID, Name: carrier.Name, Zone: carrier.Zone,
				SeenUp: b.SeenUp || s.history(spec, now).knows(spec, m.Addr), Evidence: b.evidence(),
			},
		})
		s.wirings[spec.Name].due = time.Time{} // what is read from now on may be acted on
	}
}

func openingText(m Member, carrier Instance, b belief) string {
	where := "which no known instance carries"
	if carrier.ID != "" {
		where = fmt.Sprintf("carried by %s in %s", carrier.Label(), carrier.Zone)
	}
	why := ""
	if fails := b.evidence(); len(fails) > 0 {
		why = ": " + fails[0].Detail
	}
	return fmt.Sprintf("%s, %s, fails%s", m.Addr, where, why)
}

// closeOver closes the incidents that are over: the member is served again by
// proof from outside, or is published no more by someone else's hand.
func (s *state) closeOver(ctx context.Context, spec *Spec, pool *Pool, snap *monitor.Snapshot) {
	for _, i := range s.open[spec.Name] {
		_, unfinished := i.Unfinished()
		if unfinished || pool.Read.Before(i.lastTouch()) {
			continue
		}
		if text, over := s.over(spec, pool, snap, i); over {
			var entries []Entry
			if p := i.Proposal; p != nil {
				e := i.entry(ProposalOver, "the proposal no longer holds: "+p.Action)
				e.Proposal = p
				entries = append(entries, e)
			}
			s.record(ctx, append(entries, i.entry(Closed, text))...)
		}
	}
}

// over says whether and how an incident has ended.
func (s *state) over(spec *Spec, pool *Pool, snap *monitor.Snapshot, i Incident) (string, bool) {
	edit, withdrawn := i.Withdrawn()
	m, there := pool.Member(i.Member)
	if !there {
		return i.Member.String() + " is no longer published, by someone else's change", !withdrawn
	}
	// The weight that we took is still to be given back, even if another set publishes the address, too.
	owed := withdrawn && edit.Shall.Weight != nil && pool.set(edit.Was.Key()).Equal(edit.Shall)
	switch up := believe(spec, i.Member, snap).State == monitor.Up; {
	case i.Flapping, owed:
	case m.Published && up:
		return i.Member.String() + " is served again" + recovery(i, pool), true
	case withdrawn && pool.removed(edit):
		return i.Member.String() + " stays out of the answers: someone else has removed its record set", true
	case !m.Published && !withdrawn:
		return i.Member.String() + " is no longer published, by someone else's change", true
	}
	return "", false
}

// removed reports whether someone else has removed the record set that an edit has
// left, and no other one publishes the address.
func (p *Pool) removed(edit Reweigh) bool {
	m, _ := p.Member(edit.Addr)
	return !m.Published && edit.Shall.Exists() && !p.set(edit.Was.Key()).Exists()
}

// recovery says by what the member came back.
func recovery(i Incident, pool *Pool) string {
	_, withdrawn := i.Withdrawn()
	switch {
	case withdrawn:
		return ", by someone else's change of the record set, which is left as it is"
	case len(i.Actions) == 0 && i.Opening.Failback:
		return ", and its move back was not begun"
	case len(i.Actions) == 0:
		return ", without our doing"
	}
	last := i.Actions[len(i.Actions)-1]
	switch {
	case last.Kind == KindFailback && !last.Status.tookEffect():
		return " and stays where it is: the move back was not made"
	case last.Status != Proven:
		return ", without proof that it was our doing"
	case last.Kind == KindFailback:
		return " by " + label(last.Remap.To, last.Remap.ToName) + ", as before the failure"
	case last.Remap != nil:
		to, _ := pool.Instance(last.Remap.To)
		return fmt.Sprintf(" by %s, %s after the first bad answer", to.Label(), i.Clock().Whole.Round(10*time.Millisecond))
	}
	return " and published again as it was"
}

// lastTouch is when the incident last changed the world; zero if never.
func (i Incident) lastTouch() time.Time {
	var at time.Time
	for _, a := range i.Actions {
		at = later(at, a.Applied)
	}
	return at
}

// respond diagnoses, decides, writes down what is held, and begins the actions.
func (s *state) respond(ctx context.Context, spec *Spec, pool *Pool, snap *monitor.Snapshot, now time.Time) {
	for _, i := range s.open[spec.Name] {
		if believe(spec, i.Member, snap).State != monitor.Down || i.moved() && i.Diagnosis.Cause != "" {
			continue // what was found before the move stands: it fails in two places
		}
		d := diagnose(spec, pool, snap, i.Member, s.everything)
		if i.Diagnosis.Cause == CauseZone && zoneRecovers(spec, pool, snap, i.Opening.Zone, now) {
			continue // it is the last of its zone to come back
		}
		if d.Cause != i.Diagnosis.Cause {
			e := i.entry(Diagnosed, fmt.Sprintf("cause: %s; %s", d.Cause, strings.Join(d.Evidence, "; ")))
			e.Diagnosis = &d
			s.record(ctx, e)
		}
	}
	plan := Decide(spec, pool, snap, s.history(spec, now), now)
	s.plans[spec.Name] = plan
	for _, i := range s.open[spec.Name] {
		s.held(ctx, i, plan)
		s.propose(ctx, spec, i, plan, now)
	}
	s.begin(ctx, spec, pool, snap, plan) // what the budget still allows, before the brake ends all
	s.latch(ctx, plan)
}

// history is what Decide must know beside the present state.
func (s *state) history(spec *Spec, now time.Time) *History {
	h := &History{
		Unleased: s.unleased(spec, now), Open: s.open[spec.Name], Left: s.left, Total: s.Total, Brake: s.brake, Released: s.released,
		NoRecord: s.noRecord, StaleAt: 3*s.Discover + readTimeout, Pauses: s.pauses, SeenUp: s.seenUp,
		Everything: s.everything, Trouble: s.wirings[spec.Name].trouble,
	}
	if spec.Policy.Failback > 0 {
		h.Homes = s.homes[spec.Name]
	}
	if len(h.Open) == 0 && len(h.Homes) == 0 {
		return h // nothing is asked of the past
	}
	for _, a := range s.acted {
		// What AWS or its client has refused changed nothing, and is no part of a budget.
		if now.Sub(a.Begun) < day && (a.Status != Refused || a.Kind == KindFailback) {
			h.Changes = append(h.Changes, Change{a.Kind, a.Pool, a.Member, a.Incident, a.Begun, a.Status.tookEffect(), a.Applied})
			if a.Kind == KindRemap && a.Status.tookEffect() {
				h.vacate(a.Remap.From)
			}
		}
		if !a.Status.Done() {
			h.InFlight = append(h.InFlight, a)
		}
	}
	return h
}

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// forget drops incidents that no judgement needs any more.
func (s *state) forget(now time.Time) {
	for id, i := range s.incidents {
		if !i.Open() && now.Sub(i.Closed) > week {
			delete(s.incidents, id)
		}
	}
	s.acted = slices.DeleteFunc(s.acted, func(a Action) bool { return a.Status.Done() && now.Sub(a.Begun) > day })
}

// held writes down what the plan holds back for an incident, when that has
// changed. Sentences that only count time do not make it a change.
func (s *state) held(ctx context.Context, i Incident, plan Plan) {
	var holds []Hold
	var texts []string
	for _, h := range plan.Held {
		if h.Member == i.Member {
			holds = append(holds, h)
			texts = append(texts, h.sentence())
		}
	}
	same := slices.EqualFunc(holds, i.Held, func(a, b Hold) bool {
		return a.Guard == b.Guard && a.Remedy == b.Remedy && a.Action == b.Action
	})
	if len(holds) == 0 || same {
		return
	}
	e := i.entry(HeldBack, "held back: "+strings.Join(texts, "; "))
	e.Held = holds
	s.record(ctx, e)
}

func (h Hold) sentence() string {
	text := h.Text
	if h.Remedy != "" {
		text = string(h.Remedy) + ": " + text
	}
	if h.Action != "" {
		text += " (would " + h.Action + ")"
	}
	return text
}

// latch latches the brake when the plan has spent its budget.
func (s *state) latch(ctx context.Context, plan Plan) {
	for _, h := range plan.Held {
		if h.Guard == GuardBudget && s.brake == nil {
			s.record(ctx, Entry{Kind: BrakeLatched, Pool: plan.Pool, Member: h.Member, Text: h.Text + "; a person has to look and release the brake"})
		}
	}
}

// begin writes the actions down, each batch whole, and starts them. What is not
// in the journal is not done (I5).
func (s *state) begin(ctx context.Context, spec *Spec, pool *Pool, snap *monitor.Snapshot, plan Plan) {
	for _, batch := range batches(plan.Actions) {
		if s.editing(batch[0]) || s.gathers(spec, pool, snap, batch) || !s.fence(batch, time.Now()) {
			continue
		}
		entries := make([]Entry, len(batch))
		for n, a := range batch {
			if a.Kind == KindFailback && a.Incident == 0 {
				if a.Incident = s.openPlanned(ctx, a); a.Incident == 0 {
					return // the journal cannot be written
				}
				batch[n] = a
			}
			a.Status, a.Begun = Begun, time.Now().UTC()
			entries[n] = s.incidents[a.Incident].entry(ActionBegun, fmt.Sprintf("%s: %s", a, a.Why))
			entries[n].At, entries[n].Action = a.Begun, &a
		}
		if !s.record(ctx, entries...) {
			continue
		}
		s.fenced(batch, time.Now())
		var begun []Action
		for _, a := range batch {
			if of, ok := s.incidents[a.Incident].Unfinished(); ok {
				begun = append(begun, of)
			}
		}
		s.perform(ctx, begun)
	}
}

// editing reports whether the zone that an edit is in is being edited. Edits of a
// zone run one after the other; what is planned meanwhile goes in one batch then.
func (s *state) editing(a Action) bool {
	return a.Reweigh != nil && slices.ContainsFunc(s.acted, func(o Action) bool {
		return o.Reweigh != nil && o.Reweigh.Zone == a.Reweigh.Zone && o.Status == Begun && s.working[o.ID]
	})
}

// gatherZone is how long the first edit waits, when a zone fails, for those that
// fail with it and are not known to yet: they would go in a second batch, which has
// to wait until the first one has ended.
const gatherZone = time.Second

// gathers reports whether withdrawals wait for other members of their zone that are
// suspected, or where the whole zone fails, have not been asked since.
func (s *state) gathers(spec *Spec, pool *Pool, snap *monitor.Snapshot, batch []Action) bool {
	for _, a := range batch {
		i := s.incidents[a.Incident]
		if a.Kind != KindWithdraw || i.Opening.Zone == "" || !i.justOpened(time.Now()) {
			continue
		}
		first := believe(spec, a.Member, snap).FirstBad
		for _, m := range pool.Members {
			carrier, _ := pool.Instance(m.Carrier())
			b := believe(spec, m.Addr, snap)
			unknown := b.doubt != nil || i.Diagnosis.Cause == CauseZone && !b.askedSince(first)
			if m.Published && carrier.Zone == i.Opening.Zone && b.State == monitor.Up && unknown {
				return true
			}
		}
	}
	return false
}

// justOpened reports whether the incident is so young that others of its zone are
// waited for; not if the clock was put back since, which could be for long.
func (i Incident) justOpened(now time.Time) bool {
	age := now.Sub(i.Opened)
	return 0 <= age && age < gatherZone
}

// openPlanned opens the incident that a move back belongs to; 0: it could not be
// written down, and then neither can what belongs to it.
func (s *state) openPlanned(ctx context.Context, a Action) int64 {
	s.record(ctx, Entry{
		Kind: Opened, Pool: a.Pool, Member: a.Member, Text: fmt.Sprintf("%s goes back to %s", a.Member, label(a.Remap.To, a.Remap.ToName)),
		Opening: &Opening{Failback: true, SeenUp: true, Instance: a.Remap.From, Name: a.Remap.FromName},
	})
	i, _ := s.openFor(a.Pool, a.Member)
	return i.ID
}
