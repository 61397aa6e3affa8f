package config

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestReadsADNSCheck(t *testing.T) {
	addr := netip.MustParseAddrPort
	for _, c := range []struct {
		check string
		port  uint16
		want  DNS
	}{
		{"kind: dns", 53, DNS{Query: "www.example.com", Type: "A", Transport: TransportUDP, Rcode: "NOERROR"}},
		{
			"{kind: dns, port: 5353, query: Example.ORG., type: MX, transport: tcp, recursion: true, answers: [10 mail.example.org], exactly: true, aa: true}",
			5353, DNS{
				Query: "example.org", Type: "MX", Transport: TransportTCP, Recursion: true, Rcode: "NOERROR",
				Answers: []string{"10 mail.example.org"}, Exactly: true, AA: true,
			},
		},
		{
			"{kind: dns, servers: ['192.0.2.53:53', '[2001:db8::53]:53'], rcode: NXDOMAIN}", 53,
			DNS{
				Query: "www.example.com", Type: "A", Transport: TransportUDP, Rcode: "NXDOMAIN",
				Servers: []netip.AddrPort{addr("192.0.2.53:53"), addr("[2001:db8::53]:53")},
			},
		},
		{
			"{kind: dns, authoritative: true, contains_address: true}", 53,
			DNS{Query: "www.example.com", Type: "A", Transport: TransportUDP, Rcode: "NOERROR", Authoritative: true, ContainsAddress: true, AA: true},
		},
		{
			"{kind: dns, authoritative: true, aa: false, answers: [], exactly: true, query: _sip._tcp.example.com, type: SRV}", 53,
			DNS{
				Query: "_sip._tcp.example.com", Type: "SRV", Transport: TransportUDP, Rcode: "NOERROR",
				Authoritative: true, Exactly: true,
			},
		},
	} {
		got := firstCheck(t, c.check)
		if got.Kind != KindDNS || got.Port != c.port || got.Host != "" || got.Tripwire {
			t.Errorf("%s: got %+v", c.check, got)
		}
		if diff := cmp.Diff(&c.want, got.DNS, cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", c.check, diff)
		}
	}
}

func TestReportsMistakesOfDNSServers(t *testing.T) {
	many := make([]string, 17)
	for i := range many {
		many[i] = fmt.Sprintf("'192.0.2.%d:53'", i)
	}
	for _, m := range []mistake{
		{
			name: "servers in two ways",
			new:  "{kind: dns, authoritative: true, servers: ['192.0.2.53:53']}",
			want: "8:51: pools[0].checks[0].servers: is given together with authoritative; write one of the two",
		},
		{
			name: "a port beside servers",
			new:  "{kind: dns, port: 53, servers: ['192.0.2.53:53']}",
			want: "8:27: pools[0].checks[0].port: does not apply where servers are named; remove it: each of servers has its own port",
		},
		{
			name: "a port beside the zone's own servers",
			new:  "{kind: dns, port: 53, authoritative: true}",
			want: "8:27: pools[0].checks[0].port: does not apply where servers are named; remove it: each of servers has its own port",
		},
		{
			name: "a server without a port",
			new:  "{kind: dns, servers: [192.0.2.53]}",
			want: `8:31: pools[0].checks[0].servers[0]: wants an IP address and a port such as 192.0.2.1:443, not "192.0.2.53"`,
		},
		{
			name: "no server",
			new:  "{kind: dns, servers: []}",
			want: "8:30: pools[0].checks[0].servers: is an empty list; write at least one, such as [192.0.2.53:53]",
		},
		{
			name: "a server twice",
			new:  "{kind: dns, servers: ['192.0.2.53:53', '192.0.2.53:53']}",
			want: `8:48: pools[0].checks[0].servers[1]: "192.0.2.53:53" is in the list twice; remove one`,
		},
		{
			name: "too many servers",
			new:  "{kind: dns, servers: [" + strings.Join(many, ", ") + "]}",
			want: "8:30: pools[0].checks[0].servers: lists more than 16 servers; ask fewer of them, or write a second check",
		},
	} {
		m.old = "kind: http"
		m.run(t)
	}
}

func TestReportsMistakesOfDNSExpectations(t *testing.T) {
	const (
		otherCode = ": does not apply to an answer with another rcode than NOERROR; remove it, or write rcode: NOERROR"
		address   = ": does not apply with contains_address, which asks for the addresses of the probed one's kind; remove it, or write a second check"
	)
	for _, m := range []mistake{
		{
			name: "an unknown type",
			new:  "{kind: dns, type: AAA}",
			want: `8:27: pools[0].checks[0].type: unknown type "AAA"; did you mean AAAA?`,
		},
		{
			name: "an unknown code",
			new:  "{kind: dns, rcode: NXDOMAN}",
			want: `8:28: pools[0].checks[0].rcode: unknown rcode "NXDOMAN"; did you mean NXDOMAIN?`,
		},
		{
			name: "data of another type",
			new:  "{kind: dns, answers: [192.0.2.1, www.example.com]}",
			want: `8:42: pools[0].checks[0].answers[1]: wants the data of a record of type A as a zone file writes it, not "www.example.com"`,
		},
		{
			name: "data that is a variable",
			new:  "{kind: dns, answers: [\"${HIDDEN}\"]}",
			want: `8:31: pools[0].checks[0].answers[0]: wants the data of a record of type A as a zone file writes it, not "${HIDDEN}"`,
		},
		{
			name: "answers beside an error",
			new:  "{kind: dns, rcode: REFUSED, answers: [192.0.2.1], exactly: true, contains_address: true}",
			want: "8:46: pools[0].checks[0].answers" + otherCode + "\n8:68: pools[0].checks[0].exactly" + otherCode +
				"\n8:92: pools[0].checks[0].contains_address" + otherCode,
		},
		{
			name: "answers beside the address",
			new:  "{kind: dns, contains_address: true, type: AAAA, answers: ['::1'], exactly: true}",
			want: "8:51: pools[0].checks[0].type" + address + "\n8:66: pools[0].checks[0].answers" + address + "\n8:84: pools[0].checks[0].exactly" + address,
		},
		{
			name: "exactly nothing",
			new:  "{kind: dns, exactly: true}",
			want: "8:30: pools[0].checks[0].exactly: has no answers to go by; write the answers that there must be; answers: [] means none",
		},
		{
			name: "a name that is none",
			new:  "{kind: dns, query: localhost}",
			want: `8:28: pools[0].checks[0].query: wants a DNS name such as www.example.com, not "localhost"`,
		},
		{
			name: "a host",
			new:  "{kind: dns, host: www.example.com}",
			want: "8:21: pools[0].checks[0].host: does not apply to a dns check; remove it, or write kind: " + owners("host"),
		},
		{
			name: "a transport that is none",
			new:  "{kind: dns, transport: https}",
			want: `8:32: pools[0].checks[0].transport: unknown transport "https"; write udp or tcp`,
		},
	} {
		m.old = "kind: http"
		m.run(t)
	}
}

func TestReportsACheckThatKeepsAPoolFromBeingHelped(t *testing.T) {
	const check = "checks:\n      - {kind: dns, name: published, authoritative: true, contains_address: true}"
	const want = `: pools[0].checks: has the check "published" with contains_address, which a standby can never pass: its own address is not published; ` +
		"remove contains_address, or write mode: observe for this pool"
	for _, m := range []mistake{
		{name: "in a pool that acts", new: "mode: act\n    " + check, want: "9:7" + want},
		{name: "in a pool that proposes", new: "mode: propose\n    " + check, want: "9:7" + want},
	} {
		m.old = "checks:\n      - kind: http"
		m.run(t)
	}
	mustParse(t, strings.Replace(smallest, "checks:\n      - kind: http", check, 1), noEnv)
}
