//! An answer that came whole: to a client of this dialect it is inspected and passed on byte for
//! byte, for others it is read, and what others answered is written.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::client_tools::as_client_knows_it;
use super::finish;
use super::read::{answer_parts, string, take};
use super::write::{answer_image, wire_call};
use super::{error, usage};
use crate::answer::{AnswerError, AnswerFacts};
use crate::canonical::{Answer, Choice as Said, Finish, Media, MediaKind, MediaSource, Part};
use crate::request::Echo;

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
    #[serde(borrow, default)]
    service_tier: Option<Cow<'a, str>>,
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
    let usage = usage::with_tier(usage, completion.service_tier.as_deref());
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

/// Reads a whole answer.
///
/// # Errors
/// When it is an error in disguise, or no chat completion.
pub fn read(body: &[u8]) -> Result<Answer, AnswerError> {
    let mut completion: Value = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    if let Some(said) = completion.get("error").filter(|error| !error.is_null()).and_then(error::from_value) {
        return Err(AnswerError::Upstream(said));
    }
    let id = string(take(&mut completion, "id")).filter(|id| !id.is_empty());
    let Value::Array(choices) = take(&mut completion, "choices") else { return Err(AnswerError::Malformed) };
    let service_tier = string(take(&mut completion, "service_tier"));
    let figures = [&completion["usage"], &completion["x_groq"]["usage"]];
    let usage = figures.into_iter().find_map(usage::from_wire);
    let mut made_ids = made_ids(id.clone());
    let choices = choices.into_iter().map(|choice| read_choice(choice, &mut made_ids)).collect();
    Ok(Answer {
        model: string(take(&mut completion, "model")).filter(|model| !model.is_empty()),
        created: completion["created"].as_i64(),
        choices,
        usage: usage::with_tier(usage, service_tier.as_deref()),
        service_tier,
        id,
    })
}

/// Ids for calls that came without, unlike those of other answers.
fn made_ids(answer: Option<String>) -> impl FnMut() -> String {
    let mut made = 0;
    move || {
        made += 1;
        made_id(answer.as_deref().unwrap_or_default(), made)
    }
}

/// The id of an answer's n-th call that came without one.
pub fn made_id(answer: &str, nth: usize) -> String {
    let tail: String = answer.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("call_{}{nth}", &tail[tail.len().saturating_sub(24)..])
}

fn read_choice(mut choice: Value, made_id: &mut impl FnMut() -> String) -> Said {
    let mut message = take(&mut choice, "message");
    let parts = answer_parts(&mut message, made_id);
    let has_calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    let finish = choice["finish_reason"].as_str().and_then(|reason| finish::read(reason, has_calls));
    Said { parts, finish, logprobs: Some(take(&mut choice, "logprobs")).filter(|logprobs| !logprobs.is_null()) }
}

/// Writes an answer.
pub fn write(answer: Answer, echo: &Echo) -> Bytes {
    let Answer { id, model, created, choices, usage, service_tier } = answer;
    let created = created.unwrap_or(echo.created);
    let mut written = Map::new();
    written.insert("id".to_owned(), id.unwrap_or_else(|| format!("chatcmpl-{}", echo.id)).into());
    written.insert("object".to_owned(), "chat.completion".into());
    written.insert("created".to_owned(), created.into());
    written.insert("model".to_owned(), model.unwrap_or_else(|| echo.model.clone()).into());
    let choices = choices.into_iter().enumerate().map(|(index, said)| write_choice(index, said, created, echo));
    written.insert("choices".to_owned(), choices.collect());
    if let Some(usage) = usage {
        written.insert("usage".to_owned(), usage::to_wire(&usage));
    }
    if let Some(tier) = service_tier {
        written.insert("service_tier".to_owned(), tier.into());
    }
    serde_json::to_vec(&written).expect("a JSON value always serialises").into()
}

fn write_choice(index: usize, said: Said, created: i64, echo: &Echo) -> Value {
    let mut message = Message::default();
    for part in said.parts {
        message.push(part, created, echo);
    }
    let has_calls = !message.calls.is_empty();
    let finish = finish::write(said.finish.as_ref().unwrap_or(&Finish::Stop), has_calls);
    json!({
        "index": index,
        "message": message.into_object(),
        "logprobs": said.logprobs,
        "finish_reason": finish,
    })
}

/// The message of a choice.
#[derive(Default)]
struct Message {
    text: Option<String>,
    reasoning: String,
    refusal: Option<String>,
    calls: Vec<Value>,
    images: Vec<Value>,
    audio: Option<Value>,
    annotations: Vec<Value>,
}

impl Message {
    fn push(&mut self, part: Part, created: i64, echo: &Echo) {
        match part {
            Part::Text(text) => {
                self.text.get_or_insert_default().push_str(&text.text);
                self.annotations.extend(text.citations.into_iter().filter(is_annotation));
            }
            Part::Reasoning(thought) => self.reasoning.push_str(&thought.text),
            Part::Refusal(text) => self.refusal.get_or_insert_default().push_str(&text),
            Part::ToolCall(call) => {
                let call = as_client_knows_it(call, echo);
                self.calls.push(wire_call(&call.id, &call, true));
            }
            Part::Media(media) if media.kind == MediaKind::Audio => {
                self.audio = self.audio.take().or_else(|| answer_audio(&media, created, echo));
            }
            Part::Media(media) => self.images.extend(answer_image(&media)),
            Part::ToolResult(_) => {}
        }
    }

    fn into_object(self) -> Map<String, Value> {
        let mut message = Map::new();
        message.insert("role".to_owned(), "assistant".into());
        message.insert("content".to_owned(), self.text.into());
        message.insert("refusal".to_owned(), self.refusal.into());
        if !self.reasoning.is_empty() {
            message.insert("reasoning_content".to_owned(), self.reasoning.into());
        }
        if let Some(audio) = self.audio {
            message.insert("audio".to_owned(), audio);
        }
        for (name, items) in [("tool_calls", self.calls), ("images", self.images), ("annotations", self.annotations)] {
            if !items.is_empty() {
                message.insert(name.to_owned(), items.into());
            }
        }
        message
    }
}

/// True for a source in this dialect's form; those of others cannot be shown.
pub fn is_annotation(citation: &Value) -> bool {
    citation["type"] == "url_citation" && citation["url_citation"].is_object()
}

/// Speech in OpenAI's form. The id names something that OpenAI keeps for an hour; here it names
/// nothing, and the official SDKs want it all the same.
pub fn answer_audio(media: &Media, created: i64, echo: &Echo) -> Option<Value> {
    let MediaSource::Base64(sound) = &media.source else { return None };
    let id = format!("audio_{}", echo.id);
    Some(json!({"id": id, "data": sound, "transcript": "", "expires_at": created.saturating_add(3600)}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use megarouter_domain::usage::ServiceTier;

    const TOOLS: &[u8] = include_bytes!("../fixtures/openai_chat/answer_tools.json");
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
    fn the_service_tier_is_beside_the_figures() {
        let usage = inspect(TOOLS).unwrap().usage.unwrap();
        assert_eq!((usage.service_tier, usage.reasoning), (Some(ServiceTier::Priority), Some(4)));
    }

    #[test]
    fn an_answer_with_calls_is_read_and_written_as_it_was() {
        let answer = read(TOOLS).unwrap();
        insta::assert_debug_snapshot!(answer);
        let written: Value = serde_json::from_slice(&write(answer, &Echo::default())).unwrap();
        let mut sent: Value = serde_json::from_slice(TOOLS).unwrap();
        // The fingerprint is OpenAI's own; details that are 0 stay.
        sent.as_object_mut().unwrap().remove("system_fingerprint");
        assert_eq!(written, sent);
    }

    #[test]
    fn an_answer_without_names_gets_those_of_the_request() {
        let echo = Echo { id: "7".to_owned(), model: "m".to_owned(), created: 3, ..Echo::default() };
        let written: Value = serde_json::from_slice(&write(Answer::default(), &echo)).unwrap();
        let expected =
            json!({"id": "chatcmpl-7", "object": "chat.completion", "created": 3, "model": "m", "choices": []});
        assert_eq!(written, expected);
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
