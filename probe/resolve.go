package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Resolve finds the addresses of a name afresh, at least one, in the order in
// which they are to be tried. Its error is ErrNoAddress when the name's own zone
// says that there is none, and any other one when nobody who knows could be asked.
type Resolve func(ctx context.Context, name string) ([]netip.Addr, error)

// ErrNoAddress is the error of a name that does not exist, or has no address.
var ErrNoAddress = errors.New("no address to ask")

var errNoAnswer = errors.New("it does not answer in time")

// SystemResolver asks as every program on this machine does: its hosts file, its
// resolvers and their caches. The order is the system's too (RFC 6724).
func SystemResolver() Resolve {
	// Go's own resolver in every build: the C library's knows no end of a context.
	system := &net.Resolver{PreferGo: true}
	return func(ctx context.Context, name string) ([]netip.Addr, error) {
		asked := name
		if strings.Contains(name, ".") {
			asked += "." // so that no search domain answers in the name's place
		}
		addrs, err := system.LookupNetIP(ctx, "ip", asked)
		if refusal, ok := errors.AsType[*net.DNSError](err); ok && refusal.IsNotFound {
			return nil, fmt.Errorf("%s does not exist or has no address: %w", name, ErrNoAddress)
		}
		if err != nil {
			return nil, fmt.Errorf("find the addresses of %s by the system's resolver: %w", name, err)
		}
		for i := range addrs {
			addrs[i] = addrs[i].Unmap()
		}
		return addrs, nil
	}
}

// resolveTries is how often one question goes to a resolver: datagrams are lost.
const resolveTries = 2

// dnsPayload is the largest answer by UDP that is asked for, in bytes: what
// crosses the Internet without being cut into pieces (RFC 9715 section 3).
const dnsPayload = 1232

// ServerResolver asks one resolver for both families, A and AAAA, by UDP, and by
// TCP what does not fit. The families take turns and IPv6 comes first, each in
// the answer's order, as browsers try them (RFC 8305 section 4).
func ServerResolver(server netip.AddrPort, dial Dial) Resolve {
	return func(ctx context.Context, name string) ([]netip.Addr, error) {
		ask := func(kind uint16) found {
			return nameQuestion{dial: dial, server: server, name: name, kind: kind}.ask(ctx)
		}
		var four, six found
		var wg sync.WaitGroup
		wg.Go(func() { four = ask(dns.TypeA) })
		six = ask(dns.TypeAAAA)
		wg.Wait()
		return joined(name, six, four)
	}
}

// found is what a resolver says of a name's addresses of one family.
type found struct {
	addrs   []netip.Addr
	missing bool  // there is no such name, of whatever family
	err     error // the resolver does not say
}

// joined is what both answers together say. One family is enough to be served,
// so trouble with the other is no matter then; that there is no address at all,
// both must have said.
func joined(name string, six, four found) ([]netip.Addr, error) {
	addrs := inTurns(six.addrs, four.addrs)
	switch {
	case len(addrs) > 0:
		return addrs, nil
	case six.missing || four.missing:
		return nil, fmt.Errorf("%s does not exist: %w", name, ErrNoAddress)
	case four.err != nil:
		return nil, four.err // six says the same, or less
	case six.err != nil:
		return nil, six.err
	}
	return nil, fmt.Errorf("%s exists and has no address: %w", name, ErrNoAddress)
}

// inTurns takes from both lists by turns, from the first one first.
func inTurns(a, b []netip.Addr) []netip.Addr {
	all := make([]netip.Addr, 0, len(a)+len(b))
	for i := range max(len(a), len(b)) {
		if i < len(a) {
			all = append(all, a[i])
		}
		if i < len(b) {
			all = append(all, b[i])
		}
	}
	return all
}

// nameQuestion asks a resolver for a name's addresses of one family.
type nameQuestion struct {
	dial   Dial
	server netip.AddrPort
	name   string
	kind   uint16 // dns.TypeA or dns.TypeAAAA
}

func (q nameQuestion) ask(ctx context.Context) found {
	f := found{err: context.DeadlineExceeded}
	for left := resolveTries; left > 0 && ctx.Err() == nil; left-- {
		if f = q.try(ctx, left); f.err == nil {
			return f
		}
	}
	if isTimeout(f.err) {
		f.err = errNoAnswer
	}
	f.err = fmt.Errorf("ask the resolver %s for %s %s: %w", q.server, q.name, dns.TypeToString[q.kind], f.err)
	return f
}

// try asks once, and leaves their share of the time to the tries that are left.
func (q nameQuestion) try(ctx context.Context, left int) found {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(left))
		defer cancel()
	}
	in, err := q.exchange(ctx, "udp")
	if err == nil && in.Truncated {
		in, err = q.exchange(ctx, "tcp")
	}
	if err != nil {
		return found{err: err}
	}
	return q.read(in)
}

func (q nameQuestion) exchange(ctx context.Context, network string) (*dns.Msg, error) {
	conn, err := q.dial(ctx, network, q.server.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// The library knows deadlines and no other end of a context.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(q.name), q.kind)
	m.SetEdns0(dnsPayload, false)
	in, _, err := new(dns.Client).ExchangeWithConnContext(ctx, m, &dns.Conn{Conn: conn})
	if ctx.Err() != nil {
		err = ctx.Err() // rather than that the connection was closed under it
	}
	return in, err
}

// read is what a whole answer says.
func (q nameQuestion) read(in *dns.Msg) found {
	switch {
	case !in.Response, len(in.Question) != 1, in.Question[0].Qtype != q.kind, !strings.EqualFold(in.Question[0].Name, dns.Fqdn(q.name)):
		return found{err: errors.New("it answers another question")}
	case in.Rcode == dns.RcodeNameError:
		return found{missing: true}
	case in.Rcode != dns.RcodeSuccess:
		return found{err: fmt.Errorf("it answers %s", rcodeName(in.Rcode))}
	}
	var f found
	for _, rr := range in.Answer { // what a CNAME leads to stands there too
		switch rr := rr.(type) {
		case *dns.A:
			f.add(rr.A, q.kind == dns.TypeA)
		case *dns.AAAA:
			f.add(rr.AAAA, q.kind == dns.TypeAAAA)
		}
	}
	if len(f.addrs) == 0 && !in.RecursionAvailable && !in.Authoritative {
		f.err = errors.New("it neither knows the name nor asks others for it; name a resolver that does")
	}
	return f
}

func (f *found) add(ip net.IP, wanted bool) {
	if addr, ok := netip.AddrFromSlice(ip); ok && wanted {
		f.addrs = append(f.addrs, addr.Unmap())
	}
}

func rcodeName(rcode int) string {
	if name, ok := dns.RcodeToString[rcode]; ok {
		return name
	}
	return fmt.Sprintf("the code %d", rcode)
}
