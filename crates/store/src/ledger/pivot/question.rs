//! What a pivot asks of the rollups: as few rows as tell its cells apart.

use std::sync::Arc;

use megarouter_domain::clock::Timestamp;

use super::calendar::{DAY, HOUR, Steady, steady_parts};
use super::{Dimension, MOST_CELLS, PivotQuery};
use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::Rollup;
use crate::ledger::selection::{Slice, series_condition};
use crate::ledger::sheets::read_histogram;
use crate::ledger::span::{LENGTHS, LENGTHS_OF_TAGS, Length, cut};
use crate::ledger::sums::{Sums, outcome_code, sum_columns};
use crate::row::{Reading, Row, values};

/// Points in time, series and endings fall together as far as the question does not tell them apart.
const GROUPED: &str = concat!(
    "SELECT r.node AS node, (r.at + $7) / $8 AS time,
        CASE WHEN $9 = 1 THEN s.attribution ELSE 0 END AS grouped_attribution,
        CASE WHEN $10 = 1 THEN s.model ELSE '' END AS grouped_model,
        CASE WHEN $11 = 1 THEN s.provider ELSE '' END AS grouped_provider,
        CASE WHEN $12 = 1 THEN r.outcome ELSE -1 END AS grouped_outcome,
        CASE WHEN $12 = 1 THEN r.status ELSE -1 END AS grouped_status, ",
    sum_columns!(),
    ", string_agg(r.durations, '') AS durations
     FROM rollups r LEFT JOIN series s ON s.node = r.node AND s.id = r.series
     WHERE r.slice = $1 AND r.bucket = $2 AND r.at >= $3 AND r.at < $4 AND ($5 IS NULL OR r.node = $5)
         AND ($6 IS NULL OR r.outcome = $6)
         AND ($13 = 0 OR (r.node, r.series) IN
             (SELECT s.node, s.id FROM series s JOIN attributions a ON a.node = s.node AND a.id = s.attribution
              WHERE ",
    series_condition!("$14", "$15", "$16", "$17"),
    "))
     GROUP BY 1, 2, 3, 4, 5, 6, 7"
);

/// How a pivot is asked for.
pub(super) struct Question<'a> {
    query: &'a PivotQuery,
    /// The length of a group in time, in microseconds; 0 when all times are one.
    step: i64,
    /// Whether attributions, models, providers and endings are told apart.
    by: [bool; 4],
}

/// Requests that no dimension tells apart. Of what none asks for it has 0, -1 or an empty name.
pub(super) struct Group {
    pub node: i64,
    /// The number of the hour or day since 1970, on the zone's clock.
    pub time: i64,
    pub attribution: i64,
    pub model: Arc<str>,
    pub provider: Arc<str>,
    pub outcome: i64,
    pub status: i64,
    pub rollup: Rollup,
}

impl<'a> Question<'a> {
    pub(super) fn of(query: &'a PivotQuery) -> Result<Self, Error> {
        if query.from >= query.to {
            return Err(Error::Range { most: MOST_CELLS });
        }
        let tags = query.dimensions().filter(|dimension| matches!(dimension, Dimension::Tag(_))).count();
        if tags + usize::from(query.selection.tag.is_some()) > 1 {
            return Err(Error::TwoTags);
        }
        let is_by = |wanted: &Dimension| query.dimensions().any(|dimension| dimension == wanted);
        let by_attribution = query.dimensions().any(Dimension::is_of_attribution);
        let by_ending = is_by(&Dimension::Status) || is_by(&Dimension::Outcome);
        Ok(Self {
            query,
            step: query.dimensions().filter_map(Dimension::step).min().unwrap_or(0),
            by: [by_attribution, is_by(&Dimension::Model), is_by(&Dimension::Provider), by_ending],
        })
    }

    /// True when slices by series are needed.
    pub(super) const fn is_by_series(&self) -> bool {
        let [by_attribution, by_model, by_provider, _] = self.by;
        by_attribution || by_model || by_provider || self.query.selection.is_by_series()
    }

    /// The range in whole buckets.
    pub(super) fn range(&self) -> (Timestamp, Timestamp) {
        let shortest = self.shortest();
        (shortest.start(self.query.from), shortest.start_from(self.query.to))
    }

    /// The groups of a slice.
    pub(super) async fn ask(&self, db: &mut Db<'_>, slice: Slice) -> Result<Vec<Group>, Error> {
        let (from, to) = self.range();
        let mut groups = Vec::new();
        if self.step == 0 {
            for piece in cut(from, to, self.lengths()) {
                let Some(bucket) = piece.bucket else { continue };
                let steady = Steady { from: piece.from, to: piece.to, offset: 0 };
                groups.extend(self.fetch(db, slice, bucket, steady).await?);
            }
            return Ok(groups);
        }
        for steady in steady_parts(self.query.zone, from, to) {
            let bucket = self.bucket_for(steady.offset);
            groups.extend(self.fetch(db, slice, bucket, steady).await?);
        }
        Ok(groups)
    }

    fn lengths(&self) -> &'static [Length] {
        let has_tag = self.query.tag_name().is_some() || self.query.selection.tag.is_some();
        if has_tag { &LENGTHS_OF_TAGS } else { &LENGTHS }
    }

    fn shortest(&self) -> Length {
        self.lengths().last().copied().unwrap_or(Length::Hour)
    }

    /// The longest bucket that never lies in two groups. Zones that are not whole hours ahead have no such
    /// bucket among those with tags; there, hours go to where they begin.
    fn bucket_for(&self, offset: i64) -> Length {
        let fits = |bucket: &&Length| bucket.micros() <= self.step && offset % bucket.micros() == 0;
        self.lengths().iter().find(fits).copied().unwrap_or_else(|| self.shortest())
    }

    async fn fetch(&self, db: &mut Db<'_>, slice: Slice, bucket: Length, steady: Steady) -> Result<Vec<Group>, Error> {
        let selection = &self.query.selection;
        let mut values = values![slice.number, bucket.seconds(), steady.from.as_micros(), steady.to.as_micros()];
        values.put(slice.node).put(self.query.outcome.map(outcome_code));
        // One group of the whole range, when it is not told apart by time.
        let (offset, step) = if self.step == 0 { (0, i64::MAX) } else { (steady.offset, self.step) };
        values.put(offset).put(step);
        for is_told_apart in self.by {
            values.put(i64::from(is_told_apart));
        }
        values.put(i64::from(selection.is_by_series()));
        selection.put(&mut values);
        db.fetch_all(GROUPED, values).await?.iter().map(Group::read).collect()
    }
}

impl Group {
    fn read(row: &Row) -> Result<Self, Error> {
        let reading = Reading::new("rollups", "time", row);
        let durations = read_histogram(&reading, "durations")?;
        Ok(Self {
            node: reading.get("node")?,
            time: reading.get("time")?,
            attribution: reading.get("grouped_attribution")?,
            model: reading.get::<&str>("grouped_model")?.into(),
            provider: reading.get::<&str>("grouped_provider")?.into(),
            outcome: reading.get("grouped_outcome")?,
            status: reading.get("grouped_status")?,
            rollup: Rollup { sums: Sums::read(&reading)?, durations, ..Rollup::default() },
        })
    }
}

impl Dimension {
    /// The length of its groups in time, in microseconds.
    pub(super) const fn step(&self) -> Option<i64> {
        match self {
            Self::Hour | Self::HourOfWeek => Some(HOUR),
            Self::Day | Self::Week | Self::Month => Some(DAY),
            _ => None,
        }
    }

    /// True for what a request was charged to.
    pub(super) const fn is_of_attribution(&self) -> bool {
        matches!(self, Self::Department | Self::Team | Self::Project | Self::Member | Self::App | Self::Key)
    }
}
