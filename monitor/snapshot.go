// Package monitor watches targets: it schedules their probes, on a wheel of
// ticks, and believes what their results, in a row, say. It does not wait for
// the interval when something seems wrong: a fail asks the target again, its
// siblings and the references; a late answer and the end of an idle connection
// (a tripwire) ask too. It doubts itself: while references are silent, and after
// a pause of the machine, no fail counts. One goroutine owns all of its state;
// everyone else reads snapshots, which are never changed.
package monitor

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"rrwatch/probe"
)

// Watch is one target with how it is asked and how it is believed.
type Watch struct {
	Target     probe.Target
	Probe      probe.Func
	Plain      *probe.Plain  // the same question for the engine; nil: only Probe can ask it
	Tripwire   *probe.Plain  // how an idle connection is held open whose end asks for a probe; nil: none is
	Interval   time.Duration // from the start of a probe to the start of the next
	Timeout    time.Duration // a whole probe ends within this
	Recheck    time.Duration // the interval while the next result could change the belief
	Thresholds Thresholds
}

// Snapshot is what is believed at one moment. It is shared and must not be
// changed by those who read it.
type Snapshot struct {
	At      time.Time // when it was published
	Blind   string    // why the watcher trusts none of its own fails; empty when it sees
	Sees    time.Time // when it last ceased to be blind; zero if it never was
	Sighted time.Time // when the references were last seen to answer; zero when there are none
	Stalled time.Time // when the watcher last found that it had been paused; zero if never

	References int   // how many there are
	Tally      Tally // of all results since the watch began, those of references too

	entries map[probe.Target]*entry // of which only the place is read; shared by many snapshots
	health  []*Health               // by place
	counted *counted
}

// counted is what is counted of a snapshot when it is first asked for.
type counted struct {
	fails     sync.Once
	suspected int // targets

	pools    sync.Once
	suspects map[string]int // addresses, by pool

	all       sync.Once
	began     []time.Time // of each address that fails, sorted
	addresses int
}

// NewSnapshot is a snapshot that believes so.
func NewSnapshot(at time.Time, health map[probe.Target]Health) *Snapshot {
	s := &Snapshot{At: at, entries: map[probe.Target]*entry{}, counted: &counted{}}
	for target, h := range health {
		s.entries[target] = &entry{place: int32(len(s.health))}
		s.health = append(s.health, &h)
	}
	return s
}

// With is the snapshot with another belief of one target.
func (s *Snapshot) With(t probe.Target, h Health) *Snapshot {
	health := maps.Collect(s.All())
	health[t] = h
	changed := *s
	made := NewSnapshot(s.At, health)
	changed.entries, changed.health, changed.counted = made.entries, made.health, made.counted
	return &changed
}

// Health is what is believed of a target; the zero Health of one that is not watched.
func (s *Snapshot) Health(t probe.Target) Health {
	if e, ok := s.entries[t]; ok {
		return *s.health[e.place]
	}
	return Health{}
}

// Of is what is believed of a target; nil of one that is not watched. It is
// shared and must not be written to.
func (s *Snapshot) Of(t probe.Target) *Health {
	if e, ok := s.entries[t]; ok {
		return s.health[e.place]
	}
	return nil
}

// All are all watched targets with what is believed of them, in no order.
func (s *Snapshot) All() iter.Seq2[probe.Target, Health] {
	return func(yield func(probe.Target, Health) bool) {
		for target, h := range s.Each() {
			if !yield(target, *h) {
				return
			}
		}
	}
}

// Each are all watched targets with what is believed of them, in no order. What
// is believed is shared and must not be written to.
func (s *Snapshot) Each() iter.Seq2[probe.Target, *Health] {
	return func(yield func(probe.Target, *Health) bool) {
		for target, e := range s.entries {
			if !isReference(target) && !yield(target, s.health[e.place]) {
				return
			}
		}
	}
}

// Suspected is how many watched targets have fails that are not yet forgotten,
// references included. They are counted the first time that it is asked.
func (s *Snapshot) Suspected() int {
	if s.counted == nil {
		return 0 // nothing is watched yet
	}
	s.counted.fails.Do(func() {
		for _, h := range s.health {
			if h != nil && h.Fails > 0 {
				s.counted.suspected++
			}
		}
	})
	return s.counted.suspected
}

// Suspects is how many addresses of a pool have fails that are not yet
// forgotten, or are Down. All pools are counted the first time that it is asked.
func (s *Snapshot) Suspects(pool string) int {
	if s.counted == nil {
		return 0 // nothing is watched yet
	}
	s.counted.pools.Do(func() {
		type place struct {
			pool string
			addr netip.Addr
		}
		s.counted.suspects = map[string]int{}
		seen := map[place]bool{}
		for target, h := range s.Each() {
			at := place{target.Pool, target.Addr.Addr()}
			if (h.Fails > 0 || h.State == Down) && at.addr.IsValid() && !seen[at] {
				seen[at] = true
				s.counted.suspects[at.pool]++
			}
		}
	})
	return s.counted.suspects[pool]
}

// Began is when each address that has fails which are not yet forgotten began to
// fail, sorted, and how many addresses were asked at all, of all pools. They are
// counted the first time that it is asked, and must not be written to.
func (s *Snapshot) Began() (began []time.Time, addresses int) {
	if s.counted == nil {
		return nil, 0 // nothing is watched yet
	}
	s.counted.all.Do(func() {
		fails := make(map[netip.Addr]time.Time, len(s.entries)) // the first; zero: none
		for target, h := range s.Each() {
			addr := target.Addr.Addr()
			if !addr.IsValid() || h.Asked.IsZero() {
				continue // an endpoint, which is asked by name; or never asked
			}
			first := fails[addr]
			if h.Fails > 0 && (first.IsZero() || h.First.Before(first)) {
				first = h.First
			}
			fails[addr] = first
		}
		for _, first := range fails {
			if !first.IsZero() {
				s.counted.began = append(s.counted.began, first)
			}
		}
		slices.SortFunc(s.counted.began, time.Time.Compare)
		s.counted.addresses = len(fails)
	})
	return s.counted.began, s.counted.addresses
}

// Len is how many targets are watched.
func (s *Snapshot) Len() int {
	n := 0
	for target := range s.entries {
		if !isReference(target) {
			n++
		}
	}
	return n
}

// Tally counts results by their verdict, as they were believed.
type Tally struct {
	Pass         uint64 `json:"pass"`
	Fail         uint64 `json:"fail"`
	Inconclusive uint64 `json:"inconclusive"`
}

func (t *Tally) add(v probe.Verdict) {
	switch v {
	case probe.Pass:
		t.Pass++
	case probe.Fail:
		t.Fail++
	case probe.Inconclusive:
		t.Inconclusive++
	}
}

// Transition is one change of belief, with the results that led to it.
type Transition struct {
	Target   probe.Target   `json:"target"`
	From     State          `json:"from"`
	To       State          `json:"to"`
	At       time.Time      `json:"at"`       // when the deciding result was in
	Evidence []probe.Result `json:"evidence"` // the last results of the target, oldest first
}
