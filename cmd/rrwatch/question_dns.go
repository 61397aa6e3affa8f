package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"rrwatch/config"
	"rrwatch/probe"
)

// dnsOf is how a dns check of a pool is asked.
func dnsOf(p config.Pool, c config.Check, dial probe.Dial) probe.Func {
	o := probe.DNSOptions{
		Name: c.DNS.Query, Type: c.DNS.Type, Transport: probe.DNSTransport(c.DNS.Transport), Recursion: c.DNS.Recursion,
		Rcode: c.DNS.Rcode, Answers: c.DNS.Answers, Exactly: c.DNS.Exactly,
		ContainsAddress: c.DNS.ContainsAddress, Authoritative: c.DNS.AA, Dial: dial,
	}
	switch {
	case len(c.DNS.Servers) > 0:
		o.Servers = always(c.DNS.Servers)
	case c.DNS.Authoritative && len(p.NameServers) > 0:
		o.Servers = always(p.NameServers)
	case c.DNS.Authoritative:
		o.Servers = newNameServers(p.ZoneName, p.Record, net.DefaultResolver).list
	}
	ask, err := probe.DNS(o)
	if err != nil {
		panic("a dns check that the configuration let through: " + err.Error())
	}
	return ask
}

func always(servers []netip.AddrPort) func(context.Context) ([]netip.AddrPort, error) {
	return func(context.Context) ([]netip.AddrPort, error) { return servers, nil }
}

var errNoServers = errors.New("no name server is known")

// resolver is what is asked of the system's resolver.
type resolver interface {
	LookupNS(ctx context.Context, name string) ([]*net.NS, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

var _ resolver = (*net.Resolver)(nil)

const (
	// serversKept is for how long the servers that were found are asked:
	// a zone's servers change seldom, and none of them at once.
	serversKept = 5 * time.Minute
	// serversRetry is how soon a resolver that failed is asked again, while
	// there are servers from before.
	serversRetry = 30 * time.Second
	// serversMost bounds what one probe asks; no zone has as many.
	serversMost = 16
)

// nameServers finds the authoritative name servers of a zone by the system's
// resolver, and remembers them.
type nameServers struct {
	zone     string // empty: that of the record, which is looked for
	record   string
	resolver resolver

	turn  chan struct{} // holds one while somebody looks; protects the following
	found []netip.AddrPort
	until time.Time // when they are looked for again
}

func newNameServers(zone, record string, r resolver) *nameServers {
	return &nameServers{zone: zone, record: record, resolver: r, turn: make(chan struct{}, 1)}
}

// list lists one address of each server. When the resolver fails, those that
// were found before are still right.
func (n *nameServers) list(ctx context.Context) ([]netip.AddrPort, error) {
	select {
	case n.turn <- struct{}{}:
		defer func() { <-n.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("find the name servers of %s: %w", n.record, ctx.Err())
	}
	now := time.Now()
	if now.Before(n.until) {
		return n.found, nil
	}
	if deadline, ok := ctx.Deadline(); ok { // some of the time is for the servers
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, now.Add(deadline.Sub(now)/2))
		defer cancel()
	}
	found, err := n.lookUp(ctx)
	switch {
	case err == nil:
		n.found, n.until = found, now.Add(serversKept)
	case n.found == nil:
		return nil, err
	default:
		n.until = now.Add(serversRetry)
	}
	return n.found, nil
}

// lookUp asks the resolver.
func (n *nameServers) lookUp(ctx context.Context) ([]netip.AddrPort, error) {
	names, err := n.names(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the name servers of %s: %w", n.record, err)
	}
	var found []netip.AddrPort
	for _, name := range names[:min(len(names), serversMost)] {
		addrs, err := n.resolver.LookupNetIP(ctx, "ip", name)
		if err == nil && len(addrs) == 0 {
			err = errors.New("it has none")
		}
		if err != nil {
			return nil, fmt.Errorf("find the address of the name server %s: %w", name, err)
		}
		best := addrs[0].Unmap()
		for _, a := range addrs {
			if a = a.Unmap(); a.Is4() { // a host without IPv6 could not ask the other
				best = a
				break
			}
		}
		found = append(found, netip.AddrPortFrom(best, 53))
	}
	return found, nil
}

// names are the names of the servers. The zone whose name is not known is the
// nearest one above the record that has servers.
func (n *nameServers) names(ctx context.Context) ([]string, error) {
	zone := n.zone
	if zone == "" {
		zone = n.record
	}
	for {
		servers, err := n.resolver.LookupNS(ctx, zone+".")
		if len(servers) > 0 {
			var names []string
			for _, s := range servers {
				names = append(names, s.Host)
			}
			slices.Sort(names)
			return names, nil
		}
		refusal, refused := errors.AsType[*net.DNSError](err)
		nothing := err == nil || refused && refusal.IsNotFound
		_, above, _ := strings.Cut(zone, ".")
		if n.zone != "" || !nothing || !strings.Contains(above, ".") {
			return nil, cmp.Or(err, errNoServers)
		}
		zone = above
	}
}
