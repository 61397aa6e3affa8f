package eip_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/eip"
	"rrwatch/failover"
	"rrwatch/simulator"
)

// fleet has as many carriers as standbys, and a move for each of them.
func fleet(many int, o simulator.Options) (*simulator.AWS, []failover.Remap) {
	a := simulator.New(o)
	var moves []failover.Remap
	for n := range many {
		private := netip.AddrFrom4([4]byte{10, 0, byte(n / 200), byte(n % 200)})
		a.AddInstance(simulator.Instance{ID: fmt.Sprintf("i-a%03d", n), Private: private})
		a.AddInstance(simulator.Instance{ID: fmt.Sprintf("i-b%03d", n), Private: private.Next()})
		r := failover.Remap{
			Addr: netip.AddrFrom4([4]byte{203, 0, byte(n / 200), byte(n % 200)}), Allocation: fmt.Sprintf("eipalloc-%03d", n),
			From: fmt.Sprintf("i-a%03d", n), To: fmt.Sprintf("i-b%03d", n), Interface: fmt.Sprintf("eni-b%03d", n), Private: private.Next(),
		}
		a.AddAddress(simulator.Address{IP: r.Addr, Allocation: r.Allocation, Instance: r.From})
		moves = append(moves, r)
	}
	return a, moves
}

// end is how a move of a batch ended, and when.
type end struct {
	err   error
	after time.Duration
}

// batch makes moves and fails the test unless each is told to have ended, once.
func batch(ctx context.Context, t *testing.T, c *eip.Client, moves []failover.Remap) map[int]end {
	t.Helper()
	var mu sync.Mutex
	began, ends := time.Now(), map[int]end{}
	c.Move(ctx, "www", moves, func(n int, err error) {
		mu.Lock()
		defer mu.Unlock()
		if _, twice := ends[n]; twice {
			t.Errorf("move %d ended twice", n)
		}
		ends[n] = end{err, time.Since(began)}
	})
	if len(ends) != len(moves) {
		t.Errorf("%d of %d moves ended", len(ends), len(moves))
	}
	return maps.Clone(ends)
}

func TestFiftyMovesTakeTheTimeOfTwoCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const latency = 300 * time.Millisecond
		a, moves := fleet(50, simulator.Options{Latency: latency})
		for n, e := range batch(t.Context(), t, open(a), moves) {
			if e.err != nil || e.after > 2*latency {
				t.Errorf("move %d ended after %s: %v", n, e.after, e.err)
			}
		}
		for _, r := range moves {
			if got := carrier(a, r.Addr.String()); got != r.To {
				t.Errorf("%s is carried by %s", r.Addr, got)
			}
		}
		if got := a.Calls(); got["AssociateAddress"] != 50 || got["DescribeAddresses"] != 2 || got["DescribeInstances"] != 1 {
			t.Errorf("made the calls %v, want 50 and one survey", got)
		}
	})
}

// EC2's bucket holds 50 calls, and gets 5 more a second.
func TestMoreMovesThanEC2TakesAtOnceWaitForTheirTurnAndLookAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, moves := fleet(60, simulator.Options{})
		c := open(a)
		go func() {
			time.Sleep(500 * time.Millisecond)
			a.Associate(moves[58].Addr, moves[59].From) // meanwhile
		}()
		ends := batch(t.Context(), t, c, moves)
		for n := range moves {
			want := max(0, time.Duration(n-49)*200*time.Millisecond)
			if n == 58 || n == 59 {
				want -= time.Second // when it looks again, and finds that it has nothing to do
			}
			if d := ends[n].after - want; d < 0 || d > 10*time.Millisecond {
				t.Errorf("move %d ended after %s, want %s", n, ends[n].after, want)
			}
			if n != 58 && n != 59 && ends[n].err != nil {
				t.Errorf("move %d: %v", n, ends[n].err)
			}
		}
		wantRefusal(t, ends[58].err, failover.GuardChanged, "now it is carried by i-a059")
		wantRefusal(t, ends[59].err, failover.GuardChanged, "now it is carried by no instance")

		ctx, cancel := context.WithTimeout(t.Context(), 11*time.Second)
		defer cancel()
		_, more := fleet(1, simulator.Options{})
		back := more[0]
		back.From, back.To, back.Interface, back.Private = back.To, back.From, "eni-a000", netip.Addr{}
		if e := batch(ctx, t, c, []failover.Remap{back})[0]; e.err != nil || e.after > 400*time.Millisecond {
			t.Errorf("the next turn: %v after %s", e.err, e.after)
		}
		short, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		wantRefusal(t, batch(short, t, c, more)[0].err, failover.GuardThrottled, "nothing was changed")
	})
}

func TestTwoMovesOfABatchToOnePlaceAreNotBothMade(t *testing.T) {
	a := account(simulator.Options{})
	a.Associate(ip("203.0.113.12"), stopped)
	one := failover.Remap{Addr: ip("203.0.113.12"), Allocation: "eipalloc-0b2", From: stopped, To: standby}
	ends := batch(t.Context(), t, open(a), []failover.Remap{plan(), one, plan(), with(func(r *failover.Remap) { r.To, r.Interface, r.Private = second, "", netip.Addr{} })})
	if ends[0].err != nil {
		t.Error(ends[0].err)
	}
	wantRefusal(t, ends[1].err, failover.GuardEviction, "203.0.113.11 is just being moved to the same private address")
	wantRefusal(t, ends[2].err, failover.GuardInFlight, "another move of the same address is under way")
	wantRefusal(t, ends[3].err, failover.GuardInFlight, "another move of the same address is under way")
	if n := a.Calls()["AssociateAddress"]; n != 1 || carrier(a, "203.0.113.11") != standby || carrier(a, "203.0.113.12") != stopped {
		t.Errorf("%d calls, and %+v", n, a.Addresses())
	}
}

func TestARefusedMoveKeepsNoOtherOneBack(t *testing.T) {
	a, moves := fleet(4, simulator.Options{})
	moves[0].From, moves[2].To = "i-other", "i-gone"
	ends := batch(t.Context(), t, open(a), moves)
	wantRefusal(t, ends[0].err, failover.GuardChanged, "expects it carried by i-other")
	wantRefusal(t, ends[2].err, failover.GuardNotRunning, "no such instance")
	if ends[1].err != nil || ends[3].err != nil {
		t.Errorf("got %v and %v", ends[1].err, ends[3].err)
	}
}

// Each is known when its own call ends.
func TestASlowMoveKeepsNoOtherOneWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, moves := fleet(3, simulator.Options{})
		c := eip.New(eip.Clients(config(roundTrip(func(r *http.Request) (*http.Response, error) {
			if form := formOf(r); form.Get("AllocationId") == "eipalloc-001" {
				time.Sleep(5 * time.Second)
			}
			return a.Transport().RoundTrip(r)
		}))))
		ends := batch(t.Context(), t, c, moves)
		if ends[0].after > time.Millisecond || ends[2].after > time.Millisecond || ends[1].after != 5*time.Second {
			t.Errorf("ended after %s, %s and %s", ends[0].after, ends[1].after, ends[2].after)
		}
	})
}

// When EC2 breaks off many answers, each of them costs no reads of its own.
func TestManyLostAnswersAreSettledByFewReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, moves := fleet(50, simulator.Options{Latency: 100 * time.Millisecond, Lag: time.Second})
		a.LoseAnswer("AssociateAddress", 50)
		for n, e := range batch(t.Context(), t, open(a), moves) {
			if e.err != nil {
				t.Errorf("move %d: %v", n, e.err)
			}
		}
		if got := a.Calls(); got["AssociateAddress"] != 50 || got["DescribeAddresses"] > 20 {
			t.Errorf("made the calls %v", got)
		}
	})
}
