//! Reading a `generateContent` body into a [`Conversation`].
//!
//! Google gives its calls no ids unless the client does; here every call gets one, and results find
//! their call by id, or else by name in the order of the calls.

mod calls;
mod config;
mod tools;

use serde_json::{Map, Value};

use self::calls::Calls;
use super::part;
use super::wire::{flag, keyword, list, member, note_unknown, owned, text};
use crate::canonical::{Conversation, Media, MediaKind, Part, Role, Text, ToolResult, Turn};
use crate::fields::RequestError;

/// Fields of the body that are read or do not need to be.
const KNOWN: [&str; 9] = [
    "model",
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
    "labels",
    "serviceTier",
    "cachedContent",
];

/// Members of a part that [`part::read`] or this module reads.
const KNOWN_IN_PART: [&str; 11] = [
    "text",
    "thought",
    part::SIGNATURE,
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "mediaResolution",
    // A name for the person who develops; it does not reach the model.
    "partMetadata",
    "executableCode",
    "codeExecutionResult",
];

/// Reads a body that is known to be an object.
///
/// # Errors
/// When the conversation lies in a cache at Google, or a content is none.
pub fn conversation(body: &Value) -> Result<Conversation, RequestError> {
    if member(body, "cachedContent").is_some() {
        return Err(RequestError::Invalid {
            field: "cachedContent",
            problem: "names a cache at Google, which only a Gemini deployment can read",
        });
    }
    let mut found = Conversation { choices: 1, ..Conversation::default() };
    note_unknown(body, "", &KNOWN, &mut found.unread);
    found.system = system(body, &mut found.unread);
    let details = config::read(body, &mut found);
    tools::read(body, &mut found);
    read_turns(body, details.as_deref(), &mut found)?;
    found.metadata = labels(body);
    found.service_tier = text(body, "serviceTier").and_then(service_tier);
    Ok(found)
}

/// Google's name of a class of service in OpenAI's words; `None` for no wish.
pub fn service_tier(named: &str) -> Option<String> {
    match named.to_ascii_lowercase().as_str() {
        "" | "unspecified" | "service_tier_unspecified" => None,
        "standard" => Some("default".to_owned()),
        other => Some(other.to_owned()),
    }
}

/// The instructions, one entry for each part.
fn system(body: &Value, unread: &mut Vec<String>) -> Vec<Text> {
    let Some(said) = member(body, "systemInstruction") else { return vec![] };
    if let Some(text) = said.as_str() {
        return vec![Text { text: text.to_owned(), ..Text::default() }];
    }
    let mut entries = vec![];
    for part in list(said, "parts") {
        match part::read(part) {
            Some(Part::Text(text)) => entries.push(text),
            Some(_) => unread.push("systemInstruction.parts".to_owned()),
            None => {}
        }
    }
    entries
}

fn read_turns(body: &Value, detail: Option<&str>, found: &mut Conversation) -> Result<(), RequestError> {
    let mut calls = Calls::default();
    for content in list(body, "contents") {
        if !content.is_object() {
            return Err(RequestError::Invalid { field: "contents", problem: "must hold contents, which are objects" });
        }
        let role = role(content);
        let mut parts = vec![];
        for part in list(content, "parts") {
            note_unknown(part, "parts.", &KNOWN_IN_PART, &mut found.unread);
            parts.extend(read_part(part, detail, &mut calls, &mut found.unread));
        }
        if !parts.is_empty() {
            found.turns.push(Turn { role, name: None, parts });
        }
    }
    Ok(())
}

/// The role; results of tools used to have one of their own.
fn role(content: &Value) -> Role {
    match keyword(content, "role").as_deref() {
        Some("MODEL" | "ASSISTANT") => Role::Assistant,
        Some("SYSTEM") => Role::System,
        _ => Role::User,
    }
}

fn read_part(part: &Value, detail: Option<&str>, calls: &mut Calls, unread: &mut Vec<String>) -> Option<Part> {
    if let Some(response) = member(part, "functionResponse") {
        return Some(Part::ToolResult(read_result(response, calls)));
    }
    for name in ["executableCode", "codeExecutionResult"] {
        if member(part, name).is_some() && !unread.iter().any(|known| known == name) {
            unread.push(name.to_owned());
        }
    }
    match part::read(part)? {
        Part::ToolCall(mut call) => {
            call.id = calls.begin(&call.id, &call.name);
            Some(Part::ToolCall(call))
        }
        Part::Media(media) => {
            let unsigned = "reasoning.signature";
            if member(part, part::SIGNATURE).is_some() && !unread.iter().any(|known| known == unsigned) {
                unread.push(unsigned.to_owned());
            }
            Some(Part::Media(with_detail(media, part, detail)))
        }
        other => Some(other),
    }
}

/// A picture with the resolution it is to be looked at with, its own or everyone's.
fn with_detail(mut media: Media, part: &Value, everyones: Option<&str>) -> Media {
    if media.kind == MediaKind::Image {
        let own = member(part, "mediaResolution").and_then(|own| keyword(own, "level"));
        media.detail = own.as_deref().and_then(config::detail).or(everyones).map(str::to_owned);
    }
    media
}

fn read_result(response: &Value, calls: &mut Calls) -> ToolResult {
    let name = owned(response, "name");
    let call_id = calls.answer(text(response, "id").unwrap_or_default(), name.as_deref().unwrap_or_default());
    let (said, is_error) = result_text(member(response, "response"));
    let mut parts = vec![];
    if !said.is_empty() {
        parts.push(Part::Text(Text { text: said, ..Text::default() }));
    }
    parts.extend(list(response, "parts").iter().filter_map(part::read_media).map(Part::Media));
    ToolResult { call_id, name, parts, is_error, cache: None }
}

/// What a response says, and whether that is an error: `output` and `error` are Google's names for
/// the two, and without either the whole response is the output (google-genai 2.34.0,
/// `FunctionResponse.response`; read 2026-11-22).
fn result_text(response: Option<&Value>) -> (String, bool) {
    let Some(response) = response else { return (String::new(), false) };
    let only = |name: &str| {
        let members = response.as_object().filter(|members| members.len() == 1)?;
        members.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    if let Some(error) = only("error") {
        return (error, true);
    }
    if let Some(output) = only("output") {
        return (output, false);
    }
    (response.as_str().map_or_else(|| response.to_string(), str::to_owned), false)
}

fn labels(body: &Value) -> Vec<(String, String)> {
    let empty = Map::new();
    let labels = member(body, "labels").and_then(Value::as_object).unwrap_or(&empty);
    labels.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// Whether a field is set to true.
fn is_set(object: &Value, camel: &str) -> bool {
    flag(object, camel) == Some(true)
}

#[cfg(test)]
mod tests;
