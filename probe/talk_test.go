package probe_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rrwatch/probe"
)

// talk is a conversation of these steps.
func talk(steps ...probe.Step) probe.TalkOptions {
	return probe.TalkOptions{Steps: steps, TLS: probe.TLSOptions{Name: "www.example.com"}, Dial: dial()}
}

func expect(expression string) probe.Step { return probe.Step{Expect: expression} }
func send(text string) probe.Step         { return probe.Step{Send: text} }
func startTLS() probe.Step                { return probe.Step{TLS: true} }

// mail is how a mail server is asked for STARTTLS (RFC 3207).
func mail() []probe.Step {
	return []probe.Step{
		expect("^220 "), send("EHLO rrwatch\r\n"), expect("^250 "), send("STARTTLS\r\n"), expect("^220 "), startTLS(),
		send("EHLO rrwatch\r\n"), expect("^250 "), send("QUIT\r\n"), expect("^221 "),
	}
}

// mailServer speaks as a mail server does; before is what it says right before
// TLS.
func mailServer(t *testing.T, config *tls.Config, before string) func(net.Conn) {
	return func(conn net.Conn) {
		greeting := "220 mx.example.com ESMTP\r\n"
		for {
			_, _ = io.WriteString(conn, greeting)
			lines := bufio.NewReader(conn)
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					return
				}
				switch line {
				case "EHLO rrwatch\r\n":
					_, _ = io.WriteString(conn, "250-mx.example.com\r\n250-PIPELINING\r\n250 STARTTLS\r\n")
				case "QUIT\r\n":
					_, _ = io.WriteString(conn, "221 2.0.0 Bye\r\n")
					return
				}
				if line == "STARTTLS\r\n" {
					break
				}
			}
			_, _ = io.WriteString(conn, before)
			secured := tls.Server(conn, config)
			if secured.HandshakeContext(t.Context()) != nil {
				return
			}
			conn, greeting = secured, ""
		}
	}
}

func TestHoldsAConversation(t *testing.T) {
	ca := newAuthority(t)
	good := ca.config("www.example.com", time.Hour)
	mail := talk(mail()...)
	mail.TLS.Roots, mail.TLS.WarnDays = ca.roots, 1
	const agreed = "220 2.0.0 Ready to start TLS\r\n"
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		addr := serveOn(t, address, mailServer(t, good, agreed))
		a := ask(t, probe.Talk(mail), addr, soon)
		if a.Verdict != probe.Pass || a.Detail != "" || !strings.Contains(a.Warning, "certificate") {
			t.Errorf("%s: got %+v", address, a)
		}
		checkPhases(t, a.Phases, answered, true)
	}
	// A server that speaks another protocol only refuses a client that offers to speak HTTP.
	strict := good.Clone()
	strict.NextProtos = []string{"smtp"}
	if a := ask(t, probe.Talk(mail), serve(t, mailServer(t, strict, agreed)), soon); a.Verdict != probe.Pass {
		t.Errorf("with ALPN: got %+v", a)
	}
	for title, c := range map[string]struct {
		config *tls.Config
		before string
		reason probe.Reason
		step   int
	}{
		"another name":           {ca.config("example.com", time.Hour), agreed, probe.TLSName, 6},
		"expired":                {ca.config("www.example.com", -time.Hour), agreed, probe.TLSExpired, 6},
		"another authority":      {newAuthority(t).config("www.example.com", time.Hour), agreed, probe.TLSUntrusted, 6},
		"no TLS":                 {good, "454 4.7.0 TLS not available\r\n", probe.Text, 5},
		"text after the consent": {good, agreed + "250 injected\r\n", probe.Protocol, 6},
	} {
		t.Run(title, func(t *testing.T) {
			timeout := soon
			if c.reason == probe.Text {
				timeout = 200 * time.Millisecond
			}
			a := ask(t, probe.Talk(mail), serve(t, mailServer(t, c.config, c.before)), timeout)
			if a.Reason != c.reason || !strings.HasPrefix(a.Detail, fmt.Sprintf("step %d of 10: ", c.step)) {
				t.Errorf("got %s, %q (%s), want %q in step %d", a.Verdict, a.Reason, a.Detail, c.reason, c.step)
			}
			checkHarmless(t, a.Detail)
		})
	}
}

func TestSpeaksWithinTLSFromTheBeginning(t *testing.T) {
	ca := newAuthority(t)
	addr := serveTLS(t, ca.config("www.example.com", time.Hour), says("* OK ready\r\n"))
	o := talk(startTLS(), expect(`^\* OK`))
	o.TLS.Roots = ca.roots
	a := ask(t, probe.Talk(o), addr, soon)
	if a.Verdict != probe.Pass {
		t.Errorf("got %+v", a)
	}
	checkPhases(t, a.Phases, answered, true)
}

// A PostgreSQL server agrees to TLS with one byte and no line's end.
func TestTLSMayFollowWhatIsNoLine(t *testing.T) {
	ca := newAuthority(t)
	config := ca.config("www.example.com", time.Hour)
	addr := serve(t, func(conn net.Conn) {
		if _, err := io.ReadFull(conn, make([]byte, 8)); err == nil {
			afterTLS(t, config, "S", wait)(conn)
		}
	})
	o := talk(send("\x00\x00\x00\x08\x04\xd2\x16\x2f"), expect("^S"), startTLS())
	o.TLS.Roots = ca.roots
	if a := ask(t, probe.Talk(o), addr, soon); a.Verdict != probe.Pass {
		t.Errorf("got %+v", a)
	}
}

// says says its texts one after the other, each in a packet of its own if the
// far side reads as fast, and waits.
func says(texts ...string) func(net.Conn) {
	return func(conn net.Conn) {
		for _, text := range texts {
			_, _ = io.WriteString(conn, text)
		}
		wait(conn)
	}
}

// replies answers every line with a text.
func replies(text string) func(net.Conn) {
	return func(conn net.Conn) {
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			_, _ = io.WriteString(conn, text)
		}
	}
}

func TestFindsWhatIsExpected(t *testing.T) {
	t.Parallel()
	steps := func(list ...probe.Step) []probe.Step { return list }
	for title, c := range map[string]struct {
		talk  func(net.Conn)
		steps []probe.Step
		pass  bool
	}{
		"in a later line":                     {says("220-hello\r\n220 mx\r\n"), steps(expect("^220 ")), true},
		"within a line":                       {says("220 mx ESMTP\r\n"), steps(expect("ESMTP")), true},
		"at a line's end":                     {says("+PONG\r\n"), steps(expect(`^\+PONG$`)), true},
		"at a line's end without a CR":        {says("+PONG\n"), steps(expect(`^\+PONG$`)), true},
		"over two lines":                      {says("a\r\nb\r\n"), steps(expect(`^a\nb$`)), true},
		"not in the middle of a line":         {says("x220 mx\r\n"), steps(expect("^220 ")), false},
		"a prompt without a line's end":       {says("login: "), steps(expect("login: $")), true},
		"once for one expectation":            {says("220 a\r\n"), steps(expect("^220 "), expect("^220 ")), false},
		"twice for two":                       {says("220 a\r\n220 b\r\n"), steps(expect("^220 "), expect("^220 ")), true},
		"no more in a line that has matched":  {says("220 a b\r\nc\r\n"), steps(expect("a"), expect("b")), false},
		"what came before it was asked for":   {says("a\r\nb\r\n"), steps(expect("a"), send("x"), expect("^b")), true},
		"no more in a line that goes on":      {says("a", " b", " c\r\n"), steps(expect("a"), expect("b|c")), false},
		"the line after one that goes on":     {says("a", " b\r", "\n", "c\r\n"), steps(expect("a"), expect("^c$")), true},
		"a match that holds the line's end":   {says("a\r\nb\r\n"), steps(expect(`a\n`), expect("^b")), true},
		"bytes that are no text":              {says("\xff\xfe\x00"), steps(expect(`^\xff\xfe\x00`)), true},
		"text that is not ASCII":              {says("Grüße\r\n"), steps(expect("^Grüße$")), true},
		"bytes after text that is not ASCII":  {says("ü\xff\r\nb\r\n"), steps(expect(`^ü\xff$`), expect("^b$")), true},
		"a CR that ends no line":              {says("a\rb\r\n"), steps(expect(`^a\rb$`)), true},
		"an answer":                           {replies("+PONG\r\n"), steps(send("PING\r\n"), expect("PONG")), true},
		"an answer after a prompt":            {replies("Password: "), steps(send("bob\r\n"), expect("^Password: "), send("x\r\n"), expect("^Password: ")), true},
		"what is expected in capitals":        {says("ok\r\n"), steps(expect("OK")), false},
		"what is expected with a flag":        {says("ok\r\n"), steps(expect("(?i)OK")), true},
		"anything, once something has come":   {says("x"), steps(expect(".*")), true},
		"not anything, while nothing came":    {says(), steps(expect(".*")), false},
		"the last of 64 KiB":                  {says(strings.Repeat("x\r\n", 21000), "end\r\n"), steps(expect("^end$")), true},
		"64 KiB again after a match":          {says(strings.Repeat("x\r\n", 21000), "a\r\n", strings.Repeat("x\r\n", 21000), "b\r\n"), steps(expect("^a$"), expect("^b$")), true},
		"a step that sends at the end passes": {says("a\r\n"), steps(expect("a"), send("QUIT\r\n")), true},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			timeout := soon
			if !c.pass {
				timeout = 200 * time.Millisecond
			}
			a := ask(t, probe.Talk(talk(c.steps...)), serve(t, c.talk), timeout)
			if (a.Verdict == probe.Pass) != c.pass {
				t.Errorf("got %+v, want a pass: %v", a, c.pass)
			}
			checkHarmless(t, a.Detail)
		})
	}
}

func TestWhatComesAfter64KiBIsNotLookedAt(t *testing.T) {
	addr := serve(t, says(strings.Repeat("x\r\n", 23000), "end\r\n"))
	a := ask(t, probe.Talk(talk(expect("^end$"))), addr, soon)
	if want := `step 1 of 1: nothing matched "^end$" in 64 KiB, there came "x"`; a.Reason != probe.Text || a.Detail != want {
		t.Errorf("got %+v, want %s", a, want)
	}
}

func TestNamesWhyAConversationFails(t *testing.T) {
	t.Parallel()
	for title, c := range map[string]struct {
		talk    func(net.Conn)
		timeout time.Duration
		reason  probe.Reason
		detail  string // an expression
	}{
		"silent":                    {wait, 50 * time.Millisecond, probe.AnswerTimeout, `^step 1 of 3: connected, but no whole answer within \d+ms$`},
		"says something else":       {says("554 go\r\n\r\n"), time.Second, probe.Text, `^step 1 of 3: nothing matched "\^220 " within \S+, there came "554 go"$`},
		"says something in between": {says("220-a\r\n421 b\r\n"), time.Second, probe.Text, `, there came "421 b"$`},
		"says what is no text":      {says("\x00\x1b[2J\xff\"\r\n"), time.Second, probe.Text, `, there came "\\x00\\x1b\[2J\\xff\\""$`},
		"says a lot":                {says(strings.Repeat("x", 1000)), time.Second, probe.Text, `, there came "x{95,100}…$`},
		"closes":                    {func(net.Conn) {}, soon, probe.Closed, `^step 1 of 3: nothing matched "\^220 " before the far side closed the connection$`},
		"says something and closes": {func(c net.Conn) { _, _ = io.WriteString(c, "554 go\r\n") }, soon, probe.Closed, `closed the connection, there came "554 go"$`},
		"resets":                    {reset, soon, probe.Reset, `^(step 1 of 3: )?connection reset by the far side$`},
		"closes in the middle":      {closesAfter("220 a\r\n"), soon, probe.Closed, `^step 3 of 3: nothing matched "\^250 " before`},
		"resets in the middle":      {resetsAfter("220 a\r\n"), soon, probe.Reset, `^step [23] of 3: connection reset by the far side$`},
		"is silent in the middle":   {says("220 a\r\n"), time.Second, probe.AnswerTimeout, `^step 3 of 3: connected, but`},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			f := probe.Talk(talk(expect("^220 "), send("EHLO x\r\n"), expect("^250 ")))
			a := ask(t, f, serve(t, c.talk), c.timeout)
			if a.Verdict != probe.Fail || a.Reason != c.reason || !regexp.MustCompile(c.detail).MatchString(a.Detail) {
				t.Errorf("got %s, %q (%s), want %q (%s)", a.Verdict, a.Reason, a.Detail, c.reason, c.detail)
			}
			checkHarmless(t, a.Detail)
		})
	}
	f := probe.Talk(talk(expect("x")))
	if a := ask(t, f, closedPort(t), soon); a.Reason != probe.Refused {
		t.Errorf("got %+v, want %q", a, probe.Refused)
	}
	o := talk(expect("x"))
	o.Dial = failing(connect(syscall.EMFILE))
	if a := ask(t, probe.Talk(o), closedPort(t), soon); a.Verdict != probe.Inconclusive || a.Reason != probe.OwnResources {
		t.Errorf("got %+v, want %q", a, probe.OwnResources)
	}
}

// closesAfter says a text, reads a line and ends the connection in order.
func closesAfter(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = io.WriteString(conn, text)
		_, _ = bufio.NewReader(conn).ReadString('\n')
	}
}

// resetsAfter is closesAfter with a RST.
func resetsAfter(text string) func(net.Conn) {
	return func(conn net.Conn) {
		closesAfter(text)(conn)
		reset(conn)
	}
}

// afterTLS says a text, makes a handshake and goes on within TLS.
func afterTLS(t *testing.T, config *tls.Config, text string, then func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = io.WriteString(conn, text)
		secured := tls.Server(conn, config)
		if secured.HandshakeContext(t.Context()) == nil {
			then(secured)
		}
	}
}

// netConn is the connection below TLS.
func netConn(conn net.Conn) net.Conn { return conn.(*tls.Conn).NetConn() }

func TestWhatIsSentIsNeverInAnAnswer(t *testing.T) {
	t.Parallel()
	const secret = "sesame-open-7f3a"
	for title, reply := range map[string]string{
		"all of it":     "500 unknown command: AUTH PLAIN " + secret + "\r\n",
		"its beginning": "500 unknown command: AUTH PLAIN sesame-op",
		"its end":       "500 pen-7f3a\r\n",
		"a long answer": strings.Repeat("x", 80) + secret + "\r\n",
	} {
		f := probe.Talk(talk(send("AUTH PLAIN "+secret+"\r\n"), expect("^235 ")))
		a := ask(t, f, serve(t, replies(reply)), 200*time.Millisecond)
		if a.Reason != probe.Text || strings.Contains(a.Detail, "sesa") || strings.Contains(a.Detail, "7f3a") {
			t.Errorf("%s: got %+v", title, a)
		}
	}
}

func TestAnExpressionThatIsNoneIsInconclusive(t *testing.T) {
	for kind, f := range map[string]probe.Func{
		"tcp": probe.Talk(talk(expect("("))),
		"udp": probe.UDP(probe.UDPOptions{Send: "x", Expect: "(", Tries: 1, Dial: dial()}),
	} {
		a := ask(t, f, closedPort(t), soon)
		if a.Verdict != probe.Inconclusive || a.Reason != probe.Internal {
			t.Errorf("%s: got %+v", kind, a)
		}
	}
}
