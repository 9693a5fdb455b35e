//! The parts of a response while they come.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use crate::canonical::{Delta, Event, Opening, Part, ToolKind};
use crate::openai_responses::{carried, media, names};

/// Where within an item a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A text of a message, by its index.
    Text(u64),
    /// A refusal of a message, by its index.
    Refusal(u64),
    /// The summary of a thought.
    Summary,
    /// A thought itself.
    Thought,
    /// A call.
    Call,
}

/// What stands between the pieces of a thought.
const BETWEEN: &str = "\n\n";

/// How far a part has come.
#[derive(Debug)]
struct Progress {
    part: u32,
    /// Bytes of its text that are events already.
    sent: usize,
    /// The piece of a thought that it is at.
    piece: u64,
    citations: usize,
    has_logprobs: bool,
    is_open: bool,
}

/// The parts that have begun, by the index of their item and their place in it.
#[derive(Debug, Default)]
pub struct Parts {
    next: u32,
    begun: BTreeMap<(u64, Place), Progress>,
    /// Ids of items that were announced.
    ids: HashMap<u64, String>,
    complete: HashSet<u64>,
    has_calls: bool,
    has_refusal: bool,
}

impl Parts {
    /// Whether a call of a tool came.
    pub const fn has_calls(&self) -> bool {
        self.has_calls
    }

    /// Whether a refusal came.
    pub const fn has_refusal(&self) -> bool {
        self.has_refusal
    }

    /// An item begins.
    pub fn announce(&mut self, index: u64, item: &Value, events: &mut Vec<Event>) {
        if let Some(id) = item["id"].as_str() {
            self.ids.insert(index, id.to_owned());
        }
        if let Some(opening) = call(item) {
            self.begin(index, Place::Call, opening, events);
        }
    }

    /// A part begins, unless it has.
    pub fn open(&mut self, index: u64, place: Place, events: &mut Vec<Event>) {
        if self.begun.contains_key(&(index, place)) {
            return;
        }
        let id = || self.ids.get(&index).cloned();
        let opening = match place {
            Place::Text(_) => Opening::Text,
            Place::Refusal(_) => Opening::Refusal,
            Place::Summary => Opening::Reasoning { is_summary: true, id: id() },
            Place::Thought => Opening::Reasoning { is_summary: false, id: id() },
            // Begins with its item, which alone knows its name.
            Place::Call => return,
        };
        self.begin(index, place, opening, events);
    }

    fn begin(&mut self, index: u64, place: Place, opening: Opening, events: &mut Vec<Event>) {
        if self.begun.contains_key(&(index, place)) || self.complete.contains(&index) {
            return;
        }
        self.has_calls |= place == Place::Call;
        self.has_refusal |= matches!(place, Place::Refusal(_));
        let part = self.next;
        self.next += 1;
        self.begun.insert(
            (index, place),
            Progress { part, sent: 0, piece: 0, citations: 0, has_logprobs: false, is_open: true },
        );
        events.push(Event::Open { choice: 0, part, opening });
    }

    /// A part goes on.
    pub fn extend(&mut self, index: u64, place: Place, text: String, logprobs: &[Value], events: &mut Vec<Event>) {
        self.open(index, place, events);
        let Some(progress) = self.begun.get_mut(&(index, place)).filter(|progress| progress.is_open) else { return };
        let part = progress.part;
        if !text.is_empty() {
            progress.sent += text.len();
            let delta = if place == Place::Call { Delta::Arguments(text) } else { Delta::Text(text) };
            events.push(Event::Delta { choice: 0, part, delta });
        }
        if !logprobs.is_empty() {
            progress.has_logprobs = true;
            events.push(Event::Delta { choice: 0, part, delta: Delta::Logprobs(json!({"content": logprobs})) });
        }
    }

    /// A piece of a thought goes on.
    pub fn extend_piece(&mut self, index: u64, place: Place, piece: u64, text: String, events: &mut Vec<Event>) {
        let progress = self.begun.get_mut(&(index, place)).filter(|progress| progress.piece < piece);
        let text = match progress {
            Some(progress) => {
                progress.piece = piece;
                format!("{BETWEEN}{text}")
            }
            None => text,
        };
        self.extend(index, place, text, &[], events);
    }

    /// A source of a text.
    pub fn cite(&mut self, index: u64, place: Place, citation: Value, events: &mut Vec<Event>) {
        self.open(index, place, events);
        if let Some(progress) = self.begun.get_mut(&(index, place)) {
            progress.citations += 1;
            events.push(Event::Delta { choice: 0, part: progress.part, delta: Delta::Citation(citation) });
        }
    }

    /// An item is complete: what no delta brought is taken from it.
    pub fn complete(&mut self, index: u64, item: &Value, events: &mut Vec<Event>) {
        if self.complete.contains(&index) {
            return;
        }
        if let Some(id) = item["id"].as_str() {
            self.ids.insert(index, id.to_owned());
        }
        match item["type"].as_str() {
            Some("message") => self.complete_message(index, item, events),
            Some("reasoning") => self.complete_thought(index, item, events),
            Some("function_call") => self.complete_call(index, item, &item["arguments"], events),
            Some("custom_tool_call") => self.complete_call(index, item, &item["input"], events),
            Some("image_generation_call") if item["result"].is_string() => self.made_image(item, events),
            _ => {}
        }
        self.close(index, events);
        self.complete.insert(index);
    }

    /// Closes what is open.
    pub fn close_all(&mut self, events: &mut Vec<Event>) {
        let open = self.begun.values_mut().filter(|progress| progress.is_open);
        for progress in open {
            progress.is_open = false;
            events.push(Event::Close { choice: 0, part: progress.part });
        }
    }

    fn complete_message(&mut self, index: u64, item: &Value, events: &mut Vec<Event>) {
        for (at, content) in (0..).zip(list(&item["content"])) {
            match content["type"].as_str() {
                Some("output_text") => {
                    self.fill(index, Place::Text(at), &content["text"], events);
                    self.complete_text(index, Place::Text(at), content, events);
                }
                Some("refusal") => self.fill(index, Place::Refusal(at), &content["refusal"], events),
                _ => {}
            }
        }
    }

    fn complete_text(&mut self, index: u64, place: Place, content: &Value, events: &mut Vec<Event>) {
        let Some(progress) = self.begun.get(&(index, place)) else { return };
        let (known, has_logprobs) = (progress.citations, progress.has_logprobs);
        for citation in list(&content["annotations"]).iter().skip(known) {
            self.cite(index, place, citation.clone(), events);
        }
        if !has_logprobs {
            self.extend(index, place, String::new(), list(&content["logprobs"]), events);
        }
    }

    fn complete_thought(&mut self, index: u64, item: &Value, events: &mut Vec<Event>) {
        for (place, name) in [(Place::Summary, "summary"), (Place::Thought, "content")] {
            let pieces: Vec<&str> = list(&item[name]).iter().filter_map(|piece| piece["text"].as_str()).collect();
            if !pieces.is_empty() {
                self.fill(index, place, &pieces.join(BETWEEN).into(), events);
            }
        }
        let Some(content) = item["encrypted_content"].as_str().filter(|content| !content.is_empty()) else { return };
        let open =
            |parts: &Self| parts.of(index).filter(|progress| progress.is_open).map(|progress| progress.part).max();
        let part = open(self).or_else(|| {
            self.open(index, Place::Summary, events);
            open(self)
        });
        let delta = Delta::Signature(carried::own(content));
        events.extend(part.map(|part| Event::Delta { choice: 0, part, delta }));
    }

    fn complete_call(&mut self, index: u64, item: &Value, arguments: &Value, events: &mut Vec<Event>) {
        if let Some(opening) = call(item) {
            self.begin(index, Place::Call, opening, events);
        }
        self.fill(index, Place::Call, arguments, events);
    }

    fn made_image(&mut self, item: &Value, events: &mut Vec<Event>) {
        let Part::Media(media) = media::made_image(item) else { return };
        let part = self.next;
        self.next += 1;
        events.push(Event::Open { choice: 0, part, opening: Opening::Media });
        events.push(Event::Delta { choice: 0, part, delta: Delta::Media(Box::new(media)) });
        events.push(Event::Close { choice: 0, part });
    }

    /// Sends what is missing of a text.
    fn fill(&mut self, index: u64, place: Place, whole: &Value, events: &mut Vec<Event>) {
        let sent = self.begun.get(&(index, place)).map_or(0, |progress| progress.sent);
        let rest = whole.as_str().and_then(|whole| whole.get(sent..)).unwrap_or_default().to_owned();
        self.extend(index, place, rest, &[], events);
    }

    fn of(&self, index: u64) -> impl Iterator<Item = &Progress> {
        self.begun.range((index, Place::Text(0))..=(index, Place::Call)).map(|(_, progress)| progress)
    }

    fn close(&mut self, index: u64, events: &mut Vec<Event>) {
        let parts = self.begun.range_mut((index, Place::Text(0))..=(index, Place::Call));
        for (_, progress) in parts.filter(|(_, progress)| progress.is_open) {
            progress.is_open = false;
            events.push(Event::Close { choice: 0, part: progress.part });
        }
    }
}

/// How a call begins; `None` for other items.
fn call(item: &Value) -> Option<Opening> {
    let kind = match item["type"].as_str()? {
        "function_call" => ToolKind::Function,
        "custom_tool_call" => ToolKind::Custom,
        _ => return None,
    };
    let text = |name: &str| item[name].as_str();
    let id = text("call_id").or_else(|| text("id")).unwrap_or_default().to_owned();
    let name = names::canonical(text("namespace"), text("name").unwrap_or_default());
    Some(Opening::ToolCall { id, name, kind })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
