-- +goose Up

-- What people were advised of and is not over, as it was told: a restart does not tell it again.
CREATE TABLE advisories (
    kind  TEXT NOT NULL,
    pool  TEXT NOT NULL,
    asked TEXT NOT NULL,                             -- the check's or the endpoint's name
    data  TEXT NOT NULL CHECK (json_valid(data)),
    PRIMARY KEY (kind, pool, asked)
) STRICT, WITHOUT ROWID;
