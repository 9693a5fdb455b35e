//! What is read in place, and what of it changes on the way to a provider.

use megarouter_domain::code::Code;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const PATH: PathFacts<'_> = PathFacts { model: Some("fast"), is_streaming: true, is_sse: true };

fn parse(text: &str) -> Result<GenerateRequest, RequestError> {
    GenerateRequest::parse(&PATH, Bytes::copy_from_slice(text.as_bytes()))
}

fn spliced(text: &str, tokens: Option<u64>) -> String {
    let splice = Splice {
        upstream_model: "up",
        asks_usage: true,
        output_bound: tokens.map(|tokens| ("generationConfig.maxOutputTokens", tokens)),
        ..Splice::default()
    };
    String::from_utf8(parse(text).unwrap().splice(&splice).to_vec()).unwrap()
}

#[test]
fn every_byte_is_kept_where_nothing_is_added() {
    for text in [
        "{ \"contents\" : [{\"parts\":[{\"text\":\"h\\u00e9llo \u{1F600}\"}]}],\n\t\"x\":1.50e3 }\n",
        include_str!("../../fixtures/gemini/request.json"),
        include_str!("../../fixtures/gemini/request_snake.json"),
    ] {
        assert_eq!(spliced(text, None), text);
    }
}

#[test]
fn an_output_bound_goes_into_the_configuration_in_whatever_spelling_it_is() {
    for (sent, expected) in [
        (r#""contents":[{}]"#, r#""generationConfig":{"maxOutputTokens":9},"contents":[{}]"#),
        (r#""generationConfig":{},"contents":[{}]"#, r#""generationConfig":{"maxOutputTokens":9},"contents":[{}]"#),
        (
            r#""generation_config": null,"contents":[{}]"#,
            r#""generation_config": {"maxOutputTokens":9},"contents":[{}]"#,
        ),
        (
            r#""generation_config":{ "seed":1},"contents":[{}]"#,
            r#""generation_config":{"maxOutputTokens":9, "seed":1},"contents":[{}]"#,
        ),
        (
            r#""generationConfig":{"max_output_tokens":null},"contents":[{}]"#,
            r#""generationConfig":{"max_output_tokens":9},"contents":[{}]"#,
        ),
        (
            r#""generationConfig":{"max_output_tokens":5},"contents":[{}]"#,
            r#""generationConfig":{"max_output_tokens":5},"contents":[{}]"#,
        ),
    ] {
        assert_eq!(spliced(&format!("{{{sent}}}"), Some(9)), format!("{{{expected}}}"));
    }
}

#[test]
fn a_model_that_the_body_names_too_becomes_the_providers() {
    let text = r#"{"model":"models/fast","contents":[{}]}"#;
    assert_eq!(spliced(text, None), text.replace("fast", "up"));
    let same = r#"{"model":"up","contents":[{}]}"#;
    assert_eq!(spliced(same, None), same);
}

#[test]
fn members_are_added_unless_the_client_has_them() {
    let added = |text: &str| {
        let splice = Splice { added: &[("serviceTier", "\"flex\"")], ..Splice::default() };
        String::from_utf8(parse(text).unwrap().splice(&splice).to_vec()).unwrap()
    };
    assert_eq!(added(r#"{"contents":[{}]}"#), r#"{"serviceTier":"flex","contents":[{}]}"#);
    let own = r#"{"service_tier":"priority","contents":[{}]}"#;
    assert_eq!(added(own), own);
}

#[test]
fn facts_are_read_in_either_spelling() {
    for text in [
        r#"{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":8,"candidateCount":2},"serviceTier":"standard"}"#,
        r#"{"contents":{"parts":{"text":"hi"}},"generation_config":{"max_output_tokens":"8","candidate_count":2},"service_tier":"STANDARD"}"#,
    ] {
        let request = parse(text).unwrap();
        let facts = request.facts();
        assert_eq!((facts.model.as_str(), facts.output_bound, facts.choices), ("fast", Some(8), 2));
        assert!(facts.is_streaming && facts.wants_usage);
        assert_eq!(facts.service_tier.as_deref(), Some("default"));
        assert!(facts.counted_input > MESSAGE_TOKENS && facts.counted_input < 40);
        assert!(!request.echo().is_array);
    }
    let path = PathFacts { model: Some("models/a/b"), is_streaming: true, is_sse: false };
    let request = GenerateRequest::parse(&path, Bytes::from_static(br#"{"contents":[{}]}"#)).unwrap();
    assert_eq!(request.facts().model, "a/b");
    assert!(request.echo().is_array && request.echo().wants_usage);
}

#[test]
fn pictures_do_not_count_by_their_bytes() {
    let data = "A".repeat(100_000);
    for name in ["inlineData", "inline_data"] {
        let text = format!(r#"{{"contents":[{{"parts":[{{"{name}":{{"mimeType":"image/png","data":"{data}"}}}}]}}]}}"#);
        assert!(parse(&text).unwrap().facts().counted_input < 1_100);
    }
}

#[test]
fn refusals_name_their_field() {
    for (text, field) in [
        ("{}", "contents"),
        (r#"{"contents":null}"#, "contents"),
        (r#"{"contents":[ ]}"#, "contents"),
        (r#"{"contents":"hi"}"#, "contents"),
        (r#"{"contents":[{}],"generationConfig":[]}"#, "generationConfig"),
        (r#"{"contents":[{}],"generationConfig":{},"generation_config":{}}"#, "generation_config"),
        (r#"{"contents":[{}],"generationConfig":{"maxOutputTokens":1,"max_output_tokens":2}}"#, "max_output_tokens"),
        (r#"{"contents":[{}],"generationConfig":{"maxOutputTokens":0}}"#, "generationConfig.maxOutputTokens"),
        (r#"{"contents":[{}],"generationConfig":{"max_output_tokens":-1}}"#, "generationConfig.maxOutputTokens"),
        (r#"{"contents":[{}],"generationConfig":{"candidateCount":"two"}}"#, "generationConfig.candidateCount"),
        (r#"{"contents":[{}],"api_base":"http://evil.example"}"#, "api_base"),
        (r#"{"contents":[{}],"contents":[{}]}"#, "contents"),
        (r#"{"contents":[{}],"model":7}"#, "model"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!((error.param(), error.code()), (Some(field), Code::RequestInvalid), "{text}: {error}");
    }
    let nowhere = GenerateRequest::parse(&PathFacts::default(), Bytes::from_static(br#"{"contents":[{}]}"#));
    assert_eq!(nowhere.unwrap_err(), RequestError::Missing("model"));
    assert_eq!(parse("[]").unwrap_err().code(), Code::RequestMalformed);
}

#[test]
fn a_cache_at_google_cannot_be_read_by_others() {
    let request = parse(r#"{"contents":[{}],"cached_content":"cachedContents/x"}"#).unwrap();
    assert_eq!(request.read().unwrap_err().param(), Some("cachedContent"));
}

proptest! {
    #[test]
    fn a_splice_is_valid_json_with_only_those_changes(
        text in "\\PC{0,80}", tokens in proptest::option::of(1_u64..100), bound in 1_u64..100, space in "[ \n\t]{0,3}",
    ) {
        let mut value = json!({"contents": [{"parts": [{"text": text}]}], "generationConfig": {"maxOutputTokens": tokens}});
        let body = format!("{space}{value}{space}");
        let spliced = spliced(&body, Some(bound));
        value["generationConfig"]["maxOutputTokens"] = tokens.unwrap_or(bound).into();
        prop_assert_eq!(serde_json::from_str::<Value>(&spliced).unwrap(), value);
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_what_is_read_can_pass_untouched(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "\"contents\":[{}]", "\"contents\":[{\"parts\":[{\"text\":1}]}]", "\"generation_config\":{\"top_k\":null}",
            "\"tools\":[{\"x\":[]}]", "\"toolConfig\":7", "\"systemInstruction\":\"a\"", ",", ",", "{", "}", " ", "\u{1F600}",
        ]), 0..14),
    ) {
        let body = format!("{{{}}}", parts.concat());
        if let Ok(request) = parse(&body) {
            prop_assert_eq!(request.splice(&Splice { upstream_model: "up", ..Splice::default() }), body);
            prop_assert!(request.read().is_ok());
        }
    }
}
