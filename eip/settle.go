package eip

import (
	"context"
	"fmt"
	"time"

	"rrwatch/failover"
)

// afterError says how a move ended whose call failed.
func (m *mover) afterError(ctx context.Context, r failover.Remap, err error) error {
	means := meaningOf(err)
	switch means.answer {
	case notPermitted:
		return refuse(r, means.guard, "not permitted; rrwatch needs ec2:AssociateAddress on this allocation (docs/permissions.md); EC2 says: %s", said(err))
	case notAccepted:
		if codeOf(err) == "AuthFailure" { // which EC2 answers for an address "that is not yours", too, and it has just accepted the credentials
			return refuse(r, means.guard, "EC2 let this account read, and does not let it do this: the address or the network interface may belong "+
				"to an AWS service or to another account; EC2 says: %s", said(err))
		}
		return refuse(r, means.guard, "%s; EC2 says: %s", forPeople(err), said(err))
	case throttled:
		return refuse(r, means.guard, "EC2 throttles this account; nothing was changed; EC2 says: %s", said(err))
	case refused:
		return m.afterRefusal(ctx, r, err)
	case unclear:
	}
	place, settled := m.settle(ctx, r)
	if settled {
		return nil
	}
	return fmt.Errorf("associate %s with %s: no clear answer, and %s: %w", r.Addr, r.To, place, err)
}

// afterRefusal reads again before it believes that EC2 refused: somebody else may have done it, and what is seen now says
// better than EC2 why it could not be.
func (m *mover) afterRefusal(ctx context.Context, r failover.Remap, err error) error {
	if now, n := m.scenes.ask(ctx, r); now.err == nil {
		in, refusal := judge(r, now.scenes[n])
		if refusal != nil {
			return refusal
		}
		if in == nil {
			return nil
		}
	}
	return refuse(r, meaningOf(err).guard, "EC2 refuses: %s", said(err))
}

// settle reads until the address is where r wants it, for about four seconds or until ctx ends: describes may show the
// old state for a while. If it is not there it says where the address was seen last.
func (m *mover) settle(ctx context.Context, r failover.Remap) (place string, settled bool) {
	place = "it could not be read where the address is"
	for _, pause := range []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second} {
		if !wait(ctx, pause) {
			return place, false
		}
		now, _ := m.places.ask(ctx, r.Addr.Unmap().String())
		if now.err != nil {
			continue
		}
		for _, a := range now.addresses {
			switch {
			case a.IP != r.Addr.Unmap():
			case a.Instance == r.To:
				return "", true
			default:
				place = "the address is still seen " + placeOf(a)
			}
		}
	}
	return place, false
}
