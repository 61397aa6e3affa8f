package simulator

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

const (
	eip1 = "127.113.7.11"
	eip2 = "127.113.7.12"
)

// twoZones returns an account with lb-a1 and lb-b1, which carry eip1 and eip2, and the standby lb-a2.
func twoZones() *AWS {
	a := New(Options{})
	for _, i := range []Instance{
		{ID: "i-0a1", Name: "lb-a1", Zone: "eu-central-1a", Private: netip.MustParseAddr("127.10.7.11")},
		{ID: "i-0a2", Name: "lb-a2", Zone: "eu-central-1a", Private: netip.MustParseAddr("127.10.7.12")},
		{ID: "i-0b1", Name: "lb-b1", Zone: "eu-central-1b", Private: netip.MustParseAddr("127.10.7.21")},
	} {
		a.AddInstance(i)
	}
	a.AddAddress(Address{IP: netip.MustParseAddr(eip1), Instance: "i-0a1"})
	a.AddAddress(Address{IP: netip.MustParseAddr(eip2), Instance: "i-0b1"})
	return a
}

// openSite opens the site of a, which must leave no goroutine behind when it is closed.
func openSite(t *testing.T, a *AWS) *Site {
	t.Helper()
	leftOver := goleak.IgnoreCurrent()
	s, err := NewSite(t.Context(), a, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		goleak.VerifyNone(t, leftOver)
	})
	return s
}

func dialerTo(at netip.AddrPort) func(ctx context.Context, network, _ string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, at.String())
	}
}

func dialSite(t *testing.T, s *Site, ip string) (net.Conn, error) {
	t.Helper()
	return new(net.Dialer).DialContext(t.Context(), "tcp", net.JoinHostPort(ip, strconv.Itoa(s.Port())))
}

// askOn sends a request on an open connection and waits for the answer no longer than patience.
func askOn(conn net.Conn, path string, patience time.Duration) (int, string, error) {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, "", err
	}
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: www.example.test\r\n\r\n"); err != nil {
		return 0, "", err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

// askPage asks for / on a fresh connection.
func askPage(t *testing.T, s *Site, ip string, patience time.Duration) (int, string, error) {
	t.Helper()
	conn, err := dialSite(t, s, ip)
	if err != nil {
		return 0, "", err
	}
	defer conn.Close()
	return askOn(conn, "/", patience)
}

func mustServe(t *testing.T, s *Site, ip, name string) {
	t.Helper()
	if code, body, err := askPage(t, s, ip, 5*time.Second); err != nil || code != 200 || !strings.Contains(body, name) {
		t.Fatalf("%s: want 200 from %s, got %d %q, %v", ip, name, code, body, err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func TestEveryAddressLeadsToItsInstance(t *testing.T) {
	s := openSite(t, twoZones())
	mustServe(t, s, eip1, "lb-a1 (i-0a1) in eu-central-1a")
	mustServe(t, s, eip2, "lb-b1 (i-0b1) in eu-central-1b")
	mustServe(t, s, "127.10.7.11", "lb-a1")
	mustServe(t, s, "127.10.7.12", "lb-a2")
	conn, err := dialSite(t, s, eip1)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if code, _, err := askOn(conn, "/healthz", time.Second); code != 200 || err != nil {
		t.Errorf("/healthz: %d, %v", code, err)
	}
	if code, _, err := askOn(conn, "/no-such-page", time.Second); code != 404 || err != nil {
		t.Errorf("/no-such-page: %d, %v", code, err)
	}
}

func TestADeadProcessRefusesAndResets(t *testing.T) {
	s := openSite(t, twoZones())
	for _, ip := range []string{eip1, "127.10.7.11"} {
		conn, err := dialSite(t, s, ip)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, _, err := askOn(conn, "/", time.Second); err != nil {
			t.Fatal(err)
		}
		if err := s.Break("lb-a1", FaultKill); err != nil {
			t.Fatal(err)
		}
		if _, _, err := askOn(conn, "/", time.Second); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("%s: an open connection gives %v, want a reset", ip, err)
		}
		if _, _, err := askPage(t, s, ip, time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: a new connection gives %v, want refused", ip, err)
		}
		mustServe(t, s, eip2, "lb-b1")
		if err := s.Heal("i-0a1"); err != nil {
			t.Fatal(err)
		}
		mustServe(t, s, ip, "lb-a1")
	}
}

func TestASilentInstanceAcceptsAndNeverAnswers(t *testing.T) {
	for _, fault := range []Fault{FaultHang, FaultStop} {
		t.Run(string(fault), func(t *testing.T) {
			a := twoZones()
			s := openSite(t, a)
			old, err := dialSite(t, s, eip1)
			if err != nil {
				t.Fatal(err)
			}
			defer old.Close()
			if _, _, err := askOn(old, "/", time.Second); err != nil {
				t.Fatal(err)
			}
			if err := s.Break("lb-a1", fault); err != nil {
				t.Fatal(err)
			}
			if state := a.Instances()[0].State; (state == "stopped") != (fault == FaultStop) {
				t.Errorf("EC2 says %s", state)
			}
			if _, _, err := askOn(old, "/", 200*time.Millisecond); !isTimeout(err) {
				t.Errorf("an open connection gives %v, want silence", err)
			}
			fresh, err := dialSite(t, s, eip1)
			if err != nil {
				t.Fatalf("connect: %v, want the kernel to accept", err)
			}
			defer fresh.Close()
			if _, _, err := askOn(fresh, "/", 200*time.Millisecond); !isTimeout(err) {
				t.Errorf("a new connection gives %v, want silence", err)
			}
			if err := s.Heal("lb-a1"); err != nil {
				t.Fatal(err)
			}
			mustServe(t, s, eip1, "lb-a1")
			if _, _, err := askOn(fresh, "/", 5*time.Second); err == nil || isTimeout(err) {
				t.Errorf("the new process gives %v on an old connection, want a reset", err)
			}
			if state := a.Instances()[0].State; state != "running" {
				t.Errorf("after healing EC2 says %s", state)
			}
		})
	}
}

func TestServiceUnavailableOnEveryPage(t *testing.T) {
	s := openSite(t, twoZones())
	if err := s.Break("lb-a1", Fault503); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/healthz"} {
		conn, err := dialSite(t, s, eip1)
		if err != nil {
			t.Fatal(err)
		}
		if code, _, err := askOn(conn, path, time.Second); code != 503 || err != nil {
			t.Errorf("%s gives %d, %v, want 503", path, code, err)
		}
		conn.Close()
	}
}

// eventually waits until what the site does by itself after a change of the AWS is done.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(5 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("after 5 s still not: %s", what)
		}
	}
}

func TestAnAddressMovesAndItsConnectionsAreCut(t *testing.T) {
	a := twoZones()
	s := openSite(t, a)
	conn, err := dialSite(t, s, eip1)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	a.Associate(netip.MustParseAddr(eip1), "i-0a2")
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the old connection gives %v, want a reset", err)
	}
	eventually(t, "lb-a2 serves", func() bool {
		_, body, _ := askPage(t, s, eip1, time.Second)
		return strings.Contains(body, "lb-a2")
	})
	mustServe(t, s, "127.10.7.11", "lb-a1")

	a.Associate(netip.MustParseAddr(eip1), "")
	eventually(t, "an address without a carrier refuses", func() bool {
		_, err := dialSite(t, s, eip1)
		return errors.Is(err, syscall.ECONNREFUSED)
	})
}

func TestAMoveToADeadInstanceDoesNotServe(t *testing.T) {
	a := twoZones()
	s := openSite(t, a)
	if err := s.Break("lb-a2", FaultKill); err != nil {
		t.Fatal(err)
	}
	a.Associate(netip.MustParseAddr(eip1), "i-0a2")
	eventually(t, "refused", func() bool {
		_, err := dialSite(t, s, eip1)
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	if err := s.Heal("lb-a2"); err != nil {
		t.Fatal(err)
	}
	mustServe(t, s, eip1, "lb-a2")
}

func TestAnInstanceThatTheAPIStoppedIsSilent(t *testing.T) {
	a := twoZones()
	s := openSite(t, a)
	a.SetInstanceState("i-0a1", "stopped")
	eventually(t, "stop is the fault", func() bool { return s.State()[0].Fault == FaultStop })
	if _, _, err := askPage(t, s, eip1, 200*time.Millisecond); !isTimeout(err) {
		t.Errorf("a stopped instance gives %v, want silence", err)
	}
	a.SetInstanceState("i-0a1", "running")
	eventually(t, "it serves again", func() bool {
		code, _, _ := askPage(t, s, eip1, time.Second)
		return code == 200
	})
}

func TestAnInstanceAddedLaterServes(t *testing.T) {
	a := twoZones()
	s := openSite(t, a)
	a.AddInstance(Instance{ID: "i-0b2", Name: "lb-b2", Private: netip.MustParseAddr("127.10.7.22")})
	if err := s.Heal("lb-b2"); err != nil {
		t.Fatal(err)
	}
	mustServe(t, s, "127.10.7.22", "lb-b2")
}

func TestTellsWhatAilsWhom(t *testing.T) {
	s := openSite(t, twoZones())
	for name, fault := range map[string]Fault{"lb-a1": Fault503, "i-0b1": FaultStop} {
		if err := s.Break(name, fault); err != nil {
			t.Fatal(err)
		}
	}
	want := []InstanceState{
		{ID: "i-0a1", Name: "lb-a1", Zone: "eu-central-1a", Fault: Fault503, Carries: []netip.Addr{netip.MustParseAddr(eip1)}},
		{ID: "i-0a2", Name: "lb-a2", Zone: "eu-central-1a"},
		{ID: "i-0b1", Name: "lb-b1", Zone: "eu-central-1b", Fault: FaultStop, Carries: []netip.Addr{netip.MustParseAddr(eip2)}},
	}
	if d := cmp.Diff(want, s.State(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Error(d)
	}
	if err := s.Break("lb-zz", FaultKill); err == nil || !strings.Contains(err.Error(), "lb-a2 (i-0a2)") {
		t.Errorf("an unknown instance gives %v, want the known ones", err)
	}
}

func TestBreaksAndHealsWithinMilliseconds(t *testing.T) {
	s := openSite(t, twoZones())
	const times = 100
	var took time.Duration
	for range times {
		start := time.Now()
		if err := errors.Join(s.Break("lb-a1", FaultKill), s.Heal("lb-a1")); err != nil {
			t.Fatal(err)
		}
		took += time.Since(start)
		conn, err := dialSite(t, s, eip1)
		if err != nil {
			t.Fatalf("after healing: %v", err)
		}
		conn.Close()
	}
	t.Logf("broken and healed in %s", took/times)
	if took/times > 20*time.Millisecond {
		t.Errorf("broken and healed in %s on average, want less than 10 ms each", took/times)
	}
}

func TestOneSiteAPort(t *testing.T) {
	a := twoZones()
	s := openSite(t, a)
	_, err := NewSite(t.Context(), a, s.Port(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "choose another port") {
		t.Errorf("a second site on the port gives %v", err)
	}
	mustServe(t, s, eip1, "lb-a1")
	if _, err := NewSite(t.Context(), New(Options{}), 0, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a site without instances opens")
	}
	far := New(Options{})
	far.AddInstance(Instance{ID: "i-1", Private: netip.MustParseAddr("203.0.113.1")})
	if _, err := NewSite(t.Context(), far, 0, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "127.0.0.0/8") {
		t.Errorf("an address that is not loopback gives %v", err)
	}
}

func TestTheSiteEndsWithItsContext(t *testing.T) {
	leftOver := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := NewSite(ctx, twoZones(), 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	hung, err := dialSite(t, s, eip1)
	if err != nil {
		t.Fatal(err)
	}
	defer hung.Close()
	cancel()
	goleak.VerifyNone(t, leftOver)
	if _, err := dialSite(t, s, eip1); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after the end: %v, want refused", err)
	}
	s.Close()
}

func TestParsesFaults(t *testing.T) {
	for _, f := range []Fault{FaultKill, FaultHang, Fault503, FaultSlow, FaultStop} {
		if got, err := ParseFault(" " + strings.ToUpper(string(f))); got != f || err != nil {
			t.Errorf("%s: %q, %v", f, got, err)
		}
	}
	for _, bad := range []string{"", "explode"} {
		if _, err := ParseFault(bad); err == nil || !strings.Contains(err.Error(), "kill, hang, 503, slow or stop") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
