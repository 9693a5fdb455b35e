//! Requests: checked, spliced, read.

use bytes::Bytes;
use megarouter_domain::code::Code;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::parse;
use crate::anthropic::carry;
use crate::canonical::{Effort, Part, ReasoningRequest, Role, ToolChoice};
use crate::estimate::MEDIA_TOKENS;
use crate::request::{ClientRequest, RequestError, Splice};

pub const AGENT: &str = include_str!("../../fixtures/anthropic/request_agent.json");
pub const RICH: &str = include_str!("../../fixtures/anthropic/request_rich.json");

fn spliced(body: &str, splice: &Splice<'_>) -> String {
    String::from_utf8(parse(body).unwrap().splice(splice).to_vec()).unwrap()
}

fn to(upstream_model: &str) -> Splice<'_> {
    Splice { upstream_model, model_is_in_body: true, ..Splice::default() }
}

fn body(rest: &str) -> String {
    format!(r#"{{"model":"m","max_tokens":5,"messages":[{{"role":"user","content":"hi"}}]{rest}}}"#)
}

#[test]
fn goldens() {
    for (name, text) in [("agent", AGENT), ("rich", RICH)] {
        insta::assert_snapshot!(name, format!("{:#?}", parse(text).unwrap().read().unwrap()));
    }
}

#[test]
fn only_the_model_differs_in_a_body_of_the_same_dialect() {
    for text in [AGENT, RICH] {
        let model = serde_json::from_str::<Value>(text).unwrap()["model"].to_string();
        assert_eq!(spliced(text, &to("up/model")), text.replacen(&model, "\"up/model\"", 1));
        assert_eq!(spliced(text, &to(model.trim_matches('"'))), text);
    }
}

#[test]
fn a_provider_that_takes_the_model_from_the_path_gets_none_in_the_body() {
    let added = [("anthropic_version", "\"vertex-2023-10-16\""), ("max_tokens", "9")];
    let splice = Splice { upstream_model: "up", added: &added, ..Splice::default() };
    let expected =
        r#"{"anthropic_version":"vertex-2023-10-16","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
    assert_eq!(spliced(&body(""), &splice), expected);
    let last = r#"{"max_tokens":5,"messages":[{}], "model" : "m" }"#;
    assert_eq!(
        spliced(last, &Splice { upstream_model: "up", ..Splice::default() }),
        r#"{"max_tokens":5,"messages":[{}] }"#
    );
}

#[test]
fn facts_are_read() {
    let request = parse(AGENT).unwrap();
    let facts = request.facts();
    assert_eq!((facts.model.as_str(), facts.output_bound, facts.choices), ("claude-opus-5", Some(32_000), 1));
    assert!(facts.is_streaming && facts.wants_usage);
    assert!(facts.counted_input > 200 && facts.counted_input < 600, "{}", facts.counted_input);
    assert_eq!(parse(RICH).unwrap().facts().service_tier.as_deref(), Some("standard_only"));
}

#[test]
fn pictures_do_not_count_by_their_bytes_and_texts_in_disguise_do() {
    let counted = |source: Value, in_result: bool| {
        let image = json!({"type": "image", "source": source});
        let block = if in_result { json!({"type": "tool_result", "content": [image]}) } else { image };
        let body = json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [block]}]});
        parse(&body.to_string()).unwrap().facts().counted_input
    };
    let data = "A".repeat(100_000);
    for in_result in [false, true] {
        let image = counted(json!({"data": data, "type": "base64", "media_type": "image/png"}), in_result);
        assert!((MEDIA_TOKENS..MEDIA_TOKENS + 100).contains(&image), "{image}");
        assert!(counted(json!({"type": "url", "url": "https://example.org/a.png"}), in_result) > MEDIA_TOKENS);
        assert!(counted(json!({"type": "text", "data": data}), in_result) > 25_000);
    }
}

#[test]
fn refusals_name_their_field() {
    for (text, field) in [
        (r#"{"messages":[{}],"max_tokens":1}"#.to_owned(), "model"),
        (r#"{"model":"m","max_tokens":1}"#.to_owned(), "messages"),
        (r#"{"model":"m","max_tokens":1,"messages":[ ]}"#.to_owned(), "messages"),
        (r#"{"model":"m","max_tokens":1,"messages":{}}"#.to_owned(), "messages"),
        (r#"{"model":"m","messages":[{}]}"#.to_owned(), "max_tokens"),
        (r#"{"model":"m","max_tokens":-1,"messages":[{}]}"#.to_owned(), "max_tokens"),
        (r#"{"model":"m","max_tokens":1.5,"messages":[{}]}"#.to_owned(), "max_tokens"),
        (body(r#","stream":"yes""#), "stream"),
        (body(r#","thinking":true"#), "thinking"),
        (body(r#","api_base":"http://evil.example""#), "api_base"),
        (body(r#","model":"other""#), "model"),
    ] {
        let error = parse(&text).unwrap_err();
        assert_eq!((error.param(), error.code()), (Some(field), Code::RequestInvalid), "{text}: {error}");
    }
    assert_eq!(parse("[]").unwrap_err().code(), Code::RequestMalformed);
}

#[test]
fn a_shape_that_is_not_documented_is_refused_when_it_must_be_read() {
    for (rest, field) in [
        (r#","system":7"#, "system"),
        (r#","tools":{}"#, "tools"),
        (r#","tool_choice":{"type":"tool"}"#, "tool_choice"),
        (r#","temperature":"hot""#, "temperature"),
    ] {
        let error = parse(&body(rest)).unwrap().read().unwrap_err();
        assert_eq!(error.param(), Some(field), "{rest}");
    }
    let roles = r#"{"model":"m","max_tokens":1,"messages":[{"role":"robot","content":"hi"}]}"#;
    assert_eq!(parse(roles).unwrap().read().unwrap_err().param(), Some("messages"));
}

#[test]
fn a_request_that_only_fills_the_cache_stays_within_the_dialect() {
    let text = body("").replace("\"max_tokens\":5", "\"max_tokens\":0");
    let request = parse(&text).unwrap();
    assert_eq!(request.splice(&to("m")), text);
    assert!(matches!(request.read(), Err(RequestError::Invalid { field: "max_tokens", .. })));
    assert_eq!(parse(&body("").replace('5', "1")).unwrap().read().unwrap().max_output_tokens, Some(1));
}

#[test]
fn every_form_of_thinking_is_read() {
    let read = |rest: &str| parse(&body(rest)).unwrap().read().unwrap().reasoning;
    let shown = Some("auto".to_owned());
    let default = ReasoningRequest::default;
    assert_eq!(
        read(r#","thinking":{"type":"enabled","budget_tokens":2048}"#),
        Some(ReasoningRequest { budget_tokens: Some(2048), summary: shown.clone(), ..default() })
    );
    assert_eq!(
        read(r#","output_config":{"effort":"xhigh"},"thinking":{"type":"adaptive","display":"summarized"}"#),
        Some(ReasoningRequest { effort: Some(Effort::Max), is_adaptive: true, summary: shown, ..default() })
    );
    let off = Some(ReasoningRequest { effort: Some(Effort::None), ..default() });
    assert_eq!(read(r#","thinking":{"type":"disabled"},"output_config":{"effort":"low"}"#), off);
    assert_eq!(read(r#","output_config":{"effort":"low"},"thinking":{"type":"disabled"}"#), off);
    assert_eq!(read(""), None);
}

#[test]
fn a_mark_of_the_whole_request_stands_at_its_last_block() {
    let conversation = parse(&body(r#","cache_control":{"type":"ephemeral","ttl":"1h"}"#)).unwrap().read().unwrap();
    let Part::Text(text) = &conversation.turns[0].parts[0] else { panic!("no text") };
    assert_eq!(text.cache.as_ref().unwrap().ttl.as_deref(), Some("1h"));
}

#[test]
fn choices_of_tools_are_read() {
    let read = |choice: &str| parse(&body(&format!(r#","tool_choice":{choice}"#))).unwrap().read().unwrap();
    assert_eq!(read(r#"{"type":"auto"}"#).tool_choice, Some(ToolChoice::Auto));
    assert_eq!(read(r#"{"type":"none"}"#).tool_choice, Some(ToolChoice::None));
    let one = read(r#"{"type":"tool","name":"look","disable_parallel_tool_use":true}"#);
    assert_eq!(one.tool_choice, Some(ToolChoice::Named("look".to_owned())));
    assert_eq!(one.parallel_tool_calls, Some(false));
}

#[test]
fn instructions_in_the_middle_stay_there() {
    let conversation = parse(AGENT).unwrap().read().unwrap();
    assert_eq!(conversation.turns.last().unwrap().role, Role::System);
    assert_eq!(conversation.system.len(), 3);
}

fn marked() -> Value {
    json!({"type": "thinking", "thinking": "hm", "signature": format!("{}gemini.thoughtSignature..c2ln", carry::MARK)})
}

#[test]
fn thoughts_of_others_do_not_go_to_anthropic() {
    let message = |content: Value| json!({"role": "assistant", "content": content});
    let user = json!({"role": "user", "content": [{"type": "text", "text": format!("is {} secret?", carry::MARK)}]});
    let text = json!({"type": "text", "text": "hello"});
    let own = json!({"type": "thinking", "thinking": "hm", "signature": "c2ln"});
    let sent = json!({"model": "m", "max_tokens": 1, "messages": [
        user, message(json!([marked(), text, marked(), marked()])), user, message(json!([marked()])), user,
        message(json!([own, marked(), text])), message(json!("hello")), message(json!([marked(), marked()])),
    ]});
    let expected = json!({"model": "m", "max_tokens": 1, "messages": [
        user, message(json!([text])), user, user, message(json!([own, text])), message(json!("hello")),
    ]});
    assert_eq!(spliced(&sent.to_string(), &to("m")), expected.to_string());
}

proptest! {
    #[test]
    fn whatever_thoughts_are_cut_the_rest_is_what_was_sent(
        messages in proptest::collection::vec(proptest::collection::vec(any::<bool>(), 0..5), 1..5), is_pretty: bool,
    ) {
        let text = json!({"type": "text", "text": "hello, \"[{\\"});
        let whole = |keep_foreign: bool| {
            let all = messages.iter().filter(|blocks| keep_foreign || blocks.is_empty() || blocks.contains(&false));
            let all = all.map(|blocks| {
                let blocks = blocks.iter().filter(|foreign| keep_foreign || !**foreign);
                let content: Vec<Value> = blocks.map(|foreign| if *foreign { marked() } else { text.clone() }).collect();
                json!({"role": "assistant", "content": content})
            });
            let mut body = json!({"model": "m", "max_tokens": 1});
            body["messages"] = all.collect();
            body
        };
        let sent = whole(true);
        let sent = if is_pretty { serde_json::to_string_pretty(&sent).unwrap() } else { sent.to_string() };
        let spliced: Value = serde_json::from_str(&spliced(&sent, &to("m"))).unwrap();
        prop_assert_eq!(spliced, whole(false));
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_what_is_read_can_pass_untouched(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "\"model\":\"m\"", "\"messages\":[{}]", "\"max_tokens\":1", "\"stream\":true", ",", ",", ",", "{", "}", " ", "\n",
            "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\"}}]}]",
            "\"x\":[1,{\"y\":\"\\u00e9\"}]", "\u{1F600}",
        ]), 0..14),
    ) {
        let body = format!("{{{}}}", parts.concat());
        if let Ok(request) = parse(&body) {
            prop_assert_eq!(request.splice(&to("m")), Bytes::from(body));
            let _ = request.read();
        }
    }
}
