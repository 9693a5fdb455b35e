//! Pictures: OpenAI's `/v1/images/generations`.
//!
//! Models that count tokens say how many of them were pictures; for the others the pictures
//! themselves are counted (OpenAI API reference, "Images", read 2026-11-22).

use bytes::Bytes;
use megarouter_domain::usage::Usage;
use serde_json::Value;

use super::OperationRequest;
use super::body::{self, Body};
use super::events::EventWatch;
use crate::answer::{AnswerError, AnswerFacts};
use crate::estimate;
use crate::fields::{Fields, RequestError};
use crate::stream::Scan;

/// A checked request for pictures.
#[derive(Clone, Debug)]
pub struct ImagesRequest {
    body: Body,
    counted_input: u64,
    images: u64,
    is_streaming: bool,
}

impl ImagesRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// When it is no JSON object, or has no model or no prompt.
    pub fn parse(body: &Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(body)?;
        let counted_input = estimate::content(fields.required("prompt")?.value).tokens();
        let images = fields.positive("n")?.unwrap_or(1);
        let is_streaming = fields.flag("stream")?;
        Ok(Self { body: Body::read(body, &fields)?, counted_input, images, is_streaming })
    }
}

impl OperationRequest for ImagesRequest {
    fn model(&self) -> &str {
        self.body.model()
    }

    fn most(&self) -> Usage {
        Usage { input: Some(self.counted_input), images: Some(self.images), ..Usage::UNREPORTED }
    }

    fn is_streaming(&self) -> bool {
        self.is_streaming
    }

    fn splice(&self, upstream_model: &str) -> Bytes {
        self.body.splice(upstream_model)
    }

    fn scanner(&self, _sends_done: bool) -> Option<Box<dyn Scan>> {
        Some(Box::new(EventWatch::new(&["image_generation.completed"], |event| tokens(&event["usage"]))))
    }

    fn inspect(&self, body: &[u8]) -> Result<AnswerFacts, AnswerError> {
        let answer = body::answer(body)?;
        let made = answer.get("data").and_then(Value::as_array).ok_or(AnswerError::Malformed)?;
        let counted = Usage { images: Some(made.len() as u64), ..Usage::UNREPORTED };
        let usage = answer.get("usage").and_then(tokens).unwrap_or(counted);
        Ok(AnswerFacts { usage: Some(usage), ..body::facts(&answer) })
    }
}

/// Disjoint classes: totals include the classes of their details; output without details is
/// pictures.
fn tokens(usage: &Value) -> Option<Usage> {
    let (input, output) = (usage["input_tokens"].as_u64()?, usage["output_tokens"].as_u64()?);
    let seen = usage["input_tokens_details"]["image_tokens"].as_u64().map(|seen| seen.min(input));
    let said = usage["output_tokens_details"]["text_tokens"].as_u64().map(|said| said.min(output));
    Some(Usage {
        input: Some(input - seen.unwrap_or_default()),
        image_input: seen,
        image_output: Some(output - said.unwrap_or_default()),
        output: said,
        ..Usage::UNREPORTED
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::StreamEnd;

    const ANSWER: &[u8] = include_bytes!("../fixtures/operations/images.json");

    fn parse(text: &str) -> Result<ImagesRequest, RequestError> {
        ImagesRequest::parse(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn only_the_model_changes_and_the_pictures_are_counted() {
        let text = r#"{"prompt":"12345678", "model" : "gpt-image-1", "n":3,"size":"1024x1024"}"#;
        let request = parse(text).unwrap();
        assert_eq!(request.splice("up"), text.replace("\"gpt-image-1\"", "\"up\""));
        let most = request.most();
        assert_eq!((request.model(), most.images, most.input), ("gpt-image-1", Some(3), Some(3)));
        assert_eq!(parse(r#"{"model":"m"}"#).unwrap_err().param(), Some("prompt"));
        assert_eq!(parse(r#"{"model":"m","prompt":"x","n":0}"#).unwrap_err().param(), Some("n"));
    }

    #[test]
    fn tokens_of_pictures_are_told_apart() {
        let request = parse(r#"{"model":"m","prompt":"x"}"#).unwrap();
        let usage = request.inspect(ANSWER).unwrap().usage.unwrap();
        assert_eq!((usage.input, usage.image_input), (Some(10), Some(40)));
        assert_eq!((usage.output, usage.image_output, usage.images), (None, Some(1056), None));
        assert_eq!((usage.total_input(), usage.total_output()), (Some(50), Some(1056)));
    }

    #[test]
    fn without_tokens_pictures_count() {
        let request = parse(r#"{"model":"m","prompt":"x","n":2}"#).unwrap();
        let usage = request.inspect(br#"{"created":1,"data":[{"url":"a"},{"url":"b"}]}"#).unwrap().usage.unwrap();
        assert_eq!((usage.images, usage.image_output), (Some(2), None));
        assert_eq!(request.inspect(b"{}"), Err(AnswerError::Malformed));
    }

    #[test]
    fn a_stream_ends_with_its_figures() {
        let request = parse(r#"{"model":"m","prompt":"x","stream":true}"#).unwrap();
        assert!(request.is_streaming());
        let mut scanner = request.scanner(true).unwrap();
        let stream = concat!(
            "data: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"AA\"}\n\n",
            "data: {\"type\":\"image_generation.completed\",\"usage\":{\"input_tokens\":5,\"output_tokens\":7}}\n\n",
        );
        assert_eq!(scanner.push(Bytes::from(stream)).forward, stream);
        assert_eq!(scanner.finish().end, StreamEnd::Done);
        assert_eq!(scanner.facts().usage.unwrap().image_output, Some(7));
    }
}
