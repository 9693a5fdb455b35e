//! A text read aloud: OpenAI's `/v1/audio/speech`.
//!
//! The answer is sound and says nothing of itself; what is charged is the text, by the character.
//! Only a stream of events has token figures (OpenAI API reference, "Create speech", read
//! 2026-11-22).

use bytes::Bytes;
use megarouter_domain::usage::Usage;
use serde_json::Value;

use super::OperationRequest;
use super::body::Body;
use super::events::EventWatch;
use crate::answer::{AnswerError, AnswerFacts};
use crate::estimate;
use crate::fields::{Fields, RequestError};
use crate::openai_chat::error;
use crate::stream::Scan;

/// A checked request for speech.
#[derive(Clone, Debug)]
pub struct SpeechRequest {
    body: Body,
    characters: u64,
    counted_input: u64,
    is_streaming: bool,
}

impl SpeechRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// When it is no JSON object, or has no model or no text.
    pub fn parse(body: &Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(body)?;
        let input = fields.required("input")?.value;
        let invalid = |_| RequestError::Invalid { field: "input", problem: "must be a string" };
        let text: String = serde_json::from_str(input).map_err(invalid)?;
        let is_streaming = fields.present("stream_format").is_some_and(|format| format.value == "\"sse\"");
        let (characters, counted_input) = (text.chars().count() as u64, estimate::tokens(text.len() as u64));
        Ok(Self { body: Body::read(body, &fields)?, characters, counted_input, is_streaming })
    }
}

impl OperationRequest for SpeechRequest {
    fn model(&self) -> &str {
        self.body.model()
    }

    fn most(&self) -> Usage {
        Usage { characters: Some(self.characters), input: Some(self.counted_input), ..Usage::UNREPORTED }
    }

    fn is_streaming(&self) -> bool {
        self.is_streaming
    }

    fn splice(&self, upstream_model: &str) -> Bytes {
        self.body.splice(upstream_model)
    }

    fn scanner(&self, _sends_done: bool) -> Option<Box<dyn Scan>> {
        Some(Box::new(EventWatch::new(&["speech.audio.done"], tokens)))
    }

    /// The characters of the request are what was read aloud.
    fn inspect(&self, body: &[u8]) -> Result<AnswerFacts, AnswerError> {
        if body.is_empty() {
            return Err(AnswerError::Malformed);
        }
        if body.first() == Some(&b'{')
            && let Some(said) = error::parse(body)
        {
            return Err(AnswerError::Upstream(said));
        }
        let usage = Usage { characters: Some(self.characters), ..Usage::UNREPORTED };
        Ok(AnswerFacts { usage: Some(usage), ..AnswerFacts::default() })
    }
}

fn tokens(event: &Value) -> Option<Usage> {
    let usage = &event["usage"];
    let (input, audio_output) = (usage["input_tokens"].as_u64()?, usage["output_tokens"].as_u64()?);
    Some(Usage { input: Some(input), audio_output: Some(audio_output), ..Usage::UNREPORTED })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SpeechRequest, RequestError> {
        SpeechRequest::parse(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        let text = "{\"model\":\"tts-1\",\"input\":\"h\\u00e9llo \u{1F600}\",\"voice\":\"alloy\"}";
        let request = parse(text).unwrap();
        assert_eq!(request.most().characters, Some(7));
        assert_eq!(request.splice("up"), text.replace("tts-1", "up"));
        assert_eq!(request.inspect(b"ID3\x04").unwrap().usage.unwrap().characters, Some(7));
        for wrong in [r#"{"model":"m"}"#, r#"{"model":"m","input":7}"#] {
            assert_eq!(parse(wrong).unwrap_err().param(), Some("input"));
        }
    }

    #[test]
    fn an_error_is_no_sound() {
        let request = parse(r#"{"model":"m","input":"x"}"#).unwrap();
        let error = request.inspect(br#"{"error":{"message":"no voice"}}"#);
        assert!(matches!(error, Err(AnswerError::Upstream(said)) if said.message == "no voice"));
        assert_eq!(request.inspect(b""), Err(AnswerError::Malformed));
    }

    #[test]
    fn a_stream_has_token_figures() {
        let request = parse(r#"{"model":"m","input":"x","stream_format":"sse"}"#).unwrap();
        let mut scanner = request.scanner(true).unwrap();
        let done = r#"{"type":"speech.audio.done","usage":{"input_tokens":3,"output_tokens":40,"total_tokens":43}}"#;
        let _ = scanner.push(Bytes::from(format!("data: {done}\n\n")));
        let usage = scanner.facts().usage.unwrap();
        assert!(request.is_streaming() && scanner.facts().is_done);
        assert_eq!((usage.input, usage.audio_output), (Some(3), Some(40)));
    }
}
