// Command bench measures what rrwatch promises, as a user would meet it: with the built program and a clock. What probing
// costs is measured beside others that do the same: HAProxy's health checks, and loops that do nothing else.
//
// It prints one line a figure, `name value unit (goal …)`, and writes the same to a file as JSON; on standard error it says
// what it is doing. A missed goal is shown and is no error; a figure that could not be measured is one.
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
	"slices"
	"strings"
	"syscall"
	"time"
)

// bench is what all measures need.
type bench struct {
	binary string    // the built rrwatch, an absolute path
	tags   string    // the build tags it was built with
	runs   int       // how many outages are played
	rounds int       // how often those that are compared take turns
	kills  int       // how many servers are killed
	keys   algorithm // of the certificates that https shows
	log    io.Writer // what is being done
}

// measure is something that can be measured by itself.
type measure struct {
	name string
	take func(context.Context) ([]figure, error)
}

func (b bench) measures() []measure {
	return []measure{
		{"outages", b.outages}, {"first_page", b.firstPage}, {"idle", b.idle}, {"build", b.build},
		{"http", b.http}, {"tcp", b.tcp}, {"https", b.https}, {"scale", b.scale}, {"tripwire", b.tripwire},
	}
}

// needsBinary tells the measures that run the built program.
func (m measure) needsBinary() bool {
	return slices.Contains([]string{"outages", "first_page", "idle"}, m.name)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := begin(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// begin is the bench itself, or one of its modes.
func begin(ctx context.Context) error {
	args := os.Args[1:]
	if len(args) > 0 {
		if do, ok := modeOf(args[0]); ok {
			return do(ctx, args[1:], os.Stdin, os.Stdout)
		}
	}
	return run(ctx, args, os.Stdout, os.Stderr)
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	b := bench{log: log}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&b.binary, "binary", filepath.Join("bin", "rrwatch"), "the built program")
	flags.StringVar(&b.tags, "tags", "", "build tags for the measured build")
	file := flags.String("out", "bench.json", "where the figures are written as JSON")
	flags.IntVar(&b.runs, "runs", 10, "how many outages are played")
	flags.IntVar(&b.rounds, "rounds", 3, "how often those that are compared take turns")
	flags.IntVar(&b.kills, "kills", 30, "how many servers are killed")
	flags.StringVar((*string)(&b.keys), "keys", string(p256), "the certificates' keys: "+string(p256)+" or "+string(rsa2048))
	only := flags.String("only", "", "measure only these, with commas between: "+strings.Join(names(b.measures()), ", "))
	if err := flags.Parse(args); err != nil {
		return err
	}
	b.runs, b.rounds, b.kills = max(b.runs, 1), max(b.rounds, 1), max(b.kills, 1)
	path, err := filepath.Abs(b.binary)
	if err != nil {
		return fmt.Errorf("find the built program: %w", err)
	}
	b.binary = path
	chosen, err := choose(b.measures(), *only)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(chosen, measure.needsBinary) {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("find the built program: %w; run make build first", err)
		}
	}
	all, failed := b.take(ctx, chosen, out)
	return errors.Join(failed, write(*file, all))
}

// take takes measures one after the other and prints each one's figures at once.
func (b bench) take(ctx context.Context, chosen []measure, out io.Writer) ([]figure, error) {
	var all []figure
	var failed []error
	for _, m := range chosen {
		b.say("%s: begins; the machine's load is %s", m.name, load())
		began := time.Now()
		figures, err := m.take(ctx)
		if err != nil {
			failed = append(failed, err)
			b.say("%s: failed: %v", m.name, err)
		}
		b.say("%s: took %s", m.name, time.Since(began).Round(100*time.Millisecond))
		for _, f := range figures {
			fmt.Fprintln(out, f)
		}
		all = append(all, figures...)
		if ctx.Err() != nil {
			break
		}
	}
	return all, errors.Join(failed...)
}

func (b bench) say(format string, args ...any) { fmt.Fprintf(b.log, "bench: "+format+"\n", args...) }

// choose finds the measures that are wanted: all when nothing is said.
func choose(all []measure, only string) ([]measure, error) {
	if only == "" {
		return all, nil
	}
	var chosen []measure
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(all, func(m measure) bool { return m.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("-only: nothing is called %q; there are %s", name, strings.Join(names(all), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func names(measures []measure) []string {
	list := make([]string, len(measures))
	for i, m := range measures {
		list[i] = m.name
	}
	return list
}

// load is the machine's load over the last minute, five and fifteen: what else goes on.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "not known"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
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
