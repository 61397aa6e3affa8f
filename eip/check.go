package eip

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// Permission is one thing that rrwatch must be allowed to do, and whether it is.
type Permission struct {
	Action string // as in an IAM policy: ec2:AssociateAddress
	OK     bool
	Detail string // why not, or what could not be tried
}

// Check tries all that this package calls, and changes nothing: AssociateAddress is a dry run of moving the allocation
// to the network interface. With either of them empty it is not tried.
func (c *Client) Check(ctx context.Context, allocation, networkInterface string) []Permission {
	// An id that no instance has: permission is asked for before the filter is applied.
	some := filters("instance-id", "i-00000000000000000")
	_, addresses := within(ctx, c.read.DescribeAddresses, &ec2.DescribeAddressesInput{Filters: some})
	_, instances := within(ctx, c.read.DescribeInstances, &ec2.DescribeInstancesInput{Filters: some})
	_, status := within(ctx, c.read.DescribeInstanceStatus, &ec2.DescribeInstanceStatusInput{MaxResults: aws.Int32(5)}) // the least that it takes
	return []Permission{
		permission("ec2:DescribeAddresses", addresses),
		permission("ec2:DescribeInstances", instances),
		permission("ec2:DescribeInstanceStatus", status),
		c.mayAssociate(ctx, allocation, networkInterface),
	}
}

func (c *Client) mayAssociate(ctx context.Context, allocation, networkInterface string) Permission {
	const action = "ec2:AssociateAddress"
	switch {
	case allocation == "":
		return Permission{Action: action, Detail: "not tried: there is no Elastic IP of this account to try it with"}
	case networkInterface == "":
		return Permission{Action: action, Detail: "not tried: there is no network interface to try it with"}
	}
	_, err := within(ctx, c.act.AssociateAddress, &ec2.AssociateAddressInput{
		AllocationId: aws.String(allocation), NetworkInterfaceId: aws.String(networkInterface),
		AllowReassociation: aws.Bool(true), DryRun: aws.Bool(true),
	})
	if codeOf(err) == "DryRunOperation" { // how EC2 says yes
		return Permission{Action: action, OK: true}
	}
	return permission(action, err)
}

func permission(action string, err error) Permission {
	switch {
	case err == nil:
		return Permission{Action: action, OK: true}
	case answerOf(err) == notPermitted:
		return Permission{Action: action, Detail: "not permitted (docs/permissions.md): " + said(err)}
	}
	return Permission{Action: action, Detail: err.Error()}
}
