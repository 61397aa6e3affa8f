package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// process is a running rrwatch.
type process struct {
	name   string
	cmd    *exec.Cmd
	cancel context.CancelFunc
	gone   chan struct{} // closed when it has ended
	output *output
}

// output keeps what a process prints, for the one who waits for a word of it and for errors.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func start(ctx context.Context, binary string, args ...string) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &process{name: "rrwatch " + strings.Join(args, " "), cancel: cancel, gone: make(chan struct{}), output: &output{}}
	p.cmd = exec.CommandContext(ctx, binary, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	// The simulated AWS wants signed requests, as AWS does, and takes any key.
	p.cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=demo", "AWS_SECRET_ACCESS_KEY=demo")
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = 10 * time.Second
	if err := p.cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		defer close(p.gone)
		_ = p.cmd.Wait() // how it ended is asked of its output, by whoever still wanted it to run
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// end interrupts the process, and kills it when that does not help.
func (p *process) end() {
	p.cancel()
	<-p.gone
}

// until waits for something that the process will bring about.
func (p *process) until(ctx context.Context, done func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, pagePatience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done(ctx) {
		select {
		case <-p.gone:
			return p.ended()
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %s", p.name, ctx.Err(), lastLine(p.output.String()))
		case <-tick.C:
		}
	}
	return nil
}

// stays waits, and reports a process that ends meanwhile.
func (p *process) stays(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.gone:
		return p.ended()
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (p *process) ended() error {
	return fmt.Errorf("%s ended early: %s", p.name, lastLine(p.output.String()))
}

// usage is what a process has used so far.
type usage struct {
	cpu      time.Duration // user and system time
	resident int64         // bytes of memory now
}

// readUsage reads proc(5), so it needs Linux.
func readUsage(pid int) (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, fmt.Errorf("read the daemon's use of the machine (this needs Linux): %w", err)
	}
	u, err := parseStat(string(stat), int64(os.Getpagesize()))
	if err != nil {
		return usage{}, fmt.Errorf("read /proc/%d/stat: %w", pid, err)
	}
	return u, nil
}

// parseStat reads a line of /proc/PID/stat. The second field, the command's name in brackets, may itself hold
// spaces and brackets, so fields are counted from the last one: field 3 is the first after it.
func parseStat(line string, pageSize int64) (usage, error) {
	const (
		tick     = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on
		utime    = 14 - 3
		stime    = 15 - 3
		resident = 24 - 3 // pages
	)
	end := strings.LastIndexByte(line, ')')
	fields := strings.Fields(line[end+1:])
	if end < 0 || len(fields) <= resident {
		return usage{}, errors.New("it is not as proc(5) says")
	}
	var n [3]int64
	for i, at := range []int{utime, stime, resident} {
		v, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			return usage{}, fmt.Errorf("field %d: %w", at+3, err)
		}
		n[i] = v
	}
	return usage{cpu: time.Duration(n[0]+n[1]) * tick, resident: n[2] * pageSize}, nil
}
