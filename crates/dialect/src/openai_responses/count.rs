//! Counting the tokens of an input without asking a model: `/v1/responses/input_tokens`.

use std::ops::Range;

use bytes::Bytes;
use serde_json::{Value, json};

use super::read;
use super::request::{Input, counted_input, unsupported};
use crate::canonical::Conversation;
use crate::fields::Fields;
use crate::request::RequestError;
use crate::splice;

/// A request to count.
#[derive(Clone, Debug)]
pub struct CountRequest {
    body: Bytes,
    /// The model and where it is written.
    model: Option<(String, Range<usize>)>,
    counted_input: u64,
}

impl CountRequest {
    /// Checks a body. The model may be missing, as may the input.
    ///
    /// # Errors
    /// When it is no JSON object, needs a stored answer, or has an input that is none.
    pub fn parse(body: Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(&body)?;
        for field in ["previous_response_id", "conversation"] {
            if fields.present(field).is_some() {
                return Err(unsupported(field));
            }
        }
        let model = fields.present("model").map(|_| fields.model()).transpose()?;
        let items = if fields.present("input").is_some() { Input::read(&fields, false)?.items } else { 0 };
        let counted_input = counted_input(&fields, items);
        Ok(Self { body, model, counted_input })
    }

    /// The model as the client wrote it.
    pub fn model(&self) -> Option<&str> {
        self.model.as_ref().map(|(name, _)| name.as_str())
    }

    /// The estimate: bytes of text / 4 and a tenth more, 4 for each item, 1,000 for each medium.
    pub const fn counted_input(&self) -> u64 {
        self.counted_input
    }

    /// The body as the client sent it.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body for a provider of the same dialect: the client's, but for the model.
    pub fn splice(&self, upstream_model: &str) -> Bytes {
        let edits = self.model.iter().map(|(_, span)| (span.clone(), splice::quoted(upstream_model)));
        splice::apply(&self.body, edits.collect())
    }

    /// Reads everything, to have it counted by a provider of another dialect.
    ///
    /// # Errors
    /// When a part cannot be understood that a translation cannot do without.
    pub fn read(&self) -> Result<Conversation, RequestError> {
        read::conversation(&self.body)
    }
}

/// The answer's body.
pub fn answer(input_tokens: u64) -> Bytes {
    json!({"object": "response.input_tokens", "input_tokens": input_tokens}).to_string().into()
}

/// Reads a provider's answer; `None` when it is none.
pub fn read_answer(body: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Value>(body).ok()?["input_tokens"].as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use megarouter_domain::code::Code;

    fn parse(text: &'static str) -> Result<CountRequest, RequestError> {
        CountRequest::parse(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn an_input_is_counted_with_or_without_a_model() {
        let request = parse(r#"{"model":"gpt-5","input":"12345678"}"#).unwrap();
        assert_eq!((request.model(), request.counted_input()), (Some("gpt-5"), 3 + 4));
        let bare = parse(r#"{"instructions":"be brief"}"#).unwrap();
        assert_eq!((bare.model(), bare.counted_input()), (None, 3));
        assert_eq!(request.read().unwrap().turns.len(), 1);
        assert_eq!(request.splice("up/m"), r#"{"model":"up/m","input":"12345678"}"#);
    }

    #[test]
    fn what_needs_a_stored_answer_is_refused() {
        let error = parse(r#"{"model":"m","input":"hi","previous_response_id":"resp_1"}"#).unwrap_err();
        assert_eq!((error.code(), error.param()), (Code::RequestUnsupported, Some("previous_response_id")));
    }

    #[test]
    fn an_answer_comes_back_as_it_was_written() {
        assert_eq!(answer(11), r#"{"object":"response.input_tokens","input_tokens":11}"#);
        assert_eq!(read_answer(&answer(11)), Some(11));
        assert_eq!(read_answer(b"<html>"), None);
    }
}
