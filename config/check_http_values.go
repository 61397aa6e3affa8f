package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// isHeaderName reports whether s can be the name of a header: RFC 9110 section 5.6.2 says what it is made of.
func isHeaderName(s string) bool {
	return regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$").MatchString(s)
}

// headerName reads the name of a header.
func headerName(v value) (string, bool) {
	got, ok := text(v)
	if ok && !isHeaderName(got) {
		v.wants("the name of a header such as X-Maintenance", "")
		return "", false
	}
	return http.CanonicalHeaderKey(got), ok
}

// byHeader reads a mapping of headers, each value by parse, to one by the headers' canonical names.
func byHeader[T any](parse func(name string, v value) (T, bool)) func(value) (map[string]T, bool) {
	return func(v value) (map[string]T, bool) {
		given, ok := mapOf(func(key string, v value) (T, bool) {
			if !isHeaderName(key) {
				var none T
				v.fail("is no name of a header", "write one such as X-Probe")
				return none, false
			}
			return parse(http.CanonicalHeaderKey(key), v)
		})(v)
		all := make(map[string]T, len(given))
		for key, item := range given {
			all[http.CanonicalHeaderKey(key)] = item
		}
		if len(all) < len(given) {
			v.fail("names a header twice", "keep one of the two: capitals make no difference")
		}
		return all, ok
	}
}

// headerValue reads the value of a header that is sent. It is not shown: it may be a token.
func headerValue(name string, v value) (Secret, bool) {
	switch {
	case name == "Host":
		v.fail("Host is not set here", "write the key host of the check")
	case !v.isText():
		v.fail("wants text", "put it in quotes")
	case strings.ContainsFunc(v.text, func(r rune) bool { return isControl(r) && r != '\t' }):
		v.fail("holds a line break or another control character", "remove it")
	default:
		return Secret(v.text), true
	}
	return "", false
}

// pattern reads a regular expression.
func pattern(v value) (*regexp.Regexp, bool) {
	got, ok := text(v)
	if !ok {
		return nil, false
	}
	re, err := regexp.Compile(got)
	if err != nil {
		hint := ""
		if why, ok := errors.AsType[*syntax.Error](err); ok {
			hint = "it has: " + why.Code.String() // without the expression, which may come from a variable
		}
		v.wants("a regular expression", hint)
		return nil, false
	}
	return re, true
}

// jsonScalar reads a value that is expected at a path of a JSON body, and returns it as JSON writes it.
func jsonScalar(path string, v value) (string, bool) {
	switch {
	case path == "":
		v.fail("has no path", "write the path of a value, such as checks.db.up")
		return "", false
	case v.isText():
		encoded, err := json.Marshal(v.text)
		return string(encoded), err == nil
	case v.node.Kind == yaml.ScalarNode && json.Valid([]byte(v.text)):
		return v.text, true
	case v.node.Kind == yaml.ScalarNode:
		v.wants("a value as JSON writes it", "put it in quotes if it is text")
		return "", false
	}
	v.wants("text, a number, true or false", "write the path down to one, such as checks.db.up")
	return "", false
}

// size reads an amount of bytes within least to most.
func size(least, most int64) func(value) (int64, bool) {
	return func(v value) (int64, bool) {
		if !v.isText() {
			hint := ""
			if _, err := strconv.Atoi(v.node.Value); err == nil && v.node.Kind == yaml.ScalarNode {
				hint = "write the unit, as in " + v.node.Value + "KiB"
			}
			v.wants("a size such as 64KiB", hint)
			return 0, false
		}
		n, ok := parseSize(v.text)
		switch {
		case !ok:
			v.wants("a size such as 64KiB", "units are B, KiB and MiB")
		case n < least:
			v.wants("a size of at least "+shortSize(least), "")
		case n > most:
			v.wants("a size of at most "+shortSize(most), "")
		default:
			return n, true
		}
		return 0, false
	}
}

// parseSize reads 512B, 64KiB and 1MiB.
func parseSize(s string) (int64, bool) {
	for _, unit := range []struct {
		name  string
		bytes uint64
	}{{"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}} {
		number, ok := strings.CutSuffix(s, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil || n > math.MaxInt64/unit.bytes {
			return 0, false
		}
		return int64(n * unit.bytes), true
	}
	return 0, false
}

// shortSize writes a size as a person would.
func shortSize(n int64) string {
	switch {
	case n > 0 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n > 0 && n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return fmt.Sprintf("%dB", n)
}
