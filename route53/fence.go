package route53

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"rrwatch/failover"
)

// fence is how far an edit's fence is made.
type fence int

const (
	fenceNone fence = iota // the edit has none
	fenceDue               // it is to be made
	fenceMade              // the zone has it: an earlier batch has made it
	fenceLost              // the zone has another lease
)

// swapped is a swap as an edit.
func swapped(s *failover.Swap) failover.Reweigh { return failover.Reweigh{Was: s.Was, Shall: s.Shall} }

func sameFence(a, b *failover.Swap) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Was.Equal(b.Was) && a.Shall.Equal(b.Shall)
}

// fence says how far an edit's fence is made in the zone.
func (z names) fence(r failover.Reweigh) fence {
	if r.Fence == nil {
		return fenceNone
	}
	switch now := z.lease(r); {
	case now.Equal(r.Fence.Was):
		return fenceDue
	case now.Equal(r.Fence.Shall):
		return fenceMade
	}
	return fenceLost
}

// lease is what stands in the zone where an edit's fence shall.
func (z names) lease(r failover.Reweigh) failover.RecordSet {
	f := swapped(r.Fence)
	return find(z.sets[nameOf(f)], f)
}

// taken says that the lease is another one than the fence's.
func (z names) taken(r failover.Reweigh) string {
	now, what := z.lease(r), "another rrwatch has taken the lease"
	if !now.Exists() {
		what = "the lease is gone"
	}
	return fmt.Sprintf("%s: at %s the plan expects %s, and now there is %s", what, nameOf(swapped(r.Fence)), text(r.Fence.Was), text(now))
}

// batch is what is sent as one change batch. Route 53 makes all of it or nothing.
type batch struct {
	tasks  []*task
	fences []failover.Swap // each once
	given  []*failover.Swap
	size   size
}

// touches reports whether an edit is about a set that the batch is about: each may be in it once. A fence that it has already
// is shared.
func (b batch) touches(r failover.Reweigh) bool {
	key := set(r).Key()
	for _, t := range b.tasks {
		other := set(t.edit).Key()
		if key == other || r.Fence != nil && set(swapped(r.Fence)).Key() == other {
			return true
		}
	}
	for _, f := range b.given {
		taken := set(swapped(f)).Key()
		if key == taken || r.Fence != nil && set(swapped(r.Fence)).Key() == taken && !sameFence(r.Fence, f) {
			return true
		}
	}
	return false
}

// with is the batch with one more edit, and its fence.
func (b batch) with(t *task, z names) batch {
	b.tasks = append(slices.Clone(b.tasks), t)
	if !t.there {
		b.size = b.size.plus(t.edit.Was, t.edit.Shall)
	}
	if f := t.edit.Fence; f != nil && !slices.ContainsFunc(b.given, func(g *failover.Swap) bool { return sameFence(f, g) }) {
		now := z.lease(t.edit) // Was; or Shall, which then stays
		b.given = append(slices.Clone(b.given), f)
		b.fences = append(slices.Clone(b.fences), failover.Swap{Was: now, Shall: f.Shall})
		b.size = b.size.plus(now, f.Shall)
	}
	return b
}

func (b batch) tooLarge() bool {
	return b.size.elements > maxElements || b.size.characters > maxCharacters
}

// request is the batch as a compare-and-swap: a DELETE fails unless it says exactly what is there, an UPSERT never does.
func (b batch) request(id, comment string) *awsroute53.ChangeResourceRecordSetsInput {
	var changes []types.Change
	for _, f := range b.fences {
		changes = append(changes, swapOf(f.Was, f.Shall)...)
	}
	for _, t := range b.tasks {
		if !t.there {
			changes = append(changes, swapOf(t.edit.Was, t.edit.Shall)...)
		}
	}
	if runes := []rune(comment); len(runes) > maxComment {
		comment = string(runes[:maxComment])
	}
	return &awsroute53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(id), ChangeBatch: &types.ChangeBatch{Changes: changes, Comment: aws.String(comment)},
	}
}

// swapOf replaces one set by another; either may not exist.
func swapOf(was, shall failover.RecordSet) []types.Change {
	var changes []types.Change
	if was.Exists() {
		changes = append(changes, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: toAWS(was)})
	}
	if shall.Exists() {
		changes = append(changes, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: toAWS(shall)})
	}
	return changes
}

// size is how much of a batch's limits is used.
type size struct{ elements, characters int }

func (s size) plus(sets ...failover.RecordSet) size {
	for _, set := range sets {
		for _, v := range set.Values {
			s.elements++
			s.characters += len(v)
		}
	}
	return s
}
