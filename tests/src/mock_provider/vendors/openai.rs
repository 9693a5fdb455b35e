//! OpenAI: chat completions, responses, and the smaller operations.
//!
//! After <https://platform.openai.com/docs/api-reference>, November 2026.

mod chat_answer;
mod chat_request;
mod responses_answer;
mod responses_request;
mod tools;

use serde_json::{Map, Value, json};

use super::check::{Checked, Illegal};
use super::directive::Directive;
use super::{Asked, Vendor, answer_to, operations};
use crate::mock_provider::answer::{Answer, whole};

/// Models that other vendors' paths do not serve. Any other name is a model here, as on a server that
/// runs open models.
const STRANGERS: [&str; 3] = ["claude", "gemini", "no-such"];

/// Whether there is such a model.
pub(super) fn has_model(name: &str) -> bool {
    !name.is_empty() && !STRANGERS.iter().any(|start| name.starts_with(start))
}

/// Answers a call.
pub(super) fn serve(asked: &Asked<'_>) -> Checked<(Directive, Answer)> {
    if asked.path == "/v1/audio/transcriptions" || asked.path == "/v1/audio/translations" {
        return operations::transcribe(asked);
    }
    if asked.request.method != "POST" {
        return Err(stored_nowhere(asked.path.rsplit('/').next().unwrap_or_default()));
    }
    let body = body(asked)?;
    check_model(&body)?;
    match asked.path {
        "/v1/chat/completions" => {
            let seen = chat_request::read(&body)?;
            Ok(answer_to(&seen, Vendor::OpenAi, asked, |reply| chat_answer::write(&seen, reply, asked.number)))
        }
        "/v1/responses" => {
            let seen = responses_request::read(&body)?;
            Ok(answer_to(&seen, Vendor::OpenAi, asked, |reply| {
                responses_answer::write(&seen, &body, reply, asked.number)
            }))
        }
        "/v1/responses/input_tokens" => {
            let seen = responses_request::read(&body)?;
            let counted = json!({"object": "response.input_tokens", "input_tokens": operations::count(&body)});
            Ok((seen.directive(), whole(200, &counted, None)))
        }
        _ => operations::serve(asked, &body),
    }
}

/// An error's body.
pub(super) fn error(illegal: &Illegal) -> Value {
    let kind = match (illegal.code, illegal.status) {
        (Some("insufficient_quota"), _) => "insufficient_quota",
        (_, 401) => "authentication_error",
        (_, 403) => "permission_error",
        (_, 429) => "rate_limit_error",
        (_, 400..=499) => "invalid_request_error",
        _ => "server_error",
    };
    json!({"error": {"message": illegal.message, "type": kind, "param": illegal.param, "code": illegal.code}})
}

fn body(asked: &Asked<'_>) -> Checked<Map<String, Value>> {
    serde_json::from_slice(&asked.request.body)
        .map_err(|_| Illegal::new("We could not parse the JSON body of your request."))
}

fn check_model(body: &Map<String, Value>) -> Checked {
    let Some(name) = body.get("model").and_then(Value::as_str) else {
        return Err(Illegal::at("you must provide a model parameter", "model"));
    };
    if has_model(name) {
        return Ok(());
    }
    let message = format!("The model `{name}` does not exist or you do not have access to it.");
    Err(Illegal { status: 404, code: Some("model_not_found"), ..Illegal::new(message) })
}

fn stored_nowhere(id: &str) -> Illegal {
    Illegal { status: 404, ..Illegal::new(format!("Response with id '{id}' not found.")) }
}
