package failover

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// How a lease is kept. A watcher that was killed loses it after leaseFor; who
// wants it waits for leaseMargin more, which covers what clocks differ by in
// that time: each watcher measures by its own clock alone, and never compares it
// with another one's.
const (
	leaseFor    = 2 * time.Minute
	leaseRenew  = 30 * time.Second // two calls a minute
	leaseMargin = 15 * time.Second
	leaseTTL    = 60 // seconds; nobody resolves the name
)

// LeaseName is the name of the TXT set that holds the lease of a published name.
func LeaseName(record string) string { return "_rrwatch." + record }

// lease is what one watcher knows of a pool's lease, by its own clock. Who holds
// it may act. It is a TXT set that is only ever changed by compare-and-swap, so
// Route 53 sees to it that two who try to take it do not both succeed; who holds
// it counts from before each call was sent, and who wants it from after it saw
// the set change last, so that the one has let go before the other takes it.
type lease struct {
	name, id, people string // of the TXT set; of this watcher: its own, and for people

	set   RecordSet // what is there, as last read or written; zero: nothing
	sure  bool      // it is known: it was read, and nothing is unclear since
	since time.Time // since when it has been seen unchanged
	from  time.Time // when the latest write of ours that is there was sent; zero: what is there is not ours
	ours  bool      // this process has held it: what it finds with its own id otherwise was left by it before it was restarted

	tried []attempt // the swaps that were sent since the last one that is known to have been made
	sent  time.Time // when the latest one was sent
	busy  bool      // its outcome is not known yet
	ended time.Time // when it was
	last  string    // why the latest one did not succeed

	denied bool // for want of a permission

	after string // who held it before this watcher took it, and had not given it back
	told  bool   // that it is held

	barred bool // told that it cannot be had
}

// attempt is what a swap writes: it may be made long after it was given up.
type attempt struct {
	shall RecordSet
	sent  time.Time
}

// claim is what the TXT set says.
type claim struct {
	holder, id string // empty: nobody holds it
	fence      int64  // one more for each holder
	until      string // by the holder's clock: for people
}

const claimMark = "rrwatch lease"

// claimOf reads what a set says; false: it is no lease.
func claimOf(set RecordSet) (claim, bool) {
	var c claim
	if !set.Exists() {
		return c, true
	}
	if len(set.Values) != 1 {
		return c, false
	}
	mark, fields, _ := strings.Cut(strings.Trim(set.Values[0], `"`), "; ")
	if mark != claimMark {
		return c, false
	}
	for field := range strings.SplitSeq(fields, "; ") {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "holder":
			c.holder = value
		case "id":
			c.id = value
		case "until":
			c.until = value
		case "fence":
			fence, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return c, false
			}
			c.fence = fence
		}
	}
	return c, c.fence > 0
}

// setOf is the set that says it.
func (l *lease) setOf(c claim) RecordSet {
	text := fmt.Sprintf(`"%s; holder=%s; id=%s; fence=%d; until=%s"`, claimMark, c.holder, c.id, c.fence, c.until)
	return RecordSet{Name: l.name, Type: "TXT", TTL: leaseTTL, Values: []string{text}}
}

// leaseHolder is a watcher's name as it can stand in a TXT set.
func leaseHolder(vantage string) string {
	plain := strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, vantage)
	return plain[:min(len(plain), 60)]
}

// held reports whether this watcher holds the lease, and will for that long.
func (l *lease) held(now time.Time, forLong time.Duration) bool {
	return !l.from.IsZero() && elapsed(l.from, now)+forLong < leaseFor
}

// elapsed is how long ago something was, by whichever clock says longer: the
// monotonic one stands still while the machine sleeps, and the other one can be
// set.
func elapsed(from, now time.Time) time.Duration {
	return max(now.Sub(from), now.Round(0).Sub(from.Round(0)))
}

// wants is the swap that the watcher should make now; false: none.
func (l *lease) wants(now time.Time) (Swap, bool) {
	c, ok := claimOf(l.set)
	switch {
	case l.busy || !l.sure || !ok:
		return Swap{}, false
	case !l.sent.IsZero() && elapsed(l.sent, now) < l.pause():
		return Swap{}, false
	case !l.from.IsZero():
		return l.renewed(now), elapsed(l.from, now) >= leaseRenew
	case c.id == "", c.id == l.id && !l.ours, now.Sub(l.since) >= leaseFor+leaseMargin:
		return Swap{l.set, l.setOf(claim{l.people, l.id, c.fence + 1, stamp(now)})}, true
	}
	return Swap{}, false
}

// leaseRetry is how soon a swap is tried again that did not succeed, and
// leaseDenied one that is not permitted: a person has to mend that, and many pools
// that ask in vain would leave Route 53's reads no calls.
const (
	leaseRetry  = 5 * time.Second
	leaseDenied = time.Minute
)

func (l *lease) pause() time.Duration {
	if l.denied {
		return leaseDenied
	}
	return leaseRetry
}

// renewed is the swap of a lease that is held for one that is held for longer.
func (l *lease) renewed(now time.Time) Swap {
	c, _ := claimOf(l.set)
	c.holder, c.until = l.people, stamp(now)
	return Swap{l.set, l.setOf(c)}
}

// released is the swap that gives the lease back; the number stays, so that it
// never names two holders.
func (l *lease) released() Swap {
	c, _ := claimOf(l.set)
	return Swap{l.set, l.setOf(claim{fence: c.fence})}
}

// needsHelp reports whether a person has to do something before the watcher can
// have the lease.
func (l *lease) needsHelp() bool {
	_, ok := claimOf(l.set)
	return l.denied || !l.since.IsZero() && !ok
}

func stamp(now time.Time) string { return now.Add(leaseFor).UTC().Format(time.RFC3339) }

// send takes in that a swap is being sent.
func (l *lease) send(swap Swap, now time.Time) {
	l.tried, l.sent, l.busy = append(l.tried, attempt{swap.Shall, now}), now, true
}

// made takes in that a swap was made.
func (l *lease) made(a attempt, now time.Time) {
	if before, _ := claimOf(l.set); before.id != l.id {
		l.after = before.holder
	}
	l.set, l.sure, l.since, l.from, l.ours, l.tried = a.shall, true, now, a.sent, true, nil
}

// answered takes in what became of the swap: nil: it was made; a *Refusal: it was
// not; else it is not known.
func (l *lease) answered(err error, now time.Time) {
	l.busy, l.ended, l.last, l.denied = false, now, "", false
	if err == nil {
		l.made(l.tried[len(l.tried)-1], now)
		return
	}
	l.last = oneLine(err)
	refusal, refused := errors.AsType[*Refusal](err)
	l.sure = refused && refusal.Guard != GuardChanged && refusal.Guard != GuardLease // else it has to be read
	l.denied = refused && refusal.Guard == GuardNotPermitted
	if l.sure {
		l.tried = l.tried[:len(l.tried)-1] // it was not made, and never will be
	}
}

// read takes in what a read found that began then. One that began before the
// latest swap had ended may show what was before it.
func (l *lease) read(set RecordSet, began, now time.Time) {
	if l.busy || !l.sent.IsZero() && !began.After(l.ended) {
		return
	}
	for _, a := range l.tried {
		if set.Equal(a.shall) { // our own swap, whose answer was lost
			l.made(a, now)
			return
		}
	}
	if l.since.IsZero() || !set.Equal(l.set) {
		l.set, l.since, l.from = set, now, time.Time{}
	}
	l.sure = true
}

// unclear reports whether it was known what there is, and has to be read again
// before anything can be swapped.
func (l *lease) unclear() bool { return l != nil && !l.sure && !l.busy && !l.since.IsZero() }

func (l *lease) view(now time.Time) *LeaseView {
	c, _ := claimOf(l.set)
	return &LeaseView{l.held(now, 0), c.holder, c.fence, l.why(now)}
}

// why says why the watcher may not act; empty: it may.
func (l *lease) why(now time.Time) string {
	c, ok := claimOf(l.set)
	switch {
	case l.held(now, callTimeout):
		return ""
	case l.since.IsZero():
		return "it was not read yet who holds the lease of this pool"
	case !ok:
		return fmt.Sprintf("the TXT record %s is no lease: remove it, or set lease: none", l.name)
	case !l.from.IsZero():
		return fmt.Sprintf("the lease of this pool could not be renewed for %s: %s", elapsed(l.from, now).Round(time.Second), l.last)
	case c.id == "" || c.id == l.id:
		return strings.TrimSuffix("the lease of this pool is being taken; "+l.last, "; ")
	}
	return fmt.Sprintf("%s holds the lease of this pool (number %d, until %s by its own clock)", c.holder, c.fence, c.until)
}
