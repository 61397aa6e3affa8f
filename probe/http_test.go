package probe_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/probe"
)

func TestSpeaksToTheNameAndNeverToTheAddress(t *testing.T) {
	ca := newAuthority(t)
	config := ca.config("www.example.com", time.Hour)
	names := make(chan string, 4)
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- "sni " + hello.ServerName
		return nil, nil
	}
	talk := func(conn net.Conn) {
		if r := request(conn); r != nil {
			names <- "host " + r.Host
			names <- "to " + r.RequestURI
			_, _ = io.WriteString(conn, ok)
		}
		wait(conn)
	}
	o := page()
	o.Path = "//elsewhere.example.net/a?b=c"
	o.TLS = &probe.TLSOptions{Roots: ca.roots, Name: "ignored.example.net"}
	if a := ask(t, probe.HTTP(o), serveTLS(t, config, talk), soon); a.Verdict != probe.Pass {
		t.Fatalf("got %+v", a)
	}
	got := []string{<-names, <-names, <-names}
	want := []string{"sni www.example.com", "host www.example.com", "to //elsewhere.example.net/a?b=c"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestARedirectIsAnAnswerAndIsNotFollowed(t *testing.T) {
	var asked atomic.Int64
	addr := serve(t, func(conn net.Conn) {
		asked.Add(1)
		answer("HTTP/1.1 302 Found\r\nLocation: http://" + conn.LocalAddr().String() + "/\r\nContent-Length: 0\r\n\r\n")(conn)
	})
	o := page()
	if a := ask(t, probe.HTTP(o), addr, soon); a.Reason != probe.Status || a.Detail != "answered 302 Found" {
		t.Errorf("not expected: got %+v", a)
	}
	o.Status = []probe.StatusRange{{From: 200, To: 200}, {From: 302, To: 302}}
	if a := ask(t, probe.HTTP(o), addr, soon); a.Verdict != probe.Pass {
		t.Errorf("expected: got %+v", a)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("two probes made %d connections", n)
	}
}

func TestSendsTheRequestAsConfigured(t *testing.T) {
	requests := make(chan *http.Request, 1)
	addr := serve(t, func(conn net.Conn) {
		requests <- request(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		wait(conn)
	})
	o := page()
	o.Method = http.MethodHead
	o.Header = http.Header{"X-Probe": {"rrwatch"}, "Host": {"elsewhere.example.net"}}
	for want, give := range map[string]string{"rrwatch": "", "mine/1.0": "mine/1.0"} {
		o.Header.Set("User-Agent", give)
		if a := ask(t, probe.HTTP(o), addr, soon); a.Verdict != probe.Pass {
			t.Fatalf("got %+v", a)
		}
		r := <-requests
		got := []string{r.Method, r.Host, r.UserAgent(), r.Header.Get("X-Probe"), fmt.Sprint(r.Close)}
		if diff := cmp.Diff([]string{"HEAD", "www.example.com", want, "rrwatch", "true"}, got); diff != "" {
			t.Error(diff)
		}
	}
	o.Header.Del("User-Agent")
	before := o.Header.Clone()
	ask(t, probe.HTTP(o), addr, soon)
	<-requests
	if diff := cmp.Diff(before, o.Header); diff != "" {
		t.Errorf("a probe changed its options: %s", diff)
	}
}

func TestTheEndsOfAStatusRangeBelongToIt(t *testing.T) {
	o := page()
	o.Status = []probe.StatusRange{{From: 200, To: 299}, {From: 401, To: 401}}
	for status, want := range map[int]probe.Verdict{
		200: probe.Pass, 299: probe.Pass, 300: probe.Fail, 400: probe.Fail, 401: probe.Pass, 402: probe.Fail,
		99: probe.Fail, 101: probe.Fail, 599: probe.Fail,
	} {
		addr := serve(t, answer(fmt.Sprintf("HTTP/1.1 %03d X\r\nContent-Length: 0\r\n\r\n", status)))
		if a := ask(t, probe.HTTP(o), addr, soon); a.Verdict != want {
			t.Errorf("%d: got %+v, want %s", status, a, want)
		}
	}
}

func TestSkipsInterimAnswers(t *testing.T) {
	const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
	const carryOn = "HTTP/1.1 100 Continue\r\n\r\n"
	for name, c := range map[string]struct {
		text   string
		reason probe.Reason
	}{
		"one":           {carryOn + ok, ""},
		"several kinds": {carryOn + "HTTP/1.1 102 Processing\r\n\r\n" + hints + "HTTP/1.1 199 X\r\n\r\n" + ok, ""},
		"five":          {strings.Repeat(hints, 5) + ok, ""},
		"six":           {strings.Repeat(hints, 6) + ok, probe.Protocol},
		"a bad end":     {hints + "HTTP/1.1 500 Internal Server Error\r\n\r\n", probe.Status},
		"101 is real":   {"HTTP/1.1 101 Switching Protocols\r\n\r\n" + ok, probe.Status},
		"with a body":   {"HTTP/1.1 100 Continue\r\nContent-Length: 4\r\n\r\nbody" + ok, probe.Protocol},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			o.Body = "hello"
			if a := ask(t, probe.HTTP(o), serve(t, answer(c.text)), soon); a.Reason != c.reason {
				t.Errorf("got %+v, want %q", a, c.reason)
			}
		})
	}
}

func TestExpectedTextMustLieWithinTheFirstMebibyte(t *testing.T) {
	const mebibyte = 1 << 20
	filler := strings.Repeat("x", mebibyte)
	for name, c := range map[string]struct {
		body   string
		reason probe.Reason
	}{
		"at the start of a longer page": {"hello" + filler + filler, ""},
		"at the very end of it":         {filler[5:] + "hello" + filler, ""},
		"a byte too late":               {filler[4:] + "hello", probe.Body},
	} {
		for encoding, head := range map[string]string{
			"plain":      fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(c.body), c.body),
			"chunked":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(c.body, 1000),
			"until EOF":  "HTTP/1.0 200 OK\r\n\r\n" + c.body,
			"tiny chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(c.body, 16),
		} {
			t.Run(name+", "+encoding, func(t *testing.T) {
				o := page()
				o.Body = "hello"
				addr := serve(t, func(conn net.Conn) {
					if request(conn) != nil {
						_, _ = io.WriteString(conn, head)
					}
				})
				if a := ask(t, probe.HTTP(o), addr, soon); a.Reason != c.reason {
					t.Errorf("got %+v, want %q", a, c.reason)
				}
			})
		}
	}
}

// chunked encodes a body in chunks of n bytes.
func chunked(body string, n int) string {
	var b bytes.Buffer
	for len(body) > 0 {
		part := body[:min(n, len(body))]
		body = body[len(part):]
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(part), part)
	}
	return b.String() + "0\r\n\r\n"
}

func TestHeadersAreNeverInAnAnswer(t *testing.T) {
	const secret = "sesame-open-7f3a"
	var requests atomic.Int64
	echo := func(status string) func(net.Conn) {
		return func(conn net.Conn) {
			r := request(conn)
			if r == nil {
				return
			}
			if r.Header.Get("Authorization") == "Bearer "+secret {
				requests.Add(1)
			}
			_, _ = io.WriteString(conn, status)
			wait(conn)
		}
	}
	for _, status := range []string{ok, "HTTP/1.1 500 X\r\n\r\n", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nA b\r\n\r\n"} {
		o := page()
		o.Header = http.Header{"Authorization": {"Bearer " + secret}, "X-Odd": {secret + "\r\nX: y"}}
		o.Body = "not there"
		a := ask(t, probe.HTTP(o), serve(t, echo(status)), soon)
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("the answer holds the secret: %s", text)
		}
	}
	if n := requests.Load(); n != 4 {
		t.Errorf("the header was sent %d times, want 4", n)
	}
}

func TestWhatTheFarSideSaysIsMadeHarmless(t *testing.T) {
	for name, text := range map[string]string{
		"terminal codes": "HTTP/1.1 500 \x1b[2J\x07red\r\n\r\n",
		"no UTF-8":       "HTTP/1.1 500 \xff\xfe\x80\r\n\r\n",
		"right to left":  "HTTP/1.1 500 \u202egnp.exe\r\n\r\n",
		"very long":      "HTTP/1.1 500 " + strings.Repeat("é", 5000) + "\r\n\r\n",
		"a bad header":   "HTTP/1.1 200 OK\r\n\x1b]0;title\x07" + strings.Repeat("a", 5000) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(t, probe.HTTP(page()), serve(t, answer(text)), soon)
			if a.Verdict != probe.Fail {
				t.Errorf("got %+v", a)
			}
			checkHarmless(t, a.Detail)
		})
	}
}

func TestARequestThatCannotBeBuiltIsInconclusive(t *testing.T) {
	o := page()
	o.Method = "NO METHOD"
	a := probe.HTTP(o)(context.WithoutCancel(t.Context()), target(serve(t, wait)))
	if a.Verdict != probe.Inconclusive || a.Reason != probe.Internal {
		t.Errorf("got %+v, want inconclusive, internal", a)
	}
}
