//! Writing turns as items of the input.

use std::collections::HashMap;

use megarouter_domain::dialect::Dialect;
use serde_json::{Value, json};

use crate::canonical::{Conversation, Part, Reasoning, Role, Text, ToolCall, ToolKind, ToolResult, Turn};
use crate::losses::Losses;
use crate::openai_responses::{media, names};

/// The items written so far.
pub struct ItemWriter {
    items: Vec<Value>,
    /// The calls written so far, by their canonical ids.
    calls: HashMap<String, ToolKind>,
    /// What instructions are said as.
    developer: &'static str,
    has_turns: bool,
}

impl ItemWriter {
    /// None yet.
    pub fn new(conversation: &Conversation, has_developer_role: bool) -> Self {
        Self {
            items: vec![],
            calls: HashMap::new(),
            developer: if has_developer_role { "developer" } else { "system" },
            has_turns: !conversation.turns.is_empty(),
        }
    }

    /// Writes the system texts: the first is the instructions, others are messages. Without any turn
    /// all are messages, as there must be some input.
    pub fn system<'a>(&mut self, texts: &'a [Text], losses: &mut Losses) -> Option<&'a str> {
        for text in texts {
            note_text(text, losses);
        }
        let mut texts = texts.iter().filter(|text| !text.text.is_empty()).map(|text| text.text.as_str());
        let first = if self.has_turns { texts.next() } else { None };
        for text in texts {
            let content = json!([{"type": "input_text", "text": text}]);
            self.items.push(json!({"type": "message", "role": self.developer, "content": content}));
        }
        first
    }

    /// Writes the turns and returns the whole input.
    pub fn write(mut self, turns: &[Turn], losses: &mut Losses) -> Value {
        for turn in turns {
            if turn.name.is_some() {
                losses.unsupported("name");
            }
            match turn.role {
                Role::Assistant => self.assistant(&turn.parts, losses),
                Role::User => self.said("user", &turn.parts, losses),
                Role::System => self.said(self.developer, &turn.parts, losses),
            }
        }
        self.items.into()
    }

    /// Messages, and results of tools between them.
    fn said(&mut self, role: &str, parts: &[Part], losses: &mut Losses) {
        let mut content = vec![];
        for part in parts {
            if let Part::ToolResult(result) = part {
                self.message(role, &mut content);
                if let Some(text) = self.result(result, losses) {
                    content.push(text);
                }
            } else {
                content.extend(input_part(part, losses));
            }
        }
        self.message(role, &mut content);
    }

    fn message(&mut self, role: &str, content: &mut Vec<Value>) {
        if !content.is_empty() {
            let content = std::mem::take(content);
            self.items.push(json!({"type": "message", "role": role, "content": content}));
        }
    }

    /// Writes a result; one without a call would be refused and is returned as text instead.
    fn result(&mut self, result: &ToolResult, losses: &mut Losses) -> Option<Value> {
        if result.is_error {
            losses.unsupported("tool_result.is_error");
        }
        if result.cache.is_some() {
            losses.approximated("cache_control");
        }
        let output = output(&result.parts, losses);
        let Some(kind) = self.calls.get(&result.call_id) else {
            losses.approximated("tool_result");
            let text = output.as_str().map_or_else(|| output.to_string(), str::to_owned);
            return Some(json!({"type": "input_text", "text": text}));
        };
        let kind = match kind {
            ToolKind::Function => "function_call_output",
            ToolKind::Custom => "custom_tool_call_output",
        };
        self.items.push(json!({"type": kind, "call_id": names::shortened(&result.call_id), "output": output}));
        None
    }

    fn assistant(&mut self, parts: &[Part], losses: &mut Losses) {
        let mut content = vec![];
        let mut at = 0;
        while let Some(part) = parts.get(at) {
            at += 1;
            match part {
                Part::Text(text) => {
                    note_text(text, losses);
                    if !text.text.is_empty() {
                        content.push(json!({"type": "output_text", "text": text.text, "annotations": []}));
                    }
                }
                Part::Refusal(text) => content.push(json!({"type": "refusal", "refusal": text})),
                Part::ToolCall(call) => {
                    self.message("assistant", &mut content);
                    self.call(call, losses);
                }
                Part::Reasoning(first) => {
                    self.message("assistant", &mut content);
                    let rest = parts[at..].iter().take_while(|part| is_same_item(first, part)).count();
                    self.items.extend(reasoning(&parts[at - 1..at + rest], losses));
                    at += rest;
                }
                Part::Media(_) => losses.unsupported("messages.assistant.image"),
                // Only the user's turns hold results.
                Part::ToolResult(_) => losses.unsupported("messages.assistant.tool_result"),
            }
        }
        self.message("assistant", &mut content);
    }

    fn call(&mut self, call: &ToolCall, losses: &mut Losses) {
        if call.signature.is_some() {
            losses.foreign("reasoning.signature");
        }
        if call.cache.is_some() {
            losses.approximated("cache_control");
        }
        self.calls.insert(call.id.clone(), call.kind);
        let id = names::shortened(&call.id);
        self.items.push(match call.kind {
            ToolKind::Function => {
                let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
                json!({"type": "function_call", "call_id": id, "name": call.name, "arguments": arguments})
            }
            ToolKind::Custom => {
                json!({"type": "custom_tool_call", "call_id": id, "name": call.name, "input": call.arguments})
            }
        });
    }
}

/// Whether a part belongs to the same reasoning item as the one before.
fn is_same_item(first: &Reasoning, part: &Part) -> bool {
    matches!(part, Part::Reasoning(next) if first.id.is_some() && next.id == first.id)
}

/// A reasoning item; `None`, with a loss, for thoughts of others or without their encrypted content.
fn reasoning(parts: &[Part], losses: &mut Losses) -> Option<Value> {
    let thoughts: Vec<&Reasoning> = parts
        .iter()
        .filter_map(|part| if let Part::Reasoning(thought) = part { Some(thought) } else { None })
        .collect();
    let signature = thoughts.iter().find_map(|thought| thought.signature.as_ref());
    let Some(own) = signature.filter(|signature| signature.dialect == Dialect::OpenAiResponses) else {
        losses.foreign(if signature.is_some() { "reasoning.signature" } else { "reasoning" });
        return None;
    };
    let texts = |is_summary: bool, kind: &str| {
        let texts = thoughts.iter().filter(|thought| thought.is_summary == is_summary && !thought.text.is_empty());
        texts.map(|thought| json!({"type": kind, "text": thought.text})).collect::<Vec<_>>()
    };
    let (summary, content) = (texts(true, "summary_text"), texts(false, "reasoning_text"));
    let mut item = json!({"type": "reasoning", "summary": summary, "encrypted_content": own.content});
    if !content.is_empty() {
        item["content"] = content.into();
    }
    let id = thoughts.iter().find_map(|thought| thought.id.as_deref());
    if let Some(id) = id.filter(|id| id.starts_with("rs_") && id.len() <= names::MAX_ID) {
        item["id"] = id.into();
    }
    Some(item)
}

fn input_part(part: &Part, losses: &mut Losses) -> Option<Value> {
    match part {
        Part::Text(text) => {
            note_text(text, losses);
            (!text.text.is_empty()).then(|| json!({"type": "input_text", "text": text.text}))
        }
        Part::Media(medium) => {
            if medium.cache.is_some() {
                losses.approximated("cache_control");
            }
            media::write(medium, losses)
        }
        Part::Refusal(text) => Some(json!({"type": "input_text", "text": text})),
        Part::Reasoning(_) | Part::ToolCall(_) | Part::ToolResult(_) => {
            losses.unsupported("messages.user");
            None
        }
    }
}

/// What a tool gave: one text as it is, anything else as parts.
fn output(parts: &[Part], losses: &mut Losses) -> Value {
    if let [Part::Text(text)] = parts {
        note_text(text, losses);
        return text.text.as_str().into();
    }
    let content: Vec<Value> = parts.iter().filter_map(|part| input_part(part, losses)).collect();
    if content.is_empty() { "".into() } else { content.into() }
}

/// Notes what goes with a text and has no place here. Prompts are cached without being marked.
fn note_text(text: &Text, losses: &mut Losses) {
    if text.cache.is_some() {
        losses.approximated("cache_control");
    }
    if !text.citations.is_empty() {
        losses.foreign("citations");
    }
    if text.signature.is_some() {
        losses.foreign("reasoning.signature");
    }
}
