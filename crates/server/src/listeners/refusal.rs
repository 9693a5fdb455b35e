//! What a client is answered before there is a request to answer.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use megarouter_domain::code::Code;

/// Why a connection or a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The head can be read in more than one way.
    Malformed,
    /// The head is too large.
    HeadTooLarge,
    /// The head asks for another protocol.
    Unsupported,
    /// The head did not arrive in time.
    TooSlow,
    /// There are too many connections.
    Overloaded,
    /// The node has never reached its hub, so that it knows neither keys nor models.
    Unconfigured,
    /// The program ends and cannot wait any longer.
    Stopping,
    /// The request names another host.
    Host,
    /// The request comes from a web page that may not call.
    Origin,
}

impl Refusal {
    /// The refusal of the guard on host and origin.
    pub fn of_guard(code: Code) -> Self {
        if code == Code::HostRefused { Self::Host } else { Self::Origin }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Unsupported => StatusCode::NOT_IMPLEMENTED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Overloaded | Self::Unconfigured | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Origin => StatusCode::FORBIDDEN,
        }
    }

    const fn code(self) -> Code {
        match self {
            Self::Malformed => Code::RequestMalformed,
            Self::HeadTooLarge => Code::RequestTooLarge,
            Self::Unsupported => Code::RequestUnsupported,
            Self::TooSlow => Code::RequestTimeout,
            Self::Overloaded => Code::Overloaded,
            Self::Unconfigured => Code::LedgerUnavailable,
            Self::Stopping => Code::ShuttingDown,
            Self::Host => Code::HostRefused,
            Self::Origin => Code::OriginRefused,
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::Malformed => "The request is not well-formed HTTP/1.1.",
            Self::HeadTooLarge => "The request's header fields are too large or too many.",
            Self::Unsupported => "MegaRouter speaks plain HTTP 1.1 here, and no other protocol.",
            Self::TooSlow => "The request's header fields did not arrive in time.",
            Self::Overloaded => "Too many connections are open. Try again shortly.",
            Self::Unconfigured => {
                "This node has not reached the database that it shares with the others yet, and has no copy of its \
                 settings. It keeps trying. Try again shortly."
            }
            Self::Stopping => "MegaRouter is stopping and had to cut this answer short. Try again shortly.",
            Self::Host => {
                "The request names a host that is not this MegaRouter. Use http://localhost with its port, \
                 or add the name to the setting proxy.allowed_hosts."
            }
            Self::Origin => {
                "Web pages may not call this MegaRouter. If this page is yours, add its origin to the setting proxy.allowed_origins."
            }
        }
    }

    /// True when the same request may be answered in a moment.
    const fn is_passing(self) -> bool {
        matches!(self, Self::Overloaded | Self::Unconfigured)
    }

    /// The body: an error object that OpenAI's clients and our own read alike.
    fn body(self) -> String {
        let kind = if self.status().is_server_error() { "server_error" } else { "invalid_request_error" };
        format!(
            r#"{{"error":{{"message":"{}","type":"{kind}","param":null,"code":"{}"}}}}"#,
            self.message(),
            self.code()
        )
    }

    /// The same as an event of a stream.
    pub fn to_event(self) -> Bytes {
        Bytes::from(format!("data: {}\n\n", self.body()))
    }

    /// The whole answer as bytes, for a connection that has no request; it closes the connection.
    pub fn to_bytes(self) -> Bytes {
        let (status, body) = (self.status(), self.body());
        let retry = if self.is_passing() { "retry-after: 1\r\n" } else { "" };
        Bytes::from(format!(
            "HTTP/1.1 {} {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{retry}connection: close\r\n\r\n{body}",
            status.as_str(),
            status.canonical_reason().unwrap_or_default(),
            body.len()
        ))
    }
}

/// The answer to a request that is turned away. The connection is closed, because whoever sent it
/// is not one of ours.
pub fn refuse(refusal: Refusal) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(refusal.body()));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if refusal.is_passing() {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_valid_json_with_a_stable_code() {
        for refusal in [Refusal::Malformed, Refusal::Overloaded, Refusal::Unconfigured, Refusal::Host, Refusal::Origin]
        {
            let body: serde_json::Value = serde_json::from_str(&refusal.body()).unwrap();
            assert_eq!(body["error"]["code"], refusal.code().as_str());
        }
    }

    #[test]
    fn overload_says_when_to_come_back() {
        let text = String::from_utf8(Refusal::Overloaded.to_bytes().to_vec()).unwrap();
        assert!(text.starts_with("HTTP/1.1 503 ") && text.contains("\r\nretry-after: 1\r\n"), "{text}");
    }
}
