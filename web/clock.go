package web

import (
	"time"

	"rrwatch/failover"
)

// clockModel is the recovery clock: where the time of an outage went.
type clockModel struct {
	Whole   string // empty while the outage goes on
	Running string // how long it has lasted, while it is open
	Phases  []phaseModel
}

// phaseModel is one phase of the clock; X and Width are thousandths of the
// bar.
type phaseModel struct {
	Name, Means string
	Took        string // empty: not reached
	X, Width    float64
	Class       string
}

func clockOf(i failover.Incident, now time.Time) clockModel {
	c := i.Clock()
	phases := []struct {
		name, means string
		d           time.Duration
	}{
		{"detect", "first bad result to believed down", c.Detect},
		{"decide", "believed down to the action in the journal", c.Decide},
		{"api", "in the journal to accepted by AWS", c.API},
		{"propagate", "accepted to the first good result", c.Propagate},
		{"verify", "first good result to proven", c.Verify},
	}
	var whole time.Duration
	for _, p := range phases {
		whole += max(p.d, 0)
	}
	m := clockModel{}
	switch {
	case c.Whole > 0:
		m.Whole = short(c.Whole)
	case i.Open():
		m.Running = lasted(i, now)
		whole = max(whole, now.Sub(i.Opening.FirstBad)) // the rest of the bar is still empty
	default:
		m.Whole = lasted(i, now)
		whole = max(whole, i.Closed.Sub(i.Opening.FirstBad))
	}
	const bar, least = 1000.0, 4.0 // a phase that was reached stays visible
	x := 0.0
	for _, p := range phases {
		part := phaseModel{Name: p.name, Means: p.means, Class: "phase-" + p.name}
		if p.d > 0 {
			part.Took = short(p.d)
			part.X, part.Width = x, max(bar*float64(p.d)/float64(whole), least)
			x += part.Width
		}
		m.Phases = append(m.Phases, part)
	}
	if x > bar { // what the least widths have added
		for k := range m.Phases {
			m.Phases[k].X *= bar / x
			m.Phases[k].Width *= bar / x
		}
	}
	return m
}

// Reached reports whether the clock shows anything.
func (c clockModel) Reached() bool {
	for _, p := range c.Phases {
		if p.Took != "" {
			return true
		}
	}
	return false
}
