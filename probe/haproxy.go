package probe

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// haproxyPageLimit is what is read of a page of HAProxy's, in bytes. Its CSV has about 400 bytes a server, its
// Prometheus page 6,000.
const haproxyPageLimit = 16 << 20

// haproxyRowLimit is the longest row or line that is read, in bytes. HAProxy makes each within one buffer, of 16 KiB
// unless tune.bufsize says otherwise.
const haproxyRowLimit = 64 << 10

// HAProxyOptions say where HAProxy's page is and what is expected of it.
type HAProxyOptions struct {
	TLS     *TLSOptions // nil: plain http; its Name and Dial are filled in from here
	Host    string      // the Host header, and with TLS the name
	Path    string      // of the CSV (the stats uri and ";csv") or of the Prometheus page
	Header  http.Header // with the Authorization that the page wants, if any
	Backend string      // empty: the only backend that has servers
	Servers int         // so many must be up, at least 1
	Backups bool        // backup servers count when no other server is up, as in HAProxy's nbsrv
	Dial    Dial
}

// HAProxy passes when HAProxy itself says that a backend has enough servers up. What it says is read from its
// statistics as CSV or from its Prometheus page; the page tells which it is.
//
// The counts are HAProxy's own, those by which it balances: servers that are up, also those that begin to fail, with a
// weight above 0, neither draining nor in maintenance nor told by their own check to take no new sessions (NOLB). They
// stand in the BACKEND row as act and bck, and as haproxy_backend_active_servers and haproxy_backend_backup_servers.
// The servers' rows only explain.
//
// A backend that the page does not have fails, for nothing serves there: it may have gone with this instance's
// configuration. A name that was never right has never passed either, and then nothing is moved. But when no backend
// is asked for and the page has several, the question is at fault and not the address: that is Inconclusive.
func HAProxy(o HAProxyOptions) Func {
	return HTTP(HTTPOptions{
		TLS: o.TLS, Method: http.MethodGet, Host: o.Host, Path: o.Path, Header: o.Header,
		Status: []StatusRange{{100, 599}}, // o.look says more of an unexpected one
		Dial:   o.Dial, look: o.look,
	})
}

// look reads an answer of any status.
func (o HAProxyOptions) look(response *http.Response, body io.Reader) (Answer, error) {
	if response.StatusCode != http.StatusOK {
		return Answer{Verdict: Fail, Reason: Status, Detail: "answered " + clip(response.Status) + o.hint(response.StatusCode)}, nil
	}
	limited := &io.LimitedReader{R: body, N: haproxyPageLimit}
	page := bufio.NewReader(limited)
	c := &census{want: o.Backend, needed: o.Servers, backups: o.Backups}
	why, err := c.read(page, response.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return Answer{}, err
	case limited.N <= 0 && !c.settled():
		return Answer{Verdict: Fail, Reason: TooLarge, Detail: "the page is longer than 16 MiB; CSV is the shorter one"}, nil
	case why != "":
		return Answer{Verdict: Fail, Reason: Protocol, Detail: why}, nil
	}
	return c.answer(), nil
}

// hint is what to do about a status.
func (o HAProxyOptions) hint(status int) string {
	switch {
	case status == http.StatusUnauthorized && o.Header.Get("Authorization") == "":
		return ": the page wants a user and a password, give the check basic_auth"
	case status == http.StatusUnauthorized:
		return ": the page refuses this user or password"
	case status == http.StatusNotFound, status == http.StatusServiceUnavailable:
		return ": is this the path of HAProxy's statistics?"
	}
	return ""
}

// read reads a page as what it is. It stops where nothing that follows matters. why is what is wrong with a page that
// is none of HAProxy's.
func (c *census) read(page *bufio.Reader, contentType string) (why string, err error) {
	kind, _, _ := mime.ParseMediaType(contentType)
	if kind == "text/html" {
		return "an HTML page: the path of HAProxy's CSV is its stats uri with ;csv at the end", nil
	}
	begin, err := page.Peek(len(csvBegin))
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if kind == "text/csv" || string(begin) == csvBegin {
		return c.readCSV(page)
	}
	return c.readPrometheus(page)
}

// noHAProxyPage is why a page that begins so is none of HAProxy's.
func noHAProxyPage(begin string) string {
	begin, _, _ = strings.Cut(begin, "\n")
	if begin == "" {
		return "an empty page, neither HAProxy's CSV nor its Prometheus page"
	}
	return "neither HAProxy's CSV nor its Prometheus page, which begins " + strings.TrimSpace(clip(begin))
}
