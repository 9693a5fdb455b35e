//! Pivots: requests added up by one or two dimensions, in the time zone of whoever asks.
//!
//! All from the rollups, so it takes about the same time for a thousand requests as for ten million. Every
//! request is in exactly one cell: the cells add up to the total.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, Offset as _, TimeZone as _};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::period::Zone;
use megarouter_domain::record::Outcome;
use megarouter_domain::unit::{UnitKind, Units};

use crate::db::Db;
use crate::error::Error;
use crate::ledger::activity::read_units;
use crate::ledger::derived::Rollup;
use crate::ledger::overview::{Bucket, Figures};
use crate::ledger::selection::{Selection, Slice, series_condition};
use crate::ledger::sheets::read_histogram;
use crate::ledger::span::{LENGTHS, LENGTHS_OF_TAGS, cut};
use crate::ledger::sums::{Sums, outcome_code, outcome_of, sum_columns};
use crate::row::{Reading, Row, Values, values};

/// The most cells of an answer.
pub const MOST_CELLS: usize = 50_000;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// What requests are added up by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The hour in which they arrived.
    Hour,
    /// The day.
    Day,
    /// The week, from Monday on.
    Week,
    /// The calendar month.
    Month,
    /// The hour of the week, from Monday on.
    HourOfWeek,
    /// The outermost department; of requests of one department, the part of it.
    Department,
    /// The team.
    Team,
    /// The project.
    Project,
    /// The member.
    Member,
    /// The app.
    App,
    /// The key.
    Key,
    /// The public model.
    Model,
    /// The provider that served them.
    Provider,
    /// The value of the tag of this name.
    Tag(Arc<str>),
    /// The HTTP status.
    Status,
    /// How they ended.
    Outcome,
}

/// A row or a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// Where the hour, day, week or month begins.
    Time(Timestamp),
    /// The hour of the week: 0 is Monday from midnight to one.
    HourOfWeek(u8),
    /// A part of the organisation.
    Unit(UnitId),
    /// A key.
    Key(KeyId),
    /// The name of a model or a provider, or the value of a tag.
    Name(Arc<str>),
    /// An HTTP status; 0 for what admins corrected.
    Status(u16),
    /// The stable name of an outcome.
    Outcome(&'static str),
    /// Requests that have none of the dimension.
    None,
}

/// What is to be added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PivotQuery {
    /// From this time on; rounded down to whole buckets.
    pub from: Timestamp,
    /// Until this time; rounded up to whole buckets.
    pub to: Timestamp,
    /// Where days begin.
    pub zone: Zone,
    /// The rows.
    pub rows: Dimension,
    /// The columns; `None` for one figure in each row.
    pub columns: Option<Dimension>,
    /// Only these requests.
    pub selection: Selection,
    /// Only requests that ended like this.
    pub outcome: Option<Outcome>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PivotCell {
    /// Its row.
    pub row: Label,
    /// Its column; `None` where there is only one.
    pub column: Option<Label>,
    /// Its figures.
    pub figures: Figures,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pivot {
    /// Where the range really begins.
    pub from: Timestamp,
    /// Where it really ends.
    pub to: Timestamp,
    /// Cells with at least one request; by row, then by column.
    pub cells: Vec<PivotCell>,
    /// The rows with their totals: points in time in their order, all others dearest first.
    pub rows: Vec<(Label, Figures)>,
    /// The columns with their totals, in the same orders.
    pub columns: Vec<(Label, Figures)>,
    /// All of it.
    pub total: Figures,
}

/// Points in time, series and endings fall together as far as the question does not tell them apart.
const GROUPED: &str = concat!(
    "SELECT node, (at + $7) / $8 AS time,
        CASE WHEN $9 = 1 THEN series ELSE 0 END AS grouped_series,
        CASE WHEN $10 = 1 THEN outcome ELSE -1 END AS grouped_outcome,
        CASE WHEN $10 = 1 THEN status ELSE -1 END AS grouped_status, ",
    sum_columns!(),
    ", string_agg(durations, '') AS durations
     FROM rollups
     WHERE slice = $1 AND bucket = $2 AND at >= $3 AND at < $4 AND ($5 IS NULL OR node = $5)
         AND ($6 IS NULL OR outcome = $6) AND CASE WHEN series = 0 THEN 0 ELSE 1 END = $16
         AND ($11 = 0 OR (node, series) IN
             (SELECT s.node, s.id FROM series s JOIN attributions a ON a.node = s.node AND a.id = s.attribution
              WHERE ",
    series_condition!("$12", "$13", "$14", "$15"),
    "))
     GROUP BY 1, 2, 3, 4, 5"
);

const SERIES: &str = concat!(
    "SELECT s.node AS node, s.id AS id, a.key_id AS key_id, a.units AS units, s.model AS model,
         s.provider AS provider
     FROM series s JOIN attributions a ON a.node = s.node AND a.id = s.attribution WHERE ",
    series_condition!("$1", "$2", "$3", "$4")
);

const VALUES_OF_TAG: &str = "SELECT node, id, value FROM tags WHERE name = $1";

/// Who and what a series stands for.
struct Series {
    key_id: KeyId,
    units: Vec<UnitId>,
    model: Arc<str>,
    provider: Arc<str>,
}

/// A part of the range in which the zone's clock does not jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Steady {
    from: Timestamp,
    to: Timestamp,
    /// What the zone's clock is ahead of UTC, in microseconds.
    offset: i64,
}

/// One row of an answer of SQL.
struct Found {
    node: i64,
    /// The number of the hour or day since 1970, on the zone's clock.
    time: i64,
    series: i64,
    outcome: i64,
    status: i64,
    rollup: Rollup,
}

/// How the question is asked.
struct Plan<'a> {
    query: &'a PivotQuery,
    /// The length of a time group in microseconds; 0 without one.
    step: i64,
    by_series: bool,
    by_ending: bool,
}

type Cells = BTreeMap<(Label, Option<Label>), Rollup>;

/// Adds requests up; all of one state of the ledger. `units` says what the units are.
pub(crate) async fn answer(db: &mut Db<'_>, query: &PivotQuery, units: &Units) -> Result<Pivot, Error> {
    let plan = Plan::of(query)?;
    let (from, to) = plan.range();
    let mut transaction = db.begin_reading().await?;
    let series = if plan.by_series { read_series(&mut transaction, &query.selection).await? } else { HashMap::new() };
    let mut cells = Cells::new();
    for slice in query.selection.slices(&mut transaction, plan.by_series).await? {
        let rows = plan.ask(&mut transaction, slice, (from, to), &query.selection).await?;
        plan.sort_into(&mut cells, rows, &series, units, &Label::None);
    }
    if plan.tag_name().is_some() {
        plan.split_by_tag(&mut transaction, &mut cells, (from, to), &series, units).await?;
    }
    transaction.commit().await?;
    if cells.len() > MOST_CELLS {
        return Err(Error::Range { most: MOST_CELLS });
    }
    Ok(summary(query, from, to, cells))
}

impl<'a> Plan<'a> {
    fn of(query: &'a PivotQuery) -> Result<Self, Error> {
        if query.from >= query.to {
            return Err(Error::Range { most: MOST_CELLS });
        }
        let dimensions: Vec<&Dimension> = std::iter::once(&query.rows).chain(&query.columns).collect();
        let tags = dimensions.iter().filter(|dimension| matches!(dimension, Dimension::Tag(_))).count();
        if tags + usize::from(query.selection.tag.is_some()) > 1 {
            return Err(Error::TwoTags);
        }
        Ok(Self {
            query,
            step: dimensions.iter().filter_map(|dimension| dimension.step()).min().unwrap_or(0),
            by_series: dimensions.iter().any(|dimension| dimension.is_of_series()),
            by_ending: dimensions.iter().any(|dimension| matches!(dimension, Dimension::Status | Dimension::Outcome)),
        })
    }

    fn tag_name(&self) -> Option<&Arc<str>> {
        let dimensions = std::iter::once(&self.query.rows).chain(&self.query.columns);
        dimensions
            .into_iter()
            .find_map(|dimension| if let Dimension::Tag(name) = dimension { Some(name) } else { None })
    }

    fn lengths(&self) -> &'static [Bucket] {
        let has_tag = self.tag_name().is_some() || self.query.selection.tag.is_some();
        if has_tag { &LENGTHS_OF_TAGS } else { &LENGTHS }
    }

    /// The range in whole buckets.
    fn range(&self) -> (Timestamp, Timestamp) {
        let shortest = self.lengths().last().copied().unwrap_or(Bucket::Hour);
        (shortest.start(self.query.from), shortest.start_from(self.query.to))
    }

    /// The groups of a slice.
    async fn ask(
        &self,
        db: &mut Db<'_>,
        slice: Slice,
        (from, to): (Timestamp, Timestamp),
        selection: &Selection,
    ) -> Result<Vec<Found>, Error> {
        let mut found = Vec::new();
        if self.step == 0 {
            for piece in cut(from, to, self.lengths()) {
                let Some(bucket) = piece.bucket else { continue };
                let steady = Steady { from: piece.from, to: piece.to, offset: 0 };
                found.extend(self.fetch(db, slice, bucket, steady, selection).await?);
            }
            return Ok(found);
        }
        for steady in steady_parts(self.query.zone, from, to) {
            let bucket = self.bucket_for(steady.offset);
            found.extend(self.fetch(db, slice, bucket, steady, selection).await?);
        }
        Ok(found)
    }

    /// The longest bucket that never lies in two groups. Zones that are not whole hours ahead have no such
    /// bucket among those with tags; there, hours go to where they begin.
    fn bucket_for(&self, offset: i64) -> Bucket {
        let fits = |bucket: &&Bucket| {
            let length = bucket.seconds() * 1_000_000;
            length <= self.step && offset % length == 0
        };
        let lengths = self.lengths();
        lengths.iter().find(fits).or(lengths.last()).copied().unwrap_or(Bucket::Hour)
    }

    async fn fetch(
        &self,
        db: &mut Db<'_>,
        slice: Slice,
        bucket: Bucket,
        steady: Steady,
        selection: &Selection,
    ) -> Result<Vec<Found>, Error> {
        let mut values = values![slice.number, bucket.seconds(), steady.from.as_micros(), steady.to.as_micros()];
        values.put(slice.node).put(self.query.outcome.map(outcome_code));
        // One group of the whole range, when it is not told apart by time.
        values.put(if self.step == 0 { 0 } else { steady.offset }).put(if self.step == 0 {
            i64::MAX
        } else {
            self.step
        });
        values.put(i64::from(self.by_series)).put(i64::from(self.by_ending));
        values.put(i64::from(selection.is_by_series()));
        selection.put(&mut values);
        values.put(slice.rows(self.by_series || selection.is_by_series()));
        db.fetch_all(GROUPED, values).await?.iter().map(read_found).collect()
    }

    /// Adds groups to the cells they belong to.
    fn sort_into(
        &self,
        cells: &mut Cells,
        rows: Vec<Found>,
        series: &HashMap<(i64, i64), Series>,
        units: &Units,
        tag: &Label,
    ) {
        let mut labels = HashMap::new();
        for found in rows {
            let key = (found.node, found.series);
            let mut label = |dimension: &Dimension| match dimension.label_of_group(&found, self.query.zone) {
                Some(label) => label,
                None if matches!(dimension, Dimension::Tag(_)) => tag.clone(),
                None => labels
                    .entry((dimension.clone(), key))
                    .or_insert_with(|| self.label_of_series(dimension, series.get(&key), units))
                    .clone(),
            };
            let cell = (label(&self.query.rows), self.query.columns.as_ref().map(&mut label));
            cells.entry(cell).or_default().add(&found.rollup);
        }
    }

    fn label_of_series(&self, dimension: &Dimension, series: Option<&Series>, units: &Units) -> Label {
        let Some(series) = series else { return Label::None };
        let name = |name: &Arc<str>| if name.is_empty() { Label::None } else { Label::Name(Arc::clone(name)) };
        let of_kind = |kind| {
            let is = |id: &&UnitId| units.get(**id).is_some_and(|unit| unit.kind == kind);
            series.units.iter().find(is).map_or(Label::None, |id| Label::Unit(*id))
        };
        match dimension {
            Dimension::Department => self.department(series, units),
            Dimension::Team => of_kind(UnitKind::Team),
            Dimension::Project => of_kind(UnitKind::Project),
            Dimension::Member => of_kind(UnitKind::Member),
            Dimension::App => of_kind(UnitKind::App),
            Dimension::Key => Label::Key(series.key_id),
            Dimension::Model => name(&series.model),
            Dimension::Provider => name(&series.provider),
            _ => Label::None,
        }
    }

    /// The outermost department within the unit that is asked for, or else that unit.
    fn department(&self, series: &Series, units: &Units) -> Label {
        let is_department = |id: &&UnitId| units.get(**id).is_some_and(|unit| unit.kind == UnitKind::Department);
        let within = match self.query.selection.unit {
            Some(unit) => series.units.iter().position(|id| *id == unit).unwrap_or(series.units.len()),
            None => series.units.len(),
        };
        let inner = series.units.iter().take(within).rfind(is_department);
        let outer = series.units.iter().skip(within).find(is_department);
        inner.or(outer).map_or(Label::None, |id| Label::Unit(*id))
    }

    /// Takes what has a tag of the name out of the cells of those that have none.
    async fn split_by_tag(
        &self,
        db: &mut Db<'_>,
        cells: &mut Cells,
        range: (Timestamp, Timestamp),
        series: &HashMap<(i64, i64), Series>,
        units: &Units,
    ) -> Result<(), Error> {
        let Some(name) = self.tag_name() else { return Ok(()) };
        let rows = db.fetch_all(VALUES_OF_TAG, values![&**name]).await?;
        let mut tagged = Cells::new();
        for row in &rows {
            let reading = Reading::new("tags", "id", row);
            let slice = Slice { number: reading.get("id")?, node: Some(reading.get("node")?) };
            let label = Label::Name(reading.get::<&str>("value")?.into());
            let found = self.ask(db, slice, range, &self.query.selection).await?;
            self.sort_into(&mut tagged, found, series, units, &label);
        }
        for ((row, column), rollup) in tagged {
            let without = |label: &Label, dimension: &Dimension| {
                if matches!(dimension, Dimension::Tag(_)) { Label::None } else { label.clone() }
            };
            let other = (
                without(&row, &self.query.rows),
                column.as_ref().zip(self.query.columns.as_ref()).map(|(label, dimension)| without(label, dimension)),
            );
            if let Some(rest) = cells.get_mut(&other) {
                rest.remove(&rollup);
            }
            cells.entry((row, column)).or_default().add(&rollup);
        }
        cells.retain(|_, rollup| rollup.sums != Sums::default());
        Ok(())
    }
}

impl Dimension {
    /// The length of its groups in time, in microseconds.
    const fn step(&self) -> Option<i64> {
        match self {
            Self::Hour | Self::HourOfWeek => Some(HOUR),
            Self::Day | Self::Week | Self::Month => Some(DAY),
            _ => None,
        }
    }

    const fn is_of_series(&self) -> bool {
        matches!(
            self,
            Self::Department
                | Self::Team
                | Self::Project
                | Self::Member
                | Self::App
                | Self::Key
                | Self::Model
                | Self::Provider
        )
    }

    /// The label that a group has by itself; `None` when it is that of the series or of a tag.
    fn label_of_group(&self, found: &Found, zone: Zone) -> Option<Label> {
        match self {
            Self::Hour => Some(Label::Time(hour_start(zone, found.time))),
            // 1970 began on a Thursday.
            Self::HourOfWeek => Some(Label::HourOfWeek(u8::try_from((found.time + 72).rem_euclid(168)).unwrap_or(0))),
            Self::Day | Self::Week | Self::Month => Some(Label::Time(self.day_start(found, zone))),
            Self::Status => Some(Label::Status(u16::try_from(found.status).unwrap_or(0))),
            Self::Outcome => {
                Some(outcome_of(found.outcome).map_or(Label::None, |outcome| Label::Outcome(outcome.as_str())))
            }
            _ => None,
        }
    }

    /// Where the group begins that the day is in.
    fn day_start(&self, found: &Found, zone: Zone) -> Timestamp {
        let epoch = NaiveDate::default();
        let days = found.time.max(0).unsigned_abs();
        let day = epoch.checked_add_days(Days::new(days)).unwrap_or(epoch);
        let first = match self {
            Self::Week => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))),
            Self::Month => day.with_day(1),
            _ => Some(day),
        };
        day_begins(zone, first.unwrap_or(day))
    }
}

/// Where a day of the zone's calendar begins: at midnight, or when the clock jumps over it, after that.
fn day_begins(zone: Zone, day: NaiveDate) -> Timestamp {
    let midnight = day.and_time(NaiveTime::MIN);
    let hours = (0..=3)
        .filter_map(|hours| zone.rules().from_local_datetime(&(midnight + chrono::Duration::hours(hours))).earliest());
    let first = hours.into_iter().next().map(|time| time.to_utc());
    first.map_or_else(Timestamp::default, Timestamp::from)
}

/// Where an hour of the zone's clock begins.
fn hour_start(zone: Zone, hours: i64) -> Timestamp {
    let local = chrono::DateTime::from_timestamp(hours * 3_600, 0).unwrap_or_default().naive_utc();
    let time = zone.rules().from_local_datetime(&local).earliest().map(|time| time.to_utc());
    time.map_or_else(|| Timestamp::from_micros(hours * HOUR), Timestamp::from)
}

/// What the zone's clock is ahead of UTC, in microseconds.
fn offset_at(zone: Zone, time: Timestamp) -> i64 {
    let utc = time.to_utc().unwrap_or_default().naive_utc();
    i64::from(zone.rules().offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1_000_000
}

/// The range cut where the zone's clock jumps, which all zones do at whole quarters of an hour.
fn steady_parts(zone: Zone, from: Timestamp, to: Timestamp) -> Vec<Steady> {
    let step = 15 * 60 * 1_000_000;
    let mut parts = vec![Steady { from, to, offset: offset_at(zone, from) }];
    let mut day = from;
    while day < to {
        let next = Timestamp::from_micros(day.as_micros().saturating_add(DAY)).min(to);
        let last = parts.last().map_or(0, |part| part.offset);
        if offset_at(zone, next) != last {
            let mut at = Timestamp::from_micros(day.as_micros().div_euclid(step) * step);
            while offset_at(zone, at) == last && at < next {
                at = Timestamp::from_micros(at.as_micros() + step);
            }
            if let Some(part) = parts.last_mut() {
                part.to = at;
            }
            parts.push(Steady { from: at, to, offset: offset_at(zone, at) });
        }
        day = next;
    }
    parts.retain(|part| part.from < part.to);
    parts
}

async fn read_series(db: &mut Db<'_>, selection: &Selection) -> Result<HashMap<(i64, i64), Series>, Error> {
    let mut values = Values::default();
    selection.put(&mut values);
    let rows = db.fetch_all(SERIES, values).await?;
    let read = |row| {
        let reading = Reading::new("series", "id", row);
        let series = Series {
            key_id: KeyId::from_uuid(reading.uuid("key_id")?),
            units: read_units(&reading)?,
            model: reading.get::<&str>("model")?.into(),
            provider: reading.get::<&str>("provider")?.into(),
        };
        Ok(((reading.get("node")?, reading.get("id")?), series))
    };
    rows.iter().map(read).collect()
}

fn read_found(row: &Row) -> Result<Found, Error> {
    let reading = Reading::new("rollups", "time", row);
    let durations = read_histogram(&reading, "durations")?;
    Ok(Found {
        node: reading.get("node")?,
        time: reading.get("time")?,
        series: reading.get("grouped_series")?,
        outcome: reading.get("grouped_outcome")?,
        status: reading.get("grouped_status")?,
        rollup: Rollup { sums: Sums::read(&reading)?, durations, ..Rollup::default() },
    })
}

fn summary(query: &PivotQuery, from: Timestamp, to: Timestamp, cells: Cells) -> Pivot {
    let (mut rows, mut columns) = (BTreeMap::<Label, Rollup>::new(), BTreeMap::<Label, Rollup>::new());
    let mut total = Rollup::default();
    for ((row, column), rollup) in &cells {
        rows.entry(row.clone()).or_default().add(rollup);
        if let Some(column) = column {
            columns.entry(column.clone()).or_default().add(rollup);
        }
        total.add(rollup);
    }
    let cell = |((row, column), rollup): ((Label, Option<Label>), Rollup)| PivotCell {
        row,
        column,
        figures: rollup.figures(),
    };
    Pivot {
        from,
        to,
        cells: cells.into_iter().map(cell).collect(),
        rows: in_order(&query.rows, rows),
        columns: query.columns.as_ref().map(|dimension| in_order(dimension, columns)).unwrap_or_default(),
        total: total.figures(),
    }
}

/// Points in time as they are; all others dearest first, then by how many there are.
fn in_order(dimension: &Dimension, totals: BTreeMap<Label, Rollup>) -> Vec<(Label, Figures)> {
    let mut totals: Vec<(Label, Figures)> =
        totals.into_iter().map(|(label, rollup)| (label, rollup.figures())).collect();
    if dimension.step().is_none() {
        totals.sort_by_key(|(_, figures)| std::cmp::Reverse((figures.sums.amount, figures.sums.requests)));
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_range_is_cut_where_the_clock_jumps() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let parts = steady_parts(berlin, at("2026-03-01T00:00:00Z"), at("2026-11-22T00:00:00Z"));
        let ends: Vec<(Timestamp, i64)> = parts.iter().map(|part| (part.to, part.offset / HOUR)).collect();
        let expected =
            [(at("2026-03-29T01:00:00Z"), 1), (at("2026-10-25T01:00:00Z"), 2), (at("2026-11-22T00:00:00Z"), 1)];
        assert_eq!(ends, expected);
        assert_eq!(steady_parts(Zone::UTC, at("2026-03-01T00:00:00Z"), at("2026-11-22T00:00:00Z")).len(), 1);
    }

    #[test]
    fn days_begin_where_the_zone_says() {
        let day = |text: &str, zone: &str| day_begins(zone.parse().unwrap(), text.parse().unwrap());
        assert_eq!(day("2026-11-22", "UTC"), at("2026-11-22T00:00:00Z"));
        assert_eq!(day("2026-11-22", "Asia/Kolkata"), at("2026-11-21T18:30:00Z"));
        assert_eq!(day("2026-03-29", "Europe/Berlin"), at("2026-03-28T23:00:00Z"));
        // The clock jumps from midnight to one.
        assert_eq!(day("2026-03-28", "Asia/Beirut"), at("2026-03-27T22:00:00Z"));
        assert_eq!(day("2026-03-29", "Asia/Beirut"), at("2026-03-28T22:00:00Z"));
    }
}
