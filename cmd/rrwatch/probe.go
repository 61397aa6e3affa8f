package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

func newProbe() *cobra.Command {
	return &cobra.Command{
		Use:   "probe",
		Short: "Ask every member and every standby once; exit status 1 if one fails",
		Long: `Reads from AWS what the configured names publish and which instances could carry
the addresses, asks each of them every check once, and each endpoint as a user
would, and prints the answers. The same code as in the daemon. Exit status 1 if
an answer is not a pass; a heartbeat check, which waits to be told and cannot be
asked, does not count.`,
		Example: "  rrwatch probe --config rrwatch.yaml",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			cloud, err := openCloud(c.Context(), cfg)
			if err != nil {
				return err
			}
			with := newTools()
			defer with.close()
			return probeAll(c.Context(), c.OutOrStdout(), specs(cfg, with), with.roster, cloud)
		},
	}
}

// probeAll asks everything once, side by side, and prints the answers.
func probeAll(ctx context.Context, out io.Writer, list []*failover.Spec, roster *probe.Roster, c *cloud) error {
	pools, errs := failover.DiscoverAll(ctx, list, c.eips, c.records)
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	good := len(errs) == 0
	for _, spec := range list {
		good = printEndpoints(ctx, table, spec) && good
		pool := pools[spec.Name]
		if pool == nil {
			continue
		}
		watches := failover.Watches(spec, pool)
		enroll(roster, watches)
		for n, r := range askOnce(ctx, watches) {
			good = good && (r.Verdict == probe.Pass || r.Reason == probe.Waiting)
			addr := watches[n].Target.Addr.Addr()
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Verdict, spec.Name, watches[n].Target.Where(),
				role(spec, pool, addr), watches[n].Target.Check, took(r), said(r))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return errors.Join(joined(list, errs), failedUnless(good))
}

// said is an answer's reason and detail, with what should be looked at before
// it fails.
func said(a probe.Answer) string {
	var parts []string
	if a.Detail != "" {
		parts = append(parts, a.Detail)
	}
	if a.Warning != "" && a.Warning != a.Detail {
		parts = append(parts, "warning: "+a.Warning)
	}
	text := strings.Join(parts, "; ")
	if a.Reason == "" {
		return text
	}
	return strings.TrimSuffix(string(a.Reason)+": "+text, ": ")
}

// took is how long an answer took, with what digits matter. Heartbeats are not
// asked, so nothing took any time.
func took(a probe.Answer) string {
	switch d := a.Phases.Whole; {
	case d <= 0 || a.Reason == probe.Waiting:
		return "-"
	case d < 10*time.Microsecond:
		return "<10µs"
	case d < time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	default:
		return d.Round(10 * time.Millisecond).String()
	}
}

func failedUnless(good bool) error {
	if good {
		return nil
	}
	return errFailed
}

// joined are the pools' errors in the order of the configuration.
func joined(list []*failover.Spec, errs map[string]error) error {
	var all []error
	for _, spec := range list {
		if err := errs[spec.Name]; err != nil {
			all = append(all, fmt.Errorf("pool %s: %w", spec.Name, err))
		}
	}
	return errors.Join(all...)
}

// role says what an address is to its pool: who carries it, or that it is a
// standby's own.
func role(spec *failover.Spec, pool *failover.Pool, addr fmt.Stringer) string {
	for _, m := range pool.Members {
		if m.Addr != addr {
			continue
		}
		if i, known := pool.Instance(m.Carrier()); known {
			return "on " + i.Label()
		}
		return "on no known instance"
	}
	for _, i := range pool.Spare() {
		if i.ProbeAddr(spec.Instances.Address) == addr {
			return "of " + i.Label()
		}
	}
	return ""
}

// askOnce asks each watch once, all side by side.
func askOnce(ctx context.Context, watches []monitor.Watch) []probe.Answer {
	answers := make([]probe.Answer, len(watches))
	var wg sync.WaitGroup
	for n, w := range watches {
		wg.Go(func() { answers[n] = monitor.Ask(ctx, w) })
	}
	wg.Wait()
	return answers
}
