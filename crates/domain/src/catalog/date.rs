//! Calendar dates as sources state them: a year, a month or a day.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::clock::Timestamp;

/// A date of the Gregorian calendar, as exact as its source: `2026`, `2026-05` or `2026-05-17`.
///
/// Dates order by time; a less exact one comes before the days it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    /// 1 to 12; 0 for not said.
    month: u8,
    /// 1 to 31; 0 for not said.
    day: u8,
}

/// The text is not `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, or names no day of the calendar.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a date such as 2026-05-17 or 2026-05")]
pub struct ParseDateError(String);

impl Date {
    /// The day on which a point in time falls, in UTC.
    pub fn of(time: Timestamp) -> Self {
        let date = time.to_utc().unwrap_or_default().date_naive();
        let part = |number: u32| u8::try_from(number).unwrap_or(0);
        Self { year: u16::try_from(date.year()).unwrap_or(0), month: part(date.month()), day: part(date.day()) }
    }

    /// The year.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12; `None` when it is not said.
    pub const fn month(self) -> Option<u8> {
        if self.month == 0 { None } else { Some(self.month) }
    }

    /// True when the whole of this date lies before a day.
    pub const fn is_over_on(self, day: Self) -> bool {
        if self.year != day.year {
            return self.year < day.year;
        }
        if self.month == 0 || self.month != day.month {
            return self.month != 0 && self.month < day.month;
        }
        self.day != 0 && self.day < day.day
    }
}

impl FromStr for Date {
    type Err = ParseDateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseDateError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map(|part| number(part, 2)).map_or(Some(0), |month| month.filter(|month| *month != 0))?;
    let day = parts.next().map(|part| number(part, 2)).map_or(Some(0), |day| day.filter(|day| *day != 0))?;
    let exists = |month: u16, day: u16| NaiveDate::from_ymd_opt(year.into(), month.max(1).into(), day.max(1).into());
    if parts.next().is_some() || exists(month, day).is_none() {
        return None;
    }
    Some(Date { year, month: u8::try_from(month).ok()?, day: u8::try_from(day).ok()? })
}

fn number(text: &str, digits: usize) -> Option<u16> {
    let is_plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}", self.year)?;
        for part in [self.month, self.day].into_iter().take_while(|part| *part != 0) {
            write!(formatter, "-{part:02}")?;
        }
        Ok(())
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn reads_years_months_and_days_and_nothing_else() {
        for text in ["2026", "2026-05", "2026-05-17"] {
            assert_eq!(date(text).to_string(), text);
        }
        for text in ["", "26", "2026-13", "2026-02-30", "2026-5", "2026-00", "2026-05-00", "2026-05-17-1", "soon"] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_month_is_over_when_all_of_it_is() {
        let today = date("2026-11-22");
        for (text, is_over) in [
            ("2026-11-21", true),
            ("2026-11-22", false),
            ("2026-11", false),
            ("2026-10", true),
            ("2026", false),
            ("2025", true),
            ("2027-01-01", false),
        ] {
            assert_eq!(date(text).is_over_on(today), is_over, "{text}");
        }
    }

    #[test]
    fn a_time_falls_on_its_day() {
        assert_eq!(Date::of(Timestamp::parse_rfc3339("2026-11-22T23:59:59Z").unwrap()), date("2026-11-22"));
    }
}
