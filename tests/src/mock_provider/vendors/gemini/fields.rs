//! Fields of proto3 JSON: either spelling, nothing unknown.

use serde_json::{Map, Value};

use crate::mock_provider::vendors::check::{Checked, Illegal};

/// Fails when an object has a member that is none of `known` (in camelCase) in either spelling.
pub(super) fn only(object: &Map<String, Value>, known: &[&str], at: &str) -> Checked {
    match object.keys().find(|name| !known.contains(&camel(name).as_str())) {
        None => Ok(()),
        Some(name) => {
            let place = if at.is_empty() { String::new() } else { format!(" at '{at}'") };
            Err(Illegal::new(format!(
                "Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field."
            )))
        }
    }
}

/// A member by its name in camelCase, in either spelling; null counts as absent.
pub(super) fn get<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    member(value.as_object()?, name)
}

/// The same of an object.
pub(super) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().find(|(known, _)| camel(known) == name).map(|(_, value)| value).filter(|value| !value.is_null())
}

/// A text member, empty when absent.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    get(value, name).and_then(Value::as_str).unwrap_or_default()
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let head = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &head.into_iter().chain(letters).collect::<String>()
    })
}
