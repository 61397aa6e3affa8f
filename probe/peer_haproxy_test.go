package probe_test

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rrwatch/probe"
)

// haproxyPages are a plain, a secure and a mutual front end with the same pages.
const haproxyPages = `
defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
userlist people
  user probe insecure-password sesame
frontend plain
  bind fd@3
  use_backend pages
frontend secure
  bind fd@4 ssl crt %[1]s alpn h2,http/1.1
  use_backend pages
frontend mutual
  bind fd@5 ssl crt %[1]s ca-file %[2]s verify required
  use_backend pages
backend pages
  http-request redirect code 301 location https://www.example.com/json if { path /secure }
  http-request redirect location https://login.example.net/start if { path /away }
  http-request return status 200 content-type application/json hdr X-Version 2.6 string '{"status":"ok","up":[true]}' if { path /json }
  http-request return status 503 hdr X-Maintenance "until ten" if { path /maintenance }
  http-request auth realm site if { path /closed } !{ http_auth(people) }
  http-request return status 200 content-type text/plain string open if { path /closed }
  http-request silent-drop if { path /drop }
  server none 127.0.0.1:9 disabled
`

// haproxy starts the program and returns where its front ends listen: plain,
// secure, mutual.
func haproxy(t *testing.T, ca *authority) [3]netip.AddrPort {
	t.Helper()
	program := installed(t, "haproxy")
	dir := t.TempDir()
	text := fmt.Sprintf(haproxyPages, pemFile(t, dir, "site.pem", ca.config(site, days(20)).Certificates[0]),
		pemFile(t, dir, "roots.pem", tls.Certificate{Certificate: [][]byte{ca.cert.Raw}}))
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	var addrs [3]netip.AddrPort
	for i := range addrs {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addrs[i] = netip.MustParseAddrPort(l.Addr().String())
		handed, err := l.(*net.TCPListener).File()
		l.Close()
		if err != nil {
			t.Fatal(err)
		}
		defer handed.Close()
		files = append(files, handed)
	}
	start(t, files, program, "-db", "-q", "-f", file)
	return addrs
}

func TestHAProxyIsJudged(t *testing.T) {
	t.Parallel()
	ca := longLived(t)
	addrs := haproxy(t, ca)
	const plain, secure, mutual = 0, 1, 2
	client := ca.client()
	for name, c := range map[string]struct {
		to     int
		path   string
		set    func(*probe.HTTPOptions)
		reason probe.Reason
	}{
		"a page":                     {plain, "/json", nil, ""},
		"a page with JSON":           {plain, "/json", values("status", `"ok"`, "up.0", "true"), ""},
		"no server is left":          {plain, "/", nil, probe.Status},
		"it is meant":                {plain, "/maintenance", nil, probe.Excused},
		"to another site":            {plain, "/away", nil, probe.Redirect},
		"without a password":         {plain, "/closed", nil, probe.Status},
		"with a password":            {plain, "/closed", user("probe", "sesame"), ""},
		"dropped":                    {plain, "/drop", nil, probe.AnswerTimeout},
		"TLS on a plain port":        {plain, "/json", encrypted(ca, nil), probe.TLSHandshake},
		"plain text on a TLS port":   {secure, "/json", nil, probe.Closed},
		"HTTP/1.1":                   {secure, "/json", encrypted(ca, nil), ""},
		"HTTP/2":                     {secure, "/json", both(encrypted(ca, nil), version(probe.HTTP2)), ""},
		"HTTP/2, meant":              {secure, "/maintenance", both(encrypted(ca, nil), version(probe.HTTP2)), probe.Excused},
		"either":                     {secure, "/json", both(encrypted(ca, nil), version(probe.HTTPAuto)), ""},
		"a redirect to itself":       {secure, "/secure", encrypted(ca, nil), ""},
		"a redirect in HTTP/2":       {secure, "/secure", both(encrypted(ca, nil), version(probe.HTTP2)), ""},
		"an untrusted authority":     {secure, "/json", encrypted(newAuthority(t), nil), probe.TLSUntrusted},
		"without a certificate":      {mutual, "/json", encrypted(ca, nil), probe.TLSHandshake},
		"with a certificate":         {mutual, "/json", encrypted(ca, client), ""},
		"with a stranger's":          {mutual, "/json", encrypted(ca, newAuthority(t).client()), probe.TLSHandshake},
		"no HTTP/2 where none is":    {mutual, "/json", both(encrypted(ca, client), version(probe.HTTP2)), probe.Protocol},
		"without a password, HTTP/2": {secure, "/closed", both(encrypted(ca, nil), version(probe.HTTP2)), probe.Status},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			o.Path, o.Follow = c.path, 1
			o.Excuse = &probe.Excuse{Header: "X-Maintenance", Status: []probe.StatusRange{{From: 503, To: 503}}}
			if c.set != nil {
				c.set(&o)
			}
			timeout := soon
			if c.reason == probe.AnswerTimeout {
				timeout = 300 * time.Millisecond
			}
			if a := ask(t, probe.HTTP(o), addrs[c.to], timeout); a.Reason != c.reason {
				t.Errorf("got %+v, want %q", a, c.reason)
			}
		})
	}
}

func user(name, password string) func(*probe.HTTPOptions) {
	return func(o *probe.HTTPOptions) {
		o.Header = http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))}}
	}
}

func encrypted(ca *authority, client *tls.Certificate) func(*probe.HTTPOptions) {
	return func(o *probe.HTTPOptions) { o.TLS = &probe.TLSOptions{Roots: ca.roots, Client: client} }
}

func version(v probe.HTTPVersion) func(*probe.HTTPOptions) {
	return func(o *probe.HTTPOptions) { o.Version = v }
}

func both(a, b func(*probe.HTTPOptions)) func(*probe.HTTPOptions) {
	return func(o *probe.HTTPOptions) { a(o); b(o) }
}

// A site that sends plain HTTP to HTTPS, as most do, on the ports that its
// redirect names.
func TestHAProxySendsToHTTPS(t *testing.T) {
	ca := longLived(t)
	addrs := haproxy(t, ca)
	v := &town{t: t, ports: map[string]netip.AddrPort{"80": addrs[0], "443": addrs[1]}}
	o := page()
	o.Path, o.Follow, o.Dial = "/secure", 1, v.dial
	o.FollowTLS = &probe.TLSOptions{Roots: ca.roots, WarnDays: 30}
	o.JSON = map[string]string{"status": `"ok"`}
	a := ask(t, probe.HTTP(o), netip.MustParseAddrPort("192.0.2.1:80"), soon)
	if a.Verdict != probe.Pass || a.Warning == "" || a.Detail != "answered 200 OK (after 1 redirect, at https://www.example.com/json)" {
		t.Errorf("got %+v, want a pass with a warning", a)
	}
}
