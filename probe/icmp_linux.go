package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// linuxSocket is an ICMP socket of the kernel's: a datagram ("ping") socket,
// which needs no privilege where net.ipv4.ping_group_range allows it, or a raw
// one. The first has its id as its port, and gets only what is about that id;
// the second gets a copy of all ICMP messages that its filter lets through.
type linuxSocket struct {
	file    *os.File
	conn    syscall.RawConn
	v6      bool
	raw     bool
	message [2048]byte
	control [512]byte
}

// openICMP opens a datagram socket, or a raw one where that is not allowed.
func openICMP(v6 bool, source netip.Addr) (icmpSocket, uint16, error) {
	s, id, err := openPing(v6, source)
	if err != nil && forbidden(err) {
		s, id, err = openRaw(v6, source)
	}
	switch {
	case err != nil && forbidden(err):
		return nil, 0, fmt.Errorf("%w: %w", errNoICMP, err)
	case err != nil:
		return nil, 0, fmt.Errorf("open an ICMP socket: %w", err)
	}
	return s, id, nil
}

// forbidden reports whether another type of socket may be allowed.
func forbidden(err error) bool {
	return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EPROTONOSUPPORT)
}

// openPing opens a datagram socket with a random id.
func openPing(v6 bool, source netip.Addr) (*linuxSocket, uint16, error) {
	s, fd, err := newSocket(v6, unix.SOCK_DGRAM)
	if err != nil {
		return nil, 0, err
	}
	if !source.IsValid() {
		source = netip.IPv4Unspecified()
		if v6 {
			source = netip.IPv6Unspecified()
		}
	}
	var id uint16
	for range 8 { // another program may have the id
		id = max(1, randomID()) // 0 would have the kernel count up
		if err = os.NewSyscallError("bind", unix.Bind(fd, sockaddr(netip.AddrPortFrom(source, id)))); !errors.Is(err, unix.EADDRINUSE) {
			break
		}
	}
	// Messages of trouble come by way of the error queue.
	if v6 {
		err = errors.Join(err, set(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1))
	} else {
		err = errors.Join(err, set(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1))
	}
	if err != nil {
		return nil, 0, errors.Join(err, s.Close())
	}
	return s, id, nil
}

// openRaw opens a raw socket that takes replies and messages of trouble.
func openRaw(v6 bool, source netip.Addr) (*linuxSocket, uint16, error) {
	s, fd, err := newSocket(v6, unix.SOCK_RAW)
	if err != nil {
		return nil, 0, err
	}
	s.raw = true
	if v6 {
		var filter unix.ICMPv6Filter // a bit that is set blocks its type
		for n := range filter.Data {
			filter.Data[n] = ^uint32(0)
		}
		for _, kind := range []int{1, 2, 3, 4, 129} { // RFC 4443: troubles, and the reply
			filter.Data[kind/32] &^= 1 << (kind % 32)
		}
		err = os.NewSyscallError("setsockopt", unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, icmpv6Filter, &filter))
	} else {
		taken := 1<<0 | 1<<3 | 1<<11 | 1<<12 // RFC 792: the reply, and troubles
		err = set(fd, unix.SOL_RAW, icmpFilter, int(^uint32(taken)))
	}
	if source.IsValid() {
		err = errors.Join(err, os.NewSyscallError("bind", unix.Bind(fd, sockaddr(netip.AddrPortFrom(source, 0)))))
	}
	if err != nil {
		return nil, 0, errors.Join(err, s.Close())
	}
	return s, randomID(), nil
}

// The kernel's names for the filters of raw sockets (linux/icmp.h and
// linux/icmpv6.h): ICMP_FILTER, ICMPV6_FILTER.
const (
	icmpFilter   = 1
	icmpv6Filter = 1
)

// roomFor is the receive buffer that is asked for, in bytes: for the replies of
// some thousand echoes that were sent together. The kernel gives what
// net.core.rmem_max allows.
const roomFor = 4 << 20

// newSocket opens a socket and sets what both types have in common.
func newSocket(v6 bool, kind int) (*linuxSocket, int, error) {
	family, protocol := unix.AF_INET, unix.IPPROTO_ICMP
	if v6 {
		family, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, 0, os.NewSyscallError("socket", err)
	}
	s := &linuxSocket{v6: v6, file: os.NewFile(uintptr(fd), "icmp")}
	// What the size says goes over the way as one packet, or not at all.
	if v6 {
		err = errors.Join(set(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE),
			set(fd, unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, 1))
	} else {
		err = set(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
	}
	err = errors.Join(err, set(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1), set(fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1))
	for _, buffer := range []int{unix.SO_RCVBUF, unix.SO_SNDBUF} {
		err = errors.Join(err, set(fd, unix.SOL_SOCKET, buffer, roomFor))
	}
	var noConn error
	s.conn, noConn = s.file.SyscallConn()
	if err = errors.Join(err, noConn); err != nil {
		return nil, 0, errors.Join(err, s.Close())
	}
	return s, fd, nil
}

func set(fd, level, option, value int) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, level, option, value))
}

func addrOf(s unix.Sockaddr) netip.Addr {
	switch s := s.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(s.Addr)
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(s.Addr)
	}
	return netip.Addr{}
}

// Close closes the socket.
func (s *linuxSocket) Close() error { return s.file.Close() }

// send sends a message. A datagram socket hands the trouble of one echo to
// whoever sends next, and clears it by that: only an error that stays is this
// echo's own.
func (s *linuxSocket) send(message []byte, to netip.Addr) error {
	var err error
	gone := s.conn.Control(func(fd uintptr) {
		for range 5 {
			if err = unix.Sendto(int(fd), message, unix.MSG_DONTWAIT, sockaddr(netip.AddrPortFrom(to, 0))); err == nil {
				return
			}
		}
	})
	return errors.Join(gone, os.NewSyscallError("sendto", err))
}

// receive waits for the next message. The error queue is looked at when nothing
// else is there, for the kernel's event stands for both.
func (s *linuxSocket) receive() (heard, error) {
	var h heard
	var err error
	gone := s.conn.Read(func(fd uintptr) bool {
		for range 16 { // the pending errors of some echoes may come before what is there
			if h, err = s.take(int(fd), 0); err == nil {
				return true
			}
			none := errors.Is(err, unix.EAGAIN)
			if h, err = s.take(int(fd), unix.MSG_ERRQUEUE); err == nil {
				return true
			}
			if none && errors.Is(err, unix.EAGAIN) {
				return false
			}
		}
		return true
	})
	return h, errors.Join(gone, os.NewSyscallError("recvmsg", err))
}

// take takes one message from a queue, if there is one.
func (s *linuxSocket) take(fd, queue int) (heard, error) {
	n, oobn, _, from, err := unix.Recvmsg(fd, s.message[:], s.control[:], queue|unix.MSG_DONTWAIT)
	if err != nil {
		return heard{}, err
	}
	c := s.readControl(s.control[:oobn])
	h, ok := s.read(s.message[:n], addrOf(from), queue == unix.MSG_ERRQUEUE, c)
	if !ok {
		h = heard{}
	}
	h.at, h.drops = c.at, c.drops
	return h, nil
}

// read reads a message; on the error queue it is the echo, and the address the
// one that it went to.
func (s *linuxSocket) read(message []byte, from netip.Addr, isError bool, c extra) (heard, bool) {
	switch {
	case isError:
		h, ok := readTrouble(s.v6, c.kind, c.code, c.offender, from, message)
		return h, ok && c.fromRouter
	case s.raw && !s.v6:
		body, ok := inIPv4(message)
		if !ok {
			return heard{}, false
		}
		message = body
	}
	return parseMessage(s.v6, message, from)
}

// extra is what the kernel tells beside a message.
type extra struct {
	at         time.Time
	drops      uint32
	fromRouter bool // what follows is set
	kind, code byte
	offender   netip.Addr
}

func (s *linuxSocket) readControl(b []byte) extra {
	var c extra
	for len(b) > 0 {
		header, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			break
		}
		b = rest
		switch {
		case header.Level == unix.SOL_SOCKET && header.Type == unix.SO_TIMESTAMPNS && len(data) >= 16:
			seconds, nanos := binary.NativeEndian.Uint64(data), binary.NativeEndian.Uint64(data[8:])
			c.at = time.Unix(int64(seconds), int64(nanos))
		case header.Level == unix.SOL_SOCKET && header.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			c.drops = binary.NativeEndian.Uint32(data)
		case header.Level == unix.IPPROTO_IP && header.Type == unix.IP_RECVERR,
			header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_RECVERR:
			c.readError(data)
		}
	}
	return c
}

// readError reads a struct sock_extended_err (linux/errqueue.h): errno, origin,
// type, code, a byte of padding, info and data; then the address of who says it.
func (c *extra) readError(data []byte) {
	const fixed, inet, inet6 = 16, 4, 8 // where the address stands in its sockaddr
	if len(data) < fixed {
		return
	}
	c.fromRouter = data[4] == unix.SO_EE_ORIGIN_ICMP || data[4] == unix.SO_EE_ORIGIN_ICMP6
	c.kind, c.code = data[5], data[6]
	switch who := data[fixed:]; {
	case len(who) >= inet6+16 && binary.NativeEndian.Uint16(who) == unix.AF_INET6:
		c.offender = netip.AddrFrom16([16]byte(who[inet6 : inet6+16]))
	case len(who) >= inet+4 && binary.NativeEndian.Uint16(who) == unix.AF_INET:
		c.offender = netip.AddrFrom4([4]byte(who[inet : inet+4]))
	}
}
