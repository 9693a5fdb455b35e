-- Virtual models: what decides which model serves a request.
CREATE TABLE policies (
    id          BLOB PRIMARY KEY,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    live        INTEGER NOT NULL,        -- the number of the version in force
    trial       TEXT,                    -- JSON: the number of the version that is tried, how, since when
    created_at  INTEGER NOT NULL,
    archived_at INTEGER
) STRICT;

CREATE UNIQUE INDEX names_of_unarchived_policies ON policies (name) WHERE archived_at IS NULL;

CREATE TABLE policy_versions (
    policy_id BLOB NOT NULL,
    number    INTEGER NOT NULL,          -- counts from 1
    body      TEXT NOT NULL,             -- JSON
    text      TEXT,                      -- as a person wrote it
    note      TEXT NOT NULL,
    made_at   INTEGER NOT NULL,
    PRIMARY KEY (policy_id, number)
) STRICT;

CREATE TRIGGER policy_versions_are_not_changed BEFORE UPDATE ON policy_versions
BEGIN
    SELECT RAISE(ABORT, 'a version of a policy is never changed; it gets a new one');
END;

ALTER TABLE providers ADD COLUMN region TEXT;
ALTER TABLE providers ADD COLUMN keeps_prompts INTEGER;          -- nothing where nobody said
ALTER TABLE providers ADD COLUMN pool TEXT NOT NULL DEFAULT '[]'; -- JSON: further credentials

PRAGMA user_version = 4;
