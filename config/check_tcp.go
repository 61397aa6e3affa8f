package config

// tcpKind is the kind tcp.
func tcpKind() kindSpec {
	return kindSpec{kind: KindTCP, port: needPort, tcp: true}
}
