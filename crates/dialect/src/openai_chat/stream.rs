//! Scanning a provider's stream while it flows to the client.
//!
//! The client gets the provider's bytes. What differs, and only that: the extra usage chunk, which
//! we always ask the provider for, reaches the client exactly once and only if it asked; an error in
//! the stream is taken out and reported; nothing follows `[DONE]`. Push pieces in as they arrive and
//! end with `finish`, which says whether the provider said everything it had to.
//!
//! Each event is passed over once without parsing. Events that carry figures or errors are parsed,
//! and so are all events until the first output, so that a page of HTML or a broken answer is known
//! while another provider can still be asked.

mod glance;
mod output;

use std::borrow::Cow;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use self::glance::{Glance, glance};
use self::output::Output;
use super::{error, usage};
use crate::errors::{ErrorNote, UpstreamErrorBody};
use crate::stream::{Finished, Scan, ScanError, Scanned, StreamEnd, StreamFacts};
use crate::{json, sse};

/// What the scanner has to know about the request and the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// Whether the client asked for the usage chunk.
    pub wants_usage: bool,
    /// Whether the provider ends its streams with `[DONE]`; where it does not, a finish reason for
    /// each choice is the end.
    pub sends_done: bool,
    /// How many answers were asked for.
    pub choices: u64,
}

/// A scanner of one stream.
#[derive(Debug)]
pub struct StreamScanner {
    expectations: Expectations,
    splitter: sse::Splitter,
    facts: StreamFacts,
    /// The latest extra usage chunk, kept back to be sent once, just before the end.
    usage_chunk: Option<Bytes>,
    /// The latest figures as the provider wrote them.
    figures: Option<Box<RawValue>>,
    /// What the provider calls its chunks.
    object: Option<String>,
    failure: Option<ScanError>,
}

/// The event that ends a stream.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// What becomes of an event.
enum Verdict {
    /// It goes to the client as it is.
    Forward,
    /// It goes to the client with a range replaced.
    Splice(Range<usize>, &'static [u8]),
    /// The client does not get it.
    Drop,
    /// It is `[DONE]`.
    End,
}

/// A chunk that is worth parsing.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    object: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    service_tier: Option<Cow<'a, str>>,
    #[serde(default)]
    created: Option<Value>,
    #[serde(borrow, default)]
    choices: Option<Vec<ChoiceMember<'a>>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    x_groq: Option<GroqMember<'a>>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    message: Option<Value>,
}

/// Groq puts figures under a name of its own in the last chunk (console.groq.com/docs/api-reference,
/// read 2026-11-22).
#[derive(Deserialize)]
struct GroqMember<'a> {
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

/// Moonshot puts figures into the last chunk's choice (platform.moonshot.ai/docs/api/chat, read
/// 2026-11-22).
#[derive(Deserialize)]
struct ChoiceMember<'a> {
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

/// The extra chunk that carries the usage, as OpenAI writes it.
#[derive(Serialize)]
struct UsageChunk<'a> {
    id: &'a str,
    object: &'a str,
    created: i64,
    model: &'a str,
    choices: [(); 0],
    usage: &'a RawValue,
}

impl Scan for StreamScanner {
    fn facts(&self) -> &StreamFacts {
        &self.facts
    }

    fn push(&mut self, piece: Bytes) -> Scanned {
        if self.facts.is_done || self.failure.is_some() {
            return Scanned::default();
        }
        match self.splitter.push(piece) {
            Ok(whole) => self.scan(&whole),
            Err(sse::TooLarge) => self.failed(Bytes::new(), ScanError::TooLarge),
        }
    }

    fn finish(&mut self) -> Finished {
        let mut forward = BytesMut::new();
        let rest = self.splitter.finish();
        if self.failure.is_none() && !self.facts.is_done && is_whole_though_unfinished(&rest) {
            // The last line lacks its line breaks: the words are there, the client gets them whole.
            let whole = Bytes::from([rest.trim_ascii_end(), b"\n\n"].concat());
            forward.extend_from_slice(&self.scan(&whole).forward);
        }
        let end = match self.failure.take() {
            Some(failure) => StreamEnd::Failed(failure),
            None if self.facts.is_done => StreamEnd::Done,
            None if !self.expectations.sends_done && self.has_finished_all_choices() => {
                forward.extend_from_slice(&self.closing_usage());
                forward.extend_from_slice(DONE);
                self.facts.is_done = true;
                StreamEnd::Done
            }
            None => StreamEnd::Truncated,
        };
        Finished { forward: forward.freeze(), end }
    }

    fn fail(&mut self, note: &ErrorNote<'_>) -> Bytes {
        error::render_event(note)
    }
}

impl StreamScanner {
    /// A scanner for a stream that has not begun.
    pub fn new(expectations: Expectations) -> Self {
        Self {
            expectations,
            splitter: sse::Splitter::default(),
            facts: StreamFacts::default(),
            usage_chunk: None,
            figures: None,
            object: None,
            failure: None,
        }
    }

    fn has_finished_all_choices(&self) -> bool {
        self.facts.finished_choices >= self.expectations.choices.max(1)
    }

    fn failed(&mut self, forward: Bytes, failure: ScanError) -> Scanned {
        self.failure = Some(failure.clone());
        Scanned { forward, failure: Some(failure) }
    }

    /// Decides on whole events. As long as none changes, the bytes are handed on without a copy.
    fn scan(&mut self, whole: &Bytes) -> Scanned {
        let mut output = Output::new(whole);
        for event in sse::events(whole) {
            match self.judge(event) {
                Ok(Verdict::Forward) => output.keep(event),
                Ok(Verdict::Splice(cut, instead)) => {
                    output.write(&event[..cut.start]);
                    output.write(instead);
                    output.write(&event[cut.end..]);
                }
                Ok(Verdict::Drop) => output.write(b""),
                Ok(Verdict::End) => {
                    let usage = self.closing_usage();
                    if !usage.is_empty() {
                        output.write(&usage);
                    }
                    output.keep(event);
                    self.facts.is_done = true;
                    break;
                }
                Err(failure) => return self.failed(output.finish(), failure),
            }
        }
        Scanned { forward: output.finish(), failure: None }
    }

    fn judge(&mut self, event: &[u8]) -> Result<Verdict, ScanError> {
        let Some(data) = sse::data(event) else { return Ok(Verdict::Forward) };
        let text = data.trim_ascii();
        if text == b"[DONE]" {
            return Ok(Verdict::End);
        }
        if text.is_empty() {
            return Ok(Verdict::Forward);
        }
        if !(text.starts_with(b"{") && text.ends_with(b"}")) {
            return Err(ScanError::Malformed);
        }
        let glance = glance(text);
        let needs_parsing = glance.has_figures || glance.has_error || !self.facts.has_output;
        let has_choices = if needs_parsing { self.read(text)? } else { true };
        self.count(&glance);
        if !has_choices && glance.has_figures {
            self.usage_chunk = Some(Bytes::copy_from_slice(event));
            return Ok(Verdict::Drop);
        }
        Ok(self.without_usage(event, text, &glance))
    }

    /// Parses a chunk for what a glance cannot give; returns whether it has choices.
    fn read(&mut self, text: &[u8]) -> Result<bool, ScanError> {
        let chunk: Chunk<'_> = serde_json::from_slice(text).map_err(|_| ScanError::Malformed)?;
        if let Some(said) = chunk.error.as_ref().filter(|error| !error.is_null()) {
            let unreadable = || UpstreamErrorBody { message: said.to_string(), ..UpstreamErrorBody::default() };
            return Err(ScanError::Upstream(error::from_value(said).unwrap_or_else(unreadable)));
        }
        if chunk.choices.is_none() && chunk.message.is_some() {
            return Err(error::parse(text).map_or(ScanError::Malformed, ScanError::Upstream));
        }
        let of_groq = chunk.x_groq.and_then(|own| own.usage);
        let of_choice = chunk.choices.iter().flatten().find_map(|choice| choice.usage);
        for figures in [of_choice, of_groq, chunk.usage].into_iter().flatten() {
            if let Some(usage) = serde_json::from_str(figures.get()).ok().as_ref().and_then(usage::from_wire) {
                self.facts.usage = usage::with_tier(Some(usage), chunk.service_tier.as_deref());
                self.figures = Some(figures.to_owned());
            }
        }
        self.object = self.object.take().or_else(|| chunk.object.map(Cow::into_owned));
        let facts = &mut self.facts;
        facts.id = facts.id.take().or_else(|| chunk.id.map(Cow::into_owned));
        facts.model = facts.model.take().or_else(|| chunk.model.map(Cow::into_owned));
        facts.created = facts.created.or_else(|| chunk.created.as_ref().and_then(Value::as_i64));
        Ok(chunk.choices.is_some_and(|choices| !choices.is_empty()))
    }

    fn count(&mut self, glance: &Glance) {
        let facts = &mut self.facts;
        facts.has_output |= glance.has_output;
        facts.output_chunks += u64::from(glance.has_output);
        facts.output_bytes = facts.output_bytes.saturating_add(glance.text_bytes as u64);
        facts.finished_choices += glance.finished;
    }

    /// A chunk of content says `usage` only if the client asked, and then says null.
    fn without_usage(&self, event: &[u8], text: &[u8], glance: &Glance) -> Verdict {
        let Some((start, value_start)) = glance.usage else { return Verdict::Forward };
        let Some(offset) = offset_in(event, text) else { return Verdict::Forward };
        let (cut, instead) = if self.expectations.wants_usage {
            (value_start..json::value_end(text, value_start), b"null".as_slice())
        } else {
            (json::member_range(text, start, value_start), b"".as_slice())
        };
        if &text[cut.clone()] == instead {
            return Verdict::Forward;
        }
        Verdict::Splice(offset + cut.start..offset + cut.end, instead)
    }

    /// The usage chunk that goes before the end mark: the provider's own, or one made from figures
    /// that came elsewhere. Empty when the client did not ask or there are no figures.
    fn closing_usage(&mut self) -> Bytes {
        let kept = self.usage_chunk.take();
        if !self.expectations.wants_usage {
            return Bytes::new();
        }
        kept.or_else(|| self.made_usage_chunk()).unwrap_or_default()
    }

    fn made_usage_chunk(&self) -> Option<Bytes> {
        let facts = &self.facts;
        let chunk = UsageChunk {
            id: facts.id.as_deref().unwrap_or_default(),
            object: self.object.as_deref().unwrap_or("chat.completion.chunk"),
            created: facts.created.unwrap_or_default(),
            model: facts.model.as_deref().unwrap_or_default(),
            choices: [],
            usage: self.figures.as_deref()?,
        };
        let chunk = serde_json::to_string(&chunk).expect("strings and numbers always serialise");
        Some(Bytes::from(format!("data: {chunk}\n\n")))
    }
}

/// Where `text` lies in `event`; `None` when it was joined from several lines.
fn offset_in(event: &[u8], text: &[u8]) -> Option<usize> {
    let offset = text.as_ptr().addr().checked_sub(event.as_ptr().addr())?;
    (offset + text.len() <= event.len()).then_some(offset)
}

fn is_whole_though_unfinished(event: &[u8]) -> bool {
    let Some(data) = sse::data(event) else { return false };
    data.trim_ascii() == b"[DONE]" || serde_json::from_slice::<IgnoredAny>(&data).is_ok()
}

#[cfg(test)]
mod tests;
