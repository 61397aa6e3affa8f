package probe_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rrwatch/probe"
)

// startHAProxy runs the real HAProxy: its answer tells who is at the ends. It
// takes over a listener of ours, in whose queue connections wait for it.
func startHAProxy(t *testing.T, l *net.TCPListener) {
	t.Helper()
	path := installed(t, "haproxy")
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	text := `
defaults
  mode http
  timeout client 10s
frontend port
  bind fd@3 accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port]"
`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	start(t, []*os.File{file}, path, "-db", "-f", config)
}

// startNginx is startHAProxy with the real nginx, which listens by itself.
func startNginx(t *testing.T, l *net.TCPListener) {
	t.Helper()
	addr := netip.MustParseAddrPort(l.Addr().String())
	l.Close()
	runNginx(t, t.TempDir(), fmt.Sprintf(`
  server {
    listen %s proxy_protocol;
    return 200 "$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_addr:$proxy_protocol_server_port";
  }`, addr), addr)
}

func TestRealLoadBalancersUnderstandTheAnnouncement(t *testing.T) {
	for name, run := range map[string]func(*testing.T, *net.TCPListener){"haproxy": startHAProxy, "nginx": startNginx} {
		for _, host := range []string{"127.0.0.1", "::1"} {
			t.Run(name+" "+host, func(t *testing.T) {
				l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
				if err != nil {
					t.Skip(err)
				}
				defer l.Close()
				run(t, l)
				checkAnnouncements(t, netip.MustParseAddrPort(l.Addr().String()))
			})
		}
	}
}

// checkAnnouncements asks a load balancer that answers with the ends that were
// announced to it.
func checkAnnouncements(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	for _, ends := range [][2]string{
		{"192.0.2.1:56324", "192.0.2.2:443"},
		{"[2001:db8::1]:56324", "[2001:db8::2]:443"},
	} {
		moved := func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial()(ctx, network, address)
			return claiming{Conn: conn, from: endpoint(ends[0]), to: endpoint(ends[1])}, err
		}
		for _, version := range []probe.ProxyVersion{probe.ProxyV1, probe.ProxyV2} {
			o := page()
			o.Dial = probe.Announce(moved, version)
			o.Body = strings.NewReplacer("[", "", "]", "").Replace(ends[0] + " " + ends[1])
			if a := ask(t, probe.HTTP(o), addr, soon); a.Verdict != probe.Pass {
				t.Errorf("version %d, %v: got %+v", version, ends, a)
			}
		}
	}
	o := page()
	if a := ask(t, probe.HTTP(o), addr, soon); a.Verdict == probe.Pass {
		t.Error("the load balancer does without an announcement")
	}
	for _, version := range []probe.ProxyVersion{probe.ProxyV1, probe.ProxyV2} {
		o.Dial = probe.Announce(dial(), version)
		if a := ask(t, probe.HTTP(o), addr, soon); a.Verdict != probe.Pass {
			t.Errorf("version %d, its own ends: got %+v", version, a)
		}
	}
}

// claiming is a connection that claims to have other ends.
type claiming struct {
	net.Conn
	from, to net.Addr
}

func (e claiming) LocalAddr() net.Addr  { return e.from }
func (e claiming) RemoteAddr() net.Addr { return e.to }
