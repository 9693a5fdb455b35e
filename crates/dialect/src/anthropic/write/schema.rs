//! JSON schemas as the API takes them.
//!
//! A schema that is enforced (structured output, strict tools) may hold only what Anthropic can turn
//! into a grammar: no bounds of numbers, lengths or counts, no open objects ("Structured outputs",
//! "JSON Schema limitations", and the official SDK's own transformation, read 2026-11-22). A schema
//! that only describes a tool must be an object without alternatives at its root.

use serde_json::{Map, Value, json};

/// Formats of strings that can be enforced.
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// The schema as it can be enforced, and whether it still says the same.
pub fn enforceable(schema: &Value) -> (Value, bool) {
    let mut is_same = true;
    let mut schema = rooted(schema, &mut is_same);
    modernise(&mut schema);
    (strict(&schema, &mut is_same), is_same)
}

/// The schema as it may describe a tool, and whether it still says the same.
pub fn described(schema: &Value) -> (Value, bool) {
    let mut is_same = true;
    let mut schema = rooted(schema, &mut is_same);
    modernise(&mut schema);
    if let Some(members) = schema.as_object_mut() {
        for alternatives in ["anyOf", "oneOf", "allOf"] {
            is_same &= members.remove(alternatives).is_none();
        }
        let is_object = members.get("type").is_some_and(|kind| kind == "object");
        if !is_object {
            is_same &= !members.contains_key("type");
            members.insert("type".to_owned(), "object".into());
        }
    }
    (schema, is_same)
}

/// An object, where a schema is missing or no object.
fn rooted(schema: &Value, is_same: &mut bool) -> Value {
    match schema {
        Value::Object(_) => schema.clone(),
        other => {
            *is_same &= matches!(other, Value::Null | Value::Bool(true));
            json!({ "type": "object", "properties": {} })
        }
    }
}

/// Writes older drafts as draft 2020-12, which the API checks against: exclusive bounds as numbers,
/// tuples under `prefixItems`.
fn modernise(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        let Some(is_exclusive) = members.get(flag).and_then(Value::as_bool) else { continue };
        members.remove(flag);
        if let Some(limit) = is_exclusive.then(|| members.remove(bound)).flatten() {
            members.insert(flag.to_owned(), limit);
        }
    }
    if members.get("items").is_some_and(Value::is_array) {
        let tuple = members.remove("items").unwrap_or_default();
        members.insert("prefixItems".to_owned(), tuple);
        if let Some(rest) = members.remove("additionalItems") {
            members.insert("items".to_owned(), rest);
        }
    }
    members.iter_mut().for_each(|(name, value)| modernise_member(name, value));
}

fn modernise_member(name: &str, value: &mut Value) {
    match name {
        "properties" | "patternProperties" | "$defs" | "definitions" => {
            value.as_object_mut().into_iter().flatten().for_each(|(_, schema)| modernise(schema));
        }
        "anyOf" | "oneOf" | "allOf" | "prefixItems" => {
            value.as_array_mut().into_iter().flatten().for_each(modernise);
        }
        "items" | "additionalProperties" | "not" | "if" | "then" | "else" | "contains" => modernise(value),
        _ => {}
    }
}

fn strict(schema: &Value, is_same: &mut bool) -> Value {
    let Some(members) = schema.as_object() else {
        // `true` and `false` are schemas too; neither makes a grammar.
        *is_same = false;
        return json!({ "type": "string" });
    };
    let mut kept = Map::with_capacity(members.len());
    for (name, value) in members {
        match name.as_str() {
            "properties" | "$defs" | "definitions" => {
                kept.insert(name.clone(), strict_members(value, is_same));
            }
            "items" if value.is_object() => {
                kept.insert(name.clone(), strict(value, is_same));
            }
            "anyOf" | "allOf" => {
                kept.insert(name.clone(), strict_all(value, is_same));
            }
            // Of several that fit, a grammar picks one: it is enforced as "any of".
            "oneOf" => {
                kept.insert("anyOf".to_owned(), strict_all(value, is_same));
            }
            "additionalProperties" => *is_same &= *value == Value::Bool(false),
            "format" if value.as_str().is_some_and(|format| !FORMATS.contains(&format)) => *is_same = false,
            "minItems" if value.as_u64().is_none_or(|count| count > 1) => *is_same = false,
            "type" | "required" | "enum" | "const" | "description" | "title" | "default" | "$ref" | "pattern"
            | "format" | "minItems" => {
                kept.insert(name.clone(), value.clone());
            }
            // Words for people and tools, of no effect.
            "$schema" | "$id" | "$comment" | "examples" | "deprecated" | "readOnly" | "writeOnly" => {}
            _ => *is_same = false,
        }
    }
    if is_object(&kept) {
        kept.insert("additionalProperties".to_owned(), false.into());
    }
    Value::Object(kept)
}

fn is_object(members: &Map<String, Value>) -> bool {
    match members.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => members.contains_key("properties"),
    }
}

fn strict_members(members: &Value, is_same: &mut bool) -> Value {
    let members = members.as_object().into_iter().flatten();
    members.map(|(name, schema)| (name.clone(), strict(schema, is_same))).collect::<Map<_, _>>().into()
}

fn strict_all(schemas: &Value, is_same: &mut bool) -> Value {
    schemas.as_array().into_iter().flatten().map(|schema| strict(schema, is_same)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_grammar_can_hold_is_removed_and_told() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "age": {"type": "integer", "minimum": 0},
                "tags": {"type": "array", "items": {"type": "string", "maxLength": 9}, "minItems": 1, "maxItems": 3},
                "kind": {"oneOf": [{"const": "a"}, {"type": "object", "properties": {}}]},
            },
            "required": ["age"],
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "age": {"type": "integer"},
                "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "kind": {"anyOf": [{"const": "a"}, {"type": "object", "properties": {}, "additionalProperties": false}]},
            },
            "required": ["age"],
            "additionalProperties": false,
        });
        assert_eq!(enforceable(&schema), (expected.clone(), false));
        assert_eq!(enforceable(&expected), (expected, true));
    }

    #[test]
    fn older_drafts_are_written_as_the_current_one() {
        let old = json!({"type": "object", "properties": {
            "n": {"type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false},
            "pair": {"type": "array", "items": [{"type": "string"}, {"minimum": 1, "exclusiveMinimum": true}], "additionalItems": false},
            "items": {"type": "string"},
        }});
        let new = json!({"type": "object", "properties": {
            "n": {"type": "number", "exclusiveMinimum": 0, "maximum": 9},
            "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"exclusiveMinimum": 1}], "items": false},
            "items": {"type": "string"},
        }});
        assert_eq!(described(&old), (new.clone(), true));
        assert_eq!(described(&new), (new, true));
    }

    #[test]
    fn a_tool_without_arguments_has_an_empty_object() {
        assert_eq!(described(&Value::Null), (json!({"type": "object", "properties": {}}), true));
        assert_eq!(described(&json!({"properties": {}})), (json!({"properties": {}, "type": "object"}), true));
    }

    #[test]
    fn a_description_keeps_its_bounds_but_not_alternatives_at_its_root() {
        let bounded = json!({"type": "object", "properties": {"n": {"type": "integer", "maximum": 3}}});
        assert_eq!(described(&bounded), (bounded.clone(), true));
        let alternatives = json!({"anyOf": [{"type": "object"}, {"type": "null"}]});
        assert_eq!(described(&alternatives), (json!({"type": "object"}), false));
    }
}
