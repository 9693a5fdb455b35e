//! Counting the tokens of a request without running it: `POST /v1/messages/count_tokens`.

use bytes::Bytes;
use serde_json::{Value, json};

pub use super::request::AnthropicRequest;
pub use crate::fields::RequestError;

/// Checks the body of a request to count: a request without `max_tokens`.
///
/// # Errors
/// When it is no JSON object, has no model or no messages, or names a host.
pub fn parse(body: Bytes) -> Result<AnthropicRequest, RequestError> {
    AnthropicRequest::parse_count(body)
}

/// The body of the answer.
pub fn counted(input_tokens: u64) -> Bytes {
    json!({ "input_tokens": input_tokens }).to_string().into()
}

/// Reads a provider's answer, in tokens; `None` when it is none.
pub fn read(body: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Value>(body).ok()?.get("input_tokens")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::ClientRequest;

    #[test]
    fn a_body_to_count_needs_no_bound() {
        let body = Bytes::from_static(br#"{"model":"claude-opus-5","messages":[{"role":"user","content":"hello"}]}"#);
        let request = parse(body).unwrap();
        assert_eq!((request.facts().output_bound, request.facts().model.as_str()), (None, "claude-opus-5"));
        assert!(request.facts().counted_input > 0);
    }

    #[test]
    fn the_answer_is_read_as_it_is_written() {
        assert_eq!(counted(14), r#"{"input_tokens":14}"#);
        assert_eq!((read(&counted(14)), read(b"{}"), read(b"<html>")), (Some(14), None, None));
    }
}
