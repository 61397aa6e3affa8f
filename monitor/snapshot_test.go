package monitor_test

import (
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// snapshotOf believes of three targets, one of them suspect and one Down.
func snapshotOf() (*monitor.Snapshot, []probe.Target) {
	targets := make([]probe.Target, 3)
	for n := range targets {
		addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(n + 1)})
		targets[n] = probe.Target{Pool: "www", Check: "http", Addr: netip.AddrPortFrom(addr, 80)}
	}
	return monitor.NewSnapshot(epoch(), map[probe.Target]monitor.Health{
		targets[0]: {State: monitor.Up},
		targets[1]: {State: monitor.Up, Fails: 1},
		targets[2]: {State: monitor.Down, Fails: 3},
	}), targets
}

func TestASnapshotSharesWhatItBelieves(t *testing.T) {
	s, targets := snapshotOf()
	each := maps.Collect(s.Each())
	if len(each) != len(targets) {
		t.Errorf("there are %d targets, want %d", len(each), len(targets))
	}
	for _, target := range targets {
		if h := s.Of(target); h == nil || *h != s.Health(target) || h != each[target] || h != s.Of(target) {
			t.Errorf("%s: %v", target, h)
		}
	}
	if n := testing.AllocsPerRun(10, func() { s.Of(targets[0]) }); n != 0 {
		t.Errorf("to ask it takes %g allocations", n)
	}
}

func TestNothingIsBelievedOfATargetThatIsNotWatched(t *testing.T) {
	s, _ := snapshotOf()
	if h := s.Of(probe.Target{Pool: "www", Check: "tcp"}); h != nil {
		t.Errorf("got %+v", h)
	}
}

func TestCountsTheTargetsWithFails(t *testing.T) {
	if s, _ := snapshotOf(); s.Suspected() != 2 {
		t.Errorf("got %d, want 2", s.Suspected())
	}
}

func TestCountsTheSuspectAddressesOfEachPool(t *testing.T) {
	s, targets := snapshotOf()
	second := targets[1]
	second.Check = "tcp" // of the same address
	endpoint := probe.Target{Pool: "www", Check: "login"}
	other := targets[0]
	other.Pool = "shop"
	s = s.With(second, monitor.Health{State: monitor.Down, Fails: 3}).With(endpoint, monitor.Health{Fails: 1}).With(other, monitor.Health{Fails: 1})
	for pool, want := range map[string]int{"www": 2, "shop": 1, "blog": 0} {
		for range 2 {
			if got := s.Suspects(pool); got != want {
				t.Errorf("%s has %d, want %d", pool, got, want)
			}
		}
	}
	if got := new(monitor.Snapshot).Suspects("www"); got != 0 {
		t.Errorf("before the first look there are %d", got)
	}
	if got := s.With(targets[0], monitor.Health{State: monitor.Down}).Suspects("www"); got != 3 {
		t.Errorf("another snapshot has %d, want 3", got)
	}
}

func TestCountsWhenEachAddressBeganToFail(t *testing.T) {
	s, targets := snapshotOf()
	at := func(n int) time.Time { return epoch().Add(time.Duration(n) * time.Second) }
	fails := func(first int) monitor.Health { return monitor.Health{Fails: 1, First: at(first), Asked: at(9)} }
	second := targets[2]
	second.Check = "tcp" // of the same address
	never := targets[0]
	never.Addr = netip.AddrPortFrom(netip.MustParseAddr("192.0.2.9"), 80)
	s = s.With(targets[0], monitor.Health{State: monitor.Up, Asked: at(9)}).With(targets[1], fails(5)).With(targets[2], fails(4)).
		With(second, fails(3)).With(never, monitor.Health{}).With(probe.Target{Pool: "www", Check: "login"}, fails(1))
	for range 2 {
		began, addresses := s.Began()
		if diff := cmp.Diff([]time.Time{at(3), at(5)}, began); diff != "" || addresses != 3 {
			t.Errorf("of %d addresses, want 3: %s", addresses, diff)
		}
	}
	if began, addresses := new(monitor.Snapshot).Began(); len(began)+addresses != 0 {
		t.Errorf("before the first look %d of %d fail", len(began), addresses)
	}
}
