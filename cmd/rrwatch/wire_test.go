package main

import (
	"bytes"
	"io"
	"log"
	"log/slog"
	"strings"
	"testing"
)

func TestWhatLibrariesLogIsForDebuggingOnly(t *testing.T) {
	was, flags := log.Writer(), log.Flags()
	t.Cleanup(func() { log.SetOutput(was); log.SetFlags(flags) })
	var out bytes.Buffer
	heedLibraries(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log.Print("Unsolicited response received on idle HTTP channel")
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `level=DEBUG msg="Unsolicited response`) {
		t.Errorf("logged %q, want one line of level debug", got)
	}
	out.Reset()
	heedLibraries(slog.New(slog.NewTextHandler(&out, nil)))
	log.Print("noise")
	if out.Len() > 0 {
		t.Errorf("logged %q at level info", out.String())
	}
	if heedLibraries(nil); log.Writer() != io.Discard {
		t.Error("a command without a logger writes what libraries say")
	}
}
