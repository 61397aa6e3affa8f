package main

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

const testToken = "sesame-open-7f3a-0123"

// post sends a heartbeat from an address of this machine and returns the status.
func post(t *testing.T, from netip.Addr, url, token, text string) int {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// The whole program: a load balancer is heard, falls silent, and is heard again.
func TestALoadBalancerIsHeardUntilItFallsSilent(t *testing.T) {
	at := freePort(t)
	url := "http://" + at
	_, file := newTestWorld(t, "127.0.0.1:0", at, "mode: act", "mode: observe", "level: warn", "level: debug",
		"      - kind: http\n", "      - {kind: heartbeat, name: beat, every: 2s, interval: 200ms, token: "+testToken+"}\n      - kind: http\n")
	log := startedIn(t, filepath.Dir(file), url, "run", "--config", file)
	heart, from := url+"/heartbeat/www/beat", demoAddress(1)
	beat := func() (monitor.State, probe.Result) {
		for _, c := range pool(t, url).Members[0].Checks {
			if c.Name == "beat" {
				return c.Health.State, c.Health.Last
			}
		}
		return monitor.Unknown, probe.Result{}
	}
	if !within(t, 20*time.Second, func() bool { return post(t, from, heart, testToken, "12 servers up") == http.StatusNoContent }) {
		t.Fatal("no heartbeat was taken")
	}
	if !within(t, 10*time.Second, func() bool {
		post(t, from, heart, testToken, "12 servers up")
		state, last := beat()
		return state == monitor.Up && strings.HasSuffix(last.Detail, " ago: 12 servers up")
	}) {
		t.Fatal("it is not up")
	}
	silent := time.Now()
	if !within(t, 20*time.Second, func() bool {
		state, last := beat()
		return state == monitor.Down && last.Reason == probe.Overdue && last.Detail != ""
	}) {
		t.Fatal("its silence was not noticed")
	}
	if took := time.Since(silent); took < 1500*time.Millisecond {
		t.Errorf("it was overdue after %s", took)
	}
	if !within(t, 10*time.Second, func() bool {
		post(t, from, heart, testToken, "")
		state, _ := beat()
		return state == monitor.Up
	}) {
		t.Error("it was not heard again")
	}
	for what, got := range map[string]int{
		"a wrong token":    post(t, from, heart, testToken+"4", ""),
		"an unknown check": post(t, from, url+"/heartbeat/www/http", testToken, ""),
	} {
		if got != http.StatusUnauthorized {
			t.Errorf("%s: %d", what, got)
		}
	}
	if got := post(t, netip.MustParseAddr("127.0.0.1"), heart, testToken, ""); got != http.StatusNotFound {
		t.Errorf("an address that is none of the pool's: %d", got)
	}
	standby := pool(t, url).Spare[0].Probe
	if got := post(t, netip.MustParseAddr("127.0.0.1"), heart+"?address="+standby.String(), testToken, ""); got != http.StatusNoContent {
		t.Errorf("for a standby: %d", got)
	}
	if strings.Contains(log(), testToken) || !strings.Contains(log(), "a heartbeat came") {
		t.Errorf("the log holds the token, or nothing of the heartbeats:\n%s", log())
	}
}

func TestACommandThatAsksOnceHearsNothingAndSaysSo(t *testing.T) {
	_, file := newTestWorld(t,
		"      - kind: http\n", "      - {kind: heartbeat, token: "+testToken+"}\n      - kind: http\n")
	a := rrwatch(t, "probe", "--config", file)
	if a.code != 0 || strings.Contains(a.out, "fail ") || strings.Count(a.out, "this command hears no heartbeats") != 5 {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
	start := time.Now()
	a = rrwatch(t, "plan", "--config", file)
	if a.code != 0 || !strings.Contains(a.out, "pool www: nothing to do") || time.Since(start) > 12*time.Second {
		t.Errorf("exit %d after %s\n%s%s", a.code, time.Since(start), a.out, a.err)
	}
}

// heartbeatSite is a site in a bubble whose load balancers are heard every 5 s,
// each in its own time, as long as alive says so.
func heartbeatSite(t *testing.T, alive func(*bubble, netip.Addr) bool) *bubble {
	b := newBubble(t, strings.NewReplacer(
		"checks: [", "checks: [{kind: heartbeat, name: beat, interval: 1s, recheck: 250ms, token: "+testToken+"}, "), nil)
	b.hears = true
	b.start()
	ctx, cancel := context.WithCancel(t.Context())
	b.pass(2 * time.Second) // the first look
	var all []netip.Addr
	for _, m := range b.pool().Members {
		all = append(all, m.Addr)
	}
	for _, s := range b.pool().Spare {
		all = append(all, s.Probe)
	}
	for n, addr := range all {
		b.running.Go(func() {
			wait(ctx, time.Duration(n)*1100*time.Millisecond)
			for ctx.Err() == nil {
				b.hear(addr, alive)
				wait(ctx, 5*time.Second)
			}
		})
	}
	stop := b.cancel
	b.cancel = func() { cancel(); stop() }
	return b
}

func (b *bubble) hear(addr netip.Addr, alive func(*bubble, netip.Addr) bool) {
	if alive(b, addr) {
		// One that carries a member now has no address of its own to be known by.
		_ = b.heart.Beat("www", "beat", addr, "")
	}
}

// While rrwatch is cut off, heartbeats do not reach it: when it sees again, it
// must not take that for the load balancers' silence.
func TestHeartbeatsThatTheWatcherCouldNotHearAreNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cut atomic.Bool
		b := heartbeatSite(t, func(*bubble, netip.Addr) bool { return !cut.Load() })
		defer b.stop()
		b.healthy()
		for range 3 {
			cut.Store(true)
			b.network.CutOff(true)
			b.pass(time.Minute + 1300*time.Millisecond)
			if v := b.responder.View(); v.Blind == "" {
				t.Fatalf("not blind\n%s", b.story())
			}
			b.network.CutOff(false)
			b.pass(4 * time.Second) // the first heartbeats take a moment
			cut.Store(false)
			b.pass(30 * time.Second)
		}
		if b.changes() != 0 || len(b.incidents()) != 0 {
			t.Errorf("%d changes, %d incidents\n%s", b.changes(), len(b.incidents()), b.story())
		}
	})
}

// A fault between the load balancers and rrwatch silences all of them, each a
// little later than the other: nothing is moved to one that was not heard since.
func TestWhenAllFallSilentNothingIsMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var quiet atomic.Bool
		b := heartbeatSite(t, func(*bubble, netip.Addr) bool { return !quiet.Load() })
		defer b.stop()
		b.healthy()
		for n := range 3 {
			b.pass(30*time.Second + time.Duration(n)*1300*time.Millisecond)
			quiet.Store(true)
			b.pass(45 * time.Second)
			quiet.Store(false)
		}
		if b.changes() != 0 || len(b.incidents()) == 0 {
			t.Errorf("%d changes, %d incidents\n%s", b.changes(), len(b.incidents()), b.story())
		}
	})
}

func TestASilentLoadBalancersAddressIsMovedToOneThatIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var silent atomic.Bool
		b := heartbeatSite(t, func(b *bubble, addr netip.Addr) bool {
			carrier, _ := b.aws.Carrier(addr)
			return carrier.Name != "lb-1" || !silent.Load()
		})
		defer b.stop()
		b.healthy()
		b.pass(time.Minute)
		silent.Store(true)
		b.until(2*time.Minute, "the move", func() bool { return b.carrier(1) == "lb-4" })
		b.until(2*time.Minute, "the incident to close", func() bool { return !b.incident().Open() })
		if why := b.incident().Diagnosis.Evidence; !strings.HasPrefix(why[0], "check beat: no heartbeat for ") {
			t.Errorf("because of %q\n%s", why, b.story())
		}
	})
}
