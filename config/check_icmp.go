package config

// ICMP is what an icmp check sends.
type ICMP struct {
	Size int // bytes of payload, 8 to 1472
}

// icmpKind is the kind icmp.
func icmpKind() kindSpec {
	return kindSpec{kind: KindICMP, port: noPort, keys: []string{"size", keySource}, read: readICMP}
}

// readICMP reads what only icmp checks have. The limits are those of an echo that holds a token and fits into one
// Ethernet frame; without a size it is that of ping(8).
func readICMP(s *section, c *Check) {
	c.ICMP = &ICMP{Size: read(s, "size", 56, integer(8, 1472))}
}
