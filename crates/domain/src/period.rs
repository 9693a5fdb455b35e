//! Windows of time: which one an instant belongs to, in the time zone of a budget.
//!
//! Windows are half-open spans of UTC that a zone's calendar gives. Nothing resets at their ends: an
//! instant simply belongs to the next one. The windows of a period follow each other without a gap,
//! whatever a zone's clock does: an hour that comes twice makes one long window, and what a clock
//! leaps over belongs to none.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use chrono::{Datelike as _, Days, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono::{DurationRound as _, Offset as _, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::clock::Timestamp;

/// When [`Period::Total`] ends: the last microsecond of the year 9999.
pub const END: Timestamp = Timestamp::from_micros(253_402_300_799_999_999);

/// A rolling window of at least this length is counted in slots of whole [`COARSE_SLOT`]s.
const COARSE_FROM: u32 = 60 * 60;
/// The finest sums that are kept for long, in seconds.
const COARSE_SLOT: u32 = 5 * 60;
/// The most slots of a rolling window.
const MOST_SLOTS: u32 = 300;
/// The longest rolling window, in seconds: 366 days.
const LONGEST_ROLLING: u32 = 366 * 24 * 60 * 60;

/// How long a window is and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Period {
    /// An hour of the zone's clock.
    Hour,
    /// A day.
    Day,
    /// Seven days.
    Week {
        /// Its first day: 1 is Monday, 7 is Sunday.
        starts_on: u8,
    },
    /// A month.
    Month {
        /// Its first day, 1 to 31; in a shorter month, the last.
        starts_on: u8,
    },
    /// A quarter of the calendar year.
    Quarter,
    /// A calendar year.
    Year,
    /// For ever.
    Total,
    /// The time before now.
    Rolling {
        /// How much of it.
        seconds: u32,
    },
}

/// An IANA time zone, e.g. `Europe/Berlin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone(Tz);

impl Zone {
    /// What a clock on the wall shows at an instant: the day of the week, 1 is Monday and 7 is Sunday, and
    /// the minute of the day.
    pub fn on_the_wall(self, at: Timestamp) -> (u8, u16) {
        use chrono::Timelike as _;
        let time = Utc.timestamp_micros(at.as_micros()).single().unwrap_or_default().with_timezone(&self.0);
        let day = u8::try_from(time.weekday().number_from_monday()).unwrap_or(1);
        (day, u16::try_from(time.hour() * 60 + time.minute()).unwrap_or(0))
    }
}

/// A text that names no time zone.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is no time zone; use a name such as Europe/Berlin or UTC")]
pub struct UnknownZone(String);

/// Why a period cannot be used.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PeriodError {
    /// A week that begins on no day.
    #[error("a week starts on a day from 1 (Monday) to 7 (Sunday)")]
    WeekDay,
    /// A month that begins on no day.
    #[error("a month starts on a day from 1 to 31")]
    MonthDay,
    /// A rolling window that cannot be counted.
    #[error("a rolling window is 1 to 60 seconds, whole minutes up to an hour, or whole 5 minutes up to 366 days")]
    Rolling,
}

impl Period {
    /// Checks the numbers.
    ///
    /// # Errors
    /// When a day does not exist, or a rolling window cannot be counted in slots.
    pub const fn check(self) -> Result<(), PeriodError> {
        match self {
            Self::Week { starts_on } if starts_on < 1 || starts_on > 7 => Err(PeriodError::WeekDay),
            Self::Month { starts_on } if starts_on < 1 || starts_on > 31 => Err(PeriodError::MonthDay),
            Self::Rolling { seconds } => {
                let is_countable = match seconds {
                    1..=60 => true,
                    ..COARSE_FROM => seconds > 0 && seconds.is_multiple_of(60),
                    _ => seconds.is_multiple_of(COARSE_SLOT) && seconds <= LONGEST_ROLLING,
                };
                if is_countable { Ok(()) } else { Err(PeriodError::Rolling) }
            }
            _ => Ok(()),
        }
    }

    /// The window that an instant belongs to, half-open. That of a rolling period is made of the slots
    /// that the time before the instant touches, so it is up to one slot longer at either end.
    pub fn window(self, zone: Zone, at: Timestamp) -> Range<Timestamp> {
        match (self, self.slot()) {
            (Self::Rolling { seconds }, Some(slot)) => {
                let from = at.minus(Duration::from_secs(seconds.into()));
                slot_start(from, slot)..slot_start(at, slot).plus(slot)
            }
            _ => self.calendar_window(zone, at).unwrap_or(Timestamp::default()..END),
        }
    }

    /// The window before one that [`Self::window`] gave; `None` when there is no such thing.
    pub fn before(self, zone: Zone, window: &Range<Timestamp>) -> Option<Range<Timestamp>> {
        match self {
            Self::Total | Self::Rolling { .. } => None,
            _ => self.calendar_window(zone, window.start.minus(Duration::from_micros(1))),
        }
    }

    /// The length of the slots that a rolling period is counted in; `None` for all others. A slot of an
    /// hour or more of time is whole five minutes.
    pub fn slot(self) -> Option<Duration> {
        let Self::Rolling { seconds } = self else { return None };
        let divides = |slot: &u32| seconds.is_multiple_of(*slot) && seconds / slot <= MOST_SLOTS;
        let slot = match seconds {
            ..COARSE_FROM => seconds.div_ceil(60).max(1),
            _ => (1..=seconds / COARSE_SLOT).map(|count| count * COARSE_SLOT).find(divides).unwrap_or(seconds),
        };
        Some(Duration::from_secs(slot.into()))
    }

    fn calendar_window(self, zone: Zone, at: Timestamp) -> Option<Range<Timestamp>> {
        let local = at.to_utc()?.with_timezone(&zone.0).naive_local();
        let mut mark = self.mark(local)?;
        let mut start = zone.first_instant(mark)?;
        // The clock may have been put back over a mark: then the later window has begun already.
        while at < start {
            mark = self.mark(mark.checked_sub_signed(TimeDelta::microseconds(1))?)?;
            start = zone.first_instant(mark)?;
        }
        loop {
            let next = self.next_mark(mark)?;
            let end = zone.first_instant(next)?;
            if at < end {
                return Some(start..end);
            }
            (mark, start) = (next, end);
        }
    }

    /// The last beginning of a window at or before a local time; `None` for periods without any.
    fn mark(self, local: NaiveDateTime) -> Option<NaiveDateTime> {
        let date = local.date();
        let first = match self {
            Self::Hour => return local.duration_trunc(TimeDelta::hours(1)).ok(),
            Self::Day => date,
            Self::Week { starts_on } => {
                let days = (date.weekday().number_from_monday() + 7 - u32::from(starts_on.clamp(1, 7))) % 7;
                date.checked_sub_days(Days::new(days.into()))?
            }
            Self::Month { starts_on } => {
                let in_month = first_of_month(date.with_day(1)?, starts_on)?;
                if in_month <= date {
                    in_month
                } else {
                    first_of_month(date.with_day(1)?.checked_sub_months(Months::new(1))?, starts_on)?
                }
            }
            Self::Quarter => NaiveDate::from_ymd_opt(date.year(), date.month0() / 3 * 3 + 1, 1)?,
            Self::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1)?,
            Self::Total | Self::Rolling { .. } => return None,
        };
        Some(first.and_time(NaiveTime::MIN))
    }

    /// The beginning after one that [`Self::mark`] gave.
    fn next_mark(self, mark: NaiveDateTime) -> Option<NaiveDateTime> {
        let months = |date: NaiveDate, count| date.checked_add_months(Months::new(count));
        let date = mark.date();
        let next = match self {
            Self::Hour => return mark.checked_add_signed(TimeDelta::hours(1)),
            Self::Day => date.checked_add_days(Days::new(1))?,
            Self::Week { .. } => date.checked_add_days(Days::new(7))?,
            Self::Month { starts_on } => first_of_month(months(date.with_day(1)?, 1)?, starts_on)?,
            Self::Quarter => months(date, 3)?,
            Self::Year => months(date, 12)?,
            Self::Total | Self::Rolling { .. } => return None,
        };
        Some(next.and_time(NaiveTime::MIN))
    }
}

/// The day on which a month's window begins: the last one when the month is too short.
fn first_of_month(month: NaiveDate, starts_on: u8) -> Option<NaiveDate> {
    let last = u32::from(month.num_days_in_month());
    month.with_day(u32::from(starts_on).clamp(1, last))
}

/// The slot that an instant is in, by its beginning; slots are aligned to the epoch.
pub fn slot_start(at: Timestamp, slot: Duration) -> Timestamp {
    let length = i64::try_from(slot.as_micros()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_micros(at.as_micros().div_euclid(length).saturating_mul(length))
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// The zone's rules.
    pub const fn rules(self) -> Tz {
        self.0
    }

    /// The first instant at which the zone's clock shows a local time or a later one.
    fn first_instant(self, local: NaiveDateTime) -> Option<Timestamp> {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Some(instant.to_utc().into()),
            LocalResult::None => self.after_leap(local),
        }
    }

    /// When the clock leapt over a local time. No zone leaps further than a day.
    fn after_leap(self, local: NaiveDateTime) -> Option<Timestamp> {
        let offset = |around: NaiveDateTime| self.0.offset_from_utc_datetime(&around).fix();
        let margin = TimeDelta::hours(26);
        let before = offset(local.checked_sub_signed(margin)?);
        let after = offset(local.checked_add_signed(margin)?);
        // By the clock before the leap the local time comes no earlier than the leap itself, by the
        // clock after it no later.
        let mut reached = local.checked_sub_offset(before)?.and_utc();
        let mut ahead = local.checked_sub_offset(after)?.and_utc();
        while reached - ahead > TimeDelta::seconds(1) {
            let middle = ahead + (reached - ahead) / 2;
            let middle = middle.duration_trunc(TimeDelta::seconds(1)).ok()?.max(ahead + TimeDelta::seconds(1));
            let shown = middle.with_timezone(&self.0).naive_local();
            if shown < local { ahead = middle } else { reached = middle }
        }
        let shown = ahead.with_timezone(&self.0).naive_local();
        Some(Timestamp::from(if shown < local { reached } else { ahead }.with_timezone(&Utc)))
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        text.trim().parse().map(Self).map_err(|_| UnknownZone(text.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
