//! Events, written as a stream for a client.
//!
//! Anthropic's blocks come one after the other: a part that begins while another is open waits, and
//! is written when it is its turn. The end of the message waits for `Done`, because figures may come
//! after the reason why the model stopped.

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::{BufMut, BytesMut};
use megarouter_domain::usage::Usage;
use serde::Serialize;
use serde_json::{Value, json};

use super::answer::{self, THINKING};
use super::events::{self, Said};
use super::{blocks, carry, error};
use crate::answer::told;
use crate::canonical::{Delta, Event, Finish, Opaque, Opening, ToolKind};
use crate::errors::ErrorNote;
use crate::request::Echo;
use crate::stream::Encode;

/// Writes a stream of Anthropic's.
#[derive(Debug)]
pub struct Encoder {
    echo: Echo,
    wants_thoughts: bool,
    id: Option<String>,
    model: Option<String>,
    usage: Option<Usage>,
    service_tier: Option<String>,
    finish: Option<Finish>,
    has_started: bool,
    said: Said,
    /// The index of the next block.
    next_index: usize,
    /// The parts that have begun and are not written to their end; the first one is being written.
    parts: VecDeque<Writing>,
}

/// A part on its way.
#[derive(Debug)]
struct Writing {
    part: u32,
    opening: Opening,
    /// Its index as a block, once that has begun.
    index: Option<usize>,
    /// What waits to be written.
    waiting: Vec<Delta>,
    is_closed: bool,
    /// Whether there is no more place for a signature: it was written, or the client wants none.
    is_signed: bool,
}

#[derive(Serialize)]
struct BlockDelta<'a> {
    r#type: &'static str,
    index: usize,
    delta: Piece<'a>,
}

/// A piece of a block.
#[derive(Serialize)]
#[serde(tag = "type")]
enum Piece<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: Cow<'a, str> },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: &'a str },
    #[serde(rename = "citations_delta")]
    Citation { citation: &'a Value },
}

impl Encoder {
    /// An encoder of a stream that has not begun.
    pub fn new(echo: Echo) -> Self {
        Self {
            wants_thoughts: echo.include.iter().any(|wanted| wanted == THINKING),
            echo,
            id: None,
            model: None,
            usage: None,
            service_tier: None,
            finish: None,
            has_started: false,
            said: Said::default(),
            next_index: 0,
            parts: VecDeque::new(),
        }
    }

    fn start(&mut self, out: &mut BytesMut) {
        if self.has_started {
            return;
        }
        self.has_started = true;
        let message = json!({
            "id": answer::id(self.id.as_deref(), &self.echo),
            "type": "message",
            "role": "assistant",
            "model": self.model.as_deref().unwrap_or(&self.echo.model),
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": answer::figures(self.usage.unwrap_or_default(), self.service_tier.as_deref()),
        });
        event(out, "message_start", &json!({ "type": "message_start", "message": message }));
    }

    fn begin(&mut self, part: u32, opening: Opening, out: &mut BytesMut) {
        match opening {
            Opening::ToolCall { .. } => self.said.calls = true,
            Opening::Refusal => self.said.refusal = true,
            Opening::Reasoning { .. } if self.wants_thoughts => {}
            // The client did not ask for thoughts, but sees that the stream lives.
            Opening::Reasoning { .. } => return event(out, "ping", &json!({ "type": "ping" })),
            Opening::Text | Opening::Media => {}
        }
        let is_signed = !self.wants_thoughts;
        let writing = Writing { part, opening, index: None, waiting: vec![], is_closed: false, is_signed };
        self.parts.push_back(writing);
        self.proceed(out);
    }

    fn extend(&mut self, part: u32, delta: Delta, out: &mut BytesMut) {
        if let Some(writing) = self.parts.iter_mut().find(|writing| writing.part == part)
            && writing.takes(&delta)
        {
            writing.waiting.push(delta);
            self.proceed(out);
        }
    }

    fn close(&mut self, part: u32, out: &mut BytesMut) {
        if let Some(writing) = self.parts.iter_mut().find(|writing| writing.part == part) {
            writing.is_closed = true;
            self.proceed(out);
        }
    }

    /// Writes what may be written: the first part, and those behind it as parts end.
    fn proceed(&mut self, out: &mut BytesMut) {
        while let Some(writing) = self.parts.front_mut() {
            writing.write(&mut self.next_index, &self.echo, out);
            if !writing.is_closed {
                return;
            }
            writing.end(out);
            self.parts.pop_front();
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.start(out);
        for writing in &mut self.parts {
            writing.is_closed = true;
        }
        self.proceed(out);
        let finish = self.finish.as_ref();
        let delta = json!({
            "stop_reason": events::stop_reason(finish, self.said),
            "stop_sequence": events::stop_sequence(finish).filter(|_| !self.said.calls),
        });
        let figures = answer::figures(self.usage.unwrap_or_default(), None);
        event(out, "message_delta", &json!({ "type": "message_delta", "delta": delta, "usage": figures }));
        event(out, "message_stop", &json!({ "type": "message_stop" }));
    }
}

impl Encode for Encoder {
    fn write(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Start { id, model, .. } => {
                self.id = id;
                self.model = model;
            }
            Event::Open { choice: 0, part, opening } => {
                self.start(out);
                self.begin(part, opening, out);
            }
            Event::Delta { choice: 0, part, delta } => self.extend(part, delta, out),
            Event::Close { choice: 0, part } => self.close(part, out),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::ServiceTier(tier) => self.service_tier = Some(tier),
            Event::Done => self.end(out),
            // A message has one choice; failures come through `fail`.
            Event::Open { .. }
            | Event::Delta { .. }
            | Event::Close { .. }
            | Event::Finish { .. }
            | Event::Failed(_) => {}
        }
    }

    fn fail(&mut self, note: &ErrorNote<'_>, out: &mut BytesMut) {
        out.extend_from_slice(&error::render_event(note));
    }
}

impl Writing {
    fn write(&mut self, next_index: &mut usize, echo: &Echo, out: &mut BytesMut) {
        let index = match self.index {
            Some(index) => index,
            None if self.awaits_content() => return,
            None => self.open(next_index, echo, out),
        };
        for delta in std::mem::take(&mut self.waiting) {
            self.piece(index, delta, out);
        }
    }

    /// Whether the dialect has a place for this in this part.
    fn takes(&self, delta: &Delta) -> bool {
        match (&self.opening, delta) {
            (Opening::Text | Opening::Refusal | Opening::Reasoning { .. }, Delta::Text(text))
            | (Opening::ToolCall { .. }, Delta::Arguments(text)) => !text.is_empty(),
            (Opening::Reasoning { .. }, Delta::Signature(_)) => !self.is_signed,
            (Opening::ToolCall { .. }, Delta::Signature(_)) => !self.is_signed && self.index.is_none(),
            (Opening::Text, Delta::Citation(citation)) => blocks::is_own_citation(citation),
            (Opening::Media, Delta::Media(_)) => true,
            _ => false,
        }
    }

    /// True for a text or thought of which nothing came: an empty block would be refused when the
    /// client sends it back, and a thought that came encrypted is said in its opening. True for a
    /// call that came whole, until it ends: its signature may be next, and stands before it.
    fn awaits_content(&self) -> bool {
        match self.opening {
            Opening::ToolCall { .. } => !self.is_signed && !self.is_closed && self.waiting.len() < 2,
            _ => self.waiting.is_empty(),
        }
    }

    fn open(&mut self, next_index: &mut usize, echo: &Echo, out: &mut BytesMut) -> usize {
        if matches!(self.opening, Opening::ToolCall { .. }) {
            self.carry_signature(next_index, out);
        }
        let index = *next_index;
        *next_index += 1;
        self.index = Some(index);
        let block = match &self.opening {
            Opening::Text | Opening::Refusal | Opening::Media => json!({ "type": "text", "text": "" }),
            Opening::Reasoning { .. } => match self.redacted() {
                Some(data) => json!({ "type": "redacted_thinking", "data": data }),
                None => json!({ "type": "thinking", "thinking": "", "signature": "" }),
            },
            Opening::ToolCall { id, name, .. } => {
                json!({ "type": "tool_use", "id": answer::call_id(id, index, echo), "name": name, "input": {} })
            }
        };
        start(out, index, &block);
        if self.is_custom() {
            piece(out, index, Piece::Input { partial_json: "{\"input\":\"" });
        }
        index
    }

    /// Writes the signature of a call in a thought of its own.
    fn carry_signature(&mut self, next_index: &mut usize, out: &mut BytesMut) {
        let Some(place) = self.waiting.iter().position(|delta| matches!(delta, Delta::Signature(_))) else { return };
        let Delta::Signature(carried) = self.waiting.remove(place) else { return };
        let Some(signature) = carry::of_call(Some(&carried)) else { return };
        let index = *next_index;
        *next_index += 1;
        start(out, index, &json!({ "type": "thinking", "thinking": "", "signature": "" }));
        piece(out, index, Piece::Signature { signature: signature.into() });
        stop(out, index);
    }

    fn is_custom(&self) -> bool {
        matches!(self.opening, Opening::ToolCall { kind: ToolKind::Custom, .. })
    }

    /// The encrypted thought, where that is what came first.
    fn redacted(&mut self) -> Option<String> {
        let Some(Delta::Signature(signature)) = self.waiting.first() else { return None };
        let data = carry::own(Some(signature), carry::REDACTED)?.to_owned();
        self.waiting.remove(0);
        self.is_signed = true;
        Some(data)
    }

    fn piece(&mut self, index: usize, delta: Delta, out: &mut BytesMut) {
        match (&self.opening, delta) {
            (Opening::Reasoning { .. }, Delta::Text(thinking)) => {
                piece(out, index, Piece::Thinking { thinking: &thinking });
            }
            (_, Delta::Text(text)) => piece(out, index, Piece::Text { text: &text }),
            (Opening::Reasoning { id, .. }, Delta::Signature(signature)) => {
                sign(out, index, Some(&signature), id.as_deref());
                self.is_signed = true;
            }
            (Opening::ToolCall { kind: ToolKind::Custom, .. }, Delta::Arguments(text)) => {
                let quoted = Value::from(text).to_string();
                piece(out, index, Piece::Input { partial_json: &quoted[1..quoted.len() - 1] });
            }
            (_, Delta::Arguments(json)) => piece(out, index, Piece::Input { partial_json: &json }),
            (_, Delta::Citation(citation)) => piece(out, index, Piece::Citation { citation: &citation }),
            // The model of this dialect neither draws nor speaks.
            (_, Delta::Media(media)) => piece(out, index, Piece::Text { text: &told(&media) }),
            // Not taken.
            (_, Delta::Signature(_) | Delta::Logprobs(_)) => {}
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        let Some(index) = self.index else { return };
        match &self.opening {
            // A client sends a thought back as it got it, and without a signature it is refused.
            Opening::Reasoning { id, .. } if !self.is_signed => sign(out, index, None, id.as_deref()),
            Opening::ToolCall { kind: ToolKind::Custom, .. } => {
                piece(out, index, Piece::Input { partial_json: "\"}" });
            }
            _ => {}
        }
        stop(out, index);
    }
}

fn start(out: &mut BytesMut, index: usize, block: &Value) {
    event(
        out,
        "content_block_start",
        &json!({ "type": "content_block_start", "index": index, "content_block": block }),
    );
}

fn stop(out: &mut BytesMut, index: usize) {
    event(out, "content_block_stop", &json!({ "type": "content_block_stop", "index": index }));
}

fn sign(out: &mut BytesMut, index: usize, signature: Option<&Opaque>, id: Option<&str>) {
    piece(out, index, Piece::Signature { signature: carry::signature(signature, id).into() });
}

fn piece(out: &mut BytesMut, index: usize, delta: Piece<'_>) {
    event(out, "content_block_delta", &BlockDelta { r#type: "content_block_delta", index, delta });
}

fn event(out: &mut BytesMut, name: &str, data: &impl Serialize) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    serde_json::to_writer(out.writer(), data).expect("strings and numbers always serialise");
    out.extend_from_slice(b"\n\n");
}
