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

// answer is what a server has answered.
type answer struct {
	addrs []netip.Addr
	ttl   time.Duration // the longest of them
}

// ask asks one authoritative server for the addresses of a name, by UDP, and by TCP if the answer does not fit. A name
// without addresses of that kind has none, which is no error; an answer without authority is one.
func ask(ctx context.Context, dial probe.Dial, server netip.AddrPort, name, kind string) (answer, error) {
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(inDNS(name)), dns.StringToType[kind])
	q.RecursionDesired = false
	in, err := exchange(ctx, dial, server, q, "udp")
	if err == nil && in.Truncated {
		in, err = exchange(ctx, dial, server, q, "tcp")
	}
	switch {
	case err != nil:
		return answer{}, err
	case in.Rcode != dns.RcodeSuccess && in.Rcode != dns.RcodeNameError:
		return answer{}, fmt.Errorf("the server answers %s", dns.RcodeToString[in.Rcode])
	case !in.Authoritative:
		return answer{}, errors.New("the server is not authoritative for the name")
	}
	return answerOf(in.Answer, q.Question[0].Qtype), nil
}

// answerOf is the addresses in an answer that are of the type asked for.
func answerOf(list []dns.RR, asked uint16) answer {
	var out answer
	for _, rr := range list {
		if rr.Header().Rrtype != asked {
			continue // such as the CNAME that leads to them
		}
		var raw net.IP
		switch rr := rr.(type) {
		case *dns.A:
			raw = rr.A.To4()
		case *dns.AAAA:
			raw = rr.AAAA.To16()
		}
		if addr, ok := netip.AddrFromSlice(raw); ok {
			out.addrs = append(out.addrs, addr)
			out.ttl = max(out.ttl, time.Duration(rr.Header().Ttl)*time.Second)
		}
	}
	return out
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
