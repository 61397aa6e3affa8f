package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
	"rrwatch/simulator"
	"rrwatch/store"
	"rrwatch/web"
)

// bubble is a whole rrwatch in a synctest bubble: the real loops, the real SDK
// on the simulated AWS in memory, the real SQLite, and the pretended site
// without sockets. Only Slack and the pages are left out.
type bubble struct {
	t       *testing.T
	aws     *simulator.AWS
	network *simulator.Network
	cfg     *config.Config
	path    string // of the database
	log     *strings.Builder
	alarms  []string // told directly
	hears   bool     // it takes heartbeats

	dial    probe.Dial // how name servers are asked; nil: as all else
	vantage string
	alive   atomic.Bool
	way     http.RoundTripper // to AWS

	store     *store.Store
	monitor   *monitor.Monitor
	responder *failover.Responder
	heart     web.Heart
	cancel    context.CancelFunc
	running   sync.WaitGroup
}

const bubbleConfig = `
region: eu-central-1
mode: act
references: ["127.99.0.1:53", "127.99.0.2:53", "127.99.0.3:53"]
discover: 10s
pools:
  - name: www
    record: www.example.com
    zone: example.com
    name_servers: ["127.99.0.53:53"]
    checks: [{kind: http, port: 8080, path: /healthz, interval: 1s, timeout: 1s, recheck: 250ms}]
    cooldown: 5m
    verify_within: 15s
    restore_after: 1m
`

// newBubble makes the site of the demo. edit changes the configuration's text;
// prepare, if not nil, changes the account before rrwatch sees it.
func newBubble(t *testing.T, edit *strings.Replacer, prepare func(*simulator.AWS)) *bubble {
	t.Helper()
	return newBubbleAt(t, simulator.Options{Latency: 60 * time.Millisecond, Lag: 3 * time.Second, Move: time.Second}, edit, prepare)
}

// newBubbleAt is newBubble with an AWS that is as slow as o says.
func newBubbleAt(t *testing.T, o simulator.Options, edit *strings.Replacer, prepare func(*simulator.AWS)) *bubble {
	t.Helper()
	b := &bubble{t: t, path: filepath.Join(t.TempDir(), "rrwatch.db"), log: &strings.Builder{}, vantage: "test"}
	b.aws = simulator.New(o)
	b.way = b.aws.Transport()
	(&world{aws: b.aws}).fill()
	if prepare != nil {
		prepare(b.aws)
	}
	b.network = simulator.NewNetwork(b.aws)
	t.Cleanup(b.network.Close)
	text := bubbleConfig
	if edit != nil {
		text = edit.Replace(text)
	}
	var err error
	if b.cfg, err = config.Parse("test.yaml", []byte(text), func(string) (string, bool) { return "", false }); err != nil {
		t.Fatal(err)
	}
	for _, at := range b.cfg.Pools[0].NameServers {
		b.network.AddDNS(at)
	}
	for _, r := range b.cfg.References {
		b.network.AddReference(r)
	}
	return b
}

// servers is how name servers are asked.
func (b *bubble) servers() probe.Dial {
	if b.dial != nil {
		return b.dial
	}
	return b.network.DialContext
}

// start starts rrwatch; it may have run before.
func (b *bubble) start() {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background()) // ended by stop, which comes before the end of the test
	b.cancel = cancel
	var err error
	if b.store, err = store.Open(ctx, b.path); err != nil {
		b.t.Fatal(err)
	}
	account := aws.Config{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: &http.Client{Transport: b.way}, BaseEndpoint: aws.String("http://aws.simulated"),
	}
	c := cloudOf(b.cfg, func(config.AWS) aws.Config { return account }, b.servers())
	b.monitor = monitor.New(monitor.Options{Vantage: b.vantage, References: b.cfg.References, Dial: b.network.DialContext})
	with := tools{dial: b.network.DialContext, roster: &probe.Roster{}}
	if b.hears {
		with.beats = probe.NewHeartbeats(hearsSince(b.monitor))
	}
	b.responder = failover.New(failover.Options{
		Specs: specs(b.cfg, with), Watcher: enrolling{b.monitor, with.roster}, Nudges: b.monitor.Nudges(),
		EIPs: c.eips, Records: c.records, Journal: b.store, Total: failover.Budget(b.cfg.Budget),
		Discover: b.cfg.Discover, Vantage: b.vantage, Version: "test", Alarm: func(text string) { b.alarms = append(b.alarms, text) },
		Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	b.alive.Store(true)
	b.heart = newHeart(b.cfg, with.beats, b.responder.View)
	b.running.Go(func() { _ = b.monitor.Run(ctx) })
	b.running.Go(func() {
		if err := b.responder.Run(ctx); err != nil {
			b.t.Errorf("the responder ended: %v", err)
		}
	})
}

// stop stops rrwatch in order.
func (b *bubble) stop() {
	b.cancel()
	b.running.Wait()
	if err := b.store.Close(); err != nil {
		b.t.Error(err)
	}
}

// pass lets time go by.
func (b *bubble) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// until lets time go by until so, for at most d.
func (b *bubble) until(d time.Duration, what string, so func() bool) {
	b.t.Helper()
	for end := time.Now().Add(d); !so(); b.pass(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("after %s still waiting for %s\n%s", d, what, b.story())
		}
	}
}

func (b *bubble) pool() failover.PoolView {
	if v := b.responder.View(); v != nil {
		return v.Pools[0]
	}
	return failover.PoolView{}
}

func (b *bubble) member(n int) failover.MemberView {
	for _, m := range b.pool().Members {
		if m.Addr == demoAddress(n) {
			return m
		}
	}
	return failover.MemberView{}
}

// healthy waits until all is watched and well.
func (b *bubble) healthy() {
	b.t.Helper()
	b.until(time.Minute, "the healthy site", func() bool {
		p := b.pool()
		for _, m := range p.Members {
			if m.State != monitor.Up {
				return false
			}
		}
		for _, i := range p.Spare {
			if i.State == monitor.Unknown && i.Probe.IsValid() {
				return false
			}
		}
		return len(p.Members) > 0
	})
}

func (b *bubble) fault(instance string, f simulator.Fault) {
	b.t.Helper()
	if err := b.network.Break(instance, f); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bubble) heal(instance string) {
	b.t.Helper()
	if err := b.network.Heal(instance); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bubble) carrier(n int) string {
	i, _ := b.aws.Carrier(demoAddress(n))
	return i.Name
}

func (b *bubble) incidents() []failover.Incident {
	b.t.Helper()
	list, err := b.store.Incidents(b.t.Context(), store.IncidentQuery{})
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

// incident is the only one.
func (b *bubble) incident() failover.Incident {
	b.t.Helper()
	list := b.incidents()
	if len(list) != 1 {
		b.t.Fatalf("there are %d incidents, want 1\n%s", len(list), b.story())
	}
	return list[0]
}

// changes counts the calls that change the world.
func (b *bubble) changes() int {
	calls := b.aws.Calls()
	return calls["AssociateAddress"] + calls["DisassociateAddress"] + calls["ChangeResourceRecordSets"]
}

// holdsWith waits until the plan holds the member back with this guard.
func (b *bubble) holdsWith(member netip.Addr, g failover.Guard) failover.Hold {
	b.t.Helper()
	var found failover.Hold
	b.until(2*time.Minute, fmt.Sprintf("a hold of %s by %s", member, g), func() bool {
		for _, h := range b.pool().Plan.Held {
			if h.Member == member && h.Guard == g {
				found = h
				return true
			}
		}
		return false
	})
	return found
}

// story is the journal as text, for failures.
func (b *bubble) story() string {
	entries, err := b.store.Since(b.t.Context(), 0, 1000)
	if err != nil {
		return err.Error()
	}
	var text strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&text, "%s %-14s %d %s\n", e.At.Format("15:04:05.000"), e.Kind, e.Incident, e.Text)
	}
	fmt.Fprintf(&text, "%s", b.pool().Plan)
	return text.String()
}

// readAll reads the whole journal of a stopped rrwatch.
func readAll(t *testing.T, b *bubble) []failover.Entry {
	t.Helper()
	s, err := store.Open(t.Context(), b.path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	entries, err := s.Since(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// writeUntil makes a new database with the entries up to the first of a kind.
func writeUntil(t *testing.T, b *bubble, entries []failover.Entry, last failover.EntryKind) {
	t.Helper()
	s, err := store.Open(t.Context(), b.path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, e := range entries {
		if e.Kind == failover.Opened {
			e.Incident = 0
		}
		if e.Kind == failover.ActionBegun {
			e.Action.ID = 0
		}
		if _, err := s.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if e.Kind == last {
			return
		}
	}
}
