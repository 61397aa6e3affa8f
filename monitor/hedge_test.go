package monitor_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

// silent makes a site's targets answer nothing: every question ends by its time-out.
func silent(s *site, after func() bool) probe.Func {
	return func(ctx context.Context, t probe.Target) probe.Answer {
		if !after() {
			return s.probe(ctx, t)
		}
		s.mu.Lock()
		s.asked[t] = append(s.asked[t], time.Now())
		s.mu.Unlock()
		<-ctx.Done()
		return probe.Answer{Verdict: probe.Fail, Reason: probe.ConnectTimeout}
	}
}

func TestASilentHostIsDownAfterItsTimeoutAndTwoRechecks(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		one := member(1)
		var dead atomic.Bool
		watch := s.watch(one)
		watch.Probe = silent(s, dead.Load)
		replace(t, m, []monitor.Watch{watch})
		pass(time.Minute)
		slot := m.Snapshot().Health(one).Asked.Add(5 * time.Second)
		pass(time.Until(slot) - time.Millisecond)
		dead.Store(true)
		pass(time.Until(slot.Add(2990 * time.Millisecond)))
		if h := m.Snapshot().Health(one); h.State != monitor.Up {
			t.Errorf("%s before the third question ended", h.State)
		}
		pass(20 * time.Millisecond)
		h := m.Snapshot().Health(one)
		if h.State != monitor.Down || !h.First.Equal(slot) {
			t.Errorf("got %s since %s, first %s", h.State, h.Since.Sub(slot), h.First.Sub(slot))
		}
		early := s.since(slot, one)[:3]
		checkAsked(t, "silent", early, 0, 0.5, 1)
		pass(time.Until(slot.Add(20 * time.Second)))
		if n := len(s.since(slot.Add(5*time.Second), one)); n > 4 {
			t.Errorf("a target that is Down was asked %d times in 15 s", n)
		}
	})
}

func TestATargetThatIsSlowByHabitIsNotAskedTwice(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		s.took = 1200 * time.Millisecond
		slot := settle(t, s, m, member(1))
		pass(10 * time.Minute)
		if got, want := len(s.since(slot, member(1))), 120; got < want || got > want+1 {
			t.Errorf("asked %d times in 10 minutes, want %d", got, want)
		}
	})
}

func TestResultsCountInTheOrderInWhichTheyWereSent(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		one := member(1)
		var n, lost atomic.Int64
		watch := s.watch(one)
		watch.Thresholds.Clear = 1
		watch.Probe = func(ctx context.Context, t probe.Target) probe.Answer {
			if n.Add(1) == lost.Load() { // the first question is lost, those after it are answered
				<-ctx.Done()
				return probe.Answer{Verdict: probe.Fail, Reason: probe.AnswerTimeout}
			}
			return probe.Answer{Verdict: probe.Pass}
		}
		replace(t, m, []monitor.Watch{watch})
		pass(time.Minute)
		before := m.Snapshot().Health(one)
		lost.Store(n.Load() + 1)
		pass(time.Until(before.Asked.Add(5*time.Second + 1900*time.Millisecond)))
		if h := m.Snapshot().Health(one); !h.Asked.Equal(before.Asked) || n.Load() < lost.Load()+1 {
			t.Errorf("a later answer was believed before an earlier one: asked %s, %d questions", h.Asked.Sub(before.Asked), n.Load()-lost.Load()+1)
		}
		pass(400 * time.Millisecond)
		h := m.Snapshot().Health(one)
		if h.State != monitor.Up || h.Fails != 0 || h.Why.Reason != probe.AnswerTimeout || h.Passes == 0 {
			t.Errorf("got %+v", h)
		}
	})
}

func TestAProbeThatNeverEndsIsGivenUp(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		one := member(1)
		stuck := make(chan struct{})
		watch := s.watch(one)
		var n atomic.Int64
		watch.Probe = func(context.Context, probe.Target) probe.Answer {
			if n.Add(1) == 1 {
				<-stuck // whatever its context says
			}
			return probe.Answer{Verdict: probe.Pass}
		}
		replace(t, m, []monitor.Watch{watch})
		pass(20 * time.Second)
		if h := m.Snapshot().Health(one); h.State != monitor.Up || n.Load() < 2 {
			t.Errorf("asked %d times: %+v", n.Load(), h)
		}
		close(stuck)
		pass(time.Second)
		if h := m.Snapshot().Health(one); h.State != monitor.Up || h.Last.Reason != "" {
			t.Errorf("the late answer was believed: %+v", h)
		}
	})
}

func TestAWishWaitsForAHandThatIsFree(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		s.took = time.Second
		slot := settle(t, s, m, member(1))
		for range 3 {
			pass(300 * time.Millisecond)
			m.Ask([]probe.Target{member(1)})
		}
		pass(2 * time.Second)
		asked := s.since(slot, member(1))
		if len(asked) != 4 || asked[3] < time.Second || asked[3] > 1020*time.Millisecond {
			t.Errorf("asked after %v, want the fourth probe when the first has ended", asked)
		}
	})
}

func TestAQuestionUnderWayDoesNotSwallowAWish(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		s.took = time.Second
		slot := settle(t, s, m, member(1))
		pass(time.Until(slot.Add(300 * time.Millisecond)))
		m.Ask([]probe.Target{member(1)})
		m.Ask([]probe.Target{member(1)})
		pass(2 * time.Second)
		checkAsked(t, "asked in the middle of a question", s.since(slot, member(1)), 0, 0.3)
	})
}
