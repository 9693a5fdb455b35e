//! The pipeline: one request, in order.
//!
//! accept (what is it for?) -> authenticate (whose key?) -> decode (which model, streamed or not?) ->
//! route (which deployments may this key use for it, in what order?) -> for each attempt: hold an amount,
//! splice the body, call the provider, relay and meter its answer -> settle.
//!
//! What a budget refuses is final: it says nothing of a provider, and the next one is paid from the same
//! purse, unless it is a model's or a provider's own budget. Fallback to the next attempt is possible until the
//! first useful byte reaches the client, and that byte waits until the hold is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode};
use megarouter_domain::access::Principal;
use megarouter_domain::clock::{Clock, Timestamp};
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::id::RequestId;
use megarouter_domain::record::Outcome;
use megarouter_domain::snapshot::Snapshot;
use megarouter_providers::client::Client;
use megarouter_routing::plan;
use tokio::sync::Semaphore;

use crate::abandoned;
use crate::accept::{self, Arrival, Incoming, Route};
use crate::attempt::{self, Planned};
use crate::attribution;
use crate::authenticate::authenticate;
use crate::body::Body;
use crate::books::Books;
use crate::copies::Keep;
use crate::decode::{self, Authenticated};
use crate::draft::Draft;
use crate::held_back;
use crate::idempotency::Names;
use crate::models;
use crate::pass_through::Through;
use crate::relay::Guard;
use crate::render::{Failure, render};
use crate::route;
use crate::settle::Attempt;
use crate::shadow;
use crate::world::{InForce, World};

/// Bounds on what a request may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// The longest pause while a request body arrives.
    pub body_idle: Duration,
    /// The largest answer that is not streamed, in bytes.
    pub max_answer_bytes: usize,
    /// How long a provider may take to its first output when the client asked for a stream.
    pub first_output: Duration,
    /// How long a provider may take to its whole answer when not.
    pub whole_answer: Duration,
    /// The longest pause in a provider's stream; comments do not count as a sign of life.
    pub stream_idle: Duration,
    /// The longest a stream may last.
    pub stream_total: Duration,
    /// How long a client whose answer is still being checked waits for a sign of life.
    pub keep_alive: Duration,
    /// How hard to try.
    pub plan: plan::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 32 * 1024 * 1024,
            body_idle: Duration::from_secs(15),
            max_answer_bytes: 64 * 1024 * 1024,
            first_output: Duration::from_secs(300),
            whole_answer: Duration::from_secs(600),
            stream_idle: Duration::from_secs(300),
            stream_total: Duration::from_secs(3_600),
            keep_alive: Duration::from_secs(10),
            plan: plan::Limits::default(),
        }
    }
}

/// The proxy.
pub struct Gateway {
    pub(crate) books: Arc<Books>,
    pub(crate) client: Client,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    /// How links into the program begin.
    pub(crate) link_base: Arc<str>,
    /// Idempotency keys.
    pub(crate) names: Arc<Names>,
    /// How many answers may be read to their end after their clients have left.
    pub(crate) abandoned: Arc<Semaphore>,
    /// What was seen and learnt.
    pub(crate) world: Arc<World>,
    /// Where copies of requests go; `None` where none are kept.
    pub(crate) copies: ArcSwapOption<Keep>,
    pub(crate) in_force: ArcSwap<InForce>,
    /// Microseconds since the epoch until which calls are refused; 0 when they are not.
    paused_until: AtomicI64,
}

impl Gateway {
    /// Puts a gateway together.
    pub fn new(snapshot: Snapshot, books: Arc<Books>, client: Client, clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self {
            books,
            client,
            clock,
            limits,
            link_base: Arc::from("megarouter://"),
            names: Arc::default(),
            abandoned: Arc::new(Semaphore::new(abandoned::MOST)),
            world: Arc::default(),
            copies: ArcSwapOption::empty(),
            in_force: ArcSwap::from_pointee(InForce::new(snapshot)),
            paused_until: AtomicI64::new(0),
        }
    }

    /// Sets how the links in refusals begin, which open the program at what explains them: up to and
    /// including the slash before the `#`.
    #[must_use]
    pub fn with_link_base(self, link_base: Arc<str>) -> Self {
        Self { link_base, ..self }
    }

    /// The configuration in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.in_force.load().snapshot)
    }

    /// Puts another configuration in force, for requests that start from now on.
    pub fn replace_snapshot(&self, snapshot: Snapshot) {
        let in_force = InForce::new(snapshot);
        let table = &in_force.table;
        let is_there = |id| table.served().iter().any(|served| served.deployment_id() == id);
        self.world.health_mut().keep_only(is_there);
        self.wake_replaced_credentials(&in_force.snapshot);
        self.in_force.store(Arc::new(in_force));
    }

    /// The ledger's books.
    pub fn books(&self) -> &Arc<Books> {
        &self.books
    }

    /// The HTTP client that calls providers.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Refuses calls until a time, or until [`Gateway::resume`]. Those under way go on.
    pub fn pause(&self, until: Option<Timestamp>) {
        self.paused_until.store(until.map_or(i64::MAX, Timestamp::as_micros), Ordering::Relaxed);
    }

    /// Takes calls again.
    pub fn resume(&self) {
        self.paused_until.store(0, Ordering::Relaxed);
    }

    /// `Some` while calls are refused; the inner time is when that ends by itself.
    pub fn pause_state(&self) -> Option<Option<Timestamp>> {
        let until = self.paused_until.load(Ordering::Relaxed);
        (self.clock.now().as_micros() < until).then(|| (until != i64::MAX).then(|| Timestamp::from_micros(until)))
    }

    /// Answers a request of an app.
    pub async fn serve<B>(self: &Arc<Self>, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        self.answer(request, None).await
    }

    /// Answers a request on behalf of a principal that was authenticated elsewhere.
    pub async fn serve_as<B>(self: &Arc<Self>, principal: Principal, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        self.answer(request, Some(principal)).await
    }

    async fn answer<B>(self: &Arc<Self>, request: Request<B>, principal: Option<Principal>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let (head, body) = request.into_parts();
        let arrival = accept::arrive(&head, self.books.instant(), self.clock.monotonic(), rand::random());
        let (request_id, arrived, dialect) = (arrival.request_id, arrival.monotonic, arrival.dialect);
        let answer = match accept::accept(arrival, head, body) {
            Ok(incoming) => self.run(incoming, principal).await,
            Err(failure) => Err(failure),
        };
        let mut response = answer.unwrap_or_else(|failure| render(&failure, dialect));
        let elapsed = self.clock.monotonic().saturating_sub(arrived);
        stamp(response.headers_mut(), request_id, dialect, elapsed);
        response
    }

    async fn run<B>(
        self: &Arc<Self>,
        incoming: Incoming<B>,
        principal: Option<Principal>,
    ) -> Result<Response<Body>, Failure>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let Incoming { arrival, route, method, headers, query, body } = incoming;
        if let Route::Health = route {
            return Ok(json(Bytes::from_static(br#"{"status":"alive"}"#)));
        }
        if let Route::Ready = route {
            return self.readiness();
        }
        let in_force = self.in_force.load_full();
        let snapshot = &in_force.snapshot;
        let principal = match principal {
            Some(principal) => principal,
            None => authenticate(snapshot, &headers, &query, arrival.at)?,
        };
        let dialect = arrival.dialect;
        match route {
            Route::Models => Ok(json(models::list(snapshot, &principal, dialect))),
            Route::Model(name) => models::show(snapshot, &principal, dialect, &name).map(json),
            Route::Call(asked) => {
                let authenticated = Authenticated { principal, asked, dialect, headers, body, in_force };
                self.call(&arrival, authenticated).await
            }
            Route::Feedback => self.take_feedback(principal, &headers, body).await,
            Route::KeptAnswer(_) => Err(not_kept()),
            Route::PassThrough { provider, path } => {
                let snapshot = Arc::clone(snapshot);
                let through = Through { principal, snapshot, provider, path, method, query, headers };
                self.pass_through(&arrival, through, body).await
            }
            Route::Health | Route::Ready => unreachable!("answered before authentication"),
        }
    }

    async fn call<B>(self: &Arc<Self>, arrival: &Arrival, from: Authenticated<B>) -> Result<Response<Body>, Failure>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let (key, operation) = (from.principal.key.id, from.asked.operation);
        let units = from.in_force.snapshot.units_of(key);
        let mut draft = Draft::begin(&self.books, &self.clock, arrival, key, units, operation);
        let planned = match self.plan(from, &mut draft).await {
            Ok(planned) => planned,
            Err(failure) => {
                draft.finish(Outcome::Refused, failure.status(arrival.dialect).as_u16(), Some(failure.code));
                return Err(failure);
            }
        };
        let copying = self.copy((arrival.request_id, arrival.at), key, operation, &planned.call.body);
        let shadow = shadow::of(self, &planned, &draft);
        let answer = self.attempt(planned, draft).await;
        let answer = match shadow {
            Some(shadow) => shadow.after(self, answer),
            None => answer,
        };
        match copying {
            Some(copying) => Ok(copying.of(answer.unwrap_or_else(|failure| render(&failure, arrival.dialect)))),
            None => answer,
        }
    }

    async fn attempt(self: &Arc<Self>, planned: Planned, draft: Draft) -> Result<Response<Body>, Failure> {
        if !planned.is_held_back() {
            return attempt::attempt(self, planned, draft).await;
        }
        let (gateway, every, dialect) = (Arc::clone(self), planned.limits.keep_alive, planned.call.dialect);
        let route = draft.decision().and_then(|decision| HeaderValue::from_str(&route::line(decision, None, 0)).ok());
        let work = Box::pin(async move { attempt::attempt(&gateway, planned, draft).await });
        held_back::answer(work, every, dialect, route).await
    }

    /// Everything that can refuse a call before a provider is chosen.
    async fn plan<B>(&self, from: Authenticated<B>, draft: &mut Draft) -> Result<Planned, Failure>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        draft.attributed(attribution::read(&from.headers)?);
        let decoded = decode::decode(from, &self.limits, &self.names, draft).await?;
        let planned = route::route(self, decoded, draft)?;
        self.refuse_while_paused()?;
        Ok(planned)
    }

    /// What a stream is told from that its budget ends; `None` where no budget minds.
    pub(crate) fn guard(&self, attempt: &Attempt, snapshot: &Arc<Snapshot>) -> Option<Guard> {
        let guard = || Guard { snapshot: Arc::clone(snapshot), link_base: Arc::clone(&self.link_base) };
        attempt.is_guarded().then(guard)
    }

    pub(crate) fn refuse_while_paused(&self) -> Result<(), Failure> {
        let Some(until) = self.pause_state() else { return Ok(()) };
        let message = match until {
            Some(until) => format!("MegaRouter is paused until {}. Resume it to go on sooner.", until.to_rfc3339()),
            None => "MegaRouter is paused. Resume it in its window or tray menu.".to_owned(),
        };
        let retry_after = until.map(|until| until.since(self.clock.now()));
        Err(Failure { retry_after, ..Failure::new(Code::ProxyPaused, message) })
    }

    fn readiness(&self) -> Result<Response<Body>, Failure> {
        if let Some(failure) = self.books.durability().failure {
            let message = format!("The ledger cannot take entries: {failure}.");
            return Err(Failure::new(Code::LedgerUnavailable, message));
        }
        self.refuse_while_paused()?;
        Ok(json(Bytes::from_static(br#"{"status":"ready"}"#)))
    }
}

fn not_kept() -> Failure {
    let message = "Answers are not kept here, so there is none to show or delete. Keep the whole conversation in your app \
                   and send it with each request.";
    Failure { status: Some(StatusCode::NOT_FOUND), ..Failure::new(Code::RequestUnsupported, message) }
}

pub(crate) fn json(body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::full(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Headers that every answer carries.
fn stamp(headers: &mut HeaderMap, request_id: RequestId, dialect: Dialect, elapsed: Duration) {
    let id = HeaderValue::from_str(&request_id.to_string()).expect("a UUID is visible ASCII");
    headers.insert("x-request-id", id.clone());
    if dialect == Dialect::Anthropic {
        // The SDK reads the id from here; a provider's own stays where it put it.
        headers.entry("request-id").or_insert(id);
    }
    if matches!(dialect, Dialect::OpenAiChat | Dialect::OpenAiResponses) {
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        headers.insert("openai-processing-ms", HeaderValue::from(millis));
        headers.insert("openai-version", HeaderValue::from_static("2020-10-01"));
    }
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
}
