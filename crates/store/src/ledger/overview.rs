//! Figures over a range of time, and over the range of the same length before it.

use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::KeyId;

use crate::ledger::sums::Sums;

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
