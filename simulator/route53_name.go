package simulator

import (
	"cmp"
	"fmt"
	"strings"
)

// maxLabel and maxName bound a domain name, in bytes (Route 53 developer guide, "DNS domain name format").
const (
	maxLabel = 63
	maxName  = 255
)

// normalName returns a DNS name as it is kept here: in lower case, without trailing dot, each printable character plain and
// every other one as a three-digit octal escape, and so are the backslash and a dot inside a label.
func normalName(name string) string {
	name = strings.TrimSuffix(name, ".")
	if plain(name, "*") {
		return name
	}
	var out strings.Builder
	for i := 0; i < len(name); i++ {
		c, escaped := octal(name[i:])
		if escaped {
			i += 3
		} else {
			c = name[i]
		}
		switch {
		case c >= 'A' && c <= 'Z':
			out.WriteByte(c - 'A' + 'a')
		case c <= ' ' || c > '~' || c == '\\' || c == '.' && escaped:
			fmt.Fprintf(&out, `\%03o`, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// wireName writes a normalised name as Route 53 does: with a trailing dot, and all but letters, digits, hyphen and
// underscore as octal escapes.
func wireName(name string) string {
	if plain(name, "") {
		return name + "."
	}
	var out strings.Builder
	for i := range len(name) {
		if c := name[i]; plain(name[i:i+1], `\`) {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, `\%03o`, c)
		}
	}
	return out.String() + "."
}

// plain says whether a name has only characters that Route 53 writes as they are, or some others.
func plain(name, others string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return true
}

// octal returns the byte that an escape of three octal digits at the beginning of s stands for.
func octal(s string) (c byte, ok bool) {
	if len(s) < 4 || s[0] != '\\' || s[1] > '3' {
		return 0, false
	}
	n := 0
	for _, digit := range []byte(s[1:4]) {
		if digit < '0' || digit > '7' {
			return 0, false
		}
		n = n*8 + int(digit-'0')
	}
	return byte(n), true
}

// badName returns what is wrong with a name, normalised or not, as Route 53 says it; empty if nothing is.
func badName(name string) string {
	const fatal = "FATAL problem: %s encountered with '%s'"
	normal := normalName(name)
	if normal == "" {
		return fmt.Sprintf(fatal, "DomainLabelEmpty (Domain label is empty)", name)
	}
	length := 0
	for label := range strings.SplitSeq(normal, ".") {
		bytes := len(label) - 3*strings.Count(label, `\`)
		length += bytes + 1
		switch {
		case bytes == 0:
			return fmt.Sprintf(fatal, "DomainLabelEmpty (Domain label is empty)", name)
		case bytes > maxLabel:
			return fmt.Sprintf(fatal, "DomainLabelTooLong (Domain label is too long)", label)
		}
	}
	if length > maxName {
		return fmt.Sprintf(fatal, "DomainNameTooLong (Domain name is too long)", name)
	}
	return ""
}

// compareNames orders normalised names as the lists of Route 53 do: by what it writes, with the labels reversed and a dot
// behind each (com.example.www.), so that a hyphen, which is less than a dot, comes before the end of a label (API
// reference, ListResourceRecordSets).
func compareNames(a, b string) int {
	if a == b {
		return 0
	}
	a, b = strings.TrimSuffix(wireName(a), "."), strings.TrimSuffix(wireName(b), ".")
	for a != "" && b != "" {
		var x, y string
		a, x = cutLast(a)
		b, y = cutLast(b)
		if c := compareLabels(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// cutLast cuts the last label off a name.
func cutLast(name string) (rest, label string) {
	at := strings.LastIndexByte(name, '.')
	return name[:max(at, 0)], name[at+1:]
}

// compareLabels compares two labels as if each had a dot behind it.
func compareLabels(a, b string) int {
	n := min(len(a), len(b))
	if c := cmp.Compare(a[:n], b[:n]); c != 0 || len(a) == len(b) {
		return c
	}
	if len(a) > n {
		return cmp.Compare(a[n], '.')
	}
	return cmp.Compare('.', b[n])
}

// within says whether a normalised name is a zone's name or below it.
func within(name, zone string) bool {
	return name == zone || strings.HasSuffix(name, "."+zone)
}
