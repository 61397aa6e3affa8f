package main

import (
	"fmt"
	"strings"
)

// timeouts are those that both configurations need, or HAProxy warns. Checks end within a second, as the probers' do.
const timeouts = `defaults
	mode http
	timeout connect 1s
	timeout check 1s
	timeout client 5s
	timeout server 5s
	timeout http-request 5s
`

// answering is the configuration of the server that all contenders probe: it answers every request by itself, on each
// address of the machine.
func answering(port int, certificates string) string {
	bind := fmt.Sprintf("0.0.0.0:%d", port)
	if certificates != "" {
		bind += " ssl crt " + certificates
	}
	return timeouts + fmt.Sprintf(`
frontend site
	bind %s
	http-request return status 200 content-type text/plain string ok
`, bind)
}

// checking is the configuration of HAProxy as a prober of the same targets with the same question. What it does at its best
// stands as it is: it spreads its first checks over the interval by itself (spread-checks, which only adds randomness,
// stays 0), and ends a check's connection with a reset, as rrwatch does.
//
// With https a check looks at the certificate every time, as rrwatch does: no-ssl-reuse, without which HAProxy resumes the
// session and sees no certificate. The name it verifies is the one that check-sni sends.
func checking(o proberOptions) string {
	var text strings.Builder
	text.WriteString(timeouts)
	text.WriteString("\nbackend site\n")
	if o.kind != kindTCP {
		text.WriteString("\toption httpchk\n")
		fmt.Fprintf(&text, "\thttp-check send meth GET uri %s ver HTTP/1.1 hdr Host %s hdr User-Agent rrwatch\n", sitePath, siteName)
		text.WriteString("\thttp-check expect status 200-399\n")
	}
	fmt.Fprintf(&text, "\tdefault-server check inter %dms fall 3 rise 1", o.interval.Milliseconds())
	if o.kind == kindHTTPS {
		fmt.Fprintf(&text, " check-ssl verify required ca-file %s check-sni %s no-ssl-reuse", o.roots, siteName)
	}
	text.WriteString("\n")
	for i, addr := range addresses(o.first, o.targets) {
		fmt.Fprintf(&text, "\tserver s%d %s:%d\n", i, addr, o.port)
	}
	return text.String()
}
