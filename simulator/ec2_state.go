package simulator

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
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

// world is what EC2 knows at one moment. A published world is not changed any more, except by AddInstance and AddAddress.
type world struct {
	instances map[string]Instance
	addresses map[netip.Addr]Address
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

func (w world) clone() world {
	return world{instances: maps.Clone(w.instances), addresses: maps.Clone(w.addresses)}
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

// publish makes w the truth, and lets describes show it from a moment on. The caller holds the lock.
func (a *AWS) publish(w world, at time.Time) {
	now := time.Now()
	for len(a.worlds) > 1 && !a.worlds[1].at.After(now) {
		a.worlds = a.worlds[1:]
	}
	a.worlds = append(a.worlds, worldAt{world: w, at: at})
}

// move makes an instance, or none, the carrier of an address in w, and routes to it from a moment on. An address that
// the instance carried on the same private address is put off it, as EC2 does. The caller holds the lock.
func (a *AWS) move(w world, ip netip.Addr, instanceID string, at time.Time) {
	d := w.addresses[ip]
	d.Association, d.Instance, d.Interface, d.Private = "", "", "", netip.Addr{}
	if i, ok := w.instances[instanceID]; ok {
		for _, other := range w.sortedAddresses() {
			if other.Instance == instanceID && other.IP != ip {
				a.move(w, other.IP, "", at)
			}
		}
		d.Association = fmt.Sprintf("eipassoc-%017x", a.next())
		d.Instance, d.Interface, d.Private = i.ID, i.Interface, i.Private
	}
	w.addresses[ip] = d
	a.reroute(ip, instanceID, at)
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

// setState changes the state of an instance in w. The caller holds the lock.
func (a *AWS) setState(w world, id, state string, now time.Time) {
	i := w.instances[id]
	i.State = state
	w.instances[id] = i
	if state != stateTerminated {
		return
	}
	for _, d := range w.sortedAddresses() {
		if d.Instance == id {
			a.move(w, d.IP, "", now)
		}
	}
}

// carried returns the Elastic IP that an instance carries.
func (w world) carried(instanceID string) (Address, bool) {
	for _, d := range w.addresses {
		if d.Instance == instanceID && instanceID != "" {
			return d, true
		}
	}
	return Address{}, false
}

// show returns a copy of an instance with the public address that it shows.
func (w world) show(i Instance) Instance {
	own := i.Public
	i.Public = netip.Addr{}
	if i.State == stateRunning {
		i.Public = own
	}
	if d, ok := w.carried(i.ID); ok {
		i.Public = d.IP
	}
	i.Tags = maps.Clone(i.Tags)
	return i
}

func (w world) sortedInstances() []Instance {
	list := sortedValues(w.instances, func(a, b Instance) int { return cmp.Compare(a.ID, b.ID) })
	for n, i := range list {
		list[n] = w.show(i)
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
