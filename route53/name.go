package route53

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// normal is a name as failover compares it: lower case, without the trailing dot, and each character either as itself or, where
// that could not be told from something else, escaped as \ooo in octal. Route 53 lists a–z, 0–9, - and _ as themselves and all
// others escaped, and takes both from people (developer guide, DNS domain name format); a dot and a backslash within a label,
// spaces, and what is not printable stay escaped.
func normal(name string) string {
	var b strings.Builder
	end := 0 // of b, without trailing dots
	for len(name) > 0 {
		c, n := character(name)
		switch {
		case c == '.' && n == 1:
			b.WriteByte('.')
			name = name[n:]
			continue
		case 'A' <= c && c <= 'Z':
			b.WriteByte(c + 'a' - 'A')
		case ' ' < c && c <= '~' && c != '.' && c != '\\':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\%03o`, c)
		}
		name, end = name[n:], b.Len()
	}
	return b.String()[:end]
}

// character is the first character of a name, and how many bytes it takes there: more than one if it is escaped.
func character(name string) (c byte, n int) {
	if name[0] != '\\' || len(name) == 1 {
		return name[0], 1
	}
	if len(name) >= 4 {
		if v, err := strconv.ParseUint(name[1:4], 8, 8); err == nil {
			return byte(v), 4
		}
	}
	return name[1], 2
}

// inDNS is a normalised name as DNS libraries write it, which escape in decimal (RFC 1035, section 5.1).
func inDNS(name string) string {
	if !strings.Contains(name, `\`) {
		return name
	}
	var b strings.Builder
	for len(name) > 0 {
		c, n := character(name)
		if n > 1 {
			fmt.Fprintf(&b, `\%03d`, c)
		} else {
			b.WriteByte(c)
		}
		name = name[n:]
	}
	return b.String()
}

// inOrder is normalised names as Route 53 lists them, each once: ordered by their labels from the right, com.example.www. with
// its dot at the end (API reference, ListResourceRecordSets).
func inOrder(names []string) []string {
	reversed := func(name string) string {
		labels := strings.Split(name, ".")
		slices.Reverse(labels)
		return strings.Join(labels, ".") + "."
	}
	names = slices.Clone(names)
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(reversed(a), reversed(b)) })
	return slices.Compact(names)
}
