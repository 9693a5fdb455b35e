//! Streams: scanned, decoded, encoded.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::usage::Usage;
use proptest::prelude::*;
use serde_json::Value;

use super::{cut, echo};
use crate::anthropic::decode::Decoder;
use crate::anthropic::encode::Encoder;
use crate::anthropic::scan::Scanner;
use crate::anthropic::{answer, carry};
use crate::canonical::{
    Answer, Choice, Collector, Delta, Event, Finish, Media, MediaKind, MediaSource, Opaque, Opening, Part, ToolKind,
};
use crate::errors::ErrorNote;
use crate::request::{ClientRequest, Echo};
use crate::sse;
use crate::stream::{Decode, Encode, Scan, ScanError, StreamEnd, StreamFacts, Translation};

macro_rules! fixtures {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../fixtures/anthropic/", $name, ".sse")))),+]
    };
}

const FIXTURES: &[(&str, &[u8])] = fixtures!["text", "tools", "thinking", "web_search", "refusal", "error"];

/// Those that end as they should.
fn whole_fixtures() -> impl Iterator<Item = &'static (&'static str, &'static [u8])> {
    FIXTURES.iter().filter(|(name, _)| *name != "error")
}

fn scan(pieces: &[&[u8]]) -> (Vec<u8>, StreamEnd, StreamFacts) {
    let mut scanner = Scanner::new();
    let mut forwarded = vec![];
    for piece in pieces {
        forwarded.extend_from_slice(&scanner.push(Bytes::copy_from_slice(piece)).forward);
    }
    let finished = scanner.finish();
    forwarded.extend_from_slice(&finished.forward);
    (forwarded, finished.end, scanner.facts().clone())
}

fn decode(pieces: &[&[u8]]) -> Vec<Event> {
    let mut decoder = Decoder::new();
    let mut events = vec![];
    for piece in pieces {
        if decoder.push(Bytes::copy_from_slice(piece), &mut events).is_err() {
            return events;
        }
    }
    decoder.finish(&mut events);
    events
}

fn encode(events: impl IntoIterator<Item = Event>, echo: Echo) -> String {
    let mut encoder = Encoder::new(echo);
    let mut out = BytesMut::new();
    for event in events {
        encoder.write(event, &mut out);
    }
    String::from_utf8(out.to_vec()).unwrap()
}

fn collect(events: impl IntoIterator<Item = Event>) -> Answer {
    let mut collector = Collector::default();
    for event in events {
        collector.push(event);
    }
    assert!(collector.is_done());
    collector.finish()
}

fn data_of(stream: &str) -> Vec<Value> {
    let named = |event: &[u8]| {
        let data: Value = serde_json::from_slice(&sse::data(event).unwrap()).unwrap();
        let name = format!("event: {}\n", data["type"].as_str().unwrap());
        assert!(event.starts_with(name.as_bytes()), "{data}");
        data
    };
    sse::events(stream.as_bytes()).map(named).collect()
}

/// Fails unless the stream has the order that the official SDKs assume.
fn assert_legal(stream: &str) {
    let events = data_of(stream);
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"message_start"), "{stream}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "message_start").count(), 1);
    assert!(kinds.ends_with(&["message_delta", "message_stop"]), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| kind.starts_with("message_")).count(), 3);
    let (mut next, mut open) = (0, None);
    for event in &events {
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!((open, event["index"].as_u64()), (None, Some(next)), "{stream}");
                open = event["content_block"]["type"].as_str();
                next += 1;
            }
            "content_block_delta" => {
                assert_eq!(event["index"].as_u64(), Some(next - 1), "{stream}");
                let expected: &[&str] = match open.unwrap() {
                    "text" => &["text_delta", "citations_delta"],
                    "thinking" => &["thinking_delta", "signature_delta"],
                    "tool_use" => &["input_json_delta"],
                    other => panic!("a delta in {other}"),
                };
                assert!(expected.contains(&event["delta"]["type"].as_str().unwrap()), "{event}");
            }
            "content_block_stop" => {
                assert_eq!(event["index"].as_u64(), Some(next - 1), "{stream}");
                open = None;
            }
            _ => assert!(open.is_none() || event["type"] == "ping", "{event} in an open block"),
        }
    }
    let end = &events[events.len() - 2];
    assert!(end["delta"]["stop_reason"].is_string() && end["usage"]["output_tokens"].is_u64(), "{end}");
}

#[test]
fn goldens() {
    for (name, bytes) in FIXTURES {
        let events: Vec<String> = decode(&[bytes]).iter().map(|event| format!("{event:?}")).collect();
        let (_, end, facts) = scan(&[bytes]);
        insta::assert_snapshot!(*name, format!("{end:?}\n{facts:#?}\n\n{}", events.join("\n")));
    }
}

#[test]
fn bytes_pass_untouched_and_uncopied() {
    for (name, bytes) in whole_fixtures() {
        let stream = Bytes::from_static(bytes);
        let scanned = Scanner::new().push(stream.clone());
        assert_eq!((scanned.failure, &scanned.forward), (None, &stream), "{name}");
        assert_eq!(scanned.forward.as_ptr(), stream.as_ptr(), "{name}");
    }
}

#[test]
fn an_error_in_the_stream_is_taken_out_and_reported() {
    let bytes = FIXTURES.last().unwrap().1;
    let (forwarded, end, _) = scan(&[bytes]);
    let StreamEnd::Failed(ScanError::Upstream(said)) = end else { panic!("{end:?}") };
    assert_eq!((said.message.as_str(), said.is_overloaded()), ("Overloaded", true));
    assert!(!String::from_utf8(forwarded).unwrap().contains("event: error"));
    let Some(Event::Failed(read)) = decode(&[bytes]).pop() else { panic!("no failure") };
    assert_eq!(read, said);
}

#[test]
fn an_error_before_any_output_leaves_nothing_to_forward() {
    for (event, message) in [
        (
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"broken\"}}\n\n",
            "broken",
        ),
        ("data: {\"error\":{\"message\":\"as others say it\"}}\n\n", "as others say it"),
    ] {
        let scanned = Scanner::new().push(Bytes::from(event));
        assert!(scanned.forward.is_empty());
        assert!(matches!(scanned.failure, Some(ScanError::Upstream(said)) if said.message == message));
    }
}

#[test]
fn nonsense_before_the_first_output_is_noticed() {
    for nonsense in ["data: <html>busy</html>\n\n", "data: {\"type\":\n\n", "data: {}\n\n", "data: [1]\n\n"] {
        let scanned = Scanner::new().push(Bytes::from(nonsense));
        assert_eq!(scanned.failure, Some(ScanError::Malformed), "{nonsense}");
        assert_eq!(Decoder::new().push(Bytes::from(nonsense), &mut vec![]), Err(ScanError::Malformed), "{nonsense}");
    }
}

#[test]
fn nothing_follows_the_end() {
    let stream = [FIXTURES[0].1, b"event: ping\ndata: {\"type\":\"ping\"}\n\n"].concat();
    let (forwarded, end, _) = scan(&[&stream]);
    assert_eq!((forwarded.as_slice(), end), (FIXTURES[0].1, StreamEnd::Done));
    assert_eq!(decode(&[&stream]), decode(&[FIXTURES[0].1]));
}

#[test]
fn an_end_without_line_breaks_counts_and_is_completed() {
    let bytes = FIXTURES[0].1;
    let (forwarded, end, _) = scan(&[bytes.trim_ascii_end()]);
    assert_eq!((forwarded.as_slice(), end), (bytes, StreamEnd::Done));
    assert_eq!(decode(&[bytes.trim_ascii_end()]).pop(), Some(Event::Done));
}

#[test]
fn what_was_decoded_is_encoded_legally_and_to_the_same_answer() {
    for (name, bytes) in whole_fixtures() {
        let events = decode(&[bytes]);
        let stream = encode(events.clone(), echo());
        assert_legal(&stream);
        assert_eq!(collect(decode(&[stream.as_bytes()])), collect(events), "{name}");
    }
}

#[test]
fn a_client_that_did_not_ask_gets_no_thoughts() {
    let (_, bytes) = FIXTURES.iter().find(|(name, _)| *name == "thinking").unwrap();
    let quiet = Echo { include: vec![], ..echo() };
    let stream = encode(decode(&[bytes]), quiet.clone());
    assert_legal(&stream);
    let first = data_of(&stream).into_iter().find(|event| event["type"] == "content_block_start").unwrap();
    assert_eq!(first["content_block"]["type"], "text");
    let whole: Value = serde_json::from_slice(&answer::write(collect(decode(&[bytes])), &quiet)).unwrap();
    assert_eq!(whole["content"][0]["type"], "text");
}

#[test]
fn an_answer_without_figures_and_reason_still_ends_well() {
    let call = Opening::ToolCall { id: String::new(), name: "look".to_owned(), kind: ToolKind::Function };
    let stream = encode([Event::Open { choice: 0, part: 0, opening: call }, Event::Done], echo());
    assert_legal(&stream);
    let events = data_of(&stream);
    assert_eq!(events[0]["message"]["id"], "msg_made");
    assert_eq!(events[0]["message"]["model"], "asked-for");
    assert_eq!(events[1]["content_block"]["id"], "toolu_made_0");
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
    assert_legal(&encode([Event::Done], echo()));
}

#[test]
fn a_picture_that_a_message_cannot_carry_is_told() {
    let media = |kind, mime: Option<&str>, source| {
        let mime = mime.map(str::to_owned);
        Part::Media(Media { kind, mime, source, name: None, detail: None, cache: None })
    };
    let drawn = media(MediaKind::Image, Some("image/png"), MediaSource::Base64("AAAA".to_owned()));
    let spoken = media(MediaKind::Audio, None, MediaSource::Url("https://example.org/a.wav".to_owned()));
    let choice = Choice { parts: vec![drawn, spoken], finish: Some(Finish::Stop), logprobs: None };
    let answer = Answer { choices: vec![choice], ..Answer::default() };
    let expected =
        ["[The model made a picture (image/png), which this API cannot carry.]", "[sound: https://example.org/a.wav]"];
    let whole: Value = serde_json::from_slice(&answer::write(answer.clone(), &echo())).unwrap();
    let texts: Vec<&str> =
        whole["content"].as_array().unwrap().iter().map(|block| block["text"].as_str().unwrap()).collect();
    assert_eq!(texts, expected);
    let stream = encode(answer.events(), echo());
    assert_legal(&stream);
    let again = collect(decode(&[stream.as_bytes()]));
    let said = again.choices[0].parts.iter().map(|part| match part {
        Part::Text(text) => text.text.as_str(),
        other => panic!("{other:?}"),
    });
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

#[test]
fn a_message_of_another_provider_has_an_id_that_anthropics_clients_know() {
    for (own, expected) in [
        (Some("chatcmpl-mock-1300"), "msg_mock-1300"),
        (Some("resp_a1"), "msg_a1"),
        (Some("Wz0ge8_x"), "msg_Wz0ge8_x"),
        (Some("msg_01A"), "msg_01A"),
        (Some("gen/é"), "msg_gen"),
        (Some("/"), "msg_made"),
        (None, "msg_made"),
    ] {
        let id = own.map(str::to_owned);
        let start = Event::Start { id: id.clone(), model: None, created: None };
        let stream = encode([start, Event::Done], echo());
        assert_eq!(data_of(&stream)[0]["message"]["id"], expected);
        let answer = Answer { id, ..Answer::default() };
        let whole: Value = serde_json::from_slice(&answer::write(answer, &echo())).unwrap();
        assert_eq!(whole["id"], expected);
    }
}

#[test]
fn free_text_of_a_custom_tool_becomes_its_one_argument() {
    let opening = Opening::ToolCall { id: "c".to_owned(), name: "patch".to_owned(), kind: ToolKind::Custom };
    let pieces = ["*** \"a\"\n", "+b\\"].map(|text| Event::Delta {
        choice: 0,
        part: 0,
        delta: Delta::Arguments(text.to_owned()),
    });
    let events = [Event::Open { choice: 0, part: 0, opening }].into_iter().chain(pieces);
    let stream = encode(events.chain([Event::Close { choice: 0, part: 0 }, Event::Done]), echo());
    assert_legal(&stream);
    let Part::ToolCall(call) = collect(decode(&[stream.as_bytes()])).choices.remove(0).parts.remove(0) else {
        panic!("no call")
    };
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
    assert_eq!(arguments, serde_json::json!({ "input": "*** \"a\"\n+b\\" }));
}

#[test]
fn thoughts_of_others_come_back_from_the_client() {
    let foreign = Opaque { dialect: Dialect::Gemini, kind: "thoughtSignature", content: "c2ln".to_owned() };
    let opening = Opening::Reasoning { is_summary: false, id: None };
    let delta = |delta| Event::Delta { choice: 0, part: 0, delta };
    let stream = encode(
        [
            Event::Open { choice: 0, part: 0, opening },
            delta(Delta::Text("hm".to_owned())),
            delta(Delta::Signature(foreign.clone())),
            Event::Close { choice: 0, part: 0 },
            Event::Done,
        ],
        echo(),
    );
    assert_legal(&stream);
    assert!(stream.contains(carry::MARK));
    let Part::Reasoning(thought) = collect(decode(&[stream.as_bytes()])).choices.remove(0).parts.remove(0) else {
        panic!("no thought")
    };
    assert_eq!((thought.text.as_str(), thought.signature), ("hm", Some(foreign)));
}

#[test]
fn the_signature_of_a_call_rides_in_a_thought_before_it() {
    let foreign = Opaque { dialect: Dialect::Gemini, kind: "thoughtSignature", content: "c2ln".to_owned() };
    let opening = Opening::ToolCall { id: "c".to_owned(), name: "look".to_owned(), kind: ToolKind::Function };
    let delta = |delta| Event::Delta { choice: 0, part: 0, delta };
    let events = [
        Event::Start { id: Some("msg_1".to_owned()), model: Some("m".to_owned()), created: None },
        Event::Open { choice: 0, part: 0, opening },
        delta(Delta::Arguments("{}".to_owned())),
        delta(Delta::Signature(foreign.clone())),
        Event::Close { choice: 0, part: 0 },
        Event::Done,
    ];
    let stream = encode(events.clone(), echo());
    assert_legal(&stream);
    let whole: Value = serde_json::from_slice(&answer::write(collect(events.clone()), &echo())).unwrap();
    let sent = &data_of(&stream)[2]["delta"]["signature"];
    assert_eq!((&whole["content"][0]["signature"], &whole["content"][1]["type"]), (sent, &Value::from("tool_use")));
    // The client sends the turn back as it got it.
    let turn = serde_json::json!({"role": "assistant", "content": whole["content"]});
    let body = serde_json::json!({"model": "m", "max_tokens": 1, "messages": [turn]}).to_string();
    let read = super::parse(&body).unwrap().read().unwrap().turns.remove(0).parts;
    let [Part::ToolCall(call)] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!(call.signature, Some(foreign));
    // A client that did not ask for thoughts gets the call alone.
    let quiet = encode(events, Echo { include: vec![], ..echo() });
    assert_legal(&quiet);
    assert!(!quiet.contains("thinking"));
}

#[test]
fn a_failure_is_the_last_event_and_no_end_follows() {
    let note = ErrorNote { status: 502, code: Code::UpstreamTruncated, message: "cut off", param: None };
    let (decoder, encoder) = (Box::new(Decoder::new()), Box::new(Encoder::new(echo())));
    let mut translation = Translation::new(decoder, encoder);
    let half = &FIXTURES[0].1[..FIXTURES[0].1.len() / 2];
    let _ = translation.push(Bytes::from_static(half));
    assert_eq!(translation.finish().end, StreamEnd::Truncated);
    let failed = translation.fail(&note);
    assert!(failed.starts_with(b"event: error\n"));
    assert_eq!(data_of(std::str::from_utf8(&failed).unwrap())[0]["error"]["type"], "api_error");
}

/// One part as its events, in order.
fn part() -> impl Strategy<Value = (Opening, Vec<Delta>)> {
    let texts = || proptest::collection::vec("\\PC{0,12}", 0..4);
    let say = |texts: Vec<String>| texts.into_iter().map(Delta::Text).collect::<Vec<_>>();
    let thought = |id| Opening::Reasoning { is_summary: false, id };
    let own = |kind, content| Delta::Signature(carry::opaque(kind, content));
    prop_oneof![
        texts().prop_map(move |texts| (Opening::Text, say(texts))),
        texts().prop_map(move |texts| (Opening::Refusal, say(texts))),
        (texts(), proptest::option::of("[A-Za-z0-9+/]{1,20}")).prop_map(move |(texts, signature)| {
            let signature = signature.map(|content| own(carry::SIGNATURE, content));
            (thought(None), say(texts).into_iter().chain(signature).collect())
        }),
        "[A-Za-z0-9+/]{1,20}".prop_map(move |content| (thought(None), vec![own(carry::REDACTED, content)])),
        ("[a-z_]{1,8}", "[a-z]{1,8}", proptest::option::of("\\PC{0,20}")).prop_map(|(id, name, text)| {
            let arguments = text.map_or("{}".to_owned(), |text| serde_json::json!({ "text": text }).to_string());
            let pieces = arguments.chars().map(|letter| Delta::Arguments(letter.to_string())).collect();
            (Opening::ToolCall { id, name, kind: ToolKind::Function }, pieces)
        }),
    ]
}

/// The events of parts that overlap as the numbers say.
fn interleave(parts: Vec<(Opening, Vec<Delta>)>, turns: &[prop::sample::Index]) -> Vec<Event> {
    let mut waiting: Vec<VecDeque<Event>> = (0..)
        .zip(parts)
        .map(|(part, (opening, deltas))| {
            let mut events = vec![Event::Open { choice: 0, part, opening }];
            events.extend(deltas.into_iter().map(|delta| Event::Delta { choice: 0, part, delta }));
            events.push(Event::Close { choice: 0, part });
            events.into()
        })
        .collect();
    let mut events = vec![Event::Start { id: Some("msg_1".to_owned()), model: Some("m".to_owned()), created: None }];
    let mut turns = turns.iter().cycle();
    while !waiting.is_empty() {
        // Those that have begun, and the next that begins.
        let begun = waiting.iter().take_while(|part| !matches!(part.front(), Some(Event::Open { .. }))).count();
        let candidates = (begun + 1).min(waiting.len());
        let chosen = turns.next().map_or(0, |turn| turn.index(candidates));
        match waiting[chosen].pop_front() {
            Some(event) => events.push(event),
            None => drop(waiting.remove(chosen)),
        }
    }
    events
}

/// What is left of an answer in a dialect without refusals as parts and without empty ones.
fn as_anthropic_says_it(mut answer: Answer) -> Answer {
    let mut has_refusal = false;
    if answer.choices.is_empty() {
        answer.choices.push(Choice::default());
    }
    let choice = &mut answer.choices[0];
    choice.parts.retain(|part| match part {
        Part::Text(said) => !said.text.is_empty(),
        Part::Reasoning(thought) => !thought.text.is_empty() || thought.signature.is_some(),
        Part::Refusal(said) => {
            has_refusal = true;
            !said.is_empty()
        }
        _ => true,
    });
    for part in &mut choice.parts {
        if let Part::Refusal(said) = part {
            *part = Part::Text(crate::canonical::Text { text: std::mem::take(said), ..Default::default() });
        }
    }
    let has_calls = choice.parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    choice.finish = match choice.finish.take() {
        Some(Finish::Length) => Some(Finish::Length),
        _ if has_calls => Some(Finish::ToolCalls),
        _ if has_refusal => Some(Finish::Refusal),
        _ => Some(Finish::Stop),
    };
    answer
}

proptest! {
    #[test]
    fn any_cutting_gives_the_same_events_and_facts(
        which in 0..FIXTURES.len(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let bytes = FIXTURES[which].1;
        let pieces = cut(bytes, &cuts);
        prop_assert_eq!(decode(&pieces), decode(&[bytes]));
        prop_assert_eq!(scan(&pieces), scan(&[bytes]));
    }

    #[test]
    fn a_stream_cut_short_is_never_done(which in 0..FIXTURES.len() - 1, place: prop::sample::Index) {
        let bytes = FIXTURES[which].1;
        // Without the line breaks the last event is whole.
        let short = &bytes[..place.index(bytes.trim_ascii_end().len())];
        let (forwarded, end, _) = scan(&[short]);
        prop_assert_eq!(end, StreamEnd::Truncated);
        let plain = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "");
        prop_assert!(plain(bytes).starts_with(&plain(&forwarded)));
        prop_assert!(!decode(&[short]).contains(&Event::Done));
    }

    #[test]
    fn any_events_are_encoded_legally_and_come_back_the_same(
        parts in proptest::collection::vec(part(), 0..6),
        turns in proptest::collection::vec(any::<prop::sample::Index>(), 1..60),
        figures in proptest::option::of((0_u64..1000, 0_u64..1000)),
        finish in proptest::option::of(prop_oneof![Just(Finish::Stop), Just(Finish::Length), Just(Finish::ToolCalls)]),
    ) {
        let mut events = interleave(parts, &turns);
        events.extend(finish.map(|finish| Event::Finish { choice: 0, finish }));
        let figures = figures.unwrap_or_default();
        let usage = Usage { input: Some(figures.0), output: Some(figures.1), ..Usage::UNREPORTED };
        events.extend([Event::Usage(usage), Event::Done]);
        let stream = encode(events.clone(), echo());
        assert_legal(&stream);
        let expected = as_anthropic_says_it(collect(events.clone()));
        let mut back = collect(decode(&[stream.as_bytes()]));
        prop_assert_eq!(&back.choices, &expected.choices);
        prop_assert_eq!(back.usage.take(), Some(usage));
        // The answer that comes whole says the same.
        let whole = answer::read(&answer::write(collect(events), &echo())).unwrap();
        prop_assert_eq!(whole.choices, expected.choices);
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_cutting_does_not_matter(
        bytes in proptest::collection::vec(prop_oneof![
            4 => proptest::sample::select(&b"\n\r:{}[]\",\\ dat"[..]),
            1 => any::<u8>(),
        ], 0..400),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        prop_assert_eq!(scan(&cut(&bytes, &cuts)), scan(&[&bytes]));
        prop_assert_eq!(decode(&cut(&bytes, &cuts)), decode(&[&bytes]));
    }
}
