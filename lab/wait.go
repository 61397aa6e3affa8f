//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pause waits, or returns early with an error when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// until waits for a condition, which returns nil when it holds and else why it does not.
func (t *trial) until(ctx context.Context, within time.Duration, what string, condition func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		if ended := t.watcher.ended(); ended != nil {
			return ended
		}
		if pause(ctx, lookEvery) != nil {
			return fmt.Errorf("wait until %s: after %s: %w", what, within, err)
		}
	}
}

// healthy is the condition that rrwatch believes all to be up, by results that were sent after a time.
func (t *trial) healthy(after time.Time) func(context.Context) error {
	return func(ctx context.Context) error {
		v, err := t.dashboard.view(ctx)
		if err == nil && !v.healthy(after) {
			err = fmt.Errorf("it sees %+v", v)
		}
		return err
	}
}

// closed is the condition that no incident is open.
func (t *trial) closed(ctx context.Context) error {
	list, err := t.dashboard.incidents(ctx)
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Closed.IsZero() {
			return fmt.Errorf("the incident of %s is open", i.Member)
		}
	}
	return nil
}

// mended is the condition that the first address has moved, its user is served again, and rrwatch has proven that.
func (t *trial) mended(ctx context.Context) error {
	if carriers := t.carriers(); carriers[0] != string(t.instances[2].net) {
		return fmt.Errorf("the addresses are carried by %v", carriers)
	}
	if r := t.users[0].Report(); r.To.IsZero() {
		return fmt.Errorf("the user's outage is not over: %s", r.Reason)
	}
	list, err := t.dashboard.incidents(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("there is no incident")
	}
	return t.closed(ctx)
}
