//! One choice of a stream: which parts are open, and what comes to them.

use serde_json::Value;
use serde_json::value::RawValue;

use super::chunk::{Audio, CallDelta, Called, Choice, Delta as Sent, text};
use crate::canonical::{Delta, Event, Media, MediaKind, MediaSource, Opening, Part, ToolKind};
use crate::openai_chat::finish;
use crate::openai_chat::read::{Unread, details_text, read_parts};

/// A choice so far.
#[derive(Debug, Default)]
pub struct ChoiceState {
    index: u32,
    /// Parts that began.
    parts: u32,
    /// The text, thought or refusal that is open. Calls stay open beside it.
    current: Option<(u32, Flow)>,
    calls: Vec<Call>,
    /// The sound so far, in base64.
    sound: String,
    reason: Option<String>,
}

/// What follows itself piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Text,
    Reasoning,
    Refusal,
}

/// A tool call so far.
#[derive(Debug)]
struct Call {
    index: Option<u64>,
    id: String,
    /// Its part, once its name came.
    part: Option<u32>,
    kind: ToolKind,
    /// Arguments that came before the name.
    waiting: String,
    has_arguments: bool,
}

impl ChoiceState {
    /// Takes the next piece.
    pub fn take(&mut self, choice: Choice<'_>, make_id: &mut impl FnMut() -> String, events: &mut Vec<Event>) {
        self.index = choice.index.unwrap_or_default();
        if let Some(delta) = choice.delta {
            self.delta(delta, make_id, events);
        }
        if let Some(logprobs) = choice.logprobs.filter(|logprobs| !logprobs.is_null()) {
            let part = self.current.map_or_else(|| self.parts.saturating_sub(1), |(part, _)| part);
            events.push(self.event(part, Delta::Logprobs(logprobs)));
        }
        self.reason = choice.finish_reason.filter(|reason| !reason.is_empty()).or(self.reason.take());
    }

    /// True when the provider said why it ended.
    pub const fn has_finished(&self) -> bool {
        self.reason.is_some()
    }

    /// The stream is over: closes everything.
    pub fn end(&mut self, events: &mut Vec<Event>) {
        self.close_current(events);
        let calls = std::mem::take(&mut self.calls);
        for call in &calls {
            let Some(part) = call.part else { continue };
            if !call.has_arguments && call.kind == ToolKind::Function {
                events.push(self.event(part, Delta::Arguments("{}".to_owned())));
            }
            events.push(Event::Close { choice: self.index, part });
        }
        let sound = std::mem::take(&mut self.sound);
        if !sound.is_empty() {
            self.media(audio(sound), events);
        }
        let has_calls = calls.iter().any(|call| call.part.is_some());
        if let Some(finish) = self.reason.take().and_then(|reason| finish::read(&reason, has_calls)) {
            events.push(Event::Finish { choice: self.index, finish });
        }
    }

    const fn event(&self, part: u32, delta: Delta) -> Event {
        Event::Delta { choice: self.index, part, delta }
    }

    fn delta(&mut self, delta: Sent<'_>, make_id: &mut impl FnMut() -> String, events: &mut Vec<Event>) {
        // OpenRouter says the same thought under two names.
        let thoughts = [delta.reasoning_content, delta.reasoning].into_iter().flatten().filter_map(text);
        let details = || delta.reasoning_details.as_ref().map(details_text).unwrap_or_default();
        let thought = thoughts.into_iter().find(|thought| !thought.is_empty()).unwrap_or_else(details);
        self.flow(Flow::Reasoning, thought, events);
        if let Some(content) = delta.content {
            self.content(content, events);
        }
        self.flow(Flow::Refusal, delta.refusal.unwrap_or_default(), events);
        for citation in delta.annotations.unwrap_or_default() {
            if let Some((part, Flow::Text)) = self.current {
                events.push(self.event(part, Delta::Citation(citation)));
            }
        }
        for part in read_parts(delta.images.unwrap_or_default(), &mut Unread::default()) {
            self.whole(part, events);
        }
        if let Some(audio) = delta.audio {
            self.audio(audio, events);
        }
        for call in delta.tool_calls.unwrap_or_default() {
            self.call(call, make_id, events);
        }
        if let Some(called) = delta.function_call {
            self.call(CallDelta { index: None, id: None, function: Some(called), custom: None }, make_id, events);
        }
    }

    /// Text, or Mistral's parts.
    fn content(&mut self, content: &RawValue, events: &mut Vec<Event>) {
        if !content.get().starts_with('[') {
            return self.flow(Flow::Text, text(content).unwrap_or_default(), events);
        }
        let parts: Vec<Value> = serde_json::from_str(content.get()).unwrap_or_default();
        for part in read_parts(parts, &mut Unread::default()) {
            self.whole(part, events);
        }
    }

    fn whole(&mut self, part: Part, events: &mut Vec<Event>) {
        match part {
            Part::Text(text) => self.flow(Flow::Text, text.text, events),
            Part::Reasoning(thought) => self.flow(Flow::Reasoning, thought.text, events),
            Part::Refusal(text) => self.flow(Flow::Refusal, text, events),
            Part::Media(media) => self.media(media, events),
            Part::ToolCall(_) | Part::ToolResult(_) => {}
        }
    }

    /// Goes on with what is open if it is of this kind, else begins anew.
    fn flow(&mut self, flow: Flow, text: String, events: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        let part = match self.current {
            Some((part, open)) if open == flow => part,
            _ => self.begin(flow, events),
        };
        events.push(self.event(part, Delta::Text(text)));
    }

    fn begin(&mut self, flow: Flow, events: &mut Vec<Event>) -> u32 {
        self.close_current(events);
        let opening = match flow {
            Flow::Text => Opening::Text,
            Flow::Reasoning => Opening::Reasoning { is_summary: false, id: None },
            Flow::Refusal => Opening::Refusal,
        };
        let part = self.open(opening, events);
        self.current = Some((part, flow));
        part
    }

    fn open(&mut self, opening: Opening, events: &mut Vec<Event>) -> u32 {
        let part = self.parts;
        self.parts += 1;
        events.push(Event::Open { choice: self.index, part, opening });
        part
    }

    fn close_current(&mut self, events: &mut Vec<Event>) {
        if let Some((part, _)) = self.current.take() {
            events.push(Event::Close { choice: self.index, part });
        }
    }

    fn media(&mut self, media: Media, events: &mut Vec<Event>) {
        self.close_current(events);
        let part = self.open(Opening::Media, events);
        events.push(self.event(part, Delta::Media(Box::new(media))));
        events.push(Event::Close { choice: self.index, part });
    }

    /// Speech comes in pieces and is one medium; its words are text.
    fn audio(&mut self, audio: Audio, events: &mut Vec<Event>) {
        self.sound.push_str(&audio.data.unwrap_or_default());
        self.flow(Flow::Text, audio.transcript.unwrap_or_default(), events);
    }

    fn call(&mut self, delta: CallDelta<'_>, make_id: &mut impl FnMut() -> String, events: &mut Vec<Event>) {
        let (called, kind) = match (delta.function, delta.custom) {
            (None, Some(custom)) => (custom, ToolKind::Custom),
            (function, _) => (function.unwrap_or_default(), ToolKind::Function),
        };
        let name = called.name.as_deref().unwrap_or_default();
        let id = delta.id.filter(|id| !id.is_empty());
        let place = self.place(delta.index, id.as_deref(), !name.is_empty()).unwrap_or_else(|| {
            let id = id.unwrap_or_else(&mut *make_id);
            let call = Call { index: delta.index, id, part: None, kind, waiting: String::new(), has_arguments: false };
            self.calls.push(call);
            self.calls.len() - 1
        });
        self.go_on(place, &called, events);
    }

    /// Which call a piece belongs to; none for a new one.
    ///
    /// By its index as OpenAI has it; but some servers number every call 0, or not at all, and tell
    /// them apart by ids, or send each whole in one piece.
    fn place(&self, index: Option<u64>, id: Option<&str>, is_named: bool) -> Option<usize> {
        let same_id = |call: &Call| id.is_none_or(|id| id == call.id);
        match (index, id) {
            (Some(_), _) => {
                let place = self.calls.iter().rposition(|call| call.index == index)?;
                let is_new = !same_id(&self.calls[place]) && is_named;
                (!is_new).then_some(place)
            }
            (None, Some(id)) => self.calls.iter().rposition(|call| call.id == id),
            (None, None) if is_named => None,
            (None, None) => self.calls.len().checked_sub(1),
        }
    }

    fn go_on(&mut self, place: usize, called: &Called<'_>, events: &mut Vec<Event>) {
        let arguments = called.arguments.and_then(text).unwrap_or_default();
        let name = called.name.as_deref().unwrap_or_default();
        if self.calls[place].part.is_none() && !name.is_empty() {
            self.close_current(events);
            let call = &self.calls[place];
            let opening = Opening::ToolCall { id: call.id.clone(), name: name.to_owned(), kind: call.kind };
            self.calls[place].part = Some(self.open(opening, events));
        }
        let call = &mut self.calls[place];
        let Some(part) = call.part else { return call.waiting.push_str(&arguments) };
        let arguments = std::mem::take(&mut call.waiting) + &arguments;
        if !arguments.is_empty() {
            call.has_arguments = true;
            events.push(self.event(part, Delta::Arguments(arguments)));
        }
    }
}

fn audio(sound: String) -> Media {
    let source = MediaSource::Base64(sound);
    Media { kind: MediaKind::Audio, mime: None, source, name: None, detail: None, cache: None }
}
