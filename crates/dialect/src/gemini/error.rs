//! Google's error object: the one we answer with, and the ones providers answer with.
//!
//! `{"error":{code,message,status,details}}` with the canonical status names of `google.rpc.Code`
//! (cloud.google.com/apis/design/errors, read 2026-11-22). Google's SDKs choose their exception by
//! the HTTP status, or in a stream by `code`.

use bytes::{Bytes, BytesMut};
use megarouter_domain::code::Code;
use serde_json::{Value, json};

use super::one_line;
use super::wire::{count, list, member, owned, text};
use crate::errors::{ErrorNote, UpstreamErrorBody};

/// The wording by which clients know that the conversation is too long.
const TOO_LONG: &str = "exceeds the maximum number of tokens allowed";

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

/// The error body.
pub fn render(note: &ErrorNote<'_>) -> Bytes {
    let mut out = BytesMut::new();
    write(note, &mut out);
    out.freeze()
}

/// Appends the error body.
pub(super) fn write(note: &ErrorNote<'_>, out: &mut BytesMut) {
    one_line::write(&body(note), out);
}

/// The last event of a stream that failed after output was sent.
///
/// The SDKs know it by an object whose first member is `error`; they need no event name.
pub fn render_event(note: &ErrorNote<'_>) -> Bytes {
    let mut out = BytesMut::from(b"data: ".as_slice());
    write(note, &mut out);
    out.extend_from_slice(b"\n\n");
    out.freeze()
}

/// Reads a provider's error body, also where it comes in an array, as it does for a stream that is
/// one; `None` when it is none.
pub fn parse(body: &[u8]) -> Option<UpstreamErrorBody> {
    from_value(&serde_json::from_slice(body).ok()?)
}

/// Reads an error from what holds it: `{"error":{...}}`, alone or first in an array.
pub(super) fn from_value(value: &Value) -> Option<UpstreamErrorBody> {
    let error = member(value.get(0).unwrap_or(value), "error")?;
    if let Some(message) = error.as_str() {
        return Some(UpstreamErrorBody { message: message.to_owned(), ..UpstreamErrorBody::default() });
    }
    let kind = owned(error, "status");
    let message = text(error, "message").unwrap_or_default().to_owned();
    let reason = details(error, "google.rpc.ErrorInfo").find_map(|info| owned(info, "reason"));
    let is_model = kind.as_deref() == Some("NOT_FOUND") && message.contains("models/");
    let code = if is_model { Some("model_not_found".to_owned()) } else { reason };
    let code = code.or_else(|| count(error, "code").map(|code| code.to_string()));
    let param = details(error, "google.rpc.BadRequest")
        .find_map(|request| list(request, "fieldViolations").iter().find_map(|violation| owned(violation, "field")));
    error.is_object().then_some(UpstreamErrorBody { message, kind, code, param })
}

/// How long the provider asks to wait, in milliseconds: its `RetryInfo`.
pub fn retry_delay_ms(body: &[u8]) -> Option<u64> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let error = member(value.get(0).unwrap_or(&value), "error")?;
    let delay = details(error, "google.rpc.RetryInfo").find_map(|info| owned(info, "retryDelay"))?;
    milliseconds(&delay)
}

/// A duration of protobuf's JSON, such as `34.07s`, rounded up.
fn milliseconds(duration: &str) -> Option<u64> {
    let (whole, part) = duration.strip_suffix('s')?.split_once('.').unwrap_or((duration.strip_suffix('s')?, ""));
    let thousandths: String = part.chars().chain("000".chars()).take(3).collect();
    let has_more = part.bytes().skip(3).any(|digit| digit != b'0');
    let part: u64 = thousandths.parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(part)?.checked_add(u64::from(has_more))
}

fn details<'a>(error: &'a Value, kind: &str) -> impl Iterator<Item = &'a Value> {
    list(error, "details").iter().filter(move |detail| text(detail, "@type").is_some_and(|name| name.ends_with(kind)))
}

fn body(note: &ErrorNote<'_>) -> Value {
    let needs_wording = note.code == Code::RequestContextLength && !note.message.contains(TOO_LONG);
    let message =
        if needs_wording { format!("The input token count {TOO_LONG}. {}", note.message) } else { note.message.into() };
    let mut details = vec![json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": note.code.as_str().replace('.', "_").to_ascii_uppercase(),
        "domain": "megarouter",
        "metadata": {"code": note.code.as_str()},
    })];
    if let Some(field) = note.param {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": field, "description": note.message}],
        }));
    }
    json!({"error": {"code": note.status, "message": message, "status": name(note.status), "details": details}})
}

/// The canonical name that goes with an HTTP status.
const fn name(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 | 421 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        405 => "UNIMPLEMENTED",
        408 | 504 => "DEADLINE_EXCEEDED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        502 | 503 | 529 => "UNAVAILABLE",
        500..=599 => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(code: Code) -> ErrorNote<'static> {
        ErrorNote { status: status(code), code, message: "what happened", param: None }
    }

    #[test]
    fn every_code_renders_googles_shape() {
        let rendered: Vec<String> = Code::ALL
            .iter()
            .map(|code| {
                let value: Value = serde_json::from_slice(&render(&note(*code))).unwrap();
                let error = &value["error"];
                assert_eq!(error["code"], status(*code));
                format!("{code} {} {} {}", error["code"], error["status"], error["message"])
            })
            .collect();
        insta::assert_snapshot!(rendered.join("\n"));
    }

    #[test]
    fn what_we_render_we_read() {
        let said = parse(&render(&ErrorNote { param: Some("contents"), ..note(Code::RequestInvalid) })).unwrap();
        assert_eq!(said.message, "what happened");
        assert_eq!(said.kind.as_deref(), Some("INVALID_ARGUMENT"));
        assert_eq!(said.code.as_deref(), Some("REQUEST_INVALID"));
        assert_eq!(said.param.as_deref(), Some("contents"));
        assert!(parse(&render(&note(Code::RequestContextLength))).unwrap().is_context_length());
    }

    #[test]
    fn an_error_event_is_one_event_that_begins_with_error() {
        let event = render_event(&ErrorNote { message: "one\ntwo", ..note(Code::UpstreamTruncated) });
        assert_eq!(crate::sse::events(&event).count(), 1);
        assert!(crate::sse::data(&event).unwrap().starts_with(br#"{"error":{"code":502,"#));
    }

    #[test]
    fn googles_errors_are_read_alone_and_in_an_array() {
        let quota = r#"{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[]},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.0748s"}]}}"#;
        for body in [quota.to_owned(), format!("[{quota}]")] {
            let said = parse(body.as_bytes()).unwrap();
            assert_eq!((said.message.as_str(), said.kind.as_deref()), ("Quota exceeded", Some("RESOURCE_EXHAUSTED")));
            assert_eq!(said.code.as_deref(), Some("429"));
            assert_eq!(retry_delay_ms(body.as_bytes()), Some(34_075));
        }
        assert_eq!(parse(br#"{"error":"busy"}"#).unwrap().message, "busy");
        for nothing in ["{}", "[]", "<html>", r#"{"candidates":[]}"#, r#"{"error":null}"#, r#"{"error":7}"#] {
            assert_eq!(parse(nothing.as_bytes()), None, "{nothing}");
        }
    }

    #[test]
    fn an_unknown_model_and_a_bad_key_are_told_apart() {
        let unknown = parse(br#"{"error":{"code":404,"message":"models/nope is not found for API version v1beta","status":"NOT_FOUND"}}"#);
        assert!(unknown.unwrap().is_model_unknown());
        let key = parse(br#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#);
        assert_eq!(key.unwrap().code.as_deref(), Some("API_KEY_INVALID"));
    }

    #[test]
    fn durations_are_read_and_rounded_up() {
        for (text, expected) in
            [("1s", Some(1000)), ("0.5s", Some(500)), ("2.0001s", Some(2001)), ("5", None), ("xs", None)]
        {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }
}
