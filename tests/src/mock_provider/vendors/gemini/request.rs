//! Reads a request for content as Google does.

use serde_json::{Map, Value};

use super::fields::{get, member, only, text};
use super::turns;
use crate::mock_provider::vendors::check::{Checked, Illegal, ensure};
use crate::mock_provider::vendors::seen::{Choice, Item, Seen, Tool};

const FIELDS: &[&str] = &[
    "cachedContent",
    "contents",
    "generationConfig",
    "model",
    "safetySettings",
    "serviceTier",
    "store",
    "systemInstruction",
    "toolConfig",
    "tools",
];
const CONFIG: &[&str] = &[
    "candidateCount",
    "enableEnhancedCivicAnswers",
    "frequencyPenalty",
    "imageConfig",
    "logprobs",
    "maxOutputTokens",
    "mediaResolution",
    "presencePenalty",
    "ResponseJsonSchema",
    "responseFormat",
    "responseJsonSchema",
    "responseLogprobs",
    "responseMimeType",
    "responseModalities",
    "responseSchema",
    "seed",
    "speechConfig",
    "stopSequences",
    "temperature",
    "thinkingConfig",
    "topK",
    "topP",
];
const SETTINGS: &[(&str, &str)] = &[
    ("temperature", "temperature"),
    ("topP", "top_p"),
    ("topK", "top_k"),
    ("stopSequences", "stop"),
    ("seed", "seed"),
    ("frequencyPenalty", "frequency_penalty"),
    ("presencePenalty", "presence_penalty"),
    ("responseLogprobs", "logprobs"),
    ("candidateCount", "n"),
];
/// Members of Google's own schema type, a part of OpenAPI 3.0.
const SCHEMA: &[&str] = &[
    "anyOf",
    "default",
    "description",
    "enum",
    "example",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "nullable",
    "pattern",
    "properties",
    "propertyOrdering",
    "required",
    "title",
    "type",
];

/// Reads and checks a request.
pub(super) fn read(body: &Map<String, Value>, model: &str, is_streaming: bool) -> Checked<Seen> {
    only(body, FIELDS, "")?;
    if let Some(named) = member(body, "model").and_then(Value::as_str) {
        ensure(named.trim_start_matches("models/") == model, || {
            "model: does not match the model in the path".to_owned()
        })?;
    }
    let mut seen = Seen { model: model.to_owned(), is_streaming, wants_usage: true, choices: 1, ..Seen::default() };
    if let Some(config) = member(body, "generationConfig") {
        read_config(config, &mut seen)?;
    }
    read_tools(body, &mut seen)?;
    if let Some(system) = member(body, "systemInstruction") {
        let parts = turns::parts(system, "system_instruction")?;
        ensure(parts.iter().all(|part| get(part, "text").is_some()), || {
            "system_instruction: only text parts are supported".to_owned()
        })?;
        seen.items.extend(parts.iter().map(|part| Item::System(text(part, "text").to_owned())));
    }
    let contents = member(body, "contents").and_then(Value::as_array).filter(|contents| !contents.is_empty());
    let contents =
        contents.ok_or_else(|| Illegal::new("* GenerateContentRequest.contents: contents is not specified"))?;
    turns::read(contents, &mut seen)?;
    Ok(seen)
}

fn read_config(config: &Value, seen: &mut Seen) -> Checked {
    let object = config.as_object().ok_or_else(|| Illegal::new("Invalid value at 'generation_config'"))?;
    only(object, CONFIG, "generation_config")?;
    for (wire, canonical) in SETTINGS {
        seen.settings.extend(get(config, wire).map(|value| ((*canonical).to_owned(), value.clone())));
    }
    seen.max_tokens = get(config, "maxOutputTokens").and_then(Value::as_u64);
    ensure(seen.max_tokens != Some(0), || {
        "* GenerateContentRequest.generation_config.max_output_tokens: max_output_tokens must be positive.".to_owned()
    })?;
    let temperature = get(config, "temperature").and_then(Value::as_f64).unwrap_or(1.0);
    ensure((0.0..=2.0).contains(&temperature), || {
        "* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0]."
            .to_owned()
    })?;
    let stops = get(config, "stopSequences").and_then(Value::as_array).map_or(0, Vec::len);
    ensure(stops <= 5, || "* GenerateContentRequest.generation_config.stop_sequences: at most 5".to_owned())?;
    seen.choices = get(config, "candidateCount").and_then(Value::as_u64).unwrap_or(1);
    ensure((1..=8).contains(&seen.choices), || "candidate_count must be in the range [1, 8].".to_owned())?;
    seen.wants_logprobs = get(config, "responseLogprobs") == Some(&Value::Bool(true));
    let mime = text(config, "responseMimeType");
    let json_schema = get(config, "responseJsonSchema").or_else(|| get(config, "ResponseJsonSchema"));
    let schema = get(config, "responseSchema");
    ensure(json_schema.is_none() || schema.is_none(), || {
        "Only one of response_schema and response_json_schema may be set.".to_owned()
    })?;
    ensure((json_schema.is_none() && schema.is_none()) || mime == "application/json", || {
        "Response schema requires response_mime_type application/json.".to_owned()
    })?;
    if let Some(schema) = schema {
        check_schema(schema, "generation_config.response_schema")?;
    }
    seen.schema = schema.or(json_schema).cloned();
    seen.wants_json = mime == "application/json";
    read_thinking(config, seen)
}

fn read_thinking(config: &Value, seen: &mut Seen) -> Checked {
    let Some(thinking) = get(config, "thinkingConfig") else { return Ok(()) };
    let object =
        thinking.as_object().ok_or_else(|| Illegal::new("Invalid value at 'generation_config.thinking_config'"))?;
    only(object, &["includeThoughts", "thinkingBudget", "thinkingLevel"], "generation_config.thinking_config")?;
    let (budget, level) = (get(thinking, "thinkingBudget"), get(thinking, "thinkingLevel"));
    ensure(budget.is_none() || level.is_none(), || {
        "You can only set only one of thinking budget and thinking level.".to_owned()
    })?;
    if let Some(level) = level {
        ensure(seen.model.starts_with("gemini-3"), || "Thinking level is not supported for this model.".to_owned())?;
        let word = level.as_str().unwrap_or_default().to_ascii_lowercase();
        ensure(matches!(word.as_str(), "minimal" | "low" | "medium" | "high"), || {
            format!(
                "Invalid value at 'generation_config.thinking_config.thinking_level' (type.googleapis.com/google.ai.generativelanguage.v1beta.ThinkingConfig.ThinkingLevel), {level}"
            )
        })?;
    }
    if let Some(budget) = budget {
        let most = 32_768;
        ensure(budget.as_i64().is_some_and(|budget| (-1..=most).contains(&budget)), || {
            format!("The thinking budget {budget} is invalid. Please choose a value between 0 and {most}.")
        })?;
    }
    seen.thinks = get(thinking, "includeThoughts") == Some(&Value::Bool(true)) && budget != Some(&Value::from(0));
    seen.effort = budget.or(level).cloned().unwrap_or_default();
    Ok(())
}

/// Checks a schema of Google's own type.
fn check_schema(schema: &Value, at: &str) -> Checked {
    let Some(object) = schema.as_object() else { return Err(Illegal::new(format!("Invalid value at '{at}'"))) };
    only(object, SCHEMA, at)?;
    let kind = get(schema, "type");
    ensure(kind.is_none_or(Value::is_string), || {
        format!(
            "Invalid value at '{at}.type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), {}",
            kind.cloned().unwrap_or_default()
        )
    })?;
    for (name, property) in get(schema, "properties").and_then(Value::as_object).into_iter().flatten() {
        check_schema(property, &format!("{at}.properties[{name}]"))?;
    }
    if let Some(items) = get(schema, "items") {
        check_schema(items, &format!("{at}.items"))?;
    }
    for (index, choice) in get(schema, "anyOf").and_then(Value::as_array).into_iter().flatten().enumerate() {
        check_schema(choice, &format!("{at}.any_of[{index}]"))?;
    }
    let is_text = text(schema, "type").eq_ignore_ascii_case("string");
    ensure(get(schema, "enum").is_none() || is_text, || format!("* {at}.enum: only allowed for STRING type"))
}

fn read_tools(body: &Map<String, Value>, seen: &mut Seen) -> Checked {
    let known = [
        "codeExecution",
        "computerUse",
        "fileSearch",
        "functionDeclarations",
        "googleMaps",
        "googleSearch",
        "googleSearchRetrieval",
        "mcpServers",
        "urlContext",
    ];
    for (index, tool) in member(body, "tools").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let at = format!("tools[{index}]");
        only(tool.as_object().ok_or_else(|| Illegal::new(format!("Invalid value at '{at}'")))?, &known, &at)?;
        for (place, declaration) in
            get(tool, "functionDeclarations").and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            seen.tools.push(read_tool(declaration, &format!("{at}.function_declarations[{place}]"))?);
        }
    }
    let Some(config) = member(body, "toolConfig") else { return Ok(()) };
    only(
        config.as_object().ok_or_else(|| Illegal::new("Invalid value at 'tool_config'"))?,
        &["functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"],
        "tool_config",
    )?;
    let Some(calling) = get(config, "functionCallingConfig") else { return Ok(()) };
    only(
        calling.as_object().ok_or_else(|| Illegal::new("Invalid value at 'tool_config.function_calling_config'"))?,
        &["mode", "allowedFunctionNames", "streamFunctionCallArguments"],
        "tool_config.function_calling_config",
    )?;
    let names: Vec<&str> = get(calling, "allowedFunctionNames")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    ensure(names.iter().all(|name| seen.tools.iter().any(|tool| tool.name == *name)), || {
        "Allowed function names must be declared in the tools.".to_owned()
    })?;
    let mode = text(calling, "mode").to_ascii_uppercase();
    ensure(names.is_empty() || matches!(mode.as_str(), "ANY" | "VALIDATED"), || {
        "Allowed function names should only be set when function calling mode is ANY or VALIDATED.".to_owned()
    })?;
    ensure(!seen.tools.is_empty() || mode != "ANY", || {
        "Function calling config is set without function_declarations.".to_owned()
    })?;
    seen.choice = match (mode.as_str(), names.as_slice()) {
        ("NONE", _) => Choice::None,
        ("ANY", [name]) => Choice::Named((*name).to_owned()),
        ("ANY", _) => Choice::Required,
        ("" | "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED", _) => Choice::Auto,
        (other, _) => {
            return Err(Illegal::new(format!(
                "Invalid value at 'tool_config.function_calling_config.mode', \"{other}\""
            )));
        }
    };
    Ok(())
}

fn read_tool(declaration: &Value, at: &str) -> Checked<Tool> {
    let object = declaration.as_object().ok_or_else(|| Illegal::new(format!("Invalid value at '{at}'")))?;
    only(
        object,
        &["name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior"],
        at,
    )?;
    let name = text(declaration, "name").to_owned();
    let is_legal = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name.len() <= 64
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.:-".contains(letter));
    ensure(is_legal, || {
        format!("* GenerateContentRequest.{at}.name: Invalid function name. Must start with a letter or an underscore.")
    })?;
    let (own, json) = (get(declaration, "parameters"), get(declaration, "parametersJsonSchema"));
    ensure(own.is_none() || json.is_none(), || {
        format!("{at}: only one of parameters and parameters_json_schema may be set.")
    })?;
    if let Some(schema) = own {
        check_schema(schema, &format!("{at}.parameters"))?;
        let is_empty = get(schema, "properties").and_then(Value::as_object).is_none_or(Map::is_empty);
        ensure(!is_empty || !text(schema, "type").eq_ignore_ascii_case("object"), || {
            format!("* GenerateContentRequest.{at}.parameters.properties: should be non-empty for OBJECT type")
        })?;
    }
    Ok(Tool { name, schema: own.or(json).cloned().unwrap_or_default(), is_custom: false })
}
