package route53

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"rrwatch/failover"
)

// maxPage is the most record sets of one page (API reference, ListResourceRecordSets).
const maxPage = 300

// Read implements failover.Records. The zone is a name, or an id with or without "/hostedzone/" before it. A name that
// several zones of the account have is an error, since only one of them is the published one. What Route 53 lists
// includes edits that are still PENDING.
func (c *Client) Read(ctx context.Context, zone, name string) (failover.Published, error) {
	id, err := c.zoneID(ctx, zone)
	if err != nil {
		return failover.Published{}, err
	}
	name = normal(name)
	sets, others, err := c.sets(ctx, id, name)
	if err != nil {
		return failover.Published{}, fmt.Errorf("read %s in zone %s: %w", name, zone, err)
	}
	if len(sets) == 0 {
		hint := "check the name and the zone"
		if len(others) > 0 {
			hint = "it has " + strings.Join(others, ", ") + "; rrwatch watches A and AAAA records"
		}
		return failover.Published{}, fmt.Errorf("zone %s has no A or AAAA record %s: %s", zone, name, hint)
	}
	return failover.Published{ZoneID: id, Sets: sets}, nil
}

// sets lists the A and AAAA sets of a normalised name in the zone's order, and the other types that there are.
func (c *Client) sets(ctx context.Context, id, name string) (sets []failover.RecordSet, others []string, err error) {
	in := &awsroute53.ListResourceRecordSetsInput{
		HostedZoneId: aws.String(id), StartRecordName: aws.String(name), StartRecordType: types.RRTypeA, MaxItems: aws.Int32(maxPage),
	}
	for {
		out, err := within(ctx, c.api.ListResourceRecordSets, in)
		if err != nil {
			return nil, nil, err
		}
		for _, r := range out.ResourceRecordSets {
			switch {
			case normal(aws.ToString(r.Name)) != name:
				return sets, others, nil // names come in order
			case r.Type == types.RRTypeA || r.Type == types.RRTypeAaaa:
				sets = append(sets, fromAWS(r))
			default:
				others = append(others, string(r.Type))
			}
		}
		if !out.IsTruncated {
			return sets, others, nil
		}
		// Without the identifier the next page of a long group would begin at its start again.
		in.StartRecordName, in.StartRecordType, in.StartRecordIdentifier = out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier
	}
}

// fromAWS is a record set in our words.
func fromAWS(r types.ResourceRecordSet) failover.RecordSet {
	out := failover.RecordSet{
		Name: normal(aws.ToString(r.Name)), Type: string(r.Type), TTL: aws.ToInt64(r.TTL), Identifier: aws.ToString(r.SetIdentifier),
		Weight: r.Weight, MultiValue: aws.ToBool(r.MultiValueAnswer), HealthCheck: aws.ToString(r.HealthCheckId), Foreign: foreign(r),
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
	case r.Failover != "":
		return "failover routing (" + strings.ToLower(string(r.Failover)) + ")"
	case r.GeoLocation != nil:
		return "geolocation routing"
	case r.GeoProximityLocation != nil:
		return "geoproximity routing"
	case r.CidrRoutingConfig != nil:
		return "IP-based routing"
	case aws.ToString(r.SetIdentifier) != "" && r.Weight == nil && !aws.ToBool(r.MultiValueAnswer):
		return "a routing policy that rrwatch does not know"
	}
	return ""
}

// toAWS is a record set in Route 53's words.
func toAWS(r failover.RecordSet) *types.ResourceRecordSet {
	out := &types.ResourceRecordSet{Name: aws.String(r.Name), Type: types.RRType(r.Type), TTL: aws.Int64(r.TTL), Weight: r.Weight}
	if r.Identifier != "" {
		out.SetIdentifier = aws.String(r.Identifier)
	}
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

// zoneID is the id of a zone that is given by name or id. A name is looked up once.
func (c *Client) zoneID(ctx context.Context, zone string) (string, error) {
	if id, ok := asID(zone); ok {
		return id, nil
	}
	name := normal(zone)
	c.mu.Lock()
	id := c.zones[name]
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	found, err := c.zonesNamed(ctx, name)
	if err != nil {
		return "", fmt.Errorf("find the hosted zone %s: %w", zone, err)
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("there is no hosted zone %s in this account: check its name, and with which credentials rrwatch runs", zone)
	case 1:
	default:
		return "", fmt.Errorf("zone %s exists %d times (%s): give the id of the one that is meant", zone, len(found), describe(found))
	}
	id, _ = asID(aws.ToString(found[0].Id))
	c.mu.Lock()
	c.zones[name] = id
	c.mu.Unlock()
	return id, nil
}

// zonesNamed lists the hosted zones that have exactly this normalised name.
func (c *Client) zonesNamed(ctx context.Context, name string) ([]types.HostedZone, error) {
	var found []types.HostedZone
	in := &awsroute53.ListHostedZonesByNameInput{DNSName: aws.String(name)}
	for {
		out, err := within(ctx, c.api.ListHostedZonesByName, in)
		if err != nil {
			return nil, err
		}
		for _, z := range out.HostedZones {
			if normal(aws.ToString(z.Name)) != name {
				return found, nil // names come in order
			}
			found = append(found, z)
		}
		if !out.IsTruncated {
			return found, nil
		}
		in.DNSName, in.HostedZoneId = out.NextDNSName, out.NextHostedZoneId
	}
}

func describe(zones []types.HostedZone) string {
	var list []string
	for _, z := range zones {
		id, _ := asID(aws.ToString(z.Id))
		kind := "public"
		if z.Config != nil && z.Config.PrivateZone {
			kind = "private"
		}
		list = append(list, id+" "+kind)
	}
	return strings.Join(list, ", ")
}

// asID is the bare id of a hosted zone, if zone is one: Z and capital letters and digits, with or without a path before
// it. A name has a dot or is not in capitals.
func asID(zone string) (string, bool) {
	id := strings.TrimPrefix(zone, "/hostedzone/")
	return id, regexp.MustCompile(`^Z[0-9A-Z]{1,31}$`).MatchString(id)
}

// normal is a name as failover compares it: lower case, without trailing dot, an asterisk as itself. Route 53 writes it
// with a trailing dot and \052.
func normal(name string) string {
	return strings.ReplaceAll(strings.TrimSuffix(strings.ToLower(name), "."), `\052`, "*")
}
