//! What went wrong with a call, and what a caller can do about it.

mod judge;

use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderMap;
use megarouter_dialect::errors::UpstreamErrorBody;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::provider::{Credential, Target};
use serde::Deserialize;
use thiserror::Error;

pub use self::judge::{Cause, Judgement, LONGEST_WAIT, NextStep, judge};
use crate::address::BaseUrlError;
use crate::auth;
use crate::resolver::ResolveError;

/// Why there is no answer, or no more of it. The texts never hold a credential or the client's text.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CallError {
    /// The base URL may not be dialled.
    #[error("the provider's address cannot be used: {0}")]
    Address(#[from] BaseUrlError),
    /// The credential cannot be read; nothing was sent.
    #[error("the provider's credential is not available: {0}")]
    CredentialUnavailable(String),
    /// The host name does not resolve.
    #[error("the provider's host name did not resolve")]
    Dns,
    /// Nothing listens there.
    #[error("the provider's host refused the connection")]
    ConnectRefused,
    /// The host did not answer in time, or cannot be reached.
    #[error("the provider's host did not answer in time")]
    ConnectTimeout,
    /// The connection could not be made safe.
    #[error("a secure connection to the provider failed: {0}")]
    Tls(String),
    /// Connected, and no answer began in time; the provider may be working on it.
    #[error("the provider did not begin to answer in time")]
    FirstByteTimeout,
    /// The connection broke; the provider may have been working on it.
    #[error("the connection to the provider broke: {0}")]
    Broken(String),
    /// The answer is larger than the limit, or packed although nobody asked.
    #[error("the provider's answer cannot be taken: {0}")]
    Unacceptable(String),
}

impl CallError {
    /// The stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::CredentialUnavailable(_) => Code::CredentialUnavailable,
            Self::Address(_) | Self::Dns | Self::ConnectRefused | Self::ConnectTimeout | Self::Tls(_) => {
                Code::UpstreamUnreachable
            }
            Self::FirstByteTimeout => Code::UpstreamTimeout,
            Self::Broken(_) => Code::UpstreamTruncated,
            Self::Unacceptable(_) => Code::UpstreamMalformed,
        }
    }

    /// True when the provider may have begun to generate, so that the call may be billed.
    pub const fn may_have_run(&self) -> bool {
        matches!(self, Self::FirstByteTimeout | Self::Broken(_) | Self::Unacceptable(_))
    }
}

/// How long the provider asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date.
/// What lies in the past, or below zero, is no wait; what cannot be read is `None`.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(decimal) {
        return Some(Duration::from_millis(millis));
    }
    let value = text("retry-after")?;
    if let Some(seconds) = decimal(value) {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
    Some(at.duration_since(now).unwrap_or_default())
}

/// A whole number; a fraction is rounded up and what is below zero is zero.
fn decimal(text: &str) -> Option<u64> {
    if let Some(below) = text.strip_prefix('-') {
        return decimal(below).map(|_| 0);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let up = u64::from(fraction.bytes().any(|byte| byte != b'0'));
    whole.parse::<u64>().ok().map(|whole| whole.saturating_add(up))
}

/// How long an error body asks to wait: the `retryDelay` of Google's `RetryInfo`, which comes without
/// a header (ai.google.dev/gemini-api/docs/troubleshooting, read 2026-11-22). `None` when it says
/// nothing of it.
pub fn retry_hint(body: &[u8]) -> Option<Duration> {
    let said = serde_json::from_slice::<Hinting>(body)
        .or_else(|_| serde_json::from_slice::<[Hinting; 1]>(body).map(|[only]| only))
        .ok()?;
    let delay = said.error.details.into_iter().find_map(|detail| detail.retry_delay)?;
    decimal(delay.strip_suffix('s')?).map(Duration::from_secs)
}

#[derive(Deserialize)]
struct Hinting {
    error: Hints,
}

#[derive(Deserialize)]
struct Hints {
    details: Vec<Hint>,
}

#[derive(Deserialize)]
struct Hint {
    #[serde(default, rename = "retryDelay")]
    retry_delay: Option<String>,
}

/// A provider's body without our credential, should it quote it.
pub fn scrub(body: &Bytes, target: &Target) -> Bytes {
    let Credential::Ready(secret) = &target.credential else { return body.clone() };
    auth::quotable(secret.expose()).iter().fold(body.clone(), |body, part| without(&body, part.as_bytes()))
}

/// What a provider said, without our credential, should it quote it.
pub fn scrub_said(said: UpstreamErrorBody, target: &Target) -> UpstreamErrorBody {
    let Credential::Ready(secret) = &target.credential else { return said };
    let parts = auth::quotable(secret.expose());
    let clean = |text: String| parts.iter().fold(text, |text, part| text.replace(part.as_str(), STAND_IN));
    let UpstreamErrorBody { message, kind, code, param } = said;
    UpstreamErrorBody { message: clean(message), kind: kind.map(clean), code: code.map(clean), param: param.map(clean) }
}

/// What stands where a credential was.
const STAND_IN: &str = "[credential]";

fn without(body: &Bytes, needle: &[u8]) -> Bytes {
    let mut clean: Vec<u8> = vec![];
    let mut rest: &[u8] = body;
    while let Some(at) = rest.windows(needle.len()).position(|window| window == needle) {
        clean.extend_from_slice(&rest[..at]);
        clean.extend_from_slice(STAND_IN.as_bytes());
        rest = &rest[at + needle.len()..];
    }
    if rest.len() == body.len() {
        return body.clone();
    }
    clean.extend_from_slice(rest);
    clean.into()
}

/// Says what a failure of the HTTP client was.
pub(crate) fn of_http(error: &reqwest::Error) -> CallError {
    if cause::<ResolveError>(error).is_some() {
        return CallError::Dns;
    }
    if let Some(tls) = cause::<rustls::Error>(error) {
        return CallError::Tls(tls.to_string());
    }
    let io = cause::<io::Error>(error).map(io::Error::kind);
    if error.is_connect() {
        return match io {
            Some(io::ErrorKind::ConnectionRefused) => CallError::ConnectRefused,
            _ => CallError::ConnectTimeout,
        };
    }
    let what = match io {
        Some(kind) => kind.to_string(),
        None => "it ended in the middle".to_owned(),
    };
    CallError::Broken(what)
}

/// Finds an error of a type among the causes, also inside an I/O error, which hides its own.
fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<T>() {
            return Some(found);
        }
        let inside = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = inside.and_then(|inside| cause::<T>(inside)) {
            return Some(found);
        }
        next = current.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::scripted::target;

    fn after(name: &'static str, value: &str) -> Option<Duration> {
        let headers =
            HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())]);
        // 2026-11-22T15:00:00Z
        retry_after(&headers, Timestamp::parse_rfc3339("2026-11-22T15:00:00Z").unwrap())
    }

    #[test]
    fn retry_after_is_read_in_every_form() {
        let seconds = |count| Some(Duration::from_secs(count));
        assert_eq!(after("retry-after", "0"), seconds(0));
        assert_eq!(after("retry-after", "12"), seconds(12));
        assert_eq!(after("retry-after", "1.2"), seconds(2));
        assert_eq!(after("retry-after", "-5"), seconds(0));
        assert_eq!(after("retry-after", "86400"), seconds(86_400));
        assert_eq!(after("retry-after", "Sun, 22 Nov 2026 15:00:30 GMT"), seconds(30));
        assert_eq!(after("retry-after", "Sun, 22 Nov 2026 14:00:00 GMT"), seconds(0));
        assert_eq!(after("retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
        for unreadable in ["", "soon", "1.", "1e9", "99999999999999999999999"] {
            assert_eq!(after("retry-after", unreadable), None, "{unreadable}");
        }
    }

    #[test]
    fn googles_delay_is_read_from_the_body() {
        let body = r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[]},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.07s"}]}}"#;
        assert_eq!(retry_hint(body.as_bytes()), Some(Duration::from_secs(35)));
        assert_eq!(retry_hint(format!("[{body}]").as_bytes()), Some(Duration::from_secs(35)));
        for silent in ["", "{}", r#"{"error":{"message":"x"}}"#, r#"{"error":{"details":[{"retryDelay":"soon"}]}}"#] {
            assert_eq!(retry_hint(silent.as_bytes()), None, "{silent}");
        }
    }

    #[test]
    fn a_quoted_credential_is_taken_out() {
        let target = target("http://127.0.0.1/v1");
        let clean = |text: &'static str| scrub(&Bytes::from_static(text.as_bytes()), &target);
        assert_eq!(clean("bad key sk-canary, sk-canary!"), "bad key [credential], [credential]!");
        assert_eq!(clean("sk-canary"), "[credential]");
        assert_eq!(clean("nothing here"), "nothing here");
        assert_eq!(clean(""), "");
        let said = UpstreamErrorBody { message: "no sk-canary".to_owned(), ..UpstreamErrorBody::default() };
        assert_eq!(scrub_said(said, &target).message, "no [credential]");
    }
}
