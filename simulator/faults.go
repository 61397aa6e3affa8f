package simulator

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"
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
	latency  time.Duration // of a call, in place of Options.Latency
	lag      time.Duration // of describes, in place of Options.Lag
	sync     time.Duration // of record changes, in place of Options.Sync
	serial   bool          // changes of a zone are done one at a time
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

// OneAtATime refuses changes of a zone while it has one that is PENDING, with PriorRequestNotComplete, as long as it is
// true. Route 53 does so now and then.
func (a *AWS) OneAtATime(one bool) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.serial = one
}

func (f *faults) oneAtATime() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.serial
}

// SetSync has record changes be PENDING for this long from now on, whatever Options.Sync says; 0 or less: as that says.
func (a *AWS) SetSync(d time.Duration) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.sync = d
}

func (a *AWS) sync() time.Duration {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	return cmp.Or(max(0, a.faults.sync), a.options.Sync)
}

// Down answers every call with 503 while it is true.
func (a *AWS) Down(down bool) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.down = down
}

// SetLatency has calls take this long from now on, whatever Options.Latency says; 0 or less: as that says.
func (a *AWS) SetLatency(d time.Duration) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.latency = d
}

// SetLag has describes show the state before a write for this long after it, of writes from now on and of those by method
// too, whatever Options.Lag says; 0 or less: as that says.
func (a *AWS) SetLag(d time.Duration) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.lag = d
}

func (a *AWS) latency() time.Duration {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	return cmp.Or(max(0, a.faults.latency), a.options.Latency)
}

func (a *AWS) lag() time.Duration {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	return cmp.Or(max(0, a.faults.lag), a.options.Lag)
}

// staleness is how late describes show what was done by method.
func (a *AWS) staleness() time.Duration {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	return max(0, a.faults.lag)
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

func (f *faults) count(c call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	set(&f.calls, c.action, f.calls[c.action]+1)
}

// refuse returns the refusal that the present faults call for, nil if none. It uses up one throttled or busy call.
func (f *faults) refuse(c call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.down:
		return unavailable(c)
	case f.throttle[c.action] > 0:
		f.throttle[c.action]--
		return throttled(c)
	case f.denied[c.action]:
		return denied(c)
	case f.busy > 0 && c.action == actionChangeRecords:
		f.busy--
		return busy()
	}
	return nil
}

// loses says whether the answer to this call is to be lost, and uses up one lost answer.
func (f *faults) loses(action string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lose[action] <= 0 {
		return false
	}
	f.lose[action]--
	return true
}

func busy() error {
	return refuse("PriorRequestNotComplete", "The request was rejected because Route 53 was still processing a prior request.")
}

func unavailable(c call) error {
	if c.service == serviceEC2 {
		return &refusal{http.StatusServiceUnavailable, "Unavailable", "The server is overloaded and can't handle the request."}
	}
	return &refusal{http.StatusServiceUnavailable, "ServiceUnavailable", "The service is unavailable. Please try again."}
}

func throttled(c call) error {
	if c.service == serviceEC2 {
		return &refusal{http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded."}
	}
	return refuse("Throttling", "Rate exceeded")
}

func denied(c call) error {
	who := c.caller.arn
	if c.service == serviceEC2 {
		return &refusal{http.StatusForbidden, "UnauthorizedOperation", fmt.Sprintf("You are not authorized to perform this "+
			"operation. User: %s is not authorized to perform: ec2:%s because no identity-based policy allows the ec2:%s action",
			who, c.action, c.action)}
	}
	return &refusal{http.StatusForbidden, "AccessDenied", fmt.Sprintf("User: %s is not authorized to perform: %s:%s because no "+
		"identity-based policy allows the %s:%s action", who, c.service, c.action, c.service, c.action)}
}
