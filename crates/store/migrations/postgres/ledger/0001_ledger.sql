-- The ledgers of all nodes, as each keeps its own in a file. What the entries of a node say is written by
-- that node alone, and so is everything derived from them: no two nodes touch the same row.

CREATE TABLE entries (
    node   BIGINT NOT NULL,
    lsn    BIGINT NOT NULL,
    at     BIGINT NOT NULL,           -- microseconds since 1970, UTC; as everywhere
    body   TEXT NOT NULL,             -- the entry as JSON, exactly as hashed; empty when it is packed
    hash   BYTEA NOT NULL,            -- SHA-256 of the predecessor's hash and the body
    packed BYTEA,                     -- the body, compressed
    PRIMARY KEY (node, lsn)
);

CREATE TABLE ledgers (
    node          BIGINT PRIMARY KEY,
    ledger_id     BYTEA NOT NULL,
    archived_lsn  BIGINT NOT NULL,   -- entries up to this one are removed
    archived_link BYTEA NOT NULL,      -- and this is the hash of the last of them
    retired_lsn   BIGINT NOT NULL,   -- sums up to this one are kept without their entries
    instant       BIGINT NOT NULL,   -- the latest admission
    is_derived    BIGINT NOT NULL    -- 0 when the tables below have to be made again
);

-- Attempts of requests that have not finished: what a new run has to end.
CREATE TABLE open_attempts (
    node       BIGINT NOT NULL,
    attempt_id BYTEA NOT NULL,
    body       TEXT NOT NULL,         -- JSON
    PRIMARY KEY (node, attempt_id)
);

-- Whom requests are charged to: a key, its owner and everything that was in at the time.
CREATE TABLE attributions (
    node   BIGINT NOT NULL,
    id     BIGINT NOT NULL,
    key_id BYTEA NOT NULL,
    units  TEXT NOT NULL,             -- ids separated by spaces, nearest first
    PRIMARY KEY (node, id),
    UNIQUE (node, key_id, units)
);

-- What requests are counted by.
CREATE TABLE series (
    node        BIGINT NOT NULL,
    id          BIGINT NOT NULL,
    attribution BIGINT NOT NULL,
    model       TEXT NOT NULL,        -- empty for none
    provider    TEXT NOT NULL,        -- empty for none
    PRIMARY KEY (node, id),
    UNIQUE (node, attribution, model, provider)
);

-- What calls are counted by.
CREATE TABLE routes (
    node          BIGINT NOT NULL,
    id            BIGINT NOT NULL,
    attribution   BIGINT NOT NULL,
    provider_id   BYTEA NOT NULL,
    model_id      BYTEA NOT NULL,      -- empty for none
    deployment_id BYTEA NOT NULL,
    PRIMARY KEY (node, id),
    UNIQUE (node, attribution, provider_id, model_id, deployment_id)
);

CREATE TABLE tags (
    node  BIGINT NOT NULL,
    id    BIGINT NOT NULL,           -- from 1 on
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (node, id),
    UNIQUE (node, name, value)
);

-- Finished requests, by the entry that has the whole record.
CREATE TABLE requests (
    node               BIGINT NOT NULL,
    lsn                BIGINT NOT NULL,
    request_id         BYTEA NOT NULL,
    started_at         BIGINT NOT NULL,
    series             BIGINT NOT NULL,
    outcome            BIGINT NOT NULL,  -- 0 completed, 1 failed, 2 refused, 3 client left, 4 truncated
    status             BIGINT NOT NULL,
    names              TEXT,              -- the model as asked and as the provider calls it, where they differ
    session            TEXT,
    refused_by         BYTEA,
    tags               TEXT,              -- ids separated by spaces
    route              BIGINT,           -- of the last call
    attempts           BIGINT NOT NULL,
    input_tokens       BIGINT NOT NULL,
    cached_tokens      BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    output_tokens      BIGINT NOT NULL,
    reasoning_tokens   BIGINT NOT NULL,
    tokens             BIGINT NOT NULL,
    cost_state         BIGINT NOT NULL,  -- 0 not billable, 1 exact, 2 estimated, 3 unknown
    amount             BIGINT NOT NULL,
    adjusted           BIGINT NOT NULL,  -- what admins added to the amount since
    adjusted_tokens    BIGINT NOT NULL,
    total_us           BIGINT NOT NULL,
    PRIMARY KEY (node, lsn)
);

CREATE UNIQUE INDEX requests_by_id ON requests (request_id);
CREATE INDEX requests_by_time ON requests (started_at);
CREATE INDEX requests_by_series ON requests (node, series, started_at);
CREATE INDEX requests_not_completed ON requests (outcome, started_at) WHERE outcome <> 0;
CREATE INDEX requests_corrected ON requests (started_at) WHERE adjusted <> 0;
CREATE INDEX requests_by_session ON requests (session, started_at) WHERE session IS NOT NULL;
CREATE INDEX requests_by_budget ON requests (refused_by, started_at) WHERE refused_by IS NOT NULL;

CREATE TABLE request_tags (
    node       BIGINT NOT NULL,
    tag        BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    lsn        BIGINT NOT NULL,
    PRIMARY KEY (tag, started_at, node, lsn)
);

-- Ended holds: which entries tell of them.
CREATE TABLE attempts (
    node       BIGINT NOT NULL,
    request_id BYTEA NOT NULL,
    hold_lsn   BIGINT NOT NULL,
    lsn        BIGINT NOT NULL,      -- the resolution
    attempt_id BYTEA NOT NULL,
    route      BIGINT NOT NULL,
    started_at BIGINT NOT NULL,      -- the request
    amount     BIGINT NOT NULL,
    tokens     BIGINT NOT NULL,
    adjusted   BIGINT NOT NULL,      -- what admins added to the amount since
    adjusted_tokens BIGINT NOT NULL,
    PRIMARY KEY (request_id, hold_lsn, node)
);

-- Finished requests, added up by the span of time in which they arrived.
CREATE TABLE rollups (
    node               BIGINT NOT NULL,
    slice              BIGINT NOT NULL,  -- -1 all requests, 0 by series, else by series with this tag
    bucket             BIGINT NOT NULL,  -- its length in seconds
    at                 BIGINT NOT NULL,
    series             BIGINT NOT NULL,  -- 0 for all: in slice -1, and beside the others for a tag
    outcome            BIGINT NOT NULL,  -- as in requests; 9 for what admins corrected
    status             BIGINT NOT NULL,
    part               BIGINT NOT NULL,  -- 0 from the entries here, 1 from those removed
    requests           BIGINT NOT NULL,
    admitted           BIGINT NOT NULL,  -- those that reached a provider
    input_tokens       BIGINT NOT NULL,
    cached_tokens      BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    output_tokens      BIGINT NOT NULL,
    reasoning_tokens   BIGINT NOT NULL,
    tokens             BIGINT NOT NULL,
    amount             BIGINT NOT NULL,
    exact              BIGINT NOT NULL,
    estimated          BIGINT NOT NULL,
    unknown            BIGINT NOT NULL,
    durations          TEXT NOT NULL,     -- of completed requests
    first_outputs      TEXT NOT NULL,     -- of completed requests
    PRIMARY KEY (slice, bucket, at, node, series, outcome, status, part)
);

-- Calls to providers, added up by the span of time in which their requests arrived.
CREATE TABLE calls (
    node      BIGINT NOT NULL,
    bucket    BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    route     BIGINT NOT NULL,
    part      BIGINT NOT NULL,
    calls     BIGINT NOT NULL,
    errors    BIGINT NOT NULL,
    resolved  BIGINT NOT NULL,
    tokens    BIGINT NOT NULL,
    amount    BIGINT NOT NULL,
    exact     BIGINT NOT NULL,
    estimated BIGINT NOT NULL,
    unknown   BIGINT NOT NULL,
    durations TEXT NOT NULL,          -- of calls without an error
    PRIMARY KEY (bucket, at, node, route, part)
);

CREATE TABLE last_uses (
    node   BIGINT NOT NULL,
    key_id BYTEA NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (node, key_id)
);

-- Entries that are looked for by what they are.
CREATE TABLE notes (
    node BIGINT NOT NULL,
    lsn  BIGINT NOT NULL,
    kind BIGINT NOT NULL,             -- 0 an admin changed something, 1 a checkpoint
    at   BIGINT NOT NULL,
    PRIMARY KEY (node, lsn)
);

CREATE FUNCTION entries_are_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'entries are never changed';
    END IF;
    IF OLD.lsn > (SELECT archived_lsn FROM ledgers WHERE node = OLD.node) THEN
        RAISE EXCEPTION 'entries are never removed';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER entries_are_for_good BEFORE UPDATE OR DELETE ON entries
FOR EACH ROW EXECUTE FUNCTION entries_are_for_good();

CREATE FUNCTION entries_are_not_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries are never removed';
END $$;

CREATE TRIGGER entries_are_not_emptied BEFORE TRUNCATE ON entries
FOR EACH STATEMENT EXECUTE FUNCTION entries_are_not_emptied();
