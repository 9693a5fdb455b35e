//! Conversations into bodies.

use megarouter_domain::dialect::Dialect;
use serde_json::json;

use super::*;
use crate::canonical::{
    AudioRequest, BuiltinKind, CacheMark, Effort, Format, FunctionTool, Media, MediaKind, MediaSource, Modality,
    Opaque, Part, Reasoning, ReasoningRequest, Role, Text, Tool, ToolCall, ToolChoice, ToolKind, ToolResult, Turn,
};
use crate::gemini::read;
use crate::request::Thinking;

const NEW: Target<'_> = Target { model_is_in_body: false, ..Target::of("gemini-3-flash-preview") };
const OLD: Target<'_> = Target { model_is_in_body: false, ..Target::of("gemini-2.5-flash") };

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

fn call(id: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "look".to_owned(),
        arguments: arguments.to_owned(),
        kind: ToolKind::Function,
        signature: None,
        cache: None,
    })
}

fn result(id: &str, said: &str) -> Part {
    Part::ToolResult(ToolResult {
        call_id: id.to_owned(),
        name: None,
        parts: vec![text(said)],
        is_error: false,
        cache: None,
    })
}

fn said(turns: Vec<Turn>) -> Conversation {
    Conversation { turns, choices: 1, ..Conversation::default() }
}

fn asked() -> Conversation {
    said(vec![turn(Role::User, vec![text("hi")])])
}

fn function(name: &str) -> FunctionTool {
    let parameters = json!({"type": "object", "properties": {"at": {"type": "integer"}}});
    FunctionTool { name: name.to_owned(), parameters, ..FunctionTool::default() }
}

#[test]
fn what_is_read_is_written_as_it_was_meant() {
    for (name, fixture) in [
        ("request", include_str!("../../fixtures/gemini/request.json")),
        ("request_snake", include_str!("../../fixtures/gemini/request_snake.json")),
    ] {
        let conversation = read::conversation(&serde_json::from_str(fixture).unwrap()).unwrap();
        let (body, losses) = written(&conversation, &NEW);
        insta::assert_snapshot!(name, format!("{losses}\n{}", serde_json::to_string_pretty(&body).unwrap()));
        let mut again = read::conversation(&body).unwrap();
        again.unread.clone_from(&conversation.unread);
        again.metadata.clone_from(&conversation.metadata);
        // Functions win over a search.
        again.tools.clone_from(&conversation.tools);
        assert_eq!(again, conversation, "{name}");
    }
}

#[test]
fn turns_alternate_and_results_follow_their_calls() {
    let conversation = said(vec![
        turn(Role::User, vec![text("a")]),
        turn(Role::User, vec![text("b")]),
        turn(Role::Assistant, vec![text("c"), call("1", r#"{"at":1}"#), call("2", "{}")]),
        turn(Role::User, vec![text("late"), result("2", "two")]),
        turn(Role::User, vec![result("1", r#"{"found":true}"#), text("more")]),
    ]);
    let (body, losses) = written(&conversation, &OLD);
    let expected = json!([
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "model", "parts": [
            {"text": "c"},
            {"functionCall": {"id": "1", "name": "look", "args": {"at": 1}}},
            {"functionCall": {"id": "2", "name": "look", "args": {}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "1", "name": "look", "response": {"found": true}}},
            {"functionResponse": {"id": "2", "name": "look", "response": {"output": "two"}}},
            {"text": "late"},
            {"text": "more"},
        ]},
    ]);
    assert_eq!(body["contents"], expected);
    assert_eq!(losses, "");
}

#[test]
fn calls_without_a_result_and_results_without_a_call_stay_legal() {
    let conversation = said(vec![
        turn(Role::User, vec![text("a"), result("0", "stray")]),
        turn(Role::Assistant, vec![call("1", "{}")]),
        turn(Role::User, vec![text("never mind")]),
    ]);
    let (body, losses) = written(&conversation, &OLD);
    assert_eq!(body["contents"][0]["parts"], json!([{"text": "stray"}, {"text": "a"}]));
    assert!(body["contents"][2]["parts"][0]["functionResponse"]["response"]["error"].is_string());
    assert_eq!(losses, "tool_result=approximated");
}

#[test]
fn ids_that_are_used_again_are_answered_in_turn() {
    let round =
        |said: &str| vec![turn(Role::Assistant, vec![call("x", "{}")]), turn(Role::User, vec![result("x", said)])];
    let mut turns = vec![turn(Role::User, vec![text("go")])];
    turns.extend(round("first"));
    turns.extend(round("second"));
    let (body, losses) = written(&said(turns), &OLD);
    let response = |index: usize| body["contents"][index]["parts"][0]["functionResponse"]["response"].clone();
    assert_eq!((response(2), response(4)), (json!({"output": "first"}), json!({"output": "second"})));
    assert_eq!(losses, "");
}

#[test]
fn gemini_3_gets_a_signature_on_the_first_call_of_each_turn_and_the_loss_is_told() {
    let conversation = said(vec![
        turn(Role::User, vec![text("a")]),
        turn(Role::Assistant, vec![call("1", "{}"), call("2", "{}")]),
        turn(Role::User, vec![result("1", "x"), result("2", "y")]),
    ]);
    let parts = |target: &Target<'_>| written(&conversation, target).0["contents"][1]["parts"].clone();
    for model in ["gemini-3-flash-preview", "gemini-10-pro", "publishers/google/models/gemini-flash-latest", "tuned"] {
        let parts = parts(&Target::of(model));
        assert_eq!(parts[0]["thoughtSignature"], "skip_thought_signature_validator", "{model}");
        assert!(parts[1].get("thoughtSignature").is_none(), "{model}");
    }
    assert!(parts(&OLD)[0].get("thoughtSignature").is_none());
    assert_eq!(written(&conversation, &NEW).1, "reasoning.signature=approximated");
}

#[test]
fn only_googles_own_thoughts_and_signatures_go_back() {
    let thought = |dialect, kind| {
        let signature = Some(Opaque { dialect, kind, content: "s".to_owned() });
        Part::Reasoning(Reasoning { text: "hm".to_owned(), signature, ..Reasoning::default() })
    };
    let conversation = said(vec![
        turn(Role::User, vec![text("a")]),
        turn(
            Role::Assistant,
            vec![thought(Dialect::Gemini, "thoughtSignature"), thought(Dialect::Anthropic, "signature"), text("b")],
        ),
    ]);
    let (body, losses) = written(&conversation, &NEW);
    let expected = json!([{"text": "hm", "thought": true, "thoughtSignature": "s"}, {"text": "b"}]);
    assert_eq!(body["contents"][1]["parts"], expected);
    assert_eq!(losses, "reasoning=foreign");
}

#[test]
fn a_model_that_draws_gets_its_own_pictures_back_signed() {
    let picture = Part::Media(Media {
        kind: MediaKind::Image,
        mime: Some("image/png".to_owned()),
        source: MediaSource::Base64("AAAA".to_owned()),
        name: None,
        detail: None,
        cache: None,
    });
    let drawn = vec![text("here"), picture.clone()];
    let conversation = said(vec![
        turn(Role::User, vec![text("a"), picture]),
        turn(Role::Assistant, drawn),
        turn(Role::User, vec![text("b")]),
    ]);
    let signed = |model| {
        let (body, losses) = written(&conversation, &Target { model, ..NEW });
        let contents = body["contents"].as_array().unwrap();
        let parts = contents.iter().flat_map(|content| content["parts"].as_array().unwrap());
        let signed: Vec<bool> = parts.map(|part| part["thoughtSignature"].is_string()).collect();
        (signed, losses)
    };
    let told = "reasoning.signature=approximated".to_owned();
    assert_eq!(signed("gemini-3-pro-image-preview"), (vec![false, false, true, true, false], told));
    for model in ["gemini-3-flash", "gemini-2.5-flash-image"] {
        assert_eq!(signed(model), (vec![false; 5], String::new()));
    }
}

#[test]
fn media_in_a_result_go_where_the_model_takes_them() {
    let picture = Part::Media(Media {
        kind: MediaKind::Image,
        mime: Some("image/png".to_owned()),
        source: MediaSource::Base64("AAAA".to_owned()),
        name: None,
        detail: None,
        cache: None,
    });
    let answered = Part::ToolResult(ToolResult {
        call_id: "1".to_owned(),
        name: None,
        parts: vec![text("see"), picture],
        is_error: true,
        cache: None,
    });
    let conversation = said(vec![
        turn(Role::User, vec![text("a")]),
        turn(Role::Assistant, vec![call("1", "{}")]),
        turn(Role::User, vec![answered]),
    ]);
    let blob = json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}});
    let new = written(&conversation, &NEW).0["contents"][2]["parts"].clone();
    assert_eq!(new[0]["functionResponse"]["parts"], json!([blob]));
    assert_eq!(new[0]["functionResponse"]["response"], json!({"error": "see"}));
    let old = written(&conversation, &OLD).0["contents"][2]["parts"].clone();
    assert_eq!((&old[1], old[0]["functionResponse"].get("parts")), (&blob, None));
}

#[test]
fn instructions_alone_are_said_by_the_person() {
    let mut conversation = said(vec![]);
    conversation.system.push(Text { text: "Be brief.".to_owned(), ..Text::default() });
    let (body, losses) = written(&conversation, &NEW);
    assert_eq!(body, json!({"contents": [{"role": "user", "parts": [{"text": "Be brief."}]}]}));
    assert_eq!(losses, "system=approximated");
    conversation.turns = asked().turns;
    let (body, losses) = written(&conversation, &NEW);
    assert_eq!(body["systemInstruction"], json!({"parts": [{"text": "Be brief."}]}));
    assert_eq!(losses, "");
}

#[test]
fn thinking_is_told_in_the_models_form() {
    let wanted = |effort, budget_tokens| ReasoningRequest { effort, budget_tokens, ..ReasoningRequest::default() };
    let told = |wanted: ReasoningRequest, target: &Target<'_>, bound| {
        let conversation = Conversation { reasoning: Some(wanted), max_output_tokens: bound, ..asked() };
        let (body, losses) = written(&conversation, target);
        (body["generationConfig"]["thinkingConfig"].to_string(), losses)
    };
    let with = |thinking| Target { thinking, ..NEW };
    for (request, target, bound, expected, losses) in [
        (wanted(Some(Effort::High), None), NEW, None, r#"{"thinkingLevel":"HIGH"}"#, ""),
        (wanted(Some(Effort::Max), None), NEW, None, r#"{"thinkingLevel":"HIGH"}"#, "reasoning_effort=approximated"),
        (
            wanted(Some(Effort::Minimal), None),
            Target::of("gemini-3.1-pro-preview"),
            None,
            r#"{"thinkingLevel":"LOW"}"#,
            "reasoning_effort=approximated",
        ),
        (
            wanted(Some(Effort::None), None),
            NEW,
            None,
            r#"{"thinkingLevel":"MINIMAL"}"#,
            "reasoning_effort=approximated",
        ),
        (wanted(Some(Effort::Medium), None), OLD, None, r#"{"thinkingBudget":8192}"#, "reasoning_effort=approximated"),
        (wanted(Some(Effort::None), None), OLD, None, r#"{"thinkingBudget":0}"#, ""),
        (wanted(None, Some(2000)), NEW, None, r#"{"thinkingBudget":2000}"#, ""),
        (
            wanted(None, Some(2000)),
            with(Thinking::Effort),
            None,
            r#"{"thinkingLevel":"MEDIUM"}"#,
            "reasoning.budget_tokens=approximated",
        ),
        (
            wanted(None, Some(2000)),
            OLD,
            Some(1000),
            r#"{"thinkingBudget":500}"#,
            "reasoning.budget_tokens=approximated",
        ),
        (wanted(None, Some(2000)), OLD, Some(1), "null", "reasoning.budget_tokens=approximated"),
        (wanted(None, Some(0)), OLD, Some(1), r#"{"thinkingBudget":0}"#, ""),
        (wanted(Some(Effort::Low), None), with(Thinking::None), None, "null", "reasoning=unsupported"),
        (wanted(Some(Effort::None), None), with(Thinking::None), None, "null", ""),
        (ReasoningRequest { is_adaptive: true, ..wanted(None, None) }, OLD, None, r#"{"thinkingBudget":-1}"#, ""),
        (
            ReasoningRequest { summary: Some("auto".to_owned()), ..wanted(None, None) },
            NEW,
            None,
            r#"{"includeThoughts":true}"#,
            "",
        ),
    ] {
        assert_eq!(told(request.clone(), &target, bound), (expected.to_owned(), losses.to_owned()), "{request:?}");
    }
}

#[test]
fn a_schema_is_sent_as_json_schema_and_what_is_ignored_is_told() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^a"}}, "required": ["a"]});
    let format = Format::JsonSchema {
        name: "thing".to_owned(),
        description: Some("A thing".to_owned()),
        schema: schema.clone(),
        is_strict: Some(true),
    };
    let mut conversation = Conversation { format, ..asked() };
    let (body, losses) = written(&conversation, &OLD);
    let config = &body["generationConfig"];
    assert_eq!(config["responseMimeType"], "application/json");
    assert_eq!(config["responseJsonSchema"]["properties"], schema["properties"]);
    assert_eq!(config["responseJsonSchema"]["description"], "A thing");
    assert_eq!(losses, "response_format.pattern=approximated");
    conversation.tools.push(Tool::Function(function("look")));
    assert_eq!(written(&conversation, &OLD).1, "response_format=unsupported");
    assert!(written(&conversation, &NEW).0["generationConfig"]["responseJsonSchema"].is_object());
}

#[test]
fn every_choice_of_tools_has_its_mode() {
    let config = |choice: ToolChoice, is_strict: Option<bool>| {
        let tools = vec![Tool::Function(FunctionTool { is_strict, ..function("look") })];
        let conversation = Conversation { tools, tool_choice: Some(choice), ..asked() };
        written(&conversation, &NEW).0["toolConfig"]["functionCallingConfig"].clone()
    };
    let names = || vec!["look".to_owned(), "see".to_owned()];
    assert_eq!(config(ToolChoice::Auto, None), json!({"mode": "AUTO"}));
    assert_eq!(config(ToolChoice::Auto, Some(true)), json!({"mode": "VALIDATED"}));
    assert_eq!(config(ToolChoice::None, None), json!({"mode": "NONE"}));
    assert_eq!(config(ToolChoice::Required, Some(true)), json!({"mode": "ANY"}));
    assert_eq!(
        config(ToolChoice::Named("look".to_owned()), None),
        json!({"mode": "ANY", "allowedFunctionNames": ["look"]})
    );
    let allowed = |is_required| config(ToolChoice::Allowed { names: names(), is_required }, None);
    assert_eq!(allowed(true), json!({"mode": "ANY", "allowedFunctionNames": names()}));
    assert_eq!(allowed(false), json!({"mode": "VALIDATED", "allowedFunctionNames": names()}));
    let without = Conversation { tool_choice: Some(ToolChoice::Required), ..asked() };
    assert_eq!(written(&without, &NEW).0.get("toolConfig"), None);
}

#[test]
fn tools_of_providers_become_googles_unless_functions_stand_beside() {
    let builtin = |kind, name: &str| Tool::Builtin {
        dialect: Dialect::OpenAiResponses,
        kind,
        name: name.to_owned(),
        raw: json!({"type": name}),
    };
    let mut conversation = Conversation {
        tools: vec![
            builtin(BuiltinKind::WebSearch, "web_search"),
            builtin(BuiltinKind::CodeExecution, "code_interpreter"),
            builtin(BuiltinKind::Other, "file_search"),
        ],
        ..asked()
    };
    let (body, losses) = written(&conversation, &NEW);
    assert_eq!(body["tools"], json!([{"googleSearch": {}}, {"codeExecution": {}}]));
    assert_eq!(
        losses,
        "tools.file_search=unsupported, tools.web_search=approximated, tools.code_interpreter=approximated"
    );
    conversation.tools.push(Tool::Function(function("look")));
    conversation.tools.push(Tool::Custom { name: "patch".to_owned(), description: None, format: Some(json!({})) });
    let (body, losses) = written(&conversation, &NEW);
    let declared = body["tools"][0]["functionDeclarations"].as_array().unwrap();
    assert_eq!((body["tools"].as_array().unwrap().len(), declared.len()), (1, 2));
    assert_eq!(declared[1]["parametersJsonSchema"]["properties"], json!({"input": {"type": "string"}}));
    let expected = "tools.file_search=unsupported, tools.custom=approximated, tools.custom.format=unsupported, \
         tools.web_search=unsupported, tools.code_interpreter=unsupported";
    assert_eq!(losses, expected);
}

#[test]
fn a_function_without_parameters_has_no_schema() {
    for parameters in [Value::Null, json!({})] {
        let tools = vec![Tool::Function(FunctionTool { parameters, ..function("look") })];
        let (body, _) = written(&Conversation { tools, ..asked() }, &NEW);
        assert_eq!(body["tools"][0]["functionDeclarations"][0], json!({"name": "look"}));
    }
}

#[test]
fn everything_else_is_carried_or_noted() {
    let mut conversation = asked();
    conversation.sampling.logit_bias = Some(json!({"1": 2}));
    conversation.sampling.seed = Some(1 << 40);
    conversation.sampling.temperature = Some(0.25);
    conversation.verbosity = Some("low".to_owned());
    conversation.metadata = vec![("a".to_owned(), "b".to_owned())];
    conversation.end_user = Some("u".to_owned());
    conversation.cache_key = Some("k".to_owned());
    conversation.cache_retention = Some("24h".to_owned());
    conversation.parallel_tool_calls = Some(false);
    conversation.unread = vec!["prediction".to_owned()];
    conversation.stop = (0..7).map(|index| index.to_string()).collect();
    conversation.choices = 9;
    conversation.logprobs = Some(0);
    conversation.modalities = vec![Modality::Text, Modality::Audio];
    conversation.audio = Some(AudioRequest { voice: Some("alloy".to_owned()), format: Some("wav".to_owned()) });
    conversation.service_tier = Some("default".to_owned());
    conversation.turns[0].name = Some("bob".to_owned());
    conversation.turns[0].parts.push(Part::Text(Text {
        text: "cached".to_owned(),
        cache: Some(CacheMark::default()),
        ..Text::default()
    }));
    conversation.turns.push(turn(Role::System, vec![text("now be quick")]));
    let (body, losses) = written(&conversation, &NEW);
    let expected = json!({
        "contents": [{"role": "user", "parts": [{"text": "hi"}, {"text": "cached"}, {"text": "now be quick"}]}],
        "generationConfig": {
            "temperature": 0.25, "candidateCount": 8, "stopSequences": ["0", "1", "2", "3", "4"],
            "responseLogprobs": true, "responseModalities": ["TEXT", "AUDIO"],
        },
        "serviceTier": "standard",
    });
    assert_eq!(body, expected);
    let expected = [
        "name=unsupported",
        "cache_control=unsupported",
        "system=approximated",
        "seed=unsupported",
        "n=approximated",
        "stop=approximated",
        "audio.voice=unsupported",
        "audio.format=unsupported",
        "logit_bias=unsupported",
        "verbosity=unsupported",
        "metadata=unsupported",
        "user=unsupported",
        "prompt_cache_key=unsupported",
        "prompt_cache_retention=unsupported",
        "parallel_tool_calls=unsupported",
        "prediction=unread",
    ];
    assert_eq!(losses, expected.join(", "));
}

#[test]
fn a_probe_of_one_token_is_left_alone() {
    let (body, losses) = written(&Conversation { max_output_tokens: Some(1), ..asked() }, &NEW);
    assert_eq!((body["generationConfig"].clone(), losses.as_str()), (json!({"maxOutputTokens": 1}), ""));
}

#[test]
fn more_than_the_model_can_give_is_not_asked_for() {
    let target = Target { max_output_tokens: Some(8_192), ..NEW };
    let (body, losses) = written(&Conversation { max_output_tokens: Some(32_000), ..asked() }, &target);
    assert_eq!(
        (body["generationConfig"]["maxOutputTokens"].as_u64(), losses.as_str()),
        (Some(8_192), "max_tokens=approximated")
    );
}

#[test]
fn members_are_added_as_the_provider_wants() {
    let target = Target { added: &[("safetySettings", "[]"), ("contents", "[]")], ..NEW };
    let (body, _) = written(&asked(), &target);
    assert_eq!(body["safetySettings"], json!([]));
    assert_eq!(body["contents"].as_array().unwrap().len(), 1);
    assert_eq!(body.get("model"), None);
}
