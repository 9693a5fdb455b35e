//! The ledger: the journal of entries, and the tables derived from it. `ledger.db`.
//!
//! One connection writes; a few read. Start at [`Ledger::recover`], which gives the engine of this
//! run, then [`Ledger::append`] what the engine says. The other methods answer the API's questions.

pub mod activity;
mod derived;
mod durations;
pub mod histogram;
mod journal;
pub mod overview;
mod reads;
mod request_sums;
pub mod requests;
mod restore;
pub mod sums;
mod verify;
mod writes;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, ProviderId, RequestId};
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Entry, Lsn};
use megarouter_ledger::verify::Report;
use tokio::sync::Mutex;

use crate::backend::Schema;
use crate::error::Error;
use activity::{KeyActivity, ProviderActivity};
use journal::Writer;
use overview::{Overview, Question};
use reads::Reads;
use requests::{Cursor, Detail, Filter, Page};
use sums::Sums;

pub(crate) const SCHEMA: Schema = Schema {
    name: "ledger",
    application_id: 1_297_240_658,
    sqlite: &[include_str!("../migrations/sqlite/ledger/0001_journal.sql")],
    postgres: &[],
};

/// The open ledger.
#[derive(Debug)]
pub struct Ledger {
    dir: PathBuf,
    /// Nothing after a failure: what a broken connection has written is not known, so the next
    /// append opens the file again and looks.
    writer: Mutex<Option<Writer>>,
    reads: Reads,
}

impl Ledger {
    /// Opens the ledger of a data directory, making or upgrading it.
    pub async fn open(dir: &Path) -> Result<Self, Error> {
        let writer = Writer::open(dir).await?;
        let reads = Reads::open(dir, &SCHEMA);
        Ok(Self { dir: dir.to_owned(), writer: Mutex::new(Some(writer)), reads })
    }

    /// Begins a run: gives the engine on what is stored, with the endings of everything that a dead
    /// run left open already appended. To be called once, before anything is appended.
    pub async fn recover(&self, version: &str, now: Timestamp) -> Result<Engine, Error> {
        let state = self.with_writer(async |writer| Ok(writer.state().clone())).await?;
        let (engine, entries) = Engine::start(state, std::sync::Arc::default(), &[], version, now);
        self.append(&entries).await?;
        Ok(engine)
    }

    /// Appends entries with everything derived from them, all or nothing, and gives the number of
    /// the last one that is durable. Entries that are stored already are passed over, so a batch
    /// whose fate is unknown is simply given again.
    pub async fn append(&self, entries: &[Entry]) -> Result<Lsn, Error> {
        self.with_writer(async |writer| writer.append(entries).await).await
    }

    /// The last durable entry; 0 in a new ledger.
    pub async fn durable(&self) -> Result<Lsn, Error> {
        self.with_writer(async |writer| Ok(writer.state().last())).await
    }

    /// Reads every entry, checks the chain and the rules, and compares every derived table. Sees one
    /// state of the file while others are written.
    pub async fn verify(&self) -> Result<Report, Error> {
        verify::verify(&self.dir).await
    }

    /// A page of requests, newest first; at most [`requests::MOST_ROWS`].
    pub async fn requests(&self, filter: &Filter, after: Option<Cursor>, limit: u32) -> Result<Page, Error> {
        requests::page(&mut self.reads.acquire().await?, filter, after, limit).await
    }

    /// The requests of a filter, added up.
    pub async fn request_sums(&self, filter: &Filter) -> Result<Sums, Error> {
        request_sums::of(&mut self.reads.acquire().await?, filter).await
    }

    /// One request in detail; `None` when there is none with this id, or it has not finished.
    pub async fn request(&self, id: RequestId) -> Result<Option<Detail>, Error> {
        requests::detail(&mut self.reads.acquire().await?, id).await
    }

    /// Figures over a range of time.
    pub async fn overview(&self, question: &Question) -> Result<Overview, Error> {
        overview::answer(&mut self.reads.acquire().await?, question).await
    }

    /// What each provider did since a time, which is rounded down to five minutes.
    pub async fn provider_activity(&self, since: Timestamp) -> Result<HashMap<ProviderId, ProviderActivity>, Error> {
        activity::of_providers(&mut self.reads.acquire().await?, since).await
    }

    /// What each key did since a time, which is rounded down to five minutes; keys that were never
    /// used are missing.
    pub async fn key_activity(&self, since: Timestamp) -> Result<HashMap<KeyId, KeyActivity>, Error> {
        activity::of_keys(&mut self.reads.acquire().await?, since).await
    }

    /// Closes the files; what was appended is durable without it.
    pub async fn close(self) {
        self.reads.close().await;
        if let Some(writer) = self.writer.into_inner() {
            writer.close().await;
        }
    }

    /// Runs `work` with the writer, which is lost when `work` fails or is dropped half-way.
    async fn with_writer<T>(&self, work: impl AsyncFnOnce(&mut Writer) -> Result<T, Error>) -> Result<T, Error> {
        let mut place = self.writer.lock().await;
        let mut writer = match place.take() {
            Some(writer) => writer,
            None => Writer::open(&self.dir).await?,
        };
        let result = work(&mut writer).await;
        if result.is_ok() {
            *place = Some(writer);
        }
        result
    }
}
