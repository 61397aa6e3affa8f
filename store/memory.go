package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"rrwatch/failover"
	"rrwatch/monitor"
	"rrwatch/probe"
)

// How far back Memory goes; failover.Memory promises it.
const (
	recent    = 7 * 24 * time.Hour  // closed incidents
	seenFor   = 24 * time.Hour      // beliefs
	scoredFor = 30 * 24 * time.Hour // scores
)

// What Recall asks. None of it may take longer with a longer journal.
const (
	askIncidents = `SELECT data FROM incidents WHERE id IN (SELECT id FROM incidents WHERE closed IS NULL
		UNION ALL SELECT id FROM incidents WHERE closed >= ?) ORDER BY id`
	askRelease = `SELECT coalesce(max(at), 0) FROM journal WHERE kind = 'brake-released'`
	askLease   = `SELECT json_extract(data, '$.holding') FROM journal WHERE kind = 'lease-taken' ORDER BY seq DESC LIMIT 1`
	askNewest  = `SELECT coalesce((SELECT at FROM journal ORDER BY seq DESC LIMIT 1), 0)`
	askSeen    = `SELECT json_object('pool', pool, 'check', asked, 'addr', addr) FROM beliefs
		WHERE until >= ?1 OR up AND ?2 >= ?1 ORDER BY pool, asked, addr`
	askScores = `SELECT json_object('pool', pool, 'right', sum(judged), 'wrong', sum(1 - judged))
		FROM incidents WHERE judged IS NOT NULL AND closed >= ? GROUP BY pool`
)

// pause keeps the view of the pauses that were not ended. One takes the place
// of an earlier one of the same scope.
func (a *appending) pause(ctx context.Context, e failover.Entry) error {
	p := e.Pause
	switch {
	case p == nil:
		return nil
	case e.Kind == failover.Paused:
		data, err := json.Marshal(p)
		if err != nil {
			return err
		}
		_, err = a.tx.ExecContext(ctx, `INSERT INTO pauses (pool, member, data) VALUES (?, ?, ?)
			ON CONFLICT (pool, member) DO UPDATE SET data = excluded.data`, p.Pool, text(p.Member), string(data))
		return err
	case e.Kind == failover.Resumed:
		_, err := a.tx.ExecContext(ctx, `DELETE FROM pauses WHERE pool = ? AND member = ?`, p.Pool, text(p.Member))
		return err
	}
	return nil
}

// belief keeps the view of what was believed Up, and until when.
func (a *appending) belief(ctx context.Context, e failover.Entry) error {
	switch t := e.Transition; {
	case e.Kind == failover.Started:
		return a.begin(ctx, e.At)
	case e.Kind != failover.Believed || t == nil:
		return nil
	case t.From == monitor.Up || t.To == monitor.Up:
		addr, err := t.Target.Addr.MarshalText()
		if err != nil {
			return err
		}
		_, err = a.tx.ExecContext(ctx, `INSERT INTO beliefs (pool, asked, addr, up, until) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (pool, asked, addr) DO UPDATE SET up = excluded.up, until = max(until, excluded.until)`,
			t.Target.Pool, t.Target.Check, string(addr), t.To == monitor.Up, e.At.UnixMicro())
		return err
	}
	return nil
}

// begin ends what the watcher before this one believed: it was so for as long as
// that one lived. What is too old to count ever again is forgotten.
func (a *appending) begin(ctx context.Context, at time.Time) error {
	lived, err := lastLived(ctx, a.tx, a.lived)
	if err != nil {
		return err
	}
	_, err = a.tx.ExecContext(ctx, `UPDATE beliefs SET up = 0, until = max(until, ?) WHERE up`, min(lived, at.UnixMicro()))
	if err != nil {
		return err
	}
	_, err = a.tx.ExecContext(ctx, `DELETE FROM beliefs WHERE until < ?`, at.Add(-seenFor).UnixMicro())
	return err
}

// lastLived is when a watcher last gave a sign of life: the time of the journal's
// newest entry, or before, that of another sign.
func lastLived(ctx context.Context, q querier, before int64) (int64, error) {
	newest, err := number(ctx, q, askNewest)
	return max(newest, before), err
}

// number is the one number of the answer.
func number(ctx context.Context, q querier, query string) (int64, error) {
	found, err := rows[int64](ctx, q, query)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0], nil
}

// seenUp lists the targets that were believed Up at some time since the given
// one: those that still are when their watcher last lived count if it has lived
// since, those that are not any more by when they ceased to be.
func seenUp(ctx context.Context, q querier, since time.Time, before int64) ([]probe.Target, error) {
	lived, err := lastLived(ctx, q, before)
	if err != nil {
		return nil, err
	}
	return rows[probe.Target](ctx, q, askSeen, since.UnixMicro(), lived)
}

// scores counts, by pool, how often what would have been done was right and
// wrong, in the incidents closed since.
func scores(ctx context.Context, q querier, since time.Time) (map[string]failover.Score, error) {
	type count struct {
		Pool string `json:"pool"`
		failover.Score
	}
	counts, err := rows[count](ctx, q, askScores, since.UnixMicro())
	if err != nil {
		return nil, err
	}
	list := make(map[string]failover.Score, len(counts))
	for _, c := range counts {
		list[c.Pool] = c.Score
	}
	return list, nil
}

// judged is whether what would have been done for the incident was right, for
// its column.
func judged(i failover.Incident) sql.NullInt64 {
	switch s := (failover.Score{}).Add(i); {
	case s.Right > 0:
		return sql.NullInt64{Int64: 1, Valid: true}
	case s.Wrong > 0:
		return sql.NullInt64{Int64: 0, Valid: true}
	}
	return sql.NullInt64{}
}
