package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"
)

// fails checks that a write is refused with the sentence, that it has left
// nothing behind, and that Ping finds out as well.
func fails(t *testing.T, s *Store, want string) {
	t.Helper()
	before, err := s.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	big := note(strings.Repeat("much text ", 20_000))
	changed := s.Changed()
	_, err = s.Append(t.Context(), opening("www", morning()), big)
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), s.path) {
		t.Errorf("append: error %v, want one with %q and the path", err, want)
	}
	select {
	case <-changed:
		t.Error("what was not written is announced")
	default:
	}
	after, err := s.Last(t.Context())
	if err != nil || after != before {
		t.Errorf("last was %d and is %d (%v)", before, after, err)
	}
	if got := int64(len(all(t, s))); got != before {
		t.Errorf("%d entries, want %d", got, before)
	}
	checkFolds(t, s)
}

// recovers checks that the store works again by itself, without a gap.
func recovers(t *testing.T, s *Store) {
	t.Helper()
	before, err := s.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("ping after the trouble: %v", err)
	}
	if got := mustAppend(t, s, opening("www", morning()))[0]; got.Seq != before+1 {
		t.Errorf("the entry after the trouble got number %d, want %d", got.Seq, before+1)
	}
	checkFolds(t, s)
}

func pragma(t *testing.T, s *Store, text string) {
	t.Helper()
	if _, err := s.writer.ExecContext(t.Context(), `PRAGMA `+text); err != nil {
		t.Fatal(err)
	}
}

func TestAFullDiskIsSaidAndLeftBehind(t *testing.T) {
	s, _ := opened(t)
	mustAppend(t, s, note("before"))
	pragma(t, s, `max_page_count = 1`) // as many as there are, and no more
	fails(t, s, "the disk is full; free some space in "+filepath.Dir(s.path))
	pragma(t, s, `max_page_count = 1000000`)
	recovers(t, s)
}

func TestAReadOnlyDatabaseIsSaidAndLeftBehind(t *testing.T) {
	s, _ := opened(t)
	mustAppend(t, s, note("before"))
	pragma(t, s, `query_only = on`)
	fails(t, s, "it cannot be written; let user")
	if err := s.Ping(t.Context()); err == nil {
		t.Error("ping finds nothing wrong")
	}
	pragma(t, s, `query_only = off`)
	recovers(t, s)
}

func TestALockByAnotherProgramIsSaidAndLeftBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rrwatch.db")
	s, err := open(t.Context(), path, options{busy: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	mustAppend(t, s, note("before"))

	other, err := (&sqlite3.SQLiteDriver{}).Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	shell := other.(*sqlite3.SQLiteConn)
	if _, err := shell.ExecContext(t.Context(), `BEGIN IMMEDIATE`, nil); err != nil {
		t.Fatal(err)
	}
	fails(t, s, "another program holds it locked; end that program")
	if err := s.Ping(t.Context()); err == nil {
		t.Error("ping finds nothing wrong")
	}
	if _, err := shell.ExecContext(t.Context(), `ROLLBACK`, nil); err != nil {
		t.Fatal(err)
	}
	recovers(t, s)
}

func TestARemovedOrReplacedFileIsNotWrittenTo(t *testing.T) {
	s, path := opened(t)
	mustAppend(t, s, note("before"))
	all(t, s) // a reader is open already: the name is not needed to read on
	moved := path + ".moved"
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	fails(t, s, "removed or replaced")
	if err := s.Ping(t.Context()); !errors.Is(err, errReplaced) {
		t.Errorf("ping: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, s, "removed or replaced")
	if err := os.Rename(moved, path); err != nil {
		t.Fatal(err)
	}
	recovers(t, s)
}

func TestACancelledAppendWritesNothing(t *testing.T) {
	s, _ := opened(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Append(ctx, note("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	// In the middle of the transaction, which is then rolled back beneath it.
	ctx, cancel = context.WithCancel(t.Context())
	err := s.write(ctx, "try", func(tx *sql.Tx) error {
		cancel()
		for {
			if _, err := tx.ExecContext(t.Context(), `DELETE FROM pulse`); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a transaction cut short: %v", err)
	}
	recovers(t, s)
}

func TestAnAppendCutShortAtAnyMomentIsWholeOrNotThere(t *testing.T) {
	s, _ := opened(t)
	var acknowledged int64
	for i := range 60 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*20)*time.Microsecond)
		written, err := s.Append(ctx, note("one"), opening("www", morning()), note("three"))
		cancel()
		switch {
		case err == nil:
			acknowledged = written[2].Seq
		case !errors.Is(err, context.DeadlineExceeded):
			t.Errorf("append: %v", err)
		}
		last, err := s.Last(t.Context())
		if err != nil || last != acknowledged {
			t.Fatalf("the journal ends at %d (%v), %d was acknowledged", last, err, acknowledged)
		}
	}
	recovers(t, s)
}

func TestAdviceComesWithTheErrorItself(t *testing.T) {
	s := &Store{path: "/data/rrwatch.db"}
	for code, want := range map[sqlite3.ErrNo]string{
		sqlite3.ErrFull: "free some space in /data", sqlite3.ErrCorrupt: "restore a backup", sqlite3.ErrIoErr: "the system's log",
		sqlite3.ErrNotADB: "not an SQLite database", sqlite3.ErrBusy: "end that program", sqlite3.ErrCantOpen: "its folder /data",
	} {
		err := s.explain("append to", sqlite3.Error{Code: code})
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: no %q", err, want)
		}
		if kept, ok := errors.AsType[sqlite3.Error](err); !ok || kept.Code != code {
			t.Errorf("%v: the cause is lost", err)
		}
	}
}
