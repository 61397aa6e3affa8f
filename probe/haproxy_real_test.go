package probe_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"rrwatch/probe"
)

// stats is the plain question: one server of backend app, from this path.
func stats(path string) probe.HAProxyOptions {
	return probe.HAProxyOptions{
		Host: "www.example.com", Path: path, Backend: "app", Servers: 1, Backups: true, Dial: dial(),
	}
}

// pages are the pages that the HAProxy of statsConfig has.
func pages() map[string]string {
	return map[string]string{"csv": "/stats;csv", "prometheus": "/metrics", "prometheus, less": "/metrics?scope=backend&scope=server"}
}

// statsConfig is a HAProxy with both pages; servers are the lines of backend app.
func statsConfig(servers ...string) string {
	return `
global
  stats socket DIR/admin mode 600 level admin
  maxconn 100
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
listen stats
  bind LISTEN
  http-request use-service prometheus-exporter if { path /metrics }
  stats enable
  stats uri /stats
backend app
  ` + strings.Join(servers, "\n  ") + "\n"
}

// closable is a backend server that can be closed.
func closable(t *testing.T) (netip.AddrPort, func()) {
	t.Helper()
	l := listenOn(t, "127.0.0.1:0")
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	})
	end := func() {
		l.Close()
		wg.Wait()
	}
	t.Cleanup(end)
	return netip.MustParseAddrPort(l.Addr().String()), end
}

func TestARealHAProxyLosesItsServersOneByOne(t *testing.T) {
	first, endFirst := closable(t)
	second, endSecond := closable(t)
	const check = "check inter 30ms fall 2 rise 1"
	addr, _ := runHAProxy(t, statsConfig(
		fmt.Sprintf("server s1 %s %s", first, check), fmt.Sprintf("server s2 %s %s", second, check)))
	all := func(verdict probe.Verdict, detail map[string]string) {
		t.Helper()
		for page, path := range pages() {
			o := stats(path)
			o.Servers = 2
			f := probe.HAProxy(o)
			a := askUntil(t, f, addr, func(a probe.Answer) bool { return a.Verdict == verdict && a.Detail == detail[page[:3]] })
			if a.Reason != "" && a.Reason != probe.Servers {
				t.Errorf("%s: got %+v", page, a)
			}
		}
	}
	// A Prometheus page is read no further than its counts when they suffice.
	all(probe.Pass, map[string]string{"csv": "backend app has 2 of 2 servers up", "pro": "backend app has 2 servers up"})
	endSecond()
	one := "backend app has 1 of 2 servers up, 2 are needed; down: s2 (L4CON)"
	all(probe.Fail, map[string]string{"csv": one, "pro": one})
	endFirst()
	none := "backend app has 0 of 2 servers up, 2 are needed; down: s1 (L4CON), s2 (L4CON)"
	all(probe.Fail, map[string]string{"csv": none, "pro": none})
}

// Each server is in a state in which HAProxy gives it no traffic, but for s1, s2 and s9.
func TestCountsTheServersThatARealHAProxyCounts(t *testing.T) {
	up, _ := closable(t)
	gone := closedPort(t)
	failing, endFailing := closable(t)
	addr, dir := runHAProxy(t, statsConfig(
		fmt.Sprintf("server s1 %s check inter 50ms", up),
		fmt.Sprintf("server s2 %s", up), // no check
		fmt.Sprintf("server s3 %s check inter 30ms fall 1", gone),
		fmt.Sprintf("server s4 %s track app/s3", up),
		fmt.Sprintf("server s5 %s weight 0", up),
		fmt.Sprintf("server s6 %s disabled", up),
		fmt.Sprintf("server s7 %s", up), // drains
		fmt.Sprintf("server s8 %s backup", up),
		fmt.Sprintf("server s9 %s check inter 30ms rise 1 fall 10000", failing),
	))
	shows(t, addr, `(?m)^app,s9,.*,UP,.*,L4OK,`)
	endFailing()
	shows(t, addr, `(?m)^app,s9,.*,UP \d+/10000,`)
	tellHAProxy(t, dir, "set server app/s7 state drain")
	want := map[string]string{
		"csv":              "backend app has 3 of 9 servers up beside 1 backup, 4 are needed; down: s3 (L4CON), s4, s5 (weight 0), s6 (MAINT), s7 (DRAIN)",
		"prometheus":       "backend app has 3 of 9 servers up beside 1 backup, 4 are needed; down: s3 (L4CON), s4, s6 (MAINT), s7 (DRAIN)",
		"prometheus, less": "backend app has 3 of 9 servers up beside 1 backup, 4 are needed; down: s3 (L4CON), s4, s6 (MAINT), s7 (DRAIN)",
	}
	for page, path := range pages() {
		o := stats(path)
		o.Servers = 4
		askUntil(t, probe.HAProxy(o), addr, func(a probe.Answer) bool {
			return a.Reason == probe.Servers && a.Detail == want[page]
		})
		o.Servers = 3
		if a := ask(t, probe.HAProxy(o), addr, soon); a.Verdict != probe.Pass || a.Warning != "" {
			t.Errorf("%s: got %+v", page, a)
		}
		// The backend of the statistics themselves has no server.
		o.Backend, o.Servers = "", 4
		if a := ask(t, probe.HAProxy(o), addr, soon); a.Detail != want[page] {
			t.Errorf("%s, no backend named: got %+v", page, a)
		}
	}
}

// shows waits until the CSV of a real HAProxy has such a line.
func shows(t *testing.T, addr netip.AddrPort, line string) {
	t.Helper()
	wanted := regexp.MustCompile(line)
	var page []byte
	for end := time.Now().Add(soon); !wanted.Match(page); {
		if time.Now().After(end) {
			t.Fatalf("no line %s in\n%s", line, page)
		}
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "GET /stats;csv HTTP/1.0\r\n\r\n")
		page, _ = io.ReadAll(conn)
		conn.Close()
	}
}

func TestBackupsOfARealHAProxyCountWhenTheyServe(t *testing.T) {
	up, _ := closable(t)
	addr, dir := runHAProxy(t, statsConfig(fmt.Sprintf("server s1 %s", up), fmt.Sprintf("server s2 %s backup", up)))
	tellHAProxy(t, dir, "set server app/s1 state maint")
	for page, path := range pages() {
		o := stats(path)
		a := askUntil(t, probe.HAProxy(o), addr, func(a probe.Answer) bool { return a.Warning != "" })
		if a.Verdict != probe.Pass || !strings.HasSuffix(a.Warning, ", and is served by 1 backup") {
			t.Errorf("%s: got %+v", page, a)
		}
		o.Backups = false
		a = ask(t, probe.HAProxy(o), addr, soon)
		if a.Reason != probe.Servers || a.Detail != "backend app has 0 of 2 servers up beside 1 backup, 1 is needed; down: s1 (MAINT)" {
			t.Errorf("%s, backups do not count: got %+v", page, a)
		}
	}
}

func TestSaysWhatAPageOfARealHAProxyLacks(t *testing.T) {
	up, _ := closable(t)
	addr, _ := runHAProxy(t, statsConfig("server s1 "+up.String())+"backend api\n  server s1 "+up.String()+"\n")
	for name, c := range map[string]struct {
		path, backend string
		want          probe.Answer
	}{
		"an unknown backend": {"", "apl", probe.Answer{
			Verdict: probe.Fail, Reason: probe.Servers, Detail: "the page has no backend apl; it has stats, app, api",
		}},
		"no backend named": {"", "", probe.Answer{
			Verdict: probe.Inconclusive, Reason: probe.Internal,
			Detail: "the page has several backends, write one of them as the check's backend: app, api",
		}},
		"HAProxy's HTML": {"/stats", "app", probe.Answer{
			Verdict: probe.Fail, Reason: probe.Protocol,
			Detail: "an HTML page: the path of HAProxy's CSV is its stats uri with ;csv at the end",
		}},
		"no page": {"/elsewhere", "app", probe.Answer{
			Verdict: probe.Fail, Reason: probe.Status,
			Detail: "answered 503 Service Unavailable: is this the path of HAProxy's statistics?",
		}},
		"servers without their backend": {"/metrics?scope=server", "app", probe.Answer{
			Verdict: probe.Fail, Reason: probe.Protocol, Detail: "the page does not count the active servers of backend app",
		}},
		"only the process": {"/metrics?scope=global", "app", probe.Answer{
			Verdict: probe.Fail, Reason: probe.Servers, Detail: "the page has no backend app",
		}},
	} {
		paths := pages()
		if c.path != "" {
			paths = map[string]string{"": c.path}
		}
		for page, path := range paths {
			o := stats(path)
			o.Backend = c.backend
			got := ask(t, probe.HAProxy(o), addr, soon)
			got.Phases = probe.Phases{}
			if got != c.want {
				t.Errorf("%s, %s: got %+v, want %+v", name, page, got, c.want)
			}
		}
	}
}

func TestARealHAProxyWantsAPassword(t *testing.T) {
	up, _ := closable(t)
	config := strings.Replace(statsConfig("server s1 "+up.String()), "  stats enable\n", "  stats enable\n  stats auth ops:"+sesame+"\n", 1)
	addr, _ := runHAProxy(t, config)
	wrong := opsHeader()
	wrong.Set("Authorization", strings.Replace(wrong.Get("Authorization"), "b3", "b4", 1))
	for name, c := range map[string]struct {
		header http.Header
		detail string
	}{
		"none":  {nil, "answered 401 Unauthorized: the page wants a user and a password, give the check basic_auth"},
		"wrong": {wrong, "answered 401 Unauthorized: the page refuses this user or password"},
		"right": {opsHeader(), "backend app has 1 of 1 server up"},
	} {
		o := stats("/stats;csv")
		o.Header = c.header
		a := ask(t, probe.HAProxy(o), addr, soon)
		if a.Detail != c.detail || (a.Verdict == probe.Pass) != (name == "right") {
			t.Errorf("%s: got %+v", name, a)
		}
	}
}
