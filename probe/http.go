package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// StatusRange is a range of HTTP status codes, both ends included.
type StatusRange struct{ From, To int }

// HTTPVersion is the version of HTTP that a question is asked in.
type HTTPVersion uint8

// The versions. Without TLS nothing can be agreed on: HTTPAuto is HTTP/1.1
// there, and HTTP2 begins with HTTP/2 at once (RFC 9113 section 3.3).
const (
	HTTP1    HTTPVersion = iota // HTTP/1.1
	HTTP2                       // HTTP/2 and no other
	HTTPAuto                    // what the other side prefers (ALPN)
)

// HTTPOptions say how a page is asked for and what is expected of the answer.
type HTTPOptions struct {
	TLS       *TLSOptions // nil: plain http; its Name and Dial are filled in from here
	FollowTLS *TLSOptions // as TLS, for a redirect from plain http to https; nil: TLSOptions{}
	Version   HTTPVersion
	Method    string
	Host      string // the Host header, and with TLS the name
	Path      string // with a query, if any
	Header    http.Header
	Send      string // the request's body; empty: none

	Status       []StatusRange             // the answer's status must lie in one of them
	ExpectHeader map[string]*regexp.Regexp // by canonical name: one of the header's values must match
	Body         string                    // text that the answer's body must contain; empty: whatever
	BodyRegexp   *regexp.Regexp            // what the answer's body must match; nil: whatever
	JSON         map[string]string         // the scalars, as JSON writes them, that must stand at dotted paths of the body
	MaxBody      int64                     // the longest body that passes, in bytes; 0: any, and at most 1 MiB is read
	Follow       int                       // redirects that are followed; 0: none, a redirect is an answer
	Excuse       *Excuse                   // nil: no answer is excused
	Dial         Dial

	// judge, when set, has the last word on an answer that is as expected: it
	// sees the body's first bodyLimit bytes and says why the answer fails (an
	// empty reason: it passes) and what it found.
	judge func(response *http.Response, body []byte) (Reason, string)

	// look, when set, has the last word instead of what is expected of the body
	// and judge: it reads as much of the body as it needs while that comes, and
	// must bound what it keeps. An error is one of reading.
	look func(response *http.Response, body io.Reader) (Answer, error)
}

// Excuse is how a site says that an answer which would fail is meant.
type Excuse struct {
	Header string        // a header that the answer must have
	Value  string        // the header's value; empty: any
	Status []StatusRange // the answer's status must lie in one of them
}

// Simple reports that the question is plain HTTP/1.1 and is answered by the
// status and headers of one answer: no TLS, nothing to send after the request's
// headers, no body to look at, no redirect to follow.
func (o HTTPOptions) Simple() bool {
	return o.TLS == nil && o.Version != HTTP2 && o.Send == "" && o.Follow == 0 && !o.needsBody()
}

// HTTP passes when the address answers one request, over a connection of its
// own, as expected. A redirect that is followed stays on the address: it is
// asked over another connection, and no name is resolved.
func HTTP(o HTTPOptions) Func {
	q, err := newQuestion(o)
	return func(ctx context.Context, t Target) Answer {
		if err != nil {
			return Answer{Verdict: Inconclusive, Reason: Internal, Detail: clip(err.Error())}
		}
		p := &httpProbe{question: q, start: time.Now()}
		return p.ask(ctx, t.Addr)
	}
}

// question is what is the same for every probe.
type question struct {
	HTTPOptions
	handshake TLSOptions
	json      []jsonWant
	first     *hop
}

func newQuestion(o HTTPOptions) (*question, error) {
	q := &question{HTTPOptions: o}
	for _, given := range []*TLSOptions{o.FollowTLS, o.TLS} {
		if given != nil {
			q.handshake = *given
		}
	}
	q.handshake.Name = o.Host
	q.handshake.chains = newChains()
	q.handshake.protocols = map[HTTPVersion][]string{
		HTTP1: {"http/1.1"}, HTTP2: {"h2"}, HTTPAuto: {"h2", "http/1.1"},
	}[o.Version]
	var err error
	if q.json, err = jsonWants(o.JSON); err != nil {
		return nil, err
	}
	q.first, err = o.firstHop()
	return q, err
}

// httpProbe is one question to one address. HTTP/1.1 uses the library's wire
// format and not its Transport: no pool, no retry, no goroutine, and the
// deadline bounds every byte.
type httpProbe struct {
	*question
	start   time.Time
	phases  Phases // of several hops: their sums
	warning string
}

func (p *httpProbe) ask(ctx context.Context, addr netip.AddrPort) Answer {
	answer, next := p.visit(ctx, addr, p.first)
	last := p.first
	for ; next != nil; answer, next = p.visit(ctx, addr, next) {
		last = next
	}
	if last.number > 0 && answer.Detail != "" {
		answer.Detail = clip(fmt.Sprintf("%s (after %s, at %s)", answer.Detail, plural(last.number, "redirect"), last.shown()))
	}
	if answer.Warning = clip(answer.Warning); answer.Warning == "" {
		answer.Warning = p.warning
	}
	answer.Phases = p.phases
	answer.Phases.Whole = time.Since(p.start)
	return answer
}

// visit asks for one page over a connection of its own: it returns the answer,
// or where to ask next.
func (p *httpProbe) visit(ctx context.Context, addr netip.AddrPort, h *hop) (Answer, *hop) {
	if h.port != 0 {
		addr = netip.AddrPortFrom(addr.Addr(), h.port)
	}
	began := time.Now()
	conn, err := p.Dial(ctx, "tcp", addr.String())
	if err != nil {
		return p.failed(ctx, dialing, err), nil
	}
	p.phases.Connect += time.Since(began)
	defer abort(conn)
	stop := bound(ctx, conn)
	defer stop()
	stream := conn
	if h.secure {
		began = time.Now()
		secured, err := handshake(ctx, conn, p.handshake)
		if err != nil {
			return p.failed(ctx, handshaking, err), nil
		}
		p.phases.TLS += time.Since(began)
		p.warning = secured.chain.warning(time.Now(), p.handshake.WarnDays)
		stream = secured.Conn
	}
	exchange, err := p.exchange(ctx, stream, h)
	if err != nil {
		return p.failed(ctx, asking, err), nil
	}
	defer func() { exchange.end() }() // which opening the body replaces
	return p.judged(ctx, h, exchange)
}

// judged judges an answer whose head is there, and reads what else is needed.
func (p *httpProbe) judged(ctx context.Context, h *hop, x *exchange) (Answer, *hop) {
	if answer, done := p.judgeHead(x.response); done {
		return answer, nil
	}
	if p.follows(x.response) {
		next, why := p.onward(h, x.response)
		if why != "" {
			return Answer{Verdict: Fail, Reason: Redirect, Detail: clip(why)}, nil
		}
		return Answer{}, next
	}
	if p.look != nil {
		return p.looked(ctx, x), nil
	}
	body, more, err := p.read(x)
	if err != nil {
		return p.failed(ctx, asking, err), nil
	}
	why, detail, err := p.judgeBody(ctx, x.response, body, more)
	switch {
	case err != nil:
		return p.failed(ctx, asking, err), nil
	case why != "":
		return Answer{Verdict: Fail, Reason: why, Detail: clip(detail)}, nil
	}
	return Answer{Verdict: Pass, Detail: clip(detail)}, nil
}

// looked hands an answer to look, with the body as it comes.
func (p *httpProbe) looked(ctx context.Context, x *exchange) Answer {
	body, err := x.body()
	if err != nil {
		return p.failed(ctx, asking, err)
	}
	answer, err := p.look(x.response, body)
	if err != nil {
		return p.failed(ctx, asking, err)
	}
	answer.Detail = clip(answer.Detail)
	return answer
}

// bound makes the connection give up at the context's deadline or end.
func bound(ctx context.Context, conn net.Conn) (stop func() bool) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}

// exchange is a request that was sent, and the head of its answer.
type exchange struct {
	response *http.Response            // status and headers
	body     func() (io.Reader, error) // the body as it comes; asked for at most once
	end      func()
}

// exchange sends the request in the version that is wanted or was agreed on.
func (p *httpProbe) exchange(ctx context.Context, stream net.Conn, h *hop) (*exchange, error) {
	version := p.Version
	if secured, ok := stream.(*tls.Conn); ok {
		agreed := secured.ConnectionState().NegotiatedProtocol
		if version == HTTP2 && agreed != "h2" {
			return nil, errNoHTTP2
		}
		if agreed == "h2" {
			version = HTTP2
		}
	}
	if version == HTTP2 {
		return p.exchange2(ctx, stream, h)
	}
	return p.exchange1(stream, h)
}

func (p *httpProbe) failed(ctx context.Context, at stage, err error) Answer {
	if errors.Is(err, errOwnHTTP2) {
		return Answer{Verdict: Inconclusive, Reason: Internal, Detail: clip(err.Error())}
	}
	p.phases.Whole = time.Since(p.start)
	return failed(ctx, at, err, p.phases)
}

// sameName reports that two names of hosts are one: capitals and a dot at the
// end make no difference.
func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}
