package failover

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// How the world is read: within readTimeout, every readSoon while an incident
// is open, and readRetry after a read that failed.
const (
	readTimeout = 20 * time.Second
	readSoon    = 5 * time.Second
	readRetry   = 5 * time.Second
)

// describeLag is how long after a change AWS's reads may still show what was
// before: for that long our own move is believed instead, and that a change is
// not seen proves nothing. The AWS documentation asks for patience of up to a
// minute.
const describeLag = time.Minute

// wiring is what is known of one pool's wiring.
type wiring struct {
	pool    *Pool // nil: never read
	trouble string
	due     time.Time // when it is to be read next
	reading bool
}

// reading is what one read of one pool gave.
type reading struct {
	pool string
	got  *Pool
	err  error
}

// discover starts the reads that are due.
func (s *state) discover(ctx context.Context, now time.Time) {
	for _, spec := range s.Specs {
		w := s.wirings[spec.Name]
		if w.reading || now.Before(w.due) {
			continue
		}
		w.reading = true
		withdrawn := s.withdrawn(spec.Name)
		s.calls.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, readTimeout)
			defer cancel()
			pool, err := Discover(ctx, spec, s.EIPs, s.Records, withdrawn)
			s.readings <- reading{spec.Name, pool, err}
		})
	}
}

// withdrawn are the edits by which addresses of the pool left its answers.
func (s *state) withdrawn(pool string) []Reweigh {
	var edits []Reweigh
	for _, i := range s.open[pool] {
		if edit, ok := i.Withdrawn(); ok {
			edits = append(edits, edit)
		}
	}
	return edits
}

// Discover reads how a pool is wired: what its name publishes, which instance
// carries each address, and which could. Addresses that were withdrawn stay
// members until they are restored.
func Discover(ctx context.Context, spec *Spec, eips EIPs, records Records, withdrawn []Reweigh) (*Pool, error) {
	began := time.Now()
	published, err := records.Read(ctx, spec.Zone, spec.Record)
	if err != nil {
		return nil, err
	}
	pool := &Pool{Name: spec.Name, Read: began, Sets: published.Sets, ZoneID: published.ZoneID, Members: members(published.Sets, withdrawn)}
	if len(pool.Members) == 0 {
		return nil, fmt.Errorf("%s publishes no address that can be watched%s", spec.Record, foreign(published.Sets))
	}
	addrs := make([]netip.Addr, len(pool.Members))
	for i, m := range pool.Members {
		addrs[i] = m.Addr
	}
	addresses, instances, err := eips.Read(ctx, addrs, spec.Instances)
	if err != nil {
		return nil, err
	}
	pool.Instances = instances
	for i := range pool.Members {
		m := &pool.Members[i]
		at := slices.IndexFunc(addresses, func(a Address) bool { return a.IP == m.Addr })
		if at >= 0 {
			m.Address = &addresses[at]
		}
		pool.Notices = append(pool.Notices, notice(*m)...)
	}
	return pool, nil
}

// members are the addresses of the sets, and those withdrawn from them,
// ordered.
func members(sets []RecordSet, withdrawn []Reweigh) []Member {
	found := map[netip.Addr]Member{}
	for _, set := range sets {
		for _, addr := range set.Addrs() {
			if old, twice := found[addr]; !twice || !old.Published {
				found[addr] = Member{Addr: addr, Set: set, Published: set.Answers()}
			}
		}
	}
	for _, edit := range withdrawn {
		if _, there := found[edit.Addr]; !there {
			found[edit.Addr] = Member{Addr: edit.Addr, Set: edit.Was}
		}
	}
	list := make([]Member, 0, len(found))
	for _, m := range found {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b Member) int { return a.Addr.Compare(b.Addr) })
	return list
}

func foreign(sets []RecordSet) string {
	for _, set := range sets {
		if set.Foreign != "" {
			return ": " + set.Foreign
		}
	}
	return ""
}

// notice says what an operator should know about a member.
func notice(m Member) []string {
	var list []string
	switch {
	case m.Address == nil && m.Addr.Is4():
		list = append(list, fmt.Sprintf("%s is no Elastic IP of this account and Region: it is watched and never moved", m.Addr))
	case m.Address != nil && m.Address.Association == "":
		list = append(list, fmt.Sprintf("%s (%s) is associated with nothing", m.Addr, m.Address.Allocation))
	}
	if n := len(m.Set.Values); n > 1 && m.Set.Foreign == "" && !m.Set.Simple() {
		list = append(list, fmt.Sprintf("%s is one of %d addresses in the record set %s: it is never withdrawn, because the others would leave with it; "+
			"give each address a set of its own", m.Addr, n, m.Set.Identifier))
	}
	if m.Set.HealthCheck != "" {
		list = append(list, fmt.Sprintf("%s has the Route 53 health check %s: two controllers", m.Addr, m.Set.HealthCheck))
	}
	return list
}

// read takes in what a read gave.
func (s *state) read(ctx context.Context, r reading) {
	w, now := s.wirings[r.pool], time.Now()
	w.reading, w.due = false, now.Add(s.Discover)
	for _, i := range s.open[r.pool] {
		w.due = now.Add(min(s.Discover, readSoon))
		touched := i.lastTouch()
		if r.got != nil && r.got.Read.Before(touched) && !touched.After(now) { // else the clock was put back, and no read would do
			w.due = now // it began before our own change: read again
			break
		}
	}
	if r.err != nil {
		w.due = now.Add(min(s.Discover, readRetry))
		if text := r.err.Error(); text != w.trouble && ctx.Err() == nil {
			w.trouble = text
			s.Log.Warn("a pool's wiring cannot be read", "pool", r.pool, "error", r.err)
		}
		return
	}
	w.trouble = ""
	if s.lacks(r.got) {
		w.due = now
		return
	}
	s.overlay(r.got, now)
	before := w.pool
	w.pool = r.got
	if text := wired(before, r.got); text != "" {
		s.record(ctx, Entry{Kind: Wired, Pool: r.pool, Text: text})
	}
	s.watch()
}

// lacks reports whether a read knows nothing of a member that was withdrawn since
// the read began: without it that member would count as someone else's.
func (s *state) lacks(pool *Pool) bool {
	return slices.ContainsFunc(s.withdrawn(pool.Name), func(r Reweigh) bool {
		_, there := pool.Member(r.Addr)
		return !there
	})
}

// overlay puts our own moves of the last minute over what EC2 says: its
// describe calls lag. Those of other pools count too: pools may share standbys.
func (s *state) overlay(pool *Pool, now time.Time) {
	for _, a := range s.done() {
		if a.Remap != nil && now.Sub(a.Applied) < describeLag {
			pool.moved(*a.Remap)
		}
	}
}

// done are the actions of the last day that AWS has accepted, in that order.
func (s *state) done() []Action {
	list := slices.DeleteFunc(slices.Clone(s.acted), func(a Action) bool { return a.Applied.IsZero() })
	slices.SortFunc(list, func(a, b Action) int { return cmp.Or(a.Applied.Compare(b.Applied), cmp.Compare(a.ID, b.ID)) })
	return list
}

// moved is the wiring after a move that the read did not see yet.
func (p *Pool) moved(r Remap) {
	m, ok := p.Member(r.Addr)
	if !ok {
		p.given(r)
		return
	}
	if m.Address == nil || m.Address.Instance != r.From {
		return // seen already, or someone else has moved it on
	}
	m.Address.Instance, m.Address.Interface, m.Address.Private = r.To, r.Interface, r.Private
	for n := range p.Instances {
		switch i := &p.Instances[n]; {
		case i.ID == r.To:
			i.Elastic, i.Public = r.Addr, r.Addr
		case i.ID == r.From && i.Elastic == r.Addr:
			i.Elastic, i.Public = netip.Addr{}, netip.Addr{}
		}
	}
}

// given is the wiring after a move of another pool's address: an instance that
// was spare here carries it.
func (p *Pool) given(r Remap) {
	for n := range p.Instances {
		switch i := &p.Instances[n]; {
		case i.ID == r.To && !i.Elastic.IsValid():
			i.Elastic, i.Public = r.Addr, r.Addr
		case i.ID == r.From && i.Elastic == r.Addr:
			i.Elastic, i.Public = netip.Addr{}, netip.Addr{}
		}
	}
}

// wired says how a wiring differs from the one before; "" when it does not.
func wired(before, now *Pool) string {
	if before == nil {
		return fmt.Sprintf("pool %s has %d members and %d instances", now.Name, len(now.Members), len(now.Instances))
	}
	var changes []string
	for _, m := range now.Members {
		old, known := before.Member(m.Addr)
		switch {
		case !known:
			changes = append(changes, fmt.Sprintf("%s joined", m.Addr))
		case old.Carrier() != m.Carrier():
			changes = append(changes, fmt.Sprintf("%s is now carried by %s", m.Addr, carrierName(now, m)))
		case !old.Set.Equal(m.Set):
			changes = append(changes, fmt.Sprintf("the record set of %s changed", m.Addr))
		}
	}
	for _, m := range before.Members {
		if _, there := now.Member(m.Addr); !there {
			changes = append(changes, fmt.Sprintf("%s left", m.Addr))
		}
	}
	if len(changes) == 0 {
		return ""
	}
	return "pool " + now.Name + " changed: " + strings.Join(changes, "; ")
}

func carrierName(p *Pool, m Member) string {
	if i, ok := p.Instance(m.Carrier()); ok {
		return i.Label()
	}
	return "nothing"
}

// watch gives the monitor the whole list of targets, when it has changed.
func (s *state) watch() {
	var list []monitor.Watch
	targets := map[probe.Target]bool{}
	for _, spec := range s.Specs {
		list = append(list, spec.EndpointWatches()...)
		if pool := s.wirings[spec.Name].pool; pool != nil {
			list = append(list, Watches(spec, pool)...)
		}
	}
	for _, w := range list {
		targets[w.Target] = true
	}
	same := len(targets) == len(s.watched)
	for t := range targets {
		same = same && s.watched[t]
	}
	if same {
		return
	}
	if err := s.Watcher.Replace(list); err != nil {
		s.Log.Warn("the list of targets was not replaced", "error", err)
		return
	}
	s.watched = targets
}

// Watches lists what a pool has probed: every check of every member, and of
// every instance that carries none and has an address to ask it at.
func Watches(spec *Spec, pool *Pool) []monitor.Watch {
	var list []monitor.Watch
	add := func(addr netip.Addr) {
		for _, c := range spec.Checks {
			list = append(list, c.Watch(spec.Name, addr))
		}
	}
	for _, m := range pool.Members {
		add(m.Addr)
	}
	for _, i := range pool.Spare() {
		_, member := pool.Member(i.ProbeAddr(spec.Instances.Address))
		if at := i.ProbeAddr(spec.Instances.Address); at.IsValid() && !member {
			add(at)
		}
	}
	return list
}

// DiscoverAll reads every pool once, side by side; the errors are by pool.
func DiscoverAll(ctx context.Context, specs []*Spec, eips EIPs, records Records) (map[string]*Pool, map[string]error) {
	var wg sync.WaitGroup
	pools, errs := make([]*Pool, len(specs)), make([]error, len(specs))
	for n, spec := range specs {
		wg.Go(func() { pools[n], errs[n] = Discover(ctx, spec, eips, records, nil) })
	}
	wg.Wait()
	good, bad := map[string]*Pool{}, map[string]error{}
	for n, spec := range specs {
		if errs[n] != nil {
			bad[spec.Name] = errs[n]
			continue
		}
		good[spec.Name] = pools[n]
	}
	return good, bad
}
