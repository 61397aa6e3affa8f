package main

import (
	"net/netip"
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// What passes is compared with what fails, so it must have been asked since.
func TestAPlanWaitsUntilAllWereAskedSinceTheLatestFirstFail(t *testing.T) {
	began := time.Now()
	target := func(n byte) probe.Target {
		return probe.Target{Pool: "www", Check: "http", Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, n}), 80)}
	}
	watches := []monitor.Watch{{Target: target(1)}, {Target: target(2)}}
	up := func(asked time.Duration, last probe.Verdict) monitor.Health {
		return monitor.Health{State: monitor.Up, Asked: began.Add(asked), Last: probe.Result{Answer: probe.Answer{Verdict: last}}}
	}
	down := monitor.Health{State: monitor.Down, First: began.Add(time.Second), Asked: began.Add(time.Second)}
	for name, c := range map[string]struct {
		one, two monitor.Health
		want     bool
	}{
		"nothing is known":           {monitor.Health{}, down, false},
		"all is well":                {up(0, probe.Pass), up(0, probe.Pass), true},
		"one was asked before":       {up(0, probe.Pass), down, false},
		"one was asked after":        {up(2*time.Second, probe.Pass), down, true},
		"one does not say any more":  {up(0, probe.Inconclusive), down, true},
		"one is down for longer too": {monitor.Health{State: monitor.Down, First: began, Asked: began}, down, true},
	} {
		snap := monitor.NewSnapshot(began, map[probe.Target]monitor.Health{target(1): c.one, target(2): c.two})
		if got := decided(snap, watches); got != c.want {
			t.Errorf("%s: decided is %v, want %v", name, got, c.want)
		}
	}
}
