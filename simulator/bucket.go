package simulator

import (
	"sync"
	"time"
)

// rate is a token bucket as AWS publishes it: how many calls may come at once, and how many more each second brings.
type rate struct {
	size   float64
	refill float64 // tokens a second
}

// allowance is one bucket that a call draws from. Buckets of the same name are one bucket, of the rate that it was first
// drawn from with.
type allowance struct {
	bucket string
	rate
	tokens float64 // that the call costs; 0 means one
}

// buckets holds token buckets by name. Each begins full. The zero value is ready, and safe for concurrent use.
type buckets struct {
	mu   sync.Mutex
	held map[string]*bucket
}

type bucket struct {
	rate
	tokens float64
	at     time.Time // when tokens was true
}

// take draws from all buckets that a call needs, or from none of them and returns false: a call that is refused is not
// served, so it costs nothing.
func (b *buckets) take(now time.Time, from ...allowance) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	needs := map[*bucket]float64{}
	for _, need := range from {
		needs[b.filled(need, now)] += max(need.tokens, 1)
	}
	for held, tokens := range needs {
		if held.tokens < tokens {
			return false
		}
	}
	for held, tokens := range needs {
		held.tokens -= tokens
	}
	return true
}

// reset makes all buckets full again.
func (b *buckets) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.held)
}

// filled returns a bucket with what has flowed into it until now. The caller holds the lock.
func (b *buckets) filled(need allowance, now time.Time) *bucket {
	held, ok := b.held[need.bucket]
	if !ok {
		held = &bucket{rate: need.rate, tokens: need.size, at: now}
		set(&b.held, need.bucket, held)
	}
	if gone := now.Sub(held.at); gone > 0 {
		held.tokens = min(held.size, held.tokens+gone.Seconds()*held.refill)
		held.at = now
	}
	return held
}
