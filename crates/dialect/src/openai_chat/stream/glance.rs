//! One pass over a chunk, without parsing it.

use crate::json;

/// What one pass over a chunk found.
#[derive(Default)]
pub struct Glance {
    /// Whether it generates something.
    pub has_output: bool,
    /// Bytes of generated text, as written.
    pub text_bytes: usize,
    /// Choices that end.
    pub finished: u64,
    /// Where the outermost `usage` member's name and value begin.
    pub usage: Option<(usize, usize)>,
    /// Whether it carries token figures.
    pub has_figures: bool,
    /// Whether it may be an error.
    pub has_error: bool,
}

/// Passes over a chunk once. The depths are those of `{choices:[{delta:{content}}]}`.
pub fn glance(text: &[u8]) -> Glance {
    let mut found = Glance::default();
    json::walk(text, |key| {
        let value = text.get(key.value_start).copied().unwrap_or(b'n');
        let next = text.get(key.value_start + 1).copied();
        match (key.depth, key.name) {
            (1, b"usage") => {
                found.usage = Some((key.start, key.value_start));
                found.has_figures |= value == b'{';
            }
            (2 | 3, b"usage") => found.has_figures |= value == b'{',
            (1, b"error") => found.has_error |= value != b'n',
            (1, b"object") => found.has_error |= text[key.value_start..].starts_with(br#""error""#),
            (3, b"finish_reason") => found.finished += u64::from(value == b'"'),
            // The last is a depth higher: the text of older completions.
            (4, b"content" | b"reasoning_content" | b"reasoning" | b"refusal") | (7, b"arguments") | (3, b"text") => {
                let bytes = json::string_bytes(text, key.value_start);
                found.text_bytes += bytes;
                found.has_output |= bytes > 0;
            }
            (4, b"tool_calls" | b"reasoning_details" | b"images") => {
                found.has_output |= value == b'[' && next != Some(b']');
            }
            (4, b"function_call" | b"audio") => found.has_output |= value == b'{',
            _ => {}
        }
    });
    found
}
