CREATE TABLE organization (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL      -- microseconds since 1970, UTC; as everywhere
) STRICT;

CREATE TABLE providers (
    id                  BLOB PRIMARY KEY,
    name                TEXT NOT NULL UNIQUE,
    kind                TEXT NOT NULL,
    base_url            TEXT NOT NULL,
    credential_source   TEXT NOT NULL,
    credential_variable TEXT,
    dialects            TEXT NOT NULL, -- JSON; an empty list for those of its kind
    is_enabled          INTEGER NOT NULL
) STRICT;

CREATE TABLE models (
    id         BLOB PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT;

-- Public names and aliases together: a name means one model.
CREATE TABLE model_names (
    name     TEXT PRIMARY KEY,
    model_id BLOB NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,       -- 0 is the public name, the rest are aliases
    UNIQUE (model_id, position)
) STRICT;

-- Versions of prices. They outlive what they were the price of, because the ledger names them.
CREATE TABLE prices (
    id            BLOB PRIMARY KEY,
    deployment_id BLOB NOT NULL,
    valid_from    INTEGER NOT NULL,
    tariff        TEXT NOT NULL,     -- JSON
    source        TEXT NOT NULL
) STRICT;

CREATE TRIGGER prices_are_not_changed BEFORE UPDATE ON prices
BEGIN
    SELECT RAISE(ABORT, 'a price is never changed; it gets a new version');
END;

CREATE TRIGGER prices_are_not_removed BEFORE DELETE ON prices
BEGIN
    SELECT RAISE(ABORT, 'prices are never removed');
END;

CREATE TABLE deployments (
    id                BLOB PRIMARY KEY,
    model_id          BLOB NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    position          INTEGER NOT NULL,
    provider_id       BLOB NOT NULL REFERENCES providers (id),
    upstream_model    TEXT NOT NULL,
    price_id          BLOB REFERENCES prices (id),
    max_output_tokens INTEGER,
    can_reason        INTEGER        -- nothing where it is not known
) STRICT;

CREATE INDEX deployments_by_model ON deployments (model_id, position);
CREATE INDEX deployments_by_provider ON deployments (provider_id);

CREATE TABLE keys (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    hint       TEXT NOT NULL,
    hash       BLOB UNIQUE,          -- none for the playground's own key
    models     TEXT NOT NULL,        -- JSON
    is_strict  INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    is_builtin INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX names_of_unrevoked_keys ON keys (name) WHERE revoked_at IS NULL;

CREATE TABLE preferences (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL              -- JSON
) STRICT;

PRAGMA application_id = 1297240659;
PRAGMA user_version = 1;
