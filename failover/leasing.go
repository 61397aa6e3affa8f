package failover

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// leaseTimeout bounds one swap of a lease, and releaseTimeout the one that gives
// it back: who stops rrwatch waits for that, and kills it in the end.
const (
	leaseTimeout   = 20 * time.Second
	releaseTimeout = 5 * time.Second
)

// Holding is how a watcher came to hold a lease, or lost it.
type Holding struct {
	Holder string `json:"holder"`          // who holds it now, for people
	ID     string `json:"id"`              // of the watcher that wrote this down
	Number int64  `json:"number"`          // of the holding: one more for each holder
	After  string `json:"after,omitempty"` // who held it before, and did not give it back
}

// leased is what became of a swap of a pool's lease.
type leased struct {
	pool string
	err  error
}

// leasesOf are the leases that the pools need: those in which something may be
// changed. What was held before a restart is known by its id.
func (r *Responder) leasesOf(id string) map[string]*lease {
	if id == "" {
		id = rand.Text()
	}
	list := map[string]*lease{}
	for _, spec := range r.Specs {
		if spec.Lease && spec.Policy.Mode != Observe {
			list[spec.Name] = &lease{name: LeaseName(spec.Record), id: id, people: leaseHolder(r.Vantage)}
		}
	}
	return list
}

// lease takes and renews what the pool needs, and tells when that changes.
func (s *state) lease(ctx context.Context, spec *Spec, pool *Pool, now time.Time) {
	l := s.leases[spec.Name]
	if l == nil {
		return
	}
	s.tellLease(ctx, spec, l, now)
	if swap, ok := l.wants(now); ok && ctx.Err() == nil && s.noRecord == "" {
		l.send(swap, now)
		s.calls.Go(func() {
			err := s.swapLease(ctx, pool.ZoneID, swap, leaseTimeout)
			s.leasings <- leased{spec.Name, err}
		})
	}
}

// swapLease makes one swap. A call that has begun is not cut short by shutdown.
func (s *state) swapLease(ctx context.Context, zone string, swap Swap, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	return s.Records.Edit(ctx, []Reweigh{{Zone: zone, Was: swap.Was, Shall: swap.Shall}}, "rrwatch lease")[0].Err
}

// leased takes in what became of a swap.
func (s *state) leased(o leased) {
	l := s.leases[o.pool]
	l.answered(o.err, time.Now())
	if !l.sure {
		s.wirings[o.pool].due = time.Time{} // it is not known what there is
	}
}

// tellLease writes down that this watcher has come to hold the lease, that it does
// so no more, or that it never will unless a person helps.
func (s *state) tellLease(ctx context.Context, spec *Spec, l *lease, now time.Time) {
	held := l.held(now, 0)
	hopeless := !held && !l.told && !l.barred && l.needsHelp()
	if held == l.told && !hopeless {
		return
	}
	c, _ := claimOf(l.set)
	e := Entry{Kind: LeaseTaken, Pool: spec.Name, Holding: &Holding{c.holder, l.id, c.fence, l.after}}
	e.Text = fmt.Sprintf("this watcher (%s) holds the lease of pool %s now, and may act: number %d", l.people, spec.Name, c.fence)
	if l.after != "" {
		e.Text += ", after " + l.after + " had not renewed it"
	}
	switch {
	case hopeless:
		e.Kind, e.Text = LeaseLost, fmt.Sprintf("this watcher (%s) cannot take the lease of pool %s: %s; it watches and tells, and changes nothing", l.people, spec.Name, l.why(now))
	case !held:
		e.Kind, e.Text = LeaseLost, fmt.Sprintf("this watcher (%s) no longer holds the lease of pool %s: %s; it watches and tells", l.people, spec.Name, l.why(now))
	}
	if s.record(ctx, e) {
		l.told, l.barred, l.after = held, !held && l.needsHelp(), "" // which is told once
	}
}

// fence has the edits of a batch carry the leases of their pools; false: one of
// them is just being changed, and the batch has to wait for that.
func (s *state) fence(batch []Action, now time.Time) bool {
	fences := map[string]*Swap{}
	for _, a := range batch {
		l := s.leases[a.Pool]
		switch {
		case l == nil || a.Reweigh == nil:
		case l.busy || !l.sure || !l.held(now, 0):
			return false
		case fences[a.Pool] == nil:
			swap := l.renewed(now)
			fences[a.Pool] = &swap
		}
	}
	for n, a := range batch {
		if f := fences[a.Pool]; f != nil {
			edit := *a.Reweigh
			edit.Fence = f
			batch[n].Reweigh = &edit
		}
	}
	return true
}

// fenced takes in that a batch is being sent.
func (s *state) fenced(batch []Action, now time.Time) {
	for _, a := range batch {
		if l := s.leases[a.Pool]; a.fenced() && !l.busy {
			l.send(*a.Reweigh.Fence, now)
		}
	}
}

func (a Action) fenced() bool { return a.Reweigh != nil && a.Reweigh.Fence != nil }

// leaseEnds is when a move must have ended that cannot carry its pool's lease, and
// may have waited long for its turn; zero: nothing ends it.
func (s *state) leaseEnds(a Action) time.Time {
	if l := s.leases[a.Pool]; l != nil && a.Remap != nil {
		return l.from.Add(leaseFor)
	}
	return time.Time{}
}

// carried is what became of the leases that a batch carried: a pool's was swapped
// if one of its edits was made, and if all were refused it was not.
func carried(batch []Action, edited []Edited) []leased {
	var list []leased
	for n, a := range batch {
		if !a.fenced() {
			continue
		}
		at := slices.IndexFunc(list, func(o leased) bool { return o.pool == a.Pool })
		if at < 0 {
			list = append(list, leased{a.Pool, edited[n].Err})
			continue
		}
		_, refused := errors.AsType[*Refusal](list[at].err)
		if edited[n].Err == nil || refused {
			list[at].err = edited[n].Err
		}
	}
	return list
}

// unleased says why this watcher may not act on a pool; empty: it may, or the pool
// needs no lease.
func (s *state) unleased(spec *Spec, now time.Time) string {
	if l := s.leases[spec.Name]; l != nil {
		return l.why(now)
	}
	return ""
}

// release gives back what is held, when rrwatch ends in order, so that another
// one need not wait.
func (s *state) release() {
	var wg sync.WaitGroup
	for pool, l := range s.leases {
		w := s.wirings[pool]
		if l.busy || !l.sure || l.from.IsZero() || w.pool == nil {
			continue
		}
		wg.Go(func() {
			if err := s.swapLease(context.Background(), w.pool.ZoneID, l.released(), releaseTimeout); err != nil {
				s.Log.Warn("the lease was not given back; another watcher has to wait until it ends", "pool", pool, "error", err)
			}
		})
	}
	wg.Wait()
}
