package simulator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// asked returns an AWS with the zone example.test and a way to ask its DNS without a network.
func asked(o Options) (*AWS, func(name string, typ uint16) *dns.Msg) {
	a := New(o)
	a.AddZone(Zone{ID: "Z1", Name: "example.test"})
	d := &DNS{aws: a}
	return a, func(name string, typ uint16) *dns.Msg {
		return d.answer(new(dns.Msg).SetQuestion(dns.Fqdn(name), typ))
	}
}

// seen counts which addresses www.example.test answers with.
func seen(ask func(string, uint16) *dns.Msg) map[string]int {
	out := map[string]int{}
	for range 300 {
		for _, ip := range answeredAddrs(ask("www.example.test", dns.TypeA)) {
			out[ip]++
		}
	}
	return out
}

func addresses(counts map[string]int) []string {
	var out []string
	for ip := range counts {
		out = append(out, ip)
	}
	slices.Sort(out)
	return out
}

func withCheck(r RecordSet) RecordSet {
	r.HealthCheck = "hc-" + r.Values[0]
	return r
}

func TestWeightedSetsHeedHealth(t *testing.T) {
	a, ask := asked(Options{})
	for _, r := range []RecordSet{weightedA("127.0.0.1", 30), weightedA("127.0.0.2", 10), weightedA("127.0.0.3", 0), weightedA("127.0.0.4", 0)} {
		a.SetRecord("Z1", withCheck(r))
	}
	for _, step := range []struct {
		sick string
		want []string
	}{
		{"", []string{"127.0.0.1", "127.0.0.2"}},
		{"127.0.0.1", []string{"127.0.0.2"}},
		{"127.0.0.2", []string{"127.0.0.3", "127.0.0.4"}}, // all that have a weight are unhealthy
		{"127.0.0.3", []string{"127.0.0.4"}},
		{"127.0.0.4", []string{"127.0.0.1", "127.0.0.2"}}, // all are unhealthy, so all count as healthy
	} {
		if step.sick != "" {
			a.SetHealthy("hc-"+step.sick, false)
		}
		counts := seen(ask)
		if d := cmp.Diff(step.want, addresses(counts)); d != "" {
			t.Errorf("after %q fell: %s", step.sick, d)
		}
	}
	a.SetHealthy("hc-127.0.0.2", true)
	if d := cmp.Diff([]string{"127.0.0.2"}, addresses(seen(ask))); d != "" {
		t.Errorf("after one is well again: %s", d)
	}
}

func TestMultivalueSetsHeedHealth(t *testing.T) {
	a, ask := asked(Options{})
	var all []string
	for n := range 10 {
		ip := fmt.Sprintf("127.0.0.1%d", n)
		all = append(all, ip)
		a.SetRecord("Z1", withCheck(RecordSet{Name: "www.example.test", Type: "A", TTL: 30, SetIdentifier: ip, MultiValue: true, Values: []string{ip}}))
	}
	for _, ip := range all[3:] {
		a.SetHealthy("hc-"+ip, false)
	}
	got := answeredAddrs(ask("www.example.test", dns.TypeA))
	slices.Sort(got)
	if d := cmp.Diff(all[:3], got); d != "" {
		t.Errorf("with three healthy: %s", d)
	}
	for _, ip := range all[:3] {
		a.SetHealthy("hc-"+ip, false)
	}
	if got := answeredAddrs(ask("www.example.test", dns.TypeA)); len(got) != 8 {
		t.Errorf("with none healthy answered %v, want eight", got)
	}
	if d := cmp.Diff(all, addresses(seen(ask))); d != "" {
		t.Errorf("with none healthy: %s", d)
	}
}

func TestAFailoverPairAnswersItsPrimaryWhileItCan(t *testing.T) {
	a, ask := asked(Options{})
	one := func(role, ip string) RecordSet {
		return withCheck(RecordSet{Name: "www.example.test", Type: "A", TTL: 30, SetIdentifier: role, Failover: role, Values: []string{ip}})
	}
	want := func(when, ip string) {
		t.Helper()
		if d := cmp.Diff([]string{ip}, addresses(seen(ask))); d != "" {
			t.Errorf("%s: %s", when, d)
		}
	}
	a.SetRecord("Z1", one("SECONDARY", "127.0.0.2"))
	want("without a primary", "127.0.0.2")
	a.SetRecord("Z1", one("PRIMARY", "127.0.0.1"))
	want("both healthy", "127.0.0.1")
	a.SetHealthy("hc-127.0.0.1", false)
	want("primary unhealthy", "127.0.0.2")
	a.SetHealthy("hc-127.0.0.2", false)
	want("both unhealthy", "127.0.0.1")
	a.RemoveRecord("Z1", "www.example.test", "A", "PRIMARY")
	want("without a primary, and unhealthy", "127.0.0.2")
}

func TestAHealthCheckMayBeInvertedOrDisabled(t *testing.T) {
	for _, tt := range []struct{ sick, inverted, disabled, healthy bool }{
		{false, false, false, true}, {true, false, false, false},
		{false, true, false, false}, {true, true, false, true},
		{false, false, true, true}, {true, false, true, true},
		{false, true, true, false}, {true, true, true, false},
	} {
		a := New(Options{})
		a.AddHealthCheck(HealthCheck{ID: "hc", Inverted: tt.inverted, Disabled: tt.disabled})
		a.SetHealthy("hc", !tt.sick)
		if got := a.registry.checks["hc"].healthy(); got != tt.healthy {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("setting the health of nothing does not panic")
		}
	}()
	New(Options{}).SetHealthy("hc", true)
}

func TestAnAliasCountsAsHealthyWhileItsTargetHasSomethingHealthy(t *testing.T) {
	a, ask := asked(Options{})
	for _, name := range []string{"a", "b"} {
		for _, n := range []string{"1", "2"} {
			ip := map[string]string{"a": "127.0.1.", "b": "127.0.2."}[name] + n
			r := weightedA(ip, 1)
			r.Name = name + ".example.test"
			a.SetRecord("Z1", withCheck(r))
		}
		alias := weightedA(name, 1)
		alias.Values, alias.TTL, alias.Alias, alias.AliasHealth = nil, 0, name+".example.test", true
		a.SetRecord("Z1", alias)
	}
	a.SetHealthy("hc-127.0.1.1", false)
	if d := cmp.Diff([]string{"127.0.1.2", "127.0.2.1", "127.0.2.2"}, addresses(seen(ask))); d != "" {
		t.Error(d)
	}
	a.SetHealthy("hc-127.0.1.2", false)
	if d := cmp.Diff([]string{"127.0.2.1", "127.0.2.2"}, addresses(seen(ask))); d != "" {
		t.Errorf("with nothing healthy behind one alias: %s", d)
	}
}

func TestAWildcardAnswersForNamesThatAreNotThere(t *testing.T) {
	a, ask := asked(Options{})
	for name, ip := range map[string]string{
		"*.example.test": "127.0.0.1", "www.example.test": "127.0.0.2", "a.deep.example.test": "127.0.0.3", "*.deep.example.test": "127.0.0.4", "www-2.example.test": "127.0.0.5",
	} {
		a.SetRecord("Z1", RecordSet{Name: name, Type: "A", TTL: 30, Values: []string{ip}})
	}
	for name, want := range map[string][]string{
		"any.example.test":        {"127.0.0.1"},
		"any.other.example.test":  {"127.0.0.1"},
		"www.example.test":        {"127.0.0.2"},
		"www-3.example.test":      {"127.0.0.1"},
		"any.www.example.test":    nil, // below a name that is there, with no wildcard of its own
		"deep.example.test":       nil, // there, for it stands above others
		"b.deep.example.test":     {"127.0.0.4"},
		"a.deep.example.test":     {"127.0.0.3"},
		`\097.deep.example.test`:  {"127.0.0.3"},
		"*.deep.example.test":     {"127.0.0.4"},
		"b.a.deep.example.test":   nil,
		"c.b.deep.example.test":   {"127.0.0.4"},
		"Any.DEEP.example.test":   {"127.0.0.4"},
		"any.www-2.example.test.": nil,
	} {
		m := ask(name, dns.TypeA)
		if d := cmp.Diff(want, answeredAddrs(m)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if missing := m.Rcode == dns.RcodeNameError; missing != (want == nil && name != "deep.example.test") {
			t.Errorf("%s: %s", name, dns.RcodeToString[m.Rcode])
		}
		if len(m.Answer) > 0 && m.Answer[0].Header().Name != dns.Fqdn(name) {
			t.Errorf("%s: answered for %s", name, m.Answer[0].Header().Name)
		}
	}
	if m := ask("any.example.test", dns.TypeAAAA); m.Rcode != dns.RcodeSuccess || len(m.Ns) != 1 {
		t.Errorf("another type of a wildcard:\n%v", m)
	}
}

func TestRefersToTheServersOfADelegatedZone(t *testing.T) {
	a, ask := asked(Options{})
	a.SetRecord("Z1", RecordSet{Name: "sub.example.test", Type: "NS", TTL: 300, Values: []string{"ns1.elsewhere.test.", "ns2.elsewhere.test."}})
	a.SetRecord("Z1", RecordSet{Name: "own.example.test", Type: "NS", TTL: 300, Values: []string{"ns1.elsewhere.test."}})
	a.AddZone(Zone{ID: "Z2", Name: "own.example.test"})
	for _, name := range []string{"sub.example.test", "a.b.sub.example.test"} {
		m := ask(name, dns.TypeA)
		if m.Authoritative || m.Rcode != dns.RcodeSuccess || len(m.Answer) != 0 || len(m.Ns) != 2 || m.Ns[0].Header().Name != "sub.example.test." {
			t.Errorf("%s:\n%v", name, m)
		}
	}
	if m := ask("www.own.example.test", dns.TypeA); !m.Authoritative || m.Rcode != dns.RcodeNameError {
		t.Errorf("a delegated zone of the account:\n%v", m)
	}
}

func TestAnswersTextsAsTheyWereMeant(t *testing.T) {
	a, ask := asked(Options{})
	value := `"holder=a; until=1" "b\303\274cher \"x\" \\"`
	a.SetRecord("Z1", RecordSet{Name: "_rrwatch.www.example.test", Type: "TXT", TTL: 5, Values: []string{value}})
	m := ask("_rrwatch.www.example.test", dns.TypeTXT)
	if len(m.Answer) != 1 {
		t.Fatalf("answered\n%v", m)
	}
	wire := make([]byte, 512)
	n, err := dns.PackRR(m.Answer[0], wire, 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	want := "\x11holder=a; until=1\x0db\xc3\xbccher \"x\" \\"
	if got := string(wire[:n]); m.Answer[0].Header().Ttl != 5 || !strings.HasSuffix(got, want) {
		t.Errorf("answered %q, want it to end with %q", got, want)
	}
}

func TestAZoneMadeOverTheWireIsAnsweredWhenItIsInSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, ask := asked(Options{Sync: time.Minute})
		body := `<CreateHostedZoneRequest><Name>new.test</Name><CallerReference>1</CallerReference></CreateHostedZoneRequest>`
		a.mu.Lock()
		_, err := a.createZone(call{body: []byte(body)})
		a.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		if m := ask("new.test", dns.TypeNS); m.Rcode != dns.RcodeRefused {
			t.Errorf("while PENDING:\n%v", m)
		}
		time.Sleep(time.Minute)
		if m := ask("new.test", dns.TypeNS); len(m.Answer) != 4 || !m.Authoritative {
			t.Errorf("when INSYNC:\n%v", m)
		}
	})
}
