package main

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"
)

// kept says how well a schedule was kept, as seen at the server. Of several runs it has the worst of each.
type kept struct {
	interval time.Duration
	first    time.Duration                  // from the start of the process to its first probe
	all      time.Duration                  // from there until each target was probed once
	burst    float64                        // the most probes that came within burstWindow, beside the mean
	gaps     map[netip.Addr][]time.Duration // between a target's probes, of all runs
}

// burstWindow is short enough to show a burst and long enough to have many probes in it.
const burstWindow = 100 * time.Millisecond

// keptBy judges one run by the hits on its targets, in the order in which they came. It fails unless every target was
// probed at least twice.
func keptBy(hits []hit, began time.Time, targets []netip.Addr, interval time.Duration) (kept, error) {
	times := make(map[netip.Addr][]time.Time, len(targets))
	for _, t := range targets {
		times[t] = nil
	}
	all := make([]time.Time, 0, len(hits))
	for _, h := range hits {
		if _, ours := times[h.to]; ours {
			times[h.to] = append(times[h.to], h.at)
			all = append(all, h.at)
		}
	}
	k := kept{interval: interval, first: math.MaxInt64, gaps: make(map[netip.Addr][]time.Duration, len(targets))}
	for _, target := range targets {
		seen := times[target]
		if len(seen) < 2 {
			return kept{}, fmt.Errorf("%s was probed %d times, want at least 2", target, len(seen))
		}
		first := seen[0].Sub(began)
		k.first, k.all = min(k.first, first), max(k.all, first)
		for i := 1; i < len(seen); i++ {
			k.gaps[target] = append(k.gaps[target], seen[i].Sub(seen[i-1]))
		}
	}
	mean := float64(len(targets)) * float64(burstWindow) / float64(interval)
	k.burst = float64(most(all, burstWindow)) / mean
	return k, nil
}

// add joins another run of the same schedule.
func (k *kept) add(o kept) {
	if k.gaps == nil {
		k.gaps = map[netip.Addr][]time.Duration{}
	}
	k.interval, k.first, k.all, k.burst = o.interval, max(k.first, o.first), max(k.all, o.all), max(k.burst, o.burst)
	for target, gaps := range o.gaps {
		k.gaps[target] = append(k.gaps[target], gaps...)
	}
}

// drift is how far the mean gap of a target is from the interval, beside the interval, for the target where it is worst.
func (k kept) drift() float64 {
	worst := 0.0
	for _, gaps := range k.gaps {
		var sum time.Duration
		for _, g := range gaps {
			sum += g
		}
		mean := float64(sum) / float64(len(gaps))
		worst = max(worst, math.Abs(mean/float64(k.interval)-1))
	}
	return worst
}

// excess lists how much longer than the interval each gap was.
func (k kept) excess() []time.Duration {
	var list []time.Duration
	for _, gaps := range k.gaps {
		for _, g := range gaps {
			list = append(list, g-k.interval)
		}
	}
	return list
}

// most is how many of the times, which must be in order, lie in one window at most.
func most(times []time.Time, window time.Duration) int {
	best, from := 0, 0
	for i, t := range times {
		for t.Sub(times[from]) >= window {
			from++
		}
		best = max(best, i-from+1)
	}
	return best
}

// percentile is the smallest value that p of 100 values do not exceed (nearest rank). It needs at least one value.
func percentile(values []time.Duration, p float64) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
