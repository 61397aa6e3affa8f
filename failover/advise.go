package failover

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// advice is what people are advised of.
type advice struct {
	seen   *monitor.Snapshot // the one that was taken in last
	warned map[probe.Target]string
	groups map[advisoryKey][]Warning // made from warned; nil: to be made anew
	list   map[advisoryKey]lasting
}

// news is one thing that is to be told of an advisory.
type news struct {
	advisory lasting
	kind     EntryKind
	text     string
}

// recalled goes on with what was told before a restart, so that it is not told
// again. What a target warned of then holds until it answers otherwise.
func recalled(list []Advisory) advice {
	a := advice{warned: map[probe.Target]string{}, list: map[advisoryKey]lasting{}}
	for _, old := range list {
		if old.Kind == AdviseDrift {
			continue
		}
		a.list[old.key()] = lasting{old, old.Warnings}
		for _, w := range old.Warnings {
			t := probe.Target{Pool: old.Pool, Check: old.Check}
			if len(w.Addrs) == 0 {
				a.warned[t] = w.Text
			}
			for _, t.Addr = range w.Addrs {
				a.warned[t] = w.Text
			}
		}
	}
	return a
}

// advise writes down what has begun or ended of what people should know.
func (s *state) advise(ctx context.Context, snap *monitor.Snapshot, now time.Time) {
	if s.advice.seen != snap {
		s.heard(snap)
		s.advice.seen = snap
	}
	list := append(s.unserved(snap, now), s.warnings(now)...)
	if len(list) == 0 {
		return
	}
	entries := make([]Entry, 0, len(list))
	for _, n := range list {
		entries = append(entries, Entry{Kind: n.kind, Pool: n.advisory.Pool, At: now.UTC(), Text: n.text, Advisory: &n.advisory.Advisory})
	}
	if !s.record(ctx, entries...) {
		return // it is news still at the next look
	}
	for _, n := range list {
		if n.kind == WarningOver || n.kind == ServedAgain {
			delete(s.advice.list, n.advisory.key())
		} else {
			s.advice.list[n.advisory.key()] = n.advisory
		}
	}
}

// heard takes in what the targets' latest answers warn of. Only a pass takes a
// warning back: who fails, or could not be asked, was not seen without it.
func (s *state) heard(snap *monitor.Snapshot) {
	for t := range s.watched {
		switch last := snap.Health(t).Last; {
		case last.Verdict == probe.Inconclusive:
		case last.Warning != "" || last.Verdict == probe.Pass:
			s.advice.hear(t, last.Warning)
		}
	}
	for t := range s.advice.warned {
		if s.departed(t) {
			s.advice.hear(t, "")
		}
	}
}

// hear takes in what a target warns of; empty: of nothing.
func (a *advice) hear(t probe.Target, text string) {
	switch before, known := a.warned[t]; {
	case before == text:
		return
	case known && text == "":
		delete(a.warned, t)
	default:
		a.warned[t] = text
	}
	a.groups = nil
}

// departed reports whether a target is watched no more, rather than not yet again.
func (s *state) departed(t probe.Target) bool {
	w, known := s.wirings[t.Pool]
	return !known || !s.watched[t] && (w.pool != nil || !t.Addr.IsValid())
}

// warnings brings the warnings up to date and returns the news of them, in the
// order of pools and checks.
func (s *state) warnings(now time.Time) []news {
	if s.advice.groups == nil {
		s.advice.groups = gathered(s.advice.warned)
	}
	keys := slices.Collect(maps.Keys(s.advice.groups))
	for key := range s.advice.list {
		if _, heard := s.advice.groups[key]; key.kind == AdviseWarning && !heard {
			keys = append(keys, key)
		}
	}
	var list []news
	for _, key := range keys {
		before, known := s.advice.list[key]
		if !known {
			before.Advisory = Advisory{Kind: key.kind, Pool: key.pool, Check: key.check}
		}
		next, kind := before.warnedBy(s.advice.groups[key], now)
		switch {
		case kind == Warned:
			list = append(list, news{next, kind, fmt.Sprintf("%s/%s: %s", next.Pool, next.Check, next.Text)})
			next.Told, next.told = before.Told, before.told // until it is written down
		case kind == WarningOver && before.Told.IsZero():
			delete(s.advice.list, key)
			continue
		case kind == WarningOver:
			list = append(list, news{next, kind, fmt.Sprintf("%s/%s: the warning is over: %s", next.Pool, next.Check, next.Text)})
		}
		s.advice.list[key] = next
	}
	slices.SortFunc(list, func(a, b news) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.text, b.text))
	})
	return list
}

// unserved returns the news of all endpoints, and of those that are endpoints
// no more.
func (s *state) unserved(snap *monitor.Snapshot, now time.Time) []news {
	var list []news
	known := map[advisoryKey]bool{}
	for _, spec := range s.Specs {
		for _, e := range spec.Endpoints {
			key := advisoryKey{AdviseNotServed, spec.Name, e.Name}
			known[key] = true
			var told *Advisory
			if a, ok := s.advice.list[key]; ok {
				told = &a.Advisory
			}
			if n, ok := serve(spec, e, told, snap, now); ok {
				list = append(list, n)
			}
		}
	}
	for key, a := range s.advice.list {
		if key.kind == AdviseNotServed && !known[key] {
			list = append(list, news{a, ServedAgain, fmt.Sprintf("%s: the endpoint %s is gone from the configuration: %s", a.Pool, a.Check, a.Text)})
		}
	}
	slices.SortStableFunc(list, func(a, b news) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.text, b.text)) })
	return list
}

// of are the pool's warnings, by check.
func (a advice) of(pool string) []Advisory {
	var list []Advisory
	for key, advisory := range a.list {
		if key.kind == AdviseWarning && key.pool == pool {
			list = append(list, advisory.Advisory)
		}
	}
	slices.SortFunc(list, func(a, b Advisory) int { return cmp.Compare(a.Check, b.Check) })
	return list
}
