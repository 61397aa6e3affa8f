package main

import (
	"context"
	"strings"
	"testing"
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

func TestARatioIsTheMedianOfTheRounds(t *testing.T) {
	// The third round met a busy machine: both sides cost twice as much, and the ratio stays.
	if got := ratio([]float64{100, 120, 220}, []float64{100, 100, 200}); got != 1.1 {
		t.Errorf("got %g, want 1.1", got)
	}
}

func TestOnlyWhatIsNamedIsMeasured(t *testing.T) {
	all := bench{}.measures()
	if got, err := choose(all, ""); err != nil || len(got) != len(all) {
		t.Errorf("without a choice: %d measures and error %v, want all %d", len(got), err, len(all))
	}
	got, err := choose(all, "tripwire, http")
	if err != nil || len(got) != 2 || got[0].name != "tripwire" || got[1].name != "http" {
		t.Errorf("got %v and error %v, want tripwire and http", names(got), err)
	}
	if _, err := choose(all, "htpp"); err == nil || !strings.Contains(err.Error(), "tripwire") {
		t.Errorf("got %v, want an error that names what there is", err)
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
