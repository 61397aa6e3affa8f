package main

import (
	"path/filepath"
	"testing"
)

// A mutation that no longer fits would be planted nowhere.
func TestEachMutationFitsOnePlace(t *testing.T) {
	for _, m := range mutations() {
		m.file = filepath.Join("..", "..", m.file)
		if _, err := m.overlay(t.TempDir()); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

func TestReadsWhatWasBrokenAndWhere(t *testing.T) {
	for out, want := range map[string]sight{
		"    --- FAIL: TestNoStorm/seed_34 (0.3s)\n   storm_test.go:49: 00:05:41.358 I9: restore":                   {"I9", "34"},
		"    --- FAIL: TestNoStorm/seed_35 (0.3s)\n   storm_test.go:52: 00:49:39.525 after 30m0s:\n     I12: remap": {"I12", "35"},
		"    --- FAIL: TestNoStorm/seed_7 (0.3s)\n   storm_test.go:52: 00:49:39.525 after 30m0s:\n     end: x":      {"the end: not healed", "7"},
		"    --- FAIL: TestOutages/all-fail-alike (0.3s)":                                                           {"the outage all-fail-alike", "–"},
		"panic: runtime error": {"a panic", "–"},
	} {
		if got, err := seenIn(out); err != nil || got != want {
			t.Errorf("%q: %+v, %v", out, got, err)
		}
	}
	if _, err := seenIn("build failed"); err == nil {
		t.Error("what failed for no reason counts as seen")
	}
}
