package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

func newPlan() *cobra.Command {
	return &cobra.Command{
		Use:   "plan",
		Short: "Print what would be done now, and what is held back and why",
		Long: `Prints the plan of the rrwatch that runs with this configuration. If none runs, it
looks for itself: it reads AWS, asks everything as often as the thresholds want,
and plans as if each member had been seen healthy before. It changes nothing.`,
		Example: "  rrwatch plan --config rrwatch.yaml",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			if view, err := runningWith(cfg, "rrwatch-plan").view(c.Context()); err == nil {
				return printPlans(c.OutOrStdout(), view)
			}
			fmt.Fprintf(c.ErrOrStderr(), "No rrwatch runs at %s, so this is a look of its own.\n", cfg.Web.Listen)
			cloud, err := openCloud(c.Context(), cfg)
			if err != nil {
				return err
			}
			return freshPlans(c.Context(), c.OutOrStdout(), cfg, cloud)
		},
	}
}

// reachable is the URL at which this machine reaches what listens at listen.
func reachable(listen string) string {
	at, err := netip.ParseAddrPort(listen)
	if err == nil && at.Addr().IsUnspecified() {
		loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		return "http://" + netip.AddrPortFrom(loopback, at.Port()).String()
	}
	return "http://" + listen
}

func printPlans(out io.Writer, view *failover.View) error {
	for _, p := range view.Pools {
		text := p.Plan.String()
		if p.Trouble != "" {
			text = fmt.Sprintf("pool %s: its wiring cannot be read: %s\n", p.Name, p.Trouble)
		}
		text += usersText(p)
		if _, err := io.WriteString(out, text); err != nil {
			return err
		}
	}
	return nil
}

// freshPlans looks, believes and decides once, with the daemon's own code.
func freshPlans(ctx context.Context, out io.Writer, cfg *config.Config, c *cloud) error {
	with := newTools()
	defer with.close()
	list := specs(cfg, with)
	pools, errs := failover.DiscoverAll(ctx, list, c.eips, c.records)
	watches := hasty(list, pools)
	if len(watches) == 0 {
		return joined(list, errs)
	}
	enroll(with.roster, watches)
	snap, err := watchBriefly(ctx, cfg, watches)
	if err != nil {
		return err
	}
	for _, spec := range list {
		if pool := pools[spec.Name]; pool != nil {
			plan := failover.Rehearse(spec, pool, snap, failover.Budget(cfg.Budget), time.Now())
			if _, err := io.WriteString(out, plan.String()+askUsers(ctx, spec)); err != nil {
				return err
			}
		}
	}
	return joined(list, errs)
}

// hasty are the watches of all pools, asked at the recheck time throughout.
func hasty(list []*failover.Spec, pools map[string]*failover.Pool) []monitor.Watch {
	var watches []monitor.Watch
	for _, spec := range list {
		if pool := pools[spec.Name]; pool != nil {
			for _, w := range failover.Watches(spec, pool) {
				w.Interval = w.Recheck
				watches = append(watches, w)
			}
		}
	}
	return watches
}

// watchBriefly watches until something is believed of every target, and the
// references have answered since.
func watchBriefly(ctx context.Context, cfg *config.Config, watches []monitor.Watch) (*monitor.Snapshot, error) {
	longest := time.Duration(0)
	for _, w := range watches {
		longest = max(longest, time.Duration(w.Thresholds.Fall+2)*(w.Timeout+w.Recheck))
	}
	ctx, cancel := context.WithTimeout(ctx, longest+5*time.Second)
	defer cancel()
	m := monitor.New(monitor.Options{Vantage: cfg.Vantage, References: cfg.References, Dial: dialer()})
	if err := m.Replace(watches); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	for ctx.Err() == nil && !decided(m.Snapshot(), watches) {
		wait(ctx, 50*time.Millisecond)
	}
	snap := m.Snapshot()
	cancel()
	return snap, <-ended
}

// decided reports whether enough is known for a plan: what passes is compared
// with what fails, and so must have been asked since.
func decided(snap *monitor.Snapshot, watches []monitor.Watch) bool {
	first := latestFirstFail(snap)
	for _, w := range watches {
		switch h := snap.Health(w.Target); h.State {
		case monitor.Up:
			if h.Last.Verdict == probe.Pass && h.Asked.Before(first) {
				return false
			}
		case monitor.Unknown:
			if h.Last.Reason != probe.Waiting {
				return false
			}
		case monitor.Down:
			if snap.References > 0 && snap.Sighted.Before(h.First) {
				return snap.Blind != ""
			}
		}
	}
	return true
}

// latestFirstFail is when the last of the targets that are down began to fail.
func latestFirstFail(snap *monitor.Snapshot) time.Time {
	var first time.Time
	for _, h := range snap.All() {
		if h.State == monitor.Down && h.First.After(first) {
			first = h.First
		}
	}
	return first
}
