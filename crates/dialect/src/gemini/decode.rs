//! Reading a provider's stream into events.
//!
//! Each element of the stream is a `GenerateContentResponse` with what is new. Texts of one kind that
//! follow each other are one part; a call comes whole. Google sends no end mark, so how each candidate
//! ended is told when the stream ends.

use std::collections::BTreeMap;

use std::borrow::Cow;

use bytes::Bytes;
use megarouter_domain::usage::Usage;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::{self, CallIds};
use super::framing::Framing;
use super::wire::{count, keyword, list, member, owned, text};
use super::{error, finish, logprobs, part};
use crate::canonical::{Delta, Event, Finish, Opaque, Opening, Part, ToolCall};
use crate::stream::{Decode, ScanError};

/// A decoder of one stream.
#[derive(Debug, Default)]
pub struct Decoder {
    framing: Framing,
    ids: Option<CallIds>,
    choices: BTreeMap<u32, Choice>,
    usage: Option<Usage>,
    /// The figures as they were written last.
    figures: Box<str>,
    tier: Option<String>,
    is_blocked: bool,
    has_failed: bool,
}

/// One candidate so far.
#[derive(Debug, Default)]
struct Choice {
    /// How many parts began.
    parts: u32,
    /// The part that may go on.
    open: Option<(u32, Kind)>,
    has_calls: bool,
    /// Why it ended; some give their reason with every element.
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thought,
}

/// An element that has nothing but text; anything else in it fails to be read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<'a> {
    #[serde(borrow)]
    candidates: [PlainCandidate<'a>; 1],
    #[serde(borrow, default, rename = "usageMetadata")]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "modelVersion")]
    _model: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "responseId")]
    _id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainCandidate<'a> {
    #[serde(borrow)]
    content: PlainContent<'a>,
    #[serde(default)]
    index: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainContent<'a> {
    #[serde(borrow)]
    parts: Vec<PlainPart<'a>>,
    #[serde(borrow, default, rename = "role")]
    _role: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainPart<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(default)]
    thought: bool,
}

impl Decoder {
    /// A decoder of a stream that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    fn element(&mut self, json: &[u8], events: &mut Vec<Event>) -> Result<(), ScanError> {
        if json.is_empty() || self.has_failed {
            return Ok(());
        }
        if self.plain_element(json, events) {
            return Ok(());
        }
        let said: Value = serde_json::from_slice(json).map_err(|_| ScanError::Malformed)?;
        if let Some(error) = error::from_value(&said) {
            self.has_failed = true;
            events.push(Event::Failed(error));
            return Ok(());
        }
        if !said.is_object() {
            return Err(ScanError::Malformed);
        }
        self.begin(&said, json, events);
        // Before the parts: other dialects tell the size of the input first.
        self.figures(&said, events);
        self.is_blocked |= answer::is_blocked(&said);
        for candidate in list(&said, "candidates") {
            self.candidate(candidate, events);
        }
        Ok(())
    }

    /// Takes an element after the first that has nothing but text, as most have, without building a
    /// tree of it; false for every other.
    fn plain_element(&mut self, json: &[u8], events: &mut Vec<Event>) -> bool {
        if self.ids.is_none() {
            return false;
        }
        let Ok(element) = serde_json::from_slice::<Plain<'_>>(json) else { return false };
        if let Some(figures) = element.usage.filter(|figures| figures.get() != &*self.figures) {
            let Ok(usage) = serde_json::from_str::<Value>(figures.get()) else { return false };
            self.figures = figures.get().into();
            self.figures(&Value::from_iter([("usageMetadata", usage)]), events);
        }
        let [candidate] = element.candidates;
        let mut writer =
            Writer { index: candidate.index, choice: self.choices.entry(candidate.index).or_default(), events };
        for part in candidate.content.parts {
            if !part.text.is_empty() {
                writer.said(if part.thought { Kind::Thought } else { Kind::Text }, part.text.into_owned(), None);
            }
        }
        true
    }

    fn begin(&mut self, said: &Value, json: &[u8], events: &mut Vec<Event>) {
        if self.ids.is_some() {
            return;
        }
        let id = text(said, "responseId");
        self.ids = Some(CallIds::of(id, json));
        events.push(Event::Start {
            id: id.filter(|id| !id.is_empty()).map(str::to_owned),
            model: owned(said, "modelVersion"),
            created: None,
        });
    }

    fn candidate(&mut self, candidate: &Value, events: &mut Vec<Event>) {
        let index = count(candidate, "index").and_then(|index| u32::try_from(index).ok()).unwrap_or(0);
        let Some(ids) = &mut self.ids else { return };
        let mut writer = Writer { index, choice: self.choices.entry(index).or_default(), events };
        let parts = member(candidate, "content").map(|content| list(content, "parts")).unwrap_or_default();
        for part in parts.iter().filter_map(part::read) {
            writer.part(part, ids);
        }
        for citation in answer::citations(candidate) {
            writer.of_text(Delta::Citation(citation));
        }
        if let Some(logprobs) = member(candidate, "logprobsResult").and_then(logprobs::read) {
            writer.of_text(Delta::Logprobs(logprobs));
        }
        if let Some(reason) = keyword(candidate, "finishReason") {
            writer.choice.reason = Some(reason);
        }
    }

    fn figures(&mut self, said: &Value, events: &mut Vec<Event>) {
        if let Some(usage) = answer::figures(said) {
            let searches = usage.searches.or(self.usage.and_then(|before| before.searches));
            let usage = Some(Usage { searches, ..usage });
            if usage != self.usage {
                events.extend(usage.map(Event::Usage));
                self.usage = usage;
            }
        }
        if let Some(tier) = answer::tier(said)
            && self.tier.as_ref() != Some(&tier)
        {
            events.push(Event::ServiceTier(tier.clone()));
            self.tier = Some(tier);
        }
    }
}

impl Decode for Decoder {
    fn push(&mut self, piece: Bytes, events: &mut Vec<Event>) -> Result<(), ScanError> {
        let mut frames = vec![];
        let (_, failure) = self.framing.push(piece, &mut frames);
        for frame in frames {
            self.element(&frame.json, events)?;
        }
        failure.map_or(Ok(()), Err)
    }

    fn finish(&mut self, events: &mut Vec<Event>) {
        let mut frames = vec![];
        self.framing.finish(&mut frames);
        for frame in frames {
            // A rest that is no answer leaves the stream incomplete.
            if self.element(&frame.json, events).is_err() {
                return;
            }
        }
        if self.has_failed {
            return;
        }
        let mut is_complete = !self.choices.is_empty() || self.is_blocked;
        for (index, choice) in &mut self.choices {
            if let Some((part, _)) = choice.open.take() {
                events.push(Event::Close { choice: *index, part });
            }
            match &choice.reason {
                Some(reason) => {
                    events.push(Event::Finish { choice: *index, finish: finish::read(reason, choice.has_calls) });
                }
                None => is_complete = false,
            }
        }
        if self.choices.is_empty() && self.is_blocked {
            events.push(Event::Finish { choice: 0, finish: Finish::ContentFilter });
        }
        if is_complete {
            events.push(Event::Done);
        }
    }
}

/// Writes the events of one candidate.
struct Writer<'a> {
    index: u32,
    choice: &'a mut Choice,
    events: &'a mut Vec<Event>,
}

impl Writer<'_> {
    fn part(&mut self, part: Part, ids: &mut CallIds) {
        match part {
            Part::Text(text) => self.said(Kind::Text, text.text, text.signature),
            Part::Reasoning(thought) => self.said(Kind::Thought, thought.text, thought.signature),
            Part::ToolCall(call) => self.call(call, ids),
            Part::Media(media) => {
                self.close();
                let part = self.open(Opening::Media);
                self.delta(part, Delta::Media(Box::new(media)));
                self.events.push(Event::Close { choice: self.index, part });
            }
            // A model says neither.
            Part::Refusal(_) | Part::ToolResult(_) => {}
        }
    }

    /// More of the open part if it is of this kind, else a new one.
    fn said(&mut self, kind: Kind, text: String, signature: Option<Opaque>) {
        let open = self.choice.open.filter(|(_, open)| *open == kind);
        let part = open.map_or_else(|| self.begin(kind), |(part, _)| part);
        if !text.is_empty() {
            self.delta(part, Delta::Text(text));
        }
        if let Some(signature) = signature {
            self.delta(part, Delta::Signature(signature));
            // "Don't merge one part with a signature with another part without a signature"
            // (ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-22).
            self.close();
        }
    }

    fn call(&mut self, call: ToolCall, ids: &mut CallIds) {
        self.close();
        self.choice.has_calls = true;
        let id = if call.id.is_empty() { ids.next() } else { call.id };
        let part = self.open(Opening::ToolCall { id, name: call.name, kind: call.kind });
        self.delta(part, Delta::Arguments(call.arguments));
        if let Some(signature) = call.signature {
            self.delta(part, Delta::Signature(signature));
        }
        self.events.push(Event::Close { choice: self.index, part });
    }

    /// Something about the text, which is the open part or one that begins with it.
    fn of_text(&mut self, delta: Delta) {
        let open = self.choice.open.filter(|(_, kind)| *kind == Kind::Text);
        let part = open.map_or_else(|| self.begin(Kind::Text), |(part, _)| part);
        self.delta(part, delta);
    }

    /// Begins a part that may go on.
    fn begin(&mut self, kind: Kind) -> u32 {
        self.close();
        let part = self.open(match kind {
            Kind::Text => Opening::Text,
            Kind::Thought => Opening::Reasoning { is_summary: true, id: None },
        });
        self.choice.open = Some((part, kind));
        part
    }

    fn open(&mut self, opening: Opening) -> u32 {
        let part = self.choice.parts;
        self.choice.parts += 1;
        self.events.push(Event::Open { choice: self.index, part, opening });
        part
    }

    fn delta(&mut self, part: u32, delta: Delta) {
        self.events.push(Event::Delta { choice: self.index, part, delta });
    }

    fn close(&mut self) {
        if let Some((part, _)) = self.choice.open.take() {
            self.events.push(Event::Close { choice: self.index, part });
        }
    }
}

#[cfg(test)]
mod tests;
