//! Turns as messages.

use megarouter_domain::dialect::Dialect;
use serde_json::{Map, Value, json};

use super::ids::Pending;
use super::tools::CUSTOM_INPUT;
use super::{insert_some, media};
use crate::canonical::{Conversation, Part, Role, Text, ToolCall, ToolKind, ToolResult, Turn};
use crate::losses::Losses;
use crate::request::Target;

/// Writes the system texts, with one more if given, and the turns.
pub fn write(
    conversation: &Conversation,
    instruction: Option<&str>,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Vec<Value> {
    let mut writer = Writer { messages: vec![], pending: Pending::default(), target, losses };
    writer.system(&conversation.system, instruction);
    let mut turns = conversation.turns.as_slice();
    while let Some(first) = turns.first() {
        let is_model = first.role == Role::Assistant;
        let run = turns.iter().take_while(|turn| (turn.role == Role::Assistant) == is_model).count();
        let (now, rest) = turns.split_at(run);
        if is_model {
            writer.assistant(now);
        } else {
            writer.others(now);
        }
        turns = rest;
    }
    writer.close_calls();
    writer.messages
}

/// A call on the wire; `has_custom` says whether there are tools that take free text.
pub fn wire_call(id: &str, call: &ToolCall, has_custom: bool) -> Value {
    match call.kind {
        ToolKind::Custom if has_custom => {
            json!({"id": id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}})
        }
        ToolKind::Custom => {
            let arguments = json!({CUSTOM_INPUT: call.arguments}).to_string();
            json!({"id": id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
        }
        ToolKind::Function => {
            let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
            json!({"id": id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
        }
    }
}

struct Writer<'a> {
    messages: Vec<Value>,
    pending: Pending,
    target: &'a Target<'a>,
    losses: &'a mut Losses,
}

impl Writer<'_> {
    fn push(&mut self, role: &str, name: Option<&str>, content: impl Into<Value>) {
        let mut message = Map::new();
        message.insert("role".to_owned(), role.into());
        insert_some(&mut message, "name", name);
        message.insert("content".to_owned(), content.into());
        self.messages.push(message.into());
    }

    const fn system_role(&self) -> &'static str {
        if self.target.has_developer_role { "developer" } else { "system" }
    }

    /// One message: the chat templates of many open models refuse a second one.
    fn system(&mut self, texts: &[Text], instruction: Option<&str>) {
        let mut said: Vec<&str> = texts.iter().map(|text| self.text(text)).filter(|text| !text.is_empty()).collect();
        said.extend(instruction);
        if !said.is_empty() {
            self.push(self.system_role(), None, said.join("\n\n"));
        }
    }

    /// A text without what cannot be carried with it.
    fn text<'t>(&mut self, text: &'t Text) -> &'t str {
        if text.cache.is_some() {
            // OpenAI and most others cache by themselves.
            self.losses.approximated("cache_control");
        }
        if !text.citations.is_empty() {
            self.losses.foreign("citations");
        }
        if text.signature.is_some() {
            self.losses.foreign("text.signature");
        }
        &text.text
    }

    /// Turns between two of the model's: first the results it waits for, then what else was said.
    fn others(&mut self, turns: &[Turn]) {
        let mut shown = vec![];
        for result in turns.iter().flat_map(|turn| &turn.parts) {
            if let Part::ToolResult(result) = result {
                shown.extend(self.result(result));
            }
        }
        self.close_calls();
        if !shown.is_empty() {
            self.push("user", None, shown);
        }
        for turn in turns {
            let parts: Vec<&Part> = turn.parts.iter().filter(|part| !matches!(part, Part::ToolResult(_))).collect();
            if !parts.is_empty() || turn.parts.is_empty() {
                self.said(turn, &parts);
            }
        }
    }

    fn said(&mut self, turn: &Turn, parts: &[&Part]) {
        let name = turn.name.as_deref();
        match turn.role {
            Role::System => {
                let texts: Vec<&str> = parts.iter().filter_map(|part| self.only_text(part)).collect();
                self.push(self.system_role(), name, texts.join("\n\n"));
            }
            Role::User | Role::Assistant => {
                let content = self.content(parts);
                self.push("user", name, content);
            }
        }
    }

    fn only_text<'t>(&mut self, part: &'t Part) -> Option<&'t str> {
        match part {
            Part::Text(text) => Some(self.text(text)),
            Part::Media(_) => {
                self.losses.unsupported("system.media");
                None
            }
            Part::Refusal(text) => Some(text),
            Part::ToolCall(_) | Part::ToolResult(_) | Part::Reasoning(_) => None,
        }
    }

    /// A string where there is but one text, as every server understands it, else parts.
    fn content(&mut self, parts: &[&Part]) -> Value {
        if let [Part::Text(text)] = parts {
            return self.text(text).into();
        }
        let parts = parts.iter().filter_map(|part| match part {
            Part::Media(medium) => media::part(medium, self.losses),
            other => self.only_text(other).map(|text| json!({"type": "text", "text": text})),
        });
        let parts: Vec<Value> = parts.collect();
        if parts.is_empty() { "".into() } else { parts.into() }
    }

    /// Writes a result; returns what of it only a message of the user can show.
    fn result(&mut self, result: &ToolResult) -> Vec<Value> {
        if result.is_error {
            self.losses.unsupported("tool_result.is_error");
        }
        if result.cache.is_some() {
            self.losses.approximated("cache_control");
        }
        let texts: Vec<&str> = result.parts.iter().filter_map(|part| self.result_text(part)).collect();
        let content = texts.join("\n");
        let mut shown = vec![];
        if let Some(id) = self.pending.answer(&result.call_id) {
            self.messages.push(json!({"role": "tool", "tool_call_id": id, "content": content}));
        } else {
            // The call is not in the conversation, and a result without it is refused.
            self.losses.approximated("tool_result");
            shown.push(json!({"type": "text", "text": content}));
        }
        shown.extend(result.parts.iter().filter_map(|part| self.result_medium(part)));
        shown
    }

    fn result_text<'t>(&mut self, part: &'t Part) -> Option<&'t str> {
        if let Part::Media(_) = part { None } else { self.only_text(part) }
    }

    /// A result is text in this dialect; its pictures follow in a message of the user.
    fn result_medium(&mut self, part: &Part) -> Option<Value> {
        let Part::Media(medium) = part else { return None };
        self.losses.approximated("tool_result.media");
        media::part(medium, self.losses)
    }

    /// Calls without a result are refused: they get an empty one.
    fn close_calls(&mut self) {
        for id in self.pending.take() {
            self.losses.approximated("tool_calls");
            self.messages.push(json!({"role": "tool", "tool_call_id": id, "content": ""}));
        }
    }

    /// What the model said in turns that follow each other is one message.
    fn assistant(&mut self, turns: &[Turn]) {
        let mut said = Said::default();
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            self.said_by_model(part, &mut said);
        }
        let mut message = Map::new();
        message.insert("role".to_owned(), "assistant".into());
        insert_some(&mut message, "name", turns.iter().find_map(|turn| turn.name.as_deref()));
        let has_content = !said.text.is_empty() || (said.calls.is_empty() && said.refusal.is_none());
        message.insert("content".to_owned(), if has_content { said.text.into() } else { Value::Null });
        // Before calls an empty thought is better than none: it is there.
        let has_thought = !said.thought.is_empty() || !said.calls.is_empty();
        insert_some(
            &mut message,
            "reasoning_content",
            (self.target.wants_reasoning && has_thought).then_some(said.thought),
        );
        insert_some(&mut message, "refusal", said.refusal);
        if !said.calls.is_empty() {
            message.insert("tool_calls".to_owned(), said.calls.into());
        }
        self.messages.push(message.into());
    }

    fn said_by_model(&mut self, part: &Part, said: &mut Said) {
        match part {
            Part::Text(text) => said.text.push_str(self.text(text)),
            Part::Refusal(text) => said.refusal.get_or_insert_default().push_str(text),
            Part::ToolCall(call) => {
                if call.signature.as_ref().is_some_and(|signature| signature.dialect != Dialect::OpenAiChat) {
                    self.losses.foreign("tool_call.signature");
                }
                if call.cache.is_some() {
                    self.losses.approximated("cache_control");
                }
                let id = self.pending.push(&call.id);
                said.calls.push(wire_call(&id, call, self.target.has_developer_role));
            }
            Part::Reasoning(thought) if self.target.wants_reasoning && !thought.text.is_empty() => {
                said.thought.push_str(&thought.text);
            }
            // Providers refuse thoughts that are not their own, and most refuse even those.
            Part::Reasoning(thought) => {
                self.losses.foreign("reasoning");
                if thought.signature.is_some() {
                    self.losses.foreign("reasoning.signature");
                }
            }
            Part::Media(_) => self.losses.unsupported("assistant.media"),
            // A result among the model's own words is the user's; there is nobody to give it to.
            Part::ToolResult(_) => self.losses.unsupported("assistant.tool_result"),
        }
    }
}

/// What the model said in one message.
#[derive(Default)]
struct Said {
    text: String,
    thought: String,
    refusal: Option<String>,
    calls: Vec<Value>,
}
