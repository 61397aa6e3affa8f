package config

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Step is one step of the conversation of a tcp check. Exactly one of its fields is set.
type Step struct {
	Expect string // a regular expression (RE2) that must match in what comes
	Send   Secret // bytes to send, at most 64 KiB; secret, for they may hold a password
	TLS    bool   // go on within TLS
}

// tcpKind is the kind tcp.
func tcpKind() kindSpec {
	return kindSpec{kind: KindTCP, port: needPort, tcp: true, keys: append(tlsKeys(), "talk", keyHost), read: readTCP}
}

// readTCP reads what only tcp checks have.
func readTCP(s *section, c *Check) {
	c.Talk = read(s, "talk", nil, conversation)
	wrong := s.gives("talk") && len(c.Talk) == 0
	if wrong || slices.ContainsFunc(c.Talk, func(step Step) bool { return step.TLS }) {
		c.TLS = readTLS(s)
		return
	}
	s.refuse(append(tlsKeys(), keyHost), "is for TLS, and this check has none",
		"remove it, or write a step {tls: true} into talk")
	c.Host = "" // nothing is said of it
}

// conversation reads the steps of a conversation.
func conversation(v value) ([]Step, bool) {
	before := len(v.doc.errs)
	steps, _ := listOf(1, `{expect: "^220 "}`, step)(v)
	if len(v.doc.errs) > before {
		return nil, false
	}
	secured, expected := 0, 0
	for _, step := range steps {
		switch {
		case step.TLS:
			secured++
		case step.Expect != "":
			expected++
		}
	}
	switch {
	case secured > 1:
		v.fail("begins TLS within TLS", "keep one step {tls: true}")
	case secured+expected == 0:
		v.fail("expects nothing, so it would pass whatever comes", `write a step such as {expect: "^220 "}`)
	default:
		return steps, true
	}
	return nil, false
}

// step reads one step of a conversation. What is wrong about it is not shown: it may hold a password.
func step(v value) (Step, bool) {
	const hint = `make each its own step, such as - send: "QUIT\r\n"`
	if v.node.Kind != yaml.MappingNode {
		v.fail("wants one of expect, send, send_hex and tls", hint)
		return Step{}, false
	}
	s, _ := v.section()
	before := len(s.doc.errs)
	got := Step{
		Expect: read(s, "expect", "", lines),
		Send:   readSend(s, 64<<10),
		TLS:    read(s, "tls", false, always),
	}
	given := 0
	for _, key := range s.known {
		if s.gives(key) {
			given++
		}
	}
	s.done()
	if given != 1 && len(s.doc.errs) == before {
		v.fail("wants one of expect, send, send_hex and tls", hint)
	}
	return got, len(s.doc.errs) == before
}

// always reads true.
func always(v value) (bool, bool) {
	got, ok := truth(v)
	if ok && !got {
		v.fail("says nothing when it is false", "write true, or remove the step")
	}
	return got, ok && got
}

// lines reads an expression that is matched in lines of text.
func lines(v value) (string, bool) {
	got, ok := expression(v)
	if ok && (strings.Contains(got, `\r\n`) || strings.Contains(got, "\r\n")) {
		v.fail(`holds \r\n, which is never found`, `write \n, or $$ for the end of a line: the end of every line is seen as \n`)
		return "", false
	}
	return got, ok
}

// expression reads a regular expression.
func expression(v value) (string, bool) {
	got, ok := text(v)
	if !ok {
		return "", false
	}
	if _, err := regexp.Compile(got); err != nil {
		v.wants("a regular expression such as ^220", "its syntax is that of RE2; put it in single quotes, so that a backslash is one")
		return "", false
	}
	return got, true
}

// readSend reads what is sent, as text or as hexadecimal digits, at most so many bytes.
func readSend(s *section, most int) Secret {
	if s.gives("send") && s.gives("send_hex") {
		s.known = append(s.known, "send", "send_hex")
		s.at("send_hex", "send and send_hex are both given", "keep one of them")
		return ""
	}
	sent := read(s, "send", "", sendText) + read(s, "send_hex", "", sendHex)
	if len(sent) > most {
		key := "send"
		if s.gives("send_hex") {
			key = "send_hex"
		}
		s.at(key, fmt.Sprintf("is longer than %d bytes", most), "shorten it")
	}
	return sent
}

// sendText reads text that is sent. It is not shown: it may hold a password.
func sendText(v value) (Secret, bool) {
	// Only in double quotes does YAML make a line break of \n.
	if v.isText() && !v.isExpanded() && (strings.Contains(v.text, `\n`) || strings.Contains(v.text, `\r`)) {
		v.fail("holds the letters of \\r or \\n, not a line break", "put it in double quotes; bytes that are no text go into send_hex")
		return "", false
	}
	return secretText(v)
}

// sendHex reads bytes that are sent. They are not shown: they may hold a password.
func sendHex(v value) (Secret, bool) {
	digits := strings.Join(strings.Fields(v.text), "")
	bytes, err := hex.DecodeString(digits)
	if !v.isText() || err != nil || len(bytes) == 0 {
		v.fail("wants pairs of hexadecimal digits in quotes", `write them as in "ff 0a 54"`)
		return "", false
	}
	return Secret(bytes), true
}
