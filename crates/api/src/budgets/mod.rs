//! Budgets: limits on what a part of the organisation, a key, a model, a provider or a tag may use.

pub mod archive;
pub mod course;
pub mod create;
pub mod end_raise;
pub mod list;
pub mod raise;
pub mod replace;
pub mod show;
pub mod simulate;
pub mod subjects;

mod alert;
mod draft;
mod forecast;
mod replay;
pub(crate) mod scope;
pub(crate) mod state;
mod view;

use http::StatusCode;
use megarouter_domain::budget;
use megarouter_domain::id::{BudgetId, RaiseId, RequestId};
use megarouter_store::settings::{Everything, Noun};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::mirror::mirrored;
use crate::shape::{Cost, Quantity, Time};
use crate::units::UnitKind;

mirrored! {
    /// What a budget counts.
    Measure of budget::Measure {
        /// Money, in billionths of a US dollar.
        Cost,
        /// Tokens of all input and output classes.
        Tokens,
        /// Requests that reached a provider.
        Requests,
        /// Requests under way at the same time.
        Concurrent,
    }
}

mirrored! {
    /// What has an account of its own under a budget.
    Each of budget::Each {
        /// Every team below the scope.
        Team,
        /// Every member below the scope.
        Member,
        /// Every app below the scope.
        App,
        /// Every key of the scope.
        Key,
        /// Every session, as the client names it.
        Session,
    }
}

mirrored! {
    /// What a step of the ladder looks at.
    Basis of budget::Basis {
        /// What was used.
        Actual,
        /// What the window is going to use.
        Forecast,
    }
}

mirrored! {
    /// What happens at a step of the ladder.
    Action of budget::Action {
        /// People are told.
        Notify,
        /// New requests are refused.
        Stop,
    }
}

/// A budget.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Budget {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: BudgetId,
    /// Its name; empty to go by its scope.
    pub name: String,
    /// Whose use counts.
    pub scope: BudgetScope,
    /// Whether each part of the scope has the limit for itself; `null` when they share it.
    pub each: Option<Each>,
    /// What is counted.
    pub measure: Measure,
    /// How much, in the unit of the measure, without raises and what was carried over.
    pub limit: Quantity,
    /// In which time.
    pub period: Period,
    /// The IANA time zone in which days begin.
    pub zone: String,
    /// Whether what one window leaves over is added to the next one's limit.
    pub carries_over: bool,
    /// Whether holds count every byte of input as a token, so that nothing can exceed them.
    pub is_strict: bool,
    /// Whether it refuses requests at some step of its ladder.
    pub is_hard: bool,
    /// What happens on the way, in rising order.
    pub ladder: Vec<Rung>,
    /// Temporary increases, past ones too.
    pub raises: Vec<Raise>,
    /// When it was made.
    pub created_at: Time,
    /// Since when it does not apply.
    pub archived_at: Option<Time>,
    /// Where it stands; `null` when it is archived.
    pub state: Option<BudgetState>,
}

/// A budget where a row has room for a bar.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BudgetBrief {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: BudgetId,
    /// Its name; empty to go by its scope.
    pub name: String,
    /// What is counted.
    pub measure: Measure,
    /// In which time.
    pub period: Period,
    /// Whether it refuses requests at some step of its ladder.
    pub is_hard: bool,
    /// Where it stands.
    pub state: BudgetState,
}

/// What a budget is set on, with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BudgetScope {
    /// What it is.
    pub kind: ScopeKind,
    /// Its id; `null` for a tag.
    pub id: Option<String>,
    /// Its name; of a tag, the name before the `=`. Empty when it was removed.
    pub name: String,
    /// A tag's value.
    pub value: Option<String>,
    /// What the unit is, for a unit.
    pub unit_kind: Option<UnitKind>,
}

/// What a budget can be set on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// The whole organisation.
    Organization,
    /// A department, team, project, member or app, with everything below it.
    Unit,
    /// A virtual key.
    Key,
    /// A provider.
    Provider,
    /// A public model.
    Model,
    /// Requests with a tag.
    Tag,
}

/// A span of time that a budget counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// How long it is.
    pub kind: PeriodKind,
    /// The first day of a week, 1 to 7 from Monday, or of a month, 1 to 31; left out, 1.
    #[schema(minimum = 1, maximum = 31)]
    pub starts_on: Option<u8>,
    /// The length of a rolling span.
    #[schema(minimum = 1)]
    pub seconds: Option<u32>,
}

/// How long a budget's span of time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeriodKind {
    /// An hour of the zone's clock.
    Hour,
    /// A day.
    Day,
    /// Seven days.
    Week,
    /// A month.
    Month,
    /// A quarter of the calendar year.
    Quarter,
    /// A calendar year.
    Year,
    /// For ever.
    Total,
    /// The time before now.
    Rolling,
}

/// A step of what happens as a budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// At this part of the limit, in percent.
    #[schema(minimum = 1, maximum = 1000)]
    pub at_percent: u16,
    /// Of what was used, or of what the window is going to use; left out, of what was used.
    pub basis: Option<Basis>,
    /// What happens.
    pub action: Action,
}

/// A temporary increase of a limit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Raise {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: RaiseId,
    /// How much more, in the unit of the measure.
    pub amount: Quantity,
    /// From when on.
    pub from: Time,
    /// Until when.
    pub until: Time,
    /// Why.
    pub reason: String,
    /// Whether it counts at present.
    pub is_in_force: bool,
}

/// Where a budget stands; of one with an account for each part, the account that has the least left.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BudgetState {
    /// The part of the scope that the account is of; `null` when the scope shares the limit.
    pub subject: Option<BudgetSubject>,
    /// The window it is in; `null` for what has none: concurrent requests.
    pub window: Option<Window>,
    /// The limit with raises and what was carried over.
    pub limit: Quantity,
    /// What was used.
    pub used: Quantity,
    /// What is set aside for requests under way.
    pub held: Quantity,
    /// What is left: the limit less what was used and set aside, never below zero.
    pub left: Quantity,
    /// What was used of the limit, in percent, rounded down.
    pub percent: u64,
    /// How it looks.
    pub level: BudgetLevel,
    /// Where the window is going; `null` when there is too little to tell by.
    pub forecast: Option<Forecast>,
    /// How many parts of the scope have an account; `null` when they share one.
    pub subjects: Option<u64>,
    /// How many requests it refused in this window.
    pub refused: u64,
}

/// How a budget looks, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BudgetLevel {
    /// On track.
    OnTrack,
    /// At this rate the window exceeds the limit.
    Ahead,
    /// A step that tells people is reached.
    Warned,
    /// The limit is reached, and a hard budget refuses requests.
    Exhausted,
}

/// A half-open span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Window {
    /// Its first instant.
    pub from: Time,
    /// The first instant after it; `null` for one that never ends.
    pub to: Option<Time>,
}

/// Where a window is going, from how the last ones went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Forecast {
    /// What the window most likely uses until its end.
    pub at_end: Quantity,
    /// Nine times of ten it is at least this.
    pub low: Quantity,
    /// Nine times of ten it is at most this.
    pub high: Quantity,
    /// When the limit is most likely reached; `null` when the window ends before.
    pub exhausts_at: Option<Time>,
}

/// What has an account of its own under a budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BudgetSubject {
    /// What it is.
    pub kind: SubjectKind,
    /// Its id; of a session, its name.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What can have an account of its own under a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// A team, member or app.
    Unit,
    /// A virtual key.
    Key,
    /// A session.
    Session,
}

/// A budget to make, or what one is to become.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetDraft {
    /// Its name; left out, it goes by its scope.
    pub name: Option<String>,
    /// Whose use counts.
    pub scope: ScopeChoice,
    /// Whether each part of the scope has the limit for itself; left out, they share it.
    pub each: Option<Each>,
    /// What is counted.
    pub measure: Measure,
    /// How much, in the unit of the measure.
    pub limit: Quantity,
    /// In which time. Concurrent requests have none: `total`.
    pub period: Period,
    /// The IANA time zone in which days begin; left out, `UTC`.
    pub zone: Option<String>,
    /// Whether what one window leaves over is added to the next one's limit; left out, not.
    pub carries_over: Option<bool>,
    /// Whether holds count every byte of input as a token; left out, not.
    pub is_strict: Option<bool>,
    /// What happens on the way, in rising order.
    pub ladder: Vec<Rung>,
}

/// What a budget is to be set on.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeChoice {
    /// What it is.
    pub kind: ScopeKind,
    /// Its id; left out for the organisation and for a tag.
    pub id: Option<String>,
    /// A tag's name.
    pub name: Option<String>,
    /// A tag's value.
    pub value: Option<String>,
}

/// A temporary increase to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRaise {
    /// How much more, in the unit of the measure.
    pub amount: Quantity,
    /// From when on; left out, now.
    pub from: Option<Time>,
    /// Until when.
    pub until: Time,
    /// Why, in a few words.
    pub reason: String,
}

/// The use of a budget in the course of its window.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Course {
    /// The window.
    pub window: Window,
    /// The limit with raises and what was carried over.
    pub limit: Quantity,
    /// What was used up to each point; the last is now.
    pub points: Vec<CoursePoint>,
    /// The same use of the window before, moved to this one's time.
    pub previous: Vec<CoursePoint>,
    /// An even use of the limit, from the window's start to its end.
    pub ideal: Vec<CoursePoint>,
    /// Where it is going, from now to the window's end; empty when there is too little to tell by.
    pub forecast: Vec<ForecastPoint>,
    /// When the limit is most likely reached; `null` when the window ends before.
    pub exhausts_at: Option<Time>,
}

/// What was used up to an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CoursePoint {
    /// The instant.
    pub at: Time,
    /// What was used since the window's start.
    pub used: Quantity,
}

/// What will have been used at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ForecastPoint {
    /// The instant.
    pub at: Time,
    /// As likely more as less.
    pub median: Quantity,
    /// The lower end of the band that holds it half of the time.
    pub low_50: Quantity,
    /// The upper end of that band.
    pub high_50: Quantity,
    /// The lower end of the band that holds it nine times of ten.
    pub low_90: Quantity,
    /// The upper end of that band.
    pub high_90: Quantity,
}

/// The accounts of a budget that has one for each part of its scope.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BudgetSubjects {
    /// How many there are.
    pub total: u64,
    /// Those with the least left, at most 500; the least first.
    pub accounts: Vec<SubjectAccount>,
}

/// One account of a budget.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SubjectAccount {
    /// Whose it is.
    pub subject: BudgetSubject,
    /// The limit with raises and what was carried over.
    pub limit: Quantity,
    /// What was used.
    pub used: Quantity,
    /// What is set aside for requests under way.
    pub held: Quantity,
    /// What is left, never below zero.
    pub left: Quantity,
    /// What was used of the limit, in percent, rounded down.
    pub percent: u64,
}

/// A question to the time machine.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Simulate {
    /// The budget as it would have been.
    pub budget: BudgetDraft,
    /// How many days back.
    #[schema(minimum = 1, maximum = 90)]
    pub days: u16,
}

/// What a budget would have done to recorded traffic.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Simulation {
    /// From when on traffic was replayed.
    pub from: Time,
    /// Until when.
    pub to: Time,
    /// Requests that the budget applies to.
    pub requests: u64,
    /// What they cost.
    pub cost: Cost,
    /// Those that it would have refused.
    pub refused: u64,
    /// What those cost.
    pub refused_cost: Cost,
    /// When the first would have been refused.
    pub first_refused_at: Option<Time>,
    /// Whether there was more traffic than is replayed; then `from` is where the replay began.
    pub is_cut: bool,
    /// The windows, in order; of a budget with an account for each part, all of them added up.
    pub windows: Vec<SimulatedWindow>,
    /// The days, in order and in the budget's time zone.
    pub days: Vec<SimulatedDay>,
    /// Who would have been refused, those with most refusals first; at most 100.
    pub subjects: Vec<SimulatedSubject>,
    /// Some of the requests that would have been refused.
    #[schema(value_type = Vec<String>)]
    pub samples: Vec<RequestId>,
}

/// A window in the time machine.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SimulatedWindow {
    /// The window.
    pub window: Window,
    /// The limit; with an account for each part, that of one account.
    pub limit: Quantity,
    /// What would have been used.
    pub used: Quantity,
    /// Requests that would have been refused.
    pub refused: u64,
    /// When the first of them would have been.
    pub exhausted_at: Option<Time>,
}

/// A day in the time machine.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SimulatedDay {
    /// Its first instant.
    pub day: Time,
    /// What would have been used, in the unit of the measure.
    pub used: Quantity,
    /// Requests of that day that the budget applies to.
    pub requests: u64,
    /// Those that would have been refused.
    pub refused: u64,
}

/// Whom a budget would have refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SimulatedSubject {
    /// The member, app, team or key.
    pub subject: BudgetSubject,
    /// Its requests that the budget applies to.
    pub requests: u64,
    /// Those that would have been refused.
    pub refused: u64,
    /// What those cost.
    pub cost: Cost,
}

/// A step of a budget's ladder that was reached, as an event tells it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BudgetAlert {
    /// The budget.
    #[schema(value_type = String, format = "uuid")]
    pub budget_id: BudgetId,
    /// Its name; empty to go by its scope.
    pub name: String,
    /// What it is set on.
    pub scope: BudgetScope,
    /// The part of the scope; `null` when they share the limit.
    pub subject: Option<BudgetSubject>,
    /// What is counted.
    pub measure: Measure,
    /// The step: a part of the limit, in percent.
    pub at_percent: u16,
    /// What the step looks at.
    pub basis: Basis,
    /// What happens there.
    pub action: Action,
    /// The limit.
    pub limit: Quantity,
    /// What was used.
    pub used: Quantity,
    /// When it was seen.
    pub at: Time,
}

/// A budget that applies.
fn in_use(everything: &Everything, id: BudgetId) -> Result<&budget::Budget, ApiError> {
    let found = everything.budgets.iter().find(|budget| budget.id == id);
    let budget = found.ok_or_else(|| ApiError::not_found(Noun::Budget, id))?;
    if budget.is_active() {
        return Ok(budget);
    }
    let message = "The budget is archived and has no accounts. Nothing was done. Restore it first.";
    Err(ApiError::new(StatusCode::CONFLICT, "budget.archived", message))
}
