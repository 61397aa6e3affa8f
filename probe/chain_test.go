package probe_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/probe"
)

// piped is a Dial to a server whose configuration can be replaced between
// probes. It works in a bubble.
func piped(t *testing.T, config func() *tls.Config) probe.Dial {
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	return func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		reads, fed := io.Pipe()
		b := &buffered{Conn: far, reads: reads}
		wg.Go(func() { b.feed(fed) })
		wg.Go(func() {
			defer far.Close()
			secured := tls.Server(b, config())
			if secured.HandshakeContext(t.Context()) == nil {
				wait(secured)
			}
		})
		return near, nil
	}
}

// buffered is the far end of a pipe that takes what comes even while it writes,
// as a socket does: or else two ends that both write would wait for ever.
type buffered struct {
	net.Conn
	reads *io.PipeReader
}

func (b *buffered) Read(p []byte) (int, error) { return b.reads.Read(p) }

func (b *buffered) feed(to *io.PipeWriter) {
	var wg sync.WaitGroup
	defer wg.Wait()
	parts := make(chan []byte, 100)
	wg.Go(func() {
		for part := range parts {
			_, _ = to.Write(part)
		}
		to.Close()
	})
	defer close(parts)
	for {
		part := make([]byte, 4096)
		n, err := b.Conn.Read(part)
		if err != nil {
			b.reads.Close()
			return
		}
		parts <- part[:n]
	}
}

func TestACertificateThatExpiresIsNoticedAtOnceAlthoughItsVerdictIsKept(t *testing.T) {
	for name, c := range map[string]struct{ leaf, sub time.Duration }{
		"the server's own":   {time.Minute, time.Hour},
		"one of the chain's": {time.Hour, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				root := newAuthority(t)
				config := root.under("Sub", c.sub).chained(site, c.leaf)
				o := handshakeOf(root)
				o.Dial = piped(t, func() *tls.Config { return config })
				f := probe.TLS(o)
				for _, step := range []struct {
					after time.Duration
					want  probe.Reason
				}{{0, ""}, {59 * time.Second, ""}, {time.Second, ""}, {time.Second, probe.TLSExpired}} {
					time.Sleep(step.after)
					if a := ask(t, f, netip.AddrPort{}, soon); a.Reason != step.want {
						t.Errorf("%s after the start: got %+v, want %q", time.Now().Format(time.TimeOnly), a, step.want)
					}
				}
			})
		})
	}
}

func TestACertificateThatIsReplacedIsNoticedAtOnceAlthoughItsVerdictIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t)
		good := ca.config(site, time.Hour)
		now := good
		o := handshakeOf(ca)
		o.Dial = piped(t, func() *tls.Config { return now })
		f := probe.TLS(o)
		for _, step := range []struct {
			config *tls.Config
			want   probe.Reason
		}{
			{good, ""},
			{ca.config("other.example.com", time.Hour), probe.TLSName},
			{good, ""},
			{ca.config(site, -time.Hour), probe.TLSExpired},
			{newAuthority(t).config(site, time.Hour), probe.TLSUntrusted},
			{good, ""},
		} {
			now = step.config
			if a := ask(t, f, netip.AddrPort{}, soon); a.Reason != step.want {
				t.Errorf("got %+v, want %q", a, step.want)
			}
		}
	})
}

// presented are the certificates that a server of a configuration sends.
func presented(t *testing.T, config *tls.Config) []*x509.Certificate {
	t.Helper()
	var all []*x509.Certificate
	for _, der := range config.Certificates[0].Certificate {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, cert)
	}
	return all
}

func TestAKeptVerdictIsOnlyForWhatWasJudged(t *testing.T) {
	root := longLived(t)
	sub := root.under("Sub", days(300))
	certs := presented(t, sub.chained(site, days(60)))
	v := probe.NewVerdicts(handshakeOf(root))
	now := time.Now()
	if err := v.Verify(certs, now); err != nil || v.Kept() != 1 {
		t.Fatalf("got %v, %d verdicts are kept", err, v.Kept())
	}
	for name, err := range map[string]error{
		"another name":             v.As("other.example.com", root.roots).Verify(certs, now),
		"other roots":              v.As(site, newAuthority(t).roots).Verify(certs, now),
		"less of the chain":        v.Verify(certs[:1], now),
		"after its end":            v.Verify(certs, now.Add(days(61))),
		"before its begin":         v.Verify(certs, now.Add(-days(2000))),
		"another server's, longer": v.Verify(presented(t, newAuthority(t).chained(site, days(60))), now),
	} {
		if err == nil {
			t.Errorf("%s passes by the verdict of another", name)
		}
	}
	if err := v.Verify(certs, now); err != nil || v.Kept() != 1 {
		t.Errorf("got %v, %d verdicts are kept: bad ones take room", err, v.Kept())
	}
}

// The roots of a pool are told apart by the pool, so what is added to it later
// is the only way to see that a verdict was kept, and for how long.
func TestAVerdictIsKeptForFiveMinutes(t *testing.T) {
	root := longLived(t)
	certs := presented(t, root.config(site, days(60)))
	v := probe.NewVerdicts(handshakeOf(root))
	now := time.Now()
	forbidden := *certs[0]
	forbidden.DNSNames = nil // the same bytes: only a judgement anew would see it
	asked := []*x509.Certificate{&forbidden}
	if err := v.Verify(certs, now); err != nil {
		t.Fatal(err)
	}
	for after, fresh := range map[time.Duration]bool{
		time.Second: false, 5 * time.Minute: false,
		5*time.Minute + time.Second: true, -time.Second: true,
	} {
		if err := v.Verify(certs, now); err != nil {
			t.Fatal(err)
		}
		if err := v.Verify(asked, now.Add(after)); (err != nil) != fresh {
			t.Errorf("%s later: %v, judged anew: want %v", after, err, fresh)
		}
	}
}

func TestTheNumberOfKeptVerdictsIsBounded(t *testing.T) {
	ca := newAuthority(t)
	v := probe.NewVerdicts(handshakeOf(ca))
	certs := presented(t, ca.config(site, time.Hour))
	for n := range 1100 {
		other := *certs[0]
		other.Raw = append([]byte{byte(n), byte(n >> 8)}, certs[0].Raw...)
		if err := v.Verify([]*x509.Certificate{&other}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if n := v.Kept(); n == 0 || n > 1024 {
		t.Errorf("%d verdicts are kept", n)
	}
}

// What X25519 and the kept verdict are worth: over a loopback connection, both
// ends in this process.
func BenchmarkAHandshake(b *testing.B) {
	root := longLived(b)
	config := root.under("Sub", days(300)).chained(site, days(60))
	l, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				secured := tls.Server(conn, config)
				if secured.HandshakeContext(b.Context()) == nil {
					wait(secured)
				}
			}()
		}
	}()
	addr := target(netip.MustParseAddrPort(l.Addr().String()))
	o := probe.TLSOptions{Name: site, Roots: root.roots, Dial: dial()}
	kept := probe.TLS(o)
	for _, c := range []struct {
		name string
		ask  func() bool
	}{
		{"as Go does it", func() bool {
			conn, err := dial()(b.Context(), "tcp", addr.Addr.String())
			if err != nil {
				return false
			}
			defer conn.Close()
			return tls.Client(conn, &tls.Config{ServerName: site, RootCAs: root.roots}).HandshakeContext(b.Context()) == nil
		}},
		{"with X25519 first", func() bool { return probe.TLS(o)(b.Context(), addr).Verdict == probe.Pass }},
		{"and the verdict kept", func() bool { return kept(b.Context(), addr).Verdict == probe.Pass }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !c.ask() {
					b.Fatal("a handshake failed")
				}
			}
		})
	}
}
