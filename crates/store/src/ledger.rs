//! The ledger: the journal of entries, and the tables derived from it.
//!
//! In a file of this node, `ledger.db`, or as a node's part of the database that a hub shares: the tables
//! and the SQL are the same. One connection writes; a few read. Start at [`Ledger::recover`], which gives
//! the engine of this run, then [`Ledger::append`] what the engine says. The other methods answer the API's
//! questions; on a hub they see all nodes.

pub mod activity;
mod copies;
mod derived;
mod deriver;
mod export;
pub mod histogram;
mod journal;
mod names;
pub(crate) mod openings;
pub mod overview;
mod packing;
pub mod pivot;
mod place;
mod places;
mod reads;
mod rebuild;
pub mod replay;
mod request_sums;
pub mod requests;
mod restore;
mod retire;
pub mod selection;
mod sheets;
mod span;
pub mod sums;
mod tables;
mod verify;
mod writes;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, KeyId, LedgerId, ProviderId, RequestId, UnitId};
use megarouter_domain::tag::Tag;
use megarouter_domain::unit::Units;
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{ChangeNote, Entry, Fact, Lsn};
use megarouter_ledger::limits::{Limits, Opening, OpeningQuery};
use megarouter_ledger::state::State;
use megarouter_ledger::verify::Report;
use tokio::sync::Mutex;

pub use self::copies::{CopyReport, RepairOutcome, Repaired, Restored, check_backup, repair, restore};
pub use self::journal::{Shipment, Stored};
use crate::backend::Schema;
use crate::backend::postgres::HubPool;
use crate::error::Error;
use activity::{KeyActivity, ProviderActivity};
use journal::Writer;
use overview::{Overview, Question};
use pivot::{Pivot, PivotQuery};
use place::Place;
use reads::Reads;
use replay::Replayed;
use requests::{AttemptEntry, Cursor, Detail, Filter, Page};
use selection::Selection;
use sums::Sums;

pub(crate) const SCHEMA: Schema = Schema {
    name: "ledger",
    application_id: 1_297_240_658,
    sqlite: &[
        include_str!("../migrations/sqlite/ledger/0001_journal.sql"),
        include_str!("../migrations/sqlite/ledger/0002_rollups.sql"),
        include_str!("../migrations/sqlite/ledger/0003_weeks.sql"),
        include_str!("../migrations/sqlite/ledger/0004_open_attempts.sql"),
    ],
    postgres: &[
        include_str!("../migrations/postgres/ledger/0001_ledger.sql"),
        include_str!("../migrations/postgres/ledger/0002_weeks.sql"),
        include_str!("../migrations/postgres/ledger/0003_open_attempts.sql"),
    ],
};

/// Requests that arrived this long ago may not have finished.
const LONGEST_REQUEST: Duration = Duration::from_secs(3_600);

/// The open ledger.
#[derive(Debug)]
pub struct Ledger {
    place: Place,
    /// Nothing after a failure: what a broken connection has written is not known, so the next
    /// append opens the ledger again and looks.
    writer: Mutex<Option<Writer>>,
    reads: Reads,
}

/// Where a walk through recorded requests has come to.
#[derive(Clone, Debug)]
pub struct Replay {
    selection: Selection,
    from: Timestamp,
    to: Timestamp,
    after: Option<(Timestamp, RequestId)>,
    tags: HashMap<(i64, i64), Tag>,
}

impl Ledger {
    /// Opens the ledger of a data directory, making or upgrading it.
    pub async fn open(dir: &Path) -> Result<Self, Error> {
        Self::open_at(Place::Folder(dir.to_owned())).await
    }

    /// Opens the part of a hub's ledger that belongs to a node, whose own ledger is `id`.
    ///
    /// Does not connect before it is needed: a node starts while the hub is away.
    pub fn on_hub(pool: &HubPool, node: i64, id: LedgerId) -> Self {
        let place = Place::Hub { pool: pool.clone(), node, id };
        let reads = Reads::open(&place, &SCHEMA);
        Self { place, writer: Mutex::new(None), reads }
    }

    async fn open_at(place: Place) -> Result<Self, Error> {
        let writer = Writer::open(&place).await?;
        let reads = Reads::open(&place, &SCHEMA);
        Ok(Self { place, writer: Mutex::new(Some(writer)), reads })
    }

    /// Which ledger it is. A copy that goes on by itself has another id.
    pub async fn id(&self) -> Result<LedgerId, Error> {
        self.with_writer(async |writer| Ok(writer.id())).await
    }

    /// What the entries so far add up to.
    pub async fn state(&self) -> Result<State, Error> {
        self.with_writer(async |writer| Ok(writer.state().clone())).await
    }

    /// Begins a run without limits: see [`Self::recover_with`].
    pub async fn recover(&self, version: &str, now: Timestamp) -> Result<Engine, Error> {
        self.recover_with(Arc::default(), version, now).await
    }

    /// Begins a run: gives the engine on what is stored, with the endings of everything that a dead
    /// run left open already appended. To be called once, before anything is appended.
    pub async fn recover_with(&self, limits: Arc<Limits>, version: &str, now: Timestamp) -> Result<Engine, Error> {
        let state = self.state().await?;
        let arrived = state.attempts().map(|attempt| attempt.hold.started_at);
        let oldest = arrived.fold(now.min(state.instant()).minus(LONGEST_REQUEST), Timestamp::min);
        let (_, openings) = self.openings(&limits.openings(oldest, now.max(state.instant()))).await?;
        let (engine, entries) = Engine::start(state, limits, &openings, version, now);
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

    /// At most `limit` entries after a number, as they are stored, for another ledger.
    pub async fn after(&self, lsn: Lsn, limit: u32) -> Result<Shipment, Error> {
        let node = self.place.node();
        let mut db = self.reads.acquire().await?;
        let mut transaction = db.begin_reading().await?;
        let ledger = restore::ledger(&mut transaction, node).await?;
        let lsn = lsn.max(ledger.archived);
        let before = match journal::one(&mut transaction, node, lsn).await? {
            Some(stored) if lsn > ledger.archived => stored.hash,
            _ => ledger.archived_link,
        };
        let entries = journal::after(&mut transaction, node, lsn, limit).await?;
        transaction.commit().await?;
        let entries = entries.into_iter().map(journal::RawEntry::decode).collect::<Result<_, _>>()?;
        Ok(Shipment { before, entries })
    }

    /// Appends entries of the same node's own ledger, byte by byte. As with [`Self::append`], those that are
    /// stored already are passed over.
    pub async fn append_shipment(&self, shipment: &Shipment) -> Result<Lsn, Error> {
        self.with_writer(async |writer| writer.append_shipment(shipment).await).await
    }

    /// Reads every entry, checks the chain and the rules, and compares every derived table. Sees one
    /// state of the ledger while others are written.
    pub async fn verify(&self) -> Result<Report, Error> {
        verify::verify(&self.place).await
    }

    /// Makes every derived table again from the entries; gives what was wrong before. Nothing is written
    /// meanwhile.
    pub async fn repair(&self) -> Result<Report, Error> {
        let found = self.verify().await?;
        let mut place = self.writer.lock().await;
        let node = self.place.node();
        let mut writer = match place.take() {
            Some(writer) => writer,
            None => Writer::open(&self.place).await?,
        };
        rebuild::all(writer.db(), node).await?;
        writer.close().await;
        *place = Some(Writer::open(&self.place).await?);
        Ok(found)
    }

    /// Copies the ledger of a folder into a new file, as it is at one moment; gives the last entry in it.
    /// Others go on writing meanwhile. A hub has backups of its own.
    pub async fn backup(&self, to: &Path) -> Result<Lsn, Error> {
        let dir = self.place.folder().ok_or(Error::NoFile)?;
        copies::backup(dir, to).await
    }

    /// Writes every entry of this node as a line of JSON; gives how many.
    pub async fn export_entries(&self, write: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<u64, Error> {
        export::entries(&self.place, write).await
    }

    /// Writes every finished request of this node as a line of CSV; gives how many.
    pub async fn export_requests(&self, write: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<u64, Error> {
        export::requests(&self.place, write).await
    }

    /// Removes a batch of at most `most` entries that are older than `before`, up to a checkpoint that is no
    /// later than `archived`; gives how many it dealt with, and 0 when there is nothing to do. Sums stay.
    pub async fn retire(&self, before: Timestamp, archived: Lsn, most: u32) -> Result<u64, Error> {
        self.with_writer(async |writer| writer.retire(before, archived, most).await).await
    }

    /// What SQLite finds wrong in the structure of the file; `None` when nothing is. Takes as long as reading
    /// all of it.
    pub async fn quick_check(&self) -> Result<Option<String>, Error> {
        if self.place.folder().is_none() {
            return Ok(None);
        }
        let mut db = self.place.open_for_reading().await?;
        let found = crate::backend::quick_check(&mut db).await;
        db.close().await?;
        found
    }

    /// The size of the file with its log, in bytes; 0 on a hub.
    pub fn size(&self) -> u64 {
        let Some(dir) = self.place.folder() else { return 0 };
        let path = SCHEMA.path(dir);
        let files = [path.with_extension("db-wal"), path];
        files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|file| file.len()).sum()
    }

    /// What accounts begin with, and the last entry that counts in it.
    pub async fn openings(&self, queries: &[OpeningQuery]) -> Result<(Lsn, Vec<Opening>), Error> {
        openings::answer(&mut self.reads.acquire().await?, self.place.node(), queries).await
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

    /// What the ledger knows about an ended attempt; `None` when there is none with this id.
    pub async fn attempt(&self, id: AttemptId) -> Result<Option<AttemptEntry>, Error> {
        requests::attempt_by_id(&mut self.reads.acquire().await?, id).await
    }

    /// Figures over a range of time.
    pub async fn overview(&self, question: &Question) -> Result<Overview, Error> {
        overview::answer(&mut self.reads.acquire().await?, question).await
    }

    /// Requests added up by one or two dimensions. `units` says what the units are.
    pub async fn pivot(&self, query: &PivotQuery, units: &Units) -> Result<Pivot, Error> {
        pivot::answer(&mut self.reads.acquire().await?, query, units).await
    }

    /// Begins a walk through the requests of a range of time, in their order. The selection's tag is not
    /// looked at.
    pub fn replay(&self, selection: Selection, from: Timestamp, to: Timestamp) -> Replay {
        Replay { selection, from, to, after: None, tags: HashMap::new() }
    }

    /// The next requests of a walk, at most [`replay::MOST_REPLAYED`]; none at its end.
    pub async fn replay_next(&self, walk: &mut Replay) -> Result<Vec<Replayed>, Error> {
        let mut db = self.reads.acquire().await?;
        let found = replay::next(&mut db, &walk.selection, (walk.from, walk.to), walk.after, &mut walk.tags).await?;
        walk.after = found.last().map(|last| (last.started_at, last.request_id)).or(walk.after);
        Ok(found)
    }

    /// What each provider did since a time, which is rounded down to five minutes. A call counts where its
    /// request arrived.
    pub async fn provider_activity(&self, since: Timestamp) -> Result<HashMap<ProviderId, ProviderActivity>, Error> {
        activity::of_providers(&mut self.reads.acquire().await?, since).await
    }

    /// What each key did since a time, which is rounded down to five minutes; keys that were never
    /// used are missing.
    pub async fn key_activity(&self, since: Timestamp) -> Result<HashMap<KeyId, KeyActivity>, Error> {
        activity::of_keys(&mut self.reads.acquire().await?, since).await
    }

    /// What each unit did since a time, with everything in it; units that were never charged are missing.
    pub async fn unit_activity(&self, since: Timestamp) -> Result<HashMap<UnitId, KeyActivity>, Error> {
        activity::of_units(&mut self.reads.acquire().await?, since).await
    }

    /// What admins changed, in entries of this node after a number.
    pub async fn notes(&self, after: Lsn) -> Result<Vec<(Lsn, Arc<ChangeNote>)>, Error> {
        let node = self.place.node();
        let mut db = self.reads.acquire().await?;
        let mut notes = Vec::new();
        for lsn in journal::notes(&mut db, node, after).await? {
            if let Some(Stored { entry: Entry { fact: Fact::Changed(note), .. }, .. }) =
                journal::one(&mut db, node, lsn).await?
            {
                notes.push((lsn, note));
            }
        }
        Ok(notes)
    }

    /// Closes the connections of its own; what was appended is durable without it.
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
            None => Writer::open(&self.place).await?,
        };
        let result = work(&mut writer).await;
        if result.is_ok() {
            *place = Some(writer);
        }
        result
    }
}
