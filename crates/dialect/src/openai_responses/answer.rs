//! Answers that came whole: inspected on their way to a client of the same dialect, read and written
//! for others.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::encode::Encoder;
use super::{decode, error, usage};
use crate::answer::{AnswerError, AnswerFacts};
use crate::canonical::{Answer, Collector, Delta, Event, Opening};
use crate::request::Echo;
use crate::stream::Encode;

/// A response, as far as it is needed without its output.
#[derive(Deserialize)]
struct Response<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(default)]
    usage: Option<Value>,
}

/// Looks at an answer.
///
/// # Errors
/// When it is an error in disguise, or no response.
pub fn inspect(body: &[u8]) -> Result<AnswerFacts, AnswerError> {
    let response: Response<'_> = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    let error = response.error.as_ref().filter(|error| !error.is_null());
    if error.is_some() || response.status.as_deref() == Some("failed") {
        let event = serde_json::json!({"error": error});
        return Err(AnswerError::Upstream(error::from_event(&event)));
    }
    let output = response.output.filter(|output| output.get().starts_with('[')).ok_or(AnswerError::Malformed)?;
    let usage = response.usage.as_ref().and_then(usage::from_wire);
    let output_bytes = if usage.is_some() { 0 } else { generated_bytes(output) };
    Ok(AnswerFacts { usage, model: response.model, id: response.id, output_bytes })
}

/// Reads an answer.
///
/// # Errors
/// When it is an error in disguise, or no response.
pub fn read(body: &[u8]) -> Result<Answer, AnswerError> {
    inspect(body)?;
    let response: &RawValue = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    let mut collector = Collector::default();
    for event in decode::whole(response) {
        collector.push(event);
    }
    Ok(collector.finish())
}

/// Writes an answer: what a stream of it would end with.
pub fn write(answer: Answer, echo: &Echo) -> Bytes {
    let (mut encoder, mut stream) = (Encoder::new(echo.clone()), bytes::BytesMut::new());
    for event in in_order(answer.events()) {
        encoder.write(event, &mut stream);
    }
    encoder.into_response().to_string().into()
}

/// Probabilities of a whole answer come behind all of its parts; they belong to its first text.
fn in_order(mut events: Vec<Event>) -> Vec<Event> {
    let is_logprobs = |event: &Event| matches!(event, Event::Delta { choice: 0, delta: Delta::Logprobs(_), .. });
    let Some(place) = events.iter().position(is_logprobs) else { return events };
    let text = events.iter().find_map(|event| match event {
        Event::Open { choice: 0, part, opening: Opening::Text } => Some(*part),
        _ => None,
    });
    let closed =
        events.iter().position(|event| matches!(event, Event::Close { choice: 0, part } if Some(*part) == text));
    if let (Some(closed), Some(part)) = (closed.filter(|closed| *closed < place), text) {
        let mut event = events.remove(place);
        if let Event::Delta { part: own, .. } = &mut event {
            *own = part;
        }
        events.insert(closed, event);
    }
    events
}

fn generated_bytes(output: &RawValue) -> u64 {
    let items: Vec<Value> = serde_json::from_str(output.get()).unwrap_or_default();
    let length = |value: &Value| value.as_str().map_or(0, str::len) as u64;
    let texts = |item: &Value, list: &str| -> u64 {
        let parts = item[list].as_array().map(Vec::as_slice).unwrap_or_default();
        parts.iter().map(|part| length(&part["text"]) + length(&part["refusal"])).sum()
    };
    items
        .iter()
        .map(|item| {
            texts(item, "content") + texts(item, "summary") + length(&item["arguments"]) + length(&item["input"])
        })
        .sum()
}

#[cfg(test)]
mod tests;
