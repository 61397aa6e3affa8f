//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is one program that the lab started in a namespace.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string        // path of the file that holds what it wrote
	done chan struct{} // closed when it has ended
}

// start starts a program in the namespace with dir as its working folder, where what it writes is kept.
func (n namespace) start(ctx context.Context, dir, program string, args, env []string) (*process, error) {
	p := &process{name: filepath.Base(program) + " in " + string(n), done: make(chan struct{})}
	p.log = filepath.Join(dir, string(n)+".log")
	out, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("keep what %s writes: %w", p.name, err)
	}
	defer func() { _ = out.Close() }() // the process has its own
	p.cmd = exec.CommandContext(ctx, program, args...)
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, env, out, out
	if err := n.do(p.cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended stands in cmd.ProcessState
		close(p.done)
	}()
	return p, nil
}

// signal sends a signal to the process, if it still runs.
func (p *process) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %s to %s: %w", s, p.name, err)
	}
	return nil
}

// kill ends the process at once, and returns when it has ended.
func (p *process) kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// end asks the process to end, and kills it if it has not done so in time.
func (p *process) end(within time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(within):
	}
	return errors.Join(fmt.Errorf("%s did not end within %s and was killed", p.name, within), p.kill())
}

// ended says how the process ended and what it wrote last; nil while it runs.
func (p *process) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s has ended: %s; it wrote: %s", p.name, p.cmd.ProcessState, p.wrote())
	default:
		return nil
	}
}

// wrote returns the end of what the process wrote.
func (p *process) wrote() string {
	const most = 20_000
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
