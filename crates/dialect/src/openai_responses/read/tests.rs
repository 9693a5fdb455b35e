//! Requests become conversations.

use serde_json::json;

use super::*;
use crate::canonical::{MediaKind, MediaSource, Part, Role, Tool, ToolChoice, ToolKind};
use crate::openai_responses::testing::{CODEX, PLAIN};

fn read(body: &Value) -> Conversation {
    conversation(body.to_string().as_bytes()).unwrap()
}

fn input(items: &Value) -> Conversation {
    read(&json!({"model": "m", "input": items}))
}

#[test]
fn goldens() {
    insta::assert_debug_snapshot!("codex", conversation(CODEX).unwrap());
    insta::assert_debug_snapshot!("plain", conversation(PLAIN).unwrap());
}

#[test]
fn a_body_that_is_no_text_is_refused_and_not_read_as_an_empty_conversation() {
    for body in [r#"{"model":"m","input":"half \ud800"}"#, r#"{"model":"m","input":"hi","temperature":1e999}"#] {
        assert!(matches!(conversation(body.as_bytes()), Err(RequestError::Malformed { line: 1, .. })), "{body}");
    }
}

#[test]
fn codex_has_its_turns() {
    let read = conversation(CODEX).unwrap();
    let system: Vec<&str> = read.system.iter().map(|text| text.text.as_str()).collect();
    assert_eq!(system, ["You are a coding agent.", "<permissions>read only</permissions>"]);
    let roles: Vec<(Role, usize)> = read.turns.iter().map(|turn| (turn.role, turn.parts.len())).collect();
    assert_eq!(roles, [(Role::User, 2), (Role::Assistant, 5), (Role::User, 3), (Role::User, 1)]);
    let names: Vec<&str> = read.turns[1]
        .parts
        .iter()
        .filter_map(|part| if let Part::ToolCall(call) = part { Some(call.name.as_str()) } else { None })
        .collect();
    assert_eq!(names, ["shell", "mcp__files__read", "apply_patch"]);
    assert!(matches!(&read.tools[2], Tool::Function(function) if function.name == "mcp__files__read"));
    // The two that no other dialect has a place for.
    assert_eq!(read.unread, ["tools.namespace.description", "client_metadata"]);
}

#[test]
fn the_echo_knows_the_clients_own_tools_and_what_is_repeated() {
    let echo = echo(CODEX);
    assert_eq!(echo.include, [ENCRYPTED]);
    let read = &echo.tools["mcp__files__read"];
    assert_eq!((read.name.as_str(), read.namespace.as_deref()), ("read", Some("mcp__files")));
    assert_eq!(echo.tools["apply_patch"].kind, ToolKind::Custom);
    assert!(!echo.tools.contains_key("shell"));
    assert_eq!(echo.repeated["tools"].as_array().unwrap().len(), 4);
    assert_eq!((&echo.repeated["truncation"], &echo.repeated["metadata"]), (&json!("disabled"), &json!({})));
}

#[test]
fn easy_messages_and_instructions_in_between_are_understood() {
    let read = input(&json!([
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
        {"role": "developer", "content": "be long"},
        {"role": "user", "content": [{"type": "input_text", "text": "go"}]},
    ]));
    assert_eq!(read.system.len(), 1);
    let roles: Vec<Role> = read.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::System, Role::User]);
}

#[test]
fn media_are_read_in_every_form() {
    let read = input(&json!([{"role": "user", "content": [
        {"type": "input_image", "image_url": "data:image/webp;base64,AAAA", "detail": "low"},
        {"type": "input_image", "image_url": "https://example.org/a.png"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_file", "filename": "a.PDF", "file_data": "AAAA"},
        {"type": "input_file", "file_url": "https://example.org/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
    ]}]));
    let media: Vec<(MediaKind, Option<&str>, &MediaSource)> = read.turns[0]
        .parts
        .iter()
        .map(|part| match part {
            Part::Media(media) => (media.kind, media.mime.as_deref(), &media.source),
            other => panic!("{other:?}"),
        })
        .collect();
    let base64 = MediaSource::Base64("AAAA".to_owned());
    let url = |url: &str| MediaSource::Url(url.to_owned());
    assert_eq!(
        media,
        [
            (MediaKind::Image, Some("image/webp"), &base64),
            (MediaKind::Image, None, &url("https://example.org/a.png")),
            (MediaKind::Image, None, &MediaSource::FileId("file-1".to_owned())),
            (MediaKind::Document, Some("application/pdf"), &base64),
            (MediaKind::Document, None, &url("https://example.org/a.pdf")),
            (MediaKind::Audio, Some("audio/mpeg"), &base64),
        ]
    );
}

#[test]
fn tool_choices_are_read() {
    let choice = |choice: Value| {
        let tools = json!([{"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "find"}]}]);
        read(&json!({"model": "m", "input": "hi", "tools": tools, "tool_choice": choice}))
    };
    for (sent, expected) in [
        (json!("auto"), ToolChoice::Auto),
        (json!("none"), ToolChoice::None),
        (json!("required"), ToolChoice::Required),
        (json!({"type": "function", "name": "f"}), ToolChoice::Named("f".to_owned())),
        (json!({"type": "custom", "name": "f"}), ToolChoice::Named("f".to_owned())),
        (json!({"type": "function", "name": "find", "namespace": "crm"}), ToolChoice::Named("crm__find".to_owned())),
        (
            json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "a"}]}),
            ToolChoice::Allowed { names: vec!["a".to_owned()], is_required: true },
        ),
    ] {
        assert_eq!(choice(sent).tool_choice, Some(expected));
    }
    let other = choice(json!({"type": "web_search"}));
    assert_eq!((other.tool_choice, other.unread), (None, vec!["tool_choice".to_owned()]));
}

#[test]
fn efforts_are_read() {
    let effort = |word: &str| {
        read(&json!({"model": "m", "input": "hi", "reasoning": {"effort": word}}))
            .reasoning
            .and_then(|asked| asked.effort)
    };
    let words = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
    let expected =
        [Effort::None, Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::Max, Effort::Max].map(Some);
    assert_eq!(words.map(effort), expected);
    assert_eq!(read(&json!({"model": "m", "input": "hi", "reasoning": {"effort": null}})).reasoning, None);
}

#[test]
fn what_has_no_canonical_form_is_named() {
    let mut read = read(&json!({
        "model": "m", "max_tool_calls": 3, "truncation": "auto", "moderation": {"model": "x"}, "brand_new": 1,
        "reasoning": {"mode": "pro"}, "include": ["file_search_call.results"],
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_hologram"}]},
            {"type": "web_search_call", "id": "ws_1", "status": "completed"},
            {"type": "compaction", "encrypted_content": "x"},
        ],
    }));
    read.unread.sort_unstable();
    let expected = [
        "brand_new",
        "include.file_search_call.results",
        "input.compaction",
        "input.input_hologram",
        "input.web_search_call",
        "max_tool_calls",
        "moderation",
        "reasoning.mode",
        "truncation",
    ];
    assert_eq!(read.unread, expected);
}

#[test]
fn tools_may_be_added_within_the_input() {
    let read = input(&json!([
        {"role": "user", "content": "hi"},
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "late"}]},
    ]));
    assert!(matches!(&read.tools[..], [Tool::Function(function)] if function.name == "late"));
}
