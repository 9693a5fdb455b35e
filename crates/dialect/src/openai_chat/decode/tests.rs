//! Every fixture, cut anywhere.

use proptest::prelude::*;

use super::*;
use crate::canonical::{Answer, Collector, Delta, Finish, Opening, Part};

macro_rules! fixtures {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../fixtures/openai_chat/", $name, ".sse")))),+]
    };
}

const FIXTURES: &[(&str, &[u8])] = fixtures![
    "openai",
    "openai_tools",
    "openai_parallel",
    "openai_choices",
    "openai_custom",
    "openrouter",
    "openrouter_details",
    "openrouter_error",
    "groq",
    "deepseek",
    "mistral",
    "magistral",
    "moonshot",
    "llamacpp",
    "whole_calls",
    "bare_calls",
];

fn decode(pieces: &[&[u8]]) -> (Vec<Event>, Result<(), ScanError>) {
    let mut decoder = Decoder::new();
    let mut events = vec![];
    let read = pieces.iter().try_for_each(|piece| decoder.push(Bytes::copy_from_slice(piece), &mut events));
    decoder.finish(&mut events);
    (events, read)
}

fn answer(stream: &str) -> Answer {
    let mut collector = Collector::default();
    for event in decode(&[stream.as_bytes()]).0 {
        collector.push(event);
    }
    collector.finish()
}

fn chunk(delta: &str) -> String {
    format!("data: {{\"id\":\"c-1\",\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n")
}

fn calls(stream: &str) -> Vec<(String, String, String)> {
    let parts = answer(stream).choices.into_iter().flat_map(|choice| choice.parts);
    parts
        .filter_map(|part| match part {
            Part::ToolCall(call) => Some((call.id, call.name, call.arguments)),
            _ => None,
        })
        .collect()
}

#[test]
fn goldens() {
    for (name, bytes) in FIXTURES {
        let (events, read) = decode(&[bytes]);
        assert_eq!(read, Ok(()), "{name}");
        insta::assert_debug_snapshot!(*name, events);
    }
}

#[test]
fn parts_are_numbered_as_they_begin_and_each_is_closed_once() {
    for (name, bytes) in FIXTURES.iter().filter(|(name, _)| *name != "openrouter_error") {
        let (events, _) = decode(&[bytes]);
        let opened = |choice_: u32| {
            events.iter().filter_map(move |event| match event {
                Event::Open { choice, part, .. } if *choice == choice_ => Some(*part),
                _ => None,
            })
        };
        let closed = events.iter().filter(|event| matches!(event, Event::Close { .. })).count();
        for choice in 0..2 {
            assert!(opened(choice).eq(0..u32::try_from(opened(choice).count()).unwrap()), "{name}");
        }
        assert_eq!(closed, opened(0).count() + opened(1).count(), "{name}");
        assert_eq!(events.last(), Some(&Event::Done), "{name}");
    }
}

#[test]
fn an_error_in_the_stream_ends_it() {
    for event in [
        "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\",\"error\":{\"message\":\"overloaded\"}}]}\n\n",
        "data: {\"object\":\"error\",\"message\":\"overloaded\"}\n\n",
        "data: {\"error\":\"overloaded\"}\n\n",
    ] {
        let (events, read) = decode(&[format!("{}{event}data: [DONE]\n\n", chunk("{\"content\":\"a\"}")).as_bytes()]);
        assert_eq!(read, Ok(()));
        let Some(Event::Failed(said)) = events.last() else { panic!("{event}: {events:?}") };
        assert_eq!(said.message, "overloaded");
    }
}

#[test]
fn nonsense_is_no_stream() {
    for nonsense in ["data: <html>busy</html>\n\n", "data: 7\n\n", "data: {\"choices\":[{\"delta\":}]}\n\n"] {
        assert_eq!(decode(&[nonsense.as_bytes()]).1, Err(ScanError::Malformed), "{nonsense}");
    }
}

#[test]
fn a_stream_that_breaks_off_is_not_done() {
    let begun = chunk("{\"content\":\"a\"}");
    assert!(!decode(&[begun.as_bytes()]).0.contains(&Event::Done));
    let ended = begun.replace("\"}}", "\"},\"finish_reason\":\"length\"}");
    let (events, _) = decode(&[ended.as_bytes()]);
    assert_eq!(events[events.len() - 2..], [Event::Finish { choice: 0, finish: Finish::Length }, Event::Done]);
}

#[test]
fn what_follows_the_reason_still_counts() {
    let late = chunk("{},\"finish_reason\":\"stop\"") + &chunk("{\"content\":\"late\"}") + "data: [DONE]\n\n";
    let choice = &answer(&late).choices[0];
    assert!(matches!(&choice.parts[..], [Part::Text(text)] if text.text == "late"));
    assert_eq!(choice.finish, Some(Finish::Stop));
}

#[test]
fn calls_are_told_apart_whatever_numbers_them() {
    let done = "data: [DONE]\n\n";
    let piece = |call: &str| chunk(&format!("{{\"tool_calls\":[{call}]}}"));
    let same_index = piece(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#)
        + &piece(r#"{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}}"#)
        + done;
    assert_eq!(calls(&same_index).len(), 2);
    let repeated = piece(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}"#)
        + &piece(r#"{"index":0,"id":"a","function":{"name":"f","arguments":":1}"}}"#)
        + done;
    assert_eq!(calls(&repeated), [("a".to_owned(), "f".to_owned(), "{\"x\":1}".to_owned())]);
    let unnumbered = piece(r#"{"function":{"name":"f","arguments":"{\"x\""}}"#)
        + &piece(r#"{"function":{"arguments":":1}"}}"#)
        + &piece(r#"{"function":{"name":"g"}}"#)
        + done;
    let expected = [("call_c11", "f", "{\"x\":1}"), ("call_c12", "g", "{}")];
    assert_eq!(
        calls(&unnumbered),
        expected.map(|(id, name, arguments)| (id.to_owned(), name.to_owned(), arguments.to_owned()))
    );
    let name_last = piece(r#"{"index":0,"id":"a","function":{"arguments":"{"}}"#)
        + &piece(r#"{"index":0,"function":{"name":"f","arguments":"}"}}"#)
        + done;
    assert_eq!(calls(&name_last), [("a".to_owned(), "f".to_owned(), "{}".to_owned())]);
}

#[test]
fn functions_of_the_older_form_are_calls() {
    let stream = chunk(r#"{"function_call":{"name":"f","arguments":""}}"#)
        + &chunk(r#"{"function_call":{"arguments":"{\"a\":1}"}}"#)
        + "data: [DONE]\n\n";
    assert_eq!(calls(&stream), [("call_c11".to_owned(), "f".to_owned(), "{\"a\":1}".to_owned())]);
}

#[test]
fn half_a_surrogate_pair_does_not_end_the_stream() {
    let (events, read) = decode(&[chunk("{\"content\":\"\\ud83d\"}").as_bytes()]);
    assert_eq!(read, Ok(()));
    assert!(events.contains(&Event::Delta { choice: 0, part: 0, delta: Delta::Text("\u{fffd}".to_owned()) }));
}

#[test]
fn speech_is_one_medium_and_its_words_are_text() {
    let stream = chunk(r#"{"audio":{"id":"audio_1","transcript":"Hi"}}"#)
        + &chunk(r#"{"audio":{"data":"AAAA"}}"#)
        + &chunk(r#"{"audio":{"data":"BBBB","expires_at":1}}"#)
        + "data: [DONE]\n\n";
    let parts = &answer(&stream).choices[0].parts;
    let [Part::Text(text), Part::Media(media)] = &parts[..] else { panic!("{parts:?}") };
    assert_eq!(text.text, "Hi");
    assert_eq!(media.source, crate::canonical::MediaSource::Base64("AAAABBBB".to_owned()));
}

#[test]
fn the_first_thing_told_is_the_answers_name() {
    let stream = "data: {\"choices\":[],\"id\":\"\",\"model\":\"\",\"prompt_filter_results\":[]}\n\n".to_owned()
        + &chunk("{\"role\":\"assistant\",\"content\":\"\"}")
        + &chunk("{\"content\":\"a\"}");
    let (events, _) = decode(&[stream.as_bytes()]);
    let start = Event::Start { id: Some("c-1".to_owned()), model: None, created: None };
    assert_eq!(events[..2], [start, Event::Open { choice: 0, part: 0, opening: Opening::Text }]);
}

proptest! {
    #[test]
    fn any_cutting_gives_the_same_events(
        which in 0..FIXTURES.len(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let bytes = FIXTURES[which].1;
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.sort_unstable();
        let starts = std::iter::once(0).chain(places.iter().copied());
        let ends = places.iter().copied().chain([bytes.len()]);
        let pieces: Vec<&[u8]> = starts.zip(ends).map(|(start, end)| &bytes[start..end]).collect();
        prop_assert_eq!(decode(&pieces), decode(&[bytes]));
    }

    #[test]
    fn a_stream_cut_short_before_its_reason_is_never_done(which in 0..FIXTURES.len(), place: prop::sample::Index) {
        let bytes = FIXTURES[which].1;
        let text = std::str::from_utf8(bytes).unwrap();
        let reasons = ["finish_reason\":\"stop", "finish_reason\":\"tool_calls", "finish_reason\": \"stop", "[DONE]"];
        let end = reasons.iter().filter_map(|reason| text.find(reason)).min().unwrap();
        prop_assert!(!decode(&[&bytes[..place.index(end)]]).0.contains(&Event::Done));
    }

    #[test]
    fn broken_chunks_never_panic(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "\"usage\"", "\"choices\"", "\"delta\"", "\"content\"", "\"tool_calls\"", "\"function\"", "\"arguments\"", ":", ",", "{", "}",
            "[", "]", "null", "\\", "\"", " ", "1",
        ]), 0..40),
    ) {
        let _ = decode(&[format!("data: {{{}}}\n\n", parts.concat()).as_bytes()]);
    }
}
