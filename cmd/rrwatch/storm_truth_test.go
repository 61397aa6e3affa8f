package main

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"rrwatch/simulator"
)

// stormTruth is what is really so, whatever rrwatch believes, and since when.
// It follows the simulated AWS, so that no change is missed.
type stormTruth struct {
	aws *simulator.AWS

	mu       sync.Mutex
	faulty   map[string]bool          // by instance id
	facts    map[string]*fact         // by what they say
	sets     []simulator.RecordSet    // as the API shows them
	original []simulator.RecordSet    // as an operator left them
	touched  map[string]time.Time     // by set: when an operator last did something to it
	handled  map[netip.Addr]time.Time // by address: when an operator last moved it
	removed  map[netip.Addr]bool      // an operator took it out of the answers
	cut      fact                     // the watcher is cut off
}

// fact is something that is so, or not, now, and when it last was the other.
type fact struct {
	so    bool
	since time.Time // when it last changed
	first time.Time // when it first was so
}

func (f *fact) set(so bool, now time.Time) {
	if so && f.first.IsZero() {
		f.first = now
	}
	if f.so != so || f.since.IsZero() {
		f.so, f.since = so, now
	}
}

// within reports whether it was so at some time in the last d.
func (f *fact) within(d time.Duration) bool {
	return f != nil && (f.so || !f.first.IsZero() && time.Since(f.since) <= d)
}

// notWithin reports whether it was not so at some time in the last d.
func (f *fact) notWithin(d time.Duration) bool { return f == nil || !f.so || time.Since(f.since) <= d }

func newStormTruth(a *simulator.AWS, sets []simulator.RecordSet) *stormTruth {
	t := &stormTruth{
		aws: a, faulty: map[string]bool{}, facts: map[string]*fact{}, sets: slices.Clone(sets), original: slices.Clone(sets),
		touched: map[string]time.Time{}, handled: map[netip.Addr]time.Time{}, removed: map[netip.Addr]bool{},
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

// look takes in what is so now: "served <address>", "well <instance id>" and
// "free <instance id>" and "running <instance id>".
func (t *stormTruth) look() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	carries := map[string]bool{}
	for _, a := range t.aws.Addresses() {
		carries[a.Instance] = true
		i, ok := t.aws.Carrier(a.IP)
		t.fact("served "+a.IP.String()).set(ok && t.well(i), now)
		t.fact("on "+a.IP.String()+" "+a.Instance).set(true, now)
		for name, f := range t.facts {
			if other, found := strings.CutPrefix(name, "on "+a.IP.String()+" "); found && other != a.Instance {
				f.set(false, now)
			}
		}
	}
	for _, i := range t.aws.Instances() {
		t.fact("well "+i.ID).set(t.well(i), now)
		t.fact("running "+i.ID).set(i.State == "running", now)
		t.fact("free "+i.ID).set(!carries[i.ID], now)
	}
}

func (t *stormTruth) fact(name string) *fact {
	if t.facts[name] == nil {
		t.facts[name] = &fact{}
	}
	return t.facts[name]
}

func (t *stormTruth) well(i simulator.Instance) bool { return i.State == "running" && !t.faulty[i.ID] }

// get is a copy of a fact.
func (t *stormTruth) get(format ...string) *fact {
	t.look()
	t.mu.Lock()
	defer t.mu.Unlock()
	return new(*t.fact(strings.Join(format, " ")))
}

// break or heal an instance.
func (t *stormTruth) fault(id string, faulty bool) {
	t.mu.Lock()
	t.faulty[id] = faulty
	t.mu.Unlock()
	t.look()
}

// keyOf names a record set.
func keyOf(s simulator.RecordSet) string { return s.Name + " " + s.Type + " " + s.SetIdentifier }

// published are the sets of a name, as the API shows them.
func (t *stormTruth) published(name string) []simulator.RecordSet {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(t.sets), func(s simulator.RecordSet) bool { return s.Name != name })
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
