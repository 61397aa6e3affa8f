package probe_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rrwatch/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is a probe's time-out where the far side answers at once.
const soon = 10 * time.Second

// serve listens on the loopback and hands every connection to talk.
func serve(t *testing.T, talk func(net.Conn)) netip.AddrPort {
	t.Helper()
	return serveOn(t, "127.0.0.1:0", talk)
}

// listenOn listens on an address of the loopback; not every machine has IPv6.
func listenOn(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil && strings.HasPrefix(address, "[") {
		t.Skip("no IPv6 here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serveOn is serve on another address.
func serveOn(t *testing.T, address string, talk func(net.Conn)) netip.AddrPort {
	t.Helper()
	l := listenOn(t, address)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				talk(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

// serveTLS is serve with a handshake first; failed ones are over.
func serveTLS(t *testing.T, config *tls.Config, talk func(net.Conn)) netip.AddrPort {
	t.Helper()
	return serve(t, func(conn net.Conn) {
		secured := tls.Server(conn, config)
		if secured.HandshakeContext(t.Context()) == nil {
			talk(secured)
		}
	})
}

// answer reads one request and writes text, byte for byte.
func answer(text string) func(net.Conn) {
	return func(conn net.Conn) {
		if request(conn) != nil {
			_, _ = io.WriteString(conn, text)
			wait(conn)
		}
	}
}

// request reads one request; nil if there is none.
func request(conn net.Conn) *http.Request {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return nil
	}
	return r
}

// wait holds a connection open until the far side has left.
func wait(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// reset ends a connection with a RST.
func reset(conn net.Conn) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

func dial() probe.Dial { return (&net.Dialer{}).DialContext }

// failing is a Dial that fails.
func failing(err error) probe.Dial {
	return func(context.Context, string, string) (net.Conn, error) { return nil, err }
}

// page is the plain question: GET / of the name, any 2xx.
func page() probe.HTTPOptions {
	return probe.HTTPOptions{
		Method: http.MethodGet, Host: "www.example.com", Path: "/",
		Status: []probe.StatusRange{{From: 200, To: 299}}, Dial: dial(),
	}
}

func target(addr netip.AddrPort) probe.Target {
	return probe.Target{Pool: "www", Check: "check", Addr: addr}
}

// ask runs a probe within a time-out. On a loaded machine a short one may not
// even leave time to connect: then it is asked once more, with more time.
func ask(t *testing.T, f probe.Func, addr netip.AddrPort, timeout time.Duration) probe.Answer {
	t.Helper()
	a := askOnce(t, f, addr, timeout)
	if a.Reason == probe.ConnectTimeout && timeout < time.Second {
		a = askOnce(t, f, addr, 5*timeout)
	}
	return a
}

// askAsFar asks with more and more time, until the answer gets as far as last:
// on a loaded machine a short time-out may leave the other side no time to speak.
func askAsFar(t *testing.T, f probe.Func, addr netip.AddrPort, timeout time.Duration, last reached) probe.Answer {
	t.Helper()
	for ; ; timeout *= 4 {
		a := askOnce(t, f, addr, timeout)
		if p := a.Phases; timeout >= soon ||
			(last < connected || p.Connect > 0) && (last != secured || p.TLS > 0) && (last < answered || p.FirstByte > 0) {
			return a
		}
	}
}

// askOnce runs a probe and checks what every probe must keep: it ends by its
// deadline, and its phases are no longer than the whole.
func askOnce(t *testing.T, f probe.Func, addr netip.AddrPort, timeout time.Duration) probe.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	start := time.Now()
	a := f(ctx, target(addr))
	if late := time.Since(start) - timeout; late > time.Second { // a loaded machine is late, too
		t.Errorf("the probe ended %s after its deadline", late)
	}
	if p := a.Phases; p.Whole < p.Connect+p.TLS+p.FirstByte {
		t.Errorf("the whole is shorter than its parts: %+v", p)
	}
	if (a.Reason == "") != (a.Verdict == probe.Pass) {
		t.Errorf("the verdict is %s and the reason %q", a.Verdict, a.Reason)
	}
	return a
}
