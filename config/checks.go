package config

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// quickest is the shortest interval, time-out or recheck: less would only measure the watcher.
const quickest = 10 * time.Millisecond

// readChecks reads the list checks of the pool that publishes record.
func readChecks(pool *section, record string) []Check {
	names := map[string]place{}
	checks := need(pool, "checks", "write at least one check, such as checks: [{kind: http}]",
		listOf(1, "{kind: http}", func(v value) (Check, bool) {
			s, ok := v.section()
			if !ok {
				return Check{}, false
			}
			c := readCheck(s, record)
			s.once("name", c.Name, "checks of this pool", names)
			return c, true
		}))
	nameChecks(checks)
	return checks
}

// nameChecks gives a name to the checks that have none: their kind, with a number if that is taken.
func nameChecks(checks []Check) {
	taken := map[string]bool{}
	for _, c := range checks {
		taken[c.Name] = true
	}
	for i := range checks {
		if checks[i].Name != "" {
			continue
		}
		name := string(checks[i].Kind)
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s-%d", checks[i].Kind, n)
		}
		checks[i].Name, taken[name] = name, true
	}
}

// readCheck reads one check.
func readCheck(s *section, record string) Check {
	kind := need(s, "kind", "write http, https, tcp or tls", oneOf("kind", KindHTTP, KindHTTPS, KindTCP, KindTLS))
	c := Check{Kind: kind, Name: read(s, "name", "", name)}
	refuseForeignKeys(s, kind)
	c.Port = readPort(s, kind)
	if kind != KindTCP {
		c.Host = read(s, "host", record, dnsName)
	}
	if kind != KindTCP && kind != KindTLS {
		readHTTP(s, &c)
	}
	readTiming(s, &c)
	c.Fall = read(s, "fall", 3, integer(1, 100))
	c.Clear = read(s, "clear", 1, integer(1, 100))
	c.Rise = read(s, "rise", 2, integer(1, 100))
	s.done()
	return c
}

// refuseForeignKeys reports the keys that mean nothing to the kind.
func refuseForeignKeys(s *section, kind Kind) {
	request := []string{"path", "method", "headers", "status", "body"}
	message := fmt.Sprintf("does not apply to a %s check", kind)
	switch kind {
	case KindTCP:
		s.refuse(request, message, "remove it, or write kind: http or kind: https")
		s.refuse([]string{"host"}, message, "remove it, or write kind: tls")
	case KindTLS:
		s.refuse(request, message, "remove it, or write kind: https")
	case KindHTTP, KindHTTPS:
	}
}

// readPort reads the port of a check.
func readPort(s *section, kind Kind) uint16 {
	fallback := 0
	switch kind {
	case KindHTTP:
		fallback = 80
	case KindHTTPS, KindTLS:
		fallback = 443
	case KindTCP:
		return uint16(need(s, "port", "write the port of a tcp check, such as port: 443", integer(1, 65535)))
	}
	return uint16(read(s, "port", fallback, integer(1, 65535)))
}

// readHTTP reads what only http and https checks have.
func readHTTP(s *section, c *Check) {
	c.Path = read(s, "path", "/", requestPath)
	c.Method = read(s, "method", http.MethodGet,
		oneOf("method", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost))
	c.Headers = read(s, "headers", nil, headers)
	c.Status = read(s, "status", []StatusRange{{Low: 200, High: 399}}, listOf(1, "200-399", statusRange))
	c.Body = read(s, "body", "", text)
	if c.Method == http.MethodHead && c.Body != "" {
		s.at("body", "an answer to HEAD has no body", "remove it, or write method: GET")
	}
}

// readTiming reads the interval, and the two times that it bounds. What is left out of these shrinks to fit.
func readTiming(s *section, c *Check) {
	const interval = 5 * time.Second
	before := len(s.doc.errs)
	c.Interval = read(s, "interval", interval, duration(quickest, 24*time.Hour))
	c.Timeout = read(s, "timeout", min(2*time.Second, c.Interval), duration(quickest, 24*time.Hour))
	c.Recheck = read(s, "recheck", min(500*time.Millisecond, c.Interval), duration(quickest, 24*time.Hour))
	if len(s.doc.errs) > before {
		return
	}
	longer := fmt.Sprintf("is longer than the interval of %s", s.shownAs("interval", short(interval)))
	hint := "shorten it, or write a longer interval"
	if c.Timeout > c.Interval {
		s.at("timeout", longer, hint)
	}
	if c.Recheck > c.Interval {
		s.at("recheck", longer, hint)
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
