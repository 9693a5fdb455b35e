//! A provider that does as it is told, with every fault a test can name, and a record of every call.
//!
//! Models with a [`Script`] answer OpenAI's chat and embeddings by it, whatever they are asked. All
//! other calls are answered as `vendors` do: OpenAI, Anthropic and Google with their own paths, rules
//! and wire forms.
//!
//! It speaks HTTP/1.1 over plain sockets, not through a library, so that an answer can be cut at an
//! exact byte, end by FIN or RST, or stay silent. What it does with a call is decided by the
//! [`Script`] of the model that the call names. Start at [`MockProvider::start`].

mod answer;
mod calls;
mod connection;
pub(crate) mod request;
mod script;
mod vendors;

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use calls::{Call, End, Tokens, Totals};
pub use script::{Content, Cut, CutBy, Framing, Script, UsagePlacement};
pub use vendors::VENDOR_CREDENTIAL;

/// The model every mock has without being told.
pub const DEFAULT_MODEL: &str = "mock-small";

/// How long [`MockProvider::wait_for`] waits before it calls the condition missed.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

/// A running mock provider; it stops when dropped.
pub struct MockProvider {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

/// What the connections share.
struct State {
    scripts: Mutex<BTreeMap<String, VecDeque<Script>>>,
    credential: Mutex<Option<String>>,
    books: Mutex<calls::Books>,
    changed: watch::Sender<()>,
}

impl MockProvider {
    /// Listens on a free loopback port and keeps every call.
    pub async fn start() -> std::io::Result<Self> {
        Self::listen(0, true).await
    }

    /// Listens on `port`. Without `keeps_calls` only the totals are kept, for load.
    pub async fn listen(port: u16, keeps_calls: bool) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            scripts: Mutex::default(),
            credential: Mutex::default(),
            books: Mutex::new(calls::Books::new(keeps_calls)),
            changed: watch::Sender::new(()),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state, task })
    }

    /// The URL without a path, below which each vendor's API has its own.
    pub fn root_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL as the record of an OpenAI-compatible provider wants it.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Answers every call for `model` by `script`, and lists the model.
    pub fn script(&self, model: &str, script: Script) {
        self.script_in_turn(model, [script]);
    }

    /// Answers successive calls for `model` by successive scripts; the last one stays.
    pub fn script_in_turn(&self, model: &str, scripts: impl IntoIterator<Item = Script>) {
        let mut known = self.state.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(model.to_owned(), scripts.into_iter().collect());
    }

    /// From now on refuses calls that do not carry this bearer credential.
    pub fn require_credential(&self, credential: &str) {
        *self.state.credential.lock().unwrap_or_else(PoisonError::into_inner) = Some(credential.to_owned());
    }

    /// The calls so far, in order of arrival. Questions for the list of models are left out: the program asks
    /// them by itself, to see whether a provider that failed is back.
    pub fn calls(&self) -> Vec<Call> {
        self.state.books().calls.iter().filter(|call| call.method != "GET").cloned().collect()
    }

    /// The calls so far for one model.
    pub fn calls_for(&self, model: &str) -> Vec<Call> {
        self.state.books().calls.iter().filter(|call| call.model == model).cloned().collect()
    }

    /// What was counted since the start.
    pub fn totals(&self) -> Totals {
        self.state.books().totals
    }

    /// Waits until the calls satisfy `condition` and returns them.
    ///
    /// # Panics
    /// When that does not happen within a generous limit; the message names `what` was awaited.
    pub async fn wait_for(&self, what: &str, condition: impl Fn(&[Call]) -> bool) -> Vec<Call> {
        let mut changed = self.state.changed.subscribe();
        let satisfied = async {
            loop {
                let calls = self.calls();
                if condition(&calls) {
                    return calls;
                }
                if changed.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let Ok(calls) = tokio::time::timeout(WAIT_LIMIT, satisfied).await else {
            panic!("the mock provider never saw: {what}; calls: {:#?}", self.calls());
        };
        calls
    }
}

impl Drop for MockProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    fn books(&self) -> std::sync::MutexGuard<'_, calls::Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The script for the next call of `model`, or `None` when there is no such model.
    fn next_script(&self, model: &str) -> Option<Script> {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        match scripts.get_mut(model) {
            Some(queue) if queue.len() > 1 => queue.pop_front(),
            Some(queue) => queue.front().cloned(),
            None => (model == DEFAULT_MODEL).then(Script::default),
        }
    }

    fn models(&self) -> Vec<String> {
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = scripts.keys().cloned().collect();
        if !scripts.contains_key(DEFAULT_MODEL) {
            names.push(DEFAULT_MODEL.to_owned());
        }
        names
    }

    fn has_model(&self, name: &str) -> bool {
        self.models().iter().any(|known| known == name)
    }

    /// The credential that a test asked to insist on.
    fn credential(&self) -> Option<String> {
        self.credential.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a call with this `Authorization` is answered.
    fn accepts(&self, authorization: Option<&str>) -> bool {
        let wanted = self.credential.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.as_deref().is_none_or(|wanted| authorization.and_then(|it| it.strip_prefix("Bearer ")) == Some(wanted))
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        // A failed accept concerns one peer that is already gone.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection::serve(stream, Arc::clone(&state)));
        }
    }
}
