//! The canonical conversation: what every dialect can be read into and written from.
//!
//! It is a union, not an intersection: whatever one of the four big dialects can say, it can hold.
//! What a target cannot say is not decided here; each writer reports it as a [`Loss`].
//!
//! A request is a [`Conversation`]. An answer that came whole is an [`Answer`]; one that is streamed
//! is a sequence of [`Event`]s. [`Answer::events`] and [`Collector`] go from one to the other.
//!
//! [`Loss`]: crate::losses::Loss

use megarouter_domain::dialect::Dialect;
use megarouter_domain::usage::Usage;
use serde_json::Value;

use crate::errors::UpstreamErrorBody;

mod collector;

pub use collector::Collector;

/// A request for an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation {
    /// Instructions that stand before the first turn, in order; entries stay separate.
    pub system: Vec<Text>,
    /// The turns so far, in order.
    pub turns: Vec<Turn>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Which of them it must call.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once; `None` for the provider's default.
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer.
    pub format: Format,
    /// How much to think.
    pub reasoning: Option<ReasoningRequest>,
    /// How to sample.
    pub sampling: Sampling,
    /// The most output tokens of one choice.
    pub max_output_tokens: Option<u64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How many answers; 1 unless said otherwise (0 is read as 1).
    pub choices: u64,
    /// Whether to report probabilities: `Some(0)` of the chosen tokens alone, `Some(k)` of the k most
    /// likely ones too.
    pub logprobs: Option<u64>,
    /// How long the answer should be: `low`, `medium` or `high`.
    pub verbosity: Option<String>,
    /// The kinds of output wanted, where text alone is not meant.
    pub modalities: Vec<Modality>,
    /// The voice and format of spoken output.
    pub audio: Option<AudioRequest>,
    /// The class of service asked for, in the client's word: `auto`, `default`, `flex`, `priority`...
    pub service_tier: Option<String>,
    /// Names and values that the provider keeps with the answer.
    pub metadata: Vec<(String, String)>,
    /// Who the answer is for, as the client tells the provider.
    pub end_user: Option<String>,
    /// What groups requests that share a beginning, for the provider's cache.
    pub cache_key: Option<String>,
    /// How long the provider's cache should keep the beginning, in the client's word: `24h`...
    pub cache_retention: Option<String>,
    /// Whether the answer is to be streamed.
    pub is_streaming: bool,
    /// Names of the client's fields that no canonical field holds. Every other dialect loses them.
    pub unread: Vec<String>,
}

/// How to sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// 0 to 2 (Anthropic: to 1).
    pub temperature: Option<f64>,
    /// The share of probability to sample from.
    pub top_p: Option<f64>,
    /// The number of tokens to sample from.
    pub top_k: Option<u64>,
    /// Less of what is there already, by how often.
    pub frequency_penalty: Option<f64>,
    /// Less of what is there already, at all.
    pub presence_penalty: Option<f64>,
    /// For answers that can be had again.
    pub seed: Option<i64>,
    /// OpenAI's map from token to bias, as it came.
    pub logit_bias: Option<Value>,
}

/// The form of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// Text.
    #[default]
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// A name for it; empty where the client's dialect has none.
        name: String,
        /// What it is.
        description: Option<String>,
        /// The JSON schema.
        schema: Value,
        /// Whether the provider must enforce it.
        is_strict: Option<bool>,
    },
}

/// How much to think, and what to show of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReasoningRequest {
    /// How hard, where it was asked for in words.
    pub effort: Option<Effort>,
    /// How many tokens, where it was asked for in tokens; `Some(0)` switches thinking off.
    pub budget_tokens: Option<u64>,
    /// The model decides (Anthropic's `adaptive`, Gemini's budget of -1).
    pub is_adaptive: bool,
    /// The summary asked for (`auto`, `concise`, `detailed`); `Some("auto")` for "include thoughts".
    pub summary: Option<String>,
}

/// How hard to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// A lot.
    High,
    /// As much as there is.
    Max,
}

/// A kind of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modality {
    /// Text.
    Text,
    /// Sound.
    Audio,
    /// Pictures.
    Image,
}

/// How to speak.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioRequest {
    /// The voice's name.
    pub voice: Option<String>,
    /// `wav`, `mp3`...
    pub format: Option<String>,
}

/// One turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Whose.
    pub role: Role,
    /// The participant's name, where one was given.
    pub name: Option<String>,
    /// What was said, in order.
    pub parts: Vec<Part>,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions in the middle of the conversation (OpenAI's `system` and `developer` after the
    /// first turn, Anthropic's mid-conversation `system`).
    System,
    /// The person's or program's; results of tools are parts of it too.
    User,
    /// The model's.
    Assistant,
}

/// A piece of a turn or an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text.
    Text(Text),
    /// A picture, sound, film or document.
    Media(Media),
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// What the tool gave; only in turns of the user.
    ToolResult(ToolResult),
    /// What the model thought.
    Reasoning(Reasoning),
    /// The model says no.
    Refusal(String),
}

/// A text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Whether the provider should cache everything up to here.
    pub cache: Option<CacheMark>,
    /// Sources of the text, as the provider wrote them; only the same dialect can carry them.
    pub citations: Vec<Value>,
    /// What some providers (Gemini) want back with it.
    pub signature: Option<Opaque>,
}

/// "Cache everything up to here."
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheMark {
    /// For how long, in Anthropic's words: `5m`, `1h`; `None` for the default.
    pub ttl: Option<String>,
}

/// A picture, sound, film or document.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Its media type, e.g. `image/png`, where known.
    pub mime: Option<String>,
    /// Its content, or where that is.
    pub source: MediaSource,
    /// A file name or title.
    pub name: Option<String>,
    /// OpenAI's `detail` of a picture: `low`, `high`, `auto`.
    pub detail: Option<String>,
    /// Whether the provider should cache everything up to here.
    pub cache: Option<CacheMark>,
}

/// What a medium is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A film.
    Video,
    /// A document: PDF, text.
    Document,
}

/// Where a medium's content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaSource {
    /// Here, in base64 without line breaks and without a `data:` prefix.
    Base64(String),
    /// At an address that the provider is to fetch.
    Url(String),
    /// At the provider, under an id of its file store.
    FileId(String),
    /// Here, as text.
    Text(String),
}

/// The model calls a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// What the result will be matched by. Readers of dialects without ids make one.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// For a function: the arguments, a JSON object as text. For a custom tool: any text.
    pub arguments: String,
    /// What kind of tool it is.
    pub kind: ToolKind,
    /// What some providers (Gemini) want back with it.
    pub signature: Option<Opaque>,
    /// Whether the provider should cache everything up to here.
    pub cache: Option<CacheMark>,
}

/// What kind of tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolKind {
    /// Arguments are JSON.
    #[default]
    Function,
    /// The input is free text (OpenAI's custom tools). Where a target has none, it becomes a function
    /// with one string argument called `input`, and its calls are turned back.
    Custom,
}

/// What a tool gave.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    /// The call it answers.
    pub call_id: String,
    /// The tool's name; writers that need it and do not find it here look the call up.
    pub name: Option<String>,
    /// What it gave: text and media.
    pub parts: Vec<Part>,
    /// Whether it failed.
    pub is_error: bool,
    /// Whether the provider should cache everything up to here.
    pub cache: Option<CacheMark>,
}

/// What the model thought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reasoning {
    /// The text, or its summary; may be empty.
    pub text: String,
    /// True when the text is a summary (OpenAI's responses) and not the thought itself.
    pub is_summary: bool,
    /// The provider's item id (OpenAI's responses: `rs_...`).
    pub id: Option<String>,
    /// The provider's proof of it, or its encrypted content.
    pub signature: Option<Opaque>,
}

/// Something that only its own dialect understands: signatures, encrypted thoughts. It goes back to
/// that dialect unchanged and to no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// Whose it is.
    pub dialect: Dialect,
    /// What it is there (`signature`, `redacted_thinking`, `encrypted_content`, `thoughtSignature`).
    pub kind: &'static str,
    /// The content.
    pub content: String,
}

/// Something the model may call.
#[derive(Clone, Debug, PartialEq)]
pub enum Tool {
    /// A function of the client's.
    Function(FunctionTool),
    /// A tool of the client's that takes free text, perhaps by a grammar.
    Custom {
        /// Its name.
        name: String,
        /// What it does.
        description: Option<String>,
        /// OpenAI's `format` (grammar), as it came.
        format: Option<Value>,
    },
    /// A tool that the provider runs (web search, code...), as its own dialect wrote it. Another
    /// dialect may have an equal one: see [`BuiltinKind`].
    Builtin {
        /// Whose.
        dialect: Dialect,
        /// What it is, where other dialects know it too.
        kind: BuiltinKind,
        /// Its name on the wire, for the report of losses.
        name: String,
        /// As it came.
        raw: Value,
    },
}

/// Provider-run tools that several dialects know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltinKind {
    /// Searches the web.
    WebSearch,
    /// Runs code.
    CodeExecution,
    /// Anything else.
    Other,
}

/// A function of the client's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FunctionTool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// The JSON schema of its arguments; `Value::Null` when there is none.
    pub parameters: Value,
    /// Whether the provider must enforce the schema.
    pub is_strict: Option<bool>,
    /// Whether the provider should cache everything up to here.
    pub cache: Option<CacheMark>,
}

/// Which tools must be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
    /// One or any number of these; `is_required` says whether there must be one.
    Allowed {
        /// Their names.
        names: Vec<String>,
        /// Whether one must be called.
        is_required: bool,
    },
}

/// An answer that came whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The provider's id of it.
    pub id: Option<String>,
    /// The provider's name of the model.
    pub model: Option<String>,
    /// When it was made, in seconds since 1970.
    pub created: Option<i64>,
    /// The answers, one for each choice.
    pub choices: Vec<Choice>,
    /// What it took.
    pub usage: Option<Usage>,
    /// The class of service given, in the provider's word.
    pub service_tier: Option<String>,
}

/// One of the answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// What was said.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub finish: Option<Finish>,
    /// OpenAI's `logprobs`, as it came.
    pub logprobs: Option<Value>,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model was done.
    Stop,
    /// A stop text came; which one, where the provider says.
    StopText(Option<String>),
    /// The output bound was reached.
    Length,
    /// The model waits for tools.
    ToolCalls,
    /// The provider held something back.
    ContentFilter,
    /// The model refused.
    Refusal,
    /// The provider paused a long turn; the client is to send it again (Anthropic's `pause_turn`).
    Pause,
    /// The conversation did not fit into the model's context.
    ContextLength,
    /// The model wrote a tool call that could not be read.
    MalformedCall,
    /// Something else, in the provider's word.
    Other(String),
}

/// A step of a streamed answer.
///
/// A stream is `Start`, then for each part `Open`, deltas, `Close`; `Finish` for each choice; `Usage`
/// whenever figures come (cumulative, the last one counts); `Done`. Parts of one choice may overlap
/// (parallel tool calls), and writers of dialects in which they may not have to queue.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The answer begins.
    Start {
        /// The provider's id of it.
        id: Option<String>,
        /// The provider's name of the model.
        model: Option<String>,
        /// When, in seconds since 1970.
        created: Option<i64>,
    },
    /// A part begins.
    Open {
        /// Which choice, from 0.
        choice: u32,
        /// Which part of it, from 0, in the order in which they began.
        part: u32,
        /// What it is.
        opening: Opening,
    },
    /// A part goes on.
    Delta {
        /// Which choice.
        choice: u32,
        /// Which part.
        part: u32,
        /// What comes.
        delta: Delta,
    },
    /// A part is complete.
    Close {
        /// Which choice.
        choice: u32,
        /// Which part.
        part: u32,
    },
    /// A choice is complete.
    Finish {
        /// Which choice.
        choice: u32,
        /// Why.
        finish: Finish,
    },
    /// What it took so far.
    Usage(Usage),
    /// The class of service given, in the provider's word.
    ServiceTier(String),
    /// The provider reports an error; nothing follows.
    Failed(UpstreamErrorBody),
    /// The provider said that this was all.
    Done,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Text.
    Text,
    /// A thought.
    Reasoning {
        /// True for summaries.
        is_summary: bool,
        /// The provider's item id.
        id: Option<String>,
    },
    /// A refusal.
    Refusal,
    /// A call of a tool.
    ToolCall {
        /// Its id.
        id: String,
        /// The tool's name.
        name: String,
        /// What kind of tool it is.
        kind: ToolKind,
    },
    /// A medium; its content comes in one delta.
    Media,
}

/// What comes within a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// Text of a text, thought or refusal.
    Text(String),
    /// A piece of a call's arguments.
    Arguments(String),
    /// The part's signature or encrypted content, whole.
    Signature(Opaque),
    /// A source of the text, as it came.
    Citation(Value),
    /// OpenAI's `logprobs` of the last text.
    Logprobs(Value),
    /// A medium, whole.
    Media(Box<Media>),
}

impl Answer {
    /// The same answer as a stream.
    pub fn events(self) -> Vec<Event> {
        let mut events = vec![Event::Start { id: self.id, model: self.model, created: self.created }];
        events.extend(self.service_tier.map(Event::ServiceTier));
        for (choice, said) in (0..).zip(self.choices) {
            for (part, content) in (0..).zip(said.parts) {
                push_part(&mut events, choice, part, content);
            }
            if let Some(logprobs) = said.logprobs {
                events.push(Event::Delta { choice, part: 0, delta: Delta::Logprobs(logprobs) });
            }
            events.extend(said.finish.map(|finish| Event::Finish { choice, finish }));
        }
        events.extend(self.usage.map(Event::Usage));
        events.push(Event::Done);
        events
    }
}

fn push_part(events: &mut Vec<Event>, choice: u32, part: u32, content: Part) {
    let text = |text: String| if text.is_empty() { vec![] } else { vec![Delta::Text(text)] };
    let (opening, deltas) = match content {
        Part::Text(said) => {
            let mut deltas = text(said.text);
            deltas.extend(said.citations.into_iter().map(Delta::Citation));
            deltas.extend(said.signature.map(Delta::Signature));
            (Opening::Text, deltas)
        }
        Part::Refusal(said) => (Opening::Refusal, text(said)),
        Part::Reasoning(thought) => {
            let mut deltas = text(thought.text);
            deltas.extend(thought.signature.map(Delta::Signature));
            (Opening::Reasoning { is_summary: thought.is_summary, id: thought.id }, deltas)
        }
        Part::ToolCall(call) => {
            let mut deltas = vec![Delta::Arguments(call.arguments)];
            deltas.extend(call.signature.map(Delta::Signature));
            (Opening::ToolCall { id: call.id, name: call.name, kind: call.kind }, deltas)
        }
        Part::Media(media) => (Opening::Media, vec![Delta::Media(Box::new(media))]),
        // An answer holds none: results come from the client.
        Part::ToolResult(_) => return,
    };
    events.push(Event::Open { choice, part, opening });
    events.extend(deltas.into_iter().map(|delta| Event::Delta { choice, part, delta }));
    events.push(Event::Close { choice, part });
}
