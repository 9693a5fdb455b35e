//! `countTokens`: how many tokens a request would have (ai.google.dev/api/tokens, read 2026-11-22).
//!
//! The body holds either `contents` or a whole `generateContentRequest`; clients of Vertex AI put
//! what belongs to the latter beside the contents.

use std::ops::Range;

use bytes::Bytes;
use serde_json::{Value, json};

use super::read;
use super::request::{bare, contents, counted_input, field, model};
use super::wire::{count, member};
use crate::answer::AnswerError;
use crate::canonical::Conversation;
use crate::fields::{Fields, RequestError};
use crate::gemini::error;
use crate::request::PathFacts;
use crate::splice;

/// A checked request to count.
#[derive(Clone, Debug)]
pub struct CountRequest {
    body: Bytes,
    model: String,
    /// Where the body names the model too.
    model_span: Option<Range<usize>>,
    counted_input: u64,
}

impl CountRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// When it is no JSON object, names no model in path or body, or holds nothing to count.
    pub fn parse(path: &PathFacts<'_>, body: Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(&body)?;
        let whole = field(&fields, "generateContentRequest")?.filter(|member| member.value != "null");
        let (inner, start) = match whole {
            Some(whole) => (Fields::read(whole.value.as_bytes())?, whole.span.start),
            None => (Fields::read(&body)?, 0),
        };
        let named = field(&inner, "model")?;
        let model = model(path, named)?;
        let model_span = named.map(|named| start + named.span.start..start + named.span.end);
        let counted_input = counted_input(&inner, contents(&inner)?)?;
        Ok(Self { body, model, model_span, counted_input })
    }

    /// The model as the client named it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Input tokens, estimated.
    pub const fn counted_input(&self) -> u64 {
        self.counted_input
    }

    /// The body for a provider of the same dialect: the client's, but for the model's name where the
    /// body has it too.
    pub fn splice(&self, upstream_model: &str) -> Bytes {
        let Some(span) = self.model_span.clone() else { return self.body.clone() };
        let named: String = serde_json::from_slice(&self.body[span.clone()]).unwrap_or_default();
        if bare(&named) == upstream_model {
            return self.body.clone();
        }
        splice::apply(&self.body, vec![(span, splice::quoted(&format!("models/{upstream_model}")))])
    }

    /// The conversation to count, for a provider of another dialect.
    ///
    /// # Errors
    /// When a part cannot be understood that counting cannot do without.
    pub fn read(&self) -> Result<Conversation, RequestError> {
        let body: Value = serde_json::from_slice(&self.body)
            .map_err(|cause| RequestError::Malformed { line: cause.line(), column: cause.column() })?;
        read::conversation(member(&body, "generateContentRequest").unwrap_or(&body))
    }
}

/// The answer: so many tokens.
pub fn answer(tokens: u64) -> Bytes {
    let details = json!([{"modality": "TEXT", "tokenCount": tokens}]);
    json!({"totalTokens": tokens, "promptTokensDetails": details}).to_string().into()
}

/// Reads a provider's answer: how many tokens.
///
/// # Errors
/// When it is an error in disguise, or says no number.
pub fn read_answer(body: &[u8]) -> Result<u64, AnswerError> {
    let value: Value = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    if let Some(said) = error::from_value(&value) {
        return Err(AnswerError::Upstream(said));
    }
    // A count of 0 is left out on the wire.
    match (count(&value, "totalTokens"), value.as_object()) {
        (Some(tokens), _) => Ok(tokens),
        (None, Some(members)) if members.is_empty() => Ok(0),
        _ => Err(AnswerError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: PathFacts<'_> = PathFacts { model: Some("models/fast"), is_streaming: false, is_sse: false };

    fn parse(text: &str) -> Result<CountRequest, RequestError> {
        CountRequest::parse(&PATH, Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn both_forms_of_the_body_are_counted_and_read() {
        let contents = r#"[{"role":"user","parts":[{"text":"12345678"}]}]"#;
        for text in [
            format!(r#"{{"contents":{contents}}}"#),
            format!(r#"{{"generateContentRequest":{{"model":"models/fast","contents":{contents}}}}}"#),
            format!(r#"{{"generate_content_request":{{"contents":{contents},"system_instruction":null}}}}"#),
        ] {
            let request = parse(&text).unwrap();
            assert_eq!(request.model(), "fast");
            assert!((7..12).contains(&request.counted_input()), "{text}: {}", request.counted_input());
            assert_eq!(request.read().unwrap().turns.len(), 1, "{text}");
        }
        assert_eq!(parse("{}").unwrap_err(), RequestError::Missing("contents"));
        assert_eq!(parse(r#"{"generateContentRequest":{}}"#).unwrap_err(), RequestError::Missing("contents"));
    }

    #[test]
    fn only_the_models_name_changes() {
        let text = r#"{ "generateContentRequest":{"contents":[{}], "model" : "models/fast"}}"#;
        assert_eq!(parse(text).unwrap().splice("up"), text.replace("models/fast", "models/up"));
        assert_eq!(parse(text).unwrap().splice("fast"), text);
        let bare = r#"{"contents":[{}]}"#;
        assert_eq!(parse(bare).unwrap().splice("up"), bare);
    }

    #[test]
    fn the_answer_survives_there_and_back() {
        assert!(answer(31).starts_with(br#"{"totalTokens":31,"#));
        assert_eq!(read_answer(&answer(31)), Ok(31));
        assert_eq!(read_answer(b"{}"), Ok(0));
        assert_eq!(read_answer(br#"{"x":1}"#), Err(AnswerError::Malformed));
        assert!(matches!(read_answer(br#"{"error":{"message":"no"}}"#), Err(AnswerError::Upstream(_))));
    }
}
