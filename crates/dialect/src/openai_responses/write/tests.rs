//! Conversations become requests that OpenAI takes.

use serde_json::json;

use super::*;
use crate::canonical::{
    CacheMark, FunctionTool, Media, MediaKind, MediaSource, Opaque, Reasoning, Sampling, Text, Tool, ToolCall,
    ToolChoice, ToolKind, ToolResult, Turn,
};
use crate::openai_responses::read;
use crate::openai_responses::testing::{CODEX, PLAIN};
use megarouter_domain::dialect::Dialect;

const TARGET: Target<'static> = Target { has_developer_role: true, ..Target::of("gpt-5") };

fn written(conversation: &Conversation, target: &Target<'_>) -> (Value, String) {
    let mut losses = Losses::default();
    let body = write(conversation, target, &mut losses);
    (serde_json::from_slice(&body).unwrap(), losses.to_string())
}

fn text(text: &str) -> Part {
    Part::Text(Text { text: text.to_owned(), ..Text::default() })
}

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, name: None, parts }
}

fn call(id: &str, kind: ToolKind, arguments: &str) -> Part {
    let (id, name, arguments) = (id.to_owned(), "f".to_owned(), arguments.to_owned());
    Part::ToolCall(ToolCall { id, name, arguments, kind, signature: None, cache: None })
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    Part::ToolResult(ToolResult { call_id: id.to_owned(), name: None, parts, is_error: false, cache: None })
}

fn saying(turns: Vec<Turn>) -> Conversation {
    Conversation { turns, ..Conversation::default() }
}

#[test]
fn a_request_survives_being_written() {
    for body in [CODEX, PLAIN] {
        let mut read = read::conversation(body).unwrap();
        let (again, _) = written(&read, &TARGET);
        let mut again = read::conversation(again.to_string().as_bytes()).unwrap();
        // What is told as a loss, and what is only said in full.
        read.unread.clear();
        read.max_output_tokens = read.max_output_tokens.map(|bound| bound.max(MIN_OUTPUT_TOKENS));
        for tool in read.tools.iter_mut().chain(&mut again.tools) {
            if let Tool::Function(function) = tool {
                function.is_strict = function.is_strict.or(Some(false));
                if function.parameters.is_null() {
                    function.parameters = json!({"type": "object", "properties": {}});
                }
            }
        }
        for part in again.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
            if let Part::Media(media) = part {
                media.detail = None;
            }
        }
        for result in again.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
            if let Part::ToolResult(result) = result {
                for part in &mut result.parts {
                    if let Part::Media(media) = part {
                        media.detail = None;
                    }
                }
            }
        }
        assert_eq!(again, read);
    }
}

#[test]
fn goldens() {
    let mut losses = Losses::default();
    let body = write(&read::conversation(CODEX).unwrap(), &TARGET, &mut losses);
    let body: Value = serde_json::from_slice(&body).unwrap();
    insta::assert_snapshot!(format!("{}\n{losses}", serde_json::to_string_pretty(&body).unwrap()));
}

#[test]
fn nothing_is_stored() {
    let (body, losses) = written(&saying(vec![turn(Role::User, vec![text("hi")])]), &TARGET);
    let input = json!([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]);
    assert_eq!((body, losses.as_str()), (json!({"model": "gpt-5", "input": input, "store": false}), ""));
}

#[test]
fn thoughts_go_back_only_to_their_own_dialect() {
    let thought = |dialect, kind, id: &str| {
        let signature = Some(Opaque { dialect, kind, content: "x".to_owned() });
        Part::Reasoning(Reasoning { text: "hm".to_owned(), is_summary: true, id: Some(id.to_owned()), signature })
    };
    let conversation = saying(vec![
        turn(Role::User, vec![text("hi")]),
        turn(
            Role::Assistant,
            vec![
                thought(Dialect::OpenAiResponses, "encrypted_content", "rs_1"),
                thought(Dialect::Anthropic, "signature", "x_1"),
                Part::Reasoning(Reasoning { text: "plain".to_owned(), ..Reasoning::default() }),
                call("c", ToolKind::Function, ""),
            ],
        ),
        turn(Role::User, vec![result("c", vec![text("ok")])]),
    ]);
    let (body, losses) = written(&conversation, &TARGET);
    let expected = json!([
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "x", "id": "rs_1"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "ok"},
    ]);
    assert_eq!(body["input"], expected);
    assert_eq!(losses, "reasoning.signature=foreign, reasoning=foreign");
}

#[test]
fn results_follow_their_calls_and_lone_ones_become_text() {
    let long = "x".repeat(100);
    let image = Media {
        kind: MediaKind::Image,
        mime: Some("image/png".to_owned()),
        source: MediaSource::Base64("AAAA".to_owned()),
        name: None,
        detail: None,
        cache: None,
    };
    let conversation = saying(vec![
        turn(Role::Assistant, vec![call(&long, ToolKind::Function, "{}"), call("k", ToolKind::Custom, "patch")]),
        turn(
            Role::User,
            vec![
                text("before"),
                result(&long, vec![text("seen"), Part::Media(image)]),
                result("k", vec![]),
                result("lost", vec![text("late")]),
                text("after"),
            ],
        ),
    ]);
    let (body, losses) = written(&conversation, &TARGET);
    let items = body["input"].as_array().unwrap();
    let kinds: Vec<&str> = items.iter().map(|item| item["type"].as_str().unwrap()).collect();
    let expected =
        ["function_call", "custom_tool_call", "message", "function_call_output", "custom_tool_call_output", "message"];
    assert_eq!(kinds, expected);
    assert_eq!(items[0]["call_id"], items[3]["call_id"]);
    assert!(items[0]["call_id"].as_str().unwrap().len() <= 64);
    assert_eq!(items[3]["output"][1]["image_url"], "data:image/png;base64,AAAA");
    assert_eq!(
        items[5]["content"],
        json!([{"type": "input_text", "text": "late"}, {"type": "input_text", "text": "after"}])
    );
    assert_eq!(losses, "tool_result=approximated");
}

#[test]
fn instructions_come_first_and_in_the_role_the_provider_knows() {
    let system = ["a", "b"].map(|said| Text { text: said.to_owned(), ..Text::default() }).to_vec();
    let conversation = Conversation { system, ..saying(vec![turn(Role::User, vec![text("hi")])]) };
    for (has_developer_role, role) in [(true, "developer"), (false, "system")] {
        let (body, _) = written(&conversation, &Target { has_developer_role, ..TARGET });
        assert_eq!((&body["instructions"], &body["input"][0]["role"]), (&json!("a"), &json!(role)));
    }
    let (alone, _) = written(&Conversation { turns: vec![], ..conversation }, &TARGET);
    assert_eq!((alone.get("instructions"), alone["input"].as_array().unwrap().len()), (None, 2));
}

#[test]
fn everything_that_has_no_place_is_told() {
    let conversation = Conversation {
        system: vec![Text { text: "s".to_owned(), cache: Some(CacheMark::default()), ..Text::default() }],
        stop: vec!["x".to_owned()],
        choices: 2,
        sampling: Sampling {
            top_k: Some(1),
            frequency_penalty: Some(0.1),
            presence_penalty: Some(0.1),
            seed: Some(1),
            logit_bias: Some(json!({})),
            ..Sampling::default()
        },
        modalities: vec![Modality::Audio],
        service_tier: Some("odd".to_owned()),
        cache_retention: Some("1h".to_owned()),
        end_user: Some("u".repeat(65)),
        tool_choice: Some(ToolChoice::Required),
        unread: vec!["thinking.display".to_owned()],
        tools: vec![Tool::Builtin {
            dialect: Dialect::Anthropic,
            kind: crate::canonical::BuiltinKind::Other,
            name: "computer_20250124".to_owned(),
            raw: json!({}),
        }],
        ..saying(vec![Turn { name: Some("n".to_owned()), ..turn(Role::User, vec![text("hi")]) }])
    };
    let (_, losses) = written(&conversation, &TARGET);
    for name in [
        "cache_control=approximated",
        "name=unsupported",
        "tools.computer_20250124=unsupported",
        "tool_choice=unsupported",
        "service_tier=unsupported",
        "user=approximated",
        "prompt_cache_retention=unsupported",
        "stop=unsupported",
        "n=unsupported",
        "top_k=unsupported",
        "frequency_penalty=unsupported",
        "presence_penalty=unsupported",
        "seed=unsupported",
        "logit_bias=unsupported",
        "modalities=unsupported",
        "thinking.display=unread",
    ] {
        assert!(losses.contains(name), "{name} is not in {losses}");
    }
}

#[test]
fn a_probe_for_one_token_is_raised_to_what_openai_takes() {
    let conversation = Conversation { max_output_tokens: Some(1), ..saying(vec![turn(Role::User, vec![text("hi")])]) };
    let (body, losses) = written(&conversation, &TARGET);
    assert_eq!((&body["max_output_tokens"], losses.as_str()), (&json!(16), "max_output_tokens=approximated"));
    let much = Conversation { max_output_tokens: Some(64_000), ..conversation };
    let (body, _) = written(&much, &Target { max_output_tokens: Some(16_384), ..TARGET });
    assert_eq!(body["max_output_tokens"], 16_384);
}

#[test]
fn thinking_is_asked_for_in_words() {
    let asked = |reasoning: ReasoningRequest, thinking: Thinking| {
        let conversation = Conversation { reasoning: Some(reasoning), ..Conversation::default() };
        let (body, losses) = written(&conversation, &Target { thinking, ..TARGET });
        (body["reasoning"]["effort"].as_str().map(str::to_owned), losses)
    };
    let budget = |tokens| ReasoningRequest { budget_tokens: Some(tokens), ..ReasoningRequest::default() };
    for (tokens, word) in [(1, "low"), (1_024, "low"), (8_192, "medium"), (24_576, "high"), (99_999, "high")] {
        let expected = (Some(word.to_owned()), "reasoning.budget_tokens=approximated".to_owned());
        assert_eq!(asked(budget(tokens), Thinking::Unknown), expected);
    }
    let off = ReasoningRequest { effort: Some(Effort::None), ..ReasoningRequest::default() };
    for off in [off, budget(0)] {
        assert_eq!(asked(off.clone(), Thinking::Unknown), (None, "reasoning_effort.none=unsupported".to_owned()));
        assert_eq!(asked(off.clone(), Thinking::Effort), (Some("none".to_owned()), String::new()));
        assert_eq!(asked(off, Thinking::None), (None, String::new()));
    }
    let most = ReasoningRequest { effort: Some(Effort::Max), ..ReasoningRequest::default() };
    assert_eq!(asked(most, Thinking::Effort), (Some("high".to_owned()), "reasoning_effort=approximated".to_owned()));
    let high = ReasoningRequest { effort: Some(Effort::High), ..ReasoningRequest::default() };
    assert_eq!(asked(high.clone(), Thinking::Effort), (Some("high".to_owned()), String::new()));
    let shown = ReasoningRequest { summary: Some("auto".to_owned()), ..ReasoningRequest::default() };
    assert_eq!(asked(shown.clone(), Thinking::Unknown), (None, String::new()));
    assert_eq!(asked(shown, Thinking::Effort), (None, String::new()));
    assert_eq!(asked(high, Thinking::None), (None, "reasoning_effort=unsupported".to_owned()));
}

#[test]
fn thoughts_that_a_client_wants_to_see_are_asked_for_without_an_effort() {
    for (is_adaptive, told) in [(false, ""), (true, "thinking=approximated")] {
        for thinking in [Thinking::Unknown, Thinking::Effort] {
            let reasoning =
                ReasoningRequest { summary: Some("auto".to_owned()), is_adaptive, ..ReasoningRequest::default() };
            let conversation =
                Conversation { reasoning: Some(reasoning), ..saying(vec![turn(Role::User, vec![text("hi")])]) };
            let (body, losses) = written(&conversation, &Target { thinking, ..TARGET });
            assert_eq!((&body["reasoning"], losses.as_str()), (&json!({"summary": "auto"}), told));
        }
    }
}

#[test]
fn a_temperature_that_no_client_may_ask_for_is_left_to_be_refused() {
    let sampling = Sampling { temperature: Some(9.0), top_p: Some(-1.0), ..Sampling::default() };
    let conversation = Conversation { sampling, ..saying(vec![turn(Role::User, vec![text("hi")])]) };
    let (body, losses) = written(&conversation, &Target { thinking: Thinking::Effort, ..TARGET });
    assert_eq!((&body["temperature"], &body["top_p"], losses.as_str()), (&json!(9.0), &json!(-1.0), ""));
}

#[test]
fn a_thinking_model_is_sampled_by_default_and_asked_for_its_thoughts() {
    let sampling = Sampling { temperature: Some(1.0), top_p: Some(0.5), ..Sampling::default() };
    let conversation = Conversation { sampling, ..saying(vec![turn(Role::User, vec![text("hi")])]) };
    let (body, losses) = written(&conversation, &Target { thinking: Thinking::Effort, ..TARGET });
    assert_eq!((body.get("temperature"), body.get("top_p")), (None, None));
    assert_eq!((losses.as_str(), &body["include"]), ("top_p=unsupported", &json!([ENCRYPTED])));
    let (body, losses) = written(&conversation, &TARGET);
    assert_eq!((&body["temperature"], &body["top_p"], losses.as_str()), (&json!(1.0), &json!(0.5), ""));
}

#[test]
fn schemas_are_never_enforced_unasked() {
    let function = FunctionTool { name: "f".to_owned(), ..FunctionTool::default() };
    let conversation = Conversation {
        tools: vec![Tool::Function(function)],
        tool_choice: Some(ToolChoice::Named("f".to_owned())),
        parallel_tool_calls: Some(false),
        ..Conversation::default()
    };
    let (body, _) = written(&conversation, &TARGET);
    let expected =
        json!([{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": false}]);
    assert_eq!(body["tools"], expected);
    assert_eq!(body["tool_choice"], json!({"type": "function", "name": "f"}));
    assert_eq!(body["parallel_tool_calls"], false);
    for (is_required, word) in [(true, "required"), (false, "auto")] {
        let any = Some(ToolChoice::Allowed { names: vec![], is_required });
        let (body, _) = written(&Conversation { tool_choice: any, ..conversation.clone() }, &TARGET);
        assert_eq!(body["tool_choice"], word);
    }
}
