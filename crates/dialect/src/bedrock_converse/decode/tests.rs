//! Every fixture, framed and cut anywhere.

use proptest::prelude::*;

use super::*;
use crate::bedrock_converse::frame::tests::message;
use crate::canonical::Finish;

macro_rules! fixtures {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../fixtures/bedrock_converse/", $name, ".jsonl")))),+]
    };
}

const FIXTURES: &[(&str, &str)] = fixtures!["stream", "stream_guardrail", "stream_exception"];

fn framed(lines: &str) -> Vec<u8> {
    let framed = lines.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let headers = line["headers"].as_object().unwrap().iter();
        let mut headers: Vec<(&str, &str)> =
            headers.map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        headers.push((":content-type", "application/json"));
        message(&headers, line["payload"].to_string().as_bytes())
    });
    framed.collect::<Vec<_>>().concat()
}

fn decode(pieces: &[&[u8]]) -> (Vec<Event>, Result<(), ScanError>) {
    let mut decoder = Decoder::new();
    let mut events = vec![];
    let read = pieces.iter().try_for_each(|piece| decoder.push(Bytes::copy_from_slice(piece), &mut events));
    decoder.finish(&mut events);
    (events, read)
}

#[test]
fn goldens() {
    for (name, lines) in FIXTURES {
        let (events, read) = decode(&[&framed(lines)]);
        assert_eq!(read, Ok(()), "{name}");
        insta::assert_debug_snapshot!(*name, events);
    }
}

#[test]
fn a_stream_without_its_figures_is_complete_and_one_without_its_stop_is_not() {
    let lines: Vec<&str> = FIXTURES[0].1.lines().collect();
    let whole = lines.len();
    let (events, _) = decode(&[&framed(&lines[..whole - 1].join("\n"))]);
    assert_eq!(events[events.len() - 2..], [Event::Finish { choice: 0, finish: Finish::ToolCalls }, Event::Done]);
    let (events, _) = decode(&[&framed(&lines[..whole - 2].join("\n"))]);
    assert!(!events.contains(&Event::Done));
}

#[test]
fn an_error_without_a_payload_is_read_from_its_headers() {
    let headers = [(":message-type", "error"), (":error-code", "InternalFailure"), (":error-message", "gone")];
    let (events, _) = decode(&[&message(&headers, b"")]);
    let said = UpstreamErrorBody {
        message: "gone".to_owned(),
        kind: Some("InternalFailure".to_owned()),
        ..UpstreamErrorBody::default()
    };
    assert_eq!(events, [Event::Failed(said)]);
}

#[test]
fn pictures_come_whole_and_the_providers_own_tools_not_at_all() {
    let event =
        |name: &str, payload: &str| message(&[(":message-type", "event"), (":event-type", name)], payload.as_bytes());
    let bytes = [
        event(
            "contentBlockStart",
            r#"{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"s","name":"g","type":"server_tool_use"}}}"#,
        ),
        event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}"#),
        event("contentBlockStop", r#"{"contentBlockIndex":0}"#),
        event("contentBlockStart", r#"{"contentBlockIndex":1,"start":{"image":{"format":"png"}}}"#),
        event("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"image":{"source":{"bytes":"AAAA"}}}}"#),
        event("contentBlockStop", r#"{"contentBlockIndex":1}"#),
    ]
    .concat();
    let (events, _) = decode(&[&bytes]);
    let Part::Media(media) = image(Some("image/png".to_owned()), "AAAA".to_owned()) else { unreachable!() };
    let expected = [
        Event::Start { id: None, model: None, created: None },
        Event::Open { choice: 0, part: 0, opening: Opening::Media },
        Event::Delta { choice: 0, part: 0, delta: Delta::Media(Box::new(media)) },
        Event::Close { choice: 0, part: 0 },
    ];
    assert_eq!(events, expected);
}

proptest! {
    #[test]
    fn any_cutting_gives_the_same_events(
        which in 0..FIXTURES.len(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let bytes = framed(FIXTURES[which].1);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.sort_unstable();
        let starts = std::iter::once(0).chain(places.iter().copied());
        let ends = places.iter().copied().chain([bytes.len()]);
        let pieces: Vec<&[u8]> = starts.zip(ends).map(|(start, end)| &bytes[start..end]).collect();
        prop_assert_eq!(decode(&pieces), decode(&[&bytes]));
    }

    #[test]
    fn odd_payloads_never_panic(
        name in proptest::sample::select(vec!["contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "x"]),
        payload in proptest::sample::select(vec![
            "7", "[]", "{}", "null", r#"{"delta":7}"#, r#"{"delta":{"text":7}}"#, r#"{"start":[]}"#, r#"{"delta":{"toolUse":[]}}"#,
            r#"{"delta":{"reasoningContent":{"signature":"s"}}}"#, r#"{"usage":7,"serviceTier":[]}"#, r#"{"stopReason":7}"#,
        ]),
    ) {
        let bytes = message(&[(":message-type", "event"), (":event-type", name)], payload.as_bytes());
        let (_, read) = decode(&[&bytes, &bytes]);
        prop_assert_eq!(read, Ok(()));
    }
}
