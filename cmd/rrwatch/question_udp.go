package main

import (
	"rrwatch/config"
	"rrwatch/probe"
)

// udpOf sends a datagram and expects one.
func udpOf(c config.Check, dial probe.Dial) probe.Func {
	return probe.UDP(probe.UDPOptions{
		Send: c.UDP.Send.Reveal(), Expect: c.UDP.Expect, Tries: c.UDP.Tries, Dial: dial,
	})
}
