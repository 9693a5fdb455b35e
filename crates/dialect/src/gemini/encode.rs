//! Writing events as a stream of `GenerateContentResponse`s, as server-sent events or one JSON array.
//!
//! Google's parts follow one another: of parts that overlap, the first flows and the others wait.
//! A call is written whole when it is complete, with its arguments as an object. Each element has a
//! candidate whose content has a part, for the SDKs drop a turn from their history otherwise; the
//! last one has the reason of every candidate and the figures.

use std::collections::{BTreeMap, VecDeque};

use bytes::BytesMut;
use megarouter_domain::usage::Usage;
use serde_json::{Map, Value, json};

use super::{answer, error, finish, logprobs, one_line, part};
use crate::canonical::{Delta, Event, Finish, Opening, ToolCall};
use crate::errors::ErrorNote;
use crate::request::Echo;
use crate::stream::Encode;

/// An encoder of one stream.
#[derive(Debug)]
pub struct Encoder {
    echo: Echo,
    /// What every element ends with: the model's name and the answer's id.
    tail: Vec<u8>,
    has_begun: bool,
    choices: BTreeMap<u32, Choice>,
    usage: Option<Usage>,
    service_tier: Option<String>,
}

/// One candidate so far.
#[derive(Debug, Default)]
struct Choice {
    /// Parts that are not done, in the order in which they began; the first flows.
    parts: VecDeque<Pending>,
    finish: Option<Finish>,
    citations: Vec<Value>,
}

#[derive(Debug)]
struct Pending {
    part: u32,
    kind: Kind,
    /// What waits until the parts before it are done.
    waiting: Vec<Value>,
    is_closed: bool,
}

#[derive(Debug)]
enum Kind {
    Text,
    Thought,
    Call { call: ToolCall, signature: Option<String> },
    Media,
}

impl Encoder {
    /// An encoder of a stream that has not begun.
    pub fn new(echo: Echo) -> Self {
        let tail = tail(&echo.model, &echo.id);
        Self { echo, tail, has_begun: false, choices: BTreeMap::new(), usage: None, service_tier: None }
    }

    fn delta(&mut self, choice: u32, part: u32, delta: Delta, out: &mut BytesMut) {
        let said = self.choices.entry(choice).or_default();
        match delta {
            Delta::Citation(citation) => return said.citations.push(citation),
            Delta::Logprobs(probabilities) => {
                if let Some(result) = logprobs::write(&probabilities) {
                    self.element(
                        &[candidate(choice, &[part::write_text("", None)], |own| {
                            own.insert("logprobsResult".to_owned(), result);
                        })],
                        None,
                        out,
                    );
                }
                return;
            }
            Delta::Text(_) | Delta::Arguments(_) | Delta::Signature(_) | Delta::Media(_) => {}
        }
        let Some(at) = said.parts.iter().position(|pending| pending.part == part) else { return };
        let Some(pending) = said.parts.get_mut(at) else { return };
        if let (0, Kind::Text, Delta::Text(text)) = (at, &pending.kind, &delta) {
            return self.text(choice, text, out);
        }
        if let Some(wire) = pending.take(delta) {
            pending.waiting.push(wire);
        }
        self.advance(choice, out);
    }

    /// Writes what no longer has to wait.
    fn advance(&mut self, choice: u32, out: &mut BytesMut) {
        let Some(said) = self.choices.get_mut(&choice) else { return };
        let mut ready = vec![];
        while let Some(first) = said.parts.front_mut() {
            ready.append(&mut first.waiting);
            if !first.is_closed {
                break;
            }
            ready.extend(first.closing());
            said.parts.pop_front();
        }
        if !ready.is_empty() {
            self.element(&[candidate(choice, &ready, |_| {})], None, out);
        }
    }

    /// The usual element, written without building it first.
    fn text(&mut self, choice: u32, text: &str, out: &mut BytesMut) {
        if text.is_empty() {
            return;
        }
        self.separate(out);
        out.extend_from_slice(br#"{"candidates":[{"content":{"parts":[{"text":"#);
        one_line::write(text, out);
        out.extend_from_slice(br#"}],"role":"model"},"index":"#);
        out.extend_from_slice(choice.to_string().as_bytes());
        out.extend_from_slice(b"}],");
        self.end_element(out);
    }

    fn element(&mut self, candidates: &[Value], usage: Option<&Usage>, out: &mut BytesMut) {
        self.separate(out);
        out.extend_from_slice(br#"{"candidates":"#);
        one_line::write(candidates, out);
        if let Some(usage) = usage {
            out.extend_from_slice(br#","usageMetadata":"#);
            one_line::write(&answer::write_figures(usage, self.service_tier.as_deref()), out);
        }
        out.extend_from_slice(b",");
        self.end_element(out);
    }

    /// What stands before an element.
    fn separate(&mut self, out: &mut BytesMut) {
        let before: &[u8] = match (self.echo.is_array, self.has_begun) {
            (false, _) => b"data: ",
            (true, false) => b"[",
            (true, true) => b",\n",
        };
        out.extend_from_slice(before);
        self.has_begun = true;
    }

    fn end_element(&self, out: &mut BytesMut) {
        out.extend_from_slice(&self.tail);
        if !self.echo.is_array {
            out.extend_from_slice(b"\n\n");
        }
    }

    /// The last element, and the end of an array.
    fn done(&mut self, out: &mut BytesMut) {
        let open: Vec<u32> = self.choices.keys().copied().collect();
        for choice in open {
            if let Some(said) = self.choices.get_mut(&choice) {
                said.parts.iter_mut().for_each(|pending| pending.is_closed = true);
            }
            self.advance(choice, out);
        }
        self.choices.entry(0).or_default();
        let mut last = vec![];
        for (choice, said) in std::mem::take(&mut self.choices) {
            let reason = said.finish.as_ref().map_or("STOP", finish::write).to_owned();
            last.push(candidate(choice, &[part::write_text("", None)], |own| {
                own.insert("finishReason".to_owned(), reason.into());
                answer::write_citations(said.citations, own);
            }));
        }
        let usage = self.usage.take();
        self.element(&last, usage.as_ref(), out);
        if self.echo.is_array {
            out.extend_from_slice(b"]");
        }
    }
}

impl Encode for Encoder {
    fn write(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Start { id, model, .. } => {
                let (id, model) =
                    (id.as_deref().unwrap_or(&self.echo.id), model.as_deref().unwrap_or(&self.echo.model));
                self.tail = tail(model, id);
            }
            Event::Open { choice, part, opening } => {
                self.choices.entry(choice).or_default().parts.push_back(Pending::of(part, opening));
            }
            Event::Delta { choice, part, delta } => self.delta(choice, part, delta, out),
            Event::Close { choice, part } => {
                let parts = &mut self.choices.entry(choice).or_default().parts;
                if let Some(pending) = parts.iter_mut().find(|pending| pending.part == part) {
                    pending.is_closed = true;
                }
                self.advance(choice, out);
            }
            Event::Finish { choice, finish } => self.choices.entry(choice).or_default().finish = Some(finish),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Done => self.done(out),
            Event::ServiceTier(tier) => self.service_tier = Some(tier),
            // Errors come by `fail`.
            Event::Failed(_) => {}
        }
    }

    fn fail(&mut self, note: &ErrorNote<'_>, out: &mut BytesMut) {
        if !self.echo.is_array {
            return out.extend_from_slice(&error::render_event(note));
        }
        self.separate(out);
        error::write(note, out);
        out.extend_from_slice(b"]");
    }
}

impl Pending {
    fn of(part: u32, opening: Opening) -> Self {
        let kind = match opening {
            Opening::Text | Opening::Refusal => Kind::Text,
            Opening::Reasoning { .. } => Kind::Thought,
            Opening::ToolCall { id, name, kind } => {
                let call = ToolCall { id, name, arguments: String::new(), kind, signature: None, cache: None };
                Kind::Call { call, signature: None }
            }
            Opening::Media => Kind::Media,
        };
        Self { part, kind, waiting: vec![], is_closed: false }
    }

    /// Takes what comes; returns what of it can be written before the part is complete.
    fn take(&mut self, delta: Delta) -> Option<Value> {
        match (&mut self.kind, delta) {
            (Kind::Call { call, .. }, Delta::Arguments(more)) => {
                call.arguments.push_str(&more);
                None
            }
            (Kind::Call { signature, .. }, Delta::Signature(own)) => {
                *signature = part::own_signature(Some(&own)).map(str::to_owned);
                None
            }
            (Kind::Text, Delta::Text(text)) => (!text.is_empty()).then(|| part::write_text(&text, None)),
            (Kind::Thought, Delta::Text(text)) => (!text.is_empty()).then(|| part::write_thought(&text, None)),
            // Google's own streams carry the signature of a text in an empty one after it.
            (Kind::Text, Delta::Signature(own)) => {
                part::own_signature(Some(&own)).map(|signature| part::write_text("", Some(signature)))
            }
            (Kind::Thought, Delta::Signature(own)) => {
                part::own_signature(Some(&own)).map(|signature| part::write_thought("", Some(signature)))
            }
            (_, Delta::Media(media)) => part::write_media(&media),
            _ => None,
        }
    }

    fn closing(&mut self) -> Option<Value> {
        match &self.kind {
            Kind::Call { call, signature } => Some(part::write_call(call, signature.as_deref())),
            Kind::Text | Kind::Thought | Kind::Media => None,
        }
    }
}

fn candidate(choice: u32, parts: &[Value], add: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let mut own = Map::new();
    own.insert("content".to_owned(), json!({"parts": parts, "role": "model"}));
    add(&mut own);
    own.insert("index".to_owned(), choice.into());
    own.into()
}

fn tail(model: &str, id: &str) -> Vec<u8> {
    let mut members = BytesMut::new();
    one_line::write(&json!({"modelVersion": model, "responseId": id}), &mut members);
    members.split_off(1).to_vec()
}

#[cfg(test)]
pub(super) mod tests;
