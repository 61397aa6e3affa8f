package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// application marks an SQLite file as rrwatch's ("rrwt" in ASCII), by the
// field that SQLite's file format has for it
// (https://www.sqlite.org/pragma.html#pragma_application_id).
const application = 0x72727774

// readers is the number of connections that read; a page or a follower needs
// one for a few milliseconds.
const readers = 4

// options are what tests change.
type options struct {
	busy time.Duration // how long a write waits for another program's lock
}

// Open opens the database at path, creates it if there is none (readable by
// the own user only) and brings its schema up to date. It refuses a database
// of a newer rrwatch, of another program, and one that another rrwatch has
// open; the error says what to do.
func Open(ctx context.Context, path string) (*Store, error) {
	return open(ctx, path, options{busy: 5 * time.Second})
}

func open(ctx context.Context, path string, o options) (*Store, error) {
	if path == "" {
		return nil, errors.New("open the database: no path is given; name a file")
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	s := &Store{path: full, changed: make(chan struct{})}
	if err := s.claim(); err != nil {
		return nil, err
	}
	if err := s.connect(ctx, o); err != nil {
		return nil, errors.Join(err, s.abandon())
	}
	return s, nil
}

// abandon closes what a failed open has opened.
func (s *Store) abandon() error {
	var errs []error
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// claim takes the lock file, which keeps a second rrwatch away. The system
// lets go of it when the process ends, however it ends. The database itself
// cannot be locked so: SQLite's own locks on it would be lost.
func (s *Store) claim() error {
	if info, err := os.Stat(s.path); err == nil && info.IsDir() {
		return s.explainFile(syscall.EISDIR)
	}
	lock, err := os.OpenFile(s.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return s.explainFile(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		held := s.held(lock, err)
		return errors.Join(held, lock.Close())
	}
	// Whose it is, for the message above; nothing depends on it.
	if err := lock.Truncate(0); err == nil {
		_, _ = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	s.lock = lock
	return nil
}

func (s *Store) held(lock *os.File, err error) error {
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("lock the database %s: %w; name a path on a disk that can lock files", s.path, err)
	}
	who := "another rrwatch"
	text := make([]byte, 20)
	if n, _ := lock.ReadAt(text, 0); n > 0 {
		who += " (process " + strings.TrimSpace(string(text[:n])) + ")"
	}
	return fmt.Errorf("open the database %s: %s has it open; stop that one, or name another path for the database", s.path, who)
}

func (s *Store) connect(ctx context.Context, o options) error {
	if err := s.create(); err != nil {
		return err
	}
	writer := s.dsn(o, url.Values{
		"mode":             {"rw"},
		"_journal_mode":    {"WAL"},
		"_synchronous":     {"FULL"}, // an entry that Append has returned survives a power cut
		"_txlock":          {"immediate"},
		"_stmt_cache_size": {"16"},
	})
	var err error
	if s.writer, err = sql.Open("sqlite3", writer); err != nil {
		return s.explain("open the database", err)
	}
	s.writer.SetMaxOpenConns(1)
	if err := s.recognise(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	// Now, for the first Ping of this one takes its place.
	if s.lived, err = number(ctx, s.writer, `SELECT coalesce(max(at), 0) FROM pulse`); err != nil {
		return s.explain("open the database", err)
	}
	reader := s.dsn(o, url.Values{"mode": {"ro"}, "_query_only": {"on"}, "_stmt_cache_size": {"16"}})
	if s.reader, err = sql.Open("sqlite3", reader); err != nil {
		return s.explain("open the database", err)
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	return nil
}

// create makes an empty file with narrow permissions, which SQLite then gives
// to the files beside it too, and remembers which file it is.
func (s *Store) create() error {
	file, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return s.explainFile(err)
	}
	info, err := file.Stat()
	if err := errors.Join(err, file.Close(), flush(filepath.Dir(s.path))); err != nil {
		return s.explainFile(err)
	}
	s.file = info
	return nil
}

// flush makes the name of a new file in the folder survive a power cut.
func flush(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	// Not every file system can do it; those that cannot do not need it.
	_ = dir.Sync()
	return dir.Close()
}

func (s *Store) dsn(o options, params url.Values) string {
	params.Set("_busy_timeout", strconv.FormatInt(o.busy.Milliseconds(), 10))
	params.Set("_foreign_keys", "on")
	return (&url.URL{Scheme: "file", OmitHost: true, Path: s.path, RawQuery: params.Encode()}).String()
}

// recognise refuses the database of another program, and marks an empty one as
// ours before anything else is written.
func (s *Store) recognise(ctx context.Context) error {
	var tables, mark int
	err := s.writer.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM sqlite_schema), application_id FROM pragma_application_id`).Scan(&tables, &mark)
	if err != nil {
		return s.explain("open the database", err)
	}
	switch {
	case mark == application:
		return nil
	case tables > 0 || mark != 0:
		return fmt.Errorf("open the database %s: it belongs to another program; name another path for the database", s.path)
	}
	if _, err := s.writer.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d`, application)); err != nil {
		return s.explain("create the database", err)
	}
	return nil
}

func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read the embedded migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, s.writer, files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("read the embedded migrations: %w", err)
	}
	current, known, err := provider.GetVersions(ctx)
	if err != nil {
		return s.explain("read the schema of", err)
	}
	if current > known {
		return fmt.Errorf("open the database %s: it was written by a newer rrwatch (schema %d; this one knows up to %d); "+
			"run that version, or restore the backup from before its first start", s.path, current, known)
	}
	if _, err := provider.Up(ctx); err != nil {
		return s.explain("bring up to date the schema of", err)
	}
	return nil
}
