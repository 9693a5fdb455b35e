//! Watching a provider's stream while it flows to a client of the same dialect.
//!
//! The client gets the provider's bytes, events of unknown types included. An error in the stream is
//! taken out and reported, and nothing follows `message_stop`. Until the first output every event is
//! parsed, so that a page of HTML is known while another provider can still be asked; after that,
//! pieces of text are only passed over.

use std::borrow::Cow;

use bytes::Bytes;

use super::error;
use super::events::{self, Figures};
use crate::errors::ErrorNote;
use crate::stream::{Finished, Scan, ScanError, Scanned, StreamEnd, StreamFacts};
use crate::{json, sse};

/// A scanner of one stream.
#[derive(Debug, Default)]
pub struct Scanner {
    splitter: sse::Splitter,
    facts: StreamFacts,
    figures: Figures,
    failure: Option<ScanError>,
}

/// What one pass over an event found.
#[derive(Default)]
struct Glance {
    is_delta: bool,
    text_bytes: usize,
}

impl Scanner {
    /// A scanner for a stream that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decides on whole events; what is forwarded is a beginning of them.
    fn scan(&mut self, whole: &Bytes) -> Scanned {
        let mut kept = 0;
        for event in sse::events(whole) {
            if let Err(failure) = self.judge(event) {
                self.failure = Some(failure.clone());
                return Scanned { forward: whole.slice(..kept), failure: Some(failure) };
            }
            kept += event.len();
            if self.facts.is_done {
                break;
            }
        }
        Scanned { forward: whole.slice(..kept), failure: None }
    }

    fn judge(&mut self, event: &[u8]) -> Result<(), ScanError> {
        let Some(data) = sse::data(event) else { return Ok(()) };
        let text = data.trim_ascii();
        if text.is_empty() {
            return Ok(());
        }
        if !(text.starts_with(b"{") && text.ends_with(b"}")) {
            return Err(ScanError::Malformed);
        }
        let glance = glance(text);
        if !(glance.is_delta && self.facts.has_output) {
            self.read(text)?;
        }
        self.facts.has_output |= glance.text_bytes > 0;
        self.facts.output_chunks += u64::from(glance.text_bytes > 0);
        self.facts.output_bytes = self.facts.output_bytes.saturating_add(glance.text_bytes as u64);
        Ok(())
    }

    fn read(&mut self, text: &[u8]) -> Result<(), ScanError> {
        let event = events::read(text)?;
        let facts = &mut self.facts;
        match &*event.r#type {
            "message_start" => {
                let message = event.message.ok_or(ScanError::Malformed)?;
                facts.id = message.id.map(Cow::into_owned);
                facts.model = message.model.map(Cow::into_owned);
                facts.usage = self.figures.take(message.usage).or(facts.usage);
            }
            "content_block_start" => {
                // A call, a search or an encrypted thought is output before any text comes.
                let block = event.content_block.unwrap_or_default();
                let is_output = !matches!(&*block.r#type, "" | "text" | "thinking");
                facts.has_output |= is_output;
                facts.output_chunks += u64::from(is_output);
            }
            "content_block_delta" => facts.has_output |= !event.delta.signature.is_empty(),
            "message_delta" => {
                facts.finished_choices |= u64::from(event.delta.stop_reason.is_some());
                facts.usage = self.figures.take(event.usage).or(facts.usage);
            }
            "message_stop" => facts.is_done = true,
            _ => {}
        }
        Ok(())
    }
}

impl Scan for Scanner {
    fn push(&mut self, piece: Bytes) -> Scanned {
        if self.facts.is_done || self.failure.is_some() {
            return Scanned::default();
        }
        let Ok(whole) = self.splitter.push(piece) else {
            self.failure = Some(ScanError::TooLarge);
            return Scanned { forward: Bytes::new(), failure: Some(ScanError::TooLarge) };
        };
        self.scan(&whole)
    }

    fn finish(&mut self) -> Finished {
        let rest = self.splitter.finish();
        let mut forward = Bytes::new();
        if self.failure.is_none() && !self.facts.is_done && is_whole_though_unfinished(&rest) {
            // The last event lacks its line breaks: the words are there, the client gets them whole.
            let whole = Bytes::from([rest.trim_ascii_end(), b"\n\n"].concat());
            forward = self.scan(&whole).forward;
        }
        let end = match self.failure.take() {
            Some(failure) => StreamEnd::Failed(failure),
            None if self.facts.is_done => StreamEnd::Done,
            None => StreamEnd::Truncated,
        };
        Finished { forward, end }
    }

    fn facts(&self) -> &StreamFacts {
        &self.facts
    }

    fn fail(&mut self, note: &ErrorNote<'_>) -> Bytes {
        error::render_event(note)
    }
}

/// Passes over an event once. The depths are those of `{type,delta:{text}}`.
fn glance(text: &[u8]) -> Glance {
    let mut found = Glance::default();
    json::walk(text, |key| match (key.depth, key.name) {
        (1, b"type") => found.is_delta = text[key.value_start..].starts_with(br#""content_block_delta""#),
        (2, b"text" | b"thinking" | b"partial_json") => found.text_bytes += json::string_bytes(text, key.value_start),
        _ => {}
    });
    found
}

fn is_whole_though_unfinished(event: &[u8]) -> bool {
    sse::data(event).is_some_and(|data| serde_json::from_slice::<serde::de::IgnoredAny>(&data).is_ok())
}
