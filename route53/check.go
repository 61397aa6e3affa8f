package route53

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
)

// Permission is one thing that rrwatch may be allowed to do, and whether it is. All is well when OK and Needed are the same.
type Permission struct {
	Action string // as in an IAM policy: route53:ListResourceRecordSets
	On     string // what it was tried on, for people: "www.example.com A"; empty: there is nothing to choose
	OK     bool   // it is permitted
	Needed bool   // false: rrwatch can do without it, and is better off
	Detail string // why it is not permitted, or why that is not known; of what is permitted and not needed: what to do
}

// Trial is what Check asks about.
type Trial struct {
	Zone   string // its name or its id
	Record string // the published name
	Edits  bool   // the pool's mode is one in which records are edited
	Lease  bool   // the pool has a lease, which stands in the zone
}

// Check tries all that this package calls for a pool, and changes nothing.
func (c *Client) Check(ctx context.Context, t Trial) []Permission {
	zone := t.Zone
	var list []Permission
	id, isID := asID(zone)
	if !isID {
		found, err := c.zoneID(ctx, zone)
		list = append(list, permission("route53:ListHostedZonesByName", err))
		if err != nil {
			return list // without the zone nothing else can be asked
		}
		id = found
	}
	_, err := within(ctx, c.api.GetHostedZone, &awsroute53.GetHostedZoneInput{Id: aws.String(id)})
	list = append(list, permission("route53:GetHostedZone", err))
	_, err = within(ctx, c.api.ListResourceRecordSets, &awsroute53.ListResourceRecordSetsInput{HostedZoneId: aws.String(id), MaxItems: aws.Int32(1)})
	list = append(list, permission("route53:ListResourceRecordSets", err))
	// A change that nobody made: whoever may ask is told that there is none.
	_, err = within(ctx, c.api.GetChange, &awsroute53.GetChangeInput{Id: aws.String("C00000000000000000000")})
	if codeOf(err) == "NoSuchChange" {
		err = nil
	}
	return append(list, permission("route53:GetChange", err), Permission{
		Action: "route53:ChangeResourceRecordSets", OK: true, Needed: true,
		Detail: "not tried: Route 53 has no dry run; compare the policy with docs/permissions.md",
	})
}

func permission(action string, err error) Permission {
	if err == nil {
		return Permission{Action: action, OK: true, Needed: true}
	}
	if denied(err) {
		return Permission{Action: action, Needed: true, Detail: "not permitted (docs/permissions.md): " + said(err)}
	}
	return Permission{Action: action, Needed: true, Detail: err.Error()}
}
