//! OpenAI's error object: the one we answer with, and the ones providers answer with.

use bytes::Bytes;
use megarouter_domain::code::Code;
use serde::Serialize;
use serde_json::Value;

use crate::errors::{ErrorNote, UpstreamErrorBody};

/// The error object on the wire.
#[derive(Serialize)]
struct ErrorObject<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorObject<'a>,
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
        | Code::Overloaded
        | Code::ShuttingDown => 503,
        Code::UpstreamTimeout => 504,
    }
}

/// The error body: all four keys, a `type` that agrees with the status.
pub fn render(note: &ErrorNote<'_>) -> Bytes {
    Bytes::from(ErrorObject::from(note).into_body())
}

/// The last event of a stream that failed after output was sent. No `[DONE]` may follow it.
pub fn render_event(note: &ErrorNote<'_>) -> Bytes {
    ErrorObject::from(note).into_event()
}

/// Reads a provider's error body in any of the shapes in use; `None` when it is none of them.
///
/// `{"error":{...}}` is OpenAI's; some send the error as text, inside an array, or bare with
/// `message` or `detail`.
pub fn parse(body: &[u8]) -> Option<UpstreamErrorBody> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let value = value.get(0).unwrap_or(&value);
    from_value(value.get("error").filter(|error| !error.is_null()).unwrap_or(value))
}

/// Reads the value of an `error` member.
pub(crate) fn from_value(error: &Value) -> Option<UpstreamErrorBody> {
    if let Some(message) = error.as_str() {
        return Some(UpstreamErrorBody { message: message.to_owned(), ..UpstreamErrorBody::default() });
    }
    let text = |name: &str| match error.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let message = text("message").or_else(|| text("detail"))?;
    Some(UpstreamErrorBody { message, kind: text("type"), code: text("code"), param: text("param") })
}

impl<'a> From<&ErrorNote<'a>> for ErrorObject<'a> {
    fn from(note: &ErrorNote<'a>) -> Self {
        Self { message: note.message, r#type: kind(note), param: note.param, code: Some(wire_code(note.code)) }
    }
}

impl ErrorObject<'_> {
    fn into_body(self) -> String {
        serde_json::to_string(&ErrorBody { error: self }).expect("an object of strings always serialises")
    }

    fn into_event(self) -> Bytes {
        Bytes::from(format!("data: {}\n\n", self.into_body()))
    }
}

/// OpenAI's class. A quota that is used up has one of its own, by which clients know that waiting does
/// not help (platform.openai.com/docs/guides/error-codes, read 2026-11-22).
const fn kind(note: &ErrorNote<'_>) -> &'static str {
    if matches!(note.code, Code::BudgetExceeded | Code::BudgetExhausted) {
        return "insufficient_quota";
    }
    match note.status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        500..=599 => "server_error",
        _ => "invalid_request_error",
    }
}

/// OpenAI's own code where users of its SDKs match on it, else ours.
const fn wire_code(code: Code) -> &'static str {
    match code {
        Code::KeyMissing | Code::KeyInvalid => "invalid_api_key",
        Code::ModelNotFound => "model_not_found",
        Code::RequestContextLength => "context_length_exceeded",
        Code::UpstreamRateLimited | Code::RateLimited => "rate_limit_exceeded",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_renders_all_four_keys_and_a_type_that_agrees() {
        let rendered: Vec<String> = Code::ALL
            .iter()
            .map(|code| {
                let status = status(*code);
                let body = render(&ErrorNote { status, code: *code, message: "what happened", param: None });
                let value: Value = serde_json::from_slice(&body).unwrap();
                let error = &value["error"];
                assert_eq!(error.as_object().unwrap().len(), 4);
                format!("{} {} {} {}", code, status, error["type"], error["code"])
            })
            .collect();
        insta::assert_snapshot!(rendered.join("\n"));
    }

    #[test]
    fn an_error_event_is_one_event_whatever_the_message() {
        let note =
            ErrorNote { status: 502, code: Code::UpstreamTruncated, message: "line one\nline \"two\"", param: None };
        let event = render_event(&note);
        assert_eq!(crate::sse::events(&event).count(), 1);
        let data = crate::sse::data(&event).unwrap();
        assert_eq!(parse(&data).unwrap().message, "line one\nline \"two\"");
    }

    #[test]
    fn providers_errors_are_read_in_every_shape() {
        let message = |body: &str| parse(body.as_bytes()).map(|error| error.message);
        assert_eq!(message(r#"{"error":{"message":"a","type":"t","code":404,"param":null}}"#).as_deref(), Some("a"));
        assert_eq!(message(r#"{"error":"b"}"#).as_deref(), Some("b"));
        assert_eq!(message(r#"[{"error":{"message":"c"}}]"#).as_deref(), Some("c"));
        assert_eq!(message(r#"{"object":"error","message":"d"}"#).as_deref(), Some("d"));
        assert_eq!(message(r#"{"detail":"e"}"#).as_deref(), Some("e"));
        assert_eq!(message("<html>"), None);
        assert_eq!(message(r#"{"id":"x"}"#), None);
        assert_eq!(parse(br#"{"error":{"message":"a","code":404}}"#).unwrap().code.as_deref(), Some("404"));
    }
}
