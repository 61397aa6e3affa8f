package main

import (
	"math"
	"net/netip"
	"testing"
	"time"
)

// seen makes hits from milliseconds, in their order.
func seen(began time.Time, what ...any) []hit {
	var hits []hit
	for i := 0; i < len(what); i += 2 {
		at := began.Add(time.Duration(what[i+1].(int)) * time.Millisecond)
		hits = append(hits, hit{to: what[i].(netip.Addr), at: at})
	}
	return hits
}

func TestAScheduleIsJudgedByWhatTheServerSaw(t *testing.T) {
	began := time.Now()
	targets := addresses(firstTarget(), 2)
	a, b, other := targets[0], targets[1], noiseTarget()
	hits := seen(began, a, 20, other, 21, b, 510, a, 1020, b, 1530, a, 2030)
	k, err := keptBy(hits, began, targets, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if k.first != 20*time.Millisecond || k.all != 510*time.Millisecond {
		t.Errorf("first probe after %s, all after %s; want 20ms and 510ms", k.first, k.all)
	}
	if want := 0.02; math.Abs(k.drift()-want) > 1e-9 { // b's only gap is 1,020 ms
		t.Errorf("drift is %g, want %g", k.drift(), want)
	}
	if got := percentile(k.excess(), 99); got != 20*time.Millisecond {
		t.Errorf("the longest gap is %s beyond the interval, want 20ms", got)
	}
	if want := 1 / 0.2; k.burst != want { // one in 100 ms, where 0.2 are the mean
		t.Errorf("burst is %g, want %g", k.burst, want)
	}
}

func TestATargetThatWasNotProbedTwiceIsNamed(t *testing.T) {
	began := time.Now()
	targets := addresses(firstTarget(), 2)
	hits := seen(began, targets[0], 0, targets[1], 500, targets[0], 1000)
	if _, err := keptBy(hits, began, targets, time.Second); err == nil || err.Error() != "127.1.0.1 was probed 1 times, want at least 2" {
		t.Errorf("got %v", err)
	}
}

func TestSeveralRunsHaveTheWorstOfEachAndAllGaps(t *testing.T) {
	a := firstTarget()
	gaps := func(g ...time.Duration) map[netip.Addr][]time.Duration { return map[netip.Addr][]time.Duration{a: g} }
	var k kept
	k.add(kept{interval: time.Second, first: 1, all: 5, burst: 2, gaps: gaps(1100 * time.Millisecond)})
	k.add(kept{interval: time.Second, first: 2, all: 4, burst: 1, gaps: gaps(960 * time.Millisecond)})
	if k.first != 2 || k.all != 5 || k.burst != 2 || len(k.gaps[a]) != 2 {
		t.Errorf("got %+v", k)
	}
	// A late probe makes one gap longer and the next shorter: that is no drift.
	if want := 0.03; math.Abs(k.drift()-want) > 1e-9 {
		t.Errorf("drift is %g, want %g", k.drift(), want)
	}
}

func TestABurstIsFoundWhereverItLies(t *testing.T) {
	began := time.Now()
	var times []time.Time
	for _, ms := range []int{0, 90, 150, 180, 189, 190, 300} {
		times = append(times, began.Add(time.Duration(ms)*time.Millisecond))
	}
	if got := most(times, 100*time.Millisecond); got != 4 { // 90 to 189; 190 is the next window's
		t.Errorf("got %d, want 4", got)
	}
	if got := most(nil, time.Second); got != 0 {
		t.Errorf("of nothing: got %d", got)
	}
}

func TestAPercentileIsOneOfTheValues(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	for _, c := range []struct {
		values []time.Duration
		p      float64
		want   time.Duration
	}{
		{hundred, 99, 99}, {hundred, 50, 50}, {hundred, 100, 100}, {hundred, 0, 1},
		{[]time.Duration{7}, 99, 7}, {[]time.Duration{3, 1, 2}, 99, 3}, {[]time.Duration{3, 1, 2}, 50, 2},
	} {
		if got := percentile(c.values, c.p); got != c.want {
			t.Errorf("percentile %g of %d values is %d, want %d", c.p, len(c.values), got, c.want)
		}
	}
}

func TestStartsAreRoundedUpToTicks(t *testing.T) {
	for _, c := range []struct{ d, tick, want time.Duration }{
		{0, 10, 0}, {1, 10, 10}, {10, 10, 10}, {11, 10, 20}, {11, 0, 11},
	} {
		if got := roundUp(c.d, c.tick); got != c.want {
			t.Errorf("%d with ticks of %d: got %d, want %d", c.d, c.tick, got, c.want)
		}
	}
}
