//! Reading a provider's stream as events, in any cutting.
//!
//! Servers that speak the dialect differ in where they put thoughts, figures and errors, and in how
//! they cut tool calls; what each does is noted where it is read. A choice is over when the stream
//! is, not with its `finish_reason`: some servers send more after it.

mod choice;
mod chunk;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use self::choice::ChoiceState;
use self::chunk::{Chunk, text};
use super::{error, usage};
use crate::canonical::Event;
use crate::errors::UpstreamErrorBody;
use crate::sse;
use crate::stream::{Decode, ScanError};

/// A reader of one stream.
#[derive(Debug, Default)]
pub struct Decoder {
    splitter: sse::Splitter,
    has_started: bool,
    /// The answer's id, for the ids of calls that have none.
    id: String,
    tier: Option<String>,
    choices: BTreeMap<u32, ChoiceState>,
    /// Calls that came without an id so far.
    made_ids: usize,
    /// Nothing more is read: the end or an error came.
    is_over: bool,
}

impl Decoder {
    /// A reader of a stream that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&mut self, event: &[u8], events: &mut Vec<Event>) -> Result<(), ScanError> {
        let Some(data) = sse::data(event) else { return Ok(()) };
        let text = data.trim_ascii();
        if text == b"[DONE]" {
            self.end(events);
            return Ok(());
        }
        if text.is_empty() {
            return Ok(());
        }
        let chunk: Chunk<'_> = serde_json::from_slice(text).map_err(|_| ScanError::Malformed)?;
        if let Some(said) = failure(&chunk, text)? {
            events.push(Event::Failed(said));
            self.is_over = true;
            return Ok(());
        }
        self.take(chunk, events);
        Ok(())
    }

    fn take(&mut self, chunk: Chunk<'_>, events: &mut Vec<Event>) {
        let choices = chunk.choices.unwrap_or_default();
        if !self.has_started && !choices.is_empty() {
            self.has_started = true;
            let named = |name: Option<&RawValue>| name.and_then(text).filter(|name| !name.is_empty());
            let (id, model) = (named(chunk.id), named(chunk.model));
            self.id = id.clone().unwrap_or_default();
            events.push(Event::Start {
                id,
                model,
                created: chunk.created.as_ref().and_then(serde_json::Value::as_i64),
            });
        }
        self.tier(chunk.service_tier, events);
        // Groq puts the figures under a name of its own, Moonshot into the choice.
        let mut of_choice = None;
        for choice in choices {
            of_choice = choice.usage.or(of_choice);
            let state = self.choices.entry(choice.index.unwrap_or_default()).or_default();
            let (answer, made) = (&self.id, &mut self.made_ids);
            let mut make_id = || {
                *made += 1;
                super::answer::made_id(answer, *made)
            };
            state.take(choice, &mut make_id, events);
        }
        for figures in [of_choice, chunk.x_groq.and_then(|own| own.usage), chunk.usage].into_iter().flatten() {
            self.figures(figures, events);
        }
    }

    /// Every chunk says the tier; it is told once.
    fn tier(&mut self, written: Option<&RawValue>, events: &mut Vec<Event>) {
        let Some(written) = written else { return };
        let is_known = self.tier.as_deref().is_some_and(|tier| written.get().trim_matches('"') == tier);
        if !is_known && let Some(tier) = text(written) {
            events.push(Event::ServiceTier(tier.clone()));
            self.tier = Some(tier);
        }
    }

    fn figures(&mut self, figures: &RawValue, events: &mut Vec<Event>) {
        let usage = serde_json::from_str(figures.get()).ok().as_ref().and_then(usage::from_wire);
        events.extend(usage::with_tier(usage, self.tier.as_deref()).map(Event::Usage));
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        for state in self.choices.values_mut() {
            state.end(events);
        }
        events.push(Event::Done);
        self.is_over = true;
    }

    /// True when every choice that began said why it ended.
    fn is_complete(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(ChoiceState::has_finished)
    }
}

impl Decode for Decoder {
    fn push(&mut self, piece: Bytes, events: &mut Vec<Event>) -> Result<(), ScanError> {
        if self.is_over {
            return Ok(());
        }
        let whole = self.splitter.push(piece).map_err(|sse::TooLarge| ScanError::TooLarge)?;
        for event in sse::events(&whole) {
            self.read(event, events)?;
            if self.is_over {
                break;
            }
        }
        Ok(())
    }

    fn finish(&mut self, events: &mut Vec<Event>) {
        let rest = self.splitter.finish();
        if !self.is_over && is_whole(&rest) {
            // What is no chunk after all says nothing; the stream is then cut short.
            let _ = self.read(&rest, events);
        }
        // Some servers send no end mark.
        if !self.is_over && self.is_complete() {
            self.end(events);
        }
    }
}

/// What the provider said was wrong, if it did: in a member of its own, as OpenRouter does also
/// within a choice, or bare, as vLLM does.
fn failure(chunk: &Chunk<'_>, text: &[u8]) -> Result<Option<UpstreamErrorBody>, ScanError> {
    let in_choice = || chunk.choices.iter().flatten().find_map(|choice| choice.error.as_ref());
    if let Some(said) = chunk.error.as_ref().or_else(in_choice).filter(|error| !error.is_null()) {
        let unreadable = || UpstreamErrorBody { message: said.to_string(), ..UpstreamErrorBody::default() };
        return Ok(Some(error::from_value(said).unwrap_or_else(unreadable)));
    }
    if chunk.choices.is_none() && chunk.message.is_some() {
        return error::parse(text).map(Some).ok_or(ScanError::Malformed);
    }
    Ok(None)
}

/// True for an event that lacks only its line breaks.
fn is_whole(event: &[u8]) -> bool {
    let Some(data) = sse::data(event) else { return false };
    data.trim_ascii() == b"[DONE]" || serde_json::from_slice::<IgnoredAny>(&data).is_ok()
}

#[cfg(test)]
mod tests;
