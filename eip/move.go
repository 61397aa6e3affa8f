package eip

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"golang.org/x/time/rate"

	"rrwatch/failover"
)

// How many calls of AssociateAddress EC2 takes of an account in a Region at once, and how many more each second ("Request
// throttling for the Amazon EC2 API", EC2 developer guide: mutating actions).
const (
	movesAtOnce    = 50
	movesPerSecond = 5
)

// surveyFresh is how old a survey may be when the call is made that it allows: who waits longer for its turn surveys again
// that long before it, so that this costs no time.
const surveyFresh = time.Second

// mover makes the moves of one batch.
type mover struct {
	*Client
	scenes *together[failover.Remap, surveyed]
	places *together[string, located]
}

type surveyed struct {
	scenes []scene
	err    error
}

type located struct {
	addresses []failover.Address
	err       error
}

// Move implements failover.EIPs: it reads the world afresh, once for all moves, and refuses those that do not find it as
// they expect. For each of the others it makes one AssociateAddress, all side by side for as long as EC2's bucket of calls
// lasts; one that has to wait for its turn reads the world anew before it. After an error without a clear answer it reads again
// until it knows, and calls nothing a second time. A refusal when the world could not be read has the guard
// failover.GuardStale.
func (c *Client) Move(ctx context.Context, _ string, moves []failover.Remap, ended func(n int, err error)) {
	m := &mover{Client: c}
	m.scenes = newTogether(func(ctx context.Context, moves []failover.Remap) surveyed {
		scenes, err := c.survey(ctx, moves)
		return surveyed{scenes, err}
	})
	m.places = newTogether(func(ctx context.Context, ips []string) located {
		addresses, err := addressesBy(ctx, c.act, "public-ip", unique(ips))
		return located{addresses, err}
	})
	scenes, err := c.survey(ctx, moves)
	if err != nil {
		for n, r := range moves {
			ended(n, unread(r, err))
		}
		return
	}
	taken := claims{addrs: map[netip.Addr]bool{}, places: map[string]netip.Addr{}}
	var wg sync.WaitGroup
	for n, r := range moves {
		in, refusal := judge(r, scenes[n])
		if in != nil {
			refusal = taken.claim(r, in)
		}
		switch {
		case refusal != nil:
			ended(n, refusal)
		case in == nil:
			ended(n, nil)
		default:
			turn := c.moves.Reserve() // here, so that they come in their order
			wg.Go(func() { ended(n, m.move(ctx, r, in, turn)) })
		}
	}
	wg.Wait()
}

// unread is the refusal of a move when the world could not be read.
func unread(r failover.Remap, err error) *failover.Refusal {
	if answerOf(err) == notPermitted {
		return refuse(r, failover.GuardNotPermitted, "not permitted to read; rrwatch needs %s (docs/permissions.md); EC2 says: %s", needs(err), said(err))
	}
	return refuse(r, failover.GuardStale, "nothing was changed, because the world could not be read: %v", err)
}

// claims are what the moves of one batch will change: no read can show it yet.
type claims struct {
	addrs  map[netip.Addr]bool
	places map[string]netip.Addr // by interface and private address: what comes there
}

// claim refuses a move that would undo another one of the batch.
func (c claims) claim(r failover.Remap, in *ec2.AssociateAddressInput) *failover.Refusal {
	place := aws.ToString(in.NetworkInterfaceId) + " " + aws.ToString(in.PrivateIpAddress)
	if c.addrs[r.Addr] {
		return refuse(r, failover.GuardInFlight, "another move of the same address is under way")
	}
	if other, taken := c.places[place]; taken {
		return refuse(r, failover.GuardEviction, "%s is just being moved to the same private address, and would lose it", other)
	}
	c.addrs[r.Addr], c.places[place] = true, r.Addr
	return nil
}

// move makes one call when its turn has come, and says how it ended.
func (m *mover) move(ctx context.Context, r failover.Remap, in *ec2.AssociateAddressInput, turn *rate.Reservation) error {
	late := turn.Delay()
	if end, ok := ctx.Deadline(); ok && late > 0 && time.Until(end) < late+callWithin {
		turn.Cancel()
		return refuse(r, failover.GuardThrottled, "nothing was changed: of such calls EC2 takes %d at once and %d more a second, "+
			"and this one's turn would come too late", movesAtOnce, movesPerSecond)
	}
	if late > surveyFresh {
		wait(ctx, late-surveyFresh)
		anew, refusal := m.judgeAnew(ctx, r)
		switch {
		case refusal != nil:
			turn.Cancel()
			return refusal
		case anew == nil:
			turn.Cancel()
			return nil
		}
		in = anew
	}
	if !wait(ctx, turn.Delay()) {
		turn.Cancel()
		return refuse(r, failover.GuardStale, "nothing was changed: the time for it was over before its turn")
	}
	_, err := within(ctx, m.act.AssociateAddress, in, func(o *ec2.Options) { o.Retryer = m.once })
	if err == nil {
		return nil
	}
	return m.afterError(ctx, r, err)
}

// judgeAnew reads the world again and judges the move by that.
func (m *mover) judgeAnew(ctx context.Context, r failover.Remap) (*ec2.AssociateAddressInput, *failover.Refusal) {
	now, n := m.scenes.ask(ctx, r)
	if now.err != nil {
		return nil, unread(r, now.err)
	}
	return judge(r, now.scenes[n])
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
