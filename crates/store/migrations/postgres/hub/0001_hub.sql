-- What the nodes of a hub know of one another, and what each may use of a budget that they share.
-- Times are microseconds since 1970, UTC, by the clock of this database.
CREATE TABLE nodes (
    number        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ledger        BYTEA NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    version       TEXT NOT NULL,
    session       BIGINT NOT NULL,       -- counts the runs; only the last one may act
    registered_at BIGINT NOT NULL,
    beat_at       BIGINT NOT NULL,
    released_at   BIGINT                 -- since when others have its grants; none while it has them
);

-- One budget, one subject, one window.
CREATE TABLE accounts (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    budget    BYTEA NOT NULL,
    subject   TEXT NOT NULL,             -- JSON; `null` where all share the budget
    starts_at BIGINT NOT NULL,
    ends_at   BIGINT NOT NULL,
    most      BIGINT NOT NULL,           -- the limit when it was last asked for
    granted   BIGINT NOT NULL,           -- the sum of its grants
    UNIQUE (budget, subject, starts_at)
);

CREATE INDEX accounts_by_end ON accounts (ends_at);

-- How much a node may use of an account in its window, in all.
CREATE TABLE grants (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    node       BIGINT NOT NULL REFERENCES nodes (number),
    amount     BIGINT NOT NULL,
    PRIMARY KEY (account_id, node)
);

CREATE INDEX grants_by_node ON grants (node);
