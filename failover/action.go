package failover

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// ActionKind says what an action does to the world.
type ActionKind string

// The kinds of action.
const (
	KindRemap    ActionKind = "remap"    // moves an EIP
	KindWithdraw ActionKind = "withdraw" // edits a record set: the address leaves the answers
	KindRestore  ActionKind = "restore"  // edits it back
	KindFailback ActionKind = "failback" // moves an EIP back to where it was before a failure
)

// answers reports whether such an action answers a failure, rather than undoing
// what once answered one.
func (k ActionKind) answers() bool { return k == KindRemap || k == KindWithdraw }

// Status says how far an action has come.
type Status string

// The statuses. Begun and Applied are unfinished; the others end an action.
const (
	Begun    Status = "begun"    // journalled; the call may or may not have been made
	Applied  Status = "applied"  // AWS has accepted it; not yet proven from outside
	Proven   Status = "proven"   // seen from outside
	Refused  Status = "refused"  // the world was not as expected; nothing was changed
	Failed   Status = "failed"   // the call failed; nothing was changed
	Unproven Status = "unproven" // changed, and not seen to help in time
)

// Done reports whether the action has ended.
func (s Status) Done() bool { return s != Begun && s != Applied }

// tookEffect reports whether the world was changed.
func (s Status) tookEffect() bool { return s == Applied || s == Proven || s == Unproven }

// Remap moves one EIP and carries what it expects to find.
type Remap struct {
	Addr       netip.Addr `json:"addr"`
	Allocation string     `json:"allocation"`
	From       string     `json:"from"`                // instance that carries it now; empty: none
	To         string     `json:"to"`                  // instance that shall carry it
	FromName   string     `json:"from_name,omitempty"` // their Name tags, for people
	ToName     string     `json:"to_name,omitempty"`
	// Association is that of the address before the move. A read that still has it
	// is an old one; one that has another on the same instance is somebody's move back.
	Association string     `json:"association,omitempty"`
	Interface   string     `json:"interface"`
	Private     netip.Addr `json:"private,omitzero"` // private address of that interface
}

// Reweigh edits one record set and carries what it expects to find.
type Reweigh struct {
	Zone  string     `json:"zone"` // hosted zone id
	Addr  netip.Addr `json:"addr"`
	Was   RecordSet  `json:"was"`   // exactly what must be there; zero: nothing
	Shall RecordSet  `json:"shall"` // what shall be there; zero: nothing
	// Fence goes with the edit in the same batch, so that only the watcher that
	// holds the pool's lease can make it. Nil: the pool has none.
	Fence *Swap `json:"fence,omitempty"`
}

// Swap replaces one record set by another one of the same key, if it is what is
// there.
type Swap struct {
	Was   RecordSet `json:"was"`   // exactly what must be there; zero: nothing
	Shall RecordSet `json:"shall"` // what shall be there; zero: nothing
}

// Action is one change to the world, from its beginning to its end.
type Action struct {
	ID       int64      `json:"id"` // the sequence number of its Begin in the journal; 0 while only planned
	Kind     ActionKind `json:"kind"`
	Pool     string     `json:"pool"`
	Member   netip.Addr `json:"member"`
	Incident int64      `json:"incident"`
	Remap    *Remap     `json:"remap,omitempty"`
	Reweigh  *Reweigh   `json:"reweigh,omitempty"`
	Why      string     `json:"why"`
	By       string     `json:"by,omitempty"` // who approved it, or overrode a guard for it; empty: rrwatch itself
	Status   Status     `json:"status,omitempty"`
	Begun    time.Time  `json:"begun,omitzero"`
	Applied  time.Time  `json:"applied,omitzero"` // when AWS's acceptance was known
	Served   time.Time  `json:"served,omitzero"`  // when the first good result after it was sent
	Ended    time.Time  `json:"ended,omitzero"`
	Drained  time.Time  `json:"drained,omitzero"`  // when resolvers that keep to the TTL have forgotten the address that it took out
	Change   string     `json:"change,omitempty"`  // Route 53's change id
	Detail   string     `json:"detail,omitempty"`  // why it ended as it did
	Guard    Guard      `json:"guard,omitempty"`   // which refused it
	Settled  bool       `json:"settled,omitempty"` // rrwatch was stopped before it knew, and has read the outcome from AWS
}

// String says what the action does: "remap 203.0.113.1 from lb-1 (i-1) to
// lb-2 (i-2)".
func (a Action) String() string {
	switch {
	case a.Remap != nil && a.Remap.From == "":
		return fmt.Sprintf("%s %s, carried by no instance, to %s", a.Kind, a.Member, label(a.Remap.To, a.Remap.ToName))
	case a.Remap != nil:
		return fmt.Sprintf("%s %s from %s to %s", a.Kind, a.Member, label(a.Remap.From, a.Remap.FromName), label(a.Remap.To, a.Remap.ToName))
	case a.Reweigh != nil:
		return fmt.Sprintf("%s %s: %s", a.Kind, a.Member, a.Reweigh)
	}
	return fmt.Sprintf("%s %s", a.Kind, a.Member)
}

// key is the identity of the set that the edit touches.
func (r Reweigh) key() RecordKey {
	if r.Was.Exists() {
		return r.Was.Key()
	}
	return r.Shall.Key()
}

// simple reports whether the edit is of a set whose values share one fate.
func (r Reweigh) simple() bool {
	return r.Was.Exists() && r.Was.Simple() && r.Shall.Exists() && r.Shall.Simple()
}

// String says what the edit changes: "www.example.com A lb-1 weight 10 → 0".
func (r Reweigh) String() string {
	was, shall := r.Was, r.Shall
	key := r.key()
	name := strings.TrimSpace(fmt.Sprintf("%s %s %s", key.Name, key.Type, key.Identifier))
	switch {
	case key.Type == "TXT":
		return name + ": the lease"
	case !shall.Exists():
		return name + ": the set leaves"
	case !was.Exists():
		return name + ": the set comes back"
	case was.Weight != nil && shall.Weight != nil:
		return fmt.Sprintf("%s: weight %d → %d", name, *was.Weight, *shall.Weight)
	case shall.Holds(r.Addr):
		return fmt.Sprintf("%s: %s joins the set", name, r.Addr)
	}
	return fmt.Sprintf("%s: %s leaves the set", name, r.Addr)
}
