//! A whole control API over real stores in a folder of its own, and a provider that answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use megarouter_api::access::Caller;
use megarouter_api::catalog::{Addresses, Shelf};
use megarouter_api::configuration::{self, Credentials, Environment};
use megarouter_api::context::{About, BackupOrder, ConfiguredPort, Context, Host, Listening, Parts, SignInError};
use megarouter_api::router::router;
use megarouter_api::status::Mode;
use megarouter_api::upkeep::BackupDone;
use megarouter_domain::clock::{Clock, Timestamp};
use megarouter_domain::secret::Secret;
use megarouter_gateway::{Books, Gateway, JournalFeed, Limits};
use megarouter_ledger::entry::{Fact, Lsn};
use megarouter_providers::client::{Client, ClientOptions};
use megarouter_secrets::{KeySource, Store as Secrets};
use megarouter_store::bodies::Bodies;
use megarouter_store::ledger::Ledger;
use megarouter_store::settings::Settings;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tower::ServiceExt as _;

pub const VARIABLE: &str = "TEST_PROVIDER_KEY";
/// A variable that is read only when the kit's gate is opened.
pub const SLOW_VARIABLE: &str = "SLOW_PROVIDER_KEY";
const START: i64 = 1_795_356_000_000_000;

/// A running control API.
pub struct Kit {
    pub context: Arc<Context>,
    pub clock: Arc<TurnClock>,
    pub host: Arc<TestHost>,
    pub gate: Arc<Gate>,
    router: Router,
    finished: tokio::sync::Mutex<mpsc::UnboundedReceiver<String>>,
    pub dir: TempDir,
}

/// A clock that tests turn.
pub struct TurnClock {
    wall: AtomicI64,
    started: Instant,
}

impl TurnClock {
    pub fn turn(&self, forward: Duration) {
        self.wall.fetch_add(i64::try_from(forward.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TurnClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A credential that takes its time.
#[derive(Default)]
pub struct Gate {
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Gate {
    /// Waits until somebody reads the slow variable.
    pub fn until_read(&self) {
        drop(self.changed.wait_while(self.state.lock().unwrap(), |(is_read, _)| !*is_read).unwrap());
    }

    /// Lets whoever reads it go on.
    pub fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }

    fn wait(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 = true;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |(_, is_open)| !*is_open).unwrap());
    }
}

/// A program that listens where a test says.
pub struct TestHost {
    pub listening: Mutex<Listening>,
    links: Mutex<Vec<String>>,
}

impl Host for TestHost {
    fn about(&self) -> About {
        let text = str::to_owned;
        About { version: text("0.0.0"), mode: Mode::Serve, platform: text("test"), data_dir: text("/data") }
    }

    fn listening(&self) -> Listening {
        self.listening.lock().unwrap().clone()
    }

    fn sign_in(&self, token: &Secret) -> Result<Secret, SignInError> {
        let mut links = self.links.lock().unwrap();
        let place = links.iter().position(|link| link == token.expose()).ok_or(SignInError::Refused)?;
        links.remove(place);
        Ok(Secret::new("the-session".to_owned()))
    }
}

impl Kit {
    pub async fn start() -> Self {
        Self::with_key_source(KeySource::File).await
    }

    pub async fn with_key_source(key_source: KeySource) -> Self {
        // Nothing listens there: no test asks the world.
        let nowhere = || "http://127.0.0.1:9/nothing.json".to_owned();
        Self::with(key_source, Addresses { litellm: nowhere(), models_dev: nowhere() }).await
    }

    /// A control API whose catalogue is refreshed from these addresses.
    pub async fn with_catalogue_at(addresses: Addresses) -> Self {
        Self::with(KeySource::File, addresses).await
    }

    async fn with(key_source: KeySource, addresses: Addresses) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(TurnClock { wall: AtomicI64::new(START), started: Instant::now() });
        let options = megarouter_secrets::Options { data_dir: dir.path().to_owned(), key_source, passphrase: None };
        let secrets = Secrets::open(options).await.unwrap();
        let settings = Settings::open(dir.path(), clock.now(), [7; 10]).await.unwrap();
        let ledger = Arc::new(Ledger::open(dir.path()).await.unwrap());
        let engine = ledger.recover("0.0.0", clock.now()).await.unwrap();
        let durable = ledger.durable().await.unwrap();
        let gate = Arc::new(Gate::default());
        let slow = Arc::clone(&gate);
        let environment: Arc<Environment> = Arc::new(move |name: &str| {
            if name == SLOW_VARIABLE {
                slow.wait();
            }
            [VARIABLE, SLOW_VARIABLE].contains(&name).then(|| Secret::new("sk-from-environment".to_owned()))
        });
        let credentials = Credentials { secrets: &secrets, environment: &*environment };
        let snapshot = configuration::snapshot(&settings.load().await.unwrap(), &credentials, None).await.unwrap();
        let (books, feed) = Books::open(engine, vec![], durable, Arc::clone(&clock) as Arc<dyn Clock>);
        let client = Client::new(&ClientOptions::default()).unwrap();
        let as_clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let gateway = Arc::new(Gateway::new(snapshot, books, client, Arc::clone(&as_clock), Limits::default()));
        let host = Arc::new(TestHost {
            listening: Mutex::new(Listening {
                addresses: vec!["127.0.0.1:4180".to_owned()],
                port: Some(4180),
                base_url: "http://127.0.0.1:4180/v1".to_owned(),
                ..Listening::default()
            }),
            links: Mutex::new(vec!["one-time".to_owned()]),
        });
        let (backups, orders) = mpsc::channel(1);
        let (signals, _) = mpsc::channel(1);
        let drawn = AtomicU64::new(1);
        let random = move |bytes: &mut [u8]| {
            let number = drawn.fetch_add(1, Ordering::SeqCst).to_be_bytes();
            bytes.iter_mut().rev().zip(number.iter().rev().cycle()).for_each(|(byte, drawn)| *byte = *drawn);
        };
        let context = Arc::new(Context::new(Parts {
            settings,
            ledger,
            secrets,
            gateway,
            clock: as_clock,
            random: Arc::new(random),
            environment,
            host: Arc::clone(&host) as Arc<dyn Host>,
            shelf: Shelf::new(dir.path(), addresses),
            hub: None,
            last_good: None,
            backups,
            bodies: Arc::new(Bodies::in_folder(dir.path())),
            signals,
        }));
        tokio::spawn(make_backups(orders));
        let (sender, finished) = mpsc::unbounded_channel();
        tokio::spawn(write_journal(feed, Arc::clone(&context), sender));
        let finished = tokio::sync::Mutex::new(finished);
        Self { router: router(Arc::clone(&context)), context, clock, host, gate, finished, dir }
    }

    /// Sends a request as the owner.
    pub async fn send(&self, mut request: Request<Body>) -> Response<Body> {
        request.extensions_mut().insert(Caller::OWNER);
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request that nobody vouches for.
    pub async fn send_as_nobody(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Calls an operation; gives its status and JSON (`null` when there is no body).
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let response = self.send(request.unwrap()).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() })
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).await;
        assert_eq!(status, StatusCode::OK, "GET {path}: {body}");
        body
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call("POST", path, Some(body)).await;
        assert!(status.is_success(), "POST {path}: {status} {answer}");
        answer
    }

    /// Calls an operation that must be refused; gives its status, code and field.
    pub async fn refused(&self, method: &str, path: &str, body: Value) -> (u16, String, Value) {
        let (status, answer) = self.call(method, path, Some(body)).await;
        let error = &answer["error"];
        let message = error["message"].as_str().unwrap_or_else(|| panic!("{method} {path}: {status} {answer}"));
        assert!(message.matches(". ").count() >= 1, "says what happened and what to do: {message}");
        (status.as_u16(), error["code"].as_str().unwrap().to_owned(), error["field"].clone())
    }

    /// Adds a provider with a stored secret and a model on it; gives the provider.
    pub async fn with_model(&self, upstream: &Upstream, model: &str, rates: Option<Value>) -> Value {
        let provider = self.post("/providers", upstream.draft("fake")).await;
        let price = rates.map(|rates| json!({"rates": rates}));
        let deployment = json!({"provider": "fake", "upstream_model": "up-1", "price": price});
        self.post("/models", json!({"name": model, "deployments": [deployment]})).await;
        provider
    }

    /// Asks the playground, reads the whole answer, and waits until it is on the ledger.
    pub async fn chat(&self, model: &str) -> (StatusCode, String, String) {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5});
        let request = Request::post("/api/v1/playground/chat").header("content-type", "application/json");
        let response = self.send(request.body(Body::from(body.to_string())).unwrap()).await;
        let (status, id) = (response.status(), response.headers()["x-request-id"].to_str().unwrap().to_owned());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(self.finished.lock().await.recv().await.unwrap(), id);
        (status, id, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// Asks as an app with a key does, reads the whole answer, and waits until it is on the ledger; gives the status,
    /// the request's id and the answer.
    pub async fn ask(&self, key: &str, model: &str, tags: &str) -> (u16, String, String) {
        let body =
            json!({"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5, "stream": true});
        let request = Request::post("/v1/chat/completions").header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {key}"));
        let request = if tags.is_empty() { request } else { request.header("x-megarouter-tags", tags) };
        let response = self.context.gateway.serve(request.body(Body::from(body.to_string())).unwrap()).await;
        let (status, id) = (response.status(), response.headers()["x-request-id"].to_str().unwrap().to_owned());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(self.finished.lock().await.recv().await.unwrap(), id);
        (status.as_u16(), id, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// Makes a unit; gives its id.
    pub async fn unit(&self, kind: &str, name: &str, parent: Option<&str>) -> String {
        let unit = self.post("/units", json!({"kind": kind, "name": name, "parent": parent})).await;
        unit["id"].as_str().unwrap().to_owned()
    }

    /// Makes a key that belongs to a unit; gives its id and its text.
    pub async fn key(&self, name: &str, owner: Option<&str>) -> (String, String) {
        let created = self.post("/keys", json!({"name": name, "owner": owner})).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&created["key"]["id"]), text(&created["secret"]))
    }
}

/// Says of every backup that is ordered that it was made.
async fn make_backups(mut orders: mpsc::Receiver<BackupOrder>) {
    while let Some(order) = orders.recv().await {
        let at = Timestamp::from_micros(START);
        let done =
            BackupDone { at, path: "/data/backup.db".to_owned(), bytes: 4_096, lsn: Lsn(1), is_encrypted: false };
        order.send(Ok(done)).unwrap();
    }
}

async fn write_journal(mut feed: JournalFeed, context: Arc<Context>, finished: mpsc::UnboundedSender<String>) {
    loop {
        let batch = feed.next_batch().await;
        let lsn = context.ledger.append(&batch).await.unwrap();
        feed.committed(lsn);
        for entry in &batch {
            if let Fact::Finished(record) = &entry.fact {
                context.request_finished(record);
                let _ = finished.send(record.request_id.to_string());
            }
        }
    }
}

/// A provider on this machine that knows one credential.
pub struct Upstream {
    pub base_url: String,
    pub secret: String,
}

impl Upstream {
    pub async fn start(secret: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let expected = format!("Bearer {secret}");
        let router =
            Router::new().fallback(move |request: Request<Body>| std::future::ready(answer(&request, &expected)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base_url, secret: secret.to_owned() }
    }

    /// What adds this provider.
    pub fn draft(&self, name: &str) -> Value {
        let credential = json!({"source": "stored", "secret": self.secret});
        json!({"name": name, "kind": "openai_compatible", "base_url": self.base_url, "credential": credential})
    }
}

fn answer(request: &Request<Body>, expected: &str) -> Response<Body> {
    let presented = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (status, kind, body) = if presented != expected {
        let message = format!("Incorrect API key provided: {presented}");
        (401, "application/json", json!({"error": {"message": message, "code": "invalid_api_key"}}).to_string())
    } else if request.uri().path().ends_with("/models") {
        (200, "application/json", json!({"object": "list", "data": [{"id": "up-1"}, {"id": "up-2"}]}).to_string())
    } else {
        (200, "text/event-stream", STREAM.to_owned())
    };
    Response::builder().status(status).header("content-type", kind).body(Body::from(body)).unwrap()
}

const STREAM: &str = concat!(
    r#"data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"Hello"},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    "\n\n",
    r#"data: {"id":"c1","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#,
    "\n\ndata: [DONE]\n\n",
);

/// The operations of the document: method, path and permission.
pub fn operations() -> Vec<(String, String, String)> {
    let document: HashMap<String, Value> = serde_json::from_str(&megarouter_api::openapi::to_json()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let permission = operation["x-permission"].as_str().unwrap_or_default();
            operations.push((method.to_uppercase(), path.clone(), permission.to_owned()));
        }
    }
    operations
}

pub fn fixed_port(port: u16) -> Listening {
    Listening { configured_port: ConfiguredPort::Fixed(port), port: Some(port), ..Listening::default() }
}
