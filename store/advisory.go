package store

import (
	"context"
	"encoding/json"

	"rrwatch/failover"
)

// advisory keeps the view of the advisories that were told and are not over.
func (a *appending) advisory(ctx context.Context, e failover.Entry) error {
	told := e.Advisory
	switch {
	case told == nil:
		return nil
	case e.Kind == failover.Warned, e.Kind == failover.NotServed, e.Kind == failover.Drifted:
		data, err := json.Marshal(told)
		if err != nil {
			return err
		}
		_, err = a.tx.ExecContext(ctx, `INSERT INTO advisories (kind, pool, asked, data) VALUES (?, ?, ?, ?)
			ON CONFLICT (kind, pool, asked) DO UPDATE SET data = excluded.data`, string(told.Kind), told.Pool, told.Check, string(data))
		return err
	case e.Kind == failover.WarningOver, e.Kind == failover.ServedAgain, e.Kind == failover.DriftOver:
		_, err := a.tx.ExecContext(ctx, `DELETE FROM advisories WHERE kind = ? AND pool = ? AND asked = ?`,
			string(told.Kind), told.Pool, told.Check)
		return err
	}
	return nil
}
