package store

import (
	"context"
	"database/sql"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rrwatch/failover"
	"rrwatch/probe"
)

// morning is when the outages of these tests begin.
func morning() time.Time { return time.Date(2026, 3, 1, 7, 0, 0, 123456789, time.UTC) }

func addr() netip.Addr { return netip.MustParseAddr("203.0.113.1") }

func opened(t *testing.T) (*Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rrwatch.db")
	return reopened(t, path), path
}

func reopened(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func mustAppend(t *testing.T, s *Store, entries ...failover.Entry) []failover.Entry {
	t.Helper()
	written, err := s.Append(t.Context(), entries...)
	if err != nil {
		t.Fatal(err)
	}
	return written
}

// all reads the whole journal.
func all(t *testing.T, s *Store) []failover.Entry {
	t.Helper()
	var entries []failover.Entry
	for {
		var after int64
		if len(entries) > 0 {
			after = entries[len(entries)-1].Seq
		}
		more, err := s.Since(t.Context(), after, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(more) == 0 {
			return entries
		}
		entries = append(entries, more...)
	}
}

func note(text string) failover.Entry {
	return failover.Entry{At: morning(), Kind: failover.Noted, Text: text}
}

func opening(pool string, at time.Time) failover.Entry {
	return failover.Entry{
		At: at, Kind: failover.Opened, Pool: pool, Member: addr(), Text: "203.0.113.1 is down",
		Opening: &failover.Opening{
			FirstBad: at.Add(-2 * time.Second), Believed: at, Instance: "i-1", Zone: "eu-west-1a", SeenUp: true,
			Evidence: []probe.Result{{At: at, Answer: probe.Answer{Verdict: probe.Fail, Detail: "connection refused"}}},
		},
	}
}

func closing(incident int64, at time.Time) failover.Entry {
	return failover.Entry{At: at, Kind: failover.Closed, Pool: "www", Member: addr(), Incident: incident, Text: "served again"}
}

// outage appends one whole incident, a step at a time as the responder does,
// and returns its number. It stops short of the last entry unless it shall end.
func outage(t *testing.T, s *Store, pool string, at time.Time, end bool) int64 {
	t.Helper()
	id := mustAppend(t, s, opening(pool, at))[0].Incident
	of := failover.Entry{Pool: pool, Member: addr(), Incident: id}
	step := func(after time.Duration, kind failover.EntryKind, text string, more func(e *failover.Entry)) failover.Entry {
		e := of
		e.At, e.Kind, e.Text = at.Add(after), kind, text
		more(&e)
		return mustAppend(t, s, e)[0]
	}
	step(time.Millisecond, failover.Diagnosed, "the process died", func(e *failover.Entry) {
		e.Diagnosis = &failover.Diagnosis{Cause: failover.CauseProcess, Evidence: []string{"refused"}}
	})
	step(2*time.Millisecond, failover.HeldBack, "held", func(e *failover.Entry) {
		e.Held = []failover.Hold{{Member: addr(), Guard: failover.GuardCooldown, Text: "touched a minute ago"}}
	})
	action := failover.Action{
		Kind: failover.KindRemap, Pool: pool, Member: addr(), Incident: id, Status: failover.Begun, Begun: at.Add(3 * time.Millisecond),
		Remap: &failover.Remap{Addr: addr(), Allocation: "eipalloc-1", From: "i-1", To: "i-2", Private: netip.MustParseAddr("10.0.0.2")},
	}
	begun := step(3*time.Millisecond, failover.ActionBegun, "begun", func(e *failover.Entry) { e.Action = &action })
	action = *begun.Action
	action.Status, action.Applied = failover.Applied, at.Add(time.Second)
	step(time.Second, failover.ActionApplied, "applied", func(e *failover.Entry) { e.Action = &action })
	if !end {
		return id
	}
	action.Status, action.Served, action.Ended = failover.Proven, at.Add(2*time.Second), at.Add(3*time.Second)
	step(3*time.Second, failover.ActionEnded, "proven", func(e *failover.Entry) { e.Action = &action })
	mustAppend(t, s, closing(id, at.Add(4*time.Second)))
	return id
}

func TestARestartInTheMiddleOfAnIncidentGoesOnWithIt(t *testing.T) {
	s, path := opened(t)
	id := outage(t, s, "www", time.Now(), false)
	before := all(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = reopened(t, path)
	if diff := cmp.Diff(before, all(t, s), cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{})); diff != "" {
		t.Errorf("the journal changed over a restart (-before +after):\n%s", diff)
	}
	m, err := s.Recall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Incidents) != 1 || m.Incidents[0].ID != id || !m.Incidents[0].Open() {
		t.Fatalf("recalled %+v, want the open incident %d", m.Incidents, id)
	}
	action, ok := m.Incidents[0].Unfinished()
	if !ok || action.ID != 4 || action.Status != failover.Applied {
		t.Errorf("unfinished action is %+v (%t), want number 4, applied", action, ok)
	}
	if next := mustAppend(t, s, note("up again"))[0].Seq; next != before[len(before)-1].Seq+1 {
		t.Errorf("the first entry after the restart got number %d", next)
	}
}

func TestRecallsOpenAndRecentIncidentsByNumber(t *testing.T) {
	s, _ := opened(t)
	now := time.Now()
	outage(t, s, "old", now.Add(-7*day-time.Hour), true)
	openOld := outage(t, s, "open", now.Add(-30*day), false)
	recent := outage(t, s, "recent", now.Add(-7*day+time.Hour), true)
	m, err := s.Recall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{openOld, recent}, ids(m.Incidents)); diff != "" {
		t.Errorf("recalled other incidents (-want +got):\n%s", diff)
	}
}

func ids(incidents []failover.Incident) []int64 {
	var list []int64
	for _, i := range incidents {
		list = append(list, i.ID)
	}
	return list
}

func TestTheBrakeStaysLatchedUntilItIsReleased(t *testing.T) {
	s, path := opened(t)
	at := morning()
	mustAppend(t, s, failover.Entry{At: at, Kind: failover.BrakeLatched, Text: "too many actions"})
	mustAppend(t, s, failover.Entry{At: at.Add(time.Hour), Kind: failover.BrakeLatched, Text: "again"})
	if _, err := s.Retain(t.Context(), at.Add(1000*time.Hour), Retention{Journal: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopened(t, path)
	m, err := s.Recall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&failover.Brake{Latched: at, Why: "too many actions"}, m.Brake); diff != "" {
		t.Errorf("another brake (-want +got):\n%s", diff)
	}
	mustAppend(t, s, failover.Entry{At: at.Add(2 * time.Hour), Kind: failover.BrakeReleased, Text: "released", By: "someone"})
	if m, err = s.Recall(t.Context()); err != nil || m.Brake != nil || !m.Released.Equal(at.Add(2*time.Hour).Truncate(time.Microsecond)) {
		t.Errorf("after the release: brake %+v, released %s, error %v", m.Brake, m.Released, err)
	}
}

func TestTheViewOfAnIncidentIsTheFoldOfItsEntries(t *testing.T) {
	s, _ := opened(t)
	for i := range 3 {
		outage(t, s, "www", morning().Add(time.Duration(i)*time.Hour), i != 1)
	}
	// One batch may carry several steps of several incidents.
	both := mustAppend(t, s, opening("a", morning()), opening("b", morning()), note("belongs to none"))
	a, b := both[0].Incident, both[1].Incident
	mustAppend(t, s, closing(a, morning()), closing(b, morning()),
		failover.Entry{At: morning(), Kind: failover.Noted, Incident: a, Text: "late note"})

	checkFolds(t, s)
}

// checkFolds compares every stored incident with the fold of the journal.
func checkFolds(t *testing.T, s *Store) {
	t.Helper()
	folds := map[int64]failover.Incident{}
	for _, e := range all(t, s) {
		if e.Incident != 0 {
			folds[e.Incident] = folds[e.Incident].Apply(e)
		}
	}
	stored, err := s.Incidents(t.Context(), IncidentQuery{Limit: maxIncidents})
	if err != nil {
		t.Fatal(err)
	}
	if len(stored) != len(folds) {
		t.Errorf("%d incidents are stored, the journal has %d", len(stored), len(folds))
	}
	for _, view := range stored {
		if fold := folds[view.ID]; !reflect.DeepEqual(view, fold) {
			t.Errorf("incident %d is stored as\n%+v\nand its entries say\n%+v", view.ID, view, fold)
		}
	}
}

func TestListsIncidentsNewestFirst(t *testing.T) {
	s, _ := opened(t)
	for i, pool := range []string{"www", "api", "www", "api", "www"} {
		outage(t, s, pool, morning(), i != 2 && i != 3) // 3 and 4 stay open
	}
	for _, c := range []struct {
		name string
		q    IncidentQuery
		want []int64
	}{
		{"all", IncidentQuery{}, []int64{5, 4, 3, 2, 1}},
		{"open", IncidentQuery{Open: new(true)}, []int64{4, 3}},
		{"closed", IncidentQuery{Open: new(false)}, []int64{5, 2, 1}},
		{"of a pool", IncidentQuery{Pool: "www"}, []int64{5, 3, 1}},
		{"of an unknown pool", IncidentQuery{Pool: "ftp"}, nil},
		{"first page", IncidentQuery{Limit: 2}, []int64{5, 4}},
		{"next page", IncidentQuery{Limit: 2, Before: 4}, []int64{3, 2}},
		{"all at once", IncidentQuery{Open: new(true), Pool: "www", Before: 4, Limit: 1}, []int64{3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := s.Incidents(t.Context(), c.q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, ids(got)); diff != "" {
				t.Errorf("other incidents (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheConnectionsAreSetAsPromised(t *testing.T) {
	s, _ := opened(t)
	for pragma, want := range map[string][2]string{ // writer, reader
		"journal_mode": {"wal", "wal"},
		"synchronous":  {"2", ""}, // FULL
		"foreign_keys": {"1", "1"},
		"busy_timeout": {"5000", "5000"},
		"query_only":   {"0", "1"},
	} {
		for i, db := range []*sql.DB{s.writer, s.reader} {
			var got string
			if err := db.QueryRowContext(t.Context(), `PRAGMA `+pragma).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if want[i] != "" && got != want[i] {
				t.Errorf("%s of connection kind %d is %q, want %q", pragma, i, got, want[i])
			}
		}
	}
	if w, r := s.writer.Stats().MaxOpenConnections, s.reader.Stats().MaxOpenConnections; w != 1 || r != 4 {
		t.Errorf("%d writers and %d readers", w, r)
	}
	if _, err := s.reader.ExecContext(t.Context(), `DELETE FROM journal`); err == nil {
		t.Error("a reader can write")
	}
}

func TestMakesFilesThatOnlyTheOwnerReads(t *testing.T) {
	s, path := opened(t)
	mustAppend(t, s, note("x"))
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 4 {
		t.Fatalf("files %v, error %v; want the database, its log, its index and the lock", files, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f, info.Mode())
		}
	}
	size, err := s.Size()
	if err != nil || size < 4096 {
		t.Errorf("size %d, error %v", size, err)
	}
}

func TestTakesAnyPath(t *testing.T) {
	for _, name := range []string{"a b.db", "what?mode=memory.db", "50%25.db", "#1.db", ":memory:", "ü.db", "file:x.db"} {
		path := filepath.Join(t.TempDir(), name)
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		mustAppend(t, s, note("kept"))
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: not where it should be: %v", name, err)
		}
	}
}

func TestClosingTwiceDoesNothing(t *testing.T) {
	s, _ := opened(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Append(context.WithoutCancel(t.Context()), note("x")); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("append after close: %v", err)
	}
}

func TestAChannelIsToldFromWhenItJoinsAndForgottenWhenItLeaves(t *testing.T) {
	s, _ := opened(t)
	at := time.Now()
	mustAppend(t, s, failover.Entry{At: at, Kind: failover.Noted, Text: "before"})
	join := func(want int64) {
		t.Helper()
		if err := s.Join(t.Context(), "slack"); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Cursor(t.Context(), "slack"); err != nil || got != want {
			t.Errorf("told up to %d, %v; want %d", got, err, want)
		}
	}
	join(1)
	mustAppend(t, s, failover.Entry{At: at, Kind: failover.Noted, Text: "while the channel is down"})
	join(1) // a restart loses nothing
	if err := s.Forget(t.Context(), "slack"); err != nil {
		t.Fatal(err)
	}
	join(2)
}
