//! A client's request, whatever its dialect, and what goes to a provider instead of it.

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;

use crate::canonical::{Conversation, ToolKind};
pub use crate::fields::RequestError;
use crate::glance::Glance;

/// A client's request for an answer, checked as far as routing and metering need it.
///
/// To a provider of the same dialect goes the [`ClientRequest::splice`]: the client's own bytes but
/// for a few replacements. For others it is read into a [`Conversation`] and written anew.
pub trait ClientRequest: fmt::Debug + Send + Sync {
    /// What routing and metering need.
    fn facts(&self) -> &RequestFacts;

    /// The body for a provider of the same dialect.
    fn splice(&self, splice: &Splice<'_>) -> Bytes;

    /// Reads everything.
    ///
    /// # Errors
    /// When a part cannot be understood that a translation cannot do without.
    fn read(&self) -> Result<Conversation, RequestError>;

    /// What a translated answer repeats of the request.
    fn echo(&self) -> Echo;

    /// What routing looks at. Passes over the whole body, so it is asked for only where something is to be
    /// decided by it.
    fn glance(&self) -> Glance;
}

/// A client's request to count the tokens of a conversation.
pub trait CountRequest: fmt::Debug + Send + Sync {
    /// The model as the client wrote it.
    fn model(&self) -> &str;

    /// Our own estimate, for where no provider counts.
    fn counted_input(&self) -> u64;

    /// The body for a provider of the same dialect.
    fn splice(&self, splice: &Splice<'_>) -> Bytes;
}

/// What routing and metering need of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFacts {
    /// The model as the client wrote it.
    pub model: String,
    /// Whether the client wants the answer as a stream.
    pub is_streaming: bool,
    /// Whether the client asked for usage figures at the end of its stream. Always true in dialects
    /// whose streams always have them.
    pub wants_usage: bool,
    /// The most output tokens of one choice, where the client set a bound.
    pub output_bound: Option<u64>,
    /// How many answers it asks for, at least 1.
    pub choices: u64,
    /// Input tokens, estimated: bytes of text / 4 and a tenth more, 4 for each message, 1,000 for
    /// each image, sound or file.
    pub counted_input: u64,
    /// The class of service asked for, in the client's word.
    pub service_tier: Option<String>,
    /// The session that the body says the request belongs to, where its dialect has a place for it.
    pub session: Option<String>,
}

/// What is not in the body of a request: some dialects say it in the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathFacts<'a> {
    /// The model that the path names (Gemini).
    pub model: Option<&'a str>,
    /// Whether the path asks for a stream (Gemini's `streamGenerateContent`).
    pub is_streaming: bool,
    /// Whether the stream is to be server-sent events (Gemini's `alt=sse`) or one JSON array.
    pub is_sse: bool,
}

/// What changes in a body that goes to a provider of the same dialect.
#[derive(Clone, Copy, Debug, Default)]
pub struct Splice<'a> {
    /// The provider's name of the model.
    pub upstream_model: &'a str,
    /// False where the provider takes the model from the path and refuses it in the body.
    pub model_is_in_body: bool,
    /// Whether to ask for the usage of a stream, where that needs asking.
    pub asks_usage: bool,
    /// A bound to add under this name, only when the client set none.
    pub output_bound: Option<(&'a str, u64)>,
    /// A member to add with its JSON value, where the client has none of that name.
    pub added: &'a [(&'a str, &'a str)],
}

/// The model and provider that a request is written for.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read by its name")]
pub struct Target<'a> {
    /// The provider's name of the model.
    pub model: &'a str,
    /// False where the provider takes the model from the path and refuses it in the body.
    pub model_is_in_body: bool,
    /// The most output tokens the model can give, where known. Anthropic needs a bound: without the
    /// client's and without this, writers take 4,096.
    pub max_output_tokens: Option<u64>,
    /// The name of OpenAI's field that bounds the output: `max_completion_tokens` or `max_tokens`.
    pub output_bound_field: &'a str,
    /// Whether a stream is asked for its usage (`stream_options.include_usage`).
    pub asks_usage: bool,
    /// Whether the provider knows OpenAI's `developer` role; else it becomes `system`.
    pub has_developer_role: bool,
    /// Whether the provider takes OpenAI's `response_format` of type `json_schema`.
    pub has_json_schema: bool,
    /// Whether the provider refuses calls in the history without the `reasoning_content` before them.
    pub wants_reasoning: bool,
    /// How the model is told to think.
    pub thinking: Thinking,
    /// Members to add with their JSON values (`anthropic_version` of Vertex).
    pub added: &'a [(&'a str, &'a str)],
}

/// How a model is told to think.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thinking {
    /// It is not known whether it thinks: what was asked for is passed on in the target's usual form.
    #[default]
    Unknown,
    /// It cannot: what was asked for is a loss.
    None,
    /// By an effort in words.
    Effort,
    /// By a budget of tokens.
    Budget,
    /// By itself (Anthropic's `adaptive`), with an effort in words.
    Adaptive,
}

impl<'a> Target<'a> {
    /// A target of which nothing is known but the model's name.
    pub const fn of(model: &'a str) -> Self {
        Self {
            model,
            model_is_in_body: true,
            max_output_tokens: None,
            output_bound_field: "max_tokens",
            asks_usage: true,
            has_developer_role: false,
            has_json_schema: true,
            wants_reasoning: false,
            thinking: Thinking::Unknown,
            added: &[],
        }
    }
}

/// What a translated answer repeats of the request or needs to know of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Echo {
    /// The id of an answer whose provider gave none, without a prefix; the gateway sets it.
    pub id: String,
    /// The model of an answer whose provider named none; the gateway sets it.
    pub model: String,
    /// The time of an answer whose provider gave none, in seconds since 1970; the gateway sets it.
    pub created: i64,
    /// Whether the client asked for the usage of its stream.
    pub wants_usage: bool,
    /// Whether the stream is to be one JSON array instead of events (Gemini without `alt=sse`).
    pub is_array: bool,
    /// The client's own tools behind the canonical names, where they differ: custom tools, and tools
    /// within a namespace.
    pub tools: HashMap<String, ClientTool>,
    /// The members that the answer's object repeats (OpenAI's responses), in order.
    pub repeated: serde_json::Map<String, serde_json::Value>,
    /// Further output that the client asked for (`reasoning.encrypted_content`).
    pub include: Vec<String>,
}

/// A tool as the client knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTool {
    /// Its name there.
    pub name: String,
    /// The namespace it is in.
    pub namespace: Option<String>,
    /// What kind of tool it is.
    pub kind: ToolKind,
}
