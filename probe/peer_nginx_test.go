package probe_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"rrwatch/probe"
)

// runNginx runs the real nginx with these servers, in a folder, until the test
// ends, and waits until it listens on an address of them.
func runNginx(t *testing.T, dir, servers string, addr netip.AddrPort) {
	t.Helper()
	path := installed(t, "nginx")
	text := fmt.Sprintf(`
daemon off;
master_process off;
error_log stderr;
pid %[1]s/pid;
events {}
http {
  access_log off;
  ssl_protocols TLSv1.2 TLSv1.3;
  client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
  %[2]s
}
`, dir, servers)
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, nil, path, "-e", "stderr", "-p", dir, "-c", config)
	for until := time.Now().Add(soon); ask(t, probe.TCP(dial()), addr, soon).Verdict != probe.Pass; <-time.After(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("nginx does not listen")
		}
	}
}

// nginxSite are servers with the same pages, by name: in the clear, over TLS
// with HTTP/2, over TLS 1.2 with HTTP/1.1 only, with a certificate for each
// client, in the clear with HTTP/2, and one of little patience.
const nginxSite = `
  server { listen {plain}; include {dir}/pages; }
  server { listen {secure} ssl http2; include {dir}/tls; include {dir}/pages; }
  server { listen {old} ssl; ssl_protocols TLSv1.2; include {dir}/tls; include {dir}/pages; }
  server { listen {old} ssl default_server; ssl_protocols TLSv1.2; ssl_reject_handshake on; }
  server { listen {mutual} ssl http2; ssl_client_certificate {dir}/roots.pem; ssl_verify_client on; include {dir}/tls; include {dir}/pages; }
  server { listen {clear2} http2; include {dir}/pages; }
  server { listen {hasty}; client_header_timeout 1s; include {dir}/pages; }
`

const nginxTLS = `
  server_name www.example.com;
  ssl_certificate {dir}/site.pem;
  ssl_certificate_key {dir}/site.pem;
`

const nginxPages = `
  root {dir}/www;
  location = /     { add_header X-Version 1.2; return 200 hello; }
  location = /json { default_type application/json; return 200 '{"status":"ok","up":[true]}'; }
  location = /meant { add_header X-Maintenance "until ten" always; return 503; }
  location = /broken { return 502; }
  location = /moved { return 301 /json; }
  location = /round { return 302 /round; }
  location = /away { return 302 https://login.example.net/start; }
  location = /secure { return 308 https://www.example.com:{secure port}/json; }
  location = /closed { auth_basic site; auth_basic_user_file {dir}/people; try_files /page.html =404; }
  location = /gone { return 444; }
  location = /drip { limit_rate 1; default_type text/html; try_files /page.html =404; }
  location = /chunks { ssi on; default_type text/html; try_files /page.html =404; }
  location = /small { client_max_body_size 10; try_files /page.html =404; }
`

// nginxServers runs nginx with nginxSite and returns where its servers listen.
func nginxServers(t *testing.T, ca *authority) map[string]netip.AddrPort {
	t.Helper()
	dir := t.TempDir()
	pemFile(t, dir, "site.pem", ca.config(site, days(20)).Certificates[0])
	pemFile(t, dir, "roots.pem", tls.Certificate{Certificate: [][]byte{ca.cert.Raw}})
	words := []string{"{dir}", dir}
	addrs := map[string]netip.AddrPort{}
	for _, name := range []string{"plain", "secure", "old", "mutual", "clear2", "hasty"} {
		addrs[name] = closedPort(t)
		words = append(words, "{"+name+"}", addrs[name].String(), "{"+name+" port}", fmt.Sprint(addrs[name].Port()))
	}
	replace := strings.NewReplacer(words...).Replace
	if err := os.Mkdir(filepath.Join(dir, "www"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"tls": replace(nginxTLS), "pages": replace(nginxPages), "people": "probe:{PLAIN}sesame\n",
		"www/page.html": "<p>" + strings.Repeat("a page of some length ", 100) + "</p>\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runNginx(t, dir, replace(nginxSite), addrs["hasty"])
	return addrs
}

func TestNginxIsJudged(t *testing.T) {
	t.Parallel()
	ca := longLived(t)
	addrs := nginxServers(t, ca)
	head := func(o *probe.HTTPOptions) { o.Method = http.MethodHead }
	body := func(text string) func(*probe.HTTPOptions) { return func(o *probe.HTTPOptions) { o.Body = text } }
	send := func(o *probe.HTTPOptions) { o.Method, o.Send = http.MethodPost, strings.Repeat("x", 2000) }
	header := func(value string) func(*probe.HTTPOptions) {
		return func(o *probe.HTTPOptions) {
			o.ExpectHeader = map[string]*regexp.Regexp{"X-Version": regexp.MustCompile(value)}
		}
	}
	for name, c := range map[string]struct {
		to, path string
		set      func(*probe.HTTPOptions)
		reason   probe.Reason
	}{
		"a page":                        {"plain", "/", nil, ""},
		"a page, HEAD":                  {"plain", "/", head, ""},
		"a file, HEAD":                  {"plain", "/page.html", head, ""},
		"a header":                      {"plain", "/", header("^1[.]2$"), ""},
		"another header":                {"plain", "/", header("^1[.]3$"), probe.Header},
		"a header that is not there":    {"plain", "/json", header(""), probe.Header},
		"a body":                        {"plain", "/", body("hello"), ""},
		"another body":                  {"plain", "/", body("goodbye"), probe.Body},
		"a body in chunks":              {"plain", "/chunks", body("</p>"), ""},
		"JSON":                          {"plain", "/json", values("status", `"ok"`, "up.0", "true"), ""},
		"other JSON":                    {"plain", "/json", values("up.0", "false"), probe.Body},
		"a body that is too long":       {"plain", "/page.html", func(o *probe.HTTPOptions) { o.MaxBody = 1000 }, probe.TooLarge},
		"drips":                         {"plain", "/drip", body("</p>"), probe.AnswerTimeout},
		"nothing there":                 {"plain", "/nothing", nil, probe.Status},
		"a broken server":               {"plain", "/broken", nil, probe.Status},
		"it is meant":                   {"plain", "/meant", nil, probe.Excused},
		"a redirect":                    {"plain", "/moved", values("status", `"ok"`), ""},
		"a redirect, HEAD":              {"plain", "/moved", head, ""},
		"redirects without end":         {"plain", "/round", nil, probe.Redirect},
		"to another site":               {"plain", "/away", nil, probe.Redirect},
		"to TLS":                        {"plain", "/secure", values("status", `"ok"`), ""},
		"without a password":            {"plain", "/closed", nil, probe.Status},
		"with a password":               {"plain", "/closed", user("probe", "sesame"), ""},
		"closed without a word":         {"plain", "/gone", nil, probe.Closed},
		"more is sent than it takes":    {"plain", "/small", send, probe.Status},
		"TLS on a plain port":           {"plain", "/", encrypted(ca, nil), probe.TLSHandshake},
		"HTTP/2 in the clear":           {"clear2", "/", both(version(probe.HTTP2), body("hello")), ""},
		"HTTP/2 where it is not":        {"plain", "/", version(probe.HTTP2), probe.Protocol},
		"plain text on a TLS port":      {"secure", "/", nil, probe.Status},
		"HTTP/1.1 over TLS":             {"secure", "/", both(encrypted(ca, nil), body("hello")), ""},
		"HTTP/2":                        {"secure", "/", both(both(encrypted(ca, nil), version(probe.HTTP2)), body("hello")), ""},
		"HTTP/2, HEAD":                  {"secure", "/page.html", both(both(encrypted(ca, nil), version(probe.HTTP2)), head), ""},
		"HTTP/2, meant":                 {"secure", "/meant", both(encrypted(ca, nil), version(probe.HTTP2)), probe.Excused},
		"HTTP/2, a redirect":            {"secure", "/moved", both(encrypted(ca, nil), version(probe.HTTP2)), ""},
		"HTTP/2, closed":                {"secure", "/gone", both(encrypted(ca, nil), version(probe.HTTP2)), probe.Protocol},
		"HTTP/2, drips":                 {"secure", "/drip", both(both(encrypted(ca, nil), version(probe.HTTP2)), body("</p>")), probe.AnswerTimeout},
		"either":                        {"secure", "/", both(encrypted(ca, nil), version(probe.HTTPAuto)), ""},
		"an untrusted authority":        {"secure", "/", encrypted(newAuthority(t), nil), probe.TLSUntrusted},
		"TLS 1.2":                       {"old", "/", encrypted(ca, nil), ""},
		"TLS 1.2, 1.3 wanted":           {"old", "/", both(encrypted(ca, nil), func(o *probe.HTTPOptions) { o.TLS.MinVersion = tls.VersionTLS13 }), probe.TLSVersion},
		"no HTTP/2 offered":             {"old", "/", both(encrypted(ca, nil), version(probe.HTTP2)), probe.TLSHandshake},
		"no HTTP/2 offered, either":     {"old", "/", both(encrypted(ca, nil), version(probe.HTTPAuto)), ""},
		"another name":                  {"old", "/", both(encrypted(ca, nil), func(o *probe.HTTPOptions) { o.Host = "other.example.com" }), probe.TLSHandshake},
		"without a certificate":         {"mutual", "/", encrypted(ca, nil), probe.Status},
		"with a certificate":            {"mutual", "/", encrypted(ca, ca.client()), ""},
		"with a certificate, HTTP/2":    {"mutual", "/", both(encrypted(ca, ca.client()), version(probe.HTTP2)), ""},
		"with a stranger's":             {"mutual", "/", encrypted(ca, newAuthority(t).client()), probe.Status},
		"without a certificate, HTTP/2": {"mutual", "/", both(encrypted(ca, nil), version(probe.HTTP2)), probe.Status},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			o.Path, o.Follow, o.FollowTLS = c.path, 2, &probe.TLSOptions{Roots: ca.roots}
			o.Excuse = &probe.Excuse{Header: "X-Maintenance", Status: []probe.StatusRange{{From: 503, To: 503}}}
			if c.set != nil {
				c.set(&o)
			}
			timeout := soon
			if c.reason == probe.AnswerTimeout {
				timeout = 300 * time.Millisecond
			}
			a := ask(t, probe.HTTP(o), addrs[c.to], timeout)
			if a.Reason != c.reason {
				t.Errorf("got %+v, want %q", a, c.reason)
			}
			checkHarmless(t, a.Detail)
		})
	}
}

func TestNginxIsJudgedAlikeBothWays(t *testing.T) {
	t.Parallel()
	addrs := nginxServers(t, longLived(t))
	e := engine(t)
	pages := map[string]probe.Reason{
		"/": "", "/page.html": "", "/drip": probe.AnswerTimeout, "/chunks": "", "/nothing": probe.Status, "/moved": probe.Status, "/meant": probe.Excused,
		"/gone": probe.Closed, "/closed": probe.Status,
	}
	for path, reason := range pages {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			o := page()
			o.Path, o.Method = path, method
			o.Excuse = &probe.Excuse{Header: "X-Maintenance", Value: "until ten", Status: []probe.StatusRange{{From: 503, To: 503}}}
			plain := probe.PlainHTTP(o, netip.Addr{})
			if plain == nil {
				t.Fatalf("%s is no plain question", path)
			}
			timeout := soon
			if reason == probe.AnswerTimeout {
				timeout = 100 * time.Millisecond
			}
			t.Run(method+" "+path, func(t *testing.T) {
				pooled := ask(t, probe.HTTP(o), addrs["plain"], timeout)
				checkAlike(t, pooled, ask(t, byEngine(t, e, plain), addrs["plain"], timeout), reason)
			})
		}
	}
	plain := probe.PlainHTTP(page(), netip.Addr{})
	t.Run("a TLS port", func(t *testing.T) {
		checkAlike(t, ask(t, probe.HTTP(page()), addrs["secure"], soon), ask(t, byEngine(t, e, plain), addrs["secure"], soon), probe.Status)
	})
}

func TestNginxShakesHands(t *testing.T) {
	ca := longLived(t)
	addrs := nginxServers(t, ca)
	for name, c := range map[string]struct {
		to     string
		set    func(*probe.TLSOptions)
		reason probe.Reason
	}{
		"as usual":            {"secure", nil, ""},
		"TLS 1.3 wanted":      {"secure", wants13, ""},
		"TLS 1.2":             {"old", nil, ""},
		"TLS 1.2, 1.3 wanted": {"old", wants13, probe.TLSVersion},
		"another name":        {"old", func(o *probe.TLSOptions) { o.Name = "other.example.com" }, probe.TLSHandshake},
		"another certificate": {"secure", func(o *probe.TLSOptions) { o.Name = "other.example.com" }, probe.TLSName},
		"no TLS":              {"plain", nil, probe.TLSHandshake},
		// nginx says so in its answer, which is not asked for.
		"wants a certificate": {"mutual", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := handshakeOf(ca)
			if c.set != nil {
				c.set(&o)
			}
			if a := ask(t, probe.TLS(o), addrs[c.to], soon); a.Reason != c.reason {
				t.Errorf("got %+v, want %q", a, c.reason)
			}
		})
	}
}

// nginx closes a connection that asks nothing: both ways of holding one tell of
// it, and of how long it stood.
func TestNginxEndsAHeldConnection(t *testing.T) {
	t.Parallel()
	addr := nginxServers(t, longLived(t))["hasty"]
	e := engine(t)
	var pooled probe.Answer
	var wg sync.WaitGroup
	wg.Go(func() { pooled = probe.Hold(t.Context(), dial(), addr, soon) })
	e.Ask(probe.Job{Ticket: "held", Addr: addr, Plain: probe.PlainTCP(netip.Addr{}), Hold: true, Timeout: soon})
	fast := next(t, e).Answer
	wg.Wait()
	checkAlike(t, pooled, fast, probe.Closed)
	for _, a := range []probe.Answer{pooled, fast} {
		if a.Phases.Whole < 900*time.Millisecond || a.Phases.Whole > soon {
			t.Errorf("it stood for %s, want about a second", a.Phases.Whole)
		}
	}
}
