//! Writing the turns as `contents`.
//!
//! Google wants turns of person and model in alternation, and right after a turn with calls exactly
//! one result for each of them ("the number of function response parts is equal to the number of
//! function call parts of the function call turn").

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value, json};

use super::Generation;
use crate::canonical::{
    CacheMark, Conversation, Media, MediaKind, MediaSource, Part, Role, Text, ToolCall, ToolResult,
};
use crate::gemini::part;
use crate::losses::Losses;

/// What stands for the signature of a call that Gemini did not make: "if you transfer a conversation
/// from another model, set this dummy" (ai.google.dev/gemini-api/docs/thought-signatures, FAQ, read
/// 2026-11-22; Gemini CLI 0.61.0 does the same).
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// Writes the turns; empty when they say nothing.
pub fn write(conversation: &Conversation, model: Generation, losses: &mut Losses) -> Vec<Value> {
    let mut writer = Writer { model, losses, results: Results::of(conversation), contents: vec![] };
    for turn in &conversation.turns {
        if turn.name.is_some() {
            writer.losses.unsupported("name");
        }
        match turn.role {
            Role::Assistant => writer.model_turn(&turn.parts),
            Role::User => writer.user_turn(&turn.parts),
            Role::System => {
                writer.losses.approximated("system");
                writer.user_turn(&turn.parts);
            }
        }
    }
    writer.finish()
}

/// The results of a conversation, to be taken by the calls they answer.
struct Results<'a> {
    waiting: HashMap<&'a str, VecDeque<&'a ToolResult>>,
}

impl<'a> Results<'a> {
    fn of(conversation: &'a Conversation) -> Self {
        let mut waiting: HashMap<&str, VecDeque<&ToolResult>> = HashMap::new();
        for part in conversation.turns.iter().flat_map(|turn| &turn.parts) {
            if let Part::ToolResult(result) = part {
                waiting.entry(&result.call_id).or_default().push_back(result);
            }
        }
        Self { waiting }
    }

    fn take(&mut self, id: &str) -> Option<&'a ToolResult> {
        self.waiting.get_mut(id)?.pop_front()
    }

    /// Takes a result that no call before it has taken.
    fn take_this(&mut self, result: &ToolResult) -> bool {
        let Some(waiting) = self.waiting.get_mut(result.call_id.as_str()) else { return false };
        let Some(at) = waiting.iter().position(|waiting| std::ptr::eq(*waiting, result)) else { return false };
        waiting.remove(at);
        true
    }
}

struct Content<'a> {
    is_model: bool,
    parts: Vec<Value>,
    /// The calls among the parts, in order.
    calls: Vec<&'a ToolCall>,
}

struct Writer<'a, 'l> {
    model: Generation,
    losses: &'l mut Losses,
    results: Results<'a>,
    contents: Vec<Content<'a>>,
}

impl<'a> Writer<'a, '_> {
    /// The content to write to: the last one where its role fits. A turn with calls gets their
    /// results before anything else is said.
    fn content(&mut self, is_model: bool) -> &mut Content<'a> {
        let last = self.contents.last();
        if is_model && last.is_none() {
            // A conversation begins with the person.
            self.losses.approximated("messages");
            self.contents.push(Content { is_model: false, parts: vec![json!({"text": " "})], calls: vec![] });
        }
        let fits = self.contents.last().is_some_and(|last| last.is_model == is_model);
        if !fits {
            let parts = if is_model { vec![] } else { self.results_of_last() };
            self.contents.push(Content { is_model, parts, calls: vec![] });
        }
        self.contents.last_mut().expect("one was pushed where none fitted")
    }

    fn results_of_last(&mut self) -> Vec<Value> {
        let calls = self.contents.last_mut().map(|last| std::mem::take(&mut last.calls)).unwrap_or_default();
        let mut parts = vec![];
        let mut beside = vec![];
        for call in calls {
            let Some(result) = self.results.take(&call.id) else {
                self.losses.approximated("tool_result");
                let response = json!({"error": "the call was not answered"});
                parts.push(json!({"functionResponse": {"id": call.id, "name": call.name, "response": response}}));
                continue;
            };
            let (response, media) = self.result(result, &call.name);
            parts.push(response);
            beside.extend(media);
        }
        parts.extend(beside);
        parts
    }

    fn model_turn(&mut self, parts: &'a [Part]) {
        let mut is_first_call = true;
        for part in parts {
            match part {
                Part::ToolCall(call) => {
                    let signature = self.call_signature(call, is_first_call);
                    is_first_call = false;
                    if part::arguments(call).is_none() {
                        self.losses.approximated("tool_calls.arguments");
                    }
                    self.note_cache(call.cache.as_ref());
                    let written = part::write_call(call, signature);
                    let content = self.content(true);
                    content.parts.push(written);
                    content.calls.push(call);
                }
                Part::Reasoning(thought) => match part::own_signature(thought.signature.as_ref()) {
                    Some(signature) => {
                        let written = part::write_thought(&thought.text, Some(signature));
                        self.content(true).parts.push(written);
                    }
                    None => self.losses.foreign("reasoning"),
                },
                // Results are the person's.
                Part::ToolResult(result) => self.stray_result(result),
                other => self.said(true, other),
            }
        }
    }

    fn user_turn(&mut self, parts: &'a [Part]) {
        // The results go first, wherever the client put them.
        for part in parts {
            if let Part::ToolResult(result) = part {
                self.content(false);
                self.stray_result(result);
            }
        }
        for part in parts {
            match part {
                Part::ToolResult(_) => {}
                Part::ToolCall(_) | Part::Reasoning(_) => self.losses.unsupported("messages"),
                other => self.said(false, other),
            }
        }
    }

    /// A result that answers no call before it is told as text.
    fn stray_result(&mut self, result: &'a ToolResult) {
        if !self.results.take_this(result) {
            return;
        }
        self.losses.approximated("tool_result");
        let said = texts(result);
        if !said.is_empty() {
            self.content(false).parts.push(part::write_text(&said, None));
        }
    }

    fn said(&mut self, is_model: bool, part: &'a Part) {
        let written = match part {
            Part::Text(text) => self.text(text),
            Part::Media(media) => self.media(media),
            Part::Refusal(text) => {
                self.losses.approximated("refusal");
                (!text.is_empty()).then(|| part::write_text(text, None))
            }
            Part::ToolCall(_) | Part::ToolResult(_) | Part::Reasoning(_) => None,
        };
        if let Some(written) = written {
            let written = if is_model { self.signed(written) } else { written };
            self.content(is_model).parts.push(written);
        }
    }

    /// What the model said or drew, with a stand-in where it needs a signature and has none: models
    /// that draw refuse their own turns without ("Image part is missing a `thought_signature`",
    /// langchain-ai/langchain-google issue 1431; texts: googleapis/js-genai issue 1116; both read
    /// 2026-11-22).
    fn signed(&mut self, part: Value) -> Value {
        let is_needed = self.model.is_image && !self.model.is_before_3() && part.get(part::SIGNATURE).is_none();
        if !is_needed {
            return part;
        }
        self.losses.approximated("reasoning.signature");
        part::with_signature(part, Some(NO_SIGNATURE))
    }

    fn text(&mut self, text: &Text) -> Option<Value> {
        self.note_cache(text.cache.as_ref());
        if !text.citations.is_empty() {
            self.losses.foreign("citations");
        }
        let signature = part::own_signature(text.signature.as_ref());
        if text.signature.is_some() && signature.is_none() {
            self.losses.foreign("reasoning.signature");
        }
        // An empty text is refused, unless it carries a signature.
        (!text.text.is_empty() || signature.is_some()).then(|| part::write_text(&text.text, signature))
    }

    fn media(&mut self, media: &Media) -> Option<Value> {
        self.note_cache(media.cache.as_ref());
        if media.name.is_some() {
            self.losses.unsupported("filename");
        }
        if matches!(media.source, MediaSource::Text(_)) {
            self.losses.approximated("document");
        }
        let written = part::write_media(media);
        if written.is_none() {
            self.losses.unsupported(if media.kind == MediaKind::Image { "image.file_id" } else { "file.file_id" });
        }
        written
    }

    /// The signature of a call: its own, or the stand-in on the first call of a turn, which Gemini 3
    /// demands one on.
    fn call_signature(&mut self, call: &'a ToolCall, is_first: bool) -> Option<&'a str> {
        let own = part::own_signature(call.signature.as_ref());
        if call.signature.is_some() && own.is_none() {
            self.losses.foreign("reasoning.signature");
        }
        if own.is_some() || !is_first || self.model.is_before_3() {
            return own;
        }
        self.losses.approximated("reasoning.signature");
        Some(NO_SIGNATURE)
    }

    /// A `functionResponse`, and the media that stand beside it: within it Gemini 3 alone takes them.
    fn result(&mut self, result: &ToolResult, name: &str) -> (Value, Vec<Value>) {
        self.note_cache(result.cache.as_ref());
        let media: Vec<Value> = result
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Media(media) => self.media(media),
                _ => None,
            })
            .collect();
        let mut response = Map::new();
        response.insert("id".to_owned(), result.call_id.as_str().into());
        response.insert("name".to_owned(), name.into());
        response.insert("response".to_owned(), response_of(&texts(result), result.is_error));
        let (within, beside): (Vec<Value>, Vec<Value>) =
            media.into_iter().partition(|part| part.get("inlineData").is_some() && !self.model.is_before_3());
        if !within.is_empty() {
            response.insert("parts".to_owned(), within.into());
        }
        (json!({"functionResponse": response}), beside)
    }

    fn note_cache(&mut self, cache: Option<&CacheMark>) {
        if cache.is_some() {
            self.losses.unsupported("cache_control");
        }
    }

    fn finish(self) -> Vec<Value> {
        let role = |is_model| if is_model { "model" } else { "user" };
        let said = self.contents.into_iter().filter(|content| !content.parts.is_empty());
        said.map(|content| json!({"role": role(content.is_model), "parts": content.parts})).collect()
    }
}

/// What a result says.
fn texts(result: &ToolResult) -> String {
    let texts = result.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.text.as_str()),
        Part::Refusal(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// An object is the output itself, unless it would be taken for one that tells output and error
/// apart.
fn response_of(said: &str, is_error: bool) -> Value {
    if is_error {
        return json!({"error": said});
    }
    match serde_json::from_str::<Value>(said) {
        Ok(Value::Object(object)) if !object.contains_key("output") && !object.contains_key("error") => object.into(),
        _ => json!({"output": said}),
    }
}
