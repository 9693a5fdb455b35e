//! A provider that plays a script over real sockets, and a gateway in front of it.

#![expect(clippy::unwrap_used, reason = "a test kit may panic")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses a part of it")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use megarouter_domain::budget::{Action, Basis, Budget, Measure, Rung, UnknownPrice};
use megarouter_domain::clock::{Clock, Timestamp};
use megarouter_domain::dialect::Dialect;
use megarouter_domain::facts::Facts;
use megarouter_domain::id::{
    BudgetId, CredentialId, DeploymentId, KeyId, ModelId, OrganizationId, PolicyId, PriceId, ProviderId, UnitId,
};
use megarouter_domain::key::{KeyHash, ModelAccess, VirtualKey};
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::period::Period;
use megarouter_domain::policy::{Policy, Version};
use megarouter_domain::price::{Price, Rates, Tariff};
use megarouter_domain::provider::{Credential, CredentialSource, Provider, Target};
use megarouter_domain::record::UsageRecord;
use megarouter_domain::scope::Scope;
use megarouter_domain::secret::Secret;
use megarouter_domain::snapshot::{Parts, Snapshot};
use megarouter_domain::unit::{Unit, UnitKind, Units};
use megarouter_gateway::{Body, Books, Gateway, JournalFeed, Limits};
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Entry, Fact, Lsn, Resolution};
use megarouter_ledger::limits::Limits as Limited;
use megarouter_ledger::state::State;
use megarouter_providers::client::{Client, ClientOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub const KEY: &str = "mr-test-key-0123456789";
pub const NARROW_KEY: &str = "mr-narrow-key-0123456789";

/// The tests' clock: the system's, as the gateway measures real sockets here, and as far ahead of it as a
/// test wants.
struct RealClock {
    start: std::time::Instant,
    ahead_ms: Arc<AtomicU64>,
}

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        START.plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed() + Duration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }
}

/// What the provider does with one request.
#[derive(Clone)]
pub enum Play {
    /// Sends these bytes and closes.
    Close(Vec<u8>),
    /// Sends these bytes and then waits for the other side to close.
    Hang(Vec<u8>),
    /// Sends the first bytes and then the others again and again, a piece at a time, until the other side
    /// closes.
    Drip(Vec<u8>, Vec<u8>),
    /// Sends the first bytes, waits for [`Upstream::release`], sends the others and closes.
    Wait(Vec<u8>, Vec<u8>),
}

/// What the provider saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub requests: Vec<String>,
    /// Connections that the other side closed while the provider was waiting.
    pub hung_up: usize,
}

pub struct Upstream {
    pub base_url: String,
    seen: watch::Receiver<Seen>,
    released: watch::Sender<bool>,
}

impl Upstream {
    /// Plays the script, one part per request; the last part repeats.
    pub async fn start(script: Vec<Play>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (sender, seen) = watch::channel(Seen::default());
        let sender = Arc::new(sender);
        let released = watch::Sender::new(false);
        let is_released = released.subscribe();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(play(stream, script.clone(), Arc::clone(&sender), is_released.clone()));
            }
        });
        Self { base_url, seen, released }
    }

    /// Lets what waits go on.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    pub async fn until(&mut self, is_so: impl FnMut(&Seen) -> bool) {
        tokio::time::timeout(Duration::from_secs(5), self.seen.wait_for(is_so)).await.expect("in time").unwrap();
    }
}

async fn play(
    mut stream: TcpStream,
    script: Vec<Play>,
    seen: Arc<watch::Sender<Seen>>,
    mut is_released: watch::Receiver<bool>,
) {
    let Some(request) = read_request(&mut stream).await else { return };
    let mut number = 0;
    seen.send_modify(|seen| {
        number = seen.requests.len();
        seen.requests.push(request);
    });
    match script.get(number).or(script.last()).cloned().unwrap() {
        Play::Close(bytes) => {
            stream.write_all(&bytes).await.ok();
            stream.shutdown().await.ok();
        }
        Play::Drip(first, bytes) => {
            stream.set_nodelay(true).unwrap();
            stream.write_all(&first).await.ok();
            while stream.write_all(&bytes).await.is_ok() {
                for _ in 0..4 {
                    tokio::task::yield_now().await;
                }
            }
            seen.send_modify(|seen| seen.hung_up += 1);
        }
        Play::Wait(first, bytes) => {
            stream.write_all(&first).await.ok();
            is_released.wait_for(|is_released| *is_released).await.ok();
            stream.write_all(&bytes).await.ok();
            stream.shutdown().await.ok();
        }
        Play::Hang(bytes) => {
            stream.write_all(&bytes).await.ok();
            let mut rest = [0; 64];
            while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
            seen.send_modify(|seen| seen.hung_up += 1);
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(text);
        }
    }
}

/// An HTTP answer with a JSON body.
pub fn json(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").into()
}

/// The head of a stream and its events, without an end of its own.
pub fn events(events: &[&str]) -> Vec<u8> {
    let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{body}").into()
}

pub const ROLE: &str = r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
pub const HELLO: &str = r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}"#;
pub const STOP: &str = r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
pub const USAGE: &str = r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#;
pub const DONE: &str = "[DONE]";
pub const ANSWER: &str = r#"{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#;

/// Writes entries "down" as they come, unless told not to.
pub struct Journal {
    entries: Arc<Mutex<Vec<Entry>>>,
    progress: watch::Receiver<usize>,
}

impl Journal {
    fn run(mut feed: JournalFeed, is_writing: watch::Receiver<bool>) -> Self {
        let entries = Arc::new(Mutex::new(Vec::new()));
        let (sender, progress) = watch::channel(0);
        let written = Arc::clone(&entries);
        let mut is_writing = is_writing;
        tokio::spawn(async move {
            loop {
                let batch = feed.next_batch().await;
                if is_writing.wait_for(|is_writing| *is_writing).await.is_err() {
                    return;
                }
                let Some(last) = batch.last().map(|entry| entry.lsn) else { continue };
                written.lock().unwrap().extend(batch);
                feed.committed(last);
                sender.send_replace(written.lock().unwrap().len());
            }
        });
        Self { entries, progress }
    }

    /// Waits for the record of the first finished request.
    pub async fn record(&mut self) -> UsageRecord {
        let entries = Arc::clone(&self.entries);
        let finished = move || {
            let entries = entries.lock().unwrap();
            entries.iter().find_map(|entry| match &entry.fact {
                Fact::Finished(record) => Some(UsageRecord::clone(record)),
                _ => None,
            })
        };
        let progress = self.progress.wait_for(|_| finished().is_some());
        tokio::time::timeout(Duration::from_secs(5), progress).await.expect("a record in time").unwrap();
        finished().unwrap()
    }

    /// How each hold ended, in order.
    pub fn resolutions(&self) -> Vec<Resolution> {
        let entries = self.entries.lock().unwrap();
        let resolution = |entry: &Entry| match &entry.fact {
            Fact::Resolve { resolution, .. } => Some(*resolution),
            _ => None,
        };
        entries.iter().filter_map(resolution).collect()
    }

    /// What happened so far, in order.
    pub fn facts(&self) -> Vec<Fact> {
        self.entries.lock().unwrap().iter().map(|entry| entry.fact.clone()).collect()
    }

    /// The records of the requests that finished, in order, once there are so many.
    pub async fn records(&mut self, count: usize) -> Vec<UsageRecord> {
        let entries = Arc::clone(&self.entries);
        let finished = move || {
            let entries = entries.lock().unwrap();
            let record = |entry: &Entry| match &entry.fact {
                Fact::Finished(record) => Some(UsageRecord::clone(record)),
                _ => None,
            };
            entries.iter().filter_map(record).collect::<Vec<_>>()
        };
        let progress = self.progress.wait_for(|_| finished().len() >= count);
        tokio::time::timeout(Duration::from_secs(5), progress).await.expect("records in time").unwrap();
        finished()
    }

    pub fn holds(&self) -> usize {
        self.entries.lock().unwrap().iter().filter(|entry| matches!(entry.fact, Fact::Hold(_))).count()
    }
}

pub struct Kit {
    pub gateway: Arc<Gateway>,
    pub journal: Journal,
    pub is_writing: watch::Sender<bool>,
    ahead_ms: Arc<AtomicU64>,
}

impl Kit {
    /// Lets time pass for the gateway's clock.
    pub fn pass(&self, time: Duration) {
        self.ahead_ms.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

/// A gateway whose model `m` is served by these providers in order.
pub fn gateway(upstreams: &[&Upstream], limits: Limits) -> Kit {
    set_up(upstreams, Setup { limits, ..Setup::default() })
}

/// What differs between gateways.
pub struct Setup {
    pub limits: Limits,
    /// The record of every provider.
    pub kind: &'static str,
    /// The records of the providers, where they differ.
    pub kinds: &'static [&'static str],
    /// The wire formats that providers are called in; empty for the usual ones.
    pub dialects: Vec<Dialect>,
    pub max_output_tokens: Option<u64>,
    /// Whether the model has a price.
    pub has_price: bool,
    /// What a search of the web costs, in nano-dollars.
    pub search: u64,
    pub budgets: Vec<Budget>,
    /// The models; none for one that is called `m` and served by every provider in order.
    pub offers: Vec<Offer>,
    pub policies: Vec<Policy>,
    /// What [`NARROW_KEY`] may use.
    pub narrow: &'static [&'static str],
    /// The credentials of every provider; none for providers that need none.
    pub credentials: &'static [&'static str],
}

/// A model that one provider serves, as `up`.
#[derive(Clone)]
pub struct Offer {
    pub model: &'static str,
    /// The place of its provider.
    pub by: usize,
    /// How many times the usual price it costs.
    pub dear: u64,
    pub facts: Facts,
}

impl Offer {
    /// One at the usual price, of which nothing else is known.
    pub fn new(model: &'static str, by: usize) -> Self {
        Self { model, by, dear: 1, facts: Facts::default() }
    }

    pub fn dear(self, dear: u64) -> Self {
        Self { dear, ..self }
    }
}

/// Offers of these models, each by the provider of the same place.
pub fn offers(models: &[&'static str]) -> Vec<Offer> {
    (0..).zip(models).map(|(by, model)| Offer::new(model, by)).collect()
}

/// A policy with one rule for everything.
pub fn policy(name: &str, route: &Value) -> Policy {
    policy_of(name, &json!({ "rules": [{ "name": "All", "route": route }] }))
}

/// A policy with this body.
pub fn policy_of(name: &str, body: &Value) -> Policy {
    Policy {
        id: PolicyId::new(START, [1; 10]),
        name: name.to_owned(),
        description: String::new(),
        live: version(1, body),
        trial: None,
        created_at: START,
        archived_at: None,
    }
}

pub fn version(number: u32, body: &Value) -> Version {
    let body = serde_json::from_value(body.clone()).unwrap();
    Version { number, body, text: None, note: String::new(), made_at: START }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            kind: "openai_compatible",
            kinds: &[],
            dialects: vec![],
            max_output_tokens: None,
            has_price: true,
            search: 0,
            budgets: vec![],
            offers: vec![],
            policies: vec![],
            narrow: &["other"],
            credentials: &[],
        }
    }
}

pub fn set_up(upstreams: &[&Upstream], setup: Setup) -> Kit {
    let ahead_ms = Arc::<AtomicU64>::default();
    let start = std::time::Instant::now();
    let clock: Arc<dyn Clock> = Arc::new(RealClock { start, ahead_ms: Arc::clone(&ahead_ms) });
    let now = clock.now();
    let budgets = Limited::new(&setup.budgets, &Units::new([team()]).unwrap(), UnknownPrice::Deny);
    let (engine, first) = Engine::start(State::default(), Arc::new(budgets), &[], "test", now);
    let (books, feed) = Books::open(engine, first, Lsn(0), Arc::clone(&clock));
    let (is_writing, writing) = watch::channel(true);
    let limits = setup.limits;
    let snapshot = snapshot(upstreams, setup, START);
    let client = Client::new(&ClientOptions::default()).unwrap();
    let gateway = Gateway::new(snapshot, books, client, clock, limits).with_link_base("https://mr.example/".into());
    Kit { gateway: Arc::new(gateway), journal: Journal::run(feed, writing), is_writing, ahead_ms }
}

/// When everything was made; shortly before the first request.
pub const START: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

/// The team that [`KEY`] belongs to.
pub fn team() -> Unit {
    Unit {
        id: UnitId::new(START, [1; 10]),
        kind: UnitKind::Team,
        name: "Payments".to_owned(),
        parent: None,
        email: None,
        created_at: START,
        archived_at: None,
    }
}

/// A monthly budget of the team that refuses at its limit, in nano-dollars.
pub fn budget(limit: u64) -> Budget {
    Budget {
        id: BudgetId::new(START, [1; 10]),
        name: String::new(),
        scope: Scope::Unit(team().id),
        each: None,
        measure: Measure::Cost,
        limit,
        period: Period::Month { starts_on: 1 },
        zone: "Europe/Berlin".parse().unwrap(),
        carries_over: false,
        is_strict: false,
        ladder: vec![Rung { at_percent: 100, basis: Basis::Actual, action: Action::Stop }],
        raises: vec![],
        created_at: START,
        archived_at: None,
    }
}

fn snapshot(upstreams: &[&Upstream], setup: Setup, now: Timestamp) -> Snapshot {
    let ids: Vec<_> =
        (0..).zip(upstreams).map(|(seed, upstream)| (ProviderId::new(now, [seed; 10]), upstream)).collect();
    let target = |(number, (id, upstream)): (usize, &(ProviderId, &&Upstream))| Target {
        provider: Provider {
            id: *id,
            name: format!("p{number}"),
            kind: setup.kinds.get(number).unwrap_or(&setup.kind).to_string(),
            base_url: upstream.base_url.clone(),
            credential: CredentialSource::None,
            dialects: setup.dialects.clone(),
            is_enabled: true,
            region: None,
            keeps_prompts: None,
            pool: vec![],
        },
        credential: setup.credentials.first().map_or(Credential::None, |text| ready(text)),
        pool: setup
            .credentials
            .iter()
            .enumerate()
            .skip(1)
            .map(|(seed, text)| (credential_id(seed), ready(text)))
            .collect(),
    };
    let rates = |dear: u64| Rates {
        input: NanoUsdPerMillion(dear * 1_000_000_000),
        output: NanoUsdPerMillion(dear * 2_000_000_000),
        search: (setup.search > 0).then(|| NanoUsdPerMillion(setup.search * 1_000_000)),
        ..Rates::default()
    };
    let price = |dear: u64| Price {
        id: PriceId::new(now, [9; 10]),
        valid_from: now,
        tariff: Tariff::of(rates(dear)),
        source: "test".to_owned(),
    };
    let deployment = |id: DeploymentId, provider: ProviderId, dear: u64| Deployment {
        id,
        provider_id: provider,
        upstream_model: "up".to_owned(),
        price: setup.has_price.then(|| price(dear)),
        max_output_tokens: setup.max_output_tokens,
        can_reason: None,
    };
    let model = |seed: u8, name: &str, aliases: &[&str], deployments: Vec<Deployment>| Model {
        id: ModelId::new(now, [seed; 10]),
        name: name.to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        deployments,
        created_at: now,
    };
    let offered = |(seed, offer): (u8, &Offer)| {
        let id = DeploymentId::new(now, [seed; 10]);
        model(seed, offer.model, &[], vec![deployment(id, ids[offer.by].0, offer.dear)])
    };
    let models: Vec<_> = if setup.offers.is_empty() {
        let all = ids.iter().map(|(id, _)| deployment(DeploymentId::from_uuid(id.as_uuid()), *id, 1)).collect();
        vec![model(1, "m", &["alias"], all)]
    } else {
        (1..).zip(&setup.offers).map(offered).collect()
    };
    let facts = (1..).zip(&setup.offers).map(|(seed, offer)| (DeploymentId::new(now, [seed; 10]), offer.facts.clone()));
    let narrow = ModelAccess::Only(setup.narrow.iter().map(|name| (*name).to_owned()).collect());
    let keys = vec![key(1, KEY, ModelAccess::All, now), key(2, NARROW_KEY, narrow, now)];
    let targets = ids.iter().enumerate().map(target).collect();
    let parts = Parts {
        organization: OrganizationId::new(now, [0; 10]),
        organization_name: "Acme".into(),
        units: vec![team()],
        budgets: setup.budgets,
        keys,
        targets,
        models,
        facts: facts.collect::<HashMap<_, _>>(),
        policies: setup.policies.clone(),
    };
    Snapshot::new(parts).unwrap()
}

/// The id of a further credential, by its place.
pub fn credential_id(place: usize) -> CredentialId {
    CredentialId::new(START, [u8::try_from(place).unwrap(); 10])
}

fn ready(text: &str) -> Credential {
    Credential::Ready(Arc::new(Secret::new(text.to_owned())))
}

fn key(seed: u8, text: &str, models: ModelAccess, now: Timestamp) -> VirtualKey {
    VirtualKey {
        id: KeyId::new(now, [seed; 10]),
        name: format!("key {seed}"),
        owner: Some(team().id),
        project: None,
        hint: String::new(),
        hash: Some(KeyHash::of(text)),
        models,
        is_strict: false,
        created_at: now,
        expires_at: None,
        revoked_at: None,
    }
}

/// A chat request as an SDK sends it.
pub fn chat(key: &str, body: &str) -> Request<Full<Bytes>> {
    Request::post("/v1/chat/completions")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap()
}

/// A request as an SDK of Anthropic's sends it.
pub fn anthropic(body: &str, headers: &[(&str, &str)], path: &str) -> Request<Full<Bytes>> {
    let mut request = Request::post(path).header("x-api-key", KEY).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()
}

/// Reads a body to its end; the flag says whether that was a proper one.
pub async fn read(response: Response<Body>) -> (u16, String, bool) {
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(frame.data_ref().unwrap()),
            Err(_) => return (status, String::from_utf8(bytes).unwrap(), false),
        }
    }
    (status, String::from_utf8(bytes).unwrap(), true)
}

/// A request in any dialect, as its SDK sends it.
pub fn ask(dialect: Dialect, body: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let path = match dialect {
        Dialect::OpenAiChat => "/v1/chat/completions",
        Dialect::OpenAiResponses => "/v1/responses",
        Dialect::Anthropic => "/v1/messages",
        Dialect::Gemini => "/v1beta/models/m:streamGenerateContent?alt=sse",
        Dialect::BedrockConverse => panic!("no client speaks it"),
    };
    let mut request =
        Request::post(path).header("authorization", format!("Bearer {KEY}")).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()
}
