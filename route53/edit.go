package route53

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"rrwatch/failover"
)

// maxComment is the most characters of a change batch's comment (API reference, ChangeBatch).
const maxComment = 256

// one makes one edit. Edits run one at a time. Whatever the plan says, it refuses what would touch a set
// that is not rrwatch's to edit, or would leave the name without a set that answers. The change is "" when the set was
// as r wants it already, or when the answer that held the id was lost. A refusal when the zone could not be read has the
// guard failover.GuardStale.
func (c *Client) one(ctx context.Context, r failover.Reweigh, comment string) (change string, err error) {
	if refusal := judge(r); refusal != nil {
		return "", refusal
	}
	select {
	case c.editing <- struct{}{}:
		defer func() { <-c.editing }()
	case <-ctx.Done():
		return "", refuse(r, failover.GuardStale, "nothing was changed: another edit was still running: %v", ctx.Err())
	}
	before, _, err := c.sets(ctx, r.Zone, normal(set(r).Name))
	if err != nil {
		return "", unread(r, err)
	}
	if find(before, r).Equal(r.Shall) {
		return "", nil
	}
	if refusal := judgeIn(r, before); refusal != nil {
		return "", refusal
	}
	out, err := within(ctx, c.api.ChangeResourceRecordSets, batch(r, comment))
	if err != nil {
		return "", c.afterError(ctx, r, err)
	}
	if out.ChangeInfo == nil {
		return "", nil // accepted; without an id Confirm asks the servers
	}
	return strings.TrimPrefix(aws.ToString(out.ChangeInfo.Id), "/change/"), nil
}

// judge refuses edits that are wrong whatever the zone holds.
func judge(r failover.Reweigh) *failover.Refusal {
	was, shall := r.Was, r.Shall
	kind := set(r).Type
	if _, isID := asID(r.Zone); !isID {
		return refuse(r, failover.GuardNotOurs, "the plan names no hosted zone by its id: %q", r.Zone)
	}
	switch {
	case !set(r).Exists():
		return refuse(r, failover.GuardChanged, "the plan says neither what is there nor what shall be")
	case was.Exists() && shall.Exists() && was.Key() != shall.Key():
		return refuse(r, failover.GuardNotOurs, "the plan would replace it by another one, %s", strings.Join(
			strings.Fields(shall.Name+" "+shall.Type+" "+shall.Identifier), " "))
	case kind != "A" && kind != "AAAA":
		return refuse(r, failover.GuardNotOurs, "rrwatch edits A and AAAA records only")
	case was.Foreign != "" || shall.Foreign != "":
		return refuse(r, failover.GuardNotOurs, "the set is not rrwatch's to edit: %s", was.Foreign+shall.Foreign)
	case shall.Exists() && len(shall.Values) == 0:
		return refuse(r, failover.GuardLastHealthy, "the set would have no value left")
	}
	return nil
}

// judgeIn refuses edits that are wrong in the zone as it is: the set must be what the plan expects, and some set of the
// name and type must still answer after the edit. Weights of 0 everywhere would answer with all addresses alike.
func judgeIn(r failover.Reweigh, before []failover.RecordSet) *failover.Refusal {
	now := find(before, r)
	if !now.Equal(r.Was) {
		return refuse(r, failover.GuardChanged, "the plan expects %s, and now there is %s", text(r.Was), text(now))
	}
	left, answers := 0, r.Shall.Answers()
	for _, s := range before {
		if s.Type == set(r).Type && s.Key() != set(r).Key() {
			left++
			answers = answers || s.Answers()
		}
	}
	switch {
	case answers:
		return nil
	case left == 0 && !r.Shall.Exists():
		return refuse(r, failover.GuardLastHealthy, "it is the last set of its name and type")
	}
	return refuse(r, failover.GuardAllZero, "all weights would be 0, which Route 53 answers as if all were alike")
}

// batch is the edit as a compare-and-swap: a DELETE fails unless it says exactly what is there, an UPSERT never does.
func batch(r failover.Reweigh, comment string) *awsroute53.ChangeResourceRecordSetsInput {
	var changes []types.Change
	if r.Was.Exists() {
		changes = append(changes, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: toAWS(r.Was)})
	}
	if r.Shall.Exists() {
		changes = append(changes, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: toAWS(r.Shall)})
	}
	if runes := []rune(comment); len(runes) > maxComment {
		comment = string(runes[:maxComment])
	}
	return &awsroute53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(r.Zone), ChangeBatch: &types.ChangeBatch{Changes: changes, Comment: aws.String(comment)},
	}
}

// afterError says how an edit ended whose call failed; nil if the set is as r wants it. Every error is checked against
// the zone, since the SDK's retry of a call whose answer was lost meets what the first one has done.
func (c *Client) afterError(ctx context.Context, r failover.Reweigh, err error) error {
	if denied(err) {
		return refuse(r, failover.GuardNotPermitted,
			"not permitted; rrwatch needs route53:ChangeResourceRecordSets on this zone and record (docs/permissions.md); Route 53 says: %s", said(err))
	}
	now, known := c.settle(ctx, r, err)
	switch {
	case !known && codeOf(err) == "NoSuchHostedZone":
		return refuse(r, failover.GuardNotOurs, "there is no hosted zone %s in this account", r.Zone)
	case !known:
		return fmt.Errorf("edit %s: no clear answer, and the zone could not be read: %w", r, err)
	case now.Equal(r.Shall):
		return nil
	case !refused(err):
		return fmt.Errorf("edit %s: no clear answer, and there is still %s: %w", r, text(now), err)
	case !now.Equal(r.Was):
		return refuse(r, failover.GuardChanged, "the plan expects %s, and now there is %s", text(r.Was), text(now))
	}
	return refuse(r, failover.GuardChanged, "Route 53 refuses: %s", said(err))
}

// settle reads the set after a failed edit: once after a clear refusal, else until it is as r wants it, for about four
// seconds or until ctx ends, since the edit may still be on its way. known is false if it was never read.
func (c *Client) settle(ctx context.Context, r failover.Reweigh, cause error) (now failover.RecordSet, known bool) {
	for _, pause := range []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second} {
		if !wait(ctx, pause) {
			return now, known
		}
		sets, _, err := c.sets(ctx, r.Zone, normal(set(r).Name))
		if err != nil {
			continue
		}
		now, known = find(sets, r), true
		if now.Equal(r.Shall) || refused(cause) {
			return now, known
		}
	}
	return now, known
}

// unread is the refusal of an edit before which the zone could not be read.
func unread(r failover.Reweigh, err error) *failover.Refusal {
	switch {
	case denied(err):
		return refuse(r, failover.GuardNotPermitted, "not permitted to read; rrwatch needs %s (docs/permissions.md); Route 53 says: %s", needs(err), said(err))
	case codeOf(err) == "NoSuchHostedZone":
		return refuse(r, failover.GuardNotOurs, "there is no hosted zone %s in this account", r.Zone)
	case errors.Is(err, context.Canceled):
		return refuse(r, failover.GuardStale, "nothing was changed: stopped before the zone was read")
	}
	return refuse(r, failover.GuardStale, "nothing was changed, because the zone could not be read: %v", err)
}

// set is the record set that an edit is about: what is there, or else what shall be.
func set(r failover.Reweigh) failover.RecordSet {
	if r.Was.Exists() {
		return r.Was
	}
	return r.Shall
}

// find returns the set that an edit is about as it is among sets; the zero one if it is not.
func find(sets []failover.RecordSet, r failover.Reweigh) failover.RecordSet {
	for _, s := range sets {
		if s.Key() == set(r).Key() {
			return s
		}
	}
	return failover.RecordSet{}
}

// text describes what a set says, in one clause.
func text(s failover.RecordSet) string {
	if !s.Exists() {
		return "no such set"
	}
	out := fmt.Sprintf("[%s] with TTL %d", strings.Join(s.Values, " "), s.TTL)
	if s.Weight != nil {
		out += fmt.Sprintf(" and weight %d", *s.Weight)
	}
	if s.Foreign != "" {
		out += ", " + s.Foreign
	}
	return out
}

func refuse(r failover.Reweigh, guard failover.Guard, format string, args ...any) *failover.Refusal {
	return &failover.Refusal{Guard: guard, Text: fmt.Sprintf("edit %s: ", r) + fmt.Sprintf(format, args...)}
}

// Edit implements failover.Records.
func (c *Client) Edit(ctx context.Context, edits []failover.Reweigh, comment string) []failover.Edited {
	done := make([]failover.Edited, len(edits))
	for n, r := range edits {
		done[n].Change, done[n].Err = c.one(ctx, r, comment)
	}
	return done
}
