package probe

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Lengths of headers, in bytes.
const (
	echoHeader  = 8  // of every ICMP message that matters here
	ipv4Header  = 20 // without options
	ipv6Header  = 40 // without extensions, of which our echoes have none
	protocolV4  = 1  // ICMP in an IPv4 header
	protocolV6  = 58 // ICMPv6 in an IPv6 header
	checksummed = 2  // where the checksum stands in an ICMP header
)

// heard is what the network said of one echo.
type heard struct {
	id, seq uint16
	about   netip.Addr // the address that was asked
	says    netip.Addr // who says so: that address, or a router on the way
	data    []byte     // what is repeated of the echo's payload
	trouble string     // why there is no reply; empty: this is the reply
	at      time.Time  // when the kernel got it; zero: not known
	drops   uint32     // messages that the kernel has dropped so far, if it tells
}

// echoRequest makes an echo request whose payload is the token, again and again.
func echoRequest(v6 bool, id, seq uint16, token [tokenSize]byte, size int) []byte {
	m := make([]byte, echoHeader+size)
	m[0] = requestType(v6)
	binary.BigEndian.PutUint16(m[4:], id)
	binary.BigEndian.PutUint16(m[6:], seq)
	for n := echoHeader; n < len(m); {
		n += copy(m[n:], token[:])
	}
	if !v6 { // the kernel does it for ICMPv6, whose checksum covers the addresses
		binary.BigEndian.PutUint16(m[checksummed:], checksum(m))
	}
	return m
}

func requestType(v6 bool) byte {
	if v6 {
		return byte(ipv6.ICMPTypeEchoRequest)
	}
	return byte(ipv4.ICMPTypeEcho)
}

// checksum is that of the Internet (RFC 1071).
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// parseMessage reads an ICMP message; false if it can be about no echo of ours.
func parseMessage(v6 bool, m []byte, from netip.Addr) (heard, bool) {
	if len(m) < echoHeader {
		return heard{}, false
	}
	reply := byte(ipv4.ICMPTypeEchoReply)
	if v6 {
		reply = byte(ipv6.ICMPTypeEchoReply)
	}
	if m[0] == reply {
		h := echoOf(m)
		h.about, h.says = from, from
		return h, m[1] == 0 && (v6 || checksum(m) == 0)
	}
	about, echo, ok := quoted(v6, m[echoHeader:])
	if !ok {
		return heard{}, false
	}
	return readTrouble(v6, m[0], m[1], from, about, echo)
}

// readTrouble is what a message of trouble says of the echo that it repeats.
func readTrouble(v6 bool, kind, code byte, from, about netip.Addr, echo []byte) (heard, bool) {
	text := meaning(v6, kind, code)
	if text == "" || len(echo) < echoHeader || echo[0] != requestType(v6) || echo[1] != 0 {
		return heard{}, false
	}
	h := echoOf(echo)
	h.about, h.says, h.trouble = about, from, text
	return h, true
}

// echoOf reads id, number and payload of an echo or its reply.
func echoOf(m []byte) heard {
	return heard{id: binary.BigEndian.Uint16(m[4:]), seq: binary.BigEndian.Uint16(m[6:]), data: m[echoHeader:]}
}

// quoted reads the packet that a message of trouble repeats: where it went to,
// and the ICMP message in it.
func quoted(v6 bool, packet []byte) (about netip.Addr, echo []byte, ok bool) {
	if v6 {
		if len(packet) < ipv6Header || packet[0]>>4 != ipv6.Version || packet[6] != protocolV6 {
			return netip.Addr{}, nil, false
		}
		return netip.AddrFrom16([16]byte(packet[24:40])), packet[ipv6Header:], true
	}
	body, ok := inIPv4(packet)
	if !ok {
		return netip.Addr{}, nil, false
	}
	return netip.AddrFrom4([4]byte(packet[16:20])), body, true
}

// inIPv4 is the ICMP message in an IPv4 packet; false if it holds none, or not
// the beginning of one.
func inIPv4(packet []byte) ([]byte, bool) {
	if len(packet) < ipv4Header || packet[0]>>4 != ipv4.Version || packet[9] != protocolV4 {
		return nil, false
	}
	length := int(packet[0]&0xf) * 4
	fragment := binary.BigEndian.Uint16(packet[6:]) & 0x1fff
	if length < ipv4Header || length > len(packet) || fragment != 0 {
		return nil, false
	}
	return packet[length:], true
}

// meaning says what a type and code of trouble mean, in words; "" if they are
// no trouble. Codes are from RFC 792 and RFC 1812 section 5.2.7, RFC 4443
// section 3 and RFC 8883, as the IANA lists them.
func meaning(v6 bool, kind, code byte) string {
	if v6 {
		return meaningV6(ipv6.ICMPType(kind), code)
	}
	switch ipv4.ICMPType(kind) {
	case ipv4.ICMPTypeDestinationUnreachable:
		return numbered(code, "network unreachable", "host unreachable", "protocol unreachable", "port unreachable",
			"packet too large for the way (fragmentation needed)", "source route failed", "network unknown", "host unknown",
			"source host isolated", "network administratively prohibited", "host administratively prohibited",
			"network unreachable for this type of service", "host unreachable for this type of service",
			"administratively prohibited by a filter", "host precedence violation", "precedence cutoff in effect")
	case ipv4.ICMPTypeTimeExceeded:
		return timeExceeded
	case ipv4.ICMPTypeParameterProblem:
		return parameterProblem
	}
	return ""
}

func meaningV6(kind ipv6.ICMPType, code byte) string {
	switch kind {
	case ipv6.ICMPTypeDestinationUnreachable:
		return numbered(code, "no route to the address", "administratively prohibited", "beyond the scope of the source address",
			"address unreachable", "port unreachable", "source address failed the policy", "route rejected",
			"error in the source routing header", "headers too long")
	case ipv6.ICMPTypePacketTooBig:
		return "packet too large for the way"
	case ipv6.ICMPTypeTimeExceeded:
		return timeExceeded
	case ipv6.ICMPTypeParameterProblem:
		return parameterProblem
	}
	return ""
}

const (
	timeExceeded     = "time to live exceeded on the way (a routing loop?)"
	parameterProblem = "a parameter problem in the packet"
)

func numbered(code byte, words ...string) string {
	if int(code) < len(words) {
		return words[code]
	}
	return fmt.Sprintf("destination unreachable (code %d)", code)
}
