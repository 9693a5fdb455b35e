//! The form of a policy's text.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::policies::body::{SettingValue, TaskFamily, TaskNeed};

/// What a version of a policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BodyEntry {
    /// Other model names whose requests it takes over; one may end in `*`.
    pub takes_over: Vec<String>,
    /// From the top.
    pub rules: Vec<RuleEntry>,
}

/// One rule: its conditions and its route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleEntry {
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// All of these hold.
    #[serde(default)]
    pub when: Vec<ConditionEntry>,
    /// The strategy's id.
    pub strategy: String,
    /// Its settings.
    #[serde(default)]
    pub settings: BTreeMap<String, SettingValue>,
    /// What it chooses from.
    #[serde(default)]
    pub candidates: Vec<CandidateEntry>,
    /// Models to try after those.
    #[serde(default)]
    pub fallbacks: Vec<String>,
    /// What no choice may go beyond.
    #[serde(default)]
    pub bounds: BoundsEntry,
    /// How long to wait.
    #[serde(default)]
    pub patience: PatienceEntry,
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionEntry {
    /// Who asks.
    Who(WhoEntry),
    /// The model asked for.
    Asked(Vec<String>),
    /// A tag.
    Tag(ValuesEntry),
    /// A header.
    Header(ValuesEntry),
    /// The kind of work.
    Family(Vec<TaskFamily>),
    /// The difficulty, in thousandths.
    Difficulty(RangeEntry),
    /// The input, in tokens.
    Size(RangeEntry),
    /// What it needs.
    Needs(Vec<TaskNeed>),
    /// The time of the week.
    Time(TimeEntry),
    /// How far the tightest budget is used, in percent.
    BudgetUsed(u16),
}

/// Who asks, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WhoEntry {
    /// Departments.
    pub departments: Vec<String>,
    /// Teams.
    pub teams: Vec<String>,
    /// Projects.
    pub projects: Vec<String>,
    /// Members.
    pub members: Vec<String>,
    /// Apps.
    pub apps: Vec<String>,
    /// Keys.
    pub keys: Vec<String>,
    /// Units and keys that have no name any more, by their ids.
    pub ids: Vec<String>,
}

/// A name with the values it may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValuesEntry {
    /// The name.
    pub name: String,
    /// The values; any when there are none.
    #[serde(default)]
    pub values: Vec<String>,
}

/// A range, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RangeEntry {
    /// At least.
    pub at_least: Option<u64>,
    /// At most.
    pub at_most: Option<u64>,
}

/// A time of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeEntry {
    /// The days: `mon` to `sun`; none for all.
    #[serde(default)]
    pub days: Vec<DayEntry>,
    /// From, as `08:00`.
    pub from: String,
    /// Until, as `18:00` or `24:00`.
    pub until: String,
    /// Whose day, as `Europe/Berlin`; left out, UTC.
    #[serde(default)]
    pub zone: Option<String>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayEntry {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// A model to choose from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CandidateEntry {
    /// Its name.
    Name(String),
    /// Its name and its share.
    Weighed(WeighedEntry),
}

/// A model with its share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeighedEntry {
    /// Its name.
    pub model: String,
    /// Its share.
    pub weight: u32,
}

/// Hard bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoundsEntry {
    /// The highest price of input, in USD per million tokens.
    pub input_price: Option<Decimal>,
    /// The highest price of output, in USD per million tokens.
    pub output_price: Option<Decimal>,
    /// The most that the request is expected to cost, in USD.
    pub cost: Option<Decimal>,
    /// The longest expected time to the first output.
    pub first_output_ms: Option<u32>,
    /// The longest expected time to the end.
    pub total_ms: Option<u32>,
    /// The least expected quality.
    pub quality_permille: Option<u16>,
    /// Never to cost more than the model that was asked for.
    pub never_dearer: bool,
    /// Only on this machine or next to it.
    pub local_only: bool,
    /// Only at providers known to keep no prompts.
    pub no_retention: bool,
    /// Only in these regions.
    pub regions: Vec<String>,
    /// Only at these providers.
    pub providers: Vec<String>,
    /// Never at these providers.
    pub never_providers: Vec<String>,
}

/// How long to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PatienceEntry {
    /// To the first output of an attempt.
    pub first_output_ms: Option<u32>,
    /// Between two signs of life of a stream.
    pub idle_ms: Option<u32>,
    /// To the end of an answer.
    pub total_ms: Option<u32>,
    /// Calls for one request.
    pub attempts: Option<u8>,
}

/// A decimal number, kept as it is written: amounts of money are never floating point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Decimal(pub String);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(DecimalVisitor)
    }
}

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an amount in USD such as 0.15")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        Ok(Decimal(text.to_owned()))
    }
}
