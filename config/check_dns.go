package config

import (
	"fmt"
	"net/netip"

	"rrwatch/probe"
)

// DNS is what a dns check asks, and what every server must answer. At most one of Servers and Authoritative is set;
// with neither, the probed address itself is asked.
type DNS struct {
	Query           string           // the name that is asked for, lower-case, without a dot at its end
	Type            string           // of the records, such as MX; with ContainsAddress it is A or AAAA, as the address is
	Transport       Transport        // what the question goes over
	Servers         []netip.AddrPort // the servers to ask
	Authoritative   bool             // the zone's own servers are asked
	Recursion       bool             // the server is asked to ask others
	Rcode           string           // the expected code, such as NXDOMAIN
	Answers         []string         // data of records that must be there; probe.CheckRecord reads each
	Exactly         bool             // no other records may be there
	ContainsAddress bool             // the probed address must be among the answers
	AA              bool             // the answer must be authoritative
}

// Transport is what a DNS question goes over.
type Transport string

// The transports.
const (
	TransportUDP Transport = "udp" // and TCP when the answer does not fit
	TransportTCP Transport = "tcp"
)

// dnsKind is the kind dns.
func dnsKind() kindSpec {
	return kindSpec{
		kind: KindDNS, port: 53, read: readDNS,
		keys: []string{
			keySource, "query", "type", "transport", "servers", "authoritative", "recursion",
			"rcode", "answers", "exactly", "contains_address", "aa",
		},
	}
}

const rcodeGood = "NOERROR"

// readDNS reads what only dns checks have. The query that is left out is set by readKind.
func readDNS(s *section, c *Check) {
	d := &DNS{}
	c.DNS = d
	d.Query = read(s, "query", "", dnsName)
	// The types and codes of RFC 1035 and its successors that a site is made of.
	d.Type = read(s, "type", "A", oneOf("type", "A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS",
		"PTR", "SOA", "SRV", "SVCB", "TLSA", "TXT"))
	d.Transport = read(s, "transport", TransportUDP, oneOf("transport", TransportUDP, TransportTCP))
	d.Servers = read(s, "servers", nil, dnsServers)
	d.Authoritative = read(s, "authoritative", false, truth)
	d.Recursion = read(s, "recursion", false, truth)
	d.Rcode = read(s, "rcode", rcodeGood, oneOf("rcode", rcodeGood, "FORMERR", "NOTIMP", "NXDOMAIN", "REFUSED", "SERVFAIL"))
	d.Answers = read(s, "answers", nil, listOf(0, "192.0.2.1", recordData(d.Type)))
	d.Exactly = read(s, "exactly", false, truth)
	d.ContainsAddress = read(s, "contains_address", false, truth)
	d.AA = read(s, "aa", d.Authoritative, truth)
	checkServersOf(s, d)
	checkExpected(s, d)
}

// dnsServers reads the servers to ask. Each is asked in every probe, so there cannot be many.
func dnsServers(v value) ([]netip.AddrPort, bool) {
	const most = 16
	list, ok := listOf(1, "192.0.2.53:53", addrPort)(v)
	if ok && len(list) > most {
		v.fail("lists more than 16 servers", "ask fewer of them, or write a second check")
		return nil, false
	}
	return list, ok && unique(v, list)
}

// recordData reads the data of a record of a type.
func recordData(kind string) func(value) (string, bool) {
	return func(v value) (string, bool) {
		got, ok := text(v)
		if !ok {
			return "", false
		}
		if probe.CheckRecord(kind, got) != nil {
			v.wants("the data of a record of type "+kind+" as a zone file writes it", "")
			return "", false
		}
		return got, true
	}
}

// checkServersOf reports ways to name the servers that exclude each other.
func checkServersOf(s *section, d *DNS) {
	if d.Authoritative && len(d.Servers) > 0 {
		s.at("servers", "is given together with authoritative", "write one of the two")
	}
	if (d.Authoritative || len(d.Servers) > 0) && s.gives("port") {
		s.at("port", "does not apply where servers are named", "remove it: each of servers has its own port")
	}
}

// checkExpected reports expectations that exclude each other.
func checkExpected(s *section, d *DNS) {
	if d.Rcode != rcodeGood {
		for _, key := range []string{"answers", "exactly", "contains_address"} {
			if s.gives(key) {
				s.at(key, "does not apply to an answer with another rcode than NOERROR", "remove it, or write rcode: NOERROR")
			}
		}
		return
	}
	if d.ContainsAddress {
		for _, key := range []string{"type", "answers", "exactly"} {
			if s.gives(key) {
				s.at(key, "does not apply with contains_address, which asks for the addresses of the probed one's kind",
					"remove it, or write a second check")
			}
		}
		return
	}
	if d.Exactly && !s.gives("answers") {
		s.at("exactly", "has no answers to go by", "write the answers that there must be; answers: [] means none")
	}
}

// checkPublished reports a check that every standby would fail, and every address that was withdrawn, in a pool whose
// addresses rrwatch may move: it would keep the pool from ever being helped.
func checkPublished(pool *section, p Pool) {
	for _, c := range p.Checks {
		if c.DNS != nil && c.DNS.ContainsAddress && (p.Mode == ModePropose || p.Mode == ModeAct) {
			pool.at("checks", fmt.Sprintf("has the check %q with contains_address, which a standby can never pass: its own address is not published", c.Name),
				"remove contains_address, or write mode: observe for this pool")
		}
	}
}
