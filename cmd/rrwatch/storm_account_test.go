package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"rrwatch/config"
	"rrwatch/simulator"
)

// How a stormy pool publishes its members.
const (
	weighted   = "weighted"
	simple     = "simple"
	multivalue = "multivalue"
)

const stormZone = "Z0STORM0EXAMPLE0COM0"

// stormPool is one pool of a random account.
type stormPool struct {
	name, record string
	members      []netip.Addr
	instances    []string // names of those that may carry its members
}

// stormSite is a random account with the policy for it, drawn from a seed.
type stormSite struct {
	kind      string // of the record sets
	mode      config.Mode
	pools     []stormPool
	instances []simulator.Instance
	zones     []string
	options   simulator.Options

	remedies       string
	interval       time.Duration
	cooldown       time.Duration
	verify         time.Duration
	restore        time.Duration
	minHealthy     int
	perHour, total int
}

// foreignAddress and foreignRecord belong to nobody's pool.
func foreignAddress() netip.Addr { return netip.AddrFrom4([4]byte{127, 114, 0, 1}) }

const foreignRecord = "mail.example.com"

// spareAddress is an EIP that no name publishes at first.
func spareAddress() netip.Addr { return netip.AddrFrom4([4]byte{127, 113, 0, 99}) }

func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

func between(rng *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(rng.Int64N(int64(high-low)+1)).Round(time.Millisecond)
}

// newStormSite draws a site.
func newStormSite(rng *rand.Rand) *stormSite {
	s := &stormSite{
		kind: pick(rng, weighted, weighted, simple, simple, multivalue),
		mode: pick(rng, config.ModeAct, config.ModeAct, config.ModeAct, config.ModeAct, config.ModeAct, config.ModeAct,
			config.ModeAct, config.ModeAct, config.ModeObserve, config.ModePropose),
		zones: []string{"eu-central-1a", "eu-central-1b", "eu-central-1c"}[:1+rng.IntN(3)],
		options: simulator.Options{
			Latency: between(rng, 20*time.Millisecond, 300*time.Millisecond),
			Lag:     pick(rng, 0, time.Second, 3*time.Second, 12*time.Second),
			Sync:    pick(rng, 0, 2*time.Second, 30*time.Second),
			Move:    pick(rng, 0, 500*time.Millisecond, 5*time.Second),
		},
		remedies:   pick(rng, "remap, withdraw", "remap, withdraw", "remap", "withdraw", "withdraw, remap"),
		interval:   pick(rng, 3*time.Second, 5*time.Second, 10*time.Second),
		cooldown:   pick(rng, 30*time.Second, time.Minute, 3*time.Minute),
		verify:     pick(rng, 10*time.Second, 20*time.Second),
		restore:    pick(rng, 10*time.Second, time.Minute),
		minHealthy: pick(rng, 1, 1, 1, 2),
		perHour:    pick(rng, 3, 8, 50, 50),
		total:      pick(rng, 5, 50, 50),
	}
	pools, members := 1, 2+rng.IntN(4)
	if s.kind == simple && rng.IntN(3) > 0 {
		pools, members = 2, 2+rng.IntN(3)
	}
	shared := rng.IntN(4) > 0 // the standbys, by both pools
	n := 0
	for p := range pools {
		pool := stormPool{name: []string{"www", "api"}[p]}
		pool.record = pool.name + ".example.com"
		for range members {
			n++
			i := s.add(rng, n, pool.name)
			pool.members = append(pool.members, demoAddress(n))
			pool.instances = append(pool.instances, i)
		}
		s.pools = append(s.pools, pool)
	}
	for k := range pick(rng, 0, 1, 2, 3, 3) {
		n++
		to := s.pools[k%pools].name
		if shared {
			to = "www api"
		}
		i := s.add(rng, n, to)
		for p := range s.pools {
			if strings.Contains(to, s.pools[p].name) {
				s.pools[p].instances = append(s.pools[p].instances, i)
			}
		}
	}
	return s
}

// add makes an instance for some pools, and returns its name.
func (s *stormSite) add(rng *rand.Rand, n int, pools string) string {
	i := simulator.Instance{
		ID: fmt.Sprintf("i-0a1b2c%02x", n), Name: fmt.Sprintf("lb-%d", n), Zone: pick(rng, s.zones...),
		Private: netip.AddrFrom4([4]byte{127, 10, 1, byte(10 + n)}), Tags: map[string]string{},
	}
	for pool := range strings.FieldsSeq(pools) {
		i.Tags["of-"+pool] = "yes"
	}
	if rng.IntN(4) == 0 {
		i.Public = netip.AddrFrom4([4]byte{127, 115, 0, byte(n)}) // its own, beside any EIP
	}
	s.instances = append(s.instances, i)
	return i.Name
}

// fill wires the account.
func (s *stormSite) fill(a *simulator.AWS) {
	for _, i := range s.instances {
		a.AddInstance(i)
	}
	a.AddInstance(simulator.Instance{ID: "i-0foreign", Name: "foreign", Private: netip.AddrFrom4([4]byte{127, 10, 9, 9})})
	a.AddAddress(simulator.Address{IP: foreignAddress(), Instance: "i-0foreign"})
	a.AddAddress(simulator.Address{IP: spareAddress()})
	a.AddZone(simulator.Zone{ID: stormZone, Name: "example.com"})
	a.SetRecord(stormZone, simulator.RecordSet{Name: foreignRecord, Type: "A", TTL: 60, Values: []string{foreignAddress().String()}})
	for n, i := range s.instances {
		if slices.ContainsFunc(s.pools, func(p stormPool) bool { return slices.Contains(p.members, demoAddress(n+1)) }) {
			a.AddAddress(simulator.Address{IP: demoAddress(n + 1), Instance: i.ID})
		}
	}
	for _, set := range s.sets() {
		a.SetRecord(stormZone, set)
	}
}

// sets are the record sets of the pools at the beginning.
func (s *stormSite) sets() []simulator.RecordSet {
	var sets []simulator.RecordSet
	for _, p := range s.pools {
		one := simulator.RecordSet{Name: p.record, Type: "A", TTL: 60}
		for n, addr := range p.members {
			if s.kind == simple {
				one.Values = append(one.Values, addr.String())
				continue
			}
			sets = append(sets, s.set(p, addr, int64(10+5*n)))
		}
		if s.kind == simple {
			sets = append(sets, one)
		}
	}
	return sets
}

// set is the set of one address of a weighted or multivalue pool.
func (s *stormSite) set(p stormPool, addr netip.Addr, weight int64) simulator.RecordSet {
	set := simulator.RecordSet{Name: p.record, Type: "A", TTL: 60, SetIdentifier: "set-" + addr.String(), Values: []string{addr.String()}}
	if s.kind == weighted {
		set.Weight = new(weight)
	} else {
		set.MultiValue = true
	}
	return set
}

// yaml is the configuration for the site.
func (s *stormSite) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "region: eu-central-1\nmode: %s\ndiscover: 10s\nbudget: {per_hour: %d, per_day: %d}\n", s.mode, s.total, 3*s.total)
	fmt.Fprintf(&b, "references: [\"127.99.0.1:53\", \"127.99.0.2:53\", \"127.99.0.3:53\"]\npools:\n")
	for _, p := range s.pools {
		fmt.Fprintf(&b, "  - name: %s\n    record: %s\n    zone: example.com\n    name_servers: [\"127.99.0.53:53\"]\n", p.name, p.record)
		fmt.Fprintf(&b, "    instances: {tags: {of-%s: \"yes\"}}\n    remedy: [%s]\n", p.name, s.remedies)
		fmt.Fprintf(&b, "    checks: [{kind: http, port: 8080, path: /healthz, interval: %s, timeout: 1s, recheck: 500ms}]\n", s.interval)
		// Users who are never served: that must move nothing.
		fmt.Fprintf(&b, "    endpoints: [{url: \"http://%s:8080/\", resolver: \"127.99.0.53:53\", body: never there, interval: 10s}]\n", p.record)
		fmt.Fprintf(&b, "    cooldown: %s\n    verify_within: %s\n    restore_after: %s\n", s.cooldown, s.verify, s.restore)
		fmt.Fprintf(&b, "    min_healthy: %d\n    budget: {per_hour: %d, per_day: %d}\n", s.minHealthy, s.perHour, 3*s.perHour)
	}
	return b.String()
}

// String says in a few lines what was drawn.
func (s *stormSite) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s records, mode %s, remedy [%s], AWS %+v\n", s.kind, s.mode, s.remedies, s.options)
	fmt.Fprintf(&b, "interval %s, cool-down %s, verify within %s, restore after %s, min healthy %d, per hour %d, in all %d\n",
		s.interval, s.cooldown, s.verify, s.restore, s.minHealthy, s.perHour, s.total)
	for _, p := range s.pools {
		fmt.Fprintf(&b, "pool %s: %v on %v\n", p.name, p.members, p.instances)
	}
	for _, i := range s.instances {
		fmt.Fprintf(&b, "%s %s in %s, %s %s\n", i.Name, i.ID, i.Zone, i.Private, i.Public)
	}
	return b.String()
}

// pool finds the pool of a record name.
func (s *stormSite) pool(record string) (stormPool, bool) {
	for _, p := range s.pools {
		if p.record == record {
			return p, true
		}
	}
	return stormPool{}, false
}
