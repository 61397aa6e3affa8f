package probe_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"rrwatch/probe"
)

// streamed are all kinds of probes that read a stream, over one Dial: within
// TLS if there are roots, in the clear if not. What listens at peer is sound.
func streamed(t *testing.T, d probe.Dial, roots *x509.CertPool, peer netip.AddrPort) map[string]probe.Func {
	t.Helper()
	o := page()
	o.Body, o.Dial = "never there", d
	steps := []probe.Step{send("EHLO x\r\n"), expect("^250 ")}
	health, pages, trip, bad := healthOf(""), stats("/"), journey(peer), journey(someAddr())
	health.Dial, pages.Dial, trip.Dial, bad.Dial = d, d, d, d
	if roots != nil {
		secure := &probe.TLSOptions{Roots: roots}
		o.TLS, health.TLS, pages.TLS, trip.TLS, bad.TLS = secure, secure, secure, secure, secure
		steps = append([]probe.Step{startTLS()}, steps...)
	}
	second := o
	second.Version = probe.HTTP2
	funcs := map[string]probe.Func{
		"http": probe.HTTP(o), "http2": probe.HTTP(second), "grpc": probe.GRPC(health), "haproxy": probe.HAProxy(pages),
		"session": probe.Journey(trip), "peer": probe.Journey(bad),
		"talk": probe.Talk(probe.TalkOptions{Steps: steps, TLS: probe.TLSOptions{Name: site, Roots: roots}, Dial: d}),
		"endpoint": probe.Endpoint(probe.EndpointOptions{HTTP: o, Port: 80, Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{someAddr().Addr()}, nil
		}}),
	}
	if roots != nil {
		return funcs
	}
	question := query()
	question.Transport, question.Dial = probe.DNSOverTCP, d
	f, err := probe.DNS(question)
	if err != nil {
		t.Fatal(err)
	}
	funcs["dns"] = f
	return funcs
}

// soundPeer is an address at which streamed leads to what is sound.
func soundPeer() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.77:80") }

// finish ends what is sent, in order.
func finish(conn net.Conn) {
	_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	wait(conn)
}

// misbehaviours are what a server may do once there is a connection. Each ends
// by itself, or is more than any probe takes in.
func misbehaviours() map[string]func(net.Conn) {
	saying := func(text string, then func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, text)
			then(conn)
		}
	}
	forever := func(text string) func(net.Conn) { return func(conn net.Conn) { endless(conn, text) } }
	return map[string]func(net.Conn){
		"endless headers":       saying("HTTP/1.1 200 OK\r\n", forever("A: b\r\n")),
		"an endless body":       saying("HTTP/1.1 200 OK\r\nSet-Cookie: SRV=x\r\n\r\n", forever("x")),
		"endless garbage":       forever("\x00\xff\x1b\n"),
		"garbage":               saying("\x00\xff\x1b\n", finish),
		"an early end":          finish,
		"an end once asked":     saying("", finish),
		"an early reset":        reset,
		"a reset once asked":    saying("", reset),
		"a reset in the answer": saying("HTTP/1.1 200 OK\r\n", reset),
	}
}

func TestEveryKindEndsWhateverAServerDoes(t *testing.T) {
	everyKindEnds(t, func(t *testing.T) {
		for name, talk := range misbehaviours() {
			checkEnds(t, name, serve(t, talk), member(t, "app1"), nil)
		}
	})
}

func TestEveryKindEndsWhateverAServerDoesWithinTLS(t *testing.T) {
	ca := newAuthority(t)
	config := ca.config(site, time.Hour)
	config.NextProtos = []string{"h2", "http/1.1"}
	everyKindEnds(t, func(t *testing.T) {
		peer := serveTLS(t, config, balance("app1"))
		for name, talk := range misbehaviours() {
			checkEnds(t, name+" within TLS", serveTLS(t, config, talk), peer, ca.roots)
		}
		for name, talk := range misbehaviours() {
			checkEnds(t, name+" instead of TLS", serve(t, talk), peer, ca.roots)
		}
		large := config.Clone()
		large.Certificates = []tls.Certificate{config.Certificates[0]}
		large.Certificates[0].Certificate = append([][]byte{config.Certificates[0].Certificate[0]}, make([]byte, 3<<20))
		for name, talk := range map[string]func(net.Conn){
			"an end in the handshake":  part(t, config, 300, finish),
			"a reset in the handshake": part(t, config, 300, reset),
			"garbage in the handshake": part(t, config, 300, func(conn net.Conn) { endless(conn, "\x00\xff") }),
			"a chain of megabytes":     func(conn net.Conn) { _ = tls.Server(conn, large).HandshakeContext(t.Context()); wait(conn) },
		} {
			checkEnds(t, name, serve(t, talk), peer, ca.roots)
		}
	})
}

// everyKindEnds runs a test that leaves nothing behind.
func everyKindEnds(t *testing.T, test func(*testing.T)) {
	t.Helper()
	writer := log.Writer()
	log.SetOutput(io.Discard) // a library tells what it thinks of such servers
	t.Cleanup(func() { log.SetOutput(writer) })
	running, open := goleak.IgnoreCurrent(), descriptors(t)
	t.Run("servers", test) // they are closed when it ends
	goleak.VerifyNone(t, running)
	if after := descriptors(t); after > open {
		t.Errorf("%d descriptors before, %d after", open, after)
	}
}

// checkEnds fails unless every kind finds out by itself, and not by its
// deadline, that a server is of no use.
func checkEnds(t *testing.T, name string, bad, good netip.AddrPort, roots *x509.CertPool) {
	t.Helper()
	d := func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == soundPeer().String() {
			return dial()(ctx, network, good.String())
		}
		return dial()(ctx, network, bad.String())
	}
	for kind, f := range streamed(t, d, roots, soundPeer()) {
		a := ask(t, f, someAddr(), 3*soon)
		want := probe.Fail
		if kind == "peer" {
			want = probe.Inconclusive // it says nothing of the address
		}
		if a.Verdict != want || a.Reason == probe.AnswerTimeout || a.Reason == probe.Internal {
			t.Errorf("%s, %s: got %+v", name, kind, a)
		}
		checkHarmless(t, a.Detail)
	}
}

// In a bubble a server may send one byte a second for as long as the probe has.
func TestEveryKindGivesUpADripAtTheDeadline(t *testing.T) {
	const timeout = 2 * time.Minute
	dripped := map[string]string{
		"":        "HTTP/1.1 200 OK\r\nSet-Cookie: SRV=x\r\n\r\n",
		"http2":   preface + "\x00\x10\x00\xbe\x00\x00\x00\x00\x00", // a long frame of an unknown type
		"grpc":    preface + "\x00\x10\x00\xbe\x00\x00\x00\x00\x00",
		"dns":     "\xff\xff",
		"session": "HTTP/1.1 200 OK\r\nX-Backend: ", // whose body does not matter
	}
	for _, secure := range []bool{false, true} {
		for _, kind := range []string{"http", "http2", "grpc", "haproxy", "session", "peer", "talk", "endpoint", "dns"} {
			if secure && kind == "dns" {
				continue
			}
			name := kind
			if secure {
				name += " within TLS"
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					text, special := dripped[kind]
					if !special {
						text = dripped[""]
					}
					a, took := dripOn(t, kind, secure, text, timeout)
					switch {
					case kind == "peer" && (a.Reason != probe.NoPeer || took > timeout/2):
						t.Errorf("got %+v after %s, want %q in half of the time", a, took, probe.NoPeer)
					case kind != "peer" && (a.Verdict != probe.Fail || took != timeout):
						t.Errorf("got %+v after %s, want a fail after %s", a, took, timeout)
					}
				})
			})
		}
	}
}

// dripOn asks a server that sends a text, and then letters, one byte
// a second.
func dripOn(t *testing.T, kind string, secure bool, text string, timeout time.Duration) (probe.Answer, time.Duration) {
	t.Helper()
	var far sync.WaitGroup
	defer far.Wait()
	talk := func(conn net.Conn) {
		far.Go(func() { wait(conn) })
		for text := text + strings.Repeat("x", 1000); text != ""; text = text[1:] {
			time.Sleep(time.Second)
			if _, err := io.WriteString(conn, text[:1]); err != nil {
				return
			}
		}
	}
	var config *tls.Config
	var roots *x509.CertPool
	if secure {
		ca := newAuthority(t)
		config, roots = ca.config(site, time.Hour), ca.roots
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	d := func(_ context.Context, _, address string) (net.Conn, error) {
		near, conn := net.Pipe()
		reads, fed := io.Pipe()
		b := &buffered{Conn: conn, reads: reads}
		far.Go(func() { b.feed(fed) })
		far.Go(func() {
			defer conn.Close()
			var stream net.Conn = b
			if secure {
				stream = tls.Server(b, config)
			}
			if address == soundPeer().String() {
				balance("app1")(stream)
				return
			}
			talk(stream)
		})
		return near, nil
	}
	f := streamed(t, d, roots, soundPeer())[kind]
	start := time.Now()
	a := askOnce(t, f, someAddr(), timeout)
	return a, time.Since(start)
}
