package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
)

// Dial opens a connection to an address; net.Dialer.DialContext is one. The
// network is "tcp", or "udp" for a connected socket that takes datagrams of the
// address only.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// From dials from an address of this machine. One that it does not have, or of
// the other family than what is dialled, is trouble of our own.
func From(source netip.Addr) Dial {
	source = source.Unmap()
	local := netip.AddrPortFrom(source, 0)
	stream := &net.Dialer{KeepAlive: -1, LocalAddr: net.TCPAddrFromAddrPort(local), Control: choosePortLate}
	datagrams := &net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(local)}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		to, err := netip.ParseAddrPort(address)
		if err == nil {
			err = checkFamilies(source, to.Addr())
		}
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: err}
		}
		dialer := stream
		if strings.HasPrefix(network, "udp") {
			dialer = datagrams
		}
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, explainBind(err, source)
		}
		return conn, nil
	}
}

// sourceError says why a source address cannot be used.
type sourceError string

// Error is the sentence.
func (e sourceError) Error() string { return string(e) }

// Unwrap is the error of the kernel for an address that is not there.
func (sourceError) Unwrap() error { return syscall.EADDRNOTAVAIL }

// checkFamilies refuses a source of the other family.
func checkFamilies(source, to netip.Addr) error {
	if to.Unmap().Is4() == source.Unmap().Is4() {
		return nil
	}
	return sourceError(fmt.Sprintf("the source %s is of the other family: one is IPv4, the other IPv6", source))
}

// explainBind tells that the machine does not have the source address. The same
// errno of connect(2) means something else: that all its ports are in use.
func explainBind(err error, source netip.Addr) error {
	call, ok := errors.AsType[*os.SyscallError](err)
	if !ok || call.Syscall != "bind" || !errors.Is(call.Err, syscall.EADDRNOTAVAIL) {
		return err
	}
	missing := sourceError(fmt.Sprintf("this machine has no address %s to ask from", source))
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return &net.OpError{Op: op.Op, Net: op.Net, Addr: op.Addr, Err: missing}
	}
	return missing
}
