// Package simulator pretends to be the outside world of rrwatch: an AWS that speaks the real wire protocols of EC2,
// Route 53, STS and SNS and refuses what AWS refuses, the DNS servers that answer its records, a site to break, and its users.
package simulator

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options set where the pretended AWS is and how slow it is. The zero value is an AWS that does everything at once.
type Options struct {
	Region  string        // the Region of EC2; empty means eu-central-1
	Account string        // the twelve digits of the account; empty means 123456789012
	Latency time.Duration // waited before every call takes effect and is answered
	Lag     time.Duration // how long EC2 describes still show the state before a write; 0 means never stale
	Sync    time.Duration // from a record change to INSYNC; until then DNS answers with the old records
	Seed    uint64        // of the order of DNS answers; 0 means another one each time
	Move    time.Duration // from the answer of AssociateAddress until the network routes to the new carrier
	Change  time.Duration // how long instances are pending, stopping and shutting-down when the API is asked for it
	Limits  bool          // whether calls draw from AWS's token buckets; SetLimits switches it later
	Quota   int           // how many Elastic IPs AllocateAddress allows; 0 means no end, AWS begins with 5 a Region
	Zones   []string      // the zones in which instances can be run; empty means the Region's zones a, b and c
}

// Instance is one EC2 instance with its network interfaces.
type Instance struct {
	ID        string       // i-…, required
	Name      string       // shown as the tag Name unless Tags has one
	Zone      string       // availability zone; empty means the Region's zone a
	State     string       // pending, running, shutting-down, terminated, stopping or stopped; empty means running
	Interface string       // eni-…, the primary network interface; empty means one made from ID
	Private   netip.Addr   // primary private IPv4 address of that interface
	Secondary []netip.Addr // its further private addresses
	More      []Interface  // further network interfaces, by device index; 0 as a Device means the next free one
	// Public is the public address of the primary private address. Given to AddInstance it is the instance's own, which it shows only while it runs and
	// carries no Elastic IP, and gets back when it loses one (a real instance would get none, or another one).
	// In what AWS returns it is the address that the instance shows now: the Elastic IP, its own, or the zero Addr.
	Public netip.Addr
	Tags   map[string]string
}

// Address is one Elastic IP. Instance, Interface and Private say where it is; given to AddAddress they wire it, and one of
// Instance and Interface is enough.
type Address struct {
	IP             netip.Addr // required
	Allocation     string     // eipalloc-…; empty means one made from IP
	Association    string     // eipassoc-…; empty while nothing carries the address
	Instance       string     // the instance that carries it; empty on an interface that no instance has
	Interface      string     // the interface that carries it; for AddAddress, empty means the primary one
	Private        netip.Addr // the private address that it stands for; for AddAddress, zero means the primary one
	BorderGroup    string     // the network border group from which AWS announces it; empty means the Region
	ServiceManaged string     // alb, nat-gateway…: set when an AWS service owns the address
	Tags           map[string]string
}

// Zone is one Route 53 hosted zone.
type Zone struct {
	ID          string   // Z…, required
	Name        string   // example.com; case and a trailing dot do not matter
	Private     bool     // a private zone; the public DNS does not answer for it
	NameServers []string // its delegation set; empty means four made-up names
}

// AWS is one pretended account. It is an http.Handler for all its services, and safe for concurrent use.
// Everything done through its methods, as opposed to its wire protocols, takes effect at once, and shows at once but for
// SetLag.
type AWS struct {
	options    Options
	operations map[string]operation // of EC2, by action
	faults     faults
	limits     limits
	tokens     tokens

	generation atomic.Uint64
	coming     atomic.Int64 // when the latest change that was made shows, in Unix nanoseconds
	said       memory
	dice       dice

	mu      sync.Mutex
	changed chan struct{} // nil until somebody asks for it
	worlds  []worldAt     // what EC2 knows, oldest first; the last one is true, describes may still see an older one
	routes  map[netip.Addr][]route
	zones   map[string]*zone
	changes map[string]change
	serial  uint64
	publics uint64 // how many public addresses were given out
	remaps  remaps

	registry   registry
	identities identities
	topics     topics
}

// New returns an empty AWS.
func New(o Options) *AWS {
	o.Region = cmp.Or(o.Region, "eu-central-1")
	o.Account = cmp.Or(o.Account, "123456789012")
	if len(o.Zones) == 0 {
		o.Zones = []string{o.Region + "a", o.Region + "b", o.Region + "c"}
	}
	a := &AWS{
		options: o,
		dice:    newDice(o.Seed),
		worlds:  []worldAt{{world: newWorld()}},
		routes:  map[netip.Addr][]route{},
		zones:   map[string]*zone{},
		changes: map[string]change{},
	}
	a.limits.on.Store(o.Limits)
	a.operations = a.ec2Operations()
	return a
}

// Changed returns a channel that is closed at the next change of routing, instances or records. Take the channel first,
// then look, then wait; ask for a new one after it.
func (a *AWS) Changed() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.changed == nil {
		a.changed = make(chan struct{})
	}
	return a.changed
}

// Generation counts the changes of routing, instances and records: while it stays the same, so does all that Instances,
// Addresses, Carrier and Records return.
func (a *AWS) Generation() uint64 { return a.generation.Load() }

// Changing reports whether a change that was made has yet to show, or shows at this very instant: then what Generation
// promises does not hold.
func (a *AWS) Changing() bool { return time.Now().UnixNano() <= a.coming.Load() }

// signal wakes everyone who waits for a change. The caller holds the lock.
func (a *AWS) signal() {
	a.generation.Add(1)
	if a.changed != nil {
		close(a.changed)
		a.changed = nil
	}
}

// signalAfter wakes everyone who waits when a change that was made now shows, d from now. The caller holds the lock.
func (a *AWS) signalAfter(d time.Duration) {
	a.generation.Add(1) // the API shows it now
	a.coming.Store(max(a.coming.Load(), time.Now().Add(d).UnixNano()))
	if d <= 0 {
		a.signal()
		return
	}
	time.AfterFunc(d, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.signal()
	})
}

// next returns a number that was not used before, for identifiers. The caller holds the lock.
func (a *AWS) next() uint64 {
	a.serial++
	return a.serial
}

// nextPublic counts the public addresses that are given out. The caller holds the lock.
func (a *AWS) nextPublic() uint64 {
	a.publics++
	return a.publics
}

func tagsOf(tags map[string]string, name string) map[string]string {
	out := maps.Clone(tags)
	if out == nil {
		out = map[string]string{}
	}
	if _, ok := out["Name"]; !ok && name != "" {
		out["Name"] = name
	}
	return out
}

// trimKind returns an identifier without what stands before its first dash.
func trimKind(id string) string {
	for i, r := range id {
		if r == '-' {
			return id[i+1:]
		}
	}
	return id
}

// sortedValues returns the values of a map in the order of a key.
func sortedValues[K comparable, V any](m map[K]V, compare func(a, b V) int) []V {
	return slices.SortedFunc(maps.Values(m), compare)
}
