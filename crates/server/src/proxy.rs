//! The proxy's listener, which can move to another port while the program runs.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use megarouter_gateway::guard::{self, Guard, Verdict};
use megarouter_gateway::{Body, Gateway};
use tokio::sync::Mutex;

use crate::config::Config;
use crate::listeners::{Answer, BindError, Caps, Patience, Refusal, Stop, bind, refuse, serve_tcp};
use crate::program::Program;

/// Whether the program knows what to decide requests on. It does from the start, but for a node that
/// never reached its hub.
#[derive(Debug)]
pub struct Readiness {
    is_configured: AtomicBool,
}

impl Readiness {
    /// As it is at the start.
    pub fn new(is_configured: bool) -> Self {
        Self { is_configured: AtomicBool::new(is_configured) }
    }

    /// Notes that the settings are there.
    pub fn configured(&self) {
        self.is_configured.store(true, Ordering::Release);
    }

    /// True when they are.
    pub fn is_configured(&self) -> bool {
        self.is_configured.load(Ordering::Acquire)
    }

    /// Why a request is turned away; `None` when it is not.
    fn refusal(&self, path: &str) -> Option<Refusal> {
        let is_answered = self.is_configured() || path == "/healthz";
        (!is_answered).then_some(Refusal::Unconfigured)
    }
}

/// The proxy's listener.
pub struct Proxy {
    gateway: Arc<Gateway>,
    readiness: Arc<Readiness>,
    program: Arc<Program>,
    hosts: Vec<IpAddr>,
    allowed_hosts: Vec<String>,
    allowed_origins: Vec<String>,
    caps: Arc<Caps>,
    patience: Patience,
    grace: Duration,
    open: Mutex<Option<Open>>,
}

struct Open {
    port: u16,
    stop: Stop,
}

impl Proxy {
    /// A proxy that does not listen yet.
    pub fn new(gateway: Arc<Gateway>, readiness: Arc<Readiness>, program: Arc<Program>, config: &Config) -> Self {
        Self {
            gateway,
            readiness,
            program,
            hosts: config.hosts.clone(),
            allowed_hosts: config.allowed_hosts.clone(),
            allowed_origins: config.allowed_origins.clone(),
            caps: Caps::new(config.connections, config.connections_per_peer),
            patience: patience(config),
            grace: config.timeouts.grace,
            open: Mutex::new(None),
        }
    }

    /// Listens on a port; 0 takes a free one. What listened on another port before goes on until its
    /// requests end, and goes on as before when the new port cannot be taken.
    ///
    /// # Errors
    /// When the port is taken; [`Program`] then says why.
    pub async fn listen(&self, port: u16) -> Result<(), BindError> {
        let mut open = self.open.lock().await;
        if open.as_ref().is_some_and(|open| open.port == port) {
            return Ok(());
        }
        let listeners = match bind(&self.hosts, port).await {
            Ok(listeners) => listeners,
            Err(error) => {
                if open.is_none() {
                    self.program.does_not_listen(&error);
                }
                return Err(error);
            }
        };
        let addresses: Vec<SocketAddr> = listeners.iter().map(crate::listeners::Listener::address).collect();
        let port = addresses.first().map_or(port, SocketAddr::port);
        let guard = Arc::new(Guard::new(port, &self.allowed_hosts, &self.allowed_origins));
        let stop = Stop::default();
        for listener in listeners {
            let (gateway, readiness) = (Arc::clone(&self.gateway), Arc::clone(&self.readiness));
            let answer = ProxyAnswer { gateway, readiness, guard: Arc::clone(&guard) };
            stop.tasks.spawn(serve_tcp(listener, answer, Arc::clone(&self.caps), self.patience, stop.clone()));
        }
        self.program.listens(&addresses);
        if let Some(before) = open.replace(Open { port, stop }) {
            let grace = self.grace;
            tokio::spawn(async move { before.stop.end(grace).await });
        }
        Ok(())
    }

    /// Stops listening: true when every request came to its end within the grace.
    pub async fn end(&self) -> bool {
        match self.open.lock().await.take() {
            Some(open) => open.stop.end(self.grace).await,
            None => true,
        }
    }
}

/// The time and space that connections get by the configuration.
pub fn patience(config: &Config) -> Patience {
    Patience {
        header_bytes: config.header_bytes,
        first_byte: config.timeouts.first_byte,
        header: config.timeouts.header,
        idle: config.timeouts.idle,
        read_stall: config.timeouts.read_stall,
    }
}

/// Answers apps: the guard first, then the gateway.
#[derive(Clone)]
struct ProxyAnswer {
    gateway: Arc<Gateway>,
    readiness: Arc<Readiness>,
    guard: Arc<Guard>,
}

impl Answer for ProxyAnswer {
    const TELLS_CUT_STREAMS: bool = true;

    type Body = Body;

    async fn answer(&self, request: Request<Incoming>, _peer: Option<IpAddr>) -> Response<Body> {
        let (head, body) = request.into_parts();
        match self.guard.judge(&head) {
            Verdict::Refuse(_, code) => refuse(Refusal::of_guard(code)).map(Body::full),
            Verdict::Preflight(page) => {
                let mut response = Response::new(Body::full(bytes::Bytes::new()));
                *response.status_mut() = StatusCode::NO_CONTENT;
                guard::allow_preflight(response.headers_mut(), page);
                response
            }
            Verdict::Pass(page) => {
                if let Some(refusal) = self.readiness.refusal(head.uri.path()) {
                    return refuse(refusal).map(Body::full);
                }
                let mut response = self.gateway.serve(Request::from_parts(head, body)).await;
                if let Some(page) = page {
                    guard::allow_page(response.headers_mut(), page);
                }
                response
            }
        }
    }
}
