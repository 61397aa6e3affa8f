package route53

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rrwatch/failover"
)

// settled says how the edits ended whose call failed. Each is checked against the zone, since the SDK's retry of a call whose
// answer was lost meets what the first one has done.
func (c *Client) settled(ctx context.Context, id string, batch []*task, err error) {
	if denied(err) {
		for _, t := range batch {
			t.end("", refuse(t.edit, failover.GuardNotPermitted,
				"not permitted; rrwatch needs route53:ChangeResourceRecordSets on %s in this zone (docs/permissions.md); Route 53 says: %s",
				strings.Join(namesOf(t.edit), " and "), said(err)))
		}
		return
	}
	z := c.settle(ctx, id, batch, err)
	for _, t := range batch {
		t.end("", z.settledAs(t.edit, err))
	}
}

// settledAs says how an edit ended whose call failed; nil if the zone is as r wants it. The names are as last read after the
// call.
func (z names) settledAs(r failover.Reweigh, err error) error {
	if !z.knows(r) {
		if codeOf(err) == "NoSuchHostedZone" {
			return refuse(r, failover.GuardNotOurs, "there is no hosted zone %s in this account", r.Zone)
		}
		return fmt.Errorf("edit %s: no clear answer, and the zone could not be read: %w", r, err)
	}
	now, fence := find(z.sets[nameOf(r)], r), z.fence(r)
	switch {
	case now.Equal(r.Shall):
		return z.settledFence(r, err)
	case !refused(err):
		return fmt.Errorf("edit %s: no clear answer, and there is still %s: %w", r, text(now), err)
	case fence == fenceLost:
		return refuse(r, failover.GuardLease, "%s", z.taken(r))
	case !now.Equal(r.Was):
		return refuse(r, failover.GuardChanged, "the plan expects %s, and now there is %s", text(r.Was), text(now))
	}
	return refuse(r, failover.GuardChanged, "Route 53 refuses: %s", said(err))
}

// settledFence says how an edit ended of which the set is as it shall be. Without its fence that is no clear end: somebody else
// may have made it so.
func (z names) settledFence(r failover.Reweigh, err error) error {
	switch z.fence(r) {
	case fenceNone, fenceMade:
	case fenceLost:
		return fmt.Errorf("edit %s: the set is as it shall be, but %s: %w", r, z.taken(r), err)
	case fenceDue:
		return fmt.Errorf("edit %s: the set is as it shall be, but the lease was not renewed with it: %w", r, err)
	}
	return nil
}

// settle reads the names after a failed call: once after a clear refusal, else until all sets are as they shall be, for about
// four seconds or until ctx ends, since the change may still be on its way. What is returned is the last that was read.
func (c *Client) settle(ctx context.Context, id string, batch []*task, cause error) names {
	last := names{sets: map[string][]failover.RecordSet{}}
	for _, pause := range []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second} {
		if !wait(ctx, pause) {
			return last
		}
		z := c.readNames(ctx, id, batch)
		maps.Copy(last.sets, z.sets)
		batch = slices.DeleteFunc(slices.Clone(batch), func(t *task) bool {
			return z.knows(t.edit) && (refused(cause) || find(z.sets[nameOf(t.edit)], t.edit).Equal(t.edit.Shall) && z.fence(t.edit) != fenceDue)
		})
		if len(batch) == 0 {
			return last
		}
	}
	return last
}
