//go:build linux

package lab_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"

	"rrwatch/lab"
)

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status, err := lab.Enter(ctx, m.Run)
	stop()
	switch {
	case errors.Is(err, lab.ErrMissing):
		status = m.Run() // each test says what is missing
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func TestMendsWhatIsBrokenAndChangesNothingWhenItIsBlind(t *testing.T) {
	if err := lab.Missing(t.Context()); err != nil {
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("the lab takes a minute; run without -short")
	}
	dependOnAllSource(t)
	for _, fault := range lab.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			out, err := lab.Run(t.Context(), fault)
			t.Log(out)
			if err == nil {
				err = out.Judge()
			}
			if err != nil {
				t.Errorf("%v\nrrwatch wrote:\n%s", err, out.Log)
			}
		})
	}
}

// dependOnAllSource looks into every folder, so that an earlier result of this test is not taken again after a change of the
// program that it builds and runs, but does not import.
func dependOnAllSource(t *testing.T) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(".."), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && slices.Contains([]string{".git", "bin"}, name) {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatalf("read the repository's folders: %v", err)
	}
}
