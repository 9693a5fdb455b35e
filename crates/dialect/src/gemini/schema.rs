//! Schemas: Google's older one, a subset of OpenAPI's, read as JSON schema; and JSON schema made
//! such that Google takes it.
//!
//! `parametersJsonSchema` and `responseJsonSchema` take standard JSON schema, of which Google heeds
//! `$id`, `$defs`, `$ref`, `$anchor`, `type`, `format`, `title`, `description`, `enum` (of texts and
//! numbers), `items`, `prefixItems`, `minItems`, `maxItems`, `minimum`, `maximum`, `anyOf`, `oneOf`
//! (as `anyOf`), `properties`, `additionalProperties`, `required` and `propertyOrdering`. The rest
//! may be sent and is ignored, but beside `$ref` nothing may stand that does not begin with `$`
//! (google-genai 2.34.0, `GenerateContentConfig.response_json_schema`; read 2026-11-22).

use serde_json::{Map, Value};

use super::wire::same_name;

/// Keywords that restrict values and that Google ignores.
const IGNORED: [&str; 22] = [
    "additionalItems",
    "allOf",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "if",
    "maxLength",
    "maxProperties",
    "minLength",
    "minProperties",
    "multipleOf",
    "not",
    "pattern",
    "patternProperties",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
];

/// Keywords of Google's older schema, in the spelling of JSON schema.
const RENAMED: [&str; 16] = [
    "anyOf",
    "additionalProperties",
    "maxItems",
    "minItems",
    "maxLength",
    "minLength",
    "maxProperties",
    "minProperties",
    "maximum",
    "minimum",
    "prefixItems",
    "required",
    "items",
    "properties",
    "propertyOrdering",
    "nullable",
];

/// JSON schema from Google's older schema.
pub fn from_openapi(schema: &Value) -> Value {
    let Value::Object(members) = schema else { return schema.clone() };
    let mut found = Map::new();
    let mut is_nullable = false;
    let mut ordering = vec![];
    for (name, value) in members {
        let name = RENAMED.iter().find(|known| same_name(name, known)).copied().unwrap_or(name);
        match (name, value) {
            ("nullable", value) => is_nullable = value == &Value::Bool(true),
            ("propertyOrdering", Value::Array(names)) => ordering.clone_from(names),
            ("type", Value::String(kind)) if kind == "TYPE_UNSPECIFIED" => {}
            ("type", Value::String(kind)) => put(&mut found, "type", kind.to_ascii_lowercase().into()),
            ("example", value) => put(&mut found, "examples", vec![value.clone()].into()),
            ("ref", Value::String(place)) => put(&mut found, "$ref", place.replacen("#/defs/", "#/$defs/", 1).into()),
            ("defs", value) => put(&mut found, "$defs", each(value, from_openapi)),
            ("properties", value) => put(&mut found, "properties", each(value, from_openapi)),
            ("anyOf" | "prefixItems" | "items" | "additionalProperties", value) => {
                put(&mut found, name, any(value, &mut from_openapi));
            }
            // Whole numbers of 64 bits are text in Google's JSON.
            (
                "maxItems" | "minItems" | "maxLength" | "minLength" | "maxProperties" | "minProperties",
                Value::String(count),
            ) => {
                put(&mut found, name, count.parse::<u64>().map_or_else(|_| value.clone(), Value::from));
            }
            // `enum` is a format of Google's alone.
            ("format", Value::String(format)) if format == "enum" => {}
            (name, value) => put(&mut found, name, value.clone()),
        }
    }
    order(&mut found, &ordering);
    if is_nullable {
        make_nullable(&mut found);
    }
    found.into()
}

/// A JSON schema as Google takes it, and the keywords in it that restrict values and are ignored.
pub fn for_google(schema: &Value) -> (Value, Vec<&'static str>) {
    let mut ignored = vec![];
    let schema = adapt(schema, &mut ignored);
    (schema, ignored)
}

fn adapt(schema: &Value, ignored: &mut Vec<&'static str>) -> Value {
    let Value::Object(members) = schema else { return schema.clone() };
    if let Some(whole) = only_part(members) {
        return adapt(&whole, ignored);
    }
    let is_reference = members.contains_key("$ref");
    let mut found = Map::new();
    for (name, value) in members {
        if let Some(keyword) = IGNORED.iter().find(|keyword| *keyword == name)
            && !ignored.contains(keyword)
        {
            ignored.push(keyword);
        }
        if is_reference && !name.starts_with('$') && name != "definitions" {
            continue;
        }
        match (name.as_str(), value) {
            ("$ref", Value::String(place)) => {
                put(&mut found, "$ref", place.replacen("#/definitions/", "#/$defs/", 1).into());
            }
            ("$defs" | "definitions", value) => put(&mut found, "$defs", each(value, |schema| adapt(schema, ignored))),
            ("properties", value) => put(&mut found, name, each(value, |schema| adapt(schema, ignored))),
            ("items" | "prefixItems" | "anyOf" | "oneOf" | "additionalProperties", value) => {
                put(&mut found, name, any(value, &mut |schema| adapt(schema, ignored)));
            }
            ("const", Value::String(_) | Value::Number(_)) if !members.contains_key("enum") => {
                put(&mut found, "enum", vec![value.clone()].into());
            }
            (name, value) => put(&mut found, name, value.clone()),
        }
    }
    found.into()
}

/// A schema whose `allOf` has a single part, with the part in its place: how some generators write a
/// reference with a description beside it.
fn only_part(members: &Map<String, Value>) -> Option<Value> {
    let [Value::Object(part)] = members.get("allOf")?.as_array()?.as_slice() else { return None };
    let mut whole: Map<String, Value> = members
        .iter()
        .filter(|(name, _)| *name != "allOf")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if part.keys().any(|name| whole.contains_key(name)) {
        return None;
    }
    whole.extend(part.clone());
    Some(whole.into())
}

fn put(found: &mut Map<String, Value>, name: &str, value: Value) {
    found.insert(name.to_owned(), value);
}

/// Each value of an object of schemas.
fn each(schemas: &Value, mut change: impl FnMut(&Value) -> Value) -> Value {
    match schemas {
        Value::Object(schemas) => schemas.iter().map(|(name, schema)| (name.clone(), change(schema))).collect(),
        other => other.clone(),
    }
}

/// One schema or a list of them; truth values stay.
fn any(schemas: &Value, change: &mut impl FnMut(&Value) -> Value) -> Value {
    match schemas {
        Value::Array(schemas) => schemas.iter().map(change).collect(),
        one => change(one),
    }
}

/// Puts the properties into the order that Google was told.
fn order(schema: &mut Map<String, Value>, ordering: &[Value]) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    let mut ordered = Map::new();
    for name in ordering.iter().filter_map(Value::as_str) {
        if let Some(property) = properties.get(name) {
            ordered.insert(name.to_owned(), property.clone());
        }
    }
    for (name, property) in properties.iter() {
        ordered.entry(name).or_insert_with(|| property.clone());
    }
    *properties = ordered;
}

fn make_nullable(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    match schema.get_mut("type") {
        Some(kind @ Value::String(_)) => *kind = vec![kind.clone(), "null".into()].into(),
        _ => {
            if let Some(Value::Array(kinds)) = schema.get_mut("anyOf") {
                kinds.push(serde_json::json!({"type": "null"}));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn googles_older_schema_becomes_json_schema() {
        let older = json!({
            "type": "OBJECT", "property_ordering": ["b", "a"], "required": ["b"],
            "properties": {
                "a": {"type": "STRING", "format": "enum", "enum": ["x", "y"], "nullable": true},
                "b": {"type": "ARRAY", "min_items": "1", "items": {"type": "INTEGER", "format": "int32"}},
                "nullable": {"any_of": [{"type": "NUMBER"}, {"type": "BOOLEAN"}], "nullable": true, "example": 1},
            },
        });
        let expected = json!({
            "type": "object", "required": ["b"],
            "properties": {
                "b": {"type": "array", "minItems": 1, "items": {"type": "integer", "format": "int32"}},
                "a": {"type": ["string", "null"], "enum": ["x", "y", null]},
                "nullable": {"anyOf": [{"type": "number"}, {"type": "boolean"}, {"type": "null"}], "examples": [1]},
            },
        });
        assert_eq!(from_openapi(&older).to_string().len(), expected.to_string().len());
        assert_eq!(from_openapi(&older), expected);
        assert_eq!(from_openapi(&older)["properties"].as_object().unwrap().keys().next().unwrap(), "b");
    }

    #[test]
    fn references_of_the_older_schema_point_to_their_definitions() {
        let older = json!({"type": "OBJECT", "properties": {"pet": {"ref": "#/defs/Pet"}}, "defs": {"Pet": {"type": "OBJECT"}}});
        let expected = json!({"type": "object", "properties": {"pet": {"$ref": "#/$defs/Pet"}}, "$defs": {"Pet": {"type": "object"}}});
        assert_eq!(from_openapi(&older), expected);
    }

    #[test]
    fn nothing_stands_beside_a_reference() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "properties": {
                "a": {"$ref": "#/definitions/A", "description": "the a"},
                "b": {"allOf": [{"$ref": "#/definitions/A"}], "description": "the b"},
                "c": {"const": "x"},
            },
            "definitions": {"A": {"type": "string", "pattern": "^a", "minLength": 1}},
        });
        let (adapted, ignored) = for_google(&schema);
        assert_eq!(adapted["properties"]["a"], json!({"$ref": "#/$defs/A"}));
        assert_eq!(adapted["properties"]["b"], json!({"$ref": "#/$defs/A"}));
        assert_eq!(adapted["properties"]["c"], json!({"enum": ["x"]}));
        assert_eq!(adapted["$defs"]["A"], schema["definitions"]["A"]);
        assert_eq!(ignored, ["pattern", "minLength"]);
    }

    #[test]
    fn a_property_may_be_called_like_a_keyword() {
        let schema =
            json!({"type": "object", "properties": {"pattern": {"type": "string"}, "$ref": {"type": "string"}}});
        let (adapted, ignored) = for_google(&schema);
        assert_eq!((adapted, ignored.len()), (schema, 0));
    }
}
