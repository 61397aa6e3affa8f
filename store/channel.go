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
