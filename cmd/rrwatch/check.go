package main

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"rrwatch/config"
	"rrwatch/eip"
	"rrwatch/failover"
	"rrwatch/route53"
)

func newCheck() *cobra.Command {
	c := &cobra.Command{
		Use:   "check",
		Short: "Validate the file and ask AWS what rrwatch may do; exit status 1 if something is wrong",
		Long: `Reads the configuration file, reads from AWS how each pool is wired, says what is
better changed there (docs/lints.md), and asks AWS whether rrwatch may do what it
must, and whether it may do what it need not. Nothing is changed: EC2 is asked with
its dry run, and Route 53 with a change batch that it cannot but refuse.

  ok     as it should be
  warn   better changed
  note   good to know
  FAIL   must be mended; the exit status is 1`,
		Example: `  rrwatch check --config rrwatch.yaml
  rrwatch check --json | jq '.findings[] | select(.result == "fail")'`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			out := &findings{out: c.OutOrStdout()}
			out.asJSON, _ = c.Flags().GetBool("json")
			err := checkAll(c, out)
			switch {
			case err != nil && out.asJSON:
				out.wrong(err)
			case err != nil:
				return err
			}
			return out.end()
		},
	}
	c.Flags().Bool("json", false, "print what was found as JSON")
	return c
}

// wrong tells of what ends the check.
func (f *findings) wrong(err error) {
	f.of("")
	if all, ok := errors.AsType[config.Errors](err); ok {
		for _, one := range all {
			f.say(false, "%v", one)
		}
		return
	}
	f.say(false, "%v", err)
}

func checkAll(c *cobra.Command, out *findings) error {
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	path, _ := c.Flags().GetString("config")
	out.say(true, "%s: mode %s, pools: %s", path, cfg.Mode, strings.Join(poolNames(cfg), ", "))
	if advice := noReferences(cfg); advice != "" {
		out.note(advice)
	}
	checkCommands(out, cfg)
	advisePolicies(out, cfg)
	cloud, err := openCloud(c.Context(), cfg)
	if err != nil {
		return err
	}
	cloud.introduce(c.Context(), out)
	for n, spec := range specs(cfg, newTools()) {
		checkPool(c.Context(), out, checked{cfg, cfg.Pools[n], spec, cloud})
	}
	return nil
}

// introduce tells as whom rrwatch is signed in.
func (c *cloud) introduce(ctx context.Context, out *findings) {
	for _, a := range c.accounts {
		_, arn, err := a.who(ctx)
		if err != nil {
			out.note(err.Error())
			continue
		}
		text := "signed in as " + arn
		if len(c.accounts) > 1 {
			text += ", for pools " + strings.Join(a.pools, ", ")
		}
		out.say(true, "%s", text)
	}
}

// noReferences advises those who let rrwatch change things without a way to
// tell an outage of its own from one of the site.
func noReferences(cfg *config.Config) string {
	for _, p := range cfg.Pools {
		if len(cfg.References) == 0 && p.Mode != config.ModeObserve {
			return "no references are given, so the watcher cannot tell its own network's outage from the site's: name three addresses of different owners that always answer"
		}
	}
	return ""
}

func poolNames(cfg *config.Config) []string {
	var names []string
	for _, p := range cfg.Pools {
		names = append(names, p.Name)
	}
	return names
}

// checked is a pool that is looked at.
type checked struct {
	cfg   *config.Config
	pool  config.Pool
	spec  *failover.Spec
	cloud *cloud
}

func checkPool(ctx context.Context, out *findings, c checked) {
	pool, err := failover.Discover(ctx, c.spec, c.cloud.eips, c.cloud.records, nil)
	if err != nil {
		out.say(false, "pool %s: %v", c.spec.Name, err)
		out.of(c.spec.Name)
		defer out.of("")
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			out.note("no permission is tried: nobody answers") // each try would wait for that again
			return
		}
		checkPermissions(ctx, out, c, nil)
		return
	}
	out.say(true, "pool %s: %s publishes %s, %s can carry them",
		c.spec.Name, c.spec.Record, countOf(len(pool.Members), "address", "addresses"), countOf(len(pool.Instances), "instance", "instances"))
	out.of(c.spec.Name)
	checkEndpoints(ctx, out, c.spec)
	for _, m := range pool.Members {
		out.say(true, "%s %s", m.Addr, role(c.spec, pool, m.Addr))
	}
	for _, i := range pool.Spare() {
		if at := i.ProbeAddr(c.spec.Instances.Address); at.IsValid() {
			out.say(true, "%s can be a standby, asked at %s", i.Label(), at)
		}
	}
	out.lints(failover.Lints(c.spec, pool))
	checkPermissions(ctx, out, c, pool)
	out.of("")
}

// checkPermissions asks what rrwatch may do for a pool, which is nil if it could
// not be read.
func checkPermissions(ctx context.Context, out *findings, c checked, pool *failover.Pool) {
	needs := grantOf(c.cfg, c.pool)
	trial := eip.Trial{Moves: needs.moves}
	if pool != nil {
		for _, m := range pool.Members {
			if m.Address != nil {
				trial.Addresses = append(trial.Addresses, *m.Address)
			}
		}
		trial.Instances = pool.Instances
	}
	list := c.cloud.eips[c.pool.Name].Check(ctx, trial)
	for _, p := range c.cloud.records.byName[c.pool.Record].asker.Check(ctx, route53.Trial{
		Zone: c.spec.Zone, Record: c.spec.Record,
		Edits: uses(c.pool, config.RemedyWithdraw), Lease: leases(c.cfg, c.pool),
	}) {
		list = append(list, eip.Permission(p))
	}
	out.permissions(c.pool.AWS, list)
}
