package monitor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rrwatch/probe"
)

func TestKeepsTheLastResultsOldestFirst(t *testing.T) {
	var c recorder
	var latest *said
	for n := range 50 {
		c.add(probe.Result{At: time.Unix(int64(n), 0)}, &latest)
		list := c.results(probe.Target{})
		if want := min(n+1, recorderSize); len(list) != want || list[want-1].At.Unix() != int64(n) || list[0].At.Unix() != int64(n+1-want) {
			t.Fatalf("after %d results: %d, from %s to %s", n+1, len(list), list[0].At, list[want-1].At)
		}
	}
}

func TestTheRecorderKeepsAllOfAResult(t *testing.T) {
	target := probe.Target{Pool: "www", Check: "https"}
	phases := probe.Phases{Connect: time.Millisecond, TLS: 2 * time.Millisecond, FirstByte: 3 * time.Microsecond, Whole: 2047 << 20 * time.Microsecond}
	at := time.Unix(1_700_000_000, 5)
	want := []probe.Result{
		{Target: target, Vantage: "here", At: at, Answer: probe.Answer{Verdict: probe.Pass, Detail: "answered 200 OK", Warning: "soon", Phases: phases}},
		{Target: target, Vantage: "here", At: at.Add(1), Answer: probe.Answer{Verdict: probe.Pass, Detail: "answered 200 OK", Warning: "soon"}},
		{Target: target, Vantage: "here", At: at.Add(2), Answer: probe.Answer{Verdict: probe.Fail, Reason: probe.Refused, Detail: "connection refused"}},
		{Target: target, Vantage: "here", At: at.Add(3), Answer: probe.Answer{Verdict: probe.Pass, Detail: "answered 200 OK"}},
	}
	var c recorder
	var latest *said
	for _, r := range want {
		c.add(r, &latest)
	}
	if diff := cmp.Diff(want, c.results(target), cmpopts.EquateComparable(probe.Target{})); diff != "" {
		t.Error(diff)
	}
	if c.ring[0].said != c.ring[1].said {
		t.Error("two answers that say the same do not share it")
	}
}

func TestTheHabitIsTheTimeOfNearlyAllRecentAnswers(t *testing.T) {
	var h habit
	if got := h.usual(); got != 0 {
		t.Errorf("without answers: got %s", got)
	}
	fast, slow := 20*time.Millisecond, 700*time.Millisecond
	within := func(what string, least, most time.Duration) {
		t.Helper()
		if got := h.usual(); got < least || got > most {
			t.Errorf("%s: got %s, want %s to %s", what, got, least, most)
		}
	}
	for range 1000 {
		h.add(fast)
	}
	within("always fast", fast, 2*fast)
	h.add(slow)
	within("once slow in a while", fast, 2*fast)
	for range 20 {
		h.add(slow)
	}
	within("often slow", slow, 2*slow)
	for range 3000 {
		h.add(fast)
	}
	within("fast again", fast, 2*fast)
	h = habit{}
	h.add(time.Hour)
	within("beyond the last step", 30*time.Second, time.Hour)
}

func TestATimeIsKeptToAThousandth(t *testing.T) {
	for d := time.Microsecond; d < 40*24*time.Hour; d += d/7 + time.Microsecond {
		if got := spanOf(d).duration(); got > d || d-got > d/1000+time.Microsecond {
			t.Fatalf("%s is kept as %s", d, got)
		}
	}
	for d, want := range map[time.Duration]time.Duration{-1: 0, 0: 0, 999: 0, 1 << 62: (1<<11 - 1) << 31 * time.Microsecond} {
		if got := spanOf(d).duration(); got != want {
			t.Errorf("%d ns is kept as %s, want %s", d, got, want)
		}
	}
}
