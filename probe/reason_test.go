package probe_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"rrwatch/probe"
)

// reached is the last phase that a probe must have a time for.
type reached int

const (
	nothing reached = iota
	connected
	secured
	answered
)

func checkPhases(t *testing.T, p probe.Phases, last reached, overTLS bool) {
	t.Helper()
	for _, c := range []struct {
		phase string
		took  time.Duration
		want  bool
	}{
		{"connect", p.Connect, last >= connected},
		{"tls", p.TLS, overTLS && last >= secured},
		{"first byte", p.FirstByte, last >= answered},
	} {
		if (c.took > 0) != c.want {
			t.Errorf("the phase %s took %s, want a time: %v", c.phase, c.took, c.want)
		}
	}
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

func TestNamesWhyAConnectionFails(t *testing.T) {
	t.Parallel()
	blocked := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
	}
	for name, c := range map[string]struct {
		addr    netip.AddrPort
		dial    probe.Dial
		timeout time.Duration
		reason  probe.Reason
	}{
		"nobody listens":       {addr: closedPort(t), dial: dial(), timeout: soon, reason: probe.Refused},
		"the backlog is full":  {addr: fullBacklog(t), dial: dial(), timeout: 200 * time.Millisecond, reason: probe.ConnectTimeout},
		"the dial only blocks": {dial: blocked, timeout: 20 * time.Millisecond, reason: probe.ConnectTimeout},
		"the kernel gave up":   {dial: failing(connect(syscall.ETIMEDOUT)), timeout: soon, reason: probe.ConnectTimeout},
		"host unreachable":     {dial: failing(connect(syscall.EHOSTUNREACH)), timeout: soon, reason: probe.Unreachable},
		"host down":            {dial: failing(connect(syscall.EHOSTDOWN)), timeout: soon, reason: probe.Unreachable},
		"reset":                {dial: failing(connect(syscall.ECONNRESET)), timeout: soon, reason: probe.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			put := ask
			if c.reason == probe.ConnectTimeout {
				put = askOnce // more time would make no difference
			}
			for kind, f := range kinds(c.dial) {
				a := put(t, f, c.addr, c.timeout)
				if a.Verdict != probe.Fail || a.Reason != c.reason || a.Detail == "" {
					t.Errorf("%s: got %s, %q (%s), want a fail, %q", kind, a.Verdict, a.Reason, a.Detail, c.reason)
				}
				checkPhases(t, a.Phases, nothing, false)
				if a.Phases.Whole <= 0 {
					t.Errorf("%s: the whole has no time", kind)
				}
			}
		})
	}
}

// kinds are all kinds of probes, over one Dial.
func kinds(d probe.Dial) map[string]probe.Func {
	plain, secure := page(), page()
	plain.Dial, secure.Dial, secure.TLS = d, d, &probe.TLSOptions{}
	return map[string]probe.Func{
		"tcp": probe.TCP(d), "tls": probe.TLS(probe.TLSOptions{Name: "www.example.com", Dial: d}),
		"http": probe.HTTP(plain), "https": probe.HTTP(secure),
		"grpc": probe.GRPC(probe.GRPCOptions{Host: "www.example.com", Dial: d}),
	}
}

func connect(errno syscall.Errno) error {
	return fmt.Errorf("wrapped: %w", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)})
}

func closedPort(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
}

// fullBacklog is a listener that accepts nothing and whose queue is full, so
// that the kernel drops every further SYN.
func fullBacklog(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var shortened error // a second listen(2) changes the queue's length
	if err := raw.Control(func(fd uintptr) { shortened = syscall.Listen(int(fd), 0) }); err != nil || shortened != nil {
		t.Fatal(err, shortened)
	}
	addr := netip.MustParseAddrPort(l.Addr().String())
	for range 16 {
		d := net.Dialer{Timeout: 100 * time.Millisecond}
		conn, err := d.DialContext(t.Context(), "tcp", addr.String())
		if err != nil {
			return addr
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("this kernel queues connections without end")
	return addr
}

func TestItsOwnTroubleIsInconclusive(t *testing.T) {
	for errno, want := range map[syscall.Errno]probe.Reason{
		syscall.ENETUNREACH: probe.OwnNetwork, syscall.ENETDOWN: probe.OwnNetwork, syscall.EADDRNOTAVAIL: probe.OwnNetwork,
		syscall.EACCES: probe.OwnNetwork, syscall.EPERM: probe.OwnNetwork,
		syscall.EMFILE: probe.OwnResources, syscall.ENFILE: probe.OwnResources, syscall.ENOBUFS: probe.OwnResources,
		syscall.ENOMEM: probe.OwnResources, syscall.EAGAIN: probe.OwnResources, syscall.EADDRINUSE: probe.OwnResources,
	} {
		for kind, f := range kinds(failing(connect(errno))) {
			a := ask(t, f, netip.AddrPort{}, soon)
			if a.Verdict != probe.Inconclusive || a.Reason != want {
				t.Errorf("%s, %v: got %s, %q, want inconclusive, %q", kind, errno, a.Verdict, a.Reason, want)
			}
		}
	}
}

func TestAProbeCutShortByShutdownIsCancelled(t *testing.T) {
	for _, cause := range []error{nil, errors.New("another part of the program failed")} {
		reading := make(chan struct{}, 1)
		addr := serve(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1)) // a request or a handshake has begun
			reading <- struct{}{}
			wait(conn)
		})
		for kind, f := range kinds(dial()) {
			if kind == "tcp" {
				continue // it has passed before it can be cut short
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			ctx, stop := context.WithTimeout(ctx, soon)
			go func() {
				<-reading
				cancel(cause)
			}()
			start := time.Now()
			a := f(ctx, target(addr))
			stop()
			if a.Verdict != probe.Inconclusive || a.Reason != probe.Cancelled || time.Since(start) > soon/2 {
				t.Errorf("%s, cause %v: got %s, %q after %s, want inconclusive, cancelled, at once",
					kind, cause, a.Verdict, a.Reason, time.Since(start))
			}
		}
	}
}

func TestNamesWhyAnAnswerFails(t *testing.T) {
	asked := func(then func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			if request(conn) != nil {
				then(conn)
			}
		}
	}
	for name, c := range map[string]struct {
		talk    func(net.Conn)
		timeout time.Duration
		reason  probe.Reason
		last    reached
	}{
		"passes":              {answer(ok), soon, "", answered},
		"reset":               {asked(reset), soon, probe.Reset, connected},
		"closed":              {asked(func(net.Conn) {}), soon, probe.Closed, connected},
		"closed in the head":  {asked(func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nA: b") }), soon, probe.Closed, answered},
		"silent":              {wait, 50 * time.Millisecond, probe.AnswerTimeout, connected},
		"silent in the head":  {answer("HTTP/1.1 200 OK\r\nA: b"), 50 * time.Millisecond, probe.AnswerTimeout, answered},
		"silent in the body":  {answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell"), 50 * time.Millisecond, probe.AnswerTimeout, answered},
		"another status":      {answer("HTTP/1.1 503 Service Unavailable\r\n\r\n"), soon, probe.Status, answered},
		"another body":        {answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbye!"), soon, probe.Body, answered},
		"no HTTP at all":      {answer("SSH-2.0-OpenSSH_9.9\r\n"), soon, probe.Protocol, answered},
		"a length of letters": {answer("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), soon, probe.Protocol, answered},
	} {
		t.Run(name, func(t *testing.T) {
			o := page()
			o.Body = "hello"
			a := askAsFar(t, probe.HTTP(o), serve(t, c.talk), c.timeout, c.last)
			if a.Reason != c.reason {
				t.Errorf("got %s, %q (%s), want %q", a.Verdict, a.Reason, a.Detail, c.reason)
			}
			checkPhases(t, a.Phases, c.last, false)
		})
	}
}

func TestNamesWhyTLSFails(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	const name = "www.example.com"
	good := ca.config(name, time.Hour)
	mutual := good.Clone()
	mutual.ClientAuth = tls.RequireAnyClientCert
	old := good.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	hello := func(then func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = bufio.NewReader(conn).ReadByte()
			then(conn)
		}
	}
	for title, c := range map[string]struct {
		addr    netip.AddrPort
		timeout time.Duration
		reason  probe.Reason // of https
		tls     probe.Reason // of tls
		last    reached
	}{
		"passes":                     {serveTLS(t, good, answer(ok)), soon, "", "", answered},
		"expired":                    {serveTLS(t, ca.config(name, -time.Hour), wait), soon, probe.TLSExpired, probe.TLSExpired, connected},
		"another name":               {serveTLS(t, ca.config("example.com", time.Hour), wait), soon, probe.TLSName, probe.TLSName, connected},
		"another authority":          {serveTLS(t, newAuthority(t).config(name, time.Hour), wait), soon, probe.TLSUntrusted, probe.TLSUntrusted, connected},
		"only old versions":          {serveTLS(t, old, wait), soon, probe.TLSVersion, probe.TLSVersion, connected},
		"plain HTTP":                 {serve(t, answerAnything("HTTP/1.1 400 Bad Request\r\n\r\n")), soon, probe.TLSHandshake, probe.TLSHandshake, connected},
		"reset in the handshake":     {serve(t, hello(reset)), soon, probe.Reset, probe.Reset, connected},
		"closed before it":           {serve(t, answerAnything("")), soon, probe.Closed, probe.Closed, connected},
		"closed within a record":     {serve(t, answerAnything("\x16\x03\x03\x01\x00\x02")), soon, probe.Closed, probe.Closed, connected},
		"silent in the handshake":    {serve(t, wait), 50 * time.Millisecond, probe.AnswerTimeout, probe.AnswerTimeout, connected},
		"silent after the handshake": {serveTLS(t, good, wait), 300 * time.Millisecond, probe.AnswerTimeout, "", secured},
		// With TLS 1.3 the refusal comes after the client's handshake.
		"wants a client's certificate": {serveTLS(t, mutual, wait), soon, probe.TLSHandshake, "", secured},
	} {
		t.Run(title, func(t *testing.T) {
			o := page()
			o.TLS = &probe.TLSOptions{Roots: ca.roots}
			a := askAsFar(t, probe.HTTP(o), c.addr, c.timeout, c.last)
			if a.Reason != c.reason {
				t.Errorf("https: got %s, %q (%s), want %q", a.Verdict, a.Reason, a.Detail, c.reason)
			}
			checkPhases(t, a.Phases, c.last, true)
			a = askAsFar(t, probe.TLS(probe.TLSOptions{Name: name, Roots: ca.roots, Dial: dial()}), c.addr, c.timeout, min(c.last, secured))
			if a.Reason != c.tls {
				t.Errorf("tls: got %s, %q (%s), want %q", a.Verdict, a.Reason, a.Detail, c.tls)
			}
			checkPhases(t, a.Phases, min(c.last, secured), true)
			if strings.ContainsAny(a.Detail, "\r\n\x00") {
				t.Errorf("the detail has control characters: %q", a.Detail)
			}
		})
	}
}

// answerAnything writes text after the first bytes of the far side and ends in
// order, when those have been read.
func answerAnything(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, text)
		_ = conn.(*net.TCPConn).CloseWrite()
		wait(conn)
	}
}
