//! The usage record: the immutable line that a finished request leaves.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::code::Code;
use crate::decision::Decision;
use crate::dialect::Dialect;
use crate::id::{AttemptId, BudgetId, CredentialId, DeploymentId, KeyId, ProviderId, RequestId, UnitId};
use crate::loss::Loss;
use crate::price::Cost;
use crate::scope::Scope;
use crate::tag::Tag;
use crate::usage::{Usage, UsageSource};

/// What an app asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// An answer, by OpenAI's chat completions.
    ChatCompletions,
    /// An answer, by OpenAI's responses.
    Responses,
    /// An answer, by Anthropic's messages.
    Messages,
    /// An answer, by Gemini's `generateContent` or `streamGenerateContent`.
    GenerateContent,
    /// How many tokens a conversation has, by any dialect.
    CountTokens,
    /// A text that goes on, by OpenAI's older completions.
    Completions,
    /// Embeddings, by OpenAI's or Gemini's shape.
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

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The client got the whole answer.
    Completed,
    /// The client got an error before any output.
    Failed,
    /// We refused it; no provider was called.
    Refused,
    /// The client closed the connection.
    ClientLeft,
    /// The provider's stream ended early; the client was told in the stream.
    Truncated,
}

impl Operation {
    /// Every operation.
    pub const ALL: &[Self] = &[
        Self::ChatCompletions,
        Self::Responses,
        Self::Messages,
        Self::GenerateContent,
        Self::CountTokens,
        Self::Completions,
        Self::Embeddings,
        Self::Images,
        Self::Speech,
        Self::Transcriptions,
        Self::Moderations,
        Self::Rerank,
        Self::PassThrough,
    ];

    /// The stable name, as stored and as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::GenerateContent => "generate_content",
            Self::CountTokens => "count_tokens",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Images => "images",
            Self::Speech => "speech",
            Self::Transcriptions => "transcriptions",
            Self::Moderations => "moderations",
            Self::Rerank => "rerank",
            Self::PassThrough => "pass_through",
        }
    }
}

impl Outcome {
    /// Every outcome.
    pub const ALL: &[Self] = &[Self::Completed, Self::Failed, Self::Refused, Self::ClientLeft, Self::Truncated];

    /// The stable name, as stored and as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::ClientLeft => "client_left",
            Self::Truncated => "truncated",
        }
    }
}

/// One request, finished. Text and messages are never part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// The request, as sent to the client in `x-request-id`.
    pub request_id: RequestId,
    /// When it arrived.
    pub started_at: Timestamp,
    /// Whose key it came with.
    pub key_id: KeyId,
    /// The key's owner at that time and everything it was in, nearest first, then the project.
    #[serde(default, skip_serializing_if = "<[UnitId]>::is_empty")]
    pub units: Arc<[UnitId]>,
    /// What the app said about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// The session it belongs to, as the client named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Arc<str>>,
    /// The limit that refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Box<BudgetRefusal>>,
    /// What was asked for.
    pub operation: Operation,
    /// The model name as the client wrote it.
    pub model_asked: Arc<str>,
    /// The public model it was resolved to; `None` when there is none of that name.
    pub model: Option<Arc<str>>,
    /// Who served it; `None` when nobody did.
    pub provider: Option<Arc<str>>,
    /// The provider's own name of the model.
    pub upstream_model: Option<Arc<str>>,
    /// Whether the client asked for a stream.
    pub is_streaming: bool,
    /// The HTTP status sent to the client; 499 when the client left before one was sent.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong, when something did.
    pub error: Option<Code>,
    /// Tokens over all attempts, by class.
    pub usage: Usage,
    /// Where the token figures came from.
    pub usage_source: UsageSource,
    /// What all attempts cost together.
    pub cost: Cost,
    /// From arrival to the first byte of output sent to the client.
    #[serde(with = "micros_option")]
    pub first_output: Option<Duration>,
    /// From arrival to the end.
    #[serde(with = "micros")]
    pub total: Duration,
    /// Our own part of the way to the provider: from arrival to the first call.
    #[serde(with = "micros_option")]
    pub overhead: Option<Duration>,
    /// The calls made, in order.
    pub attempts: Vec<AttemptRecord>,
    /// What the translation for the provider that served it could not carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
    /// The client's program, from its `User-Agent`, cut to 200 characters.
    pub user_agent: Option<Arc<str>>,
    /// Why it went where it went; `None` when there was nothing to choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Box<Decision>>,
}

/// A limit as it stood when it refused a request. Amounts are in the unit of the budget's measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRefusal {
    /// The budget.
    pub budget_id: BudgetId,
    /// The unit or key whose own account it was; `None` when all share it, or for a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Scope>,
    /// What may be used.
    pub limit: u64,
    /// What was used.
    pub used: u64,
    /// What was set aside for requests under way.
    pub held: u64,
    /// What the request asked for; 0 when its price is not known.
    pub asked: u64,
    /// When there will be room again; `None` when waiting does not help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
}

/// One call to one deployment, finished. What it used and cost is in its resolution, which is an
/// entry of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// The attempt.
    pub attempt_id: AttemptId,
    /// The deployment called.
    pub deployment_id: DeploymentId,
    /// Who serves it.
    pub provider_id: ProviderId,
    /// The provider's name at the time.
    pub provider: Arc<str>,
    /// The provider's own name of the model.
    pub upstream_model: Arc<str>,
    /// The wire format it was called in; `None` for operations that are no conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// From the request's arrival to the call.
    #[serde(with = "micros")]
    pub started_after: Duration,
    /// From the call to the provider's first byte of output.
    #[serde(with = "micros_option")]
    pub first_output: Option<Duration>,
    /// From the call to its end.
    #[serde(with = "micros")]
    pub duration: Duration,
    /// The provider's HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// What went wrong, when something did.
    pub error: Option<Code>,
    /// One line for a person on what went wrong; never holds a secret or the client's text.
    pub detail: Option<Arc<str>>,
    /// The provider's own id of the call, for their support.
    pub upstream_request_id: Option<Arc<str>>,
    /// Which of the provider's further credentials it was made with; `None` for its first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_id: Option<CredentialId>,
    /// What it was made for, where that is not to serve the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
}

/// What a call was made for beside serving the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To see what a candidate would answer; the answer was discarded.
    Shadow,
    /// A cheaper model's answer that a check did not pass.
    Cascade,
}

mod micros {
    use super::Duration;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}

mod micros_option {
    use super::Duration;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => super::micros::serialize(duration, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_micros))
    }
}
