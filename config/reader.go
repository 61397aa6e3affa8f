package config

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// document is one file while it is read.
type document struct {
	name   string
	env    func(string) (string, bool)
	errs   Errors
	merges int // how often a mapping was merged into another

	poolNames []string // those that stand in the file itself, not in a variable: the ones that may be shown
}

// maxMerges bounds the work of mappings that merge mappings that merge mappings.
const maxMerges = 1000

// value is a node of the file, with its path and its text.
type value struct {
	doc    *document
	node   *yaml.Node // never an alias
	path   string
	text   string // of a scalar, with its environment variables in place; must not be printed
	broken bool   // the value cannot be used, which was reported
}

// value follows aliases and puts environment variables in place.
func (d *document) value(node *yaml.Node, path string) value {
	node = resolve(node)
	v := value{doc: d, node: node, path: path, text: node.Value}
	switch {
	case isNull(node):
		v.fail("has no value", "write one, or remove it")
		v.broken = true
	case v.isText():
		text, problem, hint := expand(node.Value, d.env)
		if problem != "" {
			v.fail(problem, hint)
			v.broken = true
		}
		v.text = text
	}
	return v
}

// resolve returns the node that an alias stands for.
func resolve(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

// fail reports a mistake at the value.
func (v value) fail(message, hint string) {
	v.doc.fail(v.node, v.path, message, hint)
}

// fail reports a mistake at a node.
func (d *document) fail(node *yaml.Node, path, message, hint string) {
	d.errs = append(d.errs, Error{
		File: d.name, Line: node.Line, Column: node.Column, Path: path, Message: message, Hint: hint,
	})
}

// isText reports whether the value is text, not a number, a truth value, a list or a mapping.
func (v value) isText() bool {
	return v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!str"
}

// isExpanded reports whether the value's text was made from variables.
func (v value) isExpanded() bool {
	return v.isText() && strings.Contains(v.node.Value, "$")
}

// wants reports that the value is not what it should be; it shows the value as the file has it.
func (v value) wants(what, hint string) {
	v.fail("wants "+what+", not "+v.shown(), hint)
}

// shown is the value as the file has it, without the values of variables.
func (v value) shown() string {
	const longest = 60
	switch v.node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.DocumentNode, yaml.AliasNode, yaml.StreamNode, yaml.ScalarNode:
	}
	text := v.node.Value
	if utf8.RuneCountInString(text) > longest {
		text = string([]rune(text)[:longest]) + "…"
	}
	if v.isText() {
		return fmt.Sprintf("%q", text)
	}
	return text
}

// section is a mapping while it is read. Every key that is asked for is known; done reports the others.
type section struct {
	value
	entries []entry
	known   []string
}

// entry is one key of a mapping.
type entry struct {
	name string
	key  *yaml.Node
	node *yaml.Node
}

// section opens the value as a mapping; false if it is none, which is reported.
func (v value) section() (*section, bool) {
	if v.broken {
		return nil, false
	}
	if v.node.Kind != yaml.MappingNode {
		v.wants("keys and their values, such as name: www", "")
		return nil, false
	}
	return &section{value: v, entries: v.entries(map[*yaml.Node]bool{})}, true
}

// entries lists the keys of a mapping, those of the mappings that are merged into it (<<) last. open holds the
// mappings that are being listed now, for an anchor may lead back to itself.
func (v value) entries(open map[*yaml.Node]bool) []entry {
	var own []entry
	var merged []*yaml.Node
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, node := resolve(v.node.Content[i]), v.node.Content[i+1]
		path := join(v.path, key.Value)
		switch {
		case key.Tag == "!!merge":
			merged = append(merged, node)
		case key.Kind != yaml.ScalarNode || key.Tag != "!!str":
			v.doc.fail(key, v.path, "wants text as a key", "put the key in quotes")
		default:
			if first := find(own, key.Value); first != nil {
				v.doc.fail(key, path, fmt.Sprintf("was given at %d:%d already", first.key.Line, first.key.Column),
					"keep one of the two")
				continue
			}
			own = append(own, entry{name: key.Value, key: key, node: node})
		}
	}
	open[v.node] = true
	for _, node := range merged {
		for _, e := range v.merge(node, open) {
			if find(own, e.name) == nil {
				own = append(own, e)
			}
		}
	}
	delete(open, v.node)
	return own
}

// merge lists the keys of a mapping, or of a list of mappings, that is merged into another.
func (v value) merge(node *yaml.Node, open map[*yaml.Node]bool) []entry {
	node = resolve(node)
	v.doc.merges++
	switch {
	case open[node]:
		v.doc.fail(node, v.path, "is merged into itself", "remove the << that leads back here")
	case v.doc.merges == maxMerges:
		v.doc.fail(node, v.path, "is merged too often", fmt.Sprintf("use << at most %d times", maxMerges-1))
	case v.doc.merges > maxMerges:
	case node.Kind == yaml.MappingNode:
		return value{doc: v.doc, node: node, path: v.path}.entries(open)
	case node.Kind == yaml.SequenceNode:
		var all []entry
		open[node] = true
		for _, item := range node.Content {
			all = append(all, v.merge(item, open)...)
		}
		delete(open, node)
		return all
	default:
		v.doc.fail(node, v.path, "wants a mapping after <<", "write <<: *name, with an anchor &name at a mapping")
	}
	return nil
}

// find returns the entry of that name; nil if there is none.
func find(entries []entry, name string) *entry {
	for i := range entries {
		if entries[i].name == name {
			return &entries[i]
		}
	}
	return nil
}

// join adds a key to a path.
func join(path, key string) string {
	if key == "" || strings.ContainsAny(key, ". []\"\n") || utf8.RuneCountInString(key) > 60 {
		return fmt.Sprintf("%s[%.60q]", path, key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
