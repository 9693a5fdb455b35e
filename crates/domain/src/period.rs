//! Windows of time: which one an instant belongs to, in the time zone of a budget.
//!
//! Windows are half-open spans of UTC that a zone's calendar gives. Nothing resets at their ends: an
//! instant simply belongs to the next one.

use std::fmt;
use std::str::FromStr;

use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

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

/// A text that names no time zone.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is no time zone; use a name such as Europe/Berlin or UTC")]
pub struct UnknownZone(String);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// The zone's rules.
    pub const fn rules(self) -> Tz {
        self.0
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
