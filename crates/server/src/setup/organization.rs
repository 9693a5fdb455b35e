//! The organisation and its budgets as people write them.

use megarouter_domain::budget::Each;
use serde::{Deserialize, Serialize};

use super::file::Decimal;

/// The organisation itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationEntry {
    /// Its name.
    pub name: String,
}

/// What is directly in the organisation.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnitsEntry {
    /// Its departments.
    pub departments: Vec<DepartmentEntry>,
    /// Teams that are in no department.
    pub teams: Vec<TeamEntry>,
    /// Members that are in no team.
    pub members: Vec<MemberEntry>,
    /// Apps that belong to nobody in particular.
    pub apps: Vec<String>,
    /// Work that cuts across teams.
    pub projects: Vec<String>,
}

/// A department.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepartmentEntry {
    /// Its name.
    pub name: String,
    /// Departments in it.
    #[serde(default)]
    pub departments: Vec<DepartmentEntry>,
    /// Teams in it.
    #[serde(default)]
    pub teams: Vec<TeamEntry>,
}

/// A team.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamEntry {
    /// Its name.
    pub name: String,
    /// Who is in it.
    #[serde(default)]
    pub members: Vec<MemberEntry>,
    /// Its programs.
    #[serde(default)]
    pub apps: Vec<String>,
}

/// A person.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberEntry {
    /// Their name.
    pub name: String,
    /// Their address.
    #[serde(default)]
    pub email: Option<String>,
    /// Their programs.
    #[serde(default)]
    pub apps: Vec<String>,
}

/// A budget. What it is set on is one of the fields from `department` to `tag`; without any, the organisation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetEntry {
    /// Its name, by which the file finds it again.
    pub name: String,
    /// The department it is set on.
    #[serde(default)]
    pub department: Option<String>,
    /// The team it is set on.
    #[serde(default)]
    pub team: Option<String>,
    /// The project it is set on.
    #[serde(default)]
    pub project: Option<String>,
    /// The member it is set on.
    #[serde(default)]
    pub member: Option<String>,
    /// The app it is set on.
    #[serde(default)]
    pub app: Option<String>,
    /// The key it is set on.
    #[serde(default)]
    pub key: Option<String>,
    /// The provider it is set on.
    #[serde(default)]
    pub provider: Option<String>,
    /// The model it is set on.
    #[serde(default)]
    pub model: Option<String>,
    /// The tag it is set on, as `name=value`.
    #[serde(default)]
    pub tag: Option<String>,
    /// Whether each part of that has the limit for itself; left out, they share it.
    #[serde(default)]
    pub each: Option<Each>,
    /// How much of what: `14000 USD`, `2000000 tokens`, `60 requests`, `4 concurrent`.
    pub amount: String,
    /// In which time: `hour`, `day`, `week`, `month`, `quarter`, `year`, `total`, or `rolling 5m`.
    #[serde(default = "month")]
    pub period: String,
    /// The first day of a week, from 1 for Monday, or of a month; left out, 1.
    #[serde(default)]
    pub starts_on: Option<u8>,
    /// The time zone in which days begin; left out, UTC.
    #[serde(default)]
    pub zone: Option<String>,
    /// The parts of the limit, in percent, at which people are told.
    #[serde(default)]
    pub notify_at: Vec<u16>,
    /// The parts of the limit at which people are told when the window is going there.
    #[serde(default)]
    pub notify_forecast_at: Vec<u16>,
    /// The part of the limit at which requests are refused; left out, they never are.
    #[serde(default)]
    pub stop_at: Option<u16>,
    /// Whether what one window leaves over is added to the next one's limit.
    #[serde(default)]
    pub carry_over: bool,
    /// Whether holds count every byte of input as a token.
    #[serde(default)]
    pub strict: bool,
    /// Temporary increases.
    #[serde(default)]
    pub raises: Vec<RaiseEntry>,
}

/// A temporary increase.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaiseEntry {
    /// How much more, in the unit of the budget; US dollars of one in money.
    pub amount: Decimal,
    /// From when on, as RFC 3339; left out, from when it is first applied.
    #[serde(default)]
    pub from: Option<String>,
    /// Until when.
    pub until: String,
    /// Why, in a few words.
    pub reason: String,
}

fn month() -> String {
    "month".to_owned()
}

impl UnitsEntry {
    /// True when it names nothing.
    pub fn is_empty(&self) -> bool {
        let Self { departments, teams, members, apps, projects } = self;
        departments.is_empty() && teams.is_empty() && members.is_empty() && apps.is_empty() && projects.is_empty()
    }
}
