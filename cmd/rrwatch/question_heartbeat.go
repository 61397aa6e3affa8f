package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
	"rrwatch/web"
)

// heartbeatQuestion is answered by what was heard. A command that asks once has
// no heartbeats, and hears none.
func heartbeatQuestion(c config.Check, beats *probe.Heartbeats) probe.Func {
	if beats == nil {
		return unheard
	}
	return beats.Func(c.Heartbeat.Every)
}

func unheard(context.Context, probe.Target) probe.Answer {
	return probe.Answer{
		Verdict: probe.Inconclusive, Reason: probe.Waiting,
		Detail: "this command hears no heartbeats: they are posted to the rrwatch that runs, whose dashboard shows them",
	}
}

// hearsSince is since when a watcher has heard without a break: since it was
// last cut off, or paused.
func hearsSince(m *monitor.Monitor) func() time.Time {
	return func() time.Time {
		snap := m.Snapshot()
		if snap.Stalled.After(snap.Sees) {
			return snap.Stalled
		}
		return snap.Sees
	}
}

// heart takes the heartbeats of a daemon's load balancers.
type heart struct {
	tokens map[heartbeatCheck]config.Secret
	beats  *probe.Heartbeats
	views  func() *failover.View
}

// heartbeatCheck names a check that is told instead of asking.
type heartbeatCheck struct{ pool, check string }

var _ web.Heart = (*heart)(nil)

// newHeart takes heartbeats if a check of the configuration waits for some; nil:
// none does, and nothing is served for them.
func newHeart(cfg *config.Config, beats *probe.Heartbeats, views func() *failover.View) web.Heart {
	h := &heart{tokens: map[heartbeatCheck]config.Secret{}, beats: beats, views: views}
	for _, p := range cfg.Pools {
		for _, c := range p.Checks {
			if c.Kind == config.KindHeartbeat {
				h.tokens[heartbeatCheck{p.Name, c.Name}] = c.Heartbeat.Token
			}
		}
	}
	if len(h.tokens) == 0 {
		return nil
	}
	return h
}

// Token is the token of a check; empty: there is no such check.
func (h *heart) Token(pool, check string) string {
	return h.tokens[heartbeatCheck{pool, check}].Reveal()
}

// Beat notes a heartbeat of a member or a standby.
func (h *heart) Beat(pool, check string, addr netip.Addr, text string) error {
	for _, p := range h.views().Pools {
		if p.Name == pool && p.Read.IsZero() {
			return fmt.Errorf("rrwatch has not read yet which addresses pool %s has; the next heartbeat may be in time", pool)
		}
		if p.Name == pool && asks(p, addr) {
			h.beats.Beat(pool, check, addr, time.Now(), text)
			return nil
		}
	}
	return fmt.Errorf("%s is neither a member nor a standby of pool %s; say with ?address= at which address rrwatch knows the sender", addr, pool)
}

// asks reports whether the pool's checks are asked of an address.
func asks(p failover.PoolView, addr netip.Addr) bool {
	for _, m := range p.Members {
		if m.Addr == addr {
			return true
		}
	}
	for _, i := range p.Spare {
		if i.Probe == addr {
			return true
		}
	}
	return false
}
