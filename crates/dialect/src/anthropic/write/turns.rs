//! Turns as messages: roles alternate, and results stand first in the turn after their calls.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use megarouter_domain::dialect::Dialect;
use serde::Serialize;

use super::super::blocks::{self, CacheControl, Out, Source};
use super::super::carry;
use crate::canonical::{
    Conversation, Media, MediaKind, MediaSource, Opaque, Part, Reasoning, Role, Text, ToolCall, ToolResult, Turn,
};
use crate::losses::Losses;

/// What stands before a conversation that begins with the model: the API wants the user first.
const NOBODY_SPOKE: &str = ".";

/// What a tool says that failed without a word.
const FAILED: &str = "error";

/// Pictures that the API takes ("Vision", read 2026-11-22).
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// A message as it goes.
#[derive(Debug, Serialize)]
pub struct Message<'a> {
    role: &'static str,
    pub content: Vec<Out<'a>>,
}

const USER: &str = "user";
const ASSISTANT: &str = "assistant";

/// Writes the system blocks and the messages.
pub fn write<'a>(conversation: &'a Conversation, losses: &mut Losses) -> (Vec<Out<'a>>, Vec<Message<'a>>) {
    let mut writer = Writer { system: vec![], messages: vec![], calls: HashMap::new(), losses };
    for text in &conversation.system {
        let block = writer.text(text);
        writer.system.extend(block);
    }
    for turn in &conversation.turns {
        writer.turn(turn);
    }
    writer.finish()
}

/// True when the results of calls are sent without the thought that led to the calls.
pub fn lacks_thought(messages: &[Message<'_>]) -> bool {
    let [.., said, results] = messages else { return false };
    let has_results = matches!(results.content.first(), Some(Out::ToolResult { .. }));
    let has_thought = matches!(said.content.first(), Some(Out::Thinking { .. } | Out::RedactedThinking { .. }));
    has_results && !has_thought
}

struct Writer<'a, 'l> {
    system: Vec<Out<'a>>,
    messages: Vec<Message<'a>>,
    /// Which message each call is in.
    calls: HashMap<&'a str, usize>,
    losses: &'l mut Losses,
}

impl<'a> Writer<'a, '_> {
    fn finish(mut self) -> (Vec<Out<'a>>, Vec<Message<'a>>) {
        if self.messages.is_empty() {
            // Instructions alone: the last of them is what the model answers to.
            self.losses.approximated("messages");
            let said = self.system.pop().unwrap_or(Out::text(NOBODY_SPOKE));
            self.messages.push(Message { role: USER, content: vec![said] });
        }
        if self.messages[0].role == ASSISTANT {
            self.losses.approximated("messages");
            self.messages.insert(0, Message { role: USER, content: vec![Out::text(NOBODY_SPOKE)] });
        }
        self.trim_end();
        (self.system, self.messages)
    }

    /// An answer that the model is to go on with may not end with space.
    fn trim_end(&mut self) {
        let Some(Message { role: ASSISTANT, content }) = self.messages.last_mut() else { return };
        if let Some(Out::Text { text, .. }) = content.last_mut() {
            *text = match text {
                Cow::Borrowed(borrowed) => Cow::Borrowed(borrowed.trim_end()),
                Cow::Owned(owned) => Cow::Owned(owned.trim_end().to_owned()),
            };
        }
    }

    fn turn(&mut self, turn: &'a Turn) {
        if turn.name.is_some() {
            self.losses.unsupported("messages.name");
        }
        match turn.role {
            Role::System => self.system_turn(turn),
            Role::User => self.user_turn(turn),
            Role::Assistant => self.assistant_turn(turn),
        }
    }

    /// Only some models take instructions in the middle, and only after a user's turn ("Mid-conversation
    /// system messages", read 2026-11-22): as instructions they stand before the first turn.
    fn system_turn(&mut self, turn: &'a Turn) {
        self.losses.approximated("messages.system");
        for part in &turn.parts {
            match part {
                Part::Text(text) => {
                    let block = self.text(text);
                    self.system.extend(block);
                }
                _ => self.losses.unsupported("messages.system.media"),
            }
        }
    }

    fn user_turn(&mut self, turn: &'a Turn) {
        for part in &turn.parts {
            match part {
                Part::ToolResult(result) => self.result(result),
                Part::Text(text) => {
                    let block = self.text(text);
                    self.say(USER, block);
                }
                Part::Media(media) => {
                    let block = self.medium(media);
                    self.say(USER, block);
                }
                Part::Refusal(text) => {
                    let block = self.refusal(text);
                    self.say(USER, block);
                }
                // Only the model calls and thinks.
                Part::ToolCall(_) | Part::Reasoning(_) => self.losses.unsupported("messages.content"),
            }
        }
    }

    fn assistant_turn(&mut self, turn: &'a Turn) {
        for part in &turn.parts {
            let block = match part {
                Part::Text(text) => self.text(text),
                Part::Refusal(text) => self.refusal(text),
                Part::Reasoning(thought) => self.thought(thought),
                Part::ToolCall(call) => {
                    let block = self.call(call);
                    self.say(ASSISTANT, Some(block));
                    self.calls.insert(&call.id, self.messages.len() - 1);
                    continue;
                }
                Part::Media(media) => {
                    self.losses.unsupported(what(media.kind));
                    None
                }
                Part::ToolResult(result) => {
                    self.result(result);
                    continue;
                }
            };
            self.say(ASSISTANT, block);
        }
    }

    /// Adds a block to the last message, or to a new one where the role changes.
    fn say(&mut self, role: &'static str, block: Option<Out<'a>>) {
        let Some(block) = block else { return };
        match self.messages.last_mut() {
            Some(last) if last.role == role => last.content.push(block),
            _ => self.messages.push(Message { role, content: vec![block] }),
        }
    }

    /// Adds a result to the message after its call, behind the results that are there already.
    fn result(&mut self, result: &'a ToolResult) {
        let block = self.result_block(result);
        let after_call = self.calls.get(result.call_id.as_str()).map_or(self.messages.len(), |call| call + 1);
        if after_call >= self.messages.len() {
            return self.first_in_user_turn(block);
        }
        insert_result(&mut self.messages[after_call], block);
    }

    fn first_in_user_turn(&mut self, block: Out<'a>) {
        match self.messages.last_mut() {
            Some(last) if last.role == USER => insert_result(last, block),
            _ => self.messages.push(Message { role: USER, content: vec![block] }),
        }
    }

    fn result_block(&mut self, result: &'a ToolResult) -> Out<'a> {
        let mut content = vec![];
        for part in &result.parts {
            match part {
                Part::Text(text) => content.extend(self.text(text)),
                Part::Media(media) => content.extend(self.medium(media)),
                _ => self.losses.unsupported("tool_result.content"),
            }
        }
        if result.is_error && content.is_empty() {
            // The API refuses a failure that says nothing.
            self.losses.approximated("tool_result.content");
            content.push(Out::text(FAILED));
        }
        Out::ToolResult {
            tool_use_id: legal_id(&result.call_id),
            content,
            is_error: result.is_error,
            cache_control: result.cache.as_ref().map(CacheControl::from),
        }
    }

    /// A text; none for space alone, which the API refuses.
    fn text(&mut self, text: &'a Text) -> Option<Out<'a>> {
        self.note_signature(text.signature.as_ref());
        if is_blank(&text.text) {
            return None;
        }
        let (citations, foreign): (Vec<_>, Vec<_>) =
            text.citations.iter().partition(|citation| blocks::is_own_citation(citation));
        if !foreign.is_empty() {
            self.losses.foreign("citations");
        }
        let cache_control = text.cache.as_ref().map(CacheControl::from);
        Some(Out::Text { text: text.text.as_str().into(), citations, cache_control })
    }

    /// A refusal is said in a text like any other.
    fn refusal(&mut self, text: &'a str) -> Option<Out<'a>> {
        self.losses.approximated("refusal");
        Some(Out::text(text)).filter(|_| !is_blank(text))
    }

    /// A thought goes back only to who had it.
    fn thought(&mut self, thought: &'a Reasoning) -> Option<Out<'a>> {
        let own = thought.signature.as_ref().filter(|signature| signature.dialect == Dialect::Anthropic);
        if own.is_none() {
            self.note_signature(thought.signature.as_ref());
            self.losses.foreign("reasoning");
            return None;
        }
        if let Some(data) = carry::own(own, carry::REDACTED) {
            return Some(Out::RedactedThinking { data });
        }
        carry::own(own, carry::SIGNATURE)
            .map(|signature| Out::Thinking { thinking: &thought.text, signature: signature.into() })
    }

    fn note_signature(&mut self, signature: Option<&Opaque>) {
        if signature.is_some() {
            self.losses.foreign("reasoning.signature");
        }
    }

    fn call(&mut self, call: &'a ToolCall) -> Out<'a> {
        self.note_signature(call.signature.as_ref());
        let (input, is_object) = blocks::input(&call.arguments, call.kind);
        if !is_object {
            self.losses.approximated("tool_calls.arguments");
        }
        Out::ToolUse {
            id: legal_id(&call.id),
            name: &call.name,
            input,
            cache_control: call.cache.as_ref().map(CacheControl::from),
        }
    }

    fn medium(&mut self, media: &'a Media) -> Option<Out<'a>> {
        if media.detail.as_deref().is_some_and(|detail| detail != "auto") {
            self.losses.unsupported("image_url.detail");
        }
        let block = match media.kind {
            MediaKind::Image => image(media),
            MediaKind::Document => document(media),
            MediaKind::Audio | MediaKind::Video => None,
        };
        if matches!((&block, media.mime.as_deref()), (Some(Out::Document { source: Source::Text { .. }, .. }), Some(mime)) if mime != "text/plain")
        {
            // All text is plain there.
            self.losses.approximated("file.mime_type");
        }
        if block.is_none() {
            match media.source {
                MediaSource::FileId(_) => self.losses.foreign("file_id"),
                _ => self.losses.unsupported(what(media.kind)),
            }
        }
        block
    }
}

fn insert_result<'a>(message: &mut Message<'a>, block: Out<'a>) {
    let results = message.content.iter().take_while(|block| matches!(block, Out::ToolResult { .. })).count();
    message.content.insert(results, block);
}

/// A picture of a kind that the API takes.
fn image(media: &Media) -> Option<Out<'_>> {
    let cache_control = media.cache.as_ref().map(CacheControl::from);
    let source = match (&media.source, media.mime.as_deref()) {
        (MediaSource::Base64(data), Some("image/jpg")) => Source::Base64 { media_type: "image/jpeg", data },
        (MediaSource::Base64(data), Some(mime)) if IMAGES.contains(&mime) => Source::Base64 { media_type: mime, data },
        (MediaSource::Base64(data), None) => Source::Base64 { media_type: sniff(data)?, data },
        (MediaSource::Url(url), _) => Source::Url { url },
        (MediaSource::Base64(_) | MediaSource::FileId(_) | MediaSource::Text(_), _) => return None,
    };
    Some(Out::Image { source, cache_control })
}

/// True for a document that a person can read as it is.
fn is_text(mime: &str) -> bool {
    mime.starts_with("text/") || matches!(mime, "application/json" | "application/xml" | "application/yaml")
}

/// A document: PDF or text.
fn document(media: &Media) -> Option<Out<'_>> {
    const PDF: &str = "application/pdf";
    const TEXT: &str = "text/plain";
    let source = match (&media.source, media.mime.as_deref()) {
        (MediaSource::Base64(data), Some(PDF) | None) => Source::Base64 { media_type: PDF, data },
        (MediaSource::Url(url), Some(PDF) | None) => Source::Url { url },
        (MediaSource::Text(text), _) => Source::Text { media_type: TEXT, data: text.as_str().into() },
        (MediaSource::Base64(data), Some(mime)) if is_text(mime) => {
            let text = String::from_utf8(STANDARD.decode(data).ok()?).ok()?;
            Source::Text { media_type: TEXT, data: text.into() }
        }
        (MediaSource::Base64(_) | MediaSource::Url(_) | MediaSource::FileId(_), _) => return None,
    };
    let cache_control = media.cache.as_ref().map(CacheControl::from);
    Some(Out::Document { source, title: media.name.as_deref(), cache_control })
}

/// The kind of a picture, from how its base64 begins.
fn sniff(data: &str) -> Option<&'static str> {
    let kinds =
        [("/9j/", "image/jpeg"), ("iVBORw0KGgo", "image/png"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp")];
    kinds.into_iter().find(|(start, _)| data.starts_with(start)).map(|(_, mime)| mime)
}

const fn what(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "image_url",
        MediaKind::Audio => "input_audio",
        MediaKind::Video => "video",
        MediaKind::Document => "file",
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// An id as the API takes it: letters, digits, `_` and `-`. Another character becomes its code, so that
/// different ids stay different.
fn legal_id(id: &str) -> Cow<'_, str> {
    let is_legal = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if id.is_empty() {
        return "call".into();
    }
    if id.chars().all(is_legal) {
        return id.into();
    }
    let letters = id.chars().map(|letter| match letter {
        legal if is_legal(legal) => legal.to_string(),
        other => format!("_{:x}", u32::from(other)),
    });
    letters.collect::<String>().into()
}
