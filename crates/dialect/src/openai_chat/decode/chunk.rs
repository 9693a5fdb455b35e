//! A chunk on the wire. What may have several forms, and what every chunk repeats, stays as it came
//! until it is looked at.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

/// A chunk, or an error in its place.
#[derive(Deserialize)]
pub struct Chunk<'a> {
    #[serde(borrow, default)]
    pub id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub model: Option<&'a RawValue>,
    #[serde(default)]
    pub created: Option<Value>,
    #[serde(borrow, default)]
    pub service_tier: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow, default)]
    pub usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub x_groq: Option<OfGroq<'a>>,
    #[serde(default)]
    pub error: Option<Value>,
    #[serde(default)]
    pub message: Option<IgnoredAny>,
}

/// What Groq adds.
#[derive(Deserialize)]
pub struct OfGroq<'a> {
    #[serde(borrow, default)]
    pub usage: Option<&'a RawValue>,
}

/// A piece of one choice.
#[derive(Deserialize)]
pub struct Choice<'a> {
    #[serde(default)]
    pub index: Option<u32>,
    #[serde(borrow, default)]
    pub delta: Option<Delta<'a>>,
    #[serde(default)]
    pub finish_reason: Option<String>,
    #[serde(default)]
    pub logprobs: Option<Value>,
    #[serde(borrow, default)]
    pub usage: Option<&'a RawValue>,
    #[serde(default)]
    pub error: Option<Value>,
}

/// What comes with it.
#[derive(Deserialize)]
pub struct Delta<'a> {
    #[serde(borrow, default)]
    pub content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub reasoning_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub reasoning: Option<&'a RawValue>,
    #[serde(default)]
    pub reasoning_details: Option<Value>,
    #[serde(default)]
    pub refusal: Option<String>,
    #[serde(borrow, default)]
    pub tool_calls: Option<Vec<CallDelta<'a>>>,
    #[serde(borrow, default)]
    pub function_call: Option<Called<'a>>,
    #[serde(default)]
    pub annotations: Option<Vec<Value>>,
    #[serde(default)]
    pub images: Option<Vec<Value>>,
    #[serde(default)]
    pub audio: Option<Audio>,
}

/// A piece of a tool call.
#[derive(Deserialize)]
pub struct CallDelta<'a> {
    #[serde(default)]
    pub index: Option<u64>,
    #[serde(default)]
    pub id: Option<String>,
    #[serde(borrow, default)]
    pub function: Option<Called<'a>>,
    #[serde(borrow, default)]
    pub custom: Option<Called<'a>>,
}

/// What is called, and with what.
#[derive(Default, Deserialize)]
pub struct Called<'a> {
    #[serde(default)]
    pub name: Option<String>,
    /// A string; some servers send the object itself. Custom tools have an `input`.
    #[serde(borrow, default, alias = "input")]
    pub arguments: Option<&'a RawValue>,
}

/// A piece of speech.
#[derive(Deserialize)]
pub struct Audio {
    #[serde(default)]
    pub data: Option<String>,
    #[serde(default)]
    pub transcript: Option<String>,
}

/// The text of a JSON string; anything else as it is written, and nothing for null.
pub fn text(raw: &RawValue) -> Option<String> {
    let written = raw.get();
    if !written.starts_with('"') {
        return (written != "null").then(|| written.to_owned());
    }
    // Half a surrogate pair has no text.
    Some(serde_json::from_str(written).unwrap_or_else(|_| char::REPLACEMENT_CHARACTER.to_string()))
}
