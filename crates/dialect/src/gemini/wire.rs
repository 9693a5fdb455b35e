//! Looking up fields the way Google's servers read JSON.
//!
//! The protobuf JSON mapping takes a field's `lowerCamelCase` name and its original `snake_case`
//! name, whole numbers also as text, and a single message where a list is meant
//! (protobuf.dev/programming-guides/json, read 2026-11-22). Google's own SDK for Python mixes both
//! spellings in one request, so every lookup here takes either. Objects whose names belong to the
//! client (arguments, schemas, labels) are never looked up this way.

use serde_json::Value;

/// True when both spell one field, whatever their case and underscores.
pub fn same_name(written: &str, camel: &str) -> bool {
    written == camel || (written.len() >= camel.len() && letters(written).eq(letters(camel)))
}

fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_lowercase())
}

/// A field that is there and not null.
pub fn member<'a>(object: &'a Value, camel: &str) -> Option<&'a Value> {
    let map = object.as_object()?;
    let found = map.get(camel).or_else(|| map.iter().find(|(name, _)| same_name(name, camel)).map(|(_, value)| value));
    found.filter(|value| !value.is_null())
}

/// A text.
pub fn text<'a>(object: &'a Value, camel: &str) -> Option<&'a str> {
    member(object, camel)?.as_str()
}

/// A text that is not empty, owned.
pub fn owned(object: &Value, camel: &str) -> Option<String> {
    text(object, camel).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The name of an enum's value, in capitals.
pub fn keyword(object: &Value, camel: &str) -> Option<String> {
    text(object, camel).map(str::to_ascii_uppercase)
}

/// A truth value.
pub fn flag(object: &Value, camel: &str) -> Option<bool> {
    match member(object, camel)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A number.
pub fn number(object: &Value, camel: &str) -> Option<f64> {
    match member(object, camel)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A whole number, written as a number or as text.
pub fn whole(object: &Value, camel: &str) -> Option<i64> {
    match member(object, camel)? {
        Value::Number(number) => number.as_i64().or_else(|| number.to_string().strip_suffix(".0")?.parse().ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A count.
pub fn count(object: &Value, camel: &str) -> Option<u64> {
    whole(object, camel).and_then(|number| u64::try_from(number).ok())
}

/// A list; one message alone counts as a list of one.
pub fn list<'a>(object: &'a Value, camel: &str) -> &'a [Value] {
    match member(object, camel) {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// The texts of a list.
pub fn texts(object: &Value, camel: &str) -> Vec<String> {
    list(object, camel).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Notes each field of an object that is not among the known ones, under its `lowerCamelCase` name
/// after the prefix. Nulls and empty lists say nothing.
pub fn note_unknown(object: &Value, prefix: &str, known: &[&str], unread: &mut Vec<String>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let is_said = !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty());
        if is_said && !known.iter().any(|known| same_name(name, known)) {
            let name = format!("{prefix}{}", camel(name));
            if !unread.contains(&name) {
                unread.push(name);
            }
        }
    }
}

fn camel(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    let mut is_next_upper = false;
    for letter in name.chars() {
        match letter {
            '_' => is_next_upper = !written.is_empty(),
            letter if is_next_upper => {
                written.push(letter.to_ascii_uppercase());
                is_next_upper = false;
            }
            letter => written.push(letter),
        }
    }
    written
}

/// Base64 in the standard alphabet, padded. Google takes the one for URLs as well, and its SDK for
/// Python writes that one.
pub fn standard_base64(text: &str) -> String {
    let mut standard: String = text
        .chars()
        .filter(|letter| !letter.is_ascii_whitespace())
        .map(|letter| match letter {
            '-' => '+',
            '_' => '/',
            letter => letter,
        })
        .collect();
    while !standard.len().is_multiple_of(4) {
        standard.push('=');
    }
    standard
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_spellings_find_a_field() {
        for object in
            [json!({"maxOutputTokens": 5}), json!({"max_output_tokens": "5"}), json!({"MaxOutputTokens": 5.0})]
        {
            assert_eq!(count(&object, "maxOutputTokens"), Some(5), "{object}");
        }
        assert_eq!(count(&json!({"maxOutputTokens": null}), "maxOutputTokens"), None);
        assert_eq!(count(&json!({"maxOutputToken": 5}), "maxOutputTokens"), None);
        assert_eq!(whole(&json!({"thinking_budget": -1}), "thinkingBudget"), Some(-1));
    }

    #[test]
    fn one_message_is_a_list_of_one() {
        assert_eq!(list(&json!({"parts": {"text": "a"}}), "parts").len(), 1);
        assert_eq!(list(&json!({"parts": [{}, {}]}), "parts").len(), 2);
        assert!(list(&json!({"parts": null}), "parts").is_empty());
    }

    #[test]
    fn unknown_fields_are_named_once_and_in_one_spelling() {
        let mut unread = vec![];
        let object = json!({"image_config": {}, "imageConfig": {}, "seed": 1, "labels": null});
        note_unknown(&object, "generationConfig.", &["seed"], &mut unread);
        assert_eq!(unread, ["generationConfig.imageConfig"]);
    }

    #[test]
    fn base64_for_urls_becomes_the_standard_one() {
        assert_eq!(standard_base64("-_8"), "+/8=");
        assert_eq!(standard_base64("AAAA\n"), "AAAA");
    }
}
