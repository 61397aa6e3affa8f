package probe_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/probe"
)

// engine is an engine for a test; where there is none the test is skipped.
func engine(t *testing.T) *probe.Engine {
	t.Helper()
	e, err := probe.NewEngine()
	if errors.Is(err, probe.ErrNoEngine) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// next waits for the next answers.
func next(t *testing.T, e *probe.Engine) probe.Asked {
	t.Helper()
	list, err := e.Wait(time.Now().Add(2 * soon))
	if err != nil || len(list) != 1 {
		t.Fatalf("%d answers, %v; want 1", len(list), err)
	}
	return list[0]
}

// byEngine is a plain question asked by an engine, as a Func.
func byEngine(tb *testing.T, e *probe.Engine, plain *probe.Plain) probe.Func {
	return func(ctx context.Context, t probe.Target) probe.Answer {
		deadline, _ := ctx.Deadline()
		e.Ask(probe.Job{Ticket: t, Addr: t.Addr, Plain: plain, Timeout: time.Until(deadline)})
		return next(tb, e).Answer
	}
}

// The same question has the same answer, whichever way it is asked.
func TestBothWaysOfAskingGiveTheSameAnswers(t *testing.T) {
	t.Parallel()
	drip := func(text string) func(net.Conn) {
		return func(conn net.Conn) {
			if request(conn) == nil {
				return
			}
			for i := range len(text) {
				if _, err := io.WriteString(conn, text[i:i+1]); err != nil {
					return
				}
			}
			wait(conn)
		}
	}
	then := func(text string, end func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			if request(conn) != nil {
				_, _ = io.WriteString(conn, text)
				end(conn)
			}
		}
	}
	finish := func(conn net.Conn) { conn.Close() }
	forever := func(first, text string) func(net.Conn) {
		return then(first, func(conn net.Conn) { endless(conn, text) })
	}
	const head = "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct {
		talk    func(net.Conn)
		reason  probe.Reason
		timeout time.Duration
		last    reached
	}{
		"an answer":               {talk: answer(ok)},
		"byte by byte":            {talk: drip(ok)},
		"bare line feeds":         {talk: answer("HTTP/1.0 200 OK\nA: b\n\nhello")},
		"a hint first":            {talk: drip("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok)},
		"another status":          {talk: answer("HTTP/1.1 503 Service Unavailable\r\n\r\n"), reason: probe.Status},
		"switching protocols":     {talk: answer("HTTP/1.1 101 Switching Protocols\r\n\r\n"), reason: probe.Status},
		"too many hints":          {talk: forever("", "HTTP/1.1 103 Early Hints\r\n\r\n"), reason: probe.Protocol},
		"endless headers":         {talk: forever(head, "A: b\r\n"), reason: probe.Protocol},
		"an endless header":       {talk: forever(head+"A: ", "a"), reason: probe.Protocol},
		"an endless status line":  {talk: forever("HTTP/1.1 200 ", "a"), reason: probe.Protocol},
		"zeros":                   {talk: forever("", "\x00"), reason: probe.Protocol},
		"garbage, then silence":   {talk: then("SSH-2.0-x\r\n", wait), reason: probe.Protocol},
		"garbage, then the end":   {talk: then("SSH-2.0-x", finish), reason: probe.Protocol},
		"a bad header":            {talk: answer(head + "no colon\r\n\r\n"), reason: probe.Protocol},
		"two lengths":             {talk: answer(head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx"), reason: probe.Protocol},
		"an end before the end":   {talk: then(head+"A: b\r\n", finish), reason: probe.Closed},
		"an end within a line":    {talk: then(head+"A: b", finish), reason: probe.Closed},
		"an end before anything":  {talk: then("", finish), reason: probe.Closed},
		"a reset before anything": {talk: then("", reset), reason: probe.Reset},
		"a reset in the head":     {talk: then(head, reset), reason: probe.Reset},
		"silence":                 {talk: wait, reason: probe.AnswerTimeout, timeout: 50 * time.Millisecond, last: connected},
		"half an answer":          {talk: then(head, wait), reason: probe.AnswerTimeout, timeout: 50 * time.Millisecond, last: answered},
	} {
		t.Run(name, func(t *testing.T) {
			e := engine(t)
			addr := serve(t, c.talk)
			timeout := soon
			if c.timeout > 0 {
				timeout = c.timeout
			}
			o := page()
			pooled := askAsFar(t, probe.HTTP(o), addr, timeout, c.last)
			fast := askAsFar(t, byEngine(t, e, probe.PlainHTTP(o, netip.Addr{})), addr, timeout, c.last)
			checkAlike(t, pooled, fast, c.reason)
		})
	}
}

// checkAlike fails unless both answers have the reason and say the same.
func checkAlike(t *testing.T, pooled, fast probe.Answer, reason probe.Reason) {
	t.Helper()
	for name, a := range map[string]probe.Answer{"pooled": pooled, "engine": fast} {
		if a.Reason != reason {
			t.Errorf("%s: got %s, %q (%s), want %q", name, a.Verdict, a.Reason, a.Detail, reason)
		}
	}
	phases := func(a probe.Answer) []bool {
		return []bool{a.Phases.Connect > 0, a.Phases.TLS > 0, a.Phases.FirstByte > 0, a.Phases.Whole > 0}
	}
	if diff := cmp.Diff(phases(pooled), phases(fast)); diff != "" {
		t.Errorf("phases (connect, tls, first byte, whole): %s", diff)
	}
	if strings.Contains(pooled.Detail, "within") { // it tells a time
		pooled.Detail, fast.Detail = "", ""
	}
	pooled.Phases, fast.Phases = probe.Phases{}, probe.Phases{}
	if diff := cmp.Diff(pooled, fast); diff != "" {
		t.Errorf("pooled (-) and engine (+): %s", diff)
	}
}

func TestBothWaysOfAskingSpeakAlike(t *testing.T) {
	e := engine(t)
	heard := make(chan string, 2)
	addr := serve(t, func(conn net.Conn) {
		text := make([]byte, 4096)
		n, _ := conn.Read(text)
		heard <- string(text[:n])
		_, _ = io.WriteString(conn, ok)
		wait(conn)
	})
	o := page()
	o.Method, o.Path = http.MethodOptions, "/a?b=c"
	o.Header = http.Header{"X-Probe": {"1"}, "User-Agent": {"mine"}}
	ask(t, probe.HTTP(o), addr, soon)
	ask(t, byEngine(t, e, probe.PlainHTTP(o, netip.Addr{})), addr, soon)
	if diff := cmp.Diff(<-heard, <-heard); diff != "" {
		t.Errorf("pooled (-) and engine (+): %s", diff)
	}
}

func TestBothWaysOfConnectingGiveTheSameAnswers(t *testing.T) {
	free := serve(t, wait)
	for name, c := range map[string]struct {
		addr    netip.AddrPort
		reason  probe.Reason
		timeout time.Duration
	}{
		"listening":           {addr: free, timeout: soon},
		"refused":             {addr: closedPort(t), reason: probe.Refused, timeout: soon},
		"no way out":          {addr: netip.MustParseAddrPort("255.255.255.255:80"), reason: probe.OwnNetwork, timeout: soon},
		"a full queue":        {addr: fullBacklog(t), reason: probe.ConnectTimeout, timeout: 50 * time.Millisecond},
		"an unknown zone":     {addr: netip.MustParseAddrPort("[fe80::1%nothere]:80"), reason: "", timeout: soon},
		"IPv4 in IPv6":        {addr: netip.AddrPortFrom(netip.AddrFrom16(free.Addr().As16()), free.Port()), timeout: soon},
		"listening over IPv6": {addr: listen6(t), timeout: soon},
	} {
		t.Run(name, func(t *testing.T) {
			if !c.addr.IsValid() {
				t.Skip("this machine has no IPv6")
			}
			put := ask
			if c.reason == probe.ConnectTimeout {
				put = askOnce // more time would make no difference
			}
			e := engine(t)
			pooled := put(t, probe.TCP(dial()), c.addr, c.timeout)
			fast := put(t, byEngine(t, e, probe.PlainTCP(netip.Addr{})), c.addr, c.timeout)
			if c.addr.Addr().Zone() != "" {
				c.reason = pooled.Reason // the systems differ
			}
			checkAlike(t, pooled, fast, c.reason)
		})
	}
}

// listen6 listens on the loopback's IPv6 address; invalid if there is none.
func listen6(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "[::1]:0")
	if err != nil {
		return netip.AddrPort{}
	}
	t.Cleanup(func() { l.Close() })
	return netip.MustParseAddrPort(l.Addr().String())
}

func TestAnEngineLeavesNoDescriptorBehind(t *testing.T) {
	addr := serve(t, answer(ok))
	e := engine(t)
	plain := probe.PlainHTTP(page(), netip.Addr{})
	before := descriptors(t)
	for range 100 {
		ask(t, byEngine(t, e, plain), addr, soon)
	}
	// The far side closes its ends on its own time.
	for deadline := time.Now().Add(soon); descriptors(t) > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors before, %d after", before, descriptors(t))
		}
	}
}

func TestAHeldConnectionTellsOfItsEnd(t *testing.T) {
	e := engine(t)
	other := serve(t, wait)
	for name, c := range map[string]struct {
		end    func(net.Conn)
		reason probe.Reason
	}{"closed": {func(c net.Conn) { c.Close() }, probe.Closed}, "reset": {reset, probe.Reset}} {
		conns := make(chan net.Conn, 1)
		addr := serve(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "220 welcome\r\n")
			conns <- conn
			wait(conn)
		})
		e.Ask(probe.Job{Ticket: name, Addr: addr, Plain: probe.PlainTCP(netip.Addr{}), Hold: true, Timeout: soon})
		conn := <-conns
		// Once this is answered the engine has seen that the connection stands.
		ask(t, byEngine(t, e, probe.PlainTCP(netip.Addr{})), other, soon)
		c.end(conn)
		a := next(t, e)
		if a.Ticket != name || a.Reason != c.reason || a.Phases.Connect == 0 || a.Phases.Whole < a.Phases.Connect {
			t.Errorf("%s: got %+v", name, a)
		}
	}
}

func TestADroppedConnectionEndsWithoutAWord(t *testing.T) {
	e := engine(t)
	ended := make(chan error, 1)
	held := make(chan bool, 1)
	addr := serve(t, func(conn net.Conn) {
		held <- true
		_, err := conn.Read(make([]byte, 1))
		ended <- err
	})
	e.Ask(probe.Job{Ticket: "wire", Addr: addr, Plain: probe.PlainTCP(netip.Addr{}), Hold: true, Timeout: soon})
	<-held
	e.Drop("wire")
	e.Drop("unknown")
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("the far side saw %v, want an orderly end", err)
	}
	ask(t, byEngine(t, e, probe.PlainTCP(netip.Addr{})), addr, soon) // nothing came before this
}

func TestAHeldConnectionThatTalksWithoutEndIsGivenUp(t *testing.T) {
	e := engine(t)
	addr := serve(t, func(conn net.Conn) { endless(conn, "x") })
	e.Ask(probe.Job{Ticket: "wire", Addr: addr, Plain: probe.PlainTCP(netip.Addr{}), Hold: true, Timeout: soon})
	for way, a := range map[string]probe.Answer{
		"engine": next(t, e).Answer, "pooled": probe.Hold(t.Context(), dial(), addr, soon),
	} {
		if a.Reason != probe.Protocol || a.Phases.Connect == 0 {
			t.Errorf("%s: got %+v", way, a)
		}
	}
}
