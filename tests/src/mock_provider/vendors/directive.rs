//! What a prompt asks the "model" to do: `[mock {"words": 40, "gap_ms": 20}]` anywhere in a user's text.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Vendor;
use super::check::Illegal;

const MARK: &str = "[mock ";

/// A prompt's wishes. Without any the model says one plain sentence.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "independent wishes, each written by its name")]
pub(super) struct Directive {
    /// A text to find this call by in the mock's report; the mock itself ignores it.
    pub mark: String,
    /// Says this.
    pub say: Option<String>,
    /// Says so many words.
    pub words: Option<u32>,
    /// Says what of the request arrived, as JSON.
    pub echo: bool,
    /// Tools to call, a list for each step of the loop.
    pub steps: Vec<Vec<Step>>,
    /// Declines.
    pub refusal: bool,
    /// Takes the prompt for a bad one and says nothing at all (Gemini); others decline.
    pub blocked: bool,
    /// Ends for this reason: `length` or `filter`.
    pub finish: Option<String>,
    /// Reports these figures.
    pub usage: Option<Figures>,
    /// Reports no figures.
    pub no_usage: bool,
    /// Refuses with this status.
    pub status: Option<u16>,
    /// Why: `context`, `quota` or `overloaded`; else what the status means.
    pub error: Option<String>,
    /// Further headers of the answer.
    pub headers: BTreeMap<String, String>,
    /// Milliseconds until the first byte.
    pub first_ms: u64,
    /// Milliseconds between two pieces of a stream.
    pub gap_ms: u64,
    /// Reports an error in the stream after so many words.
    pub mid_error: Option<u32>,
    /// Closes the connection after so many words.
    pub cut: Option<u32>,
    /// Falls silent after so many words.
    pub silent: Option<u32>,
    /// Writes the stream in pieces of so many bytes, whatever they cut through.
    pub split: Option<usize>,
}

/// A tool to call.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Step {
    /// By name, with arguments made up from its schema.
    Named(String),
    /// With these arguments.
    Given { name: String, args: Value },
}

impl Step {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Named(name) | Self::Given { name, .. } => name,
        }
    }
}

/// What an answer took, in tokens; classes within others are parts of them.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Figures {
    /// All input.
    pub input: u64,
    /// Of the input, read from a cache.
    pub cached: u64,
    /// Of the input, written to a cache.
    pub written: u64,
    /// All output.
    pub output: u64,
    /// Of the output, spent on thinking; only when there was any.
    pub reasoning: u64,
}

impl Default for Figures {
    fn default() -> Self {
        Self { input: 120, cached: 20, written: 0, output: 30, reasoning: 10 }
    }
}

impl Directive {
    /// The directive in a text, if there is one that can be read.
    pub(super) fn find(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(MARK)?;
        // Some agents quote the prompt as a JSON string.
        Self::parse(rest).or_else(|| Self::parse(&rest.replace("\\\\", "\\").replace("\\\"", "\"")))
    }

    fn parse(text: &str) -> Option<Self> {
        serde_json::Deserializer::from_str(text).into_iter::<Self>().next()?.ok()
    }

    /// The text without its directive.
    pub(super) fn strip(text: &str) -> &str {
        text.rsplit_once(MARK).map_or(text, |(before, _)| before).trim_end()
    }

    /// The error that it asks for.
    pub(super) fn error_for(&self, vendor: Vendor) -> Option<Illegal> {
        let status = self.status?;
        let reason = self.error.as_deref().unwrap_or_default();
        let (code, message) = match (reason, vendor) {
            ("context", Vendor::OpenAi) => (
                Some("context_length_exceeded"),
                "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.",
            ),
            ("context", Vendor::Anthropic) => (None, "prompt is too long: 209000 tokens > 200000 maximum"),
            ("context", Vendor::Gemini) => {
                (None, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).")
            }
            ("quota", Vendor::OpenAi) => (
                Some("insufficient_quota"),
                "You exceeded your current quota, please check your plan and billing details.",
            ),
            ("quota", _) => (None, "Your credit balance is too low to access the API."),
            _ => (None, "The mock model does as it was asked to."),
        };
        Some(Illegal { status, code, ..Illegal::new(message) })
    }
}
