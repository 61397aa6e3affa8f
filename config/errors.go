package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in a configuration file. It never holds a secret or the value of an environment variable.
type Error struct {
	File    string // the name the file was read under
	Line    int    // from 1; 0 when the mistake has no place, such as a file that is missing
	Column  int    // from 1, in characters; 0 when Line is
	Path    string // the key, such as pools[0].checks[0].interval; empty when the mistake belongs to no key
	Message string // what is wrong
	Hint    string // what to write or do instead; may be empty

	cause error
}

// Error returns file:line:column: path: message; hint.
func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	if e.Path != "" {
		b.WriteString(": " + e.Path)
	}
	b.WriteString(": " + e.Message)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the error of the operating system that made a file unreadable, so that errors.Is finds
// fs.ErrNotExist; nil for a mistake in the text.
func (e Error) Unwrap() error { return e.cause }

// Errors is all mistakes of a configuration file, sorted by place. It is the error that Load and Parse return.
type Errors []Error

// Error returns one line a mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the mistakes, for errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	each := make([]error, len(e))
	for i, one := range e {
		each[i] = one
	}
	return each
}

// sort orders the mistakes by place, then by path, and drops those that say the same twice.
func (e Errors) sort() Errors {
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path),
		)
	})
	return slices.CompactFunc(e, func(a, b Error) bool { return a.Error() == b.Error() })
}
