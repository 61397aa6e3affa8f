package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// membersOfASite is how many targets a pool has: as many as the members of a site that DNS spreads over a few addresses.
const membersOfASite = 4

// watching makes the monitor and its watches as the daemon makes them. It is the one place of the bench that knows how.
func (o proberOptions) watching() (*monitor.Monitor, []monitor.Watch, error) {
	dial := (&net.Dialer{KeepAlive: -1}).DialContext
	ask, plain, err := o.question(dial)
	if err != nil {
		return nil, nil, err
	}
	engine, err := probe.NewEngine()
	if err != nil && !errors.Is(err, probe.ErrNoEngine) {
		return nil, nil, err
	}
	var tripwire *probe.Plain
	if o.tripwire {
		tripwire = probe.PlainTCP(netip.Addr{})
	}
	watches := make([]monitor.Watch, 0, o.targets)
	for i, addr := range addresses(o.first, o.targets) {
		watches = append(watches, monitor.Watch{
			Target: probe.Target{
				Pool: fmt.Sprintf("site-%d", i/membersOfASite), Check: string(o.kind),
				Addr: netip.AddrPortFrom(addr, uint16(o.port)),
			},
			Probe: ask, Plain: plain, Tripwire: tripwire,
			Interval: o.interval, Timeout: o.timeout, Recheck: o.recheck,
			Thresholds: monitor.Thresholds{Fall: 3, Clear: 1, Rise: 1},
		})
	}
	return monitor.New(monitor.Options{Vantage: "bench", Dial: dial, Engine: engine}), watches, nil
}
