//! The job over real stores, with sources on this machine and a clock that the test turns. The setting
//! wakes the job, as it does when a person changes it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use megarouter_api::access::Caller;
use megarouter_api::catalog::Addresses;
use megarouter_api::configuration::Reread;
use megarouter_api::router::router;
use megarouter_api::status::Mode;
use megarouter_domain::clock::Clock;
use megarouter_domain::id::ProviderId;
use megarouter_domain::provider::{CredentialSource, Provider};
use megarouter_store::settings::Change;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, yield_now};
use tower::ServiceExt as _;

use super::*;
use crate::config::{Common, Config, Secrets, Sections};
use crate::jobs::journal_writer;
use crate::program::Program;
use crate::stores::{Opened, Surroundings, close};

const PATIENCE: Duration = Duration::from_secs(60);
const MODEL: &str = "gpt-5.1";

/// Both sources: LiteLLM's map is what a test put there, models.dev's list stays the same.
struct Sources {
    map: Mutex<String>,
    /// The status of every answer.
    answered: Mutex<Vec<u16>>,
}

impl Sources {
    async fn start() -> (Arc<Self>, Addresses) {
        let sources = Arc::new(Self { map: Mutex::new(map(1.5)), answered: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let service = Router::new().fallback(serve).with_state(Arc::clone(&sources));
        tokio::spawn(async move { axum::serve(listener, service).await });
        let addresses = Addresses { litellm: format!("http://{at}/map"), models_dev: format!("http://{at}/list") };
        (sources, addresses)
    }

    fn set(&self, map: String) {
        *self.map.lock().unwrap() = map;
    }

    /// What was answered since it was asked last.
    fn answered(&self) -> Vec<u16> {
        std::mem::take(&mut self.answered.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn serve(State(sources): State<Arc<Sources>>, request: Request<Body>) -> Response<Body> {
    let content = match request.uri().path() {
        "/map" => sources.map.lock().unwrap().clone(),
        _ => json!({"openai": {"models": {MODEL: {"name": "From the list"}}}}).to_string(),
    };
    let (_, end) = content.split_at(content.len().saturating_sub(40));
    let etag = format!("\"{}-{}\"", content.len(), end.bytes().map(u64::from).sum::<u64>());
    let is_known = request.headers().get("if-none-match").is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let status = if is_known { 304 } else { 200 };
    sources.answered.lock().unwrap().push(status);
    let body = if is_known { Body::empty() } else { Body::from(content) };
    Response::builder().status(status).header("etag", etag).body(body).unwrap()
}

/// A map as rich as the embedded catalogue; a million tokens of input of [`MODEL`] cost this.
fn map(input: f64) -> String {
    let line = |input: f64| {
        json!({"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": input / 1e6,
            "output_cost_per_token": 1e-5})
    };
    let embedded = megarouter_catalog::embedded();
    // OpenAI's ids have no slashes, and a point tells the maker as well.
    let ids = embedded.models().iter().map(|model| model.id.replace('/', "."));
    let ids = ids.flat_map(|id| [format!("{id}-next"), id]);
    let mut lines: BTreeMap<_, _> = ids.map(|id| (id, line(3.0))).collect();
    lines.insert(MODEL.to_owned(), line(input));
    // Last, so that the tag of the edition is another one for another price.
    lines.insert("~".to_owned(), line(input));
    json!(lines).to_string()
}

/// The wall clock that a test turns.
struct TurnClock {
    wall: AtomicI64,
    started: Instant,
}

impl Clock for TurnClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

impl TurnClock {
    fn turn(&self, forward: Duration) {
        self.wall.fetch_add(i64::try_from(forward.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

/// A control API and the job beside it.
struct Running {
    api: Router,
    context: Arc<Context>,
    ending: CancellationToken,
    job: JoinHandle<((), ())>,
}

impl Running {
    async fn start(folder: &Path, clock: &Arc<TurnClock>, sources: Addresses) -> Self {
        let secrets = Secrets { key_source: Some("file".to_owned()), ..Secrets::default() };
        let common = Common { data_dir: Some(folder.to_owned()), secrets, ..Common::default() };
        let mut config = Config::load(common, Sections::default()).unwrap();
        let program = Arc::new(Program::new(&config, Mode::Serve, None));
        let opened = Opened::open(&mut config, &**clock).await.unwrap();
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        let (backups, _) = tokio::sync::mpsc::channel(1);
        let (signals, _) = tokio::sync::mpsc::channel(1);
        let link_base = "megarouter://".into();
        let surroundings = Surroundings { sources, backups, signals, hub: None, link_base };
        let (context, feed) = opened.into_context(&config, clock, &program, surroundings).unwrap();
        let ending = CancellationToken::new();
        let (refreshing, writing) = (run(Arc::clone(&context), ending.clone()), Arc::clone(&context));
        let writing = journal_writer::run(feed, writing, ending.clone());
        let job = tokio::spawn(async move { tokio::join!(refreshing, writing) });
        Self { api: router(Arc::clone(&context)), context, ending, job }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        let mut request =
            request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
        request.extensions_mut().insert(Caller::OWNER);
        let answer = self.api.clone().oneshot(request).await.unwrap();
        let is_success = answer.status().is_success();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(is_success, "{method} {path}: {}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Adds a provider of a kind that the catalogue knows, at an address where nothing listens.
    async fn configure_openai(&self) {
        let provider = Provider {
            id: ProviderId::new(self.context.now(), self.context.entropy()),
            name: "openai".to_owned(),
            kind: "openai".to_owned(),
            base_url: "http://127.0.0.1:9/v1".to_owned(),
            credential: CredentialSource::None,
            dialects: vec![],
            is_enabled: true,
            region: None,
            keeps_prompts: None,
            pool: vec![],
        };
        self.context.change(vec![Change::PutProvider(provider)], Reread::All, &[]).await.unwrap();
    }

    async fn turn(&self, is_on: bool) {
        self.call("PATCH", "/settings", json!({"catalogue_refresh": is_on})).await;
    }

    /// Waits for a state of the catalogue.
    async fn until(&self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.call("GET", "/catalog/status", Value::Null).await;
            if is_wanted(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "{status}");
            yield_now().await;
        }
    }

    /// Wakes the job, which has something to do, and waits until that is done and the job is at rest: it
    /// would take a clock that is turned before that for the end of its rest.
    async fn attempted(&self) -> Value {
        let now = json!(self.context.now().to_rfc3339());
        self.turn(true).await;
        let is_done = |status: &Value| status["last_attempt"] == now && status["is_running"] == false;
        self.until(|status| is_done(status) && status["next_attempt"].as_str() > now.as_str()).await
    }

    async fn price(&self) -> Value {
        self.call("GET", "/models", Value::Null).await[0]["deployments"][0]["price"].clone()
    }

    async fn end(self) {
        let Self { api, context, ending, job } = self;
        ending.cancel();
        job.await.unwrap();
        drop(api);
        close(context).await;
    }
}

#[tokio::test]
async fn the_catalogue_is_refreshed_when_that_is_on_and_is_never_worse_than_before() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TurnClock { wall: AtomicI64::new(1_795_356_000_000_000), started: Instant::now() });
    let (sources, addresses) = Sources::start().await;
    let running = Running::start(folder.path(), &clock, addresses.clone()).await;
    running.configure_openai().await;
    running.call("POST", "/models/adopt", json!({"models": [{"provider": "openai", "upstream_model": MODEL}]})).await;
    let first = running.price().await;
    assert_eq!(first["rates"]["input"], "1.25", "what came with the program");

    // Nobody turned it on.
    clock.turn(2 * DAY);
    assert_eq!(sources.answered(), [0_u16; 0]);

    let status = running.attempted().await;
    assert_eq!((&status["origin"], &status["last_error"]), (&json!("refreshed"), &Value::Null), "{status}");
    assert_eq!((sources.answered(), &status["prices_changed"]), (vec![200, 200], &json!(1)));
    let renewed = running.price().await;
    assert_eq!(renewed["rates"]["input"], "1.5");
    assert!(renewed["source"].as_str().unwrap().starts_with("catalogue ") && renewed["id"] != first["id"]);
    let kept = std::fs::read(folder.path().join("catalogue/catalogue.gz")).unwrap();

    // A day is not over. Off and on again, which tells that the job has seen it.
    running.turn(false).await;
    running.until(|status| status["next_attempt"].is_null()).await;
    running.turn(true).await;
    running.until(|status| status["next_attempt"].as_str() > status["last_attempt"].as_str()).await;
    assert_eq!(sources.answered(), [0_u16; 0]);

    // The same editions.
    clock.turn(2 * DAY);
    let status = running.attempted().await;
    assert_eq!((sources.answered(), &status["last_error"]), (vec![304, 304], &Value::Null));
    assert_eq!(running.price().await, renewed);

    // What is no map, and one that lost nearly everything.
    for broken in ["<html>", r#"{"gpt-1": {"litellm_provider": "openai", "input_cost_per_token": 1e-6}}"#] {
        sources.set(broken.to_owned());
        clock.turn(2 * DAY);
        let status = running.attempted().await;
        assert!(status["last_error"].is_string() && status["origin"] == "refreshed", "{status}");
        assert!(status["last_success"].as_str() < status["last_attempt"].as_str());
        assert_eq!(sources.answered(), [200, 304]);
        assert_eq!(running.price().await, renewed);
    }
    assert_eq!(std::fs::read(folder.path().join("catalogue/catalogue.gz")).unwrap(), kept);

    // Turned off again.
    sources.set(map(1.75));
    clock.turn(2 * DAY);
    running.turn(false).await;
    running.until(|status| status["next_attempt"].is_null()).await;
    assert_eq!(sources.answered(), [0_u16; 0]);
    running.end().await;

    let running = Running::start(folder.path(), &clock, addresses).await;
    let status = running.call("GET", "/catalog/status", Value::Null).await;
    assert_eq!((&status["origin"], &status["last_error"]), (&json!("refreshed"), &Value::Null));
    let path = format!("/catalog/model?kind=openai&id={MODEL}");
    assert_eq!(running.call("GET", &path, Value::Null).await["price"]["input"], "1.5", "the kept one");
    assert_eq!(sources.answered(), [0_u16; 0]);
    running.attempted().await;
    assert_eq!((sources.answered(), &running.price().await["rates"]["input"]), (vec![200, 304], &json!("1.75")));
    running.end().await;
}

#[test]
fn the_clock_is_looked_at_when_it_is_time_and_once_an_hour() {
    let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
    assert_eq!(rest(at(0), None), HOUR);
    assert_eq!(rest(at(0), Some(at(90))), Duration::from_secs(90));
    assert_eq!(rest(at(0), Some(at(90_000))), HOUR);
    assert_eq!(rest(at(90), Some(at(0))), Duration::from_secs(1));
}

#[test]
fn a_random_while_stays_in_its_bounds() {
    assert!((0..100).all(|_| (MINUTE..=HOUR).contains(&random(MINUTE, HOUR))));
}
