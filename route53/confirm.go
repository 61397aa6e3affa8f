package route53

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"rrwatch/failover"
	"rrwatch/probe"
)

// How often is asked. A change is INSYNC within 60 seconds as a rule (API reference, ChangeResourceRecordSets); the
// SDK's own waiter would sleep 30.
const (
	pollSoon   = 2 * time.Second // until pollSlow has passed
	pollLater  = 5 * time.Second
	pollSlow   = 30 * time.Second
	pollServer = time.Second
)

// Confirm implements failover.Records. When an address is withdrawn, every server is asked often, and none of its answers
// may hold the address: a weighted group answers with one of its sets, chosen at random, so that a single answer proves
// little. When one is restored, a server need only answer. A simple set is answered whole, so that one answer tells, of
// the address that the edit is about: what else was edited with it, or since, is another edit's to confirm. The primary set of
// a failover pair is answered alone when it is there and Route 53 has no health check that fails. Each server is asked from
// here, so that of an anycast server only the nearest place is seen; of a private zone only those that were given to New.
func (c *Client) Confirm(ctx context.Context, r failover.Reweigh, change string) error {
	if change != "" {
		if err := c.insync(ctx, change); err != nil {
			return fmt.Errorf("confirm %s: %w", r, err)
		}
	}
	var last error
	for {
		err := c.answered(ctx, r)
		if err == nil {
			return nil
		}
		if last == nil || !over(ctx) { // a round that is cut short tells less than the one before
			last = err
		}
		if !wait(ctx, pollServer) {
			return fmt.Errorf("confirm %s: not all authoritative servers answer as they shall: %w", r, errors.Join(last, ctx.Err()))
		}
	}
}

// over reports whether ctx has ended or is about to: a connection that is cut off at its deadline may be told first.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// pending is a change that is awaited.
type pending struct {
	asking chan struct{} // a token: of all who await the change one asks for it, since all share the calls of the account
	insync bool          // owned by who holds the token
	users  int           // who await it; guarded by the account's mu
}

// insync waits until a change has reached all of Route 53's servers.
func (c *Client) insync(ctx context.Context, change string) error {
	p := c.account.await(change)
	defer c.account.leave(change, p)
	select {
	case p.asking <- struct{}{}:
		defer func() { <-p.asking }()
	case <-ctx.Done():
		return fmt.Errorf("change %s was not INSYNC in time: %w", change, ctx.Err())
	}
	if p.insync {
		return nil
	}
	err := c.untilInsync(ctx, change)
	p.insync = err == nil
	return err
}

func (a *account) await(change string) *pending {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.pending[change]
	if p == nil {
		p = &pending{asking: make(chan struct{}, 1)}
		a.pending[change] = p
	}
	p.users++
	return p
}

func (a *account) leave(change string, p *pending) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.users--; p.users == 0 {
		delete(a.pending, change)
	}
}

// untilInsync asks for a change until it is INSYNC. Errors other than a missing permission and an unknown change are expected to
// pass.
func (c *Client) untilInsync(ctx context.Context, change string) error {
	began := time.Now()
	var last error
	for {
		out, err := within(ctx, c.account, c.api.GetChange, &awsroute53.GetChangeInput{Id: aws.String(change)})
		switch {
		case err == nil && out.ChangeInfo != nil && out.ChangeInfo.Status == types.ChangeStatusInsync:
			return nil
		case denied(err) || codeOf(err) == "NoSuchChange":
			return fmt.Errorf("read change %s: %w", change, err)
		}
		last = err
		pause := pollSoon
		if time.Since(began) >= pollSlow {
			pause = pollLater
		}
		if !wait(ctx, pause) {
			return fmt.Errorf("change %s was not INSYNC after %s: %w", change, time.Since(began).Round(time.Second), errors.Join(last, ctx.Err()))
		}
	}
}

// answered asks every server once, side by side, and returns what is not yet as it shall be.
func (c *Client) answered(ctx context.Context, r failover.Reweigh) error {
	servers, err := c.serversOf(ctx, r.Zone)
	if err != nil {
		return err
	}
	want := wantOf(r)
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for n, server := range servers {
		wg.Go(func() {
			if errs[n] = server.err; server.err == nil {
				errs[n] = want.askedOf(ctx, c.dial, server.at)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// want is what the answers of a server must be like.
type want struct {
	name, kind string
	there      []netip.Addr // all of these
	gone       []netip.Addr // none of these
	times      int          // how often a server is asked
	checked    string       // the Route 53 health check that may keep back what shall be there
}

// primary is the set of a failover pair that is answered as long as it is healthy (API reference, ResourceRecordSet).
const primary = "PRIMARY"

// withdrawnAsked is how often each server is asked whether a withdrawn address is gone from a group that answers at
// random. An address that still had a third of the weight would escape all of them 3 times in 10,000.
const withdrawnAsked = 20

func wantOf(r failover.Reweigh) want {
	s := set(r)
	w := want{name: s.Name, kind: s.Type, times: 1}
	switch {
	case s.Simple() && r.Addr.IsValid() && r.Shall.Holds(r.Addr):
		w.there = []netip.Addr{r.Addr}
		return w
	case s.Simple() && r.Addr.IsValid():
		w.gone = []netip.Addr{r.Addr}
		return w
	case r.Shall.Failover == primary && !r.Was.Exists():
		w.there, w.checked = r.Shall.Addrs(), r.Shall.HealthCheck
		return w
	}
	w.gone = leaving(r)
	if len(w.gone) > 0 {
		w.times = withdrawnAsked
	}
	return w
}

// leaving is the addresses with which the set has answered, and shall no more.
func leaving(r failover.Reweigh) []netip.Addr {
	if !r.Was.Answers() {
		return nil
	}
	return slices.DeleteFunc(r.Was.Addrs(), func(a netip.Addr) bool { return r.Shall.Answers() && r.Shall.Holds(a) })
}

// askedOf asks one server as often as needed, and returns what is wrong with its answers.
func (w want) askedOf(ctx context.Context, dial probe.Dial, server netip.AddrPort) error {
	for range w.times {
		got, err := ask(ctx, dial, server, w.name, w.kind)
		if err != nil {
			return fmt.Errorf("ask %s for %s %s: %w", server, w.name, w.kind, err)
		}
		for _, a := range w.gone {
			if slices.Contains(got.addrs, a) {
				return fmt.Errorf("%s still answers %s with %s", server, w.name, a)
			}
		}
		for _, a := range w.there {
			if !slices.Contains(got.addrs, a) {
				return fmt.Errorf("%s answers %s with %v, without %s%s", server, w.name, got.addrs, a, w.keptBack())
			}
		}
	}
	return nil
}

// keptBack says what else may keep an address out of the answers.
func (w want) keptBack() string {
	if w.checked == "" {
		return ""
	}
	return fmt.Sprintf(" (the Route 53 health check %s may keep it back)", w.checked)
}
