//! The turns of a request for content: what may follow what, and what may be in it.

use serde_json::Value;

use super::fields::{get, only, text};
use crate::mock_provider::vendors::check::{Checked, Illegal, base64_bytes, ensure, is_sealed};
use crate::mock_provider::vendors::seen::{Item, Seen};

const PART: &[&str] = &[
    "codeExecutionResult",
    "executableCode",
    "fileData",
    "functionCall",
    "functionResponse",
    "inlineData",
    "mediaResolution",
    "partMetadata",
    "text",
    "thought",
    "thoughtSignature",
    "toolCall",
    "toolResponse",
    "videoMetadata",
];
const CONTENT_OF_PART: &[&str] =
    &["text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult"];
/// What Google documents for calls that another model made.
const SIGNATURE_BYPASS: &[&str] = &["context_engineering_is_the_way_to_go", "skip_thought_signature_validator"];

/// Reads the turns of a conversation.
pub(super) fn read(contents: &[Value], seen: &mut Seen) -> Checked {
    for (index, content) in contents.iter().enumerate() {
        read_content(content, &format!("contents[{index}]"), seen)?;
    }
    check_turns(contents)?;
    if seen.model.starts_with("gemini-3") {
        check_signatures(contents)?;
    }
    Ok(())
}

/// The parts of a turn.
pub(super) fn parts<'a>(content: &'a Value, at: &str) -> Checked<&'a [Value]> {
    let object = content.as_object().ok_or_else(|| Illegal::new(format!("Invalid value at '{at}'")))?;
    only(object, &["role", "parts"], at)?;
    match get(content, "parts") {
        Some(Value::Array(parts)) if !parts.is_empty() => Ok(parts),
        // Proto JSON takes one where a list is meant.
        Some(part @ Value::Object(_)) => Ok(std::slice::from_ref(part)),
        _ => Err(Illegal::new(format!("* GenerateContentRequest.{at}.parts: contents.parts must not be empty."))),
    }
}

fn read_content(content: &Value, at: &str, seen: &mut Seen) -> Checked {
    let role = text(content, "role");
    ensure(matches!(role, "" | "user" | "model" | "function"), || "Please use a valid role: user, model.".to_owned())?;
    let is_model = role == "model";
    for (index, part) in parts(content, at)?.iter().enumerate() {
        let at = format!("{at}.parts[{index}]");
        only(part.as_object().ok_or_else(|| Illegal::new(format!("Invalid value at '{at}'")))?, PART, &at)?;
        let contents = CONTENT_OF_PART.iter().filter(|name| get(part, name).is_some()).count();
        ensure(contents == 1, || {
            format!("* GenerateContentRequest.{at}.data: required oneof field 'data' must have one initialized field")
        })?;
        read_part(part, is_model, &at, seen)?;
    }
    Ok(())
}

fn read_part(part: &Value, is_model: bool, at: &str, seen: &mut Seen) -> Checked {
    let signature = text(part, "thoughtSignature");
    let is_good = SIGNATURE_BYPASS.contains(&signature) || is_sealed("thought", signature) || is_bypass(signature);
    ensure(signature.is_empty() || is_good, || "Corrupted thought signature.".to_owned())?;
    if get(part, "thought") == Some(&Value::Bool(true)) || !signature.is_empty() {
        seen.items.push(Item::Thought);
    }
    if let Some(said) = get(part, "text").and_then(Value::as_str) {
        if get(part, "thought").is_none() {
            seen.items.push(if is_model { Item::Assistant(said.to_owned()) } else { Item::User(said.to_owned()) });
        }
    } else if let Some(inline) = get(part, "inlineData") {
        only(
            inline.as_object().ok_or_else(|| Illegal::new(format!("Invalid value at '{at}.inline_data'")))?,
            &["mimeType", "data", "displayName"],
            &format!("{at}.inline_data"),
        )?;
        let mime = text(inline, "mimeType").to_owned();
        let bytes = base64_bytes(text(inline, "data")).ok_or_else(|| {
            Illegal::new(format!("Invalid value at '{at}.inline_data.data' (TYPE_BYTES), Base64 decoding failed"))
        })?;
        ensure(mime.contains('/'), || format!("Unsupported MIME type: {mime}"))?;
        seen.items.push(Item::Media { kind: kind_of(&mime), mime, bytes: bytes.len() });
    } else if let Some(file) = get(part, "fileData") {
        ensure(!text(file, "fileUri").is_empty(), || {
            format!("* GenerateContentRequest.{at}.file_data.file_uri: must be set")
        })?;
        let mime = text(file, "mimeType").to_owned();
        seen.items.push(Item::Media { kind: kind_of(&mime), mime, bytes: 0 });
    } else if let Some(call) = get(part, "functionCall") {
        only(
            call.as_object().ok_or_else(|| Illegal::new(format!("Invalid value at '{at}.function_call'")))?,
            &["id", "name", "args", "partialArgs", "willContinue"],
            &format!("{at}.function_call"),
        )?;
        ensure(is_model, || "Please ensure that function calls are in turns of the role model.".to_owned())?;
        ensure(get(call, "args").is_none_or(Value::is_object), || {
            format!("Invalid value at '{at}.function_call.args' (type.googleapis.com/google.protobuf.Struct)")
        })?;
        seen.items.push(Item::Call { id: text(call, "id").to_owned(), name: text(call, "name").to_owned() });
    } else if let Some(response) = get(part, "functionResponse") {
        only(
            response.as_object().ok_or_else(|| Illegal::new(format!("Invalid value at '{at}.function_response'")))?,
            &["id", "name", "response", "parts", "willContinue", "scheduling"],
            &format!("{at}.function_response"),
        )?;
        let (id, name) = (text(response, "id").to_owned(), text(response, "name").to_owned());
        ensure(!name.is_empty(), || {
            format!("* GenerateContentRequest.{at}.function_response.name: Name cannot be empty.")
        })?;
        let given = get(response, "response");
        ensure(given.is_none_or(Value::is_object), || {
            format!("Invalid value at '{at}.function_response.response' (type.googleapis.com/google.protobuf.Struct)")
        })?;
        for inner in get(response, "parts").and_then(Value::as_array).into_iter().flatten() {
            let inline = get(inner, "inlineData").cloned().unwrap_or_default();
            let mime = text(&inline, "mimeType").to_owned();
            seen.items.push(Item::Media {
                kind: kind_of(&mime),
                mime,
                bytes: base64_bytes(text(&inline, "data")).map_or(0, |bytes| bytes.len()),
            });
        }
        seen.items.push(Item::Result { id, name, text: given.map(plain).unwrap_or_default() });
    }
    Ok(())
}

/// The dummies may also come encoded, as bytes do in proto JSON.
fn is_bypass(signature: &str) -> bool {
    base64_bytes(signature).is_some_and(|bytes| SIGNATURE_BYPASS.iter().any(|known| known.as_bytes() == bytes))
}

/// What a tool gave, without the object around it.
fn plain(response: &Value) -> String {
    let inner = ["output", "result", "content"].iter().find_map(|name| response.get(name));
    match inner.unwrap_or(response) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn kind_of(mime: &str) -> &'static str {
    match mime.split('/').next() {
        Some("image") => "image",
        Some("audio") => "audio",
        Some("video") => "video",
        _ => "document",
    }
}

fn count(content: &Value, kind: &str) -> usize {
    let parts = get(content, "parts").and_then(Value::as_array);
    parts.map_or(0, |parts| parts.iter().filter(|part| get(part, kind).is_some()).count())
}

fn check_turns(contents: &[Value]) -> Checked {
    for (index, content) in contents.iter().enumerate() {
        let calls = count(content, "functionCall");
        if calls > 0 {
            let after = index.checked_sub(1).map(|before| text(&contents[before], "role"));
            ensure(matches!(after, Some("user" | "function" | "")), || {
                "Please ensure that function call turn comes immediately after a user turn or after a function response turn.".to_owned()
            })?;
            if let Some(next) = contents.get(index + 1) {
                let responses = count(next, "functionResponse");
                ensure(responses == calls, || {
                    "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.".to_owned()
                })?;
                check_ids(content, next)?;
            }
        }
        let is_answer = count(content, "functionResponse") > 0;
        let follows_call = index.checked_sub(1).is_some_and(|before| count(&contents[before], "functionCall") > 0);
        ensure(!is_answer || follows_call, || {
            "Please ensure that function response turn comes immediately after a function call turn.".to_owned()
        })?;
    }
    Ok(())
}

/// Responses name the functions that were called.
fn check_ids(calls: &Value, responses: &Value) -> Checked {
    let names = |content: &Value, kind: &str| {
        let parts = get(content, "parts").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut names: Vec<String> =
            parts.iter().filter_map(|part| get(part, kind)).map(|inner| text(inner, "name").to_owned()).collect();
        names.sort();
        names
    };
    ensure(names(calls, "functionCall") == names(responses, "functionResponse"), || {
        "Function response names do not match the names of the function calls.".to_owned()
    })
}

/// In the current turn, each step's first call carries its signature.
fn check_signatures(contents: &[Value]) -> Checked {
    let is_prompt = |content: &Value| text(content, "role") != "model" && count(content, "functionResponse") == 0;
    let start = contents.iter().rposition(is_prompt).unwrap_or(0);
    for (position, content) in contents.iter().enumerate().skip(start) {
        let parts = get(content, "parts").and_then(Value::as_array).cloned().unwrap_or_default();
        let Some(first) = parts.iter().find(|part| get(part, "functionCall").is_some()) else { continue };
        let name = get(first, "functionCall").map(|call| text(call, "name").to_owned()).unwrap_or_default();
        ensure(!text(first, "thoughtSignature").is_empty(), || {
            format!(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:{name}` , position {}.",
                position + 1
            )
        })?;
    }
    Ok(())
}
