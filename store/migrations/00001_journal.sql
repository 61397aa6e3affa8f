-- The append-only journal and the views that derive from it. Migrations only go forward.

-- +goose Up

-- Times in columns are integer microseconds since 1970 UTC: they sort and compare as numbers, which RFC 3339 text
-- with fractions of different length does not. The exact time is in data. AUTOINCREMENT, so that the number of a row
-- that retention removed is never given again: cursors and pages hold on to these numbers.
CREATE TABLE incidents (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    pool   TEXT    NOT NULL,
    member TEXT    NOT NULL,
    opened INTEGER NOT NULL,
    closed INTEGER,                                    -- NULL while the incident is open
    data   TEXT    NOT NULL CHECK (json_valid(data))   -- the fold of its journal entries
) STRICT;

CREATE INDEX incidents_by_closed ON incidents (closed);

CREATE TABLE journal (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    pool     TEXT    NOT NULL,
    member   TEXT    NOT NULL,
    -- NULL: the entry belongs to no incident. The view is written after the entries that it is folded from.
    incident INTEGER REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED,
    data     TEXT    NOT NULL CHECK (json_valid(data)) -- the whole entry
) STRICT;

CREATE INDEX journal_by_incident ON journal (incident, at);
CREATE INDEX journal_of_releases ON journal (at) WHERE kind = 'brake-released';

-- Holds a row only inside a transaction of retention; the triggers below look at it.
CREATE TABLE retention (
    one INTEGER PRIMARY KEY CHECK (one = 1)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER journal_without_gap BEFORE INSERT ON journal
WHEN NEW.seq <> 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'journal'), 0)
BEGIN
    SELECT raise(ABORT, 'the journal has no gaps: an entry takes the next number');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER journal_never_changed BEFORE UPDATE ON journal
BEGIN
    SELECT raise(ABORT, 'the journal is append-only: an entry is never changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER journal_never_deleted BEFORE DELETE ON journal
WHEN NOT EXISTS (SELECT 1 FROM retention)
BEGIN
    SELECT raise(ABORT, 'the journal is append-only: only retention removes entries');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER journal_keeps_open_incidents BEFORE DELETE ON journal
WHEN EXISTS (SELECT 1 FROM incidents WHERE id = OLD.incident AND closed IS NULL)
BEGIN
    SELECT raise(ABORT, 'the entries of an open incident are never removed');
END;
-- +goose StatementEnd

-- The brake while it is latched; no row: released.
CREATE TABLE brake (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    data TEXT    NOT NULL CHECK (json_valid(data))
) STRICT;

-- How far each channel has told the journal.
CREATE TABLE cursors (
    channel TEXT    PRIMARY KEY,
    seq     INTEGER NOT NULL CHECK (seq >= 0)
) STRICT, WITHOUT ROWID;

-- The message of a channel that an incident's later messages belong to.
CREATE TABLE threads (
    channel  TEXT    NOT NULL,
    incident INTEGER NOT NULL,
    thread   TEXT    NOT NULL,
    PRIMARY KEY (channel, incident)
) STRICT, WITHOUT ROWID;

-- Written to find out whether the database can be written.
CREATE TABLE pulse (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at  INTEGER NOT NULL
) STRICT;
