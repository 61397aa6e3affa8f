package config

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestReadsADatagram(t *testing.T) {
	c := oneCheck(t, `{kind: udp, port: 53, send: "${HIDDEN}\n", expect: '^\xff$$', tries: 3, source: 192.0.2.7}`)
	if *c.UDP != (UDP{Send: "sesame\n", Expect: `^\xff$`, Tries: 3}) || c.Source != netip.MustParseAddr("192.0.2.7") || c.Tripwire {
		t.Errorf("got %q, %+v", c.UDP.Send.Reveal(), c)
	}
	if shown := fmt.Sprintf("%v %+v", c, c.UDP); strings.Contains(shown, "sesame") {
		t.Errorf("shows what is sent: %s", shown)
	}
	c = oneCheck(t, `{kind: udp, port: 53, send_hex: "00 ff"}`)
	if *c.UDP != (UDP{Send: "\x00\xff", Tries: 1}) || c.Source.IsValid() || c.Host != "" {
		t.Errorf("got %q, %+v", c.UDP.Send.Reveal(), c)
	}
}

func TestReportsMistakesOfDatagrams(t *testing.T) {
	for _, m := range []mistake{
		{
			name: "nothing to send", new: "{kind: udp, port: 1}",
			want: `8:9: pools[0].checks[0].send: is missing; write what the service answers to, such as send: "ping\n"; bytes go into send_hex`,
		},
		{
			name: "text and bytes", new: "{kind: udp, port: 1, send: a, send_hex: 'ff'}",
			want: "8:49: pools[0].checks[0].send_hex: send and send_hex are both given; keep one of them",
		},
		{
			name: "more than a datagram", new: "{kind: udp, port: 1, send: '" + strings.Repeat("x", 65508) + "'}",
			want: "8:36: pools[0].checks[0].send: is longer than 65507 bytes; shorten it",
		},
		{
			name: "more bytes than a datagram", new: "{kind: udp, port: 1, send_hex: '" + strings.Repeat("00", 65508) + "'}",
			want: "8:40: pools[0].checks[0].send_hex: is longer than 65507 bytes; shorten it",
		},
		{
			name: "an expression that is none", new: "{kind: udp, port: 1, send: a, expect: '['}",
			want: `8:47: pools[0].checks[0].expect: wants a regular expression such as ^220, not "["; its syntax is that of RE2; put it in single quotes, so that a backslash is one`,
		},
		{
			name: "no try", new: "{kind: udp, port: 1, send: a, tries: 0}",
			want: "8:46: pools[0].checks[0].tries: wants a whole number from 1 to 10, not 0",
		},
		{
			name: "no port", new: "{kind: udp, send: a}",
			want: "8:9: pools[0].checks[0].port: is missing; write the port of a udp check, such as port: 443",
		},
		{
			name: "tries of another kind", new: "{kind: tcp, port: 1, tries: 2}",
			want: "8:30: pools[0].checks[0].tries: does not apply to a tcp check; remove it, or write kind: " + owners("tries"),
		},
		{
			name: "a tripwire over UDP", new: "{kind: udp, port: 1, send: a, tripwire: true}",
			want: "8:39: pools[0].checks[0].tripwire: does not apply to a udp check; remove it, or write kind: " + owners(keyTripwire),
		},
	} {
		m.old = "kind: http"
		m.run(t)
	}
}
