package eip

import (
	"cmp"
	"context"
	"net/netip"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"rrwatch/failover"
)

// scene is what a fresh read says of a move: the address, the instance that shall carry it and what that carries now.
type scene struct {
	address *failover.Address // nil: no Elastic IP of the account
	carried []failover.Address
	target  *types.Instance // nil: no such instance
}

// survey reads the scene of each move. The three questions are asked at once: each would delay the moves.
func (c *Client) survey(ctx context.Context, moves []failover.Remap) ([]scene, error) {
	var ips, to []string
	for _, r := range moves {
		if a := r.Addr.Unmap(); a.Is4() {
			ips = append(ips, a.String())
		}
		if r.To != "" {
			to = append(to, r.To)
		}
	}
	var named, carried []failover.Address
	var targets map[string]types.Instance
	var errs [3]error
	var wg sync.WaitGroup
	wg.Go(func() { named, errs[0] = addressesBy(ctx, c.act, "public-ip", unique(ips)) })
	wg.Go(func() { carried, errs[1] = addressesBy(ctx, c.act, "instance-id", unique(to)) })
	wg.Go(func() { targets, errs[2] = instancesByID(ctx, c.act, unique(to)) })
	wg.Wait()
	if err := cmp.Or(errs[:]...); err != nil {
		return nil, err
	}
	scenes := make([]scene, len(moves))
	for n, r := range moves {
		s := &scenes[n]
		for _, a := range named {
			if a.IP == r.Addr.Unmap() {
				s.address = &a
			}
		}
		for _, a := range carried {
			if a.Instance == r.To {
				s.carried = append(s.carried, a)
			}
		}
		if t, ok := targets[r.To]; ok {
			s.target = &t
		}
	}
	return scenes, nil
}

// judge says what to call, nothing if the world is as r wants it already, or why not to.
func judge(r failover.Remap, s scene) (*ec2.AssociateAddressInput, *failover.Refusal) {
	if refusal := unexpected(r, s.address); refusal != nil {
		return nil, refusal
	}
	if s.address.Instance == r.To {
		return nil, nil // the same association again may be charged
	}
	if s.address.Instance != r.From || r.From == "" && s.address.Association != "" {
		return nil, refuse(r, failover.GuardChanged, "the plan expects it %s, and now it is %s", carriedBy(r.From), placeOf(*s.address))
	}
	eni, private, refusal := land(r, s.target)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := foreign(r, s); refusal != nil {
		return nil, refusal
	}
	if other := evicted(s.carried, s.address.IP, private); other.IsValid() {
		return nil, refuse(r, failover.GuardEviction, "the instance carries %s, which would lose it", other)
	}
	return &ec2.AssociateAddressInput{
		AllocationId: aws.String(s.address.Allocation), NetworkInterfaceId: aws.String(eni), PrivateIpAddress: aws.String(private.String()),
		// Only an association that was expected is taken over: an address believed free is not taken from anybody.
		AllowReassociation: aws.Bool(r.From != ""),
	}, nil
}

// unexpected refuses an address that is not the one that the plan means, or nothing for rrwatch to move.
func unexpected(r failover.Remap, a *failover.Address) *failover.Refusal {
	switch {
	case r.To == "":
		return refuse(r, failover.GuardChanged, "the plan names no instance to carry it")
	case a == nil:
		return refuse(r, failover.GuardNotOurs, "it is no Elastic IP of this account in this region")
	case r.Allocation != "" && a.Allocation != r.Allocation:
		return refuse(r, failover.GuardChanged, "the plan expects allocation %s, and now it is %s", r.Allocation, a.Allocation)
	case a.ServiceManaged != "":
		return refuse(r, failover.GuardService, "the AWS service %s owns the address", a.ServiceManaged)
	}
	return nil
}

// evicted is the address that would lose its carrier if addr came onto its private address; the zero one if none would.
func evicted(carried []failover.Address, addr, private netip.Addr) netip.Addr {
	for _, other := range carried {
		if other.IP != addr && (other.Private == private || !other.Private.IsValid()) {
			return other.IP
		}
	}
	return netip.Addr{}
}

// foreign refuses an instance that lies where the address cannot go. Some zones are said to be a network border group of
// their own name, so that counts as the same.
func foreign(r failover.Remap, s scene) *failover.Refusal {
	zone, group := zoneOf(*s.target), s.address.BorderGroup
	lies := borderGroup(zone)
	if lies == "" || group == "" || group == lies || group == zone {
		return nil
	}
	return refuse(r, failover.GuardBorderGroup, "the instance lies in %s, which is of the network border group %s, and the address belongs to %s", zone, lies, group)
}

// land finds the interface and the private address of the target that shall stand for the address.
func land(r failover.Remap, target *types.Instance) (eni string, private netip.Addr, refusal *failover.Refusal) {
	if target == nil {
		return "", private, refuse(r, failover.GuardNotRunning, "there is no such instance")
	}
	if state := stateOf(*target); state != types.InstanceStateNameRunning {
		return "", private, refuse(r, failover.GuardNotRunning, "the instance is %s", state)
	}
	if n := len(target.NetworkInterfaces); r.Interface == "" && n > 1 {
		return "", private, refuse(r, failover.GuardInterfaces, "the instance has %d network interfaces, and the plan does not say which", n)
	}
	for _, e := range target.NetworkInterfaces {
		if r.Interface != "" && aws.ToString(e.NetworkInterfaceId) != r.Interface {
			continue
		}
		private = addr(e.PrivateIpAddress)
		if r.Private.IsValid() && !has(e, r.Private) {
			return "", private, refuse(r, failover.GuardChanged, "its interface %s no longer has the private address %s", aws.ToString(e.NetworkInterfaceId), r.Private)
		}
		if r.Private.IsValid() {
			private = r.Private
		}
		return aws.ToString(e.NetworkInterfaceId), private, nil
	}
	return "", private, refuse(r, failover.GuardChanged, "the instance no longer has the network interface %s", r.Interface)
}

func has(e types.InstanceNetworkInterface, private netip.Addr) bool {
	for _, p := range e.PrivateIpAddresses {
		if addr(p.PrivateIpAddress) == private {
			return true
		}
	}
	return addr(e.PrivateIpAddress) == private
}
