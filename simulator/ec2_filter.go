package simulator

import (
	"slices"
	"strconv"
	"strings"
)

// facts returns the values that a thing has for a filter's name, and false if its kind has no such filter.
type facts func(filter string) ([]string, bool)

// tagFacts answers the filters tag:KEY and tag-key.
func tagFacts(tags map[string]string, filter string) ([]string, bool) {
	if key, ok := strings.CutPrefix(filter, "tag:"); ok {
		if v, has := tags[key]; has {
			return []string{v}, true
		}
		return nil, true
	}
	if filter != "tag-key" {
		return nil, false
	}
	var keys []string
	for k := range tags {
		keys = append(keys, k)
	}
	return keys, true
}

// filter keeps what passes all filters of a call; a filter is passed by any of its values.
func filter[T any](c call, all []T, factsOf func(T) facts) ([]T, error) {
	var zero T
	kept := all
	for n := 1; c.form.Has("Filter." + strconv.Itoa(n) + ".Name"); n++ {
		prefix := "Filter." + strconv.Itoa(n)
		name, values := c.form.Get(prefix+".Name"), list(c, prefix+".Value")
		if _, ok := factsOf(zero)(name); !ok {
			return nil, refuse("InvalidParameterValue", "The filter '%s' is invalid", name)
		}
		if len(values) == 0 {
			return nil, refuse("InvalidParameterValue", "The filter '%s' needs a value", name)
		}
		kept = slices.DeleteFunc(slices.Clone(kept), func(t T) bool {
			has, _ := factsOf(t)(name)
			return !slices.ContainsFunc(has, func(h string) bool {
				return slices.ContainsFunc(values, func(pattern string) bool { return matches(pattern, h) })
			})
		})
	}
	return kept, nil
}

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
