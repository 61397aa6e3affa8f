package web

import (
	"fmt"
	"strings"
	"time"

	"rrwatch/failover"
)

// scoreWords is "would have acted 4×: 3 right, 1 wrong, 1 not known yet";
// empty while it never would have.
func scoreWords(s failover.Score) string {
	if s.Of() == 0 {
		return ""
	}
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{s.Right, "right"}, {s.Wrong, "wrong"}, {s.Open, "not known yet"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	return fmt.Sprintf("would have acted %d×: %s", s.Of(), strings.Join(parts, ", "))
}

// scoreShort is "4×, 1 wrong" or "4×".
func scoreShort(s failover.Score) string {
	if s.Wrong == 0 {
		return fmt.Sprintf("%d×", s.Of())
	}
	return fmt.Sprintf("%d×, %d wrong", s.Of(), s.Wrong)
}

// scoreTone: one wrong act is a reason to look before the mode becomes act.
func scoreTone(s failover.Score) tone {
	switch {
	case s.Wrong > 0:
		return warn
	case s.Right > 0:
		return good
	}
	return mute
}

// shadowModel is what would have been done for an incident, and the verdict.
type shadowModel struct {
	Action  string
	At      stamp
	Verdict badge
	Because string
}

// shadowOf tells it in sentences; nil when nothing would have been done.
func shadowOf(i failover.Incident, now time.Time) *shadowModel {
	s := i.Shadow
	if s == nil {
		return nil
	}
	m := &shadowModel{Action: s.Action, At: stampAt(s.At, now), Verdict: badge{"not known yet", mute}}
	takes := "about " + span(s.Takes)
	down := max(i.Closed.Sub(s.At), 0).Round(100 * time.Millisecond)
	switch {
	case !s.Judged:
		m.Because = "It takes " + takes + " until users are served again. Whether it would have been right is known when the incident is over."
	case s.Right:
		m.Verdict = badge{"right", good}
		m.Because = fmt.Sprintf("The member stayed down for %s after that, and it takes %s until users are served again: it would have been right.", short(down), takes)
	default:
		m.Verdict = badge{"wrong", warn}
		m.Because = fmt.Sprintf("The member came back by itself %s after that, and it takes %s until users are served again: it would have been wrong.", short(down), takes)
	}
	return m
}
