package main

import (
	"net/http"

	"rrwatch/config"
	"rrwatch/probe"
)

func haproxyOptions(c config.Check, dial probe.Dial) probe.HAProxyOptions {
	o := probe.HAProxyOptions{
		Host: c.Host, Path: c.HAProxy.Path, Header: headerOf(c.HAProxy.Headers),
		Backend: c.HAProxy.Backend, Servers: c.HAProxy.Servers, Backups: c.HAProxy.Backups, Dial: dial,
	}
	if a := c.HAProxy.BasicAuth; a != nil {
		(&http.Request{Header: o.Header}).SetBasicAuth(a.User, a.Password.Reveal())
	}
	if c.HAProxy.TLS {
		o.TLS = &probe.TLSOptions{}
	}
	return o
}

// headerOf are a check's headers as they are sent.
func headerOf(headers map[string]config.Secret) http.Header {
	h := http.Header{}
	for name, value := range headers {
		h.Set(name, value.Reveal())
	}
	return h
}
