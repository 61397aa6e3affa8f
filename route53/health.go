package route53

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"

	"rrwatch/failover"
)

// Health checks are something to tell, not to act on: a read of record sets waits for few of them, and not for long. The
// others are read with the next ones. The same goes for the zone.
const (
	healthAtOnce = 5
	asideWithin  = 3 * time.Second
	keepHealth   = time.Hour
)

// healthChecks is what is known of the health checks that the sets have, by id. It leaves out those that were not read yet.
func (c *Client) healthChecks(ctx context.Context, sets []failover.RecordSet) []failover.HealthCheck {
	var ids []string
	for _, s := range sets {
		if s.HealthCheck != "" {
			ids = append(ids, s.HealthCheck)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 {
		return nil
	}
	list := make([]failover.HealthCheck, len(ids))
	var wg sync.WaitGroup
	asked := 0
	for n, id := range ids {
		if known, ok := c.account.health.known(id); ok {
			list[n] = known
			continue
		}
		if asked++; asked > healthAtOnce {
			continue
		}
		wg.Go(func() { list[n], _ = c.account.health.get(ctx, id, c.healthCheck(id)) }) // an error is of now: it is read again
	}
	wg.Wait()
	return slices.DeleteFunc(list, func(h failover.HealthCheck) bool { return h.ID == "" })
}

// healthCheck reads one. What Route 53 refuses is kept for a while, too.
func (c *Client) healthCheck(id string) func(context.Context) (failover.HealthCheck, time.Duration, error) {
	return func(ctx context.Context) (failover.HealthCheck, time.Duration, error) {
		out, err := within(ctx, c.account, c.api.GetHealthCheck, &awsroute53.GetHealthCheckInput{HealthCheckId: aws.String(id)})
		switch {
		case err != nil && refused(err):
			return failover.HealthCheck{ID: id, Err: cmp.Or(missing(err), said(err))}, keepDenied, nil
		case err != nil:
			return failover.HealthCheck{}, 0, err
		}
		h := failover.HealthCheck{ID: id}
		if out.HealthCheck != nil && out.HealthCheck.HealthCheckConfig != nil {
			config := out.HealthCheck.HealthCheckConfig
			h.Disabled = aws.ToBool(config.Disabled)
			if addr, err := netip.ParseAddr(aws.ToString(config.IPAddress)); err == nil {
				h.Addr = addr.Unmap()
			}
		}
		return h, keepHealth, nil
	}
}

// missing says which permission is missing; empty if it is none.
func missing(err error) string {
	if !denied(err) {
		return ""
	}
	return "not permitted; rrwatch needs " + needs(err) + " (docs/permissions.md)"
}
