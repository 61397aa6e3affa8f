package probe

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of the engine. None of them blocks, so Go's scheduler is not
// told of them: told, it would wake its monitor thread at the first one after
// every pause, which cost a seventh of all CPU at 500 probes a second.

// result is what a call gave. None of these is interrupted, for none waits.
func result(n uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

func rawSocket(family int) (int, error) {
	n, _, errno := syscall.RawSyscall(unix.SYS_SOCKET, uintptr(family), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	return result(n, errno)
}

func rawClose(fd int) { _, _, _ = syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// rawLinger has a connection end with a reset, as abort does.
func rawLinger(fd int) error {
	l := unix.Linger{Onoff: 1}
	n, _, errno := syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_LINGER, uintptr(unsafe.Pointer(&l)), unsafe.Sizeof(l), 0)
	_, err := result(n, errno)
	return err
}

// rawConnect begins a connection to an address.
func rawConnect(fd int, to netip.AddrPort) error {
	var port uint16 // in network order, as it lies in memory
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&port))[:], to.Port())
	if addr := to.Addr().Unmap(); addr.Is4() {
		sa := unix.RawSockaddrInet4{Family: unix.AF_INET, Port: port, Addr: addr.As4()}
		n, _, errno := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)), unsafe.Sizeof(sa))
		_, err := result(n, errno)
		return err
	}
	sa := unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: port, Addr: to.Addr().As16(), Scope_id: zone(to.Addr())}
	n, _, errno := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)), unsafe.Sizeof(sa))
	_, err := result(n, errno)
	return err
}

// zone is the interface's number of a link-local address.
func zone(addr netip.Addr) uint32 {
	if addr.Zone() == "" {
		return 0
	}
	i, err := net.InterfaceByName(addr.Zone())
	if err != nil {
		return 0
	}
	return uint32(i.Index)
}

func rawEpollAdd(epoll, fd int, event unix.EpollEvent) error {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epoll), unix.EPOLL_CTL_ADD, uintptr(fd), uintptr(unsafe.Pointer(&event)), 0, 0)
	_, err := result(n, errno)
	return err
}

// rawEpollWait takes the events that are there.
func rawEpollWait(epoll int, events []unix.EpollEvent) (int, error) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	return result(n, errno)
}

func rawRead(fd int, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return result(n, errno)
}

// rawWrite writes some of b, which is not empty.
func rawWrite(fd int, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return result(n, errno)
}
