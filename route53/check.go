package route53

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"rrwatch/failover"
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
	Edits  bool   // the pool's mode and remedies are ones in which its record is edited
	Lease  bool   // a lease is held for the pool, which is edited in the zone, too
}

// Check tries all that this package calls for a pool, and what it should not be allowed to, and changes nothing.
func (c *Client) Check(ctx context.Context, t Trial) []Permission {
	var list []Permission
	id, isID := asID(t.Zone)
	if !isID {
		found, err := c.zoneID(ctx, t.Zone)
		list = append(list, permission("route53:ListHostedZonesByName", "", err))
		if err != nil {
			return list // without the zone nothing else can be asked
		}
		id = found
	}
	zone, record := "", normal(t.Record)
	out, err := within(ctx, c.account, c.api.GetHostedZone, &awsroute53.GetHostedZoneInput{Id: aws.String(id)})
	list = append(list, permission("route53:GetHostedZone", id, err))
	if err == nil && out.HostedZone != nil {
		zone = normal(aws.ToString(out.HostedZone.Name))
	}
	found, err := c.list(ctx, id, "", record)
	list = append(list, permission("route53:ListResourceRecordSets", id, err))
	sets, _ := setsOf(found[record])
	// A change that nobody made: whoever may ask is told that there is none.
	_, err = within(ctx, c.account, c.api.GetChange, &awsroute53.GetChangeInput{Id: aws.String("C00000000000000000000")})
	if codeOf(err) == "NoSuchChange" {
		err = nil
	}
	list = append(list, permission("route53:GetChange", "", err).neededWhen(t.Edits || t.Lease))
	list = append(list, c.mayReadHealth(ctx, sets)...)
	for _, kind := range typesOf(sets) {
		list = append(list, c.mayEdit(ctx, id, record, kind, t.Edits))
	}
	if t.Lease {
		list = append(list, c.mayEdit(ctx, id, normal(failover.LeaseName(record)), types.RRTypeTxt, true))
	}
	if zone != "" {
		list = append(list, c.mayEdit(ctx, id, "rrwatch-check."+zone, types.RRTypeA, false))
	}
	return list
}

// typesOf is the types among sets; A when nothing is known of them.
func typesOf(sets []failover.RecordSet) []types.RRType {
	var kinds []types.RRType
	for _, s := range sets {
		if kind := types.RRType(s.Type); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 0 {
		kinds = []types.RRType{types.RRTypeA}
	}
	return kinds
}

// mayReadHealth tries to read the health check of one of the sets, if any has one.
func (c *Client) mayReadHealth(ctx context.Context, sets []failover.RecordSet) []Permission {
	for _, s := range sets {
		if s.HealthCheck != "" {
			_, err := within(ctx, c.account, c.api.GetHealthCheck, &awsroute53.GetHealthCheckInput{HealthCheckId: aws.String(s.HealthCheck)})
			if codeOf(err) == "NoSuchHealthCheck" {
				err = nil
			}
			return []Permission{permission("route53:GetHealthCheck", s.HealthCheck, err)}
		}
	}
	return nil
}

// mayEdit tries an edit that Route 53 cannot make, and must look at the zone to refuse: so it says no earlier than here that
// it is not permitted. There is no dry run. The batch deletes a set that does not exist, since its identifier was drawn at
// random just now, and creates one with a health check that does not exist for the same reason. Either is refused by itself,
// and a batch of which one change is refused changes nothing (API reference, ChangeResourceRecordSets). Both actions are in it
// because a policy may allow one of them only.
func (c *Client) mayEdit(ctx context.Context, id, name string, kind types.RRType, needed bool) Permission {
	_, err := within(forEdit(ctx), c.account, c.api.ChangeResourceRecordSets, impossible(id, name, kind))
	if slices.Contains([]string{"InvalidChangeBatch", "NoSuchHealthCheck"}, codeOf(err)) {
		err = nil
	}
	return permission("route53:ChangeResourceRecordSets", name+" "+string(kind), err).neededWhen(needed)
}

func impossible(id, name string, kind types.RRType) *awsroute53.ChangeResourceRecordSetsInput {
	value := map[types.RRType]string{types.RRTypeA: "192.0.2.1", types.RRTypeAaaa: "2001:db8::1", types.RRTypeTxt: `"rrwatch check"`}[kind]
	set := func(healthCheck *string) *types.ResourceRecordSet {
		return &types.ResourceRecordSet{
			Name: aws.String(name), Type: kind, TTL: aws.Int64(60), Weight: aws.Int64(0), SetIdentifier: aws.String("rrwatch-check-" + rand.Text()),
			ResourceRecords: []types.ResourceRecord{{Value: aws.String(value)}}, HealthCheckId: healthCheck,
		}
	}
	return &awsroute53.ChangeResourceRecordSetsInput{HostedZoneId: aws.String(id), ChangeBatch: &types.ChangeBatch{
		Comment: aws.String("rrwatch check: shall be refused"),
		Changes: []types.Change{
			{Action: types.ChangeActionDelete, ResourceRecordSet: set(nil)},
			{Action: types.ChangeActionCreate, ResourceRecordSet: set(aws.String(randomUUID()))},
		},
	}}
}

// randomUUID has the form of a health check's id (RFC 9562, section 5.4).
func randomUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, as its documentation says
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// neededWhen is the permission as it is judged when it may be not needed.
func (p Permission) neededWhen(needed bool) Permission {
	switch p.Needed = needed; {
	case needed:
	case p.OK:
		p.Detail = "permitted, and not needed: rrwatch iam-policy prints a policy without it (docs/permissions.md)"
	case strings.HasPrefix(p.Detail, notPermitted):
		p.Detail = "" // as it should be
	}
	return p
}

// notPermitted begins what is said of a permission that is not there.
const notPermitted = "not permitted"

// permission is a needed one, of which err tells whether it is there.
func permission(action, on string, err error) Permission {
	p := Permission{Action: action, On: on, OK: err == nil, Needed: true}
	switch {
	case denied(err):
		p.Detail = notPermitted + " (docs/permissions.md): " + strings.TrimSpace(said(err))
	case err != nil:
		p.Detail = err.Error()
	}
	return p
}
