//! What apps sent and got, where the organisation wants that kept: `bodies.db`, a file of each node.
//!
//! No request waits for it and none is refused because of it. The file is made with the first text that
//! is kept; one that is damaged is put aside and another begun. Whether to keep anything, and for how
//! long, is decided by who calls; what is put is redacted before ([`redact`]).

pub mod redact;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::RequestId;
use megarouter_domain::record::Operation;
use tokio::sync::{Mutex, MutexGuard};

use crate::backend::{self, Schema};
use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, Values, values};

const SCHEMA: Schema = Schema {
    name: "bodies",
    application_id: 1_297_240_642,
    sqlite: &[include_str!("../migrations/sqlite/bodies/0001_bodies.sql")],
    postgres: &[],
};

/// The longest text that is kept, in bytes.
pub const LONGEST: usize = 4 << 20;

/// How many texts go in one transaction when old ones are removed.
const BATCH: i64 = 200;

const LEVEL: i32 = 3;

/// A request with its answer, as they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The request.
    pub request_id: RequestId,
    /// When it arrived.
    pub at: Timestamp,
    /// What was asked for: the form of both texts.
    pub operation: Operation,
    /// The HTTP status sent to the client.
    pub status: u16,
    /// What the client sent.
    pub request: Side,
    /// What it got: JSON, or the events of a stream.
    pub response: Side,
}

/// One side of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Its beginning; `None` for what is no text.
    pub text: Option<Arc<str>>,
    /// How long it was, in bytes.
    pub size_bytes: u64,
    /// Whether its end is missing.
    pub is_cut: bool,
    /// How many places were made unreadable.
    pub redactions: u64,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// How many requests.
    pub requests: u64,
    /// What they take, in bytes, without the file's own tables.
    pub bytes: u64,
    /// When the oldest arrived.
    pub oldest: Option<Timestamp>,
}

/// The kept texts of a data directory.
#[derive(Debug)]
pub struct Bodies {
    dir: PathBuf,
    /// Nothing until it is needed, and after a failure.
    open: Mutex<Option<Db<'static>>>,
}

impl Bodies {
    /// Those of a data directory. Nothing is opened before it is needed.
    pub fn in_folder(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), open: Mutex::new(None) }
    }

    /// Keeps some. What is kept of a request already is replaced.
    ///
    /// # Errors
    /// When the file takes nothing: none of these are kept.
    pub async fn put(&self, kept: &[Kept], now: Timestamp) -> Result<(), Error> {
        let mut open = self.open(now).await?;
        let Some(db) = open.as_mut() else { return Ok(()) };
        let done = put_all(db, kept).await;
        self.settle(open, done, now).await
    }

    /// What is kept of a request.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn get(&self, id: RequestId, now: Timestamp) -> Result<Option<Kept>, Error> {
        let Some(mut open) = self.open_existing(now).await? else { return Ok(None) };
        let Some(db) = open.as_mut() else { return Ok(None) };
        let found = db.fetch_optional("SELECT * FROM bodies WHERE request_id = $1", values![id.as_uuid()]).await;
        let kept = found.and_then(|row| row.as_ref().map(read).transpose());
        self.settle(open, kept, now).await
    }

    /// Removes what arrived before a time, and the oldest beyond a size; gives how many went.
    ///
    /// # Errors
    /// When the file cannot be changed; what was removed until then stays so.
    pub async fn trim(&self, before: Timestamp, most_bytes: u64, now: Timestamp) -> Result<u64, Error> {
        let Some(mut open) = self.open_existing(now).await? else { return Ok(0) };
        let Some(db) = open.as_mut() else { return Ok(0) };
        let removed = trim(db, before, most_bytes).await;
        self.settle(open, removed, now).await
    }

    /// How much is kept.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn holding(&self, now: Timestamp) -> Result<Holding, Error> {
        let Some(mut open) = self.open_existing(now).await? else { return Ok(Holding::default()) };
        let Some(db) = open.as_mut() else { return Ok(Holding::default()) };
        let holding = holding(db).await;
        self.settle(open, holding, now).await
    }

    /// Removes everything, the file and what was put aside of it included.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub async fn purge(&self) -> Result<(), Error> {
        let mut open = self.open.lock().await;
        if let Some(db) = open.take() {
            // What cannot be closed can be removed all the same.
            let _ = db.close().await;
        }
        for path in files(&self.dir).map_err(|source| Error::File { path: self.dir.clone(), source })? {
            fs::remove_file(&path).map_err(|source| Error::File { path, source })?;
        }
        Ok(())
    }

    /// Closes the file.
    pub async fn close(self) {
        let Some(db) = self.open.into_inner() else { return };
        if let Err(error) = db.close().await {
            tracing::warn!(%error, "the kept texts were not closed cleanly");
        }
    }

    /// The open file; makes it when there is none.
    async fn open(&self, now: Timestamp) -> Result<MutexGuard<'_, Option<Db<'static>>>, Error> {
        let mut open = self.open.lock().await;
        if open.is_none() {
            *open = Some(self.open_or_begin_anew(now).await?);
        }
        Ok(open)
    }

    /// The open file; `None` when there never was one.
    async fn open_existing(&self, now: Timestamp) -> Result<Option<MutexGuard<'_, Option<Db<'static>>>>, Error> {
        let exists = self.open.lock().await.is_some() || SCHEMA.path(&self.dir).exists();
        if exists { self.open(now).await.map(Some) } else { Ok(None) }
    }

    async fn open_or_begin_anew(&self, now: Timestamp) -> Result<Db<'static>, Error> {
        let opened = async {
            let mut db = backend::open(&self.dir, &SCHEMA).await?;
            // What is removed is overwritten: it was somebody's text.
            db.fetch_all("PRAGMA secure_delete = ON", values![]).await?;
            holding(&mut db).await?;
            Ok(db)
        };
        match opened.await {
            Err(error @ Error::Foreign(_)) => self.begin_anew(&error, now).await,
            Err(error) if Error::is_damage(&error) => self.begin_anew(&error, now).await,
            opened => opened,
        }
    }

    /// Puts a file that is of no use aside, under a name that tells when, and begins another.
    async fn begin_anew(&self, reason: &Error, now: Timestamp) -> Result<Db<'static>, Error> {
        let path = SCHEMA.path(&self.dir);
        let aside = path.with_extension(format!("damaged-{}.db", now.as_micros()));
        tracing::error!(error = reason as &dyn std::error::Error, aside = %aside.display(), "the kept texts are damaged; beginning anew");
        let put_aside = || {
            fs::rename(&path, &aside)?;
            backend::remove_log(&path)
        };
        put_aside().map_err(|source| Error::File { path: path.clone(), source })?;
        backend::open(&self.dir, &SCHEMA).await
    }

    /// After a failure the file is opened again, which looks at what is wrong with it.
    async fn settle<T>(
        &self,
        mut open: MutexGuard<'_, Option<Db<'static>>>,
        done: Result<T, Error>,
        now: Timestamp,
    ) -> Result<T, Error> {
        let Err(error) = &done else { return done };
        if let Some(db) = open.take() {
            // It failed before; what matters is that nothing holds the file any more.
            let _ = db.close().await;
        }
        if error.is_damage() {
            *open = Some(self.begin_anew(error, now).await?);
        }
        done
    }
}

impl Side {
    /// The first bytes of something that had so many; a character that was cut in two is left out.
    pub fn of(beginning: &[u8], size_bytes: u64) -> Self {
        let beginning = &beginning[..beginning.len().min(LONGEST)];
        let is_cut = size_bytes > beginning.len() as u64;
        let text = match std::str::from_utf8(beginning) {
            Ok(text) => Some(text),
            // Only a character that the cut goes through has no length.
            Err(error) if is_cut && error.error_len().is_none() => {
                std::str::from_utf8(&beginning[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        Self { text: text.map(Arc::from), size_bytes, is_cut, redactions: 0 }
    }
}

async fn put_all(db: &mut Db<'_>, kept: &[Kept]) -> Result<(), Error> {
    let text = "INSERT INTO bodies (request_id, at, size, operation, status, request_bytes, request_is_cut,
            request_redactions, response_bytes, response_is_cut, response_redactions, request, response)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (request_id) DO UPDATE SET
            at = excluded.at, size = excluded.size, operation = excluded.operation, status = excluded.status,
            request_bytes = excluded.request_bytes, request_is_cut = excluded.request_is_cut,
            request_redactions = excluded.request_redactions, response_bytes = excluded.response_bytes,
            response_is_cut = excluded.response_is_cut, response_redactions = excluded.response_redactions,
            request = excluded.request, response = excluded.response";
    let mut transaction = db.begin().await?;
    for kept in kept {
        let (request, response) = (pack(&kept.request), pack(&kept.response));
        let size = [&request, &response].into_iter().flatten().map(Vec::len).sum::<usize>();
        let mut values = Values::default();
        values.uuid(kept.request_id.as_uuid()).put(kept.at.as_micros()).count(size as u64);
        values.put(kept.operation.as_str()).put(i64::from(kept.status));
        for side in [&kept.request, &kept.response] {
            values.count(side.size_bytes).put(side.is_cut).count(side.redactions);
        }
        values.put(request).put(response);
        transaction.execute(text, values).await?;
    }
    transaction.commit().await
}

async fn trim(db: &mut Db<'_>, before: Timestamp, most_bytes: u64) -> Result<u64, Error> {
    let mut removed = 0;
    loop {
        let text = "DELETE FROM bodies WHERE id IN (SELECT id FROM bodies WHERE at < $1 ORDER BY at LIMIT $2)";
        match db.execute(text, values![before.as_micros(), BATCH]).await? {
            0 => break,
            more => removed += more,
        }
    }
    while let Some(excess) = holding(db).await?.bytes.checked_sub(most_bytes).filter(|excess| *excess > 0) {
        let rows = db.fetch_all("SELECT id, size FROM bodies ORDER BY at, id LIMIT $1", values![BATCH]).await?;
        let (mut freed, mut last) = (0_u64, None);
        for row in &rows {
            let reading = Reading::new("bodies", "id", row);
            freed += reading.count::<u64>("size")?;
            last = Some(reading.get::<i64>("id")?);
            db.execute("DELETE FROM bodies WHERE id = $1", values![last]).await?;
            removed += 1;
            if freed >= excess {
                break;
            }
        }
        if last.is_none() {
            break;
        }
    }
    Ok(removed)
}

async fn holding(db: &mut Db<'_>) -> Result<Holding, Error> {
    let text = "SELECT count(*) AS requests, coalesce(sum(size), 0) AS bytes, min(at) AS oldest FROM bodies";
    let row = db.fetch_one(text, values![]).await?;
    let reading = Reading::new("bodies", "requests", &row);
    Ok(Holding {
        requests: reading.count("requests")?,
        bytes: reading.count("bytes")?,
        oldest: reading.get::<Option<i64>>("oldest")?.map(Timestamp::from_micros),
    })
}

fn read(row: &Row) -> Result<Kept, Error> {
    let reading = Reading::new("bodies", "id", row);
    let side = |text, bytes, is_cut, redactions| {
        let packed = reading.get::<Option<&[u8]>>(text)?;
        let unpack = |packed| unpack(packed).map_err(|reason| reading.wrong(text, &reason));
        let text = packed.map(unpack).transpose()?.map(Arc::from);
        let (size_bytes, is_cut) = (reading.count(bytes)?, reading.get(is_cut)?);
        Ok::<_, Error>(Side { text, size_bytes, is_cut, redactions: reading.count(redactions)? })
    };
    Ok(Kept {
        request_id: RequestId::from_uuid(reading.uuid("request_id")?),
        at: Timestamp::from_micros(reading.get("at")?),
        operation: reading.name("operation")?,
        status: reading.count("status")?,
        request: side("request", "request_bytes", "request_is_cut", "request_redactions")?,
        response: side("response", "response_bytes", "response_is_cut", "response_redactions")?,
    })
}

fn pack(side: &Side) -> Option<Vec<u8>> {
    let text = side.text.as_ref()?;
    // Only a lack of memory makes this fail, and then there is nothing to keep.
    zstd::bulk::compress(text.as_bytes(), LEVEL).ok()
}

fn unpack(packed: &[u8]) -> Result<String, &'static str> {
    // Labels may be longer than what they stand for.
    let bytes = zstd::bulk::decompress(packed, 2 * LONGEST).map_err(|_| "the text is damaged")?;
    String::from_utf8(bytes).map_err(|_| "it is no text")
}

/// Every file that holds kept texts, or held some.
fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("bodies.") {
            found.push(path);
        }
    }
    Ok(found)
}
