package probe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"rrwatch/probe"
)

// csvHead are the columns of HAProxy 2.6 up to the one of the checks.
const csvHead = "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck," +
	"chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,\n"

// csvRow is a row of that CSV.
func csvRow(proxy, server, status, weight, act, bck, check string) string {
	return fmt.Sprintf("%s,%s,0,0,0,0,,0,0,0,,0,,0,0,0,0,%s,%s,%s,%s,0,0,2,0,,1,3,1,,0,,2,0,,0,%s,\n", proxy, server, status, weight, act, bck, check)
}

// csvPage has backend app with one of two servers up, and others around it.
func csvPage() string {
	return csvHead + csvRow("www", "FRONTEND", "OPEN", "", "", "", "") +
		csvRow("api", "s1", "UP", "1", "1", "0", "L7OK") + csvRow("api", "BACKEND", "UP", "1", "1", "0", "") +
		csvRow("app", "s1", "UP", "1", "1", "0", "* L7OK") + csvRow("app", "s2", "DOWN 1/2", "1", "1", "0", "* L7STS") +
		csvRow("app", "BACKEND", "UP", "1", "1", "0", "")
}

// promPage is the same as HAProxy 2.0 to 2.3 tells it.
const promPage = `# HELP haproxy_process_nbthread Configured number of threads.
# TYPE haproxy_process_nbthread gauge
haproxy_process_nbthread 4
haproxy_backend_active_servers{proxy="api"} 1
haproxy_backend_active_servers{proxy="app"} 1
haproxy_backend_backup_servers{proxy="api"} 0
haproxy_backend_backup_servers{proxy="app"} 0
haproxy_server_status{proxy="api",server="s1"} 1
haproxy_server_status{proxy="app",server="s1"} 1
haproxy_server_status{proxy="app",server="s2"} 0
`

func TestReadsHAProxysPages(t *testing.T) {
	for name, c := range map[string]struct{ contentType, page, detail string }{
		"csv":           {"text/plain", csvPage(), "backend app has 1 of 2 servers up, 2 are needed; down: s2 (L7STS)"},
		"csv by type":   {"text/csv; charset=utf-8", strings.TrimPrefix(csvPage(), "# "), "backend app has 1 of 2 servers up, 2 are needed; down: s2 (L7STS)"},
		"csv with CRLF": {"text/plain", strings.ReplaceAll(csvPage(), "\n", "\r\n"), "backend app has 1 of 2 servers up, 2 are needed; down: s2 (L7STS)"},
		"other columns": {"text/plain", "# pxname,new,bck,act,status,svname,last\n" +
			"app,x,0,1,DOWN (agent),s1,\"a \"\"b\"\",\nc\"\napp,x,0,1,NOLB 1/2,s2,a \"b\napp,,1,0,UP,BACKEND,\n",
			"backend app has 0 of 2 servers up beside 1 backup, 2 are needed; down: s1 (agent), s2 (NOLB)"},
		"a listener":        {"text/plain", csvHead + csvRow("app", "sock-1", "OPEN", "", "", "", "") + csvRow("app", "BACKEND", "UP", "0", "0", "0", ""), "backend app has 0 servers up, 2 are needed"},
		"prometheus, old":   {"text/plain; version=0.0.4", promPage, "backend app has 1 of 2 servers up, 2 are needed; down: s2"},
		"prometheus, times": {"text/plain; version=0.0.4", strings.ReplaceAll(promPage, "\n", " 1700000000000\n"), "backend app has 1 of 2 servers up, 2 are needed; down: s2"},
		"odd labels": {"", `haproxy_backend_active_servers{ desc="a \"b\", }\\", proxy="app" , } 1e0` + "\n",
			"backend app has 1 server up, 2 are needed"},
		"maintenance": {"", "haproxy_backend_active_servers{proxy=\"app\"} 0\nhaproxy_server_status{proxy=\"app\",server=\"s1\",state=\"MAINT\"} 1\n" +
			"haproxy_server_check_status{proxy=\"app\",server=\"s1\",state=\"L4CON\"} 1\n",
			"backend app has 0 of 1 server up, 2 are needed; down: s1 (MAINT)"},
		"many are down": {"text/plain", csvHead + strings.Repeat(csvRow("app", "s", "DOWN", "1", "1", "0", ""), 9) + csvRow("app", "BACKEND", "DOWN", "0", "0", "0", ""),
			"backend app has 0 of 9 servers up, 2 are needed; down: s, s, s, s, s, 4 more"},
	} {
		o := stats("/")
		o.Servers, o.Backups = 2, false
		a := ask(t, probe.HAProxy(o), serve(t, haproxyPage(c.contentType, c.page)), soon)
		if a.Reason != probe.Servers || a.Detail != c.detail {
			t.Errorf("%s: got %s: %s\nwant %s", name, a.Reason, a.Detail, c.detail)
		}
		o.Servers = 1
		if a := ask(t, probe.HAProxy(o), serve(t, haproxyPage(c.contentType, c.page)), soon); (a.Verdict == probe.Pass) != strings.Contains(c.detail, "has 1 ") {
			t.Errorf("%s, one server is enough: got %+v", name, a)
		}
	}
}

func TestRefusesWhatIsNoPageOfHAProxys(t *testing.T) {
	for name, c := range map[string]struct{ contentType, page, detail string }{
		"nothing":         {"text/plain", "", "an empty page, neither HAProxy's CSV nor its Prometheus page"},
		"text":            {"text/plain", "hello\x1b[2J\nworld", "neither HAProxy's CSV nor its Prometheus page, which begins hello [2J"},
		"another program": {"text/plain", "go_goroutines{a=\"b\"} 1\n", `neither HAProxy's CSV nor its Prometheus page, which begins go_goroutines{a="b"} 1`},
		"HTML":            {"text/html; charset=utf-8", csvPage(), "an HTML page: the path of HAProxy's CSV is its stats uri with ;csv at the end"},
		"no column":       {"text/csv", "a,b,c\n", "the CSV has no column pxname"},
		"one column":      {"", "# pxname,svname,status\n", "the CSV has no column act"},
		"no number":       {"", csvHead + csvRow("app", "BACKEND", "UP", "1", "one", "0", ""), `the CSV counts "one" active and "0" backup servers`},
		"no count":        {"", csvHead + csvRow("app", "s1", "UP", "1", "1", "0", ""), "the page does not count the active servers of backend app"},
		"not a number":    {"", "haproxy_backend_active_servers{proxy=\"app\"} NaN\nhaproxy_server_status{proxy=\"app\",server=\"s\"} 1\n", "the page does not count the active servers of backend app"},
		"an endless row":  {"", csvHead + strings.Repeat("x", 1<<20), "the CSV cannot be read: a row is longer than 64 KiB"},
		"an open quote":   {"", csvHead + `"` + strings.Repeat("x\n", 1<<19), "the CSV cannot be read: a row is longer than 64 KiB"},
		"an endless line": {"", "# HELP " + strings.Repeat("x", 1<<20), "a line is longer than 64 KiB"},
	} {
		a := ask(t, probe.HAProxy(stats("/")), serve(t, haproxyPage(c.contentType, c.page)), soon)
		if a.Verdict != probe.Fail || a.Reason != probe.Protocol || a.Detail != c.detail {
			t.Errorf("%s: got %s, %s: %s\nwant %s", name, a.Verdict, a.Reason, a.Detail, c.detail)
		}
		checkHarmless(t, a.Detail)
	}
}

func TestReadsAPageOfHAProxysAsFarAsItMatters(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n\r\n"
	other := csvRow("other", "s1", "UP", "1", "1", "0", "") + csvRow("other", "BACKEND", "UP", "1", "1", "0", "")
	metric := "haproxy_server_weight{proxy=\"other\",server=\"s1\"} 1\n"
	long := func(begin, middle, end string) func(net.Conn) {
		return answer(head + begin + strings.Repeat(middle, (3<<20)/len(middle)) + end)
	}
	forever := func(begin, middle string) func(net.Conn) {
		return func(conn net.Conn) {
			if request(conn) != nil {
				_, _ = io.WriteString(conn, head+begin)
				endless(conn, middle)
			}
		}
	}
	for name, c := range map[string]struct {
		talk    func(net.Conn)
		backend string
		reason  probe.Reason
	}{
		"3 MiB of CSV":          {long(csvHead, other, strings.TrimPrefix(csvPage(), csvHead)), "app", ""},
		"3 MiB of metrics":      {long("", metric, promPage), "app", ""},
		"CSV without end":       {forever(csvPage(), other), "app", ""},
		"metrics without end":   {forever(promPage, metric), "app", ""},
		"a backend never there": {forever(csvPage(), other), "apl", probe.TooLarge},
		"a metric never there":  {forever(promPage, metric), "apl", probe.TooLarge},
		"an answer cut short":   {func(c net.Conn) { answerAndEnd(c, head[:len(head)-2]+"Content-Length: 9999\r\n\r\n"+csvHead) }, "app", probe.Closed},
	} {
		o := stats("/")
		o.Backend = c.backend
		// Nothing ends the connection: whoever reads on gets no answer in time.
		if a := ask(t, probe.HAProxy(o), serve(t, c.talk), 6*soon); a.Reason != c.reason {
			t.Errorf("%s: got %+v, want %q", name, a, c.reason)
		}
	}
}

// answerAndEnd answers one request and ends the connection in order.
func answerAndEnd(conn net.Conn, text string) {
	if request(conn) != nil {
		_, _ = io.WriteString(conn, text)
		_ = conn.(*net.TCPConn).CloseWrite()
		wait(conn)
	}
}

func TestDoesNotWaitForTheRestOfAPageOfHAProxys(t *testing.T) {
	a := ask(t, probe.HAProxy(stats("/")), serve(t, answer("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"+csvPage())), soon)
	if a.Verdict != probe.Pass || a.Phases.Whole > soon/2 {
		t.Errorf("got %+v", a)
	}
}

func TestAPageWithManyBackendsIsNotGuessedFrom(t *testing.T) {
	page := csvHead
	for n := range 16 {
		page += csvRow(fmt.Sprint("empty", n), "BACKEND", "UP", "0", "0", "0", "")
	}
	page += strings.TrimPrefix(csvPage(), csvHead)
	o := stats("/")
	o.Backend = ""
	a := ask(t, probe.HAProxy(o), serve(t, haproxyPage("text/csv", page)), soon)
	if a.Verdict != probe.Inconclusive || a.Reason != probe.Internal || !strings.HasSuffix(a.Detail, "empty0, empty1, empty2, empty3, empty4, …") {
		t.Errorf("got %+v", a)
	}
	o.Backend = "app" // it need not be among the first
	if a := ask(t, probe.HAProxy(o), serve(t, haproxyPage("text/csv", page)), soon); a.Verdict != probe.Pass {
		t.Errorf("named: got %+v", a)
	}
}

func TestEndsWhateverAHostileHAProxySends(t *testing.T) {
	ca := newAuthority(t)
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\n"
	drips := func(conn net.Conn) {
		if request(conn) != nil {
			_, _ = io.WriteString(conn, head+csvHead)
			wait(conn)
		}
	}
	secured := serveTLS(t, ca.config("elsewhere.example.net", time.Hour), haproxyPage("text/csv", csvPage()))
	for name, c := range map[string]struct {
		addr    netip.AddrPort
		tls     bool
		timeout time.Duration
		reason  probe.Reason
	}{
		"refuses":         {closedPort(t), false, soon, probe.Refused},
		"resets":          {serve(t, reset), false, soon, probe.Reset},
		"ends":            {serve(t, func(c net.Conn) { answerAndEnd(c, "") }), false, soon, probe.Closed},
		"says nothing":    {serve(t, wait), false, 50 * time.Millisecond, probe.AnswerTimeout},
		"never ends":      {serve(t, drips), false, 50 * time.Millisecond, probe.AnswerTimeout},
		"garbage":         {serve(t, answer("\x00\xff\r\n\r\n")), false, soon, probe.Protocol},
		"an odd status":   {serve(t, answer("HTTP/1.1 999 \x1b[2J\r\nContent-Length: 0\r\n\r\n")), false, soon, probe.Status},
		"an error":        {serve(t, answer("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 9999\r\n\r\n")), false, soon, probe.Status},
		"another name":    {secured, true, soon, probe.TLSName},
		"TLS to plain":    {serve(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad request\r\n\r\n"); wait(c) }), true, soon, probe.TLSHandshake},
		"one that drains": {serve(t, answer(head+csvHead+csvRow("app", "s1", "DRAIN (agent)", "1", "1", "0", "")+csvRow("app", "BACKEND", "DOWN", "0", "0", "0", ""))), false, soon, probe.Servers},
	} {
		o := stats("/")
		if c.tls {
			o.TLS = &probe.TLSOptions{Roots: ca.roots}
		}
		a := ask(t, probe.HAProxy(o), c.addr, c.timeout)
		if a.Verdict != probe.Fail || a.Reason != c.reason {
			t.Errorf("%s: got %+v, want %q", name, a, c.reason)
		}
		checkHarmless(t, a.Detail)
	}
}

func TestOwnTroubleWithHAProxySaysNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := serve(t, func(conn net.Conn) {
		if request(conn) != nil {
			cancel()
			wait(conn)
		}
	})
	if a := probe.HAProxy(stats("/"))(ctx, target(addr)); a.Verdict != probe.Inconclusive || a.Reason != probe.Cancelled {
		t.Errorf("cancelled: got %+v", a)
	}
	for err, want := range map[error]probe.Reason{syscall.ENETUNREACH: probe.OwnNetwork, syscall.EMFILE: probe.OwnResources, errors.New("odd"): probe.Protocol} {
		o := stats("/")
		o.Dial = failing(err)
		if a := ask(t, probe.HAProxy(o), addr, soon); a.Reason != want || (a.Verdict == probe.Inconclusive) != (want != probe.Protocol) {
			t.Errorf("%v: got %+v", err, a)
		}
	}
}

func TestSpeaksToTheNameOfHAProxysPage(t *testing.T) {
	ca := newAuthority(t)
	got := make(chan *http.Request, 1)
	addr := serveTLS(t, ca.config("www.example.com", time.Hour), func(conn net.Conn) {
		r := request(conn)
		got <- r
		if r != nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"+csvPage())
		}
	})
	o := stats("/stats;csv")
	o.TLS, o.Header = &probe.TLSOptions{Roots: ca.roots}, opsHeader()
	a := ask(t, probe.HAProxy(o), addr, soon)
	if a.Verdict != probe.Pass || a.Phases.TLS == 0 {
		t.Errorf("got %+v", a)
	}
	r := <-got
	if user, password, ok := r.BasicAuth(); r.Host != "www.example.com" || r.RequestURI != "/stats;csv" || r.Method != http.MethodGet || !ok || user != "ops" || password != sesame {
		t.Errorf("asked %s %s of %s, user %q", r.Method, r.RequestURI, r.Host, user)
	}
	if strings.Contains(fmt.Sprint(a), sesame) {
		t.Errorf("the answer holds the password: %+v", a)
	}
}
