//! Requests of OpenAI's form and of others that speak its dialect.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::canonical::Role::{Assistant, System, User};
use crate::canonical::{Effort, MediaKind, MediaSource, Part, ReasoningRequest, Role, ToolChoice};

const FULL: &[u8] = include_bytes!("../../fixtures/openai_chat/request.json");

fn read(rest: &Value) -> Result<Conversation, RequestError> {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    conversation(body.to_string().as_bytes())
}

fn reasoning(rest: &Value) -> ReasoningRequest {
    read(rest).unwrap().reasoning.unwrap()
}

fn parts(content: &Value) -> (Vec<Part>, Vec<String>) {
    let read = read(&json!({"messages": [{"role": "user", "content": content}]})).unwrap();
    (read.turns.into_iter().flat_map(|turn| turn.parts).collect(), read.unread)
}

#[test]
fn every_field_of_openais_is_read() {
    insta::assert_debug_snapshot!(conversation(FULL).unwrap());
}

#[test]
fn results_of_tools_follow_their_calls_in_one_turn() {
    let read = conversation(FULL).unwrap();
    let roles: Vec<(Role, usize)> = read.turns.iter().map(|turn| (turn.role, turn.parts.len())).collect();
    assert_eq!(roles, [(User, 6), (Assistant, 4), (User, 2), (System, 1), (User, 1), (Assistant, 1), (User, 1)]);
}

#[test]
fn functions_of_the_older_form_get_ids() {
    let body = json!({
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
        "function_call": {"name": "f"},
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{\"a\":1}"}},
            {"role": "function", "name": "f", "content": "2"},
        ],
    });
    let read = read(&body).unwrap();
    assert_eq!(read.tool_choice, Some(ToolChoice::Named("f".to_owned())));
    let ids = read.turns.iter().flat_map(|turn| &turn.parts).filter_map(|part| match part {
        Part::ToolCall(call) => Some(call.id.as_str()),
        Part::ToolResult(result) => Some(result.call_id.as_str()),
        _ => None,
    });
    let ids: Vec<&str> = ids.collect();
    assert_eq!(ids, ["call_function_1", "call_function_1", "call_function_2", "call_function_2"]);
}

#[test]
fn thinking_is_read_in_every_providers_words() {
    assert_eq!(reasoning(&json!({"reasoning_effort": "xhigh"})).effort, Some(Effort::Max));
    let openrouter = reasoning(&json!({"reasoning": {"max_tokens": 2000}}));
    assert_eq!(openrouter.budget_tokens, Some(2000));
    assert_eq!(reasoning(&json!({"reasoning": {"effort": "low"}})).effort, Some(Effort::Low));
    assert_eq!(reasoning(&json!({"reasoning": {"enabled": false}})).effort, Some(Effort::None));
    assert!(reasoning(&json!({"thinking": {"type": "enabled"}})).is_adaptive);
    assert_eq!(reasoning(&json!({"thinking": {"type": "disabled"}})).budget_tokens, Some(0));
    assert_eq!(reasoning(&json!({"enable_thinking": true, "thinking_budget": 50})).budget_tokens, Some(50));
    assert_eq!(reasoning(&json!({"enable_thinking": false})).budget_tokens, Some(0));
    assert_eq!(read(&json!({})).unwrap().reasoning, None);
}

#[test]
fn media_are_read_in_the_forms_that_clients_send() {
    let image = json!({"type": "image_url", "image_url": "data:image/webp;base64,AA\nBB"});
    let (found, _) = parts(&json!([image]));
    let Part::Media(media) = &found[0] else { panic!("{found:?}") };
    assert_eq!((media.mime.as_deref(), &media.source), (Some("image/webp"), &MediaSource::Base64("AABB".to_owned())));
    let (found, _) = parts(&json!([{"type": "file", "file": {"file_data": "AAAA"}}]));
    let Part::Media(media) = &found[0] else { panic!("{found:?}") };
    assert_eq!((media.kind, media.mime.as_deref()), (MediaKind::Document, Some("application/pdf")));
    let (found, _) = parts(&json!([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}]));
    let Part::Media(media) = &found[0] else { panic!("{found:?}") };
    assert_eq!(media.mime.as_deref(), Some("audio/mpeg"));
    let (found, _) = parts(&json!([{"type": "video_url", "video_url": {"url": "https://example.com/v.mp4"}}]));
    assert!(matches!(&found[0], Part::Media(media) if media.kind == MediaKind::Video));
}

#[test]
fn what_is_not_known_is_named_and_what_asks_for_nothing_is_not() {
    let sent = json!({"min_p": 0.1, "store": false, "safe_prompt": null, "store_it": true});
    assert_eq!(read(&sent).unwrap().unread, ["min_p", "store_it"]);
    let (found, unread) =
        parts(&json!([{"type": "hologram"}, {"type": "image_url"}, 7, {"type": "text", "text": "x"}]));
    assert_eq!(found.len(), 1);
    assert_eq!(unread, ["messages.content.hologram", "messages.content.image_url", "messages.content.part"]);
}

#[test]
fn refusals_name_their_field() {
    for (sent, field) in [
        (json!({"messages": ["hi"]}), "messages"),
        (json!({"messages": [{"role": "robot"}]}), "messages"),
        (json!({"messages": [{"role": "tool", "content": "x"}]}), "messages"),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"stop": [1]}), "stop"),
        (json!({"tools": {}}), "tools"),
        (json!({"tools": [{"type": "function"}]}), "tools"),
        (json!({"tool_choice": "perhaps"}), "tool_choice"),
        (json!({"response_format": {"type": "xml"}}), "response_format"),
        (json!({"reasoning_effort": "heroic"}), "reasoning_effort"),
    ] {
        assert_eq!(read(&sent).unwrap_err().param(), Some(field), "{sent}");
    }
}

#[test]
fn whole_numbers_may_be_written_with_a_point() {
    assert_eq!(read(&json!({"max_tokens": 16.0})).unwrap().max_output_tokens, Some(16));
    assert!(read(&json!({"max_tokens": 16.5})).is_err());
}

proptest! {
    #[test]
    fn odd_shapes_never_panic(field in 0_usize..14, odd in 0_usize..9) {
        let fields = [
            "messages", "tools", "functions", "tool_choice", "function_call", "response_format", "reasoning", "thinking",
            "modalities", "audio", "metadata", "stop", "logit_bias", "web_search_options",
        ];
        let values = [
            json!(7), json!("x"), json!([]), json!({}), json!([7, "x", null, [], {}]), json!({"type": 7, "function": "x"}),
            json!([{"role": "user", "content": 7}, {"role": "assistant", "tool_calls": [7, {"function": 7}, {}], "audio": 7}]),
            json!([{"role": "user", "content": [{"type": "file", "file": 7}, {"type": "image_url", "image_url": {"detail": 7}}]}]),
            json!([{"type": "custom", "custom": 7}]),
        ];
        let _ = read(&json!({fields[field]: values[odd]}));
    }
}
