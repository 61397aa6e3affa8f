package simulator

import (
	"testing"
	"testing/synctest"
	"time"
)

// taken counts how many calls of many get a token now.
func taken(b *buckets, from ...allowance) int {
	n := 0
	for range 1000 {
		if b.take(time.Now(), from...) {
			n++
		}
	}
	return n
}

func TestABucketGivesItsSizeAtOnceAndThenWhatFlowsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b buckets
		mutating := allowance{bucket: "AssociateAddress", rate: rate{size: 50, refill: 5}}
		for _, tt := range []struct {
			wait time.Duration
			want int
		}{
			{0, 50}, {199 * time.Millisecond, 0}, {time.Millisecond, 1}, {time.Second, 5}, {10 * time.Second, 50}, {time.Hour, 50},
		} {
			time.Sleep(tt.wait)
			if got := taken(&b, mutating); got != tt.want {
				t.Errorf("after %v: %d calls got a token, want %d", tt.wait, got, tt.want)
			}
		}
		b.reset()
		if got := taken(&b, mutating); got != 50 {
			t.Errorf("after a reset: %d calls got a token, want 50", got)
		}
	})
}

func TestACallTakesFromAllItsBucketsOrFromNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b buckets
		account := allowance{bucket: "account", rate: rate{size: 50, refill: 10}}
		list := allowance{bucket: "list", rate: rate{size: 20, refill: 10}}
		get := allowance{bucket: "get", rate: rate{size: 50, refill: 10}}
		for _, step := range []struct {
			name string
			from []allowance
			want int
		}{
			{"the action's bucket ends first", []allowance{account, list}, 20},
			{"refused calls have cost the account nothing", []allowance{account, get}, 30},
			{"nor another action", []allowance{get}, 20},
		} {
			if got := taken(&b, step.from...); got != step.want {
				t.Errorf("%s: %d calls got a token, want %d", step.name, got, step.want)
			}
		}
		time.Sleep(time.Second)
		if got := taken(&b, account, list); got != 10 {
			t.Errorf("after a second %d calls got a token, want 10", got)
		}
	})
}

func TestACallMayCostMoreThanOneToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b buckets
		if got := taken(&b, allowance{bucket: "changes", rate: rate{size: 100, refill: 10}, tokens: 30}); got != 3 {
			t.Errorf("%d calls of 30 tokens fit into 100, want 3", got)
		}
	})
}
