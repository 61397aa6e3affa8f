package simulator

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

// serveZone serves example.test, zone Z1, and returns the AWS, the server and a way to ask it.
func serveZone(t *testing.T) (*AWS, *DNS, func(name string, typ uint16) *dns.Msg) {
	t.Helper()
	a := New(Options{})
	a.AddZone(Zone{ID: "Z1", Name: "example.test"})
	d, err := ServeDNS(t.Context(), a, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return a, d, func(name string, typ uint16) *dns.Msg {
		t.Helper()
		q := new(dns.Msg).SetQuestion(dns.Fqdn(name), typ)
		m, _, err := new(dns.Client).ExchangeContext(t.Context(), q, d.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

func answeredAddrs(m *dns.Msg) []string {
	var out []string
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			out = append(out, a.A.String())
		}
	}
	return out
}

func weightedA(value string, weight int64) RecordSet {
	return RecordSet{
		Name: "www.example.test", Type: "A", TTL: 30, SetIdentifier: value, Weight: &weight, Values: []string{value},
	}
}

func TestAnswersOneWeightedSetInProportion(t *testing.T) {
	a, _, ask := serveZone(t)
	a.SetRecord("Z1", weightedA("127.0.0.11", 30))
	a.SetRecord("Z1", weightedA("127.0.0.12", 10))
	a.SetRecord("Z1", weightedA("127.0.0.13", 0))
	seen := map[string]int{}
	for range 400 {
		got := answeredAddrs(ask("WWW.example.test", dns.TypeA))
		if len(got) != 1 {
			t.Fatalf("answered %v, want one address", got)
		}
		seen[got[0]]++
	}
	// 300 are expected; the standard deviation is 9.
	if n := seen["127.0.0.11"]; n < 230 || n > 370 || seen["127.0.0.13"] != 0 {
		t.Errorf("answered %v in 400, want about 300, 100 and 0", seen)
	}
}

func TestAnswersAllAlikeWhenEveryWeightIsZero(t *testing.T) {
	a, _, ask := serveZone(t)
	for i := range 3 {
		a.SetRecord("Z1", weightedA(fmt.Sprintf("127.0.0.1%d", i), 0))
	}
	seen := map[string]int{}
	for range 300 {
		for _, ip := range answeredAddrs(ask("www.example.test", dns.TypeA)) {
			seen[ip]++
		}
	}
	for ip, n := range seen {
		if n < 50 {
			t.Errorf("answered %s %d times in 300, want about 100", ip, n)
		}
	}
	if len(seen) != 3 {
		t.Errorf("answered %v, want all three", seen)
	}
}

func TestAnswersAllSimpleValuesInChangingOrder(t *testing.T) {
	a, _, ask := serveZone(t)
	want := []string{"127.0.0.11", "127.0.0.12", "127.0.0.13"}
	a.SetRecord("Z1", RecordSet{Name: "www.example.test", Type: "A", TTL: 42, Values: want})
	first := map[string]bool{}
	for range 60 {
		m := ask("www.example.test", dns.TypeA)
		got := answeredAddrs(m)
		first[got[0]] = true
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
		if !m.Authoritative || m.RecursionAvailable || m.Answer[0].Header().Ttl != 42 {
			t.Fatalf("want an authoritative answer with TTL 42, got\n%v", m)
		}
	}
	if len(first) != 3 {
		t.Errorf("first were only %v", first)
	}
}

func TestAnswersUpToEightMultivalueSets(t *testing.T) {
	a, _, ask := serveZone(t)
	add := func(i int) {
		ip := fmt.Sprintf("127.0.0.%d", i)
		a.SetRecord("Z1", RecordSet{
			Name: "www.example.test", Type: "A", TTL: 30, SetIdentifier: ip, MultiValue: true, Values: []string{ip},
		})
	}
	add(1)
	add(2)
	if got := answeredAddrs(ask("www.example.test", dns.TypeA)); len(got) != 2 {
		t.Errorf("of two sets answered %v", got)
	}
	for i := range 12 {
		add(i + 1)
	}
	seen := map[string]bool{}
	for range 60 {
		got := answeredAddrs(ask("www.example.test", dns.TypeA))
		if len(got) != 8 {
			t.Fatalf("of twelve sets answered %d, want 8", len(got))
		}
		for _, ip := range got {
			seen[ip] = true
		}
	}
	if len(seen) != 12 {
		t.Errorf("only %d of twelve were ever answered", len(seen))
	}
}

func TestSaysWhatIsNotThere(t *testing.T) {
	a, _, ask := serveZone(t)
	a.AddZone(Zone{ID: "Z2", Name: "inside.test", Private: true})
	a.SetRecord("Z2", RecordSet{Name: "www.inside.test", Type: "A", TTL: 30, Values: []string{"127.0.0.1"}})
	a.SetRecord("Z1", RecordSet{Name: "a.deep.example.test", Type: "A", TTL: 30, Values: []string{"127.0.0.1"}})
	for _, tt := range []struct {
		name  string
		typ   uint16
		rcode int
		soa   bool
	}{
		{"a.deep.example.test", dns.TypeA, dns.RcodeSuccess, false},
		{"a.deep.example.test", dns.TypeAAAA, dns.RcodeSuccess, true}, // no data
		{"deep.example.test", dns.TypeA, dns.RcodeSuccess, true},      // no data, a name stands below it
		{"nothing.example.test", dns.TypeA, dns.RcodeNameError, true},
		{"example.test", dns.TypeNS, dns.RcodeSuccess, false},
		{"example.test", dns.TypeSOA, dns.RcodeSuccess, false},
		{"www.elsewhere.test", dns.TypeA, dns.RcodeRefused, false},
		{"www.inside.test", dns.TypeA, dns.RcodeRefused, false},
	} {
		m := ask(tt.name, tt.typ)
		soa := len(m.Ns) == 1 && m.Ns[0].Header().Rrtype == dns.TypeSOA
		if m.Rcode != tt.rcode || soa != tt.soa || m.Authoritative != (tt.rcode != dns.RcodeRefused) {
			t.Errorf("%s %s: want %s, SOA %v, got\n%v", tt.name, dns.TypeToString[tt.typ], dns.RcodeToString[tt.rcode], tt.soa, m)
		}
		if want := tt.rcode == dns.RcodeSuccess && !tt.soa; want != (len(m.Answer) > 0) {
			t.Errorf("%s %s: an answer is there: %v", tt.name, dns.TypeToString[tt.typ], !want)
		}
	}
}

func TestFollowsNamesAndAliasesInsideTheZone(t *testing.T) {
	a, _, ask := serveZone(t)
	a.SetRecord("Z1", RecordSet{Name: "www.example.test", Type: "A", TTL: 30, Values: []string{"127.0.0.9"}})
	a.SetRecord("Z1", RecordSet{Name: "cdn.example.test", Type: "CNAME", TTL: 60, Values: []string{"www.example.test"}})
	a.SetRecord("Z1", RecordSet{Name: "example.test", Type: "A", Alias: "www.example.test"})
	a.SetRecord("Z1", RecordSet{Name: "out.example.test", Type: "CNAME", TTL: 60, Values: []string{"www.elsewhere.test."}})
	a.SetRecord("Z1", RecordSet{Name: "loop.example.test", Type: "A", Alias: "loop.example.test"})

	m := ask("cdn.example.test", dns.TypeA)
	if len(m.Answer) != 2 || m.Answer[0].Header().Rrtype != dns.TypeCNAME || m.Answer[1].Header().Name != "www.example.test." {
		t.Errorf("through a CNAME:\n%v", m)
	}
	m = ask("example.test", dns.TypeA)
	if len(m.Answer) != 1 || m.Answer[0].Header().Name != "example.test." || m.Answer[0].Header().Ttl != 30 {
		t.Errorf("through an alias, want the target's address and TTL under the alias's name:\n%v", m)
	}
	if m = ask("out.example.test", dns.TypeA); len(m.Answer) != 1 || m.Rcode != dns.RcodeSuccess {
		t.Errorf("through a CNAME that leaves the zone:\n%v", m)
	}
	if m = ask("loop.example.test", dns.TypeA); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("an alias of itself:\n%v", m)
	}
}

func TestAnswersLongListsByTCP(t *testing.T) {
	a, d, ask := serveZone(t)
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("127.0.1.%d", i))
	}
	a.SetRecord("Z1", RecordSet{Name: "www.example.test", Type: "A", TTL: 30, Values: many})
	// The client's buffer has 512 bytes: more would not arrive whole.
	if m := ask("www.example.test", dns.TypeA); !m.Truncated || len(m.Answer) == 0 {
		t.Errorf("by UDP want a truncated answer, got %d addresses, truncated %v", len(m.Answer), m.Truncated)
	}
	q := new(dns.Msg).SetQuestion("www.example.test.", dns.TypeA)
	m, _, err := (&dns.Client{Net: "tcp"}).ExchangeContext(t.Context(), q, d.Addr().String())
	if err != nil || len(m.Answer) != 100 || m.Truncated {
		t.Errorf("by TCP want 100 addresses, got %v, %v", m, err)
	}
	q.SetEdns0(4096, false)
	m, _, err = (&dns.Client{UDPSize: 4096}).ExchangeContext(t.Context(), q, d.Addr().String())
	if err != nil || len(m.Answer) != 100 {
		t.Errorf("by UDP with EDNS want 100 addresses, got %v, %v", m, err)
	}
}

func TestServesTheSystemResolver(t *testing.T) {
	a, d, _ := serveZone(t)
	a.SetRecord("Z1", weightedA("127.0.0.11", 1))
	r := net.Resolver{PreferGo: true, Dial: dialerTo(d.Addr())}
	got, err := r.LookupNetIP(t.Context(), "ip", "www.example.test.")
	if err != nil || len(got) != 1 || got[0].Unmap() != netip.MustParseAddr("127.0.0.11") {
		t.Errorf("looked up %v, %v", got, err)
	}
}

func TestDNSLeavesNothingBehindAndFreesItsPort(t *testing.T) {
	leftOver := goleak.IgnoreCurrent()
	a := New(Options{})
	first, err := ServeDNS(t.Context(), a, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, err = ServeDNS(t.Context(), a, first.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "choose another port") {
		t.Errorf("a taken port gives %v", err)
	}
	first.Close()
	again, err := ServeDNS(t.Context(), a, first.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	again.Close()
	goleak.VerifyNone(t, leftOver)
}
