package web

import (
	"fmt"

	"rrwatch/failover"
)

// leaseOf says who acts on a pool that has a lease.
func leaseOf(l *failover.LeaseView) []fact {
	switch {
	case l == nil:
		return nil
	case l.Held && l.Why == "":
		return []fact{{"Who acts", fmt.Sprintf("this watcher: it holds the lease, number %d", l.Number)}}
	}
	return []fact{{"Who acts", "not this watcher, which watches and tells: " + l.Why}}
}

// leaseBadge marks a pool on which this watcher may not act; zero: it may.
func leaseBadge(l *failover.LeaseView) badge {
	if l == nil || l.Why == "" {
		return badge{}
	}
	return badge{"watches only", warn}
}
