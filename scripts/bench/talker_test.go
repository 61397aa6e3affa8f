package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// This test's program is also the one that talk starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if do, ok := modeOf(os.Args[1]); ok {
			if err := do(context.Background(), os.Args[2:], os.Stdin, os.Stdout); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	os.Exit(m.Run())
}

func TestOptionsCrossToTheirProcess(t *testing.T) {
	addr := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	o := proberOptions{
		kind: kindHTTPS, targets: 7, first: noiseTarget(), port: 81, interval: 3 * time.Second, timeout: time.Minute,
		recheck: time.Millisecond, roots: "/some where/root.pem", tripwire: true, changes: true,
	}
	got, err := parseProber(o.args())
	if diff := cmp.Diff(o, got, cmp.AllowUnexported(proberOptions{}), addr); err != nil || diff != "" {
		t.Errorf("error %v, -want +got:\n%s", err, diff)
	}
	l := loopOptions{targets: 7, first: noiseTarget(), port: 81, interval: 3 * time.Second, tick: startTick}
	back, err := parseLoop(l.args())
	if diff := cmp.Diff(l, back, cmp.AllowUnexported(loopOptions{}), addr); err != nil || diff != "" {
		t.Errorf("error %v, -want +got:\n%s", err, diff)
	}
}

func TestTargetsLieInARowAndBesideTheNoise(t *testing.T) {
	list := addresses(firstTarget(), manyTargets)
	if last := list[len(list)-1]; len(list) != manyTargets || last != netip.MustParseAddr("127.1.39.15") || !targetNet().Contains(last) {
		t.Errorf("%d addresses, the last is %s", len(list), last)
	}
	if targetNet().Contains(noiseTarget()) {
		t.Error("the noise is counted as what is measured")
	}
}

func TestProbersAreMeasuredFromOutside(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs all of 127.0.0.0/8 and the CPU clocks of Linux")
	}
	server, err := record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.close()
	o := proberOptions{
		kind: kindHTTP, targets: 8, first: firstTarget(), port: server.port,
		interval: 40 * time.Millisecond, timeout: 10 * time.Second, recheck: 10 * time.Millisecond,
	}
	m := &match{name: "test", counts: server.count}
	for _, c := range []contender{o.rrwatch("rrwatch"), o.bareLoop("loop", time.Millisecond)} {
		t.Run(c.name, func(t *testing.T) {
			server.take()
			began := time.Now()
			s, err := c.start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer s.end()
			used, err := m.measure(t.Context(), s, 4*o.interval)
			if err != nil {
				t.Fatal(err)
			}
			hits := server.take()
			k, err := keptBy(hits, began, addresses(o.first, o.targets), o.interval)
			for err != nil && time.Since(began) < answerWithin { // the machine is busy
				if err := s.stays(t.Context(), o.interval); err != nil {
					t.Fatal(err)
				}
				hits = append(hits, server.take()...)
				k, err = keptBy(hits, began, addresses(o.first, o.targets), o.interval)
			}
			if err != nil || k.first <= 0 || k.all < k.first {
				t.Errorf("kept %+v, error %v", k, err)
			}
			if used.cpu <= 0 || used.cpu > time.Minute || used.probes > int64(len(hits)) || used.resident < 1<<20 {
				t.Errorf("used %+v", used)
			}
			if err := s.healthy(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnUnhealthyProberIsNotMeasured(t *testing.T) {
	addr, err := freeAddr(t.Context()) // nobody listens there
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(addr)
	p, err := talk(t.Context(), "prober", proberOptions{
		kind: kindTCP, targets: 1, first: at.Addr(), port: int(at.Port()), changes: true,
		interval: 10 * time.Millisecond, timeout: time.Second, recheck: time.Millisecond,
	}.args()...)
	if err != nil {
		t.Fatal(err)
	}
	defer p.end()
	w, err := p.hear(t.Context(), answerWithin, became("down"))
	if err != nil {
		t.Fatal(err)
	}
	if c := w.Change; c.FirstFail <= 0 || c.FirstFail > c.Told {
		t.Errorf("got %+v, want the first fail before it was told", c)
	}
	if err := p.healthy(t.Context()); err == nil {
		t.Error("a prober of a dead target is healthy")
	}
}

func TestAVictimSaysWhenItListensAndWhenAConnectionIsHeld(t *testing.T) {
	addr, err := freeAddr(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := talk(t.Context(), "victim", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer v.end()
	if _, err := v.hear(t.Context(), answerWithin, func(w word) bool { return w.Ready }); err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := v.hear(t.Context(), answerWithin, func(w word) bool { return w.Idle }); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(answerWithin))
	answer := make([]byte, 15)
	if _, err := conn.Read(answer); err != nil || string(answer) != "HTTP/1.1 200 OK" {
		t.Errorf("answered %q, error %v", answer, err)
	}
}

func TestTheFirstFailIsThatOfTheLastRow(t *testing.T) {
	at := time.Now()
	result := func(ms int, v probe.Verdict) probe.Result {
		r := probe.Result{At: at.Add(time.Duration(ms) * time.Millisecond)}
		r.Verdict, r.Phases.Whole = v, time.Millisecond
		return r
	}
	c := changeOf(monitor.Transition{To: monitor.Down, Evidence: []probe.Result{
		result(0, probe.Fail), result(100, probe.Pass), result(200, probe.Inconclusive),
		result(300, probe.Fail), result(400, probe.Inconclusive), result(500, probe.Fail),
	}}, at)
	if want := at.Add(301 * time.Millisecond).UnixNano(); c.FirstFail != want || c.To != "down" {
		t.Errorf("got %+v, want the first fail at %d", c, want)
	}
}
