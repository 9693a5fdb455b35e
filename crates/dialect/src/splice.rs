//! Replacing a few ranges of a body and leaving every other byte as it came.

use std::ops::Range;

use bytes::Bytes;

/// A range and what comes in its place; an empty range inserts.
pub type Edit = (Range<usize>, Vec<u8>);

/// The body with its edits made. Edits must not overlap; their order does not matter.
pub fn apply(body: &Bytes, mut edits: Vec<Edit>) -> Bytes {
    if edits.is_empty() {
        return body.clone();
    }
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let added: usize = edits.iter().map(|(_, text)| text.len()).sum();
    let mut spliced = Vec::with_capacity(body.len() + added);
    let mut at = 0;
    for (range, text) in edits {
        spliced.extend_from_slice(&body[at..range.start]);
        spliced.extend_from_slice(&text);
        at = range.end;
    }
    spliced.extend_from_slice(&body[at..]);
    spliced.into()
}

/// A string as JSON.
pub fn quoted(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}
