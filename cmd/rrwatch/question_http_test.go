package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rrwatch/config"
	"rrwatch/probe"
)

// asked asks the check of a text of a server, as the daemon would.
func asked(t *testing.T, check string, server *httptest.Server) probe.Answer {
	t.Helper()
	text := "region: eu-central-1\nmode: observe\npools:\n  - {name: www, record: example.com, zone: example.com, checks: [" + check + "]}\n"
	cfg, err := config.Parse("rrwatch.yaml", []byte(text), func(name string) (string, bool) { return "se:same", name == "PW" })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	f := questionOf(cfg.Pools[0], cfg.Pools[0].Checks[0], newTools())
	return f(ctx, probe.Target{Addr: netip.MustParseAddrPort(server.Listener.Addr().String())})
}

// keep writes a certificate and its key to files.
func keep(t *testing.T, pair tls.Certificate) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, "key.pem": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

func TestAnHTTPSCheckAsksAsItIsConfigured(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Said", fmt.Sprintf("%s %s %s %s %s %d by %s:%s", r.Proto, r.Method, r.URL, r.Header.Get("X-A"), body,
			len(r.TLS.PeerCertificates), user, password))
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
		case "/meant":
			w.Header().Set("X-Maintenance", "yes")
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = io.WriteString(w, `{"status":"ok","checks":{"db":{"up":true,"n":3}}}`)
	}))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	cert, key := keep(t, server.TLS.Certificates[0])
	common := fmt.Sprintf("kind: https, ca_file: %s, client_cert_file: %s, client_key_file: %s", cert, cert, key)
	for check, want := range map[string]probe.Answer{
		"": {Verdict: probe.Pass, Detail: "answered 200 OK"},
		`version: 2, path: /x?y=z, headers: {x-a: b}, send: c, basic_auth: {user: me, password: "${PW}"},
		  expect_headers: {x-said: '^HTTP/2.0 POST /x[?]y=z b c 1 by me:se:same$$'}`: {Verdict: probe.Pass, Detail: "answered 200 OK"},
		"version: auto, expect_headers: {x-said: HTTP/2.0 GET}":    {Verdict: probe.Pass, Detail: "answered 200 OK"},
		"expect_headers: {x-said: HTTP/1.1 HEAD}, method: HEAD":    {Verdict: probe.Pass, Detail: "answered 200 OK"},
		"json: {status: ok, checks.db.up: true, checks.db.n: 3.0}": {Verdict: probe.Pass, Detail: "answered 200 OK"},
		"json: {status: down}": {Verdict: probe.Fail, Reason: probe.Body, Detail: `answered 200 OK, but status is "ok", not "down"`},
		"body: up, body_regexp: '\"up\":\\s*true', max_body: 1KiB": {Verdict: probe.Pass, Detail: "answered 200 OK"},
		"max_body: 10B":               {Verdict: probe.Fail, Reason: probe.TooLarge, Detail: "answered 200 OK, but the body is longer than 10 bytes"},
		"path: /moved, follow: 1":     {Verdict: probe.Pass, Detail: "answered 200 OK (after 1 redirect, at https://example.com/there)"},
		"path: /moved, status: [200]": {Verdict: probe.Fail, Reason: probe.Status, Detail: "answered 307 Temporary Redirect"},
		"path: /meant, excused: {header: X-Maintenance, status: [500-599]}":         {Verdict: probe.Inconclusive, Reason: probe.Excused, Detail: "the site says that it is meant: X-Maintenance: yes"},
		"path: /meant, excused: {header: X-Maintenance, status: [502], value: no!}": {Verdict: probe.Fail, Reason: probe.Status, Detail: "answered 502 Bad Gateway"},
		"host: other.example.net": {Verdict: probe.Fail, Reason: probe.TLSName},
	} {
		got := asked(t, "{"+strings.TrimSuffix(common+", "+check, ", ")+"}", server)
		if want.Detail == "" {
			got.Detail = ""
		}
		got.Phases = probe.Phases{}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", check, got, want)
		}
	}
	if a := asked(t, "{kind: https, ca_file: "+cert+"}", server); a.Reason != probe.TLSHandshake {
		t.Errorf("without a certificate: got %+v", a)
	}
	if a := asked(t, "{kind: https}", server); a.Reason != probe.TLSUntrusted {
		t.Errorf("with the system's roots: got %+v", a)
	}
}

func TestATLSCheckAsksAsItIsConfigured(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	cert, _ := keep(t, server.TLS.Certificates[0])
	for check, want := range map[string]probe.Reason{"": "", ", min_tls: 1.2": "", ", min_tls: 1.3": probe.TLSVersion, ", host: a.example.net": probe.TLSName} {
		if a := asked(t, "{kind: tls, ca_file: "+cert+check+"}", server); a.Reason != want {
			t.Errorf("%s: got %+v, want %q", check, a, want)
		}
	}
}

func TestEveryKindOverTLSTrustsWhatItIsToldTo(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	cert, _ := keep(t, server.TLS.Certificates[0])
	for check, want := range map[string]probe.Reason{
		"kind: https": probe.Status, "kind: tls": "", "kind: haproxy, port: 1, tls: true": probe.Status, "kind: grpc, port: 1, tls: true": probe.Status,
	} {
		if a := asked(t, "{"+check+", ca_file: "+cert+"}", server); a.Reason != want {
			t.Errorf("%s: got %+v, want %q", check, a, want)
		}
		if a := asked(t, "{"+check+"}", server); a.Reason != probe.TLSUntrusted {
			t.Errorf("%s, with the system's roots: got %+v", check, a)
		}
	}
}

func TestAnHTTPCheckFollowsToHTTPSAsItIsConfigured(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer secure.Close()
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())
	plain := httptest.NewServer(http.RedirectHandler("https://example.com:"+port, http.StatusFound))
	defer plain.Close()
	cert, _ := keep(t, secure.TLS.Certificates[0])
	if a := asked(t, "{kind: http, follow: 1, ca_file: "+cert+"}", plain); a.Verdict != probe.Pass {
		t.Errorf("got %+v", a)
	}
	if a := asked(t, "{kind: http}", plain); a.Verdict != probe.Pass || a.Detail != "answered 302 Found" {
		t.Errorf("not followed: got %+v", a)
	}
}

func TestAProbeSaysItsWarning(t *testing.T) {
	for want, a := range map[string]probe.Answer{
		"":                        {},
		"answered":                {Detail: "answered"},
		"warning: soon":           {Warning: "soon"},
		"answered; warning: soon": {Detail: "answered", Warning: "soon"},
	} {
		if got := said(a); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
