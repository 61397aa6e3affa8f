package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

const (
	tripwireInterval = 30 * time.Second // so that no regular probe finds what the tripwire is to find
	tripwireRecheck  = 100 * time.Millisecond
	tripwireWithin   = 5 * time.Second // what takes longer was not found by a tripwire
	tripwireHeld     = time.Second     // for so long a prober may take to hold its idle connection
)

// tripwire measures how long a prober takes to know that a server was killed whose idle connection it holds: until the
// first failed probe, and until Down after three.
func (b bench) tripwire(ctx context.Context) ([]figure, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, fmt.Errorf("tripwire: %w", err)
	}
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("tripwire: %w", err)
	}
	p, err := talk(ctx, "prober", proberOptions{
		kind: kindHTTP, targets: 1, first: at.Addr(), port: int(at.Port()),
		interval: tripwireInterval, timeout: time.Second, recheck: tripwireRecheck, tripwire: true, changes: true,
	}.args()...)
	if err != nil {
		return nil, fmt.Errorf("tripwire: %w", err)
	}
	defer p.end()
	var fails, downs []time.Duration
	for i := range b.kills {
		fail, down, err := kill(ctx, p, addr, time.Duration(i*37%100)*time.Millisecond)
		if err != nil {
			return nil, fmt.Errorf("tripwire: kill %d of %d: %w", i+1, b.kills, err)
		}
		fails, downs = append(fails, fail), append(downs, down)
	}
	b.say("tripwire: %d servers killed", b.kills)
	return []figure{
		figure{Name: "tripwire_first_fail", Value: milliseconds(percentile(fails, 99)), Unit: "ms, p99"}.atMost(20),
		{Name: "tripwire_first_fail_median", Value: milliseconds(percentile(fails, 50)), Unit: "ms"},
		figure{Name: "tripwire_down", Value: milliseconds(percentile(downs, 99)), Unit: "ms, p99"}.atMost(350),
		{Name: "tripwire_down_median", Value: milliseconds(percentile(downs, 50)), Unit: "ms"},
	}, nil
}

// kill starts a server, waits until the prober believes it Up and holds a connection to it, and kills it a moment later. It
// returns the times from the kill to the first failed probe and until the prober has told that the server is Down.
func kill(ctx context.Context, p *talker, addr string, moment time.Duration) (fail, down time.Duration, err error) {
	v, err := talk(ctx, "victim", addr)
	if err != nil {
		return 0, 0, err
	}
	defer v.end()
	if _, err := v.hear(ctx, answerWithin, func(w word) bool { return w.Ready }); err != nil {
		return 0, 0, err
	}
	if err := asked(ctx, p); err != nil {
		return 0, 0, fmt.Errorf("wait for up: %w", err)
	}
	held := func(w word) bool { return w.Idle }
	_, idle := v.hear(ctx, tripwireHeld, held)
	if idle != nil && !errors.Is(idle, errSilent) {
		return 0, 0, idle
	}
	if err := v.stays(ctx, idleAfter+moment); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := v.cmd.Process.Kill(); err != nil {
		return 0, 0, fmt.Errorf("kill the server: %w", err)
	}
	w, err := p.hear(ctx, tripwireWithin, became("down"))
	if errors.Is(err, errSilent) {
		if idle != nil {
			return 0, 0, fmt.Errorf("not detected within %s: the prober held no idle connection to the server", tripwireWithin)
		}
		return 0, 0, fmt.Errorf("not detected within %s, though the prober held an idle connection to the server", tripwireWithin)
	}
	if err != nil {
		return 0, 0, err
	}
	since := func(unix int64) time.Duration { return time.Unix(0, unix).Sub(began) }
	return since(w.Change.FirstFail), since(w.Change.Told), nil
}

// asked has the prober ask, which it would do only at its interval, until it believes that the server is Up.
func asked(ctx context.Context, p *talker) error {
	const again = 200 * time.Millisecond // a prober that has just started may have nothing to ask yet
	var err error
	for range answerWithin / again {
		if err = p.tell("ask"); err != nil {
			return err
		}
		if _, err = p.hear(ctx, again, became("up")); !errors.Is(err, errSilent) {
			return err
		}
	}
	return err
}

// became is a change of belief to a state.
func became(state string) func(word) bool {
	return func(w word) bool { return w.Change != nil && w.Change.To == state }
}
