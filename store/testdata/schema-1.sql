-- A database as schema 1 wrote it. Later versions must go on reading it; never change this file.
PRAGMA application_id = 1920104308;
PRAGMA foreign_keys = OFF;
BEGIN;
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
CREATE TABLE incidents (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    pool   TEXT    NOT NULL,
    member TEXT    NOT NULL,
    opened INTEGER NOT NULL,
    closed INTEGER,                                    -- NULL while the incident is open
    data   TEXT    NOT NULL CHECK (json_valid(data))   -- the fold of its journal entries
) STRICT;
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
CREATE TABLE retention (
    one INTEGER PRIMARY KEY CHECK (one = 1)
) STRICT;
CREATE TABLE brake (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    data TEXT    NOT NULL CHECK (json_valid(data))
) STRICT;
CREATE TABLE cursors (
    channel TEXT    PRIMARY KEY,
    seq     INTEGER NOT NULL CHECK (seq >= 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE threads (
    channel  TEXT    NOT NULL,
    incident INTEGER NOT NULL,
    thread   TEXT    NOT NULL,
    PRIMARY KEY (channel, incident)
) STRICT, WITHOUT ROWID;
CREATE TABLE pulse (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at  INTEGER NOT NULL
) STRICT;
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (1, 0, 1, '2026-11-21 15:23:39');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (2, 1, 1, '2026-11-21 15:23:39');
INSERT INTO incidents (id, pool, member, opened, closed, data) VALUES (1, 'www', '203.0.113.1', 1772348400123456, 1772348404123456, '{"id":1,"pool":"www","member":"203.0.113.1","opened":"2026-03-01T07:00:00.123456789Z","closed":"2026-03-01T07:00:04.123456789Z","opening":{"first_bad":"2026-03-01T06:59:58.123456789Z","believed":"2026-03-01T07:00:00.123456789Z","instance":"i-1","zone":"eu-west-1a","seen_up":true,"evidence":[{"target":{"pool":"","check":"","addr":""},"at":"2026-03-01T07:00:00.123456789Z","verdict":"fail","detail":"connection refused","phases":{"whole":0}}]},"diagnosis":{"cause":"process","evidence":["refused"]},"actions":[{"id":4,"kind":"remap","pool":"www","member":"203.0.113.1","incident":1,"remap":{"addr":"203.0.113.1","allocation":"eipalloc-1","from":"i-1","to":"i-2","interface":"","private":"10.0.0.2"},"why":"","status":"proven","begun":"2026-03-01T07:00:00.126456789Z","applied":"2026-03-01T07:00:01.123456789Z","served":"2026-03-01T07:00:02.123456789Z","ended":"2026-03-01T07:00:03.123456789Z"}],"outcome":"served again","notes":[{"seq":1,"at":"2026-03-01T07:00:00.123456789Z","kind":"opened","text":"203.0.113.1 is down"},{"seq":2,"at":"2026-03-01T07:00:00.124456789Z","kind":"diagnosed","text":"the process died"},{"seq":3,"at":"2026-03-01T07:00:00.125456789Z","kind":"held","text":"held"},{"seq":4,"at":"2026-03-01T07:00:00.126456789Z","kind":"action-begun","text":"begun"},{"seq":5,"at":"2026-03-01T07:00:01.123456789Z","kind":"action-applied","text":"applied"},{"seq":6,"at":"2026-03-01T07:00:03.123456789Z","kind":"action-ended","text":"proven"},{"seq":7,"at":"2026-03-01T07:00:04.123456789Z","kind":"closed","text":"served again"}]}');
INSERT INTO incidents (id, pool, member, opened, closed, data) VALUES (2, 'api', '203.0.113.1', 1772352000123456, NULL, '{"id":2,"pool":"api","member":"203.0.113.1","opened":"2026-03-01T08:00:00.123456789Z","opening":{"first_bad":"2026-03-01T07:59:58.123456789Z","believed":"2026-03-01T08:00:00.123456789Z","instance":"i-1","zone":"eu-west-1a","seen_up":true,"evidence":[{"target":{"pool":"","check":"","addr":""},"at":"2026-03-01T08:00:00.123456789Z","verdict":"fail","detail":"connection refused","phases":{"whole":0}}]},"diagnosis":{"cause":"process","evidence":["refused"]},"held":[{"member":"203.0.113.1","guard":"cool-down","text":"touched a minute ago"}],"actions":[{"id":11,"kind":"remap","pool":"api","member":"203.0.113.1","incident":2,"remap":{"addr":"203.0.113.1","allocation":"eipalloc-1","from":"i-1","to":"i-2","interface":"","private":"10.0.0.2"},"why":"","status":"applied","begun":"2026-03-01T08:00:00.126456789Z","applied":"2026-03-01T08:00:01.123456789Z"}],"notes":[{"seq":8,"at":"2026-03-01T08:00:00.123456789Z","kind":"opened","text":"203.0.113.1 is down"},{"seq":9,"at":"2026-03-01T08:00:00.124456789Z","kind":"diagnosed","text":"the process died"},{"seq":10,"at":"2026-03-01T08:00:00.125456789Z","kind":"held","text":"held"},{"seq":11,"at":"2026-03-01T08:00:00.126456789Z","kind":"action-begun","text":"begun"},{"seq":12,"at":"2026-03-01T08:00:01.123456789Z","kind":"action-applied","text":"applied"}]}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (1, 1772348400123456, 'opened', 'www', '203.0.113.1', 1, '{"seq":1,"at":"2026-03-01T07:00:00.123456789Z","kind":"opened","pool":"www","member":"203.0.113.1","incident":1,"text":"203.0.113.1 is down","opening":{"first_bad":"2026-03-01T06:59:58.123456789Z","believed":"2026-03-01T07:00:00.123456789Z","instance":"i-1","zone":"eu-west-1a","seen_up":true,"evidence":[{"target":{"pool":"","check":"","addr":""},"at":"2026-03-01T07:00:00.123456789Z","verdict":"fail","detail":"connection refused","phases":{"whole":0}}]}}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (2, 1772348400124456, 'diagnosed', 'www', '203.0.113.1', 1, '{"seq":2,"at":"2026-03-01T07:00:00.124456789Z","kind":"diagnosed","pool":"www","member":"203.0.113.1","incident":1,"text":"the process died","diagnosis":{"cause":"process","evidence":["refused"]}}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (3, 1772348400125456, 'held', 'www', '203.0.113.1', 1, '{"seq":3,"at":"2026-03-01T07:00:00.125456789Z","kind":"held","pool":"www","member":"203.0.113.1","incident":1,"text":"held","held":[{"member":"203.0.113.1","guard":"cool-down","text":"touched a minute ago"}]}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (4, 1772348400126456, 'action-begun', 'www', '203.0.113.1', 1, '{"seq":4,"at":"2026-03-01T07:00:00.126456789Z","kind":"action-begun","pool":"www","member":"203.0.113.1","incident":1,"text":"begun","action":{"id":4,"kind":"remap","pool":"www","member":"203.0.113.1","incident":1,"remap":{"addr":"203.0.113.1","allocation":"eipalloc-1","from":"i-1","to":"i-2","interface":"","private":"10.0.0.2"},"why":"","status":"begun","begun":"2026-03-01T07:00:00.126456789Z"}}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (5, 1772348401123456, 'action-applied', 'www', '203.0.113.1', 1, '{"seq":5,"at":"2026-03-01T07:00:01.123456789Z","kind":"action-applied","pool":"www","member":"203.0.113.1","incident":1,"text":"applied","action":{"id":4,"kind":"remap","pool":"www","member":"203.0.113.1","incident":1,"remap":{"addr":"203.0.113.1","allocation":"eipalloc-1","from":"i-1","to":"i-2","interface":"","private":"10.0.0.2"},"why":"","status":"applied","begun":"2026-03-01T07:00:00.126456789Z","applied":"2026-03-01T07:00:01.123456789Z"}}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (6, 1772348403123456, 'action-ended', 'www', '203.0.113.1', 1, '{"seq":6,"at":"2026-03-01T07:00:03.123456789Z","kind":"action-ended","pool":"www","member":"203.0.113.1","incident":1,"text":"proven","action":{"id":4,"kind":"remap","pool":"www","member":"203.0.113.1","incident":1,"remap":{"addr":"203.0.113.1","allocation":"eipalloc-1","from":"i-1","to":"i-2","interface":"","private":"10.0.0.2"},"why":"","status":"proven","begun":"2026-03-01T07:00:00.126456789Z","applied":"2026-03-01T07:00:01.123456789Z","served":"2026-03-01T07:00:02.123456789Z","ended":"2026-03-01T07:00:03.123456789Z"}}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (7, 1772348404123456, 'closed', 'www', '203.0.113.1', 1, '{"seq":7,"at":"2026-03-01T07:00:04.123456789Z","kind":"closed","pool":"www","member":"203.0.113.1","incident":1,"text":"served again"}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (8, 1772352000123456, 'opened', 'api', '203.0.113.1', 2, '{"seq":8,"at":"2026-03-01T08:00:00.123456789Z","kind":"opened","pool":"api","member":"203.0.113.1","incident":2,"text":"203.0.113.1 is down","opening":{"first_bad":"2026-03-01T07:59:58.123456789Z","believed":"2026-03-01T08:00:00.123456789Z","instance":"i-1","zone":"eu-west-1a","seen_up":true,"evidence":[{"target":{"pool":"","check":"","addr":""},"at":"2026-03-01T08:00:00.123456789Z","verdict":"fail","detail":"connection refused","phases":{"whole":0}}]}}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (9, 1772352000124456, 'diagnosed', 'api', '203.0.113.1', 2, '{"seq":9,"at":"2026-03-01T08:00:00.124456789Z","kind":"diagnosed","pool":"api","member":"203.0.113.1","incident":2,"text":"the process died","diagnosis":{"cause":"process","evidence":["refused"]}}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (10, 1772352000125456, 'held', 'api', '203.0.113.1', 2, '{"seq":10,"at":"2026-03-01T08:00:00.125456789Z","kind":"held","pool":"api","member":"203.0.113.1","incident":2,"text":"held","held":[{"member":"203.0.113.1","guard":"cool-down","text":"touched a minute ago"}]}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (11, 1772352000126456, 'action-begun', 'api', '203.0.113.1', 2, '{"seq":11,"at":"2026-03-01T08:00:00.126456789Z","kind":"action-begun","pool":"api","member":"203.0.113.1","incident":2,"text":"begun","action":{"id":11,"kind":"remap","pool":"api","member":"203.0.113.1","incident":2,"remap":{"addr":"203.0.113.1","allocation":"eipalloc-1","from":"i-1","to":"i-2","interface":"","private":"10.0.0.2"},"why":"","status":"begun","begun":"2026-03-01T08:00:00.126456789Z"}}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (12, 1772352001123456, 'action-applied', 'api', '203.0.113.1', 2, '{"seq":12,"at":"2026-03-01T08:00:01.123456789Z","kind":"action-applied","pool":"api","member":"203.0.113.1","incident":2,"text":"applied","action":{"id":11,"kind":"remap","pool":"api","member":"203.0.113.1","incident":2,"remap":{"addr":"203.0.113.1","allocation":"eipalloc-1","from":"i-1","to":"i-2","interface":"","private":"10.0.0.2"},"why":"","status":"applied","begun":"2026-03-01T08:00:00.126456789Z","applied":"2026-03-01T08:00:01.123456789Z"}}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (13, 1772348400123456, 'noted', '', '', NULL, '{"seq":13,"at":"2026-03-01T07:00:00.123456789Z","kind":"noted","text":"a note that belongs to no incident"}');
INSERT INTO journal (seq, at, kind, pool, member, incident, data) VALUES (14, 1772355600123456, 'brake-latched', '', '', NULL, '{"seq":14,"at":"2026-03-01T09:00:00.123456789Z","kind":"brake-latched","text":"3 actions within 10 minutes"}');
INSERT INTO brake (one, data) VALUES (1, '{"latched":"2026-03-01T09:00:00.123456789Z","why":"3 actions within 10 minutes"}');
INSERT INTO cursors (channel, seq) VALUES ('slack', 12);
INSERT INTO threads (channel, incident, thread) VALUES ('slack', 2, '1772348400.000200');
CREATE INDEX incidents_by_closed ON incidents (closed);
CREATE INDEX journal_by_incident ON journal (incident, at);
CREATE TRIGGER journal_without_gap BEFORE INSERT ON journal
WHEN NEW.seq <> 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'journal'), 0)
BEGIN
    SELECT raise(ABORT, 'the journal has no gaps: an entry takes the next number');
END;
CREATE TRIGGER journal_never_changed BEFORE UPDATE ON journal
BEGIN
    SELECT raise(ABORT, 'the journal is append-only: an entry is never changed');
END;
CREATE TRIGGER journal_never_deleted BEFORE DELETE ON journal
WHEN NOT EXISTS (SELECT 1 FROM retention)
BEGIN
    SELECT raise(ABORT, 'the journal is append-only: only retention removes entries');
END;
CREATE TRIGGER journal_keeps_open_incidents BEFORE DELETE ON journal
WHEN EXISTS (SELECT 1 FROM incidents WHERE id = OLD.incident AND closed IS NULL)
BEGIN
    SELECT raise(ABORT, 'the entries of an open incident are never removed');
END;
COMMIT;
