//! What comes from other dialects is legal here.

use bytes::Bytes;
use megarouter_domain::dialect::Dialect;
use serde_json::Value;

use super::encode;
use crate::canonical::Event;
use crate::losses::Losses;
use crate::request::{PathFacts, Target};
use crate::stream::Decode;
use crate::{anthropic, bedrock_converse, dialects, gemini, openai_chat, openai_responses};

macro_rules! fixtures {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        [$((concat!($folder, "/", $name), include_bytes!(concat!("../../fixtures/", $folder, "/", $name)).as_slice())),+]
    };
}

fn requests() -> Vec<(Dialect, &'static str, &'static [u8])> {
    let chat = fixtures!["openai_chat": "request.json"].map(|(name, body)| (Dialect::OpenAiChat, name, body));
    let anthropic = fixtures!["anthropic": "request_agent.json", "request_rich.json"];
    let responses = fixtures!["openai_responses": "codex_request.json", "plain_request.json"];
    let mut all = chat.to_vec();
    all.extend(anthropic.map(|(name, body)| (Dialect::Anthropic, name, body)));
    all.extend(responses.map(|(name, body)| (Dialect::OpenAiResponses, name, body)));
    all
}

fn streams() -> Vec<(Box<dyn Decode>, &'static str, &'static [u8])> {
    let mut all: Vec<(Box<dyn Decode>, &str, &[u8])> = vec![];
    for (name, body) in fixtures!["openai_chat": "openai.sse", "openai_tools.sse", "openai_parallel.sse", "openai_choices.sse",
        "openai_custom.sse", "deepseek.sse", "groq.sse", "mistral.sse", "magistral.sse", "moonshot.sse", "openrouter.sse",
        "openrouter_details.sse", "whole_calls.sse", "bare_calls.sse", "llamacpp.sse"]
    {
        all.push((Box::new(openai_chat::decode::Decoder::new()), name, body));
    }
    for (name, body) in fixtures!["anthropic": "text.sse", "tools.sse", "thinking.sse", "web_search.sse", "refusal.sse"]
    {
        all.push((Box::new(anthropic::decode::Decoder::new()), name, body));
    }
    for (name, body) in
        fixtures!["openai_responses": "text.sse", "tools.sse", "refusal.sse", "incomplete.sse", "items_only.sse"]
    {
        all.push((Box::new(openai_responses::decode::Decoder::new()), name, body));
    }
    all
}

#[test]
fn requests_of_others_become_legal_ones() {
    for (dialect, name, body) in requests() {
        let path = PathFacts::default();
        let request = dialects::parse_request(dialect, &path, Bytes::from_static(body)).unwrap();
        let conversation = request.read().unwrap();
        for model in ["gemini-2.5-pro", "gemini-3-flash-preview"] {
            let target = Target { model_is_in_body: false, ..Target::of(model) };
            let mut losses = Losses::default();
            let written = gemini::write::write(&conversation, &target, &mut losses);
            let written: Value = serde_json::from_slice(&written).unwrap();
            assert_legal(&written, model, name);
            let readable = format!("{losses}\n{}", serde_json::to_string_pretty(&written).unwrap());
            insta::assert_snapshot!(format!("{name}_{model}").replace('/', "_"), readable);
        }
    }
}

/// What Google refuses a request for, as far as its documents and error texts say.
fn assert_legal(body: &Value, model: &str, name: &str) {
    let contents = body["contents"].as_array().unwrap();
    assert_eq!(contents[0]["role"], "user", "{name}");
    let mut calls: Vec<&Value> = vec![];
    let mut role = &Value::Null;
    for content in contents {
        assert_ne!(&content["role"], role, "{name}: roles alternate");
        role = &content["role"];
        let parts = content["parts"].as_array().unwrap();
        assert!(!parts.is_empty() && parts.iter().all(Value::is_object), "{name}");
        assert!(
            parts.iter().all(|part| part["text"] != "" || part.get("thoughtSignature").is_some()),
            "{name}: no empty texts"
        );
        let within = |kind: &str| parts.iter().filter_map(|part| part.get(kind)).collect::<Vec<_>>();
        let results = within("functionResponse");
        let answered: Vec<&Value> = results.iter().map(|result| &result["id"]).collect();
        let asked: Vec<&Value> = calls.iter().map(|call| &call["id"]).collect();
        assert_eq!(answered, asked, "{name}: one result for each call");
        assert!(results.iter().all(|result| result["response"].is_object()), "{name}");
        calls = within("functionCall");
        assert!(calls.iter().all(|call| call["args"].is_object()), "{name}");
        let first = parts.iter().find(|part| part.get("functionCall").is_some());
        assert!(
            first.is_none_or(|part| model.contains("-2") || part["thoughtSignature"].is_string()),
            "{name}: signed"
        );
    }
    let tools = body.get("tools").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let has_functions = tools.iter().any(|tool| tool.get("functionDeclarations").is_some());
    assert!(!has_functions || tools.len() == 1, "{name}: functions stand alone");
}

#[test]
fn streams_of_others_become_legal_ones() {
    for (mut decoder, name, body) in streams() {
        let mut events = vec![];
        decoder.push(Bytes::from_static(body), &mut events).unwrap();
        decoder.finish(&mut events);
        assert_eq!(events.last(), Some(&Event::Done), "{name}");
        for is_array in [false, true] {
            let stream = encode(events.clone(), is_array);
            gemini::encode::tests::assert_legal(&stream);
        }
    }
}

#[test]
fn an_answer_of_bedrocks_becomes_a_legal_one() {
    let [(_, body)] = fixtures!["bedrock_converse": "answer.json"];
    let answer = bedrock_converse::answer::read(body).unwrap();
    let written = gemini::answer::write(answer, &crate::request::Echo::default());
    assert!(gemini::answer::read(&written).unwrap().choices[0].finish.is_some());
}
