package web

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rrwatch/failover"
	"rrwatch/monitor"
)

// tone says how a thing shall look. A word always stands beside it: colour
// alone tells nothing to some readers.
type tone string

const (
	good tone = "good"
	warn tone = "warn"
	bad  tone = "bad"
	info tone = "info"
	mute tone = "mute"
)

// badge is a word in its tone.
type badge struct {
	Word string
	Tone tone
}

// stamp is a time as pages show it. The zero value shows as a dash.
type stamp struct {
	ISO  string // for machines and the tooltip
	Text string // "14:03:05" today, "21 Nov 14:03" else; UTC
	Ago  string // "2 min"
}

func stampAt(t, now time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	t, now = t.UTC(), now.UTC()
	text := t.Format("2 Jan 2006")
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		text = t.Format("15:04:05")
	case now.Sub(t).Abs() < 300*24*time.Hour:
		text = t.Format("2 Jan 15:04")
	}
	return stamp{ISO: t.Format(time.RFC3339Nano), Text: text, Ago: long(now.Sub(t))}
}

// long says a duration as people do: "4 s", "12 min", "3 h 5 min", "2 d 4 h".
// A negative one, of a clock that was set back, is "0 s".
func long(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		return two(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	}
	return two(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
}

func two(a int, unitA string, b int, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, unitA)
	}
	return fmt.Sprintf("%d %s %d %s", a, unitA, b, unitB)
}

// short says a measured time with three digits: "0.42 ms", "12 ms", "1.31 s".
// From a minute on it speaks as long does.
func short(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case d == 0:
		return "0"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2g ms", ms)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", ms)
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return two(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	}
	return long(d)
}

// offset is the time from one moment to another, "+1.20 s" or "−300 ms"; empty
// if either is not known.
func offset(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return ""
	}
	if to.Before(from) {
		return "−" + short(from.Sub(to))
	}
	return "+" + short(to.Sub(from))
}

// sentenceOf makes an error's text a sentence: a capital first, a full stop
// last. The name rrwatch stays as it is.
func sentenceOf(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	if !strings.HasPrefix(text, "rrwatch ") {
		text = string(unicode.ToUpper(first)) + text[size:]
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// count is "1 member", "3 members".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func stateBadge(s monitor.State, suspect bool) badge {
	switch s {
	case monitor.Up:
		if suspect {
			return badge{"suspect", warn}
		}
		return badge{"up", good}
	case monitor.Down:
		return badge{"down", bad}
	case monitor.Unknown:
	}
	return badge{"unknown", mute}
}

func modeBadge(m failover.Mode) (b badge, means string) {
	switch m {
	case failover.Act:
		return badge{"act", info}, "rrwatch does what it plans"
	case failover.Propose:
		return badge{"propose", warn}, "rrwatch waits for approval"
	case failover.Observe:
		return badge{"observe", mute}, "rrwatch watches and changes nothing"
	}
	return badge{string(m), mute}, ""
}

func statusTone(s failover.Status) tone {
	switch s {
	case failover.Begun, failover.Applied:
		return info
	case failover.Proven:
		return good
	case failover.Refused, failover.Unproven:
		return warn
	case failover.Failed:
		return bad
	}
	return mute
}

// causeWords says where the fault is.
func causeWords(c failover.Cause) string {
	switch c {
	case failover.CauseProcess:
		return "the load balancer on the instance"
	case failover.CauseInstance:
		return "the instance itself"
	case failover.CauseZone:
		return "the availability zone"
	case failover.CauseShared:
		return "something that all members share"
	case failover.CauseWatcher:
		return "the watcher's own network"
	case failover.CausePartial:
		return "a part of what the member serves"
	case failover.CauseUnknown:
	}
	return "not known"
}

// plannedBadge marks what is no outage.
func plannedBadge() badge { return badge{"planned", info} }

// kindBadge names a journal entry's kind.
func kindBadge(k failover.EntryKind) badge {
	word := strings.ReplaceAll(string(k), "-", " ")
	switch k {
	case failover.Opened, failover.WentBlind, failover.BrakeLatched, failover.NotServed:
		return badge{word, bad}
	case failover.HeldBack, failover.Warned, failover.Paused, failover.Overridden, failover.Proposed, failover.Flapping, failover.LeaseLost, failover.Drifted:
		return badge{word, warn}
	case failover.Closed, failover.SawAgain, failover.BrakeReleased, failover.ServedAgain, failover.WarningOver, failover.Resumed, failover.Calm, failover.DriftOver:
		return badge{word, good}
	case failover.ActionBegun, failover.ActionApplied, failover.ActionEnded, failover.Approved:
		return badge{word, info}
	case failover.Started, failover.Stopped, failover.Wired, failover.Believed, failover.Diagnosed, failover.Noted, failover.ProposalOver,
		failover.LeaseTaken, failover.Drained:
	}
	return badge{word, mute}
}
