// Package route53 reads and edits record sets: it implements failover.Records with Amazon Route 53, and asks the
// authoritative servers whether an edit has come through.
package route53

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"

	"rrwatch/failover"
	"rrwatch/probe"
)

// The limits of every call. They are set here and not taken from the environment. There are more attempts than the SDK's
// three because Route 53 refuses an edit while another one of the same zone runs (PriorRequestNotComplete).
const (
	callWithin = 10 * time.Second // one call with all its retries
	attempts   = 5
	maxBackoff = 2 * time.Second
)

// call is one operation of Route 53, as the SDK's client makes it.
type call[In, Out any] func(context.Context, *In, ...func(*awsroute53.Options)) (*Out, error)

// calls is what this package calls of Route 53: functions, so that the linker leaves out all that is not called (see the type
// of the same name in package eip).
type calls struct {
	ListHostedZonesByName    call[awsroute53.ListHostedZonesByNameInput, awsroute53.ListHostedZonesByNameOutput]
	ListResourceRecordSets   call[awsroute53.ListResourceRecordSetsInput, awsroute53.ListResourceRecordSetsOutput]
	ChangeResourceRecordSets call[awsroute53.ChangeResourceRecordSetsInput, awsroute53.ChangeResourceRecordSetsOutput]
	GetChange                call[awsroute53.GetChangeInput, awsroute53.GetChangeOutput]
	GetHostedZone            call[awsroute53.GetHostedZoneInput, awsroute53.GetHostedZoneOutput]
	GetHealthCheck           call[awsroute53.GetHealthCheckInput, awsroute53.GetHealthCheckOutput]
}

func callsOf(c *awsroute53.Client) calls {
	return calls{c.ListHostedZonesByName, c.ListResourceRecordSets, c.ChangeResourceRecordSets, c.GetChange, c.GetHostedZone, c.GetHealthCheck}
}

// Client reads and edits the record sets of one account. It is safe for concurrent use.
type Client struct {
	api     calls
	account *account // shared by all Clients of one SDK client
	servers []netip.AddrPort
	dial    probe.Dial
	leases  bool
}

var _ failover.Records = (*Client)(nil)

// Option changes what a Client does.
type Option func(*Client)

// WithLeases has Read ask for a name's lease where the page with the name's sets does not reach it, which is so when more than
// some 250 sets stand between them: those of names below the name, such as *.www or 0.www.
func WithLeases() Option { return func(c *Client) { c.leases = true } }

// New returns a Client. Confirm and Ask ask servers, which must be authoritative for every zone that is edited; without any
// they ask the name servers of the zone's delegation set, found by the system's resolver. They are asked by dial; nil: by a
// net.Dialer. All Clients of one client that SDK has made share what they know and what they take of the account's calls, and
// no two of them edit one zone at once.
func New(client *awsroute53.Client, servers []netip.AddrPort, dial probe.Dial, options ...Option) *Client {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	c := &Client{api: callsOf(client), account: accountOf(client), servers: servers, dial: dial}
	for _, o := range options {
		o(c)
	}
	return c
}

// SDK returns the Route 53 client for New, with a retryer that the environment does not change, and a limit to the calls that
// rrwatch makes. There should be one for each account.
func SDK(cfg aws.Config) *awsroute53.Client {
	return awsroute53.NewFromConfig(cfg, func(o *awsroute53.Options) {
		newAccount().governs(o)
		o.RetryMaxAttempts = 0
		o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
			s.MaxAttempts = attempts
			s.MaxBackoff = maxBackoff
			s.Backoff = retry.NewExponentialJitterBackoff(maxBackoff)
			s.RetryCost = retry.DefaultRetryCost
		})
	})
}

// within makes one call of Route 53 when it is its turn, with a deadline from then on, and explains its error.
func within[In, Out any](ctx context.Context, a *account, do call[In, Out], in *In) (*Out, error) {
	if err := a.turn(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, firstMark{}, new(true)), callWithin)
	defer cancel()
	out, err := do(ctx, in)
	if err != nil {
		return nil, explain(err)
	}
	return out, nil
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
