package failover

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"rrwatch/monitor"
)

func sortIncidents(list []Incident) {
	slices.SortFunc(list, func(a, b Incident) int {
		return cmp.Or(a.Member.Compare(b.Member), cmp.Compare(a.ID, b.ID))
	})
}

// show is the view of the present state. It shares nothing that the owner
// still changes.
func (s *state) show(snap *monitor.Snapshot, now time.Time) *View {
	v := &View{At: now, Vantage: s.Vantage, Blind: snap.Blind, Brake: s.brake, NoRecord: s.noRecord, Pauses: s.pauses, Probes: snap.Tally}
	for _, spec := range s.Specs {
		w := s.wirings[spec.Name]
		p := PoolView{
			Name: spec.Name, Record: spec.Record, Policy: spec.Policy,
			Trouble: w.trouble, Plan: s.plans[spec.Name],
			Endpoints: showEndpoints(spec, snap), Advisories: s.advice.of(spec.Name), Drifts: s.drifted.of(spec.Name),
			Score: s.score(spec.Name),
		}
		if l := s.leases[spec.Name]; l != nil {
			p.Lease = l.view(now)
		}
		if spec.Maintenance != nil {
			if until, in := spec.Maintenance(now); in {
				p.Maintenance = until
			}
		}
		if w.pool != nil {
			p.Read, p.Notices, p.Lints = w.pool.Read, w.pool.Notices, w.pool.lintsAt(spec, snap)
			p.Members = s.showMembers(spec, w.pool, snap)
			p.Spare = showSpare(spec, w.pool, snap, now)
		}
		v.Pools = append(v.Pools, p)
	}
	return v
}

func (s *state) showMembers(spec *Spec, pool *Pool, snap *monitor.Snapshot) []MemberView {
	list := make([]MemberView, 0, len(pool.Members))
	for _, m := range pool.Members {
		if m.Address != nil {
			m.Address = new(*m.Address) // the owner overlays its own moves on it
		}
		b := believe(spec, m.Addr, snap)
		view := MemberView{Member: m, State: b.State, Since: b.Since, ToChange: b.toChange(), Checks: b.views()}
		view.Carrier, _ = pool.Instance(m.Carrier())
		if i, open := s.openFor(spec.Name, m.Addr); open {
			view.Incident, view.Planned, view.Flapping = i.ID, i.Planned(), i.Flapping
			var edit Reweigh
			if edit, view.Withdrawn = i.Withdrawn(); edit.partial() {
				view.Returning = *edit.Was.Weight
			}
		}
		if !m.Published {
			view.Draining = s.memberDrains(spec.Name, m.Addr, snap.At)
		}
		for _, h := range s.plans[spec.Name].Held {
			if h.Member == m.Addr {
				view.Holds = append(view.Holds, h)
			}
		}
		list = append(list, view)
	}
	return list
}

func showSpare(spec *Spec, pool *Pool, snap *monitor.Snapshot, now time.Time) []SpareView {
	var list []SpareView
	for _, i := range pool.Spare() {
		view := SpareView{Instance: i, Probe: i.ProbeAddr(spec.Instances.Address), Why: unfit(&i, spec.Instances.Secondary)}
		b := believe(spec, view.Probe, snap)
		view.State, view.Since, view.ToChange, view.Checks = b.State, b.Since, b.toChange(), b.views()
		switch {
		case view.Why != "":
		case !view.Probe.IsValid():
			view.Why = "has no address to ask it at"
		case !b.passing(now):
			view.Why = "does not pass the checks now"
		default:
			view.Standby = true
		}
		list = append(list, view)
	}
	return list
}

// counted is a number of things: "1 member", "2 members".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
