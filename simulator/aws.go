// Package simulator pretends to be the outside world of rrwatch: an AWS that speaks the real wire protocols of EC2,
// Route 53 and STS and refuses what AWS refuses, the DNS servers that answer its records, a site to break, and its users.
package simulator

import (
	"cmp"
	"fmt"
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
}

// Instance is one EC2 instance with one network interface and one private address.
type Instance struct {
	ID        string     // i-…, required
	Name      string     // shown as the tag Name unless Tags has one
	Zone      string     // availability zone; empty means the Region's zone a
	State     string     // pending, running, shutting-down, terminated, stopping or stopped; empty means running
	Interface string     // eni-…; empty means one made from ID
	Private   netip.Addr // primary private IPv4 address
	// Public is the public address. Given to AddInstance it is the instance's own, which it shows only while it runs and
	// carries no Elastic IP, and gets back when it loses one (a real instance would get none, or another one).
	// In what AWS returns it is the address that the instance shows now: the Elastic IP, its own, or the zero Addr.
	Public netip.Addr
	Tags   map[string]string
}

// Address is one Elastic IP.
type Address struct {
	IP             netip.Addr // required
	Allocation     string     // eipalloc-…; empty means one made from IP
	Association    string     // eipassoc-…; empty while nothing carries the address
	Instance       string     // the instance that carries it; given to AddAddress it wires the two
	Interface      string     // the interface that carries it
	Private        netip.Addr // the private address that it stands for
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
	options Options
	faults  faults

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
}

// New returns an empty AWS.
func New(o Options) *AWS {
	o.Region = cmp.Or(o.Region, "eu-central-1")
	o.Account = cmp.Or(o.Account, "123456789012")
	return &AWS{
		options: o,
		dice:    newDice(o.Seed),
		worlds:  []worldAt{{world: world{instances: map[string]Instance{}, addresses: map[netip.Addr]Address{}}}},
		routes:  map[netip.Addr][]route{},
		zones:   map[string]*zone{},
		changes: map[string]change{},
	}
}

// AddInstance puts an instance into the account, or replaces the one with the same ID.
func (a *AWS) AddInstance(i Instance) {
	i.Zone = cmp.Or(i.Zone, a.options.Region+"a")
	i.State = cmp.Or(i.State, stateRunning)
	i.Interface = cmp.Or(i.Interface, "eni-"+trimKind(i.ID))
	i.Tags = tagsOf(i.Tags, i.Name)
	i.Name = i.Tags["Name"]

	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.worlds {
		w.instances[i.ID] = i
	}
	a.signal()
}

// AddAddress puts an Elastic IP into the account, or replaces the one with the same IP. With Address.Instance it is
// carried by that instance from now on; the instance must be there already, or AddAddress panics.
func (a *AWS) AddAddress(d Address) {
	carrier := d.Instance
	d.Allocation = cmp.Or(d.Allocation, fmt.Sprintf("eipalloc-%017x", d.IP.As4()))
	d.Association, d.Instance, d.Interface, d.Private = "", "", "", netip.Addr{}
	d.Tags = tagsOf(d.Tags, "")

	a.mu.Lock()
	for _, w := range a.worlds {
		w.addresses[d.IP] = d
	}
	a.routes[d.IP] = nil
	a.signal()
	a.mu.Unlock()

	if carrier != "" {
		a.Associate(d.IP, carrier)
	}
}

// Associate makes an instance the carrier of an Elastic IP, or no one if instanceID is empty: at once, without a call
// and without any delay. It panics when the account has no such address or instance.
func (a *AWS) Associate(ip netip.Addr, instanceID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.truth().clone()
	if _, ok := w.addresses[ip]; !ok {
		panic(fmt.Sprintf("simulator: associate %s: no such address; add it with AddAddress first", ip))
	}
	if _, ok := w.instances[instanceID]; !ok && instanceID != "" {
		panic(fmt.Sprintf("simulator: associate %s: no instance %q; add it with AddInstance first", ip, instanceID))
	}
	now := time.Now()
	a.move(w, ip, instanceID, now)
	a.publish(w, now.Add(a.staleness()))
	a.signal()
}

// SetInstanceState changes the state of an instance at once. A terminated instance loses its Elastic IP, a stopped one
// keeps it. It panics when the account has no such instance.
func (a *AWS) SetInstanceState(id, state string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.truth().instances[id]; !ok {
		panic(fmt.Sprintf("simulator: set the state of %q: no such instance; add it with AddInstance first", id))
	}
	now := time.Now()
	w := a.truth().clone()
	a.setState(w, id, state, now)
	a.publish(w, now.Add(a.staleness()))
	a.signal()
}

// Instances returns all instances as they truly are now, by ID.
func (a *AWS) Instances() []Instance {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.truth().sortedInstances()
}

// Addresses returns all Elastic IPs as they truly are wired now, by IP.
func (a *AWS) Addresses() []Address {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.truth().sortedAddresses()
}

// Carrier returns the instance to which the network routes a public address at this moment, whatever its state: a
// stopped carrier is a silent one. After AssociateAddress that is the old carrier until Options.Move has passed.
func (a *AWS) Carrier(ip netip.Addr) (Instance, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.truth()
	if _, ok := w.addresses[ip]; ok {
		i, ok := w.instances[routed(a.routes[ip], time.Now())]
		return w.show(i), ok
	}
	for _, i := range w.sortedInstances() {
		if ip.IsValid() && i.Public == ip {
			return i, true
		}
	}
	return Instance{}, false
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
