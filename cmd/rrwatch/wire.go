package main

import (
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/probe"
)

// loadConfig reads the file that --config names.
func loadConfig(c *cobra.Command) (*config.Config, error) {
	path, err := c.Flags().GetString("config")
	if err != nil {
		return nil, err
	}
	return config.Load(path, os.LookupEnv)
}

// newLog logs to standard error as the file says.
func newLog(cfg *config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Log.Level}
	if cfg.Log.Format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

// heedLibraries has what libraries write to the standard logger, as HTTP/2 does
// of servers that misbehave and AWS's of its retries, logged with level debug.
// Without a logger it is thrown away.
func heedLibraries(logger *slog.Logger) {
	log.SetFlags(0)
	if logger == nil {
		log.SetOutput(io.Discard)
		return
	}
	log.SetOutput(slog.NewLogLogger(logger.Handler(), slog.LevelDebug).Writer())
}

// dialer dials addresses, never names; keep-alives are of no use to a
// connection that asks one question.
func dialer() probe.Dial {
	return (&net.Dialer{KeepAlive: -1}).DialContext
}

// specs makes the pools' policies from the configuration; their checks are
// asked with the tools.
func specs(cfg *config.Config, with tools) []*failover.Spec {
	list := make([]*failover.Spec, 0, len(cfg.Pools))
	for _, p := range cfg.Pools {
		spec := &failover.Spec{
			Name: p.Name, Record: p.Record, Zone: zoneOf(p),
			Instances: failover.Selector{
				IDs: p.Instances.IDs, Tags: p.Instances.Tags, Address: failover.AddressUse(p.Instances.Address),
				Secondary: p.Instances.SecondaryAddresses,
			},
			Policy:      policyOf(p),
			Lease:       cfg.Lease == config.LeaseDNS,
			Maintenance: maintenance(cfg, p.Name),
		}
		for _, c := range p.Checks {
			spec.Checks = append(spec.Checks, checkOf(p, c, with))
		}
		for _, e := range p.Endpoints {
			spec.Endpoints = append(spec.Endpoints, endpointOf(e, with.dial))
		}
		list = append(list, spec)
	}
	return list
}

func zoneOf(p config.Pool) string {
	if p.ZoneID != "" {
		return p.ZoneID
	}
	return p.ZoneName
}

// maintenance joins the windows that are meant for a pool.
func maintenance(cfg *config.Config, pool string) func(time.Time) (time.Time, bool) {
	return func(now time.Time) (until time.Time, in bool) {
		for _, m := range cfg.Maintenance {
			if end, covers := m.Covers(now); covers && m.Includes(pool) && end.After(until) {
				until, in = end, true
			}
		}
		return until, in
	}
}
