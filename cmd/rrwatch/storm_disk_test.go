package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
)

// diskFull has every write to the database refused, or taken again. The real
// SQLite refuses them, by triggers that another connection has put there; they
// are in the file, so that rrwatch finds them when it is started again.
func (s *storm) diskFull(full bool) {
	if s.full == full {
		return
	}
	s.full = full
	db, err := sql.Open("sqlite3", "file:"+s.path+"?_busy_timeout=5000")
	if err != nil {
		s.t.Fatal(err)
	}
	if err := errors.Join(refuseWrites(s.t.Context(), db, full), db.Close()); err != nil {
		s.fail("the disk cannot be filled or emptied: %v", err)
	}
}

func refuseWrites(ctx context.Context, db *sql.DB, refuse bool) error {
	rows, err := db.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		return err
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, table := range tables {
		for _, what := range []string{"INSERT", "UPDATE"} {
			trigger := fmt.Sprintf("disk_full_%s_%s", table, what)
			do := fmt.Sprintf("DROP TRIGGER IF EXISTS %s", trigger)
			if refuse {
				do = fmt.Sprintf("CREATE TRIGGER %s BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END", trigger, what, table)
			}
			if _, err := db.ExecContext(ctx, do); err != nil {
				return err
			}
		}
	}
	return nil
}
