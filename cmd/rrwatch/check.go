package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rrwatch/config"
	"rrwatch/eip"
	"rrwatch/failover"
	"rrwatch/route53"
)

func newCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Validate the file and ask AWS what rrwatch may do; exit status 1 if something is wrong",
		Long: `Reads the configuration file, reads from AWS how each pool is wired, and asks AWS
whether rrwatch may do what it must: EC2 is asked with its dry run, so nothing is
changed. Route 53 has no dry run; its change permission cannot be tried.`,
		Example: "  rrwatch check --config rrwatch.yaml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			out := &findings{out: c.OutOrStdout()}
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
			for _, spec := range specs(cfg, newTools()) {
				checkPool(c.Context(), out, spec, cloud)
			}
			return failedUnless(!out.bad)
		},
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

// findings prints what was found, one line each.
type findings struct {
	out io.Writer
	bad bool
}

func (f *findings) say(good bool, format string, args ...any) {
	mark := "ok    "
	if !good {
		mark, f.bad = "FAIL  ", true
	}
	f.line(mark, fmt.Sprintf(format, args...))
}

func (f *findings) note(text string) { f.line("note  ", text) }

// line prints a finding; what follows its first line is indented below it.
func (f *findings) line(mark, text string) {
	fmt.Fprintln(f.out, mark+strings.ReplaceAll(text, "\n", "\n      "))
}

func checkPool(ctx context.Context, out *findings, spec *failover.Spec, c *cloud) {
	pool, err := failover.Discover(ctx, spec, c.eips, c.records, nil)
	if err != nil {
		out.say(false, "pool %s: %v", spec.Name, err)
		checkPermissions(ctx, out, spec, c, nil)
		return
	}
	out.say(true, "pool %s: %s publishes %d addresses, %d instances can carry them",
		spec.Name, spec.Record, len(pool.Members), len(pool.Instances))
	checkEndpoints(ctx, out, spec)
	for _, m := range pool.Members {
		out.say(true, "  %s %s", m.Addr, role(spec, pool, m.Addr))
	}
	for _, i := range pool.Spare() {
		if at := i.ProbeAddr(spec.Instances.Address); at.IsValid() {
			out.say(true, "  %s can be a standby, asked at %s", i.Label(), at)
			continue
		}
		out.note(fmt.Sprintf("  %s can be no standby: it has no %s address to ask it at", i.Label(), spec.Instances.Address))
	}
	if len(pool.Spare()) == 0 {
		out.note("  the pool has no standby, so a failed address can only be withdrawn")
	}
	for _, n := range pool.Notices {
		out.note("  " + n)
	}
	checkPermissions(ctx, out, spec, c, pool)
}

// checkPermissions asks what rrwatch may do. A pool that only observes needs
// no permission to change anything.
func checkPermissions(ctx context.Context, out *findings, spec *failover.Spec, c *cloud, pool *failover.Pool) {
	list := c.eips[spec.Name].Check(ctx, trial(spec, pool))
	for _, p := range c.records.Check(ctx, spec) {
		list = append(list, eip.Permission(p))
	}
	for _, p := range list {
		text := "  " + p.Action
		if p.On != "" {
			text += " on " + p.On
		}
		if p.Detail != "" {
			text += ": " + p.Detail
		}
		switch untried := strings.HasPrefix(p.Detail, "not tried"); {
		case untried, !p.Needed && p.Detail != "":
			out.note(text)
		case p.Needed:
			out.say(p.OK, "%s", text)
		}
	}
}

// trial is what a pool may need of EC2; nil: it could not be read.
func trial(spec *failover.Spec, pool *failover.Pool) eip.Trial {
	t := eip.Trial{Moves: spec.Policy.Mode != failover.Observe}
	if pool == nil {
		return t
	}
	for _, m := range pool.Members {
		if m.Address != nil {
			t.Addresses = append(t.Addresses, *m.Address)
		}
	}
	t.Instances = pool.Instances
	return t
}

// Check asks what rrwatch may do in a pool's zone.
func (z *zones) Check(ctx context.Context, spec *failover.Spec) []route53.Permission {
	return z.byName[spec.Record].asker.Check(ctx, route53.Trial{
		Zone: spec.Zone, Record: spec.Record, Edits: spec.Policy.Mode != failover.Observe, Lease: spec.Lease,
	})
}
