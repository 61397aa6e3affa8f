package config

import (
	"fmt"
	"slices"
	"strings"
)

// get returns the value of a key. An empty text counts as a key that is left out.
func (s *section) get(key string) (v value, present bool) {
	s.known = append(s.known, key)
	e := find(s.entries, key)
	if e == nil {
		return value{}, false
	}
	v = s.doc.value(e.node, join(s.path, key))
	if v.isText() && v.text == "" && !v.broken {
		return value{}, false
	}
	return v, true
}

// read returns the value of a key as parse reads it; fallback if the key is left out or its value is wrong, which
// parse reports.
func read[T any](s *section, key string, fallback T, parse func(value) (T, bool)) T {
	v, present := s.get(key)
	if !present || v.broken {
		return fallback
	}
	if got, ok := parse(v); ok {
		return got
	}
	return fallback
}

// need is read for a key that has no default; hint says what to write when it is missing.
func need[T any](s *section, key, hint string, parse func(value) (T, bool)) T {
	if s.gives(key) {
		var zero T
		return read(s, key, zero, parse)
	}
	var zero T
	s.known = append(s.known, key)
	s.doc.fail(s.node, join(s.path, key), "is missing", hint)
	return zero
}

// gives reports whether the section has a value for the key, right or wrong.
func (s *section) gives(key string) bool {
	e := find(s.entries, key)
	if e == nil {
		return false
	}
	probe := &document{env: s.doc.env}
	v := probe.value(e.node, "")
	return v.broken || !v.isText() || v.text != ""
}

// sub opens the mapping of a key; a section without keys when it is left out or wrong, so that defaults apply.
func (s *section) sub(key string) *section {
	empty := &section{value: value{doc: s.doc, node: s.node, path: join(s.path, key)}}
	return read(s, key, empty, value.section)
}

// at reports a mistake at the value of a key, or at the section when the key is left out.
func (s *section) at(key, message, hint string) {
	node := s.node
	if e := find(s.entries, key); e != nil {
		node = resolve(e.node)
	}
	s.doc.fail(node, join(s.path, key), message, hint)
}

// shownAs is the value of a key as the file has it; fallback when the key is left out.
func (s *section) shownAs(key, fallback string) string {
	if !s.gives(key) {
		return fallback
	}
	return resolve(find(s.entries, key).node).Value
}

// refuse reports those of the keys that are given.
func (s *section) refuse(keys []string, message, hint string) {
	for _, key := range keys {
		e := find(s.entries, key)
		if e == nil {
			continue
		}
		s.doc.fail(e.key, join(s.path, key), message, hint)
		s.entries = slices.DeleteFunc(s.entries, func(e entry) bool { return e.name == key })
	}
}

// done reports the keys that nobody asked for.
func (s *section) done() {
	for _, e := range s.entries {
		if slices.Contains(s.known, e.name) {
			continue
		}
		hint := "the keys here are " + strings.Join(s.known, ", ")
		if near := nearest(e.name, s.known); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		s.doc.fail(e.key, join(s.path, e.name), "unknown key", hint)
	}
}
