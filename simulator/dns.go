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

// maxMultiValues is how many multivalue answers one response carries at most (Route 53 developer guide, "Multivalue
// answer routing").
const maxMultiValues = 8

// maxAliases is how many CNAMEs and aliases are followed inside the zones of the account before the answer is given up.
const maxAliases = 8

// DNS is an authoritative DNS server, on UDP and TCP, for all public zones of an AWS. It answers by Route 53's rules: of
// weighted sets one in proportion to the weights (all 0 means all alike), of multivalue answers up to eight at random, of a
// simple set all values in random order. Health checks are not pretended: every set counts as healthy. Wildcards are not
// expanded.
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
	apex, ok := d.apexOf(question.Name)
	if !ok || question.Qclass != dns.ClassINET {
		return m.SetRcode(q, dns.RcodeRefused)
	}
	m.Authoritative = true
	exists, err := d.resolve(m, question.Name, question.Name, dns.TypeToString[question.Qtype])
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

// resolve adds to m what name has of a type, as records of owner, and what its CNAME or alias leads to inside the
// account's zones. It tells whether name exists.
func (d *DNS) resolve(m *dns.Msg, owner, name, typ string) (exists bool, err error) {
	for range maxAliases {
		sets := d.pick(name, typ)
		cname := ""
		if len(sets) == 0 {
			if sets = d.pick(name, "CNAME"); len(sets) > 0 && len(sets[0].Values) > 0 {
				cname = sets[0].Values[0]
			}
		}
		if len(sets) == 0 {
			return owner != name || d.exists(name), nil
		}
		if alias := sets[0].Alias; alias != "" {
			name = alias
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
		owner, name = cname, cname
		if _, ok := d.apexOf(name); !ok {
			return true, nil // the rest is for the resolver to ask elsewhere
		}
	}
	return true, fmt.Errorf("resolve %s: more than %d aliases", name, maxAliases)
}

// pick returns the record sets of a name and type that one response answers with.
func (d *DNS) pick(name, typ string) []RecordSet {
	if typ == "" {
		return nil
	}
	sets := d.aws.Records(name, typ)
	d.aws.dice.shuffle(len(sets), func(i, j int) { sets[i], sets[j] = sets[j], sets[i] })
	if len(sets) == 0 || sets[0].SetIdentifier == "" {
		return sets[:min(1, len(sets))]
	}
	if sets[0].MultiValue {
		return sets[:min(maxMultiValues, len(sets))]
	}
	return d.weighted(sets)
}

// weighted returns one of sets in proportion to their weights; when all are 0, any. sets are shuffled and not empty.
func (d *DNS) weighted(sets []RecordSet) []RecordSet {
	weight := func(r RecordSet) int64 {
		if r.Weight == nil {
			return 0
		}
		return *r.Weight
	}
	var sum int64
	for _, r := range sets {
		sum += weight(r)
	}
	if sum <= 0 {
		return sets[:1]
	}
	at := d.aws.dice.below(sum)
	for i, r := range sets {
		if at -= weight(r); at < 0 {
			return sets[i : i+1]
		}
	}
	return sets[:1]
}

// records turns record sets into records of owner, values in random order.
func (d *DNS) records(owner string, sets []RecordSet) ([]dns.RR, error) {
	var rrs []dns.RR
	for _, r := range sets {
		for _, v := range r.Values {
			rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", dns.Fqdn(owner), r.TTL, r.Type, v))
			if err != nil {
				return nil, fmt.Errorf("answer %s %s with the value %q: %w", owner, r.Type, v, err)
			}
			rrs = append(rrs, rr)
		}
	}
	d.aws.dice.shuffle(len(rrs), func(i, j int) { rrs[i], rrs[j] = rrs[j], rrs[i] })
	return rrs, nil
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
	if z := d.aws.zoneOf(normalName(name)); z != nil {
		return z.Name, true
	}
	return "", false
}

// exists tells whether a name has a record of any type, or stands above one that has (RFC 8020).
func (d *DNS) exists(name string) bool {
	name = normalName(name)
	d.aws.mu.Lock()
	defer d.aws.mu.Unlock()
	z := d.aws.zoneOf(name)
	if z == nil {
		return false
	}
	for _, r := range z.answered(time.Now()) {
		if r.Name == name || strings.HasSuffix(r.Name, "."+name) {
			return true
		}
	}
	return false
}
