//! Why a request went where it went: kept with its usage record.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::catalog::Set;
use crate::facts::Need;
use crate::id::{DeploymentId, PolicyId, ProviderId};
use crate::money::NanoUsd;
use crate::permille::Permille;
use crate::policy::TrialMode;
use crate::task::TaskRecord;

/// The most candidates that a decision keeps; the best ones, and then those that were removed.
pub const MOST_KEPT: usize = 12;

/// How a request's deployment was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The policy and its rule; `None` when a model was asked for that no policy takes over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRecord>,
    /// The strategy that ordered the candidates.
    pub strategy: Arc<str>,
    /// What the request is about; `None` where nothing asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskRecord>,
    /// What the request needs.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub needs: Set<Need>,
    /// Its input, counted, in tokens.
    pub input_tokens: u64,
    /// The output that was expected, in tokens.
    pub output_tokens: u64,
    /// The candidates: those to be tried, in their order, then those that were removed.
    pub candidates: Vec<Considered>,
    /// How many more candidates there were.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u32,
    /// Why the first candidate was preferred beside its score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    /// What a version on trial would have chosen, or has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<TrialRecord>,
    /// How long deciding took, in microseconds.
    pub took_micros: u32,
}

/// A policy's rule that gave the route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRecord {
    /// The policy.
    pub policy_id: PolicyId,
    /// Its name at the time.
    pub policy: Arc<str>,
    /// Its version.
    pub version: u32,
    /// The rule, counted from 1.
    pub index: u16,
    /// The rule's name.
    pub name: Arc<str>,
}

/// What a version on trial chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// The version.
    pub version: u32,
    /// How it is tried.
    #[serde(flatten)]
    pub mode: TrialMode,
    /// Whether it decided this request.
    pub has_decided: bool,
    /// The model it would have chosen first, or has; `None` when it found none.
    pub model: Option<Arc<str>>,
    /// The deployment of that model.
    pub deployment_id: Option<DeploymentId>,
    /// What that was expected to cost.
    pub cost: Option<NanoUsd>,
    /// The quality expected of it.
    pub quality: Option<Permille>,
}

/// One candidate as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    /// The public model.
    pub model: Arc<str>,
    /// Who serves it.
    pub provider: Arc<str>,
    /// The provider.
    pub provider_id: ProviderId,
    /// The deployment.
    pub deployment_id: DeploymentId,
    /// What it was expected to cost, cache effects included; `None` without a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<NanoUsd>,
    /// The quality expected of it for this task; `None` where nothing asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Permille>,
    /// The standard deviation of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality_deviation: Option<Permille>,
    /// The expected time to the first output, in milliseconds; `None` without measurements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_output_ms: Option<u32>,
    /// The expected time to the end, in milliseconds; `None` without measurements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<u32>,
    /// The share of its recent calls that were served; `None` without measurements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Permille>,
    /// Its score by the strategy, higher is better; `None` where the strategy has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i32>,
    /// Why it was not to be tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removal>,
}

/// What ruled a candidate out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Removal {
    /// The caller may not use the model.
    Access,
    /// The model is made for something else, e.g. for embeddings.
    Purpose,
    /// The model lacks what the request needs.
    Lacks {
        /// What.
        need: Need,
    },
    /// The request does not fit into the model's context.
    Context {
        /// How many tokens it takes.
        tokens: u64,
    },
    /// A bound of the route.
    Bound {
        /// The bound's name in the rule, e.g. `never_dearer`.
        name: Arc<str>,
    },
    /// The budgets that apply could not pay for it.
    Budget,
    /// The provider is switched off, or its credential cannot be read.
    Unusable,
    /// Its recent calls failed.
    Resting {
        /// For how many milliseconds more.
        for_ms: u32,
    },
    /// The provider's own limit is reached.
    RateLimited {
        /// For how many milliseconds more.
        for_ms: u32,
    },
    /// Its provider has ended it.
    Retired,
    /// Others were better, and there was no use in trying more.
    Outranked,
}

/// Why a deployment was preferred beside its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// It served the session so far, and holds its prompt cache.
    Session,
    /// Another deployment was kept for the session, and could not be used any more.
    MovedOn,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}
