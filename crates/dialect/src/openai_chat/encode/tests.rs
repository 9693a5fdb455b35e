//! What is written keeps to the letter, and reads as what it was.

use megarouter_domain::code::Code;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::canonical::{
    Answer, Choice, Collector, Media, MediaKind, MediaSource, Part, Reasoning, Text, ToolCall, ToolKind,
};
use crate::openai_chat::{answer, decode};
use crate::request::ClientTool;
use crate::sse;
use crate::stream::Decode;

fn echo(wants_usage: bool) -> Echo {
    Echo { id: "0192".to_owned(), model: "m".to_owned(), created: 5, wants_usage, ..Echo::default() }
}

fn encode(events: impl IntoIterator<Item = Event>, echo: Echo) -> String {
    let mut encoder = Encoder::new(echo);
    let mut out = BytesMut::new();
    for event in events {
        encoder.write(event, &mut out);
    }
    String::from_utf8(out.to_vec()).unwrap()
}

fn decoded(stream: &str) -> Answer {
    let (mut decoder, mut events) = (decode::Decoder::new(), vec![]);
    decoder.push(stream.to_owned().into(), &mut events).unwrap();
    decoder.finish(&mut events);
    let mut collector = Collector::default();
    for event in events {
        collector.push(event);
    }
    assert!(collector.is_done());
    collector.finish()
}

/// Panics where the stream is not as OpenAI's are.
fn assert_legal(stream: &str, wants_usage: bool) {
    let (body, rest) = stream.split_once("data: [DONE]\n\n").expect("an end mark");
    assert_eq!(rest, "");
    let chunks: Vec<Value> =
        sse::events(body.as_bytes()).map(|event| serde_json::from_slice(&sse::data(event).unwrap()).unwrap()).collect();
    let (mut begun, mut ended) = (vec![], vec![]);
    for (place, chunk) in chunks.iter().enumerate() {
        for same in ["id", "created", "model"] {
            assert_eq!(chunk[same], chunks[0][same]);
        }
        assert_eq!(chunk["object"], "chat.completion.chunk");
        let choices = chunk["choices"].as_array().unwrap();
        if choices.is_empty() {
            assert!(wants_usage && place + 1 == chunks.len() && chunk["usage"].is_object());
            continue;
        }
        assert_eq!(chunk.get("usage"), wants_usage.then_some(&Value::Null));
        for choice in choices {
            let index = choice["index"].as_u64().unwrap();
            assert!(choice.get("finish_reason").is_some() && choice["delta"].is_object());
            assert!(!ended.contains(&index), "nothing follows the reason");
            assert_eq!(choice["delta"]["role"] == "assistant", !begun.contains(&index), "the first delta has the role");
            begun.push(index);
            if choice["finish_reason"].is_string() {
                ended.push(index);
            }
        }
    }
    assert!(!ended.is_empty() && begun.iter().all(|index| ended.contains(index)));
    assert_calls_are_legal(&chunks);
}

/// A call's first piece has its index, id, type and name; the others its index.
fn assert_calls_are_legal(chunks: &[Value]) {
    let mut known = std::collections::HashMap::new();
    for choice in chunks.iter().flat_map(|chunk| chunk["choices"].as_array().unwrap()) {
        for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let begun: &mut u64 = known.entry(choice["index"].as_u64()).or_default();
            let index = call["index"].as_u64().unwrap();
            if call.get("id").is_some() {
                assert_eq!(index, *begun);
                *begun += 1;
                let kind = call["type"].as_str().unwrap();
                assert!(call[kind]["name"].is_string());
            } else {
                assert!(index < *begun);
            }
        }
    }
}

fn text(said: &str) -> Part {
    Part::Text(Text { text: said.to_owned(), ..Text::default() })
}

fn call(name: &str, arguments: &str, kind: ToolKind) -> Part {
    let (id, name, arguments) = (format!("call_{name}"), name.to_owned(), arguments.to_owned());
    Part::ToolCall(ToolCall { id, name, arguments, kind, signature: None, cache: None })
}

fn one(parts: Vec<Part>) -> Answer {
    Answer { choices: vec![Choice { parts, finish: Some(Finish::Stop), logprobs: None }], ..Answer::default() }
}

#[test]
fn golden() {
    let usage =
        Usage { input: Some(3), cached_read: Some(1), output: Some(2), reasoning: Some(4), ..Usage::UNREPORTED };
    let parts = vec![
        Part::Reasoning(Reasoning { text: "hm \u{1F600}".to_owned(), ..Reasoning::default() }),
        text("a \"quote\"\nand a line"),
        call("f", r#"{"a":1}"#, ToolKind::Function),
        call("patch", "*** Begin", ToolKind::Custom),
    ];
    let answer = Answer { usage: Some(usage), service_tier: Some("default".to_owned()), ..one(parts) };
    insta::assert_snapshot!(encode(answer.events(), echo(true)));
}

#[test]
fn an_empty_stream_ends_properly() {
    let stream = encode([Event::Done], echo(true));
    assert_legal(&stream, true);
    assert!(stream.contains("\"finish_reason\":\"stop\""));
}

#[test]
fn the_reason_waits_for_the_end() {
    let part = Event::Open { choice: 0, part: 0, opening: Opening::Text };
    let said = Event::Delta { choice: 0, part: 0, delta: Delta::Text("late".to_owned()) };
    let stream = encode([Event::Finish { choice: 0, finish: Finish::Length }, part, said, Event::Done], echo(false));
    assert_legal(&stream, false);
    assert!(stream.find("late").unwrap() < stream.find("\"length\"").unwrap());
}

#[test]
fn a_call_of_a_function_that_stood_for_free_text_is_turned_back() {
    let tool = ClientTool { name: "apply_patch".to_owned(), namespace: None, kind: ToolKind::Custom };
    let echo = Echo { tools: [("apply_patch".to_owned(), tool)].into(), ..echo(false) };
    let answer = one(vec![call("apply_patch", r#"{"input":"*** Begin\n"}"#, ToolKind::Function)]);
    let stream = encode(answer.clone().events(), echo.clone());
    assert_legal(&stream, false);
    let Part::ToolCall(streamed) = decoded(&stream).choices.remove(0).parts.remove(0) else { panic!("{stream}") };
    assert_eq!((streamed.kind, streamed.arguments.as_str()), (ToolKind::Custom, "*** Begin\n"));
    let whole: Value = serde_json::from_slice(&answer::write(answer, &echo)).unwrap();
    assert_eq!(whole["choices"][0]["message"]["tool_calls"][0]["custom"]["input"], "*** Begin\n");
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn summaries_of_thoughts_are_paragraphs() {
    let thought =
        |said: &str| Part::Reasoning(Reasoning { text: said.to_owned(), is_summary: true, ..Reasoning::default() });
    let answer = decoded(&encode(one(vec![thought("one"), thought("two")]).events(), echo(false)));
    let [Part::Reasoning(thought)] = &answer.choices[0].parts[..] else { panic!("{answer:?}") };
    assert_eq!(thought.text, "one\n\ntwo");
}

#[test]
fn pictures_and_speech_are_carried() {
    let media = |kind, content: &str| {
        let source = MediaSource::Base64(content.to_owned());
        Part::Media(Media { kind, mime: Some("image/png".to_owned()), source, name: None, detail: None, cache: None })
    };
    let stream =
        encode(one(vec![media(MediaKind::Image, "AAAA"), media(MediaKind::Audio, "BBBB")]).events(), echo(false));
    assert_legal(&stream, false);
    assert!(stream.contains(r#""images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]"#));
    assert!(stream.contains(r#""audio":{"id":"audio_0192","data":"BBBB""#));
}

#[test]
fn nothing_follows_an_error() {
    let mut encoder = Encoder::new(echo(true));
    let mut out = BytesMut::new();
    encoder.write(Event::Start { id: None, model: None, created: None }, &mut out);
    let note = ErrorNote { status: 502, code: Code::UpstreamTruncated, message: "cut", param: None };
    encoder.fail(&note, &mut out);
    encoder.write(Event::Done, &mut out);
    let stream = String::from_utf8(out.to_vec()).unwrap();
    assert!(stream.ends_with("}\n\n") && stream.contains("\"upstream.truncated\"") && !stream.contains("[DONE]"));
}

fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        "\\PC{1,12}".prop_map(|said| text(&said)),
        "\\PC{1,12}".prop_map(|said| Part::Reasoning(Reasoning { text: said, ..Reasoning::default() })),
        "\\PC{1,12}".prop_map(Part::Refusal),
        ("[a-z]{1,6}", "\\PC{0,12}")
            .prop_map(|(name, said)| { call(&name, &json!({"said": said}).to_string(), ToolKind::Function) }),
        ("[a-z]{1,6}", "\\PC{1,12}").prop_map(|(name, said)| call(&name, &said, ToolKind::Custom)),
    ]
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let reason = prop_oneof![Just(Finish::Length), Just(Finish::ContentFilter), Just(Finish::ToolCalls)];
    let choice =
        (proptest::collection::vec(any_part(), 0..6), reason, any::<bool>()).prop_map(|(parts, finish, has)| {
            let token = json!({"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []});
            let logprobs = has.then(|| json!({"content": [token], "refusal": null}));
            Choice { parts, finish: Some(finish), logprobs }
        });
    let usage = proptest::option::of((0..99_u64, 0..99_u64)).prop_map(|figures| {
        figures.map(|(input, output)| Usage { input: Some(input), output: Some(output), ..Usage::UNREPORTED })
    });
    (proptest::collection::vec(choice, 1..4), usage).prop_map(|(choices, usage)| Answer {
        id: Some("chatcmpl-1".to_owned()),
        model: Some("model".to_owned()),
        created: Some(7),
        choices,
        usage,
        service_tier: Some("default".to_owned()),
    })
}

/// Parts of one kind that follow each other are one in this dialect's stream, where calls lie beside
/// what is said.
fn merged(mut answer: Answer) -> Answer {
    for choice in &mut answer.choices {
        let (calls, said): (Vec<Part>, Vec<Part>) =
            std::mem::take(&mut choice.parts).into_iter().partition(|part| matches!(part, Part::ToolCall(_)));
        for part in said {
            match (choice.parts.last_mut(), part) {
                (Some(Part::Text(last)), Part::Text(next)) => last.text.push_str(&next.text),
                (Some(Part::Reasoning(last)), Part::Reasoning(next)) => last.text.push_str(&next.text),
                (Some(Part::Refusal(last)), Part::Refusal(next)) => last.push_str(&next),
                (_, part) => choice.parts.push(part),
            }
        }
        choice.parts.extend(calls);
    }
    answer
}

/// The parts of all choices at once, each choice in its own order, as parallel calls come.
fn interleaved(answer: Answer, order: &[prop::sample::Index]) -> Vec<Event> {
    let events = answer.events();
    let (mut queues, mut rest) = (BTreeMap::<u32, Vec<Event>>::new(), vec![]);
    for event in events {
        match &event {
            Event::Open { choice, .. }
            | Event::Delta { choice, .. }
            | Event::Close { choice, .. }
            | Event::Finish { choice, .. } => queues.entry(*choice).or_default().insert(0, event),
            _ => rest.push(event),
        }
    }
    let mut mixed = vec![rest.remove(0)];
    let mut turns = order.iter().cycle();
    while queues.values().any(|queue| !queue.is_empty()) {
        let waiting: Vec<u32> =
            queues.iter().filter(|(_, queue)| !queue.is_empty()).map(|(choice, _)| *choice).collect();
        let next = waiting[turns.next().map_or(0, |turn| turn.index(waiting.len()))];
        mixed.extend(queues.get_mut(&next).and_then(Vec::pop));
    }
    mixed.extend(rest);
    mixed
}

proptest! {
    #[test]
    fn every_answer_is_legal_and_reads_as_what_it_was(
        answer in any_answer(), wants_usage: bool, order in proptest::collection::vec(any::<prop::sample::Index>(), 1..30),
    ) {
        let stream = encode(interleaved(answer.clone(), &order), echo(wants_usage));
        assert_legal(&stream, wants_usage);
        let mut expected = merged(answer);
        if !wants_usage {
            expected.usage = None;
        }
        prop_assert_eq!(merged(decoded(&stream)), expected);
    }

    #[test]
    fn a_whole_answer_reads_as_what_it_was(answer in any_answer()) {
        let body = answer::write(answer.clone(), &echo(true));
        let read = answer::read(&body).unwrap();
        prop_assert_eq!(texts(&read), texts(&answer));
        prop_assert_eq!((read.id, read.usage, read.service_tier), (answer.id, answer.usage, answer.service_tier));
    }
}

/// What was said by kind: a message has one text, one thought and one refusal.
fn texts(answer: &Answer) -> Vec<[String; 4]> {
    let of = |choice: &Choice| {
        let mut found = <[String; 4]>::default();
        for part in &choice.parts {
            match part {
                Part::Text(text) => found[0].push_str(&text.text),
                Part::Reasoning(thought) => found[1].push_str(&thought.text),
                Part::Refusal(text) => found[2].push_str(text),
                Part::ToolCall(call) => {
                    found[3] += &serde_json::to_string(&(&call.id, &call.name, &call.arguments)).unwrap();
                }
                Part::Media(_) | Part::ToolResult(_) => {}
            }
        }
        found
    };
    answer.choices.iter().map(of).collect()
}
