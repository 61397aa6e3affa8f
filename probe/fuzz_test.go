package probe_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"rrwatch/probe"
)

// script is a connection whose far side says its text, whatever is asked, and ends.
type script struct {
	net.Conn
	text io.Reader
}

func (s script) Read(b []byte) (int, error)  { return s.text.Read(b) }
func (s script) Write(b []byte) (int, error) { return len(b), nil }
func (s script) SetDeadline(time.Time) error { return nil }
func (s script) Close() error                { return nil }

func FuzzAnAnswerIsJudged(f *testing.F) {
	for _, text := range []string{
		ok, "", "HTTP/1.1 200", "HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.1 100 Continue\r\n\r\n" + ok,
		"HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 500 \x1b[2J\r\n\r\n", "SSH-2.0-x\r\n", "HTTP/2.0 200 OK\r\n\r\n", "\x15\x03\x03\x00\x02\x02\x28",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o := page()
		o.Body = "hello"
		o.Header = http.Header{"Authorization": {"sesame-open-7f3a"}}
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			return script{text: bytes.NewReader(text)}, nil
		}
		a := probe.HTTP(o)(t.Context(), target(netip.AddrPort{}))
		checkHarmless(t, a.Detail)
		switch a.Verdict {
		case probe.Inconclusive:
			t.Errorf("an answer is never our own trouble: %+v", a)
		case probe.Pass:
			if !bytes.Contains(text, []byte("HTTP/")) || !bytes.Contains(text, []byte(" 2")) || a.Reason != "" {
				t.Errorf("passed: %+v", a)
			}
		case probe.Fail:
			if a.Reason == "" {
				t.Errorf("failed without a reason: %+v", a)
			}
		}
		if strings.Contains(a.Detail, "sesame") && !bytes.Contains(text, []byte("sesame")) {
			t.Errorf("the detail holds a header: %q", a.Detail)
		}
	})
}
