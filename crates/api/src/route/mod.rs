//! Why a request goes where it goes.

pub mod explain;

pub(crate) mod thought;
pub(crate) mod view;

use std::collections::BTreeMap;

use megarouter_domain::id::{DeploymentId, KeyId, PolicyId, ProviderId, RequestId, UnitId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::policies::TrialMode;
use crate::policies::body::{PolicyBody, TaskFamily, TaskNeed};
use crate::shape::{Amount, Time};

/// How a request's deployment was chosen, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Decision {
    /// The policy and its rule; `null` when a model was asked for that no policy takes over.
    pub rule: Option<DecidingRule>,
    /// The id of the strategy that ordered the candidates.
    pub strategy: String,
    /// What the request is about; `null` where nothing asked for it.
    pub task: Option<Task>,
    /// What the request needs.
    pub needs: Vec<TaskNeed>,
    /// Its input, in tokens.
    pub input_tokens: u64,
    /// The output that was expected, in tokens.
    pub output_tokens: u64,
    /// The candidates: those to be tried, in their order, then those that were removed.
    pub candidates: Vec<ConsideredModel>,
    /// How many more candidates there were.
    pub more: u32,
    /// Why the first candidate was preferred beside its score.
    pub kept: Option<KeptReason>,
    /// What a version on trial would have chosen, or has.
    pub trial: Option<TrialChoice>,
    /// How long deciding took, in microseconds.
    pub took_us: u64,
}

/// A policy's rule that gave the route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DecidingRule {
    /// The policy.
    #[schema(value_type = String, format = "uuid")]
    pub policy_id: PolicyId,
    /// Its name at the time.
    pub policy: String,
    /// Its version.
    pub version: u32,
    /// The rule, from 1.
    pub index: u16,
    /// The rule's name.
    pub name: String,
}

/// What a request is about, as far as its text tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RequestTask)]
pub struct Task {
    /// The kind of work.
    pub family: TaskFamily,
    /// How sure that is, in thousandths.
    pub confidence_permille: u16,
    /// How likely a weak model fails at it, in thousandths.
    pub difficulty_permille: u16,
    /// How much a strong model gains over a weak one, in thousandths.
    pub need_permille: u16,
    /// The group of similar requests that outcomes are learnt for.
    pub cluster: u16,
    /// What spoke for that, the weightiest first.
    pub evidence: Vec<TaskEvidence>,
}

/// One thing that was seen in a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TaskEvidence {
    /// What, in a few words.
    pub what: String,
    /// How much it added to the need, in thousandths; negative where it spoke against.
    pub weight_permille: i16,
}

/// One candidate as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConsideredModel {
    /// The public model.
    pub model: String,
    /// Who serves it.
    pub provider: String,
    /// The provider's id.
    #[schema(value_type = String, format = "uuid")]
    pub provider_id: ProviderId,
    /// The deployment's id.
    #[schema(value_type = String, format = "uuid")]
    pub deployment_id: DeploymentId,
    /// What it was expected to cost, cache effects included; `null` without a price.
    pub cost: Option<Amount>,
    /// The quality expected of it for this task, in thousandths; `null` where nothing asked for it.
    pub quality_permille: Option<u16>,
    /// The standard deviation of that, in thousandths.
    pub quality_deviation_permille: Option<u16>,
    /// The expected time to the first output, in milliseconds; `null` without measurements.
    pub first_output_ms: Option<u32>,
    /// The expected time to the end, in milliseconds; `null` without measurements.
    pub total_ms: Option<u32>,
    /// The share of its recent calls that were served, in thousandths; `null` without measurements.
    pub availability_permille: Option<u16>,
    /// Its score by the strategy, higher is better; `null` where the strategy has none.
    pub score: Option<i32>,
    /// Why it was not to be tried; `null` when it was.
    pub removed: Option<RemovedReason>,
}

/// What ruled a candidate out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RemovedReason {
    /// What kind of reason it is.
    pub by: RemovedBy,
    /// In words.
    pub text: String,
    /// What the model lacks.
    pub need: Option<TaskNeed>,
    /// How many tokens the request takes, where they do not fit.
    pub tokens: Option<u64>,
    /// The bound's name in the rule.
    pub bound: Option<String>,
    /// For how many milliseconds more it rests.
    pub for_ms: Option<u32>,
}

/// What kind of reason ruled a candidate out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemovedBy {
    /// It is for work of another kind, such as embeddings.
    Purpose,
    /// The caller may not use the model.
    Access,
    /// The model lacks what the request needs.
    Lacks,
    /// The request does not fit into the model's context.
    Context,
    /// A bound of the route.
    Bound,
    /// The budgets that apply could not pay for it.
    Budget,
    /// The provider is switched off, or its credential cannot be read.
    Unusable,
    /// Its recent calls failed.
    Resting,
    /// The provider's own limit is reached.
    RateLimited,
    /// Its provider has ended it.
    Retired,
    /// Others were better, and there was no use in trying more.
    Outranked,
}

/// Why a deployment was preferred beside its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeptReason {
    /// It served the session so far, and holds its prompt cache.
    Session,
    /// Another deployment was kept for the session, and could not be used any more.
    MovedOn,
}

/// What a version on trial chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrialChoice {
    /// The version.
    pub version: u32,
    /// How it is tried.
    pub mode: TrialMode,
    /// Whether it decided this request.
    pub has_decided: bool,
    /// The model it would have chosen first, or has; `null` when it found none.
    pub model: Option<String>,
    /// What that was expected to cost.
    pub cost: Option<Amount>,
    /// The quality expected of it, in thousandths.
    pub quality_permille: Option<u16>,
}

/// A request that is only thought of: nothing is sent, nothing is changed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainRoute {
    /// The model name asked for; left out, that of the policy.
    pub model: Option<String>,
    /// The policy to ask about a draft of; left out with a draft, one that is not saved yet.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub policy_id: Option<PolicyId>,
    /// A draft to decide by instead of what is in force.
    pub body: Option<PolicyBody>,
    /// The same as YAML.
    pub text: Option<String>,
    /// What the user says; one of `prompt`, `messages` and `request_id`.
    pub prompt: Option<String>,
    /// A conversation.
    pub messages: Option<Vec<ExplainMessage>>,
    /// A recorded request, as it was.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub request_id: Option<RequestId>,
    /// The key it comes with; left out, the playground's.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub key_id: Option<KeyId>,
    /// The unit it comes from, for a key that is not made yet; not with `key_id`.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub unit_id: Option<UnitId>,
    /// Tags, by name.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Headers, by name in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The session it belongs to.
    pub session: Option<String>,
    /// When it arrives; left out, now.
    pub at: Option<Time>,
    /// What it needs beside what its messages show.
    #[serde(default)]
    pub needs: Vec<TaskNeed>,
    /// How many tokens its input has; left out, counted from its text.
    pub input_tokens: Option<u64>,
    /// The most tokens of its answer.
    pub max_output_tokens: Option<u64>,
    /// How far the tightest budget that applies is used, in percent; left out, as it is.
    pub budget_used_percent: Option<u16>,
}

/// A message of a conversation that is only thought of.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainMessage {
    /// Who says it: `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// The text.
    pub content: String,
}

/// Where a request would go, and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The model name asked for.
    pub model_asked: String,
    /// The decision with every candidate.
    pub decision: Decision,
    /// What each rule of the policy says, in their order; none without a policy.
    pub rules: Vec<RuleVerdict>,
    /// The candidate that would be tried first; `null` when there is none.
    pub chosen: Option<ConsideredModel>,
    /// Why no candidate is left and what to do; `null` when there is one.
    pub refusal: Option<String>,
    /// What a cascade, a shadow or a canary does beside that, in words.
    pub notes: Vec<String>,
    /// How long the whole explanation took, in microseconds.
    pub took_us: u64,
}

/// What a rule says to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleVerdict {
    /// The rule, from 1.
    pub rule: u64,
    /// Its name.
    pub name: String,
    /// The rule as a sentence.
    pub sentence: String,
    /// Whether it gives the route.
    pub state: RuleState,
    /// The first condition that does not hold, from 1.
    pub failed_condition: Option<u64>,
    /// That condition in words.
    pub failed: Option<String>,
    /// What was seen instead.
    pub seen: Option<String>,
}

/// Whether a rule gives the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleState {
    /// It does.
    Matched,
    /// One of its conditions does not hold.
    Failed,
    /// A rule before it does.
    NotReached,
}
