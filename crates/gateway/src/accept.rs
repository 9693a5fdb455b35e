//! Accept: which operation a request's method and path mean.

use std::sync::Arc;
use std::time::Duration;

use http::header::USER_AGENT;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use megarouter_domain::clock::{Clock, Timestamp};
use megarouter_domain::code::Code;
use megarouter_domain::id::{Entropy, RequestId};
use megarouter_domain::record::Operation;
use percent_encoding::percent_decode_str;

use crate::render::Failure;

/// When and as what a request came in.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Its id, also in `x-request-id`.
    pub request_id: RequestId,
    /// The wall clock.
    pub at: Timestamp,
    /// The measuring clock.
    pub monotonic: Duration,
    /// The client's program.
    pub user_agent: Option<Arc<str>>,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Is the process alive?
    Health,
    /// Can it serve?
    Ready,
    /// Which models may this key use?
    Models,
    /// What is this model?
    Model(String),
    /// A call to a model.
    Call(Operation),
}

/// The first stage: a request whose purpose is known, and nothing else.
pub struct Incoming<B> {
    /// When and as what it came in.
    pub arrival: Arrival,
    /// What it is for.
    pub route: Route,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, unread.
    pub body: B,
}

/// Notes the arrival of a request.
pub fn arrive(headers: &HeaderMap, clock: &dyn Clock, entropy: Entropy) -> Arrival {
    let at = clock.now();
    let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    let user_agent = user_agent.map(|text| text.chars().take(200).collect::<String>().into());
    Arrival { request_id: RequestId::new(at, entropy), at, monotonic: clock.monotonic(), user_agent }
}

/// Reads what a request is for from its method and path.
///
/// # Errors
/// When the path does not exist, or not for that method.
pub fn accept<B>(arrival: Arrival, head: Parts, body: B) -> Result<Incoming<B>, Failure> {
    let route = route(&head.method, head.uri.path())?;
    refuse_overrides(&head)?;
    Ok(Incoming { arrival, route, headers: head.headers, body })
}

fn route(method: &Method, path: &str) -> Result<Route, Failure> {
    let (route, allowed) = match path {
        "/healthz" => (Route::Health, Method::GET),
        "/readyz" => (Route::Ready, Method::GET),
        "/v1/models" => (Route::Models, Method::GET),
        "/v1/chat/completions" => (Route::Call(Operation::ChatCompletions), Method::POST),
        "/v1/embeddings" => (Route::Call(Operation::Embeddings), Method::POST),
        _ => match path.strip_prefix("/v1/models/").filter(|name| !name.is_empty()) {
            Some(name) => (Route::Model(percent_decode_str(name).decode_utf8_lossy().into_owned()), Method::GET),
            None => return Err(unknown_path(method, path)),
        },
    };
    if *method == allowed || (*method == Method::HEAD && allowed == Method::GET) {
        return Ok(route);
    }
    let message = format!("{path} answers to {allowed}, not to {method}.");
    Err(Failure { allow: Some(allowed), ..Failure::new(Code::MethodNotAllowed, message) })
}

/// Where a call goes is the configuration's business. A header or parameter that other proxies take
/// as an override is refused, so that nobody believes it worked.
fn refuse_overrides(head: &Parts) -> Result<(), Failure> {
    let parameters = head.uri.query().unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap_or(pair));
    let mut names = head.headers.keys().map(HeaderName::as_str).chain(parameters);
    let Some(name) = names.find(|name| megarouter_dialect::names_a_host(name)) else { return Ok(()) };
    let message =
        format!("`{name}` would choose a provider's address or credential. Set them in MegaRouter, and leave it out.");
    Err(Failure { param: Some(name.to_owned()), ..Failure::new(Code::RequestUnsupported, message) })
}

fn unknown_path(method: &Method, path: &str) -> Failure {
    let without_version = ["/chat/completions", "/models", "/embeddings"].contains(&path);
    let hint = if without_version { " The base URL ends in /v1: check the setting of your app." } else { "" };
    Failure::new(Code::PathNotFound, format!("There is no {method} {path} here.{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_names_may_hold_slashes_and_escapes() {
        let name = |path: &str| route(&Method::GET, path).unwrap();
        assert_eq!(name("/v1/models/openai/gpt-5"), Route::Model("openai/gpt-5".to_owned()));
        assert_eq!(name("/v1/models/openai%2Fgpt%2"), Route::Model("openai/gpt%2".to_owned()));
    }

    #[test]
    fn tells_a_wrong_method_from_a_wrong_path() {
        let code = |method: Method, path: &str| route(&method, path).unwrap_err().code;
        assert_eq!(code(Method::GET, "/v1/chat/completions"), Code::MethodNotAllowed);
        assert_eq!(code(Method::POST, "/chat/completions"), Code::PathNotFound);
        assert_eq!(code(Method::GET, "/v1/models/"), Code::PathNotFound);
    }
}
