package failover

import (
	"context"
	"net/netip"
	"time"

	"rrwatch/probe"
)

// EIPs reads and moves Elastic IPs.
type EIPs interface {
	// Read answers all wants together, in as few calls as there can be; one that
	// cannot be answered does not keep the others back. The answers are in the
	// order of the wants.
	Read(ctx context.Context, wants []Want) []Got
	// Move makes one AssociateAddress for each of the moves, which are of one
	// pool, after one fresh read that finds the world as it expects. It calls
	// ended once for each, as soon as its outcome is known and from any
	// goroutine, and returns when all have ended. A nil error means that the
	// world is as the move wants it, whether by this call or an earlier one whose
	// answer was lost. A *Refusal means that nothing was changed. Any other error
	// means that it is not known; it is settled by reading, never by repeating.
	Move(ctx context.Context, pool string, moves []Remap, ended func(n int, err error))
}

// Want is what one pool needs to know of EC2.
type Want struct {
	Pool      string
	Addrs     []netip.Addr // published addresses, of both kinds
	Instances Selector
}

// Got is what EC2 says of one Want: the addresses of the account among those that
// were asked for, and the instances that carry them and those that are selected;
// by IP and by id. An address that is no EIP of the account is left out.
type Got struct {
	Addresses []Address
	Instances []Instance
	Err       error
}

// Records reads and edits record sets.
type Records interface {
	// Read returns the A and AAAA sets of name in the zone (a name or an id).
	Read(ctx context.Context, zone, name string) (Published, error)
	// Edit makes one change batch of all edits, which are of one zone: of each a
	// DELETE of exactly what was and a CREATE of what shall be; edits of the
	// same set, which then say the same of it, are made once. When the batch is
	// refused for one of them the others still go. It returns what became of
	// each, in their order. comment is kept by AWS's audit trail.
	Edit(ctx context.Context, edits []Reweigh, comment string) []Edited
	// Confirm returns nil once the change is INSYNC (a change of "" is taken as
	// that) and every authoritative server asked answers according to r.Shall,
	// and an error when ctx ends before.
	Confirm(ctx context.Context, r Reweigh, change string) error
	// Ask asks every authoritative server of the zone (an id) what it answers for
	// name: for A and for AAAA, each of the times. A server that does not answer
	// says why. A private zone that no configured server answers for gives none.
	Ask(ctx context.Context, zone, name string, times int) ([]Answer, error)
}

// Answer is what one authoritative server says of one name and type.
type Answer struct {
	Server string        // host:port, as asked
	Type   string        // A or AAAA
	Addrs  []netip.Addr  // all that were in its answers, ordered
	TTL    time.Duration // the longest of its answers
	Err    error         // why there is no answer; nil: there is one
}

// Edited is what became of one edit: the id of its change, or an error as those
// of EIPs.Move.
type Edited struct {
	Change string
	Err    error
}

// Refusal is the error of an action that was refused before it changed
// anything: the guard that refused, and a sentence.
type Refusal struct {
	Guard Guard
	Text  string
}

// Error is the refusal's sentence.
func (r *Refusal) Error() string { return r.Text }

// Journal remembers: what Append has returned without an error survives a
// crash.
type Journal interface {
	// Append writes the entries in one transaction with the views that derive
	// from them and returns them with their sequence numbers, and the Opened
	// ones with their incident numbers. An ActionBegun gets its Action.ID.
	Append(ctx context.Context, entries ...Entry) ([]Entry, error)
	// Recall returns what the responder must know when it starts.
	Recall(ctx context.Context) (Memory, error)
}

// Memory is what the journal says at the start.
type Memory struct {
	Incidents []Incident // the open ones, and those closed within the last 7 days; by id
	Brake     *Brake     // latched and not released since
	Released  time.Time  // when the brake was last released; zero: never
	Pauses    []Pause    // that were not ended
	// SeenUp are the targets that were believed Up at some time within the last
	// 24 hours. One that was Up when its watcher ended was so for as long as that
	// watcher gave signs of life: until the journal's newest entry, or the last
	// time that somebody asked for its health.
	SeenUp []probe.Target
	// Scores are of the incidents closed within the last 30 days, by pool.
	Scores map[string]Score
	// LeaseID is what this watcher last held leases by; empty: never, or long ago.
	LeaseID string
	// Advisories are those that were told and are not over, as they were told.
	Advisories []Advisory
}
