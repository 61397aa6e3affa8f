package config

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// HTTP is what an http or https check asks for, and what it expects.
type HTTP struct {
	Path      string            // path and query, begins with a slash
	Method    string            // GET, HEAD, OPTIONS or POST
	Version   HTTPVersion       // of the protocol
	Headers   map[string]Secret // further headers by canonical name; secret, for they carry tokens
	BasicAuth *BasicAuth        // whom to be; nil: nobody
	Send      Secret            // the body of the request, at most 64 KiB; empty: none
	Follow    int               // redirects that are followed, 0 to 10

	Status        []StatusRange             // the codes that pass, at least one range
	ExpectHeaders map[string]*regexp.Regexp // by canonical name: a value of the header must match
	Body          string                    // text that the body must contain; empty: any body passes
	BodyRegexp    *regexp.Regexp            // what the body must match; nil: any body passes
	JSON          map[string]string         // the scalars, as JSON writes them, that must stand at dotted paths
	MaxBody       int64                     // the longest body that passes, in bytes, at most 16 MiB; 0: any
}

// HTTPVersion is the version of HTTP that a check speaks.
type HTTPVersion string

// The versions.
const (
	HTTP11   HTTPVersion = "1.1"
	HTTP2    HTTPVersion = "2"
	HTTPAuto HTTPVersion = "auto" // what the other side prefers, where there is TLS to agree on it; else 1.1
)

// StatusRange is a range of HTTP status codes, both ends included, within 100 to 599.
type StatusRange struct {
	Low, High int
}

// Contains reports whether the range holds code.
func (r StatusRange) Contains(code int) bool {
	return r.Low <= code && code <= r.High
}

// Excused is how a site says that an answer which would fail is meant.
type Excused struct {
	Header string        // the canonical name of a header that the answer must have
	Value  string        // the header's value; empty: any
	Status []StatusRange // the answer's status lies in one of them, at least one
	For    time.Duration // how long excuses are believed; 1 minute to 7 days
}

// httpKind is the kind http, or https.
func httpKind(kind Kind, port int) kindSpec {
	keys := []string{
		keyHost, "path", "method", "version", "headers", keyBasicAuth, "send", "follow",
		"status", "expect_headers", "body", "body_regexp", "json", "max_body", "excused",
	}
	return kindSpec{kind: kind, port: port, tcp: true, read: readHTTP, keys: append(keys, tlsKeys()...)}
}

// readHTTP reads what only http and https checks have.
func readHTTP(s *section, c *Check) {
	h := &HTTP{}
	c.HTTP = h
	h.Path = read(s, "path", "/", requestPath)
	readSent(s, h)
	h.Version = read(s, "version", HTTP11, versionOf(HTTP11, HTTP2, HTTPAuto))
	h.Follow = read(s, "follow", 0, integer(0, 10))
	h.Status = read(s, "status", []StatusRange{{Low: 200, High: 399}}, listOf(1, "200-399", statusRange))
	h.ExpectHeaders = read(s, "expect_headers", nil, byHeader(func(_ string, v value) (*regexp.Regexp, bool) { return pattern(v) }))
	h.Body = read(s, "body", "", text)
	h.BodyRegexp = read(s, "body_regexp", nil, pattern)
	h.JSON = read(s, "json", nil, mapOf(jsonScalar))
	h.MaxBody = read(s, "max_body", 0, size(1, 16<<20))
	c.Excused = read(s, "excused", nil, excused)
	if h.Method == http.MethodHead {
		for _, key := range []string{"body", "body_regexp", "json", "max_body"} {
			if s.gives(key) {
				s.at(key, "an answer to HEAD has no body", "remove it, or write method: GET")
			}
		}
	}
	if c.Kind == KindHTTP && !s.gives("follow") {
		s.refuse(tlsKeys(), "does not apply to an http check that follows no redirects", "remove it, or write kind: https")
		return
	}
	c.TLS = readTLS(s)
}

// readSent reads what is sent beside the path. With a body the method is POST by itself.
func readSent(s *section, h *HTTP) {
	method := http.MethodGet
	h.Send = read(s, "send", "", requestBody)
	if s.gives("send") {
		method = http.MethodPost
	}
	h.Method = read(s, "method", method,
		oneOf("method", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost))
	if s.gives("send") && h.Method != http.MethodPost {
		s.at("send", h.Method+" sends no body", "remove it, or write method: POST")
	}
	h.Headers = read(s, "headers", nil, byHeader(headerValue))
	h.BasicAuth = readBasicAuth(s, h.Headers)
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

// requestBody reads what is sent as the body of a request. It is not shown: it may hold a password.
func requestBody(v value) (Secret, bool) {
	const longest = 64 << 10
	got, ok := secretText(v)
	if ok && len(got.Reveal()) > longest {
		v.fail("is longer than 64 KiB", "shorten it")
		return "", false
	}
	return got, ok
}

func isControl(r rune) bool { return r < ' ' || r == '\x7f' }

// excused reads how a site excuses an answer.
func excused(v value) (*Excused, bool) {
	s, ok := v.section()
	if !ok {
		return nil, false
	}
	e := &Excused{
		Header: need(s, "header", "write the header by which the site says so, such as header: X-Maintenance", headerName),
		Value:  read(s, "value", "", text),
		Status: read(s, "status", []StatusRange{{Low: 503, High: 503}}, listOf(1, "503", statusRange)),
		For:    read(s, "for", 4*time.Hour, duration(time.Minute, 7*24*time.Hour)),
	}
	s.done()
	return e, true
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
