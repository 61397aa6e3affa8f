//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"rrwatch/simulator"
)

// The times of one trial.
const (
	trialWithin = 2 * time.Minute
	readyWithin = 40 * time.Second
	mendWithin  = 60 * time.Second // far more than rrwatch needs: past it the trial has failed
	calmFor     = time.Second      // the users see the site well before the fault, and rrwatch nothing more to do after it
	cutFor      = 8 * time.Second  // more than twice what rrwatch needs to believe a fault
	lookEvery   = 50 * time.Millisecond

	probeInterval = time.Second // as rrwatch.yaml says
)

// Run builds a world of its own, breaks it, waits until rrwatch has mended it (or, with a fault of the watcher's own, long
// enough to see that it changes nothing), and ends it. An error says that the trial itself went wrong, or that the site was
// not served again in time; Outcome.Judge says whether rrwatch did right. It runs only inside Enter, one at a time.
func Run(ctx context.Context, fault Fault) (out Outcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, trialWithin)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	dir, err := os.MkdirTemp(os.Getenv(insideKey), "trial-")
	if err != nil {
		return out, fmt.Errorf("make a folder for the trial: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	w, err := newWorld(ctx, dir, fail)
	if err != nil {
		return out, err
	}
	t := &trial{world: w, dashboard: newWatched(), out: Outcome{Fault: fault}}
	err = errors.Join(t.run(ctx), context.Cause(ctx))
	err = errors.Join(err, t.take(ctx))
	return t.out, errors.Join(err, w.close())
}

type trial struct {
	*world
	dashboard watched
	users     [2]*simulator.User // of the two addresses
	out       Outcome
}

func (t *trial) run(ctx context.Context) error {
	if err := t.until(ctx, readyWithin, "rrwatch sees the site well", t.healthy(time.Time{})); err != nil {
		return err
	}
	stop := t.startUsers(ctx)
	defer stop()
	// A fault comes at any moment between two probes.
	if err := pause(ctx, calmFor+rand.N(probeInterval)); err != nil {
		return err
	}
	if err := t.out.Fault.begin(ctx, t.world); err != nil {
		return err
	}
	if t.out.Fault.Moves {
		if err := t.until(ctx, mendWithin, "the outage is over and its incident closed", t.mended); err != nil {
			return err
		}
	} else if err := t.cut(ctx); err != nil {
		return err
	}
	return pause(ctx, calmFor)
}

// startUsers starts a user of each address. The returned function ends them.
func (t *trial) startUsers(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for n, ip := range addresses() {
		u := &simulator.User{Name: siteName, Port: sitePort, Sticky: ip, Dial: user.dial}
		t.users[n] = u
		running.Go(func() { u.Run(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// cut waits while a fault of the watcher's own is on, ends it, and waits until rrwatch sees again.
func (t *trial) cut(ctx context.Context) error {
	if err := pause(ctx, cutFor); err != nil {
		return err
	}
	v, err := t.dashboard.view(ctx)
	if err != nil {
		return err
	}
	t.out.Blind, t.out.Noticed = v.Blind, v.failing()
	mended := time.Now()
	if err := t.out.Fault.end(ctx, t.world); err != nil {
		return err
	}
	return t.until(ctx, mendWithin, "rrwatch sees the site well again", func(ctx context.Context) error {
		if len(t.changes()) > 0 {
			return nil // nothing may be changed, so there is no more to wait for
		}
		return errors.Join(t.healthy(mended)(ctx), t.closed(ctx))
	})
}

// take keeps what the trial shows at its end, however it ended.
func (t *trial) take(ctx context.Context) error {
	if t.users[0] != nil {
		t.out.User, t.out.Bystander = t.users[0].Report(), t.users[1].Report()
	}
	t.out.Log = t.watcher.wrote()
	t.out.Carriers, t.out.Changes = t.carriers(), t.changes()
	var err error
	t.out.Incidents, err = t.dashboard.incidents(ctx)
	return err
}

// changes counts the calls that arrived at AWS to change something, by action.
func (t *trial) changes() map[string]int {
	calls := t.aws.Calls()
	maps.DeleteFunc(calls, func(action string, _ int) bool {
		return strings.HasPrefix(action, "Describe") || strings.HasPrefix(action, "List") || strings.HasPrefix(action, "Get")
	})
	return calls
}

// carriers returns the names of the instances that carry the addresses.
func (t *trial) carriers() []string {
	var names []string
	for _, ip := range addresses() {
		i, _ := t.aws.Carrier(ip)
		names = append(names, i.Name)
	}
	return names
}
