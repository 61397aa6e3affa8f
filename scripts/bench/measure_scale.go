package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// The contest of size. Few targets are probed as often as many are: were their interval the same, what a probe costs would
// change with how often the program wakes, and say nothing about the number of targets.
const (
	manyTargets  = 10_000
	manyInterval = 10 * time.Second
	fewTargets   = 500
	fewInterval  = 500 * time.Millisecond
	fewWarm      = time.Second

	manyWarm   = manyInterval + 3*time.Second // each was probed once, and the garbage of the start is gone
	manyWindow = manyInterval                 // each is probed once again

	noiseTargets  = 100 // of the bare loop that shows what the machine itself adds to a gap
	noiseInterval = time.Second
)

// scale measures 10,000 HTTP targets at 10 s: memory, how the schedule is kept, and what a probe costs beside one of few.
func (b bench) scale(ctx context.Context) ([]figure, error) {
	server, err := record(ctx)
	if err != nil {
		return nil, fmt.Errorf("scale: %w", err)
	}
	defer server.close()
	noise := loopOptions{
		targets: noiseTargets, first: noiseTarget(), port: server.port, interval: noiseInterval,
	}
	// It runs all the time, so that it meets the same machine; its own use of it is not counted.
	bare, err := talk(ctx, "loop", noise.args()...)
	if err != nil {
		return nil, fmt.Errorf("scale: %w", err)
	}
	defer bare.end()

	s := scaled{server: server, noise: noise}
	m := &match{b: b, name: "scale", counts: server.count, rounds: b.rounds}
	costs, err := m.play(ctx, []contender{s.few(), s.many()})
	if err != nil {
		return nil, err
	}
	figures := append(s.figures(costs), m.thrown()...)
	beside, err := s.beside(ctx, m)
	return append(figures, beside...), err
}

// scaled gathers what the runs show.
type scaled struct {
	server *recorder
	noise  loopOptions
	ours   kept // rrwatch with many targets
	bare   kept // the bare loop meanwhile
}

func (s *scaled) options(targets int, interval time.Duration) proberOptions {
	return proberOptions{
		kind: kindHTTP, targets: targets, first: firstTarget(), port: s.server.port,
		interval: interval, timeout: time.Second, recheck: 500 * time.Millisecond,
	}
}

func (s *scaled) few() contender {
	c := s.options(fewTargets, fewInterval).rrwatch("rrwatch_500")
	c.warm = fewWarm
	return c
}

func (s *scaled) many() contender {
	o := s.options(manyTargets, manyInterval)
	return s.watched(o.rrwatch("rrwatch_10000"), o, func(ours, bare kept) {
		s.ours.add(ours)
		s.bare.add(bare)
	})
}

// watched has a contender judged by how it kept its schedule, from its start on, and how the bare loop did meanwhile.
func (s *scaled) watched(c contender, o proberOptions, judged func(its, bare kept)) contender {
	c.warm, c.window = manyWarm, manyWindow
	begin := c.start
	c.start = func(ctx context.Context) (subject, error) {
		s.server.take() // what was seen before does not count
		return begin(ctx)
	}
	c.ended = func(began time.Time) error {
		hits := s.server.take()
		its, err := keptBy(hits, began, addresses(o.first, o.targets), o.interval)
		if err != nil {
			return err
		}
		bare, err := keptBy(hits, began, addresses(s.noise.first, s.noise.targets), s.noise.interval)
		if err != nil {
			return fmt.Errorf("the bare loop: %w", err)
		}
		judged(its, bare)
		return nil
	}
	return c
}

func (s *scaled) figures(costs map[string][]cost) []figure {
	var resident, share int64
	for _, c := range costs["rrwatch_10000"] {
		resident, share = max(resident, c.resident), max(share, c.share)
	}
	gap, noise := percentile(s.ours.excess(), 99), percentile(s.bare.excess(), 99)
	few, many := each(costs["rrwatch_500"]), each(costs["rrwatch_10000"])
	return []figure{
		figure{Name: "scale_memory", Value: mebibytes(resident), Unit: "MiB"}.atMost(35),
		{Name: "scale_memory_share", Value: mebibytes(share), Unit: "MiB"},
		figure{Name: "scale_first_probe", Value: s.ours.first.Seconds(), Unit: "s"}.atMost(0.1),
		figure{Name: "scale_all_probed", Value: s.ours.all.Seconds(), Unit: "s"}.atMost(manyInterval.Seconds() + 0.5),
		{Name: "scale_burst", Value: s.ours.burst, Unit: "x the mean of 100 ms"},
		figure{Name: "scale_drift", Value: s.ours.drift() * 100, Unit: "% of the interval"}.atMost(1),
		figure{Name: "scale_gap_p99", Value: milliseconds(gap - noise), Unit: "ms beyond interval and noise"}.atMost(10),
		{Name: "scale_gap_p99_rrwatch", Value: milliseconds(gap), Unit: "ms beyond interval"},
		{Name: "scale_gap_p99_noise", Value: milliseconds(noise), Unit: "ms beyond interval"},
		figure{Name: "scale_cpu_ratio", Value: ratio(many, few), Unit: "x 500 targets"}.atMost(1.1),
		{Name: "scale_cpu_10000_targets", Value: median(many), Unit: "µs/probe"},
		{Name: "scale_cpu_500_targets", Value: median(few), Unit: "µs/probe"},
	}
}

// beside has HAProxy's checker do the same once.
func (s *scaled) beside(ctx context.Context, m *match) ([]figure, error) {
	dir, err := os.MkdirTemp("", "rrwatch-bench-")
	if err != nil {
		return nil, fmt.Errorf("scale: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o := s.options(manyTargets, manyInterval)
	var k kept
	c := s.watched(o.haproxy("haproxy_1_thread", dir, 1), o, func(its, _ kept) { k = its })
	m.rounds = 1
	costs, err := m.play(ctx, []contender{c})
	if err != nil {
		return nil, err
	}
	used := costs[c.name][0]
	return append([]figure{
		{Name: "scale_gap_p99_haproxy", Value: milliseconds(percentile(k.excess(), 99)), Unit: "ms beyond interval"},
		{Name: "scale_burst_haproxy", Value: k.burst, Unit: "x the mean of 100 ms"},
		{Name: "scale_drift_haproxy", Value: k.drift() * 100, Unit: "% of the interval"},
		{Name: "scale_memory_haproxy", Value: mebibytes(used.resident), Unit: "MiB"},
		{Name: "scale_cpu_haproxy", Value: used.each(), Unit: "µs/probe"},
	}, m.thrown()...), nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
