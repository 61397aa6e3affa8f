package probe_test

import (
	"bufio"
	"context"
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

func TestAConversationEndsWhateverAHostileServerSays(t *testing.T) {
	flood := func(first, forever string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = io.WriteString(conn, first)
			endless(conn, forever)
		}
	}
	for title, c := range map[string]struct {
		talk   func(net.Conn)
		reason probe.Reason
	}{
		"an endless banner":           {flood("", "220-x\r\n"), probe.Text},
		"an endless line":             {flood("", "x"), probe.Text},
		"endless empty lines":         {flood("", "\r\n"), probe.Text},
		"endless CRs":                 {flood("", "\r"), probe.Text},
		"endless zeros":               {flood("", "\x00"), probe.Text},
		"garbage":                     {flood("", "\xff\xfe\x1b\n"), probe.Text},
		"an endless line that begins": {flood("220 ", "x"), probe.Text},
		"endless lines that match":    {flood("", "220 x\r\n"), probe.Text},
		"an early end":                {func(conn net.Conn) { _ = conn.(*net.TCPConn).CloseWrite(); wait(conn) }, probe.Closed},
		"an early reset":              {reset, probe.Reset},
	} {
		t.Run(title, func(t *testing.T) {
			f := probe.Talk(talk(expect("^220 "), expect("^250 "), send("QUIT\r\n"), expect("^221 ")))
			start := time.Now()
			a := ask(t, f, serve(t, c.talk), soon)
			if a.Verdict != probe.Fail || a.Reason != c.reason {
				t.Errorf("got %s, %q (%s), want %q", a.Verdict, a.Reason, a.Detail, c.reason)
			}
			if took := time.Since(start); took > soon/2 {
				t.Errorf("took %s", took)
			}
			checkHarmless(t, a.Detail)
		})
	}
}

func TestTLSInAConversationEndsWhateverAHostileServerDoes(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	good := ca.config("www.example.com", time.Hour)
	// mid reads the beginning of the client's handshake after the text.
	mid := func(text string, then func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = io.WriteString(conn, text)
			_, _ = bufio.NewReader(conn).ReadByte()
			then(conn)
		}
	}
	const agreed = "220 go\r\n"
	for title, c := range map[string]struct {
		talk    func(net.Conn)
		timeout time.Duration
		reason  probe.Reason
	}{
		"silence in the handshake":       {mid(agreed, wait), 200 * time.Millisecond, probe.AnswerTimeout},
		"an end in the handshake":        {mid(agreed, func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite(); wait(c) }), soon, probe.Closed},
		"a reset in the handshake":       {mid(agreed, reset), soon, probe.Reset},
		"text in the handshake":          {mid(agreed, says("454 no\r\n")), soon, probe.TLSHandshake},
		"garbage in the handshake":       {mid(agreed, func(c net.Conn) { endless(c, "\xff\xfe\x1b\n") }), soon, probe.TLSHandshake},
		"an endless line before it":      {mid("220 go", func(c net.Conn) { endless(c, "x") }), soon, probe.TLSHandshake},
		"endless lines before it":        {mid("220 go", func(c net.Conn) { endless(c, "x\r\n") }), soon, probe.TLSHandshake},
		"silence in the line before it":  {mid("220 go", wait), 200 * time.Millisecond, probe.AnswerTimeout},
		"an end in the line before it":   {closesAfter("220 go"), soon, probe.Closed},
		"an end after the handshake":     {afterTLS(t, good, agreed, func(net.Conn) {}), soon, probe.Closed},
		"a reset after the handshake":    {afterTLS(t, good, agreed, reset), soon, probe.Reset},
		"silence after the handshake":    {afterTLS(t, good, agreed, wait), 500 * time.Millisecond, probe.AnswerTimeout},
		"an endless line within TLS":     {afterTLS(t, good, agreed, func(c net.Conn) { endless(c, "x") }), soon, probe.Text},
		"what is no TLS record after it": {afterTLS(t, good, agreed, func(c net.Conn) { says("plain text")(netConn(c)) }), soon, probe.Protocol},
	} {
		t.Run(title, func(t *testing.T) {
			o := talk(expect("^220 go"), startTLS(), expect("^250 "))
			o.TLS.Roots = ca.roots
			a := ask(t, probe.Talk(o), serve(t, c.talk), c.timeout)
			if a.Verdict != probe.Fail || a.Reason != c.reason {
				t.Errorf("got %s, %q (%s), want %q", a.Verdict, a.Reason, a.Detail, c.reason)
			}
			checkHarmless(t, a.Detail)
		})
	}
}

// In a bubble every write of a server is read before its next, so that what
// comes is cut exactly as it is written.
func TestALineMayBeCutAnywhereBeforeTLS(t *testing.T) {
	ca := newAuthority(t)
	config := ca.config("www.example.com", time.Hour)
	const line = "220 go ahead\r\n"
	for cut := 1; cut < len(line); cut++ {
		synctest.Test(t, func(t *testing.T) {
			o := talk(expect("^220 go"), startTLS(), expect("^250 "))
			o.TLS.Roots = ca.roots
			// The certificate is of today; a bubble begins in 2000.
			time.Sleep(time.Until(ca.cert.NotBefore.Add(30 * time.Minute)))
			a := talkOverPipe(t, o, time.Minute, func(conn net.Conn) {
				_, _ = io.WriteString(conn, line[:cut])
				ahead := readsAhead{Conn: conn, from: bufio.NewReader(conn)}
				if cut >= len("220 go") {
					_, _ = ahead.from.Peek(1) // a pipe holds nothing: the client must have written to read the rest
				}
				afterTLS(t, config, line[cut:], says("250 ok\r\n"))(ahead)
			})
			if a.Verdict != probe.Pass {
				t.Errorf("cut after %q: got %+v", line[:cut], a)
			}
		})
	}
}

// readsAhead is a connection of which something was read already.
type readsAhead struct {
	net.Conn
	from *bufio.Reader
}

func (r readsAhead) Read(b []byte) (int, error) { return r.from.Read(b) }

// talkOverPipe holds a conversation with a server at the other end of a pipe.
func talkOverPipe(t *testing.T, o probe.TalkOptions, timeout time.Duration, server func(net.Conn)) probe.Answer {
	t.Helper()
	near, side := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer side.Close()
		server(side)
	})
	defer wg.Wait()
	o.Dial = func(context.Context, string, string) (net.Conn, error) { return near, nil }
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return probe.Talk(o)(ctx, target(netip.AddrPort{}))
}

func TestASlowConversationIsGivenUpAtTheDeadline(t *testing.T) {
	const timeout = 10 * time.Second
	for title, c := range map[string]struct {
		text   string
		steps  []probe.Step
		reason probe.Reason
	}{
		"drips a banner":          {strings.Repeat("x", 100), []probe.Step{expect("^220 ")}, probe.Text},
		"drips empty lines":       {strings.Repeat("\r\n", 100), []probe.Step{expect("^220 ")}, probe.Text},
		"drips after it began":    {"220 " + strings.Repeat("x", 100), []probe.Step{expect("^220 "), expect("y")}, probe.AnswerTimeout},
		"drips before TLS":        {"220 " + strings.Repeat("x", 100), []probe.Step{expect("^220 "), startTLS()}, probe.AnswerTimeout},
		"drips records of TLS":    {"\n\x16\x03\x03\x40\x00" + strings.Repeat("\x02", 100), []probe.Step{expect("^"), startTLS()}, probe.AnswerTimeout},
		"says nothing":            {"", []probe.Step{expect("^220 ")}, probe.AnswerTimeout},
		"reads nothing":           {"", []probe.Step{send("x"), expect("^220 ")}, probe.AnswerTimeout},
		"reads nothing of TLS":    {"", []probe.Step{startTLS()}, probe.AnswerTimeout},
		"drips one that it wants": {strings.Repeat("220 \n", 100), []probe.Step{expect("^220 "), expect("^220 "), expect("^220 ")}, probe.AnswerTimeout},
	} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				a := talkOverPipe(t, talk(c.steps...), timeout, func(conn net.Conn) {
					if strings.HasPrefix(c.text, "220") || strings.Contains(c.text, "\x16") {
						go wait(conn) // it reads, too
					}
					for i := range len(c.text) {
						time.Sleep(time.Second)
						if _, err := io.WriteString(conn, c.text[i:i+1]); err != nil {
							return
						}
					}
					time.Sleep(time.Hour)
				})
				if took := time.Since(start); a.Verdict != probe.Fail || a.Reason != c.reason || a.Phases.Whole != timeout {
					t.Errorf("got %+v after %s, want %q after %s", a, took, c.reason, timeout)
				}
			})
		})
	}
}

// Without a bound of its own, a server could make us search what it has said
// once for every byte.
func TestManySmallPiecesAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pieces := 0
		a := talkOverPipe(t, talk(expect("^220 ")), time.Hour, func(conn net.Conn) {
			for range 1 << 16 {
				if _, err := io.WriteString(conn, "x"); err != nil {
					return
				}
				pieces++
			}
		})
		if a.Reason != probe.Text || pieces < 2000 || pieces > 4000 {
			t.Errorf("got %+v after %d pieces", a, pieces)
		}
	})
}

func TestAConversationCutShortByShutdownIsCancelled(t *testing.T) {
	for title, steps := range map[string][]probe.Step{
		"expecting":           {expect("^220 "), expect("^250 ")},
		"expecting something": {expect("^250 ")},
		"sending":             {expect("^220 "), send("x"), expect("^250 ")},
		"in a handshake":      {expect("^220 "), startTLS()},
	} {
		synctest.Test(t, func(t *testing.T) {
			near, side := net.Pipe()
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = io.WriteString(side, "220 go") })
			defer wg.Wait()
			defer side.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			time.AfterFunc(time.Second, cancel)
			o := talk(steps...)
			o.Dial = func(context.Context, string, string) (net.Conn, error) { return near, nil }
			a := probe.Talk(o)(ctx, target(netip.AddrPort{}))
			if a.Verdict != probe.Inconclusive || a.Reason != probe.Cancelled || a.Phases.Whole != time.Second {
				t.Errorf("%s: got %+v", title, a)
			}
		})
	}
}

func TestTheFirstByteIsTheFirstOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := talkOverPipe(t, talk(expect("^220 "), send("EHLO x\r\n"), expect("^250 ")), time.Minute, func(conn net.Conn) {
			time.Sleep(time.Second)
			_, _ = io.WriteString(conn, "220 a\r\n")
			_, _ = bufio.NewReader(conn).ReadString('\n')
			time.Sleep(3 * time.Second)
			_, _ = io.WriteString(conn, "250 b\r\n")
		})
		if want := (probe.Phases{FirstByte: time.Second, Whole: 4 * time.Second}); a.Verdict != probe.Pass || a.Phases != want {
			t.Errorf("got %+v, want %+v", a, want)
		}
	})
}

func TestAConversationLeavesNoDescriptorBehind(t *testing.T) {
	ca := newAuthority(t)
	config := ca.config("www.example.com", time.Hour)
	before := descriptors(t)
	t.Run("conversations", func(t *testing.T) { // its listeners are closed when it ends
		for _, server := range []func(net.Conn){
			mailServer(t, config, "220 go\r\n"), mailServer(t, config, "220 go\r\nx"), reset, wait, func(net.Conn) {},
			resetsAfter("220 go\r\n"), says(strings.Repeat("x", 1<<13)), afterTLS(t, config, "220 go\r\n", reset),
		} {
			addr := serve(t, server)
			o := talk(mail()...)
			o.TLS.Roots = ca.roots
			for _, f := range []probe.Func{probe.Talk(o), probe.Talk(talk(startTLS()))} {
				for _, version := range []probe.ProxyVersion{probe.ProxyV1, probe.ProxyV2} {
					o.Dial = probe.Announce(probe.From(netip.MustParseAddr("127.0.0.1")), version)
					ask(t, probe.Talk(o), addr, 50*time.Millisecond)
				}
				ask(t, f, addr, 50*time.Millisecond)
			}
		}
	})
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// The answer to a conversation of lines, each of which is known by how it
// begins, does not depend on how the network cuts it.
func FuzzAConversationIsNotChangedByItsCuts(f *testing.F) {
	for _, text := range []string{
		"220 mx\r\n250-a\r\n250 b\r\n221 bye\r\n", "220-\n220 \n250\n", "220 a 220 b\n250 c", "\r\n\r220 \r250 \r\n", "\xff220 \n250 \xfe221 ", "",
	} {
		f.Add([]byte(text), uint8(1))
	}
	answer := func(t *testing.T, text []byte, cut int) probe.Answer {
		o := talk(expect("^220 "), expect("^250[ -]"), expect("^221"))
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			return script{text: &inPieces{text: text, size: cut}}, nil
		}
		a := probe.Talk(o)(t.Context(), target(netip.AddrPort{}))
		checkHarmless(t, a.Detail)
		a.Phases = probe.Phases{}
		return a
	}
	f.Fuzz(func(t *testing.T, text []byte, cut uint8) {
		if len(text) > 2000 {
			return // more may be given up when it comes in small pieces
		}
		whole, pieces := answer(t, text, 4096), answer(t, text, int(cut)+1)
		if whole.Verdict == probe.Inconclusive || whole.Verdict != pieces.Verdict || whole.Reason != pieces.Reason {
			t.Errorf("%q: at once %+v, in pieces of %d %+v", text, whole, int(cut)+1, pieces)
		}
	})
}

// inPieces gives its text in pieces of a size.
type inPieces struct {
	text []byte
	size int
}

// Read gives the next piece.
func (p *inPieces) Read(b []byte) (int, error) {
	if len(p.text) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.text[:min(p.size, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}
