//! Every fixture, cut anywhere.

use megarouter_domain::code::Code;
use proptest::prelude::*;

use super::*;
use crate::openai_responses::testing::{FIXTURES, cut, data, fixture};

/// What a client gets of a stream that arrives in pieces.
fn scan(pieces: &[&[u8]]) -> (String, StreamEnd, StreamFacts) {
    let mut scanner = Scanner::new();
    let mut forwarded = vec![];
    for piece in pieces {
        forwarded.extend_from_slice(&scanner.push(Bytes::copy_from_slice(piece)).forward);
    }
    let finished = scanner.finish();
    forwarded.extend_from_slice(&finished.forward);
    (String::from_utf8(forwarded).unwrap(), finished.end, scanner.facts().clone())
}

#[test]
fn goldens() {
    for (name, bytes) in FIXTURES {
        let (_, end, facts) = scan(&[bytes]);
        insta::assert_snapshot!(*name, format!("{end:?}\n{facts:#?}"));
    }
}

#[test]
fn bytes_pass_untouched_and_uncopied() {
    for (name, bytes) in FIXTURES.iter().filter(|(name, _)| !matches!(*name, "failed" | "items_only")) {
        let whole = Bytes::from_static(bytes);
        let scanned = Scanner::new().push(whole.clone());
        assert_eq!(scanned.forward, whole, "{name}");
        assert_eq!(scanned.forward.as_ptr(), whole.as_ptr());
    }
}

#[test]
fn nothing_follows_the_end() {
    let (text, end, facts) = scan(&[fixture("items_only")]);
    assert_eq!((end, facts.is_done, facts.has_output), (StreamEnd::Done, true, true));
    assert!(!text.contains("[DONE]") && text.ends_with("\r\n\r\n"));
}

#[test]
fn a_failure_is_taken_out_before_and_after_output() {
    let delta = "data: {\"type\":\"response.output_text.delta\",\"sequence_number\":6,\"delta\":\"a\"}\n\n";
    let failed = "data: {\"type\":\"response.failed\",\"response\":{\"id\":\"resp_1\",\"error\":{\"code\":\"c\",\"message\":\"m\"}}}\n\n";
    let error = "data: {\"type\":\"error\",\"code\":\"c\",\"message\":\"m\",\"param\":null,\"sequence_number\":7}\n\n";
    for (before, event) in [("", failed), ("", error), (delta, failed), (delta, error)] {
        let mut scanner = Scanner::new();
        let scanned = scanner.push(Bytes::from(format!("{before}{event}{delta}")));
        assert_eq!(scanned.forward, before);
        let Some(ScanError::Upstream(said)) = scanned.failure else { panic!("{event}") };
        assert_eq!((said.message.as_str(), said.code.as_deref()), ("m", Some("c")));
        assert!(scanner.push(Bytes::from(delta)).forward.is_empty());
        assert!(matches!(scanner.finish().end, StreamEnd::Failed(_)));
    }
}

#[test]
fn our_error_follows_the_last_event() {
    let mut scanner = Scanner::new();
    let _ = scanner.push(Bytes::from_static(&fixture("text")[..4000]));
    let last = scanner.last_event.unwrap();
    let note = ErrorNote { status: 502, code: Code::UpstreamTruncated, message: "cut", param: None };
    let events = data(std::str::from_utf8(&scanner.fail(&note)).unwrap());
    assert_eq!((&events[0]["sequence_number"], &events[1]["sequence_number"]), (&json!(last + 1), &json!(last + 2)));
    assert_eq!(
        (&events[1]["response"]["id"], &events[1]["response"]["status"]),
        (&json!("resp_68f0a1"), &json!("failed"))
    );
}

#[test]
fn statuses_of_tools_are_no_output_and_calls_are() {
    for (event, is_output) in [
        (r#"{"type":"response.created","response":{"id":"r","output":[]}}"#, false),
        (r#"{"type":"response.output_item.added","item":{"type":"message","content":[]}}"#, false),
        (r#"{"type":"response.output_item.added","item":{"type":"web_search_call"}}"#, false),
        (r#"{"type":"response.web_search_call.searching"}"#, false),
        (r#"{"type":"response.output_text.delta","delta":""}"#, false),
        (r#"{"type":"response.output_text.delta","delta":"a"}"#, true),
        (r#"{"type":"response.reasoning_summary_text.delta","delta":"a"}"#, true),
        (r#"{"type":"response.output_item.added","item":{"type":"function_call","name":"f"}}"#, true),
        (r#"{"type":"response.output_item.done","item":{"type":"message","content":[{"text":"a"}]}}"#, true),
    ] {
        let mut scanner = Scanner::new();
        let _ = scanner.push(Bytes::from(format!("data: {event}\n\n")));
        assert_eq!(scanner.facts().has_output, is_output, "{event}");
    }
}

#[test]
fn nonsense_before_the_first_output_is_noticed() {
    for nonsense in ["data: <html>busy</html>\n\n", "data: {\"type\":}\n\n", "data: null\n\n", "data: {\"a\":1}\n\n"] {
        let scanned = Scanner::new().push(Bytes::from(nonsense));
        assert_eq!(scanned.failure, Some(ScanError::Malformed), "{nonsense}");
    }
    let bare = Scanner::new().push(Bytes::from_static(b"data: {\"error\":{\"message\":\"m\"}}\n\n"));
    assert!(matches!(bare.failure, Some(ScanError::Upstream(said)) if said.message == "m"));
}

#[test]
fn an_end_without_its_empty_line_counts() {
    let (text, end, _) = scan(&[b"data: {\"type\":\"response.completed\",\"response\":{}}"]);
    assert_eq!(end, StreamEnd::Done);
    assert!(text.ends_with("\n\n"));
}

#[test]
fn an_event_beyond_the_limit_ends_the_stream() {
    let mut scanner = Scanner::new();
    let _ = scanner.push(Bytes::from("data: \"".to_owned() + &"x".repeat(sse::MAX_EVENT_BYTES - 7)));
    assert_eq!(scanner.push(Bytes::from_static(b"x")).failure, Some(ScanError::TooLarge));
}

proptest! {
    #[test]
    fn any_cutting_forwards_the_same_bytes_and_finds_the_same_facts(
        which in 0..FIXTURES.len(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let bytes = FIXTURES[which].1;
        prop_assert_eq!(scan(&cut(bytes, &cuts)), scan(&[bytes]));
    }

    #[test]
    fn a_stream_cut_short_is_never_done_and_forwards_a_beginning(which in 0..FIXTURES.len(), place: prop::sample::Index) {
        let (name, bytes) = FIXTURES[which];
        let needle: &[u8] = if name == "failed" { b"\"type\":\"response.failed\"" } else { b"\"status\":\"" };
        let end = bytes.windows(needle.len()).rposition(|window| window == needle).unwrap();
        let (text, end, _) = scan(&[&bytes[..place.index(end)]]);
        prop_assert!(std::str::from_utf8(bytes).unwrap().replace('\r', "").starts_with(&text.replace('\r', "")));
        prop_assert_eq!(end, StreamEnd::Truncated);
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "\"type\"", "\"delta\"", "\"sequence_number\"", "\"response\"", "\"item\"", "\"response.completed\"", "\"error\"", ":", ",",
            "{", "}", "[", "]", "null", "\\", "\"", " ", "1", "\n\n", "data: ",
        ]), 0..60),
    ) {
        let text = parts.concat();
        let _ = scan(&[b"data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n", text.as_bytes()]);
        let _ = scan(&[text.as_bytes()]);
    }
}
