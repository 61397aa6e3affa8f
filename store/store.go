// Package store remembers: the append-only journal and the views that derive
// from it, in one SQLite file.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"rrwatch/failover"
)

var _ failover.Journal = (*Store)(nil)

// ErrNotFound is the error when there is no such incident. It never existed,
// or retention has removed it.
var ErrNotFound = errors.New("no such incident")

var errReplaced = errors.New("the file was removed or replaced while rrwatch runs, and what is written now would be lost; " +
	"restart rrwatch, after putting the file back if it is still there")

// Store is an open database. All methods may be called at the same time; one
// connection writes and four read.
type Store struct {
	path   string
	file   os.FileInfo // of the database, as opened
	lock   *os.File    // held until Close
	writer *sql.DB
	reader *sql.DB
	lived  int64 // when an rrwatch before this one was last found to write, in microseconds since 1970 UTC; 0: never

	mu      sync.Mutex
	changed chan struct{} // closed and renewed at each append
	closed  bool
}

// Close ends the use of the database and lets another rrwatch open it. Closing
// again does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	// The writer last: the last connection to close folds the write-ahead log
	// into the file. The lock after it, so that nobody else opens in between.
	if err := errors.Join(s.reader.Close(), s.writer.Close(), s.lock.Close()); err != nil {
		return fmt.Errorf("close the database %s: %w", s.path, err)
	}
	return nil
}

// Changed returns a channel that is closed at the next append. Take it before
// reading and wait for it after, and no entry is missed.
func (s *Store) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *Store) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Ping returns nil if the journal can be written now. It finds out by a small
// write of its own, which is flushed to the disk as an entry is, and by which the
// next rrwatch knows that this one was still alive.
func (s *Store) Ping(ctx context.Context) error {
	return s.write(ctx, "try to write the database", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO pulse (one, at) VALUES (1, ?1) ON CONFLICT DO UPDATE SET at = excluded.at`,
			time.Now().UnixMicro())
		return err
	})
}

// Size is the space that the database takes on the disk, in bytes, with its
// write-ahead log.
func (s *Store) Size() (int64, error) {
	var size int64
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(s.path + suffix)
		switch {
		case err == nil:
			size += info.Size()
		case suffix == "" || !errors.Is(err, os.ErrNotExist):
			return 0, fmt.Errorf("read the size of the database: %w", err)
		}
	}
	return size, nil
}

// write does work in one transaction: all of it is kept, or nothing.
func (s *Store) write(ctx context.Context, doing string, work func(*sql.Tx) error) error {
	err := s.transact(ctx, work)
	if err == nil {
		return nil
	}
	// A transaction that was rolled back because the context ended fails in
	// several ways; callers ask for one.
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w (%w)", ended, err)
	}
	return s.explain(doing, err)
}

func (s *Store) replaced() bool {
	info, err := os.Stat(s.path)
	return err != nil || !os.SameFile(info, s.file)
}

func (s *Store) transact(ctx context.Context, work func(*sql.Tx) error) error {
	// SQLite would go on writing to a file that has no name any more.
	if s.replaced() {
		return errReplaced
	}
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit()
}
