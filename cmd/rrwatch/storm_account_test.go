package main

import (
	"errors"
	"fmt"
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

// How questions are asked: by the real protocols over the pretended network, or
// of the network itself, which says the same and costs a fiftieth.
const (
	askReal     = "real"
	askDirectly = "directly"
)

// How long the end is watched: until all is well and quiet, or for as long as
// that may take at most.
const (
	endShort = "the end shortly"
	endLong  = "the end for long"
)

const stormZone = "Z0STORM0EXAMPLE0COM0"

// stormPool is one pool of an account.
type stormPool struct {
	name, record string
	members      []netip.Addr
	instances    []string // names of those that may carry its members
}

// stormSite is an account with the policy for it. Lines of an outage text say
// it (see siteFacts); build makes the pools and instances of it.
type stormSite struct {
	kind                       string // of the record sets
	howMany, members, standbys int    // pools, members of each, standbys of all
	zones                      []string
	placed                     []placed // where an instance is otherwise than by turns; by number
	options                    simulator.Options
	mode                       config.Mode
	remedies                   string
	interval, timeout, recheck time.Duration
	fall, clear, rise          int // 0: as rrwatch has them
	cooldown, verify, restore  time.Duration
	minHealthy, perHour, total int
	discover                   time.Duration
	end                        string   // how long the end is watched
	ask                        string   // how questions are asked
	poolLines, fileLines       []string // of rrwatch.yaml, for what has no words
	pools                      []stormPool
	instances                  []simulator.Instance
}

// placed says of one instance where it is.
type placed struct {
	n     int // lb-n
	zone  string
	pools string // "www api"
	own   bool   // it has a public address of its own, beside any EIP
}

// defaultSite is what a text says that says nothing.
func defaultSite() *stormSite {
	return &stormSite{
		kind: weighted, howMany: 1, members: 3, standbys: 1, zones: []string{"a", "b"},
		options: simulator.Options{Latency: 60 * time.Millisecond, Lag: time.Second, Sync: 2 * time.Second, Move: time.Second},
		mode:    config.ModeAct, remedies: "remap, withdraw",
		ask: askReal, end: endShort, interval: 5 * time.Second, timeout: time.Second, recheck: 500 * time.Millisecond,
		cooldown: 5 * time.Minute, verify: 15 * time.Second, restore: time.Minute,
		minHealthy: 1, perHour: 50, total: 100, discover: 10 * time.Second,
	}
}

// foreignAddress and foreignRecord belong to nobody's pool.
func foreignAddress() netip.Addr { return netip.AddrFrom4([4]byte{127, 114, 0, 1}) }

const foreignRecord = "mail.example.com"

// spareAddress is an EIP that no name publishes at first; its name in texts is
// spare.
func spareAddress() netip.Addr { return netip.AddrFrom4([4]byte{127, 113, 0, 99}) }

const spareMember = "spare"

// build makes the pools and instances.
func (s *stormSite) build() error {
	switch {
	case s.members < 1 || s.members > 20 || s.standbys > 20 || s.howMany < 1 || s.howMany > 2 || len(s.zones) == 0:
		return errors.New("a site has 1 or 2 pools of 1 to 20 members, 0 to 20 standbys, and a zone; correct its line")
	case len(s.instances) > 0:
		return errors.New("the site is built already")
	}
	for _, p := range s.placed {
		if p.n < 1 || p.n > s.size() || !slices.Contains(s.zones, p.zone) || p.pools == "" {
			return fmt.Errorf("instance lb-%d in zone %s for %q is not of this site, which has %d instances in zones %v; correct its line",
				p.n, p.zone, p.pools, s.size(), s.zones)
		}
	}
	for p := range s.howMany {
		pool := stormPool{name: []string{"www", "api"}[p]}
		pool.record = pool.name + ".example.com"
		for m := range s.members {
			pool.members = append(pool.members, demoAddress(p*s.members+m+1))
		}
		s.pools = append(s.pools, pool)
	}
	for n := 1; n <= s.size(); n++ {
		s.add(s.place(n))
	}
	return nil
}

func (s *stormSite) size() int { return s.howMany*s.members + s.standbys }

// place says where instance n is.
func (s *stormSite) place(n int) placed {
	for _, p := range s.placed {
		if p.n == n {
			return p
		}
	}
	return s.byTurns(n)
}

// byTurns is where instance n is if nothing is said: the zones take turns, a
// carrier is of its pool, and a standby of all.
func (s *stormSite) byTurns(n int) placed {
	p := placed{n: n, zone: s.zones[(n-1)%len(s.zones)]}
	switch {
	case n <= s.howMany*s.members:
		p.pools = s.pools[(n-1)/s.members].name
	default:
		p.pools = strings.Join(s.poolNames(), " ")
	}
	return p
}

// add makes one instance.
func (s *stormSite) add(p placed) {
	i := simulator.Instance{
		ID: fmt.Sprintf("i-0a1b2c%02x", p.n), Name: fmt.Sprintf("lb-%d", p.n), Zone: "eu-central-1" + p.zone,
		Private: netip.AddrFrom4([4]byte{127, 10, 1, byte(10 + p.n)}), Tags: map[string]string{},
	}
	for pool := range strings.FieldsSeq(p.pools) {
		i.Tags["of-"+pool] = "yes"
	}
	if p.own {
		i.Public = netip.AddrFrom4([4]byte{127, 115, 0, byte(p.n)})
	}
	s.instances = append(s.instances, i)
	for n, pool := range s.pools {
		if i.Tags["of-"+pool.name] != "" {
			s.pools[n].instances = append(s.pools[n].instances, i.Name)
		}
	}
}

func (s *stormSite) instanceNames() []string {
	var names []string
	for _, i := range s.instances {
		names = append(names, i.Name)
	}
	return names
}

func (s *stormSite) poolNames() []string {
	var names []string
	for _, p := range s.pools {
		names = append(names, p.name)
	}
	return names
}

// memberNames are www-1, www-2, …, and spare.
func (s *stormSite) memberNames() []string {
	var names []string
	for _, p := range s.pools {
		for n := range p.members {
			names = append(names, fmt.Sprintf("%s-%d", p.name, n+1))
		}
	}
	return append(names, spareMember)
}

// member is the address that a name in a text means, and the pool that it is
// of; spare is of the first.
func (s *stormSite) member(name string) (netip.Addr, stormPool) {
	for _, p := range s.pools {
		for n, a := range p.members {
			if name == fmt.Sprintf("%s-%d", p.name, n+1) {
				return a, p
			}
		}
	}
	return spareAddress(), s.pools[0]
}

// membersOf are the addresses that a pool may have.
func (s *stormSite) membersOf(pool string) []netip.Addr {
	for _, p := range s.pools {
		if p.name == pool {
			return append(slices.Clone(p.members), spareAddress())
		}
	}
	return nil
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
	for n, i := range s.instances[:s.howMany*s.members] {
		a.AddAddress(simulator.Address{IP: demoAddress(n + 1), Instance: i.ID})
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
	fmt.Fprintf(&b, "region: eu-central-1\nmode: %s\ndiscover: %s\nbudget: {per_hour: %d, per_day: %d}\n", s.mode, s.discover, s.total, 3*s.total)
	fmt.Fprintf(&b, "references: [\"127.99.0.1:53\", \"127.99.0.2:53\", \"127.99.0.3:53\"]\n")
	for _, line := range s.fileLines {
		fmt.Fprintln(&b, line)
	}
	fmt.Fprintln(&b, "pools:")
	thresholds := ""
	for k, n := range []int{s.fall, s.clear, s.rise} {
		if n > 0 {
			thresholds += fmt.Sprintf(", %s: %d", []string{"fall", "clear", "rise"}[k], n)
		}
	}
	if s.ask == askDirectly { // there is no connection to hold
		thresholds += ", tripwire: false"
	}
	for _, p := range s.pools {
		fmt.Fprintf(&b, "  - name: %s\n    record: %s\n    zone: example.com\n    name_servers: [\"127.99.0.53:53\"]\n", p.name, p.record)
		fmt.Fprintf(&b, "    instances: {tags: {of-%s: \"yes\"}}\n    remedy: [%s]\n", p.name, s.remedies)
		fmt.Fprintf(&b, "    checks: [{kind: http, port: 8080, path: /healthz, interval: %s, timeout: %s, recheck: %s%s}]\n",
			s.interval, s.timeout, s.recheck, thresholds)
		// Users who are never served: that must move nothing.
		fmt.Fprintf(&b, "    endpoints: [{url: \"http://%s:8080/\", resolver: \"127.99.0.53:53\", body: never there, interval: %s}]\n",
			p.record, max(10*time.Second, s.discover))
		fmt.Fprintf(&b, "    cooldown: %s\n    verify_within: %s\n    restore_after: %s\n", s.cooldown, s.verify, s.restore)
		fmt.Fprintf(&b, "    min_healthy: %d\n    budget: {per_hour: %d, per_day: %d}\n", s.minHealthy, s.perHour, 3*s.perHour)
		for _, line := range s.poolLines {
			fmt.Fprintf(&b, "    %s\n", line)
		}
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
