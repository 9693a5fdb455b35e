//! Anthropic's error object: the one we answer with, and the ones providers answer with.
//!
//! The official SDKs choose their exception by the HTTP status; Claude Code reads `type` and, for a
//! conversation that is too long, the wording.

use std::borrow::Cow;

use bytes::Bytes;
use megarouter_domain::code::Code;
use serde::Serialize;
use serde_json::Value;

use crate::errors::{ErrorNote, UpstreamErrorBody};

/// What the message about a conversation that is too long begins with. Claude Code shortens the
/// conversation when it reads this (public issues of anthropics/claude-code, read 2026-11-22).
const TOO_LONG: &str = "prompt is too long";

#[derive(Serialize)]
struct ErrorBody<'a> {
    r#type: &'static str,
    error: ErrorObject<'a>,
}

/// The error object on the wire.
#[derive(Serialize)]
struct ErrorObject<'a> {
    r#type: &'static str,
    message: Cow<'a, str>,
}

/// The HTTP status that goes with a code of ours.
pub const fn status(code: Code) -> u16 {
    match code {
        Code::RequestMalformed | Code::RequestInvalid | Code::RequestUnsupported | Code::RequestContextLength => 400,
        Code::KeyMissing | Code::KeyInvalid => 401,
        Code::ModelForbidden | Code::OriginRefused => 403,
        Code::ModelNotFound | Code::PathNotFound => 404,
        Code::MethodNotAllowed => 405,
        Code::RequestTimeout => 408,
        Code::IdempotencyConflict => 409,
        Code::RequestTooLarge => 413,
        Code::HostRefused => 421,
        Code::BudgetExceeded
        | Code::BudgetUnavailable
        | Code::BudgetExhausted
        | Code::RateLimited
        | Code::UpstreamRateLimited => 429,
        Code::ClientLeft => 499,
        Code::Internal => 500,
        Code::UpstreamUnreachable
        | Code::UpstreamError
        | Code::UpstreamCredential
        | Code::UpstreamMalformed
        | Code::UpstreamTruncated => 502,
        Code::ModelUnavailable
        | Code::CredentialUnavailable
        | Code::LedgerUnavailable
        | Code::ProxyPaused
        | Code::ShuttingDown => 503,
        Code::UpstreamTimeout => 504,
        Code::Overloaded => 529,
    }
}

/// The error body.
pub fn render(note: &ErrorNote<'_>) -> Bytes {
    let message =
        if matches!(note.code, Code::RequestContextLength) { too_long(note.message) } else { note.message.into() };
    let body = ErrorBody { r#type: "error", error: ErrorObject { r#type: kind(note.status), message } };
    serde_json::to_vec(&body).expect("an object of strings always serialises").into()
}

/// The last event of a stream that failed after output was sent. No `message_stop` may follow it.
pub fn render_event(note: &ErrorNote<'_>) -> Bytes {
    Bytes::from([b"event: error\ndata: ".as_slice(), &render(note), b"\n\n"].concat())
}

/// Reads a provider's error body; `None` when it is none.
///
/// Servers that only look like Anthropic send the error as text, or bare with `message`.
pub fn parse(body: &[u8]) -> Option<UpstreamErrorBody> {
    from_value(&serde_json::from_slice(body).ok()?)
}

/// Reads the object that has an `error` member, or a bare one.
pub(super) fn from_value(body: &Value) -> Option<UpstreamErrorBody> {
    let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(body);
    if let Some(message) = error.as_str() {
        return Some(UpstreamErrorBody { message: message.to_owned(), ..UpstreamErrorBody::default() });
    }
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let message = text(&error["message"]).or_else(|| text(&error["detail"]))?;
    let kind = text(&error["type"]);
    // "model: claude-x" under `not_found_error` is how the vendor says that it has no such model.
    let is_model = kind.as_deref() == Some("not_found_error") && message.starts_with("model:");
    let code = text(&error["details"]["error_code"]).or_else(|| text(&error["code"]));
    let code = code.or_else(|| is_model.then(|| "model_not_found".to_owned()));
    Some(UpstreamErrorBody { message, kind, code, param: text(&error["param"]) })
}

fn too_long(message: &str) -> Cow<'_, str> {
    if message.to_ascii_lowercase().starts_with(TOO_LONG) {
        return message.into();
    }
    format!("{TOO_LONG}: {message}").into()
}

const fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        500..=599 => "api_error",
        _ => "invalid_request_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(code: Code, message: &str) -> ErrorNote<'_> {
        ErrorNote { status: status(code), code, message, param: None }
    }

    #[test]
    fn every_code_renders_a_type_that_agrees_with_its_status() {
        let rendered: Vec<String> = Code::ALL
            .iter()
            .map(|code| {
                let value: Value = serde_json::from_slice(&render(&note(*code, "what happened"))).unwrap();
                assert_eq!(value["type"], "error");
                format!("{code} {} {}", status(*code), value["error"])
            })
            .collect();
        insta::assert_snapshot!(rendered.join("\n"));
    }

    #[test]
    fn a_conversation_that_is_too_long_is_said_in_the_words_that_clients_know() {
        let message = |text: &str| {
            let body: Value = serde_json::from_slice(&render(&note(Code::RequestContextLength, text))).unwrap();
            body["error"]["message"].as_str().unwrap().to_owned()
        };
        assert_eq!(message("at most 8192 tokens"), "prompt is too long: at most 8192 tokens");
        let own = "prompt is too long: 210000 tokens > 200000 maximum";
        assert_eq!(message(own), own);
    }

    #[test]
    fn an_error_event_is_one_named_event_whatever_the_message() {
        let event = render_event(&note(Code::UpstreamTruncated, "line one\nline \"two\""));
        assert_eq!(crate::sse::events(&event).count(), 1);
        assert!(event.starts_with(b"event: error\n"));
        assert_eq!(parse(&crate::sse::data(&event).unwrap()).unwrap().message, "line one\nline \"two\"");
    }

    #[test]
    fn providers_errors_are_read_in_every_shape() {
        let said = parse(
            br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#,
        );
        assert!(said.unwrap().is_overloaded());
        let unknown =
            parse(br#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}"#).unwrap();
        assert!(unknown.is_model_unknown());
        let path = parse(br#"{"type":"error","error":{"type":"not_found_error","message":"Not Found"}}"#).unwrap();
        assert!(!path.is_model_unknown());
        assert_eq!(parse(br#"{"error":"busy"}"#).unwrap().message, "busy");
        assert_eq!(parse(br#"{"message":"bare"}"#).unwrap().message, "bare");
        assert_eq!(parse(b"<html>"), None);
        assert_eq!(parse(br#"{"id":"msg_1"}"#), None);
    }
}
