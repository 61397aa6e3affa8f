//go:build linux

package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// namespace is a network namespace that the ip command knows by this name.
type namespace string

// do runs f on a thread that is in the namespace. What f opens or starts stays there: sockets and processes.
// A goroutine that f starts is not there.
func (n namespace) do(f func() error) error {
	done := make(chan error, 1)
	go func() {
		// Never unlocked: the thread ends with this goroutine, and no other one finds itself elsewhere.
		runtime.LockOSThread()
		if err := n.enter(); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

// enter puts this thread into the namespace.
func (n namespace) enter() error {
	fd, err := unix.Open(filepath.Join("/run/netns", string(n)), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the network namespace %s: %w", n, err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter the network namespace %s: %w", n, err)
	}
	return nil
}

// dial connects from inside the namespace; the address must be an IP with a port.
func (n namespace) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var conn net.Conn
	err := n.do(func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// listen listens inside the namespace.
func (n namespace) listen(ctx context.Context, address string) (net.Listener, error) {
	var listener net.Listener
	err := n.do(func() (err error) {
		listener, err = new(net.ListenConfig).Listen(ctx, "tcp", address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen in the namespace %s: %w", n, err)
	}
	return listener, nil
}

// sysctl sets one of the namespace's own kernel settings, such as net/ipv4/ip_forward.
func (n namespace) sysctl(key, value string) error {
	err := n.do(func() error { return os.WriteFile(filepath.Join("/proc/sys", key), []byte(value), 0o644) })
	if err != nil {
		return fmt.Errorf("set %s in the namespace %s: %w", key, n, err)
	}
	return nil
}

// ip runs commands of the ip command in the namespace, in order, until one fails.
func (n namespace) ip(ctx context.Context, commands ...string) error {
	cmd := exec.CommandContext(ctx, "ip", "-n", string(n), "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip in the namespace %s: %w: %s (of: %s)",
			n, err, strings.TrimSpace(string(out)), strings.Join(commands, "; "))
	}
	return nil
}

// add makes the namespace, with a loopback that is up.
func (n namespace) add(ctx context.Context) error {
	if out, err := exec.CommandContext(ctx, "ip", "netns", "add", string(n)).CombinedOutput(); err != nil {
		return fmt.Errorf("make the network namespace %s: %w: %s", n, err, strings.TrimSpace(string(out)))
	}
	return n.ip(ctx, "link set lo up")
}

// remove takes the namespace's name away; the kernel ends it when nothing is in it any more.
func (n namespace) remove(ctx context.Context) error {
	if out, err := exec.CommandContext(ctx, "ip", "netns", "del", string(n)).CombinedOutput(); err != nil {
		return fmt.Errorf("remove the network namespace %s: %w: %s", n, err, strings.TrimSpace(string(out)))
	}
	return nil
}
