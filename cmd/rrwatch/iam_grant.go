package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"rrwatch/config"
	"rrwatch/failover"
)

// everything is the id of all there is.
const everything = "*"

// grantOf is what a pool needs by its configuration alone.
func grantOf(cfg *config.Config, p config.Pool) grant {
	g := grant{
		pool: p.Name, at: p.AWS, account: everything, zone: everything, named: p.ZoneID == "",
		moves: uses(p, config.RemedyRemap), allocations: []string{everything}, interfaces: []string{everything},
		instances: p.Instances.IDs, tags: p.Instances.Tags,
	}
	if len(g.tags) > 0 {
		g.interfaces = nil // those of the instances with the tags are to have them, too
	}
	if parts := strings.Split(p.AWS.RoleARN, ":"); len(parts) > 5 {
		g.account = parts[4]
	}
	if p.ZoneID != "" {
		g.zone = p.ZoneID
	}
	if uses(p, config.RemedyWithdraw) {
		g.names, g.types = []string{p.Record}, []string{"A", "AAAA"}
	}
	if leases(cfg, p) {
		g.names, g.types = append(g.names, failover.LeaseName(p.Record)), append(g.types, "TXT")
	}
	return g
}

// uses reports whether a remedy may ever be taken for a pool.
func uses(p config.Pool, remedy config.Remedy) bool {
	if p.Mode == config.ModeObserve {
		return false
	}
	used := slices.Contains(p.Remedy, remedy)
	for _, list := range p.RemedyWhen {
		used = used || slices.Contains(list, remedy)
	}
	return used
}

// leases reports whether a lease is held for a pool: one that only observes needs
// none.
func leases(cfg *config.Config, p config.Pool) bool {
	return cfg.Lease == config.LeaseDNS && p.Mode != config.ModeObserve
}

// narrow puts what was read in the place of what is not known.
func (g *grant) narrow(account string, pool *failover.Pool) {
	g.account, g.zone = account, pool.ZoneID
	g.allocations, g.instances, g.interfaces, g.tags = nil, nil, nil, nil
	for _, m := range pool.Members {
		if m.Address != nil {
			g.allocations = append(g.allocations, m.Address.Allocation)
		}
	}
	for _, i := range pool.Instances {
		g.instances = append(g.instances, i.ID)
		if i.Interface != "" {
			g.interfaces = append(g.interfaces, i.Interface)
		}
	}
	g.moves = g.moves && len(g.allocations) > 0
	types := map[string]bool{"TXT": true}
	for _, set := range pool.Sets {
		types[set.Type] = types[set.Type] || set.Foreign == ""
		if set.HealthCheck != "" {
			g.checks = append(g.checks, set.HealthCheck)
		}
	}
	g.types = slices.DeleteFunc(g.types, func(t string) bool { return !types[t] })
}

// liveGrants are what the pools need as they are wired now.
func (c *cloud) liveGrants(ctx context.Context, cfg *config.Config) ([]grant, error) {
	numbers, err := c.accountNumbers(ctx)
	if err != nil {
		return nil, err
	}
	list := specs(cfg, newTools())
	pools, errs := failover.DiscoverAll(ctx, list, c.eips, c.records)
	if err := joined(list, errs); err != nil {
		return nil, err
	}
	grants := make([]grant, 0, len(cfg.Pools))
	for _, p := range cfg.Pools {
		g := grantOf(cfg, p)
		g.narrow(numbers[p.Name], pools[p.Name])
		grants = append(grants, g)
	}
	return grants, nil
}

// accountNumbers are the numbers of the pools' accounts.
func (c *cloud) accountNumbers(ctx context.Context) (map[string]string, error) {
	numbers := map[string]string{}
	var errs []error
	for _, a := range c.accounts {
		number, _, err := a.who(ctx)
		errs = append(errs, err)
		for _, pool := range a.pools {
			numbers[pool] = number
		}
	}
	return numbers, errors.Join(errs...)
}

// who asks for the account's number, and as whom it is asked. It needs no
// permission.
func (a account) who(ctx context.Context) (number, arn string, err error) {
	ctx, cancel := context.WithTimeout(ctx, signInWithin)
	defer cancel()
	who, err := sts.NewFromConfig(a.sdk).GetCallerIdentity(ctx, nil)
	if err != nil {
		return "", "", fmt.Errorf("ask AWS who rrwatch is, for pools %s: %w", strings.Join(a.pools, ", "), err)
	}
	return aws.ToString(who.Account), aws.ToString(who.Arn), nil
}
