//! Every order of events gives a legal stream that says the same.

use megarouter_domain::code::Code;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::canonical::{Answer, Opaque, Part};
use crate::openai_responses::testing::{CODEX, FIXTURES, collected, data, decode, encode, fixture, legal};
use crate::openai_responses::{names, read};

fn encrypted() -> Echo {
    Echo { id: "0".to_owned(), include: vec![ENCRYPTED.to_owned()], ..Echo::default() }
}

/// What a stream of this dialect can show of an answer.
fn shown(mut answer: Answer) -> Answer {
    answer.id = None;
    answer.service_tier.get_or_insert_with(|| "default".to_owned());
    if let Some(usage) = &mut answer.usage {
        for class in [&mut usage.cached_read, &mut usage.cache_write, &mut usage.reasoning] {
            *class = class.or(Some(0));
        }
    }
    for choice in &mut answer.choices {
        let is_refused = choice.parts.iter().any(|part| matches!(part, Part::Refusal(_)));
        choice.finish = match choice.finish.take() {
            Some(Finish::Refusal | Finish::Stop) | None if is_refused => Some(Finish::Refusal),
            Some(Finish::Refusal) => Some(Finish::ContentFilter),
            None => Some(Finish::Stop),
            other => other,
        };
        for part in &mut choice.parts {
            match part {
                Part::Reasoning(thought) => (thought.is_summary, thought.id) = (true, None),
                Part::ToolCall(call) if call.kind == ToolKind::Function && call.arguments.trim().is_empty() => {
                    call.arguments.push_str("{}");
                }
                _ => {}
            }
        }
    }
    answer
}

#[test]
fn every_fixture_is_written_legally_and_says_the_same() {
    for (name, bytes) in FIXTURES.iter().filter(|(name, _)| *name != "failed") {
        let events = decode(&[bytes]).unwrap();
        let stream = encode(events.clone(), &encrypted());
        legal(&stream);
        let again = collected(decode(&[stream.as_bytes()]).unwrap());
        assert_eq!(shown(again), shown(collected(events)), "{name}");
    }
}

#[test]
fn goldens() {
    for name in ["tools", "refusal", "incomplete"] {
        let events = decode(&[fixture(name)]).unwrap();
        insta::assert_snapshot!(name, encode(events, &Echo::default()));
    }
}

fn open(part: u32, opening: Opening) -> Event {
    Event::Open { choice: 0, part, opening }
}

fn text(part: u32, text: &str) -> Event {
    Event::Delta { choice: 0, part, delta: Delta::Text(text.to_owned()) }
}

fn arguments(part: u32, text: &str) -> Event {
    Event::Delta { choice: 0, part, delta: Delta::Arguments(text.to_owned()) }
}

fn call(id: &str, name: &str) -> Opening {
    Opening::ToolCall { id: id.to_owned(), name: name.to_owned(), kind: ToolKind::Function }
}

fn close(part: u32) -> Event {
    Event::Close { choice: 0, part }
}

fn finish(finish: Finish) -> Event {
    Event::Finish { choice: 0, finish }
}

#[test]
fn codex_gets_its_own_tools_back() {
    let echo = read::echo(CODEX);
    let stream = encode(
        [
            open(0, call("toolu_1", "mcp__files__read")),
            open(1, call("toolu_2", "apply_patch")),
            arguments(1, r#"{"input":"*** Begin"#),
            arguments(0, r#"{"path":"a"}"#),
            arguments(1, r#" Patch\n*** End Patch"}"#),
            close(0),
            close(1),
            finish(Finish::ToolCalls),
            Event::Done,
        ],
        &echo,
    );
    let response = legal(&stream);
    let [read, patch] = response["output"].as_array().unwrap().as_slice() else { panic!("{response}") };
    assert_eq!((&read["type"], &read["name"]), (&json!("function_call"), &json!("read")));
    assert_eq!((&read["namespace"], &read["arguments"]), (&json!("mcp__files"), &json!(r#"{"path":"a"}"#)));
    assert_eq!((&patch["type"], &patch["name"]), (&json!("custom_tool_call"), &json!("apply_patch")));
    assert_eq!((&patch["call_id"], &patch["input"]), (&json!("toolu_2"), &json!("*** Begin Patch\n*** End Patch")));
    assert!(!stream.contains("\"{\\\"input"));
    assert_eq!(response["prompt_cache_key"], "019aa-session");
    assert_eq!(response["reasoning"], json!({"effort": "high", "summary": "auto"}));
}

#[test]
fn a_sound_that_a_response_cannot_carry_is_told() {
    let sound = Media {
        kind: MediaKind::Audio,
        mime: Some("audio/wav".to_owned()),
        source: MediaSource::Base64("AAAA".to_owned()),
        name: None,
        detail: None,
        cache: None,
    };
    let heard = Event::Delta { choice: 0, part: 0, delta: Delta::Media(Box::new(sound)) };
    let events =
        [open(0, Opening::Media), heard, close(0), open(1, Opening::Text), text(1, "b"), close(1), Event::Done];
    let response = legal(&encode(events, &Echo::default()));
    let content = response["output"][0]["content"].as_array().unwrap();
    let texts: Vec<&str> = content.iter().map(|part| part["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["[The model made a sound (audio/wav), which this API cannot carry.]", "b"]);
}

#[test]
fn a_bridged_call_that_is_no_object_is_passed_on() {
    let echo = read::echo(CODEX);
    let stream = encode([open(0, call("c", "apply_patch")), arguments(0, "*** raw"), Event::Done], &echo);
    assert_eq!(legal(&stream)["output"][0]["input"], "*** raw");
}

#[test]
fn the_end_says_how_it_ended() {
    for (ending, kind, details) in [
        (Finish::Stop, "completed", json!(null)),
        (Finish::ToolCalls, "completed", json!(null)),
        (Finish::Length, "incomplete", json!({"reason": "max_output_tokens"})),
        (Finish::ContentFilter, "incomplete", json!({"reason": "content_filter"})),
        (Finish::Refusal, "incomplete", json!({"reason": "content_filter"})),
    ] {
        let response =
            legal(&encode([open(0, Opening::Text), text(0, "a"), finish(ending), Event::Done], &Echo::default()));
        assert_eq!((&response["status"], &response["incomplete_details"]), (&json!(kind), &details));
        assert_eq!(response["output"][0]["status"], kind);
        assert_eq!((&response["usage"], &response["error"]), (&json!(null), &json!(null)));
    }
    let failed = legal(&encode([finish(Finish::MalformedCall), Event::Done], &Echo::default()));
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("server_error")));
}

#[test]
fn nothing_at_all_still_ends_properly() {
    let echo = Echo { id: "7".to_owned(), model: "m".to_owned(), created: 9, ..Echo::default() };
    let response = legal(&encode([Event::Done], &echo));
    assert_eq!(
        (&response["id"], &response["model"], &response["created_at"]),
        (&json!("resp_7"), &json!("m"), &json!(9))
    );
    assert_eq!(response["output"], json!([]));
}

#[test]
fn a_signature_travels_with_the_client_and_comes_back() {
    let thought = Opaque { dialect: Dialect::Anthropic, kind: "signature", content: "EqMB".to_owned() };
    let of_call = Opaque { dialect: Dialect::Gemini, kind: "thoughtSignature", content: "CiQB".to_owned() };
    let events = [
        open(0, Opening::Reasoning { is_summary: false, id: None }),
        text(0, "hm"),
        Event::Delta { choice: 0, part: 0, delta: Delta::Signature(thought.clone()) },
        close(0),
        open(1, call("c1", "f")),
        Event::Delta { choice: 0, part: 1, delta: Delta::Signature(of_call.clone()) },
        close(1),
        Event::Done,
    ];
    let response = legal(&encode(events.clone(), &encrypted()));
    let mut input = response["output"].as_array().unwrap().clone();
    input.push(json!({"type": "function_call_output", "call_id": "c1", "output": "x"}));
    let next = read::conversation(json!({"model": "m", "input": input}).to_string().as_bytes()).unwrap();
    let [Part::Reasoning(read), Part::ToolCall(called)] = &next.turns[0].parts[..] else { panic!("{next:?}") };
    assert_eq!((read.text.as_str(), read.signature.as_ref()), ("hm", Some(&thought)));
    assert_eq!(called.signature.as_ref(), Some(&of_call));
    // A client that did not ask gets none.
    let plain = encode(events, &Echo::default());
    assert!(!plain.contains("encrypted_content") && !plain.contains("EqMB"));
}

#[test]
fn an_error_follows_what_came() {
    let (mut encoder, mut out) = (Encoder::new(Echo::default()), BytesMut::new());
    encoder.write(open(0, Opening::Text), &mut out);
    encoder.write(text(0, "half"), &mut out);
    let note = ErrorNote { status: 502, code: Code::UpstreamTruncated, message: "cut", param: None };
    encoder.fail(&note, &mut out);
    encoder.write(Event::Done, &mut out);
    let events = data(std::str::from_utf8(&out).unwrap());
    let kinds: Vec<&str> = events.iter().rev().take(2).map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["response.failed", "error"]);
    let last = events.last().unwrap();
    assert_eq!(last["sequence_number"], events.len() - 1);
    assert_eq!(last["response"]["error"], json!({"code": "server_error", "message": "cut"}));
}

#[test]
fn sources_of_other_dialects_become_ours() {
    let cite = |citation: Value| Event::Delta { choice: 0, part: 0, delta: Delta::Citation(citation) };
    let stream = encode(
        [
            open(0, Opening::Text),
            text(0, "a"),
            cite(
                json!({"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1}}),
            ),
            cite(json!({"type": "web_search_result_location", "url": "v", "title": null, "cited_text": "c"})),
            cite(json!({"type": "char_location", "document_index": 0})),
            Event::Done,
        ],
        &Echo::default(),
    );
    let expected = json!([
        {"type": "url_citation", "start_index": 0, "end_index": 1, "title": "t", "url": "u"},
        {"type": "url_citation", "start_index": 0, "end_index": 0, "title": "v", "url": "v"},
    ]);
    assert_eq!(legal(&stream)["output"][0]["content"][0]["annotations"], expected);
}

#[derive(Clone, Debug)]
enum Planned {
    Text(Vec<String>),
    Refusal(Vec<String>),
    Thought(Vec<String>, Option<String>),
    Call(Vec<String>, ToolKind),
}

fn planned() -> impl Strategy<Value = Planned> {
    let pieces = || proptest::collection::vec("[a-zé\"\\\\\n😀]{1,6}", 1..4);
    prop_oneof![
        pieces().prop_map(Planned::Text),
        pieces().prop_map(Planned::Refusal),
        (proptest::collection::vec("[a-zé]{1,6}", 0..3), proptest::option::of("[a-z]{1,8}"))
            .prop_map(|(pieces, signature)| Planned::Thought(pieces, signature)),
        (pieces(), prop_oneof![Just(ToolKind::Function), Just(ToolKind::Custom)])
            .prop_map(|(pieces, kind)| Planned::Call(pieces, kind)),
    ]
}

fn events_of(part: u32, planned: &Planned) -> Vec<Event> {
    let delta = |delta| Event::Delta { choice: 0, part, delta };
    let (opening, mut deltas): (Opening, Vec<Event>) = match planned {
        Planned::Text(pieces) => (Opening::Text, pieces.iter().map(|piece| text(part, piece)).collect()),
        Planned::Refusal(pieces) => (Opening::Refusal, pieces.iter().map(|piece| text(part, piece)).collect()),
        Planned::Thought(pieces, signature) => {
            let mut deltas: Vec<Event> = pieces.iter().map(|piece| text(part, piece)).collect();
            let own = signature.as_deref().map(carried::own);
            // A thought that shows and keeps nothing is no part of a stream.
            deltas.extend(
                own.or_else(|| pieces.is_empty().then(|| carried::own("x"))).map(|own| delta(Delta::Signature(own))),
            );
            (Opening::Reasoning { is_summary: true, id: None }, deltas)
        }
        Planned::Call(pieces, kind) => (
            Opening::ToolCall { id: format!("call_{part}"), name: "f".to_owned(), kind: *kind },
            pieces.iter().map(|piece| arguments(part, piece)).collect(),
        ),
    };
    let mut events = vec![open(part, opening)];
    events.append(&mut deltas);
    events.push(close(part));
    events
}

proptest! {
    #[test]
    fn every_order_of_parts_says_the_same(
        plan in proptest::collection::vec(planned(), 0..5),
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..60),
        usage in proptest::option::of(1_u64..100),
    ) {
        let mut start = vec![Event::Start { id: Some("resp_abc".to_owned()), model: Some("m".to_owned()), created: Some(5) }];
        let mut queues: Vec<std::collections::VecDeque<Event>> =
            (0..).zip(&plan).map(|(part, planned)| events_of(part, planned).into()).collect();
        // Parts begin in order of their numbers and then go on as they like.
        let mut begun = 0;
        for pick in picks {
            let at = pick.index(begun + 1).min(queues.len().saturating_sub(1));
            if at == begun {
                begun += 1;
            }
            start.extend(queues.get_mut(at).and_then(std::collections::VecDeque::pop_front));
        }
        start.extend(queues.into_iter().flatten());
        let has_calls = plan.iter().any(|planned| matches!(planned, Planned::Call(..)));
        start.push(finish(if has_calls { Finish::ToolCalls } else { Finish::Stop }));
        start.extend(usage.map(|count| Event::Usage(Usage {
            input: Some(count), cached_read: Some(0), cache_write: Some(0), output: Some(count), reasoning: Some(0), ..Usage::UNREPORTED
        })));
        start.push(Event::ServiceTier("flex".to_owned()));
        start.push(Event::Done);

        let stream = encode(start.clone(), &Echo::default());
        legal(&stream);
        let again = collected(decode(&[stream.as_bytes()]).unwrap());
        let mut meant = collected(start);
        if meant.choices.is_empty() {
            meant.choices.push(crate::canonical::Choice::default());
        }
        prop_assert_eq!(shown(again), shown(meant));
    }

    #[test]
    fn ids_fit_whatever_the_provider_calls_the_answer(id in "\\PC{0,200}") {
        let stream = encode([Event::Start { id: Some(id), model: None, created: None }, open(0, Opening::Text), Event::Done], &encrypted());
        let response = legal(&stream);
        prop_assert!(response["output"][0]["id"].as_str().unwrap().len() <= names::MAX_ID);
    }
}
