package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rrwatch/failover"
)

// words is a sentence with gaps: "AWS loses <count> answer|answers to <action>".
// A word with a bar is read either way, and written the second way where the
// arguments are several. Of a sentence and its arguments each line of an outage
// text is made, and read again.
type words string

// write fills the gaps.
func (w words) write(args []string) string {
	var out []string
	several, next := slices.ContainsFunc(args, plural), 0
	for word := range strings.FieldsSeq(string(w)) {
		if isGap(word) {
			word = args[next]
			next++
		} else if one, more, both := strings.Cut(word, "|"); both {
			word = one
			if several {
				word = more
			}
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

// plural reports whether an argument stands for several things.
func plural(arg string) bool {
	n, err := strconv.Atoi(arg)
	return arg == "all" || strings.Contains(arg, ", ") || err == nil && n != 1
}

func isGap(word string) bool { return strings.HasPrefix(word, "<") }

// gaps are the names of the gaps.
func (w words) gaps() []string {
	var list []string
	for word := range strings.FieldsSeq(string(w)) {
		if isGap(word) {
			list = append(list, strings.Trim(word, "<>"))
		}
	}
	return list
}

// read takes a line apart; not ok: it is another sentence.
func (w words) read(tokens []string) (args []string, ok bool) {
	pattern := tokensOf(string(w))
	for n, word := range pattern {
		if len(tokens) == 0 {
			return nil, false
		}
		switch {
		case isGap(word) && n == len(pattern)-1 && word == "<rest>":
			return append(args, strings.Join(tokens, " ")), true
		case isGap(word):
			args = append(args, tokens[0])
		case !slices.Contains(strings.Split(word, "|"), tokens[0]):
			return nil, false
		}
		tokens = tokens[1:]
	}
	return args, len(tokens) == 0
}

// tokensOf splits a line into words. A quoted text is one word, and so is a
// list: "lb-1, lb-2".
func tokensOf(line string) []string {
	var list []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		token, err := strconv.QuotedPrefix(line)
		if err != nil {
			token = line
			if end := strings.IndexFunc(line, unicode.IsSpace); end >= 0 {
				token = line[:end]
			}
		}
		line = line[len(token):]
		if n := len(list); n > 0 && strings.HasSuffix(list[n-1], ",") {
			list[n-1] += " " + token
			continue
		}
		list = append(list, token)
	}
	return list
}

// gap checks what fills a gap, and says it in the one way in which it is
// written.
func (s *stormSite) gap(kind, arg string) (string, error) {
	switch kind {
	case "instances":
		return s.list(arg, "instance", s.instanceNames())
	case "instance":
		return s.oneOf(arg, "instance", s.instanceNames())
	case "member":
		return s.oneOf(arg, "member", s.memberNames())
	case "zone":
		return s.oneOf(arg, "zone", s.zones)
	case "pool":
		return s.oneOf(arg, "pool", s.poolNames())
	case "action":
		return s.oneOf(arg, "AWS action", awsActions())
	case "where":
		return s.oneOf(arg, "place", []string{killBefore, killAfter, killAnswered})
	case "guard", "cause", "rest":
		return arg, nil
	case "duration":
		d, err := time.ParseDuration(arg)
		if err != nil || d < 0 {
			return "", fmt.Errorf("%q is no duration; write one as 250ms, 30s or 5m", arg)
		}
		return short(d), nil
	case "count":
		n, err := strconv.Atoi(arg)
		if err != nil || n < 0 {
			return "", fmt.Errorf("%q is no number; write one as 3", arg)
		}
		return strconv.Itoa(n), nil
	case "text":
		text, err := strconv.Unquote(arg)
		if err != nil {
			return "", fmt.Errorf("%s is no text; write it in double quotes", arg)
		}
		return strconv.Quote(text), nil
	}
	panic("no such gap: " + kind)
}

func (s *stormSite) oneOf(arg, what string, all []string) (string, error) {
	if slices.Contains(all, arg) {
		return arg, nil
	}
	return "", fmt.Errorf("%q is no %s; write one of %s", arg, what, strings.Join(all, ", "))
}

func (s *stormSite) list(arg, what string, all []string) (string, error) {
	if arg == "all" {
		return arg, nil
	}
	for one := range strings.SplitSeq(arg, ", ") {
		if _, err := s.oneOf(one, what, all); err != nil {
			return "", fmt.Errorf("%w, several as %s, %s, or all", err, all[0], all[len(all)-1])
		}
	}
	return arg, nil
}

// short writes a duration without what is zero: 5m, not 5m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// args are what fills the gaps of a sentence. They were checked when it was
// read, so that reading them again cannot fail.
type args []string

func (a args) duration(n int) time.Duration {
	d, err := time.ParseDuration(a[n])
	if err != nil {
		panic(err)
	}
	return d
}

func (a args) count(n int) int {
	i, err := strconv.Atoi(a[n])
	if err != nil {
		panic(err)
	}
	return i
}

func (a args) text(n int) string {
	text, err := strconv.Unquote(a[n])
	if err != nil {
		panic(err)
	}
	return text
}

func (a args) guard(n int) failover.Guard { return failover.Guard(a[n]) }

// awsActions are the calls that rrwatch makes.
func awsActions() []string {
	return []string{
		"AssociateAddress", "ChangeResourceRecordSets", "DescribeAddresses", "DescribeInstances", "DescribeInstanceStatus",
		"ListResourceRecordSets", "GetChange", "ListHostedZonesByName", "GetHostedZone",
	}
}
