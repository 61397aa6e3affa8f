package eip

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"rrwatch/failover"
)

// The most of one call, from the EC2 API reference: values of one filter (Using filtering) and instances of one page
// (DescribeInstances, MaxResults).
const (
	maxValues = 200
	maxPage   = 1000
)

// addressesBy returns the Elastic IPs that have one of the values for a filter, by IP.
func addressesBy(ctx context.Context, from calls, filter string, values []string) ([]failover.Address, error) {
	var found []failover.Address
	for some := range slices.Chunk(values, maxValues) {
		out, err := within(ctx, from.DescribeAddresses, &ec2.DescribeAddressesInput{Filters: filters(filter, some...)})
		if err != nil {
			return nil, fmt.Errorf("read Elastic IPs: %w", err)
		}
		for _, a := range out.Addresses {
			ip, err := netip.ParseAddr(aws.ToString(a.PublicIp))
			if err != nil {
				return nil, fmt.Errorf("read Elastic IPs: EC2 names the address of %s %q: %w", aws.ToString(a.AllocationId), aws.ToString(a.PublicIp), err)
			}
			found = append(found, failover.Address{
				IP: ip, Allocation: aws.ToString(a.AllocationId), Association: aws.ToString(a.AssociationId),
				Instance: aws.ToString(a.InstanceId), Interface: aws.ToString(a.NetworkInterfaceId),
				Private: addr(a.PrivateIpAddress), ServiceManaged: string(a.ServiceManaged), BorderGroup: aws.ToString(a.NetworkBorderGroup),
			})
		}
	}
	slices.SortFunc(found, func(a, b failover.Address) int { return a.IP.Compare(b.IP) })
	return found, nil
}

// instancesByID returns the instances that there are among ids. It filters rather than names them: one named instance
// that is gone would fail the whole call.
func instancesByID(ctx context.Context, from calls, ids []string) (map[string]types.Instance, error) {
	found := map[string]types.Instance{}
	for some := range slices.Chunk(ids, maxValues) {
		list, err := instancesBy(ctx, from, filters("instance-id", some...))
		if err != nil {
			return nil, err
		}
		for _, i := range list {
			found[aws.ToString(i.InstanceId)] = i
		}
	}
	return found, nil
}

// instancesBy returns the instances that pass all of the filters.
func instancesBy(ctx context.Context, from calls, all []types.Filter) ([]types.Instance, error) {
	var list []types.Instance
	in := &ec2.DescribeInstancesInput{Filters: all, MaxResults: aws.Int32(maxPage)}
	for {
		out, err := within(ctx, from.DescribeInstances, in)
		if err != nil {
			return nil, fmt.Errorf("read instances: %w", err)
		}
		for _, r := range out.Reservations {
			list = append(list, r.Instances...)
		}
		if aws.ToString(out.NextToken) == "" {
			return list, nil
		}
		in.NextToken = out.NextToken
	}
}

// filters makes one filter out of a name and literal values. In EC2's filters * and ? stand for other characters: left
// as they are they would select what nobody named.
func filters(name string, values ...string) []types.Filter {
	literal := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)
	exact := make([]string, len(values))
	for n, v := range values {
		exact[n] = literal.Replace(v)
	}
	return []types.Filter{{Name: aws.String(name), Values: exact}}
}

// addr parses an address; the zero one if there is none.
func addr(s *string) netip.Addr {
	a, err := netip.ParseAddr(aws.ToString(s))
	if err != nil {
		return netip.Addr{}
	}
	return a
}

func unique(list []string) []string {
	sorted := slices.Sorted(slices.Values(list))
	return slices.Compact(sorted)
}
