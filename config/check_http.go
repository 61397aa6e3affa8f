package config

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// HTTP is what an http or https check asks for, and what it expects.
type HTTP struct {
	Path    string            // path and query, begins with a slash
	Method  string            // GET, HEAD, OPTIONS or POST
	Headers map[string]Secret // further headers by canonical name; secret, for they carry tokens
	Status  []StatusRange     // the codes that pass, at least one range
	Body    string            // text that the body must contain; empty: any body passes
}

// StatusRange is a range of HTTP status codes, both ends included, within 100 to 599.
type StatusRange struct {
	Low, High int
}

// Contains reports whether the range holds code.
func (r StatusRange) Contains(code int) bool {
	return r.Low <= code && code <= r.High
}

// httpKind is the kind http, or https.
func httpKind(kind Kind, port int) kindSpec {
	return kindSpec{
		kind: kind, port: port, tcp: true, read: readHTTP,
		keys: []string{keyHost, "path", "method", "headers", "status", "body"},
	}
}

// readHTTP reads what only http and https checks have.
func readHTTP(s *section, c *Check) {
	h := &HTTP{}
	c.HTTP = h
	h.Path = read(s, "path", "/", requestPath)
	h.Method = read(s, "method", http.MethodGet,
		oneOf("method", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost))
	h.Headers = read(s, "headers", nil, headers)
	h.Status = read(s, "status", []StatusRange{{Low: 200, High: 399}}, listOf(1, "200-399", statusRange))
	h.Body = read(s, "body", "", text)
	if h.Method == http.MethodHead && h.Body != "" {
		s.at("body", "an answer to HEAD has no body", "remove it, or write method: GET")
	}
}

// requestPath reads the path and query of a request.
func requestPath(v value) (string, bool) {
	got, ok := text(v)
	if !ok {
		return "", false
	}
	_, err := url.ParseRequestURI(got)
	if err != nil || !strings.HasPrefix(got, "/") || strings.ContainsAny(got, " #") {
		v.wants("a path such as /healthz", "")
		return "", false
	}
	return got, true
}

// headers reads the headers of a request. Their values are not shown: they may be tokens.
func headers(v value) (map[string]Secret, bool) {
	// RFC 9110 section 5.6.2 says what a header's name is made of.
	token := regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	given, ok := mapOf(func(key string, v value) (Secret, bool) {
		switch {
		case !token.MatchString(key):
			v.fail("is no name of a header", "write one such as X-Probe")
		case http.CanonicalHeaderKey(key) == "Host":
			v.fail("Host is not set here", "write the key host of the check")
		case !v.isText():
			v.fail("wants text", "put it in quotes")
		case strings.ContainsFunc(v.text, func(r rune) bool { return r < ' ' && r != '\t' || r == '\x7f' }):
			v.fail("holds a line break or another control character", "remove it")
		default:
			return Secret(v.text), true
		}
		return "", false
	})(v)
	all := make(map[string]Secret, len(given))
	for key, secret := range given {
		all[http.CanonicalHeaderKey(key)] = secret
	}
	if len(all) < len(given) {
		v.fail("names a header twice", "keep one of the two: capitals make no difference")
	}
	return all, ok
}

// statusRange reads a status code, or two with a hyphen between them.
func statusRange(v value) (StatusRange, bool) {
	before, after, isRange := strings.Cut(v.text, "-")
	if !isRange {
		after = before
	}
	low, errLow := strconv.Atoi(before)
	high, errHigh := strconv.Atoi(after)
	if v.node.Kind != yaml.ScalarNode || errLow != nil || errHigh != nil || low < 100 || high > 599 || low > high {
		v.wants("a status code or a range within 100 to 599, such as 200 or 200-399", "")
		return StatusRange{}, false
	}
	return StatusRange{Low: low, High: high}, true
}
