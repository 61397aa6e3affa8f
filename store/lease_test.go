package store

import (
	"testing"
	"time"

	"rrwatch/failover"
)

// By its id a watcher that was killed finds its own lease again.
func TestRecallsByWhatLeasesWereHeldLast(t *testing.T) {
	s, path := opened(t)
	if id := recalled(t, s).LeaseID; id != "" {
		t.Errorf("a new database has held leases by %q", id)
	}
	held := func(kind failover.EntryKind, id string) failover.Entry {
		return failover.Entry{At: morning().Add(time.Minute), Kind: kind, Pool: "www", Text: id, Holding: &failover.Holding{Holder: "here", ID: id, Number: 3}}
	}
	mustAppend(t, s, held(failover.LeaseTaken, "first"), held(failover.LeaseTaken, "second"), held(failover.LeaseLost, "third"))
	if id := recalled(t, restarted(t, s, path)).LeaseID; id != "second" {
		t.Errorf("it has held leases by %q", id)
	}
}
