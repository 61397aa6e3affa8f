package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"rrwatch/config"
	"rrwatch/monitor"
	"rrwatch/probe"
)

// lineServer takes connections, tells who asked with which first line, and
// greets.
func lineServer(t *testing.T) (addr netip.AddrPort, asked <-chan string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 10)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
			lines <- host + " " + strings.TrimSpace(line)
			_, _ = io.WriteString(conn, "250 ok\r\n")
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return netip.MustParseAddrPort(l.Addr().String()), lines
}

// checkWith is the first check of a file that has these keys.
func checkWith(t *testing.T, keys string) config.Check {
	t.Helper()
	text := "region: eu-central-1\nmode: observe\npools: [{name: www, record: www.example.com, zone: example.com, checks: [{" + keys + "}]}]\n"
	cfg, err := config.Parse("rrwatch.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Pools[0].Checks[0]
}

func answerTo(t *testing.T, c config.Check, dial probe.Dial, addr netip.AddrPort) probe.Answer {
	t.Helper()
	check := checkOf(config.Pool{}, c, tools{dial: dial})
	return monitor.Ask(t.Context(), monitor.Watch{
		Target: probe.Target{Addr: addr}, Probe: check.Probe, Timeout: check.Timeout,
	})
}

func TestAChecksLineIsWhatItSays(t *testing.T) {
	addr, asked := lineServer(t)
	const talk = `kind: tcp, port: 1, talk: [{send: "EHLO x\r\n"}, {expect: "^250 "}]`
	for keys, want := range map[string]string{
		talk:                                             "127.0.0.1 EHLO x",
		talk + ", source: 127.0.0.7":                     "127.0.0.7 EHLO x",
		talk + ", proxy_protocol: v1":                    "127.0.0.1 PROXY TCP4 127.0.0.1 127.0.0.1 ",
		talk + ", proxy_protocol: v2":                    "127.0.0.1 ",
		"kind: http, proxy_protocol: v1":                 "127.0.0.1 PROXY TCP4 127.0.0.1 127.0.0.1 ",
		"kind: tls, proxy_protocol: v1":                  "127.0.0.1 PROXY TCP4 127.0.0.1 127.0.0.1 ",
		talk + ", source: 127.0.0.7, proxy_protocol: v1": "127.0.0.7 PROXY TCP4 127.0.0.7 127.0.0.1 ",
	} {
		a := answerTo(t, checkWith(t, keys), dialer(), addr)
		if got := <-asked; !strings.HasPrefix(got, want) {
			t.Errorf("%s: was asked with %q, want %q", keys, got, want)
		}
		if strings.HasPrefix(keys, talk) && a.Verdict != probe.Pass {
			t.Errorf("%s: got %+v", keys, a)
		}
	}
}

// An engine that only connects must not be asked what needs more.
func TestAConversationIsNoPlainQuestion(t *testing.T) {
	for keys, plain := range map[string]bool{
		"kind: tcp, port: 1":                               true,
		"kind: tcp, port: 1, proxy_protocol: v1":           true,
		`kind: tcp, port: 1, talk: [{expect: "^220 "}]`:    false,
		"kind: udp, port: 1, send: x":                      false,
		"kind: http, proxy_protocol: v1":                   true,
		"kind: https, proxy_protocol: v1, tripwire: false": false,
	} {
		check := checkOf(config.Pool{}, checkWith(t, keys), newTools())
		if (check.Plain != nil) != plain {
			t.Errorf("%s: the question is plain: %v, want %v", keys, !plain, plain)
		}
		if wants := !strings.Contains(keys, "udp") && !strings.Contains(keys, "false"); (check.Tripwire != nil) != wants {
			t.Errorf("%s: there is a tripwire: %v, want %v", keys, !wants, wants)
		}
	}
}

func TestAConversationSpeaksOfTheChecksNameInTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS() // its certificate is its own, for example.com
	defer server.Close()
	addr := netip.MustParseAddrPort(server.Listener.Addr().String())
	for host, want := range map[string]probe.Reason{"example.com": probe.TLSUntrusted, "www.example.org": probe.TLSName} {
		c := checkWith(t, "kind: tcp, port: 1, talk: [{tls: true}], host: "+host)
		if a := answerTo(t, c, dialer(), addr); a.Reason != want {
			t.Errorf("%s: got %+v, want %q", host, a, want)
		}
	}
}

// Tests and the demo have a network of their own.
func TestACheckWithoutALineOfItsOwnUsesTheDialThatItIsGiven(t *testing.T) {
	network := errors.New("used")
	dial := func(context.Context, string, string) (net.Conn, error) { return nil, network }
	for keys, used := range map[string]bool{
		"kind: tcp, port: 1":                                    true,
		"kind: tcp, port: 1, proxy_protocol: v2":                true,
		"kind: udp, port: 1, send: x":                           true,
		"kind: tcp, port: 1, source: 127.0.0.7":                 false,
		"kind: udp, port: 1, send: x, source: 127.0.0.7":        false,
		`kind: tcp, port: 1, talk: [{expect: "^220 "}]`:         true,
		"kind: tls, source: 127.0.0.7, proxy_protocol: v1":      false,
		"kind: https, proxy_protocol: v1, path: /, timeout: 1s": true,
	} {
		_, err := lineOf(checkWith(t, keys), dial)(t.Context(), "tcp", "127.0.0.1:1")
		if errors.Is(err, network) != used {
			t.Errorf("%s: the given dial was used: %v, want %v", keys, !used, used)
		}
	}
}

func TestAsksByUDPAsConfigured(t *testing.T) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	addr := netip.MustParseAddrPort(conn.LocalAddr().String())
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		data := make([]byte, 100)
		_, _, _ = conn.ReadFromUDPAddrPort(data) // the first try is lost
		n, from, _ := conn.ReadFromUDPAddrPort(data)
		_, _ = conn.WriteToUDPAddrPort(append(data[:n], "pong"...), from)
	})
	c := checkWith(t, `kind: udp, port: 1, send_hex: "ff 00", expect: '^\xff\x00pong$$', tries: 2, timeout: 1s`)
	start := time.Now()
	if a := answerTo(t, c, dialer(), addr); a.Verdict != probe.Pass || time.Since(start) < 400*time.Millisecond {
		t.Errorf("got %+v after %s", a, time.Since(start))
	}
}
