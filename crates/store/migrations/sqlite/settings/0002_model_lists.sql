-- What each provider listed when it was last asked.
CREATE TABLE model_lists (
    provider_id BLOB PRIMARY KEY REFERENCES providers (id) ON DELETE CASCADE,
    read_at     INTEGER NOT NULL,
    models      TEXT NOT NULL            -- JSON
) STRICT;

PRAGMA user_version = 2;
