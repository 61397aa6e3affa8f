package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Network is the pretend site without sockets: the same load balancers, addresses and faults as a Site, reached through
// net.Pipe by DialContext. It uses goroutines, channels and timers only, so it works inside a testing/synctest bubble.
// Every port of an address leads to the load balancer.
type Network struct {
	*fleet
	references map[netip.AddrPort]*door         // guarded by fleet.mu
	names      map[netip.AddrPort]*pipeListener // DNS servers; guarded by fleet.mu
	cut        bool                             // guarded by fleet.mu
	mute       bool                             // the DNS servers; guarded by fleet.mu
	zones      map[string]bool                  // that the watcher is cut off from; guarded by fleet.mu
}

// NewNetwork returns the network of the site of a. It follows a until Close.
func NewNetwork(a *AWS) *Network {
	listen := func(ip netip.Addr) (net.Listener, error) { return newPipeListener(netip.AddrPortFrom(ip, 0)), nil }
	n := &Network{
		fleet:      newFleet(context.Background(), a, slog.New(slog.DiscardHandler), listen),
		references: map[netip.AddrPort]*door{},
		names:      map[netip.AddrPort]*pipeListener{},
		zones:      map[string]bool{},
	}
	n.wg.Go(n.follow)
	return n
}

// DialContext connects to an address:port as net.Dialer does, to whatever instance the address leads to at this moment.
// Where nothing is alive the error wraps ECONNREFUSED; to a stopped instance it waits until ctx or the network ends; while
// the watcher is cut off the error wraps ENETUNREACH. There is no resolver: names are refused.
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err == nil && n.asksNames(to) {
		network = "tcp" // a pipe is a stream, whatever was asked for
	}
	if err != nil || !strings.HasPrefix(network, "tcp") {
		return nil, fmt.Errorf("dial %s %s: the pretend network knows tcp and addresses only, no names", network, address)
	}
	conn, err := n.connect(ctx, to)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: err}
	}
	return conn, nil
}

func (n *Network) connect(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := n.settle(); err != nil { // follow may not have seen the last change yet
		return nil, err
	}
	if n.asksNames(to) {
		return n.dialNames(ctx, to)
	}
	d, err := n.doorAt(to)
	if err != nil {
		return nil, err
	}
	if d.lb.fault().unreachable() || n.cutFrom(d) {
		return nil, n.silence(ctx)
	}
	l, ok := d.Listener.(*pipeListener)
	if !ok {
		return nil, fmt.Errorf("the door is a %T, not a pipe", d.Listener)
	}
	return l.dial(ctx, to)
}

// doorAt returns the door that an address leads to.
func (n *Network) doorAt(to netip.AddrPort) (*door, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.doors[to.Addr()]
	if d == nil {
		d = n.references[to]
	}
	switch {
	case n.cut:
		return nil, os.NewSyscallError("connect", syscall.ENETUNREACH)
	case d == nil || !d.lb.fault().alive():
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	return d, nil
}

// silence waits as one waits for a host that says nothing.
func (n *Network) silence(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-n.done:
		return net.ErrClosed
	}
}

// AddReference puts a server into the network that has nothing to do with the site and always answers 200.
func (n *Network) AddReference(at netip.AddrPort) {
	b := newLB(Instance{ID: "reference", Name: at.String(), Zone: "the internet"}, n.log)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.references[at] == nil && !n.closed {
		n.references[at] = n.serve(newPipeListener(at), b)
	}
}

// BreakReference brings a fault upon a reference, FaultNone heals it. A place where no reference is panics.
func (n *Network) BreakReference(at netip.AddrPort, fault Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.references[at]
	if d == nil {
		panic(fmt.Sprintf("simulator: break the reference %s: there is none; add it with AddReference first", at))
	}
	d.lb.asked = fault
	d.lb.turn(fault)
	if fault.silent() {
		d.silence()
	} else {
		d.resetSilent()
	}
}

// CutOffZone cuts the watcher's side from the instances of one availability zone, or connects it again: packets to them
// are lost. Open connections fall silent meanwhile, and are reset after it.
func (n *Network) CutOffZone(zone string, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.zones[zone] = cut
	for _, d := range n.doors {
		switch {
		case d.lb.instance.Zone != zone:
		case cut:
			d.silence()
		case !d.lb.fault().silent() && !n.cut:
			d.resetSilent()
		}
	}
}

// cutFrom reports whether packets to a door are lost on the way.
func (n *Network) cutFrom(d *door) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.zones[d.lb.instance.Zone]
}

// CutOff cuts the watcher's side from the network, or connects it again. Open connections fall silent while it is cut off,
// and are reset after it.
func (n *Network) CutOff(cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = cut
	each := func(d *door) {
		switch {
		case cut:
			d.silence()
		case !d.lb.fault().silent() && !n.zones[d.lb.instance.Zone]:
			d.resetSilent()
		}
	}
	for _, d := range n.doors {
		each(d)
	}
	for _, d := range n.references {
		each(d)
	}
}

// Close ends everything: connections are reset, dials that wait end. It returns when nothing is accepted any more.
func (n *Network) Close() {
	n.mu.Lock()
	n.closed = true
	for at, d := range n.references {
		_ = d.bar() // closing a pipe does not fail
		delete(n.references, at)
	}
	n.mu.Unlock()
	n.fleet.Close()
}

// A pipeListener accepts the connections that its dial makes.
type pipeListener struct {
	at    netip.AddrPort
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipeListener(at netip.AddrPort) *pipeListener {
	return &pipeListener{at: at, conns: make(chan net.Conn), done: make(chan struct{})}
}

// Accept waits for the next dial.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close refuses all further dials.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr returns the address that the listener was made for.
func (l *pipeListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }

func (l *pipeListener) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	near, far := net.Pipe()
	reset := new(atomic.Bool)
	here := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 40000))
	there := net.TCPAddrFromAddrPort(to)
	select {
	case l.conns <- &pipeEnd{Conn: far, local: there, remote: here, reset: reset}:
		return &pipeEnd{Conn: near, local: here, remote: there, reset: reset}, nil
	case <-l.done:
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A pipeEnd is one end of a net.Pipe that has addresses and can be reset like a TCP connection.
type pipeEnd struct {
	net.Conn
	local, remote net.Addr
	reset         *atomic.Bool // shared by both ends
}

// SetLinger with 0 makes the end of the connection a reset for the other side, as it does for TCP.
func (p *pipeEnd) SetLinger(sec int) error {
	p.reset.Store(sec == 0)
	return nil
}

// Read reads what the other end wrote.
func (p *pipeEnd) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	return n, p.explain("read", err)
}

// Write waits until the other end has read b.
func (p *pipeEnd) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	return n, p.explain("write", err)
}

// explain turns the end of a pipe into the error that TCP gives after a reset.
func (p *pipeEnd) explain(op string, err error) error {
	if p.reset.Load() && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)) {
		cause := os.NewSyscallError(op, syscall.ECONNRESET)
		return &net.OpError{Op: op, Net: "tcp", Source: p.local, Addr: p.remote, Err: cause}
	}
	return err
}

// SetDeadline sets both deadlines. A pipe whose other end has gone refuses that; TCP does not, the next Read or Write tells.
func (p *pipeEnd) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}

// SetReadDeadline sets the time when a Read gives up.
func (p *pipeEnd) SetReadDeadline(t time.Time) error { return unlessGone(p.Conn.SetReadDeadline(t)) }

// SetWriteDeadline sets the time when a Write gives up.
func (p *pipeEnd) SetWriteDeadline(t time.Time) error { return unlessGone(p.Conn.SetWriteDeadline(t)) }

func unlessGone(err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

// LocalAddr returns the address of this end.
func (p *pipeEnd) LocalAddr() net.Addr { return p.local }

// RemoteAddr returns the address of the other end.
func (p *pipeEnd) RemoteAddr() net.Addr { return p.remote }
