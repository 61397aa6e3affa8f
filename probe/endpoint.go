package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// EndpointOptions say which page is asked for by its name.
type EndpointOptions struct {
	HTTP    HTTPOptions // Host is the name that is resolved
	Port    uint16
	Resolve Resolve
}

// mostAddresses is how many addresses of a name are tried at most.
const mostAddresses = 8

// Endpoint asks for a page as its users do, and says whether they are served:
// the name is resolved afresh, and its addresses are tried one after the other.
// The target's address is not used.
//
// Which address is asked next, and when, is as in browsers: the next one only
// when no connection can be made to this one, or its handshake fails. Each gets
// its fair share of the time that is left for that, so that a silent one leaves
// time for those behind it; once connected, the answer may take the rest.
// Whatever comes then is the answer: users see a 503, a page that does not come
// or the warning about a certificate, and their browser asks nobody else.
//
// An address that this machine has no way to is passed over in silence: a
// host without IPv6 says nothing of the users that have it.
func Endpoint(o EndpointOptions) Func {
	dial := o.HTTP.Dial
	o.HTTP.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		v, ok := ctx.Value(attemptKey{}).(*attempt)
		if !ok {
			return dial(ctx, network, address)
		}
		return v.connect(ctx, dial, network, address)
	}
	ask := HTTP(o.HTTP)
	return func(ctx context.Context, t Target) Answer {
		start := time.Now()
		a := o.ask(ctx, t, ask)
		a.Phases.Whole = time.Since(start)
		return a
	}
}

// ask asks the name's addresses in turn until one has answered.
func (o EndpointOptions) ask(ctx context.Context, t Target, ask Func) Answer {
	addrs, err := o.resolve(ctx)
	if err != nil {
		return unresolved(ctx, err)
	}
	var missed misses
	for n, addr := range addrs {
		v := &attempt{by: share(ctx, len(addrs)-n), secured: o.HTTP.TLS != nil}
		t.Addr = netip.AddrPortFrom(addr, o.Port)
		a := ask(context.WithValue(ctx, attemptKey{}, v), t)
		switch {
		case a.Verdict == Pass:
			return missed.servedBy(addr, a)
		case !passedOver(a), v.connected() && a.Reason != TLSHandshake:
			return missed.answeredBy(addr, a)
		}
		missed = append(missed, miss{addr, a})
	}
	return missed.notServed()
}

// resolve leaves at least half of the time to what is done with the answer.
func (o EndpointOptions) resolve(ctx context.Context) ([]netip.Addr, error) {
	ctx, cancel := context.WithDeadline(ctx, share(ctx, 2))
	defer cancel()
	addrs, err := o.Resolve(ctx, o.HTTP.Host)
	if err == nil && len(addrs) == 0 {
		err = ErrNoAddress
	}
	return addrs[:min(len(addrs), mostAddresses)], err
}

// share is when the first of n equal parts of the time that is left ends.
func share(ctx context.Context, n int) time.Time {
	now := time.Now()
	end, ok := ctx.Deadline()
	if !ok {
		return now.Add(time.Hour) // only who sets no time-out waits so long
	}
	return now.Add(end.Sub(now) / time.Duration(n))
}

// unresolved says why there is nobody to ask. That the zone itself knows no
// address is the site's fault; a resolver that does not answer is none of it.
func unresolved(ctx context.Context, err error) Answer {
	a := Answer{Verdict: Inconclusive, Reason: Resolver, Detail: plain(err)}
	reason, own := ownTrouble(err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		a.Reason, a.Detail = Cancelled, "the probe was cut short"
	case errors.Is(err, ErrNoAddress):
		a.Verdict, a.Reason = Fail, Records
	case own:
		a.Reason = reason
	}
	return a
}

// passedOver reports whether a browser tries the next address after an attempt
// that led to no connection. Trouble of our own other than a missing way to
// this address would only repeat itself, and a certificate that is refused is
// shown to the user.
func passedOver(a Answer) bool {
	switch {
	case a.Verdict == Inconclusive:
		return a.Reason == OwnNetwork
	case a.Reason == TLSExpired, a.Reason == TLSName, a.Reason == TLSUntrusted:
		return false
	}
	return a.Verdict == Fail
}

// miss is an address that no connection could be made to.
type miss struct {
	addr netip.Addr
	Answer
}

// misses are those of one visit, in the order in which they were tried.
type misses []miss

// failed are those of the site's making; the others this machine has no way to.
func (m misses) failed() []string {
	var list []string
	for _, one := range m {
		if one.Verdict == Fail {
			list = append(list, fmt.Sprintf("%s %s", one.addr, one.Reason))
		}
	}
	return list
}

// elsewhere begins the detail of a page that was not served at the first address.
const elsewhere = "served at the "

// Elsewhere reports whether an endpoint's page was served, and not at the first
// address that was tried.
func Elsewhere(a Answer) bool { return a.Verdict == Pass && strings.HasPrefix(a.Detail, elsewhere) }

// servedBy is the answer when an address has served the page.
func (m misses) servedBy(addr netip.Addr, a Answer) Answer {
	failed := m.failed()
	if len(failed) == 0 {
		a.Detail = clip(fmt.Sprintf("served by %s: %s", addr, a.Detail))
		return a
	}
	a.Detail = clip(fmt.Sprintf("%s%s address, %s: %s", elsewhere, ordinal(len(failed)), addr, strings.Join(failed, "; ")))
	if a.Warning != "" {
		a.Warning = "; " + a.Warning
	}
	a.Warning = a.Detail + a.Warning
	return a
}

// answeredBy is the answer when what an address did is what a user sees.
func (m misses) answeredBy(addr netip.Addr, a Answer) Answer {
	a.Detail = fmt.Sprintf("%s: %s", addr, a.Detail)
	if failed := m.failed(); len(failed) > 0 {
		a.Detail += "; before it, " + strings.Join(failed, "; ")
	}
	a.Detail = clip(a.Detail)
	return a
}

// notServed is the answer when no connection could be made to any address. A
// family of addresses that this machine has no way to at all is left out; where
// it has one to some of a family and not to others, its own network is at fault.
func (m misses) notServed() Answer {
	var failed, unreached [2]int // of IPv4, of IPv6
	for _, one := range m {
		family := 0
		if one.addr.Is6() {
			family = 1
		}
		if one.Verdict == Fail {
			failed[family]++
		} else {
			unreached[family]++
		}
	}
	torn := failed[0] > 0 && unreached[0] > 0 || failed[1] > 0 && unreached[1] > 0
	if torn || failed == [2]int{} {
		last := m[len(m)-1]
		for _, one := range m {
			if one.Verdict != Fail {
				last = one
			}
		}
		return Answer{Verdict: Inconclusive, Reason: OwnNetwork, Detail: clip(fmt.Sprintf("no way to %s: %s", last.addr, last.Detail))}
	}
	return Answer{Verdict: Fail, Reason: NotServed, Detail: clip(strings.Join(m.failed(), "; "))}
}

// ordinal is the word for the address after n others; n is below mostAddresses.
func ordinal(n int) string {
	return []string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"}[n]
}

// attempt is one try of one address.
type attempt struct {
	by      time.Time // when a connection must have been made
	secured bool      // it needs a handshake too
	conn    *hurried  // nil: not connected
}

type attemptKey struct{}

// connect dials within the visit's share of the time.
func (v *attempt) connect(ctx context.Context, dial Dial, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithDeadline(ctx, v.by)
	defer cancel()
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	v.conn = &hurried{Conn: conn, by: v.by, ready: !v.secured}
	if v.secured {
		_ = conn.SetDeadline(v.by)
	}
	return v.conn, nil
}

// connected reports whether the request could be sent.
func (v *attempt) connected() bool { return v.conn != nil && v.conn.isReady() }

// hurried is a connection whose handshake must end by a time, however long may
// be waited for what follows.
type hurried struct {
	net.Conn
	by time.Time

	mu    sync.Mutex
	ready bool      // the handshake is over
	later time.Time // the deadline that was asked for
}

// recordData is the type of TLS records that hold what a connection is made for
// (RFC 8446 section 5.1). The client sends the first one when the server has
// proven itself, with TLS 1.2 when the whole handshake is over.
const recordData = 23

// Write sends, and ends the hurry with the first record that is no handshake's.
func (c *hurried) Write(b []byte) (int, error) {
	if len(b) > 0 && b[0] == recordData {
		c.relax()
	}
	return c.Conn.Write(b)
}

func (c *hurried) relax() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ready {
		c.ready = true
		_ = c.Conn.SetDeadline(c.later)
	}
}

func (c *hurried) isReady() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ready
}

// SetDeadline sets when reads and writes give up, while hurried not after the
// end of the hurry.
func (c *hurried) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.later = t
	if !c.ready && (t.IsZero() || c.by.Before(t)) {
		t = c.by
	}
	return c.Conn.SetDeadline(t)
}

// Close ends the connection as every probe ends its own.
func (c *hurried) Close() error {
	abort(c.Conn)
	return nil
}
