package failover

import (
	"net/netip"
	"testing"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// A host without IPv6 never learns how the AAAA record of a name fares. That must
// not keep it from mending the A records.
func TestAnAddressThatCannotBeAskedIsNotWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		addr   string
		reason probe.Reason
		moves  bool
	}{
		"IPv6 from a host without it":       {"2001:db8::2", probe.OwnNetwork, true},
		"IPv6 that was only not asked yet":  {"2001:db8::2", "", false},
		"IPv6, and it is our own resources": {"2001:db8::2", probe.OwnResources, false},
		"IPv4, so that we may be cut off":   {"203.0.113.2", probe.OwnNetwork, false},
	} {
		s := newScene()
		other := &s.pool.Members[1]
		other.Addr = netip.MustParseAddr(c.addr)
		other.Set.Values = []string{c.addr}
		s.pool.Members = s.pool.Members[:2]
		h := monitor.Health{State: monitor.Unknown}
		if c.reason != "" {
			h.Last = probe.Result{Target: s.target(other.Addr), At: noon(), Answer: probe.Answer{Verdict: probe.Inconclusive, Reason: c.reason}}
		}
		s.snap = s.snap.With(s.target(other.Addr), h)
		s.fails(1, probe.Refused)
		if moved := len(s.plan().Actions) == 1; moved != c.moves {
			t.Errorf("%s: moved: %v\n%s", name, moved, s.plan())
		}
	}
}
