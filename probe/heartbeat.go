package probe

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"sync"
	"time"
)

// Heartbeats remembers when each load balancer was last heard, for checks that
// wait to be told instead of asking. It may be used from anywhere at once.
type Heartbeats struct {
	hears func() time.Time

	mu     sync.Mutex // protects the following
	pulses map[heartbeatOf]*pulse
	choirs map[choirOf]*choir
	swept  time.Time // when the forgotten were last removed
}

// heartbeatOf is a target without its port: whoever posts has none.
type heartbeatOf struct {
	choirOf
	addr netip.Addr
}

// pulse is what is known of one target.
type pulse struct {
	since time.Time // when it began to be asked about; silence before that counts for nothing
	asked time.Time // when it was last asked about, or heard
	at    time.Time // when it was last heard; zero: never
	text  string    // what it said then, harmless
}

// choirOf names a check: all its targets are heard by the same way.
type choirOf struct{ pool, check string }

// choir is what is known of all targets of a check together.
type choir struct {
	every time.Duration // the check's
	heard time.Time     // when one of them was last heard
	again time.Time     // when one was heard after all had been silent
}

// NewHeartbeats remembers nothing yet. hears says since when the watcher has
// been able to hear without a break, for silence before that is its own; zero
// times, and a nil hears, mean for ever.
func NewHeartbeats(hears func() time.Time) *Heartbeats {
	if hears == nil {
		hears = func() time.Time { return time.Time{} }
	}
	return &Heartbeats{hears: hears, pulses: map[heartbeatOf]*pulse{}, choirs: map[choirOf]*choir{}}
}

// Beat notes that an address was heard, with what it said (may be empty; it is
// clipped). Only addresses that are asked about should be noted: each takes
// memory until nobody has asked about it for two days.
func (h *Heartbeats) Beat(pool, check string, addr netip.Addr, at time.Time, text string) {
	of := choirOf{pool, check}
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.pulse(heartbeatOf{of, addr}, at); !at.Before(p.at) {
		p.at, p.text = at, clip(text)
	}
	c := h.choir(of)
	if at.Sub(c.heard) > c.every/2 {
		c.again = at
	}
	c.heard = latest(c.heard, at)
}

// Func passes when the target was heard within half of every, and fails as
// Overdue when it was not within every. In between it says nothing (Waiting),
// and so it does of a target that was not watched, or could not have been heard,
// for that long.
//
// Both are for the sake of comparing: a fault on the way to the watcher silences
// all targets, each at its own moment, and ends the same way. None may still
// pass when the first one fails, nor fail when only the first is heard again.
func (h *Heartbeats) Func(every time.Duration) Func {
	return func(ctx context.Context, t Target) Answer {
		start := time.Now()
		if errors.Is(ctx.Err(), context.Canceled) {
			return failed(ctx, asking, ctx.Err(), Phases{Whole: time.Since(start)})
		}
		a := h.look(t, every, start)
		a.Phases.Whole = time.Since(start) // the look, not the silence
		return a
	}
}

func (h *Heartbeats) look(t Target, every time.Duration, now time.Time) Answer {
	hears := h.hears()
	of := choirOf{t.Pool, t.Check}
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.choir(of)
	c.every = every
	p := h.pulse(heartbeatOf{of, t.Addr.Addr()}, now)
	p.asked = now
	silent, heard := now.Sub(p.at), !p.at.IsZero()
	able := now.Sub(latest(p.since, latest(hears, c.again)))
	switch {
	case heard && silent <= every/2:
		return Answer{Verdict: Pass, Detail: "heard " + ago(silent) + " ago" + said(": ", p.text)}
	case heard && silent <= every:
		return Answer{Verdict: Inconclusive, Reason: Waiting, Detail: "no heartbeat for " + ago(silent) + ", which fails after " + ago(every)}
	case able <= every:
		return Answer{Verdict: Inconclusive, Reason: Waiting, Detail: "no heartbeat in the " + ago(able) + " since it could be heard, which fails after " + ago(every)}
	case heard:
		return Answer{Verdict: Fail, Reason: Overdue, Detail: "no heartbeat for " + ago(silent) + said("; the last one said: ", p.text)}
	}
	return Answer{Verdict: Fail, Reason: Overdue, Detail: "no heartbeat at all, for " + ago(now.Sub(p.since))}
}

func said(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

// forgetAfter is longer than the longest interval of a check, so that only what
// is watched no more is forgotten; sweepEvery bounds how often that is looked for.
const (
	forgetAfter = 48 * time.Hour
	sweepEvery  = time.Hour
)

// pulse is the target's, a new one if it was not watched until now.
func (h *Heartbeats) pulse(of heartbeatOf, now time.Time) *pulse {
	if p := h.pulses[of]; p != nil && now.Sub(p.asked) <= forgetAfter {
		return p
	}
	if now.Sub(h.swept) > sweepEvery {
		h.swept = now
		maps.DeleteFunc(h.pulses, func(_ heartbeatOf, p *pulse) bool { return now.Sub(p.asked) > forgetAfter })
	}
	p := &pulse{since: now, asked: now}
	h.pulses[of] = p
	return p
}

// choir is the check's. There are as many as checks, so none is forgotten.
func (h *Heartbeats) choir(of choirOf) *choir {
	c := h.choirs[of]
	if c == nil {
		c = &choir{}
		h.choirs[of] = c
	}
	return c
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// ago writes a time as people do who do not look at milliseconds.
func ago(d time.Duration) string {
	if d < time.Second {
		return round(d)
	}
	return d.Round(time.Second).String()
}
