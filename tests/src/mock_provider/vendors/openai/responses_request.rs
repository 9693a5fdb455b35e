//! Reads a responses request as OpenAI does.

use serde_json::{Map, Value};

use super::tools;
use crate::mock_provider::vendors::check::{Checked, Illegal, base64_bytes, data_url, ensure, is_sealed, unknown};
use crate::mock_provider::vendors::seen::{Choice, Item, Seen};

const FIELDS: &[&str] = &[
    "background",
    "client_metadata",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];
const INCLUDES: &[&str] = &[
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
];
const SETTINGS: &[(&str, &str)] = &[
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("user", "user"),
    ("service_tier", "service_tier"),
    ("metadata", "metadata"),
    ("store", "store"),
    ("prompt_cache_key", "prompt_cache_key"),
    ("include", "include"),
];
/// Tools that OpenAI runs or knows without a declaration.
const BUILTIN: &[&str] = &[
    "apply_patch",
    "code_interpreter",
    "computer_use_preview",
    "file_search",
    "image_generation",
    "local_shell",
    "mcp",
    "namespace",
    "shell",
    "tool_search",
    "web_search",
    "web_search_preview",
];
/// The least bound that OpenAI takes.
const LEAST_BOUND: f64 = 16.0;

/// Reads and checks a request.
pub(super) fn read(body: &Map<String, Value>) -> Checked<Seen> {
    if let Some(name) = unknown(body, FIELDS) {
        return Err(Illegal {
            code: Some("unknown_parameter"),
            ..Illegal::at(format!("Unknown parameter: '{name}'."), name)
        });
    }
    let mut seen = Seen {
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        is_streaming: body.get("stream") == Some(&Value::Bool(true)),
        wants_usage: true,
        max_tokens: body.get("max_output_tokens").and_then(Value::as_u64),
        is_serial: body.get("parallel_tool_calls") == Some(&Value::Bool(false)),
        choices: 1,
        settings: tools::settings(body, SETTINGS),
        ..Seen::default()
    };
    tools::range(body, "temperature", 0.0, 2.0)?;
    tools::range(body, "top_p", 0.0, 1.0)?;
    tools::range(body, "max_output_tokens", LEAST_BOUND, f64::MAX)?;
    if let Some(id) = body.get("previous_response_id").and_then(Value::as_str) {
        let message = format!("Previous response with id '{id}' not found.");
        return Err(Illegal {
            code: Some("previous_response_not_found"),
            ..Illegal::at(message, "previous_response_id")
        });
    }
    read_reasoning(body, &mut seen)?;
    read_tools(body, &mut seen)?;
    read_text(body, &mut seen)?;
    if let Some(instructions) = body.get("instructions").and_then(Value::as_str) {
        seen.items.push(Item::System(instructions.to_owned()));
    }
    read_input(body, &mut seen)?;
    Ok(seen)
}

/// Whether encrypted thoughts are asked for.
pub(super) fn wants_encrypted(body: &Map<String, Value>) -> bool {
    let include = body.get("include").and_then(Value::as_array);
    include.is_some_and(|list| list.iter().any(|name| name == "reasoning.encrypted_content"))
}

fn read_reasoning(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    for name in body.get("include").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        ensure(INCLUDES.contains(&name), || format!("Invalid value: '{name}'. Supported values are: {INCLUDES:?}."))?;
    }
    let Some(reasoning) = body.get("reasoning").and_then(Value::as_object) else { return Ok(()) };
    if let Some(name) = unknown(reasoning, &["effort", "summary", "generate_summary", "context"]) {
        return Err(Illegal::at(format!("Unknown parameter: 'reasoning.{name}'."), format!("reasoning.{name}")));
    }
    if let Some(summary) = reasoning.get("summary").and_then(Value::as_str) {
        ensure(matches!(summary, "auto" | "concise" | "detailed"), || format!("Invalid value: '{summary}'."))?;
    }
    let effort = reasoning.get("effort").cloned().unwrap_or_default();
    let word = effort.as_str().unwrap_or("medium");
    ensure(matches!(word, "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max"), || {
        format!(
            "Invalid value: '{word}'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', and 'xhigh'."
        )
    })?;
    seen.thinks = word != "none";
    seen.effort = effort;
    Ok(())
}

fn read_tools(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    for (index, tool) in body.get("tools").and_then(Value::as_array).into_iter().flatten().enumerate() {
        read_tool(tool, &format!("tools[{index}]"), seen)?;
    }
    match body.get("tool_choice") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(word)) => {
            seen.choice = tools::choice_word(word)?;
            Ok(())
        }
        Some(choice) => read_choice(choice, seen),
    }
}

fn read_tool(tool: &Value, at: &str, seen: &mut Seen) -> Checked {
    let Some(object) = tool.as_object() else { return Err(Illegal::at(format!("Invalid type for '{at}'."), at)) };
    match tool["type"].as_str() {
        Some("function") => {
            let known = ["type", "name", "description", "parameters", "strict", "defer_loading"];
            seen.tools.push(tools::function(object, at, &known)?);
        }
        Some("custom") => seen.tools.push(tools::custom(object, at)?),
        // The tools in a namespace are called by their names.
        Some("namespace") => {
            for (index, inner) in tool["tools"].as_array().into_iter().flatten().enumerate() {
                read_tool(inner, &format!("{at}.tools[{index}]"), seen)?;
            }
        }
        Some(kind) if BUILTIN.contains(&kind) => {}
        kind => {
            let message = format!(
                "Invalid value: '{}'. Supported values are: 'function' and {BUILTIN:?}.",
                kind.unwrap_or("None")
            );
            return Err(Illegal::at(message, format!("{at}.type")));
        }
    }
    Ok(())
}

fn read_choice(choice: &Value, seen: &mut Seen) -> Checked {
    seen.choice = match (choice["type"].as_str(), choice["name"].as_str()) {
        (Some("function" | "custom"), Some(name)) => {
            ensure(seen.tools.iter().any(|tool| tool.name == name), || {
                format!("Tool choice '{name}' not found in 'tools' parameter.")
            })?;
            Choice::Named(name.to_owned())
        }
        (Some("allowed_tools"), _) if choice["mode"] == "required" => Choice::Required,
        (Some(kind), _) if kind == "allowed_tools" || BUILTIN.contains(&kind) => Choice::Auto,
        _ => return Err(Illegal::at("Missing required parameter: 'tool_choice.name'.", "tool_choice.name")),
    };
    Ok(())
}

fn read_text(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    let Some(text) = body.get("text").and_then(Value::as_object) else { return Ok(()) };
    if let Some(name) = unknown(text, &["format", "verbosity"]) {
        return Err(Illegal::at(format!("Unknown parameter: 'text.{name}'."), format!("text.{name}")));
    }
    if let Some(verbosity) = text.get("verbosity") {
        seen.settings.insert("verbosity".to_owned(), verbosity.clone());
    }
    let Some(format) = text.get("format").filter(|format| !format.is_null()) else { return Ok(()) };
    match format["type"].as_str() {
        Some("text") => {}
        Some("json_object") => seen.wants_json = true,
        Some("json_schema") => seen.schema = Some(tools::format_schema(format, "text.format")?),
        _ => return Err(Illegal::at("Invalid value for 'text.format.type'.", "text.format.type")),
    }
    Ok(())
}

fn read_input(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    let items = match body.get("input") {
        Some(Value::String(text)) => {
            seen.items.push(Item::User(text.clone()));
            return Ok(());
        }
        Some(Value::Array(items)) if !items.is_empty() => items,
        _ => return Err(Illegal::at("Missing required parameter: 'input'.", "input")),
    };
    for (index, item) in items.iter().enumerate() {
        let is_followed = matches!(
            items.get(index + 1).map(kind_of),
            Some("message" | "function_call" | "custom_tool_call" | "reasoning" | "web_search_call")
        );
        read_item(item, &format!("input[{index}]"), is_followed, seen)?;
    }
    check_pairs(items)
}

fn kind_of(item: &Value) -> &str {
    item["type"].as_str().unwrap_or("message")
}

fn read_item(item: &Value, at: &str, is_followed: bool, seen: &mut Seen) -> Checked {
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let required =
        |name: &str| ensure(item[name].is_string(), || format!("Missing required parameter: '{at}.{name}'."));
    match kind_of(item) {
        "message" => {
            check_id(item, at, "msg")?;
            read_message(item, at, seen)
        }
        kind @ ("function_call" | "custom_tool_call") => {
            check_id(item, at, if kind == "function_call" { "fc" } else { "ctc" })?;
            required("call_id")?;
            required("name")?;
            required(if kind == "function_call" { "arguments" } else { "input" })?;
            ensure(text("call_id").len() <= 64, || format!("Invalid '{at}.call_id': string too long."))?;
            seen.items.push(Item::Call { id: text("call_id"), name: text("name") });
            Ok(())
        }
        "function_call_output" | "custom_tool_call_output" => {
            required("call_id")?;
            let output = match &item["output"] {
                Value::String(output) => output.clone(),
                Value::Array(parts) => {
                    for (index, part) in parts.iter().enumerate() {
                        let kind = part["type"].as_str().unwrap_or_default();
                        seen.items.extend(read_part(part, kind, &format!("{at}.output[{index}]"))?);
                    }
                    parts.iter().filter_map(|part| part["text"].as_str()).collect()
                }
                _ => {
                    return Err(Illegal::at(
                        format!("Missing required parameter: '{at}.output'."),
                        format!("{at}.output"),
                    ));
                }
            };
            let name = seen.name_of(&text("call_id")).unwrap_or_default().to_owned();
            seen.items.push(Item::Result { id: text("call_id"), name, text: output });
            Ok(())
        }
        "reasoning" => read_thought(item, at, is_followed, seen),
        "item_reference" => {
            Err(Illegal { status: 404, ..Illegal::new(format!("Item with id '{}' not found.", text("id"))) })
        }
        "web_search_call"
        | "file_search_call"
        | "code_interpreter_call"
        | "image_generation_call"
        | "local_shell_call"
        | "compaction" => Ok(()),
        other => Err(Illegal::at(format!("Invalid value: '{other}'."), format!("{at}.type"))),
    }
}

fn check_id(item: &Value, at: &str, prefix: &str) -> Checked {
    let Some(id) = item["id"].as_str() else { return Ok(()) };
    ensure(id.starts_with(prefix), || format!("Invalid '{at}.id': '{id}'. Expected an ID that begins with '{prefix}'."))
}

fn read_thought(item: &Value, at: &str, is_followed: bool, seen: &mut Seen) -> Checked {
    check_id(item, at, "rs")?;
    let id = item["id"].as_str().unwrap_or_default();
    ensure(item["summary"].is_array(), || format!("Missing required parameter: '{at}.summary'."))?;
    let Some(encrypted) = item["encrypted_content"].as_str() else {
        let message = format!("Item with id '{id}' not found. Items are not persisted when `store` is set to false.");
        return Err(Illegal { status: 404, ..Illegal::at(message, "input") });
    };
    if !is_sealed("thought", encrypted) {
        let message = format!(
            "The encrypted content for item {id} could not be verified. Reason: Encrypted content could not be decrypted or parsed."
        );
        return Err(Illegal { code: Some("invalid_encrypted_content"), ..Illegal::new(message) });
    }
    ensure(is_followed, || {
        format!("Item '{id}' of type 'reasoning' was provided without its required following item.")
    })?;
    seen.items.push(Item::Thought);
    Ok(())
}

/// Each call has its output, and each output its call before it.
fn check_pairs(items: &[Value]) -> Checked {
    let ids = |end: &str| -> Vec<&str> {
        items.iter().filter(|item| kind_of(item).ends_with(end)).filter_map(|item| item["call_id"].as_str()).collect()
    };
    let (calls, outputs) = ([ids("function_call"), ids("custom_tool_call")].concat(), ids("_output"));
    if let Some(id) = calls.iter().find(|id| !outputs.contains(id)) {
        return Err(Illegal::at(format!("No tool output found for function call {id}."), "input"));
    }
    let mut known: Vec<&str> = Vec::new();
    for item in items {
        let id = item["call_id"].as_str().unwrap_or_default();
        if kind_of(item).ends_with("_output") && !known.contains(&id) {
            return Err(Illegal::at(
                format!("No tool call found for function call output with call_id {id}."),
                "input",
            ));
        }
        known.push(id);
    }
    Ok(())
}

fn read_message(item: &Value, at: &str, seen: &mut Seen) -> Checked {
    let role = item["role"].as_str().unwrap_or_default();
    let make: fn(String) -> Item = match role {
        "user" => Item::User,
        "system" | "developer" => Item::System,
        "assistant" => Item::Assistant,
        other => {
            let message = format!(
                "Invalid value: '{other}'. Supported values are: 'assistant', 'system', 'developer', and 'user'."
            );
            return Err(Illegal::at(message, format!("{at}.role")));
        }
    };
    let parts = match &item["content"] {
        Value::String(text) => {
            seen.items.push(make(text.clone()));
            return Ok(());
        }
        Value::Array(parts) => parts,
        _ => return Err(Illegal::at(format!("Missing required parameter: '{at}.content'."), format!("{at}.content"))),
    };
    for (index, part) in parts.iter().enumerate() {
        let at = format!("{at}.content[{index}]");
        let kind = part["type"].as_str().unwrap_or_default();
        let is_answer = role == "assistant";
        ensure(is_answer == matches!(kind, "output_text" | "refusal"), || {
            let supported = if is_answer {
                "'output_text' and 'refusal'"
            } else {
                "'input_text', 'input_image', 'input_file' and 'input_audio'"
            };
            format!("Invalid value: '{kind}'. Supported values are: {supported}. ({at})")
        })?;
        let read = read_part(part, kind, &at)?;
        seen.items.push(read.unwrap_or_else(|| make(part["text"].as_str().unwrap_or_default().to_owned())));
    }
    Ok(())
}

/// A medium; `None` for text.
fn read_part(part: &Value, kind: &str, at: &str) -> Checked<Option<Item>> {
    let from = |name: &str, medium: &'static str| match part[name].as_str() {
        Some(url) if url.starts_with("https://") => {
            Ok(Some(Item::Media { kind: medium, mime: String::new(), bytes: 0 }))
        }
        Some(url) => match data_url(url) {
            Some((mime, bytes)) => Ok(Some(Item::Media { kind: medium, mime, bytes })),
            None => Err(Illegal::at(format!("Invalid '{at}.{name}'. Expected a valid URL."), format!("{at}.{name}"))),
        },
        None => Err(Illegal::at(format!("Missing required parameter: '{at}.{name}'."), format!("{at}.{name}"))),
    };
    match kind {
        "input_image" if part["file_id"].is_string() => {
            Ok(Some(Item::Media { kind: "image", mime: String::new(), bytes: 0 }))
        }
        "input_image" => from("image_url", "image"),
        "input_file" if part["file_id"].is_string() => {
            Ok(Some(Item::Media { kind: "document", mime: String::new(), bytes: 0 }))
        }
        "input_file" if part["file_url"].is_string() => from("file_url", "document"),
        "input_file" => from("file_data", "document"),
        "input_audio" => {
            let bytes = part["input_audio"]["data"].as_str().and_then(base64_bytes);
            let bytes = bytes.ok_or_else(|| Illegal::at(format!("Invalid '{at}.input_audio.data'."), at))?;
            Ok(Some(Item::Media { kind: "audio", mime: String::new(), bytes: bytes.len() }))
        }
        _ => Ok(None),
    }
}
