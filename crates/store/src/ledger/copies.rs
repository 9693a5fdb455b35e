//! Copies of a ledger: making one while entries are written, checking it, going back to it, and putting a
//! damaged ledger together again from a copy and what can still be read.
//!
//! A file that is in use is never written over: what takes its place is made beside it, checked, and moved
//! there; the old one is put aside. The callers of [`restore`] and [`repair`] hold the lock of the folder.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use megarouter_domain::id::LedgerId;
use megarouter_ledger::chain::{self, GENESIS, Link};
use megarouter_ledger::entry::Lsn;
use megarouter_ledger::verify::Report;
use sha2::{Digest as _, Sha256};

use crate::backend;
use crate::db::Db;
use crate::error::Error;
use crate::ledger::journal::{self, RawEntry, Shipment, Writer};
use crate::ledger::packing::Unpacker;
use crate::ledger::place::Place;
use crate::ledger::{SCHEMA, rebuild, restore as standing, verify};
use crate::row::{Reading, values};

/// Entries that are carried over at once.
const CHUNK: u32 = 500;

const NEW_ID: &str = "UPDATE ledgers SET ledger_id = randomblob(16) WHERE node = 0";

const KEEP_ID: &str = "UPDATE ledgers SET ledger_id = $1 WHERE node = 0";

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyReport {
    /// The ledger it is a copy of. A copy of schema 1 does not say.
    pub ledger: LedgerId,
    /// The last entry in it.
    pub lsn: Lsn,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Whether everything in it adds up.
    pub report: Report,
}

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Which ledger it is: the one that was in use, when nothing of it was lost; else a new one.
    pub ledger: LedgerId,
    /// The last entry.
    pub lsn: Lsn,
    /// Entries of the ledger that was in use that are newer than the copy, and were carried over.
    pub carried_over: u64,
    /// True when the ledger goes on as if nothing had happened.
    pub is_whole: bool,
    /// Where the ledger that was in use is now; `None` when there was none.
    pub aside: Option<PathBuf>,
}

/// What a repair found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// What was found first; `None` when the file could not even be read.
    pub found: Option<Report>,
    /// What was done.
    pub outcome: RepairOutcome,
}

/// What a repair did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepairOutcome {
    /// Nothing: everything added up.
    Sound,
    /// The derived tables were made again from the entries.
    Rebuilt,
    /// The ledger was put together from a copy and the entries that could be read.
    Recovered {
        /// The copy; `None` when there was none that is sound.
        copy: Option<PathBuf>,
        /// What it is now.
        restored: Restored,
    },
}

/// Copies the ledger of a folder into a new file, as it is at one moment; others go on writing meanwhile.
pub(crate) async fn backup(dir: &Path, to: &Path) -> Result<Lsn, Error> {
    backend::copy_online(dir, &SCHEMA, to).await?;
    let mut db = backend::open_copy(to).await?;
    let last = last(&mut db).await?;
    db.close().await?;
    Ok(last)
}

/// Opens a copy as a restore would, and checks everything in it. The copy is not changed.
pub async fn check_backup(file: &Path) -> Result<CopyReport, Error> {
    let work = Work::beside(file)?;
    work.take(file)?;
    let place = Place::Folder(work.0.clone());
    let writer = Writer::open(&place).await?;
    let (ledger, lsn) = (writer.id(), writer.state().last());
    writer.close().await;
    let report = verify::verify(&place).await?;
    let (bytes, sha256) = digest(file).map_err(|source| Error::File { path: file.to_owned(), source })?;
    Ok(CopyReport { ledger, lsn, bytes, sha256, report })
}

/// Goes back to a copy, with the entries that the ledger in the folder has beyond it. The copy has to be
/// sound. When the ledger in the folder is another one, or not all of its entries can be read, the result is
/// a new ledger, so that a hub does not take it for the old one.
pub async fn restore(file: &Path, dir: &Path) -> Result<Restored, Error> {
    let checked = check_backup(file).await?;
    if !checked.report.is_sound() {
        return Err(Error::Unsound(file.to_owned()));
    }
    put_together(dir, Some(file)).await
}

/// Makes the ledger of a folder sound: makes its tables again, or, when that is not enough, puts it together
/// from the first of these copies that is sound and from what can be read of the file.
///
/// Entries are carried over up to the first that is damaged or missing: those after it no longer follow from
/// what is known, and stay in the file that is put aside.
pub async fn repair(dir: &Path, copies: &[PathBuf]) -> Result<Repaired, Error> {
    let found = check(dir).await;
    if found.as_ref().is_ok_and(Report::is_sound) {
        return Ok(Repaired { found: found.ok(), outcome: RepairOutcome::Sound });
    }
    if found.is_ok() && rebuild_in(dir).await.is_ok() && check(dir).await.is_ok_and(|report| report.is_sound()) {
        return Ok(Repaired { found: found.ok(), outcome: RepairOutcome::Rebuilt });
    }
    let copy = first_sound(copies).await;
    let restored = put_together(dir, copy.as_deref()).await?;
    Ok(Repaired { found: found.ok(), outcome: RepairOutcome::Recovered { copy, restored } })
}

async fn check(dir: &Path) -> Result<Report, Error> {
    let place = Place::Folder(dir.to_owned());
    Writer::open(&place).await?.close().await;
    verify::verify(&place).await
}

async fn rebuild_in(dir: &Path) -> Result<(), Error> {
    let (mut db, upgrade) = Place::Folder(dir.to_owned()).open().await?;
    let rebuilt = rebuild::all(&mut db, 0).await;
    db.close().await?;
    if rebuilt.is_err() {
        upgrade.undo()?;
    }
    rebuilt.map(drop)
}

async fn first_sound(copies: &[PathBuf]) -> Option<PathBuf> {
    for copy in copies {
        match check_backup(copy).await {
            Ok(checked) if checked.report.is_sound() => return Some(copy.clone()),
            Ok(_) => tracing::warn!(copy = %copy.display(), "a copy of the ledger is not sound"),
            Err(error) => tracing::warn!(copy = %copy.display(), %error, "a copy of the ledger cannot be used"),
        }
    }
    None
}

/// Makes a ledger from a copy, or from nothing, and the entries in the folder's own file that follow it; then
/// puts it in its place.
async fn put_together(dir: &Path, copy: Option<&Path>) -> Result<Restored, Error> {
    let path = SCHEMA.path(dir);
    let work = Work::beside(&path)?;
    if let Some(copy) = copy {
        work.take(copy)?;
    }
    let mut writer = Writer::open(&Place::Folder(work.0.clone())).await?;
    let begin = writer.state().last();
    let mut rescue = if path.exists() { Rescue::open(&path, &writer).await } else { None };
    while let Some(shipment) = read_next(&mut rescue).await {
        writer.append_shipment(&shipment).await?;
    }
    let lsn = writer.state().last();
    if lsn == Lsn::default() {
        return Err(Error::Unsound(path));
    }
    let (is_whole, id) = rescue.as_ref().map_or((false, None), |rescue| (rescue.is_whole(), rescue.id));
    match id.filter(|_| is_whole) {
        Some(id) => writer.db().execute(KEEP_ID, values![id.as_uuid()]).await?,
        None => writer.db().execute(NEW_ID, values![]).await?,
    };
    let ledger = standing::ledger(writer.db(), 0).await?.id;
    if let Some(rescue) = rescue {
        rescue.close().await;
    }
    writer.close().await;
    let placed = |source| Error::File { path: path.clone(), source };
    let aside = put_aside(&path).map_err(placed)?;
    work.put_in_place(&path).map_err(placed)?;
    Ok(Restored { ledger, lsn, carried_over: lsn.0 - begin.0, is_whole, aside })
}

async fn read_next(rescue: &mut Option<Rescue>) -> Option<Shipment> {
    rescue.as_mut()?.next().await
}

/// Reads as many entries as there are after those that are known, up to the first that is damaged.
struct Rescue {
    db: Db<'static>,
    id: Option<LedgerId>,
    has_packed: bool,
    last: Lsn,
    link: Link,
    /// The last entry there is, when that can be told.
    newest: Option<Lsn>,
}

impl Rescue {
    /// Opens a file that may be damaged; `None` when it cannot be opened or is not of the same ledger.
    async fn open(path: &Path, known: &Writer) -> Option<Self> {
        let mut db = backend::open_damaged(path).await.ok()?;
        let version: i64 = db.fetch_value("PRAGMA user_version", values![]).await.ok()??;
        let has_packed = version > 1;
        let id = standing::ledger(&mut db, 0).await.ok().map(|ledger| ledger.id);
        let newest = last(&mut db).await.ok();
        let (last, link) = (known.state().last(), known.link());
        let mut rescue = Self { db, id, has_packed, last, link, newest };
        if last > Lsn::default() && rescue.link_of(last).await != Some(link) {
            return None;
        }
        if last == Lsn::default() {
            let ledger = standing::ledger(&mut rescue.db, 0).await.ok();
            (rescue.last, rescue.link) =
                ledger.map_or((last, GENESIS), |ledger| (ledger.archived, ledger.archived_link));
        }
        Some(rescue)
    }

    /// The next entries that follow; `None` at the end, or before the first that is damaged.
    async fn next(&mut self) -> Option<Shipment> {
        let rows = match self.rows(CHUNK).await {
            Ok(rows) => rows,
            // One by one up to the page that cannot be read.
            Err(_) => self.rows(1).await.ok()?,
        };
        let before = self.link;
        let mut entries = Vec::new();
        for raw in rows {
            let Some(stored) = raw.decode().ok().filter(|stored| self.follows(stored)) else { break };
            (self.last, self.link) = (stored.entry.lsn, stored.hash);
            entries.push(stored);
        }
        (!entries.is_empty()).then_some(Shipment { before, entries })
    }

    fn follows(&self, stored: &journal::Stored) -> bool {
        let link = chain::hash(&self.link, stored.body.as_bytes());
        stored.entry.lsn == self.last.next() && link == stored.hash
    }

    async fn rows(&mut self, limit: u32) -> Result<Vec<RawEntry>, Error> {
        let text = if self.has_packed {
            "SELECT lsn, body, hash, packed FROM entries WHERE lsn > $1 ORDER BY lsn LIMIT $2"
        } else {
            "SELECT lsn, body, hash, NULL AS packed FROM entries WHERE lsn > $1 ORDER BY lsn LIMIT $2"
        };
        let rows = self.db.fetch_all(text, values![journal::lsn_value(self.last), i64::from(limit)]).await?;
        let mut unpacker = Unpacker::new();
        rows.iter().map(|row| RawEntry::read(row, &mut unpacker)).collect()
    }

    async fn link_of(&mut self, lsn: Lsn) -> Option<Link> {
        let text = "SELECT hash FROM entries WHERE lsn = $1";
        let row = self.db.fetch_optional(text, values![journal::lsn_value(lsn)]).await.ok()??;
        journal::read_link(&Reading::new("entries", "hash", &row), "hash").ok()
    }

    /// True when every entry that there was could be read.
    fn is_whole(&self) -> bool {
        self.newest == Some(self.last)
    }

    async fn close(self) {
        // A damaged file may not be closed in due form; it is put aside as it is.
        let _ = self.db.close().await;
    }
}

/// The last entry of a file.
async fn last(db: &mut Db<'_>) -> Result<Lsn, Error> {
    let last: Option<Option<i64>> = db.fetch_value("SELECT max(lsn) FROM entries", values![]).await?;
    Ok(Lsn(u64::try_from(last.flatten().unwrap_or(0)).unwrap_or(0)))
}

/// A folder beside a file in which the next one is made; removed with what is left in it.
struct Work(PathBuf);

impl Work {
    fn beside(file: &Path) -> Result<Self, Error> {
        let dir = file.with_extension(format!("unfinished-{}", std::process::id()));
        let failed = |source| Error::File { path: dir.clone(), source };
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(failed)?;
        }
        backend::make_private_dir(&dir).map_err(failed)?;
        Ok(Self(dir))
    }

    /// Copies a file here, as the ledger.
    fn take(&self, file: &Path) -> Result<(), Error> {
        let to = SCHEMA.path(&self.0);
        let copy = || {
            fs::copy(file, &to)?;
            backend::make_private_file(&to)
        };
        copy().map_err(|source| Error::File { path: file.to_owned(), source })
    }

    fn put_in_place(&self, path: &Path) -> io::Result<()> {
        let made = SCHEMA.path(&self.0);
        File::open(&made)?.sync_all()?;
        fs::rename(&made, path)?;
        if cfg!(unix) {
            let dir = path.parent().unwrap_or(Path::new("."));
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "what was left of making a ledger could not be removed");
        }
    }
}

/// Moves a database and its log to names that are not used yet.
fn put_aside(path: &Path) -> io::Result<Option<PathBuf>> {
    if !path.exists() {
        return Ok(None);
    }
    let mut number = 1;
    let aside = loop {
        let aside = path.with_extension(format!("aside-{number}.db"));
        if !aside.exists() {
            break aside;
        }
        number += 1;
    };
    for log in ["wal", "shm"] {
        let from = path.with_extension(format!("db-{log}"));
        if from.exists() {
            fs::rename(from, aside.with_extension(format!("db-{log}")))?;
        }
    }
    fs::rename(path, &aside)?;
    Ok(Some(aside))
}

/// The size and the SHA-256 of a file.
fn digest(file: &Path) -> io::Result<(u64, String)> {
    struct Hashing(Sha256);
    impl io::Write for Hashing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hashing = Hashing(Sha256::new());
    let bytes = io::copy(&mut File::open(file)?, &mut hashing)?;
    let hex = hashing.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, hex))
}
