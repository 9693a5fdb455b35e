//! One call of a replay, through the gateway and with the playground's key.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use megarouter_api::context::Context;
use megarouter_domain::access::Principal;
use megarouter_domain::id::RequestId;
use megarouter_domain::price::Cost;
use megarouter_domain::record::{Operation, UsageRecord};
use megarouter_store::settings::replays::{ReplayAnswer, ReplayItem};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::sleep;

/// The longest answer, in bytes.
const MOST_BYTES: usize = 4 << 20;
/// How often the ledger is asked for a call that it is just writing.
const LOOKS: u32 = 100;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What came of a call.
pub(super) struct Called {
    pub request_id: Option<RequestId>,
    /// The answer's text, or why there is none.
    pub text: Result<String, String>,
    pub cost: Option<Cost>,
    pub total: Duration,
    pub output_tokens: Option<u64>,
}

/// The texts within an answer, in any of the dialects.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    choices: Vec<Choice>,
    content: Vec<Part>,
    output: Vec<Item>,
    candidates: Vec<Candidate>,
    error: Option<Problem>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice {
    message: Message,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message {
    content: Option<String>,
    tool_calls: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item {
    content: Vec<Part>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Candidate {
    content: Parts,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parts {
    parts: Vec<Part>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Part {
    text: Option<String>,
    /// Of a part that is the model's thoughts.
    thought: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    message: String,
}

/// Asks a candidate what a prompt asks.
pub(super) async fn ask(context: &Context, item: &ReplayItem, position: u32, model: &str) -> ReplayAnswer {
    let called = call(context, item.operation, &item.body, model).await;
    let (text, error) = match called.text {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(error)),
    };
    ReplayAnswer {
        position,
        model: model.to_owned(),
        request_id: called.request_id,
        text,
        error,
        cost: called.cost,
        total_ms: Some(u32::try_from(called.total.as_millis()).unwrap_or(u32::MAX)),
        output_tokens: called.output_tokens,
    }
}

/// Sends a body to a model and waits until the ledger knows what it cost.
pub(super) async fn call(context: &Context, operation: Operation, body: &str, model: &str) -> Called {
    let begin = context.clock.monotonic();
    let sent = async {
        let principal = playground(context).await?;
        let response = context.gateway.serve_as(principal, request(operation, body, model)?).await;
        let (parts, body) = response.into_parts();
        let read = Limited::new(body, MOST_BYTES).collect().await;
        let bytes = read.map_err(|_| "the answer broke off, or is longer than 4 MiB".to_owned())?.to_bytes();
        let text = if parts.status.is_success() { text_of(&bytes) } else { Err(problem_of(&bytes)) };
        Ok((request_id(&parts.headers), text))
    };
    let (request_id, text) = match sent.await {
        Ok(sent) => sent,
        Err(error) => (None, Err(error)),
    };
    let total = context.clock.monotonic().saturating_sub(begin);
    let record = match request_id {
        Some(id) => recorded(context, id).await,
        None => None,
    };
    Called {
        request_id,
        text,
        cost: record.as_ref().map(|record| record.cost),
        total,
        output_tokens: record.and_then(|record| record.usage.total_output()),
    }
}

async fn playground(context: &Context) -> Result<Principal, String> {
    let everything = context.everything().await.map_err(|error| error.message)?;
    let snapshot = context.gateway.snapshot();
    let key = snapshot.key(everything.playground_key).cloned();
    key.map(|key| Principal { key }).ok_or_else(|| "the playground's own key is not in force".to_owned())
}

/// The record of a call, once the ledger has it.
async fn recorded(context: &Context, id: RequestId) -> Option<UsageRecord> {
    for _ in 0..LOOKS {
        if let Ok(Some(detail)) = context.ledger.request(id).await {
            return Some(detail.record);
        }
        sleep(LOOK_AGAIN).await;
    }
    None
}

fn request(operation: Operation, body: &str, model: &str) -> Result<Request<Full<Bytes>>, String> {
    let path = match operation {
        Operation::ChatCompletions => "/v1/chat/completions".to_owned(),
        Operation::Responses => "/v1/responses".to_owned(),
        Operation::Messages => "/v1/messages".to_owned(),
        Operation::GenerateContent => format!("/v1beta/models/{model}:generateContent"),
        other => return Err(format!("requests of the kind {} cannot be asked again", other.as_str())),
    };
    let body = body_for(operation, body, model).map_err(|_| "the body is no JSON object, or not all of it was kept")?;
    let request =
        Request::post(path).header(CONTENT_TYPE, "application/json").header("user-agent", "MegaRouter replay");
    request.body(Full::new(body.into())).map_err(|_| "the model's name cannot stand in an address".to_owned())
}

/// The body with the candidate's name, to be answered at once.
fn body_for(operation: Operation, body: &str, model: &str) -> Result<Vec<u8>, serde_json::Error> {
    let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(body)?;
    fields.remove("stream_options");
    if operation != Operation::GenerateContent {
        fields.insert("model".to_owned(), to_raw_value(model)?);
        fields.insert("stream".to_owned(), to_raw_value(&false)?);
    }
    serde_json::to_vec(&fields)
}

fn request_id(headers: &HeaderMap) -> Option<RequestId> {
    headers.get("x-request-id")?.to_str().ok()?.parse().ok()
}

/// What an answer says: its texts, or the tools it calls.
fn text_of(bytes: &[u8]) -> Result<String, String> {
    let answer: Answer = serde_json::from_slice(bytes).map_err(|_| "the answer cannot be read".to_owned())?;
    let said = answer.choices.iter().filter_map(|choice| choice.message.content.clone());
    let parts = answer.content.iter().chain(answer.output.iter().flat_map(|item| &item.content));
    let parts = parts.chain(answer.candidates.iter().flat_map(|candidate| &candidate.content.parts));
    let texts = parts.filter(|part| !part.thought).filter_map(|part| part.text.clone());
    let text = said.chain(texts).collect::<Vec<_>>().join("\n");
    if !text.is_empty() {
        return Ok(text);
    }
    let calls = answer.choices.iter().find_map(|choice| choice.message.tool_calls.as_deref());
    Ok(calls.map(|calls| calls.get().to_owned()).unwrap_or_default())
}

fn problem_of(bytes: &[u8]) -> String {
    let answer: Option<Answer> = serde_json::from_slice(bytes).ok();
    let message = answer.and_then(|answer| answer.error).map(|error| error.message);
    message.filter(|message| !message.is_empty()).unwrap_or_else(|| "the call failed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_gets_the_candidates_name_and_is_not_streamed() {
        let body = r#"{"model":"old","messages":[{"role":"user","content":"1.0"}],"stream":true,"stream_options":{},"n":1.50}"#;
        let sent = body_for(Operation::ChatCompletions, body, "new").unwrap();
        let expected = r#"{"messages":[{"role":"user","content":"1.0"}],"model":"new","n":1.50,"stream":false}"#;
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
        assert!(body_for(Operation::Messages, &body[..40], "new").is_err());
        let request = request(Operation::GenerateContent, r#"{"contents":[]}"#, "g-1").unwrap();
        assert_eq!(request.uri().path(), "/v1beta/models/g-1:generateContent");
        assert!(super::request(Operation::Images, "{}", "m").is_err());
    }

    #[test]
    fn the_text_of_an_answer_is_found_in_every_dialect() {
        let answers = [
            r#"{"choices":[{"message":{"role":"assistant","content":"hello"}}]}"#,
            r#"{"type":"message","content":[{"type":"thinking","thinking":"x"},{"type":"text","text":"hello"}]}"#,
            r#"{"output":[{"type":"reasoning"},{"type":"message","content":[{"type":"output_text","text":"hello"}]}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"mmh","thought":true},{"text":"hello"}]}}]}"#,
        ];
        for answer in answers {
            assert_eq!(text_of(answer.as_bytes()).unwrap(), "hello", "{answer}");
        }
        let tools = br#"{"choices":[{"message":{"content":null,"tool_calls":[{"id":"1"}]}}]}"#;
        assert_eq!(text_of(tools).unwrap(), r#"[{"id":"1"}]"#);
        assert_eq!(problem_of(br#"{"error":{"message":"no such model"}}"#), "no such model");
        assert_eq!(problem_of(b"<html>"), "the call failed");
    }
}
