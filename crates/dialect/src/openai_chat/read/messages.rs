//! The messages of a request, as system texts and turns.

use serde_json::Value;

use super::parts::{self, Unread, assistant_parts};
use super::{invalid, string, take};
use crate::canonical::{Part, Role, Text, ToolResult, Turn};
use crate::fields::RequestError;

/// Reads the messages: instructions before the first turn, and the turns.
///
/// Results of tools that follow each other make one turn of the user.
pub fn read(messages: Value, unread: &mut Unread) -> Result<(Vec<Text>, Vec<Turn>), RequestError> {
    let Value::Array(messages) = messages else { return Err(invalid("messages", "must be an array")) };
    let mut reader =
        Reader { unread, system: vec![], turns: vec![], is_after_result: false, legacy: Legacy::default() };
    for message in messages {
        reader.message(message)?;
    }
    Ok((reader.system, reader.turns))
}

struct Reader<'a> {
    unread: &'a mut Unread,
    system: Vec<Text>,
    turns: Vec<Turn>,
    is_after_result: bool,
    legacy: Legacy,
}

/// Ids for calls of the older form, which has none.
#[derive(Default)]
struct Legacy {
    made: usize,
    last: String,
}

impl Legacy {
    fn next(&mut self) -> String {
        self.made += 1;
        self.last = format!("call_function_{}", self.made);
        self.last.clone()
    }
}

impl Reader<'_> {
    fn message(&mut self, mut message: Value) -> Result<(), RequestError> {
        let role = take(&mut message, "role");
        let is_result = matches!(role.as_str(), Some("tool" | "function"));
        match role.as_str() {
            Some("system" | "developer") => self.instructions(message),
            Some("user") => {
                let parts = parts::read(take(&mut message, "content"), self.unread);
                self.turn(Role::User, message, parts);
            }
            Some("assistant") => {
                let legacy = &mut self.legacy;
                let parts = assistant_parts(&mut message, self.unread, || legacy.next());
                self.turn(Role::Assistant, message, parts);
            }
            Some("tool") => {
                let call_id = string(take(&mut message, "tool_call_id"));
                let call_id = call_id.ok_or(invalid("messages", "has a tool's result without a `tool_call_id`"))?;
                self.result(call_id, message);
            }
            Some("function") => self.result(self.legacy.last.clone(), message),
            _ => return Err(invalid("messages", "has a message without a known `role`")),
        }
        self.is_after_result = is_result;
        Ok(())
    }

    fn instructions(&mut self, mut message: Value) {
        let parts = parts::read(take(&mut message, "content"), self.unread);
        if !self.turns.is_empty() {
            return self.turn(Role::System, message, parts);
        }
        for part in parts {
            match part {
                Part::Text(text) => self.system.push(text),
                _ => self.unread.note("messages.system"),
            }
        }
    }

    fn turn(&mut self, role: Role, mut message: Value, parts: Vec<Part>) {
        self.turns.push(Turn { role, name: string(take(&mut message, "name")), parts });
    }

    fn result(&mut self, call_id: String, mut message: Value) {
        let parts = parts::read(take(&mut message, "content"), self.unread);
        // The mark on the last text marks the whole result.
        let cache = parts.last().and_then(|part| if let Part::Text(text) = part { text.cache.clone() } else { None });
        let name = string(take(&mut message, "name"));
        let result = Part::ToolResult(ToolResult { call_id, name, parts, is_error: false, cache });
        match self.turns.last_mut() {
            Some(turn) if self.is_after_result => turn.parts.push(result),
            _ => self.turns.push(Turn { role: Role::User, name: None, parts: vec![result] }),
        }
    }
}
