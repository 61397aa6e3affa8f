package config

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Endpoint is one page that is asked for as users do, by its name. It is watched beside the pool's members, and moves
// nothing.
type Endpoint struct {
	Name     string         // lower-case letters, digits and hyphens; unique among the pool's checks and endpoints
	URL      string         // as it may be shown: without its query, which may hold a token
	TLS      bool           // the URL begins with https
	Host     string         // the name that is resolved and spoken of, lower-case
	Port     uint16         // 1 to 65535
	HTTP     HTTP           // what is asked for, and what is expected
	Resolver netip.AddrPort // who resolves the name; zero: the system's resolver
	WarnDays int            // an end of the certificate within so many days is a warning, 0 to 365; 0: never, and without TLS
	Interval time.Duration  // from one question to the next; at least 10 ms
	Timeout  time.Duration  // when an unanswered question has failed, the resolving included; at least 10 ms, at most Interval
	Recheck  time.Duration  // from a first fail to the next question; at least 10 ms, at most Interval
	Fall     int            // fails until users count as not served, 1 to 100
	Clear    int            // passes in a row that forget earlier fails, 1 to 100
	Rise     int            // passes in a row until they count as served again, 1 to 100
}

// readEndpoints reads the list endpoints of a pool that has these checks.
func readEndpoints(pool *section, checks []Check) []Endpoint {
	ofChecks := map[string]bool{}
	for _, c := range checks {
		ofChecks[c.Name] = true
	}
	names := map[string]place{}
	endpoints := read(pool, "endpoints", nil,
		listOf(0, "{url: https://www.example.com/login}", func(v value) (Endpoint, bool) {
			s, ok := v.section()
			if !ok {
				return Endpoint{}, false
			}
			e := readEndpoint(s)
			s.once("name", e.Name, "endpoints of this pool", names)
			if ofChecks[e.Name] {
				s.at("name", fmt.Sprintf("a check of this pool has the name %q", s.shownAs("name", "")), "write another")
			}
			return e, true
		}))
	nameEndpoints(endpoints, ofChecks)
	return endpoints
}

// nameEndpoints gives a name to the endpoints that have none: users, with a number if that is taken.
func nameEndpoints(endpoints []Endpoint, taken map[string]bool) {
	for _, e := range endpoints {
		taken[e.Name] = true
	}
	for i := range endpoints {
		if endpoints[i].Name != "" {
			continue
		}
		endpoints[i].Name = freeName("users", taken)
	}
}

// readEndpoint reads one endpoint.
func readEndpoint(s *section) Endpoint {
	page := need(s, "url", "write the page that users ask for, such as url: https://www.example.com/", pageURL)
	e := Endpoint{
		Name: read(s, "name", "", name),
		TLS:  page.Scheme == "https", Host: strings.TrimSuffix(strings.ToLower(page.Hostname()), "."), Port: portOf(page),
		Resolver: read(s, "resolver", netip.AddrPort{}, addrPort),
		HTTP: HTTP{
			Path: page.RequestURI(),
			Method: read(s, "method", http.MethodGet,
				oneOf("method", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost)),
			Headers: read(s, "headers", nil, byHeader(headerValue)),
			Status:  read(s, "status", []StatusRange{{Low: 200, High: 399}}, listOf(1, "200-399", statusRange)),
			Body:    read(s, "body", "", text),
		},
		Fall: read(s, "fall", 3, integer(1, 100)), Clear: read(s, "clear", 1, integer(1, 100)), Rise: read(s, "rise", 2, integer(1, 100)),
	}
	if warnDays := read(s, "warn_days", 14, integer(0, 365)); e.TLS {
		e.WarnDays = warnDays
	}
	page.RawQuery = ""
	e.URL = page.String()
	if e.HTTP.Method == http.MethodHead && e.HTTP.Body != "" {
		s.at("body", "an answer to HEAD has no body", "remove it, or write method: GET")
	}
	p := readPace(s, pace{interval: 30 * time.Second, timeout: 5 * time.Second, recheck: 5 * time.Second})
	e.Interval, e.Timeout, e.Recheck = p.interval, p.timeout, p.recheck
	s.done()
	return e
}

// pageURL reads the URL of a page, by a name. It is never shown: its query may hold a token.
func pageURL(v value) (url.URL, bool) {
	u, err := url.Parse(v.text)
	if !v.isText() || err != nil || u.Hostname() == "" || !slices.Contains([]string{"https", "http"}, u.Scheme) {
		v.fail("wants a URL that begins with https:// or http://", "")
		return url.URL{}, false
	}
	switch {
	case u.User != nil:
		v.fail("holds a user or a password", "remove what stands before the @, and write it as a header")
	case u.Fragment != "":
		v.fail("holds a part after #, which browsers do not send", "remove it")
	case !isDNSName(strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")):
		v.fail("wants a URL with a name such as www.example.com in it, for its addresses are looked up", "")
	case portOf(*u) == 0:
		v.fail("wants a port from 1 to 65535 in the URL, or none", "")
	case strings.ContainsAny(v.text, " \t"):
		v.fail("holds a space", "write %20 instead")
	default:
		return *u, true
	}
	return url.URL{}, false
}

// portOf is the port of a URL, that of its scheme if it has none; 0 if it is wrong.
func portOf(u url.URL) uint16 {
	switch {
	case strings.HasSuffix(u.Host, ":"):
		return 0
	case u.Port() == "" && u.Scheme == "https":
		return 443
	case u.Port() == "":
		return 80
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}
