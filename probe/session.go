package probe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// How a session is tried.
const (
	// sessionPeers is how many other members are asked at most.
	sessionPeers = 3
	// sessionAsks is how often the address is asked with a session. An address
	// that does not know it chooses any backend: of two it would choose the
	// right one every second time.
	sessionAsks = 3
	// sessionCookieLimit is the longest cookie that is taken, in bytes: what
	// browsers keep (RFC 6265 section 6.1). A peer must not be able to send
	// the address more than it takes.
	sessionCookieLimit = 4096
)

// JourneyOptions say how a session is begun at one address and followed at
// another. Exactly one of BackendHeader, BackendCookie and BackendBody is set.
type JourneyOptions struct {
	TLS    *TLSOptions // nil: plain http; its Name and Dial are filled in from here
	Host   string      // the Host header, and with TLS the name
	Path   string      // with a query, if any
	Header http.Header
	Status []StatusRange // every answer's status must lie in one of them

	Cookie        string         // the cookie that carries the session
	BackendHeader string         // the answer's header that names the backend
	BackendCookie string         // the cookie that must keep its value
	BackendBody   *regexp.Regexp // its one group, in the body's first bodyLimit bytes, names the backend

	Peers func(t Target) []netip.AddrPort // other members that may be asked; Roster.Peers is one
	Dial  Dial
}

// Journey passes when the address leads a session to the backend at which it
// was begun through another member of the pool: it takes the cookie that a peer
// sets, sends it to the address, and compares which backend has answered.
//
// Only the address is judged. A peer that gives no session is left out for the
// next one, and without any the answer is Inconclusive. If the address leads
// the session of one peer elsewhere, the fault may be that peer's, and the next
// one is asked: the address fails when it agrees with none of them. Peers
// together have half of the time-out, so that slow ones leave the address time.
func Journey(o JourneyOptions) Func {
	return func(ctx context.Context, t Target) Answer {
		p := &sessionProbe{JourneyOptions: o, target: t, start: time.Now()}
		a := p.ask(ctx)
		a.Phases = p.phases
		a.Phases.Whole = time.Since(p.start)
		return a
	}
}

// sessionProbe is one journey.
type sessionProbe struct {
	JourneyOptions
	target Target
	start  time.Time
	asked  bool // the target was

	phases  Phases // of the first request to the target
	warning string // of its certificate
}

// ask begins sessions at peers until the address keeps one.
func (p *sessionProbe) ask(ctx context.Context) Answer {
	peers := p.Peers(p.target)
	if len(peers) == 0 {
		return Answer{Verdict: Inconclusive, Reason: NoPeer, Detail: "only one member: the pool has no other address to begin a session at"}
	}
	until := p.halfTime(ctx)
	var silent []string
	var led *Answer // the first session that led elsewhere
	for _, peer := range peers[:min(len(peers), sessionPeers)] {
		if !time.Now().Before(until) {
			break
		}
		begun, trouble := p.begin(ctx, peer, until)
		if trouble != nil && trouble.Reason == Cancelled {
			return *trouble
		}
		if trouble != nil {
			silent = append(silent, peer.Addr().String()+": "+trouble.Detail)
			continue
		}
		a := p.follow(ctx, begun)
		switch {
		case led == nil && a.Reason == Session:
			led = &a
		case led == nil, a.Verdict == Inconclusive:
			return a
		case a.Verdict == Pass:
			a.Warning = strings.TrimSuffix(led.Detail+"; "+a.Warning, "; ")
			return a
		}
	}
	if led != nil {
		return *led
	}
	return Answer{Verdict: Inconclusive, Reason: NoPeer, Detail: clip("no other member gave a session: " + strings.Join(silent, "; "))}
}

// halfTime is until when peers may be asked.
func (p *sessionProbe) halfTime(ctx context.Context) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = p.start.Add(time.Minute)
	}
	return p.start.Add(deadline.Sub(p.start) / 2)
}

// begin takes a session from a peer, or says why it gives none. One peer has
// no more than half of the time that all have.
func (p *sessionProbe) begin(ctx context.Context, peer netip.AddrPort, until time.Time) (*visit, *Answer) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, until.Sub(p.start)/2)
	defer stop()
	v, a := p.visit(ctx, peer, nil)
	switch {
	case a.Verdict != Pass:
		return nil, &a
	case v.missing != "":
		return nil, &Answer{Detail: "its answer " + v.missing}
	}
	return v, nil
}

// follow sends a session to the address.
func (p *sessionProbe) follow(ctx context.Context, begun *visit) Answer {
	for range sessionAsks {
		v, a := p.visit(ctx, p.target.Addr, begun.cookies)
		if !p.asked {
			p.asked, p.phases, p.warning = true, a.Phases, a.Warning
		}
		if a.Verdict != Pass {
			return a
		}
		if elsewhere := p.compare(begun, v); elsewhere != "" {
			return Answer{Verdict: Fail, Reason: Session, Detail: clip(elsewhere)}
		}
	}
	detail := fmt.Sprintf("the session of %s leads to %s here too", begun.at, brief(begun.backend))
	if p.BackendCookie != "" {
		detail = fmt.Sprintf("the session of %s is kept here", begun.at)
	}
	return Answer{Verdict: Pass, Detail: clip(detail), Warning: p.warning}
}

// compare says how a session led elsewhere; "" if it did not. Values of
// cookies are not shown: whoever has one has the session.
func (p *sessionProbe) compare(begun, here *visit) string {
	switch {
	case p.BackendCookie != "" && (!here.set || here.backend == begun.backend):
		return ""
	case p.BackendCookie != "":
		return fmt.Sprintf("the session of %s was not kept: here the cookie %s gets another value", begun.at, p.BackendCookie)
	case here.missing != "":
		return fmt.Sprintf("the session of %s led to %s, and the answer here %s", begun.at, brief(begun.backend), here.missing)
	case here.backend != begun.backend:
		return fmt.Sprintf("the session of %s led to %s, here to %s", begun.at, brief(begun.backend), brief(here.backend))
	}
	return ""
}

// brief is a backend's name in a sentence of two.
func brief(name string) string {
	const limit = 60
	if len(name) > limit {
		return name[:limit] + "…"
	}
	return name
}

// visit is what one answer says of a session.
type visit struct {
	at      netip.Addr
	follows bool           // a session; else one begins
	cookies []*http.Cookie // what carries the session on
	backend string         // what names the backend
	set     bool           // the answer sets BackendCookie
	missing string         // what the answer lacks; at the target BackendCookie may be
}

// visit asks one address, with a session or to begin one.
func (p *sessionProbe) visit(ctx context.Context, at netip.AddrPort, session []*http.Cookie) (*visit, Answer) {
	asked := &http.Request{Header: http.Header{}} // as a carrier of cookies
	maps.Copy(asked.Header, p.Header)
	for _, c := range session {
		asked.AddCookie(c)
	}
	v := &visit{at: at.Addr(), follows: session != nil}
	target := p.target
	target.Addr = at
	return v, HTTP(HTTPOptions{
		TLS: p.TLS, Method: http.MethodGet, Host: p.Host, Path: p.Path, Header: asked.Header, Status: p.Status, Dial: p.Dial,
		look: func(response *http.Response, body io.Reader) (Answer, error) {
			return Answer{Verdict: Pass}, p.read(ctx, v, response, body)
		},
	})(ctx, target)
}

// read takes from an answer what it says of the session.
func (p *sessionProbe) read(ctx context.Context, v *visit, response *http.Response, body io.Reader) error {
	set := response.Cookies()
	if !v.follows {
		p.readCookies(v, set)
	}
	switch {
	case p.BackendCookie != "":
		if c := lastCookie(set, p.BackendCookie); c != nil {
			v.backend, v.set = c.Value, true
		}
	case p.BackendBody != nil:
		return p.readBody(ctx, v, body)
	default:
		v.backend = response.Header.Get(p.BackendHeader)
		if v.backend == "" {
			v.lacks("has no header " + p.BackendHeader)
		}
	}
	return nil
}

// readCookies takes the cookies that carry a session that begins.
func (p *sessionProbe) readCookies(v *visit, set []*http.Cookie) {
	names := []string{p.Cookie}
	if p.BackendCookie != "" && p.BackendCookie != p.Cookie {
		names = append(names, p.BackendCookie)
	}
	for _, name := range names {
		c := lastCookie(set, name)
		if c == nil || c.Value == "" || len(c.Value) > sessionCookieLimit {
			v.lacks("sets no cookie " + name)
			continue
		}
		v.cookies = append(v.cookies, &http.Cookie{Name: c.Name, Value: c.Value, Quoted: c.Quoted})
	}
}

// lacks notes what an answer lacks, the first of it.
func (v *visit) lacks(what string) {
	if v.missing == "" {
		v.missing = what
	}
}

// readBody finds the backend's name in a body, and reads no further than that takes.
func (p *sessionProbe) readBody(ctx context.Context, v *visit, body io.Reader) error {
	page := &searched{ctx: ctx, source: io.LimitReader(body, bodyLimit)}
	at := p.BackendBody.FindReaderSubmatchIndex(bufio.NewReader(page))
	switch {
	case page.err != nil:
		return page.err
	case at == nil || at[2] < 0 || at[2] == at[3]:
		v.lacks("has a body that names no backend")
	default:
		v.backend = string(page.data.Bytes()[at[2]:at[3]])
	}
	return nil
}

// searched is a page that is searched while it comes, until a context ends: a
// search may take long, too.
type searched struct {
	ctx    context.Context
	source io.Reader
	data   bytes.Buffer // what came
	err    error        // why no more of it came; nil at its end
}

// Read reads from the source.
func (s *searched) Read(b []byte) (int, error) {
	if s.err = s.ctx.Err(); s.err != nil {
		return 0, s.err
	}
	n, err := s.source.Read(b)
	s.data.Write(b[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// lastCookie is what an answer sets a cookie to; nil if it does not set it. A
// cookie that the answer deletes has no value.
func lastCookie(set []*http.Cookie, name string) *http.Cookie {
	for _, c := range slices.Backward(set) {
		if c.Name != name {
			continue
		}
		if c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(time.Now()) {
			return &http.Cookie{Name: name}
		}
		return c
	}
	return nil
}
