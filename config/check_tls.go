package config

// tlsKind is the kind tls.
func tlsKind() kindSpec {
	return kindSpec{kind: KindTLS, port: 443, tcp: true, keys: []string{keyHost}}
}
