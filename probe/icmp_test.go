package probe_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"

	"rrwatch/probe"
)

// pinger is closed when the test ends. A machine that allows no ICMP socket
// skips the test.
func pinger(t testing.TB) *probe.Pinger {
	t.Helper()
	p := &probe.Pinger{}
	t.Cleanup(p.Close)
	if a := p.ICMP(probe.ICMPOptions{})(context.WithoutCancel(t.Context()), alone("127.0.0.1")); a.Verdict != probe.Pass {
		t.Skip("this machine does not ping itself: ", a.Detail)
	}
	return p
}

// alone is a target without a port.
func alone(addr string) probe.Target {
	return target(netip.AddrPortFrom(netip.MustParseAddr(addr), 0))
}

func TestPingsTheLoopback(t *testing.T) {
	p := pinger(t)
	for _, addr := range []string{"127.0.0.1", "127.1.2.3", "::ffff:127.0.0.1", "::1"} {
		if addr == "::1" && !hasLoopback6() {
			continue
		}
		for _, size := range []int{0, 8, 9, 1472} {
			a := ask(t, p.ICMP(probe.ICMPOptions{Size: size}), alone(addr).Addr, soon)
			if a.Verdict != probe.Pass || a.Phases.FirstByte <= 0 || a.Phases.Connect != 0 {
				t.Errorf("%s, %d bytes: got %+v", addr, size, a)
			}
		}
	}
}

func TestPingsFromAGivenAddress(t *testing.T) {
	p := pinger(t)
	for source, want := range map[string]probe.Reason{
		"127.0.0.9": "",               // the machine's own
		"192.0.2.7": probe.OwnNetwork, // another's
		"::1":       probe.OwnNetwork, // of the other IP version
	} {
		a := ask(t, p.ICMP(probe.ICMPOptions{Source: netip.MustParseAddr(source)}), alone("127.0.0.1").Addr, soon)
		if a.Reason != want || a.Verdict == probe.Fail {
			t.Errorf("from %s: got %+v", source, a)
		}
		checkHarmless(t, a.Detail)
	}
}

func hasLoopback6() bool {
	c, err := dial()(context.Background(), "udp6", "[::1]:9")
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// addresses are loopback addresses, each another target.
func addresses(n int) []probe.Target {
	list := make([]probe.Target, n)
	for i := range list {
		list[i] = target(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 7, byte(i >> 8), byte(i)}), 0))
	}
	return list
}

func TestPingsAThousandTargetsAtOnceOverOneSocket(t *testing.T) {
	p := pinger(t)
	f := p.ICMP(probe.ICMPOptions{})
	before := descriptors(t)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for _, each := range addresses(1000) {
		wg.Go(func() {
			<-gate
			if a := f(ctx, each); a.Verdict != probe.Pass {
				t.Errorf("%s: got %+v", each, a)
			}
		})
	}
	close(gate)
	wg.Wait()
	if now := descriptors(t); now > before+1 { // one more if the id was changed meanwhile
		t.Errorf("%d descriptors before, %d now", before, now)
	}
}

func TestAPingThatIsCutShortSaysNothing(t *testing.T) {
	p := pinger(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// Either the echo was there first or the end was.
	if a := p.ICMP(probe.ICMPOptions{})(ctx, alone("127.0.0.1")); a.Verdict == probe.Fail || a.Verdict == probe.Inconclusive && a.Reason != probe.Cancelled {
		t.Errorf("got %+v", a)
	}
}

func TestAClosedPingerHoldsNothing(t *testing.T) {
	p := pinger(t)
	f := p.ICMP(probe.ICMPOptions{})
	p.Close()
	before := descriptors(t)
	if a := f(t.Context(), alone("127.0.0.1")); a.Reason != probe.Cancelled || a.Verdict != probe.Inconclusive {
		t.Errorf("got %+v", a)
	}
	for range 5 {
		pinger(t).Close()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func BenchmarkICMP(b *testing.B) {
	f := pinger(b).ICMP(probe.ICMPOptions{})
	b.Run("one after the other", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if a := f(b.Context(), alone("127.0.0.1")); a.Verdict != probe.Pass {
				b.Fatal(a)
			}
		}
	})
	b.Run("many at once", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(100)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if a := f(b.Context(), alone("127.0.0.1")); a.Verdict != probe.Pass {
					b.Error(a)
				}
			}
		})
	})
}
