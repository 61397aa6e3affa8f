package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rrwatch/simulator"
)

// simulatorFlags are the flags of `rrwatch simulator`.
type simulatorFlags struct {
	listen  string
	dns     string
	public  bool
	options simulator.Options
}

func newSimulator() *cobra.Command {
	var f simulatorFlags
	c := &cobra.Command{
		Use:   "simulator",
		Short: "Pretend to be AWS: an empty account that any client can fill",
		Long: `Starts a simulated AWS with an empty account, which refuses what AWS refuses:
EC2 (instances, interfaces, Elastic IPs), Route 53, STS and SNS, as far as
rrwatch and those who test it need them. Any client can fill it, such as the AWS
CLI. Any credentials will do. With --dns it answers the records of its public
zones, too.

Nothing is kept when it ends, no network is changed, and no AWS account is
needed. What goes wrong in it can be switched while it runs:
docs/simulator.md says how.`,
		Example: `  rrwatch simulator
  rrwatch simulator --dns 127.0.0.1:5353 --limits --latency 300ms --lag 5s

  aws --endpoint-url http://127.0.0.1:4566 ec2 allocate-address
  curl -d '{"throttle": {"AssociateAddress": 3}}' http://127.0.0.1:4566/_simulator/faults`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runSimulator(c.Context(), c.OutOrStdout(), f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:4566", "the `address` of the simulated AWS")
	flags.StringVar(&f.dns, "dns", "", "answer the records of the public zones on this `address`, by UDP and TCP (default: no DNS)")
	flags.BoolVar(&f.public, "public", false, "let --listen and --dns be addresses that other machines reach, too")
	flags.StringVar(&f.options.Region, "region", "eu-central-1", "the `Region` of EC2")
	flags.StringVar(&f.options.Account, "account", "123456789012", "the twelve `digits` of the account")
	flags.DurationVar(&f.options.Latency, "latency", 0, "how long each call takes, such as 300ms")
	flags.DurationVar(&f.options.Lag, "lag", 0, "how long EC2 describes still show the state before a write")
	flags.DurationVar(&f.options.Sync, "sync", 0, "how long a change of records is PENDING")
	flags.DurationVar(&f.options.Change, "change", 0, "how long instances are pending, stopping and shutting-down")
	flags.BoolVar(&f.options.Limits, "limits", false, "refuse calls that come faster than AWS allows, by its token buckets")
	flags.IntVar(&f.options.Quota, "quota", 0, "how many Elastic IPs can be allocated, 5 in a new account (default: no end)")
	return c
}

func runSimulator(ctx context.Context, out io.Writer, f simulatorFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("start the simulated AWS: %w; choose a free address with --listen", err)
	}
	aws := simulator.New(f.options)
	var names *simulator.DNS
	if f.dns != "" {
		if names, err = simulator.ServeDNS(ctx, aws, f.dns); err != nil {
			_ = listener.Close()
			return fmt.Errorf("start the simulated AWS: %w", err)
		}
		defer names.Close()
	}
	f.tell(out, listener.Addr().String(), names)

	server := &http.Server{Handler: aws.Switchable(), ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // what was under way is broken off: nothing is kept
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the simulated AWS: %w", err)
	}
	return nil
}

// check names all that is wrong with the flags.
func (f simulatorFlags) check() error {
	wrong := []error{f.reachable("--listen", f.listen)}
	if f.dns != "" {
		wrong = append(wrong, f.reachable("--dns", f.dns))
	}
	if !regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`).MatchString(f.options.Region) {
		wrong = append(wrong, fmt.Errorf("--region %q: write a Region such as eu-central-1", f.options.Region))
	}
	if !regexp.MustCompile(`^[0-9]{12}$`).MatchString(f.options.Account) {
		wrong = append(wrong, fmt.Errorf("--account %q: write twelve digits, such as 123456789012", f.options.Account))
	}
	if f.options.Quota < 0 {
		wrong = append(wrong, fmt.Errorf("--quota %d: write how many Elastic IPs can be allocated, or 0 for no end", f.options.Quota))
	}
	return errors.Join(append(wrong, notNegative("--latency", f.options.Latency), notNegative("--lag", f.options.Lag),
		notNegative("--sync", f.options.Sync), notNegative("--change", f.options.Change))...)
}

func notNegative(flag string, d time.Duration) error {
	if d >= 0 {
		return nil
	}
	return fmt.Errorf("%s %s: a time cannot be negative; write one such as 300ms, or leave it out", flag, d)
}

// reachable refuses an address that other machines reach, unless that is wanted.
func (f simulatorFlags) reachable(flag, address string) error {
	at, err := netip.ParseAddrPort(strings.Replace(address, "localhost:", "127.0.0.1:", 1))
	if err != nil {
		return fmt.Errorf("%s %q: write an address and a port, such as 127.0.0.1:4566", flag, address)
	}
	if !at.Addr().Unmap().IsLoopback() && !f.public {
		return fmt.Errorf("%s %s: other machines reach it, and the simulator lets anybody in, whatever the credentials; "+
			"use 127.0.0.1, or add --public if you mean it", flag, address)
	}
	return nil
}

// tell says what there is and how it is used.
func (f simulatorFlags) tell(out io.Writer, at string, names *simulator.DNS) {
	url := "http://" + at
	fmt.Fprintf(out, `A simulated AWS with an empty account is at %[1]s: EC2 in %[2]s, Route 53, STS and SNS.
Any credentials will do. From another terminal:

  export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=%[2]s
  aws --endpoint-url %[1]s ec2 allocate-address
  AWS_ENDPOINT_URL=%[1]s rrwatch init --name www.example.com

In rrwatch.yaml:       region: %[2]s
                       aws: {endpoint_url: "%[1]s"}
What is wrong with it: curl %[1]s%[3]s
`, url, f.options.Region, simulator.FaultsPath)
	if names != nil {
		fmt.Fprintf(out, "Its name server:       %s (a pool's name_servers)\n", names.Addr())
	}
	fmt.Fprint(out, "\nCtrl-C ends it, and all that is in it.\n")
}
