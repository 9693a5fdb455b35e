-- As SQLite's version 4: virtual models.
CREATE TABLE policies (
    id          BYTEA PRIMARY KEY,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    live        BIGINT NOT NULL,
    trial       TEXT,
    created_at  BIGINT NOT NULL,
    archived_at BIGINT
);

CREATE UNIQUE INDEX names_of_unarchived_policies ON policies (name) WHERE archived_at IS NULL;

CREATE TABLE policy_versions (
    policy_id BYTEA NOT NULL,
    number    BIGINT NOT NULL,
    body      TEXT NOT NULL,
    text      TEXT,
    note      TEXT NOT NULL,
    made_at   BIGINT NOT NULL,
    PRIMARY KEY (policy_id, number)
);

CREATE TRIGGER policy_versions_stay BEFORE UPDATE ON policy_versions
FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE providers ADD COLUMN region TEXT;
ALTER TABLE providers ADD COLUMN keeps_prompts BOOLEAN;
ALTER TABLE providers ADD COLUMN pool TEXT NOT NULL DEFAULT '[]';
