-- People who can sign in. A member is a person's place in the organisation; a user is the login.
CREATE TABLE users (
    id         BLOB PRIMARY KEY,
    email      TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

-- Departments, teams, projects, members and apps.
CREATE TABLE units (
    id          BLOB PRIMARY KEY,
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    parent      BLOB REFERENCES units (id),   -- none for directly in the organisation
    email       TEXT,                         -- of members
    created_at  INTEGER NOT NULL,
    archived_at INTEGER,
    user_id     BLOB REFERENCES users (id),   -- the login of a member, once there is one
    role        TEXT                          -- of a member, once there are roles
) STRICT;

CREATE UNIQUE INDEX names_of_unarchived_units ON units (kind, name) WHERE archived_at IS NULL;
CREATE UNIQUE INDEX emails_of_unarchived_units ON units (email) WHERE archived_at IS NULL;
CREATE INDEX units_by_parent ON units (parent);

ALTER TABLE keys ADD COLUMN owner BLOB REFERENCES units (id);
ALTER TABLE keys ADD COLUMN project BLOB REFERENCES units (id);
CREATE INDEX keys_by_owner ON keys (owner);
CREATE INDEX keys_by_project ON keys (project);

CREATE TABLE budgets (
    id           BLOB PRIMARY KEY,
    name         TEXT NOT NULL,               -- empty to go by its scope
    scope        TEXT NOT NULL,               -- JSON
    each         TEXT,                        -- none where the scope shares the limit
    measure      TEXT NOT NULL,
    most         INTEGER NOT NULL,            -- the limit, in the unit of the measure
    period       TEXT NOT NULL,               -- JSON
    zone         TEXT NOT NULL,
    carries_over INTEGER NOT NULL,
    is_strict    INTEGER NOT NULL,
    ladder       TEXT NOT NULL,               -- JSON
    created_at   INTEGER NOT NULL,
    archived_at  INTEGER
) STRICT;

CREATE UNIQUE INDEX names_of_unarchived_budgets ON budgets (name) WHERE archived_at IS NULL AND name <> '';

-- Temporary increases of limits.
CREATE TABLE raises (
    id        BLOB PRIMARY KEY,
    budget_id BLOB NOT NULL REFERENCES budgets (id),
    amount    INTEGER NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL,
    reason    TEXT NOT NULL
) STRICT;

CREATE INDEX raises_by_budget ON raises (budget_id);

-- One row: how many times the settings were changed.
CREATE TABLE settings_version (
    version INTEGER NOT NULL
) STRICT;

INSERT INTO settings_version (version) VALUES (0);

PRAGMA user_version = 3;
