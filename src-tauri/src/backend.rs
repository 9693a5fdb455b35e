//! The server's `Instance` in this process: starts it, passes calls on, ends it.
//!
//! The window does not wait for it. A call that comes early waits here; when the start failed, each call says why
//! and tries again.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body::Body;
use http_body_util::BodyExt as _;
use megarouter_server::config::{Config, ConfigError};
use megarouter_server::instance::{Instance, Purpose};
use serde_json::Value;
use tokio::sync::watch;

/// A start that failed is tried again when the page asks again, but not more often than this.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads the configuration; again at each start, because what was wrong may have been mended.
type Load = Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>;

/// The one backend of the window.
pub struct Backend {
    state: watch::Sender<State>,
    load: Load,
    data_dir: Option<PathBuf>,
}

enum State {
    Starting,
    Running(Arc<Instance>),
    Failed { reason: String, since: Instant },
    Ended,
}

impl Backend {
    /// Starts the instance on Tauri's runtime and returns at once.
    pub fn start(load: impl Fn() -> Result<Config, ConfigError> + Send + Sync + 'static) -> Self {
        let config = load();
        let data_dir = config.as_ref().ok().map(|config| config.data_dir.clone());
        let backend = Self { state: watch::Sender::new(State::Starting), load: Box::new(load), data_dir };
        backend.begin(config);
        backend
    }

    fn begin(&self, config: Result<Config, ConfigError>) {
        let state = self.state.clone();
        tauri::async_runtime::spawn(async move {
            let mut begun = Some(begun(config).await);
            let is_wanted = |state: &mut State| match state {
                State::Starting => begun.take().is_some_and(|begun| {
                    *state = begun;
                    true
                }),
                _ => false,
            };
            state.send_if_modified(is_wanted);
            // The program ended meanwhile.
            if let Some(State::Running(instance)) = begun {
                end(instance).await;
            }
        });
    }

    /// Starts once more if the last start failed a while ago.
    fn try_again(&self) {
        let is_due = |state: &mut State| {
            let is_due = matches!(state, State::Failed { since, .. } if since.elapsed() >= PAUSE);
            if is_due {
                *state = State::Starting;
            }
            is_due
        };
        if self.state.send_if_modified(is_due) {
            self.begin((self.load)());
        }
    }

    /// The data folder; `None` when the configuration could not be read.
    pub fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }

    /// The instance, as soon as it runs; or why it does not.
    async fn instance(&self) -> Result<Arc<Instance>> {
        self.try_again();
        let mut state = self.state.subscribe();
        let state = state.wait_for(|state| !matches!(state, State::Starting)).await?;
        match &*state {
            State::Running(instance) => Ok(Arc::clone(instance)),
            State::Failed { reason, .. } => Err(anyhow!("MegaRouter could not start: {reason}")),
            State::Starting | State::Ended => Err(anyhow!("MegaRouter is ending")),
        }
    }

    /// Waits until it runs; false when it never will again, because the program ends.
    pub async fn runs(&self) -> bool {
        let mut state = self.state.subscribe();
        let reached = state.wait_for(|state| matches!(state, State::Running(_) | State::Ended)).await;
        reached.is_ok_and(|state| matches!(&*state, State::Running(_)))
    }

    /// Answers one request to the control API. An error means that the API could not be reached at all.
    pub async fn call(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<impl Body<Data = Bytes, Error: Display> + Send + Unpin>> {
        // The call outlives this handle on the instance, so that a slow one does not keep the program from ending.
        let call = self.instance().await?.call(request);
        Ok(call.await)
    }

    /// One call with JSON in and out, for the tray and the window's own needs. A refusal is an error.
    pub async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let (head, body) = self.call(request.body(Bytes::from(body))?).await?.into_parts();
        let bytes = body.collect().await.map_err(|error| anyhow!("{error}"))?.to_bytes();
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if head.status.is_success() {
            return Ok(answer);
        }
        Err(anyhow!("{}", answer["error"]["message"].as_str().unwrap_or(head.status.as_str())))
    }

    /// Ends the instance: no new requests, open ones may finish within the configured grace.
    pub async fn stop(&self) {
        if let State::Running(instance) = self.state.send_replace(State::Ended) {
            end(instance).await;
        }
    }
}

async fn begun(config: Result<Config, ConfigError>) -> State {
    let started = match config {
        Ok(config) => Instance::start(config, Purpose::Desktop).await,
        Err(error) => Err(error.into()),
    };
    match started {
        Ok(instance) => State::Running(Arc::new(instance)),
        Err(error) => {
            let reason = format!("{error:#}");
            tracing::error!(reason, "the backend did not start");
            State::Failed { reason, since: Instant::now() }
        }
    }
}

async fn end(instance: Arc<Instance>) {
    if let Some(instance) = Arc::into_inner(instance) {
        instance.shutdown().await;
    } else {
        // A call began in this very moment. The journal is as safe as after a loss of power.
        tracing::warn!("a call began while the program ended");
    }
}
