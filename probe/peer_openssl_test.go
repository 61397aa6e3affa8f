package probe_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rrwatch/probe"
)

// opensslServer starts openssl s_server with the certificate of a
// configuration and returns where it listens.
func opensslServer(t *testing.T, config *tls.Config, more ...string) netip.AddrPort {
	t.Helper()
	program := installed(t, "openssl")
	dir := t.TempDir()
	args := []string{"s_server", "-accept", "127.0.0.1:0", "-naccept", "20"}
	args = append(args, "-cert", pemFile(t, dir, "site.pem", config.Certificates[0]), "-key", filepath.Join(dir, "site.pem"))
	server := exec.CommandContext(t.Context(), program, append(args, more...)...)
	server.Dir = dir
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	input, err := server.StdinPipe() // s_server ends with its input
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if where, ok := strings.CutPrefix(lines.Text(), "ACCEPT "); ok {
			go func() {
				for lines.Scan() { // so that it never waits for a reader
				}
			}()
			return netip.MustParseAddrPort(where)
		}
	}
	t.Fatal("openssl does not listen")
	return netip.AddrPort{}
}

// pemFile writes a certificate with its chain and key.
func pemFile(t *testing.T, dir, name string, pair tls.Certificate) string {
	t.Helper()
	var text []byte
	for _, der := range pair.Certificate {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	if pair.PrivateKey != nil {
		key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOpenSSLServersAreJudged(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	good := ca.config(site, time.Hour)
	roots := pemFile(t, t.TempDir(), "roots.pem", tls.Certificate{Certificate: [][]byte{ca.cert.Raw}})
	other := ca.config("other.example.com", time.Hour)
	second := pemFile(t, t.TempDir(), "second.pem", other.Certificates[0])
	weak := []string{"-cipher", "ALL:@SECLEVEL=0"}
	for name, c := range map[string]struct {
		config *tls.Config
		args   []string
		set    func(*probe.TLSOptions)
		reason probe.Reason
		detail string
	}{
		"as usual":                   {good, nil, nil, "", "^TLS 1.3, certificate for www.example.com valid for "},
		"TLS 1.2 only":               {good, []string{"-tls1_2"}, nil, "", "^TLS 1.2, "},
		"TLS 1.2 only, 1.3 wanted":   {good, []string{"-tls1_2"}, wants13, probe.TLSVersion, "TLS 1.2"},
		"TLS 1.1 only":               {good, append([]string{"-tls1_1"}, weak...), nil, probe.TLSVersion, ""},
		"TLS 1.0 only":               {good, append([]string{"-tls1"}, weak...), nil, probe.TLSVersion, ""},
		"one curve only":             {good, []string{"-groups", "P-384"}, nil, "", ""},
		"an unknown curve":           {good, []string{"-groups", "X448"}, nil, probe.TLSHandshake, ""},
		"a cipher that is too old":   {good, []string{"-tls1_2", "-cipher", "AES128-SHA256:@SECLEVEL=0"}, nil, probe.TLSHandshake, ""},
		"another certificate":        {other, nil, nil, probe.TLSName, "other.example.com"},
		"the name selects the other": {good, []string{"-servername", site, "-cert2", second, "-key2", second}, nil, probe.TLSName, "other.example.com"},
		"the name is refused":        {good, []string{"-servername", "else.example.com", "-servername_fatal", "-cert2", second, "-key2", second}, nil, probe.TLSHandshake, "unrecognized name"},
		"an untrusted authority":     {newAuthority(t).config(site, time.Hour), nil, nil, probe.TLSUntrusted, ""},
		"out of date":                {ca.config(site, -time.Hour), nil, nil, probe.TLSExpired, ""},
		"wants a certificate, 1.2":   {good, []string{"-Verify", "1", "-verify_return_error", "-CAfile", roots, "-tls1_2"}, nil, probe.TLSHandshake, ""},
		"gets a certificate, 1.2":    {good, []string{"-Verify", "1", "-verify_return_error", "-CAfile", roots, "-tls1_2"}, presents(ca.client()), "", ""},
		"gets a certificate, 1.3":    {good, []string{"-Verify", "1", "-verify_return_error", "-CAfile", roots}, presents(ca.client()), "", ""},
		"gets a stranger's":          {good, []string{"-Verify", "1", "-verify_return_error", "-CAfile", roots, "-tls1_2"}, presents(newAuthority(t).client()), probe.TLSHandshake, ""},
		"speaks ALPN of another":     {good, []string{"-alpn", "imap"}, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			addr := opensslServer(t, c.config, c.args...)
			o := handshakeOf(ca)
			if c.set != nil {
				c.set(&o)
			}
			f := probe.TLS(o)
			for range 2 {
				a := ask(t, f, addr, soon)
				if a.Reason != c.reason || !regexp.MustCompile(c.detail).MatchString(a.Detail) {
					t.Errorf("got %+v, want %q, %q", a, c.reason, c.detail)
				}
				if a.Verdict == probe.Pass && a.Warning == "" {
					t.Errorf("a certificate that ends in an hour passes without a warning: %+v", a)
				}
			}
		})
	}
}

func wants13(o *probe.TLSOptions) { o.MinVersion = tls.VersionTLS13 }

func presents(cert *tls.Certificate) func(*probe.TLSOptions) {
	return func(o *probe.TLSOptions) { o.Client = cert }
}

func TestOpenSSLAnswersHTTPS(t *testing.T) {
	ca := newAuthority(t)
	roots := pemFile(t, t.TempDir(), "roots.pem", tls.Certificate{Certificate: [][]byte{ca.cert.Raw}})
	addr := opensslServer(t, ca.config(site, time.Hour), "-www", "-Verify", "1", "-verify_return_error", "-CAfile", roots)
	for name, c := range map[string]struct {
		cert   *tls.Certificate
		reason probe.Reason
	}{
		"with a certificate":    {ca.client(), ""},
		"without a certificate": {nil, probe.TLSHandshake},
	} {
		o := page()
		o.TLS = &probe.TLSOptions{Roots: ca.roots, Client: c.cert}
		o.Body = "New, TLSv1.3"
		if a := ask(t, probe.HTTP(o), addr, soon); a.Reason != c.reason {
			t.Errorf("%s: got %+v, want %q", name, a, c.reason)
		}
	}
}
