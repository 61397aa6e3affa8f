package failover

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// fleet is the input of Decide for many pools at once.
type fleet struct {
	specs []*Spec
	pools []*Pool
	hists []*History
	snap  *monitor.Snapshot
	now   time.Time
}

// newFleet is so many pools, each of so many members and two standbys, in two
// zones; the first members of zone a fail, and have open incidents.
func newFleet(pools, members, failing int, kinds ...string) *fleet {
	f := &fleet{now: noon()}
	health := map[probe.Target]monitor.Health{}
	var checks []Check
	for n, kind := range kinds {
		checks = append(checks, Check{
			Name: kind, Kind: kind, Port: 443 + uint16(n), Interval: 5 * time.Second, Timeout: 2 * time.Second,
			Thresholds: monitor.Thresholds{Fall: 3, Clear: 1, Rise: 2},
		})
	}
	for p := range pools {
		name := fmt.Sprintf("pool-%04d", p)
		spec := &Spec{
			Name: name, Record: name + ".example.com", Zone: "example.com", Checks: checks, Instances: Selector{Address: AddressAuto},
			Policy: Policy{
				Mode: Act, Remedies: []Remedy{RemedyRemap, RemedyWithdraw}, VerifyWithin: 30 * time.Second, Cooldown: 5 * time.Minute,
				RestoreAfter: time.Minute, MinHealthy: 1, Budget: Budget{1000, 1000}, MemberBudget: Budget{10, 10},
			},
		}
		pool := &Pool{Name: name, ZoneID: "Z1", Read: f.now.Add(-10 * time.Second)}
		h := &History{Total: Budget{10_000, 10_000}, StaleAt: 2 * time.Minute, Left: map[RecordKey]Left{}}
		for m := range members + 2 {
			addr := netip.AddrFrom4([4]byte{203, byte(p >> 8), byte(p), byte(m)})
			f.add(spec, pool, addr, m < members, m%2 == 0)
			down := m%2 == 0 && m/2 < failing
			for _, c := range checks {
				health[c.Target(name, addr)] = healthOf(c.Target(name, addr), down)
			}
			if down {
				h.Open = append(h.Open, Incident{
					ID: int64(p*members + m + 1), Pool: name, Member: addr, Opened: noon().Add(-time.Second),
					Opening: Opening{FirstBad: noon().Add(-2 * time.Second), Believed: noon().Add(-time.Second), SeenUp: true},
				})
			}
		}
		f.specs, f.pools, f.hists = append(f.specs, spec), append(f.pools, pool), append(f.hists, h)
	}
	f.snap = monitor.NewSnapshot(f.now, health)
	return f
}

// add gives a pool an instance, and the member that it carries.
func (f *fleet) add(spec *Spec, pool *Pool, addr netip.Addr, member, zoneA bool) {
	i := Instance{ID: "i-" + addr.String(), Zone: "b", State: running, Status: "ok", Interface: "eni-" + addr.String(), Interfaces: 1, Private: addr}
	if zoneA {
		i.Zone = "a"
	}
	if member {
		i.Elastic, i.Public, i.Private = addr, addr, netip.Addr{}
		set := RecordSet{Name: spec.Record, Type: "A", TTL: 60, Identifier: addr.String(), Weight: new(int64(10)), Values: []string{addr.String()}}
		pool.Sets = append(pool.Sets, set)
		pool.Members = append(pool.Members, Member{
			Addr: addr, Published: true, Set: set, Address: &Address{IP: addr, Allocation: "eipalloc-" + addr.String(), Instance: i.ID},
		})
	}
	pool.Instances = append(pool.Instances, i)
}

// healthOf is what is believed of a target that is well, or is silent.
func healthOf(t probe.Target, down bool) monitor.Health {
	pass := probe.Result{Target: t, At: noon().Add(-time.Second), Answer: probe.Answer{Verdict: probe.Pass}}
	if !down {
		return monitor.Health{State: monitor.Up, Since: noon().Add(-time.Hour), Streak: noon().Add(-time.Hour), Passes: 720, Last: pass, Asked: pass.At, SeenUp: true}
	}
	fail := probe.Result{Target: t, At: noon().Add(-time.Second), Answer: probe.Answer{Verdict: probe.Fail, Reason: probe.ConnectTimeout, Detail: "no connection within 2s"}}
	return monitor.Health{State: monitor.Down, Since: noon().Add(-time.Second), First: noon().Add(-2 * time.Second), Fails: 3, Last: fail, Why: fail, Asked: fail.At, SeenUp: true}
}

func (f *fleet) decide() (actions, held int) {
	for n, spec := range f.specs {
		plan := Decide(spec, f.pools[n], f.snap, f.hists[n], f.now)
		actions, held = actions+len(plan.Actions), held+len(plan.Held)
	}
	return actions, held
}

// fleets are the inputs that are measured.
func fleets() map[string]func() *fleet {
	return map[string]func() *fleet{
		"1000 pools of 8, quiet":                        func() *fleet { return newFleet(1000, 8, 0, "https") },
		"1000 pools of 8, one failed in each":           func() *fleet { return newFleet(1000, 8, 1, "https") },
		"1000 pools of 8, one failed in each, 2 checks": func() *fleet { return newFleet(1000, 8, 1, "https", "icmp") },
		"1 pool of 100, a zone of 50 fails":             func() *fleet { return newFleet(1, 100, 50, "https", "icmp") },
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(fleets())) {
		b.Run(name, func(b *testing.B) {
			f := fleets()[name]()
			b.ReportAllocs()
			for b.Loop() {
				f.decide()
			}
		})
	}
}

func BenchmarkDiagnose(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(fleets())) {
		b.Run(name, func(b *testing.B) {
			f := fleets()[name]()
			b.ReportAllocs()
			for b.Loop() {
				everything, _ := everythingFails(f.snap) // once a look
				for n, spec := range f.specs {
					for _, i := range f.hists[n].Open {
						diagnose(spec, f.pools[n], f.snap, i.Member, everything)
					}
				}
			}
		})
	}
}

func BenchmarkEverythingFails(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(fleets())) {
		b.Run(name, func(b *testing.B) {
			f := fleets()[name]()
			b.ReportAllocs()
			for b.Loop() {
				everythingFails(f.snap)
			}
		})
	}
}

func BenchmarkFailingZones(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(fleets())) {
		b.Run(name, func(b *testing.B) {
			f := fleets()[name]()
			b.ReportAllocs()
			for b.Loop() {
				for n, spec := range f.specs {
					if len(f.hists[n].Open) > 0 {
						failingZones(spec, f.pools[n], f.snap, nil)
					}
				}
			}
		})
	}
}
