//! The web UI's listener: the built UI, and the control API for whoever signed in.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use megarouter_api::access::Caller;
use megarouter_gateway::guard::{Guard, Verdict, allow_preflight};
use rust_embed::{EmbeddedFile, RustEmbed};
use tower::ServiceExt as _;

use crate::listeners::{Answer, PatientBody, Refusal, refuse};
use crate::sessions::Sessions;

/// Scripts come from the UI's own files only, and nothing may frame the page. Styles may be inline
/// because charts and virtual lists place their parts with them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const NOT_BUILT: &str = "<!doctype html><meta charset=\"utf-8\"><title>MegaRouter</title>\
<p>This MegaRouter was built without its web UI. Run <code>cargo xtask run</code>, which builds it, \
or use the command line: <code>megarouter-server help</code>.</p>";

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Ui;

/// Answers browsers: the guard first, then the API or a file of the UI.
#[derive(Clone)]
pub struct WebAnswer {
    /// The names and pages this listener answers to.
    pub guard: Arc<Guard>,
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
    /// The control API.
    pub api: Router,
    /// How long a body may pause.
    pub body_idle: Duration,
}

impl Answer for WebAnswer {
    type Body = Body;

    async fn answer(&self, request: Request<Incoming>, _peer: Option<IpAddr>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let mut response = match self.guard.judge(&head) {
            Verdict::Refuse(_, code) => refuse(Refusal::of_guard(code)).map(Body::from),
            Verdict::Preflight(page) => {
                let mut response = status(StatusCode::NO_CONTENT);
                allow_preflight(response.headers_mut(), page);
                response
            }
            Verdict::Pass(_) if head.uri.path().starts_with("/api/") => self.answer_api(head, body).await,
            Verdict::Pass(_) => file(&head),
        };
        protect(response.headers_mut());
        response
    }
}

impl WebAnswer {
    async fn answer_api(&self, mut head: Parts, body: Incoming) -> Response<Body> {
        if bearer(&head.headers).is_some_and(|token| self.sessions.admits(token)) {
            head.extensions.insert(Caller::OWNER);
        }
        let body = Body::new(PatientBody::new(body, self.body_idle));
        let answered = self.api.clone().oneshot(Request::from_parts(head, body)).await;
        let mut response = answered.unwrap_or_else(|never| match never {});
        response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
}

/// A file of the UI; a path without one is a screen, which the shell shows.
fn file(head: &Parts) -> Response<Body> {
    if head.method != Method::GET && head.method != Method::HEAD {
        return status(StatusCode::METHOD_NOT_ALLOWED);
    }
    let path = head.uri.path().trim_start_matches('/');
    if let Some(found) = Ui::get(path) {
        return embedded(head, path, found);
    }
    if path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
        return status(StatusCode::NOT_FOUND);
    }
    match Ui::get("index.html") {
        Some(shell) => embedded(head, "index.html", shell),
        None => html(NOT_BUILT),
    }
}

fn embedded(head: &Parts, path: &str, found: EmbeddedFile) -> Response<Body> {
    let tag = tag(&found);
    // The name of a built asset holds a hash of its contents.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let is_known = head.headers.get(IF_NONE_MATCH).is_some_and(|known| Some(known) == tag.as_ref());
    let mut response =
        if is_known { status(StatusCode::NOT_MODIFIED) } else { Response::new(Body::from(found.data.into_owned())) };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(kind) = HeaderValue::from_str(found.metadata.mimetype()) {
        headers.insert(CONTENT_TYPE, kind);
    }
    if let Some(tag) = tag {
        headers.insert(ETAG, tag);
    }
    response
}

fn tag(found: &EmbeddedFile) -> Option<HeaderValue> {
    use base64::Engine as _;
    let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(found.metadata.sha256_hash());
    HeaderValue::from_str(&format!("\"{hash}\"")).ok()
}

fn html(text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
