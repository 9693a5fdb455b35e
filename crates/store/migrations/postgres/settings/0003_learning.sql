-- As SQLite's version 5: outcomes, what is learnt from them, replays.
CREATE TABLE outcomes (
    number        BIGINT PRIMARY KEY,
    request_id    BYTEA NOT NULL,
    at            BIGINT NOT NULL,
    signal        TEXT NOT NULL,
    score         BIGINT NOT NULL,
    comment       TEXT,
    key_id        BYTEA,
    policy_id     BYTEA,
    model         TEXT,
    deployment_id BYTEA,
    expected      BIGINT,
    task          TEXT,
    sketch        BYTEA,
    traits        TEXT NOT NULL
);

CREATE INDEX outcomes_by_request ON outcomes (request_id);
CREATE INDEX outcomes_by_time ON outcomes (at);

CREATE TABLE learnt (
    state      BYTEA,
    upto       BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    changed_at BIGINT
);

INSERT INTO learnt (upto, generation) VALUES (0, 0);

CREATE TABLE replays (
    id            BYTEA PRIMARY KEY,
    name          TEXT NOT NULL,
    candidates    TEXT NOT NULL,
    judge         TEXT,
    max_cost      BIGINT NOT NULL,
    cost          BIGINT NOT NULL,
    state         TEXT NOT NULL,
    detail        TEXT,
    promotion     TEXT,
    created_at    BIGINT NOT NULL,
    finished_at   BIGINT,
    runner        BYTEA,
    claimed_until BIGINT NOT NULL
);

CREATE TABLE replay_items (
    replay_id  BYTEA NOT NULL REFERENCES replays (id) ON DELETE CASCADE,
    number     BIGINT NOT NULL,
    request_id BYTEA,
    operation  TEXT NOT NULL,
    body       TEXT NOT NULL,
    vote       BIGINT,
    judgement  BIGINT,
    reason     TEXT,
    PRIMARY KEY (replay_id, number)
);

CREATE TABLE replay_answers (
    replay_id     BYTEA NOT NULL,
    number        BIGINT NOT NULL,
    position      BIGINT NOT NULL,
    model         TEXT NOT NULL,
    request_id    BYTEA,
    text          TEXT,
    error         TEXT,
    cost          TEXT,
    total_ms      BIGINT,
    output_tokens BIGINT,
    PRIMARY KEY (replay_id, number, position),
    FOREIGN KEY (replay_id, number) REFERENCES replay_items (replay_id, number) ON DELETE CASCADE
);
