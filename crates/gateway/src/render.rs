//! Rendering a failure: the one place where a code becomes a status, headers and a body.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use megarouter_dialect::dialects;
use megarouter_dialect::errors::ErrorNote;
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;

use crate::body::Body;

/// The longest wait after which a client may well try by itself: a minute, within which most limits
/// count, and what they round it up by.
const SOON: Duration = Duration::from_secs(75);

/// Why a request did not get what it asked for.
#[derive(Debug)]
pub struct Failure {
    /// The stable code.
    pub code: Code,
    /// What happened and what to do, for a person.
    pub message: String,
    /// The status, where a provider's own says more than the code's.
    pub status: Option<StatusCode>,
    /// The field of the request that is wrong.
    pub param: Option<String>,
    /// When trying again can work.
    pub retry_after: Option<Duration>,
    /// The method the path does answer to.
    pub allow: Option<Method>,
    /// The provider's own answer, to be passed on as it is.
    pub verbatim: Option<Box<Verbatim>>,
    /// What else the answer says: what is left of a budget.
    pub headers: Option<Box<HeaderMap>>,
}

/// A provider's error answer in the client's own dialect.
#[derive(Debug)]
pub struct Verbatim {
    /// Its status.
    pub status: StatusCode,
    /// Its body, without our credential.
    pub body: Bytes,
}

impl Failure {
    /// A failure with a message and nothing else.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message, status: None, param: None, retry_after: None, allow: None, verbatim: None, headers: None }
    }

    /// The HTTP status for a client of a dialect.
    pub fn status(&self, dialect: Dialect) -> StatusCode {
        if let Some(verbatim) = &self.verbatim {
            return verbatim.status;
        }
        let own = || StatusCode::from_u16(dialects::status(dialect, self.code));
        self.status.unwrap_or_else(|| own().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

/// Answers with a failure in a client's dialect.
pub fn render(failure: &Failure, dialect: Dialect) -> Response<Body> {
    let status = failure.status(dialect);
    let body = if let Some(verbatim) = &failure.verbatim {
        verbatim.body.clone()
    } else {
        let (message, param) = (failure.message.as_str(), failure.param.as_deref());
        dialects::render_error(dialect, &ErrorNote { status: status.as_u16(), code: failure.code, message, param })
    };
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(own) = &failure.headers {
        headers.clone_from(own);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(wait) = failure.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if let Some(method) = &failure.allow {
        let allowed = if method == Method::GET { "GET, HEAD" } else { "POST" };
        headers.insert(ALLOW, HeaderValue::from_static(allowed));
    }
    if !may_pass_by_retrying(failure, status) {
        // The official SDKs would otherwise retry a 429, 409 or 5xx on their own.
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    response
}

fn may_pass_by_retrying(failure: &Failure, status: StatusCode) -> bool {
    let is_retried = matches!(status.as_u16(), 408 | 409 | 429 | 500..);
    let has_advice = match failure.code {
        // Nobody but a person can change that.
        Code::BudgetExceeded | Code::BudgetExhausted => false,
        // Not after hours: SDKs wait as long as they please, and then try.
        Code::RateLimited => failure.retry_after.is_some_and(|wait| wait <= SOON),
        _ => failure.retry_after.is_some(),
    };
    !is_retried || has_advice || failure.verbatim.is_some()
}
