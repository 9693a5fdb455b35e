//! Writing canonical events as a stream of this dialect.
//!
//! Items follow each other, each complete in its `output_item.done`; parts that the provider sent at
//! once are queued. Texts that follow each other are one message. What other dialects think is shown
//! as a summary, which is what clients of this one display. The end is `response.completed`,
//! `response.incomplete` or `response.failed` with the whole response; there is no `[DONE]` (OpenAI
//! API reference, "Streaming events", read 2026-11-22).

mod item;
mod queue;

use bytes::BytesMut;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::usage::Usage;
use serde_json::{Map, Value, json};

use self::item::{Call, Content, Item, Place};
use self::queue::{Queue, Step};
use super::event::{Events, Member};
use super::read::ENCRYPTED;
use super::{carried, error, names, usage};
use crate::answer::{id_base, told};
use crate::canonical::{Delta, Event, Finish, Media, MediaKind, MediaSource, Opening, ToolKind};
use crate::errors::ErrorNote;
use crate::request::{ClientTool, Echo};
use crate::stream::Encode;

/// Encodes one stream.
#[derive(Debug)]
pub struct Encoder {
    echo: Echo,
    events: Events,
    queue: Queue,
    id: String,
    model: String,
    created: i64,
    has_started: bool,
    is_over: bool,
    /// Whether a refusal was among the parts.
    has_refusal: bool,
    item: Option<Item>,
    output: Vec<Value>,
    finish: Option<Finish>,
    usage: Option<Usage>,
    service_tier: Option<String>,
}

impl Encoder {
    /// An encoder of a stream that has not begun.
    pub fn new(echo: Echo) -> Self {
        Self {
            echo,
            events: Events::default(),
            queue: Queue::default(),
            id: String::new(),
            model: String::new(),
            created: 0,
            has_started: false,
            is_over: false,
            has_refusal: false,
            item: None,
            output: vec![],
            finish: None,
            usage: None,
            service_tier: None,
        }
    }

    /// The whole response, once it is done.
    pub(super) fn into_response(self) -> Value {
        let (status, ..) = self.outcome();
        self.response(status)
    }

    fn start(&mut self, id: Option<String>, model: Option<String>, created: Option<i64>, out: &mut BytesMut) {
        if std::mem::replace(&mut self.has_started, true) {
            return;
        }
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| self.echo.id.clone());
        self.id = id_base(&id);
        self.model = model.unwrap_or_else(|| self.echo.model.clone());
        self.created = created.unwrap_or(self.echo.created);
        let response = self.response("in_progress").to_string();
        for kind in ["response.created", "response.in_progress"] {
            self.events.write(kind, &[("response", Member::Json(&response))], out);
        }
    }

    /// The response as far as it has come.
    fn response(&self, status: &str) -> Value {
        let (_, details, error) = self.outcome();
        let is_over = status != "in_progress";
        let mut response = Map::from_iter([
            ("id".to_owned(), format!("resp_{}", self.id).into()),
            ("object".to_owned(), "response".into()),
            ("created_at".to_owned(), self.created.into()),
            ("status".to_owned(), status.into()),
            ("error".to_owned(), if is_over { error } else { Value::Null }),
            ("incomplete_details".to_owned(), if is_over { details } else { Value::Null }),
            ("model".to_owned(), self.model.as_str().into()),
            ("output".to_owned(), self.output.as_slice().into()),
            ("usage".to_owned(), self.usage.as_ref().filter(|_| is_over).map_or(Value::Null, usage::to_wire)),
            ("service_tier".to_owned(), self.service_tier.as_deref().unwrap_or("default").into()),
            // Where the request said nothing of them; clients need them.
            ("parallel_tool_calls".to_owned(), true.into()),
            ("tool_choice".to_owned(), "auto".into()),
            ("tools".to_owned(), json!([])),
        ]);
        response.extend(self.echo.repeated.iter().map(|(name, value)| (name.clone(), value.clone())));
        Value::Object(response)
    }

    /// The status, `incomplete_details` and `error` of the end.
    fn outcome(&self) -> (&'static str, Value, Value) {
        match &self.finish {
            Some(Finish::Length | Finish::ContextLength) => {
                ("incomplete", json!({"reason": "max_output_tokens"}), Value::Null)
            }
            Some(Finish::ContentFilter) => ("incomplete", json!({"reason": "content_filter"}), Value::Null),
            // A model that refuses says so in a part of its own here; without one the text alone
            // would look like an answer.
            Some(Finish::Refusal) if !self.has_refusal => {
                ("incomplete", json!({"reason": "content_filter"}), Value::Null)
            }
            // Clients try again.
            Some(Finish::MalformedCall) => {
                let message = "the model wrote a tool call that could not be read; try again";
                ("failed", Value::Null, json!({"code": "server_error", "message": message}))
            }
            Some(
                Finish::Stop
                | Finish::StopText(_)
                | Finish::ToolCalls
                | Finish::Refusal
                | Finish::Pause
                | Finish::Other(_),
            )
            | None => ("completed", Value::Null, Value::Null),
        }
    }

    fn step(&mut self, step: Step, out: &mut BytesMut) {
        match step {
            Step::Open(opening) => self.open(opening, out),
            Step::Delta(delta) => self.delta(delta, out),
            Step::Close => self.close(out),
        }
    }

    fn open(&mut self, opening: Opening, out: &mut BytesMut) {
        match opening {
            Opening::Text => self.open_said(false, out),
            Opening::Refusal => {
                self.has_refusal = true;
                self.open_said(true, out);
            }
            Opening::Reasoning { id, .. } => self.open_thought(id, out),
            Opening::ToolCall { id, name, kind } => self.open_call(&id, name, kind, out),
            // Comes whole with its delta.
            Opening::Media => self.end_item("completed", out),
        }
    }

    fn open_said(&mut self, is_refusal: bool, out: &mut BytesMut) {
        if !matches!(self.item.as_ref().map(Item::content), Some(Content::Message(_))) {
            self.begin("msg", None, Content::Message(vec![]), out);
        }
        self.with_item(out, |item, place| item.begin_said(is_refusal, place));
    }

    fn open_thought(&mut self, id: Option<String>, out: &mut BytesMut) {
        let own = id.filter(|id| id.starts_with("rs_") && id.len() <= names::MAX_ID);
        self.begin("rs", own, Content::Reasoning { summary: None, encrypted: None }, out);
    }

    fn open_call(&mut self, id: &str, name: String, kind: ToolKind, out: &mut BytesMut) {
        let known = self.echo.tools.get(&name).cloned();
        let tool = known.unwrap_or(ClientTool { name, namespace: None, kind });
        let is_bridged = tool.kind == ToolKind::Custom && kind == ToolKind::Function;
        let prefix = if tool.kind == ToolKind::Custom { "ctc" } else { "fc" };
        let call_id =
            if id.is_empty() { format!("call_{}_{}", self.id, self.output.len()) } else { names::shortened(id) };
        let call = Call { answered_by: call_id, tool, is_bridged, arguments: String::new(), signature: None };
        self.begin(prefix, None, Content::Call(call), out);
    }

    fn delta(&mut self, delta: Delta, out: &mut BytesMut) {
        match delta {
            Delta::Text(text) | Delta::Arguments(text) => self.with_item(out, |item, place| item.extend(&text, place)),
            Delta::Signature(signature) => self.sign(signature),
            Delta::Citation(citation) => {
                if let Some(annotation) = annotation(citation) {
                    self.with_item(out, |item, place| item.cite(annotation, place));
                }
            }
            Delta::Logprobs(logprobs) => {
                let tokens = logprobs.as_array().or_else(|| logprobs["content"].as_array());
                if let Some(tokens) = tokens.filter(|tokens| !tokens.is_empty()) {
                    self.with_item(out, |item, place| item.weigh(tokens, place));
                }
            }
            Delta::Media(media) => self.media(*media, out),
        }
    }

    /// Other dialects' signatures travel with clients that send encrypted content back.
    fn sign(&mut self, signature: crate::canonical::Opaque) {
        let is_own = signature.dialect == Dialect::OpenAiResponses;
        if !is_own && !self.echo.include.iter().any(|asked| asked == ENCRYPTED) {
            return;
        }
        match self.item.as_mut().map(Item::content_mut) {
            Some(Content::Reasoning { encrypted, .. }) => *encrypted = Some(carried::wrap(&signature, None)),
            Some(Content::Call(call)) => call.signature = Some(signature),
            Some(Content::Message(_) | Content::Image { .. }) | None => {}
        }
    }

    /// Pictures are made by a tool here; of other media the client is told.
    fn media(&mut self, media: Media, out: &mut BytesMut) {
        let text = told(&media);
        let (MediaKind::Image, MediaSource::Base64(result)) = (media.kind, media.source) else {
            self.open_said(false, out);
            return self.with_item(out, |item, place| item.extend(&text, place));
        };
        let mime = media.mime.unwrap_or_default();
        let format = mime.strip_prefix("image/").unwrap_or("png").to_owned();
        self.begin("ig", None, Content::Image { result, format }, out);
        self.end_item("completed", out);
    }

    fn close(&mut self, out: &mut BytesMut) {
        match self.item.as_ref().map(Item::content) {
            Some(Content::Message(_)) => self.with_item(out, |item, place| item.end_said(place)),
            Some(Content::Reasoning { .. }) => {
                self.with_item(out, |item, place| item.end_summary(place));
                self.end_item("completed", out);
            }
            Some(Content::Call(_)) => {
                self.with_item(out, Item::end_call);
                self.end_item("completed", out);
            }
            Some(Content::Image { .. }) | None => {}
        }
    }

    fn begin(&mut self, prefix: &str, id: Option<String>, content: Content, out: &mut BytesMut) {
        self.end_item("completed", out);
        let index = self.output.len();
        let id = id.unwrap_or_else(|| format!("{prefix}_{}_{index}", self.id));
        let mut place = Place { index, events: &mut self.events, out };
        self.item = Some(Item::begin(id, content, &mut place));
    }

    fn end_item(&mut self, status: &str, out: &mut BytesMut) {
        let Some(mut item) = self.item.take() else { return };
        let mut place = Place { index: self.output.len(), events: &mut self.events, out };
        self.output.push(item.end(status, &mut place));
        let Content::Call(call) = item.content_mut() else { return };
        let Some(signature) = call.signature.take() else { return };
        let encrypted = Some(carried::wrap(&signature, Some(&call.answered_by)));
        self.begin("rs", None, Content::Reasoning { summary: None, encrypted }, out);
        self.end_item("completed", out);
    }

    fn with_item(&mut self, out: &mut BytesMut, write: impl FnOnce(&mut Item, &mut Place<'_>)) {
        let index = self.output.len();
        if let Some(item) = &mut self.item {
            write(item, &mut Place { index, events: &mut self.events, out });
        }
    }

    fn done(&mut self, out: &mut BytesMut) {
        for step in self.queue.finish() {
            self.step(step, out);
        }
        let (status, ..) = self.outcome();
        self.end_item(if status == "completed" { status } else { "incomplete" }, out);
        let response = self.response(status).to_string();
        self.events.write(&format!("response.{status}"), &[("response", Member::Json(&response))], out);
        self.is_over = true;
    }
}

impl Encode for Encoder {
    fn write(&mut self, event: Event, out: &mut BytesMut) {
        if self.is_over {
            return;
        }
        let (part, step) = match event {
            Event::Start { id, model, created } => return self.start(id, model, created, out),
            // Nearly all events are this one, and need no queueing.
            Event::Delta { choice: 0, part, delta } if self.queue.is_active(part) => return self.delta(delta, out),
            Event::Open { choice: 0, part, opening } => (part, Step::Open(opening)),
            Event::Delta { choice: 0, part, delta } => (part, Step::Delta(delta)),
            Event::Close { choice: 0, part } => (part, Step::Close),
            Event::Finish { choice: 0, finish } => return self.finish = Some(finish),
            Event::Usage(usage) => return self.usage = Some(usage),
            Event::ServiceTier(tier) => return self.service_tier = Some(tier),
            Event::Done => {
                self.start(None, None, None, out);
                return self.done(out);
            }
            // Clients of this dialect cannot ask for several answers; failures are written by `fail`.
            Event::Open { .. }
            | Event::Delta { .. }
            | Event::Close { .. }
            | Event::Finish { .. }
            | Event::Failed(_) => return,
        };
        self.start(None, None, None, out);
        for step in self.queue.push(part, step) {
            self.step(step, out);
        }
    }

    fn fail(&mut self, note: &ErrorNote<'_>, out: &mut BytesMut) {
        if !self.is_over {
            self.start(None, None, None, out);
            error::write_end(note, self.response("failed"), &mut self.events, out);
            self.is_over = true;
        }
    }
}

/// A source as this dialect writes it; `None` when it is none that clients of it understand.
fn annotation(citation: Value) -> Option<Value> {
    let kinds = ["file_citation", "container_file_citation", "file_path"];
    let kind = citation["type"].as_str().unwrap_or_default();
    if kinds.contains(&kind) || (kind == "url_citation" && citation["url"].is_string()) {
        return Some(citation);
    }
    // Chat completions keep the same members one level down; Anthropic names the address as it is.
    let said = if citation["url_citation"].is_object() { &citation["url_citation"] } else { &citation };
    let url = said["url"].as_str()?;
    let place = |name: &str| said[name].as_u64().unwrap_or(0);
    Some(json!({
        "type": "url_citation", "start_index": place("start_index"), "end_index": place("end_index"),
        "title": said["title"].as_str().unwrap_or(url), "url": url,
    }))
}

#[cfg(test)]
mod tests;
