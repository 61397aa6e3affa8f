package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oneCheck reads the only check of a file that is otherwise the smallest.
func oneCheck(t *testing.T, check string) Check {
	t.Helper()
	text := strings.Replace(smallest, "kind: http", check, 1)
	return mustParse(t, text, envOf(map[string]string{"HIDDEN": "sesame"})).Pools[0].Checks[0]
}

func TestReadsAConversation(t *testing.T) {
	c := oneCheck(t, `kind: tcp
        port: 25
        host: MX.example.com.
        proxy_protocol: v1
        min_tls: 1.3
        warn_days: 7
        talk:
          - expect: "^220 .*$$"
          - send: "PASS ${HIDDEN}\r\n"
          - expect: '^\+OK'
          - tls: true
          - send_hex: "00 0aFF"
`)
	want := []Step{
		{Expect: "^220 .*$"}, {Send: "PASS sesame\r\n"}, {Expect: `^\+OK`}, {TLS: true}, {Send: "\x00\x0a\xff"},
	}
	if diff := cmp.Diff(want, c.Talk, cmp.Transformer("reveal", Secret.Reveal)); diff != "" {
		t.Error(diff)
	}
	if c.Host != "mx.example.com" || c.Proxy != ProxyV1 {
		t.Errorf("got the host %q and %q", c.Host, c.Proxy)
	}
	if diff := cmp.Diff(&TLS{Min: TLS13, WarnDays: 7}, c.TLS); diff != "" {
		t.Error(diff)
	}
	if shown := fmt.Sprintf("%v %+v %#v", c, c.Talk, c.Talk[1]); strings.Contains(shown, "sesame") {
		t.Errorf("shows what is sent: %s", shown)
	}
}

func TestAConversationSpeaksOfANameInTLSOnly(t *testing.T) {
	for check, want := range map[string]string{
		`{kind: tcp, port: 1}`:                                              "",
		`{kind: tcp, port: 1, talk: [{expect: a}]}`:                         "",
		`{kind: tcp, port: 1, talk: [{tls: true}]}`:                         "www.example.com",
		`{kind: tcp, port: 1, talk: [{tls: true}], host: imap.example.com}`: "imap.example.com",
	} {
		if c := oneCheck(t, check); c.Host != want || c.Proxy != "" || (c.TLS != nil) != (want != "") {
			t.Errorf("%s: got the host %q, %q and %+v, want %q", check, c.Host, c.Proxy, c.TLS, want)
		}
	}
}

func TestReportsMistakesOfConversations(t *testing.T) {
	// The list begins in column 35, its only step in column 36.
	in := func(step string) string { return "{kind: tcp, port: 1, talk: [" + step + "]}" }
	const (
		oneOf = `wants one of expect, send, send_hex and tls; make each its own step, such as - send: "QUIT\r\n"`
		path  = "pools[0].checks[0].talk"
	)
	for _, m := range []mistake{
		{name: "no step", new: in(""), want: "8:36: " + path + `: is an empty list; write at least one, such as [{expect: "^220 "}]`},
		{name: "text", new: "{kind: tcp, port: 1, talk: QUIT}", want: "8:36: " + path + `: wants a list such as [{expect: "^220 "}], not "QUIT"`},
		{name: "a step of text", new: in("PASS geheim"), want: "8:37: " + path + "[0]: " + oneOf},
		{name: "an empty step", new: in("{}"), want: "8:37: " + path + "[0]: " + oneOf},
		{name: "two in one step", new: in("{expect: a, send: b}"), want: "8:37: " + path + "[0]: " + oneOf},
		{name: "nothing in a step", new: in("{send: ''}"), want: "8:37: " + path + "[0]: " + oneOf},
		{name: "text and bytes in one step", new: in("{send: a, send_hex: 'ff'}"), want: "8:57: " + path + "[0].send_hex: send and send_hex are both given; keep one of them"},
		{name: "an unknown step", new: in("{expects: a}"), want: "8:38: " + path + "[0].expects: unknown key; did you mean expect?"},
		{name: "TLS that is none", new: in("{tls: false}"), want: "8:43: " + path + "[0].tls: says nothing when it is false; write true, or remove the step"},
		{name: "TLS as text", new: in("{tls: starttls}"), want: "8:43: " + path + `[0].tls: wants true or false, not "starttls"`},
		{name: "TLS twice", new: in("{tls: true}, {expect: a}, {tls: true}"), want: "8:36: " + path + ": begins TLS within TLS; keep one step {tls: true}"},
		{name: "nothing expected", new: in("{send: a}"), want: "8:36: " + path + `: expects nothing, so it would pass whatever comes; write a step such as {expect: "^220 "}`},
		{
			name: "an expression that is none", new: in("{expect: 'a('}"),
			want: "8:46: " + path + `[0].expect: wants a regular expression such as ^220, not "a("; its syntax is that of RE2; put it in single quotes, so that a backslash is one`,
		},
		{
			name: "an expression of a variable that is none", new: in(`{expect: "${HIDDEN}("}`),
			want: "8:46: " + path + `[0].expect: wants a regular expression such as ^220, not "${HIDDEN}("; its syntax is that of RE2; put it in single quotes, so that a backslash is one`,
		},
		{
			name: "an expression with a CR LF", new: in(`{expect: 'a\r\n'}`),
			want: "8:46: " + path + `[0].expect: holds \r\n, which is never found; write \n, or $$ for the end of a line: the end of every line is seen as \n`,
		},
		{
			name: "an expression with a real CR LF", new: in(`{expect: "a\r\n"}`),
			want: "8:46: " + path + `[0].expect: holds \r\n, which is never found; write \n, or $$ for the end of a line: the end of every line is seen as \n`,
		},
		{
			name: "a dollar", new: in("{expect: 'a$'}"),
			want: "8:46: " + path + "[0].expect: holds a $ that begins no ${NAME}; write ${NAME} for an environment variable, $$ for a dollar",
		},
		{name: "a number to send", new: in("{expect: a}, {send: 12345}"), want: "8:57: " + path + "[1].send: wants text; put it in quotes"},
		{
			name: "the letters of a line's end", new: in(`{expect: a}, {send: 'PASS geheim\r\n'}`),
			want: "8:57: " + path + `[1].send: holds the letters of \r or \n, not a line break; put it in double quotes; bytes that are no text go into send_hex`,
		},
		{name: "odd digits", new: in(`{expect: a}, {send_hex: 'fff'}`), want: "8:61: " + path + `[1].send_hex: wants pairs of hexadecimal digits in quotes; write them as in "ff 0a 54"`},
		{name: "digits without quotes", new: in(`{expect: a}, {send_hex: 1234}`), want: "8:61: " + path + `[1].send_hex: wants pairs of hexadecimal digits in quotes; write them as in "ff 0a 54"`},
		{name: "too much to send", new: in("{expect: a}, {send: '" + strings.Repeat("x", 64<<10+1) + "'}"), want: "8:57: " + path + "[1].send: is longer than 65536 bytes; shorten it"},
		{
			name: "a name for nothing", new: "{kind: tcp, port: 1, talk: [{expect: a}], host: a.example.com}",
			want: "8:51: pools[0].checks[0].host: is for TLS, and this check has none; remove it, or write a step {tls: true} into talk",
		},
		{
			name: "TLS of nothing", new: "{kind: tcp, port: 1, warn_days: 7}",
			want: "8:30: pools[0].checks[0].warn_days: is for TLS, and this check has none; remove it, or write a step {tls: true} into talk",
		},
		{name: "a mistake beside a mistake", new: "{kind: tcp, port: 1, talk: [{}], host: a.b, min_tls: 1}", want: "8:37: " + path + "[0]: " + oneOf + "\n" +
			`8:62: pools[0].checks[0].min_tls: wants 1.2 or 1.3, not 1`},
		{name: "a conversation of another kind", new: "{kind: tls, talk: [{expect: a}]}", want: "8:21: " + path + ": does not apply to a tls check; remove it, or write kind: " + owners("talk")},
		{name: "an unknown version", new: "{kind: tcp, port: 1, proxy_protocol: v3}", want: `8:46: pools[0].checks[0].proxy_protocol: unknown proxy_protocol "v3"; did you mean v1?`},
		{name: "a version as a number", new: "{kind: tcp, port: 1, proxy_protocol: 2}", want: `8:46: pools[0].checks[0].proxy_protocol: wants v1 or v2, not 2`},
		{name: "the PROXY protocol over UDP", new: "{kind: udp, port: 1, send: a, proxy_protocol: v2}", want: "8:39: pools[0].checks[0].proxy_protocol: does not apply to a udp check; remove it, or write kind: " + owners(keyProxy)},
	} {
		m.old = "kind: http"
		m.run(t)
	}
}
