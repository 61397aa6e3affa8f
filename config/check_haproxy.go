package config

import "strings"

// HAProxy is where a haproxy check finds HAProxy's statistics, and what it expects of them.
type HAProxy struct {
	Path      string            // path and query of the CSV or of the Prometheus page, begins with a slash
	Headers   map[string]Secret // further headers by canonical name; secret, for they carry tokens
	BasicAuth *BasicAuth        // nil: none
	Backend   string            // the backend's name in HAProxy; empty: the only one that has servers
	Servers   int               // so many must be up, 1 to 10,000
	Backups   bool              // backup servers count when no other server is up
}

// haproxyKind is the kind haproxy.
func haproxyKind() kindSpec {
	return kindSpec{
		kind: KindHAProxy, port: needPort, tcp: true, read: readHAProxy,
		keys: append(tlsKeys(), keyTLS, keyHost, "path", "headers", keyBasicAuth, "backend", "servers", "backups"),
	}
}

// readHAProxy reads what only haproxy checks have.
func readHAProxy(s *section, c *Check) {
	h := &HAProxy{}
	c.HAProxy = h
	c.TLS = readTLSIfTold(s, c.Kind)
	h.Path = read(s, "path", "/;csv", requestPath)
	h.Headers = read(s, "headers", nil, byHeader(headerValue))
	h.BasicAuth = readBasicAuth(s, h.Headers)
	// What HAProxy allows in a name: its configuration manual, section 2.1, "name".
	h.Backend = read(s, "backend", "", matching(`[A-Za-z0-9_.:-]+`, "the name of a backend in HAProxy, such as app"))
	h.Servers = read(s, "servers", 1, integer(1, 10000))
	h.Backups = read(s, "backups", true, truth)
	// The page of HAProxy's statistics, such as /stats or /haproxy?stats, is HTML without it.
	if last := strings.TrimRight(h.Path, "/"); strings.HasSuffix(last, "stats") {
		s.at("path", "is the page for people", "write "+last+";csv")
	}
}
