//! Finished requests, newest first, and one of them in detail. Owns the table `requests`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, KeyId, PriceId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::record::{Outcome, UsageRecord};
use megarouter_ledger::entry::{Lsn, MOST_TOKENS, PinnedPrice, Resolution};
use megarouter_ledger::state::OpenAttempt;
use uuid::Uuid;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::ResolvedAttempt;
use crate::ledger::restore;
use crate::ledger::sums::Sums;
use crate::row::{Reading, Row, Values, values};

/// The most rows of one page.
pub const MOST_ROWS: u32 = 200;

/// The longest search text, in characters; the rest is ignored.
pub const LONGEST_SEARCH: usize = 100;

/// Which requests; everything that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Arrived at or after.
    pub from: Option<Timestamp>,
    /// Arrived before.
    pub to: Option<Timestamp>,
    /// Came with this key.
    pub key_id: Option<KeyId>,
    /// Was resolved to this public model.
    pub model: Option<String>,
    /// Was served by the provider of this name.
    pub provider: Option<String>,
    /// Ended like this.
    pub outcome: Option<Outcome>,
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
    /// The request.
    pub record: UsageRecord,
    /// Its attempts' entries, in the order of their holds. Joined with `record.attempts` by the id;
    /// an attempt that was given up before its call is only here.
    pub attempts: Vec<AttemptEntry>,
}

/// What the ledger knows about an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptEntry {
    /// The attempt.
    pub attempt_id: AttemptId,
    /// What was set aside.
    pub hold: NanoUsd,
    /// The price that applied; `None` when unknown.
    pub price: Option<PinnedPrice>,
    /// How the hold ended; `None` while it is open.
    pub resolution: Option<Resolution>,
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

/// The filter that every question below shares; the order of the parameters is that of `bind`.
macro_rules! where_filter {
    ($select:literal, $rest:literal) => {
        concat!(
            $select,
            " FROM requests
              WHERE started_at >= $1 AND started_at < $2
                AND ($3 IS NULL OR key_id = $3)
                AND ($4 IS NULL OR model = $4)
                AND ($5 IS NULL OR provider = $5)
                AND ($6 IS NULL OR outcome = $6)
                AND ($7 IS NULL OR model_asked LIKE $7 ESCAPE '\\' OR model LIKE $7 ESCAPE '\\'
                     OR upstream_model LIKE $7 ESCAPE '\\' OR provider LIKE $7 ESCAPE '\\'
                     OR instr(hex(request_id), $8) > 0) ",
            $rest
        )
    };
}

const PAGE: &str = where_filter!(
    "SELECT *",
    "AND (started_at, request_id) < ($9, $10) ORDER BY started_at DESC, request_id DESC LIMIT $11"
);

const SUMS: &str = where_filter!(
    "SELECT cost_state, count(*) AS requests,
            sum(outcome NOT IN ('completed', 'client_left')) AS errors,
            sum(min(coalesce(input, 0) + coalesce(cached_read, 0) + coalesce(cache_write, 0)
                    + coalesce(cache_write_1h, 0) + coalesce(audio_input, 0) + coalesce(image_input, 0), $9)) AS input_tokens,
            sum(min(coalesce(output, 0) + coalesce(reasoning, 0) + coalesce(audio_output, 0)
                    + coalesce(image_output, 0), $9)) AS output_tokens,
            sum(cost_amount) AS amount",
    "GROUP BY cost_state"
);

/// A page of requests, newest first.
pub(crate) async fn page(
    connection: &mut Db<'_>,
    filter: &Filter,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Page, Error> {
    let limit = limit.clamp(1, MOST_ROWS);
    let end = after.map_or((i64::MAX, Uuid::max()), |end| (end.started_at.as_micros(), end.request_id.as_uuid()));
    // The cursor's time as a plain bound too: it lets the index begin where the last page ended.
    let bound = Timestamp::from_micros(end.0.saturating_add(1));
    let to = Some(filter.to.map_or(bound, |to| to.min(bound)));
    let mut values = bind(&Filter { to, ..filter.clone() });
    values.put(end.0).uuid(end.1).put(i64::from(limit) + 1);
    let rows = connection.fetch_all(PAGE, values).await?;
    let mut rows = rows.iter().map(read_record).collect::<Result<Vec<_>, _>>()?;
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let cursor = |last: &UsageRecord| Cursor { started_at: last.started_at, request_id: last.request_id };
    let next = rows.last().filter(|_| has_more).map(cursor);
    Ok(Page { rows, next })
}

/// The requests of a filter, added up row by row. [`crate::ledger::request_sums`] looks at as few
/// rows as it can.
pub(crate) async fn sums(connection: &mut Db<'_>, filter: &Filter) -> Result<Sums, Error> {
    let mut values = bind(filter);
    values.count(MOST_TOKENS);
    let rows = connection.fetch_all(SUMS, values).await?;
    let mut sums = Sums::default();
    for row in &rows {
        sums.add(&read_sums_of_state(row)?);
    }
    Ok(sums)
}

/// One request in detail.
pub(crate) async fn detail(connection: &mut Db<'_>, id: RequestId) -> Result<Option<Detail>, Error> {
    let record = "SELECT * FROM requests WHERE request_id = $1";
    let Some(record) = connection.fetch_optional(record, values![id.as_uuid()]).await? else { return Ok(None) };
    let resolved = "SELECT * FROM attempts WHERE request_id = $1 ORDER BY hold_lsn";
    let resolved = connection.fetch_all(resolved, values![id.as_uuid()]).await?;
    let left_behind = "SELECT * FROM open_attempts WHERE is_left_behind ORDER BY lsn";
    let left_behind = connection.fetch_all(left_behind, values![]).await?;
    let mut attempts = Vec::with_capacity(resolved.len());
    for row in &resolved {
        attempts.push(AttemptEntry::from(read_attempt(row)?));
    }
    for row in &left_behind {
        let attempt = restore::read_open_attempt(row)?;
        if attempt.hold.request_id == id {
            attempts.push(AttemptEntry::from(attempt));
        }
    }
    Ok(Some(Detail { record: read_record(&record)?, attempts }))
}

/// A row of `requests`.
pub(crate) fn read_record(row: &Row) -> Result<UsageRecord, Error> {
    let reading = Reading::new("requests", "request_id", row);
    let shared = |column| Ok::<_, Error>(reading.get::<Option<&str>>(column)?.map(Arc::from));
    Ok(UsageRecord {
        request_id: RequestId::from_uuid(reading.uuid("request_id")?),
        started_at: Timestamp::from_micros(reading.get("started_at")?),
        key_id: KeyId::from_uuid(reading.uuid("key_id")?),
        units: [].into(),
        tags: vec![],
        session: None,
        refusal: None,
        operation: reading.name("operation")?,
        model_asked: reading.get::<&str>("model_asked")?.into(),
        model: shared("model")?,
        provider: shared("provider")?,
        upstream_model: shared("upstream_model")?,
        is_streaming: reading.get("is_streaming")?,
        status: reading.count("status")?,
        outcome: reading.name("outcome")?,
        error: reading.get::<Option<&str>>("error")?.map(|_| reading.parse("error")).transpose()?,
        usage: reading.usage()?,
        usage_source: reading.name("usage_source")?,
        cost: reading.cost()?,
        first_output: reading.count_option("first_output_us")?.map(Duration::from_micros),
        total: Duration::from_micros(reading.count("total_us")?),
        overhead: reading.count_option("overhead_us")?.map(Duration::from_micros),
        attempts: reading.json("attempts")?,
        losses: reading.json_option("losses")?.unwrap_or_default(),
        user_agent: shared("user_agent")?,
    })
}

/// A row of `attempts`.
pub(crate) fn read_attempt(row: &Row) -> Result<ResolvedAttempt, Error> {
    let reading = Reading::new("attempts", "attempt_id", row);
    let price = reading.uuid_option("price_id")?.zip(reading.json_option("tariff")?);
    Ok(ResolvedAttempt {
        lsn: Lsn(reading.count("lsn")?),
        attempt_id: AttemptId::from_uuid(reading.uuid("attempt_id")?),
        request_id: RequestId::from_uuid(reading.uuid("request_id")?),
        hold_lsn: Lsn(reading.count("hold_lsn")?),
        held_at: Timestamp::from_micros(reading.get("held_at")?),
        amount: NanoUsd(reading.get("amount")?),
        price: price.map(|(id, tariff)| PinnedPrice { id: PriceId::from_uuid(id), tariff }),
        resolution: read_resolution(&reading)?,
    })
}

fn read_resolution(reading: &Reading<'_>) -> Result<Resolution, Error> {
    let (usage, cost) = (reading.usage()?, reading.cost()?);
    match reading.get("resolution")? {
        "settled" => {
            let overage = NanoUsd(reading.get("overage")?);
            Ok(Resolution::Settled { usage, source: reading.name("usage_source")?, cost, overage })
        }
        "voided" => Ok(Resolution::Voided),
        "uncertain" => Ok(Resolution::Uncertain { usage, cost }),
        other => Err(reading.wrong("resolution", &format_args!("`{other}` is none"))),
    }
}

fn read_sums_of_state(row: &Row) -> Result<Sums, Error> {
    let reading = Reading::new("requests", "cost_state", row);
    let requests = reading.count("requests")?;
    let mut sums = Sums {
        requests,
        errors: reading.count("errors")?,
        input_tokens: reading.count("input_tokens")?,
        output_tokens: reading.count("output_tokens")?,
        amount: NanoUsd(reading.get("amount")?),
        ..Sums::default()
    };
    match reading.get("cost_state")? {
        "exact" => sums.exact = requests,
        "estimated" => sums.estimated = requests,
        "unknown" => sums.unknown = requests,
        _ => {}
    }
    Ok(sums)
}

/// The parameters of the shared filter, in their order.
fn bind(filter: &Filter) -> Values {
    let mut values = Values::default();
    values
        .put(filter.from.map_or(i64::MIN, Timestamp::as_micros))
        .put(filter.to.map_or(i64::MAX, Timestamp::as_micros));
    values.uuid_option(filter.key_id.map(KeyId::as_uuid)).put(filter.model.clone()).put(filter.provider.clone());
    values.put(filter.outcome.map(Outcome::as_str));
    let search = filter.search.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let search: Option<String> = search.map(|text| text.chars().take(LONGEST_SEARCH).collect());
    values.put(search.as_deref().map(contains_pattern)).put(search.as_deref().and_then(part_of_id));
    values
}

/// A pattern for LIKE that means the text itself, anywhere.
fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// The text as SQLite's `hex` writes ids, when it can be a part of one.
fn part_of_id(text: &str) -> Option<String> {
    let is_part = text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_part.then(|| text.replace('-', "").to_ascii_uppercase())
}

impl From<ResolvedAttempt> for AttemptEntry {
    fn from(attempt: ResolvedAttempt) -> Self {
        let ResolvedAttempt { attempt_id, amount: hold, price, resolution, .. } = attempt;
        Self { attempt_id, hold, price, resolution: Some(resolution) }
    }
}

impl From<OpenAttempt> for AttemptEntry {
    fn from(attempt: OpenAttempt) -> Self {
        let hold = &attempt.hold;
        Self {
            attempt_id: hold.attempt_id,
            hold: hold.amount,
            price: hold.price.clone(),
            resolution: attempt.resolution,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_means_its_text() {
        assert_eq!(contains_pattern(r"50%_\"), r"%50\%\_\\%");
        assert_eq!(part_of_id("019a-BC"), Some("019ABC".to_owned()));
        assert_eq!(part_of_id("gpt-5"), None);
    }

    #[test]
    fn a_cursor_survives_its_text() {
        let started_at = Timestamp::from_micros(1_795_356_000_123_456);
        let cursor = Cursor { started_at, request_id: RequestId::new(started_at, [7; 10]) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!("nonsense".parse::<Cursor>(), Err(BadCursor));
    }
}
