//! Bodies into conversations.

use serde_json::json;

use super::*;
use crate::canonical::{
    AudioRequest, Effort, Format, MediaSource, Modality, Reasoning, ReasoningRequest, Tool, ToolChoice,
};

fn read(body: &Value) -> Conversation {
    conversation(body).unwrap()
}

fn fixture(text: &str) -> Conversation {
    read(&serde_json::from_str(text).unwrap())
}

fn with_config(config: &Value) -> Conversation {
    read(&json!({"contents": [{}], "generationConfig": config}))
}

fn with_tools(tools: &Value, config: &Value) -> Conversation {
    read(&json!({"contents": [{}], "tools": tools, "toolConfig": {"functionCallingConfig": config}}))
}

#[test]
fn fixtures_are_read_whole() {
    insta::assert_debug_snapshot!("request", fixture(include_str!("../../fixtures/gemini/request.json")));
    insta::assert_debug_snapshot!("request_snake", fixture(include_str!("../../fixtures/gemini/request_snake.json")));
}

#[test]
fn nothing_of_the_fixture_is_left_unread() {
    let conversation = fixture(include_str!("../../fixtures/gemini/request.json"));
    assert_eq!(conversation.unread, Vec::<String>::new());
    let snake = fixture(include_str!("../../fixtures/gemini/request_snake.json"));
    assert_eq!(snake.unread, ["safetySettings"]);
}

#[test]
fn parallel_calls_of_one_name_get_ids_of_their_own_and_their_results_in_order() {
    let conversation = fixture(include_str!("../../fixtures/gemini/request.json"));
    let parts: Vec<&Part> = conversation.turns.iter().flat_map(|turn| &turn.parts).collect();
    let ids: Vec<&str> = parts
        .iter()
        .filter_map(|part| match part {
            Part::ToolCall(call) => Some(call.id.as_str()),
            Part::ToolResult(result) => Some(result.call_id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(ids, ["call_0", "call_1", "call_0", "call_1"]);
    let failed: Vec<bool> = parts
        .iter()
        .filter_map(|part| if let Part::ToolResult(result) = part { Some(result.is_error) } else { None })
        .collect();
    assert_eq!(failed, [false, true]);
}

#[test]
fn signatures_stay_on_their_parts() {
    let conversation = fixture(include_str!("../../fixtures/gemini/request.json"));
    let [Part::Reasoning(Reasoning { signature: Some(of_thought), .. }), Part::ToolCall(first), Part::ToolCall(second)] =
        conversation.turns[1].parts.as_slice()
    else {
        panic!("{:?}", conversation.turns[1])
    };
    assert_eq!((of_thought.kind, of_thought.content.as_str()), ("thoughtSignature", "dGhvdWdodA=="));
    assert_eq!(part::own_signature(first.signature.as_ref()), Some("c2lnbmF0dXJl"));
    assert_eq!(second.signature, None);
}

#[test]
fn a_signature_of_a_picture_is_lost_and_named() {
    let blob = json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "c2ln"});
    let read = read(&json!({"contents": [{"role": "model", "parts": [blob, blob]}]}));
    assert_eq!(read.unread, ["reasoning.signature"]);
}

#[test]
fn a_response_is_what_it_says_or_all_of_it() {
    for (response, expected) in [
        (json!({"output": "rain"}), ("rain", false)),
        (json!({"output": {"a": 1}}), (r#"{"a":1}"#, false)),
        (json!({"error": "lost"}), ("lost", true)),
        (json!({"temp": 3, "error": null}), (r#"{"temp":3,"error":null}"#, false)),
        (json!({"result": "x"}), (r#"{"result":"x"}"#, false)),
    ] {
        let (said, is_error) = result_text(Some(&response));
        assert_eq!((said.as_str(), is_error), expected, "{response}");
    }
}

#[test]
fn media_of_a_response_are_parts_of_the_result() {
    let response = json!({"functionResponse": {"name": "f", "response": {}, "parts": [{"inline_data": {"mime_type": "image/png", "data": "AAAA"}}]}});
    let conversation = read(&json!({"contents": [{"role": "function", "parts": [response]}]}));
    let Part::ToolResult(result) = &conversation.turns[0].parts[0] else { panic!() };
    assert!(matches!(&result.parts[1], Part::Media(media) if media.source == MediaSource::Base64("AAAA".to_owned())));
    assert_eq!(conversation.turns[0].role, Role::User);
}

#[test]
fn thinking_is_read_in_every_form() {
    let reasoning = |thinking: Value| with_config(&json!({"thinkingConfig": thinking})).reasoning;
    let nothing = ReasoningRequest::default();
    for (thinking, expected) in [
        (json!({"thinkingBudget": 0}), Some(ReasoningRequest { budget_tokens: Some(0), ..nothing.clone() })),
        (json!({"thinking_budget": -1}), Some(ReasoningRequest { is_adaptive: true, ..nothing.clone() })),
        (json!({"thinkingLevel": "high"}), Some(ReasoningRequest { effort: Some(Effort::High), ..nothing.clone() })),
        (json!({"include_thoughts": true}), Some(ReasoningRequest { summary: Some("auto".to_owned()), ..nothing })),
        (json!({"includeThoughts": false}), None),
        (json!({}), None),
    ] {
        assert_eq!(reasoning(thinking.clone()), expected, "{thinking}");
    }
}

#[test]
fn formats_are_read_from_old_and_new_fields() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let expected =
        Format::JsonSchema { name: String::new(), description: None, schema: schema.clone(), is_strict: None };
    for config in [
        json!({"responseMimeType": "application/json", "responseJsonSchema": schema}),
        json!({"response_mime_type": "application/json", "response_json_schema": schema}),
        json!({"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}),
        json!({"responseFormat": [{"text": {"mimeType": "application/json", "schema": schema}}]}),
    ] {
        assert_eq!(with_config(&config).format, expected, "{config}");
    }
    assert_eq!(with_config(&json!({"responseMimeType": "application/json"})).format, Format::JsonObject);
    assert_eq!(with_config(&json!({"responseMimeType": "text/plain"})).format, Format::Text);
    let other = with_config(&json!({"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING"}}));
    assert_eq!(
        (other.format, other.unread.as_slice()),
        (Format::Text, &["generationConfig.responseMimeType".to_owned()][..])
    );
}

#[test]
fn every_mode_of_calling_is_read() {
    let tools = json!([{"functionDeclarations": [{"name": "f"}]}]);
    let choice = |config: Value| with_tools(&tools, &config).tool_choice;
    let names = || vec!["f".to_owned(), "g".to_owned()];
    assert_eq!(choice(json!({"mode": "auto"})), Some(ToolChoice::Auto));
    assert_eq!(choice(json!({"mode": "NONE"})), Some(ToolChoice::None));
    assert_eq!(choice(json!({"mode": "ANY"})), Some(ToolChoice::Required));
    assert_eq!(
        choice(json!({"mode": "ANY", "allowed_function_names": ["f"]})),
        Some(ToolChoice::Named("f".to_owned()))
    );
    let any = choice(json!({"mode": "ANY", "allowedFunctionNames": names()}));
    assert_eq!(any, Some(ToolChoice::Allowed { names: names(), is_required: true }));
    let validated = with_tools(&tools, &json!({"mode": "VALIDATED", "allowedFunctionNames": names()}));
    assert_eq!(validated.tool_choice, Some(ToolChoice::Allowed { names: names(), is_required: false }));
    assert_eq!(validated.unread, ["toolConfig.functionCallingConfig.mode"]);
    assert_eq!(choice(json!({})), None);
}

#[test]
fn googles_own_tools_are_known_by_what_they_do() {
    let tools = json!([{"google_search": {}}, {"codeExecution": {}}, {"urlContext": {}, "googleMaps": {"x": 1}}]);
    let conversation = with_tools(&tools, &json!({}));
    let kinds: Vec<String> = conversation
        .tools
        .iter()
        .map(|tool| match tool {
            Tool::Builtin { kind, raw, .. } => format!("{kind:?} {raw}"),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        r#"WebSearch {"google_search":{}}"#,
        r#"CodeExecution {"codeExecution":{}}"#,
        r#"Other {"urlContext":{}}"#,
        r#"Other {"googleMaps":{"x":1}}"#,
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn speech_and_pictures_are_wishes_and_text_alone_is_none() {
    let conversation = with_config(&json!({
        "responseModalities": ["AUDIO", "text"],
        "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}, "languageCode": "de-DE"},
    }));
    assert_eq!(conversation.modalities, [Modality::Audio, Modality::Text]);
    assert_eq!(conversation.audio, Some(AudioRequest { voice: Some("Kore".to_owned()), format: None }));
    assert_eq!(conversation.unread, ["generationConfig.speechConfig.languageCode"]);
    assert!(with_config(&json!({"responseModalities": ["TEXT"]})).modalities.is_empty());
}

#[test]
fn what_is_not_read_is_named() {
    let conversation = read(&json!({
        "contents": [{"parts": [{"text": "a", "video_metadata": {"fps": 1}}, {"executableCode": {"code": "1"}}]}],
        "safetySettings": [{}], "store": [], "generationConfig": {"image_config": {}, "seed": 1}, "toolConfig": {"retrievalConfig": {}},
        "systemInstruction": {"parts": [{"inlineData": {"mimeType": "image/png", "data": ""}}]},
    }));
    let expected = [
        "safetySettings",
        "systemInstruction.parts",
        "generationConfig.imageConfig",
        "toolConfig.retrievalConfig",
        "parts.videoMetadata",
        "executableCode",
    ];
    assert_eq!(conversation.unread, expected);
}

#[test]
fn a_content_must_be_one() {
    let error = conversation(&json!({"contents": ["hi"]})).unwrap_err();
    assert_eq!(error.param(), Some("contents"));
}
