//! What is written is legal, and what is not written is told.

use proptest::prelude::*;

use super::*;
use crate::bedrock_converse::answer::{self, opaque};
use crate::bedrock_converse::{REDACTED, SIGNATURE};
use crate::canonical::{
    Effort, FunctionTool, Media, MediaKind, MediaSource, Part, Reasoning, ReasoningRequest, Role, Text, Tool, ToolCall,
    ToolChoice, ToolKind, ToolResult, Turn,
};
use crate::openai_chat::request::ChatRequest;
use crate::request::{ClientRequest, PathFacts, Thinking};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn written(conversation: &Conversation, target: &Target<'_>) -> (Value, Vec<String>) {
    let mut losses = Losses::default();
    let body = write(conversation, target, &mut losses);
    let losses = losses.iter().map(|loss| format!("{}={}", loss.what, loss.why.as_str())).collect();
    (serde_json::from_slice(&body).unwrap(), losses)
}

fn text(text: &str) -> Part {
    Part::Text(Text { text: text.to_owned(), ..Text::default() })
}

fn thought(kind: &'static str, said: &str, proof: &str) -> Part {
    Part::Reasoning(Reasoning { text: said.to_owned(), signature: Some(opaque(kind, proof)), ..Reasoning::default() })
}

fn call(id: &str, arguments: &str) -> Part {
    let (name, arguments) = ("f".to_owned(), arguments.to_owned());
    let kind = ToolKind::Function;
    Part::ToolCall(ToolCall { id: id.to_owned(), name, arguments, kind, signature: None, cache: None })
}

fn result(id: &str, parts: Vec<Part>, is_error: bool) -> Part {
    Part::ToolResult(ToolResult { call_id: id.to_owned(), name: None, parts, is_error, cache: None })
}

fn media(kind: MediaKind, mime: &str, source: MediaSource) -> Part {
    let mime = (!mime.is_empty()).then(|| mime.to_owned());
    Part::Media(Media { kind, mime, source, name: Some("a.b/c".to_owned()), detail: None, cache: None })
}

fn base64() -> MediaSource {
    MediaSource::Base64("AAAA".to_owned())
}

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, name: None, parts }
}

fn turns(turns: Vec<Turn>) -> Conversation {
    Conversation { turns, ..Conversation::default() }
}

/// Panics where Bedrock would refuse the messages.
fn assert_legal(body: &Value) {
    let messages = body["messages"].as_array().unwrap();
    assert_eq!(messages[0]["role"], "user");
    let mut pending: Vec<&str> = vec![];
    for (place, message) in messages.iter().enumerate() {
        assert_eq!(message["role"] == "user", place % 2 == 0, "roles alternate: {body}");
        let content = message["content"].as_array().unwrap();
        assert!(!content.is_empty());
        for block in content {
            assert!(block["text"].as_str().is_none_or(|text| !text.trim().is_empty()));
            if let Some(result) = block.get("toolResult") {
                let id = result["toolUseId"].as_str().unwrap();
                let place = pending.iter().position(|waiting| *waiting == id).expect("a result follows its call");
                pending.remove(place);
            } else if !block["cachePoint"].is_object() && message["role"] == "user" {
                assert!(pending.is_empty(), "results come first: {body}");
            }
            if let Some(call) = block.get("toolUse") {
                assert!(call["input"].is_object() && body["toolConfig"]["tools"].is_array());
                pending.push(call["toolUseId"].as_str().unwrap());
            }
            if block.get("document").is_some() {
                assert!(content.iter().any(|block| block.get("text").is_some()));
            }
        }
        if message["role"] == "user" {
            assert!(pending.is_empty(), "every call has its result: {body}");
        }
    }
    assert!(pending.is_empty());
}

#[test]
fn goldens() {
    let full = include_bytes!("../../fixtures/openai_chat/request.json");
    let request = ChatRequest::parse(&PathFacts::default(), Bytes::from_static(full)).unwrap();
    let conversation = request.read().unwrap();
    for (name, model) in [("claude", CLAUDE), ("nova", "amazon.nova-pro-v1:0"), ("other", "openai.gpt-oss-120b-1:0")] {
        let (body, losses) = written(&conversation, &Target::of(model));
        assert_legal(&body);
        let pretty = serde_json::to_string_pretty(&body).unwrap();
        insta::assert_snapshot!(name, format!("{}\n\n{pretty}", losses.join("\n")));
    }
}

#[test]
fn its_own_answer_goes_back_as_it_was() {
    let whole = include_bytes!("../../fixtures/bedrock_converse/answer.json");
    let said = answer::read(whole).unwrap().choices.remove(0).parts;
    let conversation = turns(vec![
        turn(Role::User, vec![text("hi")]),
        turn(Role::Assistant, said),
        turn(Role::User, vec![result("tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", vec![text("rain")], true)]),
    ]);
    let (body, losses) = written(&conversation, &Target::of(CLAUDE));
    assert_legal(&body);
    let sent: Value = serde_json::from_slice(whole).unwrap();
    let blocks = &sent["output"]["message"]["content"];
    let back = &body["messages"][1]["content"];
    assert_eq!([&back[0], &back[1], &back[2], &back[4]], [&blocks[0], &blocks[1], &blocks[2], &blocks[4]]);
    assert_eq!(body["messages"][2]["content"][0]["toolResult"]["status"], "error");
    assert_eq!(losses, ["citations=foreign", "tools=approximated"]);
}

#[test]
fn foreign_thoughts_stay_behind() {
    let foreign = Reasoning { text: "hm".to_owned(), ..Reasoning::default() };
    let conversation = turns(vec![
        turn(Role::User, vec![text("hi")]),
        turn(Role::Assistant, vec![Part::Reasoning(foreign), thought(REDACTED, "", "AA=="), text("a")]),
    ]);
    let (body, losses) = written(&conversation, &Target::of(CLAUDE));
    let expected = json!([{"reasoningContent": {"redactedContent": "AA=="}}, {"text": "a"}]);
    assert_eq!(body["messages"][1]["content"], expected);
    assert_eq!(losses, ["reasoning=foreign"]);
}

#[test]
fn media_become_blocks_as_far_as_bedrock_takes_them() {
    let user = vec![
        media(MediaKind::Image, "image/jpg", base64()),
        media(MediaKind::Image, "", MediaSource::Url("s3://bucket/a.png".to_owned())),
        media(MediaKind::Image, "image/png", MediaSource::Url("https://example.com/a.png".to_owned())),
        media(MediaKind::Image, "image/tiff", base64()),
        media(MediaKind::Video, "video/quicktime", base64()),
        media(MediaKind::Audio, "audio/mpeg", base64()),
        media(MediaKind::Document, "", MediaSource::Text("words".to_owned())),
        media(MediaKind::Document, "application/pdf", base64()),
        media(MediaKind::Document, "", MediaSource::FileId("file-1".to_owned())),
    ];
    let (body, losses) = written(&turns(vec![turn(Role::User, user)]), &Target::of(CLAUDE));
    assert_legal(&body);
    let bytes = json!({"bytes": "AAAA"});
    let expected = json!([
        {"image": {"format": "jpeg", "source": bytes}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/a.png"}}}},
        {"video": {"format": "mov", "source": bytes}},
        {"audio": {"format": "mp3", "source": bytes}},
        {"document": {"format": "txt", "name": "document 1", "source": {"text": "words"}}},
        {"document": {"format": "pdf", "name": "document 2", "source": bytes}},
        {"text": "(continue)"},
    ]);
    assert_eq!(body["messages"][0]["content"], expected);
    assert_eq!(
        losses,
        [
            "image.url=unsupported",
            "image.format=unsupported",
            "document.filename=unsupported",
            "document.file_id=foreign"
        ]
    );
}

#[test]
fn cache_marks_become_cache_points() {
    let cache = Some(CacheMark { ttl: Some("1h".to_owned()) });
    let system = vec![Text { text: "be brief".to_owned(), cache, ..Text::default() }];
    let conversation = Conversation { system, ..turns(vec![turn(Role::User, vec![text("hi")])]) };
    let (body, _) = written(&conversation, &Target::of(CLAUDE));
    assert_eq!(body["system"], json!([{"text": "be brief"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]));
    let (body, losses) = written(&conversation, &Target::of("meta.llama4-scout-17b-instruct-v1:0"));
    assert_eq!(
        (&body["system"], losses),
        (&json!([{"text": "be brief"}]), vec!["cache_control=unsupported".to_owned()])
    );
}

fn thinks(asked: ReasoningRequest, thinking: Thinking, bound: Option<u64>, model: &str) -> (Value, Value, usize) {
    let conversation = Conversation {
        reasoning: Some(asked),
        max_output_tokens: bound,
        ..turns(vec![turn(Role::User, vec![text("hi")])])
    };
    let (body, losses) = written(&conversation, &Target { thinking, ..Target::of(model) });
    (body["additionalModelRequestFields"]["thinking"].clone(), body["outputConfig"]["effort"].clone(), losses.len())
}

#[test]
fn thinking_is_asked_for_as_the_model_wants_it() {
    let budget = |tokens| ReasoningRequest { budget_tokens: Some(tokens), ..ReasoningRequest::default() };
    let effort = |effort| ReasoningRequest { effort: Some(effort), ..ReasoningRequest::default() };
    let enabled = |tokens: u64| json!({"type": "enabled", "budget_tokens": tokens});
    let other = "openai.gpt-oss-120b-1:0";
    assert_eq!(thinks(budget(5_000), Thinking::Budget, Some(9_000), CLAUDE), (enabled(5_000), Value::Null, 0));
    assert_eq!(thinks(budget(5_000), Thinking::Budget, Some(4_000), CLAUDE), (enabled(3_999), Value::Null, 1));
    assert_eq!(thinks(budget(5_000), Thinking::Budget, Some(1), CLAUDE), (Value::Null, Value::Null, 1));
    assert_eq!(thinks(effort(Effort::High), Thinking::Unknown, None, CLAUDE), (enabled(24_576), Value::Null, 1));
    assert_eq!(
        thinks(effort(Effort::Max), Thinking::Adaptive, None, CLAUDE),
        (json!({"type": "adaptive"}), json!("max"), 0)
    );
    assert_eq!(thinks(effort(Effort::Low), Thinking::Unknown, None, other), (Value::Null, json!("low"), 0));
    assert_eq!(thinks(budget(8_000), Thinking::Effort, None, other), (Value::Null, json!("medium"), 1));
    assert_eq!(thinks(budget(0), Thinking::Budget, None, CLAUDE), (Value::Null, Value::Null, 0));
    assert_eq!(thinks(effort(Effort::Low), Thinking::None, None, other), (Value::Null, Value::Null, 1));
}

#[test]
fn claude_does_not_think_in_a_turn_whose_thoughts_it_is_not_shown() {
    let asked = ReasoningRequest { budget_tokens: Some(2_000), ..ReasoningRequest::default() };
    let looped = |thoughts: Vec<Part>| {
        let said = thoughts.into_iter().chain([call("a", "{}")]).collect();
        let conversation = Conversation {
            reasoning: Some(asked.clone()),
            ..turns(vec![
                turn(Role::User, vec![text("hi")]),
                turn(Role::Assistant, said),
                turn(Role::User, vec![result("a", vec![], false)]),
            ])
        };
        let (body, _) = written(&conversation, &Target::of(CLAUDE));
        assert_legal(&body);
        body["additionalModelRequestFields"]["thinking"].is_object()
    };
    assert!(looped(vec![thought(SIGNATURE, "hm", "s")]));
    assert!(!looped(vec![]));
}

#[test]
fn the_choice_of_tools_is_carried_as_far_as_there_is_one() {
    let tool = Tool::Function(FunctionTool { name: "f".to_owned(), ..FunctionTool::default() });
    let chosen = |choice| {
        let conversation =
            Conversation { tools: vec![tool.clone()], tool_choice: Some(choice), ..Conversation::default() };
        let (body, losses) = written(&conversation, &Target::of(CLAUDE));
        (body["toolConfig"]["toolChoice"].clone(), body["toolConfig"]["tools"].is_array(), losses.len())
    };
    assert_eq!(chosen(ToolChoice::Auto), (json!({"auto": {}}), true, 0));
    assert_eq!(chosen(ToolChoice::Required), (json!({"any": {}}), true, 0));
    assert_eq!(chosen(ToolChoice::Named("f".to_owned())), (json!({"tool": {"name": "f"}}), true, 0));
    assert_eq!(chosen(ToolChoice::Named("g".to_owned())), (Value::Null, true, 1));
    assert_eq!(chosen(ToolChoice::None), (Value::Null, false, 0));
}

fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        "[a-z ]{0,4}".prop_map(|said| text(&said)),
        Just(media(MediaKind::Image, "image/png", base64())),
        Just(media(MediaKind::Document, "application/pdf", base64())),
        (0..4_u8, "[{}a]{0,3}").prop_map(|(id, arguments)| call(&format!("c{id}"), &arguments)),
        (0..4_u8, any::<bool>()).prop_map(|(id, is_error)| result(
            &format!("c{id}"),
            vec![text("r"), text("")],
            is_error
        )),
        Just(thought(SIGNATURE, "hm", "s")),
        Just(Part::Refusal("no".to_owned())),
    ]
}

proptest! {
    #[test]
    fn whatever_the_turns_what_is_written_is_legal(
        said in proptest::collection::vec(
            (prop_oneof![Just(Role::System), Just(Role::User), Just(Role::Assistant)], proptest::collection::vec(any_part(), 0..5)),
            0..7,
        ),
    ) {
        let said = said.into_iter().map(|(role, parts)| turn(role, parts)).collect();
        assert_legal(&written(&turns(said), &Target::of(CLAUDE)).0);
    }
}
