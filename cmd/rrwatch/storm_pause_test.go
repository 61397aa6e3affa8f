package main

import (
	"context"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

// freeze pauses the machine that rrwatch runs on: its loops do not turn, and
// what it asked is answered when it goes on. The world goes on meanwhile.
func (s *storm) freeze(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ice != nil {
		return
	}
	ice := make(chan struct{})
	s.ice, s.held = ice, max(s.held, d)
	time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ice = nil
		close(ice)
	})
}

// pausedFor is the longest pause so far.
func (s *storm) pausedFor() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// thaw waits for the end of a pause, if there is one.
func (s *storm) thaw() {
	s.mu.Lock()
	ice := s.ice
	s.mu.Unlock()
	if ice != nil {
		<-ice
	}
}

// pausing is the monitor as a responder sees it whose machine may be paused.
type pausing struct {
	*monitor.Monitor
	storm *storm
}

var _ failover.Watcher = pausing{}

// Snapshot is what is believed, when the machine runs.
func (p pausing) Snapshot() *monitor.Snapshot {
	p.storm.thaw()
	return p.Monitor.Snapshot()
}

// pausable is a question that is asked, and whose answer is heard, when the
// machine runs.
func (s *storm) pausable(ask probe.Func) probe.Func {
	return func(ctx context.Context, t probe.Target) probe.Answer {
		s.thaw()
		defer s.thaw()
		return ask(ctx, t)
	}
}
