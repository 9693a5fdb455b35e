//! Checks a whole ledger: entries by the ledger's own rules, derived tables against their entries.
//!
//! The tables are made once more, in a file of their own, and compared row by row; so the memory it takes
//! does not depend on how much there is. That file is removed afterwards.

use std::cmp::Ordering;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};

use futures_util::TryStreamExt as _;
use megarouter_ledger::entry::{Entry, Lsn};
use megarouter_ledger::state::State;
use megarouter_ledger::verify::{Report, Verifier};

use crate::backend;
use crate::db::{Db, Engine};
use crate::error::Error;
use crate::ledger::SCHEMA;
use crate::ledger::deriver::Deriver;
use crate::ledger::journal;
use crate::ledger::place::Place;
use crate::ledger::rebuild::CHUNK;
use crate::ledger::restore::{self, LedgerRow};
use crate::ledger::tables::{self, Cell, DERIVED, Line, Table};
use crate::ledger::writes;
use crate::row::{Row, values};

/// Findings of one table that are spelled out.
const MOST_OF_TABLE: usize = 20;

/// A folder for a file that is thrown away.
struct Scratch(PathBuf);

/// Verifies the ledger at a place, over connections of its own, without a limit of time. Sees one state
/// while others write.
pub(crate) async fn verify(place: &Place) -> Result<Report, Error> {
    let scratch = Scratch::new(place);
    let mut own = backend::open(&scratch.0, &SCHEMA).await?;
    own.execute("PRAGMA synchronous = OFF", values![]).await?;
    let mut db = place.open_for_reading().await?;
    let report = compare_all(&mut db, &mut own, place.node()).await;
    own.close().await?;
    db.close().await?;
    report
}

async fn compare_all(db: &mut Db<'_>, own: &mut Db<'_>, node: i64) -> Result<Report, Error> {
    let mut transaction = db.begin_reading().await?;
    backend::unlimited(&mut transaction).await?;
    let mut findings = check_file(&mut transaction).await?;
    let ledger = restore::ledger(&mut transaction, node).await?;
    let verifier = derive(&mut transaction, own, node, &ledger).await?;
    for table in &DERIVED {
        findings.extend(compare(&mut transaction, own, node, table, &ledger).await?);
    }
    let (state, mut report) = verifier.finish();
    if ledger.instant != state.instant() {
        findings.push(format!(
            "ledgers says {:?} is the latest instant, its entries say {:?}",
            ledger.instant,
            state.instant()
        ));
    }
    for finding in findings {
        report.add(finding);
    }
    transaction.rollback().await?;
    Ok(report)
}

/// SQLite's own check of pages and indexes.
async fn check_file(db: &mut Db<'_>) -> Result<Vec<String>, Error> {
    if db.engine() != Engine::Sqlite {
        return Ok(Vec::new());
    }
    let rows = db.fetch_all("PRAGMA integrity_check", values![]).await?;
    let lines: Vec<String> = rows.iter().map(Row::first).collect::<Result<_, _>>()?;
    let faults = lines.into_iter().filter(|line| line != "ok");
    Ok(faults.map(|fault| format!("the file is damaged: {fault}")).collect())
}

/// Reads all entries, checks them, and makes the tables that follow from them.
async fn derive(db: &mut Db<'_>, own: &mut Db<'_>, node: i64, ledger: &LedgerRow) -> Result<Verifier, Error> {
    let mut own = own.begin().await?;
    tables::copy_names(db, &mut own, node).await?;
    let is_whole = ledger.archived == Lsn::default();
    let mut verifier = if is_whole { Verifier::default() } else { Verifier::after(ledger.archived_link) };
    let mut deriver = Deriver::after(node, State::default(), ledger.retired);
    let mut last = ledger.archived;
    loop {
        let chunk = journal::after(db, node, last, CHUNK).await?;
        let Some(newest) = chunk.last() else { break };
        last = newest.lsn;
        let mut entries: Vec<Entry> = Vec::with_capacity(chunk.len());
        for raw in chunk {
            // What cannot be unpacked is told as what cannot be read.
            let body = raw.body.unwrap_or_else(str::to_owned);
            verifier.read(raw.lsn, &body, &raw.hash, |_, entry| entries.push(entry.clone()));
        }
        let (before, after) = entries.split_at(entries.partition_point(|entry| entry.lsn <= ledger.open_as_of));
        for part in [before, after] {
            deriver.apply(&mut own, part).await?;
            if deriver.state().last() == ledger.open_as_of {
                writes::save_open_attempts(&mut own, node, deriver.state()).await?;
            }
        }
    }
    own.commit().await?;
    Ok(verifier)
}

/// Walks along the rows of a table and those made anew, both in the order of their keys.
async fn compare(
    db: &mut Db<'_>,
    own: &mut Db<'_>,
    node: i64,
    table: &Table,
    ledger: &LedgerRow,
) -> Result<Vec<String>, Error> {
    // The last uses of keys in entries that were removed are kept.
    let may_have_more = table.name == "last_uses" && ledger.archived > Lsn::default();
    let mut findings = Findings { table: table.name, lines: Vec::new(), others: 0 };
    let archived = journal::lsn_value(ledger.archived);
    let mut stored = db.fetch(table.select, values![node, archived]);
    let mut expected = own.fetch(table.select, values![node, archived]);
    let mut left = read(table, stored.try_next().await?.as_ref(), &mut findings);
    let mut right = read(table, expected.try_next().await?.as_ref(), &mut findings);
    loop {
        let order = match (&left, &right) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.key.cmp(&other.key),
        };
        match (order, &left, &right) {
            (Ordering::Less, Some(line), _) if !may_have_more => {
                findings.add(&format!("has a row for {} that comes from no entry", key_text(&line.key)));
            }
            (Ordering::Greater, _, Some(line)) => findings.add(&format!("lacks the row for {}", key_text(&line.key))),
            (Ordering::Equal, Some(one), Some(other)) => {
                if let Some((column, says, right)) = table.difference(one, other) {
                    let key = key_text(&one.key);
                    findings.add(&format!("says {column} {says} for {key}, its entries say {right}"));
                }
            }
            _ => {}
        }
        if order != Ordering::Greater {
            left = read(table, stored.try_next().await?.as_ref(), &mut findings);
        }
        if order != Ordering::Less {
            right = read(table, expected.try_next().await?.as_ref(), &mut findings);
        }
    }
    Ok(findings.into_lines())
}

/// A row that cannot be read is a finding, and the end of the comparison of its table.
fn read(table: &Table, row: Option<&Row>, findings: &mut Findings) -> Option<Line> {
    match row.map(|row| table.read(row)) {
        None => None,
        Some(Ok(line)) => Some(line),
        Some(Err(error)) => {
            findings.add(&format!("cannot be read: {error}"));
            None
        }
    }
}

fn key_text(key: &[Cell]) -> String {
    key.iter().map(Cell::to_string).collect::<Vec<_>>().join(" ")
}

/// What is wrong in a table.
struct Findings {
    table: &'static str,
    lines: Vec<String>,
    others: usize,
}

impl Findings {
    fn add(&mut self, finding: &str) {
        if self.lines.len() < MOST_OF_TABLE {
            self.lines.push(format!("{} {finding}", self.table));
        } else {
            self.others += 1;
        }
    }

    fn into_lines(mut self) -> Vec<String> {
        if self.others > 0 {
            self.lines.push(format!("{} has {} more rows that are wrong", self.table, self.others));
        }
        self.lines
    }
}

impl Scratch {
    fn new(place: &Place) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let parent = place.folder().map_or_else(std::env::temp_dir, std::path::Path::to_owned);
        let number = NUMBER.fetch_add(1, Atomic::Relaxed);
        Self(parent.join(format!("ledger-check-{}-{number}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "a copy made for checking the ledger could not be removed");
        }
    }
}
