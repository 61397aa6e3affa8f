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
	there bool  // the set is as the edit wants it, and only its fence has to be made
}

func (t *task) end(change string, err error) {
	for _, d := range t.done {
		d.Change, d.Err = change, err
	}
}

// Edit implements failover.Records. Whatever the plan says, it refuses what would touch a set that is not rrwatch's to edit,
// or would leave a name without a set that answers. One Edit at a time runs in a zone; those of several zones run side by
// side. A change is "" when the set was as the edit wants it already, or when the answer that held the id was lost. A refusal
// when the zone could not be read has the guard failover.GuardStale, and one when too many calls wait failover.GuardThrottled.
//
// Without an error the edit's fence is in the zone, too: it goes with the edit in one batch, and alone if the set was as wanted
// already. Where it is there already, by an earlier batch of the same edits, the batch says so: it replaces it by itself.
func (c *Client) Edit(ctx context.Context, edits []failover.Reweigh, comment string) []failover.Edited {
	ctx = forEdit(ctx)
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
		if set(t.edit).Key() == set(r).Key() && t.edit.Was.Equal(r.Was) && t.edit.Shall.Equal(r.Shall) && sameFence(t.edit.Fence, r.Fence) {
			t.done = append(t.done, done)
			return tasks
		}
	}
	return append(tasks, &task{edit: r, done: []*failover.Edited{done}})
}

// editZone makes the edits of one zone in as few batches as there can be.
func (c *Client) editZone(ctx context.Context, id string, tasks []*task, comment string) {
	editing := c.account.editingIn(id)
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
func (a *account) editingIn(id string) chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.editing[id] == nil {
		a.editing[id] = make(chan struct{}, 1)
	}
	return a.editing[id]
}

// round reads the names, judges each edit in the zone as the edits before it will leave it, and makes one batch of those that
// may be. It returns those that must wait for the next round: Route 53 takes each set once in a batch, and no batch that is
// too large.
func (c *Client) round(ctx context.Context, id string, tasks []*task, comment string) (later []*task) {
	z := c.readNames(ctx, id, tasks)
	var b batch
	full := false
	for _, t := range tasks {
		if !z.knows(t.edit) {
			t.end("", t.unread(z.err))
			continue
		}
		if full || b.touches(t.edit) {
			later = append(later, t)
			continue
		}
		goes, err := t.judgeIn(z)
		if !goes {
			t.end("", err)
			continue
		}
		grown := b.with(t, z)
		if len(b.tasks) > 0 && grown.tooLarge() {
			full, later = true, append(later, t)
			continue
		}
		b = grown
		name := nameOf(t.edit)
		z.sets[name] = edited(z.sets[name], t.edit)
	}
	if len(b.tasks) > 0 {
		c.send(ctx, id, b, comment)
	}
	return later
}

// judgeIn reports whether the edit goes into a batch. If it does not, it ends with the error, or with none because all is as it
// wants it.
func (t *task) judgeIn(z names) (goes bool, err error) {
	before := z.sets[nameOf(t.edit)]
	t.there = find(before, t.edit).Equal(t.edit.Shall)
	fence := z.fence(t.edit)
	switch {
	case t.there && fence == fenceLost:
		return false, fmt.Errorf("edit %s: the set is as it shall be, but %s", t.edit, z.taken(t.edit))
	case fence == fenceLost:
		return false, refuse(t.edit, failover.GuardLease, "%s", z.taken(t.edit))
	case t.there:
		return fence == fenceDue, nil
	}
	if refusal := judgeIn(t.edit, before); refusal != nil {
		return false, refusal
	}
	return true, nil
}

// send makes one change batch, which Route 53 does whole or not at all. A batch that is refused is made again in parts, after
// another read and judgement: so one edit that cannot be does not keep the others back, and what was done after all, by a
// call whose answer was lost, is seen.
func (c *Client) send(ctx context.Context, id string, b batch, comment string) {
	out, err := within(ctx, c.account, c.api.ChangeResourceRecordSets, b.request(id, comment))
	if err == nil {
		change := ""
		if out.ChangeInfo != nil { // else accepted without an id: Confirm asks the servers
			change = strings.TrimPrefix(aws.ToString(out.ChangeInfo.Id), "/change/")
		}
		for _, t := range b.tasks {
			if t.there {
				t.end("", nil)
				continue
			}
			t.end(change, nil)
		}
		return
	}
	if errors.Is(err, errBudget) {
		for _, t := range b.tasks {
			t.end("", refuse(t.edit, failover.GuardThrottled, "nothing was changed: %v", err))
		}
		return
	}
	for _, t := range b.tasks {
		t.tried = err
	}
	parts := partsOf(b.tasks, err)
	if len(parts) < 2 {
		c.settled(ctx, id, b.tasks, err)
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

// names is what was read of some names: the A, AAAA and lease sets of each, or why they could not be read.
type names struct {
	sets map[string][]failover.RecordSet
	err  error
}

// knows reports whether all that an edit is about was read.
func (z names) knows(r failover.Reweigh) bool {
	return !slices.ContainsFunc(namesOf(r), func(name string) bool { _, read := z.sets[name]; return !read })
}

// readNames reads all names that the tasks are about. Swaps of leases alone, which are made often, are sent without: Route 53
// says itself if one does not find what it expects, and then it is read.
func (c *Client) readNames(ctx context.Context, id string, tasks []*task) names {
	if !slices.ContainsFunc(tasks, func(t *task) bool { return set(t.edit).Type != "TXT" || t.tried != nil }) {
		return expected(tasks)
	}
	var wanted []string
	for _, t := range tasks {
		wanted = append(wanted, namesOf(t.edit)...)
	}
	z := names{sets: map[string][]failover.RecordSet{}}
	found, err := c.list(ctx, id, "", wanted...)
	z.err = err
	for _, name := range wanted {
		list, met := found[name]
		if err != nil && !met {
			continue // it may have sets that were not read
		}
		sets, _ := setsOf(list)
		if lease := leaseOf(list); isLease(name) && lease.Exists() {
			sets = append(sets, lease)
		}
		z.sets[name] = sets
	}
	return z
}

// expected is what the tasks expect to find.
func expected(tasks []*task) names {
	z := names{sets: map[string][]failover.RecordSet{}}
	for _, t := range tasks {
		name := nameOf(t.edit)
		if z.sets[name] = nil; t.edit.Was.Exists() {
			z.sets[name] = []failover.RecordSet{t.edit.Was}
		}
	}
	return z
}

// nameOf is the name that an edit is about, as it is read.
func nameOf(r failover.Reweigh) string { return normal(set(r).Name) }

// namesOf is the names of which must be known what they have before an edit.
func namesOf(r failover.Reweigh) []string {
	names := []string{nameOf(r)}
	if r.Fence != nil {
		names = append(names, nameOf(swapped(r.Fence)))
	}
	return names
}

// edited is the sets of a name after an edit.
func edited(sets []failover.RecordSet, r failover.Reweigh) []failover.RecordSet {
	after := slices.DeleteFunc(slices.Clone(sets), func(s failover.RecordSet) bool { return s.Key() == set(r).Key() })
	if r.Shall.Exists() {
		after = append(after, r.Shall)
	}
	return after
}
