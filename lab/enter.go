//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// ErrMissing is what errors wrap that say why this machine cannot run the lab.
var ErrMissing = errors.New("this machine cannot run the lab")

const (
	// insideKey is the environment variable that tells the lab's own process its folder.
	insideKey = "RRWATCH_LAB_FOLDER"
	// binary is the name of the built rrwatch in that folder.
	binary = "rrwatch"
	// tags are the build tags that the Makefile builds rrwatch with.
	tags = "sqlite_omit_load_extension,osusergo,netgo"

	apart       = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET
	buildWithin = 8 * time.Minute
	leaveWithin = 20 * time.Second // for the lab to end what it started, before the kernel does
)

// Missing says what this machine lacks for the lab, in an error that wraps ErrMissing; nil if nothing.
func Missing(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: it needs root, to make network namespaces", ErrMissing)
	}
	for _, name := range []string{"ip", "haproxy"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%w: the program %s is not installed; scripts/setup.sh test installs it where it may", ErrMissing, name)
		}
	}
	try := exec.CommandContext(ctx, "ip", "link", "add", "lab", "type", "veth", "peer", "name", "lab-peer")
	try.SysProcAttr = &syscall.SysProcAttr{Cloneflags: apart}
	if out, err := try.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: it may not make a network namespace with a veth pair: %w %s; in a container it needs --privileged",
			ErrMissing, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Enter builds rrwatch and runs this program again, with the same arguments, in process, mount and network namespaces of
// its own, where it runs body. It returns the status that body returned. Whatever body starts or makes in the network ends
// with it, however it ends: the kernel sees to that, as these namespaces end with their first process. When ctx ends, the
// program inside is interrupted. Nothing inside reaches a network outside.
func Enter(ctx context.Context, body func() int) (int, error) {
	if inside() {
		if err := prepare(); err != nil {
			return 0, err
		}
		return body(), nil
	}
	if err := Missing(ctx); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "rrwatch-lab-")
	if err != nil {
		return 0, fmt.Errorf("make a folder for the lab: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := build(ctx, filepath.Join(dir, binary)); err != nil {
		return 0, err
	}
	return again(ctx, dir)
}

// again runs this program in namespaces of its own.
func again(ctx context.Context, dir string) (int, error) {
	// The death of the thread that starts the process is its death too, so that thread must stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), insideKey+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: apart, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = leaveWithin
	err := cmd.Run()
	if cmd.ProcessState != nil && cmd.ProcessState.Exited() {
		return cmd.ProcessState.ExitCode(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("run the lab in namespaces of its own: %w", err)
	}
	return 0, nil
}

// inside tells whether this is the program that again started: the first process of its namespace.
func inside() bool { return os.Getenv(insideKey) != "" && os.Getpid() == 1 }

// prepare gives the mount namespace its own list of named network namespaces, and the processes as they are seen here.
func prepare() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep the lab's mounts to itself: %w", err)
	}
	// The ip command keeps its names in /run/netns.
	if err := syscall.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount an empty /run for the lab: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc for the lab: %w", err)
	}
	return nil
}

// build builds the real rrwatch. It is called in a folder of this module.
func build(ctx context.Context, to string) error {
	ctx, cancel := context.WithTimeout(ctx, buildWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", tags, "-o", to, "rrwatch/cmd/rrwatch")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build rrwatch for the lab: %w\n%s", err, out)
	}
	return nil
}
