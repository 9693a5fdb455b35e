//! Answers that came whole.

use serde_json::json;

use super::*;
use crate::canonical::{Choice, Finish, Part, Text};
use crate::openai_responses::testing::{ANSWER, collected, decode, fixture};

#[test]
fn facts_of_an_answer_are_read() {
    let facts = inspect(ANSWER).unwrap();
    assert_eq!((facts.model.as_deref(), facts.id.as_deref()), (Some("gpt-5-codex"), Some("resp_68f0b1")));
    let usage = facts.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.reasoning), (Some(350), Some(52), Some(128)));
}

#[test]
fn an_answer_without_figures_is_counted_by_its_text() {
    let body = br#"{"output":[{"type":"message","content":[{"type":"output_text","text":"1234"}]},{"type":"function_call","arguments":"12"},{"type":"reasoning","summary":[{"text":"12"}]}]}"#;
    let facts = inspect(body).unwrap();
    assert_eq!((facts.usage, facts.output_bytes), (None, 8));
}

#[test]
fn what_is_no_answer_is_refused() {
    for body in ["", "<html>busy</html>", "{}", "[]", "null", r#"{"output":"none"}"#, r#"{"object":"list","data":[]}"#]
    {
        assert_eq!(inspect(body.as_bytes()), Err(AnswerError::Malformed), "{body}");
        assert_eq!(read(body.as_bytes()), Err(AnswerError::Malformed), "{body}");
    }
    for body in [
        r#"{"error":{"message":"overloaded","code":"server_error"}}"#,
        r#"{"object":"response","status":"failed","output":[],"error":{"message":"overloaded","code":"server_error"}}"#,
    ] {
        let Err(AnswerError::Upstream(said)) = inspect(body.as_bytes()) else { panic!("{body}") };
        assert_eq!((said.message.as_str(), said.code.as_deref()), ("overloaded", Some("server_error")));
    }
}

#[test]
fn a_whole_answer_says_what_its_stream_says() {
    assert_eq!(read(ANSWER).unwrap(), collected(decode(&[fixture("tools")]).unwrap()));
}

#[test]
fn an_answer_survives_being_written() {
    let answer = read(ANSWER).unwrap();
    let body = write(answer.clone(), &Echo::default());
    assert_eq!(read(&body).unwrap(), answer);
    insta::assert_snapshot!(String::from_utf8(body.to_vec()).unwrap());
}

#[test]
fn probabilities_stay_with_the_text() {
    let tokens = json!([{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]);
    let answer = Answer {
        choices: vec![Choice {
            parts: vec![Part::Text(Text { text: "a".to_owned(), ..Text::default() })],
            finish: Some(Finish::Stop),
            logprobs: Some(json!({"content": tokens})),
        }],
        ..Answer::default()
    };
    let body: Value = serde_json::from_slice(&write(answer.clone(), &Echo::default())).unwrap();
    assert_eq!(body["output"][0]["content"][0]["logprobs"], tokens);
    let read = read(body.to_string().as_bytes()).unwrap();
    assert_eq!(read.choices, answer.choices);
}
