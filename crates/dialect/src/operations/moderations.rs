//! Whether a text is harmful: OpenAI's `/v1/moderations`.

use bytes::Bytes;
use megarouter_domain::usage::Usage;
use serde_json::Value;

use super::OperationRequest;
use super::body::{self, Body};
use crate::answer::{AnswerError, AnswerFacts};
use crate::estimate;
use crate::fields::{Fields, RequestError};
use crate::openai_chat::usage;

/// The model that is meant when none is named (OpenAI API reference, "Create moderation", read
/// 2026-11-22).
const USUAL_MODEL: &str = "omni-moderation-latest";

/// A checked moderation request.
#[derive(Clone, Debug)]
pub struct ModerationsRequest {
    body: Body,
    counted_input: u64,
}

impl ModerationsRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// When it is no JSON object, or has no input.
    pub fn parse(body: &Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(body)?;
        let counted_input = estimate::content(fields.required("input")?.value).tokens();
        Ok(Self { body: Body::read_or(body, &fields, USUAL_MODEL)?, counted_input })
    }
}

impl OperationRequest for ModerationsRequest {
    fn model(&self) -> &str {
        self.body.model()
    }

    fn most(&self) -> Usage {
        Usage { input: Some(self.counted_input), ..Usage::UNREPORTED }
    }

    fn splice(&self, upstream_model: &str) -> Bytes {
        self.body.splice(upstream_model)
    }

    /// OpenAI gives no figures, and charges nothing; Mistral does both.
    fn inspect(&self, body: &[u8]) -> Result<AnswerFacts, AnswerError> {
        let answer = body::answer(body)?;
        if !answer.get("results").is_some_and(Value::is_array) {
            return Err(AnswerError::Malformed);
        }
        Ok(AnswerFacts { usage: answer.get("usage").and_then(usage::from_wire), ..body::facts(&answer) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ModerationsRequest, RequestError> {
        ModerationsRequest::parse(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn the_usual_model_is_put_in_where_none_is_named() {
        let request = parse(r#"{"input":"x"}"#).unwrap();
        assert_eq!(request.model(), "omni-moderation-latest");
        assert_eq!(request.splice("up"), r#"{"model":"up","input":"x"}"#);
        let named = parse(r#"{"input":["x","y"],"model":"m"}"#).unwrap();
        assert_eq!(named.splice("m"), r#"{"input":["x","y"],"model":"m"}"#);
        assert_eq!(parse(r#"{"model":7,"input":"x"}"#).unwrap_err().param(), Some("model"));
        assert_eq!(parse("{}").unwrap_err().param(), Some("input"));
    }

    #[test]
    fn figures_are_read_where_there_are_any() {
        let request = parse(r#"{"input":"x"}"#).unwrap();
        let facts = request.inspect(include_bytes!("../fixtures/operations/moderations.json")).unwrap();
        assert_eq!((facts.usage, facts.model.as_deref()), (None, Some("omni-moderation-latest")));
        let mistral = br#"{"id":"1","results":[],"usage":{"prompt_tokens":9,"total_tokens":9}}"#;
        assert_eq!(request.inspect(mistral).unwrap().usage.unwrap().input, Some(9));
        assert_eq!(request.inspect(b"{}"), Err(AnswerError::Malformed));
    }
}
