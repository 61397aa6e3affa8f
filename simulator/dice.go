package simulator

import (
	"math/rand/v2"
	"sync"
)

// dice is where the randomness of the DNS answers comes from. It may be thrown by many at once.
type dice struct {
	mu  *sync.Mutex
	rng *rand.Rand
}

func newDice(seed uint64) dice {
	if seed == 0 {
		seed = rand.Uint64()
	}
	return dice{new(sync.Mutex), rand.New(rand.NewPCG(seed, 0))}
}

func (d dice) shuffle(n int, swap func(i, j int)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rng.Shuffle(n, swap)
}

// below returns a number from 0 to n-1.
func (d dice) below(n int64) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Int64N(n)
}
