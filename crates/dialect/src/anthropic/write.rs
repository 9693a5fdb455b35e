//! A conversation, written as a request for a provider that speaks Anthropic.
//!
//! What the API would answer 400 to is not written: roles alternate, results of tools stand first
//! in the turn after their calls, thinking has room and no forced tool beside it. What is changed
//! or left out for that, and what Anthropic has no field for, is noted.

mod schema;
mod thinking;
mod tools;
mod turns;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use self::thinking::{OutputThinking, Plan};
use self::tools::WrittenTool;
use self::turns::Message;
use super::blocks::{CacheControl, Out};
use crate::canonical::{CacheMark, Conversation, Format, Modality, Sampling};
use crate::losses::Losses;
use crate::request::{Target, Thinking};

/// The bound of the output where neither the client nor the catalogue has one, in tokens. The API
/// refuses a request without a bound.
const USUAL_BOUND: u64 = 4_096;

/// How many blocks may say what is cached (docs.anthropic.com, "Prompt caching", read 2026-11-22).
const MOST_CACHE_MARKS: usize = 4;

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Out<'a>>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WrittenTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<OutputThinking>,
    #[serde(skip_serializing_if = "OutputConfig::is_empty")]
    output_config: OutputConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

/// `output_config`: the place of structured output and of the effort since they left beta.
#[derive(Serialize)]
struct OutputConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Value>,
}

/// Writes a request.
pub fn write(conversation: &Conversation, target: &Target<'_>, losses: &mut Losses) -> Bytes {
    note_unsupported(conversation, losses);
    let max_tokens = bound(conversation.max_output_tokens, target.max_output_tokens, losses);
    let (system, messages) = turns::write(conversation, losses);
    let tools = tools::write(conversation, losses);
    let plan = thinking::plan(conversation, target, max_tokens, turns::lacks_thought(&messages), losses);
    let Chosen { temperature, top_p, top_k } = sampling(&conversation.sampling, target, &plan, losses);
    let mut body = Body {
        model: target.model_is_in_body.then_some(target.model),
        max_tokens,
        system,
        messages,
        tools: tools.tools,
        tool_choice: tools.choice,
        thinking: plan.thinking,
        output_config: OutputConfig { effort: plan.effort, format: format(&conversation.format, target, losses) },
        temperature,
        top_p,
        top_k,
        stop_sequences: stop_sequences(&conversation.stop, losses),
        metadata: metadata(conversation, losses),
        service_tier: service_tier(conversation.service_tier.as_deref(), losses),
        stream: conversation.is_streaming,
    };
    mark_cache(conversation, &mut body, losses);
    with_members(&body, target.added)
}

impl OutputConfig {
    const fn is_empty(&self) -> bool {
        self.effort.is_none() && self.format.is_none()
    }
}

/// The bound of the output: the API refuses one above what the model can give.
fn bound(asked: Option<u64>, most: Option<u64>, losses: &mut Losses) -> u64 {
    let Some(asked) = asked else { return most.unwrap_or(USUAL_BOUND) };
    let most = most.unwrap_or(asked);
    if asked > most {
        losses.approximated("max_tokens");
    }
    asked.min(most)
}

fn note_unsupported(conversation: &Conversation, losses: &mut Losses) {
    let sampling = &conversation.sampling;
    let is_set = |number: Option<f64>| number.is_some_and(|number| number != 0.0);
    let wants = |kind: Modality| conversation.modalities.contains(&kind);
    for (what, is_asked) in [
        ("frequency_penalty", is_set(sampling.frequency_penalty)),
        ("presence_penalty", is_set(sampling.presence_penalty)),
        ("seed", sampling.seed.is_some()),
        ("logit_bias", sampling.logit_bias.is_some()),
        ("n", conversation.choices > 1),
        ("logprobs", conversation.logprobs.is_some()),
        ("verbosity", conversation.verbosity.as_deref().is_some_and(|word| word != "medium")),
        ("modalities", wants(Modality::Audio) || wants(Modality::Image)),
        ("audio", conversation.audio.is_some()),
    ] {
        if is_asked {
            losses.unsupported(what);
        }
    }
    for name in &conversation.unread {
        losses.unread(name);
    }
}

/// What is said about sampling.
#[derive(Default)]
struct Chosen {
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u64>,
}

/// Temperature, top-p and top-k, as far as the model takes them.
///
/// Models that think by themselves refuse all of them (Anthropic, "What's new in Claude 4.7"), but for
/// Claude 4.6 while it does not think; thinking allows a top-p of at least 0.95 and nothing else ("Extended thinking"); newer
/// models refuse temperature and top-p together. All read 2026-11-22. Temperature and top-p are 1
/// unless said otherwise, so that leaving out a 1 loses nothing.
fn sampling(asked: &Sampling, target: &Target<'_>, plan: &Plan, losses: &mut Losses) -> Chosen {
    if let Some(refused) = nonsense(asked) {
        return refused;
    }
    let is_default = |number: &f64| (number - 1.0).abs() < f64::EPSILON;
    let top_p = asked.top_p.filter(|asked| !is_default(asked));
    let is_fixed = target.thinking == Thinking::Adaptive && !is_claude_4_6(target.model);
    if is_fixed || plan.is_thinking {
        let allowed = top_p.filter(|asked| !is_fixed && *asked >= 0.95);
        let refused = [
            ("temperature", asked.temperature.is_some_and(|asked| !is_default(&asked))),
            ("top_p", top_p != allowed),
            ("top_k", asked.top_k.is_some()),
        ];
        refused.iter().filter(|(_, is_refused)| *is_refused).for_each(|(what, _)| losses.unsupported(what));
        return Chosen { top_p: allowed, ..Chosen::default() };
    }
    if asked.temperature.is_some_and(|asked| asked > 1.0) {
        losses.approximated("temperature");
    }
    let (temperature, top_k) = (asked.temperature.map(|asked| asked.clamp(0.0, 1.0)), asked.top_k);
    match (temperature.filter(|asked| !is_default(asked)), top_p) {
        (Some(temperature), Some(_)) => {
            losses.unsupported("top_p");
            Chosen { temperature: Some(temperature), top_p: None, top_k }
        }
        (None, Some(_)) => Chosen { temperature: None, top_p, top_k },
        (_, None) => Chosen { temperature, top_p, top_k },
    }
}

/// By the name: the first that thinks by itself, and the last that can be told how to sample.
fn is_claude_4_6(model: &str) -> bool {
    ["-4-6", "-4.6"].iter().any(|version| model.contains(version))
}

/// What no dialect allows (a temperature is at most 2, a top-p at most 1): passed on, for Anthropic
/// to refuse it as the client's own provider would.
fn nonsense(asked: &Sampling) -> Option<Chosen> {
    let beyond = |asked: Option<f64>, most: f64| asked.filter(|asked| !(0.0..=most).contains(asked));
    let (temperature, top_p) = (beyond(asked.temperature, 2.0), beyond(asked.top_p, 1.0));
    (temperature.is_some() || top_p.is_some()).then_some(Chosen { temperature, top_p, top_k: None })
}

/// Structured output. There is no field for "some JSON object", and prompts are not changed.
fn format(format: &Format, target: &Target<'_>, losses: &mut Losses) -> Option<Value> {
    let Format::JsonSchema { name, description, schema, .. } = format else {
        if *format == Format::JsonObject {
            losses.unsupported("response_format");
        }
        return None;
    };
    if !target.has_json_schema {
        losses.unsupported("response_format");
        return None;
    }
    let (mut schema, is_same) = schema::enforceable(schema);
    if !is_same {
        losses.approximated("response_format.json_schema");
    }
    // The name and the description have no fields of their own; a schema has both.
    if let Some(members) = schema.as_object_mut() {
        if !name.is_empty() {
            members.entry("title").or_insert_with(|| name.as_str().into());
        }
        if let Some(description) = description {
            members.entry("description").or_insert_with(|| description.as_str().into());
        }
    }
    Some(json!({ "type": "json_schema", "schema": schema }))
}

/// A stop text of space alone is refused by the API.
fn stop_sequences<'a>(stop: &'a [String], losses: &mut Losses) -> Vec<&'a str> {
    let (kept, blank): (Vec<&str>, Vec<&str>) =
        stop.iter().map(String::as_str).partition(|text| !text.trim().is_empty());
    if !blank.is_empty() {
        losses.unsupported("stop");
    }
    kept
}

/// `metadata.user_id` is the only one. The API refuses an address of e-mail in it, and more than 256
/// characters.
fn metadata(conversation: &Conversation, losses: &mut Losses) -> Option<Value> {
    if !conversation.metadata.is_empty() {
        losses.unsupported("metadata");
    }
    let user = conversation.end_user.as_deref()?;
    if user.contains('@') || user.chars().count() > 256 {
        losses.unsupported("user");
        return None;
    }
    Some(json!({ "user_id": user }))
}

fn service_tier(tier: Option<&str>, losses: &mut Losses) -> Option<&'static str> {
    match tier? {
        "auto" => Some("auto"),
        "default" | "standard" | "standard_only" => Some("standard_only"),
        // Anthropic gives priority to those who bought it, when it is not asked to leave it.
        "priority" => {
            losses.approximated("service_tier");
            Some("auto")
        }
        _ => {
            losses.unsupported("service_tier");
            None
        }
    }
}

/// Sees to the marks of what is cached: not more than the API takes, and some where the client asked
/// for a cache in a way that has none.
fn mark_cache(conversation: &Conversation, body: &mut Body<'_>, losses: &mut Losses) {
    let mut slots = cache_slots(body);
    let set = slots.iter().filter(|slot| slot.is_some()).count();
    if set > MOST_CACHE_MARKS {
        losses.approximated("cache_control");
        // The last ones reach furthest: what stands before them is cached with them.
        let surplus = set - MOST_CACHE_MARKS;
        slots.iter_mut().filter(|slot| slot.is_some()).take(surplus).for_each(|slot| **slot = None);
    }
    let retention = conversation.cache_retention.as_deref().filter(|retention| *retention != "in_memory");
    for (what, is_asked) in
        [("prompt_cache_key", conversation.cache_key.is_some()), ("prompt_cache_retention", retention.is_some())]
    {
        if is_asked {
            losses.approximated(what);
        }
    }
    if set == 0 && (conversation.cache_key.is_some() || retention.is_some()) {
        let ttl = retention.filter(|retention| *retention == "24h").map(|_| "1h".to_owned());
        let mark = CacheControl::from(&CacheMark { ttl });
        let last_said = body.messages.last_mut().and_then(|message| message.content.last_mut());
        for block in [body.system.last_mut(), last_said].into_iter().flatten() {
            if let Some(slot) = block.cache_control() {
                *slot = Some(mark.clone());
            }
        }
    }
}

/// The places where something can be marked as cached, in the order in which the model reads them.
fn cache_slots<'b>(body: &'b mut Body<'_>) -> Vec<&'b mut Option<CacheControl>> {
    let mut slots: Vec<&mut Option<CacheControl>> =
        body.tools.iter_mut().filter_map(WrittenTool::cache_control).collect();
    let said = body.messages.iter_mut().flat_map(|message| &mut message.content);
    for block in body.system.iter_mut().chain(said) {
        push_slots(block, &mut slots);
    }
    slots
}

fn push_slots<'b>(block: &'b mut Out<'_>, slots: &mut Vec<&'b mut Option<CacheControl>>) {
    if let Out::ToolResult { content, cache_control, .. } = block {
        for inner in content {
            push_slots(inner, slots);
        }
        slots.push(cache_control);
    } else {
        slots.extend(block.cache_control());
    }
}

fn with_members(body: &Body<'_>, added: &[(&str, &str)]) -> Bytes {
    let body = serde_json::to_vec(body).expect("strings, numbers and checked JSON always serialise");
    if added.is_empty() {
        return body.into();
    }
    let added: String = added.iter().map(|(name, value)| format!("\"{name}\":{value},")).collect();
    [b"{", added.as_bytes(), &body[1..]].concat().into()
}
