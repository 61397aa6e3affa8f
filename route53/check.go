package route53

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
)

// Permission is one thing that rrwatch must be allowed to do, and whether it is.
type Permission struct {
	Action string // as in an IAM policy: route53:ListResourceRecordSets
	OK     bool
	Detail string // why not, or what could not be tried
}

// Check tries what this package calls for a zone, which is a name or an id, and changes nothing. What cannot be tried
// without changing something counts as OK and says so in its Detail.
func (c *Client) Check(ctx context.Context, zone string) []Permission {
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
		Action: "route53:ChangeResourceRecordSets", OK: true,
		Detail: "not tried: Route 53 has no dry run; compare the policy with docs/permissions.md",
	})
}

func permission(action string, err error) Permission {
	if err == nil {
		return Permission{Action: action, OK: true}
	}
	if denied(err) {
		return Permission{Action: action, Detail: "not permitted (docs/permissions.md): " + said(err)}
	}
	return Permission{Action: action, Detail: err.Error()}
}
