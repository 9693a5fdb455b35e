//! A provider that breaks every rule it is told to break, on the raw wire, in all four dialects.
//!
//! The [`mock provider`](crate::mock_provider) answers as vendors do; this one answers as no vendor
//! should: it drips, falls silent, cuts at a byte, resets, half-closes, lies about lengths and figures,
//! floods. A call names its [`Play`] in the prompt, as `[play NAME]`, so that any number of clients can
//! see different faults at once. Every call and the moment its peer closed are written down.
//! Start at [`EvilUpstream::start`].

mod connection;
mod play;
mod templates;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use play::{Act, Figures, Framing, Play};
pub use templates::Dialect;

use crate::conformance::CREDENTIAL;
use crate::mock_provider::End;
use crate::mock_provider::request::Request;
use crate::program::{Install, Program};
use crate::setup::Setup;
use crate::world::PRICE;

const WAIT_LIMIT: Duration = Duration::from_secs(30);

/// A running evil upstream; it stops when dropped.
pub struct EvilUpstream {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

/// A call and what became of it.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The play that it named; empty when it named none.
    pub play: String,
    /// When the request had arrived.
    pub at: Instant,
    /// The request's body.
    pub body: bytes::Bytes,
    /// Bytes of the answer's body that were sent.
    pub sent: u64,
    /// How it ended, once it did.
    pub end: Option<End>,
}

struct State {
    plays: Mutex<HashMap<String, Play>>,
    stages: Mutex<Vec<Stage>>,
    changed: watch::Sender<()>,
}

impl Stage {
    /// When the peer closed the connection, if it did before the play ended.
    pub const fn closed_at(&self) -> Option<Instant> {
        match self.end {
            Some(End::PeerClosed(at)) => Some(at),
            Some(End::Answered | End::Cut) | None => None,
        }
    }
}

impl EvilUpstream {
    /// Listens on a free loopback port.
    pub async fn start() -> Result<Self> {
        Self::listen(0).await
    }

    /// Listens on a loopback port.
    pub async fn listen(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let state =
            Arc::new(State { plays: Mutex::default(), stages: Mutex::default(), changed: watch::Sender::new(()) });
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state, task })
    }

    /// The URL below which each dialect has its own path.
    pub fn root_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers calls that name `name` by `play`. The empty name is for calls that name none.
    pub fn stage(&self, name: &str, play: Play) {
        lock(&self.state.plays).insert(name.to_owned(), play);
    }

    /// The calls so far, in order of arrival.
    pub fn stages(&self) -> Vec<Stage> {
        lock(&self.state.stages).clone()
    }

    /// The calls so far of one play.
    pub fn stages_of(&self, name: &str) -> Vec<Stage> {
        lock(&self.state.stages).iter().filter(|stage| stage.play == name).cloned().collect()
    }

    /// Waits until the calls of the play `name` satisfy `condition` and returns them.
    ///
    /// # Panics
    /// When that does not happen within a generous limit; the message names `what` was awaited.
    pub async fn wait_for(&self, name: &str, what: &str, condition: impl Fn(&[Stage]) -> bool) -> Vec<Stage> {
        let mut changed = self.state.changed.subscribe();
        let satisfied = async {
            loop {
                let stages = self.stages_of(name);
                if condition(&stages) {
                    return stages;
                }
                if changed.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let Ok(stages) = tokio::time::timeout(WAIT_LIMIT, satisfied).await else {
            panic!("the evil upstream never saw: {what}; calls: {:#?}", self.stages_of(name));
        };
        stages
    }

    /// Starts a program before it with a provider and a model for each dialect, and makes a key.
    pub fn program(&self, arguments: &[&str]) -> Result<(Program, String)> {
        let install = Install::new()?;
        install.apply(&setup(&self.root_url()))?;
        let key = install.create_key("evil")?;
        let program = install.start_as(arguments, &[CREDENTIAL])?;
        Ok((program, key))
    }
}

impl Drop for EvilUpstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    /// The play that a body names, and its name.
    fn play_of(&self, body: &[u8]) -> (String, Play) {
        let name = named(body).unwrap_or_default();
        let play = lock(&self.plays).get(&name).cloned().unwrap_or_default();
        (name, play)
    }

    fn arrive(&self, play: &str, request: &Request) -> usize {
        let mut stages = lock(&self.stages);
        stages.push(Stage {
            play: play.to_owned(),
            at: Instant::now(),
            body: request.body.clone(),
            sent: 0,
            end: None,
        });
        self.changed.send_replace(());
        stages.len() - 1
    }

    fn end(&self, number: usize, sent: u64, end: End) {
        if let Some(stage) = lock(&self.stages).get_mut(number) {
            (stage.sent, stage.end) = (sent, Some(end));
        }
        self.changed.send_replace(());
    }
}

/// The providers and models of an evil upstream at `root_url`: one for each dialect, under
/// [`Dialect::model`].
pub fn setup(root_url: &str) -> Setup {
    let kinds = [
        (Dialect::Chat, "openai_compatible", "/v1", json!(["openai_chat"])),
        (Dialect::Responses, "openai_compatible", "/v1", json!(["openai_responses"])),
        (Dialect::Messages, "anthropic_compatible", "/v1", json!([])),
        (Dialect::Gemini, "gemini_compatible", "/v1beta", json!([])),
    ];
    kinds.into_iter().fold(Setup::new(), |setup, (dialect, kind, path, dialects)| {
        let name = dialect.model();
        let provider = json!({
            "name": name, "kind": kind, "base_url": format!("{root_url}{path}"), "dialects": dialects,
            "credential": {"env": CREDENTIAL.0},
        });
        setup.provider_with(provider).model(name, &[name], PRICE.0, PRICE.1)
    })
}

/// How a prompt names a play.
fn mark(name: &str) -> String {
    format!("[play {name}]")
}

fn named(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let (_, rest) = text.rsplit_once("[play ")?;
    Some(rest.split(']').next()?.to_owned())
}

/// What is told over HTTP to whoever stages plays from another process: `POST /evil/plays` takes an
/// object of plays by name, `GET /evil/calls` lists the calls.
fn told(state: &State, request: &Request) -> Option<Value> {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/evil/plays") => Some(match serde_json::from_slice::<HashMap<String, Play>>(&request.body) {
            Ok(plays) => {
                lock(&state.plays).extend(plays);
                json!({"ok": true})
            }
            Err(error) => json!({"error": error.to_string()}),
        }),
        ("GET", "/evil/calls") => Some(lock(&state.stages).iter().map(told_stage).collect()),
        _ => None,
    }
}

fn told_stage(stage: &Stage) -> Value {
    let age = |at: Instant| u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
    json!({
        "play": stage.play, "arrived_ms_ago": age(stage.at), "sent_bytes": stage.sent,
        "peer_closed_ms_ago": stage.closed_at().map(age), "is_over": stage.end.is_some(),
    })
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        // A failed accept concerns one peer that is already gone.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection::serve(stream, Arc::clone(&state)));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
