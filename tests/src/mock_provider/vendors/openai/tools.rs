//! Functions, custom tools and schemas, as both of OpenAI's conversation APIs check them.

use serde_json::{Map, Value};

use crate::mock_provider::vendors::check::{Checked, Illegal, is_plain, strict_fault};
use crate::mock_provider::vendors::seen::{Choice, Tool};

/// A function's declaration, at `at`.
pub(super) fn function(object: &Map<String, Value>, at: &str, known: &[&str]) -> Checked<Tool> {
    for name in object.keys() {
        if !known.contains(&name.as_str()) {
            return Err(Illegal::at(format!("Unknown parameter: '{at}.{name}'."), format!("{at}.{name}")));
        }
    }
    let name = tool_name(object, at)?;
    let schema = object.get("parameters").cloned().unwrap_or(Value::Null);
    if !schema.is_null() && schema["type"] != "object" {
        let kind = schema.get("type").map_or_else(|| "None".to_owned(), Value::to_string);
        let message = format!(
            "Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"', got 'type: {kind}'."
        );
        return Err(Illegal {
            code: Some("invalid_function_parameters"),
            ..Illegal::at(message, format!("{at}.parameters"))
        });
    }
    if object.get("strict") == Some(&Value::Bool(true))
        && let Some(fault) = strict_fault(&schema, true)
    {
        let message = format!("Invalid schema for function '{name}': In context=(), {fault}");
        return Err(Illegal {
            code: Some("invalid_function_parameters"),
            ..Illegal::at(message, format!("{at}.parameters"))
        });
    }
    Ok(Tool { name, schema, is_custom: false })
}

/// A custom tool's declaration.
pub(super) fn custom(object: &Map<String, Value>, at: &str) -> Checked<Tool> {
    Ok(Tool { name: tool_name(object, at)?, schema: Value::Null, is_custom: true })
}

fn tool_name(object: &Map<String, Value>, at: &str) -> Checked<String> {
    let Some(name) = object.get("name").and_then(Value::as_str) else {
        return Err(Illegal::at(format!("Missing required parameter: '{at}.name'."), format!("{at}.name")));
    };
    if is_plain(name, 64) {
        return Ok(name.to_owned());
    }
    let message = format!(
        "Invalid '{at}.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
    );
    Err(Illegal::at(message, format!("{at}.name")))
}

/// The schema of a `json_schema` format.
pub(super) fn format_schema(format: &Value, at: &str) -> Checked<Value> {
    let name = format["name"].as_str().unwrap_or_default();
    if !is_plain(name, 64) {
        return Err(Illegal::at(format!("Missing required parameter: '{at}.name'."), format!("{at}.name")));
    }
    let schema = &format["schema"];
    if !schema.is_object() {
        return Err(Illegal::at(format!("Missing required parameter: '{at}.schema'."), format!("{at}.schema")));
    }
    if format["strict"] == true
        && let Some(fault) = strict_fault(schema, true)
    {
        return Err(Illegal::at(format!("Invalid schema for response_format '{name}': In context=(), {fault}"), at));
    }
    Ok(schema.clone())
}

/// A choice given as a word; an object is the caller's business.
pub(super) fn choice_word(word: &str) -> Checked<Choice> {
    match word {
        "auto" => Ok(Choice::Auto),
        "none" => Ok(Choice::None),
        "required" => Ok(Choice::Required),
        other => {
            let message = format!("Invalid value: '{other}'. Supported values are: 'none', 'auto', and 'required'.");
            Err(Illegal::at(message, "tool_choice"))
        }
    }
}

/// Fails unless a number is in its range.
pub(super) fn range(body: &Map<String, Value>, name: &str, least: f64, most: f64) -> Checked {
    let Some(value) = body.get(name).filter(|value| !value.is_null()) else { return Ok(()) };
    match value.as_f64() {
        Some(number) if (least..=most).contains(&number) => Ok(()),
        Some(number) => Err(Illegal::at(format!("Invalid '{name}': {number} is outside of {least} to {most}."), name)),
        None => Err(Illegal::at(format!("Invalid type for '{name}': expected a number."), name)),
    }
}

/// The fields that the echo tells, under canonical names.
pub(super) fn settings(body: &Map<String, Value>, names: &[(&str, &str)]) -> Map<String, Value> {
    let told = |(wire, canonical): &(&str, &str)| {
        body.get(*wire).filter(|value| !value.is_null()).map(|value| ((*canonical).to_owned(), value.clone()))
    };
    names.iter().filter_map(told).collect()
}
