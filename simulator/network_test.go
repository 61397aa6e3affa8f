package simulator

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// inNetwork runs a test in a bubble, on the network of twoZones; the bubble checks that Close ends all goroutines.
func inNetwork(t *testing.T, test func(t *testing.T, a *AWS, n *Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := twoZones()
		n := NewNetwork(a)
		defer n.Close()
		test(t, a, n)
	})
}

// through asks for a URL on a fresh connection of the network.
func through(t *testing.T, n *Network, url string, patience time.Duration) (int, string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: n.DialContext, DisableKeepAlives: true}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

func TestTheNetworkReachesWhatCarriesTheAddress(t *testing.T) {
	inNetwork(t, func(t *testing.T, a *AWS, n *Network) {
		a.AddInstance(Instance{
			ID: "i-0c1", Name: "lb-c1", Private: netip.MustParseAddr("10.0.0.9"), Public: netip.MustParseAddr("198.51.100.9"),
		})
		for address, name := range map[string]string{
			eip1: "lb-a1", eip2: "lb-b1", "127.10.7.12": "lb-a2", "10.0.0.9": "lb-c1", "198.51.100.9": "lb-c1",
		} {
			code, body, err := through(t, n, "http://"+address+":8080/", time.Second)
			if err != nil || code != 200 || !strings.Contains(body, name) {
				t.Errorf("%s: want %s, got %d %q, %v", address, name, code, body, err)
			}
		}
		a.Associate(netip.MustParseAddr(eip1), "i-0c1")
		if _, body, err := through(t, n, "http://"+eip1+"/", time.Second); !strings.Contains(body, "lb-c1") {
			t.Errorf("at once after the move: %q, %v", body, err)
		}
		for _, nobody := range []string{"198.51.100.9:80", "192.0.2.77:80"} {
			conn, err := n.DialContext(t.Context(), "tcp", nobody)
			if op := (*net.OpError)(nil); !errors.As(err, &op) || !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%s, which nothing carries: %v, %v", nobody, conn, err)
			}
		}
		if _, err := n.DialContext(t.Context(), "tcp", "www.example.test:80"); err == nil {
			t.Error("a name was dialled")
		}
	})
}

func TestFaultsInTheNetwork(t *testing.T) {
	const url = "http://" + eip1 + "/"
	inNetwork(t, func(t *testing.T, a *AWS, n *Network) {
		for _, tt := range []struct {
			fault Fault
			code  int
			after time.Duration
			err   error
		}{
			{FaultKill, 0, 0, syscall.ECONNREFUSED},
			{FaultHang, 0, time.Minute, context.DeadlineExceeded},
			{FaultStop, 0, time.Minute, context.DeadlineExceeded},
			{Fault503, 503, 0, nil},
			{FaultSlow, 200, 10 * time.Second, nil},
			{FaultNone, 200, 0, nil},
		} {
			if err := n.Break("lb-a1", tt.fault); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			code, _, err := through(t, n, url, time.Minute)
			if code != tt.code || !errors.Is(err, tt.err) || time.Since(start) != tt.after {
				t.Errorf("%s: got %d, %v after %s; want %d, %v after %s",
					tt.fault, code, err, time.Since(start), tt.code, tt.err, tt.after)
			}
		}
	})
}

func TestAHungProcessConnectsAndAStoppedHostDoesNot(t *testing.T) {
	inNetwork(t, func(t *testing.T, a *AWS, n *Network) {
		for fault, connects := range map[Fault]bool{FaultHang: true, FaultStop: false} {
			if err := n.Break("lb-a1", fault); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			conn, err := n.DialContext(ctx, "tcp", eip1+":80")
			cancel()
			if (err == nil) != connects || !connects && !isTimeout(err) {
				t.Errorf("%s: %v", fault, err)
			}
			if conn != nil {
				conn.Close()
			}
		}
	})
}

func TestOpenConnectionsInTheNetworkShareTheFate(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(a *AWS, n *Network) error
		want error
	}{
		"kill":   {func(_ *AWS, n *Network) error { return n.Break("lb-a1", FaultKill) }, syscall.ECONNRESET},
		"move":   {func(a *AWS, _ *Network) error { a.Associate(netip.MustParseAddr(eip1), "i-0a2"); return nil }, syscall.ECONNRESET},
		"hang":   {func(_ *AWS, n *Network) error { return n.Break("lb-a1", FaultHang) }, nil},
		"cutoff": {func(_ *AWS, n *Network) error { n.CutOff(true); return nil }, nil},
		"blip":   {func(_ *AWS, n *Network) error { n.CutOff(true); n.CutOff(false); return nil }, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			inNetwork(t, func(t *testing.T, a *AWS, n *Network) {
				conn, err := n.DialContext(t.Context(), "tcp", eip1+":80")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if code, _, err := askOn(conn, "/", time.Second); code != 200 || err != nil {
					t.Fatal(code, err)
				}
				if err := tt.do(a, n); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				_, _, err = askOn(conn, "/", time.Second)
				if tt.want == nil && !isTimeout(err) || tt.want != nil && !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v or else silence", err, tt.want)
				}
			})
		})
	}
}

func TestARequestUnderWayFallsSilentToo(t *testing.T) {
	inNetwork(t, func(t *testing.T, _ *AWS, n *Network) {
		if err := n.Break("lb-a1", FaultSlow); err != nil {
			t.Fatal(err)
		}
		conn, err := n.DialContext(t.Context(), "tcp", eip1+":80")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			time.Sleep(5 * time.Second)
			if err := n.Break("lb-a1", FaultHang); err != nil {
				t.Error(err)
			}
		}()
		if code, _, err := askOn(conn, "/", time.Minute); !isTimeout(err) {
			t.Errorf("hung before the slow answer: got %d, %v, want silence", code, err)
		}
	})
}

func TestASilentConnectionEndsWithItsClient(t *testing.T) {
	inNetwork(t, func(t *testing.T, _ *AWS, n *Network) {
		if err := n.Break("lb-a1", FaultHang); err != nil {
			t.Fatal(err)
		}
		conn, err := n.DialContext(t.Context(), "tcp", eip1+":80")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // more than a server that waits to answer the first request would read
			if _, _, err := askOn(conn, "/", time.Second); !isTimeout(err) {
				t.Fatalf("got %v, want silence", err)
			}
		}
		open := func() int {
			n.mu.Lock()
			defer n.mu.Unlock()
			return len(n.doors[netip.MustParseAddr(eip1)].conns)
		}
		if open() != 1 {
			t.Errorf("%d connections are open, want 1", open())
		}
		conn.Close()
		synctest.Wait()
		if open() != 0 {
			t.Errorf("%d connections are open after the client has gone", open())
		}
	})
}

func TestACutOffWatcherReachesNothing(t *testing.T) {
	inNetwork(t, func(t *testing.T, _ *AWS, n *Network) {
		reference := netip.MustParseAddrPort("192.0.2.53:443")
		n.AddReference(reference)
		for _, address := range []string{reference.String(), eip1 + ":80"} {
			if code, _, err := through(t, n, "http://"+address+"/", time.Second); code != 200 {
				t.Errorf("%s: %d, %v", address, code, err)
			}
			n.CutOff(true)
			if _, _, err := through(t, n, "http://"+address+"/", time.Second); !errors.Is(err, syscall.ENETUNREACH) {
				t.Errorf("%s: %v, want unreachable", address, err)
			}
			n.CutOff(false)
		}
		if _, _, err := through(t, n, "http://192.0.2.53:80/", time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("another port of a reference gives %v", err)
		}
	})
}

func TestClosingTheNetworkEndsWhatWaits(t *testing.T) {
	inNetwork(t, func(t *testing.T, _ *AWS, n *Network) {
		n.AddReference(netip.MustParseAddrPort("192.0.2.53:443"))
		if err := errors.Join(n.Break("lb-a1", FaultStop), n.Break("lb-b1", FaultHang), n.Break("lb-a2", FaultSlow)); err != nil {
			t.Fatal(err)
		}
		ends := make(chan error)
		for _, address := range []string{eip1, eip2, "127.10.7.12"} {
			go func() {
				_, _, err := through(t, n, "http://"+address+"/", time.Hour)
				ends <- err
			}()
		}
		synctest.Wait()
		start := time.Now()
		n.Close()
		for range 3 {
			if err := <-ends; err == nil || isTimeout(err) {
				t.Errorf("ended with %v", err)
			}
		}
		if time.Since(start) != 0 {
			t.Errorf("took %s", time.Since(start))
		}
		if _, err := n.DialContext(t.Context(), "tcp", eip1+":80"); err == nil {
			t.Error("a closed network connects")
		}
	})
}

// TestTheNetworkFollowsAnAssociateAddressAfterTheMove drives the whole way: the real SDK moves an address, and the
// network leads to the new carrier only when the move has spread.
func TestTheNetworkFollowsAnAssociateAddressAfterTheMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{Move: 6 * time.Second})
		for id, private := range map[string]string{"i-0a1": "10.0.0.1", "i-0a2": "10.0.0.2"} {
			a.AddInstance(Instance{ID: id, Private: netip.MustParseAddr(private)})
		}
		a.AddAddress(Address{IP: netip.MustParseAddr("203.0.113.1"), Instance: "i-0a1"})
		a.AddAddress(Address{IP: netip.MustParseAddr("203.0.113.2")})
		n := NewNetwork(a)
		defer n.Close()
		client := ec2.New(ec2.Options{
			Region:      "eu-central-1",
			HTTPClient:  &http.Client{Transport: a.Transport()},
			Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", ""),
		})
		for k, to := range []string{"i-0a2", "i-0a1"} {
			_, err := client.AssociateAddress(t.Context(), &ec2.AssociateAddressInput{
				AllocationId: aws.String(a.Addresses()[k].Allocation), InstanceId: aws.String(to), AllowReassociation: aws.Bool(true),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if conn, err := n.DialContext(t.Context(), "tcp", "203.0.113.2:80"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("an address that was free leads to %v, %v before the move has spread", conn, err)
		}
		old, err := n.DialContext(t.Context(), "tcp", "203.0.113.1:80")
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		for _, want := range []string{"i-0a1", "i-0a2"} {
			if _, body, err := through(t, n, "http://203.0.113.1/", time.Second); !strings.Contains(body, want) {
				t.Errorf("want %s, got %q, %v", want, body, err)
			}
			time.Sleep(6 * time.Second)
		}
		if _, _, err := askOn(old, "/", time.Second); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the old connection gives %v, want a reset", err)
		}
	})
}
