package probe_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/probe"
)

// callers serves and tells who connects.
func callers(t *testing.T, address string) (netip.AddrPort, <-chan netip.AddrPort) {
	t.Helper()
	who := make(chan netip.AddrPort, 1000)
	addr := serveOn(t, address, func(conn net.Conn) {
		who <- conn.RemoteAddr().(*net.TCPAddr).AddrPort()
		wait(conn)
	})
	return addr, who
}

func TestAsksFromTheSourceThatItIsGiven(t *testing.T) {
	for listen, source := range map[string]string{"127.0.0.1:0": "127.0.0.7", "[::1]:0": "::1"} {
		t.Run(source, func(t *testing.T) {
			addr, who := callers(t, listen)
			from := netip.MustParseAddr(source)
			e := engine(t)
			for _, f := range []probe.Func{probe.TCP(probe.From(from)), byEngine(t, e, probe.PlainTCP(from))} {
				if a := ask(t, f, addr, soon); a.Verdict != probe.Pass {
					t.Fatalf("got %+v", a)
				}
				if got := <-who; got.Addr() != from {
					t.Errorf("was asked from %s, want %s", got, from)
				}
			}
		})
	}
}

func TestAddressesInTwoFormsAreOfOneFamily(t *testing.T) {
	addr, who := callers(t, "127.0.0.1:0")
	mapped := netip.AddrPortFrom(netip.AddrFrom16(addr.Addr().As16()), addr.Port())
	a := ask(t, probe.TCP(probe.From(netip.MustParseAddr("::ffff:127.0.0.7"))), mapped, soon)
	if a.Verdict != probe.Pass {
		t.Fatalf("got %+v", a)
	}
	if got := (<-who).Addr().String(); got != "127.0.0.7" {
		t.Errorf("was asked from %s", got)
	}
}

func TestASourceThatCannotBeUsedIsItsOwnTrouble(t *testing.T) {
	addr := serve(t, wait)
	e := engine(t)
	for source, want := range map[string]string{
		"192.0.2.7":   "this machine has no address 192.0.2.7 to ask from",
		"2001:db8::1": "the source 2001:db8::1 is of the other family: one is IPv4, the other IPv6",
	} {
		from := netip.MustParseAddr(source)
		all := kinds(probe.From(from))
		all["engine"] = byEngine(t, e, probe.PlainTCP(from))
		for kind, f := range all {
			a := ask(t, f, addr, soon)
			if a.Verdict != probe.Inconclusive || a.Reason != probe.OwnNetwork || a.Detail != want {
				t.Errorf("%s: got %s, %q (%s), want %q", kind, a.Verdict, a.Reason, a.Detail, want)
			}
		}
	}
}

func TestNamesWhyAConnectionFromASourceFails(t *testing.T) {
	t.Parallel()
	f := probe.TCP(probe.From(netip.MustParseAddr("127.0.0.7")))
	if a := ask(t, f, closedPort(t), soon); a.Reason != probe.Refused {
		t.Errorf("got %+v, want %q", a, probe.Refused)
	}
	if a := askOnce(t, f, fullBacklog(t), 100*time.Millisecond); a.Reason != probe.ConnectTimeout {
		t.Errorf("got %+v, want %q", a, probe.ConnectTimeout)
	}
}

// A load balancer that spreads connections by their ports must not give the
// same answer to each recheck.
func TestEveryQuestionComesFromAnotherPort(t *testing.T) {
	addr, who := callers(t, "127.0.0.1:0")
	source := netip.MustParseAddr("127.0.0.7")
	e := engine(t)
	for name, f := range map[string]probe.Func{
		"by the system's choice":               probe.TCP(dial()),
		"from a source":                        probe.TCP(probe.From(source)),
		"by an engine, by the system's choice": byEngine(t, e, probe.PlainTCP(netip.Addr{})),
		"by an engine, from a source":          byEngine(t, e, probe.PlainTCP(source)),
	} {
		t.Run(name, func(t *testing.T) {
			var before netip.AddrPort
			for range 100 {
				if a := ask(t, f, addr, soon); a.Verdict != probe.Pass {
					t.Fatalf("got %+v", a)
				}
				got := <-who
				if got == before {
					t.Fatalf("%s asked twice in a row", got)
				}
				before = got
			}
		})
	}
}

// far is a connection whose ends are said to be these, and which remembers what
// was written in each call.
type far struct {
	net.Conn
	from, to net.Addr
	writes   *[]string
}

func (f far) LocalAddr() net.Addr         { return f.from }
func (f far) RemoteAddr() net.Addr        { return f.to }
func (f far) SetDeadline(time.Time) error { return nil }
func (f far) Close() error                { return nil }
func (f far) Write(b []byte) (int, error) {
	*f.writes = append(*f.writes, string(b))
	return len(b), nil
}

func endpoint(addr string) net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))
}

func TestAnnouncesTheEndsOfAConnection(t *testing.T) {
	const signature = "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
	pipe, _ := net.Pipe()
	defer pipe.Close()
	for name, c := range map[string]struct {
		version  probe.ProxyVersion
		from, to net.Addr
		want     string
	}{
		// The example of section 2.1 of proxy-protocol.txt.
		"text": {
			probe.ProxyV1, endpoint("192.168.0.1:56324"), endpoint("192.168.0.11:443"),
			"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
		},
		// The longest lines that the section foresees.
		"the longest text": {
			probe.ProxyV1, endpoint("255.255.255.255:65535"), endpoint("255.255.255.255:65535"),
			"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
		},
		"the longest text, IPv6": {
			probe.ProxyV1, endpoint("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"), endpoint("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
			"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		},
		"text, IPv6":                    {probe.ProxyV1, endpoint("[fe80::1%lo]:1"), endpoint("[2001:db8::2]:443"), "PROXY TCP6 fe80::1 2001:db8::2 1 443\r\n"},
		"text, IPv4 as IPv6":            {probe.ProxyV1, endpoint("[::ffff:192.0.2.1]:1"), endpoint("192.0.2.2:443"), "PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n"},
		"text, ends without an address": {probe.ProxyV1, pipe.LocalAddr(), pipe.RemoteAddr(), "PROXY UNKNOWN\r\n"},
		// Section 2.2: version 2 with the command PROXY is \x21, TCP over IPv4 \x11 with 12 bytes, over IPv6 \x21 with 36.
		"binary": {
			probe.ProxyV2, endpoint("192.168.0.1:56324"), endpoint("192.168.0.11:443"),
			signature + "\x21\x11\x00\x0c" + "\xc0\xa8\x00\x01" + "\xc0\xa8\x00\x0b" + "\xdc\x04" + "\x01\xbb",
		},
		"binary, IPv6": {
			probe.ProxyV2, endpoint("[fe80::1%lo]:56324"), endpoint("[2001:db8::2]:443"),
			signature + "\x21\x21\x00\x24" + "\xfe\x80" + strings.Repeat("\x00", 13) + "\x01" +
				"\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x02" + "\xdc\x04" + "\x01\xbb",
		},
		"binary, ends without an address": {probe.ProxyV2, pipe.LocalAddr(), pipe.RemoteAddr(), signature + "\x20\x00\x00\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			var writes []string
			there := func(context.Context, string, string) (net.Conn, error) {
				return far{from: c.from, to: c.to, writes: &writes}, nil
			}
			if _, err := probe.Announce(there, c.version)(t.Context(), "tcp", "192.0.2.1:1"); err != nil {
				t.Fatal(err)
			}
			if len(writes) != 1 || writes[0] != c.want {
				t.Errorf("wrote %q, want %q at once", writes, c.want)
			}
		})
	}
}

func TestAnnouncesBeforeAnythingElse(t *testing.T) {
	for version, want := range map[probe.ProxyVersion]string{probe.ProxyV1: "PROXY TCP4 127.0.0.1 ", probe.ProxyV2: "\r\n\r\n\x00\r\nQUIT\n\x21\x11"} {
		got := make(chan string, 10)
		addr := serve(t, func(conn net.Conn) {
			head := make([]byte, len(want))
			_, _ = io.ReadFull(conn, head)
			got <- string(head)
		})
		for kind, f := range kinds(probe.Announce(dial(), version)) {
			ask(t, f, addr, soon)
			if head := <-got; head != want {
				t.Errorf("version %d, %s: the connection begins with %q, want %q", version, kind, head, want)
			}
		}
	}
}

func TestAHeaderThatCannotBeSentEndsTheConnection(t *testing.T) {
	broken := errors.New("out of order")
	if _, err := probe.Announce(failing(broken), probe.ProxyV1)(t.Context(), "tcp", "192.0.2.1:1"); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	closed := false
	gone := func(context.Context, string, string) (net.Conn, error) { return reject{closed: &closed}, nil }
	a := ask(t, probe.TCP(probe.Announce(gone, probe.ProxyV1)), netip.AddrPort{}, soon)
	if a.Verdict != probe.Fail || a.Reason != probe.Reset || !closed {
		t.Errorf("got %+v, want %q; the connection was closed: %v", a, probe.Reset, closed)
	}
}

// reject is a connection that was reset before anything was written.
type reject struct {
	far
	closed *bool
}

func (r reject) Close() error {
	*r.closed = true
	return nil
}

func (reject) Write([]byte) (int, error) { return 0, connect(syscall.EPIPE) }

// In a bubble the end can be told to the nanosecond.
func TestAHeaderIsBoundByTheDeadline(t *testing.T) {
	for title, end := range map[string]struct {
		after  time.Duration
		reason probe.Reason
		cancel bool
	}{"the deadline": {time.Minute, probe.ConnectTimeout, false}, "a shutdown": {time.Second, probe.Cancelled, true}} {
		synctest.Test(t, func(t *testing.T) {
			near, side := net.Pipe() // nobody reads from it
			defer side.Close()
			there := func(context.Context, string, string) (net.Conn, error) { return near, nil }
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if end.cancel {
				time.AfterFunc(end.after, cancel)
			}
			start := time.Now()
			a := probe.TCP(probe.Announce(there, probe.ProxyV2))(ctx, target(netip.AddrPort{}))
			if took := time.Since(start); a.Reason != end.reason || took != end.after {
				t.Errorf("%s: got %+v after %s, want %q after %s", title, a, took, end.reason, end.after)
			}
		})
	}
}

func TestAConnectionThatWasAnnouncedHasNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, side := net.Pipe()
		defer near.Close()
		defer side.Close()
		go wait(side)
		there := func(context.Context, string, string) (net.Conn, error) { return near, nil }
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		conn, err := probe.Announce(there, probe.ProxyV1)(ctx, "tcp", "192.0.2.1:1")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if _, err := io.WriteString(conn, "x"); err != nil {
			t.Errorf("the connection ended with the context that opened it: %v", err)
		}
	})
}
