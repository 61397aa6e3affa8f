// Command bench measures what rrwatch promises, as a user would meet it: with the built program and a clock.
//
// It prints one line a figure, `name value unit (goal …)`, and writes the same to a file as JSON. A missed goal is
// shown and is no error; a figure that could not be measured is one.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// bench is what all measures need.
type bench struct {
	binary string // the built rrwatch, an absolute path
	tags   string // the build tags it was built with
	runs   int    // how many outages are played
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	binary := flags.String("binary", filepath.Join("bin", "rrwatch"), "the built program")
	tags := flags.String("tags", "", "build tags for the measured build")
	file := flags.String("out", "bench.json", "where the figures are written as JSON")
	runs := flags.Int("runs", 10, "how many outages are played")
	if err := flags.Parse(args); err != nil {
		return err
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return fmt.Errorf("find the built program: %w", err)
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("find the built program: %w; run make build first", err)
	}
	b := bench{binary: path, tags: *tags, runs: max(*runs, 1)}

	var all []figure
	var failed []error
	for _, measure := range []func(context.Context) ([]figure, error){b.outages, b.firstPage, b.idle, b.build} {
		figures, err := measure(ctx)
		if err != nil {
			failed = append(failed, err)
		}
		for _, f := range figures {
			fmt.Fprintln(out, f)
		}
		all = append(all, figures...)
	}
	return errors.Join(append(failed, write(*file, all))...)
}

func write(file string, figures []figure) error {
	text, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	return nil
}
