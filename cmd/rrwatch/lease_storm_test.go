package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/simulator"
)

// witness stands before AWS and sees who changes something while the other
// watcher may act.
type witness struct {
	line
	mine, other *bubble
	wrong       *atomic.Pointer[string]
}

// RoundTrip looks at the call and does it.
func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		if c := readChange(r, body); c != nil && c.action == "AssociateAddress" && !w.cut.Load() && w.other.alive.Load() && w.other.holds() {
			text := fmt.Sprintf("%s moves an address while %s holds the lease", w.mine.vantage, w.other.vantage)
			w.wrong.CompareAndSwap(nil, &text)
		}
	}
	return w.line.RoundTrip(r)
}

// Two watchers of one site and random faults: of the site, of AWS, of the line of
// each, and of their own lives. None moves an address while the other one holds
// the lease; and when all is well again, one does, and the site is served.
func TestTwoWatchersInAStormDoNotFight(t *testing.T) {
	t.Parallel()
	seeds := uint64(12)
	if testing.Short() || underRace {
		seeds = 1 // make test lives through all without the race detector
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { fight(t, rand.New(rand.NewPCG(seed, 5))) })
		})
	}
}

func fight(t *testing.T, rng *rand.Rand) {
	a, b := twins(t, "cooldown: 5m", "cooldown: 10s", "restore_after: 1m", "restore_after: 20s\n    budget: {per_hour: 99, per_day: 99}\n    member_budget: {per_hour: 99, per_day: 99}",
		"pools:", "budget: {per_hour: 999, per_day: 999}\npools:")
	wrong := &atomic.Pointer[string]{}
	both := []*bubble{a, b}
	for n, w := range both {
		w.way = &witness{line: line{RoundTripper: a.aws.Transport()}, mine: w, other: both[1-n], wrong: wrong}
	}
	bothUp(a, b)
	for range 40 {
		a.pass(time.Duration(1+rng.IntN(40)) * time.Second)
		disturb(a, both, rng)
		if text := wrong.Load(); text != nil {
			t.Fatalf("%s\n%s\n%s", *text, a.story(), b.story())
		}
	}
	a.aws.Down(false)
	for n := range 5 {
		a.heal(fmt.Sprintf("lb-%d", n+1))
	}
	for _, w := range both {
		w.line().cut.Store(false)
		if !w.alive.Load() {
			w.start()
		}
	}
	a.pass(8 * time.Minute)
	if a.holds() == b.holds() {
		t.Errorf("when all is well the first holds: %v, the other: %v", a.holds(), b.holds())
	}
	for n := range 3 {
		if i, _ := a.aws.Carrier(demoAddress(n + 1)); i.State != "running" {
			t.Errorf("%s is carried by %q, %s", demoAddress(n+1), i.Name, i.State)
		}
	}
	a.stop()
	b.stop()
}

// disturb does one thing to the site, to AWS, or to one of the watchers.
func disturb(a *bubble, both []*bubble, rng *rand.Rand) {
	w := both[rng.IntN(2)]
	lb := fmt.Sprintf("lb-%d", 1+rng.IntN(5))
	switch rng.IntN(10) {
	case 0, 1:
		a.fault(lb, simulator.FaultKill)
	case 2, 3, 4:
		a.heal(lb)
	case 5:
		w.line().cut.Store(!w.line().cut.Load())
	case 6:
		if w.alive.Load() {
			w.kill()
		} else {
			w.start()
		}
	case 7:
		a.aws.LoseAnswer("ChangeResourceRecordSets", 1+rng.IntN(2))
	case 8:
		a.aws.LoseAnswer("AssociateAddress", 1)
	case 9:
		a.aws.Down(rng.IntN(2) == 0)
	}
}
