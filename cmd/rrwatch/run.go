package main

import (
	"github.com/spf13/cobra"
)

func newRun() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Watch, and do what the mode allows",
		Long: `Watches the pools of the configuration file, shows them on the dashboard, and
does what each pool's mode allows: observe changes nothing, propose waits for a
person's approval, act moves addresses and edits records by itself.

It runs until it is interrupted (Ctrl-C, SIGTERM). A restart in the middle of an
incident goes on with it. To use a changed file, restart.`,
		Example: "  rrwatch run --config /etc/rrwatch/rrwatch.yaml",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			log := newLog(cfg)
			heedLibraries(log)
			if advice := noReferences(cfg); advice != "" {
				log.Warn("rrwatch may change things without references", "advice", advice)
			}
			cloud, err := newCloud(c.Context(), cfg, nil)
			if err != nil {
				return err
			}
			d, err := newDaemon(c.Context(), cfg, cloud, nil, log)
			if err != nil {
				return err
			}
			log.Info("the dashboard is open", "url", reachable(d.listener.Addr().String()))
			return d.run(c.Context())
		},
	}
}
