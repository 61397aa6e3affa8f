package simulator

import (
	"maps"
	"sync"
)

// faults is what is wrong with the pretended AWS. It has its own lock, so that faults can be switched at any time.
type faults struct {
	mu       sync.Mutex
	down     bool
	denied   map[string]bool
	throttle map[string]int
	lose     map[string]int
	busy     int
	calls    map[string]int
}

// Deny refuses an action, like "AssociateAddress", from now on: UnauthorizedOperation from EC2, AccessDenied from the
// others.
func (a *AWS) Deny(action string) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	set(&a.faults.denied, action, true)
}

// Allow ends what Deny began.
func (a *AWS) Allow(action string) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	delete(a.faults.denied, action)
}

// Throttle refuses the next n calls of an action, without effect: RequestLimitExceeded from EC2, Throttling from the
// others. 0 ends it.
func (a *AWS) Throttle(action string, n int) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	set(&a.faults.throttle, action, n)
}

// LoseAnswer breaks the connection of the next n calls of an action after they took effect. 0 ends it.
func (a *AWS) LoseAnswer(action string, n int) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	set(&a.faults.lose, action, n)
}

// Busy refuses the next n calls of ChangeResourceRecordSets with PriorRequestNotComplete, without effect. 0 ends it.
func (a *AWS) Busy(n int) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.busy = n
}

// Down answers every call with 503 while it is true.
func (a *AWS) Down(down bool) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.down = down
}

// Calls returns how many calls of each action arrived, refused and lost ones too. A call without credentials does not count.
func (a *AWS) Calls() map[string]int {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	out := map[string]int{}
	maps.Copy(out, a.faults.calls)
	return out
}

func set[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}
