package failover

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// How drift is watched. Route 53 counts each question as a query: a pool is asked
// a few of them a minute.
const (
	driftEvery   = time.Minute
	driftTimeout = 45 * time.Second
	// driftAsked is how often each server is asked for a name that is answered at
	// random. A stranger with a tenth of one server's answers is heard within two
	// asks as a rule, since all servers are asked.
	driftAsked = 4
	// A disagreement is told when it was there at driftAsks asks, over driftLasts at
	// least, and it is over when it was not at driftGone in a row.
	driftAsks  = 3
	driftLasts = 2 * time.Minute
	driftGone  = 2
)

// drifting is a disagreement that is watched, whether it was told or not.
type drifting struct {
	Advisory
	Drift
	asks int // at which it was there
	gone int // asks in a row at which it was not
}

// driftWatch is what is known of disagreements. The responder's goroutine owns
// it, but for heard, on which each pool has one answer under way at most.
type driftWatch struct {
	list    map[advisoryKey]drifting
	due     map[string]time.Time // by pool: when its servers are asked next
	asking  map[string]bool
	unread  map[string]heard // answers that wait until the pool is read: sets that were read before say nothing of them
	heard   chan heard
	blindAt time.Time // when the watcher was last blind
}

// heard is what all servers have answered for one pool.
type heard struct {
	pool    string
	began   time.Time
	answers []Answer
	err     error
}

// newDriftWatch goes on with what was told before a restart. The pools are asked
// one after the other within each minute.
func newDriftWatch(specs []*Spec, told []Advisory, now time.Time) driftWatch {
	d := driftWatch{
		list: map[advisoryKey]drifting{}, due: map[string]time.Time{}, asking: map[string]bool{}, unread: map[string]heard{},
		heard: make(chan heard, len(specs)),
	}
	for n, spec := range specs {
		d.due[spec.Name] = now.Add(driftEvery * time.Duration(n) / time.Duration(len(specs)))
	}
	for _, a := range told {
		if a.Kind == AdviseDrift {
			d.list[a.key()] = drifting{Advisory: a, Drift: Drift{Key: a.Check, Text: a.Text, Type: typeOf(a.Check)}, asks: driftAsks}
		}
	}
	return d
}

// of are the pool's disagreements that were told, by what they are about.
func (d *driftWatch) of(pool string) []Advisory {
	var list []Advisory
	for key, one := range d.list {
		if key.pool == pool && !one.Told.IsZero() {
			list = append(list, one.Advisory)
		}
	}
	slices.SortFunc(list, func(a, b Advisory) int { return cmp.Compare(a.Check, b.Check) })
	return list
}

// drift asks the authoritative servers of the pools that are due, and judges what
// they have answered. Nothing is asked or judged while the watcher is blind.
func (s *state) drift(ctx context.Context, blind bool, now time.Time) {
	s.takeAnswers()
	if blind {
		s.drifted.blindAt = now
		return
	}
	s.endStrangers(ctx, now)
	for _, spec := range s.Specs {
		pool := s.wirings[spec.Name].pool
		if pool == nil {
			continue
		}
		if h, ok := s.drifted.unread[spec.Name]; ok && pool.Read.After(h.began) {
			delete(s.drifted.unread, spec.Name)
			s.judge(ctx, spec, pool, h, now)
		}
		if !s.drifted.asking[spec.Name] && !now.Before(s.drifted.due[spec.Name]) && ctx.Err() == nil {
			s.drifted.due[spec.Name] = now.Add(driftEvery)
			s.askServers(ctx, spec, pool)
		}
	}
}

// askServers asks in a goroutine of its own.
func (s *state) askServers(ctx context.Context, spec *Spec, pool *Pool) {
	s.drifted.asking[spec.Name] = true
	h := heard{pool: spec.Name, began: time.Now()}
	zone, times := pool.ZoneID, 1
	if slices.ContainsFunc(pool.Sets, func(set RecordSet) bool { return set.Weight != nil }) && len(pool.Sets) > 1 {
		times = driftAsked
	}
	s.calls.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, driftTimeout)
		defer cancel()
		h.answers, h.err = s.Records.Ask(ctx, zone, spec.Record, times)
		s.drifted.heard <- h
	})
}

// takeAnswers takes in what the servers have answered. What was asked while the
// watcher was blind counts for nothing.
func (s *state) takeAnswers() {
	for {
		select {
		case h := <-s.drifted.heard:
			delete(s.drifted.asking, h.pool)
			if h.began.After(s.drifted.blindAt) {
				s.drifted.unread[h.pool] = h
			}
		default:
			return
		}
	}
}

// judge compares what the servers have answered with what the pool says.
func (s *state) judge(ctx context.Context, spec *Spec, pool *Pool, h heard, now time.Time) {
	if ctx.Err() != nil || !h.began.After(s.drifted.blindAt) {
		return
	}
	did := s.did(spec, h.began, now)
	found := drifts(spec, pool, h.answers, did)
	if h.err != nil {
		found = append(found, Drift{Key: "unasked", Text: fmt.Sprintf("the authoritative servers of %s cannot be asked: %s", spec.Record, oneLine(h.err))})
	}
	s.tellDrifts(ctx, s.drifted.round(spec.Name, found, func(d Drift) bool { return h.saysNothingOf(d, did) }, now))
}

// saysNothingOf reports whether a disagreement may be there still although these
// answers have none of it.
func (h heard) saysNothingOf(d Drift, did own) bool {
	silent := func(server string) bool {
		return slices.ContainsFunc(h.answers, func(a Answer) bool { return a.Server == server && a.Err != nil })
	}
	answers := slices.ContainsFunc(h.answers, func(a Answer) bool { return a.Err == nil })
	switch {
	case d.Type == "":
		return h.err != nil && strings.HasPrefix(d.Key, "silent")
	case h.err != nil || did.busy[d.Type]:
		return true
	case len(d.Servers) == 0: // told before a restart
		return !answers && len(h.answers) > 0
	}
	return slices.ContainsFunc(d.Servers, silent)
}

// did is what rrwatch believes because it did it, as judged of answers that were
// asked for at began.
func (s *state) did(spec *Spec, began, now time.Time) own {
	b := own{moves: map[netip.Addr]Remap{}, sets: map[RecordKey]RecordSet{}, busy: map[string]bool{}, fresh: map[string]bool{}}
	for _, a := range s.acted {
		unsettled := !a.Status.Done() || !a.Ended.Before(began)
		if r := a.Reweigh; r != nil && r.key().Name == spec.Record && unsettled {
			b.busy[r.key().Type] = true
		}
		if r := a.Remap; r != nil && (unsettled || now.Sub(later(a.Applied, a.Ended)) < describeLag) {
			b.fresh[r.From], b.fresh[r.To], b.fresh[a.Member.String()] = true, true, true
		}
	}
	for _, i := range s.open[spec.Name] {
		s.didIn(i, b)
	}
	return b
}

// didIn adds what rrwatch did in an incident that is open.
func (s *state) didIn(i Incident, b own) {
	for _, a := range i.Actions {
		if a.Remap != nil && a.Status.tookEffect() {
			b.moves[a.Member] = *a.Remap
		}
	}
	edit, out := i.Withdrawn()
	if left, known := s.left[edit.Was.Key()]; out && known && !b.busy[edit.key().Type] {
		b.sets[edit.Was.Key()] = left.Set
	}
}

// round takes in what was found of a pool at one ask, and returns what is to be
// told of it.
func (d *driftWatch) round(pool string, found []Drift, unheard func(Drift) bool, now time.Time) []drifting {
	var tell []drifting
	there := map[advisoryKey]bool{}
	for _, f := range found {
		key := advisoryKey{AdviseDrift, pool, f.Key}
		if there[key] {
			continue
		}
		there[key] = true
		one := d.seen(key, f, now)
		if one.Told.IsZero() && one.asks >= driftAsks && now.Sub(one.Begun) >= driftLasts {
			tell = append(tell, one)
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(d.list), advisoryKey.compare) {
		if key.pool != pool || there[key] || unheard(d.list[key].Drift) {
			continue
		}
		if one := d.missed(key, now); one.gone >= driftGone && !one.Told.IsZero() {
			tell = append(tell, one)
		}
	}
	return tell
}

// seen takes in that a disagreement is there.
func (d *driftWatch) seen(key advisoryKey, f Drift, now time.Time) drifting {
	one, known := d.list[key]
	if !known {
		one.Advisory = Advisory{Kind: key.kind, Pool: key.pool, Check: key.check, Begun: now.UTC()}
	}
	one.Drift, one.Advisory.Text, one.Gone, one.gone = f, f.Text, time.Time{}, 0
	one.asks++
	d.list[key] = one
	return one
}

// missed takes in that a disagreement is not there. One that was never told is
// forgotten when it is over; of the others the end is told first.
func (d *driftWatch) missed(key advisoryKey, now time.Time) drifting {
	one := d.list[key]
	if one.gone++; one.Gone.IsZero() {
		one.Gone = now.UTC()
	}
	d.list[key] = one
	if one.gone >= driftGone && one.Told.IsZero() {
		delete(d.list, key)
	}
	return one
}

func (k advisoryKey) compare(o advisoryKey) int {
	return cmp.Or(cmp.Compare(k.kind, o.kind), cmp.Compare(k.pool, o.pool), cmp.Compare(k.check, o.check))
}

// tellDrifts writes down what has lasted, and what is over; what cannot be written
// is told after the next ask.
func (s *state) tellDrifts(ctx context.Context, list []drifting) {
	if len(list) == 0 {
		return
	}
	now := time.Now().UTC()
	entries := make([]Entry, len(list))
	for n := range list {
		a := &list[n].Advisory
		e := Entry{Kind: Drifted, Pool: a.Pool, At: now, Text: fmt.Sprintf("%s: %s (since %s)", a.Pool, a.Text, clockTime(a.Begun, now))}
		if !a.Gone.IsZero() {
			e.Kind = DriftOver
			e.Text = fmt.Sprintf("%s: the disagreement is over: %s (from %s until %s)", a.Pool, a.Text, clockTime(a.Begun, now), clockTime(a.Gone, now))
		} else {
			a.Told = now
		}
		e.Advisory = new(*a)
		entries[n] = e
	}
	if !s.record(ctx, entries...) {
		return
	}
	for n, one := range list {
		if entries[n].Kind == DriftOver {
			delete(s.drifted.list, one.key())
		} else {
			s.drifted.list[one.key()] = one
		}
	}
}

// endStrangers ends what was told of pools that the configuration has no more.
func (s *state) endStrangers(ctx context.Context, now time.Time) {
	var list []drifting
	for _, key := range slices.SortedFunc(maps.Keys(s.drifted.list), advisoryKey.compare) {
		if _, known := s.wirings[key.pool]; !known {
			one := s.drifted.list[key]
			one.Gone = now.UTC()
			list = append(list, one)
		}
	}
	s.tellDrifts(ctx, list)
}
