//! Writing a [`Conversation`] as a `generateContent` body.
//!
//! The model and whether to stream are in the path; neither is written here.

mod config;
mod contents;
mod tools;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::canonical::Conversation;
use crate::losses::Losses;
use crate::request::Target;

/// Writes a body. What Google has nothing like is noted.
pub fn write(conversation: &Conversation, target: &Target<'_>, losses: &mut Losses) -> Bytes {
    let model = Generation::of(target.model);
    let mut contents = contents::write(conversation, model, losses);
    let mut system = system(conversation, losses);
    if contents.is_empty() {
        // Google wants a content; instructions alone are said by the person then.
        let parts = if system.is_empty() { vec![json!({"text": " "})] } else { std::mem::take(&mut system) };
        losses.approximated("system");
        contents.push(json!({"role": "user", "parts": parts}));
    }
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    put("contents", contents.into());
    if !system.is_empty() {
        put("systemInstruction", json!({"parts": system}));
    }
    let tools = tools::write(conversation, losses);
    if let Some(choice) = tools::choice(conversation, &tools) {
        put("toolConfig", choice);
    }
    let has_functions = tools.has_functions;
    if !tools.wire.is_empty() {
        put("tools", tools.wire.into());
    }
    let config = config::write(conversation, target, model, has_functions, losses);
    if !config.is_empty() {
        put("generationConfig", config.into());
    }
    if let Some(tier) = conversation.service_tier.as_deref().and_then(|tier| service_tier(tier, losses)) {
        put("serviceTier", tier.into());
    }
    for (name, value) in target.added {
        if let Ok(value) = serde_json::from_str(value) {
            body.entry(*name).or_insert(value);
        }
    }
    note_unsupported(conversation, losses);
    Value::Object(body).to_string().into()
}

/// Which Gemini a model is, as far as its name tells: they differ in how they are told to think, in
/// what may stand together, and in whether calls need a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Generation {
    number: Option<u32>,
    is_pro: bool,
    /// Whether it draws.
    is_image: bool,
}

impl Generation {
    fn of(model: &str) -> Self {
        let digits =
            model.split("gemini-").nth(1).and_then(|rest| rest.split(|letter: char| !letter.is_ascii_digit()).next());
        let number = digits.and_then(|digits| digits.parse().ok());
        Self { number, is_pro: model.contains("-pro"), is_image: model.contains("-image") }
    }

    /// True for Gemini 2.5 and before; names without a number mean the newest.
    fn is_before_3(self) -> bool {
        self.number.is_some_and(|generation| generation < 3)
    }
}

fn system(conversation: &Conversation, losses: &mut Losses) -> Vec<Value> {
    let said = conversation.system.iter().filter(|entry| !entry.text.is_empty());
    said.map(|entry| {
        if entry.cache.is_some() {
            losses.unsupported("cache_control");
        }
        json!({"text": entry.text})
    })
    .collect()
}

/// Google's word for a class of service (ai.google.dev/gemini-api/docs/flex-inference, read
/// 2026-11-22).
fn service_tier(tier: &str, losses: &mut Losses) -> Option<&'static str> {
    match tier {
        "auto" => None,
        "default" | "standard" | "standard_only" => Some("standard"),
        "flex" => Some("flex"),
        "priority" => Some("priority"),
        _ => {
            losses.unsupported("service_tier");
            None
        }
    }
}

fn note_unsupported(conversation: &Conversation, losses: &mut Losses) {
    let fields = [
        ("logit_bias", conversation.sampling.logit_bias.is_some()),
        ("verbosity", conversation.verbosity.is_some()),
        ("metadata", !conversation.metadata.is_empty()),
        ("user", conversation.end_user.is_some()),
        ("prompt_cache_key", conversation.cache_key.is_some()),
        ("prompt_cache_retention", conversation.cache_retention.is_some()),
        ("parallel_tool_calls", conversation.parallel_tool_calls == Some(false)),
    ];
    for (name, is_set) in fields {
        if is_set {
            losses.unsupported(name);
        }
    }
    for name in &conversation.unread {
        losses.unread(name);
    }
}

#[cfg(test)]
mod tests;
