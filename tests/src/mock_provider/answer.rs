//! Builds the bodies of answers, piece by piece.

use std::fmt::Write as _;

use base64::Engine as _;
use serde_json::{Value, json};

use super::calls::Tokens;
use super::request::{Asked, Request};
use super::script::{Content, Script, UsagePlacement};

/// A body in the pieces in which it is written, and what it tells the peer about usage.
pub(super) struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub pieces: Vec<Piece>,
    pub usage: Option<Tokens>,
}

/// A piece of a body.
pub(super) struct Piece {
    pub bytes: Vec<u8>,
    /// Chunks of text before and including this one: what gaps and silence go by.
    pub words: u32,
}

pub(super) const JSON: &str = "application/json";
pub(super) const EVENTS: &str = "text/event-stream";
/// 2026-11-01 00:00 UTC; fixed, so that the same call gets the same bytes.
pub(super) const CREATED: u64 = 1_793_491_200;
const DIMENSIONS: u8 = 8;

/// An error in OpenAI's shape.
pub(super) fn error(status: u16, kind: &str, code: Option<&str>) -> Answer {
    let message = format!("the mock provider answers {status}");
    whole(status, &json!({"error": {"message": message, "type": kind, "param": null, "code": code}}), None)
}

/// The models, as `GET /models` gives them.
pub(super) fn models(names: &[String]) -> Answer {
    let data: Vec<Value> = names.iter().map(|name| model_json(name)).collect();
    whole(200, &json!({"object": "list", "data": data}), None)
}

/// One model, as `GET /models/NAME` gives it.
pub(super) fn model(name: &str) -> Answer {
    whole(200, &model_json(name), None)
}

fn model_json(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": CREATED, "owned_by": "mock"})
}

/// Any JSON value as a whole answer.
pub(super) fn whole(status: u16, value: &Value, usage: Option<Tokens>) -> Answer {
    one_piece(status, JSON, value.to_string(), usage)
}

/// The answer to a call of chat completions or embeddings.
pub(super) fn of(script: &Script, request: &Request, asked: &Asked, number: usize) -> Answer {
    match &script.content {
        Content::Html => one_piece(script.status, "text/html", "<!doctype html><title>Sign in</title>".into(), None),
        Content::Empty => one_piece(script.status, JSON, String::new(), None),
        Content::BrokenJson => one_piece(script.status, JSON, r#"{"id":"chatcmpl-mock","choices":[{"#.into(), None),
        Content::OtherJson => one_piece(script.status, JSON, r#"{"weather":"rain"}"#.into(), None),
        Content::Text(text) => one_piece(script.status, JSON, text.clone(), None),
        Content::Events(text) => one_piece(script.status, EVENTS, text.clone(), None),
        Content::Ordinary if script.status != 200 => error(script.status, kind_of(script.status), None),
        Content::Ordinary if request.path.ends_with("/embeddings") => embeddings(script, request, asked),
        Content::Ordinary if asked.stream => stream(script, request, asked, number),
        Content::Ordinary => completion(script, request, asked, number),
    }
}

fn kind_of(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    }
}

fn one_piece(status: u16, content_type: &'static str, body: String, usage: Option<Tokens>) -> Answer {
    Answer { status, content_type, pieces: vec![Piece { bytes: body.into_bytes(), words: 0 }], usage }
}

fn tokens(script: &Script, request: &Request) -> Tokens {
    let quarter = u64::try_from(request.body.len()).unwrap_or(u64::MAX) / 4;
    Tokens {
        prompt: script.prompt_tokens.unwrap_or(quarter),
        completion: script.completion_tokens.unwrap_or_else(|| u64::from(script.chunks)),
        cached: script.cached_tokens,
        reasoning: script.reasoning_tokens,
    }
}

fn usage_json(tokens: Tokens) -> Value {
    json!({
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.prompt + tokens.completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning, "audio_tokens": 0},
    })
}

/// The text of the `index`th chunk.
fn word(index: u32) -> String {
    format!("word{index} ")
}

fn completion(script: &Script, request: &Request, asked: &Asked, number: usize) -> Answer {
    let tokens = tokens(script, request);
    let text = (0..script.chunks).fold(String::new(), |mut text, index| {
        let _infallible = write!(text, "{}", word(index));
        text
    });
    let mut body = json!({
        "id": format!("chatcmpl-mock-{number}"),
        "object": "chat.completion",
        "created": CREATED,
        "model": format!("{}-2026-11-01", asked.model),
        "service_tier": "default",
        "system_fingerprint": "fp_mock",
        "x_unknown": {"kept": [1, 2.50, "three"]},
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": null, "annotations": []},
            "logprobs": null,
            "finish_reason": "stop",
        }],
    });
    let has_usage = script.usage != UsagePlacement::Never;
    if has_usage {
        body["usage"] = usage_json(tokens);
    }
    whole(200, &body, has_usage.then_some(tokens))
}

fn embeddings(script: &Script, request: &Request, asked: &Asked) -> Answer {
    let tokens = Tokens { prompt: tokens(script, request).prompt, ..Tokens::default() };
    let is_base64 = asked.encoding_format.as_deref() == Some("base64");
    let data: Vec<Value> = asked
        .inputs()
        .into_iter()
        .enumerate()
        .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": vector(text, is_base64)}))
        .collect();
    let usage = json!({"prompt_tokens": tokens.prompt, "total_tokens": tokens.prompt});
    whole(200, &json!({"object": "list", "data": data, "model": asked.model, "usage": usage}), Some(tokens))
}

/// A vector that depends on the text only: its length and its first bytes.
pub(super) fn vector(text: &str, is_base64: bool) -> Value {
    let numbers: Vec<f32> = (0..DIMENSIONS)
        .map(|place| f32::from(text.as_bytes().get(usize::from(place)).copied().unwrap_or(place)) / 255.0)
        .collect();
    if !is_base64 {
        return json!(numbers);
    }
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    json!(base64::engine::general_purpose::STANDARD.encode(bytes))
}

fn stream(script: &Script, request: &Request, asked: &Asked, number: usize) -> Answer {
    let tokens = tokens(script, request);
    let placement = script.usage;
    let stream = Stream { number, model: &asked.model, names_usage: asked.wants_usage() };
    let every = (placement == UsagePlacement::EveryChunk).then_some(tokens);
    let role =
        json!([{"index": 0, "delta": {"role": "assistant", "content": "", "refusal": null}, "finish_reason": null}]);
    let mut pieces = vec![stream.event(&role, None, 0)];
    for index in 0..script.chunks {
        let choices = json!([{"index": 0, "delta": {"content": word(index)}, "finish_reason": null}]);
        let so_far = every.map(|tokens| Tokens { completion: tokens.completion.min(u64::from(index) + 1), ..tokens });
        pieces.push(stream.event(&choices, so_far, index + 1));
    }
    let on_stop = (placement == UsagePlacement::OnStop).then_some(tokens).or(every);
    let empty = json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]);
    pieces.push(stream.event(&empty, on_stop, script.chunks));
    let extra_chunks = match placement {
        UsagePlacement::WhenAsked => usize::from(asked.wants_usage()),
        UsagePlacement::Always | UsagePlacement::EveryChunk | UsagePlacement::WithChoice => 1,
        UsagePlacement::Twice => 2,
        UsagePlacement::OnStop | UsagePlacement::Never => 0,
    };
    let choices = if placement == UsagePlacement::WithChoice { empty } else { json!([]) };
    pieces.extend((0..extra_chunks).map(|_| stream.event(&choices, Some(tokens), script.chunks)));
    if script.has_done {
        pieces.push(Piece { bytes: b"data: [DONE]\n\n".to_vec(), words: script.chunks });
    }
    let is_reported = extra_chunks > 0 || placement == UsagePlacement::OnStop;
    Answer { status: 200, content_type: EVENTS, pieces, usage: is_reported.then_some(tokens) }
}

struct Stream<'a> {
    number: usize,
    model: &'a str,
    names_usage: bool,
}

impl Stream<'_> {
    fn event(&self, choices: &Value, usage: Option<Tokens>, words: u32) -> Piece {
        let Self { number, model, names_usage } = self;
        let usage = match usage {
            Some(tokens) => format!(r#","usage":{}"#, usage_json(tokens)),
            None if *names_usage => r#","usage":null"#.to_owned(),
            None => String::new(),
        };
        let line = format!(
            r#"data: {{"id":"chatcmpl-mock-{number}","object":"chat.completion.chunk","created":{CREATED},"model":"{model}-2026-11-01","system_fingerprint":"fp_mock","choices":{choices}{usage},"obfuscation":"xyz"}}"#,
        );
        Piece { bytes: format!("{line}\n\n").into_bytes(), words }
    }
}
