package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"rrwatch/eip"
	"rrwatch/failover"
)

// verdict is how good a finding is.
type verdict string

// The verdicts; only a fail makes the exit status 1.
const (
	findingOK   verdict = "ok"
	findingFail verdict = "fail"
	findingWarn verdict = "warning"
	findingNote verdict = "note"
)

// mark is how a verdict begins a line.
func (v verdict) mark() string {
	switch v {
	case findingOK:
		return "ok    "
	case findingFail:
		return "FAIL  "
	case findingWarn:
		return "warn  "
	case findingNote:
	}
	return "note  "
}

// finding is one thing that was found, as --json has it.
type finding struct {
	Result     verdict        `json:"result"`
	Pool       string         `json:"pool,omitempty"` // empty: it is of no single pool
	Text       string         `json:"text"`
	Lint       *failover.Lint `json:"lint,omitempty"`       // that it is
	Permission *permission    `json:"permission,omitempty"` // that it is about
}

// permission is what a finding says of one permission.
type permission struct {
	Action    string `json:"action"`
	On        string `json:"on,omitempty"`
	Needed    bool   `json:"needed"`
	Permitted bool   `json:"permitted"`
}

// findings prints what was found as it comes, one line each, or all at the end
// as JSON.
type findings struct {
	out    io.Writer
	asJSON bool
	bad    bool // something is wrong
	warned int

	pool string // that is looked at; empty: none
	list []finding
	told map[string]bool // see once
}

// of is for the findings of a pool from now on.
func (f *findings) of(pool string) { f.pool = pool }

func (f *findings) say(good bool, format string, args ...any) {
	f.add(finding{Result: okIf(good), Text: fmt.Sprintf(format, args...)})
}

func okIf(good bool) verdict {
	if good {
		return findingOK
	}
	return findingFail
}

func (f *findings) note(text string) { f.add(finding{Result: findingNote, Text: text}) }

// add takes in a finding. In print what follows the first line of its text, and
// what is of a pool, is indented.
func (f *findings) add(one finding) {
	one.Pool, one.Text = f.pool, strings.TrimPrefix(one.Text, "  ")
	f.bad = f.bad || one.Result == findingFail
	if one.Result == findingWarn {
		f.warned++
	}
	if f.asJSON {
		f.list = append(f.list, one)
		return
	}
	indent := ""
	if f.pool != "" {
		indent = "  "
	}
	fmt.Fprintln(f.out, one.Result.mark()+indent+strings.ReplaceAll(one.Text, "\n", "\n      "+indent))
}

// once reports whether this has not been told of the account; pools of one
// account share some permissions.
func (f *findings) once(account any, text string) bool {
	key := fmt.Sprintf("%v %s", account, text)
	if f.told == nil {
		f.told = map[string]bool{}
	}
	was := f.told[key]
	f.told[key] = true
	return !was
}

// end prints what is left to print.
func (f *findings) end() error {
	f.pool = ""
	if f.asJSON {
		encoder := json.NewEncoder(f.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(struct {
			OK       bool      `json:"ok"`
			Findings []finding `json:"findings"`
		}{!f.bad, f.list}); err != nil {
			return fmt.Errorf("print what was found: %w", err)
		}
		return failedUnless(!f.bad)
	}
	if f.bad {
		return errFailed
	}
	text := "nothing is missing"
	switch f.warned {
	case 0:
	case 1:
		text += ", and there is one warning"
	default:
		text += fmt.Sprintf(", and there are %d warnings", f.warned)
	}
	f.say(true, "%s", text)
	return nil
}

// lints tells what an operator should change, or know of.
func (f *findings) lints(list []failover.Lint) {
	for _, l := range list {
		result := findingNote
		if l.Severity == failover.SeverityWarning {
			result = findingWarn
		}
		f.add(finding{Result: result, Text: fmt.Sprintf("%s (%s)", l.Sentence, l.Name), Lint: &l})
	}
}

// permissions tells of what was tried in an account: in print those that are as
// they should be together, and each of the others.
func (f *findings) permissions(account any, list []eip.Permission) {
	var good, denied []string // in the order in which they were tried
	tries := map[string]int{}
	for _, p := range list {
		one := judgedPermission(p)
		switch text := one.Text; {
		case p.On == "" && !f.once(account, text):
		case f.asJSON || one.Result != findingOK:
			f.add(one)
		case p.Needed:
			if tries[p.Action]++; tries[p.Action] == 1 {
				good = append(good, p.Action)
			}
		default:
			if tries[p.Action]++; tries[p.Action] == 1 {
				denied = append(denied, p.Action)
			}
		}
	}
	if len(good) > 0 {
		f.say(true, "permitted, as needed: %s", counted(good, tries))
	}
	if len(denied) > 0 {
		f.say(true, "not permitted, nor needed: %s", counted(denied, tries))
	}
}

// counted lists actions, with how often each was tried if it was more than once.
func counted(actions []string, tries map[string]int) string {
	words := make([]string, 0, len(actions))
	for _, action := range actions {
		if n := tries[action]; n > 1 {
			action += fmt.Sprintf(" (%d tries)", n)
		}
		words = append(words, action)
	}
	return strings.Join(words, ", ")
}

// judgedPermission is what a permission means. What was not tried, or could not
// be, is no failure of the policy.
func judgedPermission(p eip.Permission) finding {
	one := finding{
		Result: findingOK, Text: p.Action,
		Permission: &permission{Action: p.Action, On: p.On, Needed: p.Needed, Permitted: p.OK},
	}
	unknown := strings.HasPrefix(p.Detail, "not tried") || strings.HasPrefix(p.Detail, "not known")
	switch {
	case unknown:
		one.Result = findingNote
	case p.Needed && !p.OK:
		one.Result = findingFail
	case !p.Needed && p.OK:
		one.Result = findingWarn
	}
	if p.On != "" {
		one.Text += " on " + p.On
	}
	if p.Detail != "" {
		one.Text += ": " + p.Detail
	}
	return one
}
