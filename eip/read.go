package eip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"rrwatch/failover"
)

// The most of one call, from the EC2 API reference: values of one filter (Using filtering), instances of one page
// (DescribeInstances, MaxResults) and instances of one question for their status (DescribeInstanceStatus, InstanceIds).
const (
	maxValues   = 200
	maxPage     = 1000
	maxStatuses = 100
)

// Read implements failover.EIPs. Every describe is filtered: unfiltered ones draw on a smaller bucket of requests. An
// instance that is selected by tags is left out once it is terminated; one selected by id is shown as terminated for as
// long as EC2 remembers it. Without IPv4 addresses and without a selection nothing is called.
func (c *Client) Read(ctx context.Context, wants []failover.Want) []failover.Got {
	got := make([]failover.Got, len(wants))
	for n, w := range wants {
		got[n].Addresses, got[n].Instances, got[n].Err = c.readOne(ctx, w.Addrs, w.Instances)
	}
	return got
}

func (c *Client) readOne(ctx context.Context, addrs []netip.Addr, sel failover.Selector) ([]failover.Address, []failover.Instance, error) {
	var ips, ids []string
	for _, a := range addrs {
		if a = a.Unmap(); a.Is4() { // an Elastic IP is IPv4 only
			ips = append(ips, a.String())
		}
	}
	addresses, err := addressesBy(ctx, c.read, "public-ip", unique(ips))
	if err != nil {
		return nil, nil, err
	}
	for _, a := range addresses {
		if a.Instance != "" {
			ids = append(ids, a.Instance)
		}
	}
	found, err := instancesByID(ctx, c.read, unique(append(ids, sel.IDs...)))
	if err != nil {
		return nil, nil, err
	}
	tagged, err := c.tagged(ctx, sel.Tags)
	if err != nil {
		return nil, nil, err
	}
	for _, i := range tagged {
		found[aws.ToString(i.InstanceId)] = i
	}
	instances, err := c.withStatus(ctx, found)
	if err != nil {
		return nil, nil, err
	}
	return addresses, instances, nil
}

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

// tagged returns the instances that have all the tags and are not terminated; none without tags.
func (c *Client) tagged(ctx context.Context, tags map[string]string) ([]types.Instance, error) {
	if len(tags) == 0 {
		return nil, nil
	}
	var all []types.Filter
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, filters("tag:"+key, tags[key])...)
	}
	list, err := instancesBy(ctx, c.read, all)
	return slices.DeleteFunc(list, func(i types.Instance) bool { return stateOf(i) == types.InstanceStateNameTerminated }), err
}

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

// withStatus returns the instances by id, the running ones with what EC2's status checks say. These run once a minute
// and are only told to people, so a failure to read them hides nothing else: it stands in their place.
func (c *Client) withStatus(ctx context.Context, found map[string]types.Instance) ([]failover.Instance, error) {
	var running []string
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if stateOf(found[id]) == types.InstanceStateNameRunning {
			running = append(running, id)
		}
	}
	status := map[string]string{}
	for some := range slices.Chunk(running, maxStatuses) {
		out, err := within(ctx, c.read.DescribeInstanceStatus, &ec2.DescribeInstanceStatusInput{InstanceIds: some})
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("read the status of instances: %w", errors.Join(ctx.Err(), err))
		case err != nil:
			for _, id := range some {
				status[id] = "unknown: " + said(err)
			}
		default:
			for _, s := range out.InstanceStatuses {
				status[aws.ToString(s.InstanceId)] = statusOf(s)
			}
		}
	}
	var list []failover.Instance
	for _, id := range slices.Sorted(maps.Keys(found)) {
		i := instanceOf(found[id])
		i.Status = status[id]
		list = append(list, i)
	}
	return list, nil
}

func instanceOf(i types.Instance) failover.Instance {
	out := failover.Instance{
		ID: aws.ToString(i.InstanceId), State: string(stateOf(i)), Interfaces: len(i.NetworkInterfaces), Private: addr(i.PrivateIpAddress),
	}
	if i.Placement != nil {
		out.Zone = aws.ToString(i.Placement.AvailabilityZone)
	}
	for _, t := range i.Tags {
		if aws.ToString(t.Key) == "Name" {
			out.Name = aws.ToString(t.Value)
		}
	}
	eni, ok := primary(i)
	if !ok {
		return out
	}
	out.Interface = aws.ToString(eni.NetworkInterfaceId)
	out.Private = addr(eni.PrivateIpAddress)
	association := eni.Association
	for _, p := range eni.PrivateIpAddresses {
		if aws.ToBool(p.Primary) {
			association = p.Association
		}
	}
	if association == nil {
		return out
	}
	out.Public = addr(association.PublicIp)
	// The address that an instance gets by itself belongs to "amazon", an Elastic IP to an account (EC2 API reference,
	// InstanceNetworkInterfaceAssociation).
	if aws.ToString(association.IpOwnerId) != "amazon" {
		out.Elastic = out.Public
	}
	return out
}

// primary is the interface that the instance was launched with.
func primary(i types.Instance) (types.InstanceNetworkInterface, bool) {
	if len(i.NetworkInterfaces) == 0 {
		return types.InstanceNetworkInterface{}, false
	}
	first := func(e types.InstanceNetworkInterface) int32 {
		if e.Attachment == nil {
			return 0
		}
		return aws.ToInt32(e.Attachment.NetworkCardIndex)<<8 + aws.ToInt32(e.Attachment.DeviceIndex)
	}
	return slices.MinFunc(i.NetworkInterfaces, func(a, b types.InstanceNetworkInterface) int {
		return cmp.Compare(first(a), first(b))
	}), true
}

func stateOf(i types.Instance) types.InstanceStateName {
	if i.State == nil {
		return ""
	}
	return i.State.Name
}

// statusOf is the worst of the status checks, and unless that is "impaired" the scheduled events that are still to come:
// "ok", "initializing; instance-retirement not before 2026-03-01 12:00 UTC".
func statusOf(s types.InstanceStatus) string {
	seen := map[string]bool{}
	for _, checks := range []*types.InstanceStatusSummary{s.InstanceStatus, s.SystemStatus} {
		if checks != nil {
			seen[string(checks.Status)] = true
		}
	}
	if s.AttachedEbsStatus != nil {
		seen[string(s.AttachedEbsStatus.Status)] = true
	}
	text := "unknown"
	for _, worst := range []string{"impaired", "insufficient-data", "initializing", "ok"} {
		if seen[worst] {
			text = worst
			break
		}
	}
	if text == "impaired" {
		return text // what is planned for later says nothing more
	}
	for _, e := range s.Events {
		// EC2 goes on to show events that are over for a week, with that in the description.
		if d := aws.ToString(e.Description); strings.HasPrefix(d, "[Completed]") || strings.HasPrefix(d, "[Canceled]") {
			continue
		}
		text += "; " + string(e.Code)
		if e.NotBefore != nil {
			text += " not before " + e.NotBefore.UTC().Format("2006-01-02 15:04 UTC")
		}
	}
	return text
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
