package probe_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"rrwatch/probe"
)

// serveHTTP is the library's server, for both versions of HTTP; without a
// configuration of TLS it speaks both in the clear.
func serveHTTP(t *testing.T, config *tls.Config, handle http.HandlerFunc) netip.AddrPort {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handle, Protocols: &http.Protocols{}, ReadHeaderTimeout: soon, ErrorLog: log.New(io.Discard, "", 0)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if config == nil {
			_ = server.Serve(l)
			return
		}
		server.TLSConfig = config.Clone()
		_ = server.ServeTLS(l, "", "")
	}()
	t.Cleanup(func() {
		server.Close()
		<-ended
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

func TestSpeaksTheVersionThatIsAskedFor(t *testing.T) {
	ca := newAuthority(t)
	handle := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s %s", r.Proto, r.Method, r.Host, r.RequestURI)
	}
	secure := serveHTTP(t, ca.config(site, time.Hour), handle)
	plain := serveHTTP(t, nil, handle)
	old := serveTLS(t, ca.config(site, time.Hour), answer(body("HTTP/1.1 GET www.example.com /a?b=c")))
	for name, c := range map[string]struct {
		addr    netip.AddrPort
		secure  bool
		version probe.HTTPVersion
		spoken  string
		reason  probe.Reason
	}{
		"1.1":                        {secure, true, probe.HTTP1, "HTTP/1.1", ""},
		"2":                          {secure, true, probe.HTTP2, "HTTP/2.0", ""},
		"the better one":             {secure, true, probe.HTTPAuto, "HTTP/2.0", ""},
		"the only one":               {old, true, probe.HTTPAuto, "HTTP/1.1", ""},
		"2 where only 1.1 is spoken": {old, true, probe.HTTP2, "", probe.Protocol},
		"1.1 in the clear":           {plain, false, probe.HTTP1, "HTTP/1.1", ""},
		"2 in the clear":             {plain, false, probe.HTTP2, "HTTP/2.0", ""},
		"either in the clear":        {plain, false, probe.HTTPAuto, "HTTP/1.1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			o.Path, o.Version, o.Body = "/a?b=c", c.version, c.spoken+" GET www.example.com /a?b=c"
			if c.secure {
				o.TLS = &probe.TLSOptions{Roots: ca.roots}
			}
			a := ask(t, probe.HTTP(o), c.addr, soon)
			if a.Reason != c.reason {
				t.Errorf("got %+v, want %q", a, c.reason)
			}
			if c.reason == "" {
				checkPhases(t, a.Phases, answered, c.secure)
			}
		})
	}
}

func TestJudgesHTTP2AsHTTP1(t *testing.T) {
	ca := newAuthority(t)
	stop := make(chan struct{})
	addr := serveHTTP(t, ca.config(site, time.Hour), func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/early":
			for range 3 {
				w.WriteHeader(http.StatusEarlyHints)
			}
		case "/endless-early":
			for range 10 {
				w.WriteHeader(http.StatusEarlyHints)
			}
		case "/503":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/excused":
			w.Header().Set("X-Maintenance", "until ten")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/endless":
			for _, err := io.WriteString(w, "x"); err == nil; _, err = io.WriteString(w, strings.Repeat("x", 1<<15)) {
			}
		case "/silent":
			<-stop
		case "/silent-body":
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			<-stop
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/redirect":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/large-header":
			w.Header().Set("X-Large", strings.Repeat("x", 2<<20))
		}
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	})
	t.Cleanup(func() { close(stop) })
	for path, want := range map[string]probe.Reason{
		"/": "", "/early": "", "/endless-early": probe.Protocol, "/503": probe.Status, "/excused": probe.Excused,
		"/endless": probe.TooLarge, "/silent": probe.AnswerTimeout, "/silent-body": probe.AnswerTimeout,
		"/cut": probe.Protocol, "/redirect": "", "/large-header": probe.Protocol,
	} {
		t.Run(path, func(t *testing.T) {
			o := page()
			o.TLS, o.Path, o.Version = &probe.TLSOptions{Roots: ca.roots}, path, probe.HTTP2
			o.MaxBody, o.Follow, o.JSON = 1000, 1, map[string]string{"status": `"ok"`}
			o.Excuse = &probe.Excuse{Header: "X-Maintenance", Status: []probe.StatusRange{{From: 503, To: 503}}}
			timeout := soon
			if want == probe.AnswerTimeout {
				timeout = 300 * time.Millisecond
			}
			a := ask(t, probe.HTTP(o), addr, timeout)
			if a.Reason != want {
				t.Errorf("got %+v, want %q", a, want)
			}
			checkHarmless(t, a.Detail)
		})
	}
}

// preface is what a server of HTTP/2 says first: SETTINGS without any.
const preface = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"

func TestEndsWhateverAHostileHTTP2ServerSends(t *testing.T) {
	before := log.Writer()
	log.SetOutput(io.Discard) // the library tells what it thinks of such servers
	t.Cleanup(func() { log.SetOutput(before) })
	frame := func(kind, flags byte, stream byte, payload string) string {
		n := len(payload)
		return string([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, 0, 0, 0, stream}) + payload
	}
	hostile := func(first, forever string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, preface+first)
			if forever == "" {
				wait(conn)
				return
			}
			go wait(conn)
			endless(conn, forever)
		}
	}
	status := "\x88" // :status 200
	for name, c := range map[string]struct {
		talk   func(net.Conn)
		reason []probe.Reason
	}{
		"garbage":              {answerAnything("\x00\xff\x1b\n"), []probe.Reason{probe.Protocol, probe.Closed}},
		"HTTP/1.1":             {answerAnything("HTTP/1.1 400 Bad Request\r\n\r\n"), []probe.Reason{probe.Protocol, probe.Closed}},
		"nothing":              {wait, []probe.Reason{probe.AnswerTimeout}},
		"an early end":         {answerAnything(""), []probe.Reason{probe.Closed}},
		"a reset":              {func(conn net.Conn) { _, _ = conn.Read(make([]byte, 10)); reset(conn) }, []probe.Reason{probe.Reset}},
		"endless pings":        {hostile("", frame(6, 0, 0, "12345678")), []probe.Reason{probe.AnswerTimeout, probe.Protocol}},
		"endless settings":     {hostile("", preface), []probe.Reason{probe.AnswerTimeout, probe.Protocol}},
		"endless continuation": {hostile(frame(1, 0, 1, status), frame(9, 0, 1, "\x00\x01a\x01b")), []probe.Reason{probe.Protocol, probe.AnswerTimeout}},
		"endless body":         {hostile(frame(1, 4, 1, status), frame(0, 0, 1, strings.Repeat("x", 1<<14))), []probe.Reason{probe.TooLarge, probe.Protocol}},
		"a frame of megabytes": {hostile("\xff\xff\xff\x00\x00\x00\x00\x00\x01", "x"), []probe.Reason{probe.Protocol}},
		"a reset stream":       {hostile(frame(3, 0, 1, "\x00\x00\x00\x07"), ""), []probe.Reason{probe.Protocol}},
		"a farewell":           {hostile(frame(7, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x00"), ""), []probe.Reason{probe.Protocol, probe.AnswerTimeout}},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			o.Version, o.MaxBody = probe.HTTP2, 100_000
			a := ask(t, probe.HTTP(o), serve(t, c.talk), 300*time.Millisecond)
			for _, want := range c.reason {
				if a.Verdict == probe.Fail && a.Reason == want {
					checkHarmless(t, a.Detail)
					return
				}
			}
			t.Errorf("got %+v, want one of %q", a, c.reason)
		})
	}
}

func TestHTTP2LeavesNoDescriptorBehind(t *testing.T) {
	ca := newAuthority(t)
	before := descriptors(t)
	t.Run("probes", func(t *testing.T) { // its listeners are closed when it ends
		good := serveHTTP(t, ca.config(site, time.Hour), func(http.ResponseWriter, *http.Request) {})
		hung := serveTLS(t, agreeable(ca), wait)
		for range 10 {
			for _, addr := range []netip.AddrPort{good, hung} {
				o := page()
				o.TLS, o.Version = &probe.TLSOptions{Roots: ca.roots}, probe.HTTP2
				ask(t, probe.HTTP(o), addr, 50*time.Millisecond)
			}
		}
	})
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// agreeable is a server that agrees to HTTP/2 whether it speaks it or not.
func agreeable(ca *authority) *tls.Config {
	config := ca.config(site, time.Hour)
	config.NextProtos = []string{"h2"}
	return config
}

// The library sees such an end before there is a request to tell it to.
func TestAnHTTP2ConnectionThatEndsAtOnceIsClosed(t *testing.T) {
	o := page()
	o.Version = probe.HTTP2
	o.Dial = func(context.Context, string, string) (net.Conn, error) {
		return script{text: strings.NewReader("")}, nil
	}
	f := probe.HTTP(o)
	for range 5000 {
		if a := ask(t, f, netip.AddrPort{}, soon); a.Reason != probe.Closed {
			t.Fatalf("got %+v", a)
		}
	}
}

func TestWithoutHTTP2OfItsOwnTheAnswerIsInconclusive(t *testing.T) {
	t.Setenv("GODEBUG", "http2client=0")
	o := page()
	o.Version = probe.HTTP2
	if a := ask(t, probe.HTTP(o), serve(t, wait), soon); a.Verdict != probe.Inconclusive || a.Reason != probe.Internal {
		t.Errorf("got %+v", a)
	}
}
