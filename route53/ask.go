package route53

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"

	"rrwatch/failover"
)

// mayFail is how many questions a server may leave without an answer before it is asked no more: a packet may be lost.
const mayFail = 2

// Ask implements failover.Records. The servers are those that Confirm asks, and are asked side by side.
func (c *Client) Ask(ctx context.Context, zone, name string, times int) ([]failover.Answer, error) {
	servers, err := c.serversOf(ctx, zone)
	if err != nil {
		return nil, err
	}
	kinds := []string{"A", "AAAA"}
	list := make([]failover.Answer, len(servers)*len(kinds))
	var wg sync.WaitGroup
	for n, s := range servers {
		for k, kind := range kinds {
			wg.Go(func() { list[n*len(kinds)+k] = c.askOften(ctx, s, normal(name), kind, times) })
		}
	}
	wg.Wait()
	return list, nil
}

// askOften asks one server for one type the times, and joins its answers.
func (c *Client) askOften(ctx context.Context, s server, name, kind string, times int) failover.Answer {
	out := failover.Answer{Server: s.as, Type: kind, Err: s.err}
	if s.err != nil {
		return out
	}
	var errs []error
	answered := false
	for range max(times, 1) {
		got, err := ask(ctx, c.dial, s.at, name, kind)
		if err != nil {
			if errs = append(errs, err); len(errs) == mayFail {
				break
			}
			continue
		}
		answered = true
		out.Addrs, out.TTL = append(out.Addrs, got.addrs...), max(out.TTL, got.ttl)
	}
	slices.SortFunc(out.Addrs, netip.Addr.Compare)
	out.Addrs = slices.Compact(out.Addrs)
	if !answered {
		out.Err = errors.Join(errs...)
	}
	return out
}
