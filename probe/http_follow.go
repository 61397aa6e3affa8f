package probe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// hop is one page that is asked for: the first, or where a redirect led. It is
// never changed, so that all probes of a question share the first.
type hop struct {
	number  int      // redirects before it
	secure  bool     // over TLS
	port    uint16   // of the address; 0: the target's
	at      *url.URL // what a Location is relative to
	send    string   // the request's body
	request *http.Request
	text    []byte // the request as HTTP/1.1 writes it
}

// shown is the page's URL without what may be secret.
func (h *hop) shown() string { return shown(h.at) }

func shown(u *url.URL) string {
	plain := url.URL{Scheme: u.Scheme, Opaque: u.Opaque, Host: u.Host, Path: u.Path}
	return clip(plain.String())
}

// firstHop is the page that the question is about.
func (o HTTPOptions) firstHop() (*hop, error) {
	scheme := "http"
	if o.TLS != nil {
		scheme = "https"
	}
	h := &hop{secure: o.TLS != nil, send: o.Send}
	if err := o.compose(h, o.Method, scheme, o.Path); err != nil {
		return nil, err
	}
	at := *h.request.URL
	at.Host = o.Host
	h.at = &at
	return h, nil
}

// compose builds the request of a hop.
func (o HTTPOptions) compose(h *hop, method, scheme, path string) error {
	var body io.Reader = http.NoBody
	if h.send != "" {
		body = strings.NewReader(h.send)
	}
	//nolint:noctx // the connection's deadline bounds the exchange, and HTTP/2 gives it the probe's context
	request, err := http.NewRequest(method, scheme+"://address"+path, body)
	if err != nil {
		return fmt.Errorf("build the request: %w", err)
	}
	request.Host = o.Host
	request.Header = o.Header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "rrwatch")
	}
	request.Close = true
	var text bytes.Buffer
	if err := request.Write(&text); err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	h.request, h.text = request, text.Bytes()
	return nil
}

// follows reports that an answer leads to another page, which is asked next.
func (o HTTPOptions) follows(r *http.Response) bool {
	leads := []int{
		http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
	}
	return o.Follow > 0 && slices.Contains(leads, r.StatusCode) && r.Header.Get("Location") != ""
}

// onward is the page that an answer leads to, or why it is not asked.
func (o HTTPOptions) onward(from *hop, r *http.Response) (*hop, string) {
	to, err := from.at.Parse(r.Header.Get("Location"))
	if err != nil {
		return nil, "answered " + r.Status + " with a Location that is no URL"
	}
	says := fmt.Sprintf("answered %s, to %s", r.Status, shown(to))
	if from.number >= o.Follow {
		return nil, fmt.Sprintf("%s, after %s already", says, plural(from.number, "redirect"))
	}
	port, err := o.onwardPort(from, to)
	if err != nil {
		return nil, says + ", " + err.Error()
	}
	next := &hop{number: from.number + 1, secure: to.Scheme == "https", port: port, at: to, send: from.send}
	method := from.request.Method
	// RFC 9110 section 15.4: 303 asks for a GET, and after 301 and 302 browsers
	// turn a POST into one.
	if r.StatusCode == http.StatusSeeOther && method != http.MethodHead ||
		r.StatusCode < http.StatusSeeOther && method == http.MethodPost {
		method, next.send = http.MethodGet, ""
	}
	if err := o.compose(next, method, to.Scheme, to.RequestURI()); err != nil {
		return nil, says + ", which cannot be asked for"
	}
	return next, ""
}

var (
	errNoPage  = errors.New("which is no page")
	errNotBack = errors.New("from https back to http")
	errNoPort  = errors.New("which has no right port")
	errAnother = errors.New("another site")
)

// onwardPort is the port of the address that a page is asked on; 0 is the
// target's. An error says why it is not asked at all: the page must be on the
// same site, for of another name nobody knows that this address serves it.
//
// A server hears a name without a port from us, whatever port it listens on: a
// Location of the same scheme without a port means the port that was asked.
func (o HTTPOptions) onwardPort(from *hop, to *url.URL) (uint16, error) {
	switch {
	case to.Scheme != "http" && to.Scheme != "https":
		return 0, errNoPage
	case !sameName(to.Hostname(), o.Host):
		return 0, fmt.Errorf("%w: only redirects within %s are followed", errAnother, o.Host)
	case from.secure && to.Scheme == "http":
		// What was sent over TLS, tokens too, is not sent again in the clear.
		return 0, errNotBack
	case to.Port() != "":
		port, err := strconv.ParseUint(to.Port(), 10, 16)
		if err != nil || port == 0 {
			return 0, errNoPort
		}
		return uint16(port), nil
	case to.Scheme == from.at.Scheme:
		return from.port, nil
	}
	return 443, nil
}
