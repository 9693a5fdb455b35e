//! What the mock does with a call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How to answer the calls for a model. The default answers at once and correctly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// Milliseconds until the first byte of the answer.
    pub first_byte_ms: u64,
    /// Milliseconds between two chunks of a stream.
    pub gap_ms: u64,
    /// Chunks of text in a stream, and words in a whole answer.
    pub chunks: u32,
    /// The status; anything but 200 is answered with an error body.
    pub status: u16,
    /// Further headers of the answer, e.g. `retry-after`.
    pub headers: BTreeMap<String, String>,
    /// The body in place of the one the status calls for.
    pub content: Content,
    /// Where a stream carries its usage.
    pub usage: UsagePlacement,
    /// Reported input tokens; a quarter of the request's bytes when not set.
    pub prompt_tokens: Option<u64>,
    /// Reported output tokens; the number of chunks when not set.
    pub completion_tokens: Option<u64>,
    /// Of the input tokens, those read from a cache.
    pub cached_tokens: u64,
    /// Of the output tokens, those spent on reasoning.
    pub reasoning_tokens: u64,
    /// Whether a stream ends in `data: [DONE]`.
    pub has_done: bool,
    /// Breaks the body off.
    pub cut: Option<Cut>,
    /// Sends nothing any more after this many chunks of text, and keeps the connection open.
    pub silent_after: Option<u32>,
    /// How the end of a stream's body is marked.
    pub framing: Framing,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            first_byte_ms: 0,
            gap_ms: 0,
            chunks: 8,
            status: 200,
            headers: BTreeMap::new(),
            content: Content::Ordinary,
            usage: UsagePlacement::WhenAsked,
            prompt_tokens: None,
            completion_tokens: None,
            cached_tokens: 0,
            reasoning_tokens: 0,
            has_done: true,
            cut: None,
            silent_after: None,
            framing: Framing::Chunked,
        }
    }
}

impl Script {
    /// Answers with `status` and an error body.
    pub fn error(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// Breaks every body off at `at_byte`.
    pub fn cut(at_byte: usize, by: CutBy) -> Self {
        Self { cut: Some(Cut { at_byte, by }), ..Self::default() }
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// What the body holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// What the call and the status ask for.
    Ordinary,
    /// A page of HTML, as a captive portal or a wrong base URL gives.
    Html,
    /// Nothing.
    Empty,
    /// JSON that breaks off.
    BrokenJson,
    /// JSON of another shape.
    OtherJson,
    /// This text, with the content type `application/json`.
    Text(String),
    /// This text as the whole body of a stream, with the content type `text/event-stream`.
    Events(String),
}

/// Where a stream carries its usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsagePlacement {
    /// A chunk of its own with no choices, when `stream_options.include_usage` asks for it.
    WhenAsked,
    /// The same, asked for or not.
    Always,
    /// In the chunk with the finish reason.
    OnStop,
    /// In every chunk, cumulative, and at the end in a chunk of its own.
    EveryChunk,
    /// Two chunks of its own.
    Twice,
    /// A chunk of its own that also has a choice.
    WithChoice,
    /// Nowhere; whole answers do not carry it either.
    Never,
}

/// How the end of a stream's body is marked on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// By chunked transfer coding.
    Chunked,
    /// By closing the connection, so that a cut cannot be told from an end.
    Close,
}

/// Where and how a body breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Bytes of the body that are still sent.
    pub at_byte: usize,
    /// How the connection ends.
    pub by: CutBy,
}

/// How a cut looks to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutBy {
    /// The body is ended in due form, only too early.
    End,
    /// The connection is closed.
    Fin,
    /// The connection is reset.
    Rst,
}
