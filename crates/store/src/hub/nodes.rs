//! Who is alive. Owns the table `nodes`.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::LedgerId;

use crate::backend::postgres::HubPool;
use crate::db::Db;
use crate::error::Error;
use crate::hub::{ALIVE, Beat, HubError, Node, NodeNumber, NodeView, accounts};
use crate::row::{Reading, Row, values};

/// The database's clock, in microseconds since 1970.
macro_rules! now {
    () => {
        "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
    };
}
pub(super) use now;

/// [`ALIVE`], as PostgreSQL counts.
pub(super) fn alive() -> i64 {
    i64::try_from(ALIVE.as_micros()).unwrap_or(i64::MAX)
}

pub(super) async fn register(db: &mut Db<'_>, ledger: LedgerId, name: &str, version: &str) -> Result<Node, HubError> {
    let text = concat!(
        "INSERT INTO nodes (ledger, name, version, session, registered_at, beat_at)
         VALUES ($1, $2, $3, 1, ",
        now!(),
        ", 0)
         ON CONFLICT (ledger) DO UPDATE SET
            name = excluded.name, version = excluded.version, session = nodes.session + 1
         RETURNING number, session"
    );
    let row = db.fetch_one(text, values![ledger.as_uuid(), name, version]).await?;
    let reading = Reading::new("nodes", "number", &row);
    Ok(Node { number: NodeNumber(reading.get("number")?), session: reading.get("session")? })
}

pub(super) async fn beat(db: &mut Db<'_>, node: Node) -> Result<Beat, HubError> {
    let text = concat!(
        "WITH beaten AS (
            UPDATE nodes SET beat_at = ",
        now!(),
        " WHERE number = $1 AND session = $2
            RETURNING beat_at, released_at IS NOT NULL AS is_released
         )
         SELECT beat_at, is_released,
            (SELECT count(*) FROM nodes WHERE number <> $1 AND nodes.beat_at > beaten.beat_at - $3) AS others
         FROM beaten"
    );
    let row = db.fetch_optional(text, values![node.number.0, node.session, alive()]).await?;
    let Some(row) = row else { return Err(HubError::Superseded) };
    let reading = Reading::new("nodes", "beat_at", &row);
    Ok(Beat {
        live_nodes: reading.count::<u32>("others")?.saturating_add(1),
        database_time: Timestamp::from_micros(reading.get("beat_at")?),
        is_released: reading.get("is_released")?,
    })
}

pub(super) async fn load(db: &mut Db<'_>) -> Result<Vec<NodeView>, HubError> {
    let text = concat!(
        "SELECT nodes.*, beat_at > ",
        now!(),
        " - $1 AS is_alive, released_at IS NOT NULL AS is_released,
            (SELECT count(*) FROM grants WHERE grants.node = nodes.number AND grants.amount > 0) AS accounts
         FROM nodes ORDER BY number"
    );
    let rows = db.fetch_all(text, values![alive()]).await?;
    Ok(rows.iter().map(read).collect::<Result<_, Error>>()?)
}

/// Gives a dead node's grants back, except for what its shipped entries add up to.
pub(super) async fn force_release(pool: &HubPool, number: NodeNumber) -> Result<u64, HubError> {
    let mut db = pool.work().await?;
    let mut transaction = db.begin().await?;
    let released = release(&mut transaction, number).await;
    transaction.end(released).await
}

async fn release(db: &mut Db<'_>, number: NodeNumber) -> Result<u64, HubError> {
    // Whoever beats now waits, and then hears that it was released.
    let text = concat!("SELECT beat_at > ", now!(), " - $2 AS is_alive FROM nodes WHERE number = $1 FOR UPDATE");
    let is_alive: Option<bool> = db.fetch_value(text, values![number.0, alive()]).await?;
    if is_alive.ok_or(HubError::NoNode)? {
        return Err(HubError::Alive);
    }
    let lowered = accounts::release(db, number).await?;
    let text = concat!("UPDATE nodes SET released_at = ", now!(), " WHERE number = $1");
    db.execute(text, values![number.0]).await?;
    Ok(lowered)
}

/// Locks the node's row, so that it is not released meanwhile; gives whether it was. Refuses a run
/// that is not its last.
pub(super) async fn lock(db: &mut Db<'_>, node: Node) -> Result<bool, HubError> {
    let text = "SELECT session, released_at IS NOT NULL AS is_released FROM nodes WHERE number = $1 FOR UPDATE";
    let row = db.fetch_optional(text, values![node.number.0]).await?.ok_or(HubError::NoNode)?;
    let reading = Reading::new("nodes", "session", &row);
    let session: i64 = reading.get("session")?;
    if session == node.session { Ok(reading.get("is_released")?) } else { Err(HubError::Superseded) }
}

/// Notes that a released node has told what it used.
pub(super) async fn readmit(db: &mut Db<'_>, number: NodeNumber) -> Result<(), Error> {
    db.execute("UPDATE nodes SET released_at = NULL WHERE number = $1", values![number.0]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<NodeView, Error> {
    let reading = Reading::new("nodes", "number", row);
    Ok(NodeView {
        number: NodeNumber(reading.get("number")?),
        ledger: LedgerId::from_uuid(reading.uuid("ledger")?),
        name: reading.get("name")?,
        version: reading.get("version")?,
        registered_at: Timestamp::from_micros(reading.get("registered_at")?),
        beat_at: Timestamp::from_micros(reading.get("beat_at")?),
        is_alive: reading.get("is_alive")?,
        is_released: reading.get("is_released")?,
        accounts: reading.count("accounts")?,
    })
}
