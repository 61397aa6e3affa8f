package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// process is a running program: rrwatch, HAProxy, or this one in one of its modes.
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

// start runs a program until ctx ends or end is called.
func start(ctx context.Context, binary string, args ...string) (*process, error) {
	p := prepare(ctx, binary, args...)
	if err := p.begin(); err != nil {
		return nil, err
	}
	return p, nil
}

// prepare makes a process that begin starts.
func prepare(ctx context.Context, binary string, args ...string) *process {
	ctx, cancel := context.WithCancel(ctx)
	p := &process{
		name:   filepath.Base(binary) + " " + strings.Join(args, " "),
		cmd:    exec.CommandContext(ctx, binary, args...),
		cancel: cancel, gone: make(chan struct{}), output: &output{},
	}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	// The simulated AWS wants signed requests, as AWS does, and takes any key.
	p.cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=demo", "AWS_SECRET_ACCESS_KEY=demo")
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = 10 * time.Second
	return p
}

func (p *process) begin() error {
	if err := p.cmd.Start(); err != nil {
		p.cancel()
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		defer close(p.gone)
		_ = p.cmd.Wait() // how it ended is asked of its output, by whoever still wanted it to run
	}()
	return nil
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
