package probe

import (
	"net/netip"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// choosePortLate lets the kernel choose the port when it connects and not when
// it binds (ip(7), IP_BIND_ADDRESS_NO_PORT), so that one port serves for many
// targets: else 28,000 connections are all that a source address has. A kernel
// before 4.2 does not know it, and does without.
func choosePortLate(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	return c.Control(func(fd uintptr) { bindWithoutPort(int(fd)) })
}

func bindWithoutPort(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
}

// bindSource does for an Engine's socket what From does.
func bindSource(fd int, source, to netip.Addr) error {
	if err := checkFamilies(source, to); err != nil {
		return err
	}
	bindWithoutPort(fd)
	err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(source, 0)))
	return explainBind(os.NewSyscallError("bind", err), source)
}

// announce does for an Engine's connection what Announce does. A new socket's
// buffer takes the whole header.
func (c *call) announce() error {
	if c.Plain.proxy == 0 {
		return nil
	}
	name, err := unix.Getsockname(c.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	_, err = unix.Write(c.fd, c.Plain.proxy.header(addrPort(name), c.Addr))
	return os.NewSyscallError("write", err)
}

func addrPort(name unix.Sockaddr) netip.AddrPort {
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	return netip.AddrPort{}
}
