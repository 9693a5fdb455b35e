//! Conversations and answers, written for Anthropic and its clients.

use std::collections::HashSet;

use megarouter_domain::dialect::Dialect;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::requests::{AGENT, RICH};
use super::{echo, parse};
use crate::answer::AnswerError;
use crate::anthropic::answer;
use crate::anthropic::write::write;
use crate::canonical::{
    Answer, BuiltinKind, CacheMark, Choice, Conversation, Effort, Finish, Format, FunctionTool, Media, MediaKind,
    MediaSource, Opaque, Part, Reasoning, ReasoningRequest, Role, Sampling, Text, Tool, ToolCall, ToolChoice, ToolKind,
    ToolResult, Turn,
};
use crate::losses::Losses;
use crate::request::{ClientRequest, Echo, Target, Thinking};

const WHOLE: &[u8] = include_bytes!("../../fixtures/anthropic/answer.json");

fn written_for(conversation: &Conversation, target: &Target<'_>) -> (Value, String) {
    let mut losses = Losses::default();
    let body = write(conversation, target, &mut losses);
    (serde_json::from_slice(&body).unwrap(), losses.to_string())
}

fn written(conversation: &Conversation) -> (Value, String) {
    written_for(conversation, &Target::of("up/model"))
}

fn text(text: &str) -> Part {
    Part::Text(Text { text: text.to_owned(), ..Text::default() })
}

fn call(id: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "look".to_owned(),
        arguments: r#"{"at":1}"#.to_owned(),
        kind: ToolKind::Function,
        signature: None,
        cache: None,
    })
}

fn result(id: &str) -> Part {
    Part::ToolResult(ToolResult {
        call_id: id.to_owned(),
        name: None,
        parts: vec![text(id)],
        is_error: false,
        cache: None,
    })
}

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, name: None, parts }
}

fn saying(turns: Vec<Turn>) -> Conversation {
    Conversation { turns, choices: 1, ..Conversation::default() }
}

fn hello() -> Conversation {
    saying(vec![turn(Role::User, vec![text("hello")])])
}

fn look() -> Tool {
    Tool::Function(FunctionTool { name: "look".to_owned(), ..FunctionTool::default() })
}

/// Fails unless the API's rules about turns hold.
fn assert_legal(body: &Value) {
    let messages = body["messages"].as_array().unwrap();
    assert_eq!(messages[0]["role"], "user", "{body}");
    let mut open: HashSet<&str> = HashSet::new();
    for (index, message) in messages.iter().enumerate() {
        assert!(index == 0 || messages[index - 1]["role"] != message["role"], "{body}");
        let content = message["content"].as_array().unwrap();
        assert!(!content.is_empty(), "{body}");
        let results = content.iter().take_while(|block| block["type"] == "tool_result").count();
        assert!(content[results..].iter().all(|block| block["type"] != "tool_result"), "{body}");
        let answered: HashSet<&str> =
            content[..results].iter().map(|block| block["tool_use_id"].as_str().unwrap()).collect();
        assert_eq!(answered, open, "{body}");
        let calls = content.iter().filter(|block| block["type"] == "tool_use");
        open = calls.map(|block| block["id"].as_str().unwrap()).collect();
        assert!(open.is_empty() || message["role"] == "assistant");
        for block in content.iter().filter(|block| block["type"] == "text") {
            assert!(!block["text"].as_str().unwrap().trim().is_empty(), "{body}");
        }
    }
}

#[test]
fn goldens() {
    for (name, body) in [("agent", AGENT), ("rich", RICH)] {
        let (body, losses) = written(&parse(body).unwrap().read().unwrap());
        assert_legal(&body);
        insta::assert_snapshot!(name, format!("{losses}\n\n{}", serde_json::to_string_pretty(&body).unwrap()));
    }
}

#[test]
fn what_is_written_is_read_as_the_same_conversation() {
    for body in [AGENT, RICH] {
        let mut conversation = parse(body).unwrap().read().unwrap();
        // What is bound to the provider, refused together, or moved is told in the goldens.
        conversation.turns.retain(|turn| turn.role != Role::System);
        conversation.unread.clear();
        conversation.sampling.top_p = None;
        for turn in &mut conversation.turns {
            turn.parts.retain(|part| !matches!(part, Part::Media(Media { source: MediaSource::FileId(_), .. })));
        }
        let mut losses = Losses::default();
        let written = write(&conversation, &Target::of("m"), &mut losses);
        let again = parse(std::str::from_utf8(&written).unwrap()).unwrap().read().unwrap();
        assert_eq!(again, conversation);
        assert_eq!(losses.to_string(), "");
    }
}

#[test]
fn results_follow_their_calls_and_roles_alternate() {
    let (body, _) = written(&saying(vec![
        turn(Role::User, vec![text("one"), text("  ")]),
        turn(Role::User, vec![text("two")]),
        turn(Role::Assistant, vec![text("three")]),
        turn(Role::Assistant, vec![call("a"), call("b:1")]),
        turn(Role::User, vec![text("four")]),
        turn(Role::User, vec![result("a")]),
        turn(Role::Assistant, vec![text("five")]),
        turn(Role::User, vec![result("b:1"), text("six")]),
        turn(Role::Assistant, vec![text("seven \n")]),
    ]));
    assert_legal(&body);
    let said = |message: usize, block: usize| &body["messages"][message]["content"][block];
    assert_eq!(body["messages"].as_array().unwrap().len(), 6);
    assert_eq!((&said(1, 2)["id"], &said(2, 1)["tool_use_id"]), (&json!("b_3a1"), &json!("b_3a1")));
    assert_eq!(said(2, 2)["text"], "four");
    assert_eq!(said(5, 0)["text"], "seven");
    assert_eq!(body["max_tokens"], 4096);
    // Calls without tools are refused: the tool is named, and not to be called.
    assert_eq!(body["tools"], json!([{"name": "look", "input_schema": {"type": "object"}}]));
    assert_eq!(body["tool_choice"], json!({"type": "none"}));
}

#[test]
fn instructions_stand_first_and_a_conversation_begins_with_the_user() {
    let (body, losses) = written(&Conversation {
        system: vec![Text { text: "be brief".to_owned(), ..Text::default() }],
        ..saying(vec![turn(Role::Assistant, vec![text("Hi.")]), turn(Role::System, vec![text("be kind")])])
    });
    assert_legal(&body);
    assert_eq!(body["system"], json!([{"type": "text", "text": "be brief"}, {"type": "text", "text": "be kind"}]));
    assert_eq!(losses, "messages.system=approximated, messages=approximated");
    let (body, _) = written(&Conversation {
        system: vec![Text { text: "say hello".to_owned(), ..Text::default() }],
        ..saying(vec![])
    });
    assert_legal(&body);
    assert_eq!(body["messages"][0]["content"][0]["text"], "say hello");
}

#[test]
fn fields_that_anthropic_lacks_are_told() {
    let (body, losses) = written(&Conversation {
        choices: 2,
        logprobs: Some(3),
        sampling: Sampling {
            temperature: Some(1.7),
            seed: Some(7),
            frequency_penalty: Some(0.5),
            presence_penalty: Some(0.0),
            ..Sampling::default()
        },
        format: Format::JsonObject,
        stop: vec!["\n".to_owned(), "END".to_owned()],
        end_user: Some("a@example.org".to_owned()),
        metadata: vec![("team".to_owned(), "x".to_owned())],
        service_tier: Some("flex".to_owned()),
        unread: vec!["prediction".to_owned()],
        ..hello()
    });
    assert_legal(&body);
    assert_eq!((&body["temperature"], &body["stop_sequences"]), (&json!(1.0), &json!(["END"])));
    for absent in ["metadata", "service_tier", "output_config"] {
        assert_eq!(body.get(absent), None, "{absent}");
    }
    let mut losses: Vec<&str> = losses.split(", ").collect();
    losses.sort_unstable();
    let expected = [
        "frequency_penalty=unsupported",
        "logprobs=unsupported",
        "metadata=unsupported",
        "n=unsupported",
        "prediction=unread",
        "response_format=unsupported",
        "seed=unsupported",
        "service_tier=unsupported",
        "stop=unsupported",
        "temperature=approximated",
        "user=unsupported",
    ];
    assert_eq!(losses, expected);
}

#[test]
fn sampling_is_told_as_far_as_the_model_takes_it() {
    let told = |temperature: Option<f64>, top_p: Option<f64>, thinking: Thinking| {
        let sampling = Sampling { temperature, top_p, ..Sampling::default() };
        let budget = Some(ReasoningRequest { budget_tokens: Some(2_000), ..ReasoningRequest::default() });
        let reasoning = budget.filter(|_| thinking == Thinking::Budget);
        let target = Target { thinking, ..Target::of("m") };
        let (body, losses) = written_for(&Conversation { sampling, reasoning, ..hello() }, &target);
        (body["temperature"].as_f64(), body["top_p"].as_f64(), losses)
    };
    let nothing = String::new;
    let refused = |what: &str| format!("{what}=unsupported");
    assert_eq!(told(Some(0.2), None, Thinking::Unknown), (Some(0.2), None, nothing()));
    assert_eq!(told(Some(0.2), Some(1.0), Thinking::Unknown), (Some(0.2), None, nothing()));
    assert_eq!(told(Some(1.0), Some(0.5), Thinking::Unknown), (None, Some(0.5), nothing()));
    assert_eq!(told(Some(0.2), Some(0.5), Thinking::Unknown), (Some(0.2), None, refused("top_p")));
    assert_eq!(told(Some(1.0), Some(1.0), Thinking::Adaptive), (None, None, nothing()));
    assert_eq!(told(Some(0.2), None, Thinking::Adaptive), (None, None, refused("temperature")));
    assert_eq!(told(None, Some(0.97), Thinking::Adaptive), (None, None, refused("top_p")));
    assert_eq!(told(None, Some(0.97), Thinking::Budget), (None, Some(0.97), nothing()));
    assert_eq!(told(Some(0.2), None, Thinking::Budget), (None, None, refused("temperature")));
}

#[test]
fn claude_4_6_takes_a_temperature_while_it_does_not_think() {
    let told = |model, reasoning| {
        let sampling = Sampling { temperature: Some(0.2), ..Sampling::default() };
        let target = Target { thinking: Thinking::Adaptive, ..Target::of(model) };
        let (body, losses) = written_for(&Conversation { sampling, reasoning, ..hello() }, &target);
        (body["temperature"].as_f64(), losses)
    };
    let dropped = (None, "temperature=unsupported".to_owned());
    for model in ["claude-opus-4-6", "anthropic.claude-sonnet-4-6-v1", "anthropic/claude-opus-4.6"] {
        assert_eq!(told(model, None), (Some(0.2), String::new()));
        let high = ReasoningRequest { effort: Some(Effort::High), ..ReasoningRequest::default() };
        assert_eq!(told(model, Some(high)), dropped);
    }
    assert_eq!(told("claude-opus-4-7", None), dropped);
}

#[test]
fn a_temperature_that_no_client_may_ask_for_is_left_to_be_refused() {
    for thinking in [Thinking::Unknown, Thinking::Adaptive] {
        for (temperature, top_p) in [(Some(9.0), None), (Some(-1.0), None), (None, Some(1.5)), (Some(9.0), Some(-0.5))]
        {
            let sampling = Sampling { temperature, top_p, ..Sampling::default() };
            let target = Target { thinking, ..Target::of("m") };
            let (body, losses) = written_for(&Conversation { sampling, ..hello() }, &target);
            assert_eq!((body["temperature"].as_f64(), body["top_p"].as_f64()), (temperature, top_p));
            assert_eq!(losses, "");
        }
    }
}

#[test]
fn a_budget_needs_the_thought_that_led_to_the_calls() {
    let reasoning = Some(ReasoningRequest { budget_tokens: Some(2_048), ..ReasoningRequest::default() });
    let target = Target { thinking: Thinking::Budget, ..Target::of("m") };
    let thought = Part::Reasoning(Reasoning {
        text: "hm".to_owned(),
        signature: Some(Opaque { dialect: Dialect::Anthropic, kind: "signature", content: "c2ln".to_owned() }),
        ..Reasoning::default()
    });
    let with = |said: Vec<Part>| {
        let turns =
            vec![turn(Role::User, vec![text("go")]), turn(Role::Assistant, said), turn(Role::User, vec![result("a")])];
        written_for(&Conversation { reasoning: reasoning.clone(), tools: vec![look()], ..saying(turns) }, &target)
    };
    let (body, losses) = with(vec![thought, call("a")]);
    assert_eq!((&body["thinking"], losses.as_str()), (&json!({"type": "enabled", "budget_tokens": 2048}), ""));
    let (body, losses) = with(vec![call("a")]);
    assert_eq!((body.get("thinking"), losses.as_str()), (None, "thinking.budget_tokens=approximated"));
}

#[test]
fn thoughts_and_files_of_others_are_left_out_and_told() {
    let foreign = Opaque { dialect: Dialect::OpenAiResponses, kind: "encrypted_content", content: "x".to_owned() };
    let media = |kind, source| Part::Media(Media { kind, mime: None, source, name: None, detail: None, cache: None });
    let thought = Part::Reasoning(Reasoning { signature: Some(foreign), ..Reasoning::default() });
    let (body, losses) = written(&saying(vec![
        turn(
            Role::User,
            vec![
                text("see"),
                media(MediaKind::Image, MediaSource::FileId("file-1".to_owned())),
                media(MediaKind::Audio, MediaSource::Base64("UklGRg==".to_owned())),
                media(MediaKind::Image, MediaSource::Base64("/9j/4AAQ".to_owned())),
            ],
        ),
        turn(Role::Assistant, vec![thought, text("seen")]),
        turn(Role::User, vec![text("so?")]),
    ]));
    assert_legal(&body);
    assert_eq!(
        body["messages"][0]["content"][1]["source"],
        json!({"type": "base64", "media_type": "image/jpeg", "data": "/9j/4AAQ"})
    );
    assert_eq!(losses, "file_id=foreign, input_audio=unsupported, reasoning.signature=foreign, reasoning=foreign");
}

#[test]
fn documents_are_pdf_or_text() {
    let document = |mime: &str, source| {
        let (mime, name) = (Some(mime.to_owned()), Some("a".to_owned()));
        let media = Media { kind: MediaKind::Document, mime, source, name, detail: None, cache: None };
        written(&saying(vec![turn(Role::User, vec![text("see"), Part::Media(media)])]))
    };
    let base64 = || MediaSource::Base64("YSxiCg==".to_owned());
    let (body, losses) = document("text/csv", base64());
    let source = json!({"type": "text", "media_type": "text/plain", "data": "a,b\n"});
    assert_eq!(body["messages"][0]["content"][1], json!({"type": "document", "source": source, "title": "a"}));
    assert_eq!(losses, "file.mime_type=approximated");
    assert_eq!(document("text/plain", base64()).1, "");
    assert_eq!(document("application/pdf", base64()).1, "");
    assert_eq!(document("application/pdf", MediaSource::Url("https://example.org/a.pdf".to_owned())).1, "");
    assert_eq!(document("application/zip", base64()).1, "file=unsupported");
    assert_eq!(document("text/csv", MediaSource::Url("https://example.org/a.csv".to_owned())).1, "file=unsupported");
}

#[test]
fn tools_of_every_kind_are_written() {
    let custom = Tool::Custom { name: "patch".to_owned(), description: None, format: Some(json!({"type": "grammar"})) };
    let builtin =
        |kind, name: &str, raw| Tool::Builtin { dialect: Dialect::OpenAiResponses, kind, name: name.to_owned(), raw };
    let search = json!({
        "type": "web_search", "filters": {"allowed_domains": ["example.org"]},
        "user_location": {"type": "approximate", "country": "CH", "city": null},
    });
    let strict = FunctionTool {
        name: "strict".to_owned(),
        parameters: json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}),
        is_strict: Some(true),
        ..FunctionTool::default()
    };
    let (body, losses) = written(&Conversation {
        tools: vec![
            look(),
            Tool::Function(strict),
            custom,
            builtin(BuiltinKind::WebSearch, "web_search", search),
            builtin(BuiltinKind::Other, "image_generation", json!({})),
        ],
        tool_choice: Some(ToolChoice::Required),
        parallel_tool_calls: Some(false),
        ..hello()
    });
    let expected = json!([
        {"name": "look", "input_schema": {"type": "object", "properties": {}}},
        {"name": "strict", "input_schema": {"type": "object", "properties": {"n": {"type": "integer"}},
            "required": ["n"], "additionalProperties": false}, "strict": true},
        {"name": "patch", "input_schema": {"type": "object", "properties": {"input": {"type": "string"}},
            "required": ["input"], "additionalProperties": false}},
        {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["example.org"],
            "user_location": {"type": "approximate", "country": "CH"}},
    ]);
    assert_eq!(body["tools"], expected);
    assert_eq!(body["tool_choice"], json!({"type": "any", "disable_parallel_tool_use": true}));
    assert_eq!(
        losses,
        "tools.parameters=approximated, tools.custom=approximated, tools.custom.format=unsupported, \
         tools.web_search=approximated, tools.image_generation=unsupported"
    );
}

#[test]
fn of_two_tools_with_one_name_the_clients_own_is_offered() {
    let search = |raw| Tool::Builtin {
        dialect: Dialect::OpenAiResponses,
        kind: BuiltinKind::WebSearch,
        name: "web_search".to_owned(),
        raw,
    };
    let own = Tool::Function(FunctionTool { name: "web_search".to_owned(), ..FunctionTool::default() });
    let (body, losses) = written(&Conversation { tools: vec![search(json!({"type": "web_search"})), own], ..hello() });
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
    assert!(body["tools"][0].get("input_schema").is_some());
    assert_eq!(losses, "tools.web_search=approximated, tools.web_search=unsupported");
}

#[test]
fn a_bound_above_what_the_model_can_give_is_lowered_and_told() {
    let target = Target { max_output_tokens: Some(8_192), ..Target::of("m") };
    let bound = |asked| {
        let (body, losses) = written_for(&Conversation { max_output_tokens: asked, ..hello() }, &target);
        (body["max_tokens"].as_u64().unwrap(), losses)
    };
    assert_eq!(bound(None), (8_192, String::new()));
    assert_eq!(bound(Some(1)), (1, String::new()));
    assert_eq!(bound(Some(100_000)), (8_192, "max_tokens=approximated".to_owned()));
}

#[test]
fn a_failure_without_a_word_says_that_it_failed() {
    let failed = ToolResult { call_id: "a".to_owned(), name: None, parts: vec![], is_error: true, cache: None };
    let (body, losses) = written(&saying(vec![
        turn(Role::User, vec![text("go")]),
        turn(Role::Assistant, vec![call("a")]),
        turn(Role::User, vec![Part::ToolResult(failed)]),
    ]));
    assert_eq!(body["messages"][2]["content"][0]["content"], json!([{"type": "text", "text": "error"}]));
    assert_eq!(losses, "tool_result.content=approximated");
}

#[test]
fn only_allowed_tools_are_offered() {
    let other = Tool::Function(FunctionTool { name: "other".to_owned(), ..FunctionTool::default() });
    let allow = |is_required| {
        let tool_choice = Some(ToolChoice::Allowed { names: vec!["look".to_owned()], is_required });
        written(&Conversation { tools: vec![other.clone(), look()], tool_choice, ..hello() }).0
    };
    assert_eq!(allow(false)["tools"].as_array().unwrap().len(), 1);
    assert_eq!((allow(false).get("tool_choice"), &allow(true)["tool_choice"]), (None, &json!({"type": "any"})));
}

#[test]
fn a_format_carries_its_name_within_the_schema() {
    let format = Format::JsonSchema {
        name: "reply".to_owned(),
        description: Some("What to say.".to_owned()),
        schema: json!({"type": "object", "properties": {}}),
        is_strict: None,
    };
    let (body, losses) = written(&Conversation { format: format.clone(), ..hello() });
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false, "title": "reply", "description": "What to say."});
    assert_eq!(body["output_config"], json!({"format": {"type": "json_schema", "schema": schema}}));
    assert_eq!(losses, "");
    let target = Target { has_json_schema: false, ..Target::of("m") };
    let (body, losses) = written_for(&Conversation { format, ..hello() }, &target);
    assert_eq!((body.get("output_config"), losses.as_str()), (None, "response_format=unsupported"));
}

#[test]
fn a_cache_that_was_asked_for_is_marked_and_marks_are_not_too_many() {
    let marked =
        |text: &str| Part::Text(Text { text: text.to_owned(), cache: Some(CacheMark::default()), ..Text::default() });
    let many = saying(vec![turn(Role::User, ["a", "b", "c", "d", "e"].map(marked).to_vec())]);
    let (body, losses) = written(&many);
    let content = body["messages"][0]["content"].as_array().unwrap();
    let marks: Vec<bool> = content.iter().map(|block| block.get("cache_control").is_some()).collect();
    assert_eq!((marks, losses.as_str()), (vec![false, true, true, true, true], "cache_control=approximated"));
    let keyed = Conversation { cache_key: Some("k".to_owned()), cache_retention: Some("24h".to_owned()), ..hello() };
    let (body, _) = written(&keyed);
    assert_eq!(body["messages"][0]["content"][0]["cache_control"], json!({"type": "ephemeral", "ttl": "1h"}));
}

#[test]
fn members_of_the_provider_are_added_and_a_model_in_the_path_is_not_repeated() {
    let target =
        Target { model_is_in_body: false, added: &[("anthropic_version", "\"vertex-2023-10-16\"")], ..Target::of("m") };
    let (body, _) = written_for(&hello(), &target);
    assert_eq!((body.get("model"), &body["anthropic_version"]), (None, &json!("vertex-2023-10-16")));
}

#[test]
fn facts_of_an_answer_are_read() {
    let facts = answer::inspect(WHOLE).unwrap();
    assert_eq!(facts.model.as_deref(), Some("claude-sonnet-5"));
    assert_eq!(facts.usage.unwrap().total_output(), Some(503));
    let bare = answer::inspect(br#"{"content":[{"type":"text","text":"12345678"},{"type":"tool_use","input":{}}]}"#);
    let bare = bare.unwrap();
    assert_eq!((bare.usage, bare.output_bytes, bare.counted_output()), (None, 10, 3));
}

#[test]
fn an_answer_is_read_and_written_the_same() {
    let read = answer::read(WHOLE).unwrap();
    insta::assert_snapshot!(format!("{read:#?}"));
    let written = answer::write(read.clone(), &echo());
    assert_eq!(answer::read(&written).unwrap(), read);
    let wire: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(
        (&wire["type"], &wire["role"], &wire["stop_reason"]),
        (&json!("message"), &json!("assistant"), &json!("tool_use"))
    );
    // Numbers beyond what a float holds stay as the model wrote them.
    assert!(std::str::from_utf8(&written).unwrap().contains("12345678901234567890123"));
}

#[test]
fn what_is_no_answer_is_refused() {
    for body in ["", "<html>busy</html>", "{}", "[]", r#"{"content":"text"}"#, r#"{"type":"completion"}"#] {
        assert_eq!(answer::inspect(body.as_bytes()), Err(AnswerError::Malformed), "{body}");
        assert_eq!(answer::read(body.as_bytes()), Err(AnswerError::Malformed), "{body}");
    }
    let disguised = answer::inspect(br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#);
    assert!(matches!(disguised, Err(AnswerError::Upstream(said)) if said.is_overloaded()));
}

#[test]
fn every_reason_to_stop_has_a_word() {
    let reason = |finish: Option<Finish>, parts: Vec<Part>| {
        let choices = vec![Choice { parts, finish, logprobs: None }];
        let body = answer::write(Answer { choices, ..Answer::default() }, &Echo::default());
        let wire: Value = serde_json::from_slice(&body).unwrap();
        (wire["stop_reason"].as_str().unwrap().to_owned(), wire["stop_sequence"].as_str().map(str::to_owned))
    };
    let plain = |finish| reason(Some(finish), vec![text("hi")]).0;
    assert_eq!(plain(Finish::Stop), "end_turn");
    assert_eq!(plain(Finish::Length), "max_tokens");
    assert_eq!(plain(Finish::ContentFilter), "refusal");
    assert_eq!(plain(Finish::Pause), "pause_turn");
    assert_eq!(plain(Finish::ContextLength), "model_context_window_exceeded");
    // A reason to wait for tools without a call would leave the client waiting.
    assert_eq!(plain(Finish::ToolCalls), "end_turn");
    assert_eq!(reason(Some(Finish::Stop), vec![call("a")]).0, "tool_use");
    assert_eq!(reason(None, vec![Part::Refusal("no".to_owned())]).0, "refusal");
    let stopped = reason(Some(Finish::StopText(Some("END".to_owned()))), vec![text("hi")]);
    assert_eq!(stopped, ("stop_sequence".to_owned(), Some("END".to_owned())));
}

proptest! {
    #[test]
    fn whatever_the_turns_the_request_is_legal(
        turns in proptest::collection::vec((0..4_u8, proptest::collection::vec(" {0,1}[a-z]{0,3}", 0..3), 0..3_usize), 0..8),
    ) {
        let mut calls = 0;
        let mut all = vec![];
        for (kind, texts, count) in turns {
            let mut parts: Vec<Part> = texts.iter().map(|said| text(said)).collect();
            if kind == 3 {
                // Calls, and their results after whatever the user said first.
                let ids: Vec<String> = (calls..calls + count).map(|id| format!("call.{id}")).collect();
                calls += count;
                all.push(turn(Role::Assistant, ids.iter().map(|id| call(id)).collect()));
                parts.extend(ids.iter().map(|id| result(id)));
            }
            let role = [Role::System, Role::User, Role::Assistant, Role::User][usize::from(kind)];
            all.push(turn(role, parts));
        }
        assert_legal(&written(&saying(all)).0);
    }
}
