package probe_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"rrwatch/probe"
)

const site = "www.example.com"

// under is an authority whose certificate another one signed.
func (a *authority) under(name string, lasts time.Duration) *authority {
	a.t.Helper()
	sub := &authority{t: a.t, key: newKey(a.t), roots: a.roots}
	end := time.Now().Add(lasts)
	sub.cert = a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: name},
		NotBefore: end.Add(-1000 * 24 * time.Hour), NotAfter: end,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, a.cert, &sub.key.PublicKey)
	return sub
}

// longLived is an authority that lasts a thousand days.
func longLived(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t), roots: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = a.sign(template, template, &a.key.PublicKey)
	a.roots.AddCert(a.cert)
	return a
}

// chained is config with the authority's own certificate in the chain.
func (a *authority) chained(name string, lasts time.Duration) *tls.Config {
	a.t.Helper()
	config := a.config(name, lasts)
	config.Certificates[0].Certificate = append(config.Certificates[0].Certificate, a.cert.Raw)
	return config
}

// client is a certificate to show to servers.
func (a *authority) client() *tls.Certificate {
	a.t.Helper()
	key := newKey(a.t)
	cert := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(4), Subject: pkix.Name{CommonName: "watcher"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey)
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func handshakeOf(a *authority) probe.TLSOptions {
	return probe.TLSOptions{Name: site, Roots: a.roots, Dial: dial(), WarnDays: 14}
}

func TestSaysHowLongACertificateIsValid(t *testing.T) {
	root := longLived(t)
	end := time.Now().Add(days(61) + time.Hour)
	addr := serveTLS(t, root.under("Test R11", days(300)).chained(site, days(61)+time.Hour), wait)
	a := ask(t, probe.TLS(handshakeOf(root)), addr, soon)
	want := "TLS 1.3, certificate for www.example.com valid for 61 more days, until " + end.UTC().Format(time.DateOnly) +
		" (chain: Test R11, Test Root)"
	if a.Verdict != probe.Pass || a.Detail != want || a.Warning != "" {
		t.Errorf("got %+v, want %q", a, want)
	}
}

func TestWarnsBeforeACertificateExpires(t *testing.T) {
	root := longLived(t)
	on := func(lasts time.Duration) string { return time.Now().Add(lasts).UTC().Format(time.DateOnly) }
	for name, c := range map[string]struct {
		sub, leaf time.Duration
		warn      int
		want      string
	}{
		"far away":               {days(300), days(15), 14, ""},
		"soon":                   {days(300), days(9) + time.Hour, 14, "the certificate expires in 9 days, on " + on(days(9)+time.Hour)},
		"tomorrow":               {days(300), days(1) + time.Hour, 14, "the certificate expires in 1 day, on " + on(days(1)+time.Hour)},
		"today":                  {days(300), time.Hour, 14, "the certificate expires in less than a day, on " + on(time.Hour)},
		"just within":            {days(300), days(14) - time.Minute, 14, "the certificate expires in 13 days, on " + on(days(14)-time.Minute)},
		"just outside":           {days(300), days(14) + time.Minute, 14, ""},
		"off":                    {days(300), time.Hour, 0, ""},
		"an authority within it": {days(2) + time.Hour, days(60), 14, "the chain's certificate of Sub expires in 2 days, on " + on(days(2)+time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			o := handshakeOf(root)
			o.WarnDays = c.warn
			addr := serveTLS(t, root.under("Sub", c.sub).chained(site, c.leaf), answer("HTTP/1.1 500 X\r\n\r\n"))
			page := page()
			page.TLS = &o
			for range 2 { // the second verdict is a kept one
				a := ask(t, probe.TLS(o), addr, soon)
				if a.Verdict != probe.Pass || a.Warning != c.want {
					t.Errorf("tls: got %+v, want the warning %q", a, c.want)
				}
				if a := ask(t, probe.HTTP(page), addr, soon); a.Reason != probe.Status || a.Warning != c.want {
					t.Errorf("https: got %+v, want the warning %q", a, c.want)
				}
			}
		})
	}
}

// A root that expires soon is no trouble while another way leads to a root that
// does not: that is how authorities change their roots.
func TestWarnsOfTheChainThatLastsLongest(t *testing.T) {
	root := longLived(t)
	sub := root.under("Sub", days(300))
	old := longLived(t)
	cross := old.sign(&x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "Sub"}, SubjectKeyId: sub.cert.SubjectKeyId,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, old.cert, &sub.key.PublicKey)
	config := sub.chained(site, days(60))
	config.Certificates[0].Certificate = append(config.Certificates[0].Certificate, cross.Raw)
	o := handshakeOf(root)
	o.Roots.AddCert(old.cert)
	if a := ask(t, probe.TLS(o), serveTLS(t, config, wait), soon); a.Verdict != probe.Pass || a.Warning != "" {
		t.Errorf("got %+v, want no warning", a)
	}
}

func TestWantsTheVersionThatIsWanted(t *testing.T) {
	ca := newAuthority(t)
	for name, c := range map[string]struct {
		most   uint16 // of the server
		want   uint16
		reason probe.Reason
		detail string
	}{
		"1.3 is spoken":            {tls.VersionTLS13, tls.VersionTLS13, "", "TLS 1.3"},
		"1.2 is enough":            {tls.VersionTLS12, tls.VersionTLS12, "", "TLS 1.2"},
		"1.2 is the default":       {tls.VersionTLS12, 0, "", "TLS 1.2"},
		"1.3 is wanted, 1.2 given": {tls.VersionTLS12, tls.VersionTLS13, probe.TLSVersion, "agreed to TLS 1.2, and TLS 1.3 is wanted"},
		"1.2 is wanted, 1.1 given": {tls.VersionTLS11, 0, probe.TLSVersion, "protocol version not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			config := ca.config(site, time.Hour)
			config.MinVersion, config.MaxVersion = tls.VersionTLS10, c.most
			o := handshakeOf(ca)
			o.MinVersion = c.want
			page := page()
			page.TLS = &o
			addr := serveTLS(t, config, answer(ok))
			a := ask(t, probe.TLS(o), addr, soon)
			if a.Reason != c.reason || !strings.Contains(a.Detail, c.detail) {
				t.Errorf("tls: got %+v, want %q, %q", a, c.reason, c.detail)
			}
			if a := ask(t, probe.HTTP(page), addr, soon); a.Reason != c.reason {
				t.Errorf("https: got %+v, want %q", a, c.reason)
			}
		})
	}
}

// Old servers know nothing of versions that a client refuses: they just answer
// in theirs.
func TestAServerThatAnswersInAnOldVersionIsTooOld(t *testing.T) {
	hello := "\x16\x03\x01\x00\x2a" + "\x02\x00\x00\x26" + "\x03\x01" + strings.Repeat("r", 32) + "\x00" + "\xc0\x13" + "\x00"
	a := ask(t, probe.TLS(handshakeOf(newAuthority(t))), serve(t, answerAnything(hello)), soon)
	if a.Verdict != probe.Fail || a.Reason != probe.TLSVersion {
		t.Errorf("got %+v, want %q", a, probe.TLSVersion)
	}
}

func TestShowsItsCertificateToAServerThatAsks(t *testing.T) {
	ca := newAuthority(t)
	shown := ca.client()
	for name, most := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			config := ca.config(site, time.Hour)
			config.ClientAuth, config.ClientCAs, config.MaxVersion = tls.RequireAndVerifyClientCert, ca.roots, most
			addr := serveTLS(t, config, answer(ok))
			for whose, c := range map[string]struct {
				cert   *tls.Certificate
				reason probe.Reason
			}{
				"none":         {nil, probe.TLSHandshake},
				"its own":      {shown, ""},
				"a stranger's": {newAuthority(t).client(), probe.TLSHandshake},
			} {
				page := page()
				page.TLS = &probe.TLSOptions{Roots: ca.roots, Client: c.cert}
				if a := ask(t, probe.HTTP(page), addr, soon); a.Reason != c.reason {
					t.Errorf("%s: got %+v, want %q", whose, a, c.reason)
				}
			}
		})
	}
}

func TestEachHandshakeIsWholeAndClassical(t *testing.T) {
	ca := newAuthority(t)
	config := ca.config(site, time.Hour)
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if len(hello.SupportedCurves) == 0 || hello.SupportedCurves[0] != tls.X25519 {
			t.Errorf("the key exchanges are %v, want X25519 first", hello.SupportedCurves)
		}
		return nil, nil
	}
	resumed := make(chan bool, 3)
	addr := serveTLS(t, config, func(conn net.Conn) {
		resumed <- conn.(*tls.Conn).ConnectionState().DidResume
		answer(ok)(conn)
	})
	page := page()
	page.TLS = &probe.TLSOptions{Roots: ca.roots}
	f := probe.HTTP(page)
	for range 3 {
		if a := ask(t, f, addr, soon); a.Verdict != probe.Pass {
			t.Fatalf("got %+v", a)
		}
		if <-resumed {
			t.Error("a session was resumed: its certificate was not looked at")
		}
	}
}

func TestASignatureByAnotherKeyFailsAlthoughTheCertificateIsKnown(t *testing.T) {
	ca := newAuthority(t)
	config := ca.config(site, time.Hour)
	f := probe.TLS(handshakeOf(ca))
	if a := ask(t, f, serveTLS(t, config, wait), soon); a.Verdict != probe.Pass {
		t.Fatalf("got %+v", a)
	}
	config.Certificates[0].PrivateKey = newKey(t)
	if a := ask(t, f, serveTLS(t, config, wait), soon); a.Verdict != probe.Fail || a.Reason != probe.TLSHandshake {
		t.Errorf("somebody with another key: got %+v, want a fail", a)
	}
}

func TestWithoutANameNoCertificateIsGood(t *testing.T) {
	ca := newAuthority(t)
	o := handshakeOf(ca)
	o.Name = ""
	if a := ask(t, probe.TLS(o), serveTLS(t, ca.config(site, time.Hour), wait), soon); a.Verdict != probe.Fail {
		t.Errorf("got %+v, want a fail", a)
	}
}

func TestShakesHandsOverIPv6(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	ca := newAuthority(t)
	config := ca.config(site, time.Hour)
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			secured := tls.Server(conn, config)
			if secured.HandshakeContext(t.Context()) == nil && request(secured) != nil {
				_, _ = io.WriteString(secured, ok)
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-served })
	addr := netip.MustParseAddrPort(l.Addr().String())
	page := page()
	page.TLS = &probe.TLSOptions{Roots: ca.roots}
	for kind, f := range map[string]probe.Func{"tls": probe.TLS(handshakeOf(ca)), "https": probe.HTTP(page)} {
		if a := ask(t, f, addr, soon); a.Verdict != probe.Pass {
			t.Errorf("%s: got %+v", kind, a)
		}
	}
}
