//! Whole answers, there and back.

use super::*;
use crate::canonical::{Media, MediaKind, MediaSource, Reasoning, ToolCall, ToolKind};

const TEXT: &[u8] = include_bytes!("../../fixtures/gemini/answer.json");
const TOOLS: &[u8] = include_bytes!("../../fixtures/gemini/answer_tools.json");
const BLOCKED: &[u8] = include_bytes!("../../fixtures/gemini/answer_blocked.json");

fn rewritten(body: &[u8]) -> Value {
    serde_json::from_slice(&write(read(body).unwrap(), &Echo::default())).unwrap()
}

#[test]
fn facts_of_an_answer_are_read() {
    let facts = inspect(TEXT).unwrap();
    assert_eq!(facts.model.as_deref(), Some("gemini-2.5-flash"));
    assert_eq!(facts.id.as_deref(), Some("mAitaLmkHPPlz7IPvtfUqQ4"));
    let usage = facts.usage.unwrap();
    assert_eq!(
        (usage.input, usage.cached_read, usage.output, usage.reasoning),
        (Some(176), Some(1024), Some(5), Some(92))
    );
}

#[test]
fn answers_survive_being_read_and_written() {
    for body in [TEXT, TOOLS] {
        let mut sent: Value = serde_json::from_slice(body).unwrap();
        let mut written = rewritten(body);
        // The calls got ids, and the prose for people is left out.
        for part in written["candidates"][0]["content"]["parts"].as_array_mut().unwrap() {
            if let Some(call) = part.get_mut("functionCall") {
                assert!(call.as_object_mut().unwrap().remove("id").is_some());
            }
        }
        sent["candidates"][0].as_object_mut().unwrap().remove("finishMessage");
        for answer in [&mut sent, &mut written] {
            let usage = answer["usageMetadata"].as_object_mut().unwrap();
            usage.retain(|name, _| !name.ends_with("Details"));
        }
        assert_eq!(written, sent);
    }
}

#[test]
fn parallel_calls_get_ids_that_differ_from_each_other_and_from_other_answers() {
    let ids = |body: &[u8]| -> Vec<String> {
        let parts = read(body).unwrap().choices.remove(0).parts;
        parts
            .into_iter()
            .filter_map(|part| if let Part::ToolCall(call) = part { Some(call.id) } else { None })
            .collect()
    };
    assert_eq!(ids(TOOLS), ["call_bBCtaKXhD5-Rz7IPq_2TmQc_0", "call_bBCtaKXhD5-Rz7IPq_2TmQc_1"]);
    let nameless = |city: &str| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{{"name":"f","args":{{"city":"{city}"}}}}}}]}}}}]}}"#
        )
    };
    let (first, second) = (ids(nameless("Paris").as_bytes()), ids(nameless("Rome").as_bytes()));
    assert_ne!(first, second);
    assert!(first[0].len() <= 40);
}

#[test]
fn calls_make_the_finish_and_signatures_stay() {
    let choice = read(TOOLS).unwrap().choices.remove(0);
    assert_eq!(choice.finish, Some(Finish::ToolCalls));
    let Part::ToolCall(call) = &choice.parts[0] else { panic!() };
    assert_eq!(part::own_signature(call.signature.as_ref()), Some("Cs0BAVKJvlQ="));
}

#[test]
fn a_prompt_that_was_refused_is_a_filtered_answer() {
    let answer = read(BLOCKED).unwrap();
    assert_eq!(answer.choices.len(), 1);
    assert_eq!((answer.choices[0].finish.clone(), answer.choices[0].parts.len()), (Some(Finish::ContentFilter), 0));
    assert_eq!(answer.usage.unwrap().output, Some(0));
    let written = rewritten(BLOCKED);
    assert_eq!(written["candidates"][0]["finishReason"], "SAFETY");
    assert_eq!(written["candidates"][0]["content"]["parts"], json!([{"text": ""}]));
}

#[test]
fn candidates_go_by_their_index() {
    let body = br#"{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}]}},{"content":{"parts":[{"text":"a"}]},"index":0}]}"#;
    let choices = read(body).unwrap().choices;
    let said: Vec<&Part> = choices.iter().map(|choice| &choice.parts[0]).collect();
    assert!(matches!(said.as_slice(), [Part::Text(a), Part::Text(b)] if a.text == "a" && b.text == "b"));
    let far = br#"{"candidates":[{"index":4000000000,"content":{"parts":[{"text":"b"}]}}]}"#;
    assert!(read(far).unwrap().choices.len() <= 2);
}

#[test]
fn grounding_is_kept_and_pages_of_others_become_it() {
    let body = br#"{"candidates":[{"content":{"parts":[{"text":"Spain"}]},"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["q"]}}],"usageMetadata":{"promptTokenCount":1}}"#;
    assert_eq!(read(body).unwrap().usage.unwrap().searches, Some(1));
    assert_eq!(rewritten(body)["candidates"][0]["groundingMetadata"], json!({"webSearchQueries": ["q"]}));
    let cited = Text {
        text: "Spain".to_owned(),
        citations: vec![
            json!({"type": "url_citation", "url_citation": {"url": "https://example.org", "title": "E"}}),
            json!({"type": "char_location"}),
        ],
        ..Text::default()
    };
    let choice = Choice { parts: vec![Part::Text(cited)], ..Choice::default() };
    let body = write(Answer { choices: vec![choice], ..Answer::default() }, &Echo::default());
    let written: Value = serde_json::from_slice(&body).unwrap();
    let expected = json!({"groundingChunks": [{"web": {"uri": "https://example.org", "title": "E"}}]});
    assert_eq!(written["candidates"][0]["groundingMetadata"], expected);
    assert_eq!(written["candidates"][0]["finishReason"], "STOP");
}

#[test]
fn an_answer_of_another_dialect_has_what_googles_clients_need() {
    let call = ToolCall {
        id: "toolu_1".to_owned(),
        name: "f".to_owned(),
        arguments: "{\"a\":1}".to_owned(),
        kind: ToolKind::Function,
        signature: None,
        cache: None,
    };
    let media = Media {
        kind: MediaKind::Audio,
        mime: Some("audio/wav".to_owned()),
        source: MediaSource::Base64("AAAA".to_owned()),
        name: None,
        detail: None,
        cache: None,
    };
    let foreign = Some(crate::canonical::Opaque {
        dialect: megarouter_domain::dialect::Dialect::Anthropic,
        kind: "signature",
        content: "s".to_owned(),
    });
    let parts = vec![
        Part::Reasoning(Reasoning { text: "hm".to_owned(), signature: foreign, ..Reasoning::default() }),
        Part::Refusal("no".to_owned()),
        Part::Media(media),
        Part::ToolCall(call),
    ];
    let choice = Choice { parts, finish: Some(Finish::ToolCalls), logprobs: None };
    let echo = Echo { id: "own-id".to_owned(), model: "own-model".to_owned(), ..Echo::default() };
    let body = write(Answer { choices: vec![choice], ..Answer::default() }, &echo);
    let expected = concat!(
        r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"no"},"#,
        r#"{"inlineData":{"mimeType":"audio/wav","data":"AAAA"}},"#,
        r#"{"functionCall":{"id":"toolu_1","name":"f","args":{"a":1}}}],"role":"model"},"finishReason":"STOP","index":0}],"#,
        r#""modelVersion":"own-model","responseId":"own-id"}"#,
    );
    assert_eq!(body, expected);
}

#[test]
fn an_answer_without_figures_is_counted_by_its_text() {
    let body = br#"{"candidates":[{"content":{"parts":[{"text":"1234","thought":true},{"text":"5678"},{"functionCall":{"name":"f"}}]}}]}"#;
    let facts = inspect(body).unwrap();
    assert_eq!((facts.usage, facts.output_bytes), (None, 11));
}

#[test]
fn what_is_no_answer_is_refused() {
    for body in ["", "<html>busy</html>", "{}", "[]", "null", r#"{"candidates":"none"}"#, r#"{"models":[]}"#] {
        assert_eq!(inspect(body.as_bytes()), Err(AnswerError::Malformed), "{body}");
        assert_eq!(read(body.as_bytes()), Err(AnswerError::Malformed), "{body}");
    }
    let disguised = read(br#"[{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]"#);
    assert!(matches!(disguised, Err(AnswerError::Upstream(said)) if said.is_overloaded()));
}
