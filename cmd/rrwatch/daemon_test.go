package main

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
	"rrwatch/store"
)

func TestRrwatchEndsWhenItsWatchBreaks(t *testing.T) {
	engine, err := probe.NewEngine()
	if errors.Is(err, probe.ErrNoEngine) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	engine.Close() // as if its descriptor were gone
	journal, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "rrwatch.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	m := monitor.New(monitor.Options{Engine: engine})
	d := &daemon{monitor: m, responder: failover.New(failover.Options{
		Watcher: m, Nudges: m.Nudges(), Journal: journal, Discover: time.Hour, Log: slog.New(slog.DiscardHandler),
	})}
	if err := d.watch(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing is probed any more") {
		t.Errorf("got %v", err)
	}
}
