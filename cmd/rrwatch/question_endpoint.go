package main

import (
	"net/http"

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
			Method: e.HTTP.Method, Host: e.Host, Path: e.HTTP.Path, Header: http.Header{}, Body: e.HTTP.Body, Dial: dial,
		},
	}
	if e.Resolver.IsValid() {
		o.Resolve = probe.ServerResolver(e.Resolver, dial)
	}
	if e.TLS {
		o.HTTP.TLS = &probe.TLSOptions{WarnDays: e.WarnDays}
	}
	for name, value := range e.HTTP.Headers {
		o.HTTP.Header.Set(name, value.Reveal())
	}
	for _, r := range e.HTTP.Status {
		o.HTTP.Status = append(o.HTTP.Status, probe.StatusRange{From: r.Low, To: r.High})
	}
	return failover.Endpoint{
		Name: e.Name, URL: e.URL, Probe: probe.Endpoint(o),
		Interval: e.Interval, Timeout: e.Timeout, Recheck: e.Recheck,
		Thresholds: monitor.Thresholds{Fall: e.Fall, Clear: e.Clear, Rise: e.Rise},
	}
}
