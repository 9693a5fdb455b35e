//! Reading JSON where it lies: members and their byte ranges, without building a tree.
//!
//! Two readers with different duties. [`object_members`] checks a client's whole body and is exact.
//! [`walk`] passes once over one event of a provider's stream and trusts it to be JSON: it is what
//! makes scanning cheap, and everything it reports is a real key, because a quote inside a JSON
//! string is always escaped.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use memchr::{memchr, memchr2};
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::fields::RequestError;

/// How deep arrays and objects of a request may nest.
pub const MAX_DEPTH: usize = 64;

/// Names, without case, `_` and `-`, of fields that other proxies let a caller choose the host or
/// the credential with. Here such a field is refused: only the configuration names a host.
const HOST_FIELDS: [&str; 16] = [
    "apibase",
    "apikey",
    "apitype",
    "apiversion",
    "awsaccesskeyid",
    "awsbedrockruntimeendpoint",
    "awssecretaccesskey",
    "awssessiontoken",
    "azureadtoken",
    "azureendpoint",
    "baseurl",
    "customhost",
    "customllmprovider",
    "extraheaders",
    "litellmparams",
    "vertexcredentials",
];

/// True when a field, header or query parameter of this name would choose a host or a credential,
/// however it is spelt (`api_base`, `apiBase`, `API-Base`, `x-api-base`).
pub fn names_a_host(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|letter| !matches!(letter, '_' | '-')).map(|letter| letter.to_ascii_lowercase()).collect();
    HOST_FIELDS.contains(&plain.as_str()) || plain.strip_prefix('x').is_some_and(is_host_header)
}

/// `x-api-key` is how some clients send their virtual key, so it alone is not meant here.
fn is_host_header(rest: &str) -> bool {
    rest != "apikey" && HOST_FIELDS.contains(&rest)
}

/// A member of an object: its name and where its value lies in the text.
pub struct Member<'a> {
    /// The name, unescaped.
    pub name: Cow<'a, str>,
    /// The value as written.
    pub value: &'a str,
    /// Where the value lies.
    pub span: Range<usize>,
}

/// Reads the members of the object that a client's whole text is.
///
/// # Errors
/// When the text is no JSON object, nests too deep, or names a member twice.
pub fn object_members(text: &str) -> Result<Vec<Member<'_>>, RequestError> {
    if depth(text.as_bytes()) > MAX_DEPTH {
        return Err(RequestError::TooDeep);
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = deserializer.deserialize_map(MembersVisitor { text }).map_err(|cause| malformed(&cause))?;
    deserializer.end().map_err(|cause| malformed(&cause))?;
    let mut seen = HashSet::with_capacity(members.len());
    match members.iter().find(|member| !seen.insert(member.name.as_ref())) {
        Some(twice) => Err(RequestError::Duplicate(twice.name.as_ref().to_owned())),
        None => Ok(members),
    }
}

/// Only the place is told: the text of the parser may quote the client's.
fn malformed(cause: &serde_json::Error) -> RequestError {
    if cause.is_data() {
        return RequestError::NotAnObject;
    }
    RequestError::Malformed { line: cause.line(), column: cause.column() }
}

struct MembersVisitor<'a> {
    text: &'a str,
}

impl<'a> Visitor<'a> for MembersVisitor<'a> {
    type Value = Vec<Member<'a>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(16);
        while let Some(Name(name)) = map.next_key()? {
            let value = map.next_value::<&'a RawValue>()?.get();
            let start = value.as_ptr().addr() - self.text.as_ptr().addr();
            members.push(Member { name, value, span: start..start + value.len() });
        }
        Ok(members)
    }
}

/// A name, borrowed unless it was written with escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// How deep the text nests. Text that is no JSON gives some number, and is refused elsewhere.
fn depth(text: &[u8]) -> usize {
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => at = string_end(text, at),
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Where the string that began before `at` ends: just after its closing quote.
fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(found) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if text[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

/// A key met by [`walk`].
pub struct Key<'a> {
    /// How many objects and arrays are open round it; 1 for the members of the outermost object.
    pub depth: usize,
    /// The name as written, without its quotes; escapes are not undone.
    pub name: &'a [u8],
    /// Where its opening quote is.
    pub start: usize,
    /// Where its value begins.
    pub value_start: usize,
}

/// Passes once over a JSON text and reports its keys in order.
pub fn walk<'a>(text: &'a [u8], mut report: impl FnMut(Key<'a>)) {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let start = at - 1;
                at = string_end(text, at);
                let after = skip_space(text, at);
                if text.get(after) == Some(&b':') {
                    let name = text.get(start + 1..at - 1).unwrap_or_default();
                    at = skip_space(text, after + 1);
                    report(Key { depth, name, start, value_start: at });
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
}

fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// Where the value that begins at `start` ends.
pub fn value_end(text: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at + 1);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            b'}' | b']' => return if depth == 1 { at + 1 } else { at },
            b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// The elements of an array, as written; none of anything else. For text that is known to be JSON.
pub fn elements(array: &str) -> impl Iterator<Item = &str> {
    let mut at = if array.starts_with('[') { 1 } else { array.len() };
    std::iter::from_fn(move || {
        let (element, next) = next_value(array, at)?;
        at = next;
        Some(element)
    })
}

/// The members of an object: names without quotes and values, as written; none of anything else. For text
/// that is known to be JSON.
pub fn entries(object: &str) -> impl Iterator<Item = (&str, &str)> {
    let text = object.as_bytes();
    let mut at = if object.starts_with('{') { 1 } else { text.len() };
    std::iter::from_fn(move || {
        let start = skip_space(text, at);
        if text.get(start) != Some(&b'"') {
            return None;
        }
        let end = string_end(text, start + 1);
        let name = object.get(start + 1..end.checked_sub(1)?)?;
        let colon = skip_space(text, end);
        let (value, next) = next_value(object, colon + 1)?;
        at = next;
        Some((name, value))
    })
}

/// The value at a place, and where the next one may begin.
fn next_value(json: &str, at: usize) -> Option<(&str, usize)> {
    let text = json.as_bytes();
    let start = skip_space(text, at);
    let end = value_end(text, start);
    let value = json.get(start..end).filter(|value| !value.is_empty())?;
    let after = skip_space(text, end);
    Some((value, if text.get(after) == Some(&b',') { after + 1 } else { after }))
}

/// What a string's inside means, as written between its quotes. Halves of surrogate pairs become U+FFFD.
pub fn unescaped(raw: &str) -> Cow<'_, str> {
    let Some(first) = memchr(b'\\', raw.as_bytes()) else { return Cow::Borrowed(raw) };
    let mended = mended(raw.as_bytes());
    let quoted = [b"\"", &mended[..], b"\""].concat();
    // What cannot be read to its end is known up to its first escape.
    serde_json::from_slice(&quoted).map_or(Cow::Borrowed(&raw[..first]), Cow::Owned)
}

/// The length of the string value that begins at `start`, in bytes as written; 0 for anything else.
pub fn string_bytes(text: &[u8], start: usize) -> usize {
    if text.get(start) != Some(&b'"') {
        return 0;
    }
    string_end(text, start + 1).saturating_sub(start + 2)
}

/// The range to cut so that a member disappears with one of its commas.
pub fn member_range(text: &[u8], key_start: usize, value_start: usize) -> Range<usize> {
    let end = value_end(text, value_start);
    let after = skip_space(text, end);
    if text.get(after) == Some(&b',') {
        return key_start..skip_space(text, after + 1);
    }
    let before = text[..key_start].iter().rposition(|byte| !byte.is_ascii_whitespace());
    match before {
        Some(comma) if text[comma] == b',' => comma..end,
        _ => key_start..end,
    }
}

/// The same text with halves of surrogate pairs replaced by U+FFFD: clients that cut a text within
/// such a pair escape the half, which is legal JSON but no character.
pub fn mended(body: &[u8]) -> Cow<'_, [u8]> {
    let mut mended = Cow::Borrowed(body);
    let mut at = 0;
    while let Some(found) = body.get(at..).and_then(|rest| memchr(b'\\', rest)) {
        let start = at + found;
        at = match (unit(body, start), unit(body, start + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => start + 12,
            (Some(0xd800..=0xdfff), _) => {
                mended.to_mut()[start..start + 6].copy_from_slice(b"\\ufffd");
                start + 6
            }
            _ => start + 2,
        };
    }
    mended
}

/// The UTF-16 unit that is escaped at a place.
fn unit(text: &[u8], start: usize) -> Option<u16> {
    let digits = text.get(start..start + 6)?.strip_prefix(b"\\u")?;
    let is_number = digits.iter().all(u8::is_ascii_hexdigit);
    u16::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| is_number)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<(usize, String, String)> {
        let mut found = vec![];
        walk(text.as_bytes(), |key| {
            let end = value_end(text.as_bytes(), key.value_start);
            found.push((
                key.depth,
                String::from_utf8_lossy(key.name).into_owned(),
                text[key.value_start..end].to_owned(),
            ));
        });
        found
    }

    #[test]
    fn half_a_pair_becomes_a_character_and_nothing_else_changes() {
        for (text, expected) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\uDE00\ud83d\ude00\uD83D\ud83d\ude00""#, "\u{fffd}\u{1f600}\u{fffd}\u{1f600}"),
            (r#""\\ud83d\\\ud83d""#, "\\ud83d\\\u{fffd}"),
        ] {
            assert_eq!(serde_json::from_slice::<String>(&mended(text.as_bytes())).unwrap(), expected);
        }
        for same in [&br#""\u00e9 \ud83d\ude00 \n""#[..], b"\\", b"\\ud8", b"\\u+123", b"{}"] {
            assert!(matches!(mended(same), Cow::Borrowed(text) if text == same));
        }
    }

    #[test]
    fn only_real_keys_are_met() {
        let text = r#"{"a" : "usage", "b":{"text":"say \"usage\": {", "c":[1, {"usage" : null}]},"usage":{"x":1} }"#;
        let expected = [
            (1, "a", r#""usage""#),
            (1, "b", r#"{"text":"say \"usage\": {", "c":[1, {"usage" : null}]}"#),
            (2, "text", r#""say \"usage\": {""#),
            (2, "c", r#"[1, {"usage" : null}]"#),
            (4, "usage", "null"),
            (1, "usage", r#"{"x":1}"#),
            (2, "x", "1"),
        ];
        let found = keys(text);
        let found: Vec<_> = found.iter().map(|(depth, name, value)| (*depth, name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn elements_and_entries_are_met_in_order() {
        let text = r#"{ "a" : [1, "x,]" ,{"b":[]}, [2] ] , "c\"d":null,"e":{} }"#;
        let found: Vec<_> = entries(text).collect();
        assert_eq!(found, [("a", r#"[1, "x,]" ,{"b":[]}, [2] ]"#), (r#"c\"d"#, "null"), ("e", "{}")]);
        assert_eq!(elements(found[0].1).collect::<Vec<_>>(), ["1", r#""x,]""#, r#"{"b":[]}"#, "[2]"]);
        assert_eq!((elements("{}").count(), entries("[]").count(), elements("[ ]").count()), (0, 0, 0));
        assert_eq!((entries(r#"{"a""#).count(), entries("{\"").count(), elements("[").count()), (0, 0, 0));
    }

    #[test]
    fn a_string_is_unescaped_as_far_as_it_can_be() {
        assert_eq!(unescaped(r"a\nb\u00e9\ud83d"), "a\nb\u{e9}\u{fffd}");
        assert_eq!(unescaped("plain"), "plain");
        assert_eq!(unescaped(r"a\x"), "a");
    }

    #[test]
    fn a_cut_member_takes_one_comma_along() {
        let cut = |text: &str| {
            let mut range = 0..0;
            walk(text.as_bytes(), |key| {
                if key.name == b"usage" {
                    range = member_range(text.as_bytes(), key.start, key.value_start);
                }
            });
            format!("{}{}", &text[..range.start], &text[range.end..])
        };
        assert_eq!(cut(r#"{"a":1,"usage":null}"#), r#"{"a":1}"#);
        assert_eq!(cut(r#"{"usage":null, "a":1}"#), r#"{"a":1}"#);
        assert_eq!(cut(r#"{"a":1 , "usage" : {"b":[1]} , "c":2}"#), r#"{"a":1 , "c":2}"#);
        assert_eq!(cut(r#"{"usage":null}"#), "{}");
    }

    #[test]
    fn depth_is_capped_at_the_limit_and_not_below() {
        let nested = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(object_members(&nested(MAX_DEPTH)).is_ok());
        assert!(matches!(object_members(&nested(MAX_DEPTH + 1)), Err(RequestError::TooDeep)));
        assert!(object_members(&format!(r#"{{"a":"{}"}}"#, "[".repeat(100))).is_ok());
    }

    #[test]
    fn a_name_written_twice_is_refused_however_it_is_escaped() {
        let twice = object_members(r#"{"model":"a","mod\u0065l":"b"}"#);
        assert!(matches!(twice, Err(RequestError::Duplicate(name)) if name == "model"));
    }

    #[test]
    fn host_fields_are_known_in_every_spelling() {
        for name in ["api_base", "apiBase", "base_url", "API-KEY", "custom_llm_provider", "x-api-base", "extra_headers"]
        {
            assert!(names_a_host(name), "{name}");
        }
        for name in ["model", "metadata", "user", "x-api-key", "base"] {
            assert!(!names_a_host(name), "{name}");
        }
    }
}
