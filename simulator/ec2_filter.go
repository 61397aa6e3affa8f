package simulator

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// facts are the filters of one kind of thing: what a thing has for each. A filter is passed by any of the values.
type facts[T any] map[string]func(T) []string

// tagged adds the filters tag:KEY and tag-key.
type tagged[T any] struct {
	facts[T]
	tags func(T) map[string]string
}

// maxFilterValues is how many values all filters of a call may have, from the EC2 user guide, "List and filter using the CLI
// and API".
const maxFilterValues = 200

// filter keeps what passes all filters of a call, and refuses a filter that the kind of thing does not have.
func filter[T any](c call, all []T, known tagged[T]) ([]T, error) {
	kept, values := all, 0
	for _, f := range items(c, "Filter") {
		name, patterns := f.form.Get("Name"), list(f, "Value")
		has, ok := known.filter(name)
		if !ok {
			return nil, refuse("InvalidParameterValue", "The filter '%s' is invalid", name)
		}
		if len(patterns) == 0 {
			return nil, refuse("InvalidParameterValue", "The filter '%s' needs a value", name)
		}
		if values += len(patterns); values > maxFilterValues {
			return nil, refuse("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		kept = slices.DeleteFunc(slices.Clone(kept), func(t T) bool {
			return !slices.ContainsFunc(has(t), func(h string) bool {
				return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, h) })
			})
		})
	}
	return kept, nil
}

// filter finds the filter of a name.
func (k tagged[T]) filter(name string) (func(T) []string, bool) {
	if has, ok := k.facts[name]; ok {
		return has, true
	}
	if k.tags == nil {
		return nil, false
	}
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		return func(t T) []string {
			if v, ok := k.tags(t)[key]; ok {
				return []string{v}
			}
			return nil
		}, true
	}
	if name == "tag-key" {
		return func(t T) []string { return slices.Collect(maps.Keys(k.tags(t))) }, true
	}
	return nil, false
}

// one makes a filter of what a thing has once.
func one[T any](has func(T) string) func(T) []string {
	return func(t T) []string { return []string{has(t)} }
}

// each makes a filter of what a thing has several times.
func each[T, S any](parts func(T) []S, has func(S) string) func(T) []string {
	return func(t T) []string {
		var out []string
		for _, p := range parts(t) {
			out = append(out, has(p))
		}
		return out
	}
}

// moment writes a time as EC2 does; nothing for the zero one.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func yes(b bool) string { return strconv.FormatBool(b) }

// matches says whether s is what a filter's value describes: * stands for any characters, ? for one, \ takes the next as
// it is.
func matches(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	switch pattern[0] {
	case '*':
		return matches(pattern[1:], s) || s != "" && matches(pattern, s[1:])
	case '?':
		return s != "" && matches(pattern[1:], s[1:])
	case '\\':
		if len(pattern) > 1 {
			pattern = pattern[1:]
		}
	}
	return s != "" && pattern[0] == s[0] && matches(pattern[1:], s[1:])
}
