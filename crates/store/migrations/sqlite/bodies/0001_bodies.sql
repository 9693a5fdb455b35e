-- What apps sent and got, where the organisation wants that kept. Nothing else depends on this file: it
-- can be removed at any time.
CREATE TABLE bodies (
    id                  INTEGER PRIMARY KEY,
    request_id          BLOB NOT NULL,
    at                  INTEGER NOT NULL,   -- when it arrived; microseconds since 1970, UTC
    size                INTEGER NOT NULL,   -- of what is stored of it, in bytes
    operation           TEXT NOT NULL,
    status              INTEGER NOT NULL,
    request_bytes       INTEGER NOT NULL,   -- before it was cut
    request_is_cut      INTEGER NOT NULL,
    request_redactions  INTEGER NOT NULL,
    response_bytes      INTEGER NOT NULL,
    response_is_cut     INTEGER NOT NULL,
    response_redactions INTEGER NOT NULL,
    request             BLOB,               -- the text, compressed; none for what is no text
    response            BLOB
) STRICT;

CREATE UNIQUE INDEX bodies_by_request ON bodies (request_id);
CREATE INDEX bodies_by_time ON bodies (at, size);

PRAGMA application_id = 1297240642;
PRAGMA user_version = 1;
