//! The item of the output that is being written.

use bytes::BytesMut;
use serde_json::{Value, json};

use crate::canonical::{Opaque, ToolKind};
use crate::openai_responses::event::{Events, Member};
use crate::request::ClientTool;

/// Where an item is written.
pub struct Place<'a> {
    /// Its index in the output.
    pub index: usize,
    /// The numbered events.
    pub events: &'a mut Events,
    /// The stream.
    pub out: &'a mut BytesMut,
}

/// An item with its id.
#[derive(Debug)]
pub struct Item {
    id: String,
    content: Content,
}

/// What an item is.
#[derive(Debug)]
pub enum Content {
    /// A message, with its parts; the last may be open.
    Message(Vec<Said>),
    /// A thought.
    Reasoning {
        /// Its summary; a thought without a text has none.
        summary: Option<String>,
        /// What the client sends back unread.
        encrypted: Option<String>,
    },
    /// A call of a tool.
    Call(Call),
    /// A picture, in base64.
    Image {
        /// The content.
        result: String,
        /// `png`, `jpeg`...
        format: String,
    },
}

/// A part of a message.
#[derive(Debug, Default)]
pub struct Said {
    text: String,
    is_refusal: bool,
    annotations: Vec<Value>,
    logprobs: Vec<Value>,
}

/// A call of a tool of the client's.
#[derive(Debug)]
pub struct Call {
    /// What the result is matched by.
    pub answered_by: String,
    /// The tool, as the client knows it.
    pub tool: ClientTool,
    /// True when the provider got a function instead of the client's custom tool.
    pub is_bridged: bool,
    /// The arguments or the input so far.
    pub arguments: String,
    /// The provider's signature of the call.
    pub signature: Option<Opaque>,
}

impl Place<'_> {
    fn write(&mut self, kind: &str, item: &str, more: &[(&str, Member<'_>)]) {
        let mut members = vec![("item_id", Member::Text(item)), ("output_index", Member::Number(self.index))];
        members.extend_from_slice(more);
        self.events.write(kind, &members, self.out);
    }

    fn write_item(&mut self, kind: &str, item: &str) {
        let members = [("output_index", Member::Number(self.index)), ("item", Member::Json(item))];
        self.events.write(kind, &members, self.out);
    }
}

impl Item {
    /// Begins an item.
    pub fn begin(id: String, content: Content, place: &mut Place<'_>) -> Self {
        let item = Self { id, content };
        place.write_item("response.output_item.added", &item.render("in_progress").to_string());
        item
    }

    /// What it is.
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// What it is, to add to it.
    pub const fn content_mut(&mut self) -> &mut Content {
        &mut self.content
    }

    /// Begins a part of a message.
    pub fn begin_said(&mut self, is_refusal: bool, place: &mut Place<'_>) {
        let Content::Message(parts) = &mut self.content else { return };
        let said = Said { is_refusal, ..Said::default() };
        let (at, part) = (parts.len(), said.render().to_string());
        parts.push(said);
        let members = [("content_index", Member::Number(at)), ("part", Member::Json(&part))];
        place.write("response.content_part.added", &self.id, &members);
    }

    /// Adds text to what is open.
    pub fn extend(&mut self, text: &str, place: &mut Place<'_>) {
        match &mut self.content {
            Content::Message(parts) => {
                let at = parts.len().saturating_sub(1);
                let Some(said) = parts.last_mut() else { return };
                said.text.push_str(text);
                let members = [
                    ("content_index", Member::Number(at)),
                    ("delta", Member::Text(text)),
                    ("logprobs", Member::Json("[]")),
                ];
                let (kind, members) = if said.is_refusal {
                    ("response.refusal.delta", &members[..2])
                } else {
                    ("response.output_text.delta", &members[..])
                };
                place.write(kind, &self.id, members);
            }
            Content::Reasoning { summary, .. } => {
                let at = ("summary_index", Member::Number(0));
                if summary.is_none() {
                    let part = ("part", Member::Json(r#"{"type":"summary_text","text":""}"#));
                    place.write("response.reasoning_summary_part.added", &self.id, &[at, part]);
                }
                summary.get_or_insert_default().push_str(text);
                place.write("response.reasoning_summary_text.delta", &self.id, &[at, ("delta", Member::Text(text))]);
            }
            Content::Call(call) => {
                call.arguments.push_str(text);
                if !call.is_bridged {
                    place.write(call.delta_kind(), &self.id, &[("delta", Member::Text(text))]);
                }
            }
            Content::Image { .. } => {}
        }
    }

    /// Adds a source to the open text.
    pub fn cite(&mut self, annotation: Value, place: &mut Place<'_>) {
        let Content::Message(parts) = &mut self.content else { return };
        let at = parts.len().saturating_sub(1);
        let Some(said) = parts.last_mut().filter(|said| !said.is_refusal) else { return };
        let json = annotation.to_string();
        let members = [
            ("content_index", Member::Number(at)),
            ("annotation_index", Member::Number(said.annotations.len())),
            ("annotation", Member::Json(&json)),
        ];
        place.write("response.output_text.annotation.added", &self.id, &members);
        said.annotations.push(annotation);
    }

    /// Adds probabilities to the open text. They come behind their text, so they have an event of
    /// their own.
    pub fn weigh(&mut self, logprobs: &[Value], place: &mut Place<'_>) {
        let Content::Message(parts) = &mut self.content else { return };
        let at = parts.len().saturating_sub(1);
        let Some(said) = parts.last_mut().filter(|said| !said.is_refusal) else { return };
        said.logprobs.extend_from_slice(logprobs);
        let json = Value::from(logprobs).to_string();
        let members =
            [("content_index", Member::Number(at)), ("delta", Member::Text("")), ("logprobs", Member::Json(&json))];
        place.write("response.output_text.delta", &self.id, &members);
    }

    /// Ends the open part of a message.
    pub fn end_said(&self, place: &mut Place<'_>) {
        let Content::Message(parts) = &self.content else { return };
        let Some(said) = parts.last() else { return };
        let at = ("content_index", Member::Number(parts.len() - 1));
        let logprobs = Value::from(said.logprobs.as_slice()).to_string();
        if said.is_refusal {
            place.write("response.refusal.done", &self.id, &[at, ("refusal", Member::Text(&said.text))]);
        } else {
            let members = [at, ("text", Member::Text(&said.text)), ("logprobs", Member::Json(&logprobs))];
            place.write("response.output_text.done", &self.id, &members);
        }
        let part = said.render().to_string();
        place.write("response.content_part.done", &self.id, &[at, ("part", Member::Json(&part))]);
    }

    /// Ends a summary.
    pub fn end_summary(&self, place: &mut Place<'_>) {
        let Content::Reasoning { summary: Some(text), .. } = &self.content else { return };
        let at = ("summary_index", Member::Number(0));
        place.write("response.reasoning_summary_text.done", &self.id, &[at, ("text", Member::Text(text))]);
        let part = json!({"type": "summary_text", "text": text}).to_string();
        place.write("response.reasoning_summary_part.done", &self.id, &[at, ("part", Member::Json(&part))]);
    }

    /// Ends a call's arguments. Bridged ones come only here, as the text within them.
    pub fn end_call(&mut self, place: &mut Place<'_>) {
        let Content::Call(call) = &mut self.content else { return };
        if call.is_bridged {
            call.arguments = unbridged(&call.arguments);
            place.write(call.delta_kind(), &self.id, &[("delta", Member::Text(&call.arguments))]);
        } else if call.tool.kind == ToolKind::Function && call.arguments.trim().is_empty() {
            call.arguments.push_str("{}");
            place.write(call.delta_kind(), &self.id, &[("delta", Member::Text("{}"))]);
        }
        let arguments = Member::Text(&call.arguments);
        match call.tool.kind {
            ToolKind::Function => {
                let members = [("name", Member::Text(&call.tool.name)), ("arguments", arguments)];
                place.write("response.function_call_arguments.done", &self.id, &members);
            }
            ToolKind::Custom => place.write("response.custom_tool_call_input.done", &self.id, &[("input", arguments)]),
        }
    }

    /// Ends the item and returns it as it stays.
    pub fn end(&self, status: &str, place: &mut Place<'_>) -> Value {
        let item = self.render(status);
        place.write_item("response.output_item.done", &item.to_string());
        item
    }

    fn render(&self, status: &str) -> Value {
        match &self.content {
            Content::Message(parts) => json!({
                "id": self.id, "type": "message", "status": status, "role": "assistant",
                "content": parts.iter().map(Said::render).collect::<Vec<_>>(),
            }),
            Content::Reasoning { summary, encrypted } => {
                let summary: Vec<Value> =
                    summary.iter().map(|text| json!({"type": "summary_text", "text": text})).collect();
                let mut item = json!({"id": self.id, "type": "reasoning", "summary": summary});
                if let Some(encrypted) = encrypted {
                    item["encrypted_content"] = encrypted.as_str().into();
                }
                item
            }
            Content::Call(call) => call.render(&self.id, status),
            Content::Image { result, format } => json!({
                "id": self.id, "type": "image_generation_call", "status": status, "output_format": format,
                "result": result,
            }),
        }
    }
}

impl Said {
    fn render(&self) -> Value {
        if self.is_refusal {
            return json!({"type": "refusal", "refusal": self.text});
        }
        json!({"type": "output_text", "annotations": self.annotations, "logprobs": self.logprobs, "text": self.text})
    }
}

impl Call {
    const fn delta_kind(&self) -> &'static str {
        match self.tool.kind {
            ToolKind::Function => "response.function_call_arguments.delta",
            ToolKind::Custom => "response.custom_tool_call_input.delta",
        }
    }

    fn render(&self, id: &str, status: &str) -> Value {
        let (kind, field) = match self.tool.kind {
            ToolKind::Function => ("function_call", "arguments"),
            ToolKind::Custom => ("custom_tool_call", "input"),
        };
        // What has not been turned back yet is nothing the client may see.
        let arguments = if status == "in_progress" { "" } else { &self.arguments };
        let mut item = json!({
            "id": id, "type": kind, "status": status, "call_id": self.answered_by, "name": self.tool.name,
            field: arguments,
        });
        if let Some(namespace) = &self.tool.namespace {
            item["namespace"] = namespace.as_str().into();
        }
        item
    }
}

/// The text within the arguments of the function that stood for a custom tool. Arguments that are
/// something else are what the model said, and are passed on.
fn unbridged(arguments: &str) -> String {
    let read: Option<Value> = serde_json::from_str(arguments).ok();
    read.and_then(|read| read["input"].as_str().map(str::to_owned)).unwrap_or_else(|| arguments.to_owned())
}
