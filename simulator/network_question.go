package simulator

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"rrwatch/probe"
)

// Question asks the load balancer at an address for GET /healthz and expects 200, as probe.HTTP does through DialContext,
// and says the same, without a connection: for those who ask a hundred million times. It takes 1 to 10 ms, for each target
// another time, so that in a synctest bubble no two answers come at one instant. What happens to a connection on its way
// it does not tell: how things stand when it is asked decides.
func (n *Network) Question() probe.Func {
	return func(ctx context.Context, t probe.Target) probe.Answer {
		began := time.Now()
		way := wayTo(t)
		fault, where := n.standing(t.Addr)
		switch where {
		case nowhere:
			return probe.Answer{Verdict: probe.Fail, Reason: probe.Refused, Detail: "connection refused", Phases: n.after(ctx, began, way)}
		case cutOff:
			detail := syscall.ENETUNREACH.Error()
			return probe.Answer{Verdict: probe.Inconclusive, Reason: probe.OwnNetwork, Detail: detail, Phases: n.after(ctx, began, way)}
		case lost:
			return n.never(ctx, began, way, probe.ConnectTimeout, "no connection within ", 0)
		case reached:
		}
		switch fault {
		case Fault503, FaultFlap: // of a flapping one, this is the second request
			p := n.after(ctx, began, way)
			return probe.Answer{Verdict: probe.Fail, Reason: probe.Status, Detail: "answered 503 Service Unavailable", Phases: p}
		case FaultHang, FaultSlow:
			return n.never(ctx, began, way, probe.AnswerTimeout, "connected, but no whole answer within ", way/2)
		case FaultNone, FaultKill, FaultStop, FaultLink:
		}
		p := n.after(ctx, began, way)
		p.Connect, p.FirstByte = way/2, way/2
		return probe.Answer{Verdict: probe.Pass, Detail: "answered 200 OK", Phases: p}
	}
}

// place is where packets to an address end.
type place int

const (
	reached place = iota // at a load balancer
	nowhere              // where nothing listens
	lost                 // on the way
	cutOff               // before they leave
)

// standing says where packets to an address end now, and what ails the load balancer there. A flapping one has its
// request counted, and is well every second time.
func (n *Network) standing(to netip.AddrPort) (Fault, place) {
	if err := n.settle(); err != nil {
		return FaultNone, nowhere
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.doors[to.Addr()]
	if d == nil {
		d = n.references[to]
	}
	switch {
	case n.cut:
		return FaultNone, cutOff
	case d == nil || !d.lb.fault().alive():
		return FaultNone, nowhere
	case d.lb.fault().unreachable() || n.zones[d.lb.instance.Zone]:
		return FaultNone, lost
	}
	f := d.lb.fault()
	if f == FaultFlap && d.lb.requests.Add(1)%2 == 0 {
		f = FaultNone
	}
	return f, reached
}

// wayTo is how long a question and its answer are on their way.
func wayTo(t probe.Target) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.String())) // never fails
	return time.Millisecond + time.Duration(h.Sum32()%9_000_000)
}

// after lets the time of the way pass.
func (n *Network) after(ctx context.Context, began time.Time, way time.Duration) probe.Phases {
	_ = wait(ctx, way) // who gives up earlier has the answer all the same
	return probe.Phases{Whole: time.Since(began)}
}

// never waits until the caller is about to give up.
func (n *Network) never(ctx context.Context, began time.Time, way time.Duration, why probe.Reason, text string, connect time.Duration) probe.Answer {
	if by, ok := ctx.Deadline(); ok {
		_ = wait(ctx, time.Until(by)-way/25) // which is less than half a millisecond
	} else {
		<-ctx.Done()
	}
	whole := time.Since(began)
	if errors.Is(ctx.Err(), context.Canceled) {
		return probe.Answer{Verdict: probe.Inconclusive, Reason: probe.Cancelled, Detail: "the probe was cut short", Phases: probe.Phases{Whole: whole}}
	}
	return probe.Answer{Verdict: probe.Fail, Reason: why, Detail: text + whole.Round(time.Millisecond).String(), Phases: probe.Phases{Connect: connect, Whole: whole}}
}

// Knock is DialContext for those who only want to know whether somebody answers: what it connects to says nothing and
// reads nothing.
func (n *Network) Knock(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("dial %s %s: the pretend network knows addresses only, no names", network, address)
	}
	if err := wait(ctx, wayTo(probe.Target{Addr: to})); err != nil {
		return nil, err
	}
	var cause error
	switch _, where := n.standing(to); where {
	case reached:
		near, _ := net.Pipe() // nobody is at the far end
		here, there := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 40000)), net.TCPAddrFromAddrPort(to)
		return &pipeEnd{Conn: near, local: here, remote: there, reset: new(atomic.Bool)}, nil
	case nowhere:
		cause = os.NewSyscallError("connect", syscall.ECONNREFUSED)
	case cutOff:
		cause = os.NewSyscallError("connect", syscall.ENETUNREACH)
	case lost:
		cause = n.silence(ctx)
	}
	return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: cause}
}
