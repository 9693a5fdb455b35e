//! Reads an event stream as OpenAI's clients do.

use futures_util::StreamExt as _;
use serde_json::Value;

/// A stream that was read to its end.
#[derive(Debug, Default)]
pub struct Stream {
    /// All bytes of the body.
    pub bytes: Vec<u8>,
    /// The events, parsed; `[DONE]` is not among them.
    pub events: Vec<Value>,
    /// Whether the last line was `data: [DONE]`.
    pub is_done: bool,
    /// Whether the connection ended before the body did.
    pub is_aborted: bool,
}

impl Stream {
    /// Reads an answer's body to its end, be it a good or a bad one.
    ///
    /// # Panics
    /// When a `data:` line is neither JSON nor `[DONE]`.
    pub async fn read(answer: reqwest::Response) -> Self {
        let mut body = answer.bytes_stream();
        let mut bytes = Vec::new();
        let mut is_aborted = false;
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(_) => is_aborted = true,
            }
        }
        Self { is_aborted, ..Self::parse(bytes) }
    }

    /// Parses the bytes of a body.
    ///
    /// # Panics
    /// When a `data:` line is neither JSON nor `[DONE]`.
    pub fn parse(bytes: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&bytes);
        let payloads: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let is_done = payloads.last() == Some(&"[DONE]");
        let events = payloads
            .iter()
            .filter(|payload| **payload != "[DONE]")
            .map(|payload| serde_json::from_str(payload).unwrap_or_else(|error| panic!("{error} in {payload}")))
            .collect();
        Self { events, is_done, is_aborted: false, bytes }
    }

    /// The text of all chunks together.
    pub fn text(&self) -> String {
        self.events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
    }

    /// The chunks that carry a usage.
    pub fn usages(&self) -> Vec<&Value> {
        self.events.iter().map(|event| &event["usage"]).filter(|usage| usage.is_object()).collect()
    }

    /// The error told in the stream, if one was.
    pub fn error(&self) -> Option<&Value> {
        self.events.iter().map(|event| &event["error"]).find(|error| error.is_object())
    }
}
