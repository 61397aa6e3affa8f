-- +goose Up

-- By what this watcher last held leases.
CREATE INDEX journal_of_leases ON journal (seq) WHERE kind = 'lease-taken';
