package main

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// story says all that led to the end of a storm.
func (s *storm) story() string {
	return fmt.Sprintf("%d incidents, %d actions\n\nthe outage:\n%s\nwhat happened:\n%s\nwhat rrwatch did:\n%s",
		len(s.ledger.incidents), len(s.ledger.actions), s.outage, s.did.String(), s.ledger.story.String())
}

// stormTally is what many storms add up to.
type stormTally struct {
	mu                                        sync.Mutex
	storms, failed, incidents, actions, calls int
	time                                      time.Duration
}

// add adds one storm, and reports whether several have failed already.
func (s *stormTally) add(l lived) (many bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storms++
	s.time += l.time
	s.incidents += l.incidents
	s.actions += l.actions
	s.calls += l.calls
	if len(l.wrong) > 0 {
		s.failed++
	}
	return s.failed > 2 || stopsAtFirst()
}

// stopsAtFirst reports whether one broken invariant is all that is asked for, as
// the planting of faults does.
func stopsAtFirst() bool { return os.Getenv("RRWATCH_STORM_STOP") != "" }

// enough reports whether no storm needs to be lived through any more.
func (s *stormTally) enough() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed > 0 && stopsAtFirst()
}

// String says it with what it cost.
func (s *stormTally) String() string {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err.Error()
	}
	cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	return fmt.Sprintf("%d storms, %d failed, %s simulated, %d incidents, %d actions, %d AWS calls; %s CPU, %s a storm, %.0f simulated hours a CPU minute",
		s.storms, s.failed, s.time.Round(time.Minute), s.incidents, s.actions, s.calls, cpu.Round(time.Second),
		(cpu / time.Duration(max(s.storms, 1))).Round(time.Millisecond), s.time.Hours()/cpu.Minutes())
}
