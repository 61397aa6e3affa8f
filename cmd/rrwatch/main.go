// Command rrwatch watches sites that are published by DNS round robin on AWS
// from outside, moves a failed address to a healthy standby, proves that it
// serves again, and remembers and tells what it did and why.
//
// This is package main, which wires all the others together: one file a
// command.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker, which can set nothing but a package variable.
var version = "dev"

// errFailed ends a command with exit status 1 when all there is to say has
// been printed.
var errFailed = errors.New("failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends at once
	heedLibraries(nil)           // until a command has a logger
	err := newRoot().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	if !errors.Is(err, errFailed) {
		fmt.Fprintf(os.Stderr, "rrwatch: %v\n", err)
	}
	os.Exit(1)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "rrwatch",
		Short: "Watch a DNS-round-robin site on AWS from outside and move failed addresses",
		Long: `rrwatch watches sites that are published by several Elastic IPs under one
Route 53 name. When an address fails it finds out why, moves the address to a
healthy standby instance or takes it out of the record, proves from outside
that the site is served again, and remembers and tells what it did and why.`,
		Example: `  rrwatch demo                              see it work, on this machine alone
  rrwatch init  --name www.example.com      write a first configuration from what the account has
  rrwatch check --config rrwatch.yaml       is the file right, and may rrwatch do what it must?
  rrwatch probe --config rrwatch.yaml       ask every address once
  rrwatch plan  --config rrwatch.yaml       what would be done now, and what is held back
  rrwatch run   --config rrwatch.yaml       watch`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; %q lists what there is", err, c.CommandPath()+" --help")
	})
	root.PersistentFlags().StringP("config", "c", "rrwatch.yaml", "the configuration file")
	if err := root.MarkPersistentFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err) // the flag was defined on the line before
	}
	root.AddCommand(newRun(), newDemo(), newCheck(), newProbe(), newPlan(), newPause(), newResume(), newApprove(),
		newOverride(), newReleaseBrake(), newIAMPolicy(), newInit(), newSimulator(), newVersion(), newHealthcheck())
	return root
}

// noArgs refuses arguments, and says what may have been meant.
func noArgs(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !c.HasSubCommands():
		return fmt.Errorf("%q takes no argument such as %q: the file is named with --config, and %q lists what else there is",
			c.CommandPath(), args[0], c.CommandPath()+" --help")
	}
	c.SuggestionsMinimumDistance = 2 // letters to change; of 0 cobra suggests nothing
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("unknown command %q for %q; did you mean %s?", args[0], c.CommandPath(), strings.Join(near, " or "))
	}
	return fmt.Errorf("unknown command %q for %q; %q lists what there is", args[0], c.CommandPath(), c.CommandPath()+" --help")
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  rrwatch version",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), "rrwatch", version)
			return err
		},
	}
}
