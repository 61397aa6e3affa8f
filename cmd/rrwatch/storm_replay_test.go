package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// lived is a storm that was lived to its end.
type lived struct {
	wrong []string // what broke an invariant
	story string   // the journal as text
	told  string   // all that led to the end

	incidents, actions, calls int
	time                      time.Duration // simulated
}

// liveQuietly lives through an outage and fails no test.
func liveQuietly(t *testing.T, o outage, prepare func(*storm)) lived {
	t.Helper()
	dir := t.TempDir()
	var out lived
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t, dir, o)
		if prepare != nil {
			prepare(s)
		}
		s.live()
		out = lived{
			wrong: s.wrong, story: s.ledger.story.String(), told: s.story(),
			incidents: len(s.ledger.incidents), actions: len(s.ledger.actions), time: time.Since(s.began),
		}
		for _, n := range s.aws.Calls() {
			out.calls += n
		}
	})
	return out
}

// ordered is a story with what happens in one instant in the order of its words:
// which of several goroutines is first then says nothing.
func ordered(story string) string {
	lines := strings.Split(story, "\n")
	slices.Sort(lines) // each begins with its time
	return strings.Join(lines, "\n")
}

// A failing storm is of use only if it fails again.
func TestAStormIsLivedTheSameWayAgain(t *testing.T) {
	seeds, runs := number(t, "RRWATCH_REPLAY_SEEDS", 3), number(t, "RRWATCH_REPLAY_RUNS", 2)
	exact := 0
	for seed := 1; seed <= seeds; seed++ {
		first := liveQuietly(t, drawOutage(uint64(seed)), nil)
		same := true
		for range runs - 1 {
			again := liveQuietly(t, drawOutage(uint64(seed)), nil)
			if ordered(again.story) != ordered(first.story) && same {
				same = false
				t.Logf("seed %d: %s", seed, firstDifference(ordered(first.story), ordered(again.story)))
			}
		}
		if same {
			exact++
		}
	}
	t.Logf("%d of %d seeds were lived in the same way %d times, but for the order within an instant", exact, seeds, runs)
	if exact*10 < seeds*9 {
		t.Errorf("only %d of %d seeds were lived in the same way", exact, seeds)
	}
}

func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for n := range min(len(as), len(bs)) {
		if as[n] != bs[n] {
			return fmt.Sprintf("line %d:\n%s\n%s", n+1, as[n], bs[n])
		}
	}
	return fmt.Sprintf("%d lines and %d", len(as), len(bs))
}
