package failover

import (
	"fmt"
	"time"

	"rrwatch/monitor"
)

// fewest is of how many addresses "nearly all" means something.
const fewest = 5

// everythingFails reports whether nearly everything that is watched, members and
// standbys of all pools, began to fail at nearly the same time: then the watcher
// is a better guess than all of them, whatever its references say.
func everythingFails(snap *monitor.Snapshot) (text string, so bool) {
	if snap.Suspected() < fewest {
		return "", false // as in nearly all looks, which this makes cheap
	}
	began, addresses := snap.Began()
	if addresses < fewest || 10*len(began) < 9*addresses {
		return "", false
	}
	most := atOnce(began)
	if 10*most < 9*addresses {
		return "", false
	}
	return fmt.Sprintf("%d of all %d addresses that are watched began to fail within 2 minutes", most, addresses), true
}

// atOnce is how many of these sorted moments, at most, lie together.
func atOnce(moments []time.Time) int {
	most, first := 0, 0
	for n, at := range moments {
		for at.Sub(moments[first]) > together {
			first++
		}
		most = max(most, n-first+1)
	}
	return most
}
