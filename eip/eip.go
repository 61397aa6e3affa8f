// Package eip reads and moves Elastic IPs: it implements failover.EIPs with Amazon EC2.
package eip

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"golang.org/x/time/rate"

	"rrwatch/failover"
)

// The limits of every call. They are set here and not taken from the environment: the SDK's own back-off of up to 20
// seconds would use up the time in which an outage can still be kept short.
const (
	callWithin = 10 * time.Second // one call with all its retries
	attempts   = 3                // the SDK's default
	maxBackoff = time.Second
)

// How many dry runs of AssociateAddress a check makes: fewer than EC2 puts back into the bucket that they draw on, which
// are 5 a second (API throttling, EC2 developer guide), and few enough at once to leave nearly all of it to moves.
const (
	dryRunsPerSecond = 4
	dryRunsAtOnce    = 10
)

// call is one operation of EC2, as the SDK's client makes it.
type call[In, Out any] func(context.Context, *In, ...func(*ec2.Options)) (*Out, error)

// calls is what this package calls of EC2. They are functions, and neither the SDK's client nor an interface: html/template can
// call any method by its name, so the linker keeps all of EC2's 700 operations once a type with the client in it is used as
// an interface, and the program would be twice as large.
type calls struct {
	DescribeAddresses      call[ec2.DescribeAddressesInput, ec2.DescribeAddressesOutput]
	DescribeInstances      call[ec2.DescribeInstancesInput, ec2.DescribeInstancesOutput]
	DescribeInstanceStatus call[ec2.DescribeInstanceStatusInput, ec2.DescribeInstanceStatusOutput]
	AssociateAddress       call[ec2.AssociateAddressInput, ec2.AssociateAddressOutput]
}

func callsOf(c *ec2.Client) calls {
	return calls{c.DescribeAddresses, c.DescribeInstances, c.DescribeInstanceStatus, c.AssociateAddress}
}

// Client reads and moves the Elastic IPs of one account in one Region. It is safe for concurrent use.
type Client struct {
	read, act calls
	// once retries an AssociateAddress only when EC2 says that it did nothing: the same call a second time may be
	// charged, and may take back what somebody else has moved since.
	once aws.Retryer
	// needless are tried by Check, as slowly as dryRuns says: they draw on the bucket of requests that moves need.
	needless []needless
	dryRuns  *rate.Limiter
	moves    *rate.Limiter // of AssociateAddress, so that EC2 need not throttle it
	statuses statuses
}

var _ failover.EIPs = (*Client)(nil)

// New returns a Client that polls with one EC2 client and moves addresses with the other, so that polling never uses up
// the retries that acting needs. Clients makes the two.
func New(read, act *ec2.Client) *Client {
	once := retry.NewStandard(pinned, func(o *retry.StandardOptions) {
		o.Retryables = []retry.IsErrorRetryable{
			retry.NoRetryCanceledError{},
			retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes},
		}
	})
	return &Client{
		read: callsOf(read), act: callsOf(act), once: once,
		needless: needlessOf(act), dryRuns: rate.NewLimiter(dryRunsPerSecond, dryRunsAtOnce),
		moves: rate.NewLimiter(movesPerSecond, movesAtOnce),
	}
}

// Clients returns the EC2 clients for New, each with a retryer of its own: three attempts and at most one second between
// them, whatever the environment says.
func Clients(cfg aws.Config) (read, act *ec2.Client) {
	client := func() *ec2.Client {
		return ec2.NewFromConfig(cfg, func(o *ec2.Options) {
			o.Retryer, o.RetryMaxAttempts = retry.NewStandard(pinned), 0
		})
	}
	return client(), client()
}

// pinned sets all that the environment could change in the SDK's standard retryer.
func pinned(o *retry.StandardOptions) {
	o.MaxAttempts = attempts
	o.MaxBackoff = maxBackoff
	o.Backoff = retry.NewExponentialJitterBackoff(maxBackoff)
	o.RetryCost = retry.DefaultRetryCost
}

// within makes one call of EC2 with a deadline, and explains its error.
func within[In, Out any](
	ctx context.Context, do call[In, Out], in *In, options ...func(*ec2.Options),
) (*Out, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	out, err := do(ctx, in, options...)
	if err != nil {
		return nil, explain(err)
	}
	return out, nil
}
