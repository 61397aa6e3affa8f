package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
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
// they should be together, those that are too many together, and each of the
// others.
func (f *findings) permissions(account any, list []eip.Permission) {
	groups := map[string][]string{}
	var others []finding
	for _, p := range list {
		one := judgedPermission(p)
		if p.On == "" && !f.once(account, one.Text) {
			continue
		}
		kind := kindOf(one)
		if f.asJSON || kind == "" {
			others = append(others, one)
			continue
		}
		groups[kind] = append(groups[kind], p.Action)
		if kind == kindMore && p.On != "" {
			groups[kind][len(groups[kind])-1] += " on " + onWhat(p.On)
		}
	}
	for _, kind := range []string{kindGood, kindDenied} {
		if actions := groups[kind]; len(actions) > 0 {
			f.say(true, "%s: %s", kind, counted(actions))
		}
	}
	if actions := groups[kindMore]; len(actions) > 0 {
		f.add(finding{Result: findingWarn, Text: fmt.Sprintf("%s: %s; whoever gets hold of rrwatch's credentials may do it, too: "+
			"rrwatch iam-policy prints the least policy (docs/permissions.md)", kindMore, counted(actions))})
	}
	for _, one := range f.folded(others) {
		f.add(one)
	}
}

// folded puts those into one line, in print, that came to nothing for the same
// cause, such as a wrong Region, with the cause in AWS's words alone.
func (f *findings) folded(list []finding) []finding {
	if f.asJSON {
		return list
	}
	wrapping := regexp.MustCompile(`operation error [\w ]+: \w+, (exceeded maximum number of attempts, \d+, )?` +
		`(https response error StatusCode: \d+, RequestID: [\w-]*, )?(request send failed, (Get|Post) "[^"]*": )?`)
	var short []finding
	at := map[string]int{} // where a cause stands in short
	for _, one := range list {
		subject, cause, ok := strings.Cut(one.Text, ": ")
		plain := wrapping.ReplaceAllString(cause, "")
		if !ok || plain == cause {
			short = append(short, one)
			continue
		}
		key := string(one.Result) + plain
		if n, again := at[key]; again {
			before := strings.TrimSuffix(short[n].Text, ": "+plain)
			short[n].Text = before + ", " + subject + ": " + plain
			continue
		}
		at[key] = len(short)
		one.Text = subject + ": " + plain
		short = append(short, one)
	}
	return short
}

// countOf is a number of things: "1 address", "2 addresses".
func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// The kinds of permissions that are told together.
const (
	kindGood   = "permitted, as needed"
	kindDenied = "not permitted, nor needed"
	kindMore   = "permitted, and not needed"
)

func kindOf(one finding) string {
	switch {
	case one.Result == findingOK && one.Permission.Needed:
		return kindGood
	case one.Result == findingOK:
		return kindDenied
	case one.Result == findingWarn:
		return kindMore
	}
	return ""
}

// onWhat names what a permission was tried on. Of names that are no pool's one is
// tried for all.
func onWhat(on string) string {
	if strings.HasPrefix(on, "rrwatch-check.") {
		return "names of no pool, such as " + on
	}
	return on
}

// counted lists actions, with how often each was tried if it was more than once.
func counted(actions []string) string {
	tries := map[string]int{}
	for _, action := range actions {
		tries[action]++
	}
	var words []string
	for _, action := range actions {
		switch n := tries[action]; n {
		case 0: // it was told
		case 1:
			words = append(words, action)
		default:
			words = append(words, fmt.Sprintf("%s (%d tries)", action, n))
		}
		tries[action] = 0
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
