package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// text reads any text.
func text(v value) (string, bool) {
	if v.isText() {
		return v.text, true
	}
	hint := ""
	if v.node.Kind == yaml.ScalarNode {
		hint = "put it in quotes"
	}
	v.wants("text", hint)
	return "", false
}

// matching reads text of a pattern; what says in words what the pattern wants.
func matching(pattern, what string) func(value) (string, bool) {
	re := regexp.MustCompile(`^(?:` + pattern + `)$`)
	return func(v value) (string, bool) {
		got, ok := text(v)
		if !ok {
			return "", false
		}
		if !re.MatchString(got) {
			v.wants(what, "")
			return "", false
		}
		return got, true
	}
}

// name reads the name of a pool or check.
func name(v value) (string, bool) {
	return matching(`[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`, "a name of at most 63 lower-case letters, digits and hyphens")(v)
}

// oneOf reads one of the words of an enum; key is what the enum is called.
func oneOf[T ~string](key string, words ...T) func(value) (T, bool) {
	return func(v value) (T, bool) {
		known := make([]string, len(words))
		for i, word := range words {
			known[i] = string(word)
			if v.isText() && v.text == known[i] {
				return word, true
			}
		}
		near := nearest(v.node.Value, known)
		switch {
		case !v.isText():
			v.wants(orList(known), "")
		case near != "":
			v.fail(fmt.Sprintf("unknown %s %s", key, v.shown()), fmt.Sprintf("did you mean %s?", near))
		default:
			v.fail(fmt.Sprintf("unknown %s %s", key, v.shown()), "write "+orList(known))
		}
		return "", false
	}
}

// integer reads a whole number within low to high.
func integer(low, high int) func(value) (int, bool) {
	return func(v value) (int, bool) {
		what := fmt.Sprintf("a whole number from %d to %d", low, high)
		if v.node.Kind != yaml.ScalarNode || v.isText() && !v.isExpanded() {
			hint := ""
			if _, err := strconv.Atoi(v.node.Value); err == nil {
				hint = "remove the quotes"
			}
			v.wants(what, hint)
			return 0, false
		}
		n, err := strconv.Atoi(v.text)
		// 010 is 8 to some readers of YAML and 10 to others.
		if err != nil || n < low || n > high || strconv.Itoa(n) != v.text {
			v.wants(what, "")
			return 0, false
		}
		return n, true
	}
}

// truth reads true or false.
func truth(v value) (bool, bool) {
	if v.node.Kind == yaml.ScalarNode && (v.text == "true" || v.text == "false") && (!v.isText() || v.isExpanded()) {
		return v.text == "true", true
	}
	hint := ""
	if v.isText() && (v.text == "true" || v.text == "false") {
		hint = "remove the quotes"
	}
	v.wants("true or false", hint)
	return false, false
}

// duration reads a length of time within shortest to longest.
func duration(shortest, longest time.Duration) func(value) (time.Duration, bool) {
	return func(v value) (time.Duration, bool) {
		if !v.isText() {
			hint := ""
			if _, err := strconv.Atoi(v.node.Value); err == nil && v.node.Kind == yaml.ScalarNode {
				hint = "write the unit, as in " + v.node.Value + "s"
			}
			v.wants("a duration such as 5s", hint)
			return 0, false
		}
		d, ok := parseDuration(v.text)
		if !ok {
			v.wants("a duration such as 5s", "units are ms, s, m, h and d")
			return 0, false
		}
		if d < shortest {
			v.wants("a duration of at least "+short(shortest), "")
			return 0, false
		}
		if d > longest {
			v.wants("a duration of at most "+short(longest), "")
			return 0, false
		}
		return d, true
	}
}

// longestDays is more days than anything in a configuration lasts, and fewer than a time.Duration holds.
const longestDays = 100 * 365

// parseDuration reads what time.ParseDuration reads, and days before it: 30d, 1d12h.
func parseDuration(s string) (time.Duration, bool) {
	var days int
	if before, after, found := strings.Cut(s, "d"); found {
		n, err := strconv.ParseUint(before, 10, 31)
		if err != nil || n > longestDays {
			return 0, false
		}
		days, s = int(n), after
		if s == "" {
			s = "0"
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > longestDays*24*time.Hour {
		return 0, false
	}
	return time.Duration(days)*24*time.Hour + d, true
}

// short writes a duration as a person would: 31d, not 744h0m0s.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// listOf reads a list of at least so many items, each by parse; what is an example of an item.
func listOf[T any](least int, what string, parse func(value) (T, bool)) func(value) ([]T, bool) {
	return func(v value) ([]T, bool) {
		if v.node.Kind != yaml.SequenceNode {
			v.wants("a list such as ["+what+"]", "")
			return nil, false
		}
		if len(v.node.Content) < least {
			v.fail("is an empty list", "write at least one, such as ["+what+"]")
			return nil, false
		}
		var items []T
		for i, node := range v.node.Content {
			item := v.doc.value(node, fmt.Sprintf("%s[%d]", v.path, i))
			if item.broken {
				continue
			}
			if got, ok := parse(item); ok {
				items = append(items, got)
			}
		}
		return items, true
	}
}

// unique reads a list and reports items that are in it twice.
func unique[T comparable](v value, items []T) bool {
	for i := range items {
		for j := range i {
			if items[i] == items[j] && len(items) == len(v.node.Content) {
				item := v.doc.value(v.node.Content[i], fmt.Sprintf("%s[%d]", v.path, i))
				item.fail(item.shown()+" is in the list twice", "remove one")
				return false
			}
		}
	}
	return true
}

// mapOf reads a mapping of free keys, each value by parse.
func mapOf[T any](parse func(key string, v value) (T, bool)) func(value) (map[string]T, bool) {
	return func(v value) (map[string]T, bool) {
		s, ok := v.section()
		if !ok {
			return nil, false
		}
		all := make(map[string]T, len(s.entries))
		for _, e := range s.entries {
			item := v.doc.value(e.node, join(v.path, e.name))
			if item.broken {
				continue
			}
			if got, ok := parse(e.name, item); ok {
				all[e.name] = got
			}
		}
		return all, true
	}
}
