package probe_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/probe"
)

// part relays what a real server of TLS says, as far as limit bytes of its
// first flight, and then does something else.
func part(t *testing.T, config *tls.Config, limit int64, then func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		near, far := net.Pipe()
		var wg sync.WaitGroup
		defer wg.Wait()
		defer near.Close()
		wg.Go(func() {
			_ = tls.Server(far, config).HandshakeContext(t.Context())
			far.Close()
		})
		hello := make([]byte, 4096)
		n, err := conn.Read(hello)
		if err != nil {
			return
		}
		wg.Go(func() { _, _ = near.Write(hello[:n]) })
		_, _ = io.CopyN(conn, near, limit)
		then(conn)
	}
}

func TestEndsWhateverAHostileTLSServerSends(t *testing.T) {
	ca := newAuthority(t)
	good := ca.config(site, time.Hour)
	large := good.Clone()
	large.Certificates = []tls.Certificate{good.Certificates[0]}
	large.Certificates[0].Certificate = append([][]byte{good.Certificates[0].Certificate[0]}, make([]byte, 3<<20))
	many := good.Clone()
	many.Certificates = []tls.Certificate{good.Certificates[0]}
	for range 20 {
		sub := ca.under("Sub", time.Hour)
		many.Certificates[0].Certificate = append(many.Certificates[0].Certificate, sub.cert.Raw)
	}
	for len(many.Certificates[0].Certificate) < 300 {
		many.Certificates[0].Certificate = append(many.Certificates[0].Certificate, many.Certificates[0].Certificate[1:]...)
	}
	whole := func(config *tls.Config) func(net.Conn) {
		return func(conn net.Conn) {
			_ = tls.Server(conn, config).HandshakeContext(t.Context())
			wait(conn)
		}
	}
	after := func(first, forever string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = bufio.NewReader(conn).ReadByte()
			_, _ = io.WriteString(conn, first)
			endless(conn, forever)
		}
	}
	finish := func(conn net.Conn) {
		_ = conn.(*net.TCPConn).CloseWrite()
		wait(conn)
	}
	const soonOver = 300 * time.Millisecond
	for name, c := range map[string]struct {
		talk    func(net.Conn)
		timeout time.Duration
		reason  probe.Reason
	}{
		"garbage":                     {answerAnything("\x00\xff\x1b\n\x07"), soon, probe.TLSHandshake},
		"endless garbage":             {after("", "\x00\xff\x1b\n"), soon, probe.TLSHandshake},
		"garbage in a record":         {after("\x16\x03\x03\x40\x00", "\xff"), soon, probe.TLSHandshake},
		"endless zeros":               {after("\x16\x03\x03\x40\x00", "\x00"), soon, probe.TLSHandshake},
		"a record that is too long":   {after("\x16\x03\x03\xff\xff", "x"), soon, probe.TLSHandshake},
		"endless empty records":       {after("", "\x16\x03\x03\x00\x00"), soon, probe.TLSHandshake},
		"endless warnings":            {after("", "\x15\x03\x03\x00\x02\x01\x5a"), soon, probe.TLSHandshake},
		"endless changes of cipher":   {after("", "\x14\x03\x03\x00\x01\x01"), soon, probe.TLSHandshake},
		"a hello of 16 MiB":           {after("\x16\x03\x03\x40\x00\x02\xff\xff\xff", "x"), soon, probe.TLSHandshake},
		"an alert":                    {answerAnything("\x15\x03\x03\x00\x02\x02\x28"), soon, probe.TLSHandshake},
		"an alert about the version":  {answerAnything("\x15\x03\x03\x00\x02\x02\x46"), soon, probe.TLSVersion},
		"an alert about the name":     {answerAnything("\x15\x03\x03\x00\x02\x02\x70"), soon, probe.TLSHandshake},
		"a farewell":                  {answerAnything("\x15\x03\x03\x00\x02\x01\x00"), soon, probe.Closed},
		"an early end":                {answerAnything(""), soon, probe.Closed},
		"an end after some bytes":     {part(t, good, 100, finish), soon, probe.Closed},
		"an end after the hello":      {part(t, good, 300, finish), soon, probe.Closed},
		"a reset after some bytes":    {part(t, good, 100, reset), soon, probe.Reset},
		"a reset after the hello":     {part(t, good, 300, reset), soon, probe.Reset},
		"silence after the hello":     {part(t, good, 300, wait), soonOver, probe.AnswerTimeout},
		"garbage after the hello":     {part(t, good, 300, func(conn net.Conn) { endless(conn, "\x00\xff") }), soon, probe.TLSHandshake},
		"a chain of megabytes":        {whole(large), soon, probe.TLSHandshake},
		"a chain of 300 certificates": {whole(many), soon, ""},
	} {
		t.Run(name, func(t *testing.T) {
			addr := serve(t, c.talk)
			o := page()
			o.TLS = &probe.TLSOptions{Roots: ca.roots}
			for kind, f := range map[string]probe.Func{"tls": probe.TLS(handshakeOf(ca)), "https": probe.HTTP(o)} {
				if c.reason == "" && kind == "https" {
					continue // nobody answers after this handshake
				}
				if a := ask(t, f, addr, c.timeout); a.Reason != c.reason {
					t.Errorf("%s: got %+v, want %q", kind, a, c.reason)
				} else {
					checkHarmless(t, a.Detail)
				}
			}
		})
	}
}

// A handshake that comes byte by byte is whole only after half an hour: the
// deadline comes first, to the nanosecond.
func TestAHandshakeThatDripsIsGivenUpAtTheDeadline(t *testing.T) {
	const timeout = 10 * time.Second
	for _, kind := range []string{"tls", "https"} {
		synctest.Test(t, func(t *testing.T) {
			ca := newAuthority(t)
			config := ca.config(site, time.Hour)
			served := piped(t, func() *tls.Config { return config })
			var wg sync.WaitGroup
			defer wg.Wait()
			slow := func(ctx context.Context, network, address string) (net.Conn, error) {
				server, err := served(ctx, network, address)
				if err != nil {
					return nil, err
				}
				near, far := net.Pipe()
				wg.Go(func() {
					_, _ = io.Copy(server, far)
					server.Close()
				})
				wg.Go(func() {
					defer far.Close()
					for one := make([]byte, 1); ; time.Sleep(time.Second) {
						if _, err := server.Read(one); err != nil {
							return
						}
						if _, err := far.Write(one); err != nil {
							return
						}
					}
				})
				return near, nil
			}
			o := handshakeOf(ca)
			o.Dial = slow
			f := probe.TLS(o)
			if kind == "https" {
				web := page()
				web.Dial, web.TLS = slow, &o
				f = probe.HTTP(web)
			}
			start := time.Now()
			a := ask(t, f, netip.AddrPort{}, timeout)
			if took := time.Since(start); a.Reason != probe.AnswerTimeout || took != timeout {
				t.Errorf("%s: got %+v after %s, want %q after %s", kind, a, took, probe.AnswerTimeout, timeout)
			}
		})
	}
}

// The library takes a quarter of a mebibyte of certificates. More is refused
// by its length, before it is read.
func TestAChainOfMegabytesIsNotTakenIn(t *testing.T) {
	ca := newAuthority(t)
	config := ca.config(site, time.Hour)
	config.Certificates[0].Certificate = append(config.Certificates[0].Certificate, make([]byte, 8<<20))
	sent := make(chan int64, 1)
	addr := serve(t, func(conn net.Conn) {
		counted := &counted{Conn: conn}
		_ = tls.Server(counted, config).HandshakeContext(t.Context())
		sent <- counted.sent
	})
	a := ask(t, probe.TLS(handshakeOf(ca)), addr, soon)
	if a.Reason != probe.TLSHandshake || !strings.Contains(a.Detail, "262144") {
		t.Errorf("got %+v", a)
	}
	t.Logf("the server could send %d bytes", <-sent)
}

// counted counts what is written.
type counted struct {
	net.Conn
	sent int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.sent += int64(n)
	return n, err
}
