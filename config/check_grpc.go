package config

// GRPC is whose health a grpc check asks for.
type GRPC struct {
	Service string // the service that is asked for; empty: the server as a whole
}

// grpcKind is the kind grpc. It has no port by default: none is registered for the protocol.
func grpcKind() kindSpec {
	return kindSpec{kind: KindGRPC, port: needPort, tcp: true, read: readGRPC, keys: append(tlsKeys(), keyTLS, keyHost, "service")}
}

// readGRPC reads what only grpc checks have.
func readGRPC(s *section, c *Check) {
	c.GRPC = &GRPC{
		Service: read(s, "service", "",
			matching(`[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}`, "the name of a service such as shop.v1.Cart")),
	}
	c.TLS = readTLSIfTold(s, c.Kind)
}
