//! The events of a stream, read as far as scanning and decoding need them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::blocks::Block;
use super::{error, usage};
use crate::canonical::Finish;
use crate::errors::UpstreamErrorBody;
use crate::stream::ScanError;
use megarouter_domain::usage::Usage;

/// An event. Types that are not known have only the type.
#[derive(Deserialize)]
pub struct Event<'a> {
    #[serde(borrow, default)]
    pub r#type: Cow<'a, str>,
    #[serde(default)]
    pub index: u64,
    #[serde(borrow, default)]
    pub message: Option<Message<'a>>,
    #[serde(borrow, default)]
    pub content_block: Option<Block<'a>>,
    #[serde(borrow, default)]
    pub delta: Delta<'a>,
    #[serde(default)]
    pub usage: Option<Value>,
    #[serde(default)]
    pub error: Option<Value>,
}

/// The message that a stream begins with.
#[derive(Deserialize)]
pub struct Message<'a> {
    #[serde(borrow, default)]
    pub id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub model: Option<Cow<'a, str>>,
    #[serde(default)]
    pub usage: Option<Value>,
}

/// What comes within a block, or with the end of the message.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Delta<'a> {
    #[serde(borrow)]
    pub r#type: Cow<'a, str>,
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    #[serde(borrow)]
    pub thinking: Cow<'a, str>,
    #[serde(borrow)]
    pub signature: Cow<'a, str>,
    #[serde(borrow)]
    pub partial_json: Cow<'a, str>,
    pub citation: Option<Value>,
    #[serde(borrow)]
    pub stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub stop_sequence: Option<Cow<'a, str>>,
}

/// The figures of a stream: those of its beginning, overwritten by those of its end. The end leaves
/// out what did not change.
#[derive(Debug, Default)]
pub struct Figures {
    fields: Map<String, Value>,
}

/// Reads the data of an event.
///
/// # Errors
/// When it is an error, or no event at all.
pub fn read(data: &[u8]) -> Result<Event<'_>, ScanError> {
    let event: Event<'_> = serde_json::from_slice(data).map_err(|_| ScanError::Malformed)?;
    if event.r#type == "error" || event.error.as_ref().is_some_and(|error| !error.is_null()) {
        return Err(ScanError::Upstream(failure(data)));
    }
    if event.r#type.is_empty() { Err(ScanError::Malformed) } else { Ok(event) }
}

fn failure(data: &[u8]) -> UpstreamErrorBody {
    let unreadable =
        || UpstreamErrorBody { message: String::from_utf8_lossy(data).into_owned(), ..UpstreamErrorBody::default() };
    error::parse(data).unwrap_or_else(unreadable)
}

/// Why the model stopped, from Anthropic's word.
pub fn finish(stop_reason: &str, stop_sequence: Option<Cow<'_, str>>) -> Finish {
    match stop_reason {
        "end_turn" => Finish::Stop,
        "stop_sequence" => Finish::StopText(stop_sequence.map(Cow::into_owned)),
        "max_tokens" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "pause_turn" => Finish::Pause,
        "refusal" => Finish::Refusal,
        "model_context_window_exceeded" => Finish::ContextLength,
        other => Finish::Other(other.to_owned()),
    }
}

/// What was among the parts of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    /// Calls of tools.
    pub calls: bool,
    /// A refusal.
    pub refusal: bool,
}

/// Anthropic's word for why the model stopped. Clients act on `tool_use`, so it is said exactly when
/// there are calls to answer.
pub fn stop_reason(finish: Option<&Finish>, said: Said) -> &'static str {
    match finish {
        Some(Finish::Length) => "max_tokens",
        Some(Finish::StopText(_)) if !said.calls => "stop_sequence",
        Some(Finish::ContentFilter | Finish::Refusal) => "refusal",
        Some(Finish::Pause) => "pause_turn",
        Some(Finish::ContextLength) => "model_context_window_exceeded",
        Some(Finish::Stop | Finish::StopText(_) | Finish::ToolCalls | Finish::MalformedCall | Finish::Other(_))
        | None => match (said.calls, said.refusal) {
            (true, _) => "tool_use",
            (false, true) => "refusal",
            (false, false) => "end_turn",
        },
    }
}

/// The text that stopped the model, where that is why it stopped.
pub fn stop_sequence(finish: Option<&Finish>) -> Option<&str> {
    match finish {
        Some(Finish::StopText(text)) => text.as_deref(),
        _ => None,
    }
}

impl Figures {
    /// Takes the figures of an event; returns all that are known if there are any.
    pub fn take(&mut self, figures: Option<Value>) -> Option<Usage> {
        let Some(Value::Object(latest)) = figures else { return None };
        self.fields.extend(latest.into_iter().filter(|(_, figure)| !figure.is_null()));
        // `from_wire` reads a value: the map is lent to one for the moment.
        let all = Value::Object(std::mem::take(&mut self.fields));
        let usage = usage::from_wire(&all);
        if let Value::Object(fields) = all {
            self.fields = fields;
        }
        usage
    }

    /// The class of service, in Anthropic's word.
    pub fn service_tier(&self) -> Option<&str> {
        self.fields.get("service_tier")?.as_str()
    }
}
