//! A recording written down: OpenAI's `/v1/audio/transcriptions`.
//!
//! The request is a form with a file in it. The answer says what it took in tokens or in seconds, or
//! not at all where the client wants plain text (OpenAI API reference, "Create transcription", read
//! 2026-11-22).

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use megarouter_domain::usage::Usage;
use serde_json::Value;

use super::OperationRequest;
use super::body;
use super::events::EventWatch;
use super::form;
use crate::answer::{AnswerError, AnswerFacts};
use crate::fields::RequestError;
use crate::openai_chat;
use crate::splice;
use crate::stream::Scan;

/// Recordings of speech have at least 16 kbit/s: two bytes for each millisecond.
const LEAST_BYTES_OF_A_MS: u64 = 2;

/// A checked transcription request.
#[derive(Clone, Debug)]
pub struct TranscriptionsRequest {
    body: Bytes,
    content_type: String,
    model: String,
    model_span: Range<usize>,
    length: Length,
    is_streaming: bool,
    is_json: bool,
}

/// How long the recording is, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// Its head says so.
    Known(u64),
    /// No longer than this.
    AtMost(u64),
}

impl TranscriptionsRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// When it is no form, or has no model or no file.
    pub fn parse(content_type: &str, body: Bytes) -> Result<Self, RequestError> {
        let fields = form::fields(&body, &form::boundary(content_type)?)?;
        let find = |name: &str| fields.iter().find(|field| field.name == name);
        let text = |name: &str| find(name).and_then(|field| std::str::from_utf8(&body[field.span.clone()]).ok());
        let model = text("model").ok_or(RequestError::Missing("model"))?.to_owned();
        if model.trim().is_empty() {
            return Err(RequestError::Invalid { field: "model", problem: "must not be empty" });
        }
        let model_span = find("model").ok_or(RequestError::Missing("model"))?.span.clone();
        let file = find("file").filter(|field| field.is_file).ok_or(RequestError::Missing("file"))?;
        let length = length(&body[file.span.clone()]);
        let is_streaming = text("stream").is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
        let is_json = !matches!(text("response_format"), Some("text" | "srt" | "vtt"));
        let content_type = content_type.to_owned();
        Ok(Self { content_type, model, model_span, length, is_streaming, is_json, body })
    }

    /// The length where the recording itself told it.
    fn told(&self) -> Option<Usage> {
        match self.length {
            Length::Known(audio_ms) => Some(of_length(audio_ms)),
            Length::AtMost(_) => None,
        }
    }
}

impl OperationRequest for TranscriptionsRequest {
    fn model(&self) -> &str {
        &self.model
    }

    fn most(&self) -> Usage {
        let (Length::Known(audio_ms) | Length::AtMost(audio_ms)) = self.length;
        of_length(audio_ms)
    }

    fn is_streaming(&self) -> bool {
        self.is_streaming
    }

    fn splice(&self, upstream_model: &str) -> Bytes {
        if upstream_model == self.model {
            return self.body.clone();
        }
        splice::apply(&self.body, vec![(self.model_span.clone(), upstream_model.as_bytes().to_vec())])
    }

    fn content_type(&self) -> &str {
        &self.content_type
    }

    fn scanner(&self, _sends_done: bool) -> Option<Box<dyn Scan>> {
        Some(Box::new(EventWatch::new(&["transcript.text.done"], figures)))
    }

    fn inspect(&self, body: &[u8]) -> Result<AnswerFacts, AnswerError> {
        if !self.is_json {
            // Plain text says nothing of itself; an error is JSON all the same.
            if let Some(said) = body.starts_with(b"{").then(|| openai_chat::error::parse(body)).flatten() {
                return Err(AnswerError::Upstream(said));
            }
            return Ok(AnswerFacts { usage: self.told(), ..AnswerFacts::default() });
        }
        let answer = body::answer(body)?;
        let text = answer.get("text").and_then(Value::as_str).ok_or(AnswerError::Malformed)?;
        let output_bytes = text.len() as u64;
        let facts = body::facts(&answer);
        let usage = figures(&Value::Object(answer)).or_else(|| self.told());
        Ok(AnswerFacts { usage, output_bytes: if usage.is_some() { 0 } else { output_bytes }, ..facts })
    }
}

fn of_length(audio_ms: u64) -> Usage {
    Usage { audio_ms: Some(audio_ms), ..Usage::UNREPORTED }
}

/// The figures of an answer or of an event: tokens, seconds, or the length beside the text.
fn figures(answer: &Value) -> Option<Usage> {
    let usage = &answer["usage"];
    if usage["input_tokens"].is_u64() {
        return Some(tokens(usage));
    }
    // Groq and vLLM use the names of chat.
    if usage["prompt_tokens"].is_u64() {
        return openai_chat::usage::from_wire(usage);
    }
    let seconds = usage["seconds"].as_f64().or_else(|| answer["duration"].as_f64());
    // Older servers write the length as text.
    let seconds = seconds.or_else(|| answer["duration"].as_str()?.parse().ok())?;
    let length = Duration::try_from_secs_f64(seconds).ok()?;
    u64::try_from(length.as_millis()).ok().map(of_length)
}

fn tokens(usage: &Value) -> Usage {
    let input = usage["input_tokens"].as_u64();
    let heard = usage["input_token_details"]["audio_tokens"].as_u64();
    let (input, audio_input) = match (input, heard) {
        (Some(input), Some(heard)) => (Some(input.saturating_sub(heard)), Some(heard.min(input))),
        // What a model heard is sound, unless it says otherwise.
        (input, _) => (None, input),
    };
    Usage { input, audio_input, output: usage["output_tokens"].as_u64(), ..Usage::UNREPORTED }
}

/// The length of a recording: exact for WAV, whose head has the bytes of a second, else the longest
/// that so many bytes can be.
fn length(file: &[u8]) -> Length {
    wav_ms(file).map_or(Length::AtMost(file.len() as u64 / LEAST_BYTES_OF_A_MS), Length::Known)
}

fn wav_ms(file: &[u8]) -> Option<u64> {
    if !file.starts_with(b"RIFF") || file.get(8..12)? != b"WAVE" {
        return None;
    }
    let (mut at, mut bytes_of_a_second) = (12, None);
    loop {
        let name = file.get(at..at + 4)?;
        let size = u32::from_le_bytes(file.get(at + 4..at + 8)?.try_into().ok()?);
        match name {
            b"fmt " => {
                let rate = u32::from_le_bytes(file.get(at + 16..at + 20)?.try_into().ok()?);
                bytes_of_a_second = Some(u64::from(rate)).filter(|rate| *rate > 0);
            }
            // A recording that was written while it ran has no size: then it is what is there.
            b"data" => {
                let here = file.len() as u64 - (at as u64 + 8);
                return Some(here.saturating_mul(1_000).div_ceil(bytes_of_a_second?));
            }
            _ => {}
        }
        at = at.checked_add(8)?.checked_add(usize::try_from(size).ok()?.next_multiple_of(2))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::StreamEnd;
    use proptest::prelude::*;

    const TYPE: &str = "multipart/form-data; boundary=b";

    fn form(fields: &[(&str, &str)], file: &[u8]) -> Vec<u8> {
        let mut body = vec![];
        for (name, value) in fields {
            body.extend_from_slice(
                format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes(),
            );
        }
        body.extend_from_slice(
            b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n",
        );
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--b--\r\n");
        body
    }

    fn parse(fields: &[(&str, &str)], file: &[u8]) -> Result<TranscriptionsRequest, RequestError> {
        TranscriptionsRequest::parse(TYPE, Bytes::from(form(fields, file)))
    }

    /// A second and a half of 16 kHz, 16 bits, one channel.
    fn wav() -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        file.extend_from_slice(&16_000_u32.to_le_bytes());
        file.extend_from_slice(&32_000_u32.to_le_bytes());
        file.extend_from_slice(b"\x02\0\x10\0LIST\x03\0\0\0abc\0data");
        file.extend_from_slice(&u32::MAX.to_le_bytes());
        file.extend_from_slice(&vec![0; 48_000]);
        file
    }

    fn usage(request: &TranscriptionsRequest, body: &[u8]) -> Usage {
        request.inspect(body).unwrap().usage.unwrap()
    }

    #[test]
    fn only_the_model_changes() {
        let file = b"\x00\r\n--c\xff".as_slice();
        let request = parse(&[("model", "whisper-1"), ("language", "de")], file).unwrap();
        assert_eq!(request.model(), "whisper-1");
        assert_eq!(request.content_type(), TYPE);
        assert_eq!(request.splice("up/whisper"), form(&[("model", "up/whisper"), ("language", "de")], file));
    }

    #[test]
    fn refusals_name_their_field() {
        assert_eq!(parse(&[], b"x").unwrap_err().param(), Some("model"));
        assert_eq!(parse(&[("model", " ")], b"x").unwrap_err().param(), Some("model"));
        let no_file = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--\r\n";
        let no_file = TranscriptionsRequest::parse(TYPE, Bytes::from(no_file));
        assert_eq!(no_file.unwrap_err().param(), Some("file"));
        assert!(TranscriptionsRequest::parse("application/json", Bytes::from("{}")).is_err());
    }

    #[test]
    fn the_length_is_exact_for_wav_and_at_most_that_for_others() {
        assert_eq!(parse(&[("model", "m")], &wav()).unwrap().most().audio_ms, Some(1_500));
        assert_eq!(parse(&[("model", "m")], &[0; 4_000]).unwrap().most().audio_ms, Some(2_000));
    }

    #[test]
    fn figures_are_read_in_every_shape() {
        let request = parse(&[("model", "m")], b"x").unwrap();
        let of_tokens = usage(&request, include_bytes!("../fixtures/operations/transcription.json"));
        assert_eq!((of_tokens.input, of_tokens.audio_input, of_tokens.output), (Some(4), Some(14), Some(101)));
        let seconds = usage(&request, br#"{"text":"hi","usage":{"type":"duration","seconds":27}}"#);
        assert_eq!(seconds.audio_ms, Some(27_000));
        assert_eq!(usage(&request, br#"{"text":"hi","duration":8.4700001}"#).audio_ms, Some(8_470));
        assert_eq!(usage(&request, br#"{"text":"hi","duration":"8.47"}"#).audio_ms, Some(8_470));
        let none = request.inspect(br#"{"text":"hi"}"#).unwrap();
        assert_eq!((none.usage, none.output_bytes), (None, 2));
        assert_eq!(request.inspect(b"{}"), Err(AnswerError::Malformed));
    }

    #[test]
    fn plain_text_is_charged_by_what_the_recording_says() {
        let request = parse(&[("model", "m"), ("response_format", "srt")], &wav()).unwrap();
        assert_eq!(usage(&request, b"1\n00:00:00,000 --> 00:00:01,500\nhi\n").audio_ms, Some(1_500));
        let error = request.inspect(br#"{"error":{"message":"no"}}"#);
        assert!(matches!(error, Err(AnswerError::Upstream(said)) if said.message == "no"));
    }

    #[test]
    fn a_stream_ends_with_its_figures() {
        let request = parse(&[("model", "m"), ("stream", "true")], b"x").unwrap();
        let mut scanner = request.scanner(true).unwrap();
        let done = r#"{"type":"transcript.text.done","text":"hi","usage":{"type":"tokens","input_tokens":9,"output_tokens":2}}"#;
        let _ = scanner.push(Bytes::from(format!("data: {done}\n\n")));
        assert_eq!(scanner.finish().end, StreamEnd::Done);
        assert_eq!(scanner.facts().usage.unwrap().audio_input, Some(9));
        assert!(request.is_streaming());
    }

    proptest! {
        #[test]
        fn a_broken_wav_never_panics(cut in 0_usize..60, place in 12_usize..44, byte: u8) {
            let mut file = wav();
            file[place] = byte;
            let _ = length(&file[..cut]);
            let _ = length(&file);
        }
    }
}
