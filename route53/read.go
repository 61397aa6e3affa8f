package route53

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"rrwatch/failover"
)

// Read implements failover.Records. The zone is a name, or an id with or without "/hostedzone/" before it. Of several zones
// of the account that have the name the only public one is taken; else it is an error, since only one of them is the published
// one. What Route 53 lists includes edits that are still PENDING.
func (c *Client) Read(ctx context.Context, zone, name string) (failover.Published, error) {
	id, err := c.zoneID(ctx, zone)
	if err != nil {
		return failover.Published{}, err
	}
	name = normal(name)
	lease, names := normal(failover.LeaseName(name)), []string{name}
	if c.leases {
		names = append(names, lease)
	}
	found, err := c.list(ctx, id, lease, names...)
	if err != nil {
		return failover.Published{}, fmt.Errorf("read %s in zone %s: %w", name, zone, err)
	}
	sets, others := setsOf(found[name])
	if len(sets) == 0 {
		hint := "check the name and the zone"
		if len(others) > 0 {
			hint = "it has " + strings.Join(others, ", ") + "; rrwatch watches A and AAAA records"
		}
		return failover.Published{}, fmt.Errorf("zone %s has no A or AAAA record %s: %s", zone, name, hint)
	}
	// A zone of which this is not known is taken for a public one: that its servers cannot be found is said by who asks them.
	ctx, cancel := context.WithTimeout(ctx, asideWithin)
	defer cancel()
	facts, _ := c.factsOf(ctx, id)
	return failover.Published{
		ZoneID: id, Private: facts.private, Sets: sets, Lease: leaseOf(found[lease]), HealthChecks: c.healthChecks(ctx, sets),
		Throttled: c.Pressure().Recent,
	}, nil
}

// fromAWS is a record set in our words.
func fromAWS(r types.ResourceRecordSet) failover.RecordSet {
	out := failover.RecordSet{
		Name: normal(aws.ToString(r.Name)), Type: string(r.Type), TTL: aws.ToInt64(r.TTL), Identifier: aws.ToString(r.SetIdentifier),
		Weight: r.Weight, MultiValue: aws.ToBool(r.MultiValueAnswer), HealthCheck: aws.ToString(r.HealthCheckId), Failover: string(r.Failover),
		Foreign: foreign(r),
	}
	for _, v := range r.ResourceRecords {
		out.Values = append(out.Values, aws.ToString(v.Value))
	}
	return out
}

// foreign says why a set is not rrwatch's to edit; empty if it may be edited.
func foreign(r types.ResourceRecordSet) string {
	switch {
	case r.AliasTarget != nil:
		return "an alias of " + normal(aws.ToString(r.AliasTarget.DNSName))
	case aws.ToString(r.TrafficPolicyInstanceId) != "":
		return "made by the traffic policy instance " + aws.ToString(r.TrafficPolicyInstanceId)
	case r.Region != "":
		return "latency routing for " + string(r.Region)
	case r.GeoLocation != nil:
		return "geolocation routing"
	case r.GeoProximityLocation != nil:
		return "geoproximity routing"
	case r.CidrRoutingConfig != nil:
		return "IP-based routing"
	case aws.ToString(r.SetIdentifier) != "" && r.Weight == nil && !aws.ToBool(r.MultiValueAnswer) && r.Failover == "":
		return "a routing policy that rrwatch does not know"
	}
	return ""
}

// foreignPair says why a set of a failover pair is not rrwatch's to edit: the other one is an alias, of which rrwatch cannot tell
// whether anything answers behind it. Empty if it may be edited.
func foreignPair(sets []failover.RecordSet, set failover.RecordSet) string {
	if set.Failover == "" {
		return ""
	}
	for _, other := range sets {
		if other.Type == set.Type && other.Failover != "" && other.Foreign != "" {
			return fmt.Sprintf("the %s set of its failover pair is %s, of which rrwatch cannot tell whether it serves",
				strings.ToLower(other.Failover), other.Foreign)
		}
	}
	return ""
}

// toAWS is a record set in Route 53's words.
func toAWS(r failover.RecordSet) *types.ResourceRecordSet {
	out := &types.ResourceRecordSet{Name: aws.String(r.Name), Type: types.RRType(r.Type), TTL: aws.Int64(r.TTL), Weight: r.Weight}
	if r.Identifier != "" {
		out.SetIdentifier = aws.String(r.Identifier)
	}
	out.Failover = types.ResourceRecordSetFailover(r.Failover)
	if r.MultiValue {
		out.MultiValueAnswer = aws.Bool(true)
	}
	if r.HealthCheck != "" {
		out.HealthCheckId = aws.String(r.HealthCheck)
	}
	for _, v := range r.Values {
		out.ResourceRecords = append(out.ResourceRecords, types.ResourceRecord{Value: aws.String(v)})
	}
	return out
}
