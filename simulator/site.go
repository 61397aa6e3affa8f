package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// Site is the pretend site on loopback: every instance of an AWS runs a load balancer, a real HTTP server on its private
// address, and every Elastic IP leads to the instance that carries it at that moment. All addresses must be in 127.0.0.0/8
// and share one port. Where nothing is alive behind an address the kernel refuses the connection; when an address moves,
// its connections are reset. The page / names the instance, /healthz answers 200.
type Site struct {
	*fleet
	port int
}

// NewSite opens the site of a on a TCP port, or on one that is free on all its addresses if port is 0, and follows a until
// ctx ends or Close is called.
func NewSite(ctx context.Context, a *AWS, port int, log *slog.Logger) (*Site, error) {
	if port < 0 || port > 65535 {
		return nil, fmt.Errorf("open the pretend site: port %d is not between 0 and 65535", port)
	}
	if port == 0 {
		var err error
		if port, err = freePort(ctx, siteAddrs(a)); err != nil {
			return nil, fmt.Errorf("open the pretend site: %w", err)
		}
	}
	s := &Site{port: port}
	s.fleet = newFleet(ctx, a, log, func(ip netip.Addr) (net.Listener, error) {
		return listenTCP(ctx, netip.AddrPortFrom(ip, uint16(port)))
	})
	if err := s.settle(); err != nil {
		s.shut()
		s.Close()
		return nil, fmt.Errorf("open the pretend site: %w", err)
	}
	s.wg.Go(s.follow)
	return s, nil
}

// Port returns the TCP port of all addresses.
func (s *Site) Port() int { return s.port }

// siteAddrs returns all addresses that the site of a may listen on.
func siteAddrs(a *AWS) []netip.Addr {
	seen := map[netip.Addr]bool{{}: true}
	var addrs []netip.Addr
	add := func(ip netip.Addr) {
		if !seen[ip] {
			seen[ip] = true
			addrs = append(addrs, ip)
		}
	}
	for _, i := range a.Instances() {
		add(i.Private)
		add(i.Public)
	}
	for _, e := range a.Addresses() {
		add(e.IP)
	}
	return addrs
}

// freePort returns a TCP port that is free on all addrs.
func freePort(ctx context.Context, addrs []netip.Addr) (int, error) {
	const tries = 20
	var last error
	for range tries {
		port, err := tryPort(ctx, addrs)
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return port, err
		}
		last = err
	}
	return 0, fmt.Errorf("find a port that is free on all %d addresses: none in %d tries, give one: %w", len(addrs), tries, last)
}

// tryPort takes any port that is free on the first address and tells whether it is so on the others.
func tryPort(ctx context.Context, addrs []netip.Addr) (int, error) {
	port := uint16(0)
	for _, ip := range addrs {
		l, err := listenTCP(ctx, netip.AddrPortFrom(ip, port))
		if err != nil {
			return 0, err
		}
		defer l.Close() // all are held until the last one is tried
		if t, ok := l.Addr().(*net.TCPAddr); ok {
			port = uint16(t.Port)
		}
	}
	if port == 0 {
		return 0, errors.New("the account has no address to listen on; add instances with private addresses first")
	}
	return int(port), nil
}

// listenTCP listens on one loopback address.
func listenTCP(ctx context.Context, at netip.AddrPort) (net.Listener, error) {
	if !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("listen on %s: not a loopback address; give the pretend site addresses in 127.0.0.0/8", at.Addr())
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.WithoutCancel(ctx), "tcp", net.JoinHostPort(at.Addr().String(), strconv.Itoa(int(at.Port()))))
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("listen on %s: this system has no such address (Linux has all of 127.0.0.0/8): %w", at, err)
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen on %s: another program has it, choose another port: %w", at, err)
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", at, err)
	}
	return l, nil
}
