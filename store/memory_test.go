package store

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

func recalled(t *testing.T, s *Store) failover.Memory {
	t.Helper()
	m, err := s.Recall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// restarted closes the store and opens its file again.
func restarted(t *testing.T, s *Store, path string) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return reopened(t, path)
}

func paused(kind failover.EntryKind, pool string, member netip.Addr, why string) failover.Entry {
	p := &failover.Pause{Pool: pool, Member: member, Why: why, By: "someone", Since: morning(), Until: morning().Add(time.Hour)}
	return failover.Entry{At: morning(), Kind: kind, Pool: pool, Member: member, Text: why, Pause: p}
}

func TestPausesLastUntilTheyAreEnded(t *testing.T) {
	s, path := opened(t)
	none := netip.Addr{}
	mustAppend(t, s,
		paused(failover.Paused, "", none, "all"), paused(failover.Paused, "www", none, "one pool"),
		paused(failover.Paused, "www", addr(), "one member"), paused(failover.Paused, "api", none, "another pool"))
	mustAppend(t, s, paused(failover.Paused, "www", none, "the same pool again"), paused(failover.Resumed, "api", none, "another pool"))
	if _, err := s.Retain(t.Context(), morning().Add(365*day), Retention{Journal: time.Hour}); err != nil {
		t.Fatal(err)
	}
	s = restarted(t, s, path)
	if n := len(all(t, s)); n != 0 {
		t.Fatalf("retention left %d entries", n)
	}
	want := []failover.Pause{
		*paused(failover.Paused, "", none, "all").Pause, *paused(failover.Paused, "www", none, "the same pool again").Pause,
		*paused(failover.Paused, "www", addr(), "one member").Pause,
	}
	if diff := cmp.Diff(want, recalled(t, s).Pauses, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Error(diff)
	}
	mustAppend(t, s, paused(failover.Resumed, "", none, ""), paused(failover.Resumed, "www", none, ""), paused(failover.Resumed, "www", addr(), ""))
	if got := recalled(t, s).Pauses; len(got) != 0 {
		t.Errorf("still paused: %+v", got)
	}
}

func TestAPauseIsKeptWithItsEntryOrNotAtAll(t *testing.T) {
	s, _ := opened(t)
	if _, err := s.writer.ExecContext(t.Context(),
		`CREATE TRIGGER fault BEFORE INSERT ON pauses BEGIN SELECT raise(ABORT, 'fault'); END`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), note("before"), paused(failover.Paused, "www", netip.Addr{}, "why")); err == nil {
		t.Fatal("the fault is not reported")
	}
	if got, m := all(t, s), recalled(t, s); len(got) != 0 || len(m.Pauses) != 0 {
		t.Errorf("%d entries and %d pauses are left", len(got), len(m.Pauses))
	}
}

// target is one that is called after what the test says of it.
func target(name string) probe.Target {
	return probe.Target{Pool: "www", Check: name, Addr: netip.MustParseAddrPort("[2001:db8::1]:443")}
}

func believed(target probe.Target, from, to monitor.State, at time.Time) failover.Entry {
	return failover.Entry{
		At: at, Kind: failover.Believed, Pool: target.Pool, Text: target.Check,
		Transition: &monitor.Transition{Target: target, From: from, To: to, At: at},
	}
}

func wantSeen(t *testing.T, s *Store, names ...string) {
	t.Helper()
	var got []string
	for _, seen := range recalled(t, s).SeenUp {
		if want := target(seen.Check); seen != want && seen.Addr.IsValid() {
			t.Errorf("recalled %+v, want %+v", seen, want)
		}
		got = append(got, seen.Check)
	}
	if diff := cmp.Diff(names, got); diff != "" {
		t.Errorf("other targets were seen up (-want +got):\n%s", diff)
	}
}

func TestRecallsWhatWasUpWithinADay(t *testing.T) {
	s, path := opened(t)
	now := time.Now()
	ago := func(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	page := probe.Target{Pool: "www", Check: "a-page"} // asked by name, at no address
	mustAppend(t, s,
		at(ago(101), failover.Entry{Kind: failover.Started, Text: "started"}),
		believed(target("long-up"), monitor.Unknown, monitor.Up, ago(100)),
		believed(page, monitor.Unknown, monitor.Up, ago(100)),
		believed(target("long-down"), monitor.Unknown, monitor.Up, ago(100)),
		believed(target("long-down"), monitor.Up, monitor.Down, ago(25)),
		believed(target("just-down"), monitor.Unknown, monitor.Up, ago(100)),
		believed(target("just-down"), monitor.Up, monitor.Down, ago(23)),
		believed(target("just-up"), monitor.Down, monitor.Up, ago(2)),
		believed(target("lost"), monitor.Unknown, monitor.Up, ago(3)),
		believed(target("lost"), monitor.Up, monitor.Unknown, ago(1)),
		believed(target("never-up"), monitor.Unknown, monitor.Down, ago(1)))
	seen := []string{"a-page", "just-down", "just-up", "long-up", "lost"}
	wantSeen(t, s, seen...)
	retain(t, s, now, Retention{Journal: time.Hour})
	s = restarted(t, s, path)
	wantSeen(t, s, seen...)

	// The next one comes up, believes nothing yet, and ends at once.
	mustAppend(t, s, at(now, failover.Entry{Kind: failover.Started, Text: "started"}))
	wantSeen(t, s, seen...)
	mustAppend(t, s, believed(target("long-up"), monitor.Unknown, monitor.Down, now))
	s = restarted(t, s, path)
	wantSeen(t, s, seen...)
}

// Who was dead for longer than a day knows nothing of now, whatever it believed last.
func TestWhatADeadWatcherBelievedIsForgotten(t *testing.T) {
	s, path := opened(t)
	now := time.Now()
	mustAppend(t, s, believed(target("up"), monitor.Unknown, monitor.Up, now.Add(-100*time.Hour)), at(now.Add(-25*time.Hour), note("the last words")))
	wantSeen(t, s)
	mustAppend(t, s, at(now, failover.Entry{Kind: failover.Started, Text: "started"}))
	wantSeen(t, s)
	s = restarted(t, s, path)
	wantSeen(t, s)
	if n, err := number(t.Context(), s.reader, `SELECT count(*) FROM beliefs`); err != nil || n != 0 {
		t.Errorf("%d beliefs are kept that can never count again, %v", n, err)
	}
}

func TestWhatTheNextWatcherNeverSawIsOverWithTheOneBefore(t *testing.T) {
	s, _ := opened(t)
	now := time.Now()
	mustAppend(t, s, believed(target("gone"), monitor.Unknown, monitor.Up, now.Add(-100*time.Hour)), at(now.Add(-60*time.Hour), note("alive")))
	mustAppend(t, s, at(now.Add(-50*time.Hour), failover.Entry{Kind: failover.Started, Text: "started"}), at(now, note("alive")))
	wantSeen(t, s)
}

func TestASignOfLifeKeepsWhatAQuietWatcherBelieved(t *testing.T) {
	s, path := opened(t)
	mustAppend(t, s, believed(target("up"), monitor.Unknown, monitor.Up, time.Now().Add(-100*time.Hour)))
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantSeen(t, s) // by its own pulse it would be alive for ever
	s = restarted(t, s, path)
	wantSeen(t, s, "up")
	mustAppend(t, s, at(time.Now(), failover.Entry{Kind: failover.Started, Text: "started"}))
	wantSeen(t, s, "up")
}

func shadowed(id int64, pool string, opened time.Time, stays time.Duration) []failover.Entry {
	first := opening(pool, opened)
	first.Incident = id
	hold := failover.Hold{Member: addr(), Guard: failover.GuardMode, Text: "mode observe", Action: "remap", Takes: time.Minute}
	return []failover.Entry{
		first,
		{At: opened, Kind: failover.HeldBack, Pool: pool, Member: addr(), Incident: id, Held: []failover.Hold{hold}},
		{At: opened.Add(stays), Kind: failover.Closed, Pool: pool, Member: addr(), Incident: id},
	}
}

func TestScoresCountTheIncidentsOf30Days(t *testing.T) {
	s, path := opened(t)
	now := time.Now()
	var folds []failover.Incident
	add := func(pool string, opened time.Time, stays time.Duration) {
		var i failover.Incident
		for _, e := range shadowed(int64(len(folds)+1), pool, opened, stays) {
			i = i.Apply(mustAppend(t, s, e)[0])
		}
		folds = append(folds, i)
	}
	add("www", now.Add(-29*day), time.Hour)
	add("www", now.Add(-2*day), time.Hour)
	add("www", now.Add(-day), time.Second)
	add("api", now.Add(-day), time.Second)
	add("old", now.Add(-31*day), time.Hour)
	outage(t, s, "acted", now.Add(-day), true)
	mustAppend(t, s, shadowed(0, "open", now, 0)[0])
	s = restarted(t, s, path)
	want := map[string]failover.Score{}
	for _, i := range folds[:4] {
		want[i.Pool] = want[i.Pool].Add(i)
	}
	if diff := cmp.Diff(want, recalled(t, s).Scores); diff != "" || want["www"] != (failover.Score{Right: 2, Wrong: 1}) {
		t.Errorf("other scores (-want +got):\n%s", diff)
	}
	// What comes after an end can change a fold, and the score goes with it.
	again := folds[0]
	mustAppend(t, s, closing(again.ID, again.Opened.Add(time.Second)))
	retain(t, s, now, Retention{Incidents: 25 * day})
	if got := recalled(t, s).Scores["www"]; got != (failover.Score{Right: 1, Wrong: 1}) {
		t.Errorf("after retention: %+v", got)
	}
}

func TestWhatAnOldDatabaseBelievedIsReadFromItsJournal(t *testing.T) {
	dump, err := os.ReadFile(filepath.Join("testdata", "schema-1.sql"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	statements := []string{string(dump)}
	for i, e := range []failover.Entry{
		believed(target("before"), monitor.Unknown, monitor.Up, now.Add(-50*time.Hour)),
		at(now.Add(-49*time.Hour), failover.Entry{Kind: failover.Started, Text: "started"}),
		believed(target("long-up"), monitor.Unknown, monitor.Up, now.Add(-48*time.Hour)),
		believed(target("just-down"), monitor.Unknown, monitor.Up, now.Add(-48*time.Hour)),
		believed(target("long-down"), monitor.Unknown, monitor.Up, now.Add(-48*time.Hour)),
		believed(target("long-down"), monitor.Up, monitor.Down, now.Add(-47*time.Hour)),
		believed(target("just-down"), monitor.Up, monitor.Down, now.Add(-time.Hour)),
		believed(target("never-up"), monitor.Unknown, monitor.Down, now.Add(-time.Hour)),
		at(now.Add(-time.Hour), failover.Entry{Kind: failover.Believed, Text: "of nothing"}),
	} {
		e.Seq = int64(15 + i)
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		statements = append(statements, fmt.Sprintf(`INSERT INTO journal (seq, at, kind, pool, member, data) VALUES (%d, %d, '%s', '%s', '', '%s')`,
			e.Seq, e.At.UnixMicro(), e.Kind, e.Pool, strings.ReplaceAll(string(data), "'", "''")))
	}
	path := filepath.Join(t.TempDir(), "rrwatch.db")
	raw(t, path, statements...)
	wantSeen(t, reopened(t, path), "just-down", "long-up")
}

// fillJournal appends targets that are up, then as many notes without Append's care.
func fillJournal(t testing.TB, s *Store, targets, notes int) {
	t.Helper()
	entries := make([]failover.Entry, targets)
	for i := range targets {
		entries[i] = believed(target(fmt.Sprint("check-", i)), monitor.Unknown, monitor.Up, time.Now().Add(-90*day))
	}
	if _, err := s.Append(t.Context(), entries...); err != nil {
		t.Fatal(err)
	}
	// One statement advances the journal's last number only when it ends, which the trigger takes for a gap.
	_, err := s.writer.ExecContext(t.Context(), `DROP TRIGGER journal_without_gap; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
		INSERT INTO journal (seq, at, kind, pool, member, data) SELECT ?2 + i, ?3, 'noted', '', '', '{"text": "of usual length"}' FROM n`,
		notes, targets, time.Now().UnixMicro())
	if err != nil {
		t.Fatal(err)
	}
}

// A watcher that comes up after years must not read all that was ever written.
func TestRecallReadsNoWholeJournal(t *testing.T) {
	s, _ := opened(t)
	fillJournal(t, s, 100, 10_000)
	if n := len(recalled(t, s).SeenUp); n != 100 {
		t.Errorf("%d targets were seen up, want 100", n)
	}
	for _, query := range []string{askIncidents, askRelease, askNewest, askSeen, askScores, askLease} {
		steps, err := s.reader.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+query, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer steps.Close()
		for steps.Next() {
			var id, parent, unused int
			var step string
			if err := steps.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			// Of the newest entry's scan only the first step is taken.
			if step == "SCAN incidents" || step == "SCAN journal" && query != askNewest {
				t.Errorf("%s\nis answered by %s", query, step)
			}
		}
		if err := steps.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkRecall is of a site of 1,000 targets with a million entries in its journal.
func BenchmarkRecall(b *testing.B) {
	s := benchmarked(b)
	fillJournal(b, s, 1000, 1_000_000)
	for b.Loop() {
		if m, err := s.Recall(b.Context()); err != nil || len(m.SeenUp) != 1000 {
			b.Fatal(len(m.SeenUp), err)
		}
	}
}
