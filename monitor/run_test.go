package monitor_test

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// site is what is probed, in a bubble: each target is well or not, and every
// question to it is written down.
type site struct {
	mu    sync.Mutex
	ill   map[probe.Target]probe.Answer // what it answers instead of a pass
	cut   map[string]bool               // references that do not answer, by address
	asked map[probe.Target][]time.Time
	dials map[string][]time.Time
	took  time.Duration // of every probe
}

func newSite() *site {
	return &site{ill: map[probe.Target]probe.Answer{}, cut: map[string]bool{}, asked: map[probe.Target][]time.Time{}, dials: map[string][]time.Time{}}
}

func (s *site) probe(ctx context.Context, t probe.Target) probe.Answer {
	start := time.Now()
	s.mu.Lock()
	s.asked[t] = append(s.asked[t], start)
	a, ill := s.ill[t]
	s.mu.Unlock()
	select {
	case <-time.After(s.took):
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return probe.Answer{Reason: probe.Cancelled}
	}
	if !ill {
		a = probe.Answer{Verdict: probe.Pass}
	}
	a.Phases.Whole = time.Since(start)
	return a
}

// dial reaches the references.
func (s *site) dial(_ context.Context, _, address string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials[address] = append(s.dials[address], time.Now())
	if s.cut[address] {
		return nil, &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}
	}
	near, far := net.Pipe()
	far.Close()
	return near, nil
}

func (s *site) sicken(targets ...probe.Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range targets {
		s.ill[t] = probe.Answer{Verdict: probe.Fail, Reason: probe.Refused}
	}
}

func (s *site) heal(targets ...probe.Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range targets {
		delete(s.ill, t)
	}
}

func (s *site) cutOff(cut bool, references ...netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range references {
		s.cut[r.String()] = cut
	}
}

// since are the questions to a target from a moment on, as times after it.
func (s *site) since(start time.Time, t probe.Target) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []time.Duration
	for _, at := range s.asked[t] {
		if !at.Before(start) {
			list = append(list, at.Sub(start))
		}
	}
	return list
}

func member(n int) probe.Target {
	return probe.Target{Pool: "www", Check: "https", Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}), 443)}
}

func (s *site) watch(t probe.Target) monitor.Watch {
	return monitor.Watch{
		Target: t, Probe: s.probe, Interval: 5 * time.Second, Timeout: 2 * time.Second, Recheck: 500 * time.Millisecond,
		Thresholds: monitor.Thresholds{Fall: 3, Clear: 1, Rise: 2},
	}
}

func (s *site) watches(targets ...probe.Target) []monitor.Watch {
	var list []monitor.Watch
	for _, t := range targets {
		list = append(list, s.watch(t))
	}
	return list
}

func references(n int) []netip.AddrPort {
	var list []netip.AddrPort
	for i := range n {
		list = append(list, netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 53))
	}
	return list
}

// inBubble runs a monitor of the site in a bubble, and ends it after the test.
func inBubble(t *testing.T, references []netip.AddrPort, test func(t *testing.T, s *site, m *monitor.Monitor)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		m := monitor.New(monitor.Options{Vantage: "here", References: references, Dial: s.dial})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		test(t, s, m)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
}

func replace(t *testing.T, m *monitor.Monitor, list []monitor.Watch) {
	t.Helper()
	if err := m.Replace(list); err != nil {
		t.Fatal(err)
	}
}

// settle watches targets that are well for a minute, and returns a moment before
// the next regular probe of the first one, with the time of that probe.
func settle(t *testing.T, s *site, m *monitor.Monitor, targets ...probe.Target) (slot time.Time) {
	t.Helper()
	replace(t, m, s.watches(targets...))
	time.Sleep(time.Minute)
	s.mu.Lock()
	asked := s.asked[targets[0]]
	s.mu.Unlock()
	slot = asked[len(asked)-1].Add(5 * time.Second)
	time.Sleep(time.Until(slot) - time.Millisecond)
	for _, target := range targets {
		if h := m.Snapshot().Health(target); h.State != monitor.Up {
			t.Fatalf("%s is %s, want up", target, h.State)
		}
	}
	m.Transitions()
	select {
	case <-m.Nudges():
	default:
	}
	return slot
}

// seconds makes durations of seconds.
func seconds(list ...float64) []time.Duration {
	var all []time.Duration
	for _, s := range list {
		all = append(all, time.Duration(s*float64(time.Second)))
	}
	return all
}

func checkAsked(t *testing.T, what string, got []time.Duration, want ...float64) {
	t.Helper()
	if diff := cmp.Diff(seconds(want...), got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

// dialsSince are the questions to a reference from a moment on, as times after it.
func (s *site) dialsSince(start time.Time, reference netip.AddrPort) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []time.Duration
	for _, at := range s.dials[reference.String()] {
		if !at.Before(start) {
			list = append(list, at.Sub(start))
		}
	}
	return list
}

// pass lets time go by in a bubble, and everything that it brings about happen.
// Outside of a bubble it panics: no test sleeps for real.
func pass(d time.Duration) {
	synctest.Wait()
	time.Sleep(d)
	synctest.Wait()
}
