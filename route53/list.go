package route53

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"rrwatch/failover"
)

// maxPage is the most record sets of one page (API reference, ListResourceRecordSets).
const maxPage = 300

// isLease reports whether a normalised name can be that of a lease.
func isLease(name string) bool {
	record, ok := strings.CutPrefix(name, failover.LeaseName(""))
	return ok && record != ""
}

// listing is a read of all record sets of some names.
type listing struct {
	left  []string                             // normalised names of which not all sets are known
	also  string                               // a name whose sets are taken when they are met, and not asked for
	began string                               // the name that was asked for
	found map[string][]types.ResourceRecordSet // by name, in the zone's order
}

// list reads the record sets of normalised names. What a page has behind the name that it begins with counts, too, so that the
// names of a small zone cost one call; a name that was not met is asked for by itself. The sets that were read before an error
// are returned with it.
func (c *Client) list(ctx context.Context, id, also string, names ...string) (map[string][]types.ResourceRecordSet, error) {
	l := listing{left: inOrder(names), also: also, found: map[string][]types.ResourceRecordSet{}}
	for len(l.left) > 0 {
		for in := l.begin(id); in != nil; {
			out, err := within(ctx, c.account, c.api.ListResourceRecordSets, in)
			if err != nil {
				for _, name := range l.left { // it may have been read in part
					delete(l.found, name)
				}
				return l.found, err
			}
			in = l.take(in, out)
		}
	}
	return l.found, nil
}

// begin asks for the first name that is left.
func (l *listing) begin(id string) *awsroute53.ListResourceRecordSetsInput {
	l.began = l.left[0]
	in := &awsroute53.ListResourceRecordSetsInput{
		HostedZoneId: aws.String(id), StartRecordName: aws.String(l.began), StartRecordType: types.RRTypeA, MaxItems: aws.Int32(maxPage),
	}
	if len(l.left) == 1 && isLease(l.began) { // it has but one set, and is read often
		in.StartRecordType, in.MaxItems = types.RRTypeTxt, aws.Int32(1)
	}
	return in
}

// take takes in a page. If a name goes on behind it, what it returns asks for that.
func (l *listing) take(in *awsroute53.ListResourceRecordSetsInput, out *awsroute53.ListResourceRecordSetsOutput) *awsroute53.ListResourceRecordSetsInput {
	for _, r := range out.ResourceRecordSets {
		if name := normal(aws.ToString(r.Name)); name == l.also || slices.Contains(l.left, name) {
			l.found[name] = append(l.found[name], r)
		}
	}
	next := "" // behind all of the zone
	if out.IsTruncated {
		next = normal(aws.ToString(out.NextRecordName))
	}
	l.left = slices.DeleteFunc(l.left, func(name string) bool { return name != next && l.passed(name, next) })
	if !slices.Contains(l.left, next) {
		return nil
	}
	// Without the identifier the next page of a long group would begin at its start again.
	return &awsroute53.ListResourceRecordSetsInput{
		HostedZoneId: in.HostedZoneId, MaxItems: in.MaxItems,
		StartRecordName: out.NextRecordName, StartRecordType: out.NextRecordType, StartRecordIdentifier: out.NextRecordIdentifier,
	}
}

// passed reports whether all sets of a name come before the name next, if it has any. What is below a name follows it directly,
// before all else.
func (l *listing) passed(name, next string) bool {
	below := func(name string) bool { return strings.HasSuffix(name, "."+l.began) }
	return name == l.began || len(l.found[name]) > 0 || below(name) && next != l.began && !below(next)
}

// setsOf is the A and AAAA sets among those of a name, and the other types that there are.
func setsOf(list []types.ResourceRecordSet) (sets []failover.RecordSet, others []string) {
	for _, r := range list {
		if r.Type == types.RRTypeA || r.Type == types.RRTypeAaaa {
			sets = append(sets, fromAWS(r))
		} else {
			others = append(others, string(r.Type))
		}
	}
	for n := range sets {
		if sets[n].Foreign == "" {
			sets[n].Foreign = foreignPair(sets, sets[n])
		}
	}
	return sets, others
}

// leaseOf is the TXT set among those of a lease's name; the zero one if there is none.
func leaseOf(list []types.ResourceRecordSet) failover.RecordSet {
	for _, r := range list {
		if r.Type != types.RRTypeTxt {
			continue
		}
		set := fromAWS(r)
		if set.Foreign == "" && !plain(set) {
			set.Foreign = "no plain TXT record"
		}
		return set
	}
	return failover.RecordSet{}
}

// plain reports whether a set has nothing but values and a TTL.
func plain(s failover.RecordSet) bool { return s.Simple() && s.Identifier == "" && s.HealthCheck == "" }
