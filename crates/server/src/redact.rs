//! The last line of defence against a secret in a log line.
//!
//! Secrets live in a type that cannot be printed; what could still carry one is text from outside,
//! such as a provider's error message that quotes the key it was sent.

use std::borrow::Cow;

const REPLACEMENT: &str = "[redacted]";
/// How the keys of providers and our own begin.
const PREFIXES: &[&str] =
    &["sk-", "sk_", "mr-", "gsk_", "xai-", "AIza", "key-", "hf_", "r8_", "tgp_", "pplx-", "Bearer "];
/// Shorter words after a prefix are words, not secrets.
const SHORTEST: usize = 12;

/// Replaces whatever looks like a key, and the names and passwords in addresses.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut rest = text;
    let mut copied = false;
    while let Some((start, end)) = next_secret(rest) {
        clean.push_str(&rest[..start]);
        clean.push_str(REPLACEMENT);
        rest = &rest[end..];
        copied = true;
    }
    if copied { Cow::Owned(clean + rest) } else { Cow::Borrowed(text) }
}

fn next_secret(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let is_start = |at: usize| at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
    let candidates = (0..bytes.len()).filter(|at| is_start(*at));
    for start in candidates {
        if let Some(length) = text.get(start..).and_then(user_info) {
            return Some((start, start + length));
        }
        let Some(prefix) = PREFIXES.iter().find(|prefix| bytes[start..].starts_with(prefix.as_bytes())) else {
            continue;
        };
        let from = start + prefix.len();
        let length = bytes[from..].iter().take_while(|byte| is_secret_byte(**byte)).count();
        if length >= SHORTEST {
            return Some((start, from + length));
        }
    }
    None
}

/// How long the part before the host is, in an address such as `//name:password@host`.
fn user_info(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("//")?;
    let end = rest.find(|c: char| c == '/' || c == '"' || c.is_whitespace()).unwrap_or(rest.len());
    let at = rest[..end].rfind('@')?;
    rest[..at].contains(':').then_some(2 + at)
}

const fn is_secret_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=' | b'/' | b'+')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_providers_and_our_own_are_replaced() {
        for key in
            ["sk-proj-abcdefgh12345678", "mr-abcdefghijklmnop", "AIzaSyA1234567890abcdef", "gsk_abcdefghijkl1234"]
        {
            assert_eq!(
                redact(&format!("Incorrect API key provided: {key}, sorry")),
                "Incorrect API key provided: [redacted], sorry"
            );
        }
        assert_eq!(redact("authorization: Bearer abc.def.ghi.jkl.mno"), "authorization: [redacted]");
    }

    #[test]
    fn passwords_in_addresses_are_replaced() {
        let text = "cannot connect to postgres://mr:hunter2@db.example:5432/mr, giving up";
        assert_eq!(redact(text), "cannot connect to postgres:[redacted]@db.example:5432/mr, giving up");
        assert_eq!(redact("see https://host/a@b:c and //host"), "see https://host/a@b:c and //host");
    }

    #[test]
    fn several_in_one_line_are_all_replaced() {
        assert_eq!(redact("a sk-111111111111 b sk-222222222222"), "a [redacted] b [redacted]");
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in ["risk-assessment-of-everything", "sk-short", "key-value", "the task-force-of-many-people, größer"]
        {
            assert_eq!(redact(text), text);
        }
    }
}
