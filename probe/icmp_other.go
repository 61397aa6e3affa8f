//go:build !linux

package probe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/net/icmp"
)

// netSocket is an ICMP socket of a kernel other than Linux. It tells neither
// when a message came nor what was dropped, and on some systems a datagram
// socket hears no trouble: an address that cannot be reached is silent there.
type netSocket struct {
	conn    *icmp.PacketConn
	v6      bool
	raw     bool
	message [2048]byte
}

// openICMP opens a datagram socket, or a raw one where that is not allowed.
func openICMP(v6 bool, source netip.Addr) (icmpSocket, uint16, error) {
	networks, at := []string{"udp4", "ip4:icmp"}, netip.IPv4Unspecified()
	if v6 {
		networks, at = []string{"udp6", "ip6:ipv6-icmp"}, netip.IPv6Unspecified()
	}
	if source.IsValid() {
		at = source
	}
	var errs []error
	for n, network := range networks {
		conn, err := icmp.ListenPacket(network, at.String())
		if err == nil {
			return &netSocket{conn: conn, v6: v6, raw: n == 1}, randomID(), nil
		}
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	if errors.Is(err, os.ErrPermission) {
		return nil, 0, fmt.Errorf("%w: %w", errNoICMP, err)
	}
	return nil, 0, fmt.Errorf("open an ICMP socket: %w", err)
}

// Close closes the socket.
func (s *netSocket) Close() error { return s.conn.Close() }

func (s *netSocket) send(message []byte, to netip.Addr) error {
	var at net.Addr = &net.UDPAddr{IP: to.AsSlice()}
	if s.raw {
		at = &net.IPAddr{IP: to.AsSlice()}
	}
	_, err := s.conn.WriteTo(message, at)
	return err
}

func (s *netSocket) receive() (heard, error) {
	n, from, err := s.conn.ReadFrom(s.message[:])
	if err != nil {
		return heard{}, err
	}
	var ip net.IP
	switch from := from.(type) {
	case *net.UDPAddr:
		ip = from.IP
	case *net.IPAddr:
		ip = from.IP
	}
	addr, _ := netip.AddrFromSlice(ip)
	h, ok := parseMessage(s.v6, s.message[:n], addr.Unmap())
	if !ok {
		return heard{}, nil
	}
	return h, nil
}
