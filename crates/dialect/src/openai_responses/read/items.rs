//! Reading the items of the input into turns.

use serde_json::Value;

use crate::canonical::{CacheMark, Opaque, Part, Reasoning, Role, Text, ToolCall, ToolKind, ToolResult, Turn};
use crate::openai_responses::names::Names;
use crate::openai_responses::request::unsupported;
use crate::openai_responses::{carried, media};
use crate::request::RequestError;

/// The turns read so far.
pub struct Items<'a> {
    names: &'a Names,
    /// Texts before the first turn.
    pub system: Vec<Text>,
    /// The turns.
    pub turns: Vec<Turn>,
    /// Kinds of items and parts that were not understood.
    pub unread: Vec<String>,
}

impl<'a> Items<'a> {
    /// None yet.
    pub fn new(names: &'a Names) -> Self {
        Self { names, system: vec![], turns: vec![], unread: vec![] }
    }

    /// Reads the value of `input`.
    pub fn read(&mut self, input: &Value) -> Result<(), RequestError> {
        match input {
            Value::String(text) => self.say(Role::User, vec![plain(text)]),
            Value::Array(items) => items.iter().try_for_each(|item| self.item(item))?,
            _ => {}
        }
        Ok(())
    }

    fn item(&mut self, item: &Value) -> Result<(), RequestError> {
        let text = |name: &str| item[name].as_str().unwrap_or_default();
        match item["type"].as_str().unwrap_or(if item["role"].is_string() { "message" } else { "item_reference" }) {
            "message" => self.message(item),
            "function_call" => self.call(item, ToolKind::Function, text("arguments")),
            "custom_tool_call" => self.call(item, ToolKind::Custom, text("input")),
            "function_call_output" | "custom_tool_call_output" => self.result(item),
            "reasoning" => self.reasoning(item),
            "image_generation_call" if item["result"].is_string() => {
                self.add(Role::Assistant, media::made_image(item));
            }
            // Read with the tools.
            "additional_tools" => {}
            "item_reference" => return Err(unsupported("input.item_reference")),
            other => self.unread.push(format!("input.{other}")),
        }
        Ok(())
    }

    fn message(&mut self, item: &Value) {
        let parts = self.content(&item["content"]);
        match item["role"].as_str() {
            Some("assistant") => parts.into_iter().for_each(|part| self.add(Role::Assistant, part)),
            Some("system" | "developer") if self.turns.is_empty() => {
                self.system.extend(parts.into_iter().filter_map(|part| match part {
                    Part::Text(text) => Some(text),
                    _ => None,
                }));
            }
            Some("system" | "developer") => self.say(Role::System, parts),
            _ => self.say(Role::User, parts),
        }
    }

    /// A turn of its own.
    fn say(&mut self, role: Role, parts: Vec<Part>) {
        if !parts.is_empty() {
            self.turns.push(Turn { role, name: None, parts });
        }
    }

    /// A part of a turn that may go on: the model's, or one of results.
    fn add(&mut self, role: Role, part: Part) {
        let is_result = |part: &Part| matches!(part, Part::ToolResult(_));
        match self.turns.last_mut() {
            Some(turn) if turn.role == role && (role == Role::Assistant || turn.parts.iter().all(is_result)) => {
                turn.parts.push(part);
            }
            Some(_) | None => self.say(role, vec![part]),
        }
    }

    fn call(&mut self, item: &Value, kind: ToolKind, arguments: &str) {
        let id = item["call_id"].as_str().or_else(|| item["id"].as_str()).unwrap_or_default().to_owned();
        let name = self.names.find(item["namespace"].as_str(), item["name"].as_str().unwrap_or_default());
        let arguments = arguments.to_owned();
        self.add(Role::Assistant, Part::ToolCall(ToolCall { id, name, arguments, kind, signature: None, cache: None }));
    }

    fn result(&mut self, item: &Value) {
        let parts = self.content(&item["output"]);
        let call_id = item["call_id"].as_str().unwrap_or_default().to_owned();
        self.add(Role::User, Part::ToolResult(ToolResult { call_id, name: None, parts, is_error: false, cache: None }));
    }

    /// A part for the summary and one for the thought itself; the item's encrypted content is with the
    /// last one. A signature that belongs to a call goes there.
    fn reasoning(&mut self, item: &Value) {
        let signature = match item["encrypted_content"].as_str().filter(|content| !content.is_empty()) {
            None => None,
            Some(content) => match carried::unwrap(content) {
                Some((opaque, Some(call_id))) => return self.sign_call(&call_id, opaque),
                Some((opaque, None)) => return self.foreign_thought(item, opaque),
                None if content.starts_with(carried::MARK) => return self.unread.push("input.reasoning".to_owned()),
                None => Some(carried::own(content)),
            },
        };
        for part in thoughts(item, signature) {
            self.add(Role::Assistant, Part::Reasoning(part));
        }
    }

    /// Another provider's thought: the item, its id and its being a summary are ours.
    fn foreign_thought(&mut self, item: &Value, signature: Opaque) {
        let text = thoughts(item, None).into_iter().map(|thought| thought.text).collect();
        let thought = Reasoning { text, is_summary: false, id: None, signature: Some(signature) };
        self.add(Role::Assistant, Part::Reasoning(thought));
    }

    fn sign_call(&mut self, call_id: &str, signature: Opaque) {
        let parts = self.turns.iter_mut().rev().flat_map(|turn| turn.parts.iter_mut());
        let call = parts.filter_map(|part| if let Part::ToolCall(call) = part { Some(call) } else { None });
        match call.into_iter().find(|call| call.id == call_id) {
            Some(call) => call.signature = Some(signature),
            None => self.unread.push("input.reasoning".to_owned()),
        }
    }

    fn content(&mut self, content: &Value) -> Vec<Part> {
        match content {
            Value::String(text) => vec![plain(text)],
            Value::Array(parts) => parts.iter().filter_map(|part| self.part(part)).collect(),
            _ => vec![],
        }
    }

    fn part(&mut self, part: &Value) -> Option<Part> {
        let cache = part["prompt_cache_breakpoint"].is_object().then(CacheMark::default);
        let read = match part["type"].as_str().unwrap_or_default() {
            "input_text" | "output_text" | "text" => {
                let text = part["text"].as_str().unwrap_or_default().to_owned();
                let citations = part["annotations"].as_array().cloned().unwrap_or_default();
                Some(Part::Text(Text { text, cache, citations, signature: None }))
            }
            "refusal" => Some(Part::Refusal(part["refusal"].as_str().unwrap_or_default().to_owned())),
            "input_image" => media::image(part, cache),
            "input_file" => media::file(part, cache),
            "input_audio" => media::audio(part, cache),
            _ => None,
        };
        if read.is_none() {
            self.unread.push(format!("input.{}", part["type"].as_str().unwrap_or("part")));
        }
        read
    }
}

/// The thoughts of a reasoning item.
fn thoughts(item: &Value, signature: Option<Opaque>) -> Vec<Reasoning> {
    let id = item["id"].as_str().map(str::to_owned);
    let joined = |name: &str| {
        let pieces = item[name].as_array().map(Vec::as_slice).unwrap_or_default();
        let texts: Vec<&str> = pieces.iter().filter_map(|piece| piece["text"].as_str()).collect();
        texts.join("\n\n")
    };
    let said = [(joined("summary"), true), (joined("content"), false)].into_iter().filter(|(text, _)| !text.is_empty());
    let mut found: Vec<Reasoning> =
        said.map(|(text, is_summary)| Reasoning { text, is_summary, id: id.clone(), signature: None }).collect();
    match found.last_mut() {
        Some(last) => last.signature = signature,
        None => found.push(Reasoning { text: String::new(), is_summary: true, id, signature }),
    }
    found
}

fn plain(text: &str) -> Part {
    Part::Text(Text { text: text.to_owned(), ..Text::default() })
}
