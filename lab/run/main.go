//go:build linux

// Command run runs the lab's faults and prints what each cost the users of the site, a line each.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"rrwatch/lab"
)

func main() {
	runs := flag.Int("runs", 1, "how often each fault is run")
	only := flag.String("only", "", "the faults to run, by name, with commas between (default: all of "+strings.Join(names(), ", ")+")")
	verbose := flag.Bool("v", false, "print what rrwatch wrote, too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status, err := enter(ctx, *only, *runs, *verbose)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		status = 1
	}
	os.Exit(status)
}

// enter runs the faults inside the lab's namespaces, and returns the exit status.
func enter(ctx context.Context, only string, runs int, verbose bool) (int, error) {
	faults, err := choose(only)
	if err != nil {
		return 0, err
	}
	if runs < 1 {
		return 0, fmt.Errorf("-runs=%d: a fault is run once or more", runs)
	}
	return lab.Enter(ctx, func() int {
		status := 0
		for _, fault := range faults {
			if err := repeat(ctx, fault, runs, verbose); err != nil {
				fmt.Printf("%-18s WRONG: %v\n", fault.Name, err)
				status = 1
			}
			if ctx.Err() != nil {
				return 1
			}
		}
		return status
	})
}

func names() []string {
	var list []string
	for _, f := range lab.Faults() {
		list = append(list, f.Name)
	}
	return list
}

func choose(only string) ([]lab.Fault, error) {
	if only == "" {
		return lab.Faults(), nil
	}
	var chosen []lab.Fault
	for name := range strings.SplitSeq(only, ",") {
		n := slices.Index(names(), name)
		if n < 0 {
			return nil, fmt.Errorf("there is no fault %q; choose of %s", name, strings.Join(names(), ", "))
		}
		chosen = append(chosen, lab.Faults()[n])
	}
	return chosen, nil
}

// repeat runs one fault some times, prints each outcome, and at last the medians.
func repeat(ctx context.Context, fault lab.Fault, runs int, verbose bool) error {
	var all []lab.Outcome
	var errs []error
	for range runs {
		out, err := lab.Run(ctx, fault)
		if verbose {
			fmt.Println(out.Log)
		}
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err == nil {
			err = out.Judge()
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Println(out)
		all = append(all, out)
	}
	if len(all) > 1 {
		outage := spread(all, func(o lab.Outcome) time.Duration { return o.User.Outage })
		failed := spread(all, func(o lab.Outcome) int { return o.User.Failed })
		fmt.Printf("%-18s median of %d: outage %.2f s [%.2f-%.2f]  failed %d [%d-%d]\n", fault.Name, len(all),
			outage[0].Seconds(), outage[1].Seconds(), outage[2].Seconds(), failed[0], failed[1], failed[2])
	}
	return errors.Join(errs...)
}

// spread returns the median (the lower of two), least and greatest of a figure.
func spread[T cmp.Ordered](all []lab.Outcome, figure func(lab.Outcome) T) [3]T {
	var list []T
	for _, o := range all {
		list = append(list, figure(o))
	}
	slices.Sort(list)
	return [3]T{list[(len(list)-1)/2], list[0], list[len(list)-1]}
}
