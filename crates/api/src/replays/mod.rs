//! The replay lab: recorded or sample prompts on candidate models, at a capped cost.

pub mod list;
pub mod promote;
pub mod show;
pub mod start;
pub mod stop;
pub mod vote;

mod view;

use megarouter_domain::id::{ModelId, ReplayId, RequestId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::shape::{Amount, Cost, Time};

/// A run to start.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReplay {
    /// What people call it.
    pub name: String,
    /// What to ask.
    pub from: ReplaySource,
    /// The models to ask: 1 to 4.
    #[schema(min_items = 1, max_items = 4)]
    pub candidates: Vec<String>,
    /// A model that says which answer is better; left out, people do.
    pub judge: Option<String>,
    /// The most that the run may cost.
    pub max_cost: Amount,
}

/// What to ask: exactly one of the fields.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaySource {
    /// Recorded requests whose text was kept.
    #[schema(value_type = Option<Vec<String>>)]
    pub request_ids: Option<Vec<RequestId>>,
    /// The latest recorded requests for a model, whose text was kept.
    pub model: Option<String>,
    /// How many of them; 20 when left out.
    #[schema(minimum = 1, maximum = 200)]
    pub last: Option<u32>,
    /// Prompts.
    pub prompts: Option<Vec<String>>,
}

/// A run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Replay {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: ReplayId,
    /// What people call it.
    pub name: String,
    /// How far it is.
    pub state: ReplayState,
    /// Why it ended early.
    pub detail: Option<String>,
    /// The models that are asked.
    pub candidates: Vec<String>,
    /// The model that judges.
    pub judge: Option<String>,
    /// The most that it may cost.
    pub max_cost: Amount,
    /// What it cost so far.
    pub cost: Amount,
    /// How many prompts it has.
    pub items: u64,
    /// How many of them are answered.
    pub done: u64,
    /// How each candidate did.
    pub results: Vec<ReplayResult>,
    /// What was promoted; `null` when nothing was.
    pub promotion: Option<Promotion>,
    /// When it was started.
    pub created_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayState {
    /// It waits for its turn.
    Waiting,
    /// Prompts are being answered.
    Running,
    /// All are answered.
    Finished,
    /// Somebody stopped it.
    Stopped,
    /// The most that it may cost was reached.
    CostReached,
    /// It could not go on.
    Failed,
}

/// How a candidate did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReplayResult {
    /// The model.
    pub model: String,
    /// Answers.
    pub answers: u64,
    /// Calls that failed.
    pub failures: u64,
    /// What its answers cost.
    pub cost: Amount,
    /// Half of its answers ended within this, in milliseconds.
    pub p50_ms: Option<u32>,
    /// Votes and judgements for it, halves where several were as good; in thousandths.
    pub wins_permille: u64,
    /// Prompts that somebody voted on.
    pub votes: u64,
}

/// A run with its prompts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReplayDetail {
    /// The run.
    #[serde(flatten)]
    pub replay: Replay,
    /// Its prompts.
    pub item_list: Vec<ReplayItem>,
}

/// A prompt with its answers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReplayItem {
    /// Its number, from 1.
    pub number: u32,
    /// The recorded request it is of.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub request_id: Option<RequestId>,
    /// What was asked, as it is sent, shortened: JSON.
    pub prompt: String,
    /// The answers, in the order of the candidates; what was recorded comes first and has no model of the run.
    pub answers: Vec<ReplayAnswer>,
    /// What people said: the answer's number, from 1; 0 when they were equally good.
    pub vote: Option<u32>,
    /// What the judge said.
    pub judgement: Option<u32>,
    /// Why, in the judge's words.
    pub reason: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReplayAnswer {
    /// The model.
    pub model: String,
    /// Whether it is what was recorded.
    pub is_recorded: bool,
    /// The request that gave it.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub request_id: Option<RequestId>,
    /// The text; `null` while it is not there, or when the call failed.
    pub text: Option<String>,
    /// Why the call failed.
    pub error: Option<String>,
    /// What it cost.
    pub cost: Option<Cost>,
    /// How long it took, in milliseconds.
    pub total_ms: Option<u32>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
}

/// Which answer is better.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayVote {
    /// The answer's number, from 1; 0 when they are equally good.
    pub answer: u32,
}

/// What to lead to a candidate from now on.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Promote {
    /// The candidate.
    pub candidate: String,
    /// The name that is to lead to it: an alias, or a model's name, which becomes an alias of the candidate.
    pub name: String,
    /// Only say what would change.
    pub dry_run: Option<bool>,
}

/// What a promotion changes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PromotionPlan {
    /// Whether it was done.
    pub is_done: bool,
    /// What changes, in words.
    pub changes: Vec<String>,
    /// The name that leads elsewhere.
    pub promotion: Promotion,
}

/// A name that leads elsewhere since a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Promotion {
    /// The name.
    pub name: String,
    /// The model it led to.
    #[schema(value_type = String, format = "uuid")]
    pub from: ModelId,
    /// That model's name.
    pub from_name: String,
    /// The model it leads to.
    #[schema(value_type = String, format = "uuid")]
    pub to: ModelId,
    /// That model's name.
    pub to_name: String,
    /// When.
    pub at: Time,
}
