package probe_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"rrwatch/probe"
)

// checkHarmless fails if a detail is long or could do more than be read.
func checkHarmless(t *testing.T, detail string) {
	t.Helper()
	if len(detail) > 300 || !utf8.ValidString(detail) || strings.ContainsFunc(detail, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("the detail is not harmless: %d bytes, %q", len(detail), detail)
	}
}

// endless writes text again and again until the far side has left.
func endless(conn net.Conn, text string) {
	block := strings.Repeat(text, max(1, 1<<15/len(text)))
	for {
		if _, err := io.WriteString(conn, block); err != nil {
			return
		}
	}
}

func TestEndsWhateverAHostileServerSends(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	hostile := func(first, forever string) func(net.Conn) {
		return func(conn net.Conn) {
			if request(conn) != nil {
				_, _ = io.WriteString(conn, first)
				endless(conn, forever)
			}
		}
	}
	for name, c := range map[string]struct {
		talk   func(net.Conn)
		reason probe.Reason
	}{
		"endless headers":       {hostile(head, "A: b\r\n"), probe.Protocol},
		"endless header line":   {hostile(head+"A: ", "a"), probe.Protocol},
		"endless continuation":  {hostile(head+"A: b\r\n", " c\r\n"), probe.Protocol},
		"endless status line":   {hostile("HTTP/1.1 200 ", "a"), probe.Protocol},
		"endless interim":       {hostile("", "HTTP/1.1 103 Early Hints\r\n\r\n"), probe.Protocol},
		"endless body":          {hostile("HTTP/1.0 200 OK\r\n\r\n", "x"), probe.Body},
		"endless chunks":        {hostile(head+"Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), probe.Body},
		"endless chunk line":    {hostile(head+"Transfer-Encoding: chunked\r\n\r\n", "1;a=b"), probe.Protocol},
		"endless trailer":       {hostile(head+"Transfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n"), probe.Protocol},
		"a length of exabytes":  {hostile(head+"Content-Length: 9223372036854775807\r\n\r\n", "x"), probe.Body},
		"two lengths":           {hostile(head+"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "x"), probe.Protocol},
		"a negative length":     {hostile(head+"Content-Length: -1\r\n\r\n", "x"), probe.Protocol},
		"a header of megabytes": {hostile(head+"A: "+strings.Repeat("a", 3<<20)+"\r\n\r\n", "x"), probe.Protocol},
		"garbage":               {hostile("", "\x00\xff\x1b\n"), probe.Protocol},
		"zeros":                 {hostile("", "\x00"), probe.Protocol},
		"an early end":          {func(conn net.Conn) { _ = conn.(*net.TCPConn).CloseWrite(); wait(conn) }, probe.Closed},
		"an early reset":        {reset, probe.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			o.Body = "hello"
			a := ask(t, probe.HTTP(o), serve(t, c.talk), soon)
			if a.Verdict != probe.Fail || a.Reason != c.reason {
				t.Errorf("got %s, %q (%s), want %q", a.Verdict, a.Reason, a.Detail, c.reason)
			}
			checkHarmless(t, a.Detail)
		})
	}
}

func TestDoesNotWaitForABodyOfWhichNothingIsExpected(t *testing.T) {
	for name, text := range map[string]string{
		"a page":   "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx",
		"an error": "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1000\r\n\r\nx",
	} {
		o := page()
		if strings.Contains(text, "500") {
			o.Body = "hello" // the status decides before the body comes
		}
		start := time.Now()
		a := ask(t, probe.HTTP(o), serve(t, answer(text)), soon)
		if took := time.Since(start); took > soon/2 || a.Reason == probe.AnswerTimeout {
			t.Errorf("%s: took %s: %+v", name, took, a)
		}
	}
}

// In a bubble a drip of one byte a second costs nothing, and the end can be
// told to the nanosecond.
func TestASlowServerIsGivenUpAtTheDeadline(t *testing.T) {
	const timeout = 10 * time.Second
	for name, text := range map[string]string{
		"drips the head": ok,
		"drips a body":   "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 100),
		"says nothing":   "",
	} {
		for _, kind := range []string{"http", "https", "tls"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { drip(t, kind, text, timeout) })
			})
		}
	}
}

// drip lets a server send one byte a second to a probe of a kind.
func drip(t *testing.T, kind, text string, timeout time.Duration) {
	near, far := net.Pipe()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { wait(far) })
	wg.Go(func() {
		defer far.Close()
		for i := range len(text) {
			time.Sleep(time.Second)
			if _, err := io.WriteString(far, text[i:i+1]); err != nil {
				return
			}
		}
		time.Sleep(time.Hour)
	})
	d := func(context.Context, string, string) (net.Conn, error) { return near, nil }
	o := page()
	o.Dial, o.Body = d, "never there"
	f := probe.HTTP(o)
	switch kind {
	case "https":
		o.TLS = &probe.TLSOptions{}
		f = probe.HTTP(o)
	case "tls":
		f = probe.TLS(probe.TLSOptions{Name: "www.example.com", Dial: d})
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	start := time.Now()
	a := f(ctx, target(netip.AddrPort{}))
	took := time.Since(start)
	handshakeFails := kind != "http" && text != "" // the sixth byte shows that it is no TLS
	switch {
	case handshakeFails && a.Reason != probe.TLSHandshake:
		t.Errorf("got %+v, want %q", a, probe.TLSHandshake)
	case !handshakeFails && (a.Reason != probe.AnswerTimeout || took != timeout):
		t.Errorf("got %+v after %s, want %q after %s", a, took, probe.AnswerTimeout, timeout)
	}
}

func TestLeavesNoDescriptorBehind(t *testing.T) {
	ca := newAuthority(t)
	servers := []func(net.Conn){answer(ok), reset, wait, func(net.Conn) {}, answer("garbage\r\n\r\n")}
	before := descriptors(t)
	t.Run("probes", func(t *testing.T) { // its listeners are closed when it ends
		for i, talk := range servers {
			plain := serve(t, talk)
			secured := serveTLS(t, ca.config("www.example.com", time.Hour), talk)
			o := page()
			o.TLS = &probe.TLSOptions{Roots: ca.roots}
			for range 5 {
				for kind, f := range kinds(dial()) {
					ask(t, f, plain, 20*time.Millisecond)
					if kind == "tls" {
						ask(t, f, secured, 50*time.Millisecond)
					}
				}
				ask(t, probe.HTTP(o), secured, 50*time.Millisecond)
			}
			t.Logf("server %d: %d descriptors", i, descriptors(t))
		}
	})
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no proc(5) here: ", err)
	}
	return len(list)
}
