//! Every answer of every provider, to clients of every dialect, says there what it said here.
//!
//! What a dialect has no place for is in `docs/DIALECTS.md`; the rest is the same.

#[path = "../examples/fuzz/rounds/corpus.rs"]
mod corpus;

use bytes::Bytes;
use corpus::{CLIENTS, Corpus, Fixture};
use megarouter_dialect::canonical::{Answer, Collector, Event, Finish, Part};
use megarouter_dialect::dialects;
use megarouter_dialect::request::PathFacts;
use megarouter_dialect::stream::{Scan as _, StreamEnd, Translation};
use megarouter_domain::dialect::Dialect;
use serde_json::Value;

/// What every dialect has a place for: words, thoughts, calls, whether the bound was reached.
#[derive(Debug, PartialEq)]
struct Said {
    words: String,
    thoughts: String,
    calls: Vec<(String, Value)>,
    is_cut: bool,
}

fn said(answer: &Answer) -> Said {
    let choice = answer.choices.first().cloned().unwrap_or_default();
    let is_cut = choice.finish == Some(Finish::Length);
    let mut said = Said { words: String::new(), thoughts: String::new(), calls: vec![], is_cut };
    for part in choice.parts {
        match part {
            // Of a medium that its dialect has no place for, a client is told.
            Part::Text(text) if text.text.starts_with("[The model made a ") => {}
            Part::Text(text) => said.words += &text.text,
            Part::Refusal(text) => said.words += &text,
            // Summaries that follow each other are paragraphs where there is but one.
            Part::Reasoning(thought) => said.thoughts += &thought.text.replace("\n\n", ""),
            Part::ToolCall(call) => said.calls.push((call.name, arguments(&call.arguments))),
            Part::Media(_) | Part::ToolResult(_) => {}
        }
    }
    said
}

/// The arguments as JSON; free text is one of them, called `input`, where there are no custom tools.
fn arguments(arguments: &str) -> Value {
    if arguments.is_empty() {
        return Value::Object(serde_json::Map::new());
    }
    let read = serde_json::from_str(arguments).unwrap_or(Value::from(arguments));
    match &read["input"] {
        Value::String(input) => Value::from(input.as_str()),
        _ => read,
    }
}

fn collected(dialect: Dialect, stream: &[u8]) -> (Answer, bool) {
    let (mut decoder, mut events) = (dialects::decoder(dialect), vec![]);
    decoder.push(Bytes::copy_from_slice(stream), &mut events).expect("the stream can be read");
    decoder.finish(&mut events);
    let has_failed = events.iter().any(|event| matches!(event, Event::Failed(_)));
    let mut collector = Collector::default();
    for event in events {
        collector.push(event);
    }
    assert_eq!(collector.is_done(), !has_failed);
    (collector.finish(), !has_failed)
}

fn translated(stream: &Fixture, client: Dialect, size: usize) -> (Vec<u8>, StreamEnd) {
    let encoder = dialects::encoder(client, corpus::curious(client));
    let mut translation = Translation::new(dialects::decoder(stream.dialect), encoder);
    let mut written = vec![];
    for piece in stream.bytes.chunks(size) {
        written.extend_from_slice(&translation.push(Bytes::copy_from_slice(piece)).forward);
    }
    let finished = translation.finish();
    written.extend_from_slice(&finished.forward);
    (written, finished.end)
}

#[test]
fn every_stream_says_the_same_to_every_client() {
    for stream in &Corpus::read().streams {
        let (answer, is_whole) = collected(stream.dialect, &stream.bytes);
        for client in CLIENTS.into_iter().filter(|_| is_whole) {
            let name = format!("{:?} {} to {client:?}", stream.dialect, stream.name);
            let (written, end) = translated(stream, client, stream.bytes.len());
            for size in [1, 7, 1_000] {
                assert_eq!(translated(stream, client, size).0, written, "{name}, in pieces of {size}");
            }
            assert_eq!(end, StreamEnd::Done, "{name}");
            let (read, _) = collected(client, &written);
            assert_eq!(said(&read), said(&answer), "{name}");
            let output = |answer: &Answer| answer.usage.and_then(|usage| usage.total_output()).unwrap_or_default();
            assert_eq!(output(&read), output(&answer), "{name}");
        }
    }
}

#[test]
fn every_whole_answer_says_the_same_to_every_client() {
    for fixture in &Corpus::read().answers {
        let answer = dialects::read_answer(fixture.dialect, &fixture.bytes).expect("the answer can be read");
        for client in CLIENTS {
            let written = dialects::write_answer(client, answer.clone(), &corpus::curious(client));
            let read = dialects::read_answer(client, &written).expect("what is written can be read");
            assert_eq!(said(&read), said(&answer), "{:?} {} to {client:?}", fixture.dialect, fixture.name);
        }
    }
}

#[test]
fn a_text_that_was_cut_within_half_a_character_is_still_translated() {
    let path = PathFacts { model: Some("m"), is_streaming: false, is_sse: false };
    let said = r#"[{"role":"user","content":"half \ud83d"}]"#;
    for (client, body) in [
        (Dialect::OpenAiChat, format!(r#"{{"model":"m","messages":{said}}}"#)),
        (Dialect::OpenAiResponses, format!(r#"{{"model":"m","input":{said}}}"#)),
        (Dialect::Anthropic, format!(r#"{{"model":"m","max_tokens":9,"messages":{said}}}"#)),
        (Dialect::Gemini, r#"{"contents":[{"parts":[{"text":"half \ud83d"}]}]}"#.to_owned()),
    ] {
        let request = dialects::parse_request(client, &path, Bytes::from(body)).expect("it is JSON");
        let conversation = request.read().expect("what is no character is replaced");
        let Some(Part::Text(text)) = conversation.turns[0].parts.first() else { panic!("{client:?}") };
        assert_eq!(text.text, "half \u{fffd}", "{client:?}");
    }
}
