package monitor

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"rrwatch/probe"
)

// watches are n targets of one check.
func watches(n int, interval time.Duration) []Watch {
	list := make([]Watch, n)
	for i := range list {
		addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		list[i] = Watch{
			Target:   probe.Target{Pool: "www", Check: "https", Addr: netip.AddrPortFrom(addr, 443)},
			Interval: interval, Timeout: interval, Recheck: interval / 10,
			Thresholds: Thresholds{Fall: 3, Clear: 1, Rise: 2},
		}
	}
	return list
}

func TestSpreadsFirstProbesTheSameAtEachStart(t *testing.T) {
	const slices = 10
	for _, interval := range []time.Duration{10 * time.Millisecond, time.Second, 5 * time.Second, time.Minute} {
		for _, n := range []int{250, 2500} {
			list := watches(n, interval)
			start := time.Now()
			s, again := newSchedule(start), newSchedule(start)
			for i := range list {
				s.put(list[i], start)
				again.put(list[n-1-i], start) // in another order
			}
			var counts [slices]int
			for target, e := range s.entries {
				after := e.slot.Sub(start)
				if after < 0 || after >= interval {
					t.Fatalf("first asked after %s, not within %s", after, interval)
				}
				if !again.entries[target].slot.Equal(e.slot) || again.entries[target].tick != e.tick {
					t.Fatalf("%s has another place at the next start", target)
				}
				counts[after*slices/interval]++
			}
			for _, count := range counts {
				if count < n/slices/2 || count > n/slices*2 {
					t.Errorf("%d targets over %s are not spread: %v", n, interval, counts)
					break
				}
			}
		}
	}
}

func TestALongPauseSkipsStartsAndKeepsTheirPlace(t *testing.T) {
	now := time.Now()
	s := newSchedule(now)
	s.put(watches(1, 5*time.Second)[0], now)
	slot, _ := s.first(turn)
	for _, late := range []time.Duration{0, time.Nanosecond, 5 * time.Second, 17 * time.Second, 1000 * time.Hour} {
		sent := slot.Add(late)
		list := s.due(sent, nil)
		if len(list) != 1 {
			t.Fatalf("%d targets are due", len(list))
		}
		e := list[0]
		e.sent = sent
		s.plan(e, sent)
		at := s.start(e.tick)
		if wait := at.Sub(sent); wait <= 0 || wait > 5*time.Second || at.Sub(slot)%(5*time.Second) != 0 {
			t.Errorf("sent %s late: the next one is after %s", late, wait)
		}
		slot = at
	}
}

func TestAnotherIntervalCountsFromNowOn(t *testing.T) {
	now := time.Now()
	s := newSchedule(now)
	watch := watches(1, 24*time.Hour)[0]
	s.put(watch, now)
	watch.Interval = time.Second
	if s.put(watch, now) {
		t.Error("a known target was taken for a new one")
	}
	e := s.entries[watch.Target]
	if at := s.start(e.tick); at.Sub(now) > time.Second {
		t.Errorf("asked after %s, want the new interval of 1s", at.Sub(now))
	}
}

// newTestWatcher is a watcher of some targets whose loop does not run.
func newTestWatcher(list []Watch) *watcher {
	w := newWatcher(New(Options{}), time.Now())
	w.replace(list, time.Now())
	return w
}

// held lets a loop sleep as long as it asks for, and then some more.
func (w *watcher) held(more time.Duration) {
	time.Sleep(time.Until(w.next()) + more)
}

func TestAHeldUpLoopTrustsNoFailFromBefore(t *testing.T) {
	for more, want := range map[time.Duration]probe.Reason{
		0: probe.Refused, stallAfter: probe.Refused, stallAfter + time.Millisecond: probe.Stalled, time.Hour: probe.Stalled,
	} {
		synctest.Test(t, func(t *testing.T) {
			list := watches(1, 5*time.Second)
			w := newTestWatcher(list)
			before := time.Now()
			w.held(more)
			fail := probe.Answer{Verdict: probe.Fail, Reason: probe.Refused}
			w.observe(w.schedule.entries[list[0].Target], probe.Result{Target: list[0].Target, At: before, Answer: fail}, w.woke())
			last := w.schedule.entries[list[0].Target].health.Last
			if last.Reason != want || (last.Verdict == probe.Fail) != (want == probe.Refused) {
				t.Errorf("held up by %s: a fail from before is %s, %q, want %q", more, last.Verdict, last.Reason, want)
			}
			if (len(w.nudges) == 1) != (want == probe.Stalled) {
				t.Errorf("held up by %s: %d nudges", more, len(w.nudges))
			}
			w.held(0)
			w.observe(w.schedule.entries[list[0].Target], probe.Result{Target: list[0].Target, At: time.Now(), Answer: fail}, w.woke())
			if last := w.schedule.entries[list[0].Target].health.Last; last.Reason != probe.Refused {
				t.Errorf("held up by %s: a fail from after it is %s, %q", more, last.Verdict, last.Reason)
			}
			w.show(time.Now())
			if w.Snapshot().Stalled.IsZero() != (want == probe.Refused) {
				t.Errorf("held up by %s: the snapshot says stalled at %s", more, w.Snapshot().Stalled)
			}
		})
	}
}

// The machine may pause while the loop is at work as well as while it sleeps.
func TestAPauseIsNoticedWhereverTheLoopIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatcher(New(Options{}), time.Now()) // nothing is due
		w.held(0)
		w.woke()
		time.Sleep(time.Minute)
		w.held(0)
		if now := w.woke(); w.stalled.IsZero() {
			t.Errorf("a pause that ended %s ago was not noticed", time.Since(now))
		}
	})
}

// A wish for the middle of a tick, while a probe is under way, is not looked at
// again and again until its moment.
func TestAWishWithinATickDoesNotSpinTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := watches(1, 5*time.Second)
		list[0].Probe = func(context.Context, probe.Target) probe.Answer { return probe.Answer{Verdict: probe.Pass} }
		w := newTestWatcher(list)
		defer w.end()
		e, now := w.schedule.entries[list[0].Target], time.Now()
		e.flights, e.sent = append(e.flights, &flight{entry: e, at: now}), now
		w.schedule.hasten(e, now.Add(1), now.Add(tick*5/2))
		for range 5 {
			w.held(0)
			w.wake(t.Context(), w.woke())
		}
		if at := e.flights[len(e.flights)-1].at; at.Equal(now) || at.After(now.Add(tick*5/2)) {
			t.Errorf("after five turns in %s the latest probe is of %s", time.Since(now), at.Sub(now))
		}
	})
}

// C was asked between the first fails of A and of B, which are known after it.
func TestSiblingsAreAskedSinceTheLatestFirstFail(t *testing.T) {
	list := watches(3, time.Hour)
	w := newTestWatcher(list)
	a, b, c := w.schedule.entries[list[0].Target], w.schedule.entries[list[1].Target], w.schedule.entries[list[2].Target]
	began := time.Now()
	result := func(e *entry, sent time.Duration, v probe.Verdict) {
		e.sent = began.Add(sent)
		w.observe(e, probe.Result{Target: e.watch.Target, At: e.sent, Answer: probe.Answer{Verdict: v}}, began.Add(sent+2*time.Second))
	}
	result(c, 500*time.Millisecond, probe.Pass)
	result(a, 0, probe.Fail)
	if !c.wanted.IsZero() {
		t.Error("asked though it was since A began to fail")
	}
	result(b, time.Second, probe.Fail)
	if c.wanted.IsZero() {
		t.Error("not asked since B began to fail")
	}
}

// What fails together seldom fails in one instant: C is asked again at the second
// fail of A.
func TestSiblingsAreAskedAgainAtEachFail(t *testing.T) {
	list := watches(2, time.Hour)
	w := newTestWatcher(list)
	a, c := w.schedule.entries[list[0].Target], w.schedule.entries[list[1].Target]
	began := time.Now()
	result := func(e *entry, sent time.Duration, v probe.Verdict) {
		e.sent = began.Add(sent)
		w.observe(e, probe.Result{Target: e.watch.Target, At: e.sent, Answer: probe.Answer{Verdict: v}}, began.Add(sent))
	}
	result(a, 0, probe.Fail)
	result(c, time.Millisecond, probe.Pass)
	c.wanted = time.Time{} // that was its answer
	result(a, 500*time.Millisecond, probe.Fail)
	if c.wanted.IsZero() {
		t.Error("not asked at the second fail")
	}
}

// The fail of a silent host is known a time-out after it was sent: a sibling that
// was asked meanwhile may have died since.
func TestSiblingsAreAskedWhenASilentHostIsKnownToFail(t *testing.T) {
	list := watches(2, time.Hour)
	w := newTestWatcher(list)
	a, c := w.schedule.entries[list[0].Target], w.schedule.entries[list[1].Target]
	began := time.Now()
	c.sent = began.Add(500 * time.Millisecond)
	w.observe(c, probe.Result{Target: c.watch.Target, At: c.sent, Answer: probe.Answer{Verdict: probe.Pass}}, c.sent)
	a.sent = began
	silent := probe.Answer{Verdict: probe.Fail, Reason: probe.ConnectTimeout, Phases: probe.Phases{Whole: time.Second}}
	w.observe(a, probe.Result{Target: a.watch.Target, At: began, Answer: silent}, began.Add(time.Second))
	if c.wanted.IsZero() {
		t.Error("not asked when the fail was known")
	}
}

// Otherwise two that fail would bring each other Down within two round trips.
func TestSiblingsThatFailThemselvesAreNotHastened(t *testing.T) {
	list := watches(2, time.Hour)
	w := newTestWatcher(list)
	a, b := w.schedule.entries[list[0].Target], w.schedule.entries[list[1].Target]
	began := time.Now()
	for n, e := range []*entry{a, b, a} {
		sent := time.Duration(n) * time.Millisecond
		e.sent, e.wanted = began.Add(sent), time.Time{}
		w.observe(e, probe.Result{Target: e.watch.Target, At: e.sent, Answer: probe.Answer{Verdict: probe.Fail}}, began.Add(sent))
	}
	if !b.wanted.IsZero() {
		t.Error("a sibling that fails was hastened")
	}
}

func TestAPassFromBeforeAPauseStillCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := watches(1, 5*time.Second)
		w := newTestWatcher(list)
		before := time.Now()
		w.held(time.Minute)
		w.observe(w.schedule.entries[list[0].Target], probe.Result{Target: list[0].Target, At: before, Answer: probe.Answer{Verdict: probe.Pass}}, w.woke())
		if h := w.schedule.entries[list[0].Target].health; h.State != Up {
			t.Errorf("got %s, want up", h.State)
		}
	})
}

// asleep is t after a machine slept so long: its wall clock went on and the
// monotonic one did not. Package time offers no way to write such a time.
func asleep(t *testing.T, at time.Time, seconds uint64) time.Time {
	t.Helper()
	after := at
	*(*uint64)(unsafe.Pointer(&after)) += seconds << 30 // the wall's seconds, see type time.Time
	if slept := time.Duration(seconds) * time.Second; after.Round(0).Sub(at.Round(0)) != slept || after.Sub(at) != 0 {
		t.Skip("type time.Time is another one here")
	}
	return after
}

func TestNoticesThatTheMachineSlept(t *testing.T) {
	start := time.Now()
	w := newWatcher(New(Options{}), start)
	w.replace(watches(1, 5*time.Second), start)
	if w.paused(start) {
		t.Error("paused before it ever ran")
	}
	w.next()
	for seconds, want := range map[uint64]bool{0: false, 2: false, 3: true, 86400: true} {
		if got := w.paused(asleep(t, start, seconds)); got != want {
			t.Errorf("slept %d s: paused is %v, want %v", seconds, got, want)
		}
	}
}

func TestAResultOfAnotherLifeChangesNothing(t *testing.T) {
	list := watches(2, time.Second)
	w := newTestWatcher(list)
	now := time.Now()
	e := w.schedule.entries[list[0].Target]
	first, second := &flight{entry: e, at: now}, &flight{entry: e, at: now}
	e.flights = append(e.flights, first, second)
	w.replace(list[1:], now)
	w.answered(first, probe.Answer{Verdict: probe.Pass}, now)
	if _, ok := w.schedule.entries[list[0].Target]; ok || e.placed {
		t.Error("a target came back with an old result")
	}
	w.replace(list, now)
	w.answered(second, probe.Answer{Verdict: probe.Pass}, now)
	if h := w.schedule.entries[list[0].Target].health; h.State != Unknown {
		t.Errorf("a target believes what was answered in its former life: %s", h.State)
	}
}

// BenchmarkSchedule is what the scheduler alone costs a probe.
func BenchmarkSchedule(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("targets=%d", n), func(b *testing.B) {
			w := newTestWatcher(watches(n, 5*time.Second))
			for _, e := range w.schedule.entries {
				e.health.State = Up // a change publishes a snapshot, which is another cost
			}
			var list []*entry
			b.ReportAllocs()
			for b.Loop() {
				for len(list) == 0 {
					now, _ := w.schedule.first(turn)
					list = w.schedule.due(now, list)
				}
				e := list[len(list)-1]
				list = list[:len(list)-1]
				f := &flight{entry: e, at: w.schedule.start(e.tick)}
				e.flights, e.sent = append(e.flights, f), f.at
				w.schedule.plan(e, f.at)
				w.answered(f, probe.Answer{Verdict: probe.Pass}, f.at)
			}
		})
	}
}

func TestCopiesLittleWhenAllChangeTogether(t *testing.T) {
	const n = 1000
	w := newTestWatcher(watches(n, 5*time.Second))
	now := time.Now()
	w.rested = now.Add(time.Second) // as if the last snapshot took long
	published := w.Snapshot()
	for target, e := range w.schedule.entries {
		w.observe(e, probe.Result{Target: target, At: now, Answer: probe.Answer{Verdict: probe.Pass}}, now)
	}
	if w.Snapshot() != published || len(w.nudges) != 0 {
		t.Error("published before copying had its rest")
	}
	if !w.publish.Equal(w.rested) {
		t.Errorf("the next snapshot is due at %s, want %s", w.publish, w.rested)
	}
	w.schedule.wheel = wheel{began: now} // nothing else is due
	w.wake(t.Context(), w.rested)
	if w.Snapshot().Len() != n || len(w.nudges) != 1 || len(w.Transitions()) != n {
		t.Error("not published, nudged and told when copying had its rest")
	}
}

// BenchmarkSnapshot is what it costs to publish all that is believed.
func BenchmarkSnapshot(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("targets=%d", n), func(b *testing.B) {
			w := newTestWatcher(watches(n, 5*time.Second))
			b.ReportAllocs()
			for b.Loop() {
				w.show(time.Now())
			}
		})
	}
}

func TestAnEntryFitsItsSize(t *testing.T) {
	if size := unsafe.Sizeof(entry{}); unsafe.Sizeof(uintptr(0)) == 8 && size > 704 {
		t.Errorf("an entry takes %d bytes: the next size of memory is 768", size)
	}
}
