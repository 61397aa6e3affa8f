package config

// ProxyProtocol is a version of the PROXY protocol, by which a connection says who is at its ends before anything else.
type ProxyProtocol string

// The versions of the PROXY protocol. Empty: none is spoken.
const (
	ProxyV1 ProxyProtocol = "v1"
	ProxyV2 ProxyProtocol = "v2"
)
