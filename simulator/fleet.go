package simulator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// InstanceState is what ails one instance of the pretend site, and which addresses lead to it.
type InstanceState struct {
	ID, Name, Zone string
	Fault          Fault        // FaultNone when it is well; FaultStop also when the EC2 API stopped it
	Carries        []netip.Addr // the Elastic IPs that the network routes to it now, in order
}

// A fleet is what Site and Network share: the load balancer of every instance, and for every address the door that leads
// to one of them. settle makes the doors what the AWS says; follow calls it whenever that changes.
type fleet struct {
	aws    *AWS
	listen func(netip.Addr) (net.Listener, error)
	log    *slog.Logger
	cancel context.CancelFunc
	done   <-chan struct{} // closed when the fleet is to end
	wg     sync.WaitGroup

	mu      sync.Mutex
	settled uint64         // the AWS's generation that the doors are of
	stale   bool           // a fault has changed since, or the doors could not be made so
	lbs     map[string]*lb // by instance id
	doors   map[netip.Addr]*door
	closed  bool
}

// newFleet returns a fleet that ends with ctx or by Close. Nothing is open before settle.
func newFleet(ctx context.Context, a *AWS, log *slog.Logger, listen func(netip.Addr) (net.Listener, error)) *fleet {
	ctx, cancel := context.WithCancel(ctx)
	return &fleet{
		aws: a, listen: listen, log: log, cancel: cancel, done: ctx.Done(),
		lbs: map[string]*lb{}, doors: map[netip.Addr]*door{}, stale: true,
	}
}

// Break brings a fault upon an instance, named by its ID or its Name, in place of the one that it may have.
// When Break returns, the fault is there. An unknown or terminated instance is an error.
func (f *fleet) Break(instance string, fault Fault) error {
	i, err := f.find(instance)
	if err != nil {
		return fmt.Errorf("break %s: %w", instance, err)
	}
	f.mu.Lock()
	f.meet(i)
	f.lbs[i.ID].asked = fault
	f.stale = true
	f.mu.Unlock()

	switch {
	case fault == FaultStop && i.State != stateStopped:
		f.aws.SetInstanceState(i.ID, stateStopped)
	case fault != FaultStop && i.State != stateRunning:
		f.aws.SetInstanceState(i.ID, stateRunning)
	}
	return f.settle()
}

// Heal ends the fault of an instance, named by its ID or its Name, and starts it if it was stopped. A process that was
// dead or silent comes back as a new one: it does not know the connections of the old one.
func (f *fleet) Heal(instance string) error { return f.Break(instance, FaultNone) }

// State returns the state of all instances, in the order of their names.
func (f *fleet) State() []InstanceState {
	carries := map[string][]netip.Addr{}
	for _, a := range f.aws.Addresses() {
		if i, ok := f.aws.Carrier(a.IP); ok {
			carries[i.ID] = append(carries[i.ID], a.IP)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	states := make([]InstanceState, 0, len(f.lbs))
	for id, b := range f.lbs {
		i := b.instance
		states = append(states, InstanceState{ID: id, Name: i.Name, Zone: i.Zone, Fault: b.fault(), Carries: carries[id]})
	}
	slices.SortFunc(states, func(a, b InstanceState) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return states
}

// Close ends everything: listeners are closed, connections reset. It returns when no listener is left.
func (f *fleet) Close() {
	f.cancel()
	f.wg.Wait()
}

// find returns the instance with an ID or a Name.
func (f *fleet) find(name string) (Instance, error) {
	var known []string
	for _, i := range f.aws.Instances() {
		if i.ID != name && i.Name != name {
			known = append(known, fmt.Sprintf("%s (%s)", i.Name, i.ID))
			continue
		}
		if i.State == stateTerminated || i.State == stateShuttingDown {
			return Instance{}, fmt.Errorf("the instance is %s and does not come back", i.State)
		}
		return i, nil
	}
	return Instance{}, fmt.Errorf("no instance is called that; choose one of %s", strings.Join(known, ", "))
}

// follow settles on every change of the AWS until the fleet ends, then shuts everything.
func (f *fleet) follow() {
	defer f.shut()
	for {
		changed := f.aws.Changed()
		var again <-chan time.Time
		if err := f.settle(); err != nil {
			f.log.Error("the pretend site cannot open or close an address, trying again", "error", err)
			again = time.After(time.Second)
		}
		select {
		case <-f.done:
			return
		case <-changed:
		case <-again:
		}
	}
}

// settle brings load balancers and doors to what the AWS says now. Doing it twice does no harm.
func (f *fleet) settle() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	generation := f.aws.Generation()
	if f.closed || generation == f.settled && !f.stale && !f.aws.Changing() {
		return nil
	}
	for _, i := range f.aws.Instances() {
		f.meet(i)
	}
	want := f.routes()
	var errs []error
	for addr, d := range f.doors {
		if want[addr] != d.lb {
			errs = append(errs, d.bar())
			delete(f.doors, addr)
		}
	}
	for addr, b := range want {
		if f.doors[addr] == nil {
			errs = append(errs, f.open(addr, b))
		}
	}
	err := errors.Join(errs...)
	f.settled, f.stale = generation, err != nil
	return err
}

// meet brings the load balancer of one instance to the instance's state and fault. The caller holds the lock.
func (f *fleet) meet(i Instance) {
	b := f.lbs[i.ID]
	if b == nil {
		b = newLB(i, f.log)
		f.lbs[i.ID] = b
	}
	b.instance = i
	was, is := b.fault(), b.asked
	if i.State != stateRunning {
		is = FaultStop
	}
	if was == is {
		return
	}
	b.turn(is)
	for _, d := range f.doors {
		switch {
		case d.lb != b:
		case is.silent():
			d.silence()
		default:
			d.resetSilent()
		}
	}
}

// routes says which load balancer each address leads to; an address that leads to no living one is not in it.
// The caller holds the lock.
func (f *fleet) routes() map[netip.Addr]*lb {
	m := map[netip.Addr]*lb{}
	add := func(ip netip.Addr, b *lb) {
		if ip.IsValid() && b != nil && b.fault().alive() {
			m[ip] = b
		}
	}
	for _, b := range f.lbs {
		add(b.instance.Public, b)
	}
	for _, b := range f.lbs {
		add(b.instance.Private, b)
	}
	for _, a := range f.aws.Addresses() {
		delete(m, a.IP) // an instance may call the address its own before the network does
		if i, ok := f.aws.Carrier(a.IP); ok {
			add(a.IP, f.lbs[i.ID])
		}
	}
	return m
}

// open opens the door at addr to b. The caller holds the lock.
func (f *fleet) open(addr netip.Addr, b *lb) error {
	l, err := f.listen(addr)
	if err != nil {
		return err
	}
	f.doors[addr] = f.serve(l, b)
	return nil
}

// serve puts a door over a listener and serves what comes through it. The caller holds the lock.
func (f *fleet) serve(l net.Listener, b *lb) *door {
	d := &door{Listener: l, mu: &f.mu, lb: b, conns: map[*conn]struct{}{}}
	f.wg.Go(func() {
		if err := b.server.Serve(d); !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
			f.log.Error("a pretend load balancer stopped accepting", "instance", b.instance.ID, "error", err)
		}
	})
	return d
}

// shut closes all doors for good.
func (f *fleet) shut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for addr, d := range f.doors {
		if err := d.bar(); err != nil {
			f.log.Warn("the pretend site closes", "error", err)
		}
		delete(f.doors, addr)
	}
}
