-- How good answers were, in the order in which it is learnt from them.
CREATE TABLE outcomes (
    number        INTEGER PRIMARY KEY,   -- from 1, without gaps
    request_id    BLOB NOT NULL,
    at            INTEGER NOT NULL,
    signal        TEXT NOT NULL,
    score         INTEGER NOT NULL,      -- in thousandths
    comment       TEXT,
    key_id        BLOB,
    policy_id     BLOB,                  -- of requests that a policy decided
    model         TEXT,                  -- none where it is not known any more
    deployment_id BLOB,
    expected      INTEGER,               -- the quality that was expected, in thousandths
    task          TEXT,                  -- JSON
    sketch        BLOB,                  -- the task, condensed, to learn from
    traits        TEXT NOT NULL          -- JSON: what was known of the model
) STRICT;

CREATE INDEX outcomes_by_request ON outcomes (request_id);
CREATE INDEX outcomes_by_time ON outcomes (at);

-- One row: what was learnt from them.
CREATE TABLE learnt (
    state      BLOB,                     -- none for nothing
    upto       INTEGER NOT NULL,         -- the last outcome in it
    generation INTEGER NOT NULL,         -- counts each time that somebody reset or replaced it
    changed_at INTEGER
) STRICT;

INSERT INTO learnt (upto, generation) VALUES (0, 0);

-- Prompts that are asked again of candidate models.
CREATE TABLE replays (
    id            BLOB PRIMARY KEY,
    name          TEXT NOT NULL,
    candidates    TEXT NOT NULL,         -- JSON: names of models
    judge         TEXT,
    max_cost      INTEGER NOT NULL,
    cost          INTEGER NOT NULL,
    state         TEXT NOT NULL,
    detail        TEXT,
    promotion     TEXT,                  -- JSON
    created_at    INTEGER NOT NULL,
    finished_at   INTEGER,
    runner        BLOB,                  -- the ledger of the node that runs it
    claimed_until INTEGER NOT NULL
) STRICT;

CREATE TABLE replay_items (
    replay_id  BLOB NOT NULL REFERENCES replays (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,         -- from 1
    request_id BLOB,                     -- the recorded request it is of
    operation  TEXT NOT NULL,
    body       TEXT NOT NULL,            -- what is sent, but for the model's name
    vote       INTEGER,
    judgement  INTEGER,
    reason     TEXT,
    PRIMARY KEY (replay_id, number)
) STRICT;

CREATE TABLE replay_answers (
    replay_id     BLOB NOT NULL,
    number        INTEGER NOT NULL,
    position      INTEGER NOT NULL,      -- 0 what was recorded, else the candidate, from 1
    model         TEXT NOT NULL,
    request_id    BLOB,
    text          TEXT,
    error         TEXT,
    cost          TEXT,                  -- JSON
    total_ms      INTEGER,
    output_tokens INTEGER,
    PRIMARY KEY (replay_id, number, position),
    FOREIGN KEY (replay_id, number) REFERENCES replay_items (replay_id, number) ON DELETE CASCADE
) STRICT;

PRAGMA user_version = 5;
