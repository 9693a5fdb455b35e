//! Appending entries: one transaction for a batch and everything derived from it. Owns `entries`.

use std::path::Path;

use megarouter_ledger::chain::{self, Link};
use megarouter_ledger::entry::{Entry, Lsn};
use megarouter_ledger::state::State;

use crate::backend;
use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::Derived;
use crate::ledger::durations::Durations;
use crate::ledger::writes::{self, Encoded};
use crate::ledger::{SCHEMA, restore};
use crate::row::values;

/// The connection that writes, and what is stored, folded.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Db<'static>,
    state: State,
    link: Link,
    durations: Durations,
}

impl Writer {
    /// Opens the file and reads where it stands.
    pub(crate) async fn open(dir: &Path) -> Result<Self, Error> {
        let mut connection = backend::open(dir, &SCHEMA).await?;
        let (state, link) = restore::read(&mut connection).await?;
        Ok(Self { connection, state, link, durations: Durations::default() })
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) async fn append(&mut self, entries: &[Entry]) -> Result<Lsn, Error> {
        let stored = self.state.last();
        let known = entries.partition_point(|entry| entry.lsn <= stored);
        let (known, new) = entries.split_at(known);
        self.compare_with_stored(known).await?;
        if new.is_empty() {
            return Ok(stored);
        }
        self.check_order(new)?;
        let (encoded, derived) = self.fold(new)?;
        let mut transaction = self.connection.begin().await?;
        writes::save(&mut transaction, encoded, derived, &self.state, &mut self.durations).await?;
        transaction.commit().await?;
        Ok(self.state.last())
    }

    pub(crate) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the ledger was not closed cleanly; nothing is lost");
        }
    }

    fn check_order(&self, new: &[Entry]) -> Result<(), Error> {
        let mut last = self.state.last();
        for entry in new {
            if entry.lsn != last.next() {
                return Err(Error::Order { last: last.0, found: entry.lsn.0 });
            }
            last = entry.lsn;
        }
        Ok(())
    }

    /// Moves state and chain on. When the transaction fails this writer is not used again.
    fn fold<'a>(&mut self, entries: &'a [Entry]) -> Result<(Vec<Encoded<'a>>, Derived), Error> {
        let mut derived = Derived::default();
        let mut encoded = Vec::with_capacity(entries.len());
        for entry in entries {
            derived.add(&self.state, entry);
            if let Err(inconsistency) = self.state.apply(entry) {
                tracing::error!(%inconsistency, "an entry does not follow from those before it; verify the ledger");
            }
            let body = chain::encode(entry).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
            self.link = chain::hash(&self.link, body.as_bytes());
            encoded.push(Encoded { entry, body, hash: self.link });
        }
        Ok((encoded, derived))
    }

    /// A retried batch has to be the batch that was stored.
    async fn compare_with_stored(&mut self, known: &[Entry]) -> Result<(), Error> {
        for entry in known {
            let lsn = i64::try_from(entry.lsn.0).unwrap_or(i64::MAX);
            let text = "SELECT body FROM entries WHERE lsn = $1";
            let body: Option<String> = self.connection.fetch_value(text, values![lsn]).await?;
            let expected = chain::encode(entry).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
            if body.as_ref() != Some(&expected) {
                return Err(Error::Rewritten(entry.lsn.0));
            }
        }
        Ok(())
    }
}
