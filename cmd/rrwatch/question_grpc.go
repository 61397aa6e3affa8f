package main

import (
	"rrwatch/config"
	"rrwatch/probe"
)

func grpcOptions(c config.Check, dial probe.Dial) probe.GRPCOptions {
	o := probe.GRPCOptions{Host: c.Host, Service: c.GRPC.Service, Dial: dial}
	if c.TLS != nil {
		secured := tlsOptions(c, dial)
		o.TLS = &secured
	}
	return o
}
