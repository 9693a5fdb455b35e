//! Reading a whole request into the canonical conversation.
//!
//! The items of the input become turns: the model's items (messages, calls, thoughts) that follow
//! each other are one turn, results of tools that follow each other are one turn of the user.
//! Instructions and messages of the system and the developer before the first turn are the
//! conversation's system texts.

mod items;
mod tools;

use serde_json::{Map, Value};

use self::items::Items;
use self::tools::Tools;
use crate::canonical::{Conversation, Effort, Format, ReasoningRequest, Sampling, Text};
use crate::request::{Echo, RequestError};

/// Fields that are read here, and those that say nothing about the answer: whether to store it is
/// checked before, `stream_options` pads the stream against eavesdroppers.
const KNOWN: [&str; 25] = [
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "include",
    "store",
    "previous_response_id",
    "conversation",
    "background",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "user",
    "metadata",
    "service_tier",
    "max_output_tokens",
    "temperature",
    "top_p",
    "top_logprobs",
    "stream",
    "stream_options",
];

/// Members of the answer that repeat the request, and what they are where it does not say.
const REPEATED: [(&str, &str); 19] = [
    ("background", "false"),
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("prompt_cache_retention", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("safety_identifier", "null"),
    ("store", "false"),
    ("temperature", "1.0"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_logprobs", "0"),
    ("top_p", "1.0"),
    ("truncation", r#""disabled""#),
];

/// What asks for the probabilities of the tokens.
const LOGPROBS: &str = "message.output_text.logprobs";

/// What asks for encrypted thoughts.
pub const ENCRYPTED: &str = "reasoning.encrypted_content";

/// Reads everything of a body that was checked.
///
/// # Errors
/// When a part cannot be understood that a translation cannot do without.
pub fn conversation(body: &[u8]) -> Result<Conversation, RequestError> {
    // What was checked in place may still hold what no text or number is: half a surrogate, 1e999.
    let body: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|cause| RequestError::Malformed { line: cause.line(), column: cause.column() })?;
    if is_there(&body, "prompt") {
        let instead = "templates are kept at OpenAI, and this model is served elsewhere; send the text in `input`";
        return Err(RequestError::Unsupported { field: "prompt", instead });
    }
    let tools = Tools::read(&body);
    let mut items = Items::new(&tools.names);
    if let Some(text) = text(&body, "instructions") {
        items.system.push(Text { text: text.to_owned(), ..Text::default() });
    }
    items.read(body.get("input").unwrap_or(&Value::Null))?;
    let mut found = Conversation { system: items.system, turns: items.turns, unread: items.unread, ..options(&body) };
    found.tool_choice = tools.choice(&body, &mut found.unread);
    found.unread.extend(tools.unread);
    found.tools = tools.known;
    unread(&body, &mut found.unread);
    Ok(found)
}

/// What an answer repeats of a body that was checked.
pub fn echo(body: &[u8]) -> Echo {
    let body: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let repeated = REPEATED.into_iter().map(|(name, usual)| {
        let usual = || serde_json::from_str(usual).expect("the table holds JSON");
        (name.to_owned(), body.get(name).filter(|value| !value.is_null()).cloned().unwrap_or_else(usual))
    });
    let mut echo = Echo {
        wants_usage: true,
        tools: Tools::read(&body).names.into_differing(),
        repeated: repeated.collect(),
        include: include(&body).map(str::to_owned).collect(),
        ..Echo::default()
    };
    if let Some(user) = text(&body, "user") {
        echo.repeated.insert("user".to_owned(), user.into());
    }
    echo
}

fn is_there(body: &Map<String, Value>, name: &str) -> bool {
    body.get(name).is_some_and(|value| !value.is_null())
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str()
}

fn include(body: &Map<String, Value>) -> impl Iterator<Item = &str> {
    body.get("include").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Everything but the input and the tools.
fn options(body: &Map<String, Value>) -> Conversation {
    let owned = |name: &str| text(body, name).map(str::to_owned);
    let metadata = body.get("metadata").and_then(Value::as_object).into_iter().flatten();
    Conversation {
        parallel_tool_calls: body.get("parallel_tool_calls").and_then(Value::as_bool),
        format: format(body.get("text").unwrap_or(&Value::Null)),
        reasoning: body.get("reasoning").and_then(reasoning),
        sampling: Sampling {
            temperature: body.get("temperature").and_then(Value::as_f64),
            top_p: body.get("top_p").and_then(Value::as_f64),
            ..Sampling::default()
        },
        max_output_tokens: body.get("max_output_tokens").and_then(Value::as_u64),
        choices: 1,
        logprobs: logprobs(body),
        verbosity: body.get("text").and_then(|text| text["verbosity"].as_str()).map(str::to_owned),
        service_tier: owned("service_tier"),
        metadata: metadata.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect(),
        end_user: owned("safety_identifier").or_else(|| owned("user")),
        cache_key: owned("prompt_cache_key"),
        cache_retention: owned("prompt_cache_retention"),
        is_streaming: body.get("stream").and_then(Value::as_bool).unwrap_or_default(),
        ..Conversation::default()
    }
}

fn logprobs(body: &Map<String, Value>) -> Option<u64> {
    let top = body.get("top_logprobs").and_then(Value::as_u64);
    if include(body).any(|asked| asked == LOGPROBS) { Some(top.unwrap_or(0)) } else { top.filter(|top| *top > 0) }
}

fn format(text: &Value) -> Format {
    let format = &text["format"];
    match format["type"].as_str() {
        Some("json_object") => Format::JsonObject,
        Some("json_schema") => Format::JsonSchema {
            name: format["name"].as_str().unwrap_or_default().to_owned(),
            description: format["description"].as_str().map(str::to_owned),
            schema: format["schema"].clone(),
            is_strict: format["strict"].as_bool(),
        },
        _ => Format::Text,
    }
}

fn reasoning(asked: &Value) -> Option<ReasoningRequest> {
    let summary = asked["summary"].as_str().or_else(|| asked["generate_summary"].as_str()).map(str::to_owned);
    let effort = asked["effort"].as_str().and_then(effort);
    let found = ReasoningRequest { effort, summary, ..ReasoningRequest::default() };
    (found != ReasoningRequest::default()).then_some(found)
}

fn effort(word: &str) -> Option<Effort> {
    Some(match word {
        "none" => Effort::None,
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" | "max" => Effort::Max,
        _ => return None,
    })
}

/// Names what was not read, but for values that ask for what happens anyway.
fn unread(body: &Map<String, Value>, unread: &mut Vec<String>) {
    let is_usual = |name: &str, value: &Value| value.is_null() || (name == "truncation" && value == "disabled");
    let others = body.iter().filter(|(name, value)| !KNOWN.contains(&name.as_str()) && !is_usual(name, value));
    unread.extend(others.map(|(name, _)| name.clone()));
    let other_includes = include(body).filter(|asked| !matches!(*asked, LOGPROBS | ENCRYPTED));
    unread.extend(other_includes.map(|asked| format!("include.{asked}")));
    if let Some(Value::Object(reasoning)) = body.get("reasoning") {
        let is_known = |name: &str| matches!(name, "effort" | "summary" | "generate_summary");
        let others = reasoning.iter().filter(|(name, value)| !is_known(name) && !value.is_null());
        unread.extend(others.map(|(name, _)| format!("reasoning.{name}")));
    }
}

#[cfg(test)]
mod tests;
