//! One choice of a stream that is written.

use std::collections::HashMap;

use bytes::BytesMut;
use serde_json::json;

use super::frame::Frame;
use crate::canonical::{Delta, Finish, Media, MediaKind, Opening, ToolKind};
use crate::openai_chat::answer::{answer_audio, is_annotation};
use crate::openai_chat::client_tools::{input_of, is_turned};
use crate::openai_chat::finish;
use crate::openai_chat::write::answer_image;
use crate::request::{ClientTool, Echo};

/// A choice so far.
#[derive(Debug)]
pub struct ChoiceState {
    index: u32,
    parts: HashMap<u32, Open>,
    /// Calls that began.
    calls: usize,
    /// Whether a thought was written.
    has_thought: bool,
    /// Why it ends. Written last, whatever comes after it.
    pub finish: Option<Finish>,
}

/// An open part.
#[derive(Debug)]
enum Open {
    /// A text.
    Text,
    /// A thought; whether it needs a break from the one before.
    Reasoning { needs_break: bool },
    /// A refusal.
    Refusal,
    /// A call, and whether its tool takes free text.
    Call { index: usize, is_custom: bool },
    /// A call of a function that stands for a tool that takes free text, collected.
    Turned { index: usize, arguments: String },
    /// A medium.
    Media,
}

impl ChoiceState {
    /// A choice that has not begun.
    pub fn new(index: u32) -> Self {
        Self { index, parts: HashMap::new(), calls: 0, has_thought: false, finish: None }
    }

    /// Begins a part.
    pub fn open(&mut self, part: u32, opening: Opening, echo: &Echo, frame: &Frame, out: &mut BytesMut) {
        let open = match opening {
            Opening::Text => Open::Text,
            Opening::Reasoning { is_summary, .. } => Open::Reasoning { needs_break: is_summary && self.has_thought },
            Opening::Refusal => Open::Refusal,
            Opening::Media => Open::Media,
            Opening::ToolCall { id, name, kind } => self.call(&id, &name, kind, echo, frame, out),
        };
        self.parts.insert(part, open);
    }

    fn call(&mut self, id: &str, name: &str, kind: ToolKind, echo: &Echo, frame: &Frame, out: &mut BytesMut) -> Open {
        let index = self.calls;
        self.calls += 1;
        let tool = echo.tools.get(name);
        let name = tool.map_or(name, |tool: &ClientTool| &tool.name);
        let is_turned = tool.is_some_and(|tool| is_turned(tool, kind));
        let is_custom = is_turned || kind == ToolKind::Custom;
        let call = if is_custom {
            json!({"index": index, "id": id, "type": "custom", "custom": {"name": name, "input": ""}})
        } else {
            json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}})
        };
        frame.delta(self.index, &format!("\"tool_calls\":[{call}]"), out);
        if is_turned { Open::Turned { index, arguments: String::new() } } else { Open::Call { index, is_custom } }
    }

    /// Goes on with a part.
    pub fn delta(&mut self, part: u32, delta: Delta, echo: &Echo, frame: &Frame, out: &mut BytesMut) {
        if let Delta::Logprobs(logprobs) = &delta {
            return frame.without_content(self.index, Some(logprobs), None, out);
        }
        match (self.parts.get_mut(&part), delta) {
            (Some(Open::Text), Delta::Text(text)) => frame.text(self.index, "content", &text, out),
            (Some(Open::Refusal), Delta::Text(text)) => frame.text(self.index, "refusal", &text, out),
            (Some(Open::Reasoning { needs_break }), Delta::Text(text)) => {
                if std::mem::take(needs_break) {
                    frame.text(self.index, "reasoning_content", "\n\n", out);
                }
                self.has_thought = true;
                frame.text(self.index, "reasoning_content", &text, out);
            }
            (Some(Open::Call { index, is_custom }), Delta::Arguments(text)) => {
                frame.arguments(self.index, *index, *is_custom, &text, out);
            }
            (Some(Open::Turned { arguments, .. }), Delta::Arguments(text)) => arguments.push_str(&text),
            (Some(Open::Text), Delta::Citation(citation)) if is_annotation(&citation) => {
                frame.delta(self.index, &format!("\"annotations\":[{citation}]"), out);
            }
            (Some(Open::Media), Delta::Media(media)) => self.media(&media, echo, frame, out),
            // Signatures and foreign citations have no place here.
            _ => {}
        }
    }

    fn media(&self, media: &Media, echo: &Echo, frame: &Frame, out: &mut BytesMut) {
        if media.kind == MediaKind::Audio {
            if let Some(audio) = answer_audio(media, echo.created, echo) {
                frame.delta(self.index, &format!("\"audio\":{audio}"), out);
            }
        } else if let Some(image) = answer_image(media) {
            frame.delta(self.index, &format!("\"images\":[{image}]"), out);
        }
    }

    /// Ends a part.
    pub fn close(&mut self, part: u32, frame: &Frame, out: &mut BytesMut) {
        if let Some(Open::Turned { index, arguments }) = self.parts.remove(&part) {
            frame.arguments(self.index, index, true, &input_of(arguments), out);
        }
    }

    /// Ends the choice; for a reason that fits where none was given.
    pub fn end(&mut self, frame: &Frame, out: &mut BytesMut) {
        let mut open: Vec<u32> = self.parts.keys().copied().collect();
        open.sort_unstable();
        for part in open {
            self.close(part, frame, out);
        }
        let finish = self.finish.take().unwrap_or(Finish::Stop);
        frame.without_content(self.index, None, Some(finish::write(&finish, self.calls > 0)), out);
    }
}
