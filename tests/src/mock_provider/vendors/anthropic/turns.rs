//! The turns of a messages request: what may follow what, and what may be in it.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::mock_provider::vendors::check::{Checked, Illegal, base64_bytes, ensure, is_plain, is_sealed, unknown};
use crate::mock_provider::vendors::seen::{Item, Seen};

/// A turn, after neighbours of one role have been put together.
struct Turn<'a> {
    is_assistant: bool,
    index: usize,
    blocks: Vec<&'a Value>,
}

/// Reads the messages; `needs_thought` when the last turn with tool calls must begin with its thought.
pub(super) fn read(body: &Map<String, Value>, seen: &mut Seen, needs_thought: bool, takes_system: bool) -> Checked {
    let messages = body["messages"].as_array().filter(|messages| !messages.is_empty());
    let messages = messages.ok_or_else(|| Illegal::new("messages: at least one message is required"))?;
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let is_assistant = match message["role"].as_str() {
            Some("user") => false,
            Some("assistant") => true,
            Some("system") if takes_system => {
                let blocks = message["content"].as_array().cloned().unwrap_or_default();
                let text = message["content"].as_str().map(str::to_owned);
                let joined = || blocks.iter().filter_map(|block| block["text"].as_str()).collect();
                seen.items.push(Item::System(text.unwrap_or_else(joined)));
                continue;
            }
            _ => {
                return Err(Illegal::new(
                    "messages: Unexpected role. The Messages API accepts only \"user\" and \"assistant\".",
                ));
            }
        };
        if let Some(name) = message.as_object().and_then(|object| unknown(object, &["role", "content"])) {
            return Err(Illegal::new(format!("messages.{index}.{name}: Extra inputs are not permitted")));
        }
        let blocks: Vec<&Value> = match &message["content"] {
            text @ Value::String(_) => vec![text],
            Value::Array(blocks) => blocks.iter().collect(),
            _ => return Err(Illegal::new(format!("messages.{index}.content: Field required"))),
        };
        ensure(!blocks.is_empty() || (is_assistant && index + 1 == messages.len()), || {
            format!(
                "messages.{index}: all messages must have non-empty content except for the optional final assistant message"
            )
        })?;
        match turns.last_mut() {
            Some(last) if last.is_assistant == is_assistant => last.blocks.extend(blocks),
            _ => turns.push(Turn { is_assistant, index, blocks }),
        }
    }
    ensure(turns.first().is_some_and(|turn| !turn.is_assistant), || {
        "messages: first message must use the \"user\" role".to_owned()
    })?;
    check_pairs(&turns)?;
    if needs_thought {
        check_thoughts(&turns)?;
    }
    for turn in &turns {
        for (index, block) in turn.blocks.iter().enumerate() {
            read_block(block, turn, &format!("messages.{}.content.{index}", turn.index), seen)?;
        }
    }
    Ok(())
}

fn ids<'a>(turn: &Turn<'a>, kind: &str, field: &str) -> Vec<&'a str> {
    turn.blocks.iter().filter(|block| block["type"] == kind).filter_map(|block| block[field].as_str()).collect()
}

fn check_pairs(turns: &[Turn<'_>]) -> Checked {
    let mut all = HashSet::new();
    for (place, turn) in turns.iter().enumerate() {
        let calls = ids(turn, "tool_use", "id");
        ensure(calls.iter().all(|id| all.insert(*id)), || {
            format!("messages.{}.content: `tool_use` ids must be unique", turn.index)
        })?;
        let results = turns.get(place + 1).map(|next| ids(next, "tool_result", "tool_use_id")).unwrap_or_default();
        let missing: Vec<&str> = calls.iter().filter(|id| !results.contains(id)).copied().collect();
        ensure(missing.is_empty(), || {
            format!(
                "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
                turn.index,
                missing.join(", ")
            )
        })?;
        let before = place.checked_sub(1).map(|before| ids(&turns[before], "tool_use", "id")).unwrap_or_default();
        let own = ids(turn, "tool_result", "tool_use_id");
        if let Some(id) = own.iter().find(|id| !before.contains(id)) {
            return Err(Illegal::new(format!(
                "messages.{}.content: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
                turn.index
            )));
        }
        let distinct: HashSet<&str> = own.iter().copied().collect();
        ensure(distinct.len() == own.len(), || {
            format!("messages.{}.content: each tool_use must have a single result", turn.index)
        })?;
        // What the person says comes after the results.
        let first_other = turn.blocks.iter().position(|block| block["type"] != "tool_result").unwrap_or(usize::MAX);
        let last_result = turn.blocks.iter().rposition(|block| block["type"] == "tool_result").unwrap_or(0);
        ensure(own.is_empty() || first_other > last_result, || {
            format!("messages.{}: `tool_result` blocks must come first in the content", turn.index)
        })?;
    }
    Ok(())
}

fn check_thoughts(turns: &[Turn<'_>]) -> Checked {
    let Some(last) = turns.iter().rev().find(|turn| turn.is_assistant) else { return Ok(()) };
    let follows =
        turns.iter().any(|turn| turn.index > last.index && !ids(turn, "tool_result", "tool_use_id").is_empty());
    let kind = last.blocks.first().map_or("text", |block| block["type"].as_str().unwrap_or("text"));
    ensure(!follows || kind.ends_with("thinking"), || {
        format!(
            "messages.{}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{kind}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks).",
            last.index
        )
    })
}

fn read_block(block: &Value, turn: &Turn<'_>, at: &str, seen: &mut Seen) -> Checked {
    let said = if turn.is_assistant { Item::Assistant } else { Item::User };
    if let Some(text) = block.as_str() {
        ensure(!text.is_empty(), || format!("{at}: messages must have non-empty content"))?;
        seen.items.push(said(text.to_owned()));
        return Ok(());
    }
    let kind = block["type"].as_str().unwrap_or_default();
    let allowed = if turn.is_assistant {
        ["text", "tool_use", "thinking", "redacted_thinking", ""]
    } else {
        ["text", "tool_result", "image", "document", "search_result"]
    };
    ensure(allowed.contains(&kind) || kind.ends_with("_tool_result") || kind == "server_tool_use", || {
        format!("{at}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {allowed:?}")
    })?;
    match kind {
        "text" => {
            let text = block["text"].as_str().unwrap_or_default();
            ensure(!text.trim().is_empty(), || {
                "messages: text content blocks must contain non-whitespace text".to_owned()
            })?;
            seen.items.push(said(text.to_owned()));
        }
        "image" | "document" => seen.items.push(read_medium(block, kind, at)?),
        "thinking" => {
            let (text, signature) =
                (block["thinking"].as_str().unwrap_or_default(), block["signature"].as_str().unwrap_or_default());
            ensure(is_sealed(text, signature), || format!("{at}: Invalid `signature` in `thinking` block"))?;
            seen.items.push(Item::Thought);
        }
        "redacted_thinking" => ensure(is_sealed("redacted", block["data"].as_str().unwrap_or_default()), || {
            format!("{at}: Invalid `data` in `redacted_thinking` block")
        })?,
        "tool_use" => {
            let (id, name) = (block["id"].as_str().unwrap_or_default(), block["name"].as_str().unwrap_or_default());
            ensure(is_plain(id, 256), || format!("{at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"))?;
            ensure(is_plain(name, 200), || {
                format!("{at}.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{{1,200}}$'")
            })?;
            ensure(block["input"].is_object(), || format!("{at}.tool_use.input: Input should be a valid dictionary"))?;
            seen.items.push(Item::Call { id: id.to_owned(), name: name.to_owned() });
        }
        "tool_result" => read_result(block, at, seen)?,
        _ => {}
    }
    Ok(())
}

fn read_result(block: &Value, at: &str, seen: &mut Seen) -> Checked {
    let known = ["type", "tool_use_id", "content", "is_error", "cache_control"];
    if let Some(name) = block.as_object().and_then(|object| unknown(object, &known)) {
        return Err(Illegal::new(format!("{at}.tool_result.{name}: Extra inputs are not permitted")));
    }
    let mut text = String::new();
    match &block["content"] {
        Value::Null => {}
        Value::String(content) => text.push_str(content),
        Value::Array(parts) => {
            for (index, part) in parts.iter().enumerate() {
                match part["type"].as_str() {
                    Some("text") => text.push_str(part["text"].as_str().unwrap_or_default()),
                    Some(kind @ ("image" | "document")) => {
                        seen.items.push(read_medium(part, kind, &format!("{at}.content.{index}"))?);
                    }
                    _ => {
                        return Err(Illegal::new(format!(
                            "{at}.tool_result.content.{index}: Input tag does not match any of the expected tags"
                        )));
                    }
                }
            }
        }
        _ => return Err(Illegal::new(format!("{at}.tool_result.content: Input should be a valid string or list"))),
    }
    let id = block["tool_use_id"].as_str().unwrap_or_default();
    let name = seen.name_of(id).unwrap_or_default().to_owned();
    seen.items.push(Item::Result { id: id.to_owned(), name, text });
    Ok(())
}

fn read_medium(block: &Value, kind: &str, at: &str) -> Checked<Item> {
    let kind = if kind == "image" { "image" } else { "document" };
    let source = &block["source"];
    let mime = source["media_type"].as_str().unwrap_or_default().to_owned();
    let medium = |mime, bytes| Ok(Item::Media { kind, mime, bytes });
    match source["type"].as_str() {
        Some("base64") => {
            let bytes = source["data"].as_str().and_then(base64_bytes);
            let bytes = bytes.ok_or_else(|| Illegal::new(format!("{at}.source.base64.data: invalid base64 data")))?;
            let is_known = if kind == "image" {
                matches!(mime.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp")
            } else {
                mime == "application/pdf"
            };
            ensure(is_known, || {
                format!("{at}.source.base64.media_type: Input should be a supported media type, not '{mime}'")
            })?;
            medium(mime, bytes.len())
        }
        Some("url") => {
            ensure(source["url"].as_str().is_some_and(|url| url.starts_with("https://")), || {
                format!("{at}.source.url.url: Only HTTPS URLs are supported.")
            })?;
            medium(String::new(), 0)
        }
        Some("text") if kind == "document" => {
            medium("text/plain".to_owned(), source["data"].as_str().unwrap_or_default().len())
        }
        Some("file" | "content") => medium(String::new(), 0),
        _ => Err(Illegal::new(format!(
            "{at}.source: Input tag does not match any of the expected tags: 'base64', 'url', 'file'"
        ))),
    }
}
