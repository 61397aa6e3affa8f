package failover

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// How the world is read: within readTimeout, which is four calls that wait for
// each other and are each tried for ten seconds; every readSoon while an incident
// is open, and readRetry after a read that failed.
const (
	readTimeout = 40 * time.Second
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
	began   time.Time // when the read that is under way did
	shared  bool      // that read is of other pools, too
}

// slowRound is how long a pool that is in a hurry waits for a read that it
// shares with others. One of them may have an account or a Region that does not
// answer, which shall not keep it from acting.
const slowRound = 2 * time.Second

// waits reports whether the pool has to wait for a read that is under way.
func (w *wiring) waits(urgent bool, now time.Time) bool {
	slow := w.shared && elapsed(w.began, now) >= slowRound
	return w.reading && (!urgent || !slow)
}

// reading is what one round of reads gave.
type reading struct {
	surveys []survey
	began   time.Time
	pools   []*Pool // of each survey; nil: it has an error
	errs    []error
}

// survey is one pool that is to be read.
type survey struct {
	spec      *Spec
	withdrawn []Reweigh // the edits by which addresses have left its answers
}

// mostTogether is how many pools are read in one round: each costs a call of
// Route 53, which takes few a second.
const mostTogether = 10

// discover starts the reads that are due. Pools without an open incident are read
// in one round, which costs EC2 the same few calls for all of them: those that are
// due soon go with those that are due. One that has an incident, or may lose its
// lease, waits for none.
func (s *state) discover(ctx context.Context, now time.Time) {
	var round []survey
	due := false
	for _, spec := range s.Specs {
		w := s.wirings[spec.Name]
		urgent, late := len(s.open[spec.Name]) > 0 || s.leases[spec.Name].unclear(), !now.Before(w.due)
		if w.waits(urgent, now) || now.Before(w.due.Add(-s.Discover/4)) {
			continue
		}
		one := survey{spec, s.withdrawn(spec.Name)}
		switch {
		case urgent && late:
			s.readAll(ctx, []survey{one})
		case !urgent && len(round) < mostTogether:
			round, due = append(round, one), due || late
		}
	}
	if due {
		s.readAll(ctx, round)
	}
}

// readAll reads pools in a goroutine of its own.
func (s *state) readAll(ctx context.Context, list []survey) {
	began := time.Now()
	for _, one := range list {
		w := s.wirings[one.spec.Name]
		w.reading, w.began, w.shared = true, began, len(list) > 1
	}
	s.calls.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		pools, errs := discover(ctx, list, s.EIPs, s.Records)
		s.readings <- reading{list, began, pools, errs}
	})
}

// withdrawn are the edits by which addresses of the pool left its answers, of
// open incidents and of those that resolvers may give still.
func (s *state) withdrawn(pool string) []Reweigh {
	var edits []Reweigh
	for _, i := range s.open[pool] {
		if edit, ok := i.Withdrawn(); ok {
			edits = append(edits, edit)
		}
	}
	return append(edits, s.draining(pool, time.Now())...)
}

// Discover reads how a pool is wired: what its name publishes, which instance
// carries each address, and which could. Addresses that were withdrawn stay
// members until they are restored.
func Discover(ctx context.Context, spec *Spec, eips EIPs, records Records, withdrawn []Reweigh) (*Pool, error) {
	pools, errs := discover(ctx, []survey{{spec, withdrawn}}, eips, records)
	return pools[0], errs[0]
}

// discover reads how pools are wired: their names side by side, and then what EC2
// knows of all of them.
func discover(ctx context.Context, list []survey, eips EIPs, records Records) ([]*Pool, []error) {
	pools, errs := make([]*Pool, len(list)), make([]error, len(list))
	var wg sync.WaitGroup
	for n, one := range list {
		wg.Go(func() { pools[n], errs[n] = one.published(ctx, records) })
	}
	wg.Wait()
	var wants []Want
	var at []int // where each of them is in the list
	for n, pool := range pools {
		if errs[n] == nil {
			wants, at = append(wants, pool.want(list[n].spec)), append(at, n)
		}
	}
	if len(wants) == 0 {
		return pools, errs
	}
	for n, got := range eips.Read(ctx, wants) {
		if got.Err != nil {
			pools[at[n]], errs[at[n]] = nil, got.Err
			continue
		}
		pools[at[n]].carried(got)
		pools[at[n]].lint(list[at[n]].spec)
	}
	return pools, errs
}

// published reads what the pool's name publishes.
func (v survey) published(ctx context.Context, records Records) (*Pool, error) {
	began := time.Now()
	p, err := records.Read(ctx, v.spec.Zone, v.spec.Record)
	if err != nil {
		return nil, err
	}
	pool := &Pool{
		Name: v.spec.Name, Read: began, Sets: p.Sets, ZoneID: p.ZoneID, Private: p.Private, Lease: p.Lease,
		HealthChecks: p.HealthChecks, Throttled: p.Throttled, Members: members(p.Sets, v.withdrawn), withdrawn: v.withdrawn,
	}
	if len(pool.Members) == 0 {
		return nil, fmt.Errorf("%s publishes no address that can be watched%s", v.spec.Record, foreign(p.Sets))
	}
	return pool, nil
}

func (p *Pool) want(spec *Spec) Want {
	w := Want{Pool: p.Name, Instances: spec.Instances}
	for _, m := range p.Members {
		w.Addrs = append(w.Addrs, m.Addr)
	}
	return w
}

// carried takes in what EC2 says.
func (p *Pool) carried(got Got) {
	p.Instances = got.Instances
	for i := range p.Members {
		m := &p.Members[i]
		at := slices.IndexFunc(got.Addresses, func(a Address) bool { return a.IP == m.Addr })
		if at >= 0 {
			m.Address = &got.Addresses[at]
		}
	}
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

// read takes in what a round of reads gave.
func (s *state) read(ctx context.Context, r reading) {
	now, news := time.Now(), false
	for n, one := range r.surveys {
		if s.wirings[one.spec.Name].began.After(r.began) {
			continue // overtaken by another read of it, which says more
		}
		news = s.readOf(ctx, one.spec.Name, r.pools[n], r.errs[n], now) || news
	}
	if news {
		s.watch()
	}
}

// readOf takes in what a read of one pool gave, and reports whether it could.
func (s *state) readOf(ctx context.Context, name string, got *Pool, err error, now time.Time) bool {
	w := s.wirings[name]
	w.reading, w.due = false, s.readAgain(name, got, now)
	if err != nil {
		w.due = now.Add(min(s.Discover, readRetry))
		if text := err.Error(); text != w.trouble && ctx.Err() == nil {
			w.trouble = text
			s.Log.Warn("a pool's wiring cannot be read", "pool", name, "error", err)
		}
		return false
	}
	w.trouble = ""
	if l := s.leases[name]; l != nil {
		l.read(got.Lease, got.Read, now)
	}
	if s.lacks(got) {
		w.due = now
		return false
	}
	s.overlay(got, now)
	before := w.pool
	w.pool = got
	if text := wired(before, got, s.acted); text != "" {
		s.record(ctx, Entry{Kind: Wired, Pool: name, Text: text})
	}
	return true
}

// readAgain is when a pool is read after this read of it.
func (s *state) readAgain(name string, got *Pool, now time.Time) time.Time {
	due := now.Add(s.Discover)
	for _, i := range s.open[name] {
		due = now.Add(min(s.Discover, readSoon))
		touched := i.lastTouch()
		if got != nil && got.Read.Before(touched) && !touched.After(now) { // else the clock was put back, and no read would do
			return now // it began before our own change
		}
	}
	if l := s.leases[name]; l != nil && got != nil && !l.sure && !l.busy && !got.Read.After(l.ended) && !l.ended.After(now) {
		return now // it began before the latest swap of the lease had ended
	}
	return due
}

// lacks reports whether a read knows nothing of a member that was withdrawn since
// the read began: without it that member would count as someone else's.
func (s *state) lacks(pool *Pool) bool {
	return slices.ContainsFunc(s.withdrawn(pool.Name), func(r Reweigh) bool {
		_, there := pool.Member(r.Addr)
		return !there
	})
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

// DiscoverAll reads every pool once, together; the errors are by pool.
func DiscoverAll(ctx context.Context, specs []*Spec, eips EIPs, records Records) (map[string]*Pool, map[string]error) {
	list := make([]survey, len(specs))
	for n, spec := range specs {
		list[n].spec = spec
	}
	pools, errs := discover(ctx, list, eips, records)
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
