package probe_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rrwatch/probe"
)

// mark is in the environment of all processes of one test, by which they are
// found again whoever their parent is.
type mark string

func newMark(t *testing.T) mark {
	m := mark(fmt.Sprintf("%s-%d-%d", strings.NewReplacer("/", "-", "=", "-").Replace(t.Name()), os.Getpid(), time.Now().UnixNano()))
	t.Cleanup(func() {
		for _, pid := range m.living() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return m
}

func (m mark) of(o probe.ExecOptions) probe.ExecOptions {
	o.Env = map[string]string{"MARK": string(m)}
	return o
}

// living are the marked processes, without those that are dead and not buried.
func (m mark) living() []int {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	var pids []int
	for _, file := range files {
		environ, err := os.ReadFile(file)
		if err == nil && bytes.Contains(environ, []byte("MARK="+string(m)+"\x00")) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// until waits until so many marked processes live.
func (m mark) until(t *testing.T, n int) {
	t.Helper()
	pollFor(t, func() bool { return len(m.living()) == n }, func() string {
		return fmt.Sprintf("%v live, want %d", m.living(), n)
	})
}

func pollFor(t *testing.T, good func() bool, what func() string) {
	t.Helper()
	for end := time.Now().Add(soon); !good(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal(what())
		}
	}
}

func TestACommandCutShortByShutdownIsCancelled(t *testing.T) {
	mark := newMark(t)
	ctx, cancel := context.WithCancel(t.Context())
	o := mark.of(shell("exec sleep 100"))
	ended := make(chan probe.Answer, 1)
	go func() { ended <- probe.Exec(o)(ctx, target(someAddr())) }()
	mark.until(t, 1)
	cancel()
	if a := <-ended; a.Verdict != probe.Inconclusive || a.Reason != probe.Cancelled {
		t.Errorf("got %+v", a)
	}
	mark.until(t, 0)
	if a := probe.Exec(o)(ctx, target(someAddr())); a.Verdict != probe.Inconclusive || a.Reason != probe.Cancelled {
		t.Errorf("after the end: got %+v", a)
	}
}

func TestNoProcessSurvivesTheTimeout(t *testing.T) {
	for name, script := range map[string]string{
		"the program":                   "exec sleep 100",
		"a child":                       "sleep 100; true",
		"one that ignores SIGTERM":      "trap '' TERM HUP INT; sleep 100; sleep 100",
		"a grandchild that ignores it":  "(trap '' TERM; (trap '' TERM; sleep 100; sleep 100) & sleep 100; true) & sleep 100; true",
		"one that stopped itself":       "sleep 100 & kill -STOP $$",
		"many":                          "for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done; wait",
		"one that says more and more":   "yes & yes >&2 & sleep 100; true",
		"a background one without pipe": "sleep 100 >/dev/null 2>&1 & sleep 100; true",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMark(t)
			a := ask(t, probe.Exec(m.of(shell("echo begun; "+script))), someAddr(), 200*time.Millisecond)
			if a.Verdict != probe.Fail || a.Reason != probe.AnswerTimeout || !strings.HasPrefix(a.Detail, "the command did not end within ") ||
				!strings.HasSuffix(a.Detail, "; it said: begun") {
				t.Errorf("got %s, %q: %s", a.Verdict, a.Reason, a.Detail)
			}
			m.until(t, 0)
		})
	}
}

func TestWhatACommandLeavesBehindEndsWithIt(t *testing.T) {
	for name, script := range map[string]string{
		"with the output":    "sleep 100 & echo begun",
		"without the output": "sleep 100 >/dev/null 2>&1 & echo begun",
		"ignoring SIGTERM":   "(trap '' TERM; sleep 100; sleep 100) & echo begun",
	} {
		t.Run(name, func(t *testing.T) {
			m := newMark(t)
			start := time.Now()
			a := ask(t, probe.Exec(m.of(shell(script))), someAddr(), soon)
			if a.Verdict != probe.Pass || a.Detail != "begun" || time.Since(start) > soon/2 {
				t.Errorf("got %+v after %s", a, time.Since(start))
			}
			m.until(t, 0)
		})
	}
}

// What leaves the group by itself is not ended, but does not hold the probe by
// the output that it keeps open.
func TestADaemonThatACommandStartsDoesNotHoldTheProbe(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip(err)
	}
	m := newMark(t)
	start := time.Now()
	a := ask(t, probe.Exec(m.of(shell("setsid sleep 100 & sleep 0.1; echo begun"))), someAddr(), soon)
	if a.Verdict != probe.Pass || a.Detail != "begun" || time.Since(start) > soon/2 {
		t.Errorf("got %+v after %s", a, time.Since(start))
	}
	a = ask(t, probe.Exec(m.of(shell("setsid sleep 100 & sleep 100"))), someAddr(), 200*time.Millisecond)
	if a.Reason != probe.AnswerTimeout {
		t.Errorf("got %+v", a)
	}
}

func TestAFloodOfOutputIsBounded(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	a := ask(t, probe.Exec(shell("yes & yes >&2 & yes")), someAddr(), 500*time.Millisecond)
	runtime.ReadMemStats(&after)
	if a.Reason != probe.AnswerTimeout || time.Since(start) > 2*time.Second {
		t.Errorf("got %+v after %s", a, time.Since(start))
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
		t.Errorf("%d bytes were allocated for it", grown)
	}
}

// As a container's first process rrwatch becomes the parent of all orphans.
func TestBuriesWhatItsCommandsLeaveBehind(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Skip(err)
	}
	defer func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) }()
	for range 5 {
		ask(t, probe.Exec(shell("sleep 100 & (sleep 100 & sleep 100) & exit 0")), someAddr(), soon)
		ask(t, probe.Exec(shell("sleep 100 & (sleep 100 & sleep 100)")), someAddr(), 100*time.Millisecond)
	}
	pollFor(t, func() bool { return len(ownChildren(t)) == 0 }, func() string { return fmt.Sprintf("still there: %q", ownChildren(t)) })
}

// ownChildren are our own child processes, dead or alive, as stat(5) shows them.
func ownChildren(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has gone
		}
		rest := string(stat[bytes.LastIndexByte(stat, ')')+1:])
		if fields := strings.Fields(rest); fields[1] == strconv.Itoa(os.Getpid()) {
			list = append(list, string(stat))
		}
	}
	return list
}

func TestACommandLeavesNoDescriptorBehind(t *testing.T) {
	ask(t, probe.Exec(shell("exit 0")), someAddr(), soon) // the runtime's own descriptors
	before := descriptors(t)
	for range 5 {
		ask(t, probe.Exec(shell("echo yes")), someAddr(), soon)
		ask(t, probe.Exec(shell("sleep 100 & sleep 100")), someAddr(), 50*time.Millisecond)
		ask(t, probe.Exec(probe.ExecOptions{Command: []string{"/nonexistent"}}), someAddr(), soon)
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// Without room for another process or descriptor the target is not to blame.
func TestNoRoomForACommandIsOurOwnTrouble(t *testing.T) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	tight := unix.Rlimit{Cur: uint64(descriptors(t)), Max: old.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &tight); err != nil {
		t.Skip(err)
	}
	a := ask(t, probe.Exec(shell("exit 0")), someAddr(), soon)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if a.Verdict != probe.Inconclusive || a.Reason != probe.OwnResources || !strings.Contains(a.Detail, "give rrwatch more") {
		t.Errorf("got %+v", a)
	}
}
