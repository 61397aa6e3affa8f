package probe

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// ProxyVersion is a version of the PROXY protocol, by which a connection says
// who is at its ends before anything else. It is defined by HAProxy's
// proxy-protocol.txt.
type ProxyVersion uint8

// The versions: 1 is a line of text, 2 is binary.
const (
	ProxyV1 ProxyVersion = 1
	ProxyV2 ProxyVersion = 2
)

// Announce dials and sends the header of the PROXY protocol with the addresses
// of the connection's own ends, before the connection is handed out.
func Announce(dial Dial, version ProxyVersion) Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if err := announce(ctx, conn, version); err != nil {
			abort(conn)
			return nil, fmt.Errorf("send the header of the PROXY protocol: %w", err)
		}
		return conn, nil
	}
}

func announce(ctx context.Context, conn net.Conn, version ProxyVersion) error {
	stop := bound(ctx, conn)
	// In one write: section 2 asks for a header that comes at once.
	_, err := conn.Write(version.header(endpoint(conn.LocalAddr()), endpoint(conn.RemoteAddr())))
	if !stop() {
		return ctx.Err()
	}
	_ = conn.SetDeadline(time.Time{})
	return err
}

// header is what says that a connection comes from one address and goes to
// another. Ends that have no IP addresses are not named.
func (v ProxyVersion) header(source, destination netip.AddrPort) []byte {
	source, destination = plainly(source), plainly(destination)
	named := source.IsValid() && destination.IsValid() && source.Addr().Is4() == destination.Addr().Is4()
	switch v {
	case ProxyV1:
		if !named {
			return []byte("PROXY UNKNOWN\r\n")
		}
		return textHeader(source, destination)
	case ProxyV2:
	}
	// Section 2.2: the signature, the version with the command, the family with
	// the transport, and the length of what follows.
	header := []byte("\r\n\r\n\x00\r\nQUIT\n")
	switch {
	case !named:
		return append(header, 0x20, 0x00, 0, 0) // LOCAL
	case source.Addr().Is4():
		header = append(header, 0x21, 0x11, 0, 12) // PROXY, TCP over IPv4
	default:
		header = append(header, 0x21, 0x21, 0, 36) // PROXY, TCP over IPv6
	}
	header = append(header, source.Addr().AsSlice()...)
	header = append(header, destination.Addr().AsSlice()...)
	header = binary.BigEndian.AppendUint16(header, source.Port())
	return binary.BigEndian.AppendUint16(header, destination.Port())
}

// textHeader is the line of section 2.1.
func textHeader(source, destination netip.AddrPort) []byte {
	family := "TCP6"
	if source.Addr().Is4() {
		family = "TCP4"
	}
	return fmt.Appendf(nil, "PROXY %s %s %s %d %d\r\n",
		family, source.Addr(), destination.Addr(), source.Port(), destination.Port())
}

// endpoint is one end of a connection, invalid if it has no IP address.
func endpoint(addr net.Addr) netip.AddrPort {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	return netip.AddrPort{}
}

// plainly is an end as others know it: a zone means nothing on their machine.
func plainly(end netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(end.Addr().Unmap().WithZone(""), end.Port())
}
