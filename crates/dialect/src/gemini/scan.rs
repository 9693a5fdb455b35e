//! Scanning a provider's stream while it flows to a client of the same dialect.
//!
//! The client gets the provider's bytes, all of them, but for an error in the stream, which is taken
//! out and reported. Google sends no end mark: the stream was whole when every candidate that was
//! seen gave its `finishReason`. Each answer is passed over once without parsing; only its figures are parsed, and
//! the whole of it where it may end a candidate, carry an error, or comes before the first output.

use std::collections::HashSet;

use bytes::Bytes;
use serde_json::Value;

use super::framing::{Frame, Framing};
use super::wire::{count, list, member, owned};
use super::{answer, error, usage};
use crate::errors::ErrorNote;
use crate::json;
use crate::stream::{Finished, Scan, ScanError, Scanned, StreamEnd, StreamFacts};

/// A scanner of one stream.
#[derive(Debug, Default)]
pub struct Scanner {
    framing: Framing,
    facts: StreamFacts,
    /// The candidates that have ended: some send their reason with every answer.
    finished: HashSet<u64>,
    /// How many candidates were seen, by the highest index.
    choices: u64,
    /// Whether the prompt was refused; no candidate comes then.
    is_blocked: bool,
    /// How many answers were forwarded.
    forwarded: u64,
    failure: Option<ScanError>,
}

/// What one pass over an answer found.
#[derive(Default)]
struct Glance {
    has_output: bool,
    text_bytes: usize,
    /// Where the figures begin.
    usage: Option<usize>,
    /// The highest index of a candidate, where one is named.
    index: u64,
    /// Whether the whole answer must be looked at.
    needs_parsing: bool,
}

impl Scanner {
    /// A scanner of a stream that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    fn scan(&mut self, whole: Bytes, frames: Vec<Frame>) -> Scanned {
        let mut kept = 0;
        for frame in frames {
            if let Err(failure) = self.judge(&frame.json) {
                self.failure = Some(failure);
                return Scanned { forward: whole.slice(..kept), failure: self.failure.clone() };
            }
            kept = frame.end;
        }
        Scanned { forward: whole, failure: None }
    }

    fn judge(&mut self, text: &[u8]) -> Result<(), ScanError> {
        if text.is_empty() {
            return Ok(());
        }
        if !(text.starts_with(b"{") && text.ends_with(b"}")) {
            return Err(error::parse(text).map_or(ScanError::Malformed, ScanError::Upstream));
        }
        let glance = glance(text);
        if glance.needs_parsing || !self.facts.has_output {
            self.read(text)?;
        } else if let Some(start) = glance.usage {
            let figures = &text[start..json::value_end(text, start)];
            let found = serde_json::from_slice(figures).ok().as_ref().and_then(usage::from_wire);
            let searches = self.facts.usage.and_then(|usage| usage.searches);
            if let Some(found) = found {
                self.facts.usage = Some(megarouter_domain::usage::Usage { searches, ..found });
            }
        }
        self.choices = self.choices.max(glance.index + 1);
        self.facts.has_output |= glance.has_output;
        self.facts.output_chunks += u64::from(glance.has_output);
        self.facts.output_bytes = self.facts.output_bytes.saturating_add(glance.text_bytes as u64);
        self.forwarded += 1;
        Ok(())
    }

    fn read(&mut self, text: &[u8]) -> Result<(), ScanError> {
        let said: Value = serde_json::from_slice(text).map_err(|_| ScanError::Malformed)?;
        if let Some(error) = error::from_value(&said) {
            return Err(ScanError::Upstream(error));
        }
        let facts = &mut self.facts;
        facts.id = facts.id.take().or_else(|| owned(&said, "responseId"));
        facts.model = facts.model.take().or_else(|| owned(&said, "modelVersion"));
        if let Some(usage) = answer::figures(&said) {
            facts.usage = Some(usage);
        }
        self.is_blocked |= answer::is_blocked(&said);
        for candidate in list(&said, "candidates") {
            if member(candidate, "finishReason").is_some() {
                self.finished.insert(count(candidate, "index").unwrap_or(0));
            }
        }
        // Of a refused prompt no candidate comes; that is how its one answer ended.
        facts.finished_choices = (self.finished.len() as u64).max(self.is_blocked.into());
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.is_blocked || self.facts.finished_choices >= self.choices.max(1)
    }
}

impl Scan for Scanner {
    fn push(&mut self, piece: Bytes) -> Scanned {
        if self.failure.is_some() {
            return Scanned::default();
        }
        let mut frames = vec![];
        let (whole, failure) = self.framing.push(piece, &mut frames);
        let scanned = self.scan(whole, frames);
        self.failure = scanned.failure.or(failure);
        Scanned { forward: scanned.forward, failure: self.failure.clone() }
    }

    fn finish(&mut self) -> Finished {
        let mut forward = Bytes::new();
        if self.failure.is_none() {
            let mut frames = vec![];
            let rest = self.framing.finish(&mut frames);
            forward = self.scan(rest, frames).forward;
        }
        let end = match self.failure.take() {
            Some(failure) => StreamEnd::Failed(failure),
            None if self.is_complete() => StreamEnd::Done,
            None => StreamEnd::Truncated,
        };
        self.facts.is_done = end == StreamEnd::Done;
        Finished { forward, end }
    }

    fn facts(&self) -> &StreamFacts {
        &self.facts
    }

    fn fail(&mut self, note: &ErrorNote<'_>) -> Bytes {
        if !self.framing.is_array() {
            return error::render_event(note);
        }
        let before: &[u8] = if self.forwarded == 0 { b"[" } else { b",\n" };
        Bytes::from([before, &error::render(note), b"]"].concat())
    }
}

/// Passes over an answer once. The depths are those of `{candidates:[{content:{parts:[{text}]}}]}`.
fn glance(text: &[u8]) -> Glance {
    let mut found = Glance::default();
    json::walk(text, |key| {
        let value = text.get(key.value_start).copied().unwrap_or(b'n');
        match (key.depth, key.name) {
            (1, b"usageMetadata") => found.usage = Some(key.value_start),
            (1, b"error" | b"promptFeedback") | (3, b"finishReason" | b"groundingMetadata") => {
                found.needs_parsing = true;
            }
            (3, b"index") => found.index = found.index.max(index_at(&text[key.value_start..])),
            (6, b"text") => {
                let bytes = json::string_bytes(text, key.value_start);
                found.text_bytes += bytes;
                found.has_output |= bytes > 0;
            }
            (6, b"functionCall" | b"inlineData" | b"executableCode" | b"codeExecutionResult") => {
                found.has_output |= value == b'{';
            }
            (7, b"args") => {
                found.text_bytes += json::value_end(text, key.value_start).saturating_sub(key.value_start);
            }
            _ => {}
        }
    });
    found
}

/// The number that a text begins with.
fn index_at(text: &[u8]) -> u64 {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).take(9);
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

#[cfg(test)]
mod tests;
