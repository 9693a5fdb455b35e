//! Policies: virtual models with rules.

pub mod activate;
pub mod archive;
pub mod body;
pub mod create;
pub mod diff;
pub mod end_trial;
pub mod list;
pub mod names;
pub mod read;
pub mod replace;
pub mod show;
pub mod simulate;
pub mod start_trial;
pub mod text;
pub mod versions;
pub mod write;

pub(crate) mod check;
mod view;
pub(crate) mod words;

use megarouter_domain::id::{PolicyId, RequestId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::body::PolicyBody;
pub use self::check::works_with;

use crate::shape::{Amount, Time};

/// A policy with the versions in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Policy {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: PolicyId,
    /// The model name that apps ask for.
    pub name: String,
    /// What it is for, in a sentence.
    pub description: String,
    /// What decides.
    pub live: PolicyVersion,
    /// What is tried beside it.
    pub trial: Option<PolicyTrial>,
    /// When it was made.
    pub created_at: Time,
    /// Since when it is out of use.
    pub archived_at: Option<Time>,
}

/// One version of a policy; never changed once it was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PolicyVersion {
    /// Counts from 1.
    pub number: u32,
    /// What it says.
    pub body: PolicyBody,
    /// The same as YAML: as somebody wrote it, with comments, or else as it is written out.
    pub text: String,
    /// One sentence for each rule.
    pub sentences: Vec<String>,
    /// Why it was made, in a few words.
    pub note: String,
    /// When.
    pub made_at: Time,
    /// Whether it decides.
    pub is_live: bool,
}

/// A version that is tried before it is put in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicyTrial {
    /// The version.
    pub version: PolicyVersion,
    /// How.
    pub mode: TrialMode,
    /// How many of the sessions, in percent; `null` in the shadow.
    pub percent: Option<u8>,
    /// Since when.
    pub since: Time,
}

/// How a version is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrialMode {
    /// It decides beside the live one; what it would have chosen is noted, and changes nothing.
    Shadow,
    /// It decides for a share of the sessions, or of the requests that name none.
    Canary,
}

/// A policy to make, or what an existing one becomes. What it says is `text`, or else `body`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyDraft {
    /// The model name that apps ask for.
    pub name: String,
    /// What it is for, in a sentence.
    pub description: Option<String>,
    /// What it says. The comments of the version before are kept where its text is not changed by it.
    pub body: Option<PolicyBody>,
    /// The same as YAML; when both are sent, they must say the same.
    pub text: Option<String>,
    /// Why, in a few words.
    pub note: Option<String>,
    /// The number of the version that was changed: when another one decides by now, nothing is saved.
    pub based_on: Option<u32>,
}

/// What to try beside the live version: one of `version`, `body` and `text`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrialDraft {
    /// A saved version's number.
    pub version: Option<u32>,
    /// What a new version says.
    pub body: Option<PolicyBody>,
    /// The same as YAML.
    pub text: Option<String>,
    /// Why it is made, in a few words.
    pub note: Option<String>,
    /// How to try it.
    pub mode: TrialMode,
    /// How many of the sessions, 1 to 99 percent; for a canary only.
    #[schema(minimum = 1, maximum = 99)]
    pub percent: Option<u8>,
}

/// A policy's YAML to read.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadPolicy {
    /// The text.
    pub text: String,
}

/// What a text says.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicyReading {
    /// What it says; `null` when it cannot be read.
    pub body: Option<PolicyBody>,
    /// One sentence for each rule.
    pub sentences: Vec<String>,
    /// What is wrong with it; none when it can be put in force.
    pub problems: Vec<PolicyProblem>,
}

/// Something wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PolicyProblem {
    /// The line of the text, from 1; `null` when it is about no line.
    pub line: Option<u64>,
    /// The column, from 1.
    pub column: Option<u64>,
    /// The rule, from 1.
    pub rule: Option<u64>,
    /// What is wrong and what to do.
    pub message: String,
    /// False when it may be put in force all the same.
    pub is_error: bool,
}

/// A policy to write as YAML.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WritePolicy {
    /// What it is to say.
    pub body: PolicyBody,
    /// The text so far; its comments and layout stay wherever the body does not differ from it.
    pub text: Option<String>,
}

/// A policy as YAML.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicyText {
    /// The text.
    pub text: String,
    /// One sentence for each rule.
    pub sentences: Vec<String>,
    /// What is wrong with it; none when it can be put in force.
    pub problems: Vec<PolicyProblem>,
}

/// Two versions to compare.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ComparePolicies {
    /// The older one.
    pub from: PolicyBody,
    /// The newer one.
    pub to: PolicyBody,
}

/// How two versions differ, in words.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicyDifference {
    /// One line for each difference; none when they say the same.
    pub lines: Vec<DifferenceLine>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DifferenceLine {
    /// What happened.
    pub kind: DifferenceKind,
    /// The rule in the newer version, or the one that went in the older; from 1, `null` for the whole policy.
    pub rule: Option<u64>,
    /// In words.
    pub text: String,
}

/// What happened between two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another one.
    Changed,
    /// It stands elsewhere.
    Moved,
}

/// A draft to try on recorded requests.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulatePolicy {
    /// The policy whose requests are replayed and whose live version the draft is compared with; left out, all
    /// requests, and what really happened.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub policy_id: Option<PolicyId>,
    /// What the draft says.
    pub body: Option<PolicyBody>,
    /// The same as YAML.
    pub text: Option<String>,
    /// How many of the latest requests; 1,000 when left out.
    #[schema(minimum = 1, maximum = 10_000)]
    pub last: Option<u32>,
}

/// What a draft would have done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicySimulation {
    /// The first request's arrival; `null` when there were none.
    pub from: Option<Time>,
    /// The last one's.
    pub to: Option<Time>,
    /// Requests that were replayed.
    pub requests: u64,
    /// Requests that were left out, because they say too little of themselves.
    pub left_out: u64,
    /// The live version, or what really happened.
    pub live: SimulatedSide,
    /// The draft.
    pub draft: SimulatedSide,
    /// The draft's cost less the live one's; negative when the draft is cheaper.
    pub cost_difference: Amount,
    /// The least that is, by how far models' answers differ in length.
    pub cost_difference_low: Amount,
    /// The most.
    pub cost_difference_high: Amount,
    /// The draft's expected quality less the live one's, in thousandths; `null` when it is not known of both.
    pub quality_difference_permille: Option<i16>,
    /// The standard deviation of that, in thousandths.
    pub quality_deviation_permille: Option<u16>,
    /// Requests that would go to another model.
    pub changed: u64,
    /// Requests that the draft finds no model for.
    pub refused: u64,
    /// How many requests moved from which model to which, most first.
    pub moves: Vec<RouteMove>,
    /// How many requests each rule of the draft decided.
    pub rules: Vec<RuleShare>,
    /// Requests that go elsewhere, those that differ most in cost first; at most 50.
    pub samples: Vec<ChangedRoute>,
    /// Which of the figures are measured.
    pub measured: Vec<String>,
    /// Which are estimated, and how.
    pub estimated: Vec<String>,
    /// How long the simulation took, in microseconds.
    pub took_us: u64,
}

/// One side of a simulation.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct SimulatedSide {
    /// What all requests cost.
    pub cost: Option<Amount>,
    /// Half of the requests end within this, in milliseconds.
    pub p50_ms: Option<u32>,
    /// 95 of 100 requests end within this, in milliseconds.
    pub p95_ms: Option<u32>,
    /// The mean of the expected qualities, in thousandths.
    pub quality_permille: Option<u16>,
}

/// Requests that go elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RouteMove {
    /// The model that served them, or that the live version chooses; `null` when none did.
    pub from: Option<String>,
    /// The model that the draft chooses.
    pub to: Option<String>,
    /// How many.
    pub requests: u64,
    /// What they cost more.
    pub cost_difference: Amount,
}

/// What one rule decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleShare {
    /// The rule, from 1.
    pub rule: u64,
    /// Its name.
    pub name: String,
    /// How many requests.
    pub requests: u64,
}

/// A request that goes elsewhere.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChangedRoute {
    /// The request.
    #[schema(value_type = String, format = "uuid")]
    pub request_id: RequestId,
    /// When it arrived.
    pub started_at: Time,
    /// The model it asked for.
    pub model_asked: String,
    /// The model that served it, or that the live version chooses.
    pub from: Option<String>,
    /// The model that the draft chooses.
    pub to: Option<String>,
    /// What it cost, or would under the live version.
    pub cost_from: Option<Amount>,
    /// What it would cost.
    pub cost_to: Option<Amount>,
    /// The draft's rule, from 1.
    pub rule: Option<u64>,
}
