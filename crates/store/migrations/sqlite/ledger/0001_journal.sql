-- The journal: what happened, in order. Every other table is derived from it.
CREATE TABLE entries (
    lsn  INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,          -- microseconds since 1970, UTC; as everywhere
    body TEXT NOT NULL,             -- the entry as JSON, exactly as hashed
    hash BLOB NOT NULL              -- SHA-256 of the predecessor's hash and the body
) STRICT;

CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries are never changed');
END;

CREATE TRIGGER entries_are_not_removed BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries are never removed');
END;

-- Attempts of requests that have not finished: what a new run has to end.
CREATE TABLE open_attempts (
    attempt_id     BLOB PRIMARY KEY,
    lsn            INTEGER NOT NULL,
    epoch          INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    hold           TEXT NOT NULL,   -- JSON
    progress_at    INTEGER,
    progress       TEXT,            -- JSON
    resolution     TEXT,            -- JSON; none while the hold is open
    is_left_behind INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Attempts whose hold has ended, by the entry that ended it.
CREATE TABLE attempts (
    lsn          INTEGER PRIMARY KEY,
    attempt_id   BLOB NOT NULL,
    request_id   BLOB NOT NULL,
    hold_lsn     INTEGER NOT NULL,
    held_at      INTEGER NOT NULL,
    amount       INTEGER NOT NULL,
    price_id     BLOB,
    tariff       TEXT,              -- JSON
    resolution   TEXT NOT NULL,
    input        INTEGER,
    cached_read  INTEGER,
    cache_write  INTEGER,
    output       INTEGER,
    reasoning    INTEGER,
    audio_input  INTEGER,
    audio_output INTEGER,
    cache_write_1h INTEGER,
    image_input  INTEGER,
    image_output INTEGER,
    images       INTEGER,
    audio_ms     INTEGER,
    characters   INTEGER,
    searches     INTEGER,
    service_tier TEXT,
    usage_source TEXT,
    cost_state   TEXT NOT NULL,
    cost_amount  INTEGER NOT NULL,
    overage      INTEGER NOT NULL
) STRICT;

CREATE INDEX attempts_by_request ON attempts (request_id);

-- Usage records of finished requests, by the entry that holds them.
CREATE TABLE requests (
    lsn             INTEGER PRIMARY KEY,
    request_id      BLOB NOT NULL UNIQUE,
    started_at      INTEGER NOT NULL,
    key_id          BLOB NOT NULL,
    operation       TEXT NOT NULL,
    model_asked     TEXT NOT NULL,
    model           TEXT,
    provider        TEXT,
    upstream_model  TEXT,
    is_streaming    INTEGER NOT NULL,
    status          INTEGER NOT NULL,
    outcome         TEXT NOT NULL,
    error           TEXT,
    input           INTEGER,
    cached_read     INTEGER,
    cache_write     INTEGER,
    output          INTEGER,
    reasoning       INTEGER,
    audio_input     INTEGER,
    audio_output    INTEGER,
    cache_write_1h  INTEGER,
    image_input     INTEGER,
    image_output    INTEGER,
    images          INTEGER,
    audio_ms        INTEGER,
    characters      INTEGER,
    searches        INTEGER,
    service_tier    TEXT,
    usage_source    TEXT NOT NULL,
    cost_state      TEXT NOT NULL,
    cost_amount     INTEGER NOT NULL,
    first_output_us INTEGER,
    total_us        INTEGER NOT NULL,
    overhead_us     INTEGER,
    attempts        TEXT NOT NULL,  -- JSON
    losses          TEXT,           -- JSON; none where nothing was lost
    user_agent      TEXT
) STRICT;

CREATE INDEX requests_by_time ON requests (started_at, request_id);

CREATE TABLE balances (
    scope  TEXT PRIMARY KEY,        -- JSON
    posted INTEGER NOT NULL,
    held   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Finished requests, added up by the bucket of time in which they arrived.
CREATE TABLE rollups (
    bucket        INTEGER NOT NULL, -- its length in seconds
    at            INTEGER NOT NULL,
    key_id        BLOB NOT NULL,
    model         TEXT NOT NULL,    -- empty for none
    provider      TEXT NOT NULL,    -- empty for none
    requests      INTEGER NOT NULL,
    errors        INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    amount        INTEGER NOT NULL,
    exact         INTEGER NOT NULL,
    estimated     INTEGER NOT NULL,
    unknown       INTEGER NOT NULL,
    durations     TEXT NOT NULL,    -- JSON: how many completed requests took about how long
    PRIMARY KEY (bucket, at, key_id, model, provider)
) STRICT, WITHOUT ROWID;

-- Calls to providers, added up in buckets of five minutes.
CREATE TABLE calls (
    at          INTEGER NOT NULL,
    provider_id BLOB NOT NULL,
    calls       INTEGER NOT NULL,
    errors      INTEGER NOT NULL,
    amount      INTEGER NOT NULL,
    exact       INTEGER NOT NULL,
    estimated   INTEGER NOT NULL,
    unknown     INTEGER NOT NULL,
    durations   TEXT NOT NULL,      -- JSON: how many calls without an error took about how long
    PRIMARY KEY (at, provider_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE last_uses (
    key_id BLOB PRIMARY KEY,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA application_id = 1297240658;
PRAGMA user_version = 1;
