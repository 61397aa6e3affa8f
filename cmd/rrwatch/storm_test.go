package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/notify"
	"rrwatch/probe"
	"rrwatch/simulator"
	"rrwatch/store"
)

// TestNoStormBreaksTheInvariants draws an account and a schedule of faults from
// each seed, lets a whole rrwatch live through it in a bubble, and judges every
// changing call when it arrives, every journal entry, and the end. More seeds:
//
//	RRWATCH_STORM_SEEDS=1000 RRWATCH_STORM_FIRST=1 go test ./cmd/rrwatch -run Storm
func TestNoStormBreaksTheInvariants(t *testing.T) {
	seeds, first := number(t, "RRWATCH_STORM_SEEDS", 4), number(t, "RRWATCH_STORM_FIRST", 1)
	if testing.Short() {
		seeds = min(seeds, 2)
	}
	before := debug.SetGCPercent(heapPercent)
	tally := &stormTally{}
	t.Cleanup(func() {
		debug.SetGCPercent(before)
		t.Log(tally)
	})
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			if tally.enough() {
				return
			}
			o := drawOutage(uint64(seed))
			found := liveQuietly(t, o, nil)
			switch many := tally.add(found); {
			case len(found.wrong) > 0 && many:
				t.Errorf("%s\n\n%s", strings.Join(found.wrong, "\n"), found.told)
			case len(found.wrong) > 0:
				small := smallest(t, o, found.wrong, nil)
				t.Errorf("%s\n\n%s\n\nTHE SMALLEST OUTAGE that breaks the same:\n\n%s", strings.Join(found.wrong, "\n"), found.told, small)
			case os.Getenv("RRWATCH_STORM_TELL") != "":
				t.Log(found.told)
			}
		})
	}
}

// heapPercent has the heap grow to a few hundred megabytes before it is
// collected: a storm leaves little and makes much.
const heapPercent = 800

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s is no number: %v", name, err)
	}
	return n
}

// storm is a whole rrwatch in bad weather.
type storm struct {
	*bubble
	dir    string
	site   *stormSite
	truth  *stormTruth
	ledger *ledger
	began  time.Time
	did    strings.Builder // what happened, as it did
	outage outage
	slack  *stormSlack
	plant  plant         // a fault in rrwatch itself
	full   bool          // the disk
	hopes  []hope        // what is expected, and not yet known
	healed time.Time     // when everything healed at the end
	lacks  []string      // what is not yet as it must be at the end
	slow   time.Duration // the longest time that a call was made to take
	lag    time.Duration // the longest time that describes were made to lag
	back   time.Time     // when rrwatch is to be started again; zero: it runs

	mu     sync.Mutex
	gone   []*life       // were killed, and are still winding down
	life   *life         // the rrwatch that runs; nil: none
	ice    chan struct{} // closed when the machine goes on that rrwatch runs on; nil: it runs
	held   time.Duration // the longest pause of it
	trap   trap          // where it is to be killed
	caught chan caught
	wrong  []string // what broke an invariant
}

// life is one rrwatch from its start to its end.
type life struct {
	bubble bubble // its store, loops and end
	began  time.Time
	dead   bool // its calls reach nobody any more
}

// caught is a touch of the world that is held up while rrwatch is killed.
type caught struct {
	life *life
	away time.Duration // until it is started again
	goOn chan struct{}
}

func newStorm(t *testing.T, dir string, o outage) *storm {
	t.Helper()
	site := o.site
	b := &bubble{t: t, path: filepath.Join(dir, "rrwatch.db"), log: &strings.Builder{}}
	options := site.options
	options.Seed = 1
	b.aws = simulator.New(options)
	site.fill(b.aws)
	b.network = simulator.NewNetwork(b.aws)
	t.Cleanup(b.network.Close)
	var err error
	if b.cfg, err = config.Parse("storm.yaml", []byte(site.yaml()), func(string) (string, bool) { return "", false }); err != nil {
		t.Fatal(err)
	}
	b.network.AddDNS(b.cfg.Pools[0].NameServers[0])
	for _, r := range b.cfg.References {
		b.network.AddReference(r)
	}
	s := &storm{bubble: b, slack: &stormSlack{texts: map[string]string{}}, dir: dir, outage: o, site: site, began: time.Now(), caught: make(chan caught, 16)}
	s.truth = newStormTruth(b.aws, site.sets())
	s.ledger = newLedger(s)
	return s
}

// live goes through the outage, heals everything, and judges what is left.
func (s *storm) live() {
	done := make(chan struct{})
	var follower sync.WaitGroup
	follower.Go(func() { s.truth.follow(done) })
	defer follower.Wait()
	defer close(done)
	s.begin()
	for _, e := range s.outage.events {
		if e.at == atEnd {
			break
		}
		s.passUntil(s.began.Add(e.at))
		if s.failed() {
			break
		}
		s.happen(e)
	}
	if s.plant.rogue != nil {
		s.plant.rogue(s)
		s.check()
	}
	if !s.failed() {
		s.passUntil(s.lastHope())
		s.sleep(time.Until(s.back)) // there shall be somebody who sees it
		s.recover()
	}
	s.end()
}

// happen lets one event happen.
func (s *storm) happen(e event) {
	s.note("%s", e)
	if e.expect {
		s.expect(e)
		return
	}
	for _, v := range verbs() {
		if v.words == e.verb {
			v.do(s, e.args)
		}
	}
	s.check()
}

// healWorld ends all faults.
func (s *storm) healWorld() {
	s.note("everything heals")
	s.breakThese("all", simulator.FaultNone)
	s.connect()
	s.breakReferences(0)
	s.network.MuteDNS(false)
	s.slack.set(false, 0)
	s.diskFull(false)
	s.aws.Down(false)
	s.aws.Busy(0)
	s.aws.SetLatency(0)
	s.aws.SetLag(0)
	for _, action := range awsActions() {
		s.aws.Allow(action)
		s.aws.Throttle(action, 0)
		s.aws.LoseAnswer(action, 0)
	}
	s.mu.Lock()
	s.trap = trap{}
	s.mu.Unlock()
}

// patience is how long people wait for rrwatch to take an order.
const patience = 10 * time.Second

func (s *storm) note(format string, args ...any) {
	fmt.Fprintf(&s.did, "%s  %s\n", time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...))
}

// fail notes that an invariant is broken.
func (s *storm) fail(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (s *storm) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.wrong) > 0
}

// sleep lets time pass. Meanwhile rrwatch is killed when it is trapped, and
// started when it has been away long enough.
func (s *storm) sleep(d time.Duration) {
	for end := time.Now().Add(max(d, 0)); ; {
		wake := time.Until(end)
		if s.away() {
			wake = min(wake, time.Until(s.back))
		}
		timer := time.NewTimer(wake)
		select {
		case c := <-s.caught:
			s.kill(c)
		case <-timer.C:
		}
		timer.Stop()
		switch now := time.Now(); {
		case s.away() && !now.Before(s.back):
			s.begin()
		case !now.Before(end):
			synctest.Wait()
			return
		}
	}
}

// away reports whether no rrwatch runs.
func (s *storm) away() bool { return !s.back.IsZero() }

// begin starts rrwatch.
func (s *storm) begin() {
	s.t.Helper()
	l := &life{began: time.Now()}
	s.back = time.Time{}
	ctx, cancel := context.WithCancel(context.Background())
	db, err := store.Open(ctx, s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	c := s.cloud(l)
	s.store, s.cancel = db, cancel
	s.monitor = monitor.New(monitor.Options{Vantage: "test", References: s.cfg.References, Dial: s.dial(), Turn: s.thaw})
	responder := failover.New(failover.Options{
		Specs: s.specs(), Watcher: pausing{s.monitor, s}, Nudges: s.monitor.Nudges(),
		EIPs: s.plant.eipsOf(c.eips), Records: c.records, Journal: stormJournal{db, s, l}, Total: failover.Budget(s.cfg.Budget),
		Discover: s.cfg.Discover, Vantage: "test", Version: "test", Log: slog.New(slog.DiscardHandler),
	})
	watch := s.monitor
	s.responder = responder
	l.bubble = bubble{store: db, monitor: watch, responder: responder, cancel: cancel}
	s.mu.Lock()
	first := s.life == nil
	s.life = l
	s.mu.Unlock()
	if first {
		if err := db.Join(ctx, notify.SlackName); err != nil {
			s.t.Fatal(err)
		}
	}
	s.tells(ctx, l, db)
	l.bubble.running.Go(func() { _ = watch.Run(ctx) })
	l.bubble.running.Go(func() {
		if err := responder.Run(ctx); err != nil {
			s.fail("the responder ended: %v", err)
		}
	})
}

// specs are the pools' policies, with the questions that the site asks for.
func (s *storm) specs() []*failover.Spec {
	list := specs(s.cfg, tools{dial: s.network.DialContext, roster: &probe.Roster{}})
	if s.site.ask == askReal {
		for _, spec := range list {
			for n, c := range spec.Checks {
				spec.Checks[n].Probe = s.pausable(apart(c.Probe))
			}
			for n, e := range spec.Endpoints {
				spec.Endpoints[n].Probe = apart(e.Probe)
			}
		}
		return list
	}
	for _, spec := range list {
		for n := range spec.Checks {
			spec.Checks[n].Probe = s.pausable(s.network.Question())
		}
		for n := range spec.Endpoints {
			spec.Endpoints[n].Probe = func(context.Context, probe.Target) probe.Answer {
				return probe.Answer{Verdict: probe.Fail, Reason: probe.NotServed, Detail: "never there"}
			}
		}
	}
	return list
}

// dial is how references are reached.
func (s *storm) dial() probe.Dial {
	if s.site.ask == askReal {
		return s.network.DialContext
	}
	return s.network.Knock
}

// stopLife ends one rrwatch and closes its database.
func (s *storm) stopLife(l *life) {
	l.bubble.cancel()
	l.bubble.running.Wait()
	if err := l.bubble.store.Close(); err != nil {
		s.fail("the database cannot be closed: %v", err)
	}
}

// end ends everything that still runs.
func (s *storm) end() {
	s.setTrap(trap{})
	s.release()
	s.mu.Lock()
	gone := s.gone
	s.mu.Unlock()
	if !s.away() {
		gone = append(gone, s.life)
	}
	for _, l := range gone {
		s.stopLife(l)
	}
}
