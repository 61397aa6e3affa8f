package monitor_test

import (
	"testing"
	"time"
	"unsafe"

	"rrwatch/monitor"
	"rrwatch/probe"
)

func TestRemembersWhenItFellAfterItHasRisen(t *testing.T) {
	th := monitor.Thresholds{Fall: 2, Clear: 1, Rise: 2}
	second := func(n int) time.Time { return epoch().Add(time.Duration(n) * time.Second) }
	for _, c := range []struct {
		list string
		want time.Time
	}{
		{"", time.Time{}},
		{"pfpfp", time.Time{}}, // never Down
		{"pff", second(2)},
		{"pffff", second(2)},    // the fall, not the latest fail
		{"pffpp", second(2)},    // Up again
		{"pffppf?", second(2)},  // and suspect
		{"pffppff", second(6)},  // a second fall
		{"pff??fpp", second(2)}, // what is inconclusive changes nothing
	} {
		var h monitor.Health
		for _, r := range results(c.list) {
			h = h.Observe(r, th)
		}
		if !h.Fell.Equal(c.want) {
			t.Errorf("%q: fell at %s, want %s", c.list, h.Fell, c.want)
		}
	}
}

func TestAFallIsWhenItsDecidingAnswerWasIn(t *testing.T) {
	r := probe.Result{At: epoch(), Answer: probe.Answer{Verdict: probe.Fail, Phases: probe.Phases{Whole: 2 * time.Second}}}
	h := monitor.Health{}.Observe(r, monitor.Thresholds{Fall: 1, Clear: 1, Rise: 1})
	if want := epoch().Add(2 * time.Second); !h.Fell.Equal(want) || !h.Fell.Equal(h.Since) {
		t.Errorf("fell at %s and is down since %s, want %s", h.Fell, h.Since, want)
	}
}

// There is a Health for each result of thousands of targets.
func TestAHealthFitsInASizeThatMemoryComesIn(t *testing.T) {
	if size := unsafe.Sizeof(monitor.Health{}); unsafe.Sizeof(uintptr(0)) == 8 && size > 576 {
		t.Errorf("a Health takes %d bytes: the next size of memory is 640", size)
	}
}
