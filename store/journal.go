package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"rrwatch/failover"
)

// Append writes the entries and the views that derive from them in one
// transaction, and returns them as they were written: with their sequence
// numbers, the Opened ones with their incident numbers, an ActionBegun with
// its Action.ID, all times in UTC. They share nothing with the caller's. On an
// error nothing was written, and the same call may be made again.
//
// An entry must have a time and a kind, and belong to no incident or to one
// that exists.
func (s *Store) Append(ctx context.Context, entries ...failover.Entry) ([]failover.Entry, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	written := make([]failover.Entry, len(entries))
	for i, e := range entries {
		var err error
		if written[i], err = detached(e); err != nil {
			return nil, fmt.Errorf("append %q (%s) to the journal: %w", e.Text, e.Kind, err)
		}
	}
	err := s.write(ctx, "append to the journal in", func(tx *sql.Tx) error {
		return (&appending{tx: tx, lived: s.lived, incidents: map[int64]failover.Incident{}}).all(ctx, written)
	})
	if err != nil {
		return nil, err
	}
	s.announce()
	return written, nil
}

// detached is a copy of the entry as it will be read back.
func detached(e failover.Entry) (failover.Entry, error) {
	if e.At.IsZero() || e.Kind == "" {
		return failover.Entry{}, errors.New("an entry needs a time and a kind")
	}
	data, err := json.Marshal(e)
	if err != nil {
		return failover.Entry{}, err
	}
	var c failover.Entry
	if err := json.Unmarshal(data, &c); err != nil {
		return failover.Entry{}, err
	}
	inUTC(&c)
	return c, nil
}

// inUTC sets every time in the entry to UTC, so that one instant is always
// written in one way.
func inUTC(e *failover.Entry) {
	times := []*time.Time{&e.At}
	if t := e.Transition; t != nil {
		times = append(times, &t.At)
		for i := range t.Evidence {
			times = append(times, &t.Evidence[i].At)
		}
	}
	if o := e.Opening; o != nil {
		times = append(times, &o.FirstBad, &o.Believed)
		for i := range o.Evidence {
			times = append(times, &o.Evidence[i].At)
		}
	}
	if a := e.Action; a != nil {
		times = append(times, &a.Begun, &a.Applied, &a.Served, &a.Ended, &a.Drained)
	}
	if p := e.Pause; p != nil {
		times = append(times, &p.Since, &p.Until)
	}
	if o := e.Override; o != nil {
		times = append(times, &o.At, &o.Until)
	}
	if p := e.Proposal; p != nil {
		times = append(times, &p.At, &p.Until)
	}
	if a := e.Advisory; a != nil {
		times = append(times, &a.Begun, &a.Told, &a.Gone)
	}
	for _, t := range times {
		*t = t.UTC()
	}
}

// appending is the work of one Append inside its transaction.
type appending struct {
	tx        *sql.Tx
	last      int64                       // sequence number
	opened    int64                       // incident number
	lived     int64                       // as in Store
	incidents map[int64]failover.Incident // touched by these entries, folded so far
}

func (a *appending) all(ctx context.Context, entries []failover.Entry) error {
	err := a.tx.QueryRowContext(ctx, `SELECT `+lastNumber("journal")+`, `+lastNumber("incidents")).Scan(&a.last, &a.opened)
	if err != nil {
		return err
	}
	for i := range entries {
		if err := a.one(ctx, &entries[i]); err != nil {
			return err
		}
	}
	for _, incident := range a.incidents {
		if err := a.keep(ctx, incident); err != nil {
			return err
		}
	}
	return nil
}

// lastNumber is an expression for the highest number that the table has ever
// given; 0: none.
func lastNumber(table string) string {
	return `coalesce((SELECT seq FROM sqlite_sequence WHERE name = '` + table + `'), 0)`
}

// one numbers and writes an entry, and folds it into its incident.
func (a *appending) one(ctx context.Context, e *failover.Entry) error {
	a.last++
	e.Seq = a.last
	if e.Kind == failover.ActionBegun && e.Action != nil && e.Action.ID == 0 {
		e.Action.ID = e.Seq
	}
	if err := a.fold(ctx, e); err != nil {
		return fmt.Errorf("entry %q (%s): %w", e.Text, e.Kind, err)
	}
	for _, view := range []func(context.Context, failover.Entry) error{a.brake, a.advisory, a.pause, a.belief} {
		if err := view(ctx, *e); err != nil {
			return err
		}
	}
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = a.tx.ExecContext(ctx, `INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		e.Seq, e.At.UnixMicro(), string(e.Kind), e.Pool, text(e.Member), sql.NullInt64{Int64: e.Incident, Valid: e.Incident != 0}, string(data))
	return err
}

func (a *appending) fold(ctx context.Context, e *failover.Entry) error {
	if e.Kind == failover.Opened {
		if e.Incident == 0 {
			e.Incident = a.opened + 1
		}
		if e.Incident <= a.opened {
			return fmt.Errorf("incident %d was opened before; leave the number of a new one to the journal", e.Incident)
		}
		a.opened = e.Incident
		a.incidents[e.Incident] = failover.Incident{}.Apply(*e)
		return nil
	}
	if e.Incident == 0 {
		return nil
	}
	incident, ok := a.incidents[e.Incident]
	if !ok {
		var err error
		if incident, err = oneIncident(ctx, a.tx, e.Incident); err != nil {
			return err
		}
	}
	a.incidents[e.Incident] = incident.Apply(*e)
	return nil
}

func (a *appending) keep(ctx context.Context, i failover.Incident) error {
	data, err := json.Marshal(i)
	if err != nil {
		return err
	}
	closed := sql.NullInt64{Int64: i.Closed.UnixMicro(), Valid: !i.Open()}
	_, err = a.tx.ExecContext(ctx, `INSERT INTO incidents (id, pool, member, opened, closed, judged, data) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET closed = excluded.closed, judged = excluded.judged, data = excluded.data`,
		i.ID, i.Pool, text(i.Member), i.Opened.UnixMicro(), closed, judged(i), string(data))
	return err
}

// brake keeps the view of the brake. A brake that is latched again stays
// latched since the first time, for the first reason.
func (a *appending) brake(ctx context.Context, e failover.Entry) error {
	switch e.Kind {
	case failover.BrakeLatched:
		data, err := json.Marshal(failover.Brake{Latched: e.At, Why: e.Text})
		if err != nil {
			return err
		}
		_, err = a.tx.ExecContext(ctx, `INSERT INTO brake (one, data) VALUES (1, ?) ON CONFLICT DO NOTHING`, string(data))
		return err
	case failover.BrakeReleased:
		_, err := a.tx.ExecContext(ctx, `DELETE FROM brake`)
		return err
	case failover.Started, failover.Stopped, failover.Wired, failover.Believed, failover.Opened, failover.Diagnosed,
		failover.HeldBack, failover.Approved, failover.ActionBegun, failover.ActionApplied, failover.ActionEnded,
		failover.Noted, failover.Closed, failover.WentBlind, failover.SawAgain,
		failover.NotServed, failover.ServedAgain, failover.Warned, failover.WarningOver,
		failover.Paused, failover.Resumed, failover.Overridden, failover.Proposed, failover.ProposalOver, failover.Flapping, failover.Calm,
		failover.LeaseTaken, failover.LeaseLost, failover.Drifted, failover.DriftOver, failover.Drained:
	}
	return nil
}

// text is the address for a column; empty: none.
func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
