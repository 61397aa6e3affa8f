package main

import (
	"fmt"
	"slices"
)

// figure is one measured number.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Goal  *goal   `json:"goal,omitempty"` // nil: measured, nothing promised
}

// goal is the most that a figure may be.
type goal struct {
	Most  float64 `json:"most"`
	Below bool    `json:"below"` // Most itself is too much
	Met   bool    `json:"met"`
}

// atMost gives a figure the goal <= most.
func (f figure) atMost(most float64) figure {
	f.Goal = &goal{Most: most, Met: f.Value <= most}
	return f
}

// below gives a figure the goal < most.
func (f figure) below(most float64) figure {
	f.Goal = &goal{Most: most, Below: true, Met: f.Value < most}
	return f
}

// String is the figure's line: name value unit (goal …).
func (f figure) String() string {
	line := fmt.Sprintf("%s %.4g %s ", f.Name, f.Value, f.Unit)
	if f.Goal == nil {
		return line + "(goal none)"
	}
	sign, missed := "<=", ""
	if f.Goal.Below {
		sign = "<"
	}
	if !f.Goal.Met {
		missed = ", missed"
	}
	return line + fmt.Sprintf("(goal %s %g %s%s)", sign, f.Goal.Most, f.Unit, missed)
}

// median is the middle of the values, or the mean of the middle two. It needs at least one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
