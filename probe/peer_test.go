package probe_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// installed is where a program is; without it the test is skipped. On Debian
// only root's PATH leads to servers.
func installed(t *testing.T, program string) string {
	t.Helper()
	for _, name := range []string{program, "/usr/sbin/" + program} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("no %s here", program)
	return ""
}

// start runs a program until the test ends, with files as its descriptors from 3
// on. What it said is shown when the test has failed.
func start(t *testing.T, files []*os.File, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var said strings.Builder
	c := exec.CommandContext(ctx, name, args...)
	c.ExtraFiles, c.Stdout, c.Stderr = files, &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = c.Wait() // it was killed
		if t.Failed() {
			t.Logf("%s: %s", name, said.String())
		}
	})
}
