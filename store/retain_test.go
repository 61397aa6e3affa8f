package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/failover"
)

const day = 24 * time.Hour

func retain(t *testing.T, s *Store, now time.Time, r Retention) Removed {
	t.Helper()
	removed, err := s.Retain(t.Context(), now, r)
	if err != nil {
		t.Fatal(err)
	}
	return removed
}

func seqs(t *testing.T, s *Store) []int64 {
	t.Helper()
	var list []int64
	for _, e := range all(t, s) {
		list = append(list, e.Seq)
	}
	return list
}

func at(when time.Time, e failover.Entry) failover.Entry {
	e.At = when
	return e
}

func TestRetentionRemovesOldEntriesOfNoIncident(t *testing.T) {
	s, _ := opened(t)
	now := morning()
	mustAppend(t, s,
		at(now.Add(-31*day), note("old")),
		opening("www", now.Add(-31*day)),
		at(now.Add(-30*day-time.Millisecond), note("just too old")),
		at(now.Add(-30*day), note("just young enough")),
		at(now, note("young")))
	if got := retain(t, s, now, Retention{}); got != (Removed{}) {
		t.Errorf("removed %+v though all is kept for ever", got)
	}
	if diff := cmp.Diff(Removed{Entries: 2}, retain(t, s, now, Retention{Journal: 30 * day})); diff != "" {
		t.Errorf("removed something else (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{2, 4, 5}, seqs(t, s)); diff != "" {
		t.Errorf("other entries are left (-want +got):\n%s", diff)
	}
}

func TestRetentionRemovesOldIncidentsWhole(t *testing.T) {
	s, _ := opened(t)
	now := morning()
	gone := outage(t, s, "www", now.Add(-400*day), true) // 7 entries
	open := outage(t, s, "api", now.Add(-400*day), false)
	young := outage(t, s, "www", now.Add(-2*day), true)
	last, err := s.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	advance(t, s, "slack", last, map[int64]string{gone: "a", open: "b"})

	if diff := cmp.Diff(Removed{Entries: 7, Incidents: 1}, retain(t, s, now, Retention{Journal: day, Incidents: 365 * day})); diff != "" {
		t.Errorf("removed something else (-want +got):\n%s", diff)
	}
	if _, err := s.Incident(t.Context(), gone); !errors.Is(err, ErrNotFound) {
		t.Errorf("the old incident: %v", err)
	}
	if thread(t, s, "slack", gone) != "" || thread(t, s, "slack", open) != "b" {
		t.Error("the threads do not follow their incidents")
	}
	list, err := s.Incidents(t.Context(), IncidentQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{young, open}, ids(list)); diff != "" {
		t.Errorf("other incidents are left (-want +got):\n%s", diff)
	}
	checkFolds(t, s)
}

func TestRetentionWaitsForTheSlowestChannel(t *testing.T) {
	s, _ := opened(t)
	now := morning()
	mustAppend(t, s, at(now.Add(-9*day), note("1")))
	outage(t, s, "www", now.Add(-9*day), true) // 2 to 8
	mustAppend(t, s, at(now.Add(-9*day), note("9")))
	r := Retention{Journal: day, Incidents: day}

	advance(t, s, "mail", 9, nil)
	advance(t, s, "slack", 7, nil)
	if diff := cmp.Diff(Removed{Entries: 1}, retain(t, s, now, r)); diff != "" {
		t.Errorf("removed something else (-want +got):\n%s", diff)
	}
	advance(t, s, "slack", 8, nil)
	if diff := cmp.Diff(Removed{Entries: 7, Incidents: 1}, retain(t, s, now, r)); diff != "" {
		t.Errorf("removed something else (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{9}, seqs(t, s)); diff != "" {
		t.Errorf("other entries are left (-want +got):\n%s", diff)
	}
}

func TestNumbersAreNeverGivenAgain(t *testing.T) {
	s, path := opened(t)
	now := morning()
	outage(t, s, "www", now.Add(-9*day), true)
	mustAppend(t, s, at(now.Add(-9*day), note("8")))
	retain(t, s, now, Retention{Journal: day, Incidents: day})
	if got := seqs(t, s); len(got) != 0 {
		t.Fatalf("entries %v are left", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopened(t, path)
	if last, err := s.Last(t.Context()); err != nil || last != 8 {
		t.Errorf("last is %d, %v; followers would wait for ever", last, err)
	}
	if got := mustAppend(t, s, opening("www", now))[0]; got.Seq != 9 || got.Incident != 2 {
		t.Errorf("the next entry got numbers %d and %d", got.Seq, got.Incident)
	}
}

func TestRetentionRemovesMoreThanOneBatchAndLocksTheJournalAgain(t *testing.T) {
	s, _ := opened(t)
	now := morning()
	old := make([]failover.Entry, 2*entriesAtOnce+1)
	for i := range old {
		old[i] = at(now.Add(-9*day), note("old"))
	}
	mustAppend(t, s, old...)
	var incidents []failover.Entry
	for range incidentsAtOnce + 1 {
		incidents = append(incidents, opening("www", now.Add(-9*day)))
	}
	for i, e := range mustAppend(t, s, incidents...) {
		incidents[i] = closing(e.Incident, now.Add(-9*day))
	}
	mustAppend(t, s, incidents...)
	want := Removed{Entries: 2*entriesAtOnce + 1 + 2*(incidentsAtOnce+1), Incidents: incidentsAtOnce + 1}
	if diff := cmp.Diff(want, retain(t, s, now, Retention{Journal: day, Incidents: day})); diff != "" {
		t.Errorf("removed something else (-want +got):\n%s", diff)
	}
	mustAppend(t, s, note("new"))
	if _, err := s.writer.ExecContext(t.Context(), `DELETE FROM journal`); err == nil {
		t.Error("the journal can be deleted after retention")
	}
}
