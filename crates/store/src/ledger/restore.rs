//! Where a journal stands: its last entry, the latest instant, and the unfinished requests.
//!
//! Takes the same time however long the journal is. The chain of the last entries is checked, because
//! that is where an unclean stop would have left damage; `verify` checks all of it.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::LedgerId;
use megarouter_ledger::chain::{self, GENESIS, Link};
use megarouter_ledger::entry::{Entry, Lsn};
use megarouter_ledger::state::{OpenAttempt, State};

use crate::db::Db;
use crate::error::Error;
use crate::ledger::journal::{RawEntry, read_link};
use crate::ledger::packing::Unpacker;
use crate::row::{Reading, Row, values};

/// How many of the last entries are checked.
const TAIL: i64 = 1_000;

const LEDGER: &str = "SELECT node, ledger_id, archived_lsn, archived_link, retired_lsn, instant, is_derived FROM ledgers WHERE node = $1";

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
}

/// Where a journal stands.
#[derive(Debug)]
pub(crate) struct Standing {
    pub id: LedgerId,
    pub state: State,
    pub link: Link,
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
    })
}

/// Reads the state after the last entry, and its link.
pub(crate) async fn read(db: &mut Db<'_>, node: i64) -> Result<Standing, Error> {
    let ledger = ledger(db, node).await?;
    let Some((last, link)) = check_tail(db, node).await? else {
        return Ok(Standing { id: ledger.id, state: State::default(), link: GENESIS });
    };
    let open = db.fetch_all(OPEN_ATTEMPTS, values![node]).await?;
    let open = open.iter().map(read_open_attempt).collect::<Result<Vec<_>, _>>()?;
    Ok(Standing { id: ledger.id, state: State::restore(last.lsn, last.epoch, ledger.instant, open), link })
}

/// Checks the links of the last entries; gives the last one.
async fn check_tail(db: &mut Db<'_>, node: i64) -> Result<Option<(Entry, Link)>, Error> {
    let rows = db.fetch_all(NEWEST, values![node, TAIL]).await?;
    let (mut previous, mut last) = (None, None);
    let mut unpacker = Unpacker::new();
    for row in rows.iter().rev() {
        let entry = RawEntry::read(row, &mut unpacker)?;
        let wrong = |column, reason: &str| Reading::new("entries", "lsn", row).wrong(column, &reason);
        let body = entry.body.as_ref().map_err(|reason| wrong("body", reason))?;
        if previous.is_some_and(|previous| chain::hash(&previous, body.as_bytes()) != entry.hash) {
            return Err(wrong("hash", "the entry was changed, or its predecessor was"));
        }
        previous = Some(entry.hash);
        last = Some(entry);
    }
    let Some(last) = last else { return Ok(None) };
    let stored = last.decode()?;
    Ok(Some((stored.entry, stored.hash)))
}

/// A row of `open_attempts`.
pub(crate) fn read_open_attempt(row: &Row) -> Result<OpenAttempt, Error> {
    Reading::new("open_attempts", "attempt_id", row).json("body")
}
