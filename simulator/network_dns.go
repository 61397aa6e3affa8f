package simulator

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/miekg/dns"
)

// AddDNS puts an authoritative DNS server for the zones of the AWS into the network. Pipes are streams, so it is spoken to
// as by TCP, also by those who dial it by UDP.
func (n *Network) AddDNS(at netip.AddrPort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.names[at] != nil || n.closed {
		return
	}
	l := newPipeListener(at)
	n.names[at] = l
	started := make(chan struct{})
	server := &dns.Server{Listener: l, Handler: &DNS{aws: n.aws, addr: at}, NotifyStartedFunc: func() { close(started) }}
	n.wg.Go(func() { _ = server.ActivateAndServe() }) // ends by Shutdown only
	n.wg.Go(func() {
		<-n.done
		<-started // before it, a shutdown is refused
		_ = server.Shutdown()
	})
}

// MuteDNS has all DNS servers of the network fall silent, or answer again: packets of new questions are lost.
func (n *Network) MuteDNS(mute bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mute = mute
}

func (n *Network) asksNames(at netip.AddrPort) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.names[at] != nil
}

// dialNames connects to a DNS server of the network.
func (n *Network) dialNames(ctx context.Context, at netip.AddrPort) (net.Conn, error) {
	n.mu.Lock()
	l, cut, mute := n.names[at], n.cut, n.mute
	n.mu.Unlock()
	if cut {
		return nil, os.NewSyscallError("connect", syscall.ENETUNREACH)
	}
	if mute {
		return nil, n.silence(ctx)
	}
	return l.dial(ctx, at)
}
