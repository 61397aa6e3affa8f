package store

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rrwatch/failover"
)

func refused(t *testing.T, path string, wants ...string) {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err == nil {
		s.Close()
		t.Fatalf("%s is opened", path)
	}
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q is more than a sentence", err)
	}
}

// raw runs statements on the file as another program would.
func raw(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func TestAPathThatCannotBeIsRefusedWithAWayOut(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file.db")
	if err := os.WriteFile(file, []byte(strings.Repeat("This is no database. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, "", "name a file")
	refused(t, filepath.Join(dir, "missing", "x.db"), "its folder "+filepath.Join(dir, "missing")+" does not exist; create it")
	refused(t, dir, "it is a folder; name a file in it")
	refused(t, filepath.Join(file, "x.db"), file+" is not a folder")
	refused(t, file, "it is not an SQLite database; move that file away")
	if left, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(left), "This is no database.") {
		t.Errorf("the file that is no database was changed: %v", err)
	}
}

func TestAReadOnlyFolderOrFileIsRefusedWithAWayOut(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "rrwatch.db")
	// The stranger, who is this user if that is not root, may look and not write.
	for folder, mode := range map[string]os.FileMode{filepath.Dir(dir): 0o755, dir: 0o555} {
		if err := os.Chmod(folder, mode); err != nil {
			t.Fatal(err)
		}
	}
	stranger := started(t, "stranger", path)
	got := stranger.says()
	_ = stranger.ended(t)
	if want := "and its folder " + dir; !strings.Contains(got, want) || !strings.Contains(got, "it cannot be written; let user ") {
		t.Errorf("said %q, want it to say %q", got, want)
	}

	// A database that is there, in a folder that can be written.
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		t.Fatal(err)
	}
	stranger = started(t, "stranger", path)
	got = stranger.says()
	_ = stranger.ended(t)
	if !strings.Contains(got, "it cannot be written; let user ") {
		t.Errorf("said %q of a read-only file", got)
	}
}

func TestASecondRrwatchIsRefused(t *testing.T) {
	s, path := opened(t)
	mustAppend(t, s, note("x"))
	refused(t, path, fmt.Sprintf("another rrwatch (process %d) has it open; stop that one", os.Getpid()))
	mustAppend(t, s, note("the first one is not disturbed"))
}

func TestTheLockOfAnotherProcessEndsWithIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rrwatch.db")
	holder := started(t, "holder", path)
	if got := holder.says(); got != "open" {
		t.Fatalf("the holder says %q", got)
	}
	refused(t, path, "another rrwatch (process "+strconv.Itoa(holder.Process.Pid)+") has it open")
	holder.killed(t)
	_ = holder.ended(t)
	reopened(t, path)
}

func TestARefusedOpenLeavesNothingHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rrwatch.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, path, "not an SQLite database")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s := reopened(t, path)
	mustAppend(t, s, note("x"))
}

func TestTheDatabaseOfAnotherProgramIsRefusedAndLeftAlone(t *testing.T) {
	for name, statement := range map[string]string{
		"tables of its own": `CREATE TABLE photos (id INTEGER)`,
		"its own mark":      `PRAGMA application_id = 77`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "photos.db")
			raw(t, path, statement)
			refused(t, path, "belongs to another program; name another path")
			raw(t, path, `CREATE TABLE goose_db_version (id INTEGER)`) // was not made by us
		})
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	s, path := opened(t)
	mustAppend(t, s, note("x"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	raw(t, path, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`)
	refused(t, path, "written by a newer rrwatch (schema 99; this one knows up to ", "run that version, or restore the backup")
}

func TestAnUpgradeThatWasCutShortGoesOn(t *testing.T) {
	// Only the mark and the empty list of versions had been written.
	path := filepath.Join(t.TempDir(), "rrwatch.db")
	raw(t, path, fmt.Sprintf(`PRAGMA application_id = %d`, application),
		`CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL,
			is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))`,
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1)`)
	mustAppend(t, reopened(t, path), note("x"))
}

func TestADatabaseOfSchema1IsReadAndContinued(t *testing.T) {
	dump, err := os.ReadFile(filepath.Join("testdata", "schema-1.sql"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rrwatch.db")
	raw(t, path, string(dump))
	s := reopened(t, path)
	entries := all(t, s)
	if len(entries) != 14 || entries[13].Kind != failover.BrakeLatched {
		t.Fatalf("%d entries", len(entries))
	}
	closed, err := s.Incident(t.Context(), 1)
	if err != nil || closed.Clock().Whole.Seconds() != 5 || closed.Actions[0].Remap.To != "i-2" {
		t.Errorf("incident 1 is %+v, %v", closed, err)
	}
	m, err := s.Recall(t.Context())
	if err != nil || len(m.Incidents) != 1 || m.Incidents[0].ID != 2 || m.Brake == nil {
		t.Errorf("recalled %+v, %v", m, err)
	}
	if cursor(t, s, "slack") != 12 || thread(t, s, "slack", 2) != "1772348400.000200" {
		t.Error("the channel lost its place")
	}
	if got := mustAppend(t, s, opening("www", morning()))[0]; got.Seq != 15 || got.Incident != 3 {
		t.Errorf("the next entry got numbers %d and %d", got.Seq, got.Incident)
	}
}
