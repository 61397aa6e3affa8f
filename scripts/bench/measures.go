package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	pagePatience = 30 * time.Second // for a first page, and for a simulated site to be up
	settle       = 5 * time.Second  // a daemon that just started is not yet idle
	idleFor      = 20 * time.Second
)

// outage is what `rrwatch demo --once --json` prints, as far as it is measured here. Times are in seconds.
type outage struct {
	Served       bool     `json:"served"`
	KillToCall   float64  `json:"kill_to_call"`
	KillToServed float64  `json:"kill_to_served"`
	Failed       *float64 `json:"failed"` // requests; 0 is a good number, none is a missing one
}

// outages plays outages and reports the median: from the kill to the call that moves the address, from the kill
// until the site is served again, and the users' failed requests.
func (b bench) outages(ctx context.Context) ([]figure, error) {
	var call, served, failed []float64
	for i := range b.runs {
		o, err := b.outage(ctx)
		if err != nil {
			return nil, fmt.Errorf("play outage %d of %d: %w", i+1, b.runs, err)
		}
		call = append(call, o.KillToCall)
		served = append(served, o.KillToServed)
		failed = append(failed, *o.Failed)
	}
	return []figure{
		figure{Name: "kill_to_call", Value: median(call), Unit: "s"}.atMost(1.5),
		{Name: "kill_to_served", Value: median(served), Unit: "s"},
		{Name: "failed_requests", Value: median(failed), Unit: "requests"},
	}, nil
}

func (b bench) outage(ctx context.Context) (outage, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	addr, err := freeAddr(ctx)
	if err != nil {
		return outage{}, err
	}
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, b.binary, "demo", "--once", "--json", "--listen", addr)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return outage{}, fmt.Errorf("rrwatch demo --once: %w: %s", err, lastLine(errOut.String()))
	}
	return parseOutage(out.Bytes())
}

// parseOutage refuses an outage without its times: a field that was renamed must not be measured as 0 s.
func parseOutage(text []byte) (outage, error) {
	var o outage
	if err := json.Unmarshal(text, &o); err != nil {
		return outage{}, fmt.Errorf("read what rrwatch demo --once --json printed: %w", err)
	}
	if !o.Served || o.KillToCall <= 0 || o.KillToServed <= 0 || o.Failed == nil {
		return outage{}, fmt.Errorf("rrwatch demo --once --json says served %v, kill_to_call %g s, kill_to_served %g s; want a served site, both times and failed",
			o.Served, o.KillToCall, o.KillToServed)
	}
	return o, nil
}

// firstPage is the time from the start of the demo until its dashboard answers.
func (b bench) firstPage(ctx context.Context) ([]figure, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	demo, err := start(ctx, b.binary, "demo", "--listen", addr)
	if err != nil {
		return nil, err
	}
	defer demo.end()
	err = demo.until(ctx, func(ctx context.Context) bool { return answers(ctx, "http://"+addr+"/") })
	if err != nil {
		return nil, fmt.Errorf("wait for the demo's first page: %w", err)
	}
	return []figure{figure{Name: "first_page", Value: time.Since(began).Seconds(), Unit: "s"}.atMost(5)}, nil
}

// idle is what a daemon with nothing to do costs: rrwatch run, with the three members of the simulated site.
func (b bench) idle(ctx context.Context) ([]figure, error) {
	dir, err := os.MkdirTemp("", "rrwatch-bench-")
	if err != nil {
		return nil, fmt.Errorf("measure the idle daemon: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "rrwatch.yaml")
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	site, err := start(ctx, b.binary, "demo", "--site-only", "--config-out", file, "--listen", addr)
	if err != nil {
		return nil, err
	}
	defer site.end()
	err = site.until(ctx, func(context.Context) bool { return strings.Contains(site.output.String(), file) })
	if err != nil {
		return nil, fmt.Errorf("wait for the simulated site to name its configuration: %w", err)
	}
	daemon, err := start(ctx, b.binary, "run", "--config", file)
	if err != nil {
		return nil, err
	}
	defer daemon.end()
	if err := daemon.stays(ctx, settle); err != nil {
		return nil, fmt.Errorf("let the daemon settle: %w", err)
	}
	before, err := readUsage(daemon.pid())
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := daemon.stays(ctx, idleFor); err != nil {
		return nil, fmt.Errorf("watch the idle daemon: %w", err)
	}
	after, err := readUsage(daemon.pid())
	if err != nil {
		return nil, err
	}
	cpu := (after.cpu - before.cpu).Seconds() / time.Since(began).Seconds() * 100
	return []figure{
		figure{Name: "idle_memory", Value: float64(after.resident) / (1 << 20), Unit: "MiB"}.below(40),
		figure{Name: "idle_cpu", Value: cpu, Unit: "%"}.below(1),
	}, nil
}

// build is the time of a build with every module at hand: at first with nothing compiled, and then again, when only the
// program itself has to be linked.
func (b bench) build(ctx context.Context) ([]figure, error) {
	dir, err := os.MkdirTemp("", "rrwatch-bench-")
	if err != nil {
		return nil, fmt.Errorf("measure the build: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	download := exec.CommandContext(ctx, "go", "mod", "download")
	if out, err := download.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go mod download: %w: %s", err, lastLine(string(out)))
	}
	once := func() (float64, error) {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", b.tags, "-o", filepath.Join(dir, "rrwatch"), "./cmd/rrwatch")
		cmd.Env = append(os.Environ(), "GOCACHE="+filepath.Join(dir, "cache"))
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("go build: %w: %s", err, lastLine(string(out)))
		}
		return time.Since(began).Seconds(), nil
	}
	cold, err := once()
	if err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(dir, "rrwatch")); err != nil {
		return nil, fmt.Errorf("measure the build: %w", err)
	}
	again, err := once()
	return []figure{
		figure{Name: "go_build", Value: cold, Unit: "s"}.below(60),
		{Name: "go_build_again", Value: again, Unit: "s"},
	}, err
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

func freeAddr(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
