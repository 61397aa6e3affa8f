package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/miekg/dns"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/probe"
)

// checkFrom is the check of a configuration, ready to be asked.
func checkFrom(t *testing.T, pool, check string) failover.Check {
	t.Helper()
	text := "region: eu-central-1\nmode: observe\npools: [{name: www, record: www.example.com, " + pool + ", checks: [" + check + "]}]"
	cfg, err := config.Parse("test.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	with := newTools()
	t.Cleanup(with.close)
	return specs(cfg, with)[0].Checks[0]
}

// askCheck asks a check of an address.
func askCheck(t *testing.T, c failover.Check, addr string) probe.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return c.Probe(ctx, c.Target("www", netip.MustParseAddr(addr)))
}

func TestAnICMPCheckIsAskedAsConfigured(t *testing.T) {
	c := checkFrom(t, "zone: example.com", "{kind: icmp, size: 1000, source: 127.0.0.2}")
	if c.Port != 0 {
		t.Errorf("the port is %d", c.Port)
	}
	a := askCheck(t, c, "127.0.0.1")
	if strings.Contains(a.Detail, "allows rrwatch no ICMP socket") {
		t.Skip(a.Detail)
	}
	if a.Verdict != probe.Pass {
		t.Errorf("got %+v", a)
	}
	c = checkFrom(t, "zone: example.com", "{kind: icmp, source: 192.0.2.7}") // which is not this machine's
	if a := askCheck(t, c, "127.0.0.1"); a.Reason != probe.OwnNetwork {
		t.Errorf("got %+v", a)
	}
}

func TestADNSCheckIsAskedAsConfigured(t *testing.T) {
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		m.Authoritative = q.RecursionDesired
		for _, text := range []string{"www.example.com. 60 IN A 127.0.0.1", "example.org. 60 IN MX 10 mail.example.org."} {
			if rr, err := dns.NewRR(text); err == nil && rr.Header().Name == q.Question[0].Name && rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		_ = w.WriteMsg(m)
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.ActivateAndServe()
	}()
	t.Cleanup(func() {
		conn.Close()
		<-ended
	})
	at := conn.LocalAddr().String()
	_, port, _ := net.SplitHostPort(at)
	for check, want := range map[string]probe.Reason{
		"{kind: dns, port: " + port + "}":                                                                    "",
		"{kind: dns, servers: ['" + at + "']}":                                                               "",
		"{kind: dns, servers: ['" + at + "'], contains_address: true}":                                       "",
		"{kind: dns, servers: ['" + at + "'], answers: [127.0.0.1, 192.0.2.1]}":                              probe.Records,
		"{kind: dns, servers: ['" + at + "'], answers: [], exactly: true}":                                   probe.Records,
		"{kind: dns, servers: ['" + at + "'], rcode: NXDOMAIN}":                                              probe.Rcode,
		"{kind: dns, servers: ['" + at + "'], query: example.org}":                                           probe.Records,
		"{kind: dns, servers: ['" + at + "'], query: example.org, type: MX, answers: [10 mail.example.org]}": "",
		"{kind: dns, servers: ['" + at + "'], aa: true}":                                                     probe.Records,
		"{kind: dns, servers: ['" + at + "'], aa: true, recursion: true}":                                    "",
		"{kind: dns, servers: ['" + at + "'], transport: tcp}":                                               probe.Refused,
		"{kind: dns, authoritative: true, aa: false}":                                                        "",
		"{kind: dns, authoritative: true}":                                                                   probe.Records,
	} {
		c := checkFrom(t, "zone: example.com, name_servers: ['"+at+"']", check)
		if a := askCheck(t, c, "127.0.0.1"); a.Reason != want || a.Verdict == probe.Inconclusive {
			t.Errorf("%s: got %+v, want %q", check, a, want)
		}
	}
}

// Each word that the configuration knows is one that the probe knows.
func TestEveryTypeAndCodeOfTheConfigurationCanBeAsked(t *testing.T) {
	for _, word := range []string{"A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "SVCB", "TLSA", "TXT"} {
		checkFrom(t, "zone: example.com", "{kind: dns, type: "+word+"}")
	}
	for _, word := range []string{"FORMERR", "NOERROR", "NOTIMP", "NXDOMAIN", "REFUSED", "SERVFAIL"} {
		checkFrom(t, "zone: example.com", "{kind: dns, rcode: "+word+"}")
	}
}

// names is a resolver that knows some name servers and their addresses.
type names struct {
	ns    map[string][]string
	addrs map[string][]string
	err   error
	asked []string
}

func (n *names) LookupNS(_ context.Context, name string) ([]*net.NS, error) {
	n.asked = append(n.asked, name)
	if n.err != nil {
		return nil, n.err
	}
	var list []*net.NS
	for _, host := range n.ns[name] {
		list = append(list, &net.NS{Host: host})
	}
	if list == nil {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return list, nil
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var list []netip.Addr
	for _, text := range n.addrs[host] {
		list = append(list, netip.MustParseAddr(text))
	}
	if list == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return list, nil
}

func known() *names {
	return &names{
		ns:    map[string][]string{"example.com.": {"ns2.example.net.", "ns1.example.net."}},
		addrs: map[string][]string{"ns1.example.net.": {"2001:db8::1", "192.0.2.1"}, "ns2.example.net.": {"2001:db8::2"}},
	}
}

func checkServers(t *testing.T, n *nameServers, want ...string) {
	t.Helper()
	got, err := n.list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list []netip.AddrPort
	for _, text := range want {
		list = append(list, netip.MustParseAddrPort(text))
	}
	if diff := cmp.Diff(list, got, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Error(diff)
	}
}

func TestFindsTheNameServersOfAZone(t *testing.T) {
	r := known()
	checkServers(t, newNameServers("example.com", "www.example.com", r), "192.0.2.1:53", "[2001:db8::2]:53")
	r = known()
	checkServers(t, newNameServers("", "a.b.www.example.com", r), "192.0.2.1:53", "[2001:db8::2]:53")
	if want := []string{"a.b.www.example.com.", "b.www.example.com.", "www.example.com.", "example.com."}; !slices.Equal(r.asked, want) {
		t.Errorf("asked for %v", r.asked)
	}
	for name, c := range map[string]struct {
		zone, record string
		change       func(r *names)
		want         string
	}{
		"a zone without servers":       {"example.org", "www.example.org", func(*names) {}, "find the name servers of www.example.org: lookup example.org.: no such host"},
		"a name in no zone":            {"", "www.example.org", func(*names) {}, "no such host"},
		"a server without an address":  {"example.com", "www.example.com", func(r *names) { delete(r.addrs, "ns2.example.net.") }, "find the address of the name server ns2.example.net.: "},
		"a resolver that fails":        {"example.com", "www.example.com", func(r *names) { r.err = errors.New("i/o timeout") }, "find the name servers of www.example.com: i/o timeout"},
		"a resolver that fails midway": {"", "www.example.com", func(r *names) { r.err = errors.New("i/o timeout") }, "i/o timeout"},
	} {
		r := known()
		c.change(r)
		if got, err := newNameServers(c.zone, c.record, r).list(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
		for _, asked := range r.asked {
			if asked == "org." || asked == "com." {
				t.Errorf("%s: a top-level domain was asked for: %v", name, r.asked)
			}
		}
	}
}

func TestNameServersAreRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := known()
		n := newNameServers("example.com", "www.example.com", r)
		for range 10 {
			checkServers(t, n, "192.0.2.1:53", "[2001:db8::2]:53")
		}
		if len(r.asked) != 1 {
			t.Errorf("asked %d times", len(r.asked))
		}
		time.Sleep(serversKept)
		r.ns["example.com."] = []string{"ns1.example.net."}
		checkServers(t, n, "192.0.2.1:53")
		time.Sleep(serversKept)
		r.err = errors.New("i/o timeout")
		for range 10 {
			checkServers(t, n, "192.0.2.1:53") // those from before
		}
		if len(r.asked) != 3 {
			t.Errorf("a resolver that failed was asked %d times", len(r.asked)-2)
		}
		time.Sleep(serversRetry)
		r.err, r.ns = nil, known().ns
		checkServers(t, n, "192.0.2.1:53", "[2001:db8::2]:53")
	})
}

func TestWaitingForTheNameServersEndsInTime(t *testing.T) {
	n := newNameServers("example.com", "www.example.com", known())
	n.turn <- struct{}{} // somebody looks, and a resolver is slow
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := n.list(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", got, err)
	}
}
