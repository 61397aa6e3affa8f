package main

import (
	"rrwatch/config"
	"rrwatch/probe"
)

func haproxyOptions(c config.Check, dial probe.Dial) probe.HAProxyOptions {
	return probe.HAProxyOptions{
		TLS:  securedOf(c, dial),
		Host: c.Host, Path: c.HAProxy.Path, Header: headerOf(c.HAProxy.Headers, c.HAProxy.BasicAuth),
		Backend: c.HAProxy.Backend, Servers: c.HAProxy.Servers, Backups: c.HAProxy.Backups, Dial: dial,
	}
}
