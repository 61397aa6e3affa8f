// Package monitor watches targets: it schedules their probes and believes
// what their results, in a row, say. One goroutine owns all of its state;
// everyone else reads snapshots, which are never changed.
package monitor

import (
	"time"

	"rrwatch/probe"
)

// Watch is one target with how it is asked and how it is believed.
type Watch struct {
	Target     probe.Target
	Probe      probe.Func
	Interval   time.Duration // from the start of a probe to the start of the next
	Timeout    time.Duration // a whole probe ends within this
	Recheck    time.Duration // the interval while the next result could change the belief
	Thresholds Thresholds
}

// Snapshot is what is believed at one moment. It is shared and must not be
// changed by those who read it.
type Snapshot struct {
	At      time.Time // when it was published
	Health  map[probe.Target]Health
	Blind   string    // why the watcher trusts none of its own fails; empty when it sees
	Sees    time.Time // when it last ceased to be blind; zero if it never was
	Sighted time.Time // when the references were last seen to answer; zero when there are none
	Stalled time.Time // when the watcher last found that it had been paused; zero if never

	References int // how many there are
}

// Transition is one change of belief, with the results that led to it.
type Transition struct {
	Target   probe.Target   `json:"target"`
	From     State          `json:"from"`
	To       State          `json:"to"`
	At       time.Time      `json:"at"`       // when the deciding result was in
	Evidence []probe.Result `json:"evidence"` // the last results of the target, oldest first
}
