package monitor

import (
	"container/heap"
	"hash/fnv"
	"time"

	"rrwatch/probe"
)

// recorderSize is how many of a target's last results are kept.
const recorderSize = 20

// recorder is the flight recorder of one target: a ring of its last results.
type recorder struct {
	ring [recorderSize]probe.Result
	n    int // results ever added
}

func (c *recorder) add(r probe.Result) {
	c.ring[c.n%recorderSize] = r
	c.n++
}

// results are the kept ones, oldest first.
func (c *recorder) results() []probe.Result {
	kept := min(c.n, recorderSize)
	list := make([]probe.Result, 0, kept)
	for i := c.n - kept; i < c.n; i++ {
		list = append(list, c.ring[i%recorderSize])
	}
	return list
}

// entry is one watched target.
type entry struct {
	watch    Watch
	health   Health
	recorder recorder
	at       time.Time // when the next probe starts
	slot     time.Time // the regular start that at was planned from
	index    int       // in the queue; -1 while a probe is under way
	hastened bool      // asked for out of turn: somebody waits for the answer
}

// schedule says which target is asked next. It belongs to one goroutine.
type schedule struct {
	entries map[probe.Target]*entry
	queue   queue
}

func newSchedule() schedule { return schedule{entries: map[probe.Target]*entry{}} }

// first is when the next probe starts, if one is planned.
func (s *schedule) first() (time.Time, bool) {
	if len(s.queue) == 0 {
		return time.Time{}, false
	}
	return s.queue[0].at, true
}

// take removes and returns the target whose probe is due; it comes back by plan.
func (s *schedule) take(now time.Time) (*entry, bool) {
	if len(s.queue) == 0 || s.queue[0].at.After(now) {
		return nil, false
	}
	return heap.Pop(&s.queue).(*entry), true
}

// put watches a target. A new one gets its first probe within its interval, at
// a place that its name decides: spread, yet the same at each start.
func (s *schedule) put(watch Watch, now time.Time) {
	if e, ok := s.entries[watch.Target]; ok {
		e.watch = watch
		return
	}
	e := &entry{watch: watch}
	e.slot = now.Add(offset(watch.Target, watch.Interval))
	e.at = e.slot
	s.entries[watch.Target] = e
	heap.Push(&s.queue, e)
}

func offset(t probe.Target, interval time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.String()))
	return time.Duration(h.Sum64() % uint64(max(interval, 1)))
}

// drop forgets a target. A probe under way is dropped when it answers.
func (s *schedule) drop(t probe.Target) {
	e := s.entries[t]
	delete(s.entries, t)
	if e.index >= 0 {
		heap.Remove(&s.queue, e.index)
	}
}

// plan sets the target's next probe after one that was sent at sent: after the
// recheck time while the next result could change the belief, else at the next
// regular start, which does not drift.
func (s *schedule) plan(e *entry, sent, now time.Time) {
	interval := max(e.watch.Interval, time.Millisecond)
	for !e.slot.After(sent) {
		e.slot = e.slot.Add(interval * max(1, sent.Sub(e.slot)/interval))
	}
	e.at = e.slot
	if again := sent.Add(e.watch.Recheck); e.health.Suspect() && again.Before(e.at) {
		e.at = again
	}
	if e.at.Before(now) {
		e.at = now
	}
	s.fix(e)
}

// hasten moves a planned probe forward to at.
func (s *schedule) hasten(e *entry, at time.Time) {
	if e.index >= 0 && e.at.After(at) {
		e.at, e.hastened = at, true
		s.fix(e)
	}
}

func (s *schedule) fix(e *entry) {
	if e.index < 0 {
		heap.Push(&s.queue, e)
		return
	}
	heap.Fix(&s.queue, e.index)
}

// queue is a heap of entries by the start of their next probe.
type queue []*entry

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *queue) Push(x any) {
	e := x.(*entry)
	e.index = len(*q)
	*q = append(*q, e)
}

func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	e.index = -1
	*q = old[:len(old)-1]
	return e
}
