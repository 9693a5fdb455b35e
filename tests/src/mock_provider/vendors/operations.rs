//! OpenAI's smaller operations: embeddings, old completions, images, speech, transcriptions,
//! moderations and the reranking that servers of open models have.

use serde_json::{Map, Value, json};

use super::Asked;
use super::check::{Checked, Illegal, ensure};
use super::directive::Directive;
use crate::mock_provider::answer::{Answer, CREATED, Piece, vector, whole};
use crate::mock_provider::calls::Tokens;

/// Tokens reported for each text.
const TOKENS: u64 = 8;
/// A picture of one pixel.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// A count of tokens: a quarter of the body's bytes, enough to grow with it.
pub(super) fn count(body: &Map<String, Value>) -> u64 {
    let bytes = Value::Object(body.clone()).to_string().len();
    u64::try_from(bytes).unwrap_or(u64::MAX) / 4
}

/// Answers an operation with a JSON body.
pub(super) fn serve(asked: &Asked<'_>, body: &Map<String, Value>) -> Checked<(Directive, Answer)> {
    let answer = match asked.path {
        "/v1/embeddings" => embeddings(body)?,
        "/v1/completions" => completion(body, asked.number)?,
        "/v1/images/generations" => image(body)?,
        "/v1/audio/speech" => speech(body)?,
        "/v1/moderations" => moderation(body)?,
        "/v1/rerank" => rerank(body)?,
        path => return Err(Illegal { status: 404, ..Illegal::new(format!("Invalid URL (POST {path})")) }),
    };
    Ok((Directive::default(), answer))
}

/// Answers a transcription, whose body is a form.
pub(super) fn transcribe(asked: &Asked<'_>) -> Checked<(Directive, Answer)> {
    let kind = asked.request.header("content-type").unwrap_or_default();
    ensure(kind.starts_with("multipart/form-data"), || {
        "Invalid content type: expected multipart/form-data.".to_owned()
    })?;
    let form = String::from_utf8_lossy(&asked.request.body);
    for name in ["model", "file"] {
        let has_it = form.contains(&format!("name=\"{name}\""));
        if !has_it {
            return Err(Illegal::at(format!("Missing required parameter: '{name}'."), name));
        }
    }
    let usage = json!({"type": "tokens", "input_tokens": 14, "output_tokens": 6, "total_tokens": 20});
    let tokens = Tokens { prompt: 14, completion: 6, ..Tokens::default() };
    Ok((Directive::default(), whole(200, &json!({"text": "Good morning.", "usage": usage}), Some(tokens))))
}

fn required<'a>(body: &'a Map<String, Value>, name: &str) -> Checked<&'a Value> {
    let value = body.get(name).filter(|value| !value.is_null());
    value.ok_or_else(|| Illegal::at(format!("Missing required parameter: '{name}'."), name))
}

fn texts<'a>(body: &'a Map<String, Value>, name: &str) -> Checked<Vec<&'a str>> {
    match required(body, name)? {
        Value::String(text) => Ok(vec![text]),
        Value::Array(list) if !list.is_empty() => {
            Ok(list.iter().map(|item| item.as_str().unwrap_or("tokens")).collect())
        }
        _ => Err(Illegal::at(format!("'{name}' is of the wrong type."), name)),
    }
}

fn input(count: usize) -> Tokens {
    Tokens { prompt: TOKENS * u64::try_from(count).unwrap_or(u64::MAX), ..Tokens::default() }
}

fn embeddings(body: &Map<String, Value>) -> Checked<Answer> {
    let inputs = texts(body, "input")?;
    let is_base64 = match body.get("encoding_format").and_then(Value::as_str) {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(Illegal::at("Invalid value for 'encoding_format'.", "encoding_format")),
    };
    let datum = |(index, text): (usize, &&str)| json!({"object": "embedding", "index": index, "embedding": vector(text, is_base64)});
    let data: Vec<Value> = inputs.iter().enumerate().map(datum).collect();
    let tokens = input(inputs.len());
    let usage = json!({"prompt_tokens": tokens.prompt, "total_tokens": tokens.prompt});
    Ok(whole(200, &json!({"object": "list", "data": data, "model": body["model"], "usage": usage}), Some(tokens)))
}

fn completion(body: &Map<String, Value>, number: usize) -> Checked<Answer> {
    texts(body, "prompt")?;
    let tokens = Tokens { prompt: TOKENS, completion: 5, ..Tokens::default() };
    let usage = json!({"prompt_tokens": tokens.prompt, "completion_tokens": tokens.completion, "total_tokens": tokens.prompt + tokens.completion});
    let frame = |choices: Value, usage: Value| json!({"id": format!("cmpl-mock-{number}"), "object": "text_completion", "created": CREATED, "model": body["model"], "choices": choices, "usage": usage});
    let choice =
        |text: &str, finish: Value| json!([{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}]);
    if body.get("stream") != Some(&Value::Bool(true)) {
        return Ok(whole(200, &frame(choice(" there was a fox.", json!("stop")), usage), Some(tokens)));
    }
    let mut frames: Vec<Value> =
        [" there", " was", " a fox."].iter().map(|text| frame(choice(text, Value::Null), Value::Null)).collect();
    frames.push(frame(choice("", json!("stop")), Value::Null));
    let is_asked = body.get("stream_options").is_some_and(|options| options["include_usage"] == true);
    if is_asked {
        frames.push(frame(json!([]), usage));
    }
    let mut pieces: Vec<Piece> = (0..)
        .zip(&frames)
        .map(|(words, frame)| Piece { bytes: format!("data: {frame}\n\n").into_bytes(), words })
        .collect();
    pieces.push(Piece { bytes: b"data: [DONE]\n\n".to_vec(), words: 9 });
    Ok(Answer { status: 200, content_type: "text/event-stream", pieces, usage: is_asked.then_some(tokens) })
}

fn image(body: &Map<String, Value>) -> Checked<Answer> {
    required(body, "prompt")?;
    let count = body.get("n").and_then(Value::as_u64).unwrap_or(1);
    let data: Vec<Value> = (0..count).map(|_| json!({"b64_json": PIXEL})).collect();
    let usage = json!({"input_tokens": 10, "output_tokens": 272, "total_tokens": 282, "input_tokens_details": {"text_tokens": 10, "image_tokens": 0}});
    let tokens = Tokens { prompt: 10, completion: 272, ..Tokens::default() };
    Ok(whole(
        200,
        &json!({"created": CREATED, "data": data, "usage": usage, "output_format": "png", "quality": "low", "size": "1024x1024"}),
        Some(tokens),
    ))
}

fn speech(body: &Map<String, Value>) -> Checked<Answer> {
    required(body, "input")?;
    required(body, "voice")?;
    // The head of an MP3 file with an ID3 tag; nobody plays it.
    let pieces = vec![Piece { bytes: b"ID3\x04\x00\x00\x00\x00\x00\x00mock speech".to_vec(), words: 0 }];
    Ok(Answer { status: 200, content_type: "audio/mpeg", pieces, usage: None })
}

fn moderation(body: &Map<String, Value>) -> Checked<Answer> {
    let inputs = texts(body, "input")?;
    let result = |text: &&str| {
        let is_bad = text.contains("kill");
        let score = if is_bad { 0.9 } else { 0.01 };
        json!({"flagged": is_bad, "categories": {"violence": is_bad}, "category_scores": {"violence": score}, "category_applied_input_types": {"violence": ["text"]}})
    };
    let results: Vec<Value> = inputs.iter().map(result).collect();
    Ok(whole(200, &json!({"id": "modr-mock", "model": body["model"], "results": results}), None))
}

fn rerank(body: &Map<String, Value>) -> Checked<Answer> {
    let query = required(body, "query")?.as_str().unwrap_or_default().to_lowercase();
    let documents = required(body, "documents")?.as_array().cloned().unwrap_or_default();
    let score = |document: &Value| {
        let text = document.as_str().or(document["text"].as_str()).unwrap_or_default().to_lowercase();
        if query.split_whitespace().any(|word| text.contains(word)) { 0.9 } else { 0.1 }
    };
    let mut results: Vec<(usize, f64)> = documents.iter().map(score).enumerate().collect();
    results.sort_by(|one, other| other.1.total_cmp(&one.1));
    let most =
        body.get("top_n").and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok()).unwrap_or(results.len());
    let results: Vec<Value> =
        results.iter().take(most).map(|(index, score)| json!({"index": index, "relevance_score": score})).collect();
    let meta = json!({"api_version": {"version": "2"}, "billed_units": {"search_units": 1}});
    Ok(whole(200, &json!({"id": "rerank-mock", "results": results, "meta": meta}), None))
}
