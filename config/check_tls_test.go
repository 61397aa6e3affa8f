package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// identity writes a certificate and its key to files of a folder.
func identity(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &pair.PublicKey, pair)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	cert = writePEM(t, dir, name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return cert, writePEM(t, dir, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

func writePEM(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestReadsEveryKeyOfATLSCheck(t *testing.T) {
	dir := t.TempDir()
	cert, key := identity(t, dir, "a")
	for _, kind := range []string{"tls", "https", "http, follow: 1"} {
		c := httpCheck(t, fmt.Sprintf(`{kind: %s, host: b.example.com, min_tls: "1.3", warn_days: 30, ca_file: %s, client_cert_file: %s, client_key_file: "${KEY}"}`,
			kind, cert, cert), map[string]string{"KEY": key}).TLS
		if c.Min != TLS13 || c.WarnDays != 30 || c.Roots == nil || !strings.Contains(c.ClientCert, "CERTIFICATE") ||
			!strings.Contains(c.ClientKey.Reveal(), "PRIVATE KEY") {
			t.Errorf("%s: got %+v", kind, c)
		}
	}
}

func TestOneFileMayHoldCertificateAndKey(t *testing.T) {
	dir := t.TempDir()
	cert, key := identity(t, dir, "a")
	var both strings.Builder
	for _, file := range []string{key, cert} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		both.Write(text)
	}
	file := writePEM(t, dir, "both.pem", both.String())
	if c := httpCheck(t, fmt.Sprintf("{kind: tls, ca_file: %[1]s, client_cert_file: %[1]s, client_key_file: %[1]s}", file), nil); c.TLS.ClientKey == "" {
		t.Error("no key was read")
	}
}

func TestReportsMistakesOfTLS(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	identity(t, dir, "a")
	identity(t, dir, "b")
	writePEM(t, dir, "no.pem", "geheim")
	writePEM(t, dir, "bad.pem", "-----BEGIN CERTIFICATE-----\nZ2VoZWlt\n-----END CERTIFICATE-----\n")
	writePEM(t, dir, "long.pem", strings.Repeat("x", 1<<20+1))
	for _, m := range []mistake{
		{
			name: "an unknown version", old: "kind: http", new: "{kind: tls, min_tls: 1.1}",
			want: "8:30: pools[0].checks[0].min_tls: wants 1.2 or 1.3, not 1.1",
		},
		{
			name: "a negative number of days", old: "kind: http", new: "{kind: tls, warn_days: -1}",
			want: "8:32: pools[0].checks[0].warn_days: wants a whole number from 0 to 365, not -1",
		},
		{
			name: "a missing authority", old: "kind: http", new: "{kind: tls, ca_file: nowhere.pem}",
			want: `8:30: pools[0].checks[0].ca_file: "nowhere.pem" does not exist; write certificates in PEM to that file, or correct the path`,
		},
		{
			name: "an authority that is none", old: "kind: http", new: "{kind: tls, ca_file: no.pem}",
			want: `8:30: pools[0].checks[0].ca_file: "no.pem" holds no certificate in PEM; name a file with -----BEGIN CERTIFICATE----- in it`,
		},
		{
			name: "a certificate that is none", old: "kind: http", new: "{kind: tls, ca_file: bad.pem}",
			want: `8:30: pools[0].checks[0].ca_file: "bad.pem" holds a certificate that cannot be read; check its certificate number 1`,
		},
		{
			name: "a long file", old: "kind: http", new: "{kind: tls, ca_file: long.pem}",
			want: `8:30: pools[0].checks[0].ca_file: "long.pem" is no file of at most 1024 KiB; name the file that holds certificates in PEM`,
		},
		{
			name: "a certificate without a key", old: "kind: http", new: "{kind: https, client_cert_file: a.pem}",
			want: "8:41: pools[0].checks[0].client_cert_file: is given without client_key_file; write both; one file may hold the certificate and its key",
		},
		{
			name: "a key without a certificate", old: "kind: http", new: "{kind: https, client_key_file: a.key}",
			want: "8:40: pools[0].checks[0].client_key_file: is given without client_cert_file; write both; one file may hold the certificate and its key",
		},
		{
			name: "another's key", old: "kind: http", new: "{kind: https, client_cert_file: a.pem, client_key_file: b.key}",
			want: "8:65: pools[0].checks[0].client_key_file: holds no key in PEM that belongs to the certificate of client_cert_file; " +
				"check both files; a key with a passphrase cannot be used",
		},
		{
			name: "a certificate of a tcp check", old: "kind: http", new: "{kind: tcp, port: 1, ca_file: a.pem}",
			want: "8:30: pools[0].checks[0].ca_file: is for TLS, and this check has none; remove it, or write a step {tls: true} into talk",
		},
	} {
		m.run(t)
	}
}
