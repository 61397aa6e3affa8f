package simulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// maxAliases is how many CNAMEs and aliases are followed inside the zones of the account before the answer is given up.
const maxAliases = 8

// DNS is an authoritative DNS server, on UDP and TCP, for all public zones of an AWS. It answers by Route 53's rules: of
// weighted sets one in proportion to the weights (all 0 means all alike), of multivalue answers up to eight at random, of a
// simple set all values in random order, of a failover pair the primary one while it is healthy. What is unhealthy by its
// health check is left out, unless all is. Geography, latency and signatures are not pretended.
type DNS struct {
	aws     *AWS
	addr    netip.AddrPort
	servers [2]*dns.Server
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

// ServeDNS answers for the public zones of a on address:port, UDP and TCP, until ctx ends or Close is called. Port 0 takes
// one that is free for both.
func ServeDNS(ctx context.Context, a *AWS, listen string) (*DNS, error) {
	at, err := netip.ParseAddrPort(listen)
	if err != nil {
		return nil, fmt.Errorf("serve DNS on %q: not an address:port such as 127.0.0.1:5353: %w", listen, err)
	}
	tcp, udp, err := listenBoth(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("serve DNS on %s: %w", at, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	d := &DNS{aws: a, addr: udp.LocalAddr().(*net.UDPAddr).AddrPort(), cancel: cancel}
	var started sync.WaitGroup
	d.servers = [2]*dns.Server{{Listener: tcp}, {PacketConn: udp}}
	for _, s := range d.servers {
		s.Handler = d
		started.Add(1)
		s.NotifyStartedFunc = started.Done
		d.wg.Go(func() { _ = s.ActivateAndServe() }) // ends by Shutdown only: its sockets are open already
	}
	started.Wait() // a server that has not started refuses to shut down
	d.wg.Go(func() {
		<-ctx.Done()
		for _, s := range d.servers {
			_ = s.Shutdown() // the sockets are closed whatever it returns
		}
	})
	return d, nil
}

// listenBoth listens on one port by TCP and UDP.
func listenBoth(ctx context.Context, at netip.AddrPort) (net.Listener, net.PacketConn, error) {
	const tries = 20
	var lc net.ListenConfig
	ctx = context.WithoutCancel(ctx)
	for try := 0; ; try++ {
		tcp, err := lc.Listen(ctx, "tcp", at.String())
		if err != nil {
			return nil, nil, fmt.Errorf("choose another port or address: %w", err)
		}
		udp, err := lc.ListenPacket(ctx, "udp", tcp.Addr().String())
		if err == nil {
			return tcp, udp, nil
		}
		tcp.Close()
		if at.Port() != 0 || try == tries || !errors.Is(err, syscall.EADDRINUSE) {
			return nil, nil, fmt.Errorf("choose another port or address: %w", err)
		}
	}
}

// Addr returns where the server listens.
func (d *DNS) Addr() netip.AddrPort { return d.addr }

// Close stops the server. It returns when nothing of it is left.
func (d *DNS) Close() {
	d.cancel()
	d.wg.Wait()
}

// ServeDNS answers one question. It is called by the DNS library.
func (d *DNS) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := d.answer(q)
	size := dns.MaxMsgSize
	if _, ok := w.RemoteAddr().(*net.UDPAddr); ok {
		size = dns.MinMsgSize
	}
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(dns.DefaultMsgSize, false)
		if size == dns.MinMsgSize {
			size = max(size, int(opt.UDPSize()))
		}
	}
	m.Truncate(size)
	_ = w.WriteMsg(m) // the client has gone: nobody to tell
}

// answer answers one question as Route 53's name servers do.
func (d *DNS) answer(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Compress = true
	m.RecursionAvailable = false
	if q.Opcode != dns.OpcodeQuery || len(q.Question) != 1 {
		return m.SetRcode(q, dns.RcodeNotImplemented)
	}
	question := q.Question[0]
	name := questioned(question.Name)
	apex, ok := d.apexOf(name)
	if !ok || question.Qclass != dns.ClassINET {
		return m.SetRcode(q, dns.RcodeRefused)
	}
	if m.Ns = d.referral(name, apex); m.Ns != nil {
		return m
	}
	m.Authoritative = true
	exists, err := d.resolve(m, question.Name, name, dns.TypeToString[question.Qtype])
	switch {
	case err != nil:
		m.Answer = nil
		return m.SetRcode(q, dns.RcodeServerFailure)
	case !exists:
		m.Rcode = dns.RcodeNameError
	}
	if len(m.Answer) == 0 {
		m.Ns = d.negative(apex)
	}
	return m
}

// resolve adds to m what a normalised name has of a type, as records of owner, and what its CNAME or alias leads to inside
// the account's zones. It tells whether the name exists.
func (d *DNS) resolve(m *dns.Msg, owner, name, typ string) (exists bool, err error) {
	aliased := false
	for range maxAliases {
		source, ok := d.source(name)
		if !ok {
			return aliased, nil
		}
		sets := d.pick(source, typ)
		cname := ""
		if len(sets) == 0 {
			if sets = d.pick(source, "CNAME"); len(sets) > 0 && len(sets[0].Values) > 0 {
				cname = sets[0].Values[0]
			}
		}
		if len(sets) == 0 {
			return true, nil
		}
		if alias := sets[0].Alias; alias != "" {
			name, aliased = alias, true
			continue
		}
		rrs, err := d.records(owner, sets)
		if err != nil {
			return true, err
		}
		m.Answer = append(m.Answer, rrs...)
		if cname == "" {
			return true, nil
		}
		owner, name, aliased = decimal(cname), normalName(cname), false
		if _, ok := d.apexOf(name); !ok {
			return true, nil // the rest is for the resolver to ask elsewhere
		}
	}
	return true, fmt.Errorf("resolve %s: more than %d aliases", name, maxAliases)
}

// records turns record sets into records of owner, values in random order.
func (d *DNS) records(owner string, sets []RecordSet) ([]dns.RR, error) {
	var rrs []dns.RR
	for _, r := range sets {
		for _, v := range r.Values {
			rr, err := record(dns.Fqdn(owner), r.Type, r.TTL, v)
			if err != nil {
				return nil, fmt.Errorf("answer %s %s with the value %q: %w", owner, r.Type, v, err)
			}
			rrs = append(rrs, rr)
		}
	}
	d.aws.dice.shuffle(len(rrs), func(i, j int) { rrs[i], rrs[j] = rrs[j], rrs[i] })
	return rrs, nil
}

// referral returns the name servers of the zone that a name was delegated to, nil if it was not.
func (d *DNS) referral(name, apex string) []dns.RR {
	for name != apex {
		if sets := d.aws.Records(name, "NS"); len(sets) > 0 {
			rrs, err := d.records(decimal(wireName(name)), sets[:1])
			if err != nil {
				return nil
			}
			return rrs
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return nil
}

// negative returns the SOA record that goes with an empty answer. Its TTL says how long the emptiness may be remembered:
// the smaller one of its own and of its last field (RFC 2308, section 3).
func (d *DNS) negative(apex string) []dns.RR {
	rrs, err := d.records(apex, d.pick(apex, "SOA"))
	if err != nil || len(rrs) == 0 {
		return nil
	}
	if soa, ok := rrs[0].(*dns.SOA); ok {
		soa.Hdr.Ttl = min(soa.Hdr.Ttl, soa.Minttl)
	}
	return rrs
}

// apexOf returns the name of the public zone that answers for a name.
func (d *DNS) apexOf(name string) (string, bool) {
	d.aws.mu.Lock()
	defer d.aws.mu.Unlock()
	if z := d.aws.zoneOf(name); z != nil {
		return z.Name, true
	}
	return "", false
}

// source returns the name whose records answer for a normalised name: itself if it exists, which it does when it has a
// record of any type or stands above one that has (RFC 8020), else the wildcard below the nearest name above that exists
// (RFC 4592). It tells whether there is one.
func (d *DNS) source(name string) (string, bool) {
	d.aws.mu.Lock()
	defer d.aws.mu.Unlock()
	z := d.aws.zoneOf(name)
	if z == nil {
		return "", false
	}
	sets := z.answered(time.Now())
	if exists(sets, name) {
		return name, true
	}
	for above := name; above != z.Name; {
		if _, above, _ = strings.Cut(above, "."); exists(sets, above) {
			return "*." + above, exists(sets, "*."+above)
		}
	}
	return "", false
}

// exists tells whether sets, which are in order, have one of a name or of a name below it: those follow each other.
func exists(sets []RecordSet, name string) bool {
	from, _ := find(sets, recordKey{name: name})
	return from < len(sets) && within(sets[from].Name, name)
}
