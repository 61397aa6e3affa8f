package eip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

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

// Move implements failover.EIPs: it reads the world afresh, refuses when it is not as r expects, makes one
// AssociateAddress, and after an error without a clear answer reads again until it knows. A refusal when the world could
// not be read has the guard failover.GuardStale.
func (c *Client) Move(ctx context.Context, _ string, moves []failover.Remap, ended func(n int, err error)) {
	var wg sync.WaitGroup
	for n, r := range moves {
		wg.Go(func() { ended(n, c.moveOne(ctx, r)) })
	}
	wg.Wait()
}

func (c *Client) moveOne(ctx context.Context, r failover.Remap) error {
	before, err := c.survey(ctx, r)
	if answerOf(err) == notPermitted {
		return refuse(r, failover.GuardNotPermitted, "not permitted to read; rrwatch needs %s (docs/permissions.md); EC2 says: %s", needs(err), said(err))
	}
	if err != nil {
		return refuse(r, failover.GuardStale, "nothing was changed, because the world could not be read: %v", err)
	}
	in, refusal := judge(r, before)
	if refusal != nil {
		return refusal
	}
	if in == nil {
		return nil
	}
	_, err = within(ctx, c.act.AssociateAddress, in, func(o *ec2.Options) { o.Retryer = c.once })
	if err == nil {
		return nil
	}
	return c.afterError(ctx, r, err)
}

// survey reads the scene. The three questions are asked at once: each would delay the move.
func (c *Client) survey(ctx context.Context, r failover.Remap) (scene, error) {
	var s scene
	var named []failover.Address
	var targets map[string]types.Instance
	var errs [3]error
	var wg sync.WaitGroup
	wg.Go(func() { named, errs[0] = addressesBy(ctx, c.act, "public-ip", []string{r.Addr.Unmap().String()}) })
	wg.Go(func() { s.carried, errs[1] = addressesBy(ctx, c.act, "instance-id", []string{r.To}) })
	wg.Go(func() { targets, errs[2] = instancesByID(ctx, c.act, []string{r.To}) })
	wg.Wait()
	if len(named) > 0 {
		s.address = &named[0]
	}
	if t, ok := targets[r.To]; ok {
		s.target = &t
	}
	return s, errors.Join(errs[:]...)
}

// judge says what to call, nothing if the world is as r wants it already, or why not to.
func judge(r failover.Remap, s scene) (*ec2.AssociateAddressInput, *failover.Refusal) {
	a := s.address
	switch {
	case r.To == "":
		return nil, refuse(r, failover.GuardChanged, "the plan names no instance to carry it")
	case a == nil:
		return nil, refuse(r, failover.GuardNotOurs, "it is no Elastic IP of this account in this region")
	case r.Allocation != "" && a.Allocation != r.Allocation:
		return nil, refuse(r, failover.GuardChanged, "the plan expects allocation %s, and now it is %s", r.Allocation, a.Allocation)
	case a.ServiceManaged != "":
		return nil, refuse(r, failover.GuardService, "the AWS service %s owns the address", a.ServiceManaged)
	case a.Instance == r.To:
		return nil, nil
	case a.Instance != r.From || r.From == "" && a.Association != "":
		return nil, refuse(r, failover.GuardChanged, "the plan expects it %s, and now it is %s", carriedBy(r.From), placeOf(*a))
	}
	eni, private, refusal := land(r, s.target)
	if refusal != nil {
		return nil, refusal
	}
	if other := evicted(s.carried, a.IP, private); other.IsValid() {
		return nil, refuse(r, failover.GuardEviction, "the instance carries %s, which would lose it", other)
	}
	return &ec2.AssociateAddressInput{
		AllocationId: aws.String(a.Allocation), NetworkInterfaceId: aws.String(eni), PrivateIpAddress: aws.String(private.String()),
		// Only an association that was expected is taken over: an address believed free is not taken from anybody.
		AllowReassociation: aws.Bool(r.From != ""),
	}, nil
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

// land finds the interface and the private address of the target that shall stand for the address.
func land(r failover.Remap, target *types.Instance) (eni string, private netip.Addr, refusal *failover.Refusal) {
	if target == nil {
		return "", private, refuse(r, failover.GuardNotRunning, "there is no such instance")
	}
	if state := stateOf(*target); state != types.InstanceStateNameRunning {
		return "", private, refuse(r, failover.GuardNotRunning, "the instance is %s", state)
	}
	if n := len(target.NetworkInterfaces); r.Interface == "" && n > 1 {
		return "", private, refuse(r, failover.GuardChanged, "the instance has %d network interfaces, and the plan does not say which", n)
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

// afterError says how a move ended whose call failed.
func (c *Client) afterError(ctx context.Context, r failover.Remap, err error) error {
	switch answerOf(err) {
	case notPermitted:
		return refuse(r, failover.GuardNotPermitted,
			"not permitted; rrwatch needs ec2:AssociateAddress on this allocation (docs/permissions.md); EC2 says: %s", said(err))
	case throttled:
		return refuse(r, failover.GuardThrottled, "EC2 throttles this account; nothing was changed; EC2 says: %s", said(err))
	case refused:
		return c.afterRefusal(ctx, r, err)
	case unclear:
	}
	place, settled := c.settle(ctx, r)
	if settled {
		return nil
	}
	return fmt.Errorf("associate %s with %s: no clear answer, and %s: %w", r.Addr, r.To, place, err)
}

// afterRefusal reads again before it believes that EC2 refused: an earlier call, whose answer was lost, may have done it.
func (c *Client) afterRefusal(ctx context.Context, r failover.Remap, err error) error {
	if now, e := c.survey(ctx, r); e == nil {
		in, refusal := judge(r, now)
		if refusal != nil {
			return refusal
		}
		if in == nil {
			return nil
		}
	}
	guard := failover.GuardChanged
	if code := codeOf(err); code == "IncorrectInstanceState" || code == "InvalidInstanceID" {
		guard = failover.GuardNotRunning
	}
	return refuse(r, guard, "EC2 refuses: %s", said(err))
}

// settle reads until the address is where r wants it, for about four seconds or until ctx ends: describes may show the
// old state for a while. If it is not there it says where the address was seen last.
func (c *Client) settle(ctx context.Context, r failover.Remap) (place string, settled bool) {
	place = "it could not be read where the address is"
	for _, pause := range []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second} {
		if !wait(ctx, pause) {
			return place, false
		}
		now, err := addressesBy(ctx, c.act, "public-ip", []string{r.Addr.Unmap().String()})
		if err != nil || len(now) == 0 {
			continue
		}
		if now[0].Instance == r.To {
			return "", true
		}
		place = "the address is still seen " + placeOf(now[0])
	}
	return place, false
}

// wait waits, and reports whether ctx has not ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func placeOf(a failover.Address) string {
	if a.Instance == "" && a.Association != "" {
		return "carried by the network interface " + a.Interface + " of no instance"
	}
	return carriedBy(a.Instance)
}

func carriedBy(instance string) string {
	if instance == "" {
		return "carried by no instance"
	}
	return "carried by " + instance
}

func refuse(r failover.Remap, guard failover.Guard, format string, args ...any) *failover.Refusal {
	return &failover.Refusal{Guard: guard, Text: fmt.Sprintf("associate %s with %s: ", r.Addr, r.To) + fmt.Sprintf(format, args...)}
}
