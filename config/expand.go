package config

import (
	"fmt"
	"strings"
)

// expand puts the values of environment variables in the place of ${NAME}, and a dollar in the place of $$. A
// problem never holds the text nor the value of a variable: either may be secret.
func expand(text string, env func(string) (string, bool)) (expanded, problem, hint string) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String(), "", ""
		}
		if after, ok := strings.CutPrefix(rest, "$"); ok {
			b.WriteByte('$')
			text = after
			continue
		}
		name, after, ok := variable(rest)
		if !ok {
			return "", "holds a $ that begins no ${NAME}", "write ${NAME} for an environment variable, $$ for a dollar"
		}
		value, ok := env(name)
		if !ok {
			return "", fmt.Sprintf("the environment variable %s is not set", name), "set it, or write the value here"
		}
		b.WriteString(value)
		text = after
	}
}

// variable reads {NAME} from the front of text.
func variable(text string) (name, after string, ok bool) {
	inner, ok := strings.CutPrefix(text, "{")
	if !ok {
		return "", "", false
	}
	name, after, ok = strings.Cut(inner, "}")
	if !ok || name == "" || name[0] >= '0' && name[0] <= '9' {
		return "", "", false
	}
	odd := strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	return name, after, !odd
}
