package simulator

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// The names of instance states, from the EC2 API reference, InstanceState.
const (
	statePending      = "pending"
	stateRunning      = "running"
	stateShuttingDown = "shutting-down"
	stateTerminated   = "terminated"
	stateStopping     = "stopping"
	stateStopped      = "stopped"
)

// world is what EC2 knows at one moment. A published world is not changed any more, except by AddInstance and the like.
// What an instance says of its interfaces stands in interfaces alone; in instances it is only what was when it ended.
type world struct {
	instances  map[string]Instance
	launches   map[string]launch // by instance
	interfaces map[string]Interface
	addresses  map[netip.Addr]Address
	statuses   map[string]Status // by instance
}

// launch is how an instance came to be.
type launch struct {
	reservation string
	index       int
	image, kind string
	at          time.Time
}

// worldAt is a world and when describes begin to show it.
type worldAt struct {
	world
	at time.Time
}

// route says which instance an address leads to from a moment on; none if empty.
type route struct {
	at       time.Time
	instance string
}

// spot is a private address of an interface: what can carry one public address.
type spot struct {
	eni     string
	private netip.Addr
}

func newWorld() world {
	return world{
		instances: map[string]Instance{}, launches: map[string]launch{}, interfaces: map[string]Interface{},
		addresses: map[netip.Addr]Address{}, statuses: map[string]Status{},
	}
}

func (w world) clone() world {
	return world{
		instances: maps.Clone(w.instances), launches: maps.Clone(w.launches), interfaces: maps.Clone(w.interfaces),
		addresses: maps.Clone(w.addresses), statuses: maps.Clone(w.statuses),
	}
}

// truth returns the newest world. The caller holds the lock.
func (a *AWS) truth() world { return a.worlds[len(a.worlds)-1].world }

// seen returns the world that describes show at a moment. The caller holds the lock.
func (a *AWS) seen(now time.Time) world {
	for i := len(a.worlds) - 1; i > 0; i-- {
		if !a.worlds[i].at.After(now) {
			return a.worlds[i].world
		}
	}
	return a.worlds[0].world
}

// described returns the world that describes show now.
func (a *AWS) described() world {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen(time.Now()).clone()
}

// publish makes w the truth, and lets describes show it from a moment on. The caller holds the lock.
func (a *AWS) publish(w world, at time.Time) {
	now := time.Now()
	for len(a.worlds) > 1 && !a.worlds[1].at.After(now) {
		a.worlds = a.worlds[1:]
	}
	a.worlds = append(a.worlds, worldAt{world: w, at: at})
}

// reroute leads an address to an instance, or to none, from a moment on. The caller holds the lock.
func (a *AWS) reroute(ip netip.Addr, instanceID string, at time.Time) {
	now := time.Now()
	kept := []route{{instance: routed(a.routes[ip], now)}}
	for _, r := range a.routes[ip] {
		if r.at.After(now) && r.at.Before(at) {
			kept = append(kept, r)
		}
	}
	a.routes[ip] = append(kept, route{at: at, instance: instanceID})
}

// routed returns the instance to which routes lead at a moment; empty if none.
func routed(routes []route, now time.Time) string {
	var id string
	for _, r := range routes {
		if !r.at.After(now) {
			id = r.instance
		}
	}
	return id
}

// attached returns the interfaces of one instance, by device index.
func (w world) attached(instanceID string) []Interface {
	var list []Interface
	for _, n := range w.interfaces {
		if n.Instance == instanceID && instanceID != "" {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, byDevice)
	return list
}

func byDevice(a, b Interface) int { return cmp.Compare(a.Device, b.Device) }

// carried returns the Elastic IP that stands for a private address.
func (w world) carried(at spot) (Address, bool) {
	for _, d := range w.addresses {
		if d.Association != "" && (spot{d.Interface, d.Private}) == at {
			return d, true
		}
	}
	return Address{}, false
}

// joined is what belongs together in a world, for those who look at all of it.
type joined struct {
	interfaces map[string][]Interface // by instance, in the order of their device index
	addresses  map[spot]Address
}

func (w world) join() joined {
	j := joined{map[string][]Interface{}, map[spot]Address{}}
	for _, n := range w.interfaces {
		j.interfaces[n.Instance] = append(j.interfaces[n.Instance], n)
	}
	for _, list := range j.interfaces {
		slices.SortFunc(list, byDevice)
	}
	for _, d := range w.addresses {
		if d.Association != "" {
			j.addresses[spot{d.Interface, d.Private}] = d
		}
	}
	return j
}

// show returns a copy of an instance with its interfaces and the public address that it shows.
func (w world) show(i Instance) Instance {
	return show(i, w.attached(i.ID), w.carried)
}

func show(i Instance, list []Interface, carried func(spot) (Address, bool)) Instance {
	own := i.Public
	i.Public = netip.Addr{}
	if i.State == stateRunning {
		i.Public = own
	}
	if len(list) > 0 {
		i.Interface, i.Private, i.Secondary, i.More = list[0].ID, list[0].primary(), nil, nil
		if len(list[0].Private) > 1 {
			i.Secondary = slices.Clone(list[0].Private[1:])
		}
		for _, n := range list[1:] {
			i.More = append(i.More, n.clone())
		}
	}
	if d, ok := carried(spot{i.Interface, i.Private}); ok {
		i.Public = d.IP
	}
	i.Tags = maps.Clone(i.Tags)
	return i
}

func (j joined) carried(at spot) (Address, bool) {
	d, ok := j.addresses[at]
	return d, ok
}

func (w world) sortedInstances() []Instance {
	j := w.join()
	list := sortedValues(w.instances, func(a, b Instance) int { return cmp.Compare(a.ID, b.ID) })
	for n, i := range list {
		list[n] = show(i, j.interfaces[i.ID], j.carried)
	}
	return list
}

func (w world) sortedInterfaces() []Interface {
	list := sortedValues(w.interfaces, func(a, b Interface) int { return cmp.Compare(a.ID, b.ID) })
	for n, i := range list {
		list[n] = i.clone()
	}
	return list
}

func (w world) sortedAddresses() []Address {
	list := sortedValues(w.addresses, func(a, b Address) int { return a.IP.Compare(b.IP) })
	for n, d := range list {
		list[n].Tags = maps.Clone(d.Tags)
	}
	return list
}
