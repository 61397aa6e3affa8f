package route53

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"rrwatch/probe"
)

// askWithin is how long one server may take for one answer.
const askWithin = 2 * time.Second

// ask asks one authoritative server for the addresses of a name, by UDP, and by TCP if the answer does not fit. A name
// without addresses of that kind has none, which is no error; an answer without authority is one.
func ask(ctx context.Context, dial probe.Dial, server netip.AddrPort, name, kind string) ([]netip.Addr, error) {
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), dns.StringToType[kind])
	q.RecursionDesired = false
	in, err := exchange(ctx, dial, server, q, "udp")
	if err == nil && in.Truncated {
		in, err = exchange(ctx, dial, server, q, "tcp")
	}
	switch {
	case err != nil:
		return nil, err
	case in.Rcode != dns.RcodeSuccess && in.Rcode != dns.RcodeNameError:
		return nil, fmt.Errorf("the server answers %s", dns.RcodeToString[in.Rcode])
	case !in.Authoritative:
		return nil, errors.New("the server is not authoritative for the name")
	}
	return addrsIn(in.Answer, q.Question[0].Qtype), nil
}

// addrsIn are the addresses in an answer that are of the type asked for.
func addrsIn(answer []dns.RR, asked uint16) []netip.Addr {
	var addrs []netip.Addr
	for _, rr := range answer {
		if rr.Header().Rrtype != asked {
			continue // such as the CNAME that leads to them
		}
		switch rr := rr.(type) {
		case *dns.A:
			if a, ok := netip.AddrFromSlice(rr.A); ok {
				addrs = append(addrs, a.Unmap())
			}
		case *dns.AAAA:
			if a, ok := netip.AddrFromSlice(rr.AAAA); ok {
				addrs = append(addrs, a)
			}
		}
	}
	return addrs
}

func exchange(ctx context.Context, dial probe.Dial, server netip.AddrPort, q *dns.Msg, network string) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	conn, err := dial(ctx, network, server.String())
	if err != nil {
		return nil, fmt.Errorf("no answer by %s: %w", network, err)
	}
	defer conn.Close()
	client := dns.Client{Net: network, Timeout: askWithin}
	in, _, err := client.ExchangeWithConnContext(ctx, q, &dns.Conn{Conn: conn})
	if err != nil {
		return nil, fmt.Errorf("no answer by %s: %w", network, err)
	}
	return in, nil
}

// lookUp finds one address of a name server by the system's resolver, IPv4 if it has one: a host without IPv6 could not
// ask the other.
func lookUp(ctx context.Context, name string) (netip.AddrPort, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("find the address of the name server %s: %w", name, err)
	}
	best := addrs[0].Unmap()
	for _, a := range addrs {
		if a = a.Unmap(); a.Is4() {
			best = a
			break
		}
	}
	return netip.AddrPortFrom(best, 53), nil
}
