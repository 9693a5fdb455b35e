//! A vendor's request in plain words: what the "model" sees of it.

use serde_json::{Value, json};

use super::directive::Directive;

/// A request that was found legal.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read by its name")]
pub(super) struct Seen {
    pub model: String,
    pub is_streaming: bool,
    /// Whether a stream carries usage.
    pub wants_usage: bool,
    /// Everything said, in order.
    pub items: Vec<Item>,
    pub tools: Vec<Tool>,
    pub choice: Choice,
    /// Whether several tools may be called at once.
    pub is_serial: bool,
    /// The schema that the answer must fit.
    pub schema: Option<Value>,
    /// Whether the answer must be some JSON object.
    pub wants_json: bool,
    pub max_tokens: Option<u64>,
    /// Whether the model thinks before it answers, and shows that.
    pub thinks: bool,
    /// The wire's own word for how much to think.
    pub effort: Value,
    /// Answers asked for.
    pub choices: u64,
    pub wants_logprobs: bool,
    /// Bounds, sampling and the like, under their canonical names, for the echo.
    pub settings: serde_json::Map<String, Value>,
}

/// Something said.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    System(String),
    User(String),
    Media {
        kind: &'static str,
        mime: String,
        bytes: usize,
    },
    Assistant(String),
    /// A thought that came back, with a seal that was found good.
    Thought,
    Call {
        id: String,
        name: String,
    },
    Result {
        id: String,
        name: String,
        text: String,
    },
}

/// A tool that the model may call.
#[derive(Clone, Debug)]
pub(super) struct Tool {
    pub name: String,
    pub schema: Value,
    /// Takes free text.
    pub is_custom: bool,
}

/// Which tool must be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Choice {
    #[default]
    Auto,
    None,
    Required,
    Named(String),
}

impl Seen {
    /// The last directive that a user's text holds.
    pub(super) fn directive(&self) -> Directive {
        self.prompts().rev().find_map(|(_, text)| Directive::find(text)).unwrap_or_default()
    }

    /// How many times the model called tools since the text that holds the directive.
    pub(super) fn steps_done(&self) -> usize {
        let start = self.prompts().rev().find(|(_, text)| Directive::find(text).is_some()).map_or(0, |(at, _)| at);
        let spoken = self.items[start..].iter().filter(|item| matches!(item, Item::Call { .. } | Item::Result { .. }));
        let calls: Vec<bool> = spoken.map(|item| matches!(item, Item::Call { .. })).collect();
        calls.iter().enumerate().filter(|(at, is_call)| **is_call && (*at == 0 || !calls[at - 1])).count()
    }

    /// The results that follow the model's last calls.
    pub(super) fn results(&self) -> Vec<(&str, &str)> {
        let mut results: Vec<(&str, &str)> = self
            .items
            .iter()
            .rev()
            .take_while(|item| !matches!(item, Item::Call { .. } | Item::Assistant(_)))
            .filter_map(|item| match item {
                Item::Result { name, text, .. } => Some((name.as_str(), text.as_str())),
                _ => None,
            })
            .collect();
        results.reverse();
        results
    }

    /// The name of the tool of a call.
    pub(super) fn name_of(&self, id: &str) -> Option<&str> {
        self.items.iter().rev().find_map(|item| match item {
            Item::Call { id: known, name } if known == id => Some(name.as_str()),
            _ => None,
        })
    }

    /// What arrived, for prompts that ask.
    pub(super) fn echo(&self) -> Value {
        let texts = |of: fn(&Item) -> Option<&str>| self.items.iter().filter_map(of).collect::<Vec<_>>();
        let media: Vec<Value> = self
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Media { kind, mime, bytes } => Some(json!({"kind": kind, "mime": mime, "bytes": bytes})),
                _ => None,
            })
            .collect();
        json!({
            "system": texts(|item| if let Item::System(text) = item { Some(text) } else { None }),
            "user": texts(|item| if let Item::User(text) = item { Some(Directive::strip(text)) } else { None }),
            "assistant": texts(|item| if let Item::Assistant(text) = item { Some(text) } else { None }),
            "thoughts": self.items.iter().filter(|item| matches!(item, Item::Thought)).count(),
            "media": media,
            "tools": self.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(),
            "choice": match &self.choice {
                Choice::Auto => "auto",
                Choice::None => "none",
                Choice::Required => "required",
                Choice::Named(name) => name,
            },
            "is_serial": self.is_serial,
            "max_tokens": self.max_tokens,
            "effort": self.effort,
            "settings": self.settings,
        })
    }

    fn prompts(&self) -> impl DoubleEndedIterator<Item = (usize, &str)> {
        self.items.iter().enumerate().filter_map(|(at, item)| match item {
            Item::User(text) => Some((at, text.as_str())),
            _ => None,
        })
    }
}
