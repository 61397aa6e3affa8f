package main

import (
	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

// endpointOf turns a configured endpoint into one that can be asked.
func endpointOf(e config.Endpoint, dial probe.Dial) failover.Endpoint {
	o := probe.EndpointOptions{
		Port: e.Port, Resolve: probe.SystemResolver(),
		HTTP: probe.HTTPOptions{
			Method: e.HTTP.Method, Host: e.Host, Path: e.HTTP.Path, Header: headerOf(e.HTTP.Headers, nil),
			Status: statusRanges(e.HTTP.Status), Body: e.HTTP.Body, Dial: dial,
		},
	}
	if e.Resolver.IsValid() {
		o.Resolve = probe.ServerResolver(e.Resolver, dial)
	}
	if e.TLS {
		o.HTTP.TLS = &probe.TLSOptions{WarnDays: e.WarnDays}
	}
	return failover.Endpoint{
		Name: e.Name, URL: e.URL, Probe: probe.Endpoint(o),
		Interval: e.Interval, Timeout: e.Timeout, Recheck: e.Recheck,
		Thresholds: monitor.Thresholds{Fall: e.Fall, Clear: e.Clear, Rise: e.Rise},
	}
}
