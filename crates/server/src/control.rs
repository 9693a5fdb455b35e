//! What the control socket answers beyond the control API: the verbs that only the owner of the
//! installation has, at this machine.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::{Next, from_fn};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use megarouter_api::access::Caller;
use megarouter_api::context::{ConfiguredPort, Context};
use megarouter_api::error::ApiError;
use megarouter_api::settings::Preferences;
use megarouter_ledger::verify::Report;
use megarouter_store::error::Error;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::listeners::{Answer, PatientBody};
use crate::proxy::Proxy;
use crate::sessions::Sessions;
use crate::setup::{self, Applied, Apply};

const SETTINGS_PATH: &str = "/api/v1/settings";
/// Pieces of an export that are made ahead of its reader.
const EXPORT_AHEAD: usize = 64;
/// Where [`router`] answers.
pub const VERIFY_PATH: &str = "/owner/ledger/verify";
/// Where [`router`] answers.
pub const EXPORT_PATH: &str = "/owner/ledger/export";
/// Where [`router`] answers.
pub const SIGNIN_PATH: &str = "/owner/signin-link";
/// Where [`router`] answers.
pub const APPLY_PATH: &str = "/owner/apply";

/// What the owner's verbs work on.
pub struct Control {
    /// What the control API works on.
    pub context: Arc<Context>,
    /// Who may sign in to the web UI; `None` when it is not served.
    pub sessions: Option<Arc<Sessions>>,
    /// The web UI's port.
    pub web_port: Option<u16>,
}

/// What a verification of the ledger found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Verified {
    /// Entries read.
    pub entries: u64,
    /// Requests finished.
    pub requests: u64,
    /// Calls to providers.
    pub attempts: u64,
    /// Calls under way.
    pub open_holds: u64,
    /// The sum of all costs, in nano-USD.
    pub posted: String,
    /// How many things do not add up.
    pub findings: u64,
    /// The first of them.
    pub unexplained: Vec<String>,
}

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exported {
    /// Every entry, as lines of JSON.
    Entries,
    /// Every request, as CSV.
    Requests,
}

/// A one-time link.
#[derive(Debug, Serialize, Deserialize)]
pub struct SigninLink {
    /// The address to open within ten minutes.
    pub url: String,
}

impl From<Report> for Verified {
    fn from(report: Report) -> Self {
        Self {
            entries: report.entries,
            requests: report.requests,
            attempts: report.attempts,
            open_holds: report.open_holds,
            posted: report.posted.0.to_string(),
            findings: report.findings,
            unexplained: report.unexplained,
        }
    }
}

impl Control {
    /// A one-time link to the web UI; `None` when it is not served.
    pub fn new_signin_link(&self) -> Option<String> {
        let token = self.sessions.as_ref()?.new_link();
        Some(format!("http://localhost:{}/#signin={}", self.web_port?, token.expose()))
    }
}

/// The owner's verbs.
pub fn router(control: Arc<Control>) -> Router {
    Router::new()
        .route(VERIFY_PATH, post(verify))
        .route(EXPORT_PATH, post(export))
        .route(SIGNIN_PATH, post(signin_link))
        .route(APPLY_PATH, post(apply))
        .with_state(control)
}

/// The control API, with the proxy following a change of its port at once.
pub fn with_moving_proxy(api: Router, proxy: Arc<Proxy>, context: Arc<Context>) -> Router {
    let inner = api.clone();
    api.layer(from_fn(move |request: axum::extract::Request, next: Next| {
        let (proxy, context, inner) = (Arc::clone(&proxy), Arc::clone(&context), inner.clone());
        async move {
            let is_change = request.method() == Method::PATCH && request.uri().path() == SETTINGS_PATH;
            let caller = request.extensions().get::<Caller>().copied();
            let answer = next.run(request).await;
            match caller {
                Some(caller) if is_change && answer.status().is_success() => {
                    move_proxy(&proxy, &context, inner, caller).await
                }
                _ => answer,
            }
        }
    }))
}

async fn move_proxy(proxy: &Proxy, context: &Context, api: Router, caller: Caller) -> Response<Body> {
    use axum::response::IntoResponse as _;
    let preferences = match context.everything().await {
        Ok(everything) => Preferences::of(&everything),
        Err(error) => return error.into_response(),
    };
    let port = match context.host.listening().configured_port {
        ConfiguredPort::Fixed(port) => port,
        ConfiguredPort::Default(port) => preferences.proxy_port.unwrap_or(port),
    };
    let is_elsewhere = port != 0 && context.host.listening().port != Some(port);
    if is_elsewhere && let Err(error) = proxy.listen(port).await {
        let message = format!(
            "{error}. The proxy stays where it was, and the new port is tried again at the next start. \
             Stop that program, or choose another port."
        );
        return ApiError::new(StatusCode::CONFLICT, "settings.port_taken", message).about("proxy_port").into_response();
    }
    context.status_changed();
    let mut again = Request::new(Body::empty());
    *again.uri_mut() = http::Uri::from_static(SETTINGS_PATH);
    again.extensions_mut().insert(caller);
    api.oneshot(again).await.unwrap_or_else(|never| match never {})
}

async fn verify(State(control): State<Arc<Control>>) -> Result<Json<Verified>, ApiError> {
    let report = control.context.ledger.verify().await.map_err(|error| {
        let message = format!("The ledger could not be read: {error}. Nothing was changed. Look at the log.");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "ledger.unavailable", message)
    })?;
    Ok(Json(report.into()))
}

/// Streams everything; when the ledger cannot be read to its end, the stream breaks off.
async fn export(State(control): State<Arc<Control>>, Json(kind): Json<Exported>) -> Body {
    let ledger = Arc::clone(&control.context.ledger);
    // The ledger hands out pieces from a thread that may wait, so a slow reader holds nobody up.
    let (pieces, made) = std::sync::mpsc::sync_channel::<Bytes>(EXPORT_AHEAD);
    let runtime = tokio::runtime::Handle::current();
    let exporting = tokio::task::spawn_blocking(move || {
        let write = |piece: &[u8]| pieces.send(Bytes::copy_from_slice(piece)).map_err(io::Error::other);
        runtime.block_on(async {
            match kind {
                Exported::Entries => ledger.export_entries(write).await,
                Exported::Requests => ledger.export_requests(write).await,
            }
        })
    });
    Body::from_stream(stream::unfold(Some((made, exporting)), next_piece))
}

type Exporting = (std::sync::mpsc::Receiver<Bytes>, JoinHandle<Result<u64, Error>>);

async fn next_piece(state: Option<Exporting>) -> Option<(io::Result<Bytes>, Option<Exporting>)> {
    let (made, exporting) = state?;
    let received = tokio::task::spawn_blocking(move || made.recv().map(|piece| (piece, made))).await;
    match received {
        Ok(Ok((piece, made))) => Some((Ok(piece), Some((made, exporting)))),
        _ => match exporting.await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some((Err(io::Error::other(error)), None)),
            Err(error) => Some((Err(error.into()), None)),
        },
    }
}

async fn signin_link(State(control): State<Arc<Control>>) -> Result<Json<SigninLink>, ApiError> {
    let missing = || {
        let message = "This MegaRouter serves no web UI, so there is nothing to sign in to. Start it with \
                       `megarouter-server serve`, with the setting web.enabled.";
        ApiError::new(StatusCode::CONFLICT, "web.disabled", message)
    };
    control.new_signin_link().map(|url| Json(SigninLink { url })).ok_or_else(missing)
}

async fn apply(State(control): State<Arc<Control>>, Json(request): Json<Apply>) -> Result<Json<Applied>, ApiError> {
    setup::apply(&control.context, request).await.map(Json)
}

/// Answers the control socket: whoever could connect is the owner.
#[derive(Clone)]
pub struct ControlAnswer {
    api: Router,
    body_idle: Duration,
}

impl ControlAnswer {
    /// Answers with the control API and the owner's verbs.
    pub fn new(api: Router, body_idle: Duration) -> Self {
        Self { api, body_idle }
    }
}

impl Answer for ControlAnswer {
    type Body = Body;

    async fn answer(&self, request: Request<Incoming>, _peer: Option<IpAddr>) -> Response<Body> {
        let idle = self.body_idle;
        let mut request = request.map(|body| Body::new(PatientBody::new(body, idle)));
        request.extensions_mut().insert(Caller::OWNER);
        self.api.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
    }
}
