-- Which attempts are open is written now and then, and not with each entry: requests that begin and end in
-- between leave no row. The entries since tell the rest.
ALTER TABLE ledgers ADD COLUMN open_as_of INTEGER NOT NULL DEFAULT 0; -- open_attempts as of this entry
UPDATE ledgers SET open_as_of =
    coalesce((SELECT e.lsn FROM entries e WHERE e.node = ledgers.node ORDER BY e.lsn DESC LIMIT 1), 0);

PRAGMA user_version = 4;
