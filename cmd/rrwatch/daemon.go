package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/notify"
	"rrwatch/probe"
	"rrwatch/store"
	"rrwatch/web"
)

// daemon is a whole rrwatch: what `run` runs, and the demo too.
type daemon struct {
	cfg       *config.Config
	log       *slog.Logger
	tools     tools
	store     *store.Store
	monitor   *monitor.Monitor
	responder *failover.Responder
	slack     *notify.Slack // nil: nobody is told by Slack
	listener  net.Listener
	handler   http.Handler
}

// newDaemon opens what can fail: the database and the port.
func newDaemon(ctx context.Context, cfg *config.Config, c *cloud, demo web.Demo, log *slog.Logger) (*daemon, error) {
	d := &daemon{cfg: cfg, log: log, tools: newTools()}
	var err error
	if d.store, err = store.Open(ctx, cfg.Database); err != nil {
		return nil, err
	}
	engine, err := probe.NewEngine()
	if err != nil && !errors.Is(err, probe.ErrNoEngine) {
		return nil, errors.Join(err, d.store.Close())
	}
	d.monitor = monitor.New(monitor.Options{
		Vantage: cfg.Vantage, References: cfg.References, Dial: dialer(), Engine: engine,
	})
	if d.slack, err = newSlack(ctx, cfg, d.store); err != nil {
		return nil, errors.Join(err, d.store.Close())
	}
	d.tools.beats = probe.NewHeartbeats(hearsSince(d.monitor))
	d.responder = failover.New(failover.Options{
		Specs: specs(cfg, d.tools), Watcher: enrolling{d.monitor, d.tools.roster}, Nudges: d.monitor.Nudges(),
		EIPs: c.eips, Records: c.records, Journal: d.store,
		Total: failover.Budget(cfg.Budget), Discover: cfg.Discover,
		Vantage: cfg.Vantage, Version: version, Log: log, Alarm: d.alarm,
	})
	if d.listener, err = listen(ctx, cfg.Web.Listen); err != nil {
		return nil, errors.Join(err, d.store.Close())
	}
	d.handler, err = web.New(web.Options{
		Views: d.responder.View, Journal: d.store, Incidents: shelf{d.store}, NotFound: store.ErrNotFound,
		Operator: d.responder, Pauser: d.responder, Log: log, Listen: cfg.Web.Listen, Password: cfg.Web.Password.Reveal(),
		Version: version, Demo: demo, Health: d.store.Ping, Heart: newHeart(cfg, d.tools.beats, d.responder.View),
	})
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("open the dashboard's port: %w; set web.listen to a free address, or stop what holds this one", err)
	}
	return listener, nil
}

// newSlack makes the channel that the file asks for; nil: none. A channel that
// is new to the database is told what happens from now on, not the past; one
// that is not told any more is forgotten, for retention waits for what a
// channel has not told.
func newSlack(ctx context.Context, cfg *config.Config, s *store.Store) (*notify.Slack, error) {
	if cfg.Slack == nil {
		return nil, s.Forget(ctx, notify.SlackName)
	}
	if err := s.Join(ctx, notify.SlackName); err != nil {
		return nil, err
	}
	return notify.NewSlack(notify.SlackOptions{
		Token: cfg.Slack.Token.Reveal(), Channel: cfg.Slack.Channel, Webhook: cfg.Slack.Webhook.Reveal(),
		APIURL: cfg.Slack.APIURL, BaseURL: cfg.Web.URL,
	}), nil
}

// close gives back what a daemon that did not run holds.
func (d *daemon) close() error {
	return errors.Join(d.listener.Close(), d.store.Close())
}

// run runs until ctx ends, and ends everything in order: first what looks and
// acts, so that its last steps are written down, then what follows the journal.
func (d *daemon) run(ctx context.Context) error {
	followers, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	d.serve(followers, &wg)
	if d.slack != nil {
		wg.Go(func() {
			if err := notify.Follow(followers, d.store, d.store, d.slack, d.log); err != nil {
				d.log.Error("Slack is told nothing more", "error", err)
			}
		})
	}
	calendar := d.calendar(followers)
	calendar.Start()

	if os.Getenv("GOGC") == "" { // which is the operator's choice
		debug.SetGCPercent(heapGrowth)
	}
	lean := time.AfterFunc(startUp, giveBack)
	defer lean.Stop()
	err := d.watch(ctx)
	d.tools.close()
	<-calendar.Stop().Done()
	stop()
	wg.Wait()
	return errors.Join(err, d.store.Close())
}

// watch watches and responds until ctx ends. A watch that breaks ends both, so
// that rrwatch ends with an error and is started again: it must not look alive
// while nobody is asked.
func (d *daemon) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var watched error
	var watching sync.WaitGroup
	watching.Go(func() {
		defer cancel()
		if watched = d.monitor.Run(ctx); watched != nil {
			watched = fmt.Errorf("nothing is probed any more: %w; rrwatch ends, to be started again", watched)
		}
	})
	err := d.responder.Run(ctx)
	cancel()
	watching.Wait()
	return errors.Join(err, watched)
}

// heapGrowth is how much the heap may grow until it is collected, in percent of
// what lives. What lives is a few kilobytes a target, and a probe leaves two
// behind: collecting twice as often as Go does by itself costs a few percent of
// the probing, and saves a quarter of the memory.
const heapGrowth = 40

// startUp is when what only the start needed is garbage.
const startUp = 10 * time.Second

// giveBack returns that memory. Left alone, the 10 to 20 MB that reading the
// AWS configuration and the first calls leave behind would be collected
// minutes later, for a small heap is collected seldom.
func giveBack() {
	runtime.GC() // once for the pools, which keep their contents for one collection
	debug.FreeOSMemory()
}

// stopWithin is how long answers under way may take when rrwatch ends.
const stopWithin = 3 * time.Second

func (d *daemon) serve(ctx context.Context, wg *sync.WaitGroup) {
	server := &http.Server{
		Handler:           d.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	wg.Go(func() {
		if err := server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
			d.log.Error("the dashboard ended", "error", err)
		}
	})
	wg.Go(func() {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close()
		}
	})
}

// calendar holds the scheduled work.
func (d *daemon) calendar(ctx context.Context) *cron.Cron {
	calendar := cron.New(cron.WithLocation(time.UTC))
	calendar.Schedule(d.cfg.Retention.Schedule, cron.FuncJob(func() {
		removed, err := d.store.Retain(ctx, time.Now(), store.Retention{
			Journal: d.cfg.Retention.Journal, Incidents: d.cfg.Retention.Incidents,
		})
		if err != nil {
			d.log.Error("old entries were not removed", "error", err)
			return
		}
		d.log.Info("old entries were removed", "entries", removed.Entries, "incidents", removed.Incidents)
	}))
	return calendar
}

// alarm tells Slack directly: the journal, by which it is told otherwise,
// cannot be written.
func (d *daemon) alarm(text string) {
	if d.slack == nil {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := d.slack.Shout(ctx, failover.Entry{At: time.Now(), Kind: failover.Noted, Text: text}); err != nil {
			d.log.Error("Slack could not be told", "error", err)
		}
	}()
}

// shelf is the store as the pages ask it.
type shelf struct{ *store.Store }

// Incidents lists incidents as web.Incidents says.
func (s shelf) Incidents(ctx context.Context, open *bool, before int64, limit int) ([]failover.Incident, error) {
	return s.Store.Incidents(ctx, store.IncidentQuery{Open: open, Before: before, Limit: limit})
}
