//! Reading a stream, or a whole answer, of this dialect into canonical events.
//!
//! Deltas are taken as they come, and the final item of `output_item.done` fills in what no delta
//! brought: some servers send only the one, some only the other. Items of tools that the provider
//! runs itself have no canonical form and are left out.

mod parts;

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use self::parts::{Parts, Place};
use super::{error, usage};
use crate::canonical::{Event, Finish};
use crate::errors::UpstreamErrorBody;
use crate::sse;
use crate::stream::{Decode, ScanError};

/// Decodes one stream.
#[derive(Debug, Default)]
pub struct Decoder {
    splitter: sse::Splitter,
    parts: Parts,
    has_started: bool,
    is_over: bool,
}

/// An event on the wire, as far as it is needed.
#[derive(Deserialize)]
struct WireEvent<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(default)]
    output_index: Option<u64>,
    #[serde(default)]
    content_index: Option<u64>,
    #[serde(default)]
    summary_index: Option<u64>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    logprobs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    annotation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    part: Option<&'a RawValue>,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

/// A response on the wire, without what it repeats of the request.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WireResponse {
    id: Option<String>,
    model: Option<String>,
    created_at: Option<Value>,
    status: Option<String>,
    incomplete_details: Option<Value>,
    output: Option<Vec<Value>>,
    usage: Option<Value>,
    service_tier: Option<String>,
}

impl Decoder {
    /// A decoder of a stream that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&mut self, event: &[u8], events: &mut Vec<Event>) -> Result<(), ScanError> {
        let Some(data) = sse::data(event) else { return Ok(()) };
        let text = data.trim_ascii();
        if text.is_empty() || text == b"[DONE]" {
            return Ok(());
        }
        let Ok(wire) = serde_json::from_slice::<WireEvent<'_>>(text) else {
            let said = untyped_error(text).ok_or(ScanError::Malformed)?;
            self.fail(said, events);
            return Ok(());
        };
        if matches!(&*wire.r#type, "error" | "response.failed") {
            let event = serde_json::from_slice(text).unwrap_or_default();
            self.fail(error::from_event(&event), events);
        } else {
            self.read_event(&wire, events);
        }
        Ok(())
    }

    fn fail(&mut self, said: UpstreamErrorBody, events: &mut Vec<Event>) {
        events.push(Event::Failed(said));
        self.is_over = true;
    }

    fn read_event(&mut self, wire: &WireEvent<'_>, events: &mut Vec<Event>) {
        match &*wire.r#type {
            "response.created" | "response.in_progress" | "response.queued" => {
                self.start(&parsed(wire.response), events);
            }
            "response.completed" | "response.incomplete" => self.end(&parsed(wire.response), events),
            _ => {
                self.start(&WireResponse::default(), events);
                self.read_output(wire, events);
            }
        }
    }

    fn read_output(&mut self, wire: &WireEvent<'_>, events: &mut Vec<Event>) {
        let item = wire.output_index.unwrap_or_default();
        let content = wire.content_index.unwrap_or_default();
        let summary = wire.summary_index.unwrap_or_default();
        match &*wire.r#type {
            "response.output_item.added" => self.parts.announce(item, &parsed(wire.item), events),
            "response.content_part.added" => {
                let part: Value = parsed(wire.part);
                let place = match part["type"].as_str() {
                    Some("output_text") => Place::Text(content),
                    Some("refusal") => Place::Refusal(content),
                    _ => return,
                };
                self.parts.open(item, place, events);
            }
            "response.output_text.delta" => self.delta(item, Place::Text(content), wire, events),
            "response.refusal.delta" => self.delta(item, Place::Refusal(content), wire, events),
            "response.reasoning_summary_text.delta" => {
                self.parts.extend_piece(item, Place::Summary, summary, parsed(wire.delta), events);
            }
            "response.reasoning_text.delta" => {
                self.parts.extend_piece(item, Place::Thought, content, parsed(wire.delta), events);
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.delta(item, Place::Call, wire, events);
            }
            "response.output_text.annotation.added" => {
                self.parts.cite(item, Place::Text(content), parsed(wire.annotation), events);
            }
            "response.output_item.done" => self.parts.complete(item, &parsed(wire.item), events),
            _ => {}
        }
    }

    fn delta(&mut self, item: u64, place: Place, wire: &WireEvent<'_>, events: &mut Vec<Event>) {
        let text: String = parsed(wire.delta);
        let logprobs: Vec<Value> = parsed(wire.logprobs);
        self.parts.extend(item, place, text, &logprobs, events);
    }

    fn start(&mut self, response: &WireResponse, events: &mut Vec<Event>) {
        if !self.has_started {
            self.has_started = true;
            let (id, model, created) =
                (response.id.clone(), response.model.clone(), seconds(response.created_at.as_ref()));
            events.push(Event::Start { id, model, created });
        }
    }

    fn end(&mut self, response: &WireResponse, events: &mut Vec<Event>) {
        self.start(response, events);
        for (item, content) in (0..).zip(response.output.iter().flatten()) {
            self.parts.complete(item, content, events);
        }
        self.parts.close_all(events);
        events.extend(response.service_tier.clone().map(Event::ServiceTier));
        events.push(Event::Finish { choice: 0, finish: self.finish_reason(response) });
        events.extend(response.usage.as_ref().and_then(usage::from_wire).map(Event::Usage));
        events.push(Event::Done);
        self.is_over = true;
    }

    fn finish_reason(&self, response: &WireResponse) -> Finish {
        if response.status.as_deref() == Some("incomplete") {
            let details = response.incomplete_details.as_ref();
            return match details.and_then(|details| details["reason"].as_str()) {
                Some("content_filter") => Finish::ContentFilter,
                Some("max_output_tokens") | None => Finish::Length,
                Some(other) => Finish::Other(other.to_owned()),
            };
        }
        if self.parts.has_calls() {
            Finish::ToolCalls
        } else if self.parts.has_refusal() {
            Finish::Refusal
        } else {
            Finish::Stop
        }
    }
}

/// The events of an answer that came whole.
pub(super) fn whole(response: &RawValue) -> Vec<Event> {
    let mut events = vec![];
    Decoder::new().end(&parsed(Some(response)), &mut events);
    events
}

impl Decode for Decoder {
    fn push(&mut self, piece: Bytes, events: &mut Vec<Event>) -> Result<(), ScanError> {
        let whole = self.splitter.push(piece).map_err(|sse::TooLarge| ScanError::TooLarge)?;
        for event in sse::events(&whole) {
            if self.is_over {
                break;
            }
            self.read(event, events)?;
        }
        Ok(())
    }

    fn finish(&mut self, events: &mut Vec<Event>) {
        let rest = self.splitter.finish();
        if !self.is_over {
            // A last event without its empty line counts if it is whole; half of one is no answer.
            let _ = self.read(&rest, events);
        }
    }
}

/// JSON as what it should be; its default where it is not there or something else.
fn parsed<T: Default + for<'de> Deserialize<'de>>(value: Option<&RawValue>) -> T {
    value.and_then(|value| serde_json::from_str(value.get()).ok()).unwrap_or_default()
}

/// Some servers write fractions of a second.
fn seconds(time: Option<&Value>) -> Option<i64> {
    let time = time?;
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is what is cut off")]
    time.as_i64().or_else(|| time.as_f64().map(|seconds| seconds as i64))
}

/// An error that is not dressed as an event.
fn untyped_error(text: &[u8]) -> Option<UpstreamErrorBody> {
    let value: Value = serde_json::from_slice(text).ok()?;
    (!value["error"].is_null()).then(|| error::parse(text)).flatten()
}

#[cfg(test)]
mod tests;
