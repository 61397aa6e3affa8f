//go:build !linux

package probe

import (
	"os"
	"os/exec"
)

// group is a command. Here only the program itself is ended; what it has started
// must end by itself, and its output is not waited for.
type group struct{ cmd *exec.Cmd }

func newGroup(cmd *exec.Cmd) *group { return &group{cmd: cmd} }

func (g *group) kill() { _ = g.cmd.Process.Kill() }

func (g *group) wait() { _ = g.cmd.Wait() }

func (g *group) bury() {}

// killedBy says that a signal ended a process; empty if none did.
func killedBy(state *os.ProcessState) string {
	if state.ExitCode() >= 0 {
		return ""
	}
	return state.String()
}
