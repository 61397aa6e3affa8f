package monitor

import (
	"fmt"
	"time"

	"rrwatch/probe"
)

// Thresholds count results in a row, differently to Down and to Up.
type Thresholds struct {
	Fall  int // fails that bring an Up or Unknown target Down; at least 1
	Clear int // passes in a row that forget earlier fails of an Up target; at least 1
	Rise  int // passes in a row that bring a Down target Up; at least 1

	Excused time.Duration // how long a site's own excuse for its fails is taken; 0: it never excuses itself
}

// State is what is believed of a target.
type State uint8

// The states. Nothing is believed of a target that was not yet seen to answer
// or to fail often enough.
const (
	Unknown State = iota
	Up
	Down
)

// String is the state's lower-case name.
func (s State) String() string {
	switch s {
	case Up:
		return "up"
	case Down:
		return "down"
	case Unknown:
	}
	return "unknown"
}

// MarshalText writes the state's name, so that JSON is readable.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote; an unknown name is Unknown.
func (s *State) UnmarshalText(b []byte) error {
	switch string(b) {
	case "up":
		*s = Up
	case "down":
		*s = Down
	default:
		*s = Unknown
	}
	return nil
}

// Health is what is believed of one target, since when, and on what evidence.
// It is a value: Observe returns the next one.
type Health struct {
	State  State        `json:"state"`
	Since  time.Time    `json:"since,omitzero"`  // when the deciding result was in; zero while never decided
	Fails  int          `json:"fails"`           // fails not yet forgotten
	Passes int          `json:"passes"`          // passes in a row
	Streak time.Time    `json:"streak,omitzero"` // when the first of the passes in a row was sent
	Last   probe.Result `json:"last"`            // the latest result, conclusive or not
	Asked  time.Time    `json:"asked,omitzero"`  // when the latest conclusive result was sent
	First  time.Time    `json:"first,omitzero"`  // when the first of the fails that are not yet forgotten was sent; zero without
	Why    probe.Result `json:"why"`             // the latest fail
	SeenUp bool         `json:"seen_up"`         // was Up at least once since the watch of it began

	Fell time.Time `json:"fell,omitzero"` // when it last became Down, kept when it is Up again; zero: never since the watch of it began

	Excused time.Time `json:"excused,omitzero"` // when the first of the excused results in a row was sent; zero: the last one was none
}

// Observe is the whole anti-flap machine. An Inconclusive result is remembered
// as the latest and advances nothing, but for an excuse that has lasted too
// long: that is a fail. From Unknown one pass is Up; Down always needs Fall fails.
func (h Health) Observe(r probe.Result, th Thresholds) Health {
	h.Last = r
	switch r.Verdict {
	case probe.Pass:
		h.Excused = time.Time{}
		return h.pass(r, th)
	case probe.Fail:
		h.Excused = time.Time{}
		return h.fail(r, th)
	case probe.Inconclusive:
	}
	if r.Reason == probe.Excused {
		return h.excused(r, th)
	}
	return h
}

func (h Health) excused(r probe.Result, th Thresholds) Health {
	if h.Excused.IsZero() {
		h.Excused = r.At
	}
	if r.At.Sub(h.Excused) <= th.Excused {
		return h
	}
	r.Verdict, r.Reason = probe.Fail, probe.Status
	r.Detail += fmt.Sprintf(", for longer than the %s that are taken as an excuse", th.Excused)
	h.Last = r
	return h.fail(r, th)
}

func (h Health) pass(r probe.Result, th Thresholds) Health {
	if h.Passes == 0 {
		h.Streak = r.At
	}
	h.Asked = r.At
	h.Passes++
	if h.Passes >= th.Clear && h.State != Down {
		h.Fails, h.First = 0, time.Time{}
	}
	if h.State == Unknown || (h.State == Down && h.Passes >= th.Rise) {
		h.State, h.Since, h.SeenUp = Up, r.Ended(), true
		h.Fails, h.First = 0, time.Time{}
	}
	return h
}

func (h Health) fail(r probe.Result, th Thresholds) Health {
	if h.Fails == 0 {
		h.First = r.At
	}
	h.Asked, h.Why = r.At, r
	h.Passes, h.Streak = 0, time.Time{}
	h.Fails++
	if h.State != Down && h.Fails >= th.Fall {
		h.State, h.Since, h.Fell = Down, r.Ended(), r.Ended()
	}
	return h
}

// Suspect reports whether the next result could matter at once: an Up target
// with fails, a Down one with passes, or one of which nothing is believed yet.
// Such a target is asked again after the recheck time.
func (h Health) Suspect() bool {
	switch h.State {
	case Up:
		return h.Fails > 0
	case Down:
		return h.Passes > 0
	case Unknown:
	}
	return h.Fails > 0
}

// ToChange says what would change the belief: "down after 1 more fail".
func (h Health) ToChange(th Thresholds) string {
	switch h.State {
	case Up:
		return fmt.Sprintf("down after %s", more(th.Fall-h.Fails, "fail"))
	case Down:
		return fmt.Sprintf("up after %s", more(th.Rise-h.Passes, "pass"))
	case Unknown:
	}
	return fmt.Sprintf("up after 1 pass, down after %s", more(th.Fall-h.Fails, "fail"))
}

func more(n int, what string) string {
	switch {
	case n == 1:
		return "1 more " + what
	case what == "pass":
		return fmt.Sprintf("%d more passes", n)
	}
	return fmt.Sprintf("%d more %ss", n, what)
}
