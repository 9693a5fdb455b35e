//! Checks the whole file: entries by the ledger's own rules, derived tables against their entries.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::hash::Hash;
use std::path::Path;
use std::sync::Arc;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::KeyId;
use megarouter_domain::record::UsageRecord;
use megarouter_ledger::entry::Lsn;
use megarouter_ledger::state::State;
use megarouter_ledger::verify::{Report, Verifier};

use crate::backend;
use crate::db::Db;
use crate::error::Error;
use crate::ledger::SCHEMA;
use crate::ledger::activity::read_calls;
use crate::ledger::derived::{Derived, ResolvedAttempt, Rollup, RollupKey};
use crate::ledger::overview::{Bucket, read_rollup};
use crate::ledger::requests::{read_attempt, read_record};
use crate::ledger::restore::{read_link, read_open_attempt};
use crate::row::{Reading, Row, values};

/// Entries read at once.
const CHUNK: i64 = 1_000;

/// What is being verified, and what was found.
struct Check {
    verifier: Verifier,
    derived: Derived,
    /// What is wrong in the derived tables.
    findings: Vec<String>,
}

/// Verifies the ledger of a data directory, over a connection of its own, without a limit of time.
pub(crate) async fn verify(dir: &Path) -> Result<Report, Error> {
    let mut connection = backend::open_for_reading(dir, &SCHEMA).await?;
    let mut transaction = connection.begin_reading().await?;
    let mut check = Check { verifier: Verifier::default(), derived: Derived::default(), findings: Vec::new() };
    check.check_file(&mut transaction).await?;
    let mut last = i64::MIN;
    while let Some(next) = check.read_chunk(&mut transaction, last).await? {
        last = next;
    }
    check.count_rows(&mut transaction).await?;
    check.compare_sums(&mut transaction).await?;
    let Check { verifier, mut findings, .. } = check;
    let (state, mut report) = verifier.finish();
    compare_state(&mut transaction, &state, &mut findings).await?;
    for finding in findings {
        report.add(finding);
    }
    transaction.rollback().await?;
    connection.close().await?;
    Ok(report)
}

impl Check {
    /// SQLite's own check of pages and indexes.
    async fn check_file(&mut self, connection: &mut Db<'_>) -> Result<(), Error> {
        let rows = connection.fetch_all("PRAGMA integrity_check", values![]).await?;
        for row in &rows {
            let line: &str = row.first()?;
            if line != "ok" {
                self.findings.push(format!("the file is damaged: {line}"));
            }
        }
        Ok(())
    }

    /// Reads the entries after `last` and compares the rows that come from them. Gives the last
    /// entry's number, or nothing at the end.
    async fn read_chunk(&mut self, connection: &mut Db<'_>, last: i64) -> Result<Option<i64>, Error> {
        let text = "SELECT lsn, body, hash FROM entries WHERE lsn > $1 ORDER BY lsn LIMIT $2";
        let rows = connection.fetch_all(text, values![last, CHUNK]).await?;
        for row in &rows {
            self.read_entry(row)?;
        }
        let Some(newest) = rows.last() else { return Ok(None) };
        let newest: i64 = Reading::new("entries", "lsn", newest).get("lsn")?;
        self.compare_rows(connection, last, newest).await?;
        Ok(Some(newest))
    }

    fn read_entry(&mut self, row: &Row) -> Result<(), Error> {
        let reading = Reading::new("entries", "lsn", row);
        let before = self.verifier.state().last();
        let lsn = Lsn(reading.count("lsn")?);
        let derived = &mut self.derived;
        self.verifier.read(lsn, reading.get("body")?, &read_link(&reading)?, |state, entry| {
            if entry.lsn > before {
                derived.add(state, entry);
            }
        });
        Ok(())
    }

    /// Compares and forgets the rows of the entries just read.
    async fn compare_rows(&mut self, connection: &mut Db<'_>, after: i64, last: i64) -> Result<(), Error> {
        let text = "SELECT * FROM attempts WHERE lsn > $1 AND lsn <= $2";
        let rows = connection.fetch_all(text, values![after, last]).await?;
        let expected = std::mem::take(&mut self.derived.attempts);
        let expected: BTreeMap<Lsn, ResolvedAttempt> = expected.into_iter().map(|row| (row.lsn, row)).collect();
        let stored = rows.iter().map(read_attempt_row);
        self.compare("attempts", expected, stored);

        let text = "SELECT * FROM requests WHERE lsn > $1 AND lsn <= $2";
        let rows = connection.fetch_all(text, values![after, last]).await?;
        let expected: BTreeMap<Lsn, Arc<UsageRecord>> =
            std::mem::take(&mut self.derived.requests).into_iter().collect();
        let stored = rows.iter().map(read_request_row);
        self.compare("requests", expected, stored);
        self.derived.touched.clear();
        Ok(())
    }

    /// Rows outside the entries' numbers would not be met by the comparison above.
    async fn count_rows(&mut self, connection: &mut Db<'_>) -> Result<(), Error> {
        let last = i64::try_from(self.verifier.state().last().0).unwrap_or(i64::MAX);
        let stray =
            "SELECT (SELECT count(*) FROM attempts WHERE lsn > $1) + (SELECT count(*) FROM requests WHERE lsn > $1)";
        let stray: i64 = connection.fetch_one(stray, values![last]).await?.first()?;
        if stray > 0 {
            self.findings.push(format!("{stray} rows of attempts and requests come from no entry"));
        }
        Ok(())
    }

    async fn compare_sums(&mut self, connection: &mut Db<'_>) -> Result<(), Error> {
        let derived = std::mem::take(&mut self.derived);
        let rows = connection.fetch_all("SELECT * FROM rollups", values![]).await?;
        self.compare("rollups", derived.rollups, rows.iter().map(read_rollup_row));
        let rows = connection.fetch_all("SELECT * FROM calls", values![]).await?;
        self.compare("calls", derived.calls, rows.iter().map(read_calls));
        let rows = connection.fetch_all("SELECT * FROM last_uses", values![]).await?;
        self.compare("last_uses", derived.last_uses, rows.iter().map(read_last_use));
        Ok(())
    }

    fn compare<K: Debug + Eq + Hash, V: Debug + PartialEq>(
        &mut self,
        table: &str,
        expected: impl IntoIterator<Item = (K, V)>,
        stored: impl Iterator<Item = Result<(K, V), Error>>,
    ) {
        compare(table, expected, stored, &mut self.findings);
    }
}

/// Notes every row that is missing, is too many, or says something else than its entries.
fn compare<K: Debug + Eq + Hash, V: Debug + PartialEq>(
    table: &str,
    expected: impl IntoIterator<Item = (K, V)>,
    stored: impl Iterator<Item = Result<(K, V), Error>>,
    findings: &mut Vec<String>,
) {
    let mut expected: HashMap<K, V> = expected.into_iter().collect();
    for row in stored {
        match row {
            Err(error) => findings.push(error.to_string()),
            Ok((key, value)) => match expected.remove(&key) {
                None => findings.push(format!("{table} has a row for {key:?} that comes from no entry")),
                Some(right) if right != value => {
                    findings.push(format!("{table} says {value:?} for {key:?}, its entries say {right:?}"));
                }
                Some(_) => {}
            },
        }
    }
    for key in expected.keys() {
        findings.push(format!("{table} lacks the row for {key:?}"));
    }
}

async fn compare_state(connection: &mut Db<'_>, state: &State, findings: &mut Vec<String>) -> Result<(), Error> {
    let rows = connection.fetch_all("SELECT * FROM open_attempts", values![]).await?;
    let expected = state.attempts().map(|attempt| (attempt.hold.attempt_id, attempt.clone()));
    let stored = rows.iter().map(|row| read_open_attempt(row).map(|attempt| (attempt.hold.attempt_id, attempt)));
    compare("open_attempts", expected, stored, findings);
    Ok(())
}

fn read_attempt_row(row: &Row) -> Result<(Lsn, ResolvedAttempt), Error> {
    read_attempt(row).map(|attempt| (attempt.lsn, attempt))
}

fn read_request_row(row: &Row) -> Result<(Lsn, Arc<UsageRecord>), Error> {
    let lsn = Lsn(Reading::new("requests", "request_id", row).count("lsn")?);
    Ok((lsn, Arc::new(read_record(row)?)))
}

fn read_rollup_row(row: &Row) -> Result<(RollupKey, Rollup), Error> {
    let reading = Reading::new("rollups", "at", row);
    Ok((read_rollup_key(&reading)?, read_rollup(&reading)?))
}

fn read_rollup_key(reading: &Reading<'_>) -> Result<RollupKey, Error> {
    let seconds: i64 = reading.get("bucket")?;
    let bucket = Bucket::ALL.iter().find(|bucket| bucket.seconds() == seconds);
    Ok(RollupKey {
        bucket: *bucket.ok_or_else(|| reading.wrong("bucket", &format_args!("{seconds} is no length")))?,
        at: Timestamp::from_micros(reading.get("at")?),
        key_id: KeyId::from_uuid(reading.uuid("key_id")?),
        model: reading.get::<&str>("model")?.into(),
        provider: reading.get::<&str>("provider")?.into(),
    })
}

fn read_last_use(row: &Row) -> Result<(KeyId, Timestamp), Error> {
    let reading = Reading::new("last_uses", "key_id", row);
    Ok((KeyId::from_uuid(reading.uuid("key_id")?), Timestamp::from_micros(reading.get("at")?)))
}
