//! Where a journal stands: its last entry, the latest instant, and the unfinished requests.
//!
//! Which requests were unfinished is written down now and then; the entries since are applied to that, so it
//! takes the same time however long the journal is. The chain of the last entries is checked, because
//! that is where an unclean stop would have left damage; `verify` checks all of it.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::LedgerId;
use megarouter_ledger::chain::{self, GENESIS, Link};
use megarouter_ledger::entry::Lsn;
use megarouter_ledger::state::{OpenAttempt, State};

use crate::db::Db;
use crate::error::Error;
use crate::ledger::journal::{self, RawEntry, Stored, read_link};
use crate::ledger::packing::Unpacker;
use crate::row::{Reading, Row, values};

/// How many of the last entries are checked.
const TAIL: i64 = 1_000;

/// Entries read at once.
const CHUNK: u32 = 1_000;

const LEDGER: &str = "SELECT node, ledger_id, archived_lsn, archived_link, retired_lsn, instant, is_derived, open_as_of
    FROM ledgers WHERE node = $1";

const NEWEST: &str = "SELECT lsn, body, hash, packed FROM entries WHERE node = $1 ORDER BY lsn DESC LIMIT $2";

const OPEN_ATTEMPTS: &str = "SELECT attempt_id, body FROM open_attempts WHERE node = $1";

/// A row of `ledgers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LedgerRow {
    pub id: LedgerId,
    /// Entries up to this one were removed.
    pub archived: Lsn,
    /// The link of the last of them.
    pub archived_link: Link,
    /// Sums up to this one are kept without their entries; at least `archived`.
    pub retired: Lsn,
    pub instant: Timestamp,
    pub is_derived: bool,
    /// `open_attempts` says what was open after this one.
    pub open_as_of: Lsn,
}

/// Where a journal stands.
#[derive(Debug)]
pub(crate) struct Standing {
    pub id: LedgerId,
    pub state: State,
    pub link: Link,
    /// `open_attempts` says what was open after this entry.
    pub open_as_of: Lsn,
}

/// The row of a node's ledger.
pub(crate) async fn ledger(db: &mut Db<'_>, node: i64) -> Result<LedgerRow, Error> {
    let row = db.fetch_one(LEDGER, values![node]).await?;
    let reading = Reading::new("ledgers", "node", &row);
    Ok(LedgerRow {
        id: LedgerId::from_uuid(reading.uuid("ledger_id")?),
        archived: Lsn(reading.count("archived_lsn")?),
        archived_link: read_link(&reading, "archived_link")?,
        retired: Lsn(reading.count("retired_lsn")?),
        instant: Timestamp::from_micros(reading.get("instant")?),
        is_derived: reading.get::<i64>("is_derived")? != 0,
        open_as_of: Lsn(reading.count("open_as_of")?),
    })
}

/// Reads the state after the last entry, and its link.
pub(crate) async fn read(db: &mut Db<'_>, node: i64) -> Result<Standing, Error> {
    let ledger = ledger(db, node).await?;
    let link = check_tail(db, node).await?.unwrap_or(GENESIS);
    let mut state = begin(db, node, &ledger).await?;
    let open_as_of = state.last();
    loop {
        let chunk = journal::after(db, node, state.last().max(ledger.archived), CHUNK).await?;
        if chunk.is_empty() {
            return Ok(Standing { id: ledger.id, state, link, open_as_of });
        }
        for raw in chunk {
            // What does not follow is told when it is written or verified.
            let _ = state.apply(&raw.decode()?.entry);
        }
    }
}

/// The state that the last entries are applied to: what was open at some time, or nothing.
async fn begin(db: &mut Db<'_>, node: i64, ledger: &LedgerRow) -> Result<State, Error> {
    let as_of = ledger.open_as_of;
    let stored = if as_of > ledger.archived { journal::one(db, node, as_of).await? } else { None };
    let Some(Stored { entry, .. }) = stored else { return Ok(State::default()) };
    let open = db.fetch_all(OPEN_ATTEMPTS, values![node]).await?;
    let open = open.iter().map(read_open_attempt).collect::<Result<Vec<_>, _>>()?;
    Ok(State::restore(entry.lsn, entry.epoch, ledger.instant, open))
}

/// Checks the links of the last entries; gives the last one.
async fn check_tail(db: &mut Db<'_>, node: i64) -> Result<Option<Link>, Error> {
    let rows = db.fetch_all(NEWEST, values![node, TAIL]).await?;
    let mut previous = None;
    let mut unpacker = Unpacker::new();
    for row in rows.iter().rev() {
        let entry = RawEntry::read(row, &mut unpacker)?;
        let wrong = |column, reason: &str| Reading::new("entries", "lsn", row).wrong(column, &reason);
        let body = entry.body.as_ref().map_err(|reason| wrong("body", reason))?;
        if previous.is_some_and(|previous| chain::hash(&previous, body.as_bytes()) != entry.hash) {
            return Err(wrong("hash", "the entry was changed, or its predecessor was"));
        }
        previous = Some(entry.hash);
    }
    Ok(previous)
}

/// A row of `open_attempts`.
fn read_open_attempt(row: &Row) -> Result<OpenAttempt, Error> {
    Reading::new("open_attempts", "attempt_id", row).json("body")
}
