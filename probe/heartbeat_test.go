package probe_test

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/probe"
)

// patient is a load balancer of which is heard, or not.
type patient struct {
	t     *testing.T
	beats *probe.Heartbeats
	f     probe.Func
}

func newPatient(t *testing.T, every time.Duration, hears func() time.Time) patient {
	beats := probe.NewHeartbeats(hears)
	return patient{t, beats, beats.Func(every)}
}

func (p patient) beat(text string) {
	p.beats.Beat("www", "check", someAddr().Addr(), time.Now(), text)
}

func (p patient) wants(v probe.Verdict, why probe.Reason, detail string) {
	p.t.Helper()
	at := time.Now()
	r := probe.Result{At: at, Answer: ask(p.t, p.f, someAddr(), soon)}
	if r.Verdict != v || r.Reason != why || r.Detail != detail {
		p.t.Errorf("got %s, %q: %s\nwant %s, %q: %s", r.Verdict, r.Reason, r.Detail, v, why, detail)
	}
	if r.Ended().Before(at) || r.Ended().After(time.Now()) {
		p.t.Errorf("asked at %s, the answer was in at %s, and it is %s", at, r.Ended(), time.Now())
	}
}

func TestAHeartbeatPassesUntilItIsOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(t, 15*time.Second, nil)
		p.wants(probe.Inconclusive, probe.Waiting, "no heartbeat in the 0s since it could be heard, which fails after 15s")
		time.Sleep(15 * time.Second)
		p.wants(probe.Inconclusive, probe.Waiting, "no heartbeat in the 15s since it could be heard, which fails after 15s")
		time.Sleep(time.Second)
		p.wants(probe.Fail, probe.Overdue, "no heartbeat at all, for 16s")
		p.beat("12 servers up")
		p.wants(probe.Pass, "", "heard 0s ago: 12 servers up")
		time.Sleep(7500 * time.Millisecond)
		p.wants(probe.Pass, "", "heard 8s ago: 12 servers up")
		time.Sleep(time.Millisecond)
		p.wants(probe.Inconclusive, probe.Waiting, "no heartbeat for 8s, which fails after 15s")
		time.Sleep(7499 * time.Millisecond)
		p.wants(probe.Inconclusive, probe.Waiting, "no heartbeat for 15s, which fails after 15s")
		time.Sleep(27 * time.Second)
		p.wants(probe.Fail, probe.Overdue, "no heartbeat for 42s; the last one said: 12 servers up")
		p.beat("")
		time.Sleep(200 * time.Millisecond)
		p.wants(probe.Pass, "", "heard 200ms ago")
	})
}

func TestAHeartbeatCountsForItsOwnTargetOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(t, time.Minute, nil)
		addr := someAddr().Addr()
		p.beats.Beat("api", "check", addr, time.Now(), "")
		p.beats.Beat("www", "other", addr, time.Now(), "")
		p.beats.Beat("www", "check", addr.Next(), time.Now(), "")
		p.wants(probe.Inconclusive, probe.Waiting, "no heartbeat in the 0s since it could be heard, which fails after 1m0s")
		p.beat("me")
		p.wants(probe.Pass, "", "heard 0s ago: me")
	})
}

// A member that is discovered while rrwatch has run for long gets its time, too.
func TestANewTargetGetsItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(t, 15*time.Second, nil)
		time.Sleep(24 * time.Hour)
		p.wants(probe.Inconclusive, probe.Waiting, "no heartbeat in the 0s since it could be heard, which fails after 15s")
	})
}

// Who was cut off, or paused, has heard nothing: that is no silence.
func TestTheWatchersOwnDeafnessIsNotSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hears time.Time
		p := newPatient(t, 15*time.Second, func() time.Time { return hears })
		p.beat("")
		time.Sleep(time.Minute)
		p.wants(probe.Fail, probe.Overdue, "no heartbeat for 1m0s")
		hears = time.Now()
		time.Sleep(4 * time.Second)
		p.wants(probe.Inconclusive, probe.Waiting, "no heartbeat in the 4s since it could be heard, which fails after 15s")
		time.Sleep(12 * time.Second)
		p.wants(probe.Fail, probe.Overdue, "no heartbeat for 1m16s")
	})
}

// When all have been silent and one is heard again, the others are about to be.
func TestTheFirstHeartbeatAfterASilenceOfAllGivesTheOthersTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(t, 15*time.Second, nil)
		other := func() { p.beats.Beat("www", "check", someAddr().Addr().Next(), time.Now(), "") }
		p.beat("")
		p.wants(probe.Pass, "", "heard 0s ago")
		for range 10 { // the other goes on
			other()
			time.Sleep(5 * time.Second)
		}
		p.wants(probe.Fail, probe.Overdue, "no heartbeat for 50s")
		other()
		p.wants(probe.Fail, probe.Overdue, "no heartbeat for 50s")
		time.Sleep(10 * time.Second) // both are silent
		p.wants(probe.Fail, probe.Overdue, "no heartbeat for 1m0s")
		other()
		time.Sleep(5 * time.Second)
		other()
		p.wants(probe.Inconclusive, probe.Waiting, "no heartbeat in the 5s since it could be heard, which fails after 15s")
		time.Sleep(5 * time.Second)
		other()
		time.Sleep(5001 * time.Millisecond)
		p.wants(probe.Fail, probe.Overdue, "no heartbeat for 1m15s")
	})
}

func TestALateHeartbeatIsNotTakenForTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(t, 15*time.Second, nil)
		earlier := time.Now()
		time.Sleep(10 * time.Second)
		p.beat("new")
		p.beats.Beat("www", "check", someAddr().Addr(), earlier, "old")
		p.wants(probe.Pass, "", "heard 0s ago: new")
	})
}

func TestForgetsHeartbeatsThatNobodyAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heap := func() int {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int(m.HeapAlloc)
		}
		beats := probe.NewHeartbeats(nil)
		before := heap()
		for day := range 60 {
			for i := range 500 {
				addr := netip.AddrFrom4([4]byte{10, byte(day), byte(i >> 8), byte(i)})
				beats.Beat("www", "check", addr, time.Now(), strings.Repeat("x", 150))
			}
			time.Sleep(24 * time.Hour)
		}
		if grown := heap() - before; grown > 3<<20 { // all 30,000 take more than 10 MB
			t.Errorf("%d bytes are kept", grown)
		}
		runtime.KeepAlive(beats)
	})
}

func TestWhatAHeartbeatSaysIsMadeHarmless(t *testing.T) {
	p := newPatient(t, time.Minute, nil)
	for _, text := range []string{"\x1b[2J\x07red", "\xff\xfe", strings.Repeat("é", 5000), "a\nb"} {
		p.beat(text)
		checkHarmless(t, ask(t, p.f, someAddr(), soon).Detail)
	}
}

func TestALookForAHeartbeatCutShortByShutdownIsCancelled(t *testing.T) {
	p := newPatient(t, time.Minute, nil)
	p.beat("")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a := p.f(ctx, target(someAddr())); a.Verdict != probe.Inconclusive || a.Reason != probe.Cancelled {
		t.Errorf("got %+v", a)
	}
}

func TestHeartbeatsMayComeFromAllSidesAtOnce(t *testing.T) {
	p := newPatient(t, time.Minute, nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 200 {
				p.beats.Beat("www", fmt.Sprint(i), someAddr().Addr(), time.Now(), fmt.Sprint(n))
				p.beat("")
				p.f(t.Context(), target(someAddr()))
			}
		})
	}
	wg.Wait()
	if a := ask(t, p.f, someAddr(), soon); a.Verdict != probe.Pass {
		t.Errorf("got %s, %q", a.Verdict, a.Detail)
	}
}
