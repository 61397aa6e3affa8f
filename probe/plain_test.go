package probe_test

import (
	"crypto/x509"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"rrwatch/probe"
)

func TestDetailsAreFreeOfTheEndsOfConnections(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.ENETUNREACH: "network is unreachable",
		syscall.EMFILE:      "too many open files",
	} {
		wrapped := &net.OpError{
			Op: "dial", Net: "tcp", Source: &net.TCPAddr{Port: 40001}, Addr: &net.TCPAddr{Port: 443},
			Err: os.NewSyscallError("connect", errno),
		}
		for kind, f := range kinds(failing(wrapped)) {
			if a := ask(t, f, netip.AddrPort{}, soon); a.Detail != want {
				t.Errorf("%s: the detail is %q, want %q", kind, a.Detail, want)
			}
		}
	}
}

func TestDetailsOfCertificatesAreFreeOfTheNamesOfPackages(t *testing.T) {
	addr := serveTLS(t, newAuthority(t).config("www.example.com", time.Hour), wait)
	o := page()
	o.TLS = &probe.TLSOptions{Roots: x509.NewCertPool()}
	const want = "certificate signed by unknown authority"
	if a := ask(t, probe.HTTP(o), addr, soon); a.Detail != want {
		t.Errorf("the detail is %q, want %q", a.Detail, want)
	}
}
