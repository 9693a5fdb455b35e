//! The ledger: the journal of entries, and the tables derived from it. `ledger.db`.
//!
//! One connection writes; a few read. Start at [`Ledger::recover`], which gives the engine of this
//! run, then [`Ledger::append`] what the engine says. The other methods answer the API's questions.

pub mod activity;
pub mod histogram;
pub mod overview;
pub mod requests;
pub mod sums;

use std::collections::HashMap;
use std::path::Path;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, ProviderId, RequestId};
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Entry, Lsn};
use megarouter_ledger::verify::Report;

use crate::error::Error;
use activity::{KeyActivity, ProviderActivity};
use overview::{Overview, Question};
use requests::{Cursor, Detail, Filter, Page};
use sums::Sums;

/// The open ledger.
#[derive(Debug)]
pub struct Ledger {}

impl Ledger {
    /// Opens the ledger of a data directory, making or upgrading it.
    pub async fn open(dir: &Path) -> Result<Self, Error> {
        let _ = dir;
        unimplemented!()
    }

    /// Begins a run: gives the engine on what is stored, with the endings of everything that a dead
    /// run left open already appended. To be called once, before anything is appended.
    pub async fn recover(&self, version: &str, now: Timestamp) -> Result<Engine, Error> {
        let _ = (version, now);
        unimplemented!()
    }

    /// Appends entries with everything derived from them, all or nothing, and gives the number of
    /// the last one that is durable. Entries that are stored already are passed over, so a batch
    /// whose fate is unknown is simply given again.
    pub async fn append(&self, entries: &[Entry]) -> Result<Lsn, Error> {
        let _ = entries;
        unimplemented!()
    }

    /// The last durable entry.
    pub async fn durable(&self) -> Result<Lsn, Error> {
        unimplemented!()
    }

    /// Reads every entry, checks the chain and the rules, and compares every derived table.
    pub async fn verify(&self) -> Result<Report, Error> {
        unimplemented!()
    }

    /// A page of requests, newest first; at most [`requests::MOST_ROWS`].
    pub async fn requests(&self, filter: &Filter, after: Option<Cursor>, limit: u32) -> Result<Page, Error> {
        let _ = (filter, after, limit);
        unimplemented!()
    }

    /// The requests of a filter, added up.
    pub async fn request_sums(&self, filter: &Filter) -> Result<Sums, Error> {
        let _ = filter;
        unimplemented!()
    }

    /// One request in detail; `None` when there is none with this id.
    pub async fn request(&self, id: RequestId) -> Result<Option<Detail>, Error> {
        let _ = id;
        unimplemented!()
    }

    /// Figures over a range of time.
    pub async fn overview(&self, question: &Question) -> Result<Overview, Error> {
        let _ = question;
        unimplemented!()
    }

    /// What each provider did since a time, which is rounded down to five minutes.
    pub async fn provider_activity(&self, since: Timestamp) -> Result<HashMap<ProviderId, ProviderActivity>, Error> {
        let _ = since;
        unimplemented!()
    }

    /// What each key did since a time, which is rounded down to five minutes; keys that were never
    /// used are missing.
    pub async fn key_activity(&self, since: Timestamp) -> Result<HashMap<KeyId, KeyActivity>, Error> {
        let _ = since;
        unimplemented!()
    }

    /// Closes the files; what was appended is durable without it.
    pub async fn close(self) {}
}
