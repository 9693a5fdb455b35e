//! Removing old entries, a batch at a time, so that the writer is never held up for longer than one.
//!
//! The journal then begins with a checkpoint, which says what the entries before it came to. Their sums move
//! from the part of the rollups that follows from the entries to the part that is kept without them; requests
//! and attempts go with their entries.

use megarouter_domain::clock::Timestamp;
use megarouter_ledger::chain::Link;
use megarouter_ledger::entry::{Entry, Fact, Lsn};
use megarouter_ledger::state::State;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::deriver::Deriver;
use crate::ledger::journal;
use crate::ledger::restore::{self, LedgerRow};
use crate::ledger::sheets::{Part, Sheets};
use crate::row::values;

/// Entries folded at once when a walk begins in the middle.
const CHUNK: u32 = 1_000;

const CHECKPOINT: &str = "SELECT max(lsn) FROM notes WHERE node = $1 AND kind = 1 AND at < $2 AND lsn <= $3";

const OLDEST: &str = "SELECT min(lsn) FROM entries WHERE node = $1";

const REMOVE: [&str; 3] = [
    "DELETE FROM request_tags WHERE node = $1 AND (tag, started_at, lsn) IN
         (SELECT t.tag, t.started_at, t.lsn FROM requests r
              JOIN request_tags t ON t.node = r.node AND t.started_at = r.started_at AND t.lsn = r.lsn
          WHERE r.node = $1 AND r.lsn <= $2 AND r.tags IS NOT NULL)",
    "DELETE FROM attempts WHERE node = $1 AND request_id IN
         (SELECT request_id FROM requests WHERE node = $1 AND lsn <= $2)",
    "DELETE FROM requests WHERE node = $1 AND lsn <= $2",
];

const REMOVE_NOTES: &str = "DELETE FROM notes WHERE node = $1 AND lsn <= $2";

const REMOVE_ENTRIES: &str = "DELETE FROM entries WHERE node = $1 AND lsn <= $2";

const REMOVE_ATTEMPT: &str = "DELETE FROM attempts WHERE node = $1 AND request_id = $2 AND attempt_id = $3";

const RETIRED: &str = "UPDATE ledgers SET retired_lsn = $2 WHERE node = $1";

const ARCHIVE: &str = "UPDATE ledgers SET archived_lsn = $2, archived_link = $3 WHERE node = $1";

/// A walk through the entries that are to be removed.
#[derive(Debug)]
pub(crate) struct Retirement {
    /// The fold up to the last entry whose sums were moved.
    deriver: Deriver,
    removed: Sheets,
}

/// Takes the next batch, in the transaction that is open; gives how many entries it dealt with, 0 when there
/// is nothing to do.
pub(crate) async fn step(
    db: &mut Db<'_>,
    node: i64,
    walk: &mut Option<Retirement>,
    kept: &mut Sheets,
    (before, archived, most): (Timestamp, Lsn, u32),
) -> Result<u64, Error> {
    let ledger = restore::ledger(db, node).await?;
    if let Some(count) = remove_entries(db, node, &ledger, most).await? {
        return Ok(count);
    }
    let bound = journal::lsn_value(archived.next());
    let found: Option<Option<i64>> = db.fetch_value(CHECKPOINT, values![node, before.as_micros(), bound]).await?;
    let Some(checkpoint) = found.flatten().and_then(|lsn| u64::try_from(lsn).ok()) else { return Ok(0) };
    let target = Lsn(checkpoint - 1);
    if target <= ledger.archived {
        return Ok(0);
    }
    if ledger.retired < target {
        let mut retirement = match walk.take() {
            Some(retirement) if retirement.deriver.state().last() == ledger.retired => retirement,
            _ => Retirement::begin(db, node, &ledger).await?,
        };
        let count = retirement.move_sums(db, node, kept, target, most).await?;
        *walk = Some(retirement);
        return Ok(count);
    }
    archive(db, node, target).await?;
    *walk = None;
    Ok(1)
}

/// Removes what the checkpoint stands for already; `None` when there is nothing left of it.
async fn remove_entries(db: &mut Db<'_>, node: i64, ledger: &LedgerRow, most: u32) -> Result<Option<u64>, Error> {
    let oldest: Option<Option<i64>> = db.fetch_value(OLDEST, values![node]).await?;
    let archived = journal::lsn_value(ledger.archived);
    let Some(oldest) = oldest.flatten().filter(|oldest| *oldest <= archived) else { return Ok(None) };
    let last = oldest.saturating_add(i64::from(most)).min(archived + 1) - 1;
    for statement in REMOVE {
        db.execute(statement, values![node, last]).await?;
    }
    db.execute(REMOVE_NOTES, values![node, last]).await?;
    db.execute(REMOVE_ENTRIES, values![node, last]).await.map(Some)
}

/// From here on the journal begins after `target`.
async fn archive(db: &mut Db<'_>, node: i64, target: Lsn) -> Result<(), Error> {
    let stored = journal::one(db, node, target).await?;
    let link: Link = stored.map(|stored| stored.hash).ok_or(Error::Order { last: target.0, found: 0 })?;
    // The requests of these have not finished, so nothing else would remove them.
    let checkpoint = journal::one(db, node, target.next()).await?.map(|stored| stored.entry.fact);
    let Some(Fact::Checkpoint(checkpoint)) = checkpoint else {
        return Err(Error::Order { last: target.0, found: target.next().0 });
    };
    for attempt in checkpoint.attempts.iter().filter(|attempt| attempt.resolution.is_some()) {
        let (request, attempt) = (attempt.hold.request_id.as_uuid(), attempt.hold.attempt_id.as_uuid());
        db.execute(REMOVE_ATTEMPT, values![node, request, attempt]).await?;
    }
    db.execute(ARCHIVE, values![node, journal::lsn_value(target), link.to_vec()]).await.map(drop)
}

impl Retirement {
    /// Folds the entries whose sums were moved before.
    async fn begin(db: &mut Db<'_>, node: i64, ledger: &LedgerRow) -> Result<Self, Error> {
        let mut deriver = Deriver::new(node, State::default());
        let mut last = ledger.archived;
        while last < ledger.retired {
            let entries = next(db, node, last, ledger.retired, CHUNK).await?;
            let Some(newest) = entries.last() else { break };
            last = newest.lsn;
            deriver.fold(db, &entries).await?;
        }
        Ok(Self { deriver, removed: Sheets::of(node, Part::Removed) })
    }

    /// Moves the sums of the next entries.
    async fn move_sums(
        &mut self,
        db: &mut Db<'_>,
        node: i64,
        kept: &mut Sheets,
        target: Lsn,
        most: u32,
    ) -> Result<u64, Error> {
        let ledger = restore::ledger(db, node).await?;
        let entries = next(db, node, ledger.retired, target, most).await?;
        let Some(newest) = entries.last() else { return Ok(0) };
        let derived = self.deriver.fold(db, &entries).await?;
        kept.remove(db, &derived).await?;
        self.removed.add(db, &derived).await?;
        db.execute(RETIRED, values![node, journal::lsn_value(newest.lsn)]).await?;
        Ok(entries.len() as u64)
    }
}

/// The entries after one, up to another.
async fn next(db: &mut Db<'_>, node: i64, after: Lsn, to: Lsn, most: u32) -> Result<Vec<Entry>, Error> {
    let rows = journal::after(db, node, after, most).await?;
    let within = rows.into_iter().filter(|raw| raw.lsn <= to);
    within.map(|raw| raw.decode().map(|stored| stored.entry)).collect()
}
