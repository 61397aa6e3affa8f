package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// explain adds to an error what was being done, what is wrong and what to do.
func (s *Store) explain(doing string, err error) error {
	if advice := s.advice(err); advice != "" {
		return fmt.Errorf("%s %s: %s (%w)", doing, s.path, advice, err)
	}
	return fmt.Errorf("%s %s: %w", doing, s.path, err)
}

// advice is empty when SQLite's own words must do.
func (s *Store) advice(err error) string {
	var trouble sqlite3.Error
	if !errors.As(err, &trouble) {
		return ""
	}
	if s.file != nil && s.replaced() {
		return errReplaced.Error()
	}
	folder := filepath.Dir(s.path)
	switch trouble.Code {
	case sqlite3.ErrFull:
		return "the disk is full; free some space in " + folder
	case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrCantOpen, sqlite3.ErrAuth:
		return fmt.Sprintf("it cannot be written; let %s write the file and its folder %s", user(), folder)
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return "another program holds it locked; end that program (a backup, a database shell)"
	case sqlite3.ErrNotADB:
		return "it is not an SQLite database; move that file away, or name another path for the database"
	case sqlite3.ErrCorrupt:
		return "it is damaged; stop rrwatch, keep a copy of the file, and restore a backup or recover it with sqlite3's .recover"
	case sqlite3.ErrIoErr:
		return "the disk failed to read or write; look at the system's log and at the free space in " + folder
	}
	return ""
}

// explainFile says what is wrong when a file beside or of the database could
// not be opened.
func (s *Store) explainFile(err error) error {
	folder := filepath.Dir(s.path)
	advice := ""
	switch {
	case errors.Is(err, os.ErrNotExist):
		advice = fmt.Sprintf("its folder %s does not exist; create it, or name another path for the database", folder)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		advice = fmt.Sprintf("it cannot be written; let %s write the file and its folder %s, or name another path for the database", user(), folder)
	case errors.Is(err, syscall.EISDIR):
		advice = "it is a folder; name a file in it"
	case errors.Is(err, syscall.ENOTDIR):
		advice = folder + " is not a folder; name another path for the database"
	case errors.Is(err, syscall.ENOSPC):
		advice = "the disk is full; free some space in " + folder
	default:
		return fmt.Errorf("open the database %s: %w", s.path, err)
	}
	return fmt.Errorf("open the database %s: %s (%w)", s.path, advice, err)
}

// user names who rrwatch runs as, without a look into the user database, which
// small images do not have.
func user() string { return fmt.Sprintf("user %d", os.Geteuid()) }
