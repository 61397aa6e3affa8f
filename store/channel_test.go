package store

import "testing"

func cursor(t *testing.T, s *Store, channel string) int64 {
	t.Helper()
	seq, err := s.Cursor(t.Context(), channel)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func thread(t *testing.T, s *Store, channel string, incident int64) string {
	t.Helper()
	id, err := s.Thread(t.Context(), channel, incident)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func advance(t *testing.T, s *Store, channel string, seq int64, threads map[int64]string) {
	t.Helper()
	if err := s.Advance(t.Context(), channel, seq, threads); err != nil {
		t.Fatal(err)
	}
}

func TestChannelsGoOnAfterARestartWhereTheyWere(t *testing.T) {
	s, path := opened(t)
	if got := cursor(t, s, "slack"); got != 0 {
		t.Errorf("a new channel is at %d", got)
	}
	if got := thread(t, s, "slack", 1); got != "" {
		t.Errorf("a new channel has thread %q", got)
	}
	advance(t, s, "slack", 5, map[int64]string{1: "1700.1", 2: "1700.2"})
	advance(t, s, "slack", 9, map[int64]string{2: "1700.3"})
	advance(t, s, "mail", 3, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = reopened(t, path)
	if a, b := cursor(t, s, "slack"), cursor(t, s, "mail"); a != 9 || b != 3 {
		t.Errorf("slack is at %d, mail at %d", a, b)
	}
	if a, b, c := thread(t, s, "slack", 1), thread(t, s, "slack", 2), thread(t, s, "mail", 1); a != "1700.1" || b != "1700.3" || c != "" {
		t.Errorf("threads %q, %q and %q", a, b, c)
	}
}

func TestACursorNeverGoesBack(t *testing.T) {
	s, _ := opened(t)
	advance(t, s, "slack", 9, nil)
	advance(t, s, "slack", 4, map[int64]string{1: "kept"})
	if got := cursor(t, s, "slack"); got != 9 {
		t.Errorf("the cursor went from 9 to %d", got)
	}
	if got := thread(t, s, "slack", 1); got != "kept" {
		t.Errorf("the thread is %q", got)
	}
}

func TestACursorAndItsThreadsAreWrittenTogether(t *testing.T) {
	s, _ := opened(t)
	// The cursor is written first; then this fails.
	if _, err := s.writer.ExecContext(t.Context(),
		`CREATE TRIGGER fault BEFORE INSERT ON threads BEGIN SELECT raise(ABORT, 'fault'); END`); err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(t.Context(), "slack", 5, map[int64]string{1: "x"}); err == nil {
		t.Fatal("the fault is not reported")
	}
	if got := cursor(t, s, "slack"); got != 0 {
		t.Errorf("the cursor is at %d without its thread", got)
	}
	if err := s.Advance(t.Context(), "slack", -1, nil); err == nil {
		t.Error("a cursor below 0 is taken")
	}
}
