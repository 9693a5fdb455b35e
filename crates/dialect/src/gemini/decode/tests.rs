//! Streams into events.

use proptest::prelude::*;

use super::*;
use crate::canonical::{Collector, MediaKind};
use crate::gemini::tests::{STREAMS, collect, cut, decode};

fn fixture(name: &str) -> Vec<Event> {
    decode(&[STREAMS.iter().find(|(known, _)| *known == name).unwrap().1]).unwrap()
}

#[test]
fn goldens() {
    for (name, bytes) in STREAMS {
        let lines: Vec<String> = decode(&[bytes]).unwrap().iter().map(|event| format!("{event:?}")).collect();
        insta::assert_snapshot!(*name, lines.join("\n"));
    }
}

#[test]
fn an_array_gives_the_events_of_its_events() {
    assert_eq!(fixture("array.json"), fixture("text.sse"));
}

#[test]
fn a_stream_tells_the_answer_that_is_read_whole() {
    // The elements of a stream of whole parts, put together.
    let body = include_bytes!("../../fixtures/gemini/answer_tools.json");
    let compact = serde_json::from_slice::<Value>(body).unwrap().to_string();
    let (streamed, is_done) = collect(decode(&[format!("data: {compact}\n\n").as_bytes()]).unwrap());
    assert!(is_done);
    assert_eq!(streamed, answer::read(body).unwrap());
}

#[test]
fn calls_without_ids_get_some_and_others_keep_theirs() {
    let ids: Vec<String> = fixture("tools.sse")
        .into_iter()
        .filter_map(|event| match event {
            Event::Open { opening: Opening::ToolCall { id, .. }, .. } => Some(id),
            _ => None,
        })
        .collect();
    assert_eq!(ids, ["call_bBCtaKXhD5-Rz7IPq_2TmQc_0", "call_bBCtaKXhD5-Rz7IPq_2TmQc_1", "own-7"]);
}

#[test]
fn a_refused_prompt_ends_by_a_filter() {
    let (answer, is_done) = collect(fixture("blocked.sse"));
    assert!(is_done);
    assert_eq!(answer.choices[0].finish, Some(Finish::ContentFilter));
}

#[test]
fn an_error_is_the_last_event() {
    let events = fixture("error.sse");
    let Some(Event::Failed(said)) = events.last() else { panic!("{events:?}") };
    assert_eq!(said.kind.as_deref(), Some("UNAVAILABLE"));
}

#[test]
fn a_stream_without_a_reason_has_no_end() {
    let text = b"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n";
    let events = decode(&[text]).unwrap();
    assert!(matches!(events.last(), Some(Event::Close { .. })));
    assert_eq!(decode(&[b""]).unwrap(), []);
    assert_eq!(decode(&[b"data: nonsense\n\n"]), Err(ScanError::Malformed));
}

#[test]
fn pictures_come_whole() {
    let media: Vec<_> = fixture("image.sse")
        .into_iter()
        .filter_map(|event| match event {
            Event::Delta { delta: Delta::Media(media), .. } => Some(media.kind),
            _ => None,
        })
        .collect();
    assert_eq!(media, [MediaKind::Image]);
}

#[test]
fn an_element_of_text_alone_is_read_without_a_tree_and_as_the_same() {
    let first = "data: {\"responseId\":\"r\",\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n";
    let plain = r#""candidates":[{"content":{"parts":[{"text":"h\u00e9","thought":true},{"text":"b"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":2}"#;
    assert!(serde_json::from_str::<Plain<'_>>(&format!("{{{plain}}}")).is_ok());
    // One more field that means nothing takes the other way.
    let (by_text, by_tree) = (format!("data: {{{plain}}}\n\n"), format!("data: {{{plain},\"x\":1}}\n\n"));
    assert_eq!(decode(&[first.as_bytes(), by_text.as_bytes()]), decode(&[first.as_bytes(), by_tree.as_bytes()]));
}

proptest! {
    #[test]
    fn any_cutting_gives_the_same_events(
        which in 0..STREAMS.len(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let bytes = STREAMS[which].1;
        prop_assert_eq!(decode(&cut(bytes, &cuts)), decode(&[bytes]));
    }

    #[test]
    fn a_stream_cut_short_never_ends(which in 0..STREAMS.len(), place: prop::sample::Index) {
        let bytes = STREAMS[which].1;
        let last = bytes.windows(12).rposition(|window| window == b"finishReason").unwrap_or(0);
        let events = decode(&[&bytes[..place.index(last + 1)]]).unwrap();
        prop_assert!(!events.contains(&Event::Done));
    }

    #[test]
    fn nonsense_never_panics(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "\"candidates\"", "\"content\"", "\"parts\"", "\"text\"", "\"functionCall\"", "\"name\"", "\"index\"", "\"finishReason\"",
            "\"error\"", "\"usageMetadata\"", "\"promptTokenCount\"", ":", ",", "{", "}", "[", "]", "null", "\"", "1", "9999999999999",
        ]), 0..40),
        is_array: bool,
    ) {
        let text = if is_array { format!("[{{{}}}]", parts.concat()) } else { format!("data: {{{}}}\n\n", parts.concat()) };
        let mut collector = Collector::default();
        for event in decode(&[text.as_bytes()]).unwrap_or_default() {
            collector.push(event);
        }
    }
}
