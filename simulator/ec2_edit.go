package simulator

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// edit is a change of what EC2 knows, on its way: a copy of the truth and what the network is to be told. Nothing of it
// holds before it is committed, so an edit that is refused half-way leaves no trace.
type edit struct {
	world
	aws    *AWS
	routes []reroute
	same   bool // nothing was changed
}

type reroute struct {
	ip       netip.Addr
	instance string // none if empty
}

// change performs a call that writes: do is given the truth, and what it makes of it is the new truth unless it refuses.
// Describes show that after the lag, the network after a delay.
func (a *AWS) change(delay time.Duration, do func(*edit) (any, error)) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.begin()
	out, err := do(e)
	if err != nil {
		return nil, err
	}
	if !e.same {
		a.commit(e, a.lag(), delay)
	}
	return out, nil
}

// begin starts an edit. The caller holds the lock.
func (a *AWS) begin() *edit { return &edit{world: a.truth().clone(), aws: a} }

// commit makes an edit the truth. The caller holds the lock.
func (a *AWS) commit(e *edit, lag, delay time.Duration) {
	now := time.Now()
	for _, r := range e.routes {
		a.reroute(r.ip, r.instance, now.Add(delay))
	}
	a.publish(e.world, now.Add(lag))
	if delay > 0 {
		a.signalAfter(delay)
		return
	}
	a.signal()
}

// later edits when the time that an instance takes to change its state has passed; with no such time, that is now. The
// caller holds the lock.
func (e *edit) later(do func(*edit)) {
	if e.aws.options.Change <= 0 {
		do(e)
		return
	}
	a := e.aws
	time.AfterFunc(a.options.Change, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		next := a.begin()
		do(next)
		a.commit(next, a.lag(), 0)
	})
}

// id makes an identifier that was not used before.
func (e *edit) id(kind string) string { return fmt.Sprintf("%s-%017x", kind, e.aws.next()) }

// wire puts an address on a spot, and puts off it what was there, as EC2 does without a word.
func (e *edit) wire(ip netip.Addr, to spot) {
	if other, ok := e.carried(to); ok && other.IP != ip {
		e.unwire(other.IP)
	}
	d := e.addresses[ip]
	e.leave(d)
	d.Association = e.id("eipassoc")
	d.Instance, d.Interface, d.Private = e.interfaces[to.eni].Instance, to.eni, to.private
	e.addresses[ip] = d
	e.routes = append(e.routes, reroute{ip, d.Instance})
}

// unwire takes an address off its spot.
func (e *edit) unwire(ip netip.Addr) {
	d := e.addresses[ip]
	e.leave(d)
	d.Association, d.Instance, d.Interface, d.Private = "", "", "", netip.Addr{}
	e.addresses[ip] = d
	e.routes = append(e.routes, reroute{ip: ip})
}

// leave gives an instance that loses its Elastic IP a new public address if AWS had given it one before: the old one is
// no longer its own (EC2 user guide, Elastic IP addresses).
func (e *edit) leave(d Address) {
	n := e.interfaces[d.Interface]
	i, ok := e.instances[d.Instance]
	if ok && n.Device == 0 && d.Private == n.primary() && publicPool().Contains(i.Public) {
		i.Public = e.freePublic(publicPool())
		e.instances[i.ID] = i
	}
}

// attach gives an interface to an instance, or to none, with the addresses on it.
func (e *edit) attach(eni, instanceID string, device int) {
	n := e.interfaces[eni]
	n.Instance, n.Device, n.Attachment = instanceID, device, ""
	if instanceID != "" {
		n.Attachment = e.id("eni-attach")
	}
	e.interfaces[eni] = n
	for _, d := range e.sortedAddresses() {
		if d.Interface == eni {
			d.Instance = instanceID
			e.addresses[d.IP] = d
			e.routes = append(e.routes, reroute{d.IP, instanceID})
		}
	}
}

// remove deletes an interface; the addresses on it are free again.
func (e *edit) remove(eni string) {
	for _, d := range e.sortedAddresses() {
		if d.Interface == eni {
			e.unwire(d.IP)
		}
	}
	delete(e.interfaces, eni)
}

// setState changes the state of an instance. With a terminated one go its interfaces, but those that are to be kept.
func (e *edit) setState(id, state string) {
	i := e.instances[id]
	if i.State == stateStopped && (state == statePending || state == stateRunning) && publicPool().Contains(i.Public) {
		i.Public = e.freePublic(publicPool()) // the old one was given back when it stopped
	}
	if state == stateTerminated {
		last := e.show(i)
		i.Interface, i.Private = last.Interface, last.Private
		for _, n := range e.attached(id) {
			if n.Keep {
				e.attach(n.ID, "", 0)
				continue
			}
			e.remove(n.ID)
		}
	}
	i.State = state
	e.instances[id] = i
}

// retag puts tags on something, in place of those with the same keys, or takes some off.
func retag(old, put map[string]string, off func(key, value string) bool) map[string]string {
	out := tagsOf(old, "")
	if off != nil {
		maps.DeleteFunc(out, off)
	}
	maps.Copy(out, put)
	return out
}

// publicPool is where the public addresses come from that AWS gives to instances by itself: no Elastic IPs, and given back
// when an Elastic IP comes or the instance stops. The range is one for tests of networks (RFC 2544).
func publicPool() netip.Prefix { return netip.MustParsePrefix("198.18.0.0/16") }

// elasticPool is where AllocateAddress takes addresses from, the other half of that range.
func elasticPool() netip.Prefix { return netip.MustParsePrefix("198.19.0.0/16") }

// freePublic returns an address of a pool that was not used before.
func (e *edit) freePublic(pool netip.Prefix) netip.Addr {
	for {
		n := e.aws.nextPublic()
		b := pool.Addr().As4()
		b[2], b[3] = byte(n>>8), byte(n)
		ip := netip.AddrFrom4(b)
		_, taken := e.addresses[ip]
		if !taken && !slices.Contains([]byte{0, 255}, b[3]) {
			return ip
		}
	}
}
