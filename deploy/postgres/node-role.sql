-- The rights of a role for the nodes of a hub, which can add to the journal and change nothing in it.
--
-- The tables belong to the role that made them: whoever first connects, e.g. `megarouter-server`
-- started once with the owner's URL, which it also is after an upgrade that brings new tables. Then run
-- this as the owner, set a password (`\password megarouter_node`), and give the nodes the URL of this
-- role. To be run again after each upgrade; it may be run any number of times.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'megarouter_node') THEN
        CREATE ROLE megarouter_node LOGIN;
    END IF;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO megarouter_node;

-- What happened, what things cost, and which tables there are: added to by the owner or the nodes, never
-- changed. Triggers refuse the same to everybody. Retention on the hub needs DELETE on `entries`; the
-- trigger lets it remove only what a checkpoint stands for.
REVOKE UPDATE, DELETE, TRUNCATE ON entries, prices FROM megarouter_node;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON schema_versions FROM megarouter_node;
