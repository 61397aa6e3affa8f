package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"time"
)

// The contest of CPU time: 1,000 targets at 2 s are 500 probes a second. A window is two intervals, so that each target
// is probed twice in it, whatever the order.
const (
	contestTargets  = 1000
	contestInterval = 2 * time.Second
	contestWarm     = 2500 * time.Millisecond
	contestWindow   = 4 * time.Second
)

// http compares the CPU time of an HTTP probe with that of HAProxy's checker.
func (b bench) http(ctx context.Context) ([]figure, error) {
	return b.besideHAProxy(ctx, "http", proberOptions{kind: kindHTTP, targets: contestTargets, interval: contestInterval}, 1.0)
}

// besideHAProxy compares the CPU time of a probe with that of HAProxy's checker, which probes the same targets with the same
// question. HAProxy runs with one thread and as it comes; the cheaper one is compared with.
func (b bench) besideHAProxy(ctx context.Context, name string, o proberOptions, goal float64) ([]figure, error) {
	dir, err := os.MkdirTemp("", "rrwatch-bench-")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var certificates chain
	if o.kind == kindHTTPS {
		if certificates, err = certify(dir, b.keys); err != nil {
			return nil, err
		}
		o.roots = certificates.root
	}
	server, o, err := serveTargets(ctx, dir, o, certificates.served)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer server.end()

	const one, many = "haproxy_1_thread", "haproxy_default"
	m := &match{b: b, name: name, counts: server.accepted, rounds: b.rounds}
	threaded := o.haproxy(many, dir, 0)
	threaded.extra = true // seldom the cheaper one, and the first to suffer on a busy machine
	costs, err := m.play(ctx, []contender{o.rrwatch("rrwatch"), o.haproxy(one, dir, 1), threaded})
	if err != nil {
		return nil, err
	}
	cheaper := each(costs[one])
	if other := each(costs[many]); len(other) > 0 && median(other) < median(cheaper) {
		cheaper = other
	}
	figures := []figure{
		figure{Name: name + "_cpu_ratio", Value: ratio(each(costs["rrwatch"]), cheaper), Unit: "x HAProxy"}.atMost(goal),
	}
	figures = append(figures, eachOf(name, costs)...)
	return append(figures, m.thrown()...), nil
}

// eachOf are the figures of what a probe costs each contender.
func eachOf(name string, costs map[string][]cost) []figure {
	var figures []figure
	for _, who := range slices.Sorted(maps.Keys(costs)) {
		figures = append(figures, figure{Name: name + "_cpu_" + who, Value: median(each(costs[who])), Unit: "µs/probe"})
	}
	return figures
}

// serveTargets starts the HAProxy that all contenders probe, and returns the options with its port.
func serveTargets(ctx context.Context, dir string, o proberOptions, certificates string) (*haproxy, proberOptions, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, o, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, o, err
	}
	if o.port, err = strconv.Atoi(port); err != nil {
		return nil, o, err
	}
	o.first, o.timeout, o.recheck = firstTarget(), time.Second, 500*time.Millisecond
	server, err := startHAProxy(ctx, dir, "server", answering(o.port, certificates), 0)
	return server, o, err
}

// rate is how many probes a second the options ask for.
func (o proberOptions) rate() float64 { return float64(o.targets) / o.interval.Seconds() }

// rrwatch is rrwatch's prober as a contender.
func (o proberOptions) rrwatch(name string) contender {
	return contender{
		name: name, rate: o.rate(), warm: contestWarm, window: contestWindow,
		start: func(ctx context.Context) (subject, error) { return talk(ctx, "prober", o.args()...) },
	}
}

// haproxy is HAProxy's checker as a contender.
func (o proberOptions) haproxy(name, dir string, threads int) contender {
	return contender{
		name: name, rate: o.rate(), warm: contestWarm, window: contestWindow,
		start: func(ctx context.Context) (subject, error) {
			return startHAProxy(ctx, dir, "checker", checking(o), threads)
		},
	}
}
