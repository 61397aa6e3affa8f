package web

import (
	"slices"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

// doubtAfter is the age from which a belief is called unconfirmed, when the
// latest answer says nothing. Single answers that say nothing are no news.
const doubtAfter = time.Minute

// checkModel is what one check last heard, and what it would take to change
// the belief.
type checkModel struct {
	Name, Kind string
	State      badge
	Answer     string // "pass", or the reason
	Tone       tone   // of the answer; empty: as the text around it
	Detail     string
	Took       string
	Asked      stamp
	Suspect    bool
	ToChange   string
	Changing   bool   // ToChange is news: the belief is not the usual one
	Clear      stamp  // of an inconclusive answer: when the last that counts was asked
	Unclear    bool   // the latest answer is inconclusive
	Excused    stamp  // since when the site excuses itself
	Until      stamp  // until when that is taken
	Warning    string // what a passing answer warns of
}

func checksOf(checks []failover.CheckView, now time.Time) []checkModel {
	models := make([]checkModel, 0, len(checks))
	for _, c := range checks {
		h := c.Health
		m := checkModel{
			Name: c.Name, Kind: c.Kind, Suspect: h.Suspect(), ToChange: c.ToChange,
			State: stateBadge(h.State, h.Suspect()), Asked: stampAt(h.Last.At, now),
			Answer: answer(h.Last), Detail: h.Last.Detail, Took: tookTo(c.Kind, h.Last),
			Unclear: unclear(h), Warning: h.Last.Warning,
		}
		m.Changing = m.Suspect || h.State != monitor.Up
		switch {
		case m.Unclear:
			m.Tone, m.Changing, m.Clear = warn, false, stampAt(h.Asked, now)
			if !c.ExcusedUntil.IsZero() {
				m.Excused, m.Until = stampAt(h.Excused, now), stampAt(c.ExcusedUntil, now)
			}
			m.State = unconfirmed(m.State, h, !c.ExcusedUntil.IsZero(), now)
		case h.Last.Verdict == probe.Fail:
			m.Tone = bad
		case m.Warning != "":
			m.Answer, m.Tone = m.Answer+" with a warning", warn
		}
		models = append(models, m)
	}
	return models
}

// answer is a result in a word or two.
func answer(r probe.Result) string {
	switch {
	case r.At.IsZero():
		return "not asked yet"
	case r.Reason != "" && r.Verdict == probe.Inconclusive:
		return "inconclusive: " + string(r.Reason)
	case r.Reason != "":
		return string(r.Reason)
	}
	return r.Verdict.String()
}

// tookTo is how long an answer took. Of a heartbeat nothing is asked.
func tookTo(kind string, r probe.Result) string {
	if r.Phases.Whole <= 0 || kind == "heartbeat" {
		return ""
	}
	return short(r.Phases.Whole)
}

// unclear reports whether the latest answer says nothing, so that what is
// believed is older.
func unclear(h monitor.Health) bool {
	return !h.Last.At.IsZero() && h.Last.Verdict == probe.Inconclusive
}

// doubtful reports whether what is believed was not confirmed for long.
func doubtful(h monitor.Health, now time.Time) bool {
	return h.State != monitor.Unknown && unclear(h) && now.Sub(h.Asked) >= doubtAfter
}

// doubted is since when the belief of an address was not confirmed, if that is
// long; zero if it was. One check that is surely Down is enough for Down; Up
// takes all of them.
func doubted(state monitor.State, checks []failover.CheckView, now time.Time) time.Time {
	var oldest time.Time
	for _, c := range checks {
		switch doubt := doubtful(c.Health, now); {
		case c.Health.State != state:
		case !doubt && state == monitor.Down:
			return time.Time{}
		case doubt && (oldest.IsZero() || c.Health.Asked.Before(oldest)):
			oldest = c.Health.Asked
		}
	}
	return oldest
}

// unconfirmed shows a state that is only the last known one. A failing page
// that the site itself excuses is never green.
func unconfirmed(b badge, h monitor.Health, excused bool, now time.Time) badge {
	if b.Tone == good && (excused || doubtful(h, now)) {
		return badge{b.Word + ", unconfirmed", warn}
	}
	return b
}

func anySuspect(checks []checkModel) bool {
	return slices.ContainsFunc(checks, func(c checkModel) bool { return c.Suspect })
}
