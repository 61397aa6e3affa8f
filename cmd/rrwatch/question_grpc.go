package main

import (
	"rrwatch/config"
	"rrwatch/probe"
)

func grpcOptions(c config.Check, dial probe.Dial) probe.GRPCOptions {
	return probe.GRPCOptions{TLS: securedOf(c, dial), Host: c.Host, Service: c.GRPC.Service, Dial: dial}
}
