//! Derives: applies entries to the state, and writes what they change in the derived tables.
//!
//! There is one way to make those tables. The writer goes it with each batch, a rebuild with all entries
//! there are, and verification with all entries into an empty file that is then compared.

use megarouter_ledger::entry::{Entry, Lsn};
use megarouter_ledger::state::State;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::Derived;
use crate::ledger::names::Names;
use crate::ledger::sheets::{Part, Sheets};
use crate::ledger::{places, writes};

/// What the entries so far add up to, and what of the tables is known.
#[derive(Debug)]
pub(crate) struct Deriver {
    node: i64,
    state: State,
    names: Names,
    sheets: Sheets,
    /// Sums up to this entry are kept without it.
    retired: Lsn,
}

impl Deriver {
    /// Goes on from a state, which the tables agree with.
    pub(crate) fn new(node: i64, state: State) -> Self {
        Self { node, state, names: Names::of(node), sheets: Sheets::of(node, Part::Kept), retired: Lsn::default() }
    }

    /// The same, for a ledger whose sums up to an entry are kept without it.
    pub(crate) fn after(node: i64, state: State, retired: Lsn) -> Self {
        Self { retired, ..Self::new(node, state) }
    }

    /// The rows that are being added to.
    pub(crate) fn sheets(&mut self) -> &mut Sheets {
        &mut self.sheets
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Applies entries and writes what they change, in the transaction that is open. After a failure
    /// this is not used again.
    pub(crate) async fn apply(&mut self, db: &mut Db<'_>, entries: &[Entry]) -> Result<(), Error> {
        let (retired, kept) = entries.split_at(entries.partition_point(|entry| entry.lsn <= self.retired));
        if !retired.is_empty() {
            let derived = self.fold(db, retired).await?;
            writes::save(db, self.node, &derived).await?;
        }
        let derived = self.fold(db, kept).await?;
        self.sheets.add(db, &derived).await?;
        writes::save(db, self.node, &derived).await
    }

    /// Applies entries; gives what they change.
    pub(crate) async fn fold(&mut self, db: &mut Db<'_>, entries: &[Entry]) -> Result<Derived, Error> {
        let mut derived = Derived::default();
        for entry in entries {
            // What does not follow is told when it is written or verified, and counted once.
            if entry.lsn > self.state.last() {
                let place = places::find(db, &mut self.names, &self.state, entry).await?;
                derived.add(&self.state, entry, &place);
            }
            if let Err(inconsistency) = self.state.apply(entry) {
                tracing::error!(%inconsistency, "an entry does not follow from those before it; verify the ledger");
            }
        }
        Ok(derived)
    }
}
