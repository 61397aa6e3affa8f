package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// TLS is what a check shows and expects in a handshake.
type TLS struct {
	Min        TLSVersion     // an older version fails
	WarnDays   int            // a certificate that ends within so many days is a warning; 0: never; at most 365
	Roots      *x509.CertPool // the authorities that are trusted; nil: the system's
	ClientCert string         // in PEM, with its chain, for servers that ask for one; empty: none
	ClientKey  Secret         // in PEM; belongs to ClientCert
}

// TLSVersion is a version of TLS.
type TLSVersion string

// The versions that are spoken.
const (
	TLS12 TLSVersion = "1.2"
	TLS13 TLSVersion = "1.3"
)

// tlsKind is the kind tls.
func tlsKind() kindSpec {
	return kindSpec{
		kind: KindTLS, port: 443, tcp: true, keys: append(tlsKeys(), keyHost),
		read: func(s *section, c *Check) { c.TLS = readTLS(s) },
	}
}

// tlsKeys are the keys of every kind that may speak TLS.
func tlsKeys() []string {
	return []string{"min_tls", "warn_days", "ca_file", "client_cert_file", "client_key_file"}
}

// readTLS reads the keys of tlsKeys.
func readTLS(s *section) *TLS {
	t := &TLS{}
	t.Min = read(s, "min_tls", TLS12, versionOf(TLS12, TLS13))
	t.WarnDays = read(s, "warn_days", 14, integer(0, 365))
	t.Roots = read(s, "ca_file", nil, authorities)
	t.ClientCert = read(s, "client_cert_file", "", certificateFile)
	t.ClientKey = read(s, "client_key_file", "", secretFile)
	const both = "write both; one file may hold the certificate and its key"
	switch {
	case s.gives("client_cert_file") && !s.gives("client_key_file"):
		s.at("client_cert_file", "is given without client_key_file", both)
	case s.gives("client_key_file") && !s.gives("client_cert_file"):
		s.at("client_key_file", "is given without client_cert_file", both)
	case t.ClientCert != "" && t.ClientKey != "":
		if _, err := tls.X509KeyPair([]byte(t.ClientCert), []byte(t.ClientKey.Reveal())); err != nil {
			s.at("client_key_file", "holds no key in PEM that belongs to the certificate of client_cert_file",
				"check both files; a key with a passphrase cannot be used")
		}
	}
	return t
}

// keyTLS is the key of the kinds that may speak TLS or not.
const keyTLS = "tls"

// readTLSIfTold reads the keys of tlsKeys for a kind that speaks TLS only when it is told to; nil when it is not.
func readTLSIfTold(s *section, kind Kind) *TLS {
	if read(s, keyTLS, false, truth) {
		return readTLS(s)
	}
	s.refuse(tlsKeys(), "does not apply to "+article(string(kind))+" check without TLS", "remove it, or write tls: true")
	return nil
}

// versionOf reads the number of a version, with or without quotes: to YAML it is a number.
func versionOf[T ~string](known ...T) func(value) (T, bool) {
	return func(v value) (T, bool) {
		for _, version := range known {
			if v.node.Kind == yaml.ScalarNode && v.text == string(version) {
				return version, true
			}
		}
		v.wants(orList(asText(known)), "")
		return "", false
	}
}

// authorities reads certificates from the file that the value names, as what is trusted.
func authorities(v value) (*x509.CertPool, bool) {
	certs, _, ok := certificates(v)
	pool := x509.NewCertPool()
	for _, cert := range certs {
		pool.AddCert(cert)
	}
	return pool, ok
}

// certificateFile returns what a file of certificates holds.
func certificateFile(v value) (string, bool) {
	_, text, ok := certificates(v)
	return text, ok
}

// certificates reads the certificates, at least one, in the file that the value names.
func certificates(v value) (all []*x509.Certificate, text string, ok bool) {
	const longest = 1 << 20 // the bundles of operating systems have a quarter of that
	data, ok := smallFile(v, "certificates in PEM", longest)
	if !ok {
		return nil, "", false
	}
	file := strconv.Quote(v.node.Value)
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			v.fail(file+" holds a certificate that cannot be read", "check its certificate number "+strconv.Itoa(len(all)+1))
			return nil, "", false
		}
		all = append(all, cert)
	}
	if len(all) == 0 {
		v.fail(file+" holds no certificate in PEM", "name a file with -----BEGIN CERTIFICATE----- in it")
		return nil, "", false
	}
	return all, string(data), true
}
