package probe_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/probe"
)

// serveDatagrams listens and answers every datagram as reply says.
func serveDatagrams(t *testing.T, host string, reply func(conn *net.UDPConn, from netip.AddrPort, data []byte)) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
	if err != nil && host == "::1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		data := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(data)
			if err != nil {
				return
			}
			reply(conn, from, data[:n])
		}
	})
	t.Cleanup(func() {
		conn.Close()
		wg.Wait()
	})
	return netip.MustParseAddrPort(conn.LocalAddr().String())
}

// replying answers every datagram with a text.
func replying(text string) func(*net.UDPConn, netip.AddrPort, []byte) {
	return func(conn *net.UDPConn, from netip.AddrPort, _ []byte) {
		_, _ = conn.WriteToUDPAddrPort([]byte(text), from)
	}
}

// noAnswer takes every datagram and answers none.
func noAnswer(*net.UDPConn, netip.AddrPort, []byte) {}

// datagram sends a text once and expects an answer.
func datagram(text, expected string) probe.UDPOptions {
	return probe.UDPOptions{Send: text, Expect: expected, Tries: 1, Dial: dial()}
}

func TestAsksByUDP(t *testing.T) {
	echo := func(conn *net.UDPConn, from netip.AddrPort, data []byte) { _, _ = conn.WriteToUDPAddrPort(data, from) }
	for title, c := range map[string]struct {
		reply  func(*net.UDPConn, netip.AddrPort, []byte)
		o      probe.UDPOptions
		reason probe.Reason
		detail string // an expression
	}{
		"any answer":             {replying("hello"), datagram("x", ""), "", "^answered 5 bytes$"},
		"an empty answer":        {replying(""), datagram("x", ""), "", "^answered 0 bytes$"},
		"its own bytes":          {echo, datagram("\x00\xff\n", `^\x00\xff\n$`), "", "^answered 3 bytes$"},
		"what is expected":       {replying("\xff\xff\xff\xffI\x11name"), datagram("x", `^\xff\xff\xff\xffI`), "", "^answered 10 bytes$"},
		"a line's end for a dot": {replying("a\nb"), datagram("x", `^a.b$`), "", "^answered 3 bytes$"},
		"something else":         {replying("a\x00\xff"), datagram("x", `^\xff`), probe.Text, `^nothing matched "\^\\xff", there came "a\\x00\\xff"$`},
		"not at a line's end":    {replying("a\nb"), datagram("x", `^a$`), probe.Text, `^nothing matched "\^a\$", there came "a\\nb"$`},
		"nothing, but expected":  {replying(""), datagram("x", "^a"), probe.Text, `there came ""$`},
		"an echo of a secret":    {echo, datagram("sesame-open", "^ok"), probe.Text, `there came "…"$`},
		"the first 4 KiB":        {replying(strings.Repeat("x", 4095) + "yz"), datagram("x", "xy$"), "", "^answered 4096 bytes$"},
		"the longest there is":   {replying(strings.Repeat("x", 65507)), datagram(strings.Repeat("y", 65507), "^x"), "", "^answered 4096 bytes$"},
		"silence":                {noAnswer, datagram("x", ""), probe.AnswerTimeout, `^no answer to a datagram within \d+ms; with UDP a lost one looks like a dead server$`},
	} {
		for _, host := range []string{"127.0.0.1", "::1"} {
			t.Run(title+", "+host, func(t *testing.T) {
				timeout := soon
				if c.reason == probe.AnswerTimeout {
					timeout = 50 * time.Millisecond
				}
				a := ask(t, probe.UDP(c.o), serveDatagrams(t, host, c.reply), timeout)
				if a.Reason != c.reason || !regexp.MustCompile(c.detail).MatchString(a.Detail) {
					t.Errorf("got %s, %q (%s), want %q (%s)", a.Verdict, a.Reason, a.Detail, c.reason, c.detail)
				}
				checkHarmless(t, a.Detail)
				p := a.Phases
				if p.Connect != 0 || p.TLS != 0 || (p.FirstByte > 0) != (a.Reason != probe.AnswerTimeout) || p.Whole <= 0 {
					t.Errorf("the phases are %+v", p)
				}
			})
		}
	}
}

func TestNamesWhyUDPFails(t *testing.T) {
	tooLong := datagram(strings.Repeat("x", 65508), "")
	foreign := datagram("x", "")
	foreign.Dial = probe.From(netip.MustParseAddr("192.0.2.7"))
	for title, c := range map[string]struct {
		o       probe.UDPOptions
		dial    probe.Dial
		verdict probe.Verdict
		reason  probe.Reason
		detail  string
	}{
		"a closed port":         {datagram("x", ""), nil, probe.Fail, probe.Refused, "nobody listens on the port (ICMP port unreachable)"},
		"too long a datagram":   {tooLong, nil, probe.Inconclusive, probe.OwnNetwork, "our own network sends no datagram of 65508 bytes"},
		"a source of elsewhere": {foreign, nil, probe.Inconclusive, probe.OwnNetwork, "this machine has no address 192.0.2.7 to ask from"},
		"no route":              {datagram("x", ""), failing(connect(syscall.ENETUNREACH)), probe.Inconclusive, probe.OwnNetwork, ""},
		"no descriptor":         {datagram("x", ""), failing(connect(syscall.EMFILE)), probe.Inconclusive, probe.OwnResources, ""},
		"an unreachable host":   {datagram("x", ""), failing(connect(syscall.EHOSTUNREACH)), probe.Fail, probe.Unreachable, ""},
	} {
		t.Run(title, func(t *testing.T) {
			if c.dial != nil {
				c.o.Dial = c.dial
			}
			a := ask(t, probe.UDP(c.o), closedUDPPort(t), soon)
			if a.Verdict != c.verdict || a.Reason != c.reason || !strings.HasSuffix(a.Detail, c.detail) {
				t.Errorf("got %+v, want %s, %q (…%s)", a, c.verdict, c.reason, c.detail)
			}
		})
	}
}

func closedUDPPort(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return netip.MustParseAddrPort(conn.LocalAddr().String())
}

func TestTakesAnAnswerFromTheTargetOnly(t *testing.T) {
	addr := serveDatagrams(t, "127.0.0.1", func(_ *net.UDPConn, from netip.AddrPort, _ []byte) {
		stranger, err := net.ListenUDP("udp", nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer stranger.Close()
		_, _ = stranger.WriteToUDPAddrPort([]byte("hello"), from)
	})
	if a := ask(t, probe.UDP(datagram("x", "")), addr, 100*time.Millisecond); a.Reason != probe.AnswerTimeout {
		t.Errorf("got %+v", a)
	}
}

func TestAsksByUDPFromTheSourceThatItIsGiven(t *testing.T) {
	who := make(chan netip.AddrPort, 10)
	addr := serveDatagrams(t, "127.0.0.1", func(conn *net.UDPConn, from netip.AddrPort, _ []byte) {
		who <- from
		replying("ok")(conn, from, nil)
	})
	o := datagram("x", "ok")
	o.Dial = probe.From(netip.MustParseAddr("127.0.0.7"))
	if a := ask(t, probe.UDP(o), addr, soon); a.Verdict != probe.Pass {
		t.Errorf("got %+v", a)
	}
	if got := <-who; got.Addr() != netip.MustParseAddr("127.0.0.7") {
		t.Errorf("was asked from %s", got)
	}
}

// lossy is a network that loses, in a bubble.
type lossy struct {
	net.Conn // side of the prober
	sent     []time.Duration
	start    time.Time
	answer   int // the datagram that is answered; 0: none
	side     net.Conn
	wg       sync.WaitGroup
}

// Write takes a datagram.
func (p *lossy) Write(b []byte) (int, error) {
	p.sent = append(p.sent, time.Since(p.start))
	if len(p.sent) == p.answer {
		p.wg.Go(func() { _, _ = io.WriteString(p.side, "ok") })
	}
	return len(b), nil
}

// In a bubble the times can be told to the nanosecond.
func TestSpreadsItsTriesOverTheTimeout(t *testing.T) {
	for title, c := range map[string]struct {
		tries, answer int
		sent          []time.Duration
		whole         time.Duration
		detail        string
	}{
		"no answer to one":     {1, 0, []time.Duration{0}, 2 * time.Second, "no answer to a datagram within 2s; with UDP a lost one looks like a dead server"},
		"no answer to four":    {4, 0, []time.Duration{0, time.Second / 2, time.Second, 3 * time.Second / 2}, 2 * time.Second, "no answer to 4 datagrams within 2s; with UDP a lost one looks like a dead server"},
		"an answer to the 1st": {4, 1, []time.Duration{0}, 0, "answered 2 bytes"},
		"an answer to the 3rd": {4, 3, []time.Duration{0, time.Second / 2, time.Second}, time.Second, "answered 2 bytes"},
	} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, side := net.Pipe()
				defer side.Close()
				p := &lossy{Conn: near, side: side, start: time.Now(), answer: c.answer}
				defer p.wg.Wait()
				o := datagram("x", "")
				o.Tries = c.tries
				o.Dial = func(_ context.Context, network, _ string) (net.Conn, error) {
					if network != "udp" {
						t.Errorf("dials %s", network)
					}
					return p, nil
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				a := probe.UDP(o)(ctx, target(netip.AddrPort{}))
				if !slices.Equal(p.sent, c.sent) || a.Phases.Whole != c.whole || a.Detail != c.detail {
					t.Errorf("sent at %v, want %v, and then %+v", p.sent, c.sent, a)
				}
			})
		})
	}
}

func TestAUDPProbeCutShortByShutdownIsCancelled(t *testing.T) {
	for tries := range 3 {
		for _, after := range []time.Duration{0, time.Second / 2} { // 0: while it sends
			synctest.Test(t, func(t *testing.T) {
				near, side := net.Pipe()
				defer side.Close()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				o := datagram("x", "")
				o.Tries = 1 + tries
				o.Dial = func(context.Context, string, string) (net.Conn, error) {
					return ending{lossy: &lossy{Conn: near, start: time.Now()}, end: cancel, after: after}, nil
				}
				a := probe.UDP(o)(ctx, target(netip.AddrPort{}))
				if a.Verdict != probe.Inconclusive || a.Reason != probe.Cancelled || a.Phases.Whole != after {
					t.Errorf("%d tries: got %+v, want it after %s", o.Tries, a, after)
				}
			})
		}
	}
}

// ending is a network in which a datagram ends everything, some time later.
type ending struct {
	*lossy
	end   func()
	after time.Duration
}

func (e ending) Write(b []byte) (int, error) {
	if e.after > 0 {
		time.AfterFunc(e.after, e.end)
		return e.lossy.Write(b)
	}
	e.end()
	synctest.Wait() // until all know
	return e.lossy.Write(b)
}

func TestUDPLeavesNoDescriptorBehind(t *testing.T) {
	before := descriptors(t)
	t.Run("probes", func(t *testing.T) { // its listeners are closed when it ends
		for _, addr := range []netip.AddrPort{
			serveDatagrams(t, "127.0.0.1", noAnswer), serveDatagrams(t, "127.0.0.1", replying("ok")), closedUDPPort(t),
		} {
			for range 10 {
				ask(t, probe.UDP(datagram("x", "no")), addr, 5*time.Millisecond)
			}
		}
	})
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func FuzzADatagramIsJudged(f *testing.F) {
	for _, text := range []string{"", "ok", "\xff\xff\xff\xffI\x00\x1b[2J", "sesame-open", strings.Repeat("ü", 4096)} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o := datagram("sesame-open-7f3a", `^\xff+I`)
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			return oneDatagram{script: script{text: bytes.NewReader(text)}}, nil
		}
		a := probe.UDP(o)(t.Context(), target(netip.AddrPort{}))
		checkHarmless(t, a.Detail)
		n := slices.IndexFunc(text[:min(len(text), 4096)], func(b byte) bool { return b != 0xff })
		want := n > 0 && text[n] == 'I'
		if (a.Verdict == probe.Pass) != want || a.Verdict == probe.Inconclusive || strings.Contains(a.Detail, "sesa") {
			t.Errorf("%q: got %+v, want a pass: %v", text, a, want)
		}
	})
}

// oneDatagram gives its text as one datagram, an empty one, too.
type oneDatagram struct{ script }

func (p oneDatagram) Read(b []byte) (int, error) {
	n, _ := io.ReadFull(p.text, b)
	return n, nil
}

func (oneDatagram) SetReadDeadline(time.Time) error { return nil }
