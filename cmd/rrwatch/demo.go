package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/spf13/cobra"
)

// demoFlags are the flags of `rrwatch demo`.
type demoFlags struct {
	listen    string
	database  string
	once      bool
	json      bool
	siteOnly  bool
	configOut string
}

func newDemo() *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch an address fail and be moved, on this machine alone",
		Long: `Starts a simulated AWS, a DNS server and a pretended site of five load balancers
on loopback, and a real rrwatch that watches them. After some seconds a load
balancer dies; watch in the terminal and on the dashboard how it is noticed,
decided, moved, proven and told. Then break things by hand, on the page /demo or
with "rrwatch demo break", until Ctrl-C.

Nothing leaves this machine, and no AWS account is needed.`,
		Example: `  rrwatch demo                          until Ctrl-C
  rrwatch demo --once                   one outage; exit status 0 if it was mended
  rrwatch demo break lb-2 hang          in another terminal
  rrwatch demo heal lb-2`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDemo(c, f) },
	}
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8080", "the dashboard's `address`")
	c.Flags().StringVar(&f.database, "database", "", "the SQLite `file` (default: a new one in a temporary folder)")
	c.Flags().BoolVar(&f.once, "once", false, "break one load balancer, wait until the site is served again, print the clock and end")
	c.Flags().BoolVar(&f.json, "json", false, "with --once: print the figures as JSON")
	c.Flags().BoolVar(&f.siteOnly, "site-only", false, "only the simulated AWS and the site; watch them with \"rrwatch run\"")
	c.Flags().StringVar(&f.configOut, "config-out", "", "with --site-only: write the configuration for \"rrwatch run\" to this `file`")
	c.MarkFlagsMutuallyExclusive("once", "site-only")
	c.AddCommand(newDemoBreak(), newDemoHeal())
	return c
}

func runDemo(c *cobra.Command, f demoFlags) error {
	switch {
	case f.json && !f.once:
		return errors.New("--json prints the figures of --once; give both")
	case f.configOut != "" && !f.siteOnly:
		return errors.New("--config-out belongs to --site-only; give both")
	case f.once && !c.Flags().Changed("listen"):
		f.listen = "127.0.0.1:0" // nobody looks; any port will do
	}
	dir, err := os.MkdirTemp("", "rrwatch-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if f.database == "" {
		f.database = filepath.Join(dir, "rrwatch.db")
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	heedLibraries(log)
	w, err := newWorld(c.Context(), log)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }()
	if f.siteOnly {
		return siteOnly(c, w, f)
	}
	return demonstrate(c, w, f, log)
}

// siteOnly serves the world for a rrwatch of the reader's own.
func siteOnly(c *cobra.Command, w *world, f demoFlags) error {
	file := f.configOut
	if file == "" {
		return errors.New("say with --config-out where to write the configuration for `rrwatch run`")
	}
	if err := os.WriteFile(file, w.yaml(f.database, f.listen), 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	fmt.Fprintf(c.OutOrStdout(), "The simulated AWS is at %s. Watch its site from another terminal:\n\n", w.url)
	fmt.Fprintf(c.OutOrStdout(), "  AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo rrwatch run --config %s\n\nCtrl-C ends it.\n", file)
	<-c.Context().Done()
	return nil
}

// demonstrate runs a whole rrwatch on the world.
func demonstrate(c *cobra.Command, w *world, f demoFlags, log *slog.Logger) error {
	cfg, err := w.config(f.database, f.listen)
	if err != nil {
		return err
	}
	cloud, err := newCloud(c.Context(), cfg, credentials.NewStaticCredentialsProvider("demo", "demo", ""))
	if err != nil {
		return err
	}
	d, err := newDaemon(c.Context(), cfg, cloud, panel{w.site}, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	ran := make(chan error, 1)
	wg.Go(func() { ran <- d.run(ctx) })

	show := &stage{world: w, daemon: d, out: c.OutOrStdout(), users: newUsers(ctx, w.site.Port())}
	defer show.users.end()
	if f.once {
		err = show.once(ctx, f.json)
	} else {
		err = show.goOn(ctx)
	}
	cancel()
	return errors.Join(err, <-ran)
}

// How the demo goes: a moment to look at the healthy site, and how long the
// whole outage of --once may last.
const (
	demoMoment = 6 * time.Second
	demoWithin = 60 * time.Second
)
