//! What is written is legal, and what is not written is told.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::canonical::{FunctionTool, Media, MediaKind, MediaSource, Part, Reasoning, Role, Text, Tool, ToolCall};
use crate::canonical::{ToolChoice, ToolKind, ToolResult, Turn};
use crate::openai_chat::read;

const FULL: &[u8] = include_bytes!("../../fixtures/openai_chat/request.json");

fn openai() -> Target<'static> {
    Target {
        output_bound_field: "max_completion_tokens",
        has_developer_role: true,
        thinking: Thinking::Effort,
        ..Target::of("gpt-5.1")
    }
}

fn written(conversation: &Conversation, target: &Target<'_>) -> (Value, Vec<String>) {
    let mut losses = Losses::default();
    let body = write(conversation, target, &mut losses);
    let losses = losses.iter().map(|loss| format!("{}={}", loss.what, loss.why.as_str())).collect();
    (serde_json::from_slice(&body).unwrap(), losses)
}

fn text(text: &str) -> Part {
    Part::Text(Text { text: text.to_owned(), ..Text::default() })
}

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, name: None, parts }
}

fn call(id: &str) -> Part {
    let (name, arguments) = ("f".to_owned(), "{}".to_owned());
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name,
        arguments,
        kind: ToolKind::Function,
        signature: None,
        cache: None,
    })
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    Part::ToolResult(ToolResult { call_id: id.to_owned(), name: None, parts, is_error: false, cache: None })
}

fn image() -> Part {
    let source = MediaSource::Base64("AAAA".to_owned());
    let (mime, name, detail) = (Some("image/png".to_owned()), None, None);
    Part::Media(Media { kind: MediaKind::Image, mime, source, name, detail, cache: None })
}

/// Panics where OpenAI would refuse the messages.
fn assert_legal(body: &Value) {
    let mut pending: Vec<&str> = vec![];
    for message in body["messages"].as_array().unwrap() {
        let role = message["role"].as_str().unwrap();
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap();
            let place = pending.iter().position(|waiting| *waiting == id).expect("a result follows its call");
            pending.remove(place);
            assert!(message["content"].is_string());
            continue;
        }
        assert!(pending.is_empty(), "every call has its result: {body}");
        let calls = message["tool_calls"].as_array();
        assert!(calls.is_none_or(|calls| !calls.is_empty()));
        for call in calls.into_iter().flatten() {
            let id = call["id"].as_str().unwrap();
            assert!(!id.is_empty() && id.len() <= 40);
            pending.push(id);
        }
        let has_content = message["content"].is_string() || message["content"].is_array();
        assert!(has_content || (role == "assistant" && (calls.is_some() || message["refusal"].is_string())));
        assert!(message["content"].as_array().is_none_or(|parts| !parts.is_empty()));
    }
    assert!(pending.is_empty());
    if body["tools"].is_null() {
        assert!(body["tool_choice"].is_null() && body["parallel_tool_calls"].is_null());
    }
}

#[test]
fn goldens() {
    let conversation = read::conversation(FULL).unwrap();
    for (name, target) in [("openai", openai()), ("plain", Target::of("some-model"))] {
        let (body, losses) = written(&conversation, &target);
        assert_legal(&body);
        let pretty = serde_json::to_string_pretty(&body).unwrap();
        insta::assert_snapshot!(name, format!("{}\n\n{pretty}", losses.join("\n")));
    }
}

#[test]
fn openais_own_request_comes_back_as_it_was() {
    let mut sent: Value = serde_json::from_slice(FULL).unwrap();
    let (body, _) = written(&read::conversation(FULL).unwrap(), &openai());
    // What no canonical field holds, and what became of the rest, is in the golden file.
    for same in [
        "model",
        "tool_choice",
        "response_format",
        "reasoning_effort",
        "verbosity",
        "temperature",
        "top_p",
        "seed",
        "logit_bias",
        "top_logprobs",
        "n",
        "stop",
        "max_completion_tokens",
        "modalities",
        "audio",
        "service_tier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "web_search_options",
        "parallel_tool_calls",
    ] {
        assert_eq!(body[same], sent[same].take(), "{same}");
    }
}

#[test]
fn calls_in_turns_of_their_own_become_one_message_with_their_results_behind() {
    let conversation = Conversation {
        turns: vec![
            turn(Role::Assistant, vec![call("a")]),
            turn(Role::Assistant, vec![call("b")]),
            turn(Role::User, vec![text("and?"), result("b", vec![text("2")])]),
            turn(Role::User, vec![result("a", vec![text("1"), image()])]),
        ],
        ..Conversation::default()
    };
    let (body, losses) = written(&conversation, &openai());
    assert_legal(&body);
    let roles: Vec<&str> =
        body["messages"].as_array().unwrap().iter().map(|said| said["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["assistant", "tool", "tool", "user", "user"]);
    assert_eq!(body["messages"][3]["content"][0]["type"], "image_url");
    assert_eq!(losses, ["tool_result.media=approximated"]);
}

#[test]
fn thoughts_go_back_where_the_provider_wants_them() {
    let thought = Part::Reasoning(Reasoning { text: "hm".to_owned(), ..Reasoning::default() });
    let conversation = Conversation {
        turns: vec![
            turn(Role::Assistant, vec![thought, text("a")]),
            turn(Role::User, vec![text("b")]),
            turn(Role::Assistant, vec![call("a")]),
        ],
        ..Conversation::default()
    };
    let (body, losses) = written(&conversation, &Target { wants_reasoning: true, ..Target::of("m") });
    assert_eq!(
        (&body["messages"][0]["reasoning_content"], &body["messages"][2]["reasoning_content"]),
        (&json!("hm"), &json!(""))
    );
    assert!(losses.iter().all(|loss| !loss.starts_with("reasoning")));
    let (body, losses) = written(&conversation, &Target::of("m"));
    assert!(body["messages"][0].get("reasoning_content").is_none());
    assert_eq!(losses[0], "reasoning=foreign");
}

#[test]
fn a_probe_for_one_token_reaches_a_model_that_thinks() {
    let probe = Conversation { max_output_tokens: Some(1), ..Conversation::default() };
    assert_eq!(written(&probe, &openai()).0["max_completion_tokens"], 16);
    assert_eq!(written(&probe, &Target::of("m")).0["max_tokens"], 1);
}

#[test]
fn a_bound_beyond_the_models_own_is_lowered() {
    let long = Conversation { max_output_tokens: Some(32_000), ..Conversation::default() };
    let target = Target { max_output_tokens: Some(8_192), ..Target::of("m") };
    assert_eq!(
        written(&long, &target),
        (json!({"model": "m", "messages": [], "max_tokens": 8192}), vec!["max_tokens=approximated".to_owned()])
    );
}

#[test]
fn thinking_is_written_as_far_as_the_model_is_known_to_think() {
    let effort = |asked: ReasoningRequest, thinking| {
        let conversation = Conversation { reasoning: Some(asked), ..Conversation::default() };
        let (body, losses) = written(&conversation, &Target { thinking, ..Target::of("m") });
        (body["reasoning_effort"].as_str().map(str::to_owned), losses.len())
    };
    let budget = |budget_tokens| ReasoningRequest { budget_tokens: Some(budget_tokens), ..ReasoningRequest::default() };
    let word = |word: &str, losses| (Some(word.to_owned()), losses);
    assert_eq!(effort(budget(0), Thinking::Effort), word("none", 0));
    assert_eq!(effort(budget(0), Thinking::None), (None, 0));
    assert_eq!(effort(budget(1_024), Thinking::Unknown), word("low", 1));
    assert_eq!(effort(budget(8_192), Thinking::Effort), word("medium", 1));
    assert_eq!(effort(budget(31_999), Thinking::Effort), word("high", 1));
    assert_eq!(effort(budget(8_192), Thinking::None), (None, 1));
    let adaptive = ReasoningRequest { is_adaptive: true, ..ReasoningRequest::default() };
    assert_eq!(effort(adaptive, Thinking::Effort), (None, 1));
}

#[test]
fn a_server_without_schemas_is_told_in_words() {
    let format = Format::JsonSchema {
        name: String::new(),
        description: None,
        schema: json!({"type": "object"}),
        is_strict: Some(true),
    };
    let conversation = Conversation { format, ..Conversation::default() };
    let (body, losses) = written(&conversation, &Target { has_json_schema: false, ..Target::of("m") });
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
    assert!(body["messages"][0]["content"].as_str().unwrap().contains(r#"{"type":"object"}"#));
    assert_eq!(losses, ["response_format.json_schema=approximated"]);
    let (body, losses) = written(&conversation, &Target::of("m"));
    assert_eq!(body["response_format"]["json_schema"]["name"], "answer");
    assert!(losses.is_empty());
}

#[test]
fn tools_that_may_not_be_called_are_not_shown_to_servers_without_that_choice() {
    let tool = |name: &str| Tool::Function(FunctionTool { name: name.to_owned(), ..FunctionTool::default() });
    let choice = ToolChoice::Allowed { names: vec!["b".to_owned()], is_required: true };
    let conversation =
        Conversation { tools: vec![tool("a"), tool("b")], tool_choice: Some(choice), ..Conversation::default() };
    let (body, _) = written(&conversation, &Target::of("m"));
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
    assert_eq!((&body["tools"][0]["function"]["name"], &body["tool_choice"]), (&json!("b"), &json!("required")));
}

#[test]
fn no_tools_means_no_choice_either() {
    let raw = json!({"type": "web_search_20250305", "name": "web_search"});
    let (dialect, kind) = (megarouter_domain::dialect::Dialect::Anthropic, crate::canonical::BuiltinKind::WebSearch);
    let conversation = Conversation {
        tools: vec![Tool::Builtin { dialect, kind, name: "web_search".to_owned(), raw }],
        tool_choice: Some(ToolChoice::Required),
        parallel_tool_calls: Some(true),
        ..Conversation::default()
    };
    let (body, losses) = written(&conversation, &openai());
    assert_legal(&body);
    assert_eq!(losses, ["tools.web_search=unsupported"]);
}

#[test]
fn an_id_that_openai_refuses_is_replaced_by_the_same_one_every_time() {
    let long = "x".repeat(80);
    assert_eq!(ids::legal(&long), ids::legal(&long));
    assert_ne!(ids::legal(&long), ids::legal(&"x".repeat(81)));
    assert_eq!(ids::legal("toolu_01A-b"), "toolu_01A-b");
    assert!(ids::legal("").len() > 5 && ids::legal("fc:1|2").starts_with("call_"));
}

fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        "[a-z]{0,4}".prop_map(|said| text(&said)),
        Just(image()),
        (0..4_u8).prop_map(|id| call(&format!("c{id}"))),
        (0..4_u8).prop_map(|id| result(&format!("c{id}"), vec![text("r"), image()])),
        Just(Part::Refusal("no".to_owned())),
    ]
}

proptest! {
    #[test]
    fn whatever_the_turns_what_is_written_is_legal(
        turns in proptest::collection::vec(
            (prop_oneof![Just(Role::System), Just(Role::User), Just(Role::Assistant)], proptest::collection::vec(any_part(), 0..5)),
            0..7,
        ),
    ) {
        let turns = turns.into_iter().map(|(role, parts)| turn(role, parts)).collect();
        let conversation = Conversation { turns, ..Conversation::default() };
        assert_legal(&written(&conversation, &openai()).0);
    }
}
