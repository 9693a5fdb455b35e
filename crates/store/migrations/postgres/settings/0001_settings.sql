-- The tables of SQLite's settings as of its version 3: BIGINT for integers, BYTEA for ids, TEXT for
-- JSON. Times are microseconds since 1970, UTC.
CREATE TABLE organization (
    id         BYTEA PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE providers (
    id                  BYTEA PRIMARY KEY,
    name                TEXT NOT NULL UNIQUE,
    kind                TEXT NOT NULL,
    base_url            TEXT NOT NULL,
    credential_source   TEXT NOT NULL,
    credential_variable TEXT,
    dialects            TEXT NOT NULL,
    is_enabled          BOOLEAN NOT NULL
);

CREATE TABLE models (
    id         BYTEA PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE model_names (
    name     TEXT PRIMARY KEY,
    model_id BYTEA NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    UNIQUE (model_id, position)
);

CREATE TABLE prices (
    id            BYTEA PRIMARY KEY,
    deployment_id BYTEA NOT NULL,
    valid_from    BIGINT NOT NULL,
    tariff        TEXT NOT NULL,
    source        TEXT NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are never changed or removed', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER prices_stay BEFORE UPDATE OR DELETE ON prices
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER prices_stay_together BEFORE TRUNCATE ON prices
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE deployments (
    id                BYTEA PRIMARY KEY,
    model_id          BYTEA NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    position          BIGINT NOT NULL,
    provider_id       BYTEA NOT NULL REFERENCES providers (id),
    upstream_model    TEXT NOT NULL,
    price_id          BYTEA REFERENCES prices (id),
    max_output_tokens BIGINT,
    can_reason        BOOLEAN
);

CREATE INDEX deployments_by_model ON deployments (model_id, position);
CREATE INDEX deployments_by_provider ON deployments (provider_id);

CREATE TABLE model_lists (
    provider_id BYTEA PRIMARY KEY REFERENCES providers (id) ON DELETE CASCADE,
    read_at     BIGINT NOT NULL,
    models      TEXT NOT NULL
);

CREATE TABLE preferences (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE users (
    id         BYTEA PRIMARY KEY,
    email      TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE units (
    id          BYTEA PRIMARY KEY,
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    parent      BYTEA REFERENCES units (id),
    email       TEXT,
    created_at  BIGINT NOT NULL,
    archived_at BIGINT,
    user_id     BYTEA REFERENCES users (id),
    role        TEXT
);

CREATE UNIQUE INDEX names_of_unarchived_units ON units (kind, name) WHERE archived_at IS NULL;
CREATE UNIQUE INDEX emails_of_unarchived_units ON units (email) WHERE archived_at IS NULL;
CREATE INDEX units_by_parent ON units (parent);

CREATE TABLE keys (
    id         BYTEA PRIMARY KEY,
    name       TEXT NOT NULL,
    owner      BYTEA REFERENCES units (id),
    project    BYTEA REFERENCES units (id),
    hint       TEXT NOT NULL,
    hash       BYTEA UNIQUE,
    models     TEXT NOT NULL,
    is_strict  BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    is_builtin BOOLEAN NOT NULL
);

CREATE UNIQUE INDEX names_of_unrevoked_keys ON keys (name) WHERE revoked_at IS NULL;
CREATE INDEX keys_by_owner ON keys (owner);
CREATE INDEX keys_by_project ON keys (project);

CREATE TABLE budgets (
    id           BYTEA PRIMARY KEY,
    name         TEXT NOT NULL,
    scope        TEXT NOT NULL,
    each         TEXT,
    measure      TEXT NOT NULL,
    most         BIGINT NOT NULL,
    period       TEXT NOT NULL,
    zone         TEXT NOT NULL,
    carries_over BOOLEAN NOT NULL,
    is_strict    BOOLEAN NOT NULL,
    ladder       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    archived_at  BIGINT
);

CREATE UNIQUE INDEX names_of_unarchived_budgets ON budgets (name) WHERE archived_at IS NULL AND name <> '';

CREATE TABLE raises (
    id        BYTEA PRIMARY KEY,
    budget_id BYTEA NOT NULL REFERENCES budgets (id),
    amount    BIGINT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at   BIGINT NOT NULL,
    reason    TEXT NOT NULL
);

CREATE INDEX raises_by_budget ON raises (budget_id);

CREATE TABLE settings_version (
    version BIGINT NOT NULL
);

INSERT INTO settings_version (version) VALUES (0);
