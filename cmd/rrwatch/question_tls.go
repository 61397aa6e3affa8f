package main

import (
	"crypto/tls"

	"rrwatch/config"
	"rrwatch/probe"
)

// tlsOptions is how a check speaks TLS.
func tlsOptions(c config.Check, dial probe.Dial) probe.TLSOptions {
	o := probe.TLSOptions{Name: c.Host, Roots: c.TLS.Roots, MinVersion: tls.VersionTLS12, WarnDays: c.TLS.WarnDays, Dial: dial}
	if c.TLS.Min == config.TLS13 {
		o.MinVersion = tls.VersionTLS13
	}
	if c.TLS.ClientCert != "" {
		pair, err := tls.X509KeyPair([]byte(c.TLS.ClientCert), []byte(c.TLS.ClientKey.Reveal()))
		if err != nil {
			panic("the configuration let a client's certificate through that cannot be used: " + err.Error())
		}
		o.Client = &pair
	}
	return o
}

// securedOf is tlsOptions for a kind that may do without; nil: this check does.
func securedOf(c config.Check, dial probe.Dial) *probe.TLSOptions {
	if c.TLS == nil {
		return nil
	}
	o := tlsOptions(c, dial)
	return &o
}
