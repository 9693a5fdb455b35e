//! Google: the Gemini API of AI Studio.
//!
//! After <https://ai.google.dev/api>, November 2026. Its JSON is proto3's, so every field may come in
//! camelCase or `snake_case`, and one that does not exist is refused by its name and place.

mod answer;
mod embed;
mod fields;
mod request;
mod turns;

use serde_json::{Map, Value, json};

use super::check::{Checked, Illegal};
use super::directive::Directive;
use super::{Asked, Vendor, answer_to, model_in_path, operations};
use crate::mock_provider::answer::{Answer, whole};

const MODELS: [&str; 3] = ["gemini-3-flash-preview", "gemini-2.5-flash", "gemini-embedding-001"];

/// Answers a call.
pub(super) fn serve(asked: &Asked<'_>) -> Checked<(Directive, Answer)> {
    let plain = |body: &Value| Ok((Directive::default(), whole(200, body, None)));
    if asked.path == "/v1beta/models" {
        return plain(&json!({"models": MODELS.map(model_json)}));
    }
    let model = model_in_path(asked.path).unwrap_or_default();
    if !model.starts_with("gemini") {
        return Err(unknown_model(model));
    }
    let method = asked.path.rsplit_once(':').map_or("", |(_, method)| method);
    if asked.request.method == "GET" {
        return plain(&model_json(model));
    }
    let body: Map<String, Value> = serde_json::from_slice(&asked.request.body)
        .map_err(|_| Illegal::new("Invalid JSON payload received. Expected an object."))?;
    match method {
        "generateContent" | "streamGenerateContent" => {
            let is_streaming = method == "streamGenerateContent";
            let is_sse = asked.query.split('&').any(|pair| pair == "alt=sse");
            let seen = request::read(&body, model, is_streaming)?;
            Ok(answer_to(&seen, Vendor::Gemini, asked, |reply| answer::write(&seen, reply, is_sse, asked.number)))
        }
        "countTokens" => {
            let inner = body.get("generateContentRequest").and_then(Value::as_object);
            request::read(inner.unwrap_or(&body), model, false)?;
            plain(&json!({"totalTokens": operations::count(&body), "promptTokensDetails": []}))
        }
        "embedContent" => embed::one(&body),
        "batchEmbedContents" => embed::batch(&body),
        _ => Err(Illegal { status: 404, ..Illegal::new("Requested entity was not found.") }),
    }
}

/// An error's body.
pub(super) fn error(illegal: &Illegal) -> Value {
    let status = match illegal.status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    };
    let mut error = json!({"code": illegal.status, "message": illegal.message, "status": status});
    if let Some(reason) = illegal.code {
        error["details"] = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}]);
    }
    json!({"error": error})
}

fn unknown_model(name: &str) -> Illegal {
    let message =
        format!("models/{name} is not found for API version v1beta, or is not supported for generateContent.");
    Illegal { status: 404, ..Illegal::new(message) }
}

fn model_json(name: &str) -> Value {
    json!({
        "name": format!("models/{name}"), "version": "001", "displayName": name, "description": "A mock.",
        "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens", "embedContent"],
    })
}
