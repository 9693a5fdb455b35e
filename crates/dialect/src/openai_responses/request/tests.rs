//! Requests are spliced, and refused where nothing else is honest.

use megarouter_domain::code::Code;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::openai_responses::testing::{CODEX, PLAIN};

fn parse(text: &str) -> Result<ResponsesRequest, RequestError> {
    ResponsesRequest::parse(&PathFacts::default(), Bytes::copy_from_slice(text.as_bytes()))
}

const SPLICE: Splice<'static> =
    Splice { upstream_model: "up/model", model_is_in_body: true, asks_usage: true, output_bound: None, added: &[] };

fn spliced(text: &str, splice: &Splice<'_>) -> String {
    String::from_utf8(parse(text).unwrap().splice(splice).to_vec()).unwrap()
}

#[test]
fn codex_passes_with_only_its_model_changed() {
    let text = std::str::from_utf8(CODEX).unwrap();
    assert_eq!(spliced(text, &SPLICE), text.replace("\"gpt-5-codex\"", "\"up/model\""));
}

#[test]
fn nothing_is_stored_unless_the_client_says_so() {
    let with = |rest: &str| format!(r#"{{"model":"up/model","input":"hi"{rest}}}"#);
    assert_eq!(spliced(&with(""), &SPLICE), r#"{"store":false,"model":"up/model","input":"hi"}"#);
    assert_eq!(spliced(&with(r#","store":null"#), &SPLICE), with(r#","store":false"#));
    assert_eq!(spliced(&with(r#","store": false"#), &SPLICE), with(r#","store": false"#));
}

#[test]
fn a_bound_and_members_are_added_only_where_there_are_none() {
    let with = |rest: &str| format!(r#"{{{rest}"model":"up/model","input":"hi","store":false}}"#);
    let bound = Splice { output_bound: Some(("max_output_tokens", 9)), ..SPLICE };
    assert_eq!(spliced(&with(""), &bound), with(r#""max_output_tokens":9,"#));
    assert_eq!(spliced(&with(r#""max_output_tokens":null,"#), &bound), with(r#""max_output_tokens":9,"#));
    let own = with(r#""max_output_tokens":5,"#);
    assert_eq!(spliced(&own, &bound), own);
    let added = Splice { added: &[("store", "true"), ("region", "\"eu\"")], ..SPLICE };
    assert_eq!(spliced(&with(""), &added), with(r#""region":"eu","#));
    let path_named = Splice { model_is_in_body: false, ..SPLICE };
    assert_eq!(spliced(&with(""), &path_named), r#"{"input":"hi","store":false}"#);
}

#[test]
fn thoughts_that_the_provider_would_refuse_stay_here() {
    let own = r#"{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"}"#;
    let open = r#"{"type":"reasoning","id":"rs_2","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]}"#;
    let bare = r#"{"type":"reasoning","id":"rs_3","summary":[]}"#;
    let foreign = r#"{"type":"reasoning","id":"rs_4","summary":[],"encrypted_content":"mr1.[\"anthropic\",\"signature\",null,\"x\"]"}"#;
    let hi = r#"{"role":"user","content":"hi"}"#;
    let with = |items: &[&str], store: &str| format!(r#"{{"model":"up/model","input":[{}]{store}}}"#, items.join(", "));
    let stored = with(&[hi, own, open, bare, foreign, hi], r#","store":false"#);
    assert_eq!(spliced(&stored, &SPLICE), with(&[hi, own, open, bare, hi], r#","store":false"#).replace(", ", ","));
    let silent = spliced(&with(&[hi, own, open, bare, foreign, hi], ""), &SPLICE);
    assert_eq!(silent, with(&[hi, own, open, hi], "").replace(", ", ",").replacen('{', r#"{"store":false,"#, 1));
}

#[test]
fn facts_are_read() {
    let request = parse(std::str::from_utf8(CODEX).unwrap()).unwrap();
    let facts = request.facts();
    assert_eq!((facts.model.as_str(), facts.is_streaming, facts.wants_usage), ("gpt-5-codex", true, true));
    assert_eq!((facts.choices, facts.output_bound), (1, None));
    assert!(facts.counted_input > 2 * 1_000, "two pictures: {}", facts.counted_input);
    let plain = parse(std::str::from_utf8(PLAIN).unwrap()).unwrap();
    assert_eq!((plain.facts().output_bound, plain.facts().service_tier.as_deref()), (Some(1), Some("flex")));
    let text = parse(r#"{"model":"m","input":"12345678"}"#).unwrap();
    assert_eq!(text.facts().counted_input, MESSAGE_TOKENS + estimate::tokens(8));
}

#[test]
fn a_document_does_not_count_by_its_bytes() {
    let data = "A".repeat(100_000);
    let text = format!(
        r#"{{"model":"m","input":[{{"role":"user","content":[{{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,{data}"}}]}}]}}"#
    );
    assert!(parse(&text).unwrap().facts().counted_input < 1_100);
}

#[test]
fn what_needs_a_stored_answer_is_unsupported_and_says_what_to_do() {
    let body = |rest: &str| format!(r#"{{"model":"m","input":"hi"{rest}}}"#);
    for (text, field) in [
        (body(r#","store":true"#), "store"),
        (body(r#","previous_response_id":"resp_1""#), "previous_response_id"),
        (body(r#","conversation":"conv_1""#), "conversation"),
        (body(r#","conversation":{"id":"conv_1"}"#), "conversation"),
        (body(r#","background":true"#), "background"),
        (r#"{"model":"m","input":[{"type":"item_reference","id":"msg_1"}]}"#.to_owned(), "input.item_reference"),
        (r#"{"model":"m","input":[{"id":"msg_1"}]}"#.to_owned(), "input.item_reference"),
    ] {
        let error = parse(&text).unwrap_err();
        assert_eq!((error.param(), error.code()), (Some(field), Code::RequestUnsupported), "{text}");
        assert!(error.to_string().contains("send "), "{error}");
    }
    for fine in [r#","store":false,"previous_response_id":null,"conversation":null,"background":false"#, ""] {
        assert!(parse(&body(fine)).is_ok());
    }
}

#[test]
fn refusals_name_their_field() {
    let body = |rest: &str| format!(r#"{{"model":"m","input":"hi"{rest}}}"#);
    for (text, field) in [
        (body(r#","max_output_tokens":0"#), "max_output_tokens"),
        (body(r#","max_output_tokens":"many""#), "max_output_tokens"),
        (body(r#","stream":"yes""#), "stream"),
        (body(r#","store":"yes""#), "store"),
        (body(r#","api_base":"http://evil.example""#), "api_base"),
        (body(r#","model":"other""#), "model"),
        (r#"{"input":"hi"}"#.to_owned(), "model"),
        (r#"{"model":"m"}"#.to_owned(), "input"),
        (r#"{"model":"m","input":[]}"#.to_owned(), "input"),
        (r#"{"model":"m","input":7}"#.to_owned(), "input"),
        (r#"{"model":"m","input":["hi"]}"#.to_owned(), "input"),
    ] {
        let error = parse(&text).unwrap_err();
        assert_eq!((error.param(), error.code()), (Some(field), Code::RequestInvalid), "{text}: {error}");
    }
}

#[test]
fn a_prompt_of_openais_store_passes_to_openai_and_to_no_other() {
    let request = parse(r#"{"model":"m","prompt":{"id":"pmpt_1"},"store":false}"#).unwrap();
    assert!(!request.splice(&SPLICE).is_empty());
    let error = request.read().unwrap_err();
    assert_eq!((error.code(), error.param()), (Code::RequestUnsupported, Some("prompt")));
}

proptest! {
    #[test]
    fn a_splice_is_valid_json_with_only_those_changes(
        store in proptest::option::of(Just(false)), bound in proptest::option::of(1_u64..9), asked in proptest::option::of(1_u64..9),
        model_first: bool, in_body: bool,
    ) {
        let mut members = vec![r#""input": [{"role":"user","content":"é\u00e9"}]"#.to_owned(), r#""x":[1.50,{}]"#.to_owned()];
        members.extend(store.map(|store| format!("\"store\": {store}")));
        members.extend(asked.map(|asked| format!("\"max_output_tokens\":{asked}")));
        members.insert(if model_first { 0 } else { members.len() }, r#""model" : "m""#.to_owned());
        let text = format!("{{ {} }}", members.join(" , "));
        let splice = Splice { output_bound: bound.map(|bound| ("max_output_tokens", bound)), model_is_in_body: in_body, ..SPLICE };
        let mut expected: Value = serde_json::from_str(&text).unwrap();
        expected["store"] = false.into();
        expected["model"] = "up/model".into();
        if !in_body {
            expected.as_object_mut().unwrap().remove("model");
        }
        if let Some(bound) = bound.filter(|_| asked.is_none()) {
            expected["max_output_tokens"] = bound.into();
        }
        prop_assert_eq!(serde_json::from_str::<Value>(&spliced(&text, &splice)).unwrap(), expected);
    }
}
