package monitor_test

import (
	"maps"
	"testing"
	"time"

	"rrwatch/monitor"
	"rrwatch/probe"
)

func TestIsBlindWhenMostReferencesFail(t *testing.T) {
	for _, c := range []struct {
		references, cut int
		blind           string
	}{
		{1, 1, "1 of 1 references do not answer"},
		{2, 1, ""},
		{2, 2, "2 of 2 references do not answer"},
		{3, 1, ""},
		{3, 2, "2 of 3 references do not answer"},
		{4, 2, ""},
		{5, 3, "3 of 5 references do not answer"},
	} {
		list := references(c.references)
		inBubble(t, list, func(t *testing.T, s *site, m *monitor.Monitor) {
			settle(t, s, m, member(1))
			if snap := m.Snapshot(); snap.Blind != "" || snap.References != c.references || snap.Len() != 1 {
				t.Errorf("before: got %+v", snap)
			}
			s.cutOff(true, list[:c.cut]...)
			pass(3 * time.Second)
			if got := m.Snapshot().Blind; got != c.blind {
				t.Errorf("%d of %d cut: got %q, want %q", c.cut, c.references, got, c.blind)
			}
			s.cutOff(false, list...)
			pass(3 * time.Second)
			if got := m.Snapshot().Blind; got != "" {
				t.Errorf("%d of %d were cut, and answer again: got %q", c.cut, c.references, got)
			}
			if n := len(m.Transitions()); n != 0 {
				t.Errorf("references have no transitions, got %d", n)
			}
		})
	}
}

func TestABlindWatcherTrustsNoFail(t *testing.T) {
	list := references(3)
	inBubble(t, list, func(t *testing.T, s *site, m *monitor.Monitor) {
		settle(t, s, m, member(1), member(2))
		s.cutOff(true, list...)
		s.sicken(member(1), member(2))
		pass(time.Minute)
		for target, h := range m.Snapshot().All() {
			if h.State != monitor.Up || h.Last.Verdict != probe.Inconclusive || h.Last.Reason != probe.Blind {
				t.Errorf("%s: got %s, %+v", target, h.State, h.Last)
			}
		}
		s.cutOff(false, list...)
		s.heal(member(2))
		pass(time.Minute)
		health := maps.Collect(m.Snapshot().All())
		if health[member(1)].State != monitor.Down || health[member(2)].State != monitor.Up {
			t.Errorf("got %+v", health)
		}
		if n := len(m.Transitions()); n != 1 {
			t.Errorf("got %d transitions, want 1", n)
		}
	})
}

func TestGoingBlindNudges(t *testing.T) {
	list := references(1)
	inBubble(t, list, func(t *testing.T, s *site, m *monitor.Monitor) {
		settle(t, s, m, member(1))
		for _, cut := range []bool{true, false} {
			s.cutOff(cut, list...)
			select {
			case <-m.Nudges():
			case <-time.After(3 * time.Second):
				t.Fatalf("cut off %v: no nudge", cut)
			}
			if blind := m.Snapshot().Blind != ""; blind != cut {
				t.Errorf("cut off %v, but blind is %v", cut, blind)
			}
		}
	})
}

func TestIsSightedWhenMoreThanHalfWereSeen(t *testing.T) {
	list := references(3)
	inBubble(t, list, func(t *testing.T, s *site, m *monitor.Monitor) {
		settle(t, s, m, member(1))
		if ago := time.Since(m.Snapshot().Sighted); ago > 3*time.Second {
			t.Errorf("last sighted %s ago", ago)
		}
		s.cutOff(true, list[0])
		pass(10 * time.Second)
		if ago := time.Since(m.Snapshot().Sighted); ago > 3*time.Second {
			t.Errorf("with two of three: last sighted %s ago", ago)
		}
		s.cutOff(true, list[1])
		pass(10 * time.Second)
		if at := m.Snapshot().Sighted; !at.IsZero() {
			t.Errorf("with one of three: sighted at %s", at)
		}
	})
	inBubble(t, nil, func(t *testing.T, s *site, m *monitor.Monitor) {
		settle(t, s, m, member(1))
		if at := m.Snapshot().Sighted; !at.IsZero() || m.Snapshot().References != 0 {
			t.Errorf("without references: sighted at %s", at)
		}
	})
}

func TestAFirstFailAsksReferencesAndSiblingsAtOnce(t *testing.T) {
	list := references(3)
	inBubble(t, list, func(t *testing.T, s *site, m *monitor.Monitor) {
		other := probe.Target{Pool: "mail", Check: "smtp", Addr: member(1).Addr}
		slot := settle(t, s, m, member(1), member(2), member(3), other)
		s.sicken(member(1))
		pass(time.Until(slot.Add(300 * time.Millisecond))) // before the recheck
		for _, sibling := range []probe.Target{member(2), member(3)} {
			if asked := s.since(slot, sibling); len(asked) == 0 || asked[0] != 0 {
				t.Errorf("sibling %s was asked after %v", sibling, asked)
			}
		}
		checkAsked(t, "another pool", s.since(slot, other))
		for _, r := range list {
			asked := s.dialsSince(slot, r)
			if len(asked) == 0 || asked[0] > 200*time.Millisecond {
				t.Errorf("reference %s was asked after %v", r, asked)
			}
		}
		select {
		case <-m.Nudges():
		default:
			t.Error("no nudge follows their answers")
		}
		snap := m.Snapshot()
		for _, sibling := range []probe.Target{member(2), member(3)} {
			if snap.Health(sibling).Last.At.Before(slot) {
				t.Errorf("the snapshot lacks the answer of %s", sibling)
			}
		}
		if snap.Sighted.Before(slot) {
			t.Error("the snapshot lacks the answers of the references")
		}
	})
}

func TestReferencesAreNotAskedForEveryFail(t *testing.T) {
	list := references(1)
	inBubble(t, list, func(t *testing.T, s *site, m *monitor.Monitor) {
		var many []probe.Target
		for n := range 50 {
			many = append(many, member(n+1))
		}
		slot := settle(t, s, m, many...)
		s.sicken(many...)
		pass(time.Until(slot.Add(time.Minute)))
		asked := s.dialsSince(slot, list[0])
		for i := 1; i < len(asked); i++ {
			if rest := asked[i] - asked[i-1]; rest < 200*time.Millisecond {
				t.Errorf("a reference was asked again after %s", rest)
			}
		}
	})
}
