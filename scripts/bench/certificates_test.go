package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"
)

func TestTheChainLeadsToTheRootByWayOfTheIntermediate(t *testing.T) {
	c, err := certify(t.TempDir(), p256)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(c.served, c.served)
	if err != nil {
		t.Fatal(err)
	}
	if len(pair.Certificate) != 2 {
		t.Fatalf("the server shows %d certificates, want the leaf and the intermediate", len(pair.Certificate))
	}
	intermediate, err := x509.ParseCertificate(pair.Certificate[1])
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(c.root)
	if err != nil {
		t.Fatal(err)
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	options := x509.VerifyOptions{DNSName: siteName, Roots: roots, Intermediates: between}
	if _, err := pair.Leaf.Verify(options); err == nil {
		t.Error("the leaf is trusted without the intermediate: the chain is shorter than a site's")
	}
	between.AddCert(intermediate)
	if _, err := pair.Leaf.Verify(options); err != nil {
		t.Error(err)
	}
	if _, err := certify(t.TempDir(), "dsa"); err == nil {
		t.Error("made certificates with an unknown kind of key")
	}
}
