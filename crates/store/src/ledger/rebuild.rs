//! Makes the derived tables of a node again, from its entries.
//!
//! After an upgrade whose tables are new, to repair them, and after entries were rescued from a damaged
//! file. One transaction: all of it or nothing.

use megarouter_ledger::entry::{Entry, Lsn};
use megarouter_ledger::state::State;

use crate::backend;
use crate::db::Db;
use crate::error::Error;
use crate::ledger::deriver::Deriver;
use crate::ledger::journal;
use crate::ledger::{restore, writes};
use crate::row::values;

/// Entries read at once.
pub(crate) const CHUNK: u32 = 1_000;

/// Entries between two lines of the log.
const REPORT_EVERY: u64 = 100_000;

/// Sums of entries that were removed are kept: nothing could make them again.
const CLEAR: [&str; 7] = [
    "DELETE FROM open_attempts WHERE node = $1",
    "DELETE FROM attempts WHERE node = $1",
    "DELETE FROM requests WHERE node = $1",
    "DELETE FROM request_tags WHERE node = $1",
    "DELETE FROM rollups WHERE node = $1 AND part = 0",
    "DELETE FROM calls WHERE node = $1 AND part = 0",
    "DELETE FROM notes WHERE node = $1",
];

/// Rebuilds when a migration left the mark for it.
pub(crate) async fn when_marked(db: &mut Db<'_>, node: i64) -> Result<(), Error> {
    if !restore::ledger(db, node).await?.is_derived {
        all(db, node).await?;
    }
    Ok(())
}

/// Rebuilds in one transaction; gives how many entries there are.
pub(crate) async fn all(db: &mut Db<'_>, node: i64) -> Result<u64, Error> {
    let mut transaction = db.begin().await?;
    backend::unlimited(&mut transaction).await?;
    let ledger = restore::ledger(&mut transaction, node).await?;
    for statement in CLEAR {
        transaction.execute(statement, values![node]).await?;
    }
    if ledger.archived == Lsn::default() {
        transaction.execute("DELETE FROM last_uses WHERE node = $1", values![node]).await?;
    }
    let mut deriver = Deriver::after(node, State::default(), ledger.retired);
    let mut count = 0_u64;
    loop {
        let chunk = journal::after(&mut transaction, node, deriver.state().last().max(ledger.archived), CHUNK).await?;
        if chunk.is_empty() {
            break;
        }
        let before = count / REPORT_EVERY;
        count += chunk.len() as u64;
        let entries: Vec<Entry> =
            chunk.into_iter().map(|raw| raw.decode().map(|stored| stored.entry)).collect::<Result<_, _>>()?;
        deriver.apply(&mut transaction, &entries).await?;
        if count / REPORT_EVERY > before {
            tracing::info!(entries = count, "making the tables of the ledger again");
        }
    }
    writes::save_open_attempts(&mut transaction, node, deriver.state()).await?;
    let instant = deriver.state().instant().as_micros();
    let done = "UPDATE ledgers SET is_derived = 1, instant = $2 WHERE node = $1";
    transaction.execute(done, values![node, instant]).await?;
    transaction.commit().await?;
    if count > 0 {
        tracing::info!(entries = count, "made the tables of the ledger from its entries");
    }
    Ok(count)
}
