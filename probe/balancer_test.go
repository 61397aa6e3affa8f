package probe_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rrwatch/probe"
)

// runHAProxy runs the real HAProxy with a configuration in which LISTEN stands for a listening socket, and DIR for a
// folder. It returns the address of that socket and the folder.
func runHAProxy(t *testing.T, text string) (netip.AddrPort, string) {
	t.Helper()
	binary := installed(t, "haproxy")
	l := listenOn(t, "127.0.0.1:0")
	defer l.Close()
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "haproxy.cfg")
	text = strings.NewReplacer("LISTEN", "fd@3", "DIR", dir).Replace(text)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, []*os.File{socket}, binary, "-db", "-f", file)
	// The socket listens already: the first answer comes when HAProxy is ready.
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(soon))
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatalf("haproxy does not answer: %v", err)
	}
	return netip.MustParseAddrPort(l.Addr().String()), dir
}

// tellHAProxy gives a command to HAProxy's administration socket.
func tellHAProxy(t *testing.T, dir, command string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", filepath.Join(dir, "admin"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(soon))
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || len(bytes.TrimSpace(answer)) > 0 {
		t.Fatalf("%s: %v, %s", command, err, answer)
	}
}

// backendSite listens on the loopback as a backend server does, and answers with its own name.
func backendSite(t *testing.T, name string) netip.AddrPort {
	t.Helper()
	return serve(t, func(conn net.Conn) {
		if r := request(conn); r != nil {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nX-Backend: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\nI am %[1]s.\n", name, len(name)+7)
		}
	})
}

// askUntil asks again and again, for a change takes HAProxy a moment, until the answer is so.
func askUntil(t *testing.T, f probe.Func, addr netip.AddrPort, so func(probe.Answer) bool) probe.Answer {
	t.Helper()
	for end := time.Now().Add(soon); ; {
		a := ask(t, f, addr, soon)
		if so(a) {
			return a
		}
		if time.Now().After(end) {
			t.Fatalf("still %+v", a)
		}
	}
}

// haproxyPage answers every request with a page of this type.
func haproxyPage(contentType, body string) func(net.Conn) {
	return answer(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", contentType, len(body), body))
}

// sesame is a password that no answer may show.
const sesame = "sesame-open-7f3a"

// opsHeader is the header of a user with that password.
func opsHeader() http.Header {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth("ops", sesame)
	return r.Header
}
