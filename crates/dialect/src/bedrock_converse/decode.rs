//! Reading a provider's stream as events.
//!
//! The stream is `messageStart`, blocks, `messageStop`, `metadata`. Text and thoughts have no
//! `contentBlockStart`: their first delta begins them. What goes wrong after the start comes as a
//! message of type `exception`.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

use super::answer::{image, is_of_provider, opaque};
use super::frame::{Frames, Message};
use super::{REDACTED, SIGNATURE, error, finish, usage};
use crate::canonical::{Delta, Event, Opening, Part, ToolKind};
use crate::errors::UpstreamErrorBody;
use crate::stream::{Decode, ScanError};

/// A reader of one stream.
#[derive(Debug, Default)]
pub struct Decoder {
    frames: Frames,
    has_started: bool,
    /// Parts that began.
    parts: u32,
    /// The open blocks by their index on the wire.
    blocks: BTreeMap<u64, Block>,
    has_stopped: bool,
    /// Nothing more is read: the end or an error came.
    is_over: bool,
}

/// An open block.
#[derive(Debug)]
enum Block {
    /// It is this part of the answer.
    Part { part: u32, is_empty_call: bool },
    /// A picture: its media type, and its content so far.
    Image { mime: Option<String>, content: String },
    /// It belongs to a tool that the provider runs.
    Passed,
}

impl Decoder {
    /// A reader of a stream that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&mut self, message: &Message, events: &mut Vec<Event>) -> Result<(), ScanError> {
        let payload: Value = match serde_json::from_slice(&message.payload) {
            Ok(payload) => payload,
            Err(_) if message.kind == "error" => Value::Null,
            Err(_) => return Err(ScanError::Malformed),
        };
        if message.kind != "event" {
            events.push(Event::Failed(failure(message, &payload)));
            self.is_over = true;
            return Ok(());
        }
        self.start(events);
        self.event(&message.name, &payload, events);
        Ok(())
    }

    fn start(&mut self, events: &mut Vec<Event>) {
        if !self.has_started {
            self.has_started = true;
            events.push(Event::Start { id: None, model: None, created: None });
        }
    }

    fn event(&mut self, name: &str, payload: &Value, events: &mut Vec<Event>) {
        let index = payload["contentBlockIndex"].as_u64().unwrap_or_default();
        match name {
            "contentBlockStart" => self.block(index, &payload["start"], events),
            "contentBlockDelta" => self.delta(index, &payload["delta"], events),
            "contentBlockStop" => self.close(index, events),
            "messageStop" => {
                self.close_all(events);
                let reason = payload["stopReason"].as_str().unwrap_or("end_turn");
                events.push(Event::Finish { choice: 0, finish: finish::read(reason) });
                self.has_stopped = true;
            }
            "metadata" => self.metadata(payload, events),
            _ => {}
        }
    }

    fn block(&mut self, index: u64, start: &Value, events: &mut Vec<Event>) {
        let call = &start["toolUse"];
        let block = if start["image"].is_object() {
            let mime = start["image"]["format"].as_str().map(|format| format!("image/{format}"));
            Block::Image { mime, content: String::new() }
        } else if let (Some(id), Some(name), false) =
            (call["toolUseId"].as_str(), call["name"].as_str(), is_of_provider(call))
        {
            let (id, name) = (id.to_owned(), name.to_owned());
            let part = self.open(Opening::ToolCall { id, name, kind: ToolKind::Function }, events);
            Block::Part { part, is_empty_call: true }
        } else if call.is_object() || start["toolResult"].is_object() {
            Block::Passed
        } else {
            return;
        };
        self.blocks.insert(index, block);
    }

    fn open(&mut self, opening: Opening, events: &mut Vec<Event>) -> u32 {
        let part = self.parts;
        self.parts += 1;
        events.push(Event::Open { choice: 0, part, opening });
        part
    }

    fn delta(&mut self, index: u64, delta: &Value, events: &mut Vec<Event>) {
        if let Some(Block::Image { content, .. }) = self.blocks.get_mut(&index) {
            return content.push_str(delta["image"]["source"]["bytes"].as_str().unwrap_or_default());
        }
        let Some((opening, delta)) = read_delta(delta) else { return };
        if !self.blocks.contains_key(&index) {
            let Some(opening) = opening else { return };
            let part = self.open(opening, events);
            self.blocks.insert(index, Block::Part { part, is_empty_call: false });
        }
        if let Some(Block::Part { part, is_empty_call }) = self.blocks.get_mut(&index) {
            let has_content = !matches!(&delta, Delta::Text(text) | Delta::Arguments(text) if text.is_empty());
            if has_content {
                *is_empty_call = false;
                events.push(Event::Delta { choice: 0, part: *part, delta });
            }
        }
    }

    fn close(&mut self, index: u64, events: &mut Vec<Event>) {
        let (part, last) = match self.blocks.remove(&index) {
            None | Some(Block::Passed) => return,
            Some(Block::Part { part, is_empty_call }) => {
                (part, is_empty_call.then(|| Delta::Arguments("{}".to_owned())))
            }
            Some(Block::Image { mime, content }) => {
                let Part::Media(media) = image(mime, content) else { return };
                (self.open(Opening::Media, events), Some(Delta::Media(Box::new(media))))
            }
        };
        events.extend(last.map(|delta| Event::Delta { choice: 0, part, delta }));
        events.push(Event::Close { choice: 0, part });
    }

    fn close_all(&mut self, events: &mut Vec<Event>) {
        while let Some(index) = self.blocks.keys().next().copied() {
            self.close(index, events);
        }
    }

    fn metadata(&mut self, payload: &Value, events: &mut Vec<Event>) {
        events.extend(payload["serviceTier"]["type"].as_str().map(|tier| Event::ServiceTier(tier.to_owned())));
        events.extend(usage::from_wire(&payload["usage"], &payload["serviceTier"]).map(Event::Usage));
        if self.has_stopped {
            self.end(events);
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        events.push(Event::Done);
        self.is_over = true;
    }
}

/// What a delta carries, and what part it begins if none is open; none for what is not known.
fn read_delta(delta: &Value) -> Option<(Option<Opening>, Delta)> {
    let (kind, value) = delta.as_object()?.iter().next()?;
    match kind.as_str() {
        "text" => Some((Some(Opening::Text), Delta::Text(value.as_str()?.to_owned()))),
        "toolUse" => Some((None, Delta::Arguments(value["input"].as_str()?.to_owned()))),
        "citation" => Some((Some(Opening::Text), Delta::Citation(value.clone()))),
        "reasoningContent" => {
            let (kind, value) = value.as_object()?.iter().next()?;
            let said = value.as_str()?;
            let delta = match kind.as_str() {
                "text" => Delta::Text(said.to_owned()),
                "signature" => Delta::Signature(opaque(SIGNATURE, said)),
                "redactedContent" => Delta::Signature(opaque(REDACTED, said)),
                _ => return None,
            };
            Some((Some(Opening::Reasoning { is_summary: false, id: None }), delta))
        }
        _ => None,
    }
}

/// An `exception` has its words in the payload, an `error` in a header.
fn failure(message: &Message, payload: &Value) -> UpstreamErrorBody {
    error::from_value(payload, Some(&message.name)).unwrap_or_else(|| UpstreamErrorBody {
        message: message.error.clone().unwrap_or_else(|| message.name.clone()),
        kind: Some(message.name.clone()),
        ..UpstreamErrorBody::default()
    })
}

impl Decode for Decoder {
    fn push(&mut self, piece: Bytes, events: &mut Vec<Event>) -> Result<(), ScanError> {
        if self.is_over {
            return Ok(());
        }
        self.frames.push(&piece);
        while let Some(message) = self.frames.next()? {
            self.read(&message, events)?;
            if self.is_over {
                break;
            }
        }
        Ok(())
    }

    fn finish(&mut self, events: &mut Vec<Event>) {
        // Only the figures are missing, which come last.
        if !self.is_over && self.has_stopped {
            self.end(events);
        }
    }
}

#[cfg(test)]
mod tests;
