//! Finished requests, newest first, and one of them in detail. Owns the table `requests`.
//!
//! The table has what requests are found by; the records themselves are in the entries.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, BudgetId, KeyId, RequestId, UnitId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::{Outcome, UsageRecord};
use megarouter_domain::tag::Tag;
use megarouter_ledger::entry::{Fact, HoldFact, Lsn, PinnedPrice, Resolution};
use uuid::Uuid;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::journal;
use crate::ledger::selection::{Selection, series_condition};
use crate::ledger::sums::{Sums, outcome_code, request_sum_columns};
use crate::row::{Reading, Row, Values, values};

/// The most rows of one page.
pub const MOST_ROWS: u32 = 200;

/// The longest search text, in characters; the rest is ignored.
pub const LONGEST_SEARCH: usize = 100;

/// With no more series than this, each is looked at by itself; with more, a look at all requests in the
/// order of time soon finds enough.
const MOST_SERIES: usize = 300;

/// How many of the newest requests are looked at before each series or tag is.
const NEWEST: i64 = 5_000;

/// The longest time from a request to its last attempt, in microseconds.
const LONGEST_REQUEST: i64 = 3_600_000_000;

/// Which requests; everything that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Arrived at or after.
    pub from: Option<Timestamp>,
    /// Arrived before.
    pub to: Option<Timestamp>,
    /// Came with this key.
    pub key_id: Option<KeyId>,
    /// Was charged to this unit, or to something in it.
    pub unit: Option<UnitId>,
    /// Was resolved to this public model.
    pub model: Option<String>,
    /// Was served by the provider of this name.
    pub provider: Option<String>,
    /// Had this tag.
    pub tag: Option<Tag>,
    /// Ended like this.
    pub outcome: Option<Outcome>,
    /// Was refused by this budget.
    pub refused_by: Option<BudgetId>,
    /// Belongs to this session.
    pub session: Option<String>,
    /// Has this in a model's or a provider's name, or is the request with this id.
    pub search: Option<String>,
}

/// Where a page ends: the next one begins after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the last request of the page arrived.
    pub started_at: Timestamp,
    /// Its id, for requests of the same microsecond.
    pub request_id: RequestId,
}

/// A page of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub rows: Vec<UsageRecord>,
    /// Where to go on; `None` on the last page.
    pub next: Option<Cursor>,
}

/// A request with what the ledger knows about each of its attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The request, its cost with what admins corrected.
    pub record: UsageRecord,
    /// What admins added to the cost since.
    pub adjusted: NanoUsd,
    /// Its attempts' entries, in the order of their holds. Joined with `record.attempts` by the id;
    /// an attempt that was given up before its call is only here.
    pub attempts: Vec<AttemptEntry>,
}

/// What the ledger knows about an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptEntry {
    /// The attempt.
    pub attempt_id: AttemptId,
    /// What was set aside at first.
    pub hold: NanoUsd,
    /// The price that applied; `None` when unknown.
    pub price: Option<PinnedPrice>,
    /// How the hold ended; `None` while it is open.
    pub resolution: Option<Resolution>,
    /// The whole hold.
    pub fact: Arc<HoldFact>,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that this program gave; leave it out to begin at the first page")]
pub struct BadCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}_{}", self.started_at.as_micros(), self.request_id)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (micros, id) = text.split_once('_').ok_or(BadCursor)?;
        let started_at = Timestamp::from_micros(micros.parse().map_err(|_| BadCursor)?);
        Ok(Self { started_at, request_id: id.parse().map_err(|_| BadCursor)? })
    }
}

/// Rows of `requests` as `r`, with the conditions that every question shares; the order of the parameters
/// is that of [`bind`]. `$from` and `$first` name the index by which they are found.
macro_rules! found_by {
    ($select:expr, $from:literal, $first:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $select,
            " FROM ",
            $from,
            " WHERE ",
            $first,
            " AND r.started_at >= $1 AND r.started_at < $2
              AND ($3 IS NULL OR r.outcome = $3)
              AND ($4 IS NULL OR r.session = $4)
              AND ($5 IS NULL OR r.refused_by = $5)
              AND ($6 IS NULL OR EXISTS
                  (SELECT 1 FROM tags g JOIN request_tags t ON t.node = g.node AND t.tag = g.id
                   WHERE g.node = r.node AND g.name = $6 AND g.value = $7
                       AND t.started_at = r.started_at AND t.lsn = r.lsn))
              AND ($8 = 0 OR EXISTS
                  (SELECT 1 FROM series s JOIN attributions a ON a.node = s.node AND a.id = s.attribution
                   WHERE s.node = r.node AND s.id = r.series AND ",
            series_condition!("$9", "$10", "$11", "$12"),
            "))
              AND ($13 IS NULL OR r.names LIKE $13 ESCAPE '\\' OR ($14 IS NOT NULL AND r.request_id = $14) OR EXISTS
                  (SELECT 1 FROM series s WHERE s.node = r.node AND s.id = r.series
                       AND (lower(s.model) LIKE $13 ESCAPE '\\' OR lower(s.provider) LIKE $13 ESCAPE '\\')))",
            $rest
        )
    };
}

macro_rules! page_found_by {
    ($from:literal, $first:literal) => {
        found_by!(
            "r.node AS node, r.lsn AS lsn, r.started_at AS started_at, r.request_id AS request_id,
             r.adjusted AS adjusted",
            $from,
            $first,
            " AND (r.started_at, r.request_id) < ($15, $16)
              ORDER BY r.started_at DESC, r.request_id DESC LIMIT $17"
        )
    };
}

const BY_TIME: &str = page_found_by!("requests r", "1 = 1");
const BY_SERIES: &str = page_found_by!("requests r", "r.node = $18 AND r.series = $19");
const BY_SESSION: &str = page_found_by!("requests r", "r.session = $4 AND r.session IS NOT NULL");
const BY_BUDGET: &str = page_found_by!("requests r", "r.refused_by = $5 AND r.refused_by IS NOT NULL");
const BY_OUTCOME: &str = page_found_by!("requests r", "r.outcome = $3 AND r.outcome <> 0");
const BY_TAG: &str = found_by!(
    "r.node AS node, r.lsn AS lsn, r.started_at AS started_at, r.request_id AS request_id, r.adjusted AS adjusted",
    "request_tags k JOIN requests r ON r.node = k.node AND r.lsn = k.lsn",
    "k.node = $18 AND k.tag = $19 AND k.started_at >= $1 AND k.started_at < $2",
    " AND (r.started_at, r.request_id) < ($15, $16) ORDER BY k.started_at DESC, r.request_id DESC LIMIT $17"
);

const SUMS_BY_TIME: &str = found_by!(request_sum_columns!(), "requests r", "1 = 1", "");
const SUMS_BY_SESSION: &str =
    found_by!(request_sum_columns!(), "requests r", "r.session = $4 AND r.session IS NOT NULL", "");
const SUMS_BY_BUDGET: &str =
    found_by!(request_sum_columns!(), "requests r", "r.refused_by = $5 AND r.refused_by IS NOT NULL", "");

const CORRECTIONS: &str = found_by!("CAST(coalesce(sum(adjusted), 0) AS BIGINT)", "requests r", "r.adjusted <> 0", "");

const SERIES: &str = concat!(
    "SELECT s.node AS node, s.id AS id FROM series s JOIN attributions a ON a.node = s.node AND a.id = s.attribution
     WHERE ",
    series_condition!("$1", "$2", "$3", "$4"),
    " LIMIT $5"
);

const TAG_NUMBERS: &str = "SELECT node, id FROM tags WHERE name = $1 AND value = $2";

const OLDEST_OF_NEWEST: &str =
    "SELECT started_at FROM requests WHERE started_at < $1 ORDER BY started_at DESC LIMIT 1 OFFSET $2";

const ONE: &str = "SELECT node, lsn, started_at, request_id, adjusted FROM requests WHERE request_id = $1";

const ATTEMPTS: &str = "SELECT node, hold_lsn, lsn FROM attempts WHERE request_id = $1 ORDER BY hold_lsn";

const ATTEMPT_BY_ID: &str = "SELECT node, hold_lsn, lsn FROM attempts
    WHERE request_id >= $1 AND request_id < $2 AND attempt_id = $3";

/// Where a request's record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    node: i64,
    lsn: Lsn,
    cursor: Cursor,
    adjusted: NanoUsd,
}

impl Filter {
    /// True when only rows tell which requests are meant.
    pub(crate) fn needs_rows(&self) -> bool {
        self.session.is_some() || self.refused_by.is_some() || self.search_text().is_some()
    }

    /// Whose they are, what served them, and their tag.
    pub(crate) fn selection(&self) -> Selection {
        Selection {
            key_id: self.key_id,
            unit: self.unit,
            model: self.model.clone(),
            provider: self.provider.clone(),
            tag: self.tag.clone(),
        }
    }

    fn search_text(&self) -> Option<String> {
        let search = self.search.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        Some(search.chars().take(LONGEST_SEARCH).collect())
    }
}

/// A page of requests, newest first.
pub(crate) async fn page(db: &mut Db<'_>, filter: &Filter, after: Option<Cursor>, limit: u32) -> Result<Page, Error> {
    let limit = limit.clamp(1, MOST_ROWS);
    let mut transaction = db.begin_reading().await?;
    let mut found = find(&mut transaction, filter, after, limit + 1).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| has_more).map(|last| last.cursor);
    let mut rows = Vec::with_capacity(found.len());
    for request in &found {
        rows.push(record(&mut transaction, request).await?);
    }
    transaction.commit().await?;
    Ok(Page { rows, next })
}

/// The requests of a filter, added up row by row. [`crate::ledger::request_sums`] looks at as few
/// rows as it can.
pub(crate) async fn sums(db: &mut Db<'_>, filter: &Filter) -> Result<Sums, Error> {
    let text = match filter {
        Filter { session: Some(_), .. } => SUMS_BY_SESSION,
        Filter { refused_by: Some(_), .. } => SUMS_BY_BUDGET,
        _ => SUMS_BY_TIME,
    };
    let row = db.fetch_one(text, bind(filter)).await?;
    Sums::read(&Reading::new("requests", "requests", &row))
}

/// What admins added to the requests of a filter.
pub(crate) async fn corrections(db: &mut Db<'_>, filter: &Filter) -> Result<NanoUsd, Error> {
    Ok(NanoUsd(db.fetch_value(CORRECTIONS, bind(filter)).await?.unwrap_or(0)))
}

/// One request in detail.
pub(crate) async fn detail(db: &mut Db<'_>, id: RequestId) -> Result<Option<Detail>, Error> {
    let mut transaction = db.begin_reading().await?;
    let Some(row) = transaction.fetch_optional(ONE, values![id.as_uuid()]).await? else { return Ok(None) };
    let found = read_found(&row)?;
    let record = record(&mut transaction, &found).await?;
    let mut attempts = Vec::new();
    for row in transaction.fetch_all(ATTEMPTS, values![id.as_uuid()]).await? {
        let reading = Reading::new("attempts", "hold_lsn", &row);
        let (node, hold, end) = (reading.get("node")?, reading.count("hold_lsn")?, reading.count("lsn")?);
        attempts.extend(attempt(&mut transaction, node, Lsn(hold), Lsn(end)).await?);
    }
    transaction.commit().await?;
    Ok(Some(Detail { record, adjusted: found.adjusted, attempts }))
}

/// The first requests of a filter.
async fn find(db: &mut Db<'_>, filter: &Filter, after: Option<Cursor>, limit: u32) -> Result<Vec<Found>, Error> {
    let end = after.map_or((i64::MAX, Uuid::max()), |end| (end.started_at.as_micros(), end.request_id.as_uuid()));
    // The cursor's time as a plain bound too: it lets the index begin where the last page ended.
    let bound = Timestamp::from_micros(end.0.saturating_add(1));
    let to = Some(filter.to.map_or(bound, |to| to.min(bound)));
    let filter = &Filter { to, ..filter.clone() };
    let values_of = |filter: &Filter| {
        let mut values = bind(filter);
        values.put(end.0).uuid(end.1).put(i64::from(limit));
        values
    };
    let values = values_of(filter);
    if let Some((text, numbers)) = by_numbers(db, filter).await? {
        let newest = find_among_newest(db, filter, limit, values_of).await?;
        return match newest {
            Some(found) => Ok(found),
            None => find_by_numbers(db, text, &values, numbers, limit).await,
        };
    }
    let text = match filter {
        Filter { session: Some(_), .. } => BY_SESSION,
        Filter { refused_by: Some(_), .. } => BY_BUDGET,
        Filter { outcome: Some(outcome), .. } if *outcome != Outcome::Completed => BY_OUTCOME,
        _ => BY_TIME,
    };
    db.fetch_all(text, values).await?.iter().map(read_found).collect()
}

/// A page of what is common is among the newest requests of all; `None` when they do not fill one.
async fn find_among_newest(
    db: &mut Db<'_>,
    filter: &Filter,
    limit: u32,
    values_of: impl Fn(&Filter) -> Values,
) -> Result<Option<Vec<Found>>, Error> {
    let to = filter.to.map_or(i64::MAX, Timestamp::as_micros);
    let oldest: Option<i64> = db.fetch_value(OLDEST_OF_NEWEST, values![to, NEWEST]).await?;
    let Some(oldest) = oldest else { return Ok(None) };
    let oldest = Timestamp::from_micros(oldest);
    let newest = Filter { from: Some(filter.from.map_or(oldest, |from| from.max(oldest))), ..filter.clone() };
    let rows = db.fetch_all(BY_TIME, values_of(&newest)).await?;
    if rows.len() < limit as usize {
        return Ok(None);
    }
    rows.iter().map(read_found).collect::<Result<_, _>>().map(Some)
}

/// The question to ask for each series or tag, and their numbers, when that is the shortest way.
async fn by_numbers(db: &mut Db<'_>, filter: &Filter) -> Result<Option<(&'static str, Vec<(i64, i64)>)>, Error> {
    if filter.session.is_some() || filter.refused_by.is_some() {
        return Ok(None);
    }
    let selection = filter.selection();
    if let Some(tag) = &selection.tag {
        let rows = db.fetch_all(TAG_NUMBERS, values![&*tag.name, &*tag.value]).await?;
        return Ok(Some((BY_TAG, rows.iter().map(read_number).collect::<Result<_, _>>()?)));
    }
    if !selection.is_by_series() {
        return Ok(None);
    }
    let mut values = Values::default();
    selection.put(&mut values);
    values.put(i64::try_from(MOST_SERIES + 1).unwrap_or(i64::MAX));
    let rows = db.fetch_all(SERIES, values).await?;
    if rows.len() > MOST_SERIES {
        return Ok(None);
    }
    Ok(Some((BY_SERIES, rows.iter().map(read_number).collect::<Result<_, _>>()?)))
}

/// The newest over several series or tags.
async fn find_by_numbers(
    db: &mut Db<'_>,
    text: &'static str,
    values: &Values,
    numbers: Vec<(i64, i64)>,
    limit: u32,
) -> Result<Vec<Found>, Error> {
    let mut newest = BTreeMap::new();
    for (node, number) in numbers {
        let mut values = values.clone();
        values.put(node).put(number);
        for row in db.fetch_all(text, values).await? {
            let found = read_found(&row)?;
            newest.insert((found.cursor.started_at, found.cursor.request_id), found);
            if newest.len() > limit as usize {
                newest.pop_first();
            }
        }
    }
    Ok(newest.into_values().rev().collect())
}

/// The record of a request, from its entry.
async fn record(db: &mut Db<'_>, found: &Found) -> Result<UsageRecord, Error> {
    let missing = || Error::Inconsistent {
        table: "requests",
        column: "lsn",
        row: found.lsn.0.to_string(),
        reason: "its entry tells of no finished request".to_owned(),
    };
    let stored = journal::one(db, found.node, found.lsn).await?.ok_or_else(missing)?;
    let Fact::Finished(record) = stored.entry.fact else { return Err(missing()) };
    let mut record = Arc::unwrap_or_clone(record);
    record.cost = corrected(record.cost, found.adjusted);
    Ok(record)
}

/// A cost with what admins added to it.
fn corrected(cost: Cost, adjusted: NanoUsd) -> Cost {
    if adjusted == NanoUsd::ZERO {
        return cost;
    }
    match cost {
        Cost::Exact(amount) => Cost::Exact(amount + adjusted),
        Cost::Estimated(amount) => Cost::Estimated(amount + adjusted),
        Cost::Unknown | Cost::NotBillable => Cost::Estimated(adjusted),
    }
}

/// An ended attempt, from the entries of its hold and its end.
pub(crate) async fn attempt(db: &mut Db<'_>, node: i64, hold: Lsn, end: Lsn) -> Result<Option<AttemptEntry>, Error> {
    let hold = journal::one(db, node, hold).await?.map(|stored| stored.entry.fact);
    let end = journal::one(db, node, end).await?.map(|stored| stored.entry.fact);
    let (Some(Fact::Hold(fact)), Some(Fact::Resolve { resolution, .. })) = (hold, end) else { return Ok(None) };
    Ok(Some(AttemptEntry {
        attempt_id: fact.attempt_id,
        hold: fact.amount,
        price: fact.price.clone(),
        resolution: Some(resolution),
        fact,
    }))
}

/// An ended attempt by its id. Ids are in the order of time, and so are those of requests: the request was
/// made at most [`LONGEST_REQUEST`] before its attempt.
pub(crate) async fn attempt_by_id(db: &mut Db<'_>, id: AttemptId) -> Result<Option<AttemptEntry>, Error> {
    let millis =
        id.as_uuid().get_timestamp().map_or(0, |at| at.to_unix().0 * 1_000 + u64::from(at.to_unix().1) / 1_000_000);
    let at = i64::try_from(millis).unwrap_or(0).saturating_mul(1_000);
    let (from, to) = (id_at(at.saturating_sub(LONGEST_REQUEST)), id_at(at.saturating_add(2_000)));
    let found = db.fetch_optional(ATTEMPT_BY_ID, values![from, to, id.as_uuid()]).await?;
    let Some(row) = found else { return Ok(None) };
    let reading = Reading::new("attempts", "hold_lsn", &row);
    let (node, hold, end) = (reading.get("node")?, reading.count("hold_lsn")?, reading.count("lsn")?);
    attempt(db, node, Lsn(hold), Lsn(end)).await
}

/// The least id of a point in time, in microseconds since 1970.
pub(crate) fn id_at(micros: i64) -> Uuid {
    let id = RequestId::new(Timestamp::from_micros(micros.max(0)), [0; 10]).as_uuid();
    let mut bytes = *id.as_bytes();
    bytes[6..].fill(0);
    Uuid::from_bytes(bytes)
}

fn read_found(row: &Row) -> Result<Found, Error> {
    let reading = Reading::new("requests", "lsn", row);
    let started_at = Timestamp::from_micros(reading.get("started_at")?);
    let request_id = RequestId::from_uuid(reading.uuid("request_id")?);
    Ok(Found {
        node: reading.get("node")?,
        lsn: Lsn(reading.count("lsn")?),
        cursor: Cursor { started_at, request_id },
        adjusted: NanoUsd(reading.get("adjusted")?),
    })
}

fn read_number(row: &Row) -> Result<(i64, i64), Error> {
    let reading = Reading::new("series", "id", row);
    Ok((reading.get("node")?, reading.get("id")?))
}

/// The parameters of the shared conditions, in their order.
fn bind(filter: &Filter) -> Values {
    let selection = filter.selection();
    let mut values = Values::default();
    values
        .put(filter.from.map_or(i64::MIN, Timestamp::as_micros))
        .put(filter.to.map_or(i64::MAX, Timestamp::as_micros))
        .put(filter.outcome.map(outcome_code))
        .put(filter.session.clone())
        .uuid_option(filter.refused_by.map(BudgetId::as_uuid))
        .put(selection.tag.as_ref().map(|tag| Arc::clone(&tag.name)))
        .put(selection.tag.as_ref().map(|tag| Arc::clone(&tag.value)))
        .put(i64::from(selection.is_by_series()));
    selection.put(&mut values);
    let search = filter.search_text();
    let id = search.as_deref().and_then(|text| text.parse::<Uuid>().ok());
    values.put(search.as_deref().map(contains_pattern)).uuid_option(id);
    values
}

/// A pattern for LIKE that means the text itself, anywhere, in any case.
fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_means_its_text() {
        assert_eq!(contains_pattern(r"50%_\A"), r"%50\%\_\\a%");
    }

    #[test]
    fn a_cursor_survives_its_text() {
        let started_at = Timestamp::from_micros(1_795_356_000_123_456);
        let cursor = Cursor { started_at, request_id: RequestId::new(started_at, [7; 10]) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!("nonsense".parse::<Cursor>(), Err(BadCursor));
    }
}
