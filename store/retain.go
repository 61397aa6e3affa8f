package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"
)

// Retention says how long things are kept; 0 is for ever.
type Retention struct {
	Journal   time.Duration // entries that belong to no incident
	Incidents time.Duration // incidents, from their close, with their entries
}

// Removed counts what retention has removed.
type Removed struct {
	Entries   int64 // of the journal, those of removed incidents included
	Incidents int64
}

// Removed in one transaction. An append waits for no more than one of them.
const (
	entriesAtOnce   = 1000
	incidentsAtOnce = 20
)

// Retain removes what is older than r allows at now. An open incident and its
// entries are never removed, and neither is what some channel has not told
// yet. On an error, what was counted is removed, and the rest is still there.
func (s *Store) Retain(ctx context.Context, now time.Time, r Retention) (Removed, error) {
	var total Removed
	if r.Journal > 0 {
		before := now.Add(-r.Journal).UnixMicro()
		err := s.removeAll(ctx, &total, func(tx *sql.Tx, told int64) (Removed, error) {
			return removeEntries(ctx, tx, before, told)
		})
		if err != nil {
			return total, err
		}
	}
	if r.Incidents > 0 {
		before := now.Add(-r.Incidents).UnixMicro()
		err := s.removeAll(ctx, &total, func(tx *sql.Tx, told int64) (Removed, error) {
			return removeIncidents(ctx, tx, before, told)
		})
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// removeAll removes batches, each in a transaction of its own, until one finds
// nothing.
func (s *Store) removeAll(ctx context.Context, total *Removed, batch func(tx *sql.Tx, told int64) (Removed, error)) error {
	for {
		var removed Removed
		err := s.write(ctx, "remove what is too old from", func(tx *sql.Tx) (err error) {
			removed, err = unlocked(ctx, tx, batch)
			return err
		})
		if err != nil {
			return err
		}
		if removed == (Removed{}) {
			return nil
		}
		total.Entries += removed.Entries
		total.Incidents += removed.Incidents
	}
}

// unlocked does the batch while the schema's triggers let entries go.
func unlocked(ctx context.Context, tx *sql.Tx, batch func(tx *sql.Tx, told int64) (Removed, error)) (Removed, error) {
	told := int64(math.MaxInt64)
	err := tx.QueryRowContext(ctx, `SELECT coalesce(min(seq), ?) FROM cursors`, told).Scan(&told)
	if err != nil {
		return Removed{}, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO retention (one) VALUES (1)`); err != nil {
		return Removed{}, err
	}
	removed, err := batch(tx, told)
	if err != nil {
		return Removed{}, err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM retention`)
	return removed, err
}

func removeEntries(ctx context.Context, tx *sql.Tx, before, told int64) (Removed, error) {
	n, err := deleted(ctx, tx, `DELETE FROM journal WHERE seq IN
		(SELECT seq FROM journal WHERE incident IS NULL AND at < ? AND seq <= ? LIMIT ?)`, before, told, entriesAtOnce)
	return Removed{Entries: n}, err
}

func removeIncidents(ctx context.Context, tx *sql.Tx, before, told int64) (Removed, error) {
	var ids []int64
	answer, err := tx.QueryContext(ctx, `SELECT id FROM incidents WHERE closed < ?
		AND NOT EXISTS (SELECT 1 FROM journal WHERE incident = incidents.id AND seq > ?) ORDER BY id LIMIT ?`,
		before, told, incidentsAtOnce)
	if err != nil {
		return Removed{}, err
	}
	defer func() { _ = answer.Close() }()
	for answer.Next() {
		var id int64
		if err := answer.Scan(&id); err != nil {
			return Removed{}, err
		}
		ids = append(ids, id)
	}
	if err := errors.Join(answer.Err(), answer.Close()); err != nil {
		return Removed{}, err
	}
	var removed Removed
	for _, id := range ids {
		entries, err := deleted(ctx, tx, `DELETE FROM journal WHERE incident = ?`, id)
		if err != nil {
			return Removed{}, err
		}
		if _, err := deleted(ctx, tx, `DELETE FROM threads WHERE incident = ?`, id); err != nil {
			return Removed{}, err
		}
		if _, err := deleted(ctx, tx, `DELETE FROM incidents WHERE id = ?`, id); err != nil {
			return Removed{}, err
		}
		removed.Entries += entries
		removed.Incidents++
	}
	return removed, nil
}

func deleted(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
