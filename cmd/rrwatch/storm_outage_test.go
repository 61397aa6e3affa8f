package main

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// outage is a site, a policy for it, and what happens, all of it data: it is
// written as a text that people read, and read from one. Random ones are drawn
// in the same words.
type outage struct {
	prose  []string // what happens, line by line
	site   *stormSite
	events []event // in order
}

// atEnd is the time of what is expected when everything has healed.
const atEnd = time.Duration(1<<63 - 1)

// event is one thing that happens, or is expected.
type event struct {
	at     time.Duration // since rrwatch was first started, or atEnd
	verb   words         // one of verbs, or of facts if it is expected
	args   args
	expect bool
	not    bool          // the contrary is expected
	within time.Duration // it must be so this long after at; zero: at once
	lasts  time.Duration // it must be so from at on, for this long; zero: once
}

// String is the event as a line, without its time.
func (e event) String() string {
	if !e.expect {
		return e.verb.write(e.args)
	}
	text := "expect "
	if e.not {
		text += "not "
	}
	text += e.verb.write(e.args)
	if e.within > 0 {
		text += " within " + short(e.within)
	}
	if e.lasts > 0 {
		text += " for " + short(e.lasts)
	}
	return text
}

// String is the outage as a text, which parseOutage reads.
func (o outage) String() string {
	var b strings.Builder
	for _, line := range o.prose {
		fmt.Fprintln(&b, strings.TrimSpace("# "+line))
	}
	b.WriteString(o.site.String())
	b.WriteByte('\n')
	for _, e := range o.events {
		fmt.Fprintf(&b, "%-8s %s\n", clockOf(e.at), e)
	}
	return b.String()
}

// clockOf writes a time as minutes and seconds: 1:05, 12:30.250, "end".
func clockOf(at time.Duration) string {
	if at == atEnd {
		return "end"
	}
	text := fmt.Sprintf("%d:%02d", at/time.Minute, at%time.Minute/time.Second)
	if rest := at % time.Second; rest != 0 {
		text += strings.TrimRight(fmt.Sprintf(".%09d", rest), "0")
	}
	return text
}

// timeOf reads what clockOf wrote.
func timeOf(text string) (time.Duration, bool) {
	if text == "end" {
		return atEnd, true
	}
	minutes, seconds, found := strings.Cut(text, ":")
	m, err := strconv.ParseUint(minutes, 10, 16)
	if !found || err != nil || len(seconds) < 2 {
		return 0, false
	}
	s, err := time.ParseDuration(seconds + "s")
	return time.Duration(m)*time.Minute + s, err == nil && s >= 0 && s < time.Minute
}

// parseOutage reads an outage. An error names the file and the line, and what
// to write.
func parseOutage(file, text string) (outage, error) {
	r := reading{outage: outage{site: defaultSite()}}
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		if err := r.line(strings.TrimSpace(lines.Text())); err != nil {
			return outage{}, fmt.Errorf("%s:%d: %w", file, n, err)
		}
	}
	if err := r.header(); err != nil {
		return outage{}, fmt.Errorf("%s: %w", file, err)
	}
	slices.SortStableFunc(r.outage.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return r.outage, nil
}

// reading is an outage that is being read: prose, then the site, then what
// happens.
type reading struct {
	outage outage
	last   time.Duration // of the latest event
	begun  bool          // the site is complete, and things happen
}

func (r *reading) line(line string) error {
	if line == "" {
		return nil
	}
	if prose, is := strings.CutPrefix(line, "#"); is {
		if !r.begun {
			r.outage.prose = append(r.outage.prose, strings.TrimSpace(prose))
		}
		return nil
	}
	key, value, keyed := strings.Cut(line, ": ")
	if keyed && !strings.ContainsFunc(key, func(c rune) bool { return c < 'a' || c > 'z' }) {
		if r.begun {
			return fmt.Errorf("%s: the site and its policy come before what happens; move this line up", key)
		}
		return r.outage.site.read(key, strings.TrimSpace(value))
	}
	if err := r.header(); err != nil {
		return err
	}
	return r.event(line)
}

// header completes the site, once.
func (r *reading) header() error {
	if r.begun {
		return nil
	}
	r.begun = true
	return r.outage.site.build()
}

func (r *reading) event(line string) error {
	first, rest, _ := strings.Cut(line, " ")
	at, timed := timeOf(first)
	if after, is := strings.CutPrefix(first, "+"); is {
		if d, err := time.ParseDuration(after); err == nil {
			at, timed = r.last+d, true
		}
	}
	if timed {
		line = strings.TrimSpace(rest)
	} else if at = r.last; !strings.HasPrefix(line, "expect ") {
		return fmt.Errorf("%q begins with no time; write one as 0:30 or, after the line above, +10s", first)
	}
	if at < r.last {
		return fmt.Errorf("%s comes after %s; put the lines in the order of their times", clockOf(at), clockOf(r.last))
	}
	e, err := r.outage.site.readEvent(line)
	if err != nil {
		return err
	}
	if at == atEnd && !e.expect {
		return fmt.Errorf("nothing happens at the end, when everything has healed; give %q a time", line)
	}
	e.at, r.last = at, at
	r.outage.events = append(r.outage.events, e)
	return nil
}

// readEvent reads a line without its time.
func (s *stormSite) readEvent(line string) (event, error) {
	tokens := tokensOf(line)
	e := event{}
	var all []words
	if e.expect = len(tokens) > 0 && tokens[0] == "expect"; !e.expect {
		for _, v := range verbs() {
			all = append(all, v.words)
		}
	} else {
		tokens = tokens[1:]
		var err error
		if tokens, err = s.readTimes(&e, tokens); err != nil {
			return e, err
		}
		if e.not = len(tokens) > 0 && tokens[0] == "not"; e.not {
			tokens = tokens[1:]
		}
		for _, f := range facts() {
			all = append(all, f.words)
		}
	}
	var first error
	for _, w := range all {
		if filled, ok := w.read(tokens); ok {
			var err error
			e.verb = w
			if e.args, err = s.fillIn(w, filled); err == nil {
				return e, nil
			}
			first = cmp.Or(first, err)
		}
	}
	if first != nil {
		return e, first
	}
	return e, fmt.Errorf("%q is not understood; %s (README.txt has them all)", line, nearest(tokens, all))
}

// readTimes takes "within 10s" and "for 5m" off the end.
func (s *stormSite) readTimes(e *event, tokens []string) ([]string, error) {
	for len(tokens) > 2 {
		n := len(tokens)
		var into *time.Duration
		switch tokens[n-2] {
		case "within":
			into = &e.within
		case "for":
			into = &e.lasts
		default:
			return tokens, nil
		}
		text, err := s.gap("duration", tokens[n-1])
		if err != nil {
			return nil, err
		}
		*into = args{text}.duration(0)
		tokens = tokens[:n-2]
	}
	return tokens, nil
}

// fillIn checks what stands in the gaps.
func (s *stormSite) fillIn(w words, filled []string) (args, error) {
	var list args
	for n, kind := range w.gaps() {
		arg, err := s.gap(kind, filled[n])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w, err)
		}
		list = append(list, arg)
	}
	return list, nil
}

// nearest names the sentences that share the most words with what was written.
func nearest(tokens []string, all []words) string {
	shared := func(w words) int {
		return count(strings.Fields(string(w)), func(word string) bool {
			return slices.ContainsFunc(strings.Split(word, "|"), func(one string) bool { return slices.Contains(tokens, one) })
		})
	}
	list := slices.Clone(all)
	slices.SortStableFunc(list, func(a, b words) int { return cmp.Compare(shared(b), shared(a)) })
	return fmt.Sprintf("the nearest sentences are %q and %q", list[0], list[1])
}
