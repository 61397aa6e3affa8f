package eip

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoAsksDuringAReadSharesTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var reads [][]string
		var starts []time.Duration
		all := newTogether(func(_ context.Context, asked []string) time.Duration {
			reads, starts = append(reads, slices.Clone(asked)), append(starts, time.Since(began))
			time.Sleep(time.Second)
			return starts[len(starts)-1]
		})
		asked := map[string]time.Duration{"a": 0, "b": 500 * time.Millisecond, "c": 700 * time.Millisecond, "d": 5 * time.Second}
		type got struct {
			answer time.Duration
			n      int
		}
		var mu sync.Mutex
		answers := map[string]got{}
		var wg sync.WaitGroup
		for who, after := range asked {
			wg.Go(func() {
				time.Sleep(after)
				answer, n := all.ask(t.Context(), who)
				mu.Lock()
				defer mu.Unlock()
				answers[who] = got{answer, n}
			})
		}
		wg.Wait()
		for who, g := range answers {
			if at := slices.Index(starts, g.answer); g.answer < asked[who] || reads[at][g.n] != who {
				t.Errorf("%s asked at %s and got the answer of %s to %s", who, asked[who], g.answer, reads[at][g.n])
			}
		}
		if want := []time.Duration{0, time.Second, 5 * time.Second}; !slices.Equal(starts, want) || !slices.Equal(reads[1], []string{"b", "c"}) {
			t.Errorf("got the reads %v at %v", reads, starts)
		}
	})
}
