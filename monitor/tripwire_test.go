package monitor_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// wires is the far side of tripwires, in a bubble.
type wires struct {
	mu    sync.Mutex
	begun []time.Time
	open  []net.Conn
	idle  time.Duration // the far side closes after this; 0: never
	cut   bool
	rude  bool
	talks bool
}

func (w *wires) dial(context.Context, string, string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = append(w.begun, time.Now())
	if w.cut {
		return nil, errors.New("cut")
	}
	near, far := net.Pipe()
	w.open = append(w.open, far)
	if w.idle > 0 {
		time.AfterFunc(w.idle, func() { far.Close() })
	}
	if w.talks {
		go func() {
			for _, err := far.Write(make([]byte, 1<<10)); err == nil; _, err = far.Write(make([]byte, 1<<10)) {
			}
		}()
	}
	if w.rude {
		return rude{near}, nil
	}
	return near, nil
}

// trip closes all connections.
func (w *wires) trip() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.open {
		conn.Close()
	}
	w.open = nil
}

func (w *wires) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.begun)
}

// wired runs a monitor in a bubble of one target that has a tripwire and is
// asked twice a minute.
func wired(t *testing.T, test func(t *testing.T, s *site, w *wires, m *monitor.Monitor)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, w := newSite(), &wires{}
		m := monitor.New(monitor.Options{Dial: w.dial})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		watch := s.watch(member(1))
		watch.Interval, watch.Tripwire = 30*time.Second, probe.PlainTCP(netip.Addr{})
		replace(t, m, []monitor.Watch{watch})
		pass(40 * time.Second)
		test(t, s, w, m)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.trip()
	})
}

func TestATrippedWireAsksAtOnceAndIsNoFail(t *testing.T) {
	wired(t, func(t *testing.T, s *site, w *wires, m *monitor.Monitor) {
		one := member(1)
		if n := w.count(); n != 1 {
			t.Fatalf("%d wires begun, want 1", n)
		}
		at := time.Now()
		w.trip()
		pass(500 * time.Millisecond)
		asked := s.since(at, one)
		if len(asked) != 1 || asked[0] > 20*time.Millisecond {
			t.Errorf("asked after %v", asked)
		}
		if h := m.Snapshot().Health(one); h.State != monitor.Up || h.Fails != 0 {
			t.Errorf("the end of a wire counts: %+v", h)
		}
		pass(2 * time.Second)
		if n := w.count(); n != 2 {
			t.Errorf("%d wires begun, want another one", n)
		}
		s.sicken(one)
		at = time.Now()
		w.trip()
		pass(1500 * time.Millisecond)
		if h := m.Snapshot().Health(one); h.State != monitor.Down || h.Since.Sub(at) > 1100*time.Millisecond {
			t.Errorf("got %s, %s after the end of the wire", h.State, h.Since.Sub(at))
		}
		pass(5 * time.Minute)
		if n := w.count(); n != 2 {
			t.Errorf("%d wires begun to a target that is down", n-2)
		}
		s.heal(one)
		pass(2 * time.Minute)
		if n := w.count(); n < 3 {
			t.Error("no wire was begun after it came back")
		}
	})
}

func TestAWireIsRenewedBeforeTheFarSideTiresOfIt(t *testing.T) {
	wired(t, func(t *testing.T, s *site, w *wires, m *monitor.Monitor) {
		w.idle = 20 * time.Second
		w.trip()
		pass(time.Minute) // one is closed by the far side, and that is learnt from
		at, begun := time.Now(), w.count()
		pass(10 * time.Minute)
		if extra := len(s.since(at, member(1))) - 20; extra > 1 {
			t.Errorf("%d probes out of turn in 10 minutes", extra)
		}
		if n := w.count() - begun; n < 35 || n > 45 {
			t.Errorf("renewed %d times in 10 minutes, want about every 15 s", n)
		}
	})
}

// rude is a connection whose far side ends it with a reset.
type rude struct{ net.Conn }

func (c rude) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if errors.Is(err, io.EOF) {
		err = &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	}
	return n, err
}

func TestAFarSideThatHasNoIdleConnectionsIsLeftAlone(t *testing.T) {
	for name, far := range map[string]func(*wires){
		"closes at once": func(w *wires) { w.idle = time.Second },
		"resets at once": func(w *wires) { w.idle, w.rude = time.Second, true },
		"talks on it":    func(w *wires) { w.talks = true },
	} {
		t.Run(name, func(t *testing.T) {
			wired(t, func(t *testing.T, s *site, w *wires, m *monitor.Monitor) {
				far(w)
				w.trip()
				pass(10 * time.Second)
				at, begun := time.Now(), w.count()
				pass(9 * time.Minute)
				if n := w.count() - begun; n != 0 {
					t.Errorf("begun %d times", n)
				}
				if extra := len(s.since(at, member(1))) - 18; extra > 1 {
					t.Errorf("%d probes out of turn", extra)
				}
			})
		})
	}
}

func TestAWireThatCannotBeginAsksOnceAndWaits(t *testing.T) {
	wired(t, func(t *testing.T, s *site, w *wires, m *monitor.Monitor) {
		w.mu.Lock()
		w.cut = true
		w.mu.Unlock()
		w.trip()
		pass(3 * time.Second)
		at, begun := time.Now(), w.count()
		pass(5 * time.Minute)
		if n := w.count() - begun; n < 9 || n > 11 {
			t.Errorf("begun %d times in 5 minutes", n)
		}
		if n := len(s.since(at, member(1))); n > 22 {
			t.Errorf("asked %d times in 5 minutes", n)
		}
	})
}

func TestAWireGoesWithItsTarget(t *testing.T) {
	wired(t, func(t *testing.T, s *site, w *wires, m *monitor.Monitor) {
		w.mu.Lock()
		far := w.open[0]
		w.mu.Unlock()
		ended := make(chan error, 1)
		go func() {
			_, err := far.Read(make([]byte, 1))
			ended <- err
		}()
		replace(t, m, s.watches(member(2)))
		pass(time.Second)
		select {
		case err := <-ended:
			if !errors.Is(err, io.EOF) {
				t.Errorf("the wire ended with %v", err)
			}
		default:
			t.Error("the wire of a target that left is still held")
		}
	})
}

// A server that is killed is noticed by its wire, by real sockets and the engine.
func TestAKilledServerIsAskedAtOnce(t *testing.T) {
	engine, err := probe.NewEngine()
	if errors.Is(err, probe.ErrNoEngine) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan net.Conn, 100)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				close(conns)
				return
			}
			conns <- conn
		}
	}()
	m := monitor.New(monitor.Options{Engine: engine, Dial: (&net.Dialer{}).DialContext})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	target := probe.Target{Pool: "www", Check: "tcp", Addr: netip.MustParseAddrPort(l.Addr().String())}
	replace(t, m, []monitor.Watch{{
		Target: target, Plain: probe.PlainTCP(netip.Addr{}), Tripwire: probe.PlainTCP(netip.Addr{}),
		Interval: time.Hour, Timeout: time.Second, Recheck: 20 * time.Millisecond,
		Thresholds: monitor.Thresholds{Fall: 3, Clear: 1, Rise: 2},
	}})
	for m.Snapshot().Len() == 0 { // Ask is for targets that are watched already
		runtime.Gosched()
	}
	m.Ask([]probe.Target{target}) // else its first probe is within the hour
	first := <-conns              // the probe
	wire := <-conns               // the wire, once the target is up
	l.Close()
	first.Close()
	wire.Close()
	for change := range changes(m) {
		if change.To == monitor.Down {
			if change.Evidence[len(change.Evidence)-1].Reason != probe.Refused {
				t.Errorf("got %+v", change.Evidence)
			}
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// changes are the transitions, as they come.
func changes(m *monitor.Monitor) func(yield func(monitor.Transition) bool) {
	return func(yield func(monitor.Transition) bool) {
		for range m.Nudges() {
			for _, change := range m.Transitions() {
				if !yield(change) {
					return
				}
			}
		}
	}
}

func TestABrokenEngineEndsTheWatchWithAnError(t *testing.T) {
	engine, err := probe.NewEngine()
	if errors.Is(err, probe.ErrNoEngine) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	engine.Close() // as if its descriptor were gone
	if err := monitor.New(monitor.Options{Engine: engine}).Run(t.Context()); err == nil {
		t.Error("the watch ended as if it had been told to")
	}
}
