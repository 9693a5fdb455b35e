//! Figures over a range of time, and over the range of the same length before it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::KeyId;
use megarouter_domain::money::NanoUsd;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::Rollup;
use crate::ledger::sums::Sums;
use crate::row::{Reading, Row, Values};

/// The most points of a series.
pub const MOST_POINTS: usize = 1_000;

/// The length of time that one point stands for. Buckets begin at whole multiples since the epoch,
/// so days are UTC days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    /// Five minutes.
    FiveMinutes,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl Bucket {
    /// Every length, shortest first.
    pub const ALL: &[Self] = &[Self::FiveMinutes, Self::Hour, Self::Day];

    /// Its length in seconds.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::FiveMinutes => 300,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// The stable name, as in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Where the bucket that holds `time` begins.
    pub const fn start(self, time: Timestamp) -> Timestamp {
        let length = self.micros();
        Timestamp::from_micros(time.as_micros().div_euclid(length) * length)
    }

    /// The shortest one that gives at most about a hundred points.
    fn readable(length: Duration) -> Self {
        match length.as_secs() {
            0..=28_800 => Self::FiveMinutes,
            28_801..=345_600 => Self::Hour,
            _ => Self::Day,
        }
    }

    /// Where the first bucket that begins at `time` or later begins.
    pub(crate) const fn start_from(self, time: Timestamp) -> Timestamp {
        self.start(Timestamp::from_micros(time.as_micros().saturating_add(self.micros() - 1)))
    }

    const fn micros(self) -> i64 {
        self.seconds() * 1_000_000
    }
}

/// What the overview is to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// From this time on; rounded down to a whole bucket.
    pub from: Timestamp,
    /// Until this time; rounded up to a whole bucket.
    pub to: Timestamp,
    /// The length of a bucket; `None` for one that gives a readable number of points.
    pub bucket: Option<Bucket>,
    /// Only requests with this key.
    pub key_id: Option<KeyId>,
    /// Only requests of this public model.
    pub model: Option<String>,
    /// Only requests served by the provider of this name.
    pub provider: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Where the range really begins.
    pub from: Timestamp,
    /// Where it really ends.
    pub to: Timestamp,
    /// The length of a bucket.
    pub bucket: Bucket,
    /// Figures of the range.
    pub current: Figures,
    /// Figures of the range of the same length that ends where this one begins.
    pub previous: Figures,
    /// One point for each bucket, also for those without requests, in order of time.
    pub series: Vec<Point>,
    /// By public model, dearest first; `None` is for requests of no known model.
    pub by_model: Vec<(Option<String>, Sums)>,
    /// By key, dearest first.
    pub by_key: Vec<(KeyId, Sums)>,
}

/// Figures over some requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Counts and sums.
    pub sums: Sums,
    /// Half of the completed requests took no longer than this, to about 3 %; `None` without any.
    pub p50: Option<Duration>,
    /// 95 of 100 completed requests took no longer than this, to about 3 %; `None` without any.
    pub p95: Option<Duration>,
}

/// The figures of one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Where the bucket begins.
    pub at: Timestamp,
    /// Its figures.
    pub figures: Figures,
}

/// The filter that every question below shares; the order of the parameters is that of `bind`.
macro_rules! where_filter {
    ($select:expr, $rest:literal) => {
        concat!(
            $select,
            " WHERE bucket = $1 AND at >= $2 AND at < $3
                AND ($4 IS NULL OR key_id = $4)
                AND ($5 IS NULL OR model = $5)
                AND ($6 IS NULL OR provider = $6) ",
            $rest
        )
    };
}

macro_rules! sums_by {
    ($group:literal, $rest:literal) => {
        where_filter!(
            concat!(
                "SELECT ",
                $group,
                ", sum(requests) AS requests, sum(errors) AS errors, sum(input_tokens) AS input_tokens,
                   sum(output_tokens) AS output_tokens, sum(amount) AS amount, sum(exact) AS exact,
                   sum(estimated) AS estimated, sum(unknown) AS unknown
                 FROM rollups"
            ),
            $rest
        )
    };
}

const BY_TIME: &str = where_filter!("SELECT * FROM rollups", "");
const BY_MODEL: &str =
    sums_by!("model", "GROUP BY model ORDER BY sum(amount) DESC, sum(requests) DESC, model LIMIT 100");
const BY_KEY: &str =
    sums_by!("key_id", "GROUP BY key_id ORDER BY sum(amount) DESC, sum(requests) DESC, key_id LIMIT 100");
/// A range of whole buckets.
#[derive(Clone, Copy)]
struct Range {
    bucket: Bucket,
    from: Timestamp,
    to: Timestamp,
}

/// Figures over a range of time; all of one state of the ledger.
pub(crate) async fn answer(connection: &mut Db<'_>, question: &Question) -> Result<Overview, Error> {
    let range = Range::of(question)?;
    let both = Range { from: range.previous(), ..range };
    let mut transaction = connection.begin_reading().await?;
    let points = gather(&mut transaction, both, question).await?;
    let by_model = fetch(&mut transaction, BY_MODEL, range, question).await?;
    let by_key = fetch(&mut transaction, BY_KEY, range, question).await?;
    transaction.commit().await?;

    let figures = |from, to| Rollup::sum(points.range(from..to).map(|(_, point)| point)).figures();
    let point = |at| Point { at, figures: points.get(&at).map(Rollup::figures).unwrap_or_default() };
    Ok(Overview {
        from: range.from,
        to: range.to,
        bucket: range.bucket,
        current: figures(range.from, range.to),
        previous: figures(both.from, range.from),
        series: range.starts().map(point).collect(),
        by_model: by_model.iter().map(read_model_sums).collect::<Result<_, _>>()?,
        by_key: by_key.iter().map(read_key_sums).collect::<Result<_, _>>()?,
    })
}

/// The sums of a row that has all of them as columns.
pub(crate) fn read_sums(reading: &Reading<'_>) -> Result<Sums, Error> {
    Ok(Sums {
        requests: reading.count("requests")?,
        errors: reading.count("errors")?,
        input_tokens: reading.count("input_tokens")?,
        output_tokens: reading.count("output_tokens")?,
        amount: NanoUsd(reading.get("amount")?),
        exact: reading.count("exact")?,
        estimated: reading.count("estimated")?,
        unknown: reading.count("unknown")?,
    })
}

async fn fetch(
    connection: &mut Db<'_>,
    text: &'static str,
    range: Range,
    question: &Question,
) -> Result<Vec<Row>, Error> {
    Ok(connection.fetch_all(text, bind(range, question)).await?)
}

/// Adds the rows of each bucket up while they come in: there may be many.
async fn gather(
    connection: &mut Db<'_>,
    range: Range,
    question: &Question,
) -> Result<BTreeMap<Timestamp, Rollup>, Error> {
    let mut points = BTreeMap::<Timestamp, Rollup>::new();
    let mut rows = connection.fetch(BY_TIME, bind(range, question));
    while let Some(row) = rows.try_next().await? {
        let reading = Reading::new("rollups", "at", &row);
        points.entry(Timestamp::from_micros(reading.get("at")?)).or_default().add(&read_rollup(&reading)?);
    }
    Ok(points)
}

fn bind(range: Range, question: &Question) -> Values {
    let mut values = Values::default();
    values.put(range.bucket.seconds()).put(range.from.as_micros()).put(range.to.as_micros());
    values.uuid_option(question.key_id.map(KeyId::as_uuid));
    values.put(question.model.clone()).put(question.provider.clone());
    values
}

/// The sums of a row of `rollups`.
pub(crate) fn read_rollup(reading: &Reading<'_>) -> Result<Rollup, Error> {
    Ok(Rollup { sums: read_sums(reading)?, durations: reading.json("durations")? })
}

fn read_model_sums(row: &Row) -> Result<(Option<String>, Sums), Error> {
    let reading = Reading::new("rollups", "model", row);
    let model: String = reading.get("model")?;
    Ok((Some(model).filter(|model| !model.is_empty()), read_sums(&reading)?))
}

fn read_key_sums(row: &Row) -> Result<(KeyId, Sums), Error> {
    let reading = Reading::new("rollups", "key_id", row);
    Ok((KeyId::from_uuid(reading.uuid("key_id")?), read_sums(&reading)?))
}

impl Rollup {
    fn add(&mut self, other: &Self) {
        self.sums.add(&other.sums);
        self.durations.merge(&other.durations);
    }

    fn sum<'a>(rollups: impl Iterator<Item = &'a Self>) -> Self {
        let mut total = Self::default();
        rollups.for_each(|rollup| total.add(rollup));
        total
    }

    fn figures(&self) -> Figures {
        Figures { sums: self.sums, p50: self.durations.percentile(50), p95: self.durations.percentile(95) }
    }
}

impl Range {
    fn of(question: &Question) -> Result<Self, Error> {
        let length = question.to.since(question.from);
        let bucket = question.bucket.unwrap_or_else(|| Bucket::readable(length));
        let from = bucket.start(question.from);
        let to = bucket.start_from(question.to);
        let range = Self { bucket, from, to };
        let points = (to.as_micros().saturating_sub(from.as_micros())) / bucket.micros();
        let is_fine = usize::try_from(points).is_ok_and(|points| (1..=MOST_POINTS).contains(&points));
        if is_fine { Ok(range) } else { Err(Error::Range { most: MOST_POINTS }) }
    }

    fn starts(self) -> impl Iterator<Item = Timestamp> {
        let step = usize::try_from(self.bucket.micros()).unwrap_or(usize::MAX);
        (self.from.as_micros()..self.to.as_micros()).step_by(step).map(Timestamp::from_micros)
    }

    /// Where the range of the same length before this one begins.
    fn previous(self) -> Timestamp {
        Timestamp::from_micros(self.from.as_micros() - (self.to.as_micros() - self.from.as_micros()))
    }
}
