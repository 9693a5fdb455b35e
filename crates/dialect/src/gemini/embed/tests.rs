//! Embeddings in all four directions.

use super::openai::Batch;
use super::*;

const PATH: PathFacts<'_> = PathFacts { model: Some("embed"), is_streaming: false, is_sse: false };

/// As google-genai 2.34.0 writes it.
const BATCH: &str = r#"{"requests": [
    {"model": "models/embed", "content": {"parts": [{"text": "cat"}]}, "output_dimensionality": 3},
    {"content": {"parts": [{"text": "stock"}, {"text": "market"}]}, "outputDimensionality": 3, "taskType": "CLUSTERING", "model":"models/embed"}
]}"#;

const SINGLE: &str = r#"{"content":{"parts":[{"text":"cat"}]},"embedContentConfig":{"outputDimensionality":2}}"#;

fn parse(text: &str, is_batch: bool) -> Result<EmbedRequest, RequestError> {
    EmbedRequest::parse(&PATH, is_batch, Bytes::copy_from_slice(text.as_bytes()))
}

fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn only_the_names_of_the_model_change() {
    assert_eq!(parse(BATCH, true).unwrap().splice("up"), BATCH.replace("models/embed", "models/up"));
    assert_eq!(parse(BATCH, true).unwrap().splice("embed"), BATCH);
    assert_eq!(parse(SINGLE, false).unwrap().splice("up"), SINGLE);
}

#[test]
fn the_model_may_be_in_the_body_alone() {
    let nowhere = PathFacts::default();
    let batch = EmbedRequest::parse(&nowhere, true, Bytes::from(BATCH)).unwrap();
    assert_eq!(batch.model(), "embed");
    assert!(batch.counted_input() >= 3);
    let single = EmbedRequest::parse(&nowhere, false, Bytes::from(SINGLE));
    assert_eq!(single.unwrap_err(), RequestError::Missing("model"));
}

#[test]
fn what_has_nothing_to_embed_is_refused() {
    for (text, is_batch, param) in [
        ("{}", true, "requests"),
        (r#"{"requests":[]}"#, true, "requests"),
        (r#"{"requests":[{}]}"#, true, "requests[].content"),
        (r#"{"requests":7}"#, true, "requests"),
        ("{}", false, "content"),
        (r#"{"content":{},"apiBase":"http://evil.example"}"#, false, "apiBase"),
    ] {
        assert_eq!(parse(text, is_batch).unwrap_err().param(), Some(param), "{text}");
    }
}

#[test]
fn a_batch_becomes_openais_input() {
    let mut losses = Losses::default();
    let written = parse(BATCH, true).unwrap().write_openai("up", &mut losses).unwrap();
    let expected =
        json!({"model": "up", "input": ["cat", "stock\nmarket"], "encoding_format": "float", "dimensions": 3});
    assert_eq!(value(&written), expected);
    assert_eq!(losses.to_string(), "taskType=unsupported");
    let single = parse(SINGLE, false).unwrap().write_openai("up", &mut losses).unwrap();
    assert_eq!(value(&single)["dimensions"], 2);
    let image = r#"{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}}"#;
    let refused = parse(image, false).unwrap().write_openai("up", &mut losses).unwrap_err();
    assert_eq!(refused.param(), Some("content"));
}

#[test]
fn openais_answer_becomes_googles_whatever_its_order_and_encoding() {
    let answer =
        br#"{"object":"list","data":[{"index":1,"embedding":"AACAPwAAAMA="},{"index":0,"embedding":[0.5,-1e-3]}]}"#;
    let batch = parse(BATCH, true).unwrap().read_openai(answer).unwrap();
    assert_eq!(batch, r#"{"embeddings":[{"values":[0.5,-1e-3]},{"values":[1.0,-2.0]}]}"#);
    let single = parse(SINGLE, false).unwrap().read_openai(answer).unwrap();
    assert_eq!(single, r#"{"embedding":{"values":[0.5,-1e-3]}}"#);
    let error = parse(SINGLE, false).unwrap().read_openai(br#"{"error":{"message":"no"}}"#);
    assert!(matches!(error, Err(AnswerError::Upstream(said)) if said.message == "no"));
    for wrong in [&br#"{"data":[]}"#[..], br#"{"data":[{"embedding":"AAA="}]}"#, b"<html>"] {
        assert_eq!(parse(SINGLE, false).unwrap().read_openai(wrong), Err(AnswerError::Malformed));
    }
}

#[test]
fn an_answer_of_googles_is_known() {
    assert_eq!(inspect(br#"{"embedding":{"values":[1]}}"#).unwrap().usage, None);
    let counted = inspect(br#"{"embeddings":[{"values":[1]}],"usageMetadata":{"promptTokenCount":4}}"#);
    assert_eq!(counted.unwrap().usage.unwrap().input, Some(4));
    assert_eq!(inspect(b"{}"), Err(AnswerError::Malformed));
    assert!(matches!(inspect(br#"[{"error":{"message":"no"}}]"#), Err(AnswerError::Upstream(_))));
}

#[test]
fn openais_request_becomes_a_batch() {
    let batch = Batch::read(br#"{"model":"m","input":["a","b"],"dimensions":8,"encoding_format":"base64","user":"u"}"#);
    let mut losses = Losses::default();
    let written = value(&batch.unwrap().write("up", &mut losses));
    let request =
        |text: &str| json!({"model": "models/up", "content": {"parts": [{"text": text}]}, "outputDimensionality": 8});
    assert_eq!(written, json!({"requests": [request("a"), request("b")]}));
    assert_eq!(losses.to_string(), "user=unsupported");
    for (body, param) in [
        (r#"{"input":[1,2]}"#, "input"),
        (r#"{"input":[]}"#, "input"),
        (r#"{"model":"m"}"#, "input"),
        (r#"{"input":"a","encoding_format":"int8"}"#, "encoding_format"),
        (r#"{"input":"a","dimensions":0}"#, "dimensions"),
    ] {
        assert_eq!(Batch::read(body.as_bytes()).unwrap_err().param(), Some(param), "{body}");
    }
}

#[test]
fn googles_answer_becomes_openais_in_the_encoding_asked_for() {
    let google = br#"{"embeddings":[{"values":[1,-2.0]}]}"#;
    let answer = |body: &[u8]| value(&Batch::read(body).unwrap().answer(google, "m", 3).unwrap());
    let floats = answer(br#"{"input":"a"}"#);
    assert_eq!(floats["data"][0]["embedding"], json!([1, -2.0]));
    assert_eq!(floats["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}));
    let base64 = answer(br#"{"input":"a","encoding_format":"base64"}"#);
    assert_eq!(base64["data"][0], json!({"object": "embedding", "index": 0, "embedding": "AACAPwAAAMA="}));
    let two = Batch::read(br#"{"input":["a","b"]}"#).unwrap();
    assert_eq!(two.answer(google, "m", 3), Err(AnswerError::Malformed));
    let failed = two.answer(br#"{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}"#, "m", 3);
    assert!(matches!(failed, Err(AnswerError::Upstream(said)) if said.kind.as_deref() == Some("RESOURCE_EXHAUSTED")));
}
