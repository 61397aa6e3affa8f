package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// algorithm is the kind of key that certificates are made with.
type algorithm string

const (
	p256    algorithm = "p256"    // ECDSA on P-256
	rsa2048 algorithm = "rsa2048" // RSA of 2048 bits
)

// chain are the files of a site's certificates.
type chain struct {
	served string // leaf, intermediate and the leaf's key: what HAProxy reads as crt
	root   string // what a prober trusts
}

// certify makes certificates for siteName as sites have them: a leaf that an intermediate has signed, which the root has.
func certify(dir string, keys algorithm) (chain, error) {
	fail := func(err error) (chain, error) { return chain{}, fmt.Errorf("make the site's certificates: %w", err) }
	root, err := issue(nil, "bench root", keys)
	if err != nil {
		return fail(err)
	}
	intermediate, err := issue(root, "bench intermediate", keys)
	if err != nil {
		return fail(err)
	}
	leaf, err := issue(intermediate, siteName, keys)
	if err != nil {
		return fail(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(leaf.key)
	if err != nil {
		return fail(err)
	}
	c := chain{served: filepath.Join(dir, "site.pem"), root: filepath.Join(dir, "root.pem")}
	served := inPEM("CERTIFICATE", leaf.cert.Raw, intermediate.cert.Raw)
	served = append(served, inPEM("PRIVATE KEY", key)...)
	if err := os.WriteFile(c.served, served, 0o600); err != nil {
		return fail(err)
	}
	if err := os.WriteFile(c.root, inPEM("CERTIFICATE", root.cert.Raw), 0o600); err != nil {
		return fail(err)
	}
	return c, nil
}

func inPEM(what string, parts ...[]byte) []byte {
	var text bytes.Buffer
	for _, der := range parts {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: what, Bytes: der}))
	}
	return text.Bytes()
}

// issued is a certificate with its key.
type issued struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// issue makes a certificate that by signs, or that signs itself. All but the one for siteName may sign others.
func issue(by *issued, name string, keys algorithm) (*issued, error) {
	key, err := newKey(keys)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		BasicConstraintsValid: true,
	}
	if name == siteName {
		template.DNSNames = []string{name}
		template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	} else {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	}
	if by == nil {
		by = &issued{cert: template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key.Public(), by.key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &issued{cert: cert, key: key}, err
}

func newKey(keys algorithm) (crypto.Signer, error) {
	switch keys {
	case p256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case rsa2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return nil, fmt.Errorf("unknown kind of key %q; want %s or %s", keys, p256, rsa2048)
}
