//! Events into streams.

use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use proptest::prelude::*;

use super::*;
use crate::canonical::{
    Answer, Choice as Said, Media, MediaKind, MediaSource, Opaque, Part, Reasoning, Text, ToolKind,
};
use crate::gemini::framing::Framing;
use crate::gemini::tests::{STREAMS, collect, decode, encode};
use bytes::Bytes;

/// The elements of a stream of either form.
fn elements(stream: &Bytes) -> Vec<Value> {
    let mut frames = vec![];
    let (whole, failure) = Framing::default().push(stream.clone(), &mut frames);
    assert_eq!((&whole, failure), (stream, None));
    frames
        .iter()
        .filter(|frame| !frame.json.is_empty())
        .map(|frame| serde_json::from_slice(&frame.json).unwrap())
        .collect()
}

/// What the SDKs demand of each element, or they drop the turn from their history.
pub fn assert_legal(stream: &Bytes) {
    let elements = elements(stream);
    for element in &elements {
        let candidates = element["candidates"].as_array().unwrap();
        assert!(!candidates.is_empty());
        for candidate in candidates {
            assert_eq!(candidate["content"]["role"], "model");
            let parts = candidate["content"]["parts"].as_array().unwrap();
            assert!(!parts.is_empty());
            assert!(parts.iter().all(|part| part.as_object().is_some_and(|part| !part.is_empty())));
            assert!(candidate["index"].is_u64());
        }
        assert!(element["modelVersion"].is_string() && element["responseId"].is_string());
    }
    let reasons = |element: &Value| {
        let candidates = element["candidates"].as_array().unwrap();
        candidates.iter().filter(|candidate| candidate["finishReason"].is_string()).count()
    };
    let (last, before) = elements.split_last().unwrap();
    assert!(reasons(last) > 0 && before.iter().all(|element| reasons(element) == 0));
}

#[test]
fn goldens() {
    for (name, bytes) in STREAMS.iter().filter(|(name, _)| *name != "error.sse") {
        let events = decode(&[bytes]).unwrap();
        for is_array in [false, true] {
            let stream = encode(events.clone(), is_array);
            assert_legal(&stream);
            let form = if is_array { "array" } else { "events" };
            insta::assert_snapshot!(format!("{name}_{form}"), String::from_utf8(stream.to_vec()).unwrap());
        }
    }
}

#[test]
fn what_was_decoded_is_encoded_as_the_same_answer() {
    for (name, bytes) in STREAMS.iter().filter(|(name, _)| *name != "error.sse") {
        let events = decode(&[bytes]).unwrap();
        let (answer, _) = collect(decode(&[&encode(events.clone(), false)]).unwrap());
        assert_eq!(answer, collect(events).0, "{name}");
    }
}

fn open(part: u32, opening: Opening) -> Event {
    Event::Open { choice: 0, part, opening }
}

fn delta(part: u32, delta: Delta) -> Event {
    Event::Delta { choice: 0, part, delta }
}

fn opened_call(part: u32, id: &str) -> Event {
    open(part, Opening::ToolCall { id: id.to_owned(), name: "f".to_owned(), kind: ToolKind::Function })
}

fn arguments(part: u32, text: &str) -> Event {
    delta(part, Delta::Arguments(text.to_owned()))
}

fn said(part: u32, text: &str) -> Event {
    delta(part, Delta::Text(text.to_owned()))
}

const fn close(part: u32) -> Event {
    Event::Close { choice: 0, part }
}

#[test]
fn an_end_of_line_within_a_text_does_not_end_an_event() {
    let odd = "a\u{2028}b\u{2029}c\u{85}d";
    let call = Event::Delta { choice: 0, part: 1, delta: Delta::Arguments(json!({"at": odd}).to_string()) };
    let start = Event::Start { id: Some(odd.to_owned()), model: Some(odd.to_owned()), created: None };
    let events =
        vec![start, open(0, Opening::Text), said(0, odd), close(0), opened_call(1, odd), call, close(1), Event::Done];
    for is_array in [false, true] {
        let stream = encode(events.clone(), is_array);
        let written = std::str::from_utf8(&stream).unwrap();
        assert!(!written.contains(['\u{85}', '\u{2028}', '\u{2029}']), "{written}");
        let read = elements(&stream);
        assert_eq!(read[0]["candidates"][0]["content"]["parts"][0]["text"], odd);
        assert_eq!(read[1]["candidates"][0]["content"]["parts"][0]["functionCall"]["args"]["at"], odd);
        assert_eq!(read[0]["responseId"], odd);
    }
    let note = ErrorNote { status: 502, code: Code::UpstreamTruncated, message: odd, param: None };
    let event = error::render_event(&note);
    assert!(!std::str::from_utf8(&event).unwrap().contains('\u{2028}'));
}

#[test]
fn the_class_of_service_stands_with_the_figures() {
    for (tier, expected) in [("default", json!("standard")), ("flex", json!("flex")), ("scale", Value::Null)] {
        let usage = Usage { input: Some(1), output: Some(1), ..Usage::UNREPORTED };
        let events = vec![Event::ServiceTier(tier.to_owned()), Event::Usage(usage), Event::Done];
        let stream = elements(&encode(events.clone(), false));
        assert_eq!(stream[0]["usageMetadata"]["serviceTier"], expected);
        let mut collector = crate::canonical::Collector::default();
        for event in events {
            collector.push(event);
        }
        let whole: Value = serde_json::from_slice(&answer::write(collector.finish(), &Echo::default())).unwrap();
        assert_eq!(whole["usageMetadata"]["serviceTier"], expected);
    }
}

#[test]
fn text_flows_at_once_and_calls_come_whole() {
    let mut encoder = Encoder::new(Echo::default());
    let mut out = BytesMut::new();
    let mut written = |event| {
        out.clear();
        encoder.write(event, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    };
    assert_eq!(written(open(0, Opening::Text)), "");
    let expected = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\\\"b\"}],\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"\",\"responseId\":\"\"}\n\n";
    assert_eq!(written(said(0, "a\"b")), expected);
    assert_eq!(written(close(0)), "");
    assert_eq!(written(opened_call(1, "x")), "");
    assert_eq!(written(arguments(1, "{\"a\":")), "");
    assert_eq!(written(arguments(1, "1}")), "");
    assert!(written(close(1)).contains(r#"{"functionCall":{"id":"x","name":"f","args":{"a":1}}}"#));
    assert_eq!(written(Event::Finish { choice: 0, finish: Finish::ToolCalls }), "");
    assert!(written(Event::Done).contains(r#""finishReason":"STOP""#));
}

#[test]
fn parts_that_overlap_are_written_one_after_the_other() {
    let events = vec![
        opened_call(0, "a"),
        opened_call(1, "b"),
        open(2, Opening::Text),
        arguments(1, "{}"),
        close(1),
        said(2, "and "),
        arguments(0, "{\"x\":"),
        said(2, "text"),
        close(2),
        arguments(0, "1}"),
        close(0),
        Event::Finish { choice: 0, finish: Finish::ToolCalls },
        Event::Done,
    ];
    let stream = encode(events, false);
    assert_legal(&stream);
    let expected = json!([
        {"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}},
        {"functionCall": {"id": "b", "name": "f", "args": {}}},
        {"text": "and "},
        {"text": "text"},
    ]);
    assert_eq!(elements(&stream)[0]["candidates"][0]["content"]["parts"], expected);
}

#[test]
fn an_end_without_a_reason_and_without_parts_is_legal() {
    for events in [
        vec![Event::Done],
        vec![opened_call(0, "a"), Event::Done],
        vec![Event::Start { id: None, model: None, created: None }, open(0, Opening::Text), Event::Done],
    ] {
        let stream = encode(events, true);
        assert_legal(&stream);
        let last = elements(&stream).pop().unwrap();
        assert_eq!(last["candidates"][0]["finishReason"], "STOP");
        assert_eq!((last["modelVersion"].as_str(), last.get("usageMetadata")), (Some("own-model"), None));
        assert!(serde_json::from_slice::<Value>(&stream).unwrap().is_array());
    }
}

#[test]
fn an_array_that_fails_is_still_an_array() {
    let note = ErrorNote { status: 503, code: Code::Overloaded, message: "busy", param: None };
    for events in [vec![], vec![open(0, Opening::Text), said(0, "a")]] {
        let mut encoder = Encoder::new(Echo { is_array: true, ..Echo::default() });
        let mut out = BytesMut::new();
        let count = events.len() / 2;
        for event in events {
            encoder.write(event, &mut out);
        }
        encoder.fail(&note, &mut out);
        let elements: Vec<Value> = serde_json::from_slice(&out).unwrap();
        assert_eq!(elements.len(), count + 1);
        assert_eq!(elements[count]["error"]["code"], 503);
    }
    let mut out = BytesMut::new();
    Encoder::new(Echo::default()).fail(&note, &mut out);
    assert!(out.starts_with(b"data: {\"error\":"));
}

fn signature() -> impl Strategy<Value = Option<Opaque>> {
    proptest::option::of(Just(part::signature("c2ln")))
}

fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        3 => ("\\PC{1,8}", signature())
            .prop_map(|(text, signature)| Part::Text(Text { text, signature, ..Text::default() })),
        2 => ("\\PC{1,8}", signature()).prop_map(|(text, signature)| {
            Part::Reasoning(Reasoning { text, is_summary: true, id: None, signature })
        }),
        2 => ("[a-z]{1,8}", 0..100_u32, signature()).prop_map(|(name, number, signature)| {
            let arguments = json!({"n": number}).to_string();
            Part::ToolCall(ToolCall { id: format!("call_{number}"), name, arguments, kind: ToolKind::Function, signature, cache: None })
        }),
        1 => Just(Part::Media(Media {
            kind: MediaKind::Image,
            mime: Some("image/png".to_owned()),
            source: MediaSource::Base64("AAAA".to_owned()),
            name: None,
            detail: None,
            cache: None,
        })),
    ]
}

fn any_finish() -> impl Strategy<Value = Finish> {
    proptest::sample::select(vec![Finish::Stop, Finish::Length, Finish::ContentFilter, Finish::MalformedCall])
}

fn any_choice() -> impl Strategy<Value = Said> {
    (proptest::collection::vec(any_part(), 0..5), any_finish()).prop_map(|(parts, finish)| {
        let has_calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
        let finish = if has_calls && finish == Finish::Stop { Finish::ToolCalls } else { finish };
        Said { parts, finish: Some(finish), logprobs: None }
    })
}

/// Texts of one kind that follow each other, up to a signature, are one on the wire.
fn joined(choice: Said) -> Said {
    let mut parts: Vec<Part> = vec![];
    for part in choice.parts {
        match (parts.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(text)) if before.signature.is_none() => {
                before.text.push_str(&text.text);
                before.signature = text.signature;
            }
            (Some(Part::Reasoning(before)), Part::Reasoning(thought)) if before.signature.is_none() => {
                before.text.push_str(&thought.text);
                before.signature = thought.signature;
            }
            (_, part) => parts.push(part),
        }
    }
    Said { parts, ..choice }
}

/// A fair shuffle of parts that overlap, by which of the parts goes on next.
fn interleaved(answer: Answer, order: &[prop::sample::Index]) -> Vec<Event> {
    let mut rest: Vec<VecDeque<Event>> = vec![];
    let mut after = vec![];
    let mut events = vec![];
    for event in answer.events() {
        match event {
            Event::Start { .. } => events.push(event),
            Event::Open { .. } => {
                events.push(event);
                rest.push(VecDeque::new());
            }
            Event::Delta { .. } | Event::Close { .. } => rest.last_mut().unwrap().push_back(event),
            other => after.push(other),
        }
    }
    for place in order {
        if !rest.is_empty() {
            let at = place.index(rest.len());
            events.extend(rest[at].pop_front());
        }
    }
    events.extend(rest.into_iter().flatten());
    events.extend(after);
    events
}

proptest! {
    #[test]
    fn every_answer_survives_encoding_and_decoding(
        choices in proptest::collection::vec(any_choice(), 1..3), is_array: bool,
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
        input in 0_u64..1000, output in 0_u64..1000,
    ) {
        let usage = Usage { input: Some(input), output: Some(output), ..Usage::UNREPORTED };
        let answer = Answer {
            id: Some("r".to_owned()), model: Some("m".to_owned()), choices, usage: Some(usage), ..Answer::default()
        };
        let stream = encode(interleaved(answer.clone(), &order), is_array);
        assert_legal(&stream);
        let (found, is_done) = collect(decode(&[&stream]).unwrap());
        prop_assert!(is_done);
        let expected = Answer { choices: answer.choices.into_iter().map(joined).collect(), ..answer };
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn signatures_of_others_are_left_out() {
    let foreign = Opaque { dialect: Dialect::Anthropic, kind: "signature", content: "s".to_owned() };
    let thought = open(0, Opening::Reasoning { is_summary: false, id: None });
    let stream =
        encode(vec![thought, said(0, "hm"), delta(0, Delta::Signature(foreign)), close(0), Event::Done], false);
    assert!(!String::from_utf8(stream.to_vec()).unwrap().contains("thoughtSignature"));
}
