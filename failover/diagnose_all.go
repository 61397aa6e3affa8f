package failover

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"rrwatch/monitor"
)

// fewest is of how many addresses "nearly all" means something.
const fewest = 5

// everythingFails reports whether nearly everything that is watched, members and
// standbys of all pools, began to fail at nearly the same time: then the watcher
// is a better guess than all of them, whatever its references say. It looks at
// the whole snapshot, so it is asked once a look.
func everythingFails(snap *monitor.Snapshot) (text string, so bool) {
	if snap.Suspected() < fewest {
		return "", false // as in nearly all looks, which this makes cheap
	}
	began := make(map[netip.Addr]time.Time, snap.Len()) // by address; zero: it does not fail
	for target, h := range snap.Each() {
		addr := target.Addr.Addr()
		if !addr.IsValid() || h.Asked.IsZero() {
			continue // an endpoint, which is asked by name; or never asked
		}
		before := began[addr]
		if h.Fails > 0 && (before.IsZero() || h.First.Before(before)) {
			before = h.First
		}
		began[addr] = before
	}
	fails := make([]time.Time, 0, len(began))
	for _, at := range began {
		if !at.IsZero() {
			fails = append(fails, at)
		}
	}
	most := atOnce(fails)
	if len(began) < fewest || 10*most < 9*len(began) {
		return "", false
	}
	return fmt.Sprintf("%d of all %d addresses that are watched began to fail within 2 minutes", most, len(began)), true
}

// atOnce is how many of these moments, at most, lie together.
func atOnce(moments []time.Time) int {
	slices.SortFunc(moments, time.Time.Compare)
	most, first := 0, 0
	for n, at := range moments {
		for at.Sub(moments[first]) > together {
			first++
		}
		most = max(most, n-first+1)
	}
	return most
}
