//! Every fixture, cut anywhere, for a client that asked for usage and for one that did not.

use proptest::prelude::*;
use serde_json::json;

use super::*;

macro_rules! fixtures {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../fixtures/openai_chat/", $name, ".sse")))),+]
    };
}

const FIXTURES: &[(&str, &[u8])] =
    fixtures!["openai", "openai_tools", "openrouter", "openrouter_error", "groq", "deepseek", "mistral", "llamacpp",];

const QUIET: Expectations = Expectations { wants_usage: false, sends_done: true, choices: 1 };
const ASKING: Expectations = Expectations { wants_usage: true, ..QUIET };

/// What a client gets of a stream that arrives in pieces.
fn scan(pieces: &[&[u8]], expectations: Expectations) -> (String, StreamEnd, StreamFacts) {
    let mut scanner = StreamScanner::new(expectations);
    let mut forwarded = vec![];
    for piece in pieces {
        let scanned = scanner.push(Bytes::copy_from_slice(piece));
        forwarded.extend_from_slice(&scanned.forward);
    }
    let finished = scanner.finish();
    forwarded.extend_from_slice(&finished.forward);
    (String::from_utf8(forwarded).unwrap(), finished.end, scanner.facts().clone())
}

fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
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

fn chunk(rest: &str) -> String {
    format!("data: {{\"id\":\"c\",\"model\":\"m\",\"choices\":[{{\"index\":0,{rest}}}]}}\n\n")
}

#[test]
fn goldens() {
    for (name, bytes) in FIXTURES {
        for (asked, expectations) in [("quiet", QUIET), ("asking", ASKING)] {
            let (text, end, facts) = scan(&[bytes], expectations);
            let golden = format!("{end:?}\n{facts:#?}\n\n{}", text.replace('\r', "<CR>"));
            insta::assert_snapshot!(format!("{name}_{asked}"), golden);
        }
    }
}

#[test]
fn a_client_that_asked_gets_exactly_one_usage_chunk_and_it_is_the_last() {
    for (name, bytes) in FIXTURES.iter().filter(|(name, _)| *name != "openrouter_error") {
        let (text, end, _) = scan(&[bytes], ASKING);
        assert_eq!(end, StreamEnd::Done, "{name}");
        let data: Vec<Value> = sse::events(text.as_bytes())
            .filter_map(sse::data)
            .filter_map(|data| serde_json::from_slice(&data).ok())
            .collect();
        let with_usage = data.iter().filter(|chunk| chunk["usage"].is_object()).count();
        assert_eq!(with_usage, 1, "{name}");
        let last = data.last().unwrap();
        assert!(last["usage"].is_object() && last["choices"] == json!([]), "{name}");
        assert!(text.trim_end().ends_with("data: [DONE]"), "{name}");
    }
}

#[test]
fn a_client_that_did_not_ask_sees_no_usage_and_no_chunk_without_choices() {
    for (name, bytes) in FIXTURES {
        let (text, _, _) = scan(&[bytes], QUIET);
        for data in sse::events(text.as_bytes()).filter_map(sse::data) {
            let Ok(chunk) = serde_json::from_slice::<Value>(&data) else { continue };
            assert!(chunk.get("usage").is_none(), "{name}");
            assert_ne!(chunk["choices"], json!([]), "{name}");
        }
    }
}

#[test]
fn bytes_pass_untouched_where_nothing_has_to_change() {
    let text = "\u{feff}event: message\r\nid: 1\r\n: note\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n\r\n: ping\n\ndata: [DONE]\n\n";
    let (forwarded, end, _) = scan(&[text.as_bytes()], QUIET);
    assert_eq!(forwarded, text.trim_start_matches('\u{feff}'));
    assert_eq!(end, StreamEnd::Done);
}

#[test]
fn a_stream_in_one_piece_is_not_copied() {
    let text = Bytes::from(format!("{}data: [DONE]\n\n", chunk("\"delta\":{\"content\":\"a\"}")));
    let scanned = StreamScanner::new(QUIET).push(text.clone());
    assert_eq!(scanned.forward, text);
    assert_eq!(scanned.forward.as_ptr(), text.as_ptr());
}

#[test]
fn the_role_and_comments_are_no_output() {
    let mut scanner = StreamScanner::new(QUIET);
    for quiet in [
        ": keepalive\n\n".to_owned(),
        chunk("\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null"),
        chunk("\"delta\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[]}"),
        "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n".to_owned(),
    ] {
        let _ = scanner.push(Bytes::from(quiet.clone()));
        assert!(!scanner.facts().has_output, "{quiet}");
    }
    for useful in [
        "\"delta\":{\"content\":\"a\"}",
        "\"delta\":{\"reasoning_content\":\"a\"}",
        "\"delta\":{\"reasoning\":\"a\"}",
        "\"delta\":{\"refusal\":\"no\"}",
        "\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\"}]}",
        "\"delta\":{\"function_call\":{\"name\":\"f\"}}",
        "\"delta\":{\"audio\":{\"id\":\"a\"}}",
    ] {
        let mut scanner = StreamScanner::new(QUIET);
        let _ = scanner.push(Bytes::from(chunk(useful)));
        assert!(scanner.facts().has_output, "{useful}");
    }
}

#[test]
fn nonsense_before_the_first_output_is_noticed() {
    for nonsense in
        ["data: <html>busy</html>\n\n", "data: {\"choices\":[{\"delta\":{\"content\":}}]}\n\n", "data: null\n\n"]
    {
        let scanned = StreamScanner::new(QUIET).push(Bytes::from(nonsense));
        assert_eq!(scanned.failure, Some(ScanError::Malformed), "{nonsense}");
        assert!(scanned.forward.is_empty());
    }
}

#[test]
fn an_error_in_the_stream_is_taken_out_and_reported() {
    let good = chunk("\"delta\":{\"content\":\"a\"}");
    for (event, message) in [
        ("data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n", "overloaded"),
        ("data: {\"error\":\"overloaded\"}\n\n", "overloaded"),
        ("event: error\ndata: {\"object\":\"error\",\"message\":\"out of memory\"}\n\n", "out of memory"),
    ] {
        let mut scanner = StreamScanner::new(QUIET);
        let scanned = scanner.push(Bytes::from(format!("{good}{event}data: [DONE]\n\n")));
        assert_eq!(scanned.forward, good);
        let Some(ScanError::Upstream(said)) = &scanned.failure else { panic!("{event}") };
        assert_eq!(said.message, message);
        let after = scanner.push(Bytes::from(good.clone()));
        assert!(after.forward.is_empty());
        assert!(matches!(scanner.finish().end, StreamEnd::Failed(ScanError::Upstream(_))));
    }
}

#[test]
fn figures_and_the_tier_are_found_wherever_they_are() {
    let moonshot = include_bytes!("../../fixtures/openai_chat/moonshot.sse");
    let (text, _, facts) = scan(&[moonshot], ASKING);
    let usage = facts.usage.unwrap();
    assert_eq!((usage.input, usage.cached_read, usage.output), (Some(11), Some(8), Some(13)));
    assert_eq!(text.matches("\"choices\":[],\"usage\":{").count(), 1);
    let flex = include_bytes!("../../fixtures/openai_chat/openai_parallel.sse");
    let (_, _, facts) = scan(&[flex], QUIET);
    assert_eq!(facts.usage.unwrap().service_tier, Some(megarouter_domain::usage::ServiceTier::Flex));
}

#[test]
fn nothing_follows_the_end_mark() {
    let (text, end, facts) = scan(&[b"data: [DONE]\n\n: more\n\ndata: {\"choices\":[]}\n\n"], QUIET);
    assert_eq!((text.as_str(), end, facts.is_done), ("data: [DONE]\n\n", StreamEnd::Done, true));
}

#[test]
fn an_end_mark_without_line_breaks_counts_and_is_completed() {
    let (text, end, _) = scan(&[b"data: [DONE]"], QUIET);
    assert_eq!((text.as_str(), end), ("data: [DONE]\n\n", StreamEnd::Done));
}

#[test]
fn where_no_end_mark_is_sent_every_choice_must_have_ended() {
    let two = Expectations { sends_done: false, choices: 2, wants_usage: true };
    let first = chunk("\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"");
    assert_eq!(scan(&[first.as_bytes()], two).1, StreamEnd::Truncated);
    let both = format!("{first}{}", first.trim_end().replace("]}", "],\"usage\":{\"prompt_tokens\":1}}"));
    let (text, end, facts) = scan(&[both.as_bytes()], two);
    assert_eq!((end, facts.finished_choices), (StreamEnd::Done, 2));
    assert!(text.ends_with("\"usage\":{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n"), "{text}");
}

#[test]
fn an_event_beyond_the_limit_ends_the_stream() {
    let mut scanner = StreamScanner::new(QUIET);
    let _ = scanner.push(Bytes::from("data: \"".to_owned() + &"x".repeat(sse::MAX_EVENT_BYTES - 7)));
    assert_eq!(scanner.push(Bytes::from_static(b"x")).failure, Some(ScanError::TooLarge));
}

#[test]
fn comments_do_not_add_up_in_memory_or_count() {
    let mut scanner = StreamScanner::new(QUIET);
    for _ in 0..1000 {
        assert_eq!(scanner.push(Bytes::from_static(b":\n\n")).forward, ":\n\n");
    }
    assert_eq!(scanner.facts(), &StreamFacts::default());
}

proptest! {
    #[test]
    fn any_cutting_forwards_the_same_bytes_and_finds_the_same_facts(
        which in 0..FIXTURES.len(), asked: bool, cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let bytes = FIXTURES[which].1;
        let expectations = if asked { ASKING } else { QUIET };
        prop_assert_eq!(scan(&cut(bytes, &cuts), expectations), scan(&[bytes], expectations));
    }

    #[test]
    fn a_stream_cut_short_is_never_done_and_forwards_a_beginning_of_the_whole(
        which in 0..FIXTURES.len(), asked: bool, place: prop::sample::Index,
    ) {
        let (name, bytes) = FIXTURES[which];
        let end_mark = bytes.windows(6).rposition(|window| window == b"[DONE]").unwrap() + 6;
        let expectations = if asked { ASKING } else { QUIET };
        let (whole, ..) = scan(&[bytes], expectations);
        let (text, end, _) = scan(&[&bytes[..place.index(end_mark)]], expectations);
        // An event whose line breaks were cut off is completed with plain ones.
        prop_assert!(whole.replace('\r', "").starts_with(&text.replace('\r', "")));
        prop_assert!(!text.contains("data: [DONE]\n"));
        if name == "openrouter_error" {
            prop_assert_ne!(end, StreamEnd::Done);
        } else {
            prop_assert_eq!(end, StreamEnd::Truncated);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_cutting_does_not_matter(
        bytes in proptest::collection::vec(prop_oneof![
            4 => proptest::sample::select(&b"\n\r:{}[]\",\\ dat"[..]),
            1 => any::<u8>(),
        ], 0..400),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let run = |pieces: &[&[u8]]| {
            let mut scanner = StreamScanner::new(ASKING);
            let mut forwarded = vec![];
            for piece in pieces {
                forwarded.extend_from_slice(&scanner.push(Bytes::copy_from_slice(piece)).forward);
            }
            let finished = scanner.finish();
            forwarded.extend_from_slice(&finished.forward);
            (forwarded, finished.end, scanner.facts().clone())
        };
        prop_assert_eq!(run(&cut(&bytes, &cuts)), run(&[&bytes]));
    }

    #[test]
    fn broken_chunks_after_output_never_panic(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "\"usage\"", "\"choices\"", "\"delta\"", "\"content\"", "\"error\"", "\"finish_reason\"", ":", ",", "{", "}", "[", "]",
            "null", "\\", "\"", " ", "1",
        ]), 0..40),
        asked: bool,
    ) {
        let mut scanner = StreamScanner::new(if asked { ASKING } else { QUIET });
        let _ = scanner.push(Bytes::from(chunk("\"delta\":{\"content\":\"a\"}")));
        let _ = scanner.push(Bytes::from(format!("data: {{{}}}\n\n", parts.concat())));
        prop_assert_ne!(scanner.finish().end, StreamEnd::Done);
    }
}
