package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// startTick is what the bare loop with ticks rounds its starts to.
const startTick = 10 * time.Millisecond

// tcp compares the CPU time of a TCP probe with that of the barest loops that a Go program can make of net.Dialer.
func (b bench) tcp(ctx context.Context) ([]figure, error) {
	dir, err := os.MkdirTemp("", "rrwatch-bench-")
	if err != nil {
		return nil, fmt.Errorf("tcp: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	server, o, err := serveTargets(ctx, dir, proberOptions{kind: kindTCP, targets: contestTargets, interval: contestInterval}, "")
	if err != nil {
		return nil, fmt.Errorf("tcp: %w", err)
	}
	defer server.end()
	m := &match{b: b, name: "tcp", counts: server.accepted, rounds: b.rounds}
	costs, err := m.play(ctx, []contender{
		o.rrwatch("rrwatch"), o.bareLoop("go_ticks", startTick), o.bareLoop("go_timers", 0),
	})
	if err != nil {
		return nil, err
	}
	figures := []figure{
		figure{Name: "tcp_cpu_ratio", Value: ratio(each(costs["rrwatch"]), each(costs["go_ticks"])), Unit: "x net.Dialer with ticks"}.atMost(0.6),
	}
	figures = append(figures, eachOf("tcp", costs)...)
	return append(figures, m.thrown()...), nil
}

// bareLoop is a loop over net.Dialer as a contender, with the same targets.
func (o proberOptions) bareLoop(name string, tick time.Duration) contender {
	l := loopOptions{targets: o.targets, first: o.first, port: o.port, interval: o.interval, tick: tick}
	return contender{
		name: name, rate: o.rate(), warm: contestWarm, window: contestWindow,
		start: func(ctx context.Context) (subject, error) { return talk(ctx, "loop", l.args()...) },
	}
}
