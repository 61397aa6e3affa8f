package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func TestAFigureIsOneLineWithItsGoal(t *testing.T) {
	f := figure{Name: "kill_to_call", Value: 1.25, Unit: "s"}
	for _, c := range []struct {
		figure figure
		want   string
	}{
		{f, "kill_to_call 1.25 s (goal none)"},
		{f.atMost(1.5), "kill_to_call 1.25 s (goal <= 1.5 s)"},
		{f.atMost(1.25), "kill_to_call 1.25 s (goal <= 1.25 s)"},
		{f.below(1.25), "kill_to_call 1.25 s (goal < 1.25 s, missed)"},
		{f.below(1.26), "kill_to_call 1.25 s (goal < 1.26 s)"},
	} {
		if got := c.figure.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestTheMedianIsTheMiddle(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1, 2}, 2},
		{[]float64{9, 1, 2, 4}, 3},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %g, want %g", c.values, got, c.want)
		}
	}
}

func TestAnOutageWithoutItsTimesIsRefused(t *testing.T) {
	for text, good := range map[string]bool{
		`{"served":true,"kill_to_call":1.1,"kill_to_served":1.4,"requests":900,"failed":31}`: true,
		`{"served":false,"kill_to_call":1.1,"kill_to_served":1.4,"failed":0}`:                false,
		`{"served":true,"kill_to_call":1.1,"kill_to_served":1.4}`:                            false,
		`{"served":true,"kill_to_served":1.4,"failed":0}`:                                    false,
		`{"served":true,"kill_to_call":1.1,"failed":0}`:                                      false,
		`served`: false,
	} {
		if _, err := parseOutage([]byte(text)); (err == nil) != good {
			t.Errorf("%s: error %v, want good %v", text, err, good)
		}
	}
}

func TestReadsTheUsageOfAProcessWithAnOddName(t *testing.T) {
	line := "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 100 1000000 512 18446744073709551615"
	got, err := parseStat(line, 4096)
	if err != nil {
		t.Fatal(err)
	}
	if want := (usage{cpu: 3 * time.Second, resident: 512 * 4096}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := parseStat("7 (x) S 1", 4096); err == nil {
		t.Error("a line that is too short is read without an error")
	}
}

func TestReadsItsOwnUsage(t *testing.T) {
	got, err := readUsage(os.Getpid())
	if err != nil {
		t.Skip("no proc(5) here:", err)
	}
	if got.resident < 1<<20 || got.resident > 1<<34 {
		t.Errorf("this test uses %d bytes; that cannot be", got.resident)
	}
}

func TestAProcessThatEndsEarlyIsToldWithItsLastWords(t *testing.T) {
	p, err := start(t.Context(), "/bin/sh", "-c", "echo first; echo port taken >&2; exit 1")
	if err != nil {
		t.Fatal(err)
	}
	defer p.end()
	err = p.until(t.Context(), func(context.Context) bool { return false })
	if want := "ended early: port taken"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q in it", err, want)
	}
}
