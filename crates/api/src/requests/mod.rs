//! Requests that went through the proxy.

pub mod body;
pub mod list;
pub mod show;

mod view;

use megarouter_domain::id::{AttemptId, BudgetId, KeyId, PriceId, RequestId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::budgets::{BudgetBrief, BudgetSubject, Measure};
use crate::route::Decision;
use crate::shape::{Amount, Cost, Quantity, Rates, Tier, Time, Usage, UsageSource};
use crate::units::UnitRef;

/// One finished request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestRow {
    /// The request's id, as its client got it in `x-request-id`.
    #[schema(value_type = String, format = "uuid")]
    pub id: RequestId,
    /// When it arrived.
    pub started_at: Time,
    /// Whose key it came with.
    #[schema(value_type = String, format = "uuid")]
    pub key_id: KeyId,
    /// That key's name.
    pub key_name: String,
    /// Whom it was charged to: the key's owner then and everything that was in, nearest first, then the project.
    pub units: Vec<UnitRef>,
    /// What the app said about it.
    pub tags: Vec<Tag>,
    /// The session it belongs to, as the client named it.
    pub session: Option<String>,
    /// The budget that refused it.
    pub refused_by: Option<BudgetRef>,
    /// What was asked for.
    pub operation: Operation,
    /// The model name as the client wrote it.
    pub model_asked: String,
    /// The public model that served it, or that it meant.
    pub model: Option<String>,
    /// The policy that decided it, by its name at the time.
    pub policy: Option<String>,
    /// Who served it.
    pub provider: Option<String>,
    /// The provider's own name of the model.
    pub upstream_model: Option<String>,
    /// Whether the client asked for a stream.
    pub is_streaming: bool,
    /// The HTTP status sent to the client; 499 when it left first.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// The code of what went wrong.
    pub error: Option<String>,
    /// Tokens over all attempts.
    pub usage: Usage,
    /// Where the token figures came from.
    pub usage_source: UsageSource,
    /// What all attempts cost together.
    pub cost: Cost,
    /// From arrival to the first output, in microseconds.
    pub first_output_us: Option<u64>,
    /// From arrival to the end, in microseconds.
    pub total_us: u64,
    /// MegaRouter's own part before the first call, in microseconds.
    pub overhead_us: Option<u64>,
    /// How many calls were made.
    pub attempts: u64,
    /// What the translation for the provider could not carry.
    pub losses: Vec<Loss>,
    /// The client's program.
    pub user_agent: Option<String>,
}

/// One finished request with its attempts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestDetail {
    /// The request.
    #[serde(flatten)]
    pub row: RequestRow,
    /// The calls made, in order.
    pub attempt_list: Vec<Attempt>,
    /// What administrators added to its cost since, which `cost` has; negative when it cost less.
    pub corrected: Amount,
    /// What the limit that refused it said; `null` when none did, or nobody wrote it down.
    pub refusal: Option<Refusal>,
    /// The budgets in force that apply to such a request.
    pub budgets: Vec<BudgetBrief>,
    /// Why it went where it went; `null` when there was nothing to choose.
    pub decision: Option<Decision>,
}

/// What a request and its answer said, as they were kept: cut to size, and without what looked like a secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RequestTexts)]
pub struct Texts {
    /// When they were kept.
    pub kept_at: Time,
    /// Until when they are.
    pub kept_until: Option<Time>,
    /// What the client sent.
    pub request: KeptText,
    /// What it got; `null` when there was nothing.
    pub response: Option<KeptText>,
}

/// A body that was kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeptText {
    /// The text: JSON, or the events of a stream.
    pub text: String,
    /// How many bytes it had.
    pub size_bytes: u64,
    /// Whether its end was cut off.
    pub is_cut: bool,
    /// How many places were made unreadable.
    pub redactions: u64,
}

/// What a limit said when it refused a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refusal {
    /// The budget.
    #[schema(value_type = String, format = "uuid")]
    pub budget_id: BudgetId,
    /// The part of the scope that the account is of.
    pub subject: Option<BudgetSubject>,
    /// What is counted; `null` when the budget is archived.
    pub measure: Option<Measure>,
    /// Where it refuses.
    pub limit: Quantity,
    /// What was used.
    pub used: Quantity,
    /// What was set aside for requests under way.
    pub held: Quantity,
    /// What the request asked for at most; 0 when its price is not known.
    pub asked: Quantity,
    /// When there is room again; `null` when waiting does not help.
    pub resets_at: Option<Time>,
}

/// One call to one deployment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Attempt {
    /// The attempt's id.
    #[schema(value_type = String, format = "uuid")]
    pub attempt_id: AttemptId,
    /// Who was called.
    pub provider: String,
    /// The provider's own name of the model.
    pub upstream_model: String,
    /// The wire format it was called in; `null` for operations that are no conversation.
    pub dialect: Option<Dialect>,
    /// From the request's arrival to the call, in microseconds.
    pub started_after_us: u64,
    /// From the call to the provider's first output, in microseconds.
    pub first_output_us: Option<u64>,
    /// From the call to its end, in microseconds.
    pub duration_us: u64,
    /// The provider's HTTP status.
    pub status: Option<u16>,
    /// The code of what went wrong.
    pub error: Option<String>,
    /// One line on what went wrong.
    pub detail: Option<String>,
    /// The provider's own id of the call, for their support.
    pub upstream_request_id: Option<String>,
    /// What was set aside for it.
    pub hold: Amount,
    /// How the hold ended.
    pub resolution: HoldState,
    /// Tokens by class.
    pub usage: Usage,
    /// Where the token figures came from.
    pub usage_source: UsageSource,
    /// What it cost.
    pub cost: Cost,
    /// The part of the cost above the hold.
    pub overage: Amount,
    /// The price that applied; `null` when none was known.
    pub price: Option<AppliedPrice>,
}

/// The price version that applied to an attempt.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AppliedPrice {
    /// The version.
    #[schema(value_type = String, format = "uuid")]
    pub id: PriceId,
    /// Its standard rates.
    pub rates: Rates,
    /// Rates that take their place under a condition.
    pub tiers: Vec<Tier>,
}

/// What an app asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// An answer, by OpenAI chat completions.
    ChatCompletions,
    /// An answer, by OpenAI responses.
    Responses,
    /// An answer, by Anthropic messages.
    Messages,
    /// An answer, by Gemini.
    GenerateContent,
    /// How many tokens a conversation has.
    CountTokens,
    /// A text that goes on, by OpenAI's older completions.
    Completions,
    /// Embeddings.
    Embeddings,
    /// Pictures.
    Images,
    /// A text read aloud.
    Speech,
    /// A recording written down.
    Transcriptions,
    /// Whether a text is harmful.
    Moderations,
    /// Documents ordered by how well they fit a question.
    Rerank,
    /// A call passed on to one provider as it came.
    PassThrough,
}

/// A name with a value, for attribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RequestTag)]
pub struct Tag {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A budget's name, where something refers to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BudgetRef {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: BudgetId,
    /// Its name, or that of its scope; empty when it is archived.
    pub name: String,
}

/// The wire format of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenAI chat completions.
    #[serde(rename = "openai_chat")]
    OpenAiChat,
    /// OpenAI responses.
    #[serde(rename = "openai_responses")]
    OpenAiResponses,
    /// Anthropic messages.
    Anthropic,
    /// Gemini.
    Gemini,
    /// Bedrock Converse.
    BedrockConverse,
}

/// One thing that the provider did not get as the client sent it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Loss {
    /// The client's field or content.
    pub what: String,
    /// Why.
    pub why: LossReason,
}

/// Why something was not carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossReason {
    /// The target has nothing like it.
    Unsupported,
    /// The target has something near it, and got that.
    Approximated,
    /// It is bound to the dialect it came from.
    Foreign,
    /// Nobody here knows what it means.
    Unread,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The client got the whole answer.
    Completed,
    /// The client got an error before any output.
    Failed,
    /// MegaRouter refused it; no provider was called.
    Refused,
    /// The client closed the connection.
    ClientLeft,
    /// The provider's stream ended early.
    Truncated,
}

/// How a hold ended, or that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// Replaced by the actual cost.
    Settled,
    /// Given back.
    Voided,
    /// Generation may have run and nothing tells how much.
    Uncertain,
    /// Still held.
    Open,
}
