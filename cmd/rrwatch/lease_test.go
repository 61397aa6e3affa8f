package main

import (
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/simulator"
)

// line is a watcher's line to AWS, which can be cut.
type line struct {
	http.RoundTripper
	cut atomic.Bool
}

// RoundTrip is cut off, or does the call.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.cut.Load() {
		select { // a black hole, and no refusal
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(10 * time.Second):
			return nil, errors.New("cut off")
		}
	}
	out, err := l.RoundTripper.RoundTrip(r)
	if err == nil && l.cut.Load() {
		return nil, errors.New("cut off before the answer came")
	}
	return out, err
}

func (b *bubble) line() *line {
	switch way := b.way.(type) {
	case *line:
		return way
	case *witness:
		return &way.line
	}
	l := &line{RoundTripper: b.way}
	b.way = l
	return l
}

// twins are two watchers of one site, with a database each.
func twins(t *testing.T, edit ...string) (a, b *bubble) {
	t.Helper()
	a = newBubble(t, strings.NewReplacer(append([]string{"mode: act\n", "mode: act\nlease: dns\n"}, edit...)...), nil)
	b = &bubble{
		t: t, aws: a.aws, network: a.network, cfg: a.cfg, log: &strings.Builder{}, way: a.aws.Transport(),
		path: filepath.Join(t.TempDir(), "rrwatch.db"), vantage: "other",
	}
	a.vantage = "first"
	a.line()
	b.line()
	return a, b
}

// kill ends a watcher as a power cut does: it gives nothing back.
func (b *bubble) kill() {
	b.line().cut.Store(true)
	b.alive.Store(false)
	b.stop()
	b.line().cut.Store(false)
}

func (b *bubble) holds() bool { l := b.pool().Lease; return l != nil && l.Why == "" }

// bothUp starts both, the first one first.
func bothUp(a, b *bubble) {
	a.start()
	a.until(time.Minute, "the lease", a.holds)
	b.start()
	a.healthy()
	b.healthy()
}

func TestOfTwoWatchersOneActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		bothUp(a, b)
		defer b.stop()
		a.pass(5 * time.Minute)
		if !a.holds() || b.holds() {
			t.Fatalf("after five quiet minutes the first holds: %v, the other: %v", a.holds(), b.holds())
		}
		a.fault("lb-1", simulator.FaultKill)
		if h := b.holdsWith(demoAddress(1), failover.GuardLease); !strings.HasPrefix(h.Text, "first holds the lease") {
			t.Errorf("the other one says: %s", h.Text)
		}
		a.until(time.Minute, "the first to move it", func() bool { return len(a.incidents()) == 1 && !a.incident().Open() })
		b.until(time.Minute, "the other to see it", func() bool { return !b.incident().Open() })
		if n := a.aws.Calls()["AssociateAddress"]; n != 1 {
			t.Errorf("%d moves", n)
		}

		a.stop() // gives the lease back
		b.until(2*time.Minute, "the other to take it", b.holds)
		b.fault("lb-2", simulator.FaultKill)
		b.until(time.Minute, "the other to move it", func() bool { return b.carrier(2) == "lb-5" })
	})
}

func TestTheLeaseOfADeadWatcherIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		bothUp(a, b)
		defer b.stop()
		a.kill()
		killed := time.Now()
		b.until(5*time.Minute, "the lease", b.holds)
		if waited := time.Since(killed); waited < 90*time.Second {
			t.Errorf("the other took it after %s, when the dead one could still act", waited)
		}
		a.start() // with its journal, and too late
		a.healthy()
		a.pass(3 * time.Minute)
		if a.holds() || !b.holds() {
			t.Errorf("the one that came back holds: %v, the other: %v", a.holds(), b.holds())
		}
		a.stop()
	})
}

// Whose lease was taken is told once, and not again when the watcher that took it
// loses sight of it for a while.
func TestWhoseLeaseWasTakenIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		bothUp(a, b)
		defer b.stop()
		a.kill()
		b.until(5*time.Minute, "the lease", b.holds)
		b.line().cut.Store(true)
		b.until(3*time.Minute, "the loss of it", func() bool { return !b.pool().Lease.Held })
		b.line().cut.Store(false)
		b.until(3*time.Minute, "its own lease again", b.holds)
		entries, err := b.store.Since(t.Context(), 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		var after []string
		for _, e := range entries {
			if e.Kind == failover.LeaseTaken {
				after = append(after, e.Holding.After)
			}
		}
		if want := []string{"first", ""}; !slices.Equal(after, want) {
			t.Errorf("it was taken after %q, want %q", after, want)
		}
	})
}

func TestAKilledWatcherGoesOnWithItsOwnLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := twins(t)
		a.start()
		a.healthy()
		a.until(time.Minute, "the lease", a.holds)
		a.kill()
		a.start()
		defer a.stop()
		a.until(15*time.Second, "its own lease", a.holds)
	})
}

// Who is cut off from AWS loses the lease, by its own clock, before the other one
// takes it; and when it is back it watches.
func TestAWatcherThatIsCutOffFromAWSLetsGoInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		bothUp(a, b)
		defer a.stop()
		defer b.stop()
		a.line().cut.Store(true)
		a.until(3*time.Minute, "the first to let go", func() bool { return !a.pool().Lease.Held })
		if b.holds() {
			t.Error("the other took it before")
		}
		b.until(2*time.Minute, "the other to take it", b.holds)
		a.line().cut.Store(false)
		a.pass(5 * time.Minute)
		if a.holds() || !b.holds() {
			t.Errorf("when all is well again the first holds: %v, the other: %v", a.holds(), b.holds())
		}
	})
}

// The edit of a watcher that has lost its lease without knowing it does not get
// through, even if nothing else has changed.
func TestAnEditWithoutTheLeaseIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := twins(t, "restore_after: 1m", "restore_after: 1m\n    remedy: [withdraw]")
		a.start()
		defer a.stop()
		a.healthy()
		a.until(time.Minute, "the lease", a.holds)
		set := a.aws.Records(failover.LeaseName("www.example.com"), "TXT")[0]
		set.Values = []string{`"rrwatch lease; holder=thief; id=X; fence=99; until=2100-01-01T00:00:00Z"`}
		a.aws.SetRecord("Z0DEMO0EXAMPLE0COM00", set)
		a.fault("lb-1", simulator.FaultKill)
		a.until(time.Minute, "the refusal", func() bool {
			for _, i := range a.incidents() {
				for _, action := range i.Actions {
					if action.Status == failover.Refused && action.Guard == failover.GuardLease {
						return true
					}
				}
			}
			return false
		})
		a.holdsWith(demoAddress(1), failover.GuardLease)
		for _, r := range a.aws.Records("www.example.com", "A") {
			if *r.Weight == 0 {
				t.Errorf("%s was withdrawn", r.SetIdentifier)
			}
		}
	})
}

// Who may not write the lease acts never, and says so at once and once: not only
// when something fails.
func TestALeaseThatIsNotPermittedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := twins(t)
		a.aws.Deny("ChangeResourceRecordSets")
		a.start()
		defer a.stop()
		a.healthy()
		a.pass(10 * time.Minute)
		const want = "kind=lease-lost pool=www incident=0 text=\"this watcher (first) cannot take the lease of pool www: "
		if n := strings.Count(a.log.String(), want); n != 1 || !strings.Contains(a.log.String(), "route53:ChangeResourceRecordSets on _rrwatch.www.example.com") {
			t.Errorf("told %d times; the log:\n%s", n, a.log)
		}
		a.aws.Allow("ChangeResourceRecordSets")
		a.until(2*time.Minute, "the lease", a.holds)
	})
}
