//! An answer that came whole: it is inspected and passed on byte for byte.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{error, usage};
use crate::answer::{AnswerError, AnswerFacts};

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
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
}

/// Reads an answer.
///
/// # Errors
/// When it is an error in disguise, or no chat completion.
pub fn inspect(body: &[u8]) -> Result<AnswerFacts, AnswerError> {
    let completion: Completion<'_> = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    if let Some(said) = completion.error.as_ref().and_then(error::from_value) {
        return Err(AnswerError::Upstream(said));
    }
    let choices = completion.choices.ok_or(AnswerError::Malformed)?;
    let usage = completion.usage.as_ref().and_then(usage::from_wire);
    let output_bytes = if usage.is_some() { 0 } else { choices.iter().map(Choice::generated_bytes).sum() };
    Ok(AnswerFacts {
        usage,
        model: completion.model.map(Cow::into_owned),
        id: completion.id.map(Cow::into_owned),
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
            assert_eq!(inspect(body.as_bytes()), Err(AnswerError::Malformed), "{body}");
        }
        let disguised = inspect(br#"{"error":{"message":"overloaded","code":529}}"#);
        assert!(matches!(disguised, Err(AnswerError::Upstream(said)) if said.message == "overloaded"));
    }
}
