//! Every fixture of the other dialects, to clients and providers of this one.

use bytes::Bytes;
use megarouter_domain::dialect::Dialect;
use serde_json::Value;

use super::testing::{encode, legal};
use super::{read, write};
use crate::canonical::{Event, Finish};
use crate::dialects;
use crate::losses::Losses;
use crate::request::{Echo, PathFacts, Target};

macro_rules! fixtures {
    ($($dialect:ident $path:literal),+ $(,)?) => {
        &[$((Dialect::$dialect, $path, include_bytes!(concat!("../fixtures/", $path)))),+]
    };
}

const STREAMS: &[(Dialect, &str, &[u8])] = fixtures![
    OpenAiChat "openai_chat/deepseek.sse",
    OpenAiChat "openai_chat/groq.sse",
    OpenAiChat "openai_chat/openai_choices.sse",
    OpenAiChat "openai_chat/openai_custom.sse",
    OpenAiChat "openai_chat/openai_parallel.sse",
    OpenAiChat "openai_chat/openrouter_details.sse",
    Anthropic "anthropic/refusal.sse",
    Anthropic "anthropic/text.sse",
    Anthropic "anthropic/thinking.sse",
    Anthropic "anthropic/tools.sse",
    Anthropic "anthropic/web_search.sse",
    Gemini "gemini/blocked.sse",
    Gemini "gemini/candidates.sse",
    Gemini "gemini/image.sse",
    Gemini "gemini/search.sse",
    Gemini "gemini/text.sse",
    Gemini "gemini/tools.sse",
];

const REQUESTS: &[(Dialect, &str, &[u8])] = fixtures![
    OpenAiChat "openai_chat/request.json",
    Anthropic "anthropic/request_agent.json",
    Anthropic "anthropic/request_rich.json",
    Gemini "gemini/request.json",
    Gemini "gemini/request_snake.json",
];

fn events(dialect: Dialect, stream: &[u8]) -> Vec<Event> {
    let (mut decoder, mut events) = (dialects::decoder(dialect), vec![]);
    decoder.push(Bytes::copy_from_slice(stream), &mut events).unwrap();
    decoder.finish(&mut events);
    events
}

#[test]
fn every_stream_is_legal_here_and_keeps_its_text() {
    for (dialect, name, stream) in STREAMS {
        let events = events(*dialect, stream);
        assert_eq!(events.last(), Some(&Event::Done), "{name}");
        let said: String = events
            .iter()
            .filter_map(|event| match event {
                Event::Delta { choice: 0, delta: crate::canonical::Delta::Text(text), .. } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        let is_called = events.contains(&Event::Finish { choice: 0, finish: Finish::ToolCalls });
        for echo in [Echo::default(), Echo { include: vec![read::ENCRYPTED.to_owned()], ..Echo::default() }] {
            let response = legal(&encode(events.clone(), &echo));
            let items = response["output"].as_array().unwrap();
            assert_eq!(texts(items), said, "{name}");
            let calls = items.iter().filter(|item| item["call_id"].is_string()).count();
            assert_eq!(calls > 0, is_called, "{name}");
        }
    }
}

fn texts(items: &[Value]) -> String {
    let parts =
        items.iter().flat_map(|item| [&item["summary"], &item["content"]]).filter_map(Value::as_array).flatten();
    parts.filter_map(|part| part["text"].as_str().or_else(|| part["refusal"].as_str())).collect()
}

#[test]
fn every_request_is_one_that_openai_takes() {
    for (dialect, name, body) in REQUESTS {
        let path = PathFacts { model: Some("m"), is_streaming: true, is_sse: true };
        let request = dialects::parse_request(*dialect, &path, Bytes::from_static(body)).unwrap();
        let conversation = request.read().unwrap();
        let mut losses = Losses::default();
        let written = write::write(&conversation, &Target::of("gpt-5"), &mut losses);
        let written: Value = serde_json::from_slice(&written).unwrap();
        let mut called = vec![];
        for item in written["input"].as_array().unwrap() {
            let id = item["call_id"].as_str();
            match item["type"].as_str().unwrap() {
                "function_call" | "custom_tool_call" => called.extend(id),
                "function_call_output" | "custom_tool_call_output" => assert!(called.contains(&id.unwrap()), "{name}"),
                "message" => assert!(!item["content"].as_array().unwrap().is_empty(), "{name}"),
                "reasoning" => assert!(item["encrypted_content"].is_string(), "{name}"),
                other => panic!("{name}: {other}"),
            }
        }
        assert_eq!(written["store"], false, "{name}");
        insta::assert_snapshot!(
            name.replace(['/', '.'], "_"),
            format!("{}\n{losses}", serde_json::to_string_pretty(&written).unwrap())
        );
    }
}
