//! OpenAI's embeddings.
//!
//! Everything but the model name passes through, `encoding_format` too: the official SDKs ask for
//! base64 and decode it themselves.

use std::ops::Range;

use bytes::Bytes;
use megarouter_domain::usage::Usage;

use crate::answer::{AnswerError, AnswerFacts};
use crate::estimate;
use crate::fields::{Fields, RequestError};
use crate::openai_chat::error;
use crate::openai_chat::usage;
use crate::operations::OperationRequest;
use crate::splice;

/// A checked embeddings request.
#[derive(Clone, Debug)]
pub struct EmbeddingsRequest {
    body: Bytes,
    model: String,
    model_span: Range<usize>,
    counted_input: u64,
}

impl EmbeddingsRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// When it is no JSON object, or has no model or no input.
    pub fn parse(body: Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(&body)?;
        let (model, model_span) = fields.model()?;
        let counted_input = counted_input("input", fields.required("input")?.value)?;
        Ok(Self { model, model_span, counted_input, body })
    }

    /// The body as the client sent it.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}

impl OperationRequest for EmbeddingsRequest {
    fn model(&self) -> &str {
        &self.model
    }

    /// Input tokens: estimated from the text, exact where the client sent tokens.
    fn most(&self) -> Usage {
        Usage { input: Some(self.counted_input), ..Usage::UNREPORTED }
    }

    fn splice(&self, upstream_model: &str) -> Bytes {
        if upstream_model == self.model {
            return self.body.clone();
        }
        splice::apply(&self.body, vec![(self.model_span.clone(), splice::quoted(upstream_model))])
    }

    fn inspect(&self, body: &[u8]) -> Result<AnswerFacts, AnswerError> {
        inspect(body)
    }
}

/// Reads an answer; the body itself goes to the client as it is.
///
/// # Errors
/// When it is an error in disguise, or no list of embeddings.
pub fn inspect(body: &[u8]) -> Result<AnswerFacts, AnswerError> {
    let answer: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    if let Some(said) = answer.get("error").and_then(error::from_value) {
        return Err(AnswerError::Upstream(said));
    }
    if !answer.get("data").is_some_and(serde_json::Value::is_array) {
        return Err(AnswerError::Malformed);
    }
    let model = answer.get("model").and_then(serde_json::Value::as_str).map(str::to_owned);
    let usage = answer.get("usage").and_then(usage::from_wire);
    Ok(AnswerFacts { usage, model, ..AnswerFacts::default() })
}

/// Counts what is a text, texts, tokens, or arrays of tokens.
pub(super) fn counted_input(field: &'static str, input: &str) -> Result<u64, RequestError> {
    let invalid = |problem| RequestError::Invalid { field, problem };
    if input.starts_with('"') {
        return Ok(estimate::content(input).tokens());
    }
    let inner = input.strip_prefix('[').ok_or_else(|| invalid("must be a text or an array"))?.trim_start();
    match inner.as_bytes().first() {
        Some(b'"') => Ok(estimate::content(input).tokens()),
        Some(b']') => Err(invalid("must not be empty")),
        Some(b'[' | b'0'..=b'9') => Ok(inner.bytes().filter(|byte| *byte == b',').count() as u64 + 1),
        _ => Err(invalid("must hold texts or tokens")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<EmbeddingsRequest, RequestError> {
        EmbeddingsRequest::parse(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn only_the_model_changes() {
        let text = r#"{"input":["a","b"], "model" : "m", "encoding_format":"base64"}"#;
        assert_eq!(parse(text).unwrap().splice("up"), text.replace("\"m\"", "\"up\""));
    }

    #[test]
    fn input_is_counted_in_every_shape() {
        let count =
            |input: &str| parse(&format!(r#"{{"model":"m","input":{input}}}"#)).map(|all| all.most().input.unwrap());
        assert_eq!(count(r#""12345678""#), Ok(3));
        assert_eq!(count(r#"["1234","5678"]"#), Ok(3));
        assert_eq!(count("[1,2,3]"), Ok(3));
        assert_eq!(count("[[1,2],[3,4]]"), Ok(4));
        for wrong in ["[]", "7", "null", "[true]"] {
            assert_eq!(count(wrong).unwrap_err().param(), Some("input"), "{wrong}");
        }
    }

    #[test]
    fn usage_comes_from_the_answer() {
        let answer = br#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AAAA"}],"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}}"#;
        let usage = inspect(answer).unwrap().usage.unwrap();
        assert_eq!((usage.input, usage.output), (Some(8), None));
        assert!(
            matches!(inspect(br#"{"error":{"message":"no"}}"#), Err(AnswerError::Upstream(said)) if said.message == "no")
        );
        assert!(matches!(inspect(b"<html>"), Err(AnswerError::Malformed)));
    }
}
