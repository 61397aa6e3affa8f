package probe_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"rrwatch/probe"
)

// judgeHAProxy asks for a page that is this text, and checks what must hold whatever it is.
func judgeHAProxy(t *testing.T, contentType string, text []byte, backend string) {
	t.Helper()
	o := stats("/")
	o.Backend = backend
	o.Dial = func(context.Context, string, string) (net.Conn, error) {
		head := strings.NewReader("HTTP/1.1 200 OK\r\nContent-Type: " + contentType + "\r\n\r\n")
		return script{text: io.MultiReader(head, bytes.NewReader(text))}, nil
	}
	a := probe.HAProxy(o)(t.Context(), target(netip.AddrPort{}))
	checkHarmless(t, a.Detail)
	checkHarmless(t, a.Warning)
	switch a.Verdict {
	case probe.Pass:
		if !bytes.Contains(text, []byte("BACKEND")) && !bytes.Contains(text, []byte("haproxy_backend_active_servers{")) {
			t.Errorf("passed without a count: %+v", a)
		}
	case probe.Fail:
		if a.Reason != probe.Servers && a.Reason != probe.Protocol {
			t.Errorf("failed for another reason: %+v", a)
		}
	case probe.Inconclusive:
		if a.Reason != probe.Internal || backend != "" {
			t.Errorf("a page is never our own trouble: %+v", a)
		}
	}
}

func FuzzHAProxysCSVIsJudged(f *testing.F) {
	for _, text := range []string{
		"", csvHead, csvPage(), strings.ReplaceAll(csvPage(), "app", "api"), strings.ReplaceAll(csvPage(), "\n", "\r\n"),
		"# pxname,svname,status,act,bck\napp,BACKEND,UP,1,0\n", "# pxname,svname,status,act,bck\napp,BACKEND,UP,-1,99999999999\n",
		"# pxname,svname,status,act,bck\n\"app\n\",\"BACK\"\"END", "# pxname,pxname,svname,svname,act,bck,status\napp",
		csvHead + csvRow("\x1b[2J", "BACKEND", "UP", "1", "1", "0", "\x00"),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		judgeHAProxy(t, "text/csv", text, "app")
		judgeHAProxy(t, "text/csv", text, "")
	})
}

func FuzzHAProxysPrometheusPageIsJudged(f *testing.F) {
	for _, text := range []string{
		"", promPage, strings.ReplaceAll(promPage, "app", "api"), "# HELP x y\n", "haproxy_backend_active_servers{proxy=\"app\"} 1",
		`haproxy_backend_active_servers{proxy="a\"pp",} 1e9 1`, `haproxy_backend_active_servers{proxy="app"} +Inf`,
		`haproxy_server_status{proxy="app",server="s1",state="DOWN"} 1` + "\n" + `haproxy_server_check_status{proxy="app",server="s1",state="L4CON"} 1`,
		`haproxy_server_status{proxy="`, `haproxy_server_status{proxy=""} 1`, `haproxy_backend_backup_servers{}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		judgeHAProxy(t, "text/plain", text, "app")
		judgeHAProxy(t, "text/plain", text, "")
	})
}
