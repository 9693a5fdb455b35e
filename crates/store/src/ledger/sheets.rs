//! The rows of `rollups` and `calls` that are being added to.
//!
//! A histogram is one value in SQL, not a sum, so adding to it needs what is stored. The writer is the
//! only one that changes the rows of its node; it keeps the recent ones here, reads a row once, and
//! writes rows as they stand.

use std::collections::HashMap;
use std::hash::Hash;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::money::NanoUsd;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::activity::CallCosts;
use crate::ledger::derived::{CallKey, CallSums, Derived, Ending, Rollup, RollupKey};
use crate::ledger::histogram::Histogram;
use crate::ledger::span::{LENGTHS, Length};
use crate::ledger::sums::Sums;
use crate::row::{Bulk, Reading, Row, Values};

/// With more rows than this, all are forgotten and read again when they are needed.
const MOST_ROWS: usize = 16_384;

static ROLLUPS: Bulk = Bulk::new(
    "WITH wanted (slice, bucket, at, node, series, outcome, status, part) AS (VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?)",
    ") SELECT r.slice AS slice, r.bucket AS bucket, r.at AS at, r.series AS series, r.outcome AS outcome,
          r.status AS status, r.requests AS requests, r.admitted AS admitted, CAST(0 AS BIGINT) AS errors,
          CAST(0 AS BIGINT) AS refused, r.input_tokens AS input_tokens, r.cached_tokens AS cached_tokens,
          r.cache_write_tokens AS cache_write_tokens, r.output_tokens AS output_tokens,
          r.reasoning_tokens AS reasoning_tokens, r.tokens AS tokens, r.amount AS amount, r.exact AS exact,
          r.estimated AS estimated, r.unknown AS unknown, r.durations AS durations,
          r.first_outputs AS first_outputs
      FROM wanted w CROSS JOIN rollups r
      WHERE r.slice = w.slice AND r.bucket = w.bucket AND r.at = w.at AND r.node = w.node AND r.series = w.series
          AND r.outcome = w.outcome AND r.status = w.status AND r.part = w.part",
);

static CALLS: Bulk = Bulk::new(
    "WITH wanted (bucket, at, node, route, part) AS (VALUES",
    "(?, ?, ?, ?, ?)",
    ") SELECT c.bucket AS bucket, c.at AS at, c.route AS route, c.calls AS calls, c.errors AS errors,
          c.resolved AS resolved, c.tokens AS tokens, c.amount AS amount, c.exact AS exact,
          c.estimated AS estimated, c.unknown AS unknown, c.durations AS durations
      FROM wanted w CROSS JOIN calls c
      WHERE c.bucket = w.bucket AND c.at = w.at AND c.node = w.node AND c.route = w.route AND c.part = w.part",
);

static PUT_ROLLUPS: Bulk = Bulk::new(
    "INSERT INTO rollups
         (node, slice, bucket, at, series, outcome, status, part, requests, admitted, input_tokens, cached_tokens,
          cache_write_tokens, output_tokens, reasoning_tokens, tokens, amount, exact, estimated, unknown,
          durations, first_outputs) VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "ON CONFLICT (slice, bucket, at, node, series, outcome, status, part) DO UPDATE SET
         requests = excluded.requests, admitted = excluded.admitted, input_tokens = excluded.input_tokens,
         cached_tokens = excluded.cached_tokens, cache_write_tokens = excluded.cache_write_tokens,
         output_tokens = excluded.output_tokens, reasoning_tokens = excluded.reasoning_tokens,
         tokens = excluded.tokens, amount = excluded.amount, exact = excluded.exact,
         estimated = excluded.estimated, unknown = excluded.unknown, durations = excluded.durations,
         first_outputs = excluded.first_outputs",
);

static PUT_CALLS: Bulk = Bulk::new(
    "INSERT INTO calls
         (node, bucket, at, route, part, calls, errors, resolved, tokens, amount, exact, estimated, unknown,
          durations) VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "ON CONFLICT (bucket, at, node, route, part) DO UPDATE SET
         calls = excluded.calls, errors = excluded.errors, resolved = excluded.resolved, tokens = excluded.tokens,
         amount = excluded.amount, exact = excluded.exact, estimated = excluded.estimated,
         unknown = excluded.unknown, durations = excluded.durations",
);

static DROP_ROLLUPS: Bulk = Bulk::new(
    "DELETE FROM rollups WHERE (slice, bucket, at, node, series, outcome, status, part) IN (VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?)",
    ")",
);

static DROP_CALLS: Bulk =
    Bulk::new("DELETE FROM calls WHERE (bucket, at, node, route, part) IN (VALUES", "(?, ?, ?, ?, ?)", ")");

/// Which entries the sums of a row come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Those of the journal.
    Kept = 0,
    /// Those that were removed from it.
    Removed = 1,
}

/// Rows as stored, with a batch's own added.
#[derive(Debug)]
pub(crate) struct Sheets {
    node: i64,
    part: Part,
    rollups: HashMap<RollupKey, Rollup>,
    calls: HashMap<CallKey, CallSums>,
}

impl Sheets {
    pub(crate) fn of(node: i64, part: Part) -> Self {
        Self { node, part, rollups: HashMap::new(), calls: HashMap::new() }
    }

    /// Adds a batch's sums to the rows stored, and writes them.
    pub(crate) async fn add(&mut self, db: &mut Db<'_>, derived: &Derived) -> Result<(), Error> {
        self.read(db, derived).await?;
        for (key, change) in &derived.rollups {
            self.rollups.entry(*key).or_default().add(change);
        }
        for (key, change) in &derived.calls {
            self.calls.entry(*key).or_default().add(change);
        }
        self.write(db, derived).await
    }

    /// Takes a batch's sums away, and writes the rows.
    pub(crate) async fn remove(&mut self, db: &mut Db<'_>, derived: &Derived) -> Result<(), Error> {
        self.read(db, derived).await?;
        for (key, change) in &derived.rollups {
            self.rollups.entry(*key).or_default().remove(change);
        }
        for (key, change) in &derived.calls {
            self.calls.entry(*key).or_default().remove(change);
        }
        self.write(db, derived).await?;
        self.drop_empty(db, derived).await
    }

    /// Removes the rows that nothing is left of.
    async fn drop_empty(&mut self, db: &mut Db<'_>, derived: &Derived) -> Result<(), Error> {
        let (node, part) = (self.node, self.part as i64);
        let is_empty = |key: &&RollupKey| self.rollups.get(key) == Some(&Rollup::default());
        let keys: Vec<RollupKey> = derived.rollups.keys().filter(is_empty).copied().collect();
        let put = |values: &mut Values, key: &RollupKey| put_rollup_key(values, node, part, key);
        DROP_ROLLUPS.run(db, keys.iter(), put).await?;
        for key in &keys {
            self.rollups.remove(key);
        }
        let is_empty = |key: &&CallKey| self.calls.get(key) == Some(&CallSums::default());
        let keys: Vec<CallKey> = derived.calls.keys().filter(is_empty).copied().collect();
        let put = |values: &mut Values, key: &CallKey| put_call_key(values, node, part, key);
        DROP_CALLS.run(db, keys.iter(), put).await?;
        for key in &keys {
            self.calls.remove(key);
        }
        Ok(())
    }

    async fn read(&mut self, db: &mut Db<'_>, derived: &Derived) -> Result<(), Error> {
        if self.rollups.len() + self.calls.len() > MOST_ROWS {
            (self.rollups, self.calls) = (HashMap::new(), HashMap::new());
        }
        let (node, part) = (self.node, self.part as i64);
        let missing: Vec<&RollupKey> = derived.rollups.keys().filter(|key| !self.rollups.contains_key(*key)).collect();
        let put = |values: &mut Values, key: &RollupKey| put_rollup_key(values, node, part, key);
        for row in ROLLUPS.fetch(db, missing.into_iter(), put).await? {
            self.rollups.insert(read_rollup_key(&row)?, read_rollup(&row)?);
        }
        let missing: Vec<&CallKey> = derived.calls.keys().filter(|key| !self.calls.contains_key(*key)).collect();
        let put = |values: &mut Values, key: &CallKey| put_call_key(values, node, part, key);
        for row in CALLS.fetch(db, missing.into_iter(), put).await? {
            self.calls.insert(read_call_key(&row)?, read_calls(&row)?);
        }
        Ok(())
    }

    async fn write(&self, db: &mut Db<'_>, derived: &Derived) -> Result<(), Error> {
        let (node, part) = (self.node, self.part as i64);
        let rollups = changed(&derived.rollups, &self.rollups);
        let put = |values: &mut Values, (key, row): (&RollupKey, &Rollup)| put_rollup(values, node, part, key, row);
        PUT_ROLLUPS.run(db, rollups.into_iter(), put).await?;
        let calls = changed(&derived.calls, &self.calls);
        let put = |values: &mut Values, (key, row): (&CallKey, &CallSums)| put_calls(values, node, part, key, row);
        PUT_CALLS.run(db, calls.into_iter(), put).await
    }
}

/// The rows of a sheet that a batch changed.
fn changed<'a, K: Eq + Hash, V>(changes: &HashMap<K, V>, rows: &'a HashMap<K, V>) -> Vec<(&'a K, &'a V)> {
    changes.keys().filter_map(|key| rows.get_key_value(key)).collect()
}

fn put_rollup_key(values: &mut Values, node: i64, part: i64, key: &RollupKey) {
    values.put(key.slice).put(key.bucket.seconds()).put(key.at.as_micros()).put(node).put(key.series);
    values.put(key.ending.outcome).put(i64::from(key.ending.status)).put(part);
}

fn put_call_key(values: &mut Values, node: i64, part: i64, key: &CallKey) {
    values.put(key.bucket.seconds()).put(key.at.as_micros()).put(node).put(key.route).put(part);
}

fn put_rollup(values: &mut Values, node: i64, part: i64, key: &RollupKey, row: &Rollup) {
    let sums = &row.sums;
    values.put(node).put(key.slice).put(key.bucket.seconds()).put(key.at.as_micros()).put(key.series);
    values.put(key.ending.outcome).put(i64::from(key.ending.status)).put(part);
    values.count(sums.requests).count(sums.admitted).count(sums.input_tokens).count(sums.cached_tokens);
    values.count(sums.cache_write_tokens).count(sums.output_tokens).count(sums.reasoning_tokens);
    values.put(row.tokens).put(sums.amount.0).count(sums.exact).count(sums.estimated).count(sums.unknown);
    values.put(row.durations.to_text()).put(row.first_outputs.to_text());
}

fn put_calls(values: &mut Values, node: i64, part: i64, key: &CallKey, row: &CallSums) {
    let costs = &row.costs;
    values.put(node).put(key.bucket.seconds()).put(key.at.as_micros()).put(key.route).put(part);
    values.count(row.calls).count(row.errors).count(row.resolved).put(row.tokens);
    values.put(costs.amount.0).count(costs.exact).count(costs.estimated).count(costs.unknown);
    values.put(row.durations.to_text());
}

fn read_rollup_key(row: &Row) -> Result<RollupKey, Error> {
    let reading = Reading::new("rollups", "at", row);
    Ok(RollupKey {
        slice: reading.get("slice")?,
        bucket: read_bucket(&reading)?,
        at: read_time(&reading, "at")?,
        series: reading.get("series")?,
        ending: Ending { outcome: reading.get("outcome")?, status: reading.count("status")? },
    })
}

fn read_call_key(row: &Row) -> Result<CallKey, Error> {
    let reading = Reading::new("calls", "at", row);
    let (bucket, at) = (read_bucket(&reading)?, read_time(&reading, "at")?);
    Ok(CallKey { bucket, at, route: reading.get("route")? })
}

/// The length of buckets that a column has in seconds.
fn read_bucket(reading: &Reading<'_>) -> Result<Length, Error> {
    let seconds: i64 = reading.get("bucket")?;
    let bucket = LENGTHS.iter().find(|bucket| bucket.seconds() == seconds);
    bucket.copied().ok_or_else(|| reading.wrong("bucket", &format_args!("{seconds} is no length")))
}

fn read_rollup(row: &Row) -> Result<Rollup, Error> {
    let reading = Reading::new("rollups", "requests", row);
    Ok(Rollup {
        sums: Sums::read(&reading)?,
        tokens: reading.get("tokens")?,
        durations: read_histogram(&reading, "durations")?,
        first_outputs: read_histogram(&reading, "first_outputs")?,
    })
}

/// The sums of calls of a row that has all of them as columns.
pub(crate) fn read_calls(row: &Row) -> Result<CallSums, Error> {
    let reading = Reading::new("calls", "calls", row);
    Ok(CallSums {
        calls: reading.count("calls")?,
        errors: reading.count("errors")?,
        resolved: reading.count("resolved")?,
        tokens: reading.get("tokens")?,
        costs: CallCosts {
            amount: NanoUsd(reading.get("amount")?),
            exact: reading.count("exact")?,
            estimated: reading.count("estimated")?,
            unknown: reading.count("unknown")?,
        },
        durations: read_histogram(&reading, "durations")?,
    })
}

/// A column with texts of histograms, one or many.
pub(crate) fn read_histogram(reading: &Reading<'_>, column: &'static str) -> Result<Histogram, Error> {
    let mut histogram = Histogram::default();
    let text = reading.get::<Option<&str>>(column)?.unwrap_or_default();
    if histogram.add_text(text) { Ok(histogram) } else { Err(reading.wrong(column, &"it is no histogram")) }
}

/// A point in time.
pub(crate) fn read_time(reading: &Reading<'_>, column: &'static str) -> Result<Timestamp, Error> {
    reading.get(column).map(Timestamp::from_micros)
}

impl Rollup {
    /// Adds other requests.
    pub(crate) fn add(&mut self, other: &Self) {
        self.sums.add(&other.sums);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.durations.merge(&other.durations);
        self.first_outputs.merge(&other.first_outputs);
    }

    /// Takes other requests away.
    pub(crate) fn remove(&mut self, other: &Self) {
        self.sums.remove(&other.sums);
        self.tokens = self.tokens.saturating_sub(other.tokens);
        self.durations.remove(&other.durations);
        self.first_outputs.remove(&other.first_outputs);
    }
}

impl CallSums {
    /// Adds other calls.
    pub(crate) fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.resolved += other.resolved;
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.costs.amount += other.costs.amount;
        self.costs.exact += other.costs.exact;
        self.costs.estimated += other.costs.estimated;
        self.costs.unknown += other.costs.unknown;
        self.durations.merge(&other.durations);
    }

    fn remove(&mut self, other: &Self) {
        self.calls = self.calls.saturating_sub(other.calls);
        self.errors = self.errors.saturating_sub(other.errors);
        self.resolved = self.resolved.saturating_sub(other.resolved);
        self.tokens = self.tokens.saturating_sub(other.tokens);
        self.costs.amount = self.costs.amount - other.costs.amount;
        self.costs.exact = self.costs.exact.saturating_sub(other.costs.exact);
        self.costs.estimated = self.costs.estimated.saturating_sub(other.costs.estimated);
        self.costs.unknown = self.costs.unknown.saturating_sub(other.costs.unknown);
        self.durations.remove(&other.durations);
    }
}
