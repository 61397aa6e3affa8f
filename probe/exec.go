package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// ExecOptions say which command is run and how its end is judged.
type ExecOptions struct {
	// Command is the program and its arguments. No shell reads them. In the
	// arguments {address}, {port}, {pool}, {check} and {host} are replaced.
	Command []string
	Env     map[string]string // beside PATH, HOME, LANG, TZ and RRWATCH_…; its values may be secrets
	Host    string            // the site's name, for {host}
	Exit    []int             // exit statuses that pass
	Unknown []int             // exit statuses that say nothing about the target
}

// Exec passes when a command ends with an expected status in time. At the
// deadline, and when the command ends, all that it has started is ended too.
func Exec(o ExecOptions) Func { return (&execs{ExecOptions: o}).ask }

// execs are the commands of one check.
type execs struct {
	ExecOptions
	stuck atomic.Int64 // that were killed and do not end
}

// How long a command that was killed may take to end, how long its output is
// waited for when somebody else holds on to it, and how many commands that do
// not end are too many: each keeps a process and a thread.
const (
	killGrace   = 250 * time.Millisecond
	outputGrace = 100 * time.Millisecond
	stuckLimit  = 8
)

func (e *execs) ask(ctx context.Context, t Target) Answer {
	start := time.Now()
	if ctx.Err() != nil {
		return failed(ctx, asking, ctx.Err(), Phases{Whole: time.Since(start)})
	}
	a := e.run(ctx, t, start)
	a.Phases.Whole = time.Since(start)
	return a
}

func (e *execs) run(ctx context.Context, t Target, start time.Time) Answer {
	if n := e.stuck.Load(); n >= stuckLimit {
		return Answer{Verdict: Inconclusive, Reason: OwnResources, Detail: fmt.Sprintf(
			"%d commands of this check were killed and do not end, so no more are started: do they run as another user, or wait for a disk or a network share?", n)}
	}
	var out, errs firstOutput
	cmd := e.command(ctx, t)
	cmd.Stdout, cmd.Stderr = &out, &errs
	all := newGroup(cmd)
	if err := cmd.Start(); err != nil {
		return notStarted(e.Command[0], err)
	}
	ended := make(chan struct{})
	go func() {
		all.wait()
		close(ended)
		all.bury()
	}()
	select {
	case <-ended:
		return e.judge(cmd, e.redacted(firstLine(&out, &errs)))
	case <-ctx.Done():
	}
	all.kill()
	detail := "the command did not end within " + round(time.Since(start))
	late := time.NewTimer(killGrace)
	defer late.Stop()
	select {
	case <-ended:
		if line := e.redacted(firstLine(&out, &errs)); line != "" {
			detail += "; it said: " + line
		}
	case <-late.C:
		e.stuck.Add(1)
		go func() {
			<-ended
			e.stuck.Add(-1)
		}()
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return failed(ctx, asking, ctx.Err(), Phases{})
	}
	return Answer{Verdict: Fail, Reason: AnswerTimeout, Detail: detail}
}

// command is what is run for a target.
func (e *execs) command(ctx context.Context, t Target) *exec.Cmd {
	port := strconv.Itoa(int(t.Addr.Port()))
	fill := strings.NewReplacer("{address}", t.Addr.Addr().String(), "{port}", port,
		"{pool}", t.Pool, "{check}", t.Check, "{host}", e.Host)
	args := make([]string, 0, len(e.Command))
	for _, arg := range e.Command[1:] {
		args = append(args, fill.Replace(arg))
	}
	// The context is not the command's, which would end the program alone: its
	// deadline ends the whole group.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), e.Command[0], args...)
	cmd.WaitDelay = outputGrace
	cmd.Env = []string{}
	for _, name := range []string{"PATH", "HOME", "LANG", "TZ"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	for name, value := range e.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "RRWATCH_ADDRESS="+t.Addr.Addr().String(), "RRWATCH_PORT="+port,
		"RRWATCH_POOL="+t.Pool, "RRWATCH_CHECK="+t.Check, "RRWATCH_HOST="+e.Host)
	return cmd
}

// judge says what a command's end means.
func (e *execs) judge(cmd *exec.Cmd, line string) Answer {
	state := cmd.ProcessState
	said := func(what string) string {
		if line == "" {
			return what
		}
		return what + ": " + line
	}
	switch name := killedBy(state); name {
	case "":
	case "SIGKILL":
		return Answer{Verdict: Inconclusive, Reason: OwnResources, Detail: said("killed by SIGKILL, and not by rrwatch: is this machine out of memory?")}
	case "SIGTERM":
		return Answer{Verdict: Inconclusive, Reason: Cancelled, Detail: said("ended by SIGTERM, and not by rrwatch: does this machine shut down?")}
	default:
		return Answer{Verdict: Fail, Reason: Exit, Detail: said("killed by " + name)}
	}
	status := state.ExitCode()
	switch what := "exit status " + strconv.Itoa(status); {
	case slices.Contains(e.Exit, status) && line != "":
		return Answer{Verdict: Pass, Detail: line}
	case slices.Contains(e.Exit, status):
		return Answer{Verdict: Pass, Detail: what}
	case slices.Contains(e.Unknown, status):
		return Answer{Verdict: Inconclusive, Reason: Internal, Detail: said("the command could not tell, " + what)}
	default:
		return Answer{Verdict: Fail, Reason: Exit, Detail: said(what)}
	}
}

// notStarted says why a command could not be run: that is never the target's
// doing.
func notStarted(name string, err error) Answer {
	because, instead := clip(err.Error()), "see whether it runs by hand, as the user of rrwatch"
	reason := Internal
	switch own, ok := ownTrouble(err); {
	case ok && own == OwnResources:
		reason, instead = OwnResources, "give rrwatch more processes, descriptors or memory"
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		because, instead = "it, or the interpreter that it names, does not exist", "install it where rrwatch runs, or correct the check's command"
	case errors.Is(err, fs.ErrPermission):
		because, instead = "the user of rrwatch may not execute it", "allow that (chmod +x), or correct the check's command"
	}
	return Answer{Verdict: Inconclusive, Reason: reason, Detail: fmt.Sprintf("cannot run %s: %s; %s", clip(name), because, instead)}
}

// redacted takes the values of the environment out of what a command said.
func (e *execs) redacted(line string) string {
	for _, value := range e.Env {
		if len(value) >= secretLength {
			line = strings.ReplaceAll(line, value, "[secret]")
		}
	}
	return clip(line)
}

// secretLength is the shortest value that is taken for a secret, in bytes:
// shorter ones (on, 10, de) stand in any text.
const secretLength = 4

// firstLine is the first line that says something, of the output or else of the
// errors.
func firstLine(outputs ...*firstOutput) string {
	for _, output := range outputs {
		for line := range bytes.Lines(output.kept) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				return string(line)
			}
		}
	}
	return ""
}

// outputLimit is what is kept of a command's output, in bytes; what follows is
// read and forgotten, so that the command goes on.
const outputLimit = 64 << 10

// firstOutput keeps the beginning of an output.
type firstOutput struct{ kept []byte }

// Write never fails.
func (o *firstOutput) Write(b []byte) (int, error) {
	o.kept = append(o.kept, b[:min(len(b), outputLimit-len(o.kept))]...)
	return len(b), nil
}
