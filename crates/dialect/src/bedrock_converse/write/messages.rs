//! Turns as messages, which alternate and begin with the user.

use megarouter_domain::dialect::Dialect;
use serde_json::{Value, json};

use super::blocks::{self, Documents};
use super::cache_point;
use super::family::Family;
use crate::bedrock_converse::{REDACTED, SIGNATURE};
use crate::canonical::{Conversation, Opaque, Part, Reasoning, Role, Text, ToolCall, ToolKind, ToolResult, Turn};
use crate::losses::Losses;
use crate::openai_chat::write::{CUSTOM_INPUT, Pending};

/// What stands where the dialect wants something and there is nothing.
const FILLER: &str = "(continue)";

/// Writes the turns.
pub fn write(conversation: &Conversation, family: Family, losses: &mut Losses) -> Vec<Value> {
    let documents = Documents::default();
    let mut writer = Writer { messages: vec![], pending: Pending::default(), documents, family, losses };
    let mut turns = conversation.turns.as_slice();
    while let Some(first) = turns.first() {
        let is_model = first.role == Role::Assistant;
        let run = turns.iter().take_while(|turn| (turn.role == Role::Assistant) == is_model).count();
        let (now, rest) = turns.split_at(run);
        if is_model {
            writer.assistant(now);
        } else {
            writer.user(now);
        }
        turns = rest;
    }
    writer.close();
    writer.messages
}

/// True for a thought that Bedrock gave and takes back.
pub fn is_own_thought(part: &Part) -> bool {
    matches!(part, Part::Reasoning(Reasoning { signature: Some(Opaque { dialect: Dialect::BedrockConverse, .. }), .. }))
}

struct Writer<'a> {
    messages: Vec<Value>,
    pending: Pending,
    documents: Documents,
    family: Family,
    losses: &'a mut Losses,
}

impl Writer<'_> {
    /// Adds blocks to the last message if it is of the same role, else a message.
    fn push(&mut self, role: &str, blocks: Vec<Value>) {
        if blocks.is_empty() {
            return;
        }
        if self.messages.is_empty() && role == "assistant" {
            self.losses.approximated("messages");
            self.messages.push(json!({"role": "user", "content": [{"text": FILLER}]}));
        }
        match self.messages.last_mut() {
            Some(last) if last["role"] == role => {
                if let Some(content) = last["content"].as_array_mut() {
                    content.extend(blocks);
                }
            }
            _ => self.messages.push(json!({"role": role, "content": blocks})),
        }
    }

    /// A conversation that ends with calls gets their results too.
    fn close(&mut self) {
        let missing = self.missing_results();
        self.push("user", missing);
        if self.messages.is_empty() {
            self.messages.push(json!({"role": "user", "content": [{"text": FILLER}]}));
        }
    }

    /// Results come first, as the models want them just after their calls; then what else was said.
    fn user(&mut self, turns: &[Turn]) {
        let mut blocks = vec![];
        let mut strays = vec![];
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            if let Part::ToolResult(result) = part {
                self.result(result, &mut blocks, &mut strays);
            }
        }
        blocks.extend(self.missing_results());
        blocks.extend(strays);
        for turn in turns {
            if turn.role == Role::System {
                self.losses.approximated("messages.system");
            }
            if turn.name.is_some() {
                self.losses.unsupported("messages.name");
            }
            for part in &turn.parts {
                self.said(part, &mut blocks);
            }
        }
        let is_document = |block: &Value| block.get("document").is_some();
        if blocks.iter().any(is_document) && !blocks.iter().any(|block| block.get("text").is_some()) {
            // A document is refused without a text beside it.
            blocks.push(json!({"text": FILLER}));
        }
        self.push("user", blocks);
    }

    fn said(&mut self, part: &Part, blocks: &mut Vec<Value>) {
        match part {
            Part::Text(text) => self.text(text, blocks),
            Part::Media(media) => {
                blocks.extend(blocks::write(media, &mut self.documents, self.losses));
                blocks.extend(cache_point(media.cache.as_ref(), self.family, self.losses));
            }
            Part::Refusal(text) if !text.trim().is_empty() => {
                self.losses.approximated("refusal");
                blocks.push(json!({"text": text}));
            }
            Part::Refusal(_) | Part::ToolCall(_) | Part::ToolResult(_) | Part::Reasoning(_) => {}
        }
    }

    /// Blank texts are refused.
    fn text(&mut self, text: &Text, blocks: &mut Vec<Value>) {
        if !text.citations.is_empty() {
            self.losses.foreign("citations");
        }
        if text.signature.is_some() {
            self.losses.foreign("text.signature");
        }
        if !text.text.trim().is_empty() {
            blocks.push(json!({"text": text.text}));
        }
        blocks.extend(cache_point(text.cache.as_ref(), self.family, self.losses));
    }

    fn result(&mut self, result: &ToolResult, blocks: &mut Vec<Value>, strays: &mut Vec<Value>) {
        let mut content = vec![];
        for part in &result.parts {
            match part {
                Part::Text(text) if !text.text.trim().is_empty() => content.push(json!({"text": text.text})),
                Part::Media(media) => content.extend(blocks::write(media, &mut self.documents, self.losses)),
                _ => {}
            }
        }
        let Some(id) = self.pending.answer(&result.call_id) else {
            // The call is not in the conversation, and a result without it is refused.
            self.losses.approximated("tool_result");
            return strays.extend(content);
        };
        let mut written = json!({"toolUseId": id, "content": content});
        if result.is_error {
            if self.family.has_result_status() {
                written["status"] = "error".into();
            } else {
                self.losses.unsupported("tool_result.is_error");
            }
        }
        blocks.push(json!({"toolResult": written}));
        blocks.extend(cache_point(result.cache.as_ref(), self.family, self.losses));
    }

    /// Calls without a result are refused: they get an empty one.
    fn missing_results(&mut self) -> Vec<Value> {
        let missing: Vec<String> = self.pending.take().collect();
        if !missing.is_empty() {
            self.losses.approximated("tool_calls");
        }
        missing.into_iter().map(|id| json!({"toolResult": {"toolUseId": id, "content": []}})).collect()
    }

    fn assistant(&mut self, turns: &[Turn]) {
        let (mut blocks, mut calls) = (vec![], vec![]);
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            match part {
                Part::Reasoning(thought) => blocks.extend(self.thought(thought)),
                Part::ToolCall(call) => self.call(call, &mut calls),
                Part::Media(_) => self.losses.unsupported("assistant.media"),
                Part::ToolResult(_) => self.losses.unsupported("assistant.tool_result"),
                Part::Text(_) | Part::Refusal(_) => self.said(part, &mut blocks),
            }
        }
        // Nothing may come between calls and their results.
        blocks.extend(calls);
        self.push("assistant", blocks);
    }

    fn call(&mut self, call: &ToolCall, blocks: &mut Vec<Value>) {
        if call.signature.is_some() {
            self.losses.foreign("tool_call.signature");
        }
        let id = self.pending.push(&call.id);
        let (input, is_same) = input(call);
        if !is_same {
            self.losses.approximated("tool_calls.arguments");
        }
        blocks.push(json!({"toolUse": {"toolUseId": id, "name": call.name, "input": input}}));
        blocks.extend(cache_point(call.cache.as_ref(), self.family, self.losses));
    }

    /// Only Bedrock's own thoughts are taken back, and only with their proof.
    fn thought(&mut self, thought: &Reasoning) -> Option<Value> {
        match &thought.signature {
            Some(Opaque { dialect: Dialect::BedrockConverse, kind, content }) if *kind == SIGNATURE => {
                let text = json!({"text": thought.text, "signature": content});
                Some(json!({"reasoningContent": {"reasoningText": text}}))
            }
            Some(Opaque { dialect: Dialect::BedrockConverse, kind, content }) if *kind == REDACTED => {
                Some(json!({"reasoningContent": {"redactedContent": content}}))
            }
            Some(_) => {
                self.losses.foreign("reasoning");
                self.losses.foreign("reasoning.signature");
                None
            }
            None => {
                self.losses.foreign("reasoning");
                None
            }
        }
    }
}

/// The arguments as an object, and whether they are the same.
fn input(call: &ToolCall) -> (Value, bool) {
    let wrapped = || json!({CUSTOM_INPUT: call.arguments});
    if call.kind == ToolKind::Custom {
        return (wrapped(), true);
    }
    match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(members)) => (Value::Object(members), true),
        _ if call.arguments.trim().is_empty() => (json!({}), true),
        _ => (wrapped(), false),
    }
}
