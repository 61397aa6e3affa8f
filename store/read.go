package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rrwatch/failover"
)

// Bounds of what one read returns.
const (
	maxEntries       = 1000
	defaultIncidents = 50
	maxIncidents     = 1000
)

// IncidentQuery selects incidents. The zero value selects the newest of all.
type IncidentQuery struct {
	Open   *bool  // nil: both; true: only the open ones; false: only the closed ones
	Pool   string // empty: of all pools
	Before int64  // only those with a lower id, for the next page; 0: from the newest
	Limit  int    // at most so many, up to 1000; 0: 50
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Recall returns what the journal says at the start, all of it as of one moment.
func (s *Store) Recall(ctx context.Context) (failover.Memory, error) {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return failover.Memory{}, s.explain("read", err)
	}
	defer func() { _ = tx.Rollback() }()
	m, err := recall(ctx, tx, time.Now(), s.lived)
	if err != nil {
		return failover.Memory{}, s.explain("read what happened before in", err)
	}
	return m, nil
}

func recall(ctx context.Context, tx *sql.Tx, now time.Time, lived int64) (m failover.Memory, err error) {
	m.Incidents, err = rows[failover.Incident](ctx, tx, askIncidents, now.Add(-recent).UnixMicro())
	if err != nil {
		return m, fmt.Errorf("its incidents: %w", err)
	}
	brakes, err := rows[failover.Brake](ctx, tx, `SELECT data FROM brake`)
	if err != nil {
		return m, fmt.Errorf("its brake: %w", err)
	}
	if len(brakes) > 0 {
		m.Brake = &brakes[0]
	}
	released, err := number(ctx, tx, askRelease)
	if err != nil {
		return m, fmt.Errorf("the brake's last release: %w", err)
	}
	if released != 0 {
		m.Released = time.UnixMicro(released).UTC()
	}
	if m.Pauses, err = rows[failover.Pause](ctx, tx, `SELECT data FROM pauses ORDER BY pool, member`); err != nil {
		return m, fmt.Errorf("its pauses: %w", err)
	}
	if m.Advisories, err = rows[failover.Advisory](ctx, tx, `SELECT data FROM advisories ORDER BY kind, pool, asked`); err != nil {
		return m, fmt.Errorf("its advisories: %w", err)
	}
	if m.SeenUp, err = seenUp(ctx, tx, now.Add(-seenFor), lived); err != nil {
		return m, fmt.Errorf("what was believed: %w", err)
	}
	if m.Scores, err = scores(ctx, tx, now.Add(-scoredFor)); err != nil {
		return m, fmt.Errorf("its scores: %w", err)
	}
	held, err := rows[failover.Holding](ctx, tx, askLease)
	if err != nil {
		return m, fmt.Errorf("its lease: %w", err)
	}
	if len(held) > 0 {
		m.LeaseID = held[0].ID
	}
	return m, nil
}

// Since returns the entries whose number is above after, in order, at most
// limit of them and never more than 1000; a limit below 1 stands for 1000.
// Where retention has removed entries, numbers are missing.
func (s *Store) Since(ctx context.Context, after int64, limit int) ([]failover.Entry, error) {
	if limit < 1 {
		limit = maxEntries
	}
	entries, err := rows[failover.Entry](ctx, s.reader, `SELECT data FROM journal WHERE seq > ? ORDER BY seq LIMIT ?`, after, min(limit, maxEntries))
	if err != nil {
		return nil, s.explain("read the journal in", err)
	}
	return entries, nil
}

// Last is the number of the newest entry, also if retention has removed it; 0
// when nothing was ever written.
func (s *Store) Last(ctx context.Context) (int64, error) {
	var last int64
	if err := s.reader.QueryRowContext(ctx, `SELECT `+lastNumber("journal")).Scan(&last); err != nil {
		return 0, s.explain("read the journal in", err)
	}
	return last, nil
}

// Incident returns one incident. The error is ErrNotFound if there is none of
// that number.
func (s *Store) Incident(ctx context.Context, id int64) (failover.Incident, error) {
	incident, err := oneIncident(ctx, s.reader, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		err = s.explain("read the incidents in", err)
	}
	return incident, err
}

// Incidents returns the incidents that q selects, newest first.
func (s *Store) Incidents(ctx context.Context, q IncidentQuery) ([]failover.Incident, error) {
	if q.Limit < 1 {
		q.Limit = defaultIncidents
	}
	incidents, err := rows[failover.Incident](ctx, s.reader, `SELECT data FROM incidents
		WHERE (?1 = '' OR pool = ?1) AND (?2 = 0 OR id < ?2) AND (?3 IS NULL OR (closed IS NULL) = ?3)
		ORDER BY id DESC LIMIT ?4`, q.Pool, q.Before, q.Open, min(q.Limit, maxIncidents))
	if err != nil {
		return nil, s.explain("read the incidents in", err)
	}
	return incidents, nil
}

func oneIncident(ctx context.Context, q querier, id int64) (failover.Incident, error) {
	found, err := rows[failover.Incident](ctx, q, `SELECT data FROM incidents WHERE id = ?`, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("incident %d: %w", id, ErrNotFound)
	}
	if err != nil {
		return failover.Incident{}, err
	}
	return found[0], nil
}

// rows decodes the one JSON column of each row of the answer.
func rows[T any](ctx context.Context, q querier, query string, args ...any) ([]T, error) {
	answer, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Close() }()
	var list []T
	for answer.Next() {
		var data sql.RawBytes
		if err := answer.Scan(&data); err != nil {
			return nil, err
		}
		var item T
		if err := json.Unmarshal(data, &item); err != nil {
			return nil, fmt.Errorf("decode a stored %T: %w", item, err)
		}
		list = append(list, item)
	}
	return list, answer.Err()
}
