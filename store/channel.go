package store

import (
	"context"
	"database/sql"
	"errors"
)

// Cursor is the number of the last entry that was told on the channel; 0 when
// none was.
func (s *Store) Cursor(ctx context.Context, channel string) (int64, error) {
	return value[int64](ctx, s, `SELECT seq FROM cursors WHERE channel = ?`, channel)
}

// Thread is the message of the channel that the incident's later messages
// belong to; empty when there is none.
func (s *Store) Thread(ctx context.Context, channel string, incident int64) (string, error) {
	return value[string](ctx, s, `SELECT thread FROM threads WHERE channel = ? AND incident = ?`, channel, incident)
}

// value is the one column of the one row of the answer; zero when there is none.
func value[T any](ctx context.Context, s *Store, query string, args ...any) (T, error) {
	var v T
	err := s.reader.QueryRowContext(ctx, query, args...).Scan(&v)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return v, s.explain("read the channels in", err)
	}
	return v, nil
}

// Advance remembers in one transaction that the channel has told the journal
// up to seq, and the messages, by incident, that it began on the way. A cursor
// never goes back: what was told is not told again.
func (s *Store) Advance(ctx context.Context, channel string, seq int64, threads map[int64]string) error {
	return s.write(ctx, "remember how far "+channel+" was told, in", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO cursors (channel, seq) VALUES (?, ?)
			ON CONFLICT (channel) DO UPDATE SET seq = max(seq, excluded.seq)`, channel, seq)
		if err != nil {
			return err
		}
		for incident, thread := range threads {
			_, err := tx.ExecContext(ctx, `INSERT INTO threads (channel, incident, thread) VALUES (?, ?, ?)
				ON CONFLICT (channel, incident) DO UPDATE SET thread = excluded.thread`, channel, incident, thread)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Join begins to tell a channel. One that is new is told what happens from now
// on, not the past; one that is known goes on where it was.
func (s *Store) Join(ctx context.Context, channel string) error {
	return s.write(ctx, "begin to tell "+channel+", in", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO cursors (channel, seq)
			VALUES (?, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'journal'), 0)) ON CONFLICT DO NOTHING`, channel)
		return err
	})
}

// Forget forgets a channel that nobody is told by any more: how far it was
// told, and its threads. A channel that was never told is no error.
func (s *Store) Forget(ctx context.Context, channel string) error {
	return s.write(ctx, "forget the channel "+channel+" in", func(tx *sql.Tx) error {
		for _, statement := range []string{`DELETE FROM cursors WHERE channel = ?`, `DELETE FROM threads WHERE channel = ?`} {
			if _, err := tx.ExecContext(ctx, statement, channel); err != nil {
				return err
			}
		}
		return nil
	})
}
