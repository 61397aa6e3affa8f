package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Check is one question asked of every address of a pool.
type Check struct {
	Kind     Kind          // the protocol
	Name     string        // lower-case letters, digits and hyphens; unique in the pool
	Port     uint16        // 1 to 65535; 0 for a kind that has none
	Host     string        // the name that is spoken of: Host header, SNI and certificate name; empty for a kind that has none
	HTTP     *HTTP         // http and https; else nil
	ICMP     *ICMP         // icmp; else nil
	DNS      *DNS          // dns; else nil
	HAProxy  *HAProxy      // haproxy; else nil
	Session  *Session      // session; else nil
	Talk     []Step        // tcp: what is said over the connection; else, and when it is only made, empty
	UDP      *UDP          // udp; else nil
	TLS      *TLS          // https, tls; grpc, haproxy and session over TLS; tcp and http as far as they come to it; else nil
	Excused  *Excused      // which answers are excused; nil: none
	Interval time.Duration // from one question to the next; at least 10 ms
	Timeout  time.Duration // when an unanswered question has failed; at least 10 ms, at most Interval
	Recheck  time.Duration // from a first fail to the next question; at least 10 ms, at most Interval
	Fall     int           // fails that bring an Up target Down, 1 to 100
	Clear    int           // passes in a row that forget earlier fails, 1 to 100
	Rise     int           // passes in a row that bring a Down target Up, 1 to 100
	Tripwire bool          // an idle connection is held open whose end asks for a probe at once; kinds over TCP only
	Source   netip.Addr    // the address to probe from; invalid: the system's choice
	Proxy    ProxyProtocol // with which a connection begins; kinds over TCP only; empty: with none

	GRPC      *GRPC      // grpc; else nil
	Exec      *Exec      // exec; else nil
	Heartbeat *Heartbeat // heartbeat; else nil
}

// Kind is the protocol of a check.
type Kind string

// The kinds of check.
const (
	KindHTTP  Kind = "http"
	KindHTTPS Kind = "https"
	KindTCP   Kind = "tcp"
	KindTLS   Kind = "tls"
	KindICMP  Kind = "icmp"
	KindDNS   Kind = "dns"

	KindHAProxy Kind = "haproxy"
	KindSession Kind = "session"
	KindUDP     Kind = "udp"

	KindGRPC      Kind = "grpc"
	KindExec      Kind = "exec"
	KindHeartbeat Kind = "heartbeat"
)

// kindSpec is what the configuration knows of one kind of check.
type kindSpec struct {
	kind Kind
	port int      // the default; needPort: there is none; noPort: the kind has no port
	tcp  bool     // it speaks over a TCP connection of its own
	keys []string // its keys beside those of every check
	read func(s *section, c *Check)
}

// What a kind may say of its port instead of a default.
const (
	needPort = -1
	noPort   = 0
)

// kinds are all kinds, each from the file that reads it, in the order in which they are listed to a user.
func kinds() []kindSpec {
	return []kindSpec{
		httpKind(KindHTTP, 80),
		httpKind(KindHTTPS, 443),
		tcpKind(),
		tlsKind(),
		icmpKind(),
		dnsKind(),
		haproxyKind(),
		sessionKind(),
		udpKind(),
		grpcKind(),
		execKind(),
		heartbeatKind(),
	}
}

// The keys that every kind over TCP has, and those that name what is spoken of.
const (
	keyTripwire = "tripwire"
	keySource   = "source"
	keyProxy    = "proxy_protocol"
	keyHost     = "host"
)

func (k kindSpec) has(key string) bool {
	return slices.Contains(k.keys, key) || k.tcp && (key == keyTripwire || key == keySource || key == keyProxy) || k.port != noPort && key == "port"
}

// kindNames are the kinds' words.
func kindNames() []Kind {
	var names []Kind
	for _, k := range kinds() {
		names = append(names, k.kind)
	}
	return names
}

// quickest is the shortest interval, time-out or recheck: less would only measure the watcher.
const quickest = 10 * time.Millisecond

// readChecks reads the list checks of the pool that publishes record.
func readChecks(pool *section, record string) []Check {
	names := map[string]place{}
	checks := need(pool, "checks", "write at least one check, such as checks: [{kind: http}]",
		listOf(1, "{kind: http}", func(v value) (Check, bool) {
			s, ok := v.section()
			if !ok {
				return Check{}, false
			}
			c := readCheck(s, record)
			s.once("name", c.Name, "checks of this pool", names)
			return c, true
		}))
	nameChecks(checks)
	return checks
}

// nameChecks gives a name to the checks that have none: their kind, with a number if that is taken.
func nameChecks(checks []Check) {
	taken := map[string]bool{}
	for _, c := range checks {
		taken[c.Name] = true
	}
	for i := range checks {
		if checks[i].Name != "" {
			continue
		}
		checks[i].Name = freeName(string(checks[i].Kind), taken)
	}
}

// freeName takes a name that is not taken yet: the word, with a number if need be.
func freeName(word string, taken map[string]bool) string {
	name := word
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s-%d", word, n)
	}
	taken[name] = true
	return name
}

// readCheck reads one check.
func readCheck(s *section, record string) Check {
	words := kindNames()
	kind := need(s, "kind", "write "+orList(asText(words)), oneOf("kind", words...))
	c := Check{Kind: kind, Name: read(s, "name", "", name)}
	for _, spec := range kinds() {
		if spec.kind == kind {
			readKind(s, &c, spec, record)
		}
	}
	p := readPace(s, pace{interval: 5 * time.Second, timeout: 2 * time.Second, recheck: 500 * time.Millisecond})
	c.Interval, c.Timeout, c.Recheck = p.interval, p.timeout, p.recheck
	c.Fall = read(s, "fall", 3, integer(1, 100))
	c.Clear = read(s, "clear", 1, integer(1, 100))
	c.Rise = read(s, "rise", 2, integer(1, 100))
	if kind != "" {
		s.done()
	}
	return c
}

// readKind reads the keys that depend on the kind.
func readKind(s *section, c *Check, spec kindSpec, record string) {
	refuseForeignKeys(s, spec)
	switch spec.port {
	case noPort:
	case needPort:
		hint := fmt.Sprintf("write the port of a %s check, such as port: 443", spec.kind)
		c.Port = uint16(need(s, "port", hint, integer(1, 65535)))
	default:
		c.Port = uint16(read(s, "port", spec.port, integer(1, 65535)))
	}
	if spec.has(keyHost) {
		c.Host = read(s, keyHost, record, dnsName)
	}
	if spec.tcp {
		c.Tripwire = read(s, keyTripwire, true, truth)
		c.Proxy = read(s, keyProxy, "", oneOf(keyProxy, ProxyV1, ProxyV2))
	}
	if spec.has(keySource) {
		c.Source = read(s, keySource, netip.Addr{}, sourceAddr)
	}
	if spec.read != nil {
		spec.read(s, c)
	}
	if c.DNS != nil && c.DNS.Query == "" {
		c.DNS.Query = record
	}
}

// refuseForeignKeys reports the keys that mean nothing to the kind and something to others.
func refuseForeignKeys(s *section, spec kindSpec) {
	message := fmt.Sprintf("does not apply to %s check", article(string(spec.kind)))
	for _, e := range slices.Clone(s.entries) {
		if spec.has(e.name) {
			continue
		}
		var owners []string
		for _, other := range kinds() {
			if other.has(e.name) {
				owners = append(owners, string(other.kind))
			}
		}
		if len(owners) > 0 {
			s.refuse([]string{e.name}, message, "remove it, or write kind: "+orList(owners))
		}
	}
}

func article(word string) string {
	if strings.ContainsAny(word[:1], "aeio") { // a udp check: one says "you"
		return "an " + word
	}
	return "a " + word
}

func asText[T ~string](words []T) []string {
	var list []string
	for _, word := range words {
		list = append(list, string(word))
	}
	return list
}

// readPace reads the interval, and the two times that it bounds, in the section of a check or of an endpoint. What is left
// out of these shrinks to fit.
func readPace(s *section, usual pace) pace {
	before := len(s.doc.errs)
	times := duration(quickest, 24*time.Hour)
	p := pace{interval: read(s, "interval", usual.interval, times)}
	p.timeout = read(s, "timeout", min(usual.timeout, p.interval), times)
	p.recheck = read(s, "recheck", min(usual.recheck, p.interval), times)
	if len(s.doc.errs) > before {
		return p
	}
	longer := fmt.Sprintf("is longer than the interval of %s", s.shownAs("interval", short(usual.interval)))
	hint := "shorten it, or write a longer interval"
	if p.timeout > p.interval {
		s.at("timeout", longer, hint)
	}
	if p.recheck > p.interval {
		s.at("recheck", longer, hint)
	}
	return p
}

// pace is how often something is asked, and for how long an answer is waited for.
type pace struct{ interval, timeout, recheck time.Duration }
