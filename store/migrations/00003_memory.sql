-- +goose Up

-- The pauses that were not ended. What is paused: all pools (both empty), one pool (no member), or one of its members.
CREATE TABLE pauses (
    pool   TEXT NOT NULL,
    member TEXT NOT NULL,
    data   TEXT NOT NULL CHECK (json_valid(data)),
    PRIMARY KEY (pool, member)
) STRICT, WITHOUT ROWID;

-- Until when each target was believed Up. Targets that have not been for a day leave when the watcher comes up.
CREATE TABLE beliefs (
    pool  TEXT    NOT NULL,
    asked TEXT    NOT NULL,                          -- the check's or the endpoint's name
    addr  TEXT    NOT NULL,                          -- with its port; empty for an endpoint
    up    INTEGER NOT NULL CHECK (up IN (0, 1)),     -- 1: it still is, as far as the journal says
    until INTEGER NOT NULL,                          -- when it was last known to be, in microseconds since 1970 UTC
    PRIMARY KEY (pool, asked, addr)
) STRICT, WITHOUT ROWID;

-- As far as each target's last changes say. One that was Up when the watcher last came up is so no more: that one believed
-- nothing yet.
INSERT INTO beliefs (pool, asked, addr, up, until)
WITH believed AS (
    SELECT seq, at,
        data ->> '$.transition.target.pool' AS pool, data ->> '$.transition.target.check' AS asked,
        data ->> '$.transition.target.addr' AS addr, data ->> '$.transition.from' AS was, data ->> '$.transition.to' AS now
    FROM journal WHERE kind = 'believed' AND data ->> '$.transition.target.addr' IS NOT NULL
), latest AS (
    SELECT pool, asked, addr, max(seq) AS seq, now FROM believed GROUP BY pool, asked, addr
), seen AS (
    SELECT pool, asked, addr, max(at) AS at FROM believed WHERE was = 'up' OR now = 'up' GROUP BY pool, asked, addr
), start AS (
    SELECT max(seq) AS seq FROM journal WHERE kind = 'started'
)
SELECT pool, asked, addr, latest.now = 'up' AND latest.seq > coalesce(start.seq, 0), seen.at
FROM seen JOIN latest USING (pool, asked, addr) JOIN start;

-- Whether what would have been done for a closed incident was right (1) or wrong (0); NULL: nothing is judged.
ALTER TABLE incidents ADD COLUMN judged INTEGER CHECK (judged IN (0, 1));

UPDATE incidents SET judged = data ->> '$.shadow.right' WHERE closed IS NOT NULL AND data ->> '$.shadow.judged';

CREATE INDEX incidents_judged ON incidents (closed, pool, judged) WHERE judged IS NOT NULL;
