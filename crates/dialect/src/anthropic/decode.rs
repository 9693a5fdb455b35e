//! A provider's stream, read into events.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::blocks::Block;
use super::events::{self, Figures, Message};
use super::{carry, events::Delta as WireDelta};
use crate::canonical::{Delta, Event, Opening, ToolKind};
use crate::sse;
use crate::stream::{Decode, ScanError};

/// Reads a stream of Anthropic's.
#[derive(Debug, Default)]
pub struct Decoder {
    splitter: sse::Splitter,
    figures: Figures,
    /// The blocks that are open, by their index on the wire.
    open: HashMap<u64, Open>,
    /// How many parts have begun.
    parts: u32,
    has_ended: bool,
}

/// A block that is open.
#[derive(Clone, Copy, Debug)]
struct Open {
    part: u32,
    /// Whether it is a call whose arguments have not begun.
    is_call_without_arguments: bool,
}

impl Decoder {
    /// A decoder of a stream that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&mut self, event: &[u8], out: &mut Vec<Event>) -> Result<(), ScanError> {
        let Some(data) = sse::data(event) else { return Ok(()) };
        let text = data.trim_ascii();
        if text.is_empty() || self.has_ended {
            return Ok(());
        }
        let event = match events::read(text) {
            Ok(event) => event,
            Err(ScanError::Upstream(said)) => {
                self.has_ended = true;
                out.push(Event::Failed(said));
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        match &*event.r#type {
            "message_start" => self.start(event.message.ok_or(ScanError::Malformed)?, out),
            "content_block_start" => self.open(event.index, event.content_block.unwrap_or_default(), out),
            "content_block_delta" => self.extend(event.index, event.delta, out),
            "content_block_stop" => self.close(event.index, out),
            "message_delta" => {
                if let Some(reason) = event.delta.stop_reason {
                    let finish = events::finish(&reason, event.delta.stop_sequence);
                    out.push(Event::Finish { choice: 0, finish });
                }
                out.extend(self.figures.take(event.usage).map(Event::Usage));
            }
            "message_stop" => {
                self.has_ended = true;
                out.push(Event::Done);
            }
            // `ping`, and whatever else Anthropic adds: "your code should handle unknown event types".
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, message: Message<'_>, out: &mut Vec<Event>) {
        let (id, model) = (message.id.map(Cow::into_owned), message.model.map(Cow::into_owned));
        out.push(Event::Start { id, model, created: None });
        out.extend(self.figures.take(message.usage).map(Event::Usage));
        out.extend(self.figures.service_tier().map(|tier| Event::ServiceTier(tier.to_owned())));
    }

    fn open(&mut self, index: u64, block: Block<'_>, out: &mut Vec<Event>) {
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned).unwrap_or_default();
        let is_call = block.r#type == "tool_use";
        let opening = match &*block.r#type {
            "text" => Opening::Text,
            "thinking" | "redacted_thinking" => Opening::Reasoning { is_summary: false, id: None },
            "tool_use" => Opening::ToolCall { id: owned(block.id), name: owned(block.name), kind: ToolKind::Function },
            // Tools that the provider runs: no other dialect has them.
            _ => return,
        };
        let part = self.parts;
        self.parts += 1;
        self.open.insert(index, Open { part, is_call_without_arguments: is_call });
        out.push(Event::Open { choice: 0, part, opening });
        // The first piece may come with the opening.
        if block.r#type == "redacted_thinking" {
            let data = carry::opaque(carry::REDACTED, owned(block.data));
            out.push(Event::Delta { choice: 0, part, delta: Delta::Signature(data) });
        }
        let first = WireDelta {
            text: block.text.unwrap_or_default(),
            thinking: block.thinking.unwrap_or_default(),
            signature: block.signature.unwrap_or_default(),
            partial_json: block
                .input
                .map(RawValue::get)
                .filter(|input| !is_empty_object(input))
                .unwrap_or_default()
                .into(),
            ..WireDelta::default()
        };
        self.extend(index, first, out);
    }

    fn extend(&mut self, index: u64, delta: WireDelta<'_>, out: &mut Vec<Event>) {
        let Some(open) = self.open.get_mut(&index) else { return };
        let part = open.part;
        let mut push = |delta| out.push(Event::Delta { choice: 0, part, delta });
        if !delta.text.is_empty() {
            push(Delta::Text(delta.text.into_owned()));
        }
        if !delta.thinking.is_empty() {
            push(Delta::Text(delta.thinking.into_owned()));
        }
        if !delta.partial_json.is_empty() {
            open.is_call_without_arguments = false;
            push(Delta::Arguments(delta.partial_json.into_owned()));
        }
        if let Some(citation) = delta.citation {
            push(Delta::Citation(citation));
        }
        if let Some(signature) = carry::thought(String::new(), &delta.signature).signature {
            push(Delta::Signature(signature));
        }
    }

    fn close(&mut self, index: u64, out: &mut Vec<Event>) {
        let Some(open) = self.open.remove(&index) else { return };
        if open.is_call_without_arguments {
            let delta = Delta::Arguments("{}".to_owned());
            out.push(Event::Delta { choice: 0, part: open.part, delta });
        }
        out.push(Event::Close { choice: 0, part: open.part });
    }
}

impl Decode for Decoder {
    fn push(&mut self, piece: Bytes, events: &mut Vec<Event>) -> Result<(), ScanError> {
        if self.has_ended {
            return Ok(());
        }
        let whole = self.splitter.push(piece).map_err(|sse::TooLarge| ScanError::TooLarge)?;
        for event in sse::events(&whole) {
            self.read(event, events)?;
        }
        Ok(())
    }

    fn finish(&mut self, events: &mut Vec<Event>) {
        let rest = self.splitter.finish();
        // The last event may lack its line breaks; half an event is no event.
        if self.read(&rest, events).is_err() {
            self.has_ended = true;
        }
    }
}

fn is_empty_object(input: &str) -> bool {
    input.bytes().all(|byte| matches!(byte, b'{' | b'}') || byte.is_ascii_whitespace())
}
