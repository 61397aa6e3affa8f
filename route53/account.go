package route53

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/time/rate"

	"rrwatch/failover"
)

// What rrwatch takes of Route 53's limit, which is one of the account: a bucket of 50 calls that fills with 10 a second
// (developer guide, Quotas on Route 53 API requests). The rest is left to whoever else works there. Reads leave a part to
// edits, so that no edit waits behind a queue of reads.
const (
	perSecond = 2
	burst     = 30
	forEdits  = 10 // of the burst
)

// pressureFor is for how long a throttled call counts as recent.
const pressureFor = 10 * time.Minute

// account is what all Clients of one account share.
type account struct {
	bucket *rate.Limiter
	queue  chan struct{} // a token: of all reads that wait, one looks whether it may go

	zones  memo[string]               // ids, by normalised name
	facts  memo[zoneFacts]            // by zone id
	addrs  memo[netip.AddrPort]       // of name servers, by name
	health memo[failover.HealthCheck] // by id

	mu sync.Mutex // guards what follows
	// editing, by zone id, holds a token while an edit runs: Route 53 refuses a second one in the same zone. It is a
	// channel and no mutex so that waiting for it ends with the context.
	editing   map[string]chan struct{}
	pending   map[string]*pending // by change: those that are awaited
	throttled []time.Time         // in order
	total     int
	code      string // of the latest
}

func newAccount() *account {
	return &account{
		bucket: rate.NewLimiter(perSecond, burst), queue: make(chan struct{}, 1),
		editing: map[string]chan struct{}{}, pending: map[string]*pending{},
	}
}

// accountOf is the account of a client that SDK made, or a new one.
func accountOf(client *awsroute53.Client) *account {
	for _, i := range client.Options().Interceptors.BeforeAttempt {
		if a, ok := i.(*account); ok {
			return a
		}
	}
	return newAccount()
}

// governs has all calls of a client go through the account.
func (a *account) governs(o *awsroute53.Options) {
	o.Interceptors.AddBeforeAttempt(a)
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("rrwatch", a.heed), "Retry", middleware.After)
	})
}

// errBudget is the end of a call that was not sent.
var errBudget = errors.New("too many calls of Route 53 are waiting")

// turn waits until a call may be made.
func (a *account) turn(ctx context.Context) error {
	if err := a.take(ctx); err != nil {
		return fmt.Errorf("%w, of which rrwatch makes %d a second: %w", errBudget, perSecond, err)
	}
	return nil
}

func (a *account) take(ctx context.Context) error {
	if isEdit(ctx) {
		return a.bucket.Wait(ctx)
	}
	select {
	case a.queue <- struct{}{}:
		defer func() { <-a.queue }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		lack := forEdits + 1 - a.bucket.Tokens()
		if lack <= 0 && a.bucket.Allow() {
			return ctx.Err()
		}
		if !wait(ctx, time.Duration(max(lack, 0.01)/perSecond*float64(time.Second))) {
			return ctx.Err()
		}
	}
}

// The marks of a call's context.
type (
	editMark  struct{} // it belongs to an edit
	firstMark struct{} // *bool: its next attempt has had its turn
)

func forEdit(ctx context.Context) context.Context { return context.WithValue(ctx, editMark{}, true) }

func isEdit(ctx context.Context) bool { return ctx.Value(editMark{}) != nil }

// BeforeAttempt has the SDK's retries wait for their turn, too. One that has none in time is not errBudget: the call was sent
// before.
func (a *account) BeforeAttempt(ctx context.Context, _ *smithyhttp.InterceptorContext) error {
	if first, ok := ctx.Value(firstMark{}).(*bool); ok && *first {
		*first = false
		return nil
	}
	if err := a.take(ctx); err != nil {
		return fmt.Errorf("wait for another try: %w", err)
	}
	return nil
}

// heed counts the answers by which Route 53 says that it has too much to do.
func (a *account) heed(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleFinalize(ctx, in)
	if code := codeOf(err); err != nil && throttling(code) {
		a.count(code)
	}
	return out, metadata, err
}

func throttling(code string) bool {
	return slices.Contains([]string{"Throttling", "ThrottlingException", "TooManyRequestsException", "PriorRequestNotComplete"}, code)
}

func (a *account) count(code string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.total++
	a.code = code
	a.throttled = append(a.recent(), time.Now())
}

// recent are the throttled calls that count; the caller holds the lock.
func (a *account) recent() []time.Time {
	old := time.Now().Add(-pressureFor)
	return slices.DeleteFunc(a.throttled, func(at time.Time) bool { return at.Before(old) })
}

// Pressure tells how near the account is to Route 53's limits, as far as the answers to rrwatch's own calls show. rrwatch
// alone never comes near them, so it is somebody else who does.
type Pressure struct {
	Total  int       // calls that Route 53 has throttled since rrwatch's start, retries too
	Recent int       // those of the last 10 minutes
	Last   time.Time // the latest one; zero: none within the last 10 minutes
	Code   string    // its error: Throttling, or PriorRequestNotComplete, by which it is another edit of the zone that runs
}

// Pressure is that of the account, whichever of its clients is asked.
func (c *Client) Pressure() Pressure {
	a := c.account
	a.mu.Lock()
	defer a.mu.Unlock()
	a.throttled = a.recent()
	p := Pressure{Total: a.total, Recent: len(a.throttled)}
	if p.Recent > 0 {
		p.Last, p.Code = a.throttled[p.Recent-1], a.code
	}
	return p
}
