package main

import (
	"rrwatch/config"
	"rrwatch/probe"
)

// lineOf is how a check reaches an address: by dial, unless the check says
// otherwise.
func lineOf(c config.Check, dial probe.Dial) probe.Dial {
	if c.Source.IsValid() {
		dial = probe.From(c.Source)
	}
	if version := proxyOf(c); version != 0 {
		dial = probe.Announce(dial, version)
	}
	return dial
}

// proxyOf is the version of the PROXY protocol that a check's connections begin
// with; 0: with none.
func proxyOf(c config.Check) probe.ProxyVersion {
	switch c.Proxy {
	case config.ProxyV1:
		return probe.ProxyV1
	case config.ProxyV2:
		return probe.ProxyV2
	}
	return 0
}
