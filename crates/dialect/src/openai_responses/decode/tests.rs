//! Every fixture, cut anywhere.

use proptest::prelude::*;

use super::*;
use crate::canonical::{Delta, Opening, Part, ToolKind};
use crate::openai_responses::testing::{FIXTURES, collected, cut, decode, fixture};

#[test]
fn goldens() {
    for (name, bytes) in FIXTURES {
        let events = decode(&[bytes]).unwrap();
        let lines: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
        insta::assert_snapshot!(*name, lines.join("\n"));
    }
}

#[test]
fn a_thought_keeps_its_id_and_its_encrypted_content() {
    let answer = collected(decode(&[fixture("tools")]).unwrap());
    let Part::Reasoning(thought) = &answer.choices[0].parts[0] else { panic!("{answer:?}") };
    assert_eq!(thought.id.as_deref(), Some("rs_68f0b1"));
    assert_eq!(thought.text, "**Planning**\n\nI need the weather.\n\n**Calling** both.");
    assert_eq!(thought.signature, Some(crate::openai_responses::carried::own("gAAAAABpFinal==")));
}

#[test]
fn items_without_deltas_are_read_whole() {
    let answer = collected(decode(&[fixture("items_only")]).unwrap());
    let [Part::Reasoning(thought), Part::Text(text), Part::ToolCall(call)] = &answer.choices[0].parts[..] else {
        panic!("{answer:?}")
    };
    assert_eq!((thought.text.as_str(), thought.is_summary), ("Hm.", false));
    assert_eq!((text.text.as_str(), call.id.as_str(), call.arguments.as_str()), ("Whole at once", "call_1", "{}"));
    assert_eq!((answer.created, answer.choices[0].finish.clone()), (Some(1_763_800_000), Some(Finish::ToolCalls)));
}

#[test]
fn a_completed_response_alone_is_enough() {
    let text = r#"data: {"type":"response.completed","response":{"id":"resp_1","model":"m","status":"completed","output":[{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"hi","annotations":[],"logprobs":[]}]}],"usage":{"input_tokens":1,"output_tokens":1}}}"#;
    let answer = collected(decode(&[text.as_bytes()]).unwrap());
    assert!(matches!(&answer.choices[0].parts[..], [Part::Text(said)] if said.text == "hi"));
    assert_eq!((answer.id.as_deref(), answer.choices[0].finish.clone()), (Some("resp_1"), Some(Finish::Stop)));
}

#[test]
fn calls_within_a_namespace_get_their_flat_name() {
    let text = r#"data: {"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"c","name":"find","namespace":"crm","arguments":""}}

"#;
    let events = decode(&[text.as_bytes()]).unwrap();
    let expected = Opening::ToolCall { id: "c".to_owned(), name: "crm__find".to_owned(), kind: ToolKind::default() };
    assert!(events.contains(&Event::Open { choice: 0, part: 0, opening: expected }), "{events:?}");
}

#[test]
fn an_error_ends_the_stream_whatever_its_dress() {
    for (event, code) in [
        (
            r#"{"type":"error","code":"server_error","message":"m","param":null,"sequence_number":1}"#,
            Some("server_error"),
        ),
        (r#"{"type":"error","error":{"type":"x","code":"c","message":"m"}}"#, Some("c")),
        (r#"{"type":"response.failed","response":{"error":{"code":"c","message":"m"}}}"#, Some("c")),
        (r#"{"error":{"message":"m","type":"t","param":null,"code":null}}"#, None),
    ] {
        let text = format!("data: {event}\n\ndata: {{\"type\":\"response.output_text.delta\",\"delta\":\"late\"}}\n\n");
        let events = decode(&[text.as_bytes()]).unwrap();
        let [.., Event::Failed(said)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((said.message.as_str(), said.code.as_deref()), ("m", code));
    }
}

#[test]
fn nonsense_is_no_stream() {
    for nonsense in ["data: <html>busy</html>\n\n", "data: {\"a\":1}\n\n", "data: null\n\n"] {
        assert_eq!(decode(&[nonsense.as_bytes()]), Err(ScanError::Malformed), "{nonsense}");
    }
}

#[test]
fn text_that_no_delta_brought_is_filled_in() {
    let text = concat!(
        r#"data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hé"}"#,
        "\n\n",
        r#"data: {"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":"output_text","text":"Héllo"}]}}"#,
        "\n\n",
    );
    let events = decode(&[text.as_bytes()]).unwrap();
    let rest = Event::Delta { choice: 0, part: 0, delta: Delta::Text("llo".to_owned()) };
    assert!(events.contains(&rest), "{events:?}");
}

proptest! {
    #[test]
    fn any_cutting_gives_the_same_events(
        which in 0..FIXTURES.len(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let bytes = FIXTURES[which].1;
        prop_assert_eq!(decode(&cut(bytes, &cuts)), decode(&[bytes]));
    }

    #[test]
    fn a_stream_cut_short_is_never_done(which in 0..FIXTURES.len(), place: prop::sample::Index) {
        let (_, bytes) = FIXTURES[which];
        let end = bytes.windows(16).rposition(|window| window.starts_with(b"data: {")).unwrap();
        let events = decode(&[&bytes[..place.index(end)]]).unwrap_or_default();
        prop_assert!(!events.contains(&Event::Done));
    }

    #[test]
    fn arbitrary_events_never_panic(
        parts in proptest::collection::vec((
            proptest::sample::select(vec![
                "response.created", "response.output_item.added", "response.output_item.done", "response.content_part.added",
                "response.output_text.delta", "response.reasoning_summary_text.delta", "response.custom_tool_call_input.delta",
                "response.function_call_arguments.delta", "response.output_text.annotation.added", "response.completed", "error",
            ]),
            0_u64..3, 0_u64..3,
            proptest::sample::select(vec![
                r#"{"type":"message","content":[{"type":"output_text","text":"é"}]}"#, r#"{"type":"reasoning","summary":[{"text":"ab"}],"encrypted_content":"x"}"#,
                r#"{"type":"function_call","call_id":"c","name":"n","arguments":"{}"}"#, "null", "7", r#""x""#,
            ]),
        ), 0..20),
    ) {
        let stream: String = parts
            .iter()
            .map(|(kind, item, content, value)| format!(
                "data: {{\"type\":\"{kind}\",\"output_index\":{item},\"content_index\":{content},\"summary_index\":{content},\"item\":{value},\"delta\":{value},\"part\":{value},\"annotation\":{value}}}\n\n"
            ))
            .collect();
        let events = decode(&[stream.as_bytes()]).unwrap();
        let mut open = std::collections::HashSet::new();
        for event in &events {
            match event {
                Event::Open { part, .. } => prop_assert!(open.insert(*part)),
                Event::Delta { part, .. } => prop_assert!(open.contains(part)),
                Event::Close { part, .. } => prop_assert!(open.contains(part)),
                _ => {}
            }
        }
    }
}
