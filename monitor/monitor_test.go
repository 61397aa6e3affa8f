package monitor_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/monitor"
	"rrwatch/probe"
)

func TestAsksEveryIntervalAndDoesNotDriftOverADay(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		s.took = 300 * time.Millisecond
		slot := settle(t, s, m, member(1))
		time.Sleep(24 * time.Hour)
		asked := s.since(slot, member(1))
		for i, after := range asked {
			if want := time.Duration(i) * 5 * time.Second; after != want {
				t.Fatalf("probe %d started %s after the first, want %s", i, after, want)
			}
		}
		if want := 24 * 3600 / 5; len(asked) != want {
			t.Errorf("asked %d times in a day, want %d", len(asked), want)
		}
	})
}

func TestAsksAgainSoonWhileTheNextResultCouldMatter(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		one := member(1)
		slot := settle(t, s, m, one)
		s.sicken(one)
		time.Sleep(time.Until(slot.Add(1400 * time.Millisecond)))
		checkAsked(t, "after a first fail", s.since(slot, one), 0, 0.5, 1)
		if h := m.Snapshot().Health(one); h.State != monitor.Down || !h.Since.Equal(slot.Add(time.Second)) || !h.First.Equal(slot) {
			t.Errorf("got %+v", h)
		}
		time.Sleep(time.Until(slot.Add(14 * time.Second)))
		checkAsked(t, "down, without passes", s.since(slot.Add(2*time.Second), one), 3, 8)
		s.heal(one)
		time.Sleep(time.Until(slot.Add(24 * time.Second)))
		checkAsked(t, "after a first pass", s.since(slot.Add(14*time.Second), one), 1, 1.5, 6)
		if h := m.Snapshot().Health(one); h.State != monitor.Up || !h.Since.Equal(slot.Add(15500*time.Millisecond)) {
			t.Errorf("got %+v", h)
		}
	})
}

func TestAnEmptyListIsAnErrorAndChangesNothing(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		settle(t, s, m, member(1))
		if err := m.Replace(nil); !errors.Is(err, monitor.ErrNothingToWatch) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
		if h := m.Snapshot().Health(member(1)); time.Since(h.Asked) > 5*time.Second {
			t.Errorf("last asked %s ago", time.Since(h.Asked))
		}
	})
}

func TestReplaceKeepsTheHealthOfThoseThatStay(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		slot := settle(t, s, m, member(1), member(2))
		before := m.Snapshot().Health(member(1))
		list := s.watches(member(1), member(3))
		replace(t, m, list)
		list[0] = s.watch(member(8)) // the caller's slice is its own
		synctest.Wait()
		time.Sleep(110 * time.Millisecond)
		health := maps.Collect(m.Snapshot().All())
		if len(health) != 2 || health[member(1)].Since != before.Since || health[member(3)].State != monitor.Unknown {
			t.Errorf("got %+v", health)
		}
		time.Sleep(time.Until(slot.Add(11 * time.Second)))
		checkAsked(t, "the one that stays", s.since(slot, member(1)), 0, 5, 10)
		if n := len(s.since(slot.Add(time.Second), member(2))); n != 0 {
			t.Errorf("the one that left was asked %d times", n)
		}
		replace(t, m, s.watches(member(1), member(2)))
		time.Sleep(110 * time.Millisecond)
		if h := m.Snapshot().Health(member(2)); h.SeenUp && h.Last.At.Before(slot) {
			t.Errorf("the one that came back still has its old health: %+v", h)
		}
	})
}

func TestTheLatestListWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		m := monitor.New(monitor.Options{})
		replace(t, m, s.watches(member(1)))
		replace(t, m, s.watches(member(2))) // nobody took the other one
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
		if h := maps.Collect(m.Snapshot().All()); len(h) != 1 || h[member(2)].State != monitor.Up {
			t.Errorf("got %+v", h)
		}
	})
}

func TestAskedTargetsAreProbedAtOnceAndANudgeFollows(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		slot := settle(t, s, m, member(1))
		time.Sleep(2 * time.Second)
		now := time.Now()
		m.Ask([]probe.Target{member(1), {Pool: "nobody's"}})
		select {
		case <-m.Nudges():
		case <-time.After(time.Second):
			t.Error("no nudge")
		}
		if h := m.Snapshot().Health(member(1)); !h.Last.At.Equal(now) {
			t.Errorf("last asked at %s, want %s", h.Last.At, now)
		}
		time.Sleep(time.Until(slot.Add(11 * time.Second)))
		checkAsked(t, "between the regular probes", s.since(slot, member(1)), 0, 1.999, 5, 10)
	})
}

func TestANudgeFollowsTheProbeThatWasAskedFor(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		s.took = time.Second
		slot := settle(t, s, m, member(1))
		pass(time.Until(slot.Add(300 * time.Millisecond)))
		m.Ask([]probe.Target{member(1)})
		pass(900 * time.Millisecond) // one that was under way has answered
		select {
		case <-m.Nudges():
		default:
		}
		pass(300 * time.Millisecond)
		select {
		case <-m.Nudges():
		default:
			t.Errorf("no nudge: %+v", m.Snapshot().Health(member(1)))
		}
	})
}

func TestATransitionCarriesItsEvidence(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		one := member(1)
		replace(t, m, s.watches(one))
		time.Sleep(5 * time.Minute)
		s.sicken(one)
		time.Sleep(10 * time.Second)
		s.heal(one)
		time.Sleep(10 * time.Second)
		list := m.Transitions()
		if len(list) != 3 {
			t.Fatalf("got %d transitions, want 3: %+v", len(list), list)
		}
		for i, want := range []struct {
			from, to monitor.State
			results  int
			last     string // of the evidence
		}{
			{monitor.Unknown, monitor.Up, 1, "p"}, {monitor.Up, monitor.Down, 16, "pfff"}, {monitor.Down, monitor.Up, 16, "pp"},
		} {
			got := list[i]
			if got.Target != one || got.From != want.from || got.To != want.to || len(got.Evidence) != want.results {
				t.Errorf("transition %d: %s to %s with %d results", i, got.From, got.To, len(got.Evidence))
				continue
			}
			last := got.Evidence[len(got.Evidence)-len(want.last):]
			for n, r := range last {
				if r.Verdict.String()[:1] != want.last[n:n+1] || r.Vantage != "here" || r.Target != one {
					t.Errorf("transition %d, result %d: got %+v", i, n, r)
				}
			}
			for n := 1; n < len(got.Evidence); n++ {
				if !got.Evidence[n-1].At.Before(got.Evidence[n].At) {
					t.Errorf("transition %d: the evidence is not in order", i)
				}
			}
			if !got.At.Equal(last[len(last)-1].At) {
				t.Errorf("transition %d: at %s, but the deciding result was sent at %s", i, got.At, last[len(last)-1].At)
			}
		}
		if again := m.Transitions(); len(again) != 0 {
			t.Errorf("%d transitions are told twice", len(again))
		}
	})
}

func TestAPanickingProbeIsInconclusive(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		watch := s.watch(member(1))
		watch.Probe = func(context.Context, probe.Target) probe.Answer { panic("oh") }
		replace(t, m, []monitor.Watch{watch, s.watch(member(2))})
		time.Sleep(time.Minute)
		h := maps.Collect(m.Snapshot().All())
		if got := h[member(1)]; got.State != monitor.Unknown || got.Last.Verdict != probe.Inconclusive || got.Last.Reason != probe.Internal {
			t.Errorf("got %+v", got)
		}
		if h[member(2)].State != monitor.Up {
			t.Error("another target is not watched any more")
		}
	})
}

func TestAProbeEndsWithinItsTimeout(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		watch := s.watch(member(1))
		watch.Probe = func(ctx context.Context, _ probe.Target) probe.Answer {
			<-ctx.Done()
			return probe.Answer{Verdict: probe.Fail, Reason: probe.AnswerTimeout}
		}
		replace(t, m, []monitor.Watch{watch})
		time.Sleep(time.Minute)
		down := m.Transitions()
		if len(down) != 1 {
			t.Fatalf("got %d transitions, want 1", len(down))
		}
		e := down[0].Evidence // the recheck is over when the time-out is: the next one follows at once
		if apart := e[1].At.Sub(e[0].At); apart != watch.Timeout {
			t.Errorf("the second probe started after %s, want %s", apart, watch.Timeout)
		}
	})
}

func TestShutdownCountsNoCancelledProbeAndEndsAfterTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		s.took = time.Second
		m := monitor.New(monitor.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		watches := s.watches(member(1), member(2), member(3))
		var ended time.Time
		slow := watches[2].Probe
		watches[2].Probe = func(ctx context.Context, target probe.Target) probe.Answer {
			defer func() { ended = time.Now() }()
			a := slow(ctx, target)
			if ctx.Err() != nil {
				time.Sleep(100 * time.Millisecond) // it takes its time to end
			}
			return a
		}
		replace(t, m, watches)
		time.Sleep(time.Minute)
		m.Ask([]probe.Target{member(1), member(2), member(3)})
		time.Sleep(500 * time.Millisecond)
		before := maps.Collect(m.Snapshot().All())
		cancel()
		if err := <-done; err != nil {
			t.Errorf("got %v", err)
		}
		if time.Now().Before(ended) || !ended.Equal(time.Now()) {
			t.Errorf("Run ended at %s, the last probe at %s", time.Now(), ended)
		}
		if diff := cmp.Diff(true, maps.Equal(before, maps.Collect(m.Snapshot().All()))); diff != "" {
			t.Errorf("shutdown changed what is believed: %+v", maps.Collect(m.Snapshot().All()))
		}
	})
}

func TestASnapshotIsNeverChanged(t *testing.T) {
	inBubble(t, references(3), func(t *testing.T, s *site, m *monitor.Monitor) {
		settle(t, s, m, member(1), member(2))
		s.sicken(member(1))
		for range 50 {
			snap := m.Snapshot()
			copied, health := *snap, maps.Collect(snap.All())
			time.Sleep(300 * time.Millisecond)
			if !maps.Equal(health, maps.Collect(snap.All())) || !copied.At.Equal(snap.At) || copied.Sighted != snap.Sighted {
				t.Fatal("a published snapshot was changed")
			}
		}
	})
}
