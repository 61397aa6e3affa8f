package config

// UDP is what a udp check sends, and what it expects.
type UDP struct {
	Send   Secret // the datagram's bytes, 1 to 65,507; secret, for they may hold a password
	Expect string // a regular expression (RE2) that must match in the answer's bytes; empty: any answer passes
	Tries  int    // how often it is sent before the time-out, 1 to 10
}

// udpKind is the kind udp.
func udpKind() kindSpec {
	return kindSpec{
		kind: KindUDP, port: needPort, read: readUDP,
		keys: []string{"send", "send_hex", "expect", "tries", keySource},
	}
}

// readUDP reads what only udp checks have.
func readUDP(s *section, c *Check) {
	const longest = 65535 - 20 - 8 // of a datagram over IPv4, without the headers of RFC 791 and RFC 768
	c.UDP = &UDP{
		Send:   readSend(s, longest),
		Expect: read(s, "expect", "", expression),
		Tries:  read(s, "tries", 1, integer(1, 10)),
	}
	if !s.gives("send") && !s.gives("send_hex") {
		s.at("send", "is missing", `write what the service answers to, such as send: "ping\n"; bytes go into send_hex`)
	}
}
