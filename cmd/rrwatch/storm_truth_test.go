package main

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"rrwatch/simulator"
)

// stormTruth is what is really so, whatever rrwatch believes, and since when.
// It follows the simulated AWS, so that no change is missed.
type stormTruth struct {
	aws *simulator.AWS

	mu       sync.Mutex
	seen     uint64                     // the generation of the AWS that was looked at
	dirty    bool                       // a fault has changed since
	faults   map[string]simulator.Fault // by instance id
	hidden   map[string]bool            // by instance id: the watcher is cut off from it
	facts    map[factKey]*fact          // by what they say
	carriers map[netip.Addr]string      // as the API shows them
	sets     []simulator.RecordSet      // as the API shows them
	original []simulator.RecordSet      // as an operator left them
	touched  map[string]time.Time       // by set: when an operator last did something to it
	handled  map[netip.Addr]time.Time   // by address: when an operator last moved it
	removed  map[netip.Addr]bool        // an operator took it out of the answers
	added    map[netip.Addr]time.Time   // when an operator last put it into the answers
	cut      fact                       // the watcher sees nothing
}

// factKey is what a fact says: "served" of an address, "on" of an address and
// an instance, "well", "running" and "free" of an instance.
type factKey struct {
	what string
	addr netip.Addr
	id   string
}

// fact is something that is so, or not, now, and when it last was the other.
type fact struct {
	so     bool
	since  time.Time // when it last changed
	first  time.Time // when it first was so
	unsure bool      // it is so for one question and not for the next
	sure   time.Time // when it last became sure; zero: always was
}

func (f *fact) set(so, unsure bool, now time.Time) {
	if so && f.first.IsZero() {
		f.first = now
	}
	if f.so != so || f.since.IsZero() {
		f.so, f.since = so, now
	}
	if f.unsure && !unsure {
		f.sure = now
	}
	f.unsure = unsure
}

// within reports whether it was so at some time in the last d.
func (f *fact) within(d time.Duration) bool {
	return f.so || !f.first.IsZero() && time.Since(f.since) <= d || f.doubtful(d)
}

// notWithin reports whether it was not so at some time in the last d.
func (f *fact) notWithin(d time.Duration) bool {
	return !f.so || time.Since(f.since) <= d || f.doubtful(d)
}

func (f *fact) doubtful(d time.Duration) bool {
	return f.unsure || !f.sure.IsZero() && time.Since(f.sure) <= d
}

func newStormTruth(a *simulator.AWS, sets []simulator.RecordSet) *stormTruth {
	t := &stormTruth{
		aws: a, dirty: true, faults: map[string]simulator.Fault{}, hidden: map[string]bool{}, facts: map[factKey]*fact{},
		carriers: map[netip.Addr]string{}, sets: slices.Clone(sets), original: slices.Clone(sets),
		touched: map[string]time.Time{}, handled: map[netip.Addr]time.Time{}, removed: map[netip.Addr]bool{}, added: map[netip.Addr]time.Time{},
	}
	t.look()
	return t
}

// follow looks at every change until done closes.
func (t *stormTruth) follow(done <-chan struct{}) {
	for {
		changed := t.aws.Changed()
		t.look()
		select {
		case <-changed:
		case <-done:
			return
		}
	}
}

// look takes in what is so now.
func (t *stormTruth) look() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lookLocked()
}

func (t *stormTruth) lookLocked() {
	g := t.aws.Generation()
	if g == t.seen && !t.dirty && !t.aws.Changing() {
		return
	}
	t.seen, t.dirty = g, false
	now := time.Now()
	carries := map[string]bool{}
	for _, a := range t.aws.Addresses() {
		carries[a.Instance] = true
		i, ok := t.aws.Carrier(a.IP)
		so, unsure := t.well(i)
		t.fact(factKey{"served", a.IP, ""}).set(ok && so, ok && unsure, now)
		t.fact(factKey{"on", a.IP, a.Instance}).set(true, false, now)
		if was, known := t.carriers[a.IP]; known && was != a.Instance {
			t.fact(factKey{"on", a.IP, was}).set(false, false, now)
		}
		t.carriers[a.IP] = a.Instance
	}
	for _, i := range t.aws.Instances() {
		so, unsure := t.well(i)
		t.fact(factKey{"well", netip.Addr{}, i.ID}).set(so, unsure, now)
		t.fact(factKey{"running", netip.Addr{}, i.ID}).set(i.State == "running", false, now)
		t.fact(factKey{"free", netip.Addr{}, i.ID}).set(!carries[i.ID], false, now)
	}
}

func (t *stormTruth) fact(k factKey) *fact {
	if t.facts[k] == nil {
		t.facts[k] = &fact{}
	}
	return t.facts[k]
}

// well reports whether an instance serves those whom the watcher stands for,
// and whether that is so only sometimes.
func (t *stormTruth) well(i simulator.Instance) (so, unsure bool) {
	switch f := t.faults[i.ID]; {
	case i.State != "running" || t.hidden[i.ID]:
		return false, false
	case f == simulator.FaultFlap:
		return true, true
	default:
		return f == simulator.FaultNone, false
	}
}

// get is a copy of a fact.
func (t *stormTruth) get(k factKey) *fact {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lookLocked()
	return new(*t.fact(k))
}

func (t *stormTruth) served(a netip.Addr) *fact        { return t.get(factKey{"served", a, ""}) }
func (t *stormTruth) isWell(id string) *fact           { return t.get(factKey{"well", netip.Addr{}, id}) }
func (t *stormTruth) runs(id string) *fact             { return t.get(factKey{"running", netip.Addr{}, id}) }
func (t *stormTruth) free(id string) *fact             { return t.get(factKey{"free", netip.Addr{}, id}) }
func (t *stormTruth) on(a netip.Addr, id string) *fact { return t.get(factKey{"on", a, id}) }

// fault breaks or heals an instance.
func (t *stormTruth) fault(id string, f simulator.Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults[id], t.dirty = f, true
	t.lookLocked()
}

// hide cuts the watcher off from an instance, or connects it.
func (t *stormTruth) hide(id string, hidden bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hidden[id], t.dirty = hidden, true
	t.lookLocked()
}

// blind takes the watcher's sight, or gives it back.
func (t *stormTruth) blind(so bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cut.set(so, false, time.Now())
}

// allAlike reports whether all published of some members, at least two, are
// carried by running instances with the same fault, and since when.
func (t *stormTruth) allAlike(members []netip.Addr) (since time.Time, so bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lookLocked()
	published := answering(t.sets)
	kinds, n := map[simulator.Fault]bool{}, 0
	for _, a := range members {
		if !slices.Contains(published, a) {
			continue
		}
		n++
		i, ok := t.aws.Carrier(a)
		f := t.fact(factKey{"served", a, ""})
		if !ok || i.State != "running" || f.so || t.hidden[i.ID] {
			return since, false
		}
		kinds[t.faults[i.ID]] = true
		if f.since.After(since) {
			since = f.since
		}
	}
	return since, n > 1 && len(kinds) == 1 && !kinds[simulator.FaultNone]
}

func (t *stormTruth) terminated(id string) bool {
	return slices.ContainsFunc(t.aws.Instances(), func(i simulator.Instance) bool { return i.ID == id && i.State == "terminated" })
}

// keyOf names a record set.
func keyOf(s simulator.RecordSet) string { return s.Name + " " + s.Type + " " + s.SetIdentifier }

// published are the sets of a name, as the API shows them.
func (t *stormTruth) published(name string) []simulator.RecordSet {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(t.sets), func(s simulator.RecordSet) bool { return s.Name != name })
}

// all are all sets of the pools.
func (t *stormTruth) all() []simulator.RecordSet {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.sets)
}

// answering are the addresses with which sets can answer.
func answering(sets []simulator.RecordSet) []netip.Addr {
	var list []netip.Addr
	for _, s := range sets {
		if s.Weight != nil && *s.Weight == 0 {
			continue
		}
		for _, v := range s.Values {
			list = append(list, netip.MustParseAddr(v))
		}
	}
	return list
}

// sameSet reports whether two sets say the same.
func sameSet(a, b simulator.RecordSet) bool {
	same := keyOf(a) == keyOf(b) && a.TTL == b.TTL && a.MultiValue == b.MultiValue && (a.Weight == nil) == (b.Weight == nil)
	if !same || a.Weight != nil && *a.Weight != *b.Weight {
		return false
	}
	return slices.Equal(slices.Sorted(slices.Values(a.Values)), slices.Sorted(slices.Values(b.Values)))
}

// edited are sets after a change batch, and whether AWS would take it.
func edited(sets []simulator.RecordSet, deleted, created []simulator.RecordSet) ([]simulator.RecordSet, bool) {
	after := slices.Clone(sets)
	for _, d := range deleted {
		at := slices.IndexFunc(after, func(s simulator.RecordSet) bool { return sameSet(s, d) })
		if at < 0 {
			return sets, false
		}
		after = slices.Delete(after, at, at+1)
	}
	for _, c := range created {
		if slices.ContainsFunc(after, func(s simulator.RecordSet) bool { return keyOf(s) == keyOf(c) }) {
			return sets, false
		}
		after = append(after, c)
	}
	return after, true
}

// apply takes in a change batch that AWS has taken.
func (t *stormTruth) apply(deleted, created []simulator.RecordSet) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	after, took := edited(t.sets, deleted, created)
	t.sets = after
	return took
}

// byHand is an operator's edit of one set; nil removes it.
func (t *stormTruth) byHand(old simulator.RecordSet, set *simulator.RecordSet) {
	t.mu.Lock()
	same := func(s simulator.RecordSet) bool { return keyOf(s) == keyOf(old) }
	t.sets = slices.DeleteFunc(slices.Clone(t.sets), same)
	t.original = slices.DeleteFunc(slices.Clone(t.original), same)
	t.touched[keyOf(old)] = time.Now()
	for _, a := range answering([]simulator.RecordSet{old}) {
		t.removed[a] = true
	}
	if set != nil {
		t.sets, t.original = append(t.sets, *set), append(t.original, *set)
		for _, a := range answering([]simulator.RecordSet{*set}) {
			delete(t.removed, a)
			if !slices.Contains(old.Values, a.String()) {
				t.added[a] = time.Now()
			}
		}
	}
	t.mu.Unlock()
	if set == nil {
		t.aws.RemoveRecord(stormZone, old.Name, old.Type, old.SetIdentifier)
	} else {
		t.aws.SetRecord(stormZone, *set)
	}
}

// move is an operator's move of an address; to nothing if instance is empty.
func (t *stormTruth) move(addr netip.Addr, instance string) {
	t.mu.Lock()
	t.handled[addr] = time.Now()
	for _, a := range t.aws.Addresses() {
		if a.Instance == instance && instance != "" {
			t.handled[a.IP] = time.Now() // it is evicted
		}
	}
	t.mu.Unlock()
	t.aws.Associate(addr, instance)
	t.look()
}

// touchedSince reports whether an operator edited the set after at.
func (t *stormTruth) touchedSince(key string, at time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.touched[key].After(at)
}

// movedSince reports whether an operator moved the address after at.
func (t *stormTruth) movedSince(addr netip.Addr, at time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.handled[addr].After(at)
}
