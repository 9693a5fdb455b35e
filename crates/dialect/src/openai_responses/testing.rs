//! What the tests of this dialect share: fixtures, cuts, and a check that a stream is legal.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::decode::Decoder;
use super::encode::Encoder;
use crate::canonical::{Answer, Collector, Event};
use crate::request::Echo;
use crate::sse;
use crate::stream::{Decode, Encode, ScanError};

macro_rules! fixtures {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("../fixtures/openai_responses/", $name, ".sse")))),+]
    };
}

/// Streams, by name.
pub const FIXTURES: &[(&str, &[u8])] = fixtures!["text", "tools", "refusal", "incomplete", "failed", "items_only"];

/// A request as Codex sends it.
pub const CODEX: &[u8] = include_bytes!("../fixtures/openai_responses/codex_request.json");

/// A request with a text as its input.
pub const PLAIN: &[u8] = include_bytes!("../fixtures/openai_responses/plain_request.json");

/// An answer that came whole.
pub const ANSWER: &[u8] = include_bytes!("../fixtures/openai_responses/answer.json");

/// A stream by name.
pub fn fixture(name: &str) -> &'static [u8] {
    FIXTURES.iter().find(|(own, _)| *own == name).unwrap().1
}

/// Bytes cut into pieces.
pub fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = vec![];
    let mut at = 0;
    for place in places {
        pieces.push(&bytes[at..place]);
        at = place;
    }
    pieces.push(&bytes[at..]);
    pieces
}

/// The events of a stream that arrives in pieces.
pub fn decode(pieces: &[&[u8]]) -> Result<Vec<Event>, ScanError> {
    let (mut decoder, mut events) = (Decoder::new(), vec![]);
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece), &mut events)?;
    }
    decoder.finish(&mut events);
    Ok(events)
}

/// The stream of some events.
pub fn encode(events: impl IntoIterator<Item = Event>, echo: &Echo) -> String {
    let (mut encoder, mut out) = (Encoder::new(echo.clone()), BytesMut::new());
    for event in events {
        encoder.write(event, &mut out);
    }
    String::from_utf8(out.to_vec()).unwrap()
}

/// Events as a whole answer.
pub fn collected(events: impl IntoIterator<Item = Event>) -> Answer {
    let mut collector = Collector::default();
    events.into_iter().for_each(|event| collector.push(event));
    assert!(collector.is_done());
    collector.finish()
}

/// The data of a stream's events.
pub fn data(stream: &str) -> Vec<Value> {
    sse::events(stream.as_bytes()).filter_map(sse::data).map(|data| serde_json::from_slice(&data).unwrap()).collect()
}

fn is_step(kind: &str, step: &str) -> bool {
    kind.rsplit('.').next() == Some(step)
}

/// Checks what OpenAI's SDKs and Codex rely on, and returns the last event's response.
pub fn legal(stream: &str) -> Value {
    for event in sse::events(stream.as_bytes()) {
        let text = std::str::from_utf8(event).unwrap();
        let kind = text.lines().next().unwrap().strip_prefix("event: ").unwrap();
        assert!(text.contains(&format!("\ndata: {{\"type\":\"{kind}\",")), "{text}");
    }
    let events = data(stream);
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..2], ["response.created", "response.in_progress"]);
    let mut done: Vec<Value> = vec![];
    let mut open: Option<Value> = None;
    let mut text = String::new();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
        let kind = kinds[number];
        if event.get("output_index").is_some() {
            assert_eq!(event["output_index"], done.len(), "{event}");
        }
        if let Some(id) = event.get("item_id") {
            assert_eq!(*id, open.as_ref().unwrap()["id"], "{event}");
        }
        match kind {
            "response.output_item.added" => {
                assert!(open.is_none(), "{event}");
                assert!(event["item"]["content"].as_array().is_none_or(Vec::is_empty));
                open = Some(event["item"].clone());
            }
            "response.output_item.done" => {
                let added = open.take().unwrap();
                assert_eq!((&added["id"], &added["type"]), (&event["item"]["id"], &event["item"]["type"]));
                done.push(event["item"].clone());
            }
            "response.content_part.added" | "response.reasoning_summary_part.added" => text.clear(),
            _ if is_step(kind, "delta") => text.push_str(event["delta"].as_str().unwrap()),
            _ if is_step(kind, "done") && event.get("part").is_none() => {
                let whole = ["text", "arguments", "input", "refusal"].iter().find_map(|name| event[*name].as_str());
                assert_eq!(whole.unwrap(), text, "{event}");
                text.clear();
            }
            _ => {}
        }
    }
    assert!(open.is_none());
    let last = events.last().unwrap();
    let end = last["type"].as_str().unwrap();
    let response = last["response"].clone();
    assert_eq!(end, format!("response.{}", response["status"].as_str().unwrap()));
    assert_eq!(response["output"], json!(done));
    assert!(response["id"].as_str().unwrap().starts_with("resp_") && response["tools"].is_array());
    for item in &done {
        let prefix = match item["type"].as_str().unwrap() {
            "message" => "msg_",
            "reasoning" => "rs_",
            "function_call" => "fc_",
            "custom_tool_call" => "ctc_",
            _ => "ig_",
        };
        assert!(item["id"].as_str().unwrap().starts_with(prefix), "{item}");
    }
    if !response["usage"].is_null() {
        let usage = &response["usage"];
        assert!(usage["input_tokens_details"]["cached_tokens"].is_u64(), "{usage}");
        assert!(usage["output_tokens_details"]["reasoning_tokens"].is_u64(), "{usage}");
    }
    response
}
