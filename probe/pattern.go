package probe

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pattern is a regular expression (RE2) over bytes: \xff is the byte 0xff and
// nothing else, and what is no UTF-8 can be expected like any other answer.
type pattern struct {
	text string // as it was written, for humans
	re   *regexp.Regexp
}

// compilePattern compiles an expression; flags stand as in (?flags).
func compilePattern(text, flags string) (pattern, error) {
	re, err := regexp.Compile("(?" + flags + ")" + string(widen([]byte(text))))
	if err != nil {
		return pattern{}, fmt.Errorf("compile what is expected: %w", err)
	}
	return pattern{text: text, re: re}, nil
}

// find is where the expression first matches in data; nil if it does not.
func (p pattern) find(data []byte) (at []int) {
	wide := widen(data)
	at = p.re.FindIndex(wide)
	if at == nil || len(wide) == len(data) {
		return at
	}
	return []int{utf8.RuneCount(wide[:at[0]]), utf8.RuneCount(wide[:at[1]])}
}

// widen makes a character of every byte: package regexp knows characters only.
// What is ASCII stays what it is.
func widen(data []byte) []byte {
	high := 0
	for _, b := range data {
		if b >= utf8.RuneSelf {
			high++
		}
	}
	if high == 0 {
		return data
	}
	wide := make([]byte, 0, len(data)+high)
	for _, b := range data {
		wide = utf8.AppendRune(wide, rune(b))
	}
	return wide
}

// String is the expression in quotes, for humans.
func (p pattern) String() string { return `"` + clipTo(p.text, 60) + `"` }

// excerptOf is what a target said, in quotes and with escapes as an expression has
// them. What it repeats of the text that was sent is left out, for that may be a
// password.
func excerptOf(came []byte, sent string) string {
	const (
		least  = 3   // shorter pieces give nothing away, and are the same by chance
		limit  = 100 // characters that are shown
		window = 400 // bytes that are looked at: some are left out
	)
	came = came[:min(len(came), window)]
	var b strings.Builder
	for len(came) > 0 {
		n := repeated(came, sent)
		if n < least {
			b.WriteByte(came[0])
			came = came[1:]
			continue
		}
		b.WriteString("…")
		came = came[n:]
	}
	return clipTo(strconv.Quote(b.String()), limit)
}

// repeated is how many bytes at the beginning of came are somewhere in sent.
func repeated(came []byte, sent string) int {
	n := 0
	for n < len(came) && strings.Contains(sent, string(came[:n+1])) {
		n++
	}
	return n
}

// lastLine is the last line of text that says something.
func lastLine(text []byte) []byte {
	text = bytes.TrimRight(text, "\r\n")
	return text[bytes.LastIndexByte(text, '\n')+1:]
}
