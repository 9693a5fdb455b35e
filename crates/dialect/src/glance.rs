//! A glance at a request, for routing: what it needs of a model, and the user's own words.
//!
//! Nothing is built: the body is passed over once, and only the last words of the user are read. Agents
//! send instructions, files and reminders along with a line of the user's; what programs put in is left
//! out, because its length says nothing about the task. Each dialect says where these things are, in a
//! file of the same name.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use megarouter_domain::catalog::Set;
use megarouter_domain::facts::Need;

use crate::json;

/// The most text that is kept, in bytes: of a longer one its beginning and its end.
pub const MOST_TEXT: usize = 16 * 1024;
/// The part of it that is from the end.
const MOST_TAIL: usize = 4 * 1024;
/// Of a longer text only the beginning and the end are looked at, in bytes as written.
const MOST_READ: usize = 256 * 1024;

/// What stands between `<NAME>` and `</NAME>` for these names is from programs: Claude Code, Codex, Cline,
/// Copilot and Cursor (their public sources and prompts, read 2026-11-22).
const BLOCKS: [&str; 19] = [
    "system-reminder",
    "environment_details",
    "environment_context",
    "environment_info",
    "workspace_info",
    "user_instructions",
    "INSTRUCTIONS",
    "reminderInstructions",
    "local-command-stdout",
    "local-command-caveat",
    "ide_opened_file",
    "ide_selection",
    "file_contents",
    "attached_files",
    "attachments",
    "additional_data",
    "documents",
    "context",
    "tools",
];

/// What routing looks at in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// The user's own last words, without what programs put in; at most [`MOST_TEXT`] bytes. Empty where
    /// there are none.
    pub text: String,
    /// What it needs of a model.
    pub needs: Set<Need>,
    /// How many tools it brings.
    pub tools: usize,
    /// How many messages and other items the conversation has.
    pub turns: usize,
    /// The key that the client wants its prompt cached under, where its dialect has a place for one.
    pub cache_key: Option<String>,
    /// The same for the same conversation up to the same words: it tells an answer that is asked for
    /// again from the next step of an agent. 0 without words.
    pub fingerprint: u64,
}

/// One turn of a conversation.
pub(crate) struct Turn<'a> {
    /// Whether it is the user's.
    pub is_users: bool,
    /// Its texts, as JSON strings.
    pub texts: Vec<&'a str>,
}

impl Glance {
    /// Takes the turns of a conversation, in order.
    pub(crate) fn take_turns<'a>(
        &mut self,
        turns: impl Iterator<Item = &'a str>,
        read: impl Fn(&'a str, &mut Set<Need>) -> Turn<'a>,
    ) {
        let mut users = vec![];
        for turn in turns {
            self.turns += 1;
            let turn = read(turn, &mut self.needs);
            if turn.is_users && !turn.texts.is_empty() {
                users.push(turn.texts);
            }
        }
        let own = users.iter().rev().map(|texts| own_words(texts)).find(|text| !text.is_empty());
        self.keep(own.unwrap_or_default());
    }

    /// Takes a conversation that is one text, as a JSON string.
    pub(crate) fn take_text(&mut self, text: &str) {
        self.turns = 1;
        self.keep(own_words(&[text]));
    }

    /// Notes that it brings so many tools of its own.
    pub(crate) fn bring(&mut self, tools: usize) {
        self.tools += tools;
        if tools > 0 {
            self.needs.insert(Need::Tools);
        }
    }

    fn keep(&mut self, text: String) {
        if text.is_empty() {
            return;
        }
        let mut hasher = DefaultHasher::new();
        (self.turns, &text).hash(&mut hasher);
        self.fingerprint = hasher.finish().max(1);
        self.text = shortened(text);
    }
}

/// The kind of data that a MIME type names, as a need; none for text.
pub(crate) fn need_of_mime(mime: &str) -> Option<Need> {
    match mime.split('/').next()? {
        "image" => Some(Need::Images),
        "audio" => Some(Need::Audio),
        "video" => Some(Need::Video),
        "application" if mime.starts_with("application/pdf") => Some(Need::Documents),
        _ => None,
    }
}

/// The content of a JSON string that holds a plain word; empty for anything else.
pub(crate) fn word(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default()
}

/// Whether a value is there: not null, not empty, not false.
pub(crate) fn is_there(value: &str) -> bool {
    !matches!(value, "null" | "false" | "[]" | "{}" | "\"\"")
}

/// The texts without what programs put in, one after the other.
fn own_words(texts: &[&str]) -> String {
    let mut own = String::new();
    for text in texts {
        let (text, is_whole) = read(text);
        without_blocks(&text, is_whole, |piece| {
            let piece = piece.trim();
            if !piece.is_empty() {
                if !own.is_empty() {
                    own.push('\n');
                }
                own.push_str(piece);
            }
        });
    }
    own
}

/// The content of a JSON string, and whether that is all of it.
fn read(value: &str) -> (Cow<'_, str>, bool) {
    let raw = word(value);
    if raw.len() <= MOST_READ {
        return (json::unescaped(raw), true);
    }
    let head = &raw[..raw.floor_char_boundary(MOST_READ - MOST_TAIL)];
    // Nothing escapes a space, so that a text may be cut there.
    let head = head.rfind(' ').map_or("", |space| &head[..space]);
    let tail = &raw[raw.ceil_char_boundary(raw.len() - MOST_TAIL)..];
    let tail = tail.find(' ').map_or("", |space| &tail[space..]);
    (Cow::Owned(format!("{}{}", json::unescaped(head), json::unescaped(tail))), false)
}

/// Gives the pieces of a text that stand outside of blocks. A block without an end is one only where the
/// text was cut.
fn without_blocks<'a>(text: &'a str, is_whole: bool, mut give: impl FnMut(&'a str)) {
    let mut rest = text;
    let mut from = 0;
    while let Some(found) = rest[from..].find('<') {
        let start = from + found;
        let Some(name) = block_at(&rest[start + 1..]) else {
            from = start + 1;
            continue;
        };
        let end = rest[start..].find(&format!("</{name}>")).map(|at| start + at + name.len() + 3);
        match end.or((!is_whole).then_some(rest.len())) {
            Some(end) => {
                give(&rest[..start]);
                rest = &rest[end..];
                from = 0;
            }
            None => from = start + 1,
        }
    }
    give(rest);
}

/// The name of the block that begins here, behind its `<`.
fn block_at(text: &str) -> Option<&'static str> {
    let is_it = |name: &&str| text.strip_prefix(*name).is_some_and(|rest| rest.starts_with(['>', ' ']));
    BLOCKS.iter().find(|name| is_it(name)).copied()
}

/// A text of at most [`MOST_TEXT`] bytes: of a longer one its beginning and its end.
fn shortened(mut text: String) -> String {
    if text.len() <= MOST_TEXT {
        return text;
    }
    let tail = text.split_off(text.ceil_char_boundary(text.len() - MOST_TAIL));
    text.truncate(text.floor_char_boundary(MOST_TEXT - MOST_TAIL - 1));
    text.push('\n');
    text.push_str(&tail);
    text
}

#[cfg(test)]
mod tests;
