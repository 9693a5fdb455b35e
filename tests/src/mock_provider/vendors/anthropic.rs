//! Anthropic: messages, token counts and the model list.
//!
//! After <https://docs.anthropic.com/en/api/messages>, November 2026.

mod answer;
mod request;
mod turns;

use serde_json::{Map, Value, json};

use super::check::{Checked, Illegal};
use super::directive::Directive;
use super::{Asked, Vendor, answer_to, operations};
use crate::mock_provider::answer::{Answer, whole};

const MODELS: [&str; 2] = ["claude-sonnet-4-6", "claude-haiku-4-5"];

/// Answers a call.
pub(super) fn serve(asked: &Asked<'_>) -> Checked<(Directive, Answer)> {
    if asked.request.header("anthropic-version").is_none() {
        return Err(Illegal::new("anthropic-version: header is required"));
    }
    if asked.request.method == "GET" {
        return models(asked);
    }
    let body: Map<String, Value> =
        serde_json::from_slice(&asked.request.body).map_err(|_| Illegal::new("The request body is not valid JSON"))?;
    let is_count = asked.path == "/v1/messages/count_tokens";
    let betas = asked.request.header("anthropic-beta").unwrap_or_default();
    let version = asked.request.header("anthropic-version").unwrap_or_default();
    let takes_system = betas.contains("mid-conversation-system") || version >= "2026-10-21";
    let seen = request::read(&body, is_count, takes_system)?;
    if !seen.model.starts_with("claude") {
        return Err(unknown_model(&seen.model));
    }
    if is_count {
        return Ok((seen.directive(), whole(200, &json!({"input_tokens": operations::count(&body)}), None)));
    }
    if asked.path != "/v1/messages" {
        return Err(Illegal { status: 404, ..Illegal::new("Not found") });
    }
    Ok(answer_to(&seen, Vendor::Anthropic, asked, |reply| answer::write(&seen, reply, asked.number)))
}

/// An error's body.
pub(super) fn error(illegal: &Illegal, number: usize) -> Value {
    json!({"type": "error", "error": error_body(illegal), "request_id": format!("req_mock_{number}")})
}

fn error_body(illegal: &Illegal) -> Value {
    let kind = match illegal.status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    json!({"type": kind, "message": illegal.message})
}

fn unknown_model(name: &str) -> Illegal {
    Illegal { status: 404, ..Illegal::new(format!("model: {name}")) }
}

fn models(asked: &Asked<'_>) -> Checked<(Directive, Answer)> {
    let model = |name: &str| json!({"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z", "lifecycle": "active"});
    let body = match asked.path.strip_prefix("/v1/models/") {
        None => json!({
            "data": MODELS.map(model), "has_more": false, "first_id": MODELS.first(), "last_id": MODELS.last(),
        }),
        Some(name) if MODELS.contains(&name) => model(name),
        Some(name) => return Err(unknown_model(name)),
    };
    Ok((Directive::default(), whole(200, &body, None)))
}
