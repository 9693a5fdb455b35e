//! Appending entries: one transaction for a batch and everything derived from it. Owns `entries`.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::LedgerId;
use megarouter_ledger::chain::{self, Link};
use megarouter_ledger::entry::{Entry, Fact, Lsn};
use megarouter_ledger::state::State;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::deriver::Deriver;
use crate::ledger::packing::{Packer, Unpacker};
use crate::ledger::place::Place;
use crate::ledger::restore::{self, Standing};
use crate::ledger::retire::{self, Retirement};
use crate::ledger::{rebuild, writes};
use crate::row::{Bulk, Reading, Row, Values, values};

static ENTRIES: Bulk =
    Bulk::new("INSERT INTO entries (node, lsn, at, body, hash, packed) VALUES", "(?, ?, ?, ?, ?, ?)", "");

const AFTER: &str = "SELECT lsn, body, hash, packed FROM entries WHERE node = $1 AND lsn > $2 ORDER BY lsn LIMIT $3";

const ONE: &str = "SELECT lsn, body, hash, packed FROM entries WHERE node = $1 AND lsn = $2";

const NOTES: &str = "SELECT lsn FROM notes WHERE node = $1 AND lsn > $2 AND kind = 0 ORDER BY lsn";

const STAND: &str = "UPDATE ledgers SET instant = $2 WHERE node = $1 AND instant < $2";

const BEGIN_AT: &str = "UPDATE ledgers SET archived_lsn = $2, archived_link = $3, retired_lsn = $2 WHERE node = $1";

/// Entries after which it is written down which attempts are open. A start reads as many again; and nearly
/// all requests are over by then, and cost nothing here.
const OPEN_EVERY: u64 = 1_000;

/// An entry as it is stored: the bytes that its hash covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What it says.
    pub entry: Entry,
    /// Its bytes.
    pub body: String,
    /// Its link of the chain.
    pub hash: Link,
}

/// Entries on their way to another ledger, which keeps them as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    /// The link before the first entry.
    pub before: Link,
    /// In order, without gaps.
    pub entries: Vec<Stored>,
}

/// The connection that writes, and what is stored, folded.
#[derive(Debug)]
pub(crate) struct Writer {
    db: Db<'static>,
    node: i64,
    id: LedgerId,
    deriver: Deriver,
    link: Link,
    packer: Packer,
    /// `open_attempts` says what was open after this entry.
    open_as_of: Lsn,
    retirement: Option<Retirement>,
}

/// An entry in the form of its row.
struct Line {
    lsn: Lsn,
    at: Timestamp,
    body: Body,
    hash: Link,
}

/// The bytes of an entry in one of their two columns.
enum Body {
    Plain(String),
    Packed(Vec<u8>),
}

impl Writer {
    /// Opens the ledger and reads where it stands; makes the derived tables when they have to be.
    pub(crate) async fn open(place: &Place) -> Result<Self, Error> {
        let (mut db, upgrade) = place.open().await?;
        match Self::start(&mut db, place.node()).await {
            Ok(Standing { id, state, link, open_as_of }) => {
                let (node, packer) = (place.node(), Packer::new());
                let deriver = Deriver::new(node, state);
                Ok(Self { db, node, id, deriver, link, packer, open_as_of, retirement: None })
            }
            Err(error) => {
                db.close().await?;
                upgrade.undo()?;
                Err(error)
            }
        }
    }

    async fn start(db: &mut Db<'_>, node: i64) -> Result<Standing, Error> {
        rebuild::when_marked(db, node).await?;
        restore::read(db, node).await
    }

    pub(crate) fn state(&self) -> &State {
        self.deriver.state()
    }

    /// Which ledger it is.
    pub(crate) fn id(&self) -> LedgerId {
        self.id
    }

    /// The link of the last entry.
    pub(crate) fn link(&self) -> Link {
        self.link
    }

    /// Removes a batch of old entries. When this fails, the writer is not used again.
    pub(crate) async fn retire(&mut self, before: Timestamp, archived: Lsn, most: u32) -> Result<u64, Error> {
        let mut transaction = self.db.begin().await?;
        if self.open_as_of <= archived {
            // What is open can be told only after an entry that is still there.
            writes::save_open_attempts(&mut transaction, self.node, self.deriver.state()).await?;
            self.open_as_of = self.deriver.state().last();
        }
        let (walk, sheets) = (&mut self.retirement, self.deriver.sheets());
        let count = retire::step(&mut transaction, self.node, walk, sheets, (before, archived, most)).await?;
        transaction.commit().await?;
        Ok(count)
    }

    pub(crate) fn db(&mut self) -> &mut Db<'static> {
        &mut self.db
    }

    /// Appends entries as they are encoded now.
    pub(crate) async fn append(&mut self, entries: &[Entry]) -> Result<Lsn, Error> {
        let (known, new) = entries.split_at(self.new_of(entries.iter().map(|entry| entry.lsn)));
        self.compare_with_stored(known).await?;
        let mut lines = Vec::with_capacity(new.len());
        let mut link = self.link;
        for entry in new {
            let body = encode(entry)?;
            link = chain::hash(&link, body.as_bytes());
            lines.push(self.line(entry, body, link));
        }
        self.write(lines, new).await
    }

    /// Appends entries of another ledger, byte by byte.
    pub(crate) async fn append_shipment(&mut self, shipment: &Shipment) -> Result<Lsn, Error> {
        let entries = &shipment.entries;
        let new = self.new_of(entries.iter().map(|stored| stored.entry.lsn));
        self.compare_hash(entries[..new].last()).await?;
        let begins =
            self.state().last() == Lsn::default() && entries.first().is_some_and(|first| first.entry.lsn.0 > 1);
        if begins {
            self.begin_at(shipment).await?;
        }
        let mut lines = Vec::with_capacity(entries.len() - new);
        let mut link = self.link;
        for stored in &entries[new..] {
            link = chain::hash(&link, stored.body.as_bytes());
            if link != stored.hash {
                return Err(Error::Rewritten(stored.entry.lsn.0));
            }
            lines.push(self.line(&stored.entry, stored.body.clone(), link));
        }
        let entries: Vec<Entry> = entries[new..].iter().map(|stored| stored.entry.clone()).collect();
        self.write(lines, &entries).await
    }

    pub(crate) async fn close(self) {
        if let Err(error) = self.db.close().await {
            tracing::warn!(%error, "the ledger was not closed cleanly; nothing is lost");
        }
    }

    /// How many of the first entries are stored already.
    fn new_of(&self, numbers: impl Iterator<Item = Lsn>) -> usize {
        let stored = self.state().last();
        numbers.take_while(|lsn| *lsn <= stored).count()
    }

    fn line(&mut self, entry: &Entry, body: String, hash: Link) -> Line {
        let body = self.packer.pack(&body).map_or(Body::Plain(body), Body::Packed);
        Line { lsn: entry.lsn, at: entry.at, body, hash }
    }

    /// Writes entries in the form of their rows, with everything derived from them. When this fails, the
    /// writer is not used again.
    async fn write(&mut self, lines: Vec<Line>, entries: &[Entry]) -> Result<Lsn, Error> {
        let Some(link) = lines.last().map(|line| line.hash) else { return Ok(self.state().last()) };
        self.check_order(entries)?;
        let node = self.node;
        let before = self.deriver.state().instant();
        let mut transaction = self.db.begin().await?;
        ENTRIES.run(&mut transaction, lines.into_iter(), |values, line| put_line(values, node, line)).await?;
        self.deriver.apply(&mut transaction, entries).await?;
        let state = self.deriver.state();
        if state.last().0 - self.open_as_of.0 >= OPEN_EVERY {
            writes::save_open_attempts(&mut transaction, node, state).await?;
            self.open_as_of = state.last();
        }
        let instant = state.instant();
        if instant > before {
            transaction.execute(STAND, values![node, instant.as_micros()]).await?;
        }
        transaction.commit().await?;
        self.link = link;
        Ok(self.state().last())
    }

    fn check_order(&self, new: &[Entry]) -> Result<(), Error> {
        let mut last = self.state().last();
        for entry in new {
            let begins = last == Lsn::default() && matches!(entry.fact, Fact::Checkpoint(_));
            if entry.lsn != last.next() && !begins {
                return Err(Error::Order { last: last.0, found: entry.lsn.0 });
            }
            last = entry.lsn;
        }
        Ok(())
    }

    /// Makes an empty ledger one whose first entries were removed.
    async fn begin_at(&mut self, shipment: &Shipment) -> Result<(), Error> {
        let Some(first) = shipment.entries.first() else { return Ok(()) };
        let archived = i64::try_from(first.entry.lsn.0 - 1).unwrap_or(i64::MAX);
        self.db.execute(BEGIN_AT, values![self.node, archived, shipment.before.to_vec()]).await?;
        self.link = shipment.before;
        Ok(())
    }

    /// A retried batch has to be the batch that was stored.
    async fn compare_with_stored(&mut self, known: &[Entry]) -> Result<(), Error> {
        for entry in known {
            if one(&mut self.db, self.node, entry.lsn).await?.is_none_or(|stored| stored.entry != *entry) {
                return Err(Error::Rewritten(entry.lsn.0));
            }
        }
        Ok(())
    }

    /// The last link stands for all before it.
    async fn compare_hash(&mut self, known: Option<&Stored>) -> Result<(), Error> {
        let Some(known) = known else { return Ok(()) };
        match one(&mut self.db, self.node, known.entry.lsn).await? {
            Some(stored) if stored.hash == known.hash => Ok(()),
            _ => Err(Error::Rewritten(known.entry.lsn.0)),
        }
    }
}

/// At most `limit` entries after a number.
pub(crate) async fn after(db: &mut Db<'_>, node: i64, lsn: Lsn, limit: u32) -> Result<Vec<RawEntry>, Error> {
    let rows = db.fetch_all(AFTER, values![node, lsn_value(lsn), i64::from(limit)]).await?;
    let mut unpacker = Unpacker::new();
    rows.iter().map(|row| RawEntry::read(row, &mut unpacker)).collect()
}

/// One entry.
pub(crate) async fn one(db: &mut Db<'_>, node: i64, lsn: Lsn) -> Result<Option<Stored>, Error> {
    let Some(row) = db.fetch_optional(ONE, values![node, lsn_value(lsn)]).await? else { return Ok(None) };
    RawEntry::read(&row, &mut Unpacker::new())?.decode().map(Some)
}

/// The entries after a number that tell what an admin changed.
pub(crate) async fn notes(db: &mut Db<'_>, node: i64, lsn: Lsn) -> Result<Vec<Lsn>, Error> {
    let rows = db.fetch_all(NOTES, values![node, lsn_value(lsn)]).await?;
    rows.iter().map(|row| Ok(Lsn(Reading::new("notes", "lsn", row).count("lsn")?))).collect()
}

/// A number as SQL has it.
pub(crate) fn lsn_value(lsn: Lsn) -> i64 {
    i64::try_from(lsn.0).unwrap_or(i64::MAX)
}

/// A row of `entries`.
#[derive(Debug)]
pub(crate) struct RawEntry {
    pub lsn: Lsn,
    /// The bytes that were hashed; in words why they cannot be read.
    pub body: Result<String, &'static str>,
    pub hash: Link,
}

impl RawEntry {
    pub(crate) fn read(row: &Row, unpacker: &mut Unpacker) -> Result<Self, Error> {
        let reading = Reading::new("entries", "lsn", row);
        let plain: &str = reading.get("body")?;
        let body = match reading.get::<Option<&[u8]>>("packed")? {
            Some(packed) if plain.is_empty() => unpacker.unpack(packed),
            Some(_) => Err("the body is there twice"),
            None => Ok(plain.to_owned()),
        };
        Ok(Self { lsn: Lsn(reading.count("lsn")?), body, hash: read_link(&reading, "hash")? })
    }

    /// The entry.
    pub(crate) fn decode(self) -> Result<Stored, Error> {
        let lsn = self.lsn.0;
        let wrong =
            |reason: String| Error::Inconsistent { table: "entries", column: "body", row: lsn.to_string(), reason };
        let body = self.body.map_err(|reason| wrong(reason.to_owned()))?;
        let entry = chain::decode(&body).map_err(|error| wrong(error.to_string()))?;
        Ok(Stored { entry, body, hash: self.hash })
    }
}

/// A link of the chain.
pub(crate) fn read_link(reading: &Reading<'_>, column: &'static str) -> Result<Link, Error> {
    let bytes: &[u8] = reading.get(column)?;
    bytes.try_into().map_err(|error| reading.wrong(column, &error))
}

fn encode(entry: &Entry) -> Result<String, Error> {
    Ok(chain::encode(entry).map_err(|error| sqlx::Error::Encode(Box::new(error)))?)
}

fn put_line(values: &mut Values, node: i64, line: Line) {
    let (plain, packed) = match line.body {
        Body::Plain(body) => (body, None),
        Body::Packed(packed) => (String::new(), Some(packed)),
    };
    values.put(node).count(line.lsn.0).put(line.at.as_micros());
    values.put(plain).put(line.hash.to_vec()).put(packed);
}
