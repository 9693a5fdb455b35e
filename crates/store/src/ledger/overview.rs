//! Figures over a range of time, and over the range of the same length before it.

use std::collections::BTreeMap;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::KeyId;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::Rollup;
use crate::ledger::selection::{BY_SERIES, EVERYTHING, Selection, series_condition};
use crate::ledger::sheets::{read_histogram, read_time};
use crate::ledger::span::Length;
use crate::ledger::sums::{Sums, sum_columns};
use crate::row::{Reading, Row, Values, values};

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
        self.length().seconds()
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
        self.length().start(time)
    }

    /// The shortest one that gives at most about a hundred points.
    fn readable(length: Duration) -> Self {
        match length.as_secs() {
            0..=28_800 => Self::FiveMinutes,
            28_801..=345_600 => Self::Hour,
            _ => Self::Day,
        }
    }

    pub(crate) const fn length(self) -> Length {
        match self {
            Self::FiveMinutes => Length::FiveMinutes,
            Self::Hour => Length::Hour,
            Self::Day => Length::Day,
        }
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

/// The conditions that every question below shares; the order of the parameters is that of `bind`.
macro_rules! rolled_up {
    ($columns:expr, $from:literal, $series:expr, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            sum_columns!(),
            " FROM ",
            $from,
            " WHERE r.slice = $1 AND r.bucket = $2 AND r.at >= $3 AND r.at < $4 AND ",
            $series,
            $rest
        )
    };
}

const BY_TIME: &str = rolled_up!(
    "at, string_agg(durations, '') AS durations, ",
    "rollups r",
    concat!(
        "($5 = 0 OR (r.node, r.series) IN
            (SELECT s.node, s.id FROM series s JOIN attributions a ON a.node = s.node AND a.id = s.attribution
             WHERE ",
        series_condition!("$6", "$7", "$8", "$9"),
        "))"
    ),
    " GROUP BY at"
);

const BY_MODEL: &str = rolled_up!(
    "s.model AS model, ",
    "rollups r JOIN series s ON s.node = r.node AND s.id = r.series
        JOIN attributions a ON a.node = s.node AND a.id = s.attribution",
    series_condition!("$5", "$6", "$7", "$8"),
    " GROUP BY s.model ORDER BY sum(r.amount) DESC, sum(r.requests) DESC, s.model LIMIT 100"
);

const BY_KEY: &str = rolled_up!(
    "a.key_id AS key_id, ",
    "rollups r JOIN series s ON s.node = r.node AND s.id = r.series
        JOIN attributions a ON a.node = s.node AND a.id = s.attribution",
    series_condition!("$5", "$6", "$7", "$8"),
    " GROUP BY a.key_id ORDER BY sum(r.amount) DESC, sum(r.requests) DESC, a.key_id LIMIT 100"
);

/// A range of whole buckets.
#[derive(Clone, Copy)]
struct Range {
    bucket: Bucket,
    from: Timestamp,
    to: Timestamp,
}

/// Figures over a range of time; all of one state of the ledger.
pub(crate) async fn answer(db: &mut Db<'_>, question: &Question) -> Result<Overview, Error> {
    let range = Range::of(question)?;
    let both = Range { from: range.previous(), ..range };
    let selection = question.selection();
    let mut transaction = db.begin_reading().await?;
    let points = by_time(&mut transaction, both, &selection).await?;
    let by_model = transaction.fetch_all(BY_MODEL, bind(BY_SERIES, range, &selection)).await?;
    let by_key = transaction.fetch_all(BY_KEY, bind(BY_SERIES, range, &selection)).await?;
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

async fn by_time(db: &mut Db<'_>, range: Range, selection: &Selection) -> Result<BTreeMap<Timestamp, Rollup>, Error> {
    let is_by_series = selection.is_by_series();
    let slice = if is_by_series { BY_SERIES } else { EVERYTHING };
    let mut values = range_values(slice, range);
    values.put(i64::from(is_by_series));
    selection.put(&mut values);
    let rows = db.fetch_all(BY_TIME, values).await?;
    let read = |row| {
        let reading = Reading::new("rollups", "at", row);
        let durations = read_histogram(&reading, "durations")?;
        let rollup = Rollup { sums: Sums::read(&reading)?, durations, ..Rollup::default() };
        Ok((read_time(&reading, "at")?, rollup))
    };
    rows.iter().map(read).collect()
}

fn bind(slice: i64, range: Range, selection: &Selection) -> Values {
    let mut values = range_values(slice, range);
    selection.put(&mut values);
    values
}

fn range_values(slice: i64, range: Range) -> Values {
    values![slice, range.bucket.seconds(), range.from.as_micros(), range.to.as_micros()]
}

fn read_model_sums(row: &Row) -> Result<(Option<String>, Sums), Error> {
    let reading = Reading::new("rollups", "model", row);
    let model: String = reading.get("model")?;
    Ok((Some(model).filter(|model| !model.is_empty()), Sums::read(&reading)?))
}

fn read_key_sums(row: &Row) -> Result<(KeyId, Sums), Error> {
    let reading = Reading::new("rollups", "key_id", row);
    Ok((KeyId::from_uuid(reading.uuid("key_id")?), Sums::read(&reading)?))
}

impl Question {
    fn selection(&self) -> Selection {
        let (model, provider) = (self.model.clone(), self.provider.clone());
        Selection { key_id: self.key_id, model, provider, ..Selection::default() }
    }
}

impl Rollup {
    fn sum<'a>(rollups: impl Iterator<Item = &'a Self>) -> Self {
        let mut total = Self::default();
        rollups.for_each(|rollup| total.add(rollup));
        total
    }

    /// What people look at.
    pub(crate) fn figures(&self) -> Figures {
        Figures { sums: self.sums, p50: self.durations.percentile(50), p95: self.durations.percentile(95) }
    }
}

impl Range {
    fn of(question: &Question) -> Result<Self, Error> {
        let length = question.to.since(question.from);
        let bucket = question.bucket.unwrap_or_else(|| Bucket::readable(length));
        let from = bucket.start(question.from);
        let to = bucket.length().start_from(question.to);
        let range = Self { bucket, from, to };
        let points = (to.as_micros().saturating_sub(from.as_micros())) / bucket.length().micros();
        let is_fine = usize::try_from(points).is_ok_and(|points| (1..=MOST_POINTS).contains(&points));
        if is_fine { Ok(range) } else { Err(Error::Range { most: MOST_POINTS }) }
    }

    fn starts(self) -> impl Iterator<Item = Timestamp> {
        let step = usize::try_from(self.bucket.length().micros()).unwrap_or(usize::MAX);
        (self.from.as_micros()..self.to.as_micros()).step_by(step).map(Timestamp::from_micros)
    }

    /// Where the range of the same length before this one begins.
    fn previous(self) -> Timestamp {
        Timestamp::from_micros(self.from.as_micros() - (self.to.as_micros() - self.from.as_micros()))
    }
}
