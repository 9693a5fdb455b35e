//! Reads a messages request as Anthropic does.

use serde_json::{Map, Value};

use super::turns;
use crate::mock_provider::vendors::check::{Checked, Illegal, ensure, is_plain, strict_fault, unknown};
use crate::mock_provider::vendors::seen::{Choice, Item, Seen, Tool};

const FIELDS: &[&str] = &[
    "cache_control",
    "container",
    "context_management",
    "diagnostics",
    "inference_geo",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];
const SETTINGS: &[&str] = &["temperature", "top_p", "top_k", "service_tier"];
/// Models that think by a budget alone, and parts of the names of those that decide on their own alone and
/// take no sampling either (platform.claude.com, "Adaptive thinking" and the notes on migration, read 2026-11-22).
const BUDGET_ONLY: &[&str] = &["claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5", "claude-opus-4-1"];
const ADAPTIVE_ONLY: &[&str] = &["-4-7", "-4-8", "opus-5", "sonnet-5", "fable-5", "mythos-5"];
const LEAST_BUDGET: u64 = 1_024;
const MOST_CACHE_MARKS: usize = 4;
/// Schema keywords that structured outputs do not take.
const REFUSED_KEYWORDS: &[&str] =
    &["minimum", "maximum", "multipleOf", "minLength", "maxLength", "maxItems", "uniqueItems"];

/// Reads and checks a request; a token count needs no bound, and only newer clients may have a system
/// message in the middle.
pub(super) fn read(body: &Map<String, Value>, is_count: bool, takes_system: bool) -> Checked<Seen> {
    if let Some(name) = unknown(body, FIELDS) {
        return Err(Illegal::new(format!("{name}: Extra inputs are not permitted")));
    }
    let required = if is_count { ["model", "messages"].as_slice() } else { &["model", "max_tokens", "messages"] };
    for name in required {
        ensure(body.contains_key(*name), || format!("{name}: Field required"))?;
    }
    let mut seen = Seen {
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        is_streaming: body.get("stream") == Some(&Value::Bool(true)),
        wants_usage: true,
        max_tokens: body.get("max_tokens").and_then(Value::as_u64),
        choices: 1,
        ..Seen::default()
    };
    // 0 only warms the cache up.
    ensure(is_count || seen.max_tokens.is_some(), || {
        "max_tokens: Input should be greater than or equal to 0".to_owned()
    })?;
    read_settings(body, &mut seen)?;
    read_tools(body, &mut seen)?;
    let needs_thought = read_thinking(body, &mut seen)?;
    read_output(body, &mut seen)?;
    read_system(body, &mut seen)?;
    turns::read(body, &mut seen, needs_thought, takes_system)?;
    let marks = marks(&Value::Object(body.clone()));
    ensure(marks <= MOST_CACHE_MARKS, || {
        format!("A maximum of 4 blocks with cache_control may be provided. Found {marks}.")
    })?;
    Ok(seen)
}

fn marks(value: &Value) -> usize {
    match value {
        Value::Object(object) => {
            let own = usize::from(object.get("cache_control").is_some_and(Value::is_object));
            let inner = object.iter().filter(|(name, _)| *name != "input" && *name != "input_schema");
            own + inner.map(|(_, value)| marks(value)).sum::<usize>()
        }
        Value::Array(values) => values.iter().map(marks).sum(),
        _ => 0,
    }
}

fn read_settings(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    for name in SETTINGS {
        if let Some(value) = body.get(*name).filter(|value| !value.is_null()) {
            seen.settings.insert((*name).to_owned(), value.clone());
        }
    }
    if let Some(stops) = body.get("stop_sequences").and_then(Value::as_array) {
        let is_blank = |stop: &Value| stop.as_str().is_none_or(|text| text.trim().is_empty());
        ensure(!stops.iter().any(is_blank), || {
            "stop_sequences: each stop sequence must contain non-whitespace".to_owned()
        })?;
        seen.settings.insert("stop".to_owned(), Value::Array(stops.clone()));
    }
    if let Some(metadata) = body.get("metadata").and_then(Value::as_object) {
        if let Some(name) = unknown(metadata, &["user_id"]) {
            return Err(Illegal::new(format!("metadata.{name}: Extra inputs are not permitted")));
        }
        seen.settings.extend(metadata.get("user_id").map(|user| ("user".to_owned(), user.clone())));
    }
    if let Some(tier) = body.get("service_tier").and_then(Value::as_str) {
        ensure(matches!(tier, "auto" | "standard_only"), || {
            "service_tier: Input should be 'auto' or 'standard_only'".to_owned()
        })?;
    }
    for name in ["temperature", "top_p"] {
        let value = body.get(name).and_then(Value::as_f64).unwrap_or(0.5);
        ensure((0.0..=1.0).contains(&value), || format!("{name}: range: 0..1"))?;
    }
    if is_any(&seen.model, ADAPTIVE_ONLY)
        && let Some(name) = ["temperature", "top_p", "top_k"]
            .iter()
            .find(|name| body.get(**name).is_some_and(|value| value.as_f64() != Some(1.0)))
    {
        return Err(Illegal::new(format!("`{name}` is deprecated for this model.")));
    }
    let has = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    ensure(!(has("temperature") && has("top_p")), || {
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.".to_owned()
    })
}

fn read_tools(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    for (index, tool) in body.get("tools").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let name = tool["name"].as_str().unwrap_or_default().to_owned();
        // Tools that Anthropic defines have a dated type and no schema.
        if tool["type"].as_str().is_some_and(|kind| kind != "custom") {
            continue;
        }
        let object =
            tool.as_object().ok_or_else(|| Illegal::new(format!("tools.{index}: Input should be an object")))?;
        let known = [
            "name",
            "description",
            "input_schema",
            "cache_control",
            "strict",
            "type",
            "defer_loading",
            "allowed_callers",
            "input_examples",
            "eager_input_streaming",
        ];
        if let Some(name) = unknown(object, &known) {
            return Err(Illegal::new(format!("tools.{index}.custom.{name}: Extra inputs are not permitted")));
        }
        ensure(is_plain(&name, 128), || {
            format!("tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        })?;
        let schema = &tool["input_schema"];
        ensure(schema["type"] == "object", || format!("tools.{index}.custom.input_schema.type: Field required"))?;
        let combined = ["oneOf", "anyOf", "allOf"].iter().any(|word| schema.get(word).is_some());
        ensure(!combined, || {
            format!(
                "tools.{index}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
            )
        })?;
        if tool["strict"] == true
            && let Some(fault) = strict_fault(schema, false)
        {
            return Err(Illegal::new(format!("tools.{index}.custom: {fault}")));
        }
        ensure(!seen.tools.iter().any(|known| known.name == name), || "tools: Tool names must be unique.".to_owned())?;
        seen.tools.push(Tool { name, schema: schema.clone(), is_custom: false });
    }
    let Some(choice) = body.get("tool_choice").filter(|choice| !choice.is_null()) else { return Ok(()) };
    ensure(body.get("tools").and_then(Value::as_array).is_some_and(|tools| !tools.is_empty()), || {
        "tool_choice: may only be specified while providing tools.".to_owned()
    })?;
    seen.is_serial = choice["disable_parallel_tool_use"] == true;
    seen.choice = match (choice["type"].as_str(), choice["name"].as_str()) {
        (Some("auto"), _) => Choice::Auto,
        (Some("any"), _) => Choice::Required,
        (Some("none"), _) => Choice::None,
        (Some("tool"), Some(name)) => {
            ensure(seen.tools.iter().any(|tool| tool.name == name), || {
                format!("Tool '{name}' not found in provided tools")
            })?;
            Choice::Named(name.to_owned())
        }
        _ => {
            return Err(Illegal::new(
                "tool_choice: Input tag does not match any of the expected tags: 'auto', 'any', 'tool', 'none'",
            ));
        }
    };
    Ok(())
}

fn is_any(model: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| model.contains(part))
}

/// Reads how to think; true when the last turn with tool calls must begin with its thought.
fn read_thinking(body: &Map<String, Value>, seen: &mut Seen) -> Checked<bool> {
    let Some(thinking) = body.get("thinking").filter(|thinking| !thinking.is_null()) else { return Ok(false) };
    let is_adaptive_only = is_any(&seen.model, ADAPTIVE_ONLY);
    match thinking["type"].as_str() {
        Some("disabled") => return Ok(false),
        Some("adaptive") if is_any(&seen.model, BUDGET_ONLY) => {
            return Err(Illegal::new("adaptive thinking is not supported on this model"));
        }
        Some("enabled") if is_adaptive_only => {
            return Err(Illegal::new(
                "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior.",
            ));
        }
        Some("adaptive") => ensure(thinking.get("budget_tokens").is_none(), || {
            "thinking.adaptive.budget_tokens: Extra inputs are not permitted".to_owned()
        })?,
        Some("enabled") => {
            let budget = thinking["budget_tokens"]
                .as_u64()
                .ok_or_else(|| Illegal::new("thinking.enabled.budget_tokens: Field required"))?;
            ensure(budget >= LEAST_BUDGET, || {
                "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024".to_owned()
            })?;
            ensure(seen.max_tokens.is_none_or(|bound| bound > budget), || {
                "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size".to_owned()
            })?;
        }
        _ => {
            return Err(Illegal::new(
                "thinking: Input tag does not match any of the expected tags: 'enabled', 'disabled', 'adaptive'",
            ));
        }
    }
    ensure(!matches!(seen.choice, Choice::Required | Choice::Named(_)), || {
        "Thinking may not be enabled when tool_choice forces tool use.".to_owned()
    })?;
    let temperature = body.get("temperature").and_then(Value::as_f64).unwrap_or(1.0);
    ensure((temperature - 1.0).abs() < f64::EPSILON, || {
        "`temperature` may only be set to 1 when thinking is enabled.".to_owned()
    })?;
    ensure(body.get("top_k").is_none_or(Value::is_null), || {
        "`top_k` must be unset when thinking is enabled.".to_owned()
    })?;
    seen.thinks = true;
    seen.effort = thinking
        .get("budget_tokens")
        .cloned()
        .unwrap_or_else(|| body.get("output_config").map_or(Value::Null, |config| config["effort"].clone()));
    Ok(thinking["type"] == "enabled")
}

fn read_output(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    let config = body.get("output_config").unwrap_or(&Value::Null);
    if let Some(name) = config.as_object().and_then(|config| unknown(config, &["effort", "format", "task_budget"])) {
        return Err(Illegal::new(format!("output_config.{name}: Extra inputs are not permitted")));
    }
    if let Some(effort) = config["effort"].as_str() {
        ensure(matches!(effort, "low" | "medium" | "high" | "xhigh" | "max"), || {
            "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'".to_owned()
        })?;
    }
    let format = config.get("format").or_else(|| body.get("output_format")).filter(|format| !format.is_null());
    let Some(format) = format else { return Ok(()) };
    ensure(format["type"] == "json_schema" && format["schema"].is_object(), || {
        "output_config.format: Input tag does not match 'json_schema'".to_owned()
    })?;
    if let Some(fault) = strict_fault(&format["schema"], false) {
        return Err(Illegal::new(format!("output_config.format.schema: For 'object' type, {fault}")));
    }
    if let Some(word) = refused_keyword(&format["schema"]) {
        return Err(Illegal::new(format!("output_config.format.schema: property '{word}' is not supported")));
    }
    seen.schema = Some(format["schema"].clone());
    Ok(())
}

fn refused_keyword(schema: &Value) -> Option<&'static str> {
    match schema {
        Value::Object(object) => REFUSED_KEYWORDS
            .iter()
            .copied()
            .find(|word| object.get(*word).is_some_and(Value::is_number))
            .or_else(|| object.values().find_map(refused_keyword)),
        Value::Array(values) => values.iter().find_map(refused_keyword),
        _ => None,
    }
}

fn read_system(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    match body.get("system") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => seen.items.push(Item::System(text.clone())),
        Some(Value::Array(blocks)) => {
            for (index, block) in blocks.iter().enumerate() {
                let text = block["text"].as_str().filter(|_| block["type"] == "text");
                let text = text.ok_or_else(|| Illegal::new(format!("system.{index}.text: Field required")))?;
                ensure(!text.is_empty(), || format!("system: text content blocks must be non-empty ({index})"))?;
                seen.items.push(Item::System(text.to_owned()));
            }
        }
        Some(_) => return Err(Illegal::new("system: Input should be a valid string or list")),
    }
    Ok(())
}
