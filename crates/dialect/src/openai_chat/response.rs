//! An answer that came whole: it is inspected and passed on byte for byte.

use std::borrow::Cow;

use megarouter_domain::usage::Usage;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use super::error::{self, UpstreamErrorBody};
use super::usage;
use crate::estimate;

/// What an answer says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The provider's figures; `None` when it gave none.
    pub usage: Option<Usage>,
    /// The provider's name of the model.
    pub model: Option<String>,
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// Why the first choice ended.
    pub finish_reason: Option<String>,
    /// Bytes of generated text, for an estimate; counted only when there are no figures.
    pub output_bytes: u64,
}

impl Answer {
    /// Output tokens, estimated from the text.
    pub fn counted_output(&self) -> u64 {
        estimate::tokens(self.output_bytes)
    }
}

/// Why a body with a good status is no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ResponseError {
    /// Not the JSON object it should be.
    #[error("the provider answered with something that is no answer of this kind")]
    Malformed,
    /// An error under a good status.
    #[error("the provider answered with an error")]
    Upstream(UpstreamErrorBody),
}

#[derive(Deserialize)]
struct Completion<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
}

/// Reads an answer.
///
/// # Errors
/// When it is an error in disguise, or no chat completion.
pub fn inspect(body: &[u8]) -> Result<Answer, ResponseError> {
    let completion: Completion<'_> = serde_json::from_slice(body).map_err(|_| ResponseError::Malformed)?;
    if let Some(said) = completion.error.as_ref().and_then(error::from_value) {
        return Err(ResponseError::Upstream(said));
    }
    let choices = completion.choices.ok_or(ResponseError::Malformed)?;
    let usage = completion.usage.as_ref().and_then(usage::from_wire);
    let output_bytes = if usage.is_some() { 0 } else { choices.iter().map(Choice::generated_bytes).sum() };
    Ok(Answer {
        usage,
        model: completion.model.map(Cow::into_owned),
        id: completion.id.map(Cow::into_owned),
        finish_reason: choices.into_iter().next().and_then(|choice| choice.finish_reason),
        output_bytes,
    })
}

impl Choice<'_> {
    fn generated_bytes(&self) -> u64 {
        let message = self.message.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or(Value::Null);
        let text = ["content", "reasoning_content", "reasoning", "refusal"]
            .iter()
            .filter_map(|field| message[field].as_str())
            .map(|text| text.len() as u64);
        let calls = message["tool_calls"].as_array().map(|_| message["tool_calls"].to_string().len() as u64);
        text.chain(calls).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = include_bytes!("../fixtures/openai_chat/answer.json");

    #[test]
    fn facts_of_an_answer_are_read() {
        let answer = inspect(WHOLE).unwrap();
        assert_eq!(answer.model.as_deref(), Some("gpt-4o-mini-2024-07-18"));
        assert_eq!(answer.finish_reason.as_deref(), Some("stop"));
        let usage = answer.usage.unwrap();
        assert_eq!(
            (usage.input, usage.cached_read, usage.output, usage.reasoning),
            (Some(19), Some(0), Some(10), Some(0))
        );
    }

    #[test]
    fn an_answer_without_figures_is_counted_by_its_text() {
        let body = br#"{"choices":[{"message":{"content":"12345678","reasoning_content":"1234"}}]}"#;
        let answer = inspect(body).unwrap();
        assert_eq!((answer.usage, answer.output_bytes, answer.counted_output()), (None, 12, 4));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for body in
            ["", "<html>busy</html>", "{}", "[]", "null", r#"{"choices":"none"}"#, r#"{"object":"list","data":[]}"#]
        {
            assert_eq!(inspect(body.as_bytes()), Err(ResponseError::Malformed), "{body}");
        }
        let disguised = inspect(br#"{"error":{"message":"overloaded","code":529}}"#);
        assert!(matches!(disguised, Err(ResponseError::Upstream(said)) if said.message == "overloaded"));
    }
}
