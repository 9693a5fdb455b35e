//! Every fixture, cut anywhere.

use megarouter_domain::code::Code;
use proptest::prelude::*;

use super::*;
use crate::gemini::tests::{STREAMS, cut};

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

fn fixture(name: &str) -> &'static [u8] {
    STREAMS.iter().find(|(known, _)| *known == name).unwrap().1
}

fn chunk(candidate: &str) -> String {
    format!("data: {{\"candidates\":[{{{candidate}}}]}}\n\n")
}

#[test]
fn every_byte_passes_and_every_stream_is_whole() {
    for (name, bytes) in STREAMS.iter().filter(|(name, _)| *name != "error.sse") {
        let (forwarded, end, facts) = scan(&[bytes]);
        // Space after the end of an array is nothing to pass on.
        assert_eq!(forwarded.trim_ascii_end(), bytes.trim_ascii_end(), "{name}");
        assert_eq!((end, facts.is_done), (StreamEnd::Done, true), "{name}");
    }
}

#[test]
fn facts_are_found() {
    let facts = STREAMS.iter().map(|(name, bytes)| format!("{name}\n{:#?}", scan(&[bytes]).2));
    insta::assert_snapshot!(facts.collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn an_array_gives_the_facts_of_its_events() {
    let (_, _, events) = scan(&[fixture("text.sse")]);
    let (_, _, array) = scan(&[fixture("array.json")]);
    assert_eq!(events, array);
}

#[test]
fn a_stream_in_one_piece_is_not_copied() {
    let text = Bytes::from(chunk(r#""content":{"parts":[{"text":"a"}]},"finishReason":"STOP""#));
    let scanned = Scanner::new().push(text.clone());
    assert_eq!(scanned.forward.as_ptr(), text.as_ptr());
}

#[test]
fn an_error_in_the_stream_is_taken_out_and_reported() {
    let (forwarded, end, facts) = scan(&[fixture("error.sse")]);
    assert!(String::from_utf8(forwarded).unwrap().trim_end().ends_with("\"responseId\": \"kRCtaNqGJeaWz7IPkJ_zwQY\"}"));
    let StreamEnd::Failed(ScanError::Upstream(said)) = end else { panic!("{end:?}") };
    assert!(said.is_overloaded() && facts.has_output && !facts.is_done);
    let mut scanner = Scanner::new();
    let failed = scanner.push(Bytes::from_static(
        b"[{\"error\":{\"code\":429,\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\"}}\n]",
    ));
    assert!(failed.forward.is_empty() && matches!(failed.failure, Some(ScanError::Upstream(_))));
    assert!(scanner.push(Bytes::from_static(b"data: {}\n\n")).forward.is_empty());
}

#[test]
fn a_blocked_prompt_is_an_answer_that_ended() {
    let blocked = b"data: {\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"},\"modelVersion\":\"m\"}\n\n";
    let (forwarded, end, facts) = scan(&[blocked]);
    assert_eq!((forwarded.as_slice(), end), (blocked.as_slice(), StreamEnd::Done));
    assert_eq!((facts.is_done, facts.finished_choices, facts.has_output), (true, 1, false));
}

#[test]
fn every_candidate_must_end() {
    let first = chunk(r#""content":{"parts":[{"text":"a"}]},"finishReason":"STOP""#);
    let other = chunk(r#""content":{"parts":[{"text":"b"}]},"index":1"#);
    let ended = chunk(r#""finishReason":"STOP","index": 1"#);
    assert_eq!(scan(&[first.as_bytes()]).1, StreamEnd::Done);
    assert_eq!(scan(&[first.as_bytes(), other.as_bytes()]).1, StreamEnd::Truncated);
    assert_eq!(scan(&[first.as_bytes(), other.as_bytes(), ended.as_bytes()]).1, StreamEnd::Done);
    // Some say STOP in every chunk.
    assert_eq!(scan(&[first.as_bytes(), first.as_bytes()]).2.finished_choices, 1);
}

#[test]
fn what_is_no_output_is_none() {
    for quiet in [
        r#""content":{"role":"model"}"#,
        r#""content":{"parts":[{"text":"","thoughtSignature":"eA=="}]}"#,
        r#""safetyRatings":[]"#,
    ] {
        assert!(!scan(&[chunk(quiet).as_bytes()]).2.has_output, "{quiet}");
    }
    for useful in [
        r#""text":"a""#,
        r#""text":"a","thought":true"#,
        r#""functionCall":{"name":"f"}"#,
        r#""inlineData":{"data":"AA=="}"#,
    ] {
        let facts = scan(&[chunk(&format!(r#""content":{{"parts":[{{{useful}}}]}}"#)).as_bytes()]).2;
        assert!(facts.has_output, "{useful}");
    }
}

#[test]
fn nonsense_before_the_first_output_is_noticed() {
    for nonsense in ["data: <html>busy</html>\n\n", "data: {\"candidates\":[{]}\n\n", "data: null\n\n", "[7]"] {
        let scanned = Scanner::new().push(Bytes::from(nonsense));
        assert_eq!(scanned.failure, Some(ScanError::Malformed), "{nonsense}");
        assert!(scanned.forward.is_empty());
    }
}

#[test]
fn a_failure_of_ours_is_an_event_or_the_last_element() {
    let note = ErrorNote { status: 502, code: Code::UpstreamTruncated, message: "cut off", param: None };
    let mut events = Scanner::new();
    let _ = events.push(Bytes::from(chunk(r#""content":{"parts":[{"text":"a"}]}"#)));
    assert!(events.fail(&note).starts_with(b"data: {\"error\":"));
    let mut array = Scanner::new();
    let before =
        array.push(Bytes::from_static(b"[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n,")).forward;
    let whole = [before, array.fail(&note)].concat();
    let elements: Vec<Value> = serde_json::from_slice(&whole).unwrap();
    assert_eq!((elements.len(), elements[1]["error"]["status"].as_str()), (2, Some("UNAVAILABLE")));
}

proptest! {
    #[test]
    fn any_cutting_forwards_the_same_bytes_and_finds_the_same_facts(
        which in 0..STREAMS.len(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let bytes = STREAMS[which].1;
        prop_assert_eq!(scan(&cut(bytes, &cuts)), scan(&[bytes]));
    }

    #[test]
    fn a_stream_cut_short_forwards_a_beginning_of_the_whole_and_is_not_done_before_its_last_answer(
        which in 0..STREAMS.len(), place: prop::sample::Index,
    ) {
        let (name, bytes) = STREAMS[which];
        let last = bytes.windows(12).rposition(|window| window == b"finishReason").unwrap_or(0);
        let (text, end, _) = scan(&[&bytes[..place.index(last + 1)]]);
        let plain = |text: &[u8]| text.iter().copied().filter(|byte| *byte != b'\r').collect::<Vec<_>>();
        prop_assert!(plain(bytes).starts_with(&plain(&text)));
        if name != "error.sse" && name != "blocked.sse" {
            prop_assert_eq!(end, StreamEnd::Truncated);
        }
    }

    #[test]
    fn broken_chunks_after_output_never_panic(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "\"usageMetadata\"", "\"candidates\"", "\"content\"", "\"parts\"", "\"error\"", "\"finishReason\"", "\"index\"",
            ":", ",", "{", "}", "[", "]", "null", "\\", "\"", " ", "1",
        ]), 0..40),
    ) {
        let mut scanner = Scanner::new();
        let _ = scanner.push(Bytes::from(chunk(r#""content":{"parts":[{"text":"a"}]}"#)));
        let _ = scanner.push(Bytes::from(format!("data: {{{}}}\n\n", parts.concat())));
        let _ = scanner.finish();
    }
}
