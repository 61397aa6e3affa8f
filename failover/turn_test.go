package failover

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slow is an EC2 that takes its time; it counts its calls.
type slow struct {
	EIPs
	takes time.Duration
	calls chan struct{}
}

func (s slow) Move(_ context.Context, _ string, _ []Remap, ended func(int, error)) {
	s.calls <- struct{}{}
	<-time.After(s.takes)
	ended(0, nil)
}

// performed makes two moves more than may be under way at once with EC2 being slow, stops after a while, and returns
// how the moves ended and how many calls were made.
func performed(t *testing.T, takes, stop time.Duration) (byStatus map[Status]int, why string, calls int) {
	t.Helper()
	ec2 := slow{takes: takes, calls: make(chan struct{}, 2*mostCalls)}
	s := &state{
		Responder: New(Options{EIPs: ec2}), working: map[int64]bool{}, outcomes: make(chan outcome), hands: make(chan struct{}, mostCalls),
	}
	ctx, cancel := context.WithTimeout(t.Context(), stop)
	defer cancel()
	for id := range int64(mostCalls + 2) {
		s.perform(ctx, []Action{{ID: id + 1, Kind: KindRemap, Status: Begun, Remap: &Remap{}}})
	}
	byStatus = map[Status]int{}
	for range mostCalls + 2 {
		a := (<-s.outcomes).action
		byStatus[a.Status]++
		if a.Status == Refused {
			why = string(a.Guard) + ": " + a.Detail
		}
	}
	s.calls.Wait()
	return byStatus, why, len(ec2.calls)
}

// What waits for its turn is not called on a judgement that is long past, and not
// at all once rrwatch is being stopped.
func TestACallIsMadeInTimeOrNotAtAll(t *testing.T) {
	for name, c := range map[string]struct {
		takes, stop time.Duration
		done        int
		why         string
	}{
		"each has its turn":         {2 * time.Second, time.Hour, mostCalls + 2, ""},
		"the others take too long":  {45 * time.Second, time.Hour, mostCalls, "stale: nothing was changed: 64 other calls were under way for 30s"},
		"rrwatch is stopped before": {5 * time.Second, time.Second, mostCalls, "stale: nothing was changed: rrwatch was stopped before its turn"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				byStatus, why, calls := performed(t, c.takes, c.stop)
				if byStatus[Applied] != c.done || byStatus[Refused] != mostCalls+2-c.done || calls != c.done || !strings.HasPrefix(why, c.why) {
					t.Errorf("%v after %d calls: %s", byStatus, calls, why)
				}
			})
		})
	}
}

// timed is an EC2 that tells how long it is given.
type timed struct {
	EIPs
	given chan time.Duration
}

func (e timed) Move(ctx context.Context, _ string, _ []Remap, ended func(int, error)) {
	end, _ := ctx.Deadline()
	e.given <- time.Until(end)
	ended(0, nil)
}

// A move cannot carry the lease, so one that has waited for its turn ends with it.
func TestAMoveThatWaitedEndsWithTheLease(t *testing.T) {
	for name, c := range map[string]struct {
		waits, given time.Duration
		leases       map[string]*lease
	}{
		"a lease, at once":      {0, callTimeout, map[string]*lease{"www": {}}},
		"a lease, after a wait": {20 * time.Second, 11 * time.Second, map[string]*lease{"www": {}}},
		"no lease":              {20 * time.Second, callTimeout, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ec2 := timed{given: make(chan time.Duration, 1)}
				s := &state{
					Responder: New(Options{EIPs: ec2}), working: map[int64]bool{}, outcomes: make(chan outcome, 1), hands: make(chan struct{}, 1), leases: c.leases,
				}
				if l := c.leases["www"]; l != nil {
					l.from = time.Now().Add(callTimeout + time.Second - leaseFor)
				}
				s.hands <- struct{}{}
				time.AfterFunc(c.waits, func() { <-s.hands })
				s.perform(t.Context(), []Action{{ID: 1, Pool: "www", Kind: KindRemap, Status: Begun, Remap: &Remap{}}})
				s.calls.Wait()
				if given := <-ec2.given; given != c.given {
					t.Errorf("it is given %s, want %s", given, c.given)
				}
			})
		})
	}
}
