//! Writing a conversation as a request for a provider of this dialect.
//!
//! The provider is always told to store nothing. Of thoughts only this dialect's own go back, with
//! their encrypted content; a provider that stores nothing cannot resolve any other.

mod items;
mod tools;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use self::items::ItemWriter;
use super::names;
use super::read::ENCRYPTED;
use crate::canonical::{Conversation, Effort, Format, Modality, Part, ReasoningRequest, Role};
use crate::losses::Losses;
use crate::request::{Target, Thinking};

/// The smallest bound that OpenAI accepts (its answer to a smaller one says so, read 2026-11-22).
const MIN_OUTPUT_TOKENS: u64 = 16;

/// Writes a request. What is not in it is in the losses.
pub fn write(conversation: &Conversation, target: &Target<'_>, losses: &mut Losses) -> Bytes {
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    if target.model_is_in_body {
        set("model", target.model.into());
    }
    let mut items = ItemWriter::new(conversation, target.has_developer_role);
    if let Some(instructions) = items.system(&conversation.system, losses) {
        set("instructions", instructions.into());
    }
    set("input", items.write(&conversation.turns, losses));
    tools::write(conversation, losses, &mut set);
    if let Some(reasoning) = reasoning(conversation.reasoning.as_ref(), target.thinking, losses) {
        set("reasoning", reasoning);
    }
    if let Some(text) = text(conversation, target, losses) {
        set("text", text);
    }
    sampling(conversation, target, losses, &mut set);
    if let Some(bound) = output_bound(conversation, target, losses) {
        set("max_output_tokens", bound.into());
    }
    include(conversation, target, &mut set);
    set("store", false.into());
    bookkeeping(conversation, losses, &mut set);
    if conversation.is_streaming {
        set("stream", true.into());
    }
    for (name, value) in target.added {
        set(name, serde_json::from_str(value).unwrap_or(Value::Null));
    }
    unsupported(conversation, losses);
    serde_json::to_vec(&body).expect("JSON values always serialise").into()
}

/// The effort that Google's table equates a budget with (1,024 low, 8,192 medium, 24,576 high;
/// ai.google.dev/gemini-api/docs/openai, read 2026-11-22): the nearest one.
const fn effort_of_budget(tokens: u64) -> Effort {
    match tokens {
        0..4_608 => Effort::Low,
        4_608..16_384 => Effort::Medium,
        _ => Effort::High,
    }
}

/// `high` is the most that every thinking model knows; only some know `xhigh`.
const fn effort_word(effort: Effort) -> &'static str {
    match effort {
        Effort::None => "none",
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::Max => "high",
    }
}

/// A model that never thinks refuses to be asked how, so one of which it is not known is asked only for
/// what the client asked in so many words.
fn reasoning(asked: Option<&ReasoningRequest>, thinking: Thinking, losses: &mut Losses) -> Option<Value> {
    let asked = asked?;
    let is_off = asked.effort == Some(Effort::None) || (asked.effort.is_none() && asked.budget_tokens == Some(0));
    match thinking {
        Thinking::None if is_off => return None,
        Thinking::None => {
            losses.unsupported("reasoning_effort");
            return None;
        }
        Thinking::Unknown if is_off => {
            losses.unsupported("reasoning_effort.none");
            return None;
        }
        Thinking::Unknown | Thinking::Effort | Thinking::Budget | Thinking::Adaptive => {}
    }
    let effort = if is_off { Some(Effort::None) } else { effort(asked, losses) };
    let mut reasoning = Map::new();
    reasoning.extend(effort.map(|effort| ("effort".to_owned(), effort_word(effort).into())));
    let summary = asked.summary.as_deref().filter(|_| !is_off);
    reasoning.extend(summary.map(|summary| ("summary".to_owned(), summary.into())));
    (!reasoning.is_empty()).then_some(Value::Object(reasoning))
}

fn effort(asked: &ReasoningRequest, losses: &mut Losses) -> Option<Effort> {
    if asked.budget_tokens.is_some() {
        losses.approximated("reasoning.budget_tokens");
    } else if asked.is_adaptive && asked.effort.is_none() {
        losses.approximated("thinking");
    }
    let effort = asked.effort.or_else(|| asked.budget_tokens.map(effort_of_budget));
    if effort == Some(Effort::Max) {
        losses.approximated("reasoning_effort");
    }
    effort
}

fn text(conversation: &Conversation, target: &Target<'_>, losses: &mut Losses) -> Option<Value> {
    let mut text = Map::new();
    let format = match &conversation.format {
        Format::Text => None,
        Format::JsonObject => Some(json!({"type": "json_object"})),
        Format::JsonSchema { .. } if !target.has_json_schema => {
            losses.approximated("response_format");
            Some(json!({"type": "json_object"}))
        }
        Format::JsonSchema { name, description, schema, is_strict } => {
            Some(schema_format(name, description.as_deref(), schema, *is_strict))
        }
    };
    text.extend(format.map(|format| ("format".to_owned(), format)));
    text.extend(conversation.verbosity.as_deref().map(|word| ("verbosity".to_owned(), word.into())));
    (!text.is_empty()).then_some(Value::Object(text))
}

fn schema_format(name: &str, description: Option<&str>, schema: &Value, is_strict: Option<bool>) -> Value {
    let name = if name.is_empty() { "answer" } else { name };
    let mut format = json!({"type": "json_schema", "name": name, "schema": schema});
    if let Some(description) = description {
        format["description"] = description.into();
    }
    if let Some(is_strict) = is_strict {
        format["strict"] = is_strict.into();
    }
    format
}

/// OpenAI's thinking models refuse to be sampled otherwise than by default.
fn sampling(conversation: &Conversation, target: &Target<'_>, losses: &mut Losses, set: &mut impl FnMut(&str, Value)) {
    let sampling = &conversation.sampling;
    let is_fixed = target.thinking == Thinking::Effort;
    for (name, value, most) in [("temperature", sampling.temperature, 2.0), ("top_p", sampling.top_p, 1.0)] {
        match value {
            // What no dialect allows is OpenAI's to refuse.
            Some(value) if !is_fixed || !(0.0..=most).contains(&value) => set(name, value.into()),
            Some(value) if (value - 1.0).abs() > f64::EPSILON => losses.unsupported(name),
            Some(_) | None => {}
        }
    }
    if let Some(top) = conversation.logprobs.filter(|top| *top > 0) {
        set("top_logprobs", top.into());
    }
}

fn output_bound(conversation: &Conversation, target: &Target<'_>, losses: &mut Losses) -> Option<u64> {
    let asked = conversation.max_output_tokens?;
    let bound = asked.min(target.max_output_tokens.unwrap_or(u64::MAX)).max(MIN_OUTPUT_TOKENS);
    if bound != asked {
        losses.approximated("max_output_tokens");
    }
    Some(bound)
}

/// Thoughts are asked for only where the model is known to have some: others refuse to be asked.
fn include(conversation: &Conversation, target: &Target<'_>, set: &mut impl FnMut(&str, Value)) {
    let mut include = vec![];
    if target.thinking == Thinking::Effort {
        include.push(ENCRYPTED);
    }
    if conversation.logprobs.is_some() {
        include.push("message.output_text.logprobs");
    }
    if !include.is_empty() {
        set("include", include.into());
    }
}

fn bookkeeping(conversation: &Conversation, losses: &mut Losses, set: &mut impl FnMut(&str, Value)) {
    if let Some(tier) = conversation.service_tier.as_deref() {
        match tier {
            "auto" | "default" | "flex" | "scale" | "priority" | "fast" | "ultrafast" => {
                set("service_tier", tier.into());
            }
            // Anthropic's word for "never faster for more money".
            "standard_only" | "standard" => set("service_tier", "default".into()),
            _ => losses.unsupported("service_tier"),
        }
    }
    if !conversation.metadata.is_empty() {
        let pairs = conversation.metadata.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        set("metadata", Value::Object(pairs.collect()));
    }
    for (name, value) in [("user", &conversation.end_user), ("prompt_cache_key", &conversation.cache_key)] {
        let Some(value) = value else { continue };
        if value.len() > names::MAX_ID {
            losses.approximated(name);
        }
        set(name, names::shortened(value).into());
    }
    match conversation.cache_retention.as_deref() {
        Some(word @ ("24h" | "in_memory")) => set("prompt_cache_retention", word.into()),
        Some(_) => losses.unsupported("prompt_cache_retention"),
        None => {}
    }
}

/// Notes what this dialect has nothing like.
fn unsupported(conversation: &Conversation, losses: &mut Losses) {
    let sampling = &conversation.sampling;
    let is_cached = conversation
        .tools
        .iter()
        .any(|tool| matches!(tool, crate::canonical::Tool::Function(function) if function.cache.is_some()));
    let last = conversation.turns.last();
    let is_prefilled =
        last.is_some_and(|turn| turn.role == Role::Assistant && matches!(turn.parts.last(), Some(Part::Text(_))));
    for (is_lost, name) in [
        (!conversation.stop.is_empty(), "stop"),
        (conversation.choices > 1, "n"),
        (sampling.top_k.is_some(), "top_k"),
        (sampling.frequency_penalty.is_some(), "frequency_penalty"),
        (sampling.presence_penalty.is_some(), "presence_penalty"),
        (sampling.seed.is_some(), "seed"),
        (sampling.logit_bias.is_some(), "logit_bias"),
        (conversation.modalities.iter().any(|modality| *modality != Modality::Text), "modalities"),
        (conversation.audio.is_some(), "audio"),
    ] {
        if is_lost {
            losses.unsupported(name);
        }
    }
    if is_cached {
        losses.approximated("cache_control");
    }
    if is_prefilled {
        losses.approximated("prefill");
    }
    conversation.unread.iter().for_each(|name| losses.unread(name));
}

#[cfg(test)]
mod tests;
