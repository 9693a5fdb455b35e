//! Reads a chat completions request as OpenAI does.

use serde_json::{Map, Value};

use super::tools;
use crate::mock_provider::vendors::check::{Checked, Illegal, base64_bytes, data_url, ensure, unknown};
use crate::mock_provider::vendors::seen::{Choice, Item, Seen};

const FIELDS: &[&str] = &[
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];
const MESSAGE_FIELDS: &[&str] =
    &["role", "content", "name", "tool_calls", "tool_call_id", "refusal", "audio", "function_call", "annotations"];
const SETTINGS: &[(&str, &str)] = &[
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("stop", "stop"),
    ("seed", "seed"),
    ("n", "n"),
    ("frequency_penalty", "frequency_penalty"),
    ("presence_penalty", "presence_penalty"),
    ("user", "user"),
    ("service_tier", "service_tier"),
    ("metadata", "metadata"),
    ("verbosity", "verbosity"),
    ("logprobs", "logprobs"),
    ("prompt_cache_key", "prompt_cache_key"),
];
/// Efforts that mean thinking.
const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// Reads and checks a request.
pub(super) fn read(body: &Map<String, Value>) -> Checked<Seen> {
    if let Some(name) = unknown(body, FIELDS) {
        return Err(Illegal::new(format!("Unrecognized request argument supplied: {name}")));
    }
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let mut seen = Seen { model, settings: tools::settings(body, SETTINGS), ..Seen::default() };
    read_switches(body, &mut seen)?;
    read_bounds(body, &mut seen)?;
    read_tools(body, &mut seen)?;
    read_format(body, &mut seen)?;
    read_messages(body, &mut seen)?;
    Ok(seen)
}

fn read_switches(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    seen.is_streaming = body.get("stream") == Some(&Value::Bool(true));
    if let Some(options) = body.get("stream_options").filter(|options| !options.is_null()) {
        if !seen.is_streaming {
            let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
            return Err(Illegal::at(message, "stream_options"));
        }
        seen.wants_usage = options["include_usage"] == true;
    }
    seen.wants_logprobs = body.get("logprobs") == Some(&Value::Bool(true));
    if body.get("top_logprobs").is_some_and(|count| !count.is_null()) && !seen.wants_logprobs {
        return Err(Illegal::at("'top_logprobs' is only allowed when 'logprobs' is enabled.", "top_logprobs"));
    }
    if let Some(effort) = body.get("reasoning_effort").filter(|effort| !effort.is_null()) {
        let word = effort.as_str().unwrap_or_default();
        ensure(EFFORTS.contains(&word), || format!("Invalid value: '{word}'. Supported values are: {EFFORTS:?}."))?;
        seen.thinks = word != "none";
        seen.effort = effort.clone();
    }
    Ok(())
}

fn read_bounds(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    for (name, least, most) in [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("n", 1.0, 128.0),
        ("max_tokens", 1.0, f64::MAX),
        ("max_completion_tokens", 1.0, f64::MAX),
        ("frequency_penalty", -2.0, 2.0),
        ("presence_penalty", -2.0, 2.0),
        ("top_logprobs", 0.0, 20.0),
    ] {
        tools::range(body, name, least, most)?;
    }
    let bound = |name: &str| body.get(name).and_then(Value::as_u64);
    // Only OpenAI's own reasoning models are that strict; servers of open models know the older name.
    if seen.model.starts_with("gpt-5") && bound("max_tokens").is_some() {
        let message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
        return Err(Illegal { code: Some("unsupported_parameter"), ..Illegal::at(message, "max_tokens") });
    }
    seen.max_tokens = bound("max_completion_tokens").or(bound("max_tokens"));
    seen.choices = bound("n").unwrap_or(1);
    let stops = body.get("stop").and_then(Value::as_array).map_or(0, Vec::len);
    ensure(stops <= 4, || {
        format!("Invalid 'stop': array too long. Expected an array with maximum length 4, but got {stops}.")
    })
}

fn read_tools(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    let present = |name: &str| body.get(name).filter(|value| !value.is_null());
    if let Some(list) = present("tools") {
        let list = list.as_array().ok_or_else(|| Illegal::at("Invalid type for 'tools'.", "tools"))?;
        if list.is_empty() {
            return Err(Illegal::at("Invalid 'tools': empty array. Expected an array with minimum length 1.", "tools"));
        }
        for (index, tool) in list.iter().enumerate() {
            seen.tools.push(read_tool(tool, &format!("tools[{index}]"))?);
        }
    }
    for name in ["tool_choice", "parallel_tool_calls"] {
        if present(name).is_some() && seen.tools.is_empty() {
            return Err(Illegal::at(format!("'{name}' is only allowed when 'tools' are specified."), name));
        }
    }
    seen.is_serial = present("parallel_tool_calls") == Some(&Value::Bool(false));
    match present("tool_choice") {
        None => Ok(()),
        Some(Value::String(word)) => {
            seen.choice = tools::choice_word(word)?;
            Ok(())
        }
        Some(choice) => read_choice(choice, seen),
    }
}

fn read_tool(tool: &Value, at: &str) -> Checked<crate::mock_provider::vendors::seen::Tool> {
    match (tool["type"].as_str(), &tool["function"], &tool["custom"]) {
        (Some("function"), Value::Object(function), _) => {
            tools::function(function, &format!("{at}.function"), &["name", "description", "parameters", "strict"])
        }
        (Some("custom"), _, Value::Object(custom)) => tools::custom(custom, &format!("{at}.custom")),
        (Some(kind @ ("function" | "custom")), _, _) => {
            Err(Illegal::at(format!("Missing required parameter: '{at}.{kind}'."), format!("{at}.{kind}")))
        }
        (kind, _, _) => {
            let kind = kind.unwrap_or("None");
            let message = format!("Invalid value: '{kind}'. Supported values are: 'function' and 'custom'.");
            Err(Illegal::at(message, format!("{at}.type")))
        }
    }
}

fn read_choice(choice: &Value, seen: &mut Seen) -> Checked {
    let named = choice["function"]["name"].as_str().or(choice["custom"]["name"].as_str());
    seen.choice = match (choice["type"].as_str(), named) {
        (Some("function" | "custom"), Some(name)) => {
            ensure(seen.tools.iter().any(|tool| tool.name == name), || {
                format!("Tool choice '{name}' not found in 'tools' parameter.")
            })?;
            Choice::Named(name.to_owned())
        }
        (Some("allowed_tools"), _) => match choice["allowed_tools"]["mode"].as_str() {
            Some("required") => Choice::Required,
            _ => Choice::Auto,
        },
        _ => return Err(Illegal::at("Missing required parameter: 'tool_choice.function'.", "tool_choice.function")),
    };
    Ok(())
}

fn read_format(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    let Some(format) = body.get("response_format").filter(|format| !format.is_null()) else { return Ok(()) };
    match format["type"].as_str() {
        Some("text") => {}
        Some("json_object") => seen.wants_json = true,
        Some("json_schema") => {
            seen.schema = Some(tools::format_schema(&format["json_schema"], "response_format.json_schema")?);
        }
        _ => return Err(Illegal::at("Invalid value for 'response_format.type'.", "response_format.type")),
    }
    Ok(())
}

fn read_messages(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    let messages = body.get("messages").and_then(Value::as_array).filter(|messages| !messages.is_empty());
    let messages = messages.ok_or_else(|| Illegal::at("Missing required parameter: 'messages'.", "messages"))?;
    // Calls of the last assistant message that no tool message has answered yet.
    let mut open: Vec<String> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let at = format!("messages[{index}]");
        let object = message.as_object().ok_or_else(|| Illegal::at(format!("Invalid type for '{at}'."), at.clone()))?;
        if let Some(name) = unknown(object, MESSAGE_FIELDS) {
            return Err(Illegal::at(format!("Unknown parameter: '{at}.{name}'."), format!("{at}.{name}")));
        }
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            read_result(message, &at, &mut open, seen)?;
            continue;
        }
        ensure(open.is_empty(), || unanswered(&open))?;
        match role {
            "system" | "developer" => read_content(message, &at, seen, Item::System)?,
            "user" => read_content(message, &at, seen, Item::User)?,
            "assistant" => open = read_assistant(message, &at, seen)?,
            other => {
                let message = format!(
                    "Invalid value: '{other}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."
                );
                return Err(Illegal::at(message, format!("{at}.role")));
            }
        }
    }
    ensure(open.is_empty(), || unanswered(&open))
}

fn unanswered(open: &[String]) -> String {
    format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    )
}

fn read_result(message: &Value, at: &str, open: &mut Vec<String>, seen: &mut Seen) -> Checked {
    let id = message["tool_call_id"].as_str().unwrap_or_default();
    let Some(place) = open.iter().position(|known| known == id) else {
        let message = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
        return Err(Illegal::at(message, format!("{at}.role")));
    };
    open.remove(place);
    let text = match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let only_text = parts.iter().all(|part| part["type"] == "text");
            ensure(only_text, || format!("Invalid value in '{at}.content'. Tool messages take text parts only."))?;
            parts.iter().filter_map(|part| part["text"].as_str()).collect()
        }
        _ => return Err(Illegal::at(format!("Missing required parameter: '{at}.content'."), format!("{at}.content"))),
    };
    let name = seen.name_of(id).unwrap_or_default().to_owned();
    seen.items.push(Item::Result { id: id.to_owned(), name, text });
    Ok(())
}

fn read_assistant(message: &Value, at: &str, seen: &mut Seen) -> Checked<Vec<String>> {
    let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
    if message.get("tool_calls").is_some_and(|list| list.as_array().is_some_and(Vec::is_empty)) {
        let message = format!("Invalid '{at}.tool_calls': empty array. Expected an array with minimum length 1.");
        return Err(Illegal::at(message, format!("{at}.tool_calls")));
    }
    match &message["content"] {
        Value::Null => ensure(!calls.is_empty() || message["refusal"].is_string(), || {
            format!("Invalid value for 'content': expected a string, got null. ({at})")
        })?,
        _ => read_content(message, at, seen, Item::Assistant)?,
    }
    let mut ids = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        let at = format!("{at}.tool_calls[{index}]");
        let id = call["id"].as_str().unwrap_or_default();
        ensure((1..=40).contains(&id.len()), || {
            format!(
                "Invalid '{at}.id': string too long. Expected a string with maximum length 40, but got {}.",
                id.len()
            )
        })?;
        let name = match call["type"].as_str() {
            Some("function") => {
                ensure(call["function"]["arguments"].is_string(), || {
                    format!("Invalid type for '{at}.function.arguments': expected a string.")
                })?;
                call["function"]["name"].as_str()
            }
            Some("custom") => call["custom"]["name"].as_str(),
            _ => return Err(Illegal::at(format!("Missing required parameter: '{at}.type'."), format!("{at}.type"))),
        };
        let name = name.ok_or_else(|| Illegal::at(format!("Missing required parameter: '{at}.function.name'."), at))?;
        seen.items.push(Item::Call { id: id.to_owned(), name: name.to_owned() });
        ids.push(id.to_owned());
    }
    Ok(ids)
}

fn read_content(message: &Value, at: &str, seen: &mut Seen, item: fn(String) -> Item) -> Checked {
    match &message["content"] {
        Value::String(text) => seen.items.push(item(text.clone())),
        Value::Array(parts) => {
            for (index, part) in parts.iter().enumerate() {
                let read = read_part(part, &format!("{at}.content[{index}]"), message["role"] == "user")?;
                seen.items.push(read.unwrap_or_else(|| item(part["text"].as_str().unwrap_or_default().to_owned())));
            }
        }
        _ => return Err(Illegal::at(format!("Missing required parameter: '{at}.content'."), format!("{at}.content"))),
    }
    Ok(())
}

/// A medium; `None` for text.
fn read_part(part: &Value, at: &str, is_user: bool) -> Checked<Option<Item>> {
    let wrong = |message: String| Err(Illegal::at(message, at));
    let medium = |kind, mime: String, bytes| Ok(Some(Item::Media { kind, mime, bytes }));
    match part["type"].as_str().unwrap_or_default() {
        "text" | "refusal" if part["text"].is_string() || part["refusal"].is_string() => Ok(None),
        "image_url" if is_user => match part["image_url"]["url"].as_str() {
            Some(url) if url.starts_with("https://") => medium("image", String::new(), 0),
            Some(url) => match data_url(url) {
                Some((mime, bytes)) if mime.starts_with("image/") => medium("image", mime, bytes),
                _ => wrong(format!("Invalid image data at '{at}.image_url.url'.")),
            },
            None => wrong(format!("Missing required parameter: '{at}.image_url.url'.")),
        },
        "input_audio" if is_user => match part["input_audio"]["data"].as_str().and_then(base64_bytes) {
            Some(bytes) => {
                medium("audio", part["input_audio"]["format"].as_str().unwrap_or_default().to_owned(), bytes.len())
            }
            None => wrong(format!("Invalid audio data at '{at}.input_audio.data'.")),
        },
        "file" if is_user => match (part["file"]["file_data"].as_str(), part["file"]["file_id"].as_str()) {
            (Some(data), _) => match data_url(data) {
                Some((mime, bytes)) => medium("document", mime, bytes),
                None => wrong(format!("Invalid file data at '{at}.file.file_data': expected a data URL.")),
            },
            (None, Some(_)) => medium("document", String::new(), 0),
            (None, None) => wrong(format!("Missing required parameter: '{at}.file.file_id'.")),
        },
        other => wrong(format!(
            "Invalid value: '{other}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', and 'file'."
        )),
    }
}
