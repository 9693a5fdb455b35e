//! What the role of the nodes may do, and what it may not.

use megarouter_store::settings::{Change, Settings};

use crate::postgres::{PASSWORD, Postgres};
use crate::seeds::ship;
use crate::traffic::Call;
use crate::world::{NOW, ask, hub, hub_at, key, lease, node, used};

const ROLE: &str = include_str!("../../../../deploy/postgres/node-role.sql");

/// What a statement is answered with when the role of the nodes runs it.
async fn attempt(url: &str, statement: &'static str) -> String {
    use sqlx::Connection as _;

    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    let error = sqlx::raw_sql(statement).execute(&mut connection).await.expect_err(statement);
    error.to_string()
}

#[tokio::test]
async fn the_role_of_the_nodes_does_all_of_their_work_and_changes_no_entry() {
    let server = Postgres::shared();
    let (owner, database) = hub();
    owner.nodes().await.unwrap();
    server.sql(&database, ROLE);
    server.sql(&database, &format!("{ROLE}; ALTER ROLE megarouter_node PASSWORD 'node'"));
    let url = server.url(&database).replacen(&format!("megarouter:{PASSWORD}"), "megarouter_node:node", 1);

    let hub = hub_at(&url);
    let settings = Settings::open(hub.pool(), NOW, [1; 10]).await.unwrap();
    settings.apply(vec![Change::RenameOrganization("ours".to_owned())]).await.unwrap();
    let node = node(&hub, 1).await;
    lease(&hub, node, &[ask(&key(1), 100, 10)]).await.unwrap();
    hub.rejoin(node, &[used(&key(1), 100, 5)]).await.unwrap();
    hub.retire_accounts(10).await.unwrap();

    server.sql(&database, "INSERT INTO entries (node, lsn, at, body, hash) VALUES (1, 1, 0, '{}', '\\x00')");
    for statement in [
        "UPDATE entries SET body = ''",
        "DELETE FROM entries",
        "TRUNCATE entries",
        "UPDATE prices SET source = ''",
        "DELETE FROM schema_versions",
        "DROP TABLE entries",
        "ALTER TABLE entries DISABLE TRIGGER ALL",
    ] {
        let said = attempt(&url, statement).await;
        assert!(said.contains("permission denied") || said.contains("must be owner"), "{statement}: {said}");
    }
}

#[tokio::test]
async fn not_even_the_owner_changes_an_entry() {
    let server = Postgres::shared();
    let (owner, database) = hub();
    let node = node(&owner, 1).await;
    ship(&owner, node, &[Call::new(1, NOW)]).await;
    let url = server.url(&database);
    for statement in ["UPDATE entries SET body = ''", "DELETE FROM entries", "TRUNCATE entries"] {
        let said = attempt(&url, statement).await;
        assert!(said.contains("entries are never"), "{statement}: {said}");
    }
}
