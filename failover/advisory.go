package failover

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"rrwatch/probe"
)

// AdvisoryKind says what an advisory is about.
type AdvisoryKind string

// The kinds of advisory.
const (
	AdviseWarning   AdvisoryKind = "warning"    // something should be looked at before it fails
	AdviseNotServed AdvisoryKind = "not-served" // an endpoint's page is not served
	AdviseDrift     AdvisoryKind = "drift"      // what should say the same disagrees
)

// Advisory is what people should know of that is no member's outage. It moves
// nothing. There is at most one of each kind for a check or an endpoint: it
// begins when an answer warns, goes on whatever the words and numbers are, and
// is over when no answer has warned for goneFor.
type Advisory struct {
	Kind     AdvisoryKind `json:"kind"`
	Pool     string       `json:"pool"`
	Check    string       `json:"check"`              // or the endpoint's name, or what a drift is about
	Text     string       `json:"text"`               // what it says, without the pool's and the check's name
	Warnings []Warning    `json:"warnings,omitempty"` // of a warning: the most urgent first
	Begun    time.Time    `json:"begun"`              // when it was first seen
	Told     time.Time    `json:"told,omitzero"`      // when it was last written down; zero: not yet
	Gone     time.Time    `json:"gone,omitzero"`      // since when no answer warns any more; zero: one does
}

// Warning is what answers warn of in the same words.
type Warning struct {
	Text  string           `json:"text"`
	Addrs []netip.AddrPort `json:"addrs,omitempty"` // that it was heard from; none: an endpoint's
}

// How advisories are kept from becoming noise.
const (
	// gatherFor is how long is waited before a warning is told, so that all
	// addresses that have it are told in one sentence.
	gatherFor = time.Minute
	// goneFor is how long no answer must warn before the warning is over. One
	// that comes and goes lasts, and so is told no more than once in that time.
	goneFor = time.Hour
	// againAfter is how long nothing more is told of a warning that lasts.
	againAfter = time.Hour
)

// advisoryKey is the identity of an advisory.
type advisoryKey struct {
	kind        AdvisoryKind
	pool, check string
}

func (a Advisory) key() advisoryKey { return advisoryKey{a.Kind, a.Pool, a.Check} }

// lasting is an advisory that is not over.
type lasting struct {
	Advisory
	told []Warning // what was written down of it
}

// warnedBy is the advisory at now, when answers warn of this; and its news:
// that it has begun or says something new, that it is over, or nothing.
func (a lasting) warnedBy(warnings []Warning, now time.Time) (lasting, EntryKind) {
	if len(warnings) == 0 {
		if a.Gone.IsZero() {
			a.Gone = now.UTC()
		}
		if now.Sub(a.Gone) >= goneFor {
			return a, WarningOver
		}
		return a, ""
	}
	if a.Begun.IsZero() {
		a.Begun = now.UTC()
	}
	a.Gone, a.Warnings, a.Text = time.Time{}, warnings, sentence(warnings)
	switch {
	case a.Told.IsZero() && now.Sub(a.Begun) >= gatherFor,
		!a.Told.IsZero() && now.Sub(a.Told) >= againAfter && a.saysMore():
		a.Told, a.told = now.UTC(), warnings
		return a, Warned
	}
	return a, ""
}

// saysMore reports whether a warning has become another one since it was told,
// or the day that it names has come much nearer.
func (a lasting) saysMore() bool {
	known := subjects(a.told)
	for _, s := range subjects(a.Warnings) {
		if !slices.Contains(known, s) {
			return true
		}
	}
	return urgency(a.Warnings) > urgency(a.told)
}

// subjects are what warnings are about: their words before the first number,
// since days, dates and addresses change while the matter is the same.
func subjects(warnings []Warning) []string {
	var list []string
	for _, w := range warnings {
		for part := range strings.SplitSeq(w.Text, "; ") {
			words := part
			if n := strings.IndexAny(part, "0123456789"); n >= 0 {
				words = strings.TrimSpace(part[:n])
			}
			if words != "" && !slices.Contains(list, words) {
				list = append(list, words)
			}
		}
	}
	return list
}

// urgency counts which of the last days before an end have come: a warning is
// told again when 7, 3 and 1 days are left.
func urgency(warnings []Warning) int {
	left := math.MaxInt
	for _, w := range warnings {
		left = min(left, daysIn(w.Text))
	}
	passed := 0
	for _, days := range []int{7, 3, 1} {
		if left <= days {
			passed++
		}
	}
	return passed
}

// daysIn is how many days a warning says are left: "in 9 days", "in less than a
// day"; as many as can be if it names none.
func daysIn(text string) int {
	before, _, found := strings.Cut(text, " day")
	number := before[strings.LastIndexByte(before, ' ')+1:]
	days, err := strconv.Atoi(number)
	switch {
	case found && err == nil:
		return days
	case found && strings.HasSuffix(before, " less than a"):
		return 0
	}
	return math.MaxInt
}

// mostTexts is how many different warnings of one check are told in words.
const mostTexts = 3

// sentence says the warnings, each with where it was heard: "the certificate
// expires in 9 days, on 2026-11-30 (3 addresses)".
func sentence(warnings []Warning) string {
	var parts []string
	for _, w := range warnings[:min(len(warnings), mostTexts)] {
		switch len(w.Addrs) {
		case 0:
			parts = append(parts, w.Text)
		case 1:
			parts = append(parts, fmt.Sprintf("%s (%s)", w.Text, w.Addrs[0].Addr()))
		default:
			parts = append(parts, fmt.Sprintf("%s (%d addresses)", w.Text, len(w.Addrs)))
		}
	}
	if more := len(warnings) - mostTexts; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// gathered are the warnings of each check, the most urgent first.
func gathered(warned map[probe.Target]string) map[advisoryKey][]Warning {
	all := map[advisoryKey][]Warning{}
	for t, text := range warned {
		key := advisoryKey{AdviseWarning, t.Pool, t.Check}
		at := slices.IndexFunc(all[key], func(w Warning) bool { return w.Text == text })
		if at < 0 {
			at = len(all[key])
			all[key] = append(all[key], Warning{Text: text})
		}
		if t.Addr.IsValid() {
			all[key][at].Addrs = append(all[key][at].Addrs, t.Addr)
		}
	}
	for _, list := range all {
		for _, w := range list {
			slices.SortFunc(w.Addrs, netip.AddrPort.Compare)
		}
		slices.SortFunc(list, func(a, b Warning) int {
			return cmp.Or(cmp.Compare(daysIn(a.Text), daysIn(b.Text)), cmp.Compare(a.Text, b.Text))
		})
	}
	return all
}
