package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rrwatch/failover"
	"rrwatch/probe"
)

// face is how an incident looks at first sight.
type face struct {
	emoji   string
	colour  string
	says    string // after the member's name
	because string // a sentence from the journal
}

// faceOf is the one thing to know of an incident now.
func faceOf(i failover.Incident) face {
	last := latest(i)
	_, withdrawn := i.Withdrawn()
	if i.Planned() {
		return plannedFace(i)
	}
	switch {
	case !i.Open():
		return face{":large_green_circle:", green, "was down for " + span(i.Closed.Sub(began(i))) + ", it is over", i.Outcome}
	case last.Status == failover.Begun:
		return face{":large_yellow_circle:", yellow, "is down, rrwatch is repairing it", last.String()}
	case last.Status == failover.Applied:
		return face{":large_yellow_circle:", yellow, "is down, AWS has accepted the repair, waiting for the proof from outside", last.String()}
	case i.Flapping:
		return face{":repeat:", red, "comes and goes, a person should look", "nothing more is done until it is calm"}
	case last.Status == failover.Failed:
		return face{":rotating_light:", red, "needs you, the repair failed", last.String()}
	case last.Status == failover.Unproven:
		return face{":rotating_light:", red, "needs you, the repair did not help", last.String()}
	case withdrawn:
		return awayFace(i)
	case i.Proposal != nil:
		return face{":raised_hand:", red, "is down and waits for your approval", i.Proposal.Action}
	case len(i.Held) > 0:
		return face{":no_entry:", red, "is down and rrwatch does not act", i.Held[0].Text}
	case last.Status == failover.Proven:
		return face{":large_yellow_circle:", yellow, "serves again, rrwatch is making sure", last.String()}
	}
	return face{":red_circle:", red, "is down", ""}
}

// awayFace is how a withdrawn member looks.
func awayFace(i failover.Incident) face {
	if now, full, returning := i.Returning(); returning {
		return face{":large_yellow_circle:", yellow, "is healthy again and comes back by steps", fmt.Sprintf("it has %d of its weight of %d", now, full)}
	}
	return face{":large_yellow_circle:", yellow, "is down and out of DNS", "it comes back when it is healthy again"}
}

// latest is the latest action; zero when there is none.
func latest(i failover.Incident) failover.Action {
	if len(i.Actions) == 0 {
		return failover.Action{}
	}
	return i.Actions[len(i.Actions)-1]
}

// title names the member: "www 203.0.113.1".
func title(i failover.Incident) string { return say(i.Pool) + " " + i.Member.String() }

// began is when the first bad result was sent, which is when people began to
// notice, or when the incident was opened if that is not known.
func began(i failover.Incident) time.Time {
	if i.Opening.FirstBad.IsZero() {
		return i.Opened
	}
	return i.Opening.FirstBad
}

// failing says what fails, and where.
func failing(i failover.Incident) string {
	var b strings.Builder
	heading := "*What fails*: "
	if !i.Open() {
		heading = "*What failed*: "
	}
	for _, r := range slices.Backward(i.Opening.Evidence) {
		if r.Verdict == probe.Fail {
			b.WriteString(heading + say(r.Target.String()) + ": " + say(string(r.Reason)))
			if r.Detail != "" {
				b.WriteString(" (" + say(r.Detail) + ")")
			}
			break
		}
	}
	if i.Opening.Instance == "" {
		return b.String()
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	b.WriteString("*Instance*: " + say(i.Opening.Instance))
	if i.Opening.Zone != "" {
		b.WriteString(" in " + say(i.Opening.Zone))
	}
	return b.String()
}

func cause(i failover.Incident) string {
	if i.Diagnosis.Cause == "" {
		return ""
	}
	lines := []string{"*Cause*: " + causeWords(i.Diagnosis.Cause)}
	for _, evidence := range firstOf(i.Diagnosis.Evidence, maxListed) {
		lines = append(lines, "• "+say(evidence))
	}
	return strings.Join(lines, "\n")
}

func causeWords(c failover.Cause) string {
	switch c {
	case failover.CauseProcess:
		return "the load balancer on the instance"
	case failover.CauseInstance:
		return "the instance"
	case failover.CauseZone:
		return "the availability zone"
	case failover.CauseShared:
		return "something shared: all members fail alike, so moving an address would not help"
	case failover.CauseWatcher:
		return "rrwatch itself: it does not see well enough to judge"
	case failover.CausePartial:
		return "only a part of what the member serves"
	case failover.CauseUnknown:
	}
	return "not known"
}

func actions(i failover.Incident) string {
	var lines []string
	if i.Approved != "" {
		lines = append(lines, "• approved by "+say(i.By)+": "+say(i.Approved))
	}
	for _, a := range i.Actions[max(0, len(i.Actions)-maxActions):] {
		line := "• " + say(a.String()) + ": " + statusWords(a.Status)
		if a.Detail != "" {
			line += " (" + say(a.Detail) + ")"
		}
		if drain := i.DrainWords(a, asOf(i)); drain != "" {
			line += "; " + say(drain)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return ""
	}
	heading := "*Repair*\n"
	if i.Planned() {
		heading = "*Change*\n"
	}
	return within(heading + strings.Join(lines, "\n"))
}

// asOf is the moment that the incident's message tells of: that of its last step.
func asOf(i failover.Incident) time.Time {
	var at time.Time
	for _, n := range i.Notes {
		if n.At.After(at) {
			at = n.At
		}
	}
	return at
}

func statusWords(s failover.Status) string {
	switch s {
	case failover.Begun:
		return "begun"
	case failover.Applied:
		return "accepted by AWS, not yet seen to help"
	case failover.Proven:
		return "done, and proven from outside"
	case failover.Refused:
		return "not done, since the world is not as expected"
	case failover.Failed:
		return "not done, the call to AWS failed"
	case failover.Unproven:
		return "done, but not seen to help"
	}
	return say(string(s))
}

func held(i failover.Incident) string {
	list := i.Held
	if i.Proposal != nil { // which says the same, and what to do about it
		list = slices.DeleteFunc(slices.Clone(list), func(h failover.Hold) bool { return h.Guard == failover.GuardMode && h.Action == i.Proposal.Action })
	}
	if len(list) == 0 {
		return ""
	}
	return "*Not done, and why*\n" + holds(list)
}

// holds lists what is not done, why, and what would be done otherwise.
func holds(list []failover.Hold) string {
	var lines []string
	for _, h := range firstOf(list, maxListed) {
		line := "• "
		if h.Remedy != "" {
			line += string(h.Remedy) + ": "
		}
		line += say(h.Text)
		if h.Action != "" {
			line += "; otherwise: " + say(h.Action)
		}
		lines = append(lines, line+" [`"+say(string(h.Guard))+"`]")
	}
	return within(strings.Join(lines, "\n"))
}

// clock says where the time of an outage went, once it is known.
func clock(i failover.Incident) string {
	c := i.Clock()
	if c.Whole == 0 {
		return ""
	}
	return fmt.Sprintf("*Recovery clock*: %s = detect %s + decide %s + API %s + propagate %s + verify %s",
		span(c.Whole), span(c.Detect), span(c.Decide), span(c.API), span(c.Propagate), span(c.Verify))
}

// icon lets the eye find a step.
func icon(e failover.Entry) string {
	switch e.Kind {
	case failover.Opened:
		return ":red_circle:"
	case failover.Diagnosed:
		return ":mag:"
	case failover.HeldBack:
		if len(e.Held) == 0 {
			return ":arrow_forward:"
		}
		return ":no_entry:"
	case failover.Approved, failover.Proposed, failover.ProposalOver, failover.Overridden, failover.Flapping, failover.Calm,
		failover.Paused, failover.Resumed, failover.Drained:
		return judgementIcons()[e.Kind]
	case failover.ActionBegun, failover.ActionApplied:
		return ":wrench:"
	case failover.ActionEnded:
		if e.Action == nil || e.Action.Status != failover.Proven {
			return ":warning:"
		}
		return ":white_check_mark:"
	case failover.Closed:
		return ":large_green_circle:"
	case failover.Started, failover.Stopped, failover.Wired, failover.Believed, failover.Noted,
		failover.BrakeLatched, failover.BrakeReleased, failover.WentBlind, failover.SawAgain,
		failover.NotServed, failover.ServedAgain, failover.Warned, failover.WarningOver,
		failover.LeaseTaken, failover.LeaseLost, failover.Drifted, failover.DriftOver:
	}
	return ":memo:"
}

// sentenceOf is what an entry says, with the person who did it.
func sentenceOf(e failover.Entry) string {
	text := say(e.Text)
	if text == "" {
		text = string(e.Kind)
	}
	if e.By != "" && !strings.Contains(e.Text, e.By) {
		text += " (by " + say(e.By) + ")"
	}
	return text
}

// useless reports whether an entry tells of an action that did not help: from
// then on a person is needed.
func useless(e failover.Entry) bool {
	return e.Kind == failover.ActionEnded && e.Action != nil &&
		(e.Action.Status == failover.Failed || e.Action.Status == failover.Unproven)
}

// headline reports whether a channel that cannot change its messages tells
// this step: the opening, the first time that the incident was held, the end
// of each action, what people have to know or decide, and the end.
func headline(i failover.Incident, e failover.Entry) bool {
	switch e.Kind {
	case failover.Opened, failover.ActionEnded, failover.Closed, failover.Proposed, failover.Overridden, failover.Flapping:
		return true
	case failover.HeldBack:
		for _, n := range i.Notes {
			if n.Kind == failover.HeldBack {
				return n.Seq == e.Seq
			}
		}
		return true
	case failover.Started, failover.Stopped, failover.Wired, failover.Believed, failover.Diagnosed, failover.Approved,
		failover.ActionBegun, failover.ActionApplied, failover.Noted, failover.BrakeLatched, failover.BrakeReleased,
		failover.WentBlind, failover.SawAgain,
		failover.NotServed, failover.ServedAgain, failover.Warned, failover.WarningOver,
		failover.Paused, failover.Resumed, failover.ProposalOver, failover.Calm,
		failover.LeaseTaken, failover.LeaseLost, failover.Drifted, failover.DriftOver, failover.Drained:
	}
	return false
}

func firstOf[T any](list []T, n int) []T { return list[:min(n, len(list))] }

// within keeps whole lines, as many as one section takes.
func within(text string) string {
	for len(text) > section {
		text = text[:max(0, strings.LastIndexByte(text, '\n'))]
	}
	return text
}
