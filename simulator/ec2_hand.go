package simulator

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// AddInstance puts an instance with its interfaces into the account, or replaces the one with the same ID.
func (a *AWS) AddInstance(i Instance) {
	i.Zone = cmp.Or(i.Zone, a.options.Region+"a")
	i.State = cmp.Or(i.State, stateRunning)
	i.Tags = tagsOf(i.Tags, i.Name)
	i.Name = i.Tags["Name"]
	list := []Interface{{ID: cmp.Or(i.Interface, "eni-"+trimKind(i.ID)), Private: i.privates()}}
	for n, more := range i.More {
		more.ID = cmp.Or(more.ID, fmt.Sprintf("eni-%s%02x", trimKind(i.ID), n+1))
		more.Device = cmp.Or(more.Device, n+1)
		list = append(list, more.clone())
	}
	i.Interface, i.Private, i.Secondary, i.More = "", netip.Addr{}, nil, nil

	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.worlds {
		w.put(i, list)
	}
	a.signal()
}

// privates returns the private addresses of the primary interface, the primary one first.
func (i Instance) privates() []netip.Addr {
	if !i.Private.IsValid() && len(i.Secondary) == 0 {
		return nil
	}
	return append([]netip.Addr{i.Private}, i.Secondary...)
}

// put makes an instance with these interfaces part of the world. Addresses that were on a spot which is no more go to the
// primary one.
func (w world) put(i Instance, list []Interface) {
	for _, n := range w.attached(i.ID) {
		delete(w.interfaces, n.ID)
	}
	for _, n := range list {
		n.Zone, n.Instance = i.Zone, i.ID
		n.Attachment = cmp.Or(n.Attachment, "eni-attach-"+trimKind(n.ID))
		w.interfaces[n.ID] = n
	}
	w.instances[i.ID] = i
	w.launches[i.ID] = launch{reservation: "r-" + trimKind(i.ID), image: "ami-00000000000000001", kind: "t3.small", at: time.Now()}
	delete(w.statuses, i.ID)
	for ip, d := range w.addresses {
		if d.Instance == i.ID && !w.exists(spot{d.Interface, d.Private}) {
			d.Interface, d.Private = list[0].ID, list[0].primary()
			w.addresses[ip] = d
		}
	}
}

// exists says whether there is such a spot.
func (w world) exists(at spot) bool {
	n, ok := w.interfaces[at.eni]
	return ok && (n.primary() == at.private || slices.Contains(n.Private, at.private))
}

// AddInterface puts an interface that no instance has into the account, or replaces the one with the same ID; Instance,
// Device and Attachment of it do not count.
func (a *AWS) AddInterface(n Interface) {
	n.Zone = cmp.Or(n.Zone, a.options.Region+"a")
	n.Instance, n.Device, n.Attachment = "", 0, ""
	n = n.clone()

	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.worlds {
		w.interfaces[n.ID] = n
	}
	a.signal()
}

// AddAddress puts an Elastic IP into the account, or replaces the one with the same IP. With Address.Instance or
// Address.Interface it is carried there from now on; that must be there already, or AddAddress panics.
func (a *AWS) AddAddress(d Address) {
	to := d
	d.Allocation = cmp.Or(d.Allocation, fmt.Sprintf("eipalloc-%017x", d.IP.As4()))
	d.BorderGroup = cmp.Or(d.BorderGroup, a.options.Region)
	d.Association, d.Instance, d.Interface, d.Private = "", "", "", netip.Addr{}
	d.Tags = tagsOf(d.Tags, "")

	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.worlds {
		w.addresses[d.IP] = d
	}
	a.routes[d.IP] = nil
	a.signal()
	if to.Instance != "" || to.Interface != "" {
		a.wireByHand(to)
	}
}

// Associate makes an instance the carrier of an Elastic IP, on its primary private address, or no one if instanceID is
// empty: at once, without a call and without any delay. It panics when the account has no such address or instance.
func (a *AWS) Associate(ip netip.Addr, instanceID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wireByHand(Address{IP: ip, Instance: instanceID})
}

// wireByHand puts an address where it says that it is. The caller holds the lock.
func (a *AWS) wireByHand(d Address) {
	e := a.begin()
	if _, ok := e.addresses[d.IP]; !ok {
		panic(fmt.Sprintf("simulator: associate %s: no such address; add it with AddAddress first", d.IP))
	}
	if d.Instance == "" && d.Interface == "" {
		e.unwire(d.IP)
		a.commit(e, a.staleness(), 0)
		return
	}
	to := spot{d.Interface, d.Private}
	if to.eni == "" {
		list := e.attached(d.Instance)
		if len(list) == 0 {
			panic(fmt.Sprintf("simulator: associate %s: no instance %q with an interface; add it with AddInstance first", d.IP, d.Instance))
		}
		to.eni = list[0].ID
	}
	if !to.private.IsValid() {
		to.private = e.interfaces[to.eni].primary()
	}
	if !e.exists(to) {
		panic(fmt.Sprintf("simulator: associate %s: interface %q has no private address %s", d.IP, to.eni, to.private))
	}
	e.wire(d.IP, to)
	a.commit(e, a.staleness(), 0)
}

// SetInstanceState changes the state of an instance at once. A terminated instance loses its interfaces and with them its
// Elastic IPs, a stopped one keeps them. It panics when the account has no such instance.
func (a *AWS) SetInstanceState(id, state string) {
	a.onInstance("set the state of", id, func(e *edit) { e.setState(id, state) })
}

// SetStatus sets what DescribeInstanceStatus says about an instance, at once and until it is set again. It panics when the
// account has no such instance.
func (a *AWS) SetStatus(id string, s Status) {
	s.Events = slices.Clone(s.Events)
	a.onInstance("set the status of", id, func(e *edit) { e.statuses[id] = s })
}

func (a *AWS) onInstance(what, id string, do func(*edit)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.begin()
	if _, ok := e.instances[id]; !ok {
		panic(fmt.Sprintf("simulator: %s %q: no such instance; add it with AddInstance first", what, id))
	}
	do(e)
	a.commit(e, a.staleness(), 0)
}

// Instances returns all instances as they truly are now, by ID. A terminated one still names its last primary interface.
func (a *AWS) Instances() []Instance {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.truth().sortedInstances()
}

// Interfaces returns all network interfaces as they truly are now, by ID.
func (a *AWS) Interfaces() []Interface {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.truth().sortedInterfaces()
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
