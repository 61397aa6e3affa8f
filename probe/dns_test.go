package probe_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"rrwatch/probe"
)

// zone is what the test's server has, as a zone file; the server is
// authoritative for example.com and knows nothing else.
const zone = `
example.com.       60 IN SOA   ns1.example.com. admin.example.com. 7 3600 600 86400 60
example.com.       60 IN NS    ns1.example.com.
example.com.       60 IN MX    10 mail.example.com.
example.com.       60 IN MX    20 mail.example.net.
example.com.       60 IN TXT   "v=spf1 include:" "example.net -all"
example.com.       60 IN CAA   0 issue "ca.example.net"
quoted.example.com. 60 IN TXT  "say \"a\\b\" \195\164"
www.example.com.   60 IN A     127.0.0.1
www.example.com.   60 IN A     192.0.2.2
www.example.com.   60 IN AAAA  ::1
alias.example.com. 60 IN CNAME more.example.com.
more.example.com.  60 IN CNAME WWW.example.com.
_sip._tcp.example.com. 60 IN SRV 1 2 5060 sip.example.com.
1.2.0.192.in-addr.arpa. 60 IN PTR www.example.com.
empty.example.com. 60 IN A     192.0.2.9
`

// many is one of the records that do not fit into an answer over UDP together.
const many = "many.example.com. 60 IN TXT xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"

// serveDNS answers on the loopback, by UDP and TCP on one port.
func serveDNS(t testing.TB, host string, handler dns.HandlerFunc) netip.AddrPort {
	t.Helper()
	for range 20 { // the port may be taken for the other one
		conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal("no listener: ", err)
		}
		at := netip.MustParseAddrPort(conn.LocalAddr().String())
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", at.String())
		if err != nil {
			conn.Close()
			continue
		}
		for _, s := range []*dns.Server{{PacketConn: conn, Handler: handler}, {Listener: l, Handler: handler}} {
			up, ended := make(chan struct{}), make(chan error, 1)
			s.NotifyStartedFunc = func() { close(up) }
			go func() { ended <- s.ActivateAndServe() }()
			<-up
			t.Cleanup(func() { // the context of a benchmark or test has ended by now
				if err := errors.Join(s.Shutdown(), <-ended); err != nil {
					t.Error(err)
				}
			})
		}
		return at
	}
	t.Fatal("no port is free for both")
	return netip.AddrPort{}
}

// nameServer answers from the zone, with the chain of aliases.
func nameServer(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(q)
	m.Authoritative, m.Compress, m.Rcode = true, true, dns.RcodeNameError
	name, asked := q.Question[0].Name, q.Question[0].Qtype
	for range 3 {
		next := ""
		parser := dns.NewZoneParser(strings.NewReader(zone+strings.Repeat(many, 40)), "", "")
		for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
			if !strings.EqualFold(rr.Header().Name, name) {
				continue
			}
			m.Rcode = dns.RcodeSuccess
			alias, isAlias := rr.(*dns.CNAME)
			if isAlias && asked != dns.TypeCNAME {
				next = alias.Target
			}
			if isAlias || rr.Header().Rrtype == asked {
				m.Answer = append(m.Answer, rr)
			}
		}
		name = next
	}
	if _, isUDP := w.RemoteAddr().(*net.UDPAddr); isUDP {
		m.Truncate(int(q.IsEdns0().UDPSize()))
	}
	_ = w.WriteMsg(m)
}

// query is the plain question: the addresses of www.example.com.
func query() probe.DNSOptions { return probe.DNSOptions{Name: "www.example.com", Dial: dial()} }

// askDNS asks the address, or the servers that the options name.
func askDNS(t *testing.T, o probe.DNSOptions, at netip.AddrPort, timeout time.Duration) probe.Answer {
	t.Helper()
	f, err := probe.DNS(o)
	if err != nil {
		t.Fatal(err)
	}
	a := ask(t, f, at, timeout)
	checkHarmless(t, a.Detail)
	return a
}

func TestJudgesWhatADNSServerAnswers(t *testing.T) {
	at := serveDNS(t, "127.0.0.1", nameServer)
	for name, c := range map[string]struct {
		o      probe.DNSOptions
		reason probe.Reason
		detail string
	}{
		"any address":              {probe.DNSOptions{}, "", "answers 127.0.0.1, 192.0.2.2"},
		"the addresses":            {probe.DNSOptions{Answers: []string{"192.0.2.2", "127.0.0.1"}, Exactly: true}, "", ""},
		"one of the addresses":     {probe.DNSOptions{Answers: []string{"192.0.2.2"}}, "", ""},
		"one too many":             {probe.DNSOptions{Answers: []string{"192.0.2.2"}, Exactly: true}, probe.Records, "127.0.0.1 is not expected; answers 127.0.0.1, 192.0.2.2"},
		"one too few":              {probe.DNSOptions{Answers: []string{"192.0.2.2", "192.0.2.3"}}, probe.Records, "192.0.2.3 is missing; answers 127.0.0.1, 192.0.2.2"},
		"IPv6":                     {probe.DNSOptions{Type: "AAAA", Answers: []string{"0:0::1"}, Exactly: true}, "", ""},
		"this address":             {probe.DNSOptions{ContainsAddress: true}, "", ""},
		"not this address":         {probe.DNSOptions{Name: "empty.example.com", ContainsAddress: true}, probe.Records, "127.0.0.1 is missing; answers 192.0.2.9"},
		"through aliases":          {probe.DNSOptions{Name: "alias.example.com", Answers: []string{"127.0.0.1", "192.0.2.2"}, Exactly: true}, "", ""},
		"the alias":                {probe.DNSOptions{Name: "alias.example.com", Type: "CNAME", Answers: []string{"MORE.example.com"}, Exactly: true}, "", ""},
		"mail":                     {probe.DNSOptions{Name: "example.com", Type: "MX", Answers: []string{"10 mail.example.com", "20 mail.example.net."}, Exactly: true}, "", ""},
		"mail, another preference": {probe.DNSOptions{Name: "example.com", Type: "MX", Answers: []string{"30 mail.example.com"}}, probe.Records, "30 mail.example.com is missing"},
		"text in pieces":           {probe.DNSOptions{Name: "example.com", Type: "TXT", Answers: []string{"v=spf1 include:example.net -all"}, Exactly: true}, "", ""},
		"text with quotes":         {probe.DNSOptions{Name: "quoted.example.com", Type: "TXT", Answers: []string{`say "a\b" ä`}, Exactly: true}, "", ""},
		"another text":             {probe.DNSOptions{Name: "example.com", Type: "TXT", Answers: []string{"v=spf1"}}, probe.Records, "v=spf1 is missing"},
		"a service":                {probe.DNSOptions{Name: "_sip._tcp.example.com", Type: "SRV", Answers: []string{"1 2 5060 sip.example.com."}}, "", ""},
		"an authority":             {probe.DNSOptions{Name: "example.com", Type: "CAA", Answers: []string{`0 issue "ca.example.net"`}}, "", ""},
		"name servers":             {probe.DNSOptions{Name: "example.com", Type: "NS", Answers: []string{"ns1.example.com"}, Authoritative: true}, "", ""},
		"the start":                {probe.DNSOptions{Name: "example.com", Type: "SOA"}, "", ""},
		"a pointer":                {probe.DNSOptions{Name: "1.2.0.192.in-addr.arpa", Type: "PTR", Answers: []string{"www.example.com"}}, "", ""},
		"nothing of that type":     {probe.DNSOptions{Type: "MX"}, probe.Records, "no such record"},
		"nothing, as it should be": {probe.DNSOptions{Type: "MX", Exactly: true}, "", ""},
		"no such name":             {probe.DNSOptions{Name: "nowhere.example.com"}, probe.Rcode, "answers NXDOMAIN, not NOERROR"},
		"no such name, expected":   {probe.DNSOptions{Name: "nowhere.example.com", Rcode: "NXDOMAIN"}, "", "answers NXDOMAIN"},
		"a name, not expected":     {probe.DNSOptions{Rcode: "NXDOMAIN"}, probe.Rcode, "answers NOERROR, not NXDOMAIN"},
		"too long for UDP":         {probe.DNSOptions{Name: "many.example.com", Type: "TXT", Answers: []string{strings.Repeat("x", 64)}, Exactly: true}, "", ""},
	} {
		for _, transport := range []probe.DNSTransport{"", probe.DNSOverTCP} {
			o := c.o
			o.Dial, o.Transport = dial(), transport
			if o.Name == "" {
				o.Name = "www.example.com"
			}
			a := askDNS(t, o, at, soon)
			if a.Verdict == probe.Inconclusive || a.Reason != c.reason || !strings.Contains(a.Detail, c.detail) {
				t.Errorf("%s over %q: got %+v, want %q (%s)", name, transport, a, c.reason, c.detail)
			}
			if a.Phases.FirstByte <= 0 || (a.Phases.Connect > 0) != (transport == probe.DNSOverTCP || name == "too long for UDP") {
				t.Errorf("%s over %q: %+v", name, transport, a.Phases)
			}
		}
	}
}

func TestAsksOverIPv6(t *testing.T) {
	if !hasLoopback6() {
		t.Skip("no IPv6 here")
	}
	at := serveDNS(t, "::1", nameServer)
	for _, transport := range []probe.DNSTransport{probe.DNSOverUDP, probe.DNSOverTCP} {
		o := query()
		o.Transport, o.ContainsAddress = transport, true
		if a := askDNS(t, o, at, soon); a.Verdict != probe.Pass || a.Detail != "answers ::1" {
			t.Errorf("%s: got %+v", transport, a)
		}
	}
}

func TestAsksAsItWasTold(t *testing.T) {
	var seen atomic.Pointer[dns.Msg]
	var from atomic.Value
	at := serveDNS(t, "127.0.0.1", func(w dns.ResponseWriter, q *dns.Msg) {
		seen.Store(q)
		if from.Swap(w.RemoteAddr().String()) == w.RemoteAddr().String() {
			t.Errorf("both questions come from %s", w.RemoteAddr())
		}
		m := new(dns.Msg)
		m.SetRcode(q, dns.RcodeRefused)
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeProhibited, ExtraText: "not you\x1b"}}
		_ = w.WriteMsg(m)
	})
	o := query()
	for _, recursion := range []bool{false, true} {
		o.Recursion = recursion
		a := askDNS(t, o, at, soon)
		if a.Reason != probe.Rcode || !strings.HasPrefix(a.Detail, "answers REFUSED (Prohibited not you") {
			t.Errorf("got %+v", a)
		}
		q := seen.Load()
		if q.RecursionDesired != recursion || q.IsEdns0() == nil || q.IsEdns0().UDPSize() != 1232 {
			t.Errorf("asked %s", q)
		}
	}
}

func TestAnAnswerMustBeAuthoritativeWhereThatIsAsked(t *testing.T) {
	at := serveDNS(t, "127.0.0.1", func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		rr, _ := dns.NewRR("www.example.com. 60 IN A 127.0.0.1")
		m.Answer = []dns.RR{rr}
		_ = w.WriteMsg(m)
	})
	o := query()
	if a := askDNS(t, o, at, soon); a.Verdict != probe.Pass {
		t.Errorf("got %+v", a)
	}
	o.Authoritative = true
	if a := askDNS(t, o, at, soon); a.Reason != probe.Records || !strings.Contains(a.Detail, "not authoritative") {
		t.Errorf("got %+v", a)
	}
}

// servers are always these.
func servers(list ...netip.AddrPort) func(context.Context) ([]netip.AddrPort, error) {
	return func(context.Context) ([]netip.AddrPort, error) { return list, nil }
}

func TestEveryServerMustAnswerAsExpected(t *testing.T) {
	good := serveDNS(t, "127.0.0.1", nameServer)
	also := serveDNS(t, "127.0.0.2", nameServer)
	wrong := serveDNS(t, "127.0.0.3", func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		_ = w.WriteMsg(m.SetRcode(q, dns.RcodeServerFailure))
	})
	member := netip.MustParseAddrPort("192.0.2.2:53")
	o := query()
	o.ContainsAddress = true
	unreachable := func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == also.String() {
			return nil, connect(syscall.ENETUNREACH)
		}
		return dial()(ctx, network, address)
	}
	for name, c := range map[string]struct {
		servers []netip.AddrPort
		dial    probe.Dial
		verdict probe.Verdict
		reason  probe.Reason
		detail  string
	}{
		"all do":               {[]netip.AddrPort{good, also}, dial(), probe.Pass, "", "all of 2 servers answer as expected; "},
		"one does not":         {[]netip.AddrPort{good, wrong, also}, dial(), probe.Fail, probe.Rcode, wrong.String() + ": answers SERVFAIL"},
		"one cannot be asked":  {[]netip.AddrPort{good, also}, unreachable, probe.Inconclusive, probe.OwnNetwork, also.String()},
		"that, and one fails":  {[]netip.AddrPort{good, also, wrong}, unreachable, probe.Fail, probe.Rcode, wrong.String()},
		"there is none to ask": {nil, dial(), probe.Inconclusive, probe.Resolver, "no server"},
	} {
		o.Servers, o.Dial = servers(c.servers...), c.dial
		a := askDNS(t, o, member, soon)
		if a.Verdict != c.verdict || a.Reason != c.reason || !strings.Contains(a.Detail, c.detail) {
			t.Errorf("%s: got %+v", name, a)
		}
	}
}

func TestAResolverThatFailsSaysNothingOfTheTarget(t *testing.T) {
	o := query()
	o.Servers = func(context.Context) ([]netip.AddrPort, error) { return nil, errors.New("no answer from the resolver") }
	a := askDNS(t, o, netip.MustParseAddrPort("192.0.2.2:53"), soon)
	if a.Verdict != probe.Inconclusive || a.Reason != probe.Resolver || a.Detail != "no answer from the resolver" {
		t.Errorf("got %+v", a)
	}
}

func TestRefusesAQuestionThatCannotBeAsked(t *testing.T) {
	for name, c := range map[string]struct {
		o    probe.DNSOptions
		want string
	}{
		"type":    {probe.DNSOptions{Type: "B"}, `"B" is no type`},
		"code":    {probe.DNSOptions{Rcode: "OK"}, `"OK" is no code`},
		"name":    {probe.DNSOptions{Name: strings.Repeat("a", 64) + ".example.com"}, "is no DNS name"},
		"address": {probe.DNSOptions{Answers: []string{"192.0.2"}}, `"192.0.2" is no data of a record of type A`},
		"empty":   {probe.DNSOptions{Answers: []string{" "}}, "it is empty"},
		"two":     {probe.DNSOptions{Answers: []string{"192.0.2.1\n192.0.2.2"}}, "or more than one line"},
		"mail":    {probe.DNSOptions{Type: "MX", Answers: []string{"mail.example.com"}}, "is no data of a record of type MX"},
	} {
		if c.o.Name == "" {
			c.o.Name = "www.example.com"
		}
		if _, err := probe.DNS(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	if err := probe.CheckRecord("SRV", "1 2 443 www.example.com"); err != nil {
		t.Error(err)
	}
}
