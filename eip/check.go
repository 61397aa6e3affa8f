package eip

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"rrwatch/failover"
)

// Permission is one thing that rrwatch may be allowed to do, and whether it is. All is well when OK and Needed are the same.
type Permission struct {
	Action string // as in an IAM policy: ec2:AssociateAddress
	On     string // what it was tried on, for people: "203.0.113.1 (eipalloc-1) to eni-1 of lb-2 (i-2)"; empty: there is nothing to choose
	OK     bool   // it is permitted
	Needed bool   // false: rrwatch can do without it, and is better off
	Detail string // why it is not permitted, or why that is not known; of what is permitted and not needed: what to do
}

// Trial is what Check asks about.
type Trial struct {
	Moves     bool                // the pool's mode and remedies are ones in which addresses are moved
	Addresses []failover.Address  // those that may be moved
	Instances []failover.Instance // those that may be given one
}

// Check tries all that this package calls, and some of what it must not be able to do, and changes nothing: the reads are
// real ones, and everything else is a dry run. Each address and each instance of t is in at least one dry run of
// AssociateAddress, since a policy can name them one by one; when there are no moves one dry run is enough. Dry runs draw
// on the same bucket of requests as real calls, so they are made slowly: a hundred of them take 25 seconds.
func (c *Client) Check(ctx context.Context, t Trial) []Permission {
	// An id that no instance has: permission is asked for before the filter is applied.
	some := filters("instance-id", noInstance)
	_, addresses := within(ctx, c.read.DescribeAddresses, &ec2.DescribeAddressesInput{Filters: some})
	_, instances := within(ctx, c.read.DescribeInstances, &ec2.DescribeInstancesInput{Filters: some})
	_, status := within(ctx, c.read.DescribeInstanceStatus, &ec2.DescribeInstanceStatusInput{MaxResults: aws.Int32(5)}) // the least that it takes
	list := []Permission{
		needed("ec2:DescribeAddresses", addresses),
		needed("ec2:DescribeInstances", instances),
		needed("ec2:DescribeInstanceStatus", status),
	}
	return append(append(list, c.mayAssociate(ctx, t)...), c.mayMore(ctx)...)
}

const associate = "ec2:AssociateAddress"

// mayAssociate tries the moves of t.
func (c *Client) mayAssociate(ctx context.Context, t Trial) []Permission {
	tries := pairs(t)
	switch {
	case len(t.Addresses) == 0:
		return []Permission{{Action: associate, Needed: t.Moves, Detail: "not tried: there is no Elastic IP of this account to try it with"}}
	case len(tries) == 0:
		return []Permission{{Action: associate, Needed: t.Moves, Detail: "not tried: there is no network interface to try it with"}}
	case !t.Moves:
		tries = tries[:1]
	}
	var list []Permission
	for _, try := range tries {
		p := Permission{Action: associate}
		if err := c.dryRuns.Wait(ctx); err != nil {
			p.Detail = "not tried: there was no time left"
		} else {
			_, err := within(ctx, c.act.AssociateAddress, &ec2.AssociateAddressInput{
				AllocationId: aws.String(try.address.Allocation), NetworkInterfaceId: aws.String(try.instance.Interface),
				AllowReassociation: aws.Bool(true), DryRun: aws.Bool(true),
			})
			p = judged(associate, err)
		}
		p.Needed = t.Moves
		p.On = fmt.Sprintf("%s (%s) to %s of %s", try.address.IP, try.address.Allocation, try.instance.Interface, try.instance.Label())
		list = append(list, p.advised())
	}
	return list
}

// pair is one move to try.
type pair struct {
	address  failover.Address
	instance failover.Instance
}

// pairs are as few moves as there can be with each address and each interface in one of them; none if there is no
// address or no interface.
func pairs(t Trial) []pair {
	addresses := slices.DeleteFunc(slices.Clone(t.Addresses), func(a failover.Address) bool { return a.ServiceManaged != "" })
	instances := slices.DeleteFunc(slices.Clone(t.Instances), func(i failover.Instance) bool { return i.Interface == "" })
	if len(addresses) == 0 || len(instances) == 0 {
		return nil
	}
	list := make([]pair, max(len(addresses), len(instances)))
	for n := range list {
		list[n] = pair{addresses[n%len(addresses)], instances[n%len(instances)]}
	}
	return list
}

// needless is a call that rrwatch never makes, as a dry run that could do nothing even if it were none.
type needless struct {
	action string
	dryRun func(context.Context) error
}

// Ids that nothing has.
const (
	noInstance    = "i-00000000000000000"
	noAllocation  = "eipalloc-00000000000000000"
	noAssociation = "eipassoc-00000000000000000"
)

// needlessOf lists the calls that would do the most harm to what rrwatch watches. They stand apart from those that it
// needs, so that nothing else in this package can make them.
func needlessOf(c *ec2.Client) []needless {
	dry := aws.Bool(true)
	return []needless{
		{"ec2:DisassociateAddress", func(ctx context.Context) error {
			_, err := within(ctx, c.DisassociateAddress, &ec2.DisassociateAddressInput{AssociationId: aws.String(noAssociation), DryRun: dry})
			return err
		}},
		{"ec2:ReleaseAddress", func(ctx context.Context) error {
			_, err := within(ctx, c.ReleaseAddress, &ec2.ReleaseAddressInput{AllocationId: aws.String(noAllocation), DryRun: dry})
			return err
		}},
		{"ec2:StopInstances", func(ctx context.Context) error {
			_, err := within(ctx, c.StopInstances, &ec2.StopInstancesInput{InstanceIds: []string{noInstance}, DryRun: dry})
			return err
		}},
		{"ec2:TerminateInstances", func(ctx context.Context) error {
			_, err := within(ctx, c.TerminateInstances, &ec2.TerminateInstancesInput{InstanceIds: []string{noInstance}, DryRun: dry})
			return err
		}},
	}
}

// mayMore tries what rrwatch never does. A policy that names the addresses and instances on which these are permitted
// answers no here, as nothing has the ids that are tried: only what is permitted on everything is seen.
func (c *Client) mayMore(ctx context.Context) []Permission {
	var list []Permission
	for _, n := range c.needless {
		list = append(list, judged(n.action, n.dryRun(ctx)).advised())
	}
	return list
}

// needed is the permission of a call that was really made.
func needed(action string, err error) Permission {
	p := judged(action, err)
	p.Needed = true
	return p
}

// judged says of a call, or of its dry run, whether it is permitted. That there is no such thing as was named is told
// only to those who would be allowed to touch it.
func judged(action string, err error) Permission {
	switch code := codeOf(err); {
	case err == nil, code == "DryRunOperation", strings.HasSuffix(code, ".NotFound"):
		return Permission{Action: action, OK: true}
	case answerOf(err) == notPermitted:
		return Permission{Action: action, Detail: "not permitted (docs/permissions.md): " + said(err)}
	}
	return Permission{Action: action, Detail: "not known: " + err.Error()}
}

// advised is the permission with what to do when there is more than is needed.
func (p Permission) advised() Permission {
	switch {
	case p.OK && !p.Needed:
		p.Detail = "permitted and not needed: take it out of the policy (docs/permissions.md)"
	case !p.OK && !p.Needed && strings.HasPrefix(p.Detail, "not permitted"):
		p.Detail = "" // as it should be
	}
	return p
}
