//! Scanning a provider's stream while it flows to a client of the same dialect.
//!
//! The client gets the provider's bytes. What is taken out, and reported, is an error in the stream;
//! what is noticed is whether the end came. Each event is passed over once without parsing; parsed
//! are those that carry figures, errors or the end, and all until the first output, so that nonsense
//! is known while another provider can still be asked.

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::event::Events;
use super::{error, usage};
use crate::errors::ErrorNote;
use crate::stream::{Finished, Scan, ScanError, Scanned, StreamEnd, StreamFacts};
use crate::{json, sse};

/// A scanner of one stream.
#[derive(Debug, Default)]
pub struct Scanner {
    splitter: sse::Splitter,
    facts: StreamFacts,
    /// The number of the last event, for one of ours to follow it.
    last_event: Option<u64>,
    failure: Option<ScanError>,
}

/// One pass over an event.
#[derive(Default)]
struct Glance<'a> {
    kind: &'a [u8],
    /// What kind of item it is about.
    item: &'a [u8],
    number: Option<u64>,
    /// Bytes of its delta, as written.
    delta_bytes: u64,
}

/// An event that is worth parsing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Parsed {
    response: Response,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Response {
    id: Option<String>,
    model: Option<String>,
    created_at: Option<Value>,
    usage: Option<Value>,
}

/// What becomes of an event.
enum Verdict {
    Forward,
    End,
}

impl Scanner {
    /// A scanner for a stream that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    fn scan(&mut self, whole: &Bytes) -> Scanned {
        let mut kept = 0;
        for event in sse::events(whole) {
            match self.judge(event) {
                Ok(Verdict::Forward) => kept += event.len(),
                Ok(Verdict::End) => {
                    kept += event.len();
                    self.facts.is_done = true;
                    break;
                }
                Err(failure) => {
                    self.failure = Some(failure);
                    break;
                }
            }
        }
        Scanned { forward: whole.slice(..kept), failure: self.failure.clone() }
    }

    fn judge(&mut self, event: &[u8]) -> Result<Verdict, ScanError> {
        let Some(data) = sse::data(event) else { return Ok(Verdict::Forward) };
        let text = data.trim_ascii();
        if text.is_empty() || text == b"[DONE]" {
            return Ok(Verdict::Forward);
        }
        if !(text.starts_with(b"{") && text.ends_with(b"}")) {
            return Err(ScanError::Malformed);
        }
        let glance = glance(text);
        if !self.facts.has_output && serde_json::from_slice::<IgnoredAny>(text).is_err() {
            return Err(ScanError::Malformed);
        }
        self.last_event = glance.number.or(self.last_event);
        self.take(&glance, text)
    }

    fn take(&mut self, glance: &Glance<'_>, text: &[u8]) -> Result<Verdict, ScanError> {
        match glance.kind {
            b"response.created" | b"response.in_progress" | b"response.queued" => self.note(text)?,
            b"response.completed" | b"response.incomplete" => {
                self.note(text)?;
                self.facts.finished_choices = 1;
                return Ok(Verdict::End);
            }
            b"error" | b"response.failed" => {
                self.note(text)?;
                let event: Value = serde_json::from_slice(text).map_err(|_| ScanError::Malformed)?;
                return Err(ScanError::Upstream(error::from_event(&event)));
            }
            b"response.output_item.added" => {
                self.count(matches!(glance.item, b"function_call" | b"custom_tool_call"), 0);
            }
            // Some servers send no deltas.
            b"response.output_item.done" if !self.facts.has_output => self.count(
                matches!(glance.item, b"message" | b"function_call" | b"custom_tool_call" | b"image_generation_call"),
                text.len() as u64,
            ),
            b"" => return Err(error::parse(text).map_or(ScanError::Malformed, ScanError::Upstream)),
            kind if kind.ends_with(b".delta") => self.count(glance.delta_bytes > 0, glance.delta_bytes),
            _ => {}
        }
        Ok(Verdict::Forward)
    }

    fn count(&mut self, is_output: bool, bytes: u64) {
        if is_output {
            self.facts.has_output = true;
            self.facts.output_chunks += 1;
            self.facts.output_bytes = self.facts.output_bytes.saturating_add(bytes);
        }
    }

    fn note(&mut self, text: &[u8]) -> Result<(), ScanError> {
        let Parsed { response } = serde_json::from_slice(text).map_err(|_| ScanError::Malformed)?;
        let facts = &mut self.facts;
        facts.id = facts.id.take().or(response.id);
        facts.model = response.model.or(facts.model.take());
        facts.created = facts.created.or_else(|| response.created_at.as_ref().and_then(Value::as_i64));
        facts.usage = response.usage.as_ref().and_then(usage::from_wire).or(facts.usage);
        Ok(())
    }
}

impl Scan for Scanner {
    fn push(&mut self, piece: Bytes) -> Scanned {
        if self.facts.is_done || self.failure.is_some() {
            return Scanned::default();
        }
        if let Ok(whole) = self.splitter.push(piece) {
            return self.scan(&whole);
        }
        self.failure = Some(ScanError::TooLarge);
        Scanned { forward: Bytes::new(), failure: self.failure.clone() }
    }

    fn finish(&mut self) -> Finished {
        let mut forward = Bytes::new();
        let rest = self.splitter.finish();
        if self.failure.is_none() && !self.facts.is_done && is_whole_though_unfinished(&rest) {
            // The last line lacks its line breaks: the words are there, the client gets them whole.
            forward = self.scan(&Bytes::from([rest.trim_ascii_end(), b"\n\n"].concat())).forward;
        }
        let end = match &self.failure {
            Some(failure) => StreamEnd::Failed(failure.clone()),
            None if self.facts.is_done => StreamEnd::Done,
            None => StreamEnd::Truncated,
        };
        Finished { forward, end }
    }

    fn facts(&self) -> &StreamFacts {
        &self.facts
    }

    fn fail(&mut self, note: &ErrorNote<'_>) -> Bytes {
        let facts = &self.facts;
        let response = json!({
            "id": facts.id.as_deref().unwrap_or("resp_0"), "object": "response",
            "created_at": facts.created.unwrap_or_default(), "model": facts.model.as_deref().unwrap_or_default(),
            "output": [], "usage": facts.usage.as_ref().map(usage::to_wire),
            "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
        });
        let mut out = BytesMut::new();
        let mut events = self.last_event.map_or_else(Events::default, Events::after);
        error::write_end(note, response, &mut events, &mut out);
        out.freeze()
    }
}

fn glance(text: &[u8]) -> Glance<'_> {
    let mut found = Glance::default();
    json::walk(text, |key| match (key.depth, key.name) {
        (1, b"type") => found.kind = string(text, key.value_start),
        (2, b"type") => found.item = string(text, key.value_start),
        (1, b"sequence_number") => found.number = number(text, key.value_start),
        (1, b"delta") => found.delta_bytes = json::string_bytes(text, key.value_start) as u64,
        _ => {}
    });
    found
}

fn string(text: &[u8], start: usize) -> &[u8] {
    let length = json::string_bytes(text, start);
    text.get(start + 1..start + 1 + length).unwrap_or_default()
}

fn number(text: &[u8], start: usize) -> Option<u64> {
    std::str::from_utf8(&text[start..json::value_end(text, start)]).ok()?.parse().ok()
}

fn is_whole_though_unfinished(event: &[u8]) -> bool {
    sse::data(event).is_some_and(|data| serde_json::from_slice::<IgnoredAny>(&data).is_ok())
}

#[cfg(test)]
mod tests;
