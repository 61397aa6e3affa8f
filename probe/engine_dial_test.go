package probe_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"rrwatch/probe"
)

// headers serves and tells with which header of the PROXY protocol each
// connection begins; in the place of the port that it comes from stands PORT.
func headers(t *testing.T, address string) (netip.AddrPort, <-chan string) {
	t.Helper()
	heard := make(chan string, 10)
	addr := serveOn(t, address, func(conn net.Conn) {
		from := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Port()
		lines := bufio.NewReader(conn)
		if first, _ := lines.Peek(1); string(first) == "P" {
			line, _ := lines.ReadString('\n')
			heard <- strings.Replace(line, fmt.Sprintf(" %d ", from), " PORT ", 1)
		} else {
			head := make([]byte, 16)
			_, _ = io.ReadFull(lines, head)
			ends := make([]byte, binary.BigEndian.Uint16(head[14:]))
			_, _ = io.ReadFull(lines, ends)
			port := binary.BigEndian.AppendUint16(nil, from)
			heard <- strings.Replace(string(head)+string(ends), string(port), "PORT", 1)
		}
		wait(conn)
	})
	return addr, heard
}

func TestBothWaysOfAskingAnnounceAlike(t *testing.T) {
	e := engine(t)
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		for _, version := range []probe.ProxyVersion{probe.ProxyV1, probe.ProxyV2} {
			t.Run(fmt.Sprint(address, version), func(t *testing.T) {
				addr, heard := headers(t, address)
				connect := probe.PlainTCP(netip.Addr{})
				ask(t, probe.TCP(probe.Announce(dial(), version)), addr, soon)
				pooled := <-heard
				if !strings.Contains(pooled, "PORT") {
					t.Errorf("the port is not in %q", pooled)
				}
				ask(t, byEngine(t, e, connect.Announced(version)), addr, soon)
				if fast := <-heard; fast != pooled {
					t.Errorf("pooled\n%q and engine\n%q", pooled, fast)
				}
				e.Ask(probe.Job{Ticket: version, Addr: addr, Plain: connect.Announced(version), Hold: true, Timeout: soon})
				var held string
				go func() {
					held = <-heard
					e.Wake()
				}()
				if list, err := e.Wait(time.Now().Add(soon)); err != nil || len(list) != 0 {
					t.Fatalf("the held connection ended: %v, %v", list, err)
				}
				if held != pooled {
					t.Errorf("pooled\n%q and held\n%q", pooled, held)
				}
				e.Drop(version)
			})
		}
	}
	if probe.PlainHTTP(probe.HTTPOptions{Body: "x"}, netip.Addr{}).Announced(probe.ProxyV1) != nil {
		t.Error("a question that is not plain became one")
	}
}
