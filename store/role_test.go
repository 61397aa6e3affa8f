package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"rrwatch/failover"
)

// The test binary plays other processes when this is set, on the database that
// is its first argument.
const roleVariable = "RRWATCH_STORE_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := play(context.Background(), role, os.Args[1]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func play(ctx context.Context, role, path string) error {
	if role == "stranger" && os.Getuid() == 0 {
		// To root every file is writable.
		if err := syscall.Setuid(65534); err != nil {
			return err
		}
	}
	s, err := Open(ctx, path)
	if err != nil {
		return err
	}
	fmt.Println("open")
	for role == "writer" {
		written, err := s.Append(ctx, note(strings.Repeat("x", 300)), opening("www", morning()))
		if err != nil {
			return err
		}
		id := written[1].Incident
		written, err = s.Append(ctx, failover.Entry{At: morning(), Kind: failover.Noted, Incident: id, Text: "more"}, closing(id, morning()))
		if err != nil {
			return err
		}
		fmt.Println(written[1].Seq)
	}
	// The holder keeps the database until its input ends.
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	return s.Close()
}

// actor is the test binary in a role, in another process.
type actor struct {
	*exec.Cmd
	lines *bufio.Scanner
}

func started(t *testing.T, role, path string) actor {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, path)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // stays open: the holder holds on
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return actor{cmd, bufio.NewScanner(out)}
}

// says is the next line that the actor prints; empty at its end.
func (a actor) says() string {
	if !a.lines.Scan() {
		return ""
	}
	return a.lines.Text()
}

// ended waits for the actor's end, which is never a success.
func (a actor) ended(t *testing.T) *exec.ExitError {
	t.Helper()
	exit, ok := errors.AsType[*exec.ExitError](a.Wait())
	if !ok {
		t.Fatal("the other process ended as if all were well")
	}
	return exit
}

// killed ends the actor at once, as a power cut would end it.
func (a actor) killed(t *testing.T) {
	t.Helper()
	if err := a.Process.Kill(); err != nil {
		t.Fatal(err)
	}
}
