package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/simulator"
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

func TestNothingBeginsAfterTheBrakeIsLatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, strings.NewReplacer("cooldown: 5m", "cooldown: 5m\n    budget: {per_hour: 1, per_day: 5}"), nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.aws.Deny("DescribeAddresses") // nothing is known in time, so both are planned in one look
		b.pass(time.Minute)
		b.fault("lb-1", simulator.FaultKill)
		b.fault("lb-2", simulator.FaultKill)
		b.pass(time.Minute)
		b.aws.Allow("DescribeAddresses")
		b.until(time.Minute, "the brake", func() bool { return b.responder.View().Brake != nil })
		entries, err := b.store.Since(t.Context(), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		latched, begun := false, 0
		for _, e := range entries {
			latched = latched || e.Kind == failover.BrakeLatched
			if e.Kind == failover.ActionBegun {
				begun++
				if latched {
					t.Errorf("%s begins after the brake was latched\n%s", e.Text, b.story())
				}
			}
		}
		if begun != 1 {
			t.Errorf("%d actions have begun, want 1\n%s", begun, b.story())
		}
	})
}

func TestACallWhoseEffectShowsLateIsNotTakenForFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Its answer is lost, it is looked for until 5 s after the action began, and
		// describes lag: the effect shows 20 s after the call.
		b := newBubbleAt(t, simulator.Options{Latency: 200 * time.Millisecond, Lag: 20 * time.Second}, nil, nil)
		b.start()
		defer b.stop()
		b.healthy()
		b.aws.LoseAnswer("AssociateAddress", 1)
		b.fault("lb-1", simulator.FaultKill)
		b.until(3*time.Minute, "the incident to close", func() bool {
			list := b.incidents()
			return len(list) == 1 && !list[0].Open()
		})
		i := b.incident()
		if len(i.Actions) != 1 || i.Actions[0].Status != failover.Proven || b.aws.Calls()["AssociateAddress"] != 1 {
			t.Errorf("actions %v\n%s", i.Actions, b.story())
		}
	})
}
