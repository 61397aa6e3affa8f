package probe

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// group is a command with all that it starts, unless that leaves the process
// group by itself (setsid).
type group struct {
	cmd *exec.Cmd

	mu   sync.Mutex // protects the following
	over bool       // the number of the group may soon be another's
}

// newGroup prepares a command that will have a process group of its own.
func newGroup(cmd *exec.Cmd) *group {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return &group{cmd: cmd}
}

// kill ends all of the group that lives. A group without anybody left, or with
// somebody else's processes only, is nothing that could be helped.
func (g *group) kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over {
		_ = unix.Kill(-g.cmd.Process.Pid, unix.SIGKILL)
	}
}

// wait waits for the program, and then ends all that it has left behind. It
// does so while the dead program is still there, for its number is the group's:
// once it is taken away, another process may get it.
func (g *group) wait() {
	var info unix.Siginfo
	for errors.Is(unix.Waitid(unix.P_PID, g.cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	g.kill()
	g.mu.Lock()
	g.over = true
	g.mu.Unlock()
	_ = g.cmd.Wait() // how it ended stands in the process's state
}

// bury takes the rest of the dead group away. They are ours when rrwatch is a
// container's first process: nobody else would do it.
func (g *group) bury() {
	for {
		_, err := unix.Wait4(-g.cmd.Process.Pid, nil, 0, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// killedBy is the name of the signal that ended a process; empty if none did.
func killedBy(state *os.ProcessState) string {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return ""
	}
	if name := unix.SignalName(status.Signal()); name != "" {
		return name
	}
	return status.Signal().String() // a real-time signal has no name
}
