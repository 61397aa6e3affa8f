package main

import (
	"bytes"
	"io"
	"log"
	"log/slog"
	"strings"
	"testing"

	"rrwatch/config"
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

func TestCheckTellsOfCommandsThatAreMissing(t *testing.T) {
	var out bytes.Buffer
	cfg := &config.Config{Pools: []config.Pool{{Name: "www", Checks: []config.Check{
		{Kind: config.KindHTTP, Name: "http"},
		{Kind: config.KindExec, Name: "there", Exec: &config.Exec{Command: []config.Secret{"/bin/sh"}}},
		{Kind: config.KindExec, Name: "missing", Exec: &config.Exec{Command: []config.Secret{"/nosuch/check_imap"}}},
	}}}}
	found := &findings{out: &out}
	checkCommands(found, cfg)
	if got := out.String(); !found.bad || strings.Count(got, "\n") != 1 || !strings.Contains(got, "check www/missing: this machine cannot run its command") {
		t.Errorf("found %q", got)
	}
}
