package config

import "strings"

// BasicAuth is a user and a password, as RFC 7617 sends them.
type BasicAuth struct {
	User     string // not empty, without a colon
	Password Secret // not empty
}

// keyBasicAuth is the key of a user and a password.
const keyBasicAuth = "basic_auth"

// readBasicAuth reads the user and the password of a check that has these headers; nil when none are given.
func readBasicAuth(s *section, headers map[string]Secret) *BasicAuth {
	auth := read(s, keyBasicAuth, nil, basicAuth)
	if _, given := headers["Authorization"]; given && auth != nil {
		s.at(keyBasicAuth, "the headers have an Authorization already", "keep one of the two")
	}
	return auth
}

// basicAuth reads a user and a password.
func basicAuth(v value) (*BasicAuth, bool) {
	s, ok := v.section()
	if !ok {
		return nil, false
	}
	a := &BasicAuth{User: need(s, "user", "write the user's name", userName), Password: s.secret("password")}
	if find(s.entries, "password") == nil && find(s.entries, "password_file") == nil {
		s.at("password", "is missing", "write password or password_file")
	}
	s.done()
	return a, true
}

// userName reads the name of a user. RFC 7617 section 2: what stands before the first colon is the user.
func userName(v value) (string, bool) {
	got, ok := text(v)
	if ok && (strings.Contains(got, ":") || strings.ContainsFunc(got, isControl)) {
		v.fail("holds a colon or a control character", "remove it: no user's name has one")
		return "", false
	}
	return got, ok
}
