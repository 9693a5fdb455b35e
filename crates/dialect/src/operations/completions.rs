//! A text that goes on: OpenAI's older `/v1/completions`.
//!
//! Beside the prompt its fields are those of chat, and so are its splices and its stream. For a
//! provider that has no such endpoint the prompt becomes a message of a chat, and what comes back a
//! completion again: [`OperationRequest::as_conversation`], [`write()`] and [`Encoder`].

mod translate;

use bytes::Bytes;
use megarouter_domain::usage::Usage;
use serde::de::IgnoredAny;
use serde_json::Value;

pub use self::translate::{Encoder, write};
use super::embeddings::counted_input;
use super::{AsConversation, OperationRequest};
use crate::answer::{AnswerError, AnswerFacts};
use crate::fields::{Fields, RequestError};
use crate::openai_chat::request::ChatRequest;
use crate::openai_chat::stream::{Expectations, StreamScanner};
use crate::openai_chat::usage;
use crate::request::{ClientRequest, Echo, RequestFacts, Splice};
use crate::stream::Scan;

/// A checked completions request.
#[derive(Clone, Debug)]
pub struct CompletionsRequest {
    /// The same fields as chat's, but for the prompt.
    inner: ChatRequest,
    /// How many answers for each prompt are generated, of which some may be dropped.
    drafts: u64,
}

impl CompletionsRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// When it is no JSON object, or has no model or no prompt.
    pub fn parse(body: Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(&body)?;
        let drafts = fields.positive("best_of")?.unwrap_or(1);
        let prompts = prompts(fields.required("prompt")?.value);
        let inner = ChatRequest::check(body, |fields| counted_input("prompt", fields.required("prompt")?.value))?;
        let drafts = drafts.max(inner.facts().choices).saturating_mul(prompts);
        Ok(Self { inner, drafts })
    }

    /// What routing and metering need. Each prompt has choices of its own.
    pub fn facts(&self) -> &RequestFacts {
        self.inner.facts()
    }
}

impl OperationRequest for CompletionsRequest {
    fn model(&self) -> &str {
        &self.inner.facts().model
    }

    fn most(&self) -> Usage {
        let facts = self.inner.facts();
        let output = facts.output_bound.map(|bound| bound.saturating_mul(self.drafts));
        Usage { input: Some(facts.counted_input), output, ..Usage::UNREPORTED }
    }

    fn is_streaming(&self) -> bool {
        self.inner.facts().is_streaming
    }

    /// The client's body, but for the provider's model name and, in a stream, the wish for its usage.
    fn splice(&self, upstream_model: &str) -> Bytes {
        let added = Splice { upstream_model, model_is_in_body: true, asks_usage: true, output_bound: None, added: &[] };
        self.inner.splice(&added)
    }

    fn scanner(&self, sends_done: bool) -> Option<Box<dyn Scan>> {
        let facts = self.inner.facts();
        let expectations = Expectations { wants_usage: facts.wants_usage, sends_done, choices: facts.choices };
        Some(Box::new(StreamScanner::new(expectations)))
    }

    /// Fails when there are several prompts, or tokens instead of text: a chat has one text.
    fn as_conversation(&self) -> Option<AsConversation> {
        let echo = Echo { wants_usage: self.inner.facts().wants_usage, ..Echo::default() };
        Some(translate::conversation(self.inner.body()).map(|conversation| (conversation, echo)))
    }

    fn inspect(&self, body: &[u8]) -> Result<AnswerFacts, AnswerError> {
        let answer = super::body::answer(body)?;
        let choices = answer.get("choices").and_then(Value::as_array).ok_or(AnswerError::Malformed)?;
        let usage = answer.get("usage").and_then(usage::from_wire);
        let texts = choices.iter().filter_map(|choice| choice["text"].as_str());
        let output_bytes = if usage.is_some() { 0 } else { texts.map(|text| text.len() as u64).sum() };
        Ok(AnswerFacts { usage, output_bytes, ..super::body::facts(&answer) })
    }
}

/// How many prompts there are: one, unless it is an array of texts or of arrays.
fn prompts(prompt: &str) -> u64 {
    let inner = prompt.trim_start().strip_prefix('[').map(str::trim_start);
    if !inner.is_some_and(|inner| inner.starts_with(['"', '['])) {
        return 1;
    }
    serde_json::from_str::<Vec<IgnoredAny>>(prompt).map_or(1, |all| all.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::StreamEnd;

    fn parse(text: &str) -> Result<CompletionsRequest, RequestError> {
        CompletionsRequest::parse(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn only_the_model_and_the_wish_for_usage_change() {
        let text = r#"{"prompt":"a","model":"m","suffix":"\u00e9"}"#;
        assert_eq!(parse(text).unwrap().splice("up"), text.replace("\"m\"", "\"up\""));
        let stream = r#"{"prompt":"a","model":"m","stream":true}"#;
        let expected = r#"{"stream_options":{"include_usage":true},"prompt":"a","model":"up","stream":true}"#;
        assert_eq!(parse(stream).unwrap().splice("up"), expected);
    }

    #[test]
    fn every_prompt_and_draft_counts() {
        let most = |rest: &str| parse(&format!(r#"{{"model":"m","max_tokens":10,{rest}}}"#)).unwrap().most();
        assert_eq!(most(r#""prompt":"12345678""#).output, Some(10));
        assert_eq!(most(r#""prompt":["a","b"],"n":2,"best_of":3"#).output, Some(60));
        assert_eq!(most(r#""prompt":[1,2,3]"#).input, Some(3));
        assert_eq!(most(r#""prompt":[[1],[2]],"n":2"#).output, Some(40));
        for (wrong, field) in [(r#"{"model":"m"}"#, "prompt"), (r#"{"model":"m","prompt":7}"#, "prompt")] {
            assert_eq!(parse(wrong).unwrap_err().param(), Some(field));
        }
    }

    #[test]
    fn an_answer_is_inspected() {
        let request = parse(r#"{"model":"m","prompt":"a"}"#).unwrap();
        let facts = request.inspect(include_bytes!("../fixtures/operations/completion.json")).unwrap();
        let usage = facts.usage.unwrap();
        assert_eq!(
            (facts.model.as_deref(), usage.input, usage.output),
            (Some("gpt-3.5-turbo-instruct"), Some(5), Some(7))
        );
        let bare = request.inspect(br#"{"choices":[{"text":"1234"}]}"#).unwrap();
        assert_eq!((bare.usage, bare.output_bytes), (None, 4));
        assert_eq!(request.inspect(b"{}"), Err(AnswerError::Malformed));
    }

    #[test]
    fn a_stream_is_watched_as_chats_are() {
        let stream = include_bytes!("../fixtures/operations/completion.sse");
        let request = parse(r#"{"model":"m","prompt":"a","stream":true}"#).unwrap();
        let mut scanner = request.scanner(true).unwrap();
        let scanned = scanner.push(Bytes::from_static(stream));
        assert!(!String::from_utf8_lossy(&scanned.forward).contains("\"usage\":{"));
        assert_eq!(scanner.finish().end, StreamEnd::Done);
        let facts = scanner.facts();
        assert_eq!((facts.has_output, facts.output_bytes, facts.finished_choices), (true, 11, 1));
        assert_eq!(facts.usage.unwrap().output, Some(3));
    }

    #[test]
    fn figures_within_the_last_chunk_become_a_chunk_of_the_same_kind() {
        let asked =
            parse(r#"{"model":"m","prompt":"a","stream":true,"stream_options":{"include_usage":true}}"#).unwrap();
        let mut scanner = asked.scanner(true).unwrap();
        let chunk = r#"{"id":"c","object":"text_completion","model":"m","choices":[{"text":"a","index":0,"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}"#;
        let scanned = scanner.push(Bytes::from(format!("data: {chunk}\n\ndata: [DONE]\n\n")));
        let text = String::from_utf8(scanned.forward.to_vec()).unwrap();
        assert!(
            text.contains(
                r#""object":"text_completion","created":0,"model":"m","choices":[],"usage":{"prompt_tokens":1}}"#
            ),
            "{text}"
        );
    }
}
