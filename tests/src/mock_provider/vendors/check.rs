//! Small checks that all vendors make.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Map, Value};

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(super) struct Illegal {
    pub status: u16,
    pub message: String,
    /// The field at fault (OpenAI).
    pub param: Option<String>,
    /// The vendor's own code.
    pub code: Option<&'static str>,
}

pub(super) type Checked<T = ()> = Result<T, Illegal>;

impl Illegal {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into(), param: None, code: None }
    }

    pub(super) fn at(message: impl Into<String>, param: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::new(message) }
    }
}

/// Fails with this message unless the claim holds.
pub(super) fn ensure(claim: bool, message: impl FnOnce() -> String) -> Checked {
    if claim { Ok(()) } else { Err(Illegal::new(message())) }
}

/// The first member that is none of `known`.
pub(super) fn unknown<'a>(object: &'a Map<String, Value>, known: &[&str]) -> Option<&'a str> {
    object.keys().map(String::as_str).find(|name| !known.contains(name))
}

/// Whether a tool's name or id is made of letters, digits, `_` and `-` alone and at most `most` long.
pub(super) fn is_plain(name: &str, most: usize) -> bool {
    (1..=most).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// The number of bytes in base64 text of either alphabet; `None` when it is none.
pub(super) fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    let padded =
        format!("{}{}", text.trim_end_matches('='), "===".get(..(4 - text.trim_end_matches('=').len() % 4) % 4)?);
    STANDARD.decode(&padded).or_else(|_| URL_SAFE.decode(&padded)).ok()
}

/// What a `data:` URL holds: its media type and its size.
pub(super) fn data_url(url: &str) -> Option<(String, usize)> {
    let (mime, content) = url.strip_prefix("data:")?.split_once(";base64,")?;
    Some((mime.to_owned(), base64_bytes(content)?.len()))
}

/// A seal on a text that only this mock makes, and can check.
pub(super) fn seal(text: &str) -> String {
    STANDARD.encode(format!("mock seal {:016x}", hash(text)))
}

/// Whether `seal` is the one on this text.
pub(super) fn is_sealed(text: &str, given: &str) -> bool {
    base64_bytes(given) == base64_bytes(&seal(text))
}

/// FNV-1a, enough to tell one text from another.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What makes a schema illegal where the vendor enforces schemas: every object must be closed and, if
/// `needs_all`, require all its properties.
pub(super) fn strict_fault(schema: &Value, needs_all: bool) -> Option<String> {
    match schema {
        Value::Object(object) => {
            let is_object =
                object.get("type").is_some_and(|kind| kind == "object") || object.contains_key("properties");
            if is_object && object.get("additionalProperties") != Some(&Value::Bool(false)) {
                return Some("'additionalProperties' is required to be supplied and to be false.".to_owned());
            }
            if let (true, Some(properties)) = (needs_all, object.get("properties").and_then(Value::as_object)) {
                let required = object.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
                if let Some(missing) =
                    properties.keys().find(|name| !required.contains(&Value::String((*name).clone())))
                {
                    return Some(format!(
                        "'required' is required to be supplied and to be an array including every key in properties. Missing '{missing}'."
                    ));
                }
            }
            object
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "enum" | "const" | "default"))
                .find_map(|(_, value)| strict_fault(value, needs_all))
        }
        Value::Array(values) => values.iter().find_map(|value| strict_fault(value, needs_all)),
        _ => None,
    }
}
