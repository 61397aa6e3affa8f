package config

import (
	"fmt"
	"strings"
	"time"
)

// Heartbeat is how often a load balancer must be heard, and how it is known.
type Heartbeat struct {
	Every time.Duration // silence for longer than this fails; at least 1 s
	Token Secret        // what each heartbeat must bring, at least 16 characters
}

// heartbeatKind is the kind heartbeat. Nothing is dialled, so it has no port.
func heartbeatKind() kindSpec {
	return kindSpec{kind: KindHeartbeat, port: noPort, read: readHeartbeat, keys: []string{"every", keyToken, keyTokenFile}}
}

const (
	keyToken     = "token"
	keyTokenFile = "token_file"
)

// shortestToken is the least length of a heartbeat's token, in characters: 16 of hexadecimal digits are 64 bits,
// which nobody guesses over a network.
const shortestToken = 16

// readHeartbeat reads what only heartbeat checks have.
func readHeartbeat(s *section, c *Check) {
	c.Heartbeat = &Heartbeat{Every: read(s, "every", 15*time.Second, duration(time.Second, 24*time.Hour))}
	before := len(s.doc.errs)
	token := s.secret(keyToken)
	key, hint := keyToken, "make one with: openssl rand -hex 16"
	if s.gives(keyTokenFile) {
		key = keyTokenFile
	}
	switch secret := token.Reveal(); {
	case len(s.doc.errs) > before:
	case secret == "":
		s.doc.fail(s.node, join(s.path, keyToken), "is missing", hint)
	case len(secret) < shortestToken:
		s.at(key, fmt.Sprintf("is shorter than %d characters", shortestToken), hint)
	case strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		s.at(key, "holds a character that an HTTP header does not carry", hint)
	}
	c.Heartbeat.Token = token
}
