package simulator_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// cliStep is one call of a script and what must come of it, as testdata/aws-cli/README.txt says.
type cliStep struct {
	line  int
	words []string
	want  string
}

// readScript reads a script of testdata/aws-cli.
func readScript(text string) ([]cliStep, error) {
	var steps []cliStep
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for n := 0; n < len(lines); {
		if lines[n] == "" || strings.HasPrefix(lines[n], "#") {
			n++
			continue
		}
		call, ok := strings.CutPrefix(lines[n], "> ")
		if !ok {
			return nil, fmt.Errorf("line %d: %q: a call begins with >, a comment with #", n+1, lines[n])
		}
		s := cliStep{line: n + 1}
		s.words, ok = splitWords(call)
		for n++; !ok; n++ {
			if n == len(lines) {
				return nil, fmt.Errorf("line %d: the call has no end: a quote is open", s.line)
			}
			call += "\n" + lines[n]
			s.words, ok = splitWords(call)
		}
		end := n
		for end < len(lines) && lines[end] != "" && !strings.HasPrefix(lines[end], "> ") {
			end++
		}
		s.want = strings.Join(lines[n:end], "\n")
		steps = append(steps, s)
		n = end
	}
	return steps, nil
}

// splitWords splits a call as a shell does; whole is false inside quotes and after a last backslash.
func splitWords(call string) (words []string, whole bool) {
	var word []rune
	var quote rune
	inside, escaped := false, false
	for _, r := range call {
		switch {
		case escaped:
			if quote == '"' && !strings.ContainsRune("\"\\\n", r) {
				word = append(word, '\\')
			}
			if r != '\n' {
				word, inside = append(word, r), true
			}
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, inside = r, true
		case quote == 0 && strings.ContainsRune(" \t\n", r):
			if inside {
				words = append(words, string(word))
			}
			word, inside = nil, false
		default:
			word, inside = append(word, r), true
		}
	}
	if inside {
		words = append(words, string(word))
	}
	return words, quote == 0 && !escaped
}

// names are the texts that a script has given names to.
type names map[string]string

func namesIn() *regexp.Regexp { return regexp.MustCompile(`\$([A-Za-z0-9_]+)(=?)`) }

// fill replaces the names in a word of a call.
func (n names) fill(word string) (string, error) {
	var unknown error
	filled := namesIn().ReplaceAllStringFunc(word, func(name string) string {
		text, ok := n[strings.Trim(name, "$=")]
		if !ok {
			unknown = fmt.Errorf("%s stands for nothing yet", name)
		}
		return text + strings.Repeat("=", strings.Count(name, "="))
	})
	return filled, unknown
}

// hide writes a text with the names of what it contains, the longest first.
func (n names) hide(text string) string {
	byLength := slices.SortedFunc(maps.Keys(n), func(a, b string) int { return len(n[b]) - len(n[a]) })
	for _, name := range byLength {
		if n[name] != "" {
			text = strings.ReplaceAll(text, n[name], "$"+name)
		}
	}
	return text
}

// comparison collects how what was printed differs from what a script expects, and the new names in it.
type comparison struct {
	known names
	found names
	wrong []string
}

func (c *comparison) differ(path, format string, args ...any) {
	c.wrong = append(c.wrong, path+": "+fmt.Sprintf(format, args...))
}

// text compares texts, of which the expected one may have names in it.
func (c *comparison) text(path, want, got string) {
	var expr strings.Builder
	var captures []string
	rest := want
	for _, at := range namesIn().FindAllStringSubmatchIndex(want, -1) {
		before := len(want) - len(rest)
		expr.WriteString(regexp.QuoteMeta(want[before:at[0]]))
		rest = want[at[1]:]
		name := want[at[2]:at[3]]
		known, ok := c.known[name]
		switch captured := at[4] != at[5]; {
		case captured && ok:
			c.differ(path, "$%s= names something again; take another name", name)
		case captured:
			expr.WriteString("((?s).+?)")
			captures = append(captures, name)
		case !ok:
			c.differ(path, "$%s stands for nothing yet", name)
		default:
			expr.WriteString(regexp.QuoteMeta(known))
		}
	}
	expr.WriteString(regexp.QuoteMeta(rest))
	found := regexp.MustCompile("^" + expr.String() + "$").FindStringSubmatch(got)
	if found == nil {
		c.differ(path, "got %q, want %q", c.known.hide(got), want)
		return
	}
	for i, name := range captures {
		if name != "_" {
			c.found[name] = found[i+1]
		}
	}
}

// value compares what was read from JSON.
func (c *comparison) value(path string, want, got any) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			c.differ(path, "got %v, want an object", got)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(w)) {
			if v, ok := g[key]; ok {
				c.value(path+"."+key, w[key], v)
			} else {
				c.differ(path+"."+key, "is missing")
			}
		}
		for _, key := range slices.Sorted(maps.Keys(g)) {
			if _, ok := w[key]; !ok {
				c.differ(path+"."+key, "is not expected")
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			c.differ(path, "want %d elements", len(w))
			return
		}
		for i := range w {
			c.value(fmt.Sprintf("%s[%d]", path, i), w[i], g[i])
		}
	case string:
		if g, ok := got.(string); ok {
			c.text(path, w, g)
			return
		}
		c.differ(path, "got %v, want %q", got, w)
	default:
		if want != got {
			c.differ(path, "got %v, want %v", got, want)
		}
	}
}

// compare compares what was printed with what is expected.
func (n names) compare(want, got string) (found names, wrong []string) {
	c := comparison{known: n, found: names{}}
	var wantJSON, gotJSON any
	want, got = strings.TrimSpace(want), strings.TrimSpace(got)
	switch {
	case readJSON(want, &wantJSON) != nil:
		c.text("the text", want, got)
	case readJSON(got, &gotJSON) != nil:
		c.differ("the whole", "is no JSON")
	default:
		c.value("", wantJSON, gotJSON)
	}
	return c.found, c.wrong
}

func readJSON(text string, into *any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("%q goes on after its end", text)
	}
	return nil
}
