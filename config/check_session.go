package config

import "regexp"

// Session is what a session check asks for, and how it tells which backend has answered. Exactly one of
// BackendHeader, BackendCookie and BackendBody is set.
type Session struct {
	Path          string            // path and query, begins with a slash
	Headers       map[string]Secret // further headers by canonical name; secret, for they carry tokens
	Status        []StatusRange     // the codes that pass, at least one range
	Cookie        string            // the cookie that carries the session
	BackendHeader string            // the answer's header that names the backend
	BackendCookie string            // the cookie that must keep its value
	BackendBody   string            // a regular expression (RE2) whose one group names the backend
}

// sessionKind is the kind session.
func sessionKind() kindSpec {
	return kindSpec{
		kind: KindSession, port: needPort, tcp: true, read: readSession,
		keys: append(tlsKeys(), keyTLS, keyHost, "path", "headers", "status", "cookie", "backend_header", "backend_cookie", "backend_body"),
	}
}

// readSession reads what only session checks have.
func readSession(s *section, c *Check) {
	j := &Session{}
	c.Session = j
	c.TLS = readTLSIfTold(s, c.Kind)
	j.Path = read(s, "path", "/", requestPath)
	j.Headers = read(s, "headers", nil, byHeader(headerValue))
	j.Status = read(s, "status", []StatusRange{{Low: 200, High: 399}}, listOf(1, "200-399", statusRange))
	j.Cookie = need(s, "cookie", "write the cookie that carries the session, such as cookie: SRV", token("cookie", "SRV"))
	j.BackendHeader = read(s, "backend_header", "", token("header", "X-Backend"))
	j.BackendCookie = read(s, "backend_cookie", "", token("cookie", "SRV"))
	j.BackendBody = read(s, "backend_body", "", groupPattern)
	given := 0
	for _, key := range []string{"backend_header", "backend_cookie", "backend_body"} {
		if s.gives(key) {
			given++
		}
		if given > 1 {
			s.at(key, "another key names the backend already", "keep one of backend_header, backend_cookie and backend_body")
			break
		}
	}
	if given == 0 {
		s.fail("does not say what names the backend", "write backend_header, backend_cookie or backend_body")
	}
}

// token reads the name of a header or of a cookie (RFC 9110 section 5.6.2).
func token(what, example string) func(value) (string, bool) {
	return matching("[!#$%&'*+.^_`|~0-9A-Za-z-]+", "the name of a "+what+", such as "+example)
}

// groupPattern reads a regular expression that has exactly one group.
func groupPattern(v value) (string, bool) {
	got, ok := text(v)
	if !ok {
		return "", false
	}
	pattern, err := regexp.Compile(got)
	switch {
	case err != nil:
		v.wants("a regular expression", "its syntax is that of RE2; put it in single quotes, so that a backslash is one")
	case pattern.NumSubexp() != 1:
		v.wants("a regular expression with one group", `write one such as 'served by (\w+)'; (?:…) groups without being one`)
	default:
		return got, true
	}
	return "", false
}
