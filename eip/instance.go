package eip

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"rrwatch/failover"
)

// instanceOf is an instance without its status.
func instanceOf(i types.Instance) failover.Instance {
	out := failover.Instance{
		ID: aws.ToString(i.InstanceId), State: string(stateOf(i)), Interfaces: len(i.NetworkInterfaces), Private: addr(i.PrivateIpAddress),
		Zone: zoneOf(i), BorderGroup: borderGroup(zoneOf(i)),
	}
	out.Tags = make(map[string]string, len(i.Tags))
	for _, t := range i.Tags {
		out.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		if aws.ToString(t.Key) == "Name" {
			out.Name = aws.ToString(t.Value)
		}
	}
	eni, ok := primary(i)
	if !ok {
		return out
	}
	out.Interface = aws.ToString(eni.NetworkInterfaceId)
	out.Private, out.Free = addr(eni.PrivateIpAddress), free(eni)
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

// free are the secondary private addresses of an interface that no public address stands on, in order.
func free(e types.InstanceNetworkInterface) []netip.Addr {
	var list []netip.Addr
	for _, p := range e.PrivateIpAddresses {
		if private := addr(p.PrivateIpAddress); private.IsValid() && !aws.ToBool(p.Primary) && p.Association == nil {
			list = append(list, private)
		}
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return list
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

func zoneOf(i types.Instance) string {
	if i.Placement == nil {
		return ""
	}
	return aws.ToString(i.Placement.AvailabilityZone)
}

// groupsOf are the network border groups of zones as the carried addresses prove them: none can be carried in another one.
// What is seen goes before what is read out of a zone's name.
func groupsOf(addresses []failover.Address, instances map[string]types.Instance) map[string]string {
	groups := map[string]string{}
	for _, a := range addresses {
		if i, known := instances[a.Instance]; known && a.BorderGroup != "" && zoneOf(i) != "" {
			groups[zoneOf(i)] = a.BorderGroup
		}
	}
	return groups
}

// borderGroup is the network border group of a zone: an Elastic IP stays within its own (EC2 API reference,
// AllocateAddress). EC2 does not tell that of an instance, and another permission only for it would be much, so it is read
// out of the zone's name, as the EC2 user guide shows them under "Regions and Zones": the Region for an availability zone
// (eu-central-1a: eu-central-1), the zone's name without its letter for a local zone (us-west-2-lax-1a: us-west-2-lax-1),
// and the zone itself for a wavelength zone (us-east-1-wl1-bos-wlz-1). Empty for a name of any other shape.
func borderGroup(zone string) string {
	parts := strings.Split(zone, "-")
	last := len(parts) - 1
	number := slices.IndexFunc(parts, func(p string) bool { return digits(strings.TrimRight(p, letters)) }) // that ends the Region's name
	switch {
	case number < 2: // a Region has at least two words before it
		return ""
	case number == last && lettered(parts[last]), number == last-2 && digits(parts[number]) && lettered(parts[last]):
		return zone[:len(zone)-1]
	case number == last-4 && digits(parts[number]) && parts[last-1] == "wlz" && digits(parts[last]):
		return zone
	}
	return ""
}

const letters = "abcdefghijklmnopqrstuvwxyz"

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// lettered reports whether s is a number and one letter.
func lettered(s string) bool {
	return s != "" && strings.Contains(letters, s[len(s)-1:]) && digits(s[:len(s)-1])
}
