package route53

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"rrwatch/failover"
)

// The limits of one change batch (developer guide, Quotas on ChangeResourceRecordSets requests): of ResourceRecord elements,
// and of the characters in their values. A comment has its own (API reference, ChangeBatch).
const (
	maxElements   = 1000
	maxCharacters = 32000
	maxComment    = 256
)

// task is one edit of a set, for all who ask for it.
type task struct {
	edit  failover.Reweigh
	done  []*failover.Edited
	tried error // of a batch that it was in; nil: it was in none yet
}

func (t *task) end(change string, err error) {
	for _, d := range t.done {
		d.Change, d.Err = change, err
	}
}

// Edit implements failover.Records. Whatever the plan says, it refuses what would touch a set that is not rrwatch's to edit,
// or would leave a name without a set that answers. One Edit at a time runs in a zone; those of several zones run side by
// side. A change is "" when the set was as the edit wants it already, or when the answer that held the id was lost. A refusal
// when the zone could not be read has the guard failover.GuardStale.
func (c *Client) Edit(ctx context.Context, edits []failover.Reweigh, comment string) []failover.Edited {
	done := make([]failover.Edited, len(edits))
	byZone := map[string][]*task{}
	for n, r := range edits {
		if refusal := judge(r); refusal != nil {
			done[n].Err = refusal
			continue
		}
		id, _ := asID(r.Zone)
		byZone[id] = asked(byZone[id], r, &done[n])
	}
	var wg sync.WaitGroup
	for id, tasks := range byZone {
		wg.Go(func() { c.editZone(ctx, id, tasks, comment) })
	}
	wg.Wait()
	return done
}

// asked adds an edit to the tasks. Those who say the same of a set share one: two members of a simple set that leave it
// together have one edit.
func asked(tasks []*task, r failover.Reweigh, done *failover.Edited) []*task {
	for _, t := range tasks {
		if set(t.edit).Key() == set(r).Key() && t.edit.Was.Equal(r.Was) && t.edit.Shall.Equal(r.Shall) {
			t.done = append(t.done, done)
			return tasks
		}
	}
	return append(tasks, &task{edit: r, done: []*failover.Edited{done}})
}

// editZone makes the edits of one zone in as few batches as there can be.
func (c *Client) editZone(ctx context.Context, id string, tasks []*task, comment string) {
	editing := c.editingIn(id)
	select {
	case editing <- struct{}{}:
		defer func() { <-editing }()
	case <-ctx.Done():
		for _, t := range tasks {
			t.end("", refuse(t.edit, failover.GuardStale, "nothing was changed: another edit was still running: %v", ctx.Err()))
		}
		return
	}
	for len(tasks) > 0 {
		tasks = c.round(ctx, id, tasks, comment)
	}
}

// editingIn is the token of the one edit that may run in a zone.
func (c *Client) editingIn(id string) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.editing[id] == nil {
		c.editing[id] = make(chan struct{}, 1)
	}
	return c.editing[id]
}

// round reads the names, judges each edit in the zone as the edits before it will leave it, and makes one batch of those that
// may be. It returns those that must wait for the next round: Route 53 takes each set once in a batch, and no batch that is
// too large.
func (c *Client) round(ctx context.Context, id string, tasks []*task, comment string) (later []*task) {
	z := c.readNames(ctx, id, tasks)
	var batch []*task
	var sum size
	full := false
	for _, t := range tasks {
		name := nameOf(t.edit)
		if err := z.err[name]; err != nil {
			t.end("", t.unread(err))
			continue
		}
		now, refusal := find(z.sets[name], t.edit), judgeIn(t.edit, z.sets[name])
		grown := sum.plus(t.edit)
		switch {
		case full || slices.ContainsFunc(batch, t.sameSet):
			later = append(later, t)
		case now.Equal(t.edit.Shall):
			t.end("", nil)
		case refusal != nil:
			t.end("", refusal)
		case len(batch) > 0 && grown.tooLarge():
			full, later = true, append(later, t)
		default:
			batch, sum = append(batch, t), grown
			z.sets[name] = edited(z.sets[name], t.edit)
		}
	}
	if len(batch) > 0 {
		c.send(ctx, id, batch, comment)
	}
	return later
}

// send makes one change batch, which Route 53 does whole or not at all. A batch that is refused is made again in parts, after
// another read and judgement: so one edit that cannot be does not keep the others back, and what was done after all, by a
// call whose answer was lost, is seen.
func (c *Client) send(ctx context.Context, id string, batch []*task, comment string) {
	out, err := within(ctx, c.api.ChangeResourceRecordSets, changesOf(id, batch, comment))
	if err == nil {
		change := ""
		if out.ChangeInfo != nil { // else accepted without an id: Confirm asks the servers
			change = strings.TrimPrefix(aws.ToString(out.ChangeInfo.Id), "/change/")
		}
		for _, t := range batch {
			t.end(change, nil)
		}
		return
	}
	for _, t := range batch {
		t.tried = err
	}
	parts := partsOf(batch, err)
	if len(parts) < 2 {
		c.settled(ctx, id, batch, err)
		return
	}
	for _, part := range parts {
		for len(part) > 0 {
			part = c.round(ctx, id, part, comment)
		}
	}
}

// unread says how an edit ended before which the zone could not be read. What was in a batch before may have been done by it.
func (t *task) unread(err error) error {
	if t.tried != nil {
		return fmt.Errorf("edit %s: no clear answer, and the zone could not be read: %w", t.edit, errors.Join(t.tried, err))
	}
	return unread(t.edit, err)
}

// partsOf is how a batch is made again whose call failed: by name when it was not permitted, since a permission is given for
// names, and in halves when Route 53 refused it. Without a clear answer it is not made again.
func partsOf(batch []*task, err error) [][]*task {
	switch {
	case denied(err):
		byName := map[string][]*task{}
		for _, t := range batch {
			byName[nameOf(t.edit)] = append(byName[nameOf(t.edit)], t)
		}
		var parts [][]*task
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			parts = append(parts, byName[name])
		}
		return parts
	case refused(err) && len(batch) > 1:
		half := len(batch) / 2
		return [][]*task{batch[:half], batch[half:]}
	}
	return nil
}

// changesOf is a batch as a compare-and-swap: a DELETE fails unless it says exactly what is there, an UPSERT never does.
func changesOf(id string, batch []*task, comment string) *awsroute53.ChangeResourceRecordSetsInput {
	var changes []types.Change
	for _, t := range batch {
		if t.edit.Was.Exists() {
			changes = append(changes, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: toAWS(t.edit.Was)})
		}
		if t.edit.Shall.Exists() {
			changes = append(changes, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: toAWS(t.edit.Shall)})
		}
	}
	if runes := []rune(comment); len(runes) > maxComment {
		comment = string(runes[:maxComment])
	}
	return &awsroute53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(id), ChangeBatch: &types.ChangeBatch{Changes: changes, Comment: aws.String(comment)},
	}
}

// size is how much of a batch's limits is used.
type size struct{ elements, characters int }

func (s size) plus(r failover.Reweigh) size {
	for _, v := range slices.Concat(r.Was.Values, r.Shall.Values) {
		s.elements++
		s.characters += len(v)
	}
	return s
}

func (s size) tooLarge() bool { return s.elements > maxElements || s.characters > maxCharacters }

// names is what was read of some names: the sets of each, or why they could not be read.
type names struct {
	sets map[string][]failover.RecordSet
	err  map[string]error
}

// readNames reads each name that the tasks are about once, and one after the other: Route 53 takes five calls a second of an
// account (developer guide, Quotas on Route 53 API requests). After an error the rest is not tried: it is of the zone or of
// AWS, and not of the name.
func (c *Client) readNames(ctx context.Context, id string, tasks []*task) names {
	z := names{map[string][]failover.RecordSet{}, map[string]error{}}
	var failed error
	for _, t := range tasks {
		name := nameOf(t.edit)
		if _, read := z.sets[name]; read {
			continue
		}
		var sets []failover.RecordSet
		if failed == nil {
			sets, _, failed = c.sets(ctx, id, name)
		}
		if failed != nil {
			z.err[name] = failed
			continue
		}
		z.sets[name] = sets
	}
	return z
}

// Ask implements failover.Records.
func (c *Client) Ask(context.Context, string, string, int) ([]failover.Answer, error) {
	return nil, nil
}

// nameOf is the name that an edit is about, as it is read.
func nameOf(r failover.Reweigh) string { return normal(set(r).Name) }

// sameSet reports whether both edit the same set.
func (t *task) sameSet(o *task) bool { return set(t.edit).Key() == set(o.edit).Key() }

// edited is the sets of a name after an edit.
func edited(sets []failover.RecordSet, r failover.Reweigh) []failover.RecordSet {
	after := slices.DeleteFunc(slices.Clone(sets), func(s failover.RecordSet) bool { return s.Key() == set(r).Key() })
	if r.Shall.Exists() {
		after = append(after, r.Shall)
	}
	return after
}
