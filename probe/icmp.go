package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
)

// The payload of an echo, in bytes.
const (
	leastEcho = tokenSize
	mostEcho  = 1472 // what one Ethernet frame carries: 1500 less the headers of IPv4 (20) and ICMP (8)
	plainEcho = 56   // what ping(8) sends
)

// ICMPOptions say what an echo is like and where it comes from.
type ICMPOptions struct {
	Size   int        // bytes of payload, 8 to 1472; 0: 56, as ping(8) sends
	Source netip.Addr // the address to send from; invalid: the system's choice
}

// ICMP passes when the address answers an echo request with what was sent. The
// packet is never cut into fragments on its way. No reply by the context's
// deadline is a fail, and so is a router's word that the address cannot be
// reached; a machine that allows no ICMP socket makes it Inconclusive.
func (p *Pinger) ICMP(o ICMPOptions) Func {
	size := plainEcho
	if o.Size != 0 {
		size = min(max(o.Size, leastEcho), mostEcho)
	}
	return func(ctx context.Context, t Target) Answer {
		return p.ask(ctx, t.Addr.Addr().Unmap(), o.Source.Unmap(), size)
	}
}

func (p *Pinger) ask(ctx context.Context, to, source netip.Addr, size int) Answer {
	start := time.Now()
	l, err := p.take(lineKey{v6: to.Is6(), source: source})
	if err != nil {
		return notSent(ctx, err, Phases{Whole: time.Since(start)})
	}
	defer p.giveBack(l)
	e, err := l.send(to, size)
	if err != nil {
		return notSent(ctx, err, Phases{Whole: time.Since(start)})
	}
	defer l.forget(e)
	select {
	case got := <-e.heard:
		return e.judge(ctx, got, start)
	case <-ctx.Done():
	}
	select {
	case got := <-e.heard: // both were there, and the reply was in time
		return e.judge(ctx, got, start)
	default:
		return l.silence(ctx, e, Phases{Whole: time.Since(start)})
	}
}

// judge says what the word that came back about an echo means.
func (e *echo) judge(ctx context.Context, got outcome, start time.Time) Answer {
	p := Phases{Whole: e.sent.Sub(start) + got.took}
	switch {
	case got.err != nil:
		return notSent(ctx, got.err, p)
	case got.trouble != "":
		return Answer{Verdict: Fail, Reason: Unreachable, Detail: fmt.Sprintf("%s, says %s", got.trouble, got.says), Phases: p}
	}
	p.FirstByte = got.took
	if got.size != e.size || got.altered {
		detail := fmt.Sprintf("the reply does not repeat the %d bytes that were sent: it has %d", e.size, got.size)
		return Answer{Verdict: Fail, Reason: Protocol, Detail: detail, Phases: p}
	}
	return Answer{Verdict: Pass, Detail: "echoed", Phases: p}
}

// silence is the answer when nothing came in time.
func (l *line) silence(ctx context.Context, e *echo, p Phases) Answer {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return failed(ctx, asking, ctx.Err(), p)
	case l.lost() != e.lost:
		return Answer{
			Verdict: Inconclusive, Reason: OwnResources, Phases: p,
			Detail: "this machine dropped replies that it had no buffer for: raise net.core.rmem_max, or ask less often",
		}
	}
	return Answer{Verdict: Fail, Reason: AnswerTimeout, Detail: "no echo within " + round(p.Whole), Phases: p}
}

// notSent is the answer when this machine could not ask. That it has no way to
// the host may be said of the host; all else is the machine's own trouble.
func notSent(ctx context.Context, err error, p Phases) Answer {
	switch {
	case errors.Is(ctx.Err(), context.Canceled), errors.Is(err, errPingerClosed):
		return Answer{Verdict: Inconclusive, Reason: Cancelled, Detail: "the probe was cut short", Phases: p}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EHOSTDOWN):
		return failed(ctx, asking, err, p)
	case errors.Is(err, syscall.EMSGSIZE):
		err = fmt.Errorf("%w: the echo is larger than what this machine's interface carries; make its size smaller", err)
	}
	reason, known := ownTrouble(err)
	if !known {
		reason = OwnNetwork
		if errors.Is(err, errLineBusy) || errors.Is(err, errLineBroke) {
			reason = OwnResources
		}
	}
	return Answer{Verdict: Inconclusive, Reason: reason, Detail: plain(err), Phases: p}
}
