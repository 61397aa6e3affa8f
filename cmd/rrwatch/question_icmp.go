package main

import (
	"rrwatch/config"
	"rrwatch/probe"
)

func icmpOptions(c config.Check) probe.ICMPOptions {
	return probe.ICMPOptions{Size: c.ICMP.Size, Source: c.Source}
}
