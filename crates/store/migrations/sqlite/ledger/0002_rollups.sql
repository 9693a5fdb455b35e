-- The derived tables of the organisation: attributions, rollups by every dimension, calls by deployment.
-- All of them are made again from the entries by the program when it next opens the file; the mark for
-- that is ledgers.is_derived. A file holds one ledger, whose node is 0; the tables are those of a hub.

DROP TABLE open_attempts;
DROP TABLE attempts;
DROP TABLE requests;
DROP TABLE balances;
DROP TABLE rollups;
DROP TABLE calls;
DROP TABLE last_uses;
DROP TRIGGER entries_are_not_removed;

ALTER TABLE entries ADD COLUMN node INTEGER NOT NULL DEFAULT 0;
-- The body, compressed, where `body` is empty. The hash is always that of the plain body.
ALTER TABLE entries ADD COLUMN packed BLOB;

CREATE TABLE ledgers (
    node          INTEGER PRIMARY KEY,
    ledger_id     BLOB NOT NULL,
    archived_lsn  INTEGER NOT NULL,   -- entries up to this one are removed
    archived_link BLOB NOT NULL,      -- and this is the hash of the last of them
    retired_lsn   INTEGER NOT NULL,   -- sums up to this one are kept without their entries
    instant       INTEGER NOT NULL,   -- the latest admission
    is_derived    INTEGER NOT NULL    -- 0 when the tables below have to be made again
) STRICT;

INSERT INTO ledgers VALUES (0, randomblob(16), 0, zeroblob(32), 0, 0, 0);

CREATE TRIGGER entries_are_not_removed BEFORE DELETE ON entries
WHEN OLD.lsn > (SELECT archived_lsn FROM ledgers WHERE node = OLD.node)
BEGIN
    SELECT RAISE(ABORT, 'entries are never removed');
END;

-- Attempts of requests that have not finished: what a new run has to end.
CREATE TABLE open_attempts (
    node       INTEGER NOT NULL,
    attempt_id BLOB NOT NULL,
    body       TEXT NOT NULL,         -- JSON
    PRIMARY KEY (node, attempt_id)
) STRICT, WITHOUT ROWID;

-- Whom requests are charged to: a key, its owner and everything that was in at the time.
CREATE TABLE attributions (
    node   INTEGER NOT NULL,
    id     INTEGER NOT NULL,
    key_id BLOB NOT NULL,
    units  TEXT NOT NULL,             -- ids separated by spaces, nearest first
    PRIMARY KEY (node, id),
    UNIQUE (node, key_id, units)
) STRICT, WITHOUT ROWID;

-- What requests are counted by.
CREATE TABLE series (
    node        INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    attribution INTEGER NOT NULL,
    model       TEXT NOT NULL,        -- empty for none
    provider    TEXT NOT NULL,        -- empty for none
    PRIMARY KEY (node, id),
    UNIQUE (node, attribution, model, provider)
) STRICT, WITHOUT ROWID;

-- What calls are counted by.
CREATE TABLE routes (
    node          INTEGER NOT NULL,
    id            INTEGER NOT NULL,
    attribution   INTEGER NOT NULL,
    provider_id   BLOB NOT NULL,
    model_id      BLOB NOT NULL,      -- empty for none
    deployment_id BLOB NOT NULL,
    PRIMARY KEY (node, id),
    UNIQUE (node, attribution, provider_id, model_id, deployment_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
    node  INTEGER NOT NULL,
    id    INTEGER NOT NULL,           -- from 1 on
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (node, id),
    UNIQUE (node, name, value)
) STRICT, WITHOUT ROWID;

-- Finished requests, by the entry that has the whole record.
CREATE TABLE requests (
    node               INTEGER NOT NULL,
    lsn                INTEGER PRIMARY KEY,
    request_id         BLOB NOT NULL,
    started_at         INTEGER NOT NULL,
    series             INTEGER NOT NULL,
    outcome            INTEGER NOT NULL,  -- 0 completed, 1 failed, 2 refused, 3 client left, 4 truncated
    status             INTEGER NOT NULL,
    names              TEXT,              -- the model as asked and as the provider calls it, where they differ
    session            TEXT,
    refused_by         BLOB,
    tags               TEXT,              -- ids separated by spaces
    route              INTEGER,           -- of the last call
    attempts           INTEGER NOT NULL,
    input_tokens       INTEGER NOT NULL,
    cached_tokens      INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens      INTEGER NOT NULL,
    reasoning_tokens   INTEGER NOT NULL,
    tokens             INTEGER NOT NULL,
    cost_state         INTEGER NOT NULL,  -- 0 not billable, 1 exact, 2 estimated, 3 unknown
    amount             INTEGER NOT NULL,
    adjusted           INTEGER NOT NULL,  -- what admins added to the amount since
    adjusted_tokens    INTEGER NOT NULL,
    total_us           INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX requests_by_id ON requests (request_id);
CREATE INDEX requests_by_time ON requests (started_at);
CREATE INDEX requests_by_series ON requests (series, started_at);
CREATE INDEX requests_not_completed ON requests (outcome, started_at) WHERE outcome <> 0;
CREATE INDEX requests_corrected ON requests (started_at) WHERE adjusted <> 0;
CREATE INDEX requests_by_session ON requests (session, started_at) WHERE session IS NOT NULL;
CREATE INDEX requests_by_budget ON requests (refused_by, started_at) WHERE refused_by IS NOT NULL;

CREATE TABLE request_tags (
    node       INTEGER NOT NULL,
    tag        INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    lsn        INTEGER NOT NULL,
    PRIMARY KEY (tag, started_at, node, lsn)
) STRICT, WITHOUT ROWID;

-- Ended holds: which entries tell of them.
CREATE TABLE attempts (
    node       INTEGER NOT NULL,
    request_id BLOB NOT NULL,
    hold_lsn   INTEGER NOT NULL,
    lsn        INTEGER NOT NULL,      -- the resolution
    attempt_id BLOB NOT NULL,
    route      INTEGER NOT NULL,
    started_at INTEGER NOT NULL,      -- the request
    amount     INTEGER NOT NULL,
    tokens     INTEGER NOT NULL,
    adjusted   INTEGER NOT NULL,      -- what admins added to the amount since
    adjusted_tokens INTEGER NOT NULL,
    PRIMARY KEY (request_id, hold_lsn, node)
) STRICT, WITHOUT ROWID;

-- Finished requests, added up by the span of time in which they arrived.
CREATE TABLE rollups (
    node               INTEGER NOT NULL,
    slice              INTEGER NOT NULL,  -- -1 all requests, 0 by series, else by series with this tag
    bucket             INTEGER NOT NULL,  -- its length in seconds
    at                 INTEGER NOT NULL,
    series             INTEGER NOT NULL,  -- 0 for all: in slice -1, and beside the others for a tag
    outcome            INTEGER NOT NULL,  -- as in requests; 9 for what admins corrected
    status             INTEGER NOT NULL,
    part               INTEGER NOT NULL,  -- 0 from the entries here, 1 from those removed
    requests           INTEGER NOT NULL,
    admitted           INTEGER NOT NULL,  -- those that reached a provider
    input_tokens       INTEGER NOT NULL,
    cached_tokens      INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens      INTEGER NOT NULL,
    reasoning_tokens   INTEGER NOT NULL,
    tokens             INTEGER NOT NULL,
    amount             INTEGER NOT NULL,
    exact              INTEGER NOT NULL,
    estimated          INTEGER NOT NULL,
    unknown            INTEGER NOT NULL,
    durations          TEXT NOT NULL,     -- of completed requests
    first_outputs      TEXT NOT NULL,     -- of completed requests
    PRIMARY KEY (slice, bucket, at, node, series, outcome, status, part)
) STRICT, WITHOUT ROWID;

-- Calls to providers, added up by the span of time in which their requests arrived.
CREATE TABLE calls (
    node      INTEGER NOT NULL,
    bucket    INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    route     INTEGER NOT NULL,
    part      INTEGER NOT NULL,
    calls     INTEGER NOT NULL,
    errors    INTEGER NOT NULL,
    resolved  INTEGER NOT NULL,
    tokens    INTEGER NOT NULL,
    amount    INTEGER NOT NULL,
    exact     INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    unknown   INTEGER NOT NULL,
    durations TEXT NOT NULL,          -- of calls without an error
    PRIMARY KEY (bucket, at, node, route, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE last_uses (
    node   INTEGER NOT NULL,
    key_id BLOB NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (node, key_id)
) STRICT, WITHOUT ROWID;

-- Entries that are looked for by what they are.
CREATE TABLE notes (
    node INTEGER NOT NULL,
    lsn  INTEGER NOT NULL,
    kind INTEGER NOT NULL,             -- 0 an admin changed something, 1 a checkpoint
    at   INTEGER NOT NULL,
    PRIMARY KEY (node, lsn)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 2;
