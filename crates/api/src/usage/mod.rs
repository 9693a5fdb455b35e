//! Usage by any two of its dimensions.

pub mod show;

use megarouter_domain::id::{KeyId, UnitId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::requests::Outcome;
use crate::shape::{Amount, Cost, Time};

/// Which usage, and how it is laid out.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UsageQuery {
    /// What the rows are.
    #[param(inline)]
    pub rows: Dimension,
    /// What the columns are; left out, there is one.
    #[param(inline)]
    pub columns: Option<Dimension>,
    /// The name of the tag, where a dimension is `tag`.
    pub tag_name: Option<String>,
    /// Requests that arrived at or after this time.
    pub from: Time,
    /// Requests that arrived before this time.
    pub to: Time,
    /// The IANA time zone of days, weeks, months and hours; left out, `UTC`.
    pub zone: Option<String>,
    /// Only requests charged to this unit.
    #[param(value_type = Option<String>)]
    pub unit: Option<UnitId>,
    /// Only requests with this key.
    #[param(value_type = Option<String>)]
    pub key_id: Option<KeyId>,
    /// Only requests for this public model.
    pub model: Option<String>,
    /// Only requests served by this provider.
    pub provider: Option<String>,
    /// Only requests that ended so.
    #[param(inline)]
    pub outcome: Option<Outcome>,
    /// Only requests with this tag, as `name=value`.
    pub tag: Option<String>,
}

/// Something that usage can be divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Hours of the calendar.
    Hour,
    /// Days.
    Day,
    /// Weeks from Monday.
    Week,
    /// Months.
    Month,
    /// The 168 hours of a week.
    HourOfWeek,
    /// The outermost department of the key's owner.
    Department,
    /// The team of the key's owner.
    Team,
    /// The key's project.
    Project,
    /// The member the key belongs to.
    Member,
    /// The app the key belongs to.
    App,
    /// The key.
    Key,
    /// The public model.
    Model,
    /// The provider.
    Provider,
    /// The value of a tag.
    Tag,
    /// The HTTP status of answers.
    Status,
    /// How requests ended.
    Outcome,
}

/// Usage by two dimensions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UsageTable {
    /// The columns: by time in its order, else those that cost most first.
    pub columns: Vec<UsageHead>,
    /// The rows, in the same order.
    pub rows: Vec<UsageRow>,
    /// Everything together.
    pub total: UsageCell,
    /// Whether rows or columns are missing because there are too many; the total has them.
    pub is_cut: bool,
}

/// What a row or a column is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UsageHead {
    /// An id, a name, the start of a span of time, an hour of the week from Monday 0 to 167; `null` for usage that
    /// has none, such as that of keys without a team.
    pub key: Option<String>,
    /// What to show; empty where the key is `null`.
    pub name: String,
}

/// A row of usage.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UsageRow {
    /// What it is of.
    #[serde(flatten)]
    pub head: UsageHead,
    /// One cell for each column; `null` where nothing was used. None without columns.
    pub cells: Vec<Option<UsageCell>>,
    /// The whole row.
    pub total: UsageCell,
}

/// What was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UsageCell {
    /// Requests.
    pub requests: u64,
    /// Those that failed or were refused.
    pub errors: u64,
    /// What they cost.
    pub cost: Cost,
    /// The cost of one of them, rounded; `null` when there are none.
    pub cost_per_request: Option<Amount>,
    /// Input tokens of all classes.
    pub input_tokens: u64,
    /// Output tokens of all classes.
    pub output_tokens: u64,
    /// Input tokens that were read from a prompt cache.
    pub cached_tokens: u64,
    /// Output tokens spent on reasoning.
    pub reasoning_tokens: u64,
    /// Half of the requests took at most this, in microseconds.
    pub p50_us: Option<u64>,
    /// 95 of 100 requests took at most this, in microseconds.
    pub p95_us: Option<u64>,
}
