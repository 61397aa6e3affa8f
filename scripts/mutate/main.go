// Command mutate plants faults in rrwatch's judgement, one at a time, and says
// which invariant of the simulation sees each first, or else which outage, as the
// table of docs/simulation.md has it. It changes nothing in the tree: the go command
// compiles the changed file in the place of the real one.
//
//	go run ./scripts/mutate [-seeds 500] [-only text]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

func main() {
	seeds := flag.Int("seeds", 500, "storms to live through until one sees the fault")
	only := flag.String("only", "", "plant only faults whose name contains this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	unseen := 0
	for _, m := range mutations() {
		if !strings.Contains(m.name, *only) || ctx.Err() != nil {
			continue
		}
		found, err := try(ctx, m, *seeds)
		if err != nil {
			fmt.Fprintf(os.Stderr, "mutate: %s: %v\n", m.name, err)
			unseen++
			continue
		}
		if found.by == "" {
			found.by, found.seed = "not seen", "–"
			unseen++
		}
		fmt.Printf("| %s | %s | %s |\n", m.name, found.by, found.seed)
	}
	if unseen > 0 {
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
}

// sight is what has seen a fault, and the seed of the storm that it was seen in.
type sight struct{ by, seed string }

// try plants one fault and lives through storms until one sees it.
func try(ctx context.Context, m mutation, seeds int) (sight, error) {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return sight{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left in the temporary folder harms nobody
	overlay, err := m.overlay(dir)
	if err != nil {
		return sight{}, err
	}
	binary := filepath.Join(dir, "storm.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-overlay", overlay, "-o", binary, "./cmd/rrwatch")
	if out, err := build.CombinedOutput(); err != nil {
		return sight{}, fmt.Errorf("it does not compile: %w\n%s", err, out)
	}
	for _, tests := range []string{"NoStorm", "Outages"} {
		run := exec.CommandContext(ctx, binary, "-test.run", tests, "-test.timeout", "20m")
		run.Dir = filepath.Join("cmd", "rrwatch")
		run.Env = append(os.Environ(), "RRWATCH_STORM_STOP=1", "RRWATCH_STORM_SEEDS="+strconv.Itoa(seeds))
		out, err := run.CombinedOutput()
		switch _, failed := errors.AsType[*exec.ExitError](err); {
		case failed:
			return seenIn(string(out))
		case err != nil:
			return sight{}, err
		}
	}
	return sight{}, nil
}

// seenIn reads what was broken, and in which storm, from the output of a test.
func seenIn(out string) (sight, error) {
	seed := regexp.MustCompile(`--- FAIL: \S+/seed_(\d+)`).FindStringSubmatch(out)
	broke := regexp.MustCompile(`(?m)\d\d:\d\d:\d\d\.\d{3} (?:after \S+:\s+)?(I\d+|end|the responder ended)`).FindStringSubmatch(out)
	outage := regexp.MustCompile(`--- FAIL: TestOutages/(\S+)`).FindStringSubmatch(out)
	switch {
	case outage != nil:
		return sight{"the outage " + outage[1], "–"}, nil
	case seed != nil && broke != nil && broke[1] == "end":
		return sight{"the end: not healed", seed[1]}, nil
	case seed != nil && broke != nil:
		return sight{broke[1], seed[1]}, nil
	case seed != nil && strings.Contains(out, "end: "):
		return sight{"the end: not healed", seed[1]}, nil
	case strings.Contains(out, "panic: "):
		return sight{"a panic", "–"}, nil
	}
	return sight{}, fmt.Errorf("the test failed for another reason:\n%s", out[:min(len(out), 2000)])
}

// overlay writes the changed file and the go command's list of what replaces what
// into dir, and returns the list's path.
func (m mutation) overlay(dir string) (string, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("%s has %q %d times, not once: write the mutation anew", m.file, m.old, n)
	}
	changed := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(changed, []byte(strings.Replace(string(source), m.old, m.planted, 1)), 0o600); err != nil {
		return "", err
	}
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}
