package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/store"
)

// What storms have found, each as small as it can be told.

func TestStoppingBeforeTheJournalIsReadIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "rrwatch.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := failover.New(failover.Options{Watcher: monitor.New(monitor.Options{}), Journal: db, Log: slog.New(slog.DiscardHandler)})
		if err := r.Run(ctx); err != nil {
			t.Errorf("stopped at its start it ends with %v", err)
		}
	})
}
