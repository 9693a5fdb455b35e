//! A running MegaRouter, without the question of who shows it: `serve`, the desktop window and a
//! verb of the command line all start one.
//!
//! Left out on purpose: windows, trays and signals. Whoever starts an instance ends it too.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use megarouter_api::access::Caller;
use megarouter_api::catalog::Addresses;
use megarouter_api::context::{BackupOrder, Context, Host as _, Listening};
use megarouter_api::error::ApiError;
use megarouter_api::status::Mode;
use megarouter_api::upkeep::Upkeep;
use megarouter_domain::clock::Clock;
use megarouter_gateway::feedback::Signalled;
use megarouter_gateway::guard::Guard;
use megarouter_store::lock::DataDirLock;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::clock::SystemClock;
use crate::config::{Config, Ports, loopback};
use crate::control::{self, Control, ControlAnswer};
use crate::control_socket::Socket;
use crate::jobs::learn::MOST_SIGNALS;
use crate::jobs::{Care, Jobs, journal_writer};
use crate::listeners::{Caps, Listener, Stop, bind, serve_tcp};
use crate::program::Program;
use crate::proxy::{Proxy, Readiness, patience};
use crate::sessions::Sessions;
use crate::stores::{self, Opened, Surroundings};
use crate::web::WebAnswer;

/// How long the control API's callers have when the program ends; event streams never end by
/// themselves.
const CONTROL_GRACE: Duration = Duration::from_millis(500);

/// How long a start waits for a hub that does not answer.
const FIRST_CONTACT: Duration = Duration::from_secs(3);
/// People who wait for a copy of the ledger at the same time.
const MOST_WANTED_COPIES: usize = 4;

/// What an instance is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A server: a port that is taken is an error.
    Serve,
    /// A window: a port that is taken is shown, and can be changed there. No web UI is served.
    Desktop,
    /// One verb of the command line: nothing listens.
    Command,
}

/// A running MegaRouter.
pub struct Instance {
    context: Arc<Context>,
    api: Router,
    program: Arc<Program>,
    proxy: Arc<Proxy>,
    web: Vec<String>,
    signin: Option<String>,
    control_stop: Stop,
    journal: JoinHandle<()>,
    journal_ending: CancellationToken,
    jobs: Jobs,
    /// Given back last.
    _lock: DataDirLock,
}

impl Instance {
    /// Opens the stores, ends what a dead run left open, and starts to listen.
    ///
    /// # Errors
    /// When another instance has the data folder, a store cannot be opened, or (for a server) a port
    /// is taken.
    pub async fn start(mut config: Config, purpose: Purpose) -> anyhow::Result<Self> {
        allow_hub(&config, purpose)?;
        let lock = DataDirLock::take(&config.data_dir)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let web = bind_web(&config, purpose).await?;
        let sessions = (!web.is_empty()).then(|| Arc::new(Sessions::new(Arc::clone(&clock))));
        let mode = if purpose == Purpose::Desktop { Mode::Desktop } else { Mode::Serve };
        let program = Arc::new(Program::new(&config, mode, sessions.clone()));
        let mut opened = Box::pin(Opened::open(&mut config, &*clock)).await?;
        let preferences = opened.preferences();
        let readiness = Arc::new(Readiness::new(opened.is_configured()));
        let membership = opened.take_membership();
        let (backups, wanted) = mpsc::channel(MOST_WANTED_COPIES);
        let (signals, said) = mpsc::channel(MOST_SIGNALS);
        let surroundings = Surroundings {
            sources: Addresses::default(),
            backups,
            signals,
            hub: membership.as_ref().map(|membership| Arc::clone(membership.fleet.hub())),
            link_base: link_base(&config, &web, purpose),
        };
        let (context, feed) = opened.into_context(&config, clock, &program, surroundings)?;
        let journal_ending = CancellationToken::new();
        let journal = tokio::spawn(journal_writer::run(feed, Arc::clone(&context), journal_ending.clone()));
        if membership.is_none() {
            context.settle_changes().await.map_err(in_words)?;
        }
        context.install_limits().await.map_err(in_words)?;
        let proxy = Proxy::new(Arc::clone(&context.gateway), Arc::clone(&readiness), Arc::clone(&program), &config);
        let proxy = Arc::new(proxy);
        let web_port = web.first().map(|listener| listener.address().port());
        let control = Arc::new(Control { context: Arc::clone(&context), sessions: sessions.clone(), web_port });
        let api = control_api(&context, &proxy, purpose);
        let mut jobs = Jobs::default();
        if purpose != Purpose::Command {
            let mirror = membership.as_ref().map(|membership| Arc::clone(&membership.mirror));
            jobs.start(&context, care(&mut config, wanted, said), mirror);
        }
        if let Some(membership) = membership {
            jobs.join(&context, membership, readiness);
            first_contact(&context).await;
        }
        let instance = Self {
            api: api.clone().merge(control::router(Arc::clone(&control))),
            web: web.iter().map(|listener| format!("http://{}", listener.address())).collect(),
            signin: control.new_signin_link(),
            control_stop: Stop::default(),
            context,
            program,
            proxy,
            journal,
            journal_ending,
            jobs,
            _lock: lock,
        };
        if purpose != Purpose::Command {
            instance.listen(&config, purpose, preferences.proxy_port).await?;
        }
        if let Some(sessions) = sessions {
            instance.serve_web(web, &config, &sessions, &api);
        }
        Ok(instance)
    }

    /// Answers a call of the control API in process, on behalf of the owner. The answer does not
    /// hold on to the instance, so a slow one (events) does not keep it from ending.
    pub fn call(&self, request: Request<Bytes>) -> impl Future<Output = Response<Body>> + Send + use<> {
        let mut request = request.map(Body::from);
        request.extensions_mut().insert(Caller::OWNER);
        let api = self.api.clone();
        async move { api.oneshot(request).await.unwrap_or_else(|never| match never {}) }
    }

    /// Where the proxy listens, or why it does not.
    pub fn listening(&self) -> Listening {
        self.program.listening()
    }

    /// The addresses of the web UI.
    pub fn web_addresses(&self) -> &[String] {
        &self.web
    }

    /// The one-time link to sign in with; `None` without web UI.
    pub fn signin_link(&self) -> Option<&str> {
        self.signin.as_deref()
    }

    /// What the control API works on.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Refuses new calls of apps for a while, or until [`Instance::resume`].
    pub fn pause(&self, duration: Option<Duration>) {
        self.context.gateway.pause(duration.map(|duration| self.context.now().plus(duration)));
        self.context.status_changed();
    }

    /// Takes calls of apps again.
    pub fn resume(&self) {
        self.context.gateway.resume();
        self.context.status_changed();
    }

    /// Ends: nothing new is accepted, requests under way have the configured grace, what the hub lent is
    /// given back, then every entry is written and shipped. True when all requests came to their end.
    pub async fn shutdown(self) -> bool {
        let Self { context, api, program, proxy, control_stop, journal, journal_ending, mut jobs, _lock, .. } = self;
        jobs.end_early().await;
        let is_done = proxy.end().await;
        control_stop.end(CONTROL_GRACE).await;
        jobs.end_lending().await;
        journal_ending.cancel();
        if let Err(error) = journal.await {
            tracing::error!(%error, "the journal's writer failed");
        }
        jobs.end_shipping().await;
        drop((api, proxy, program, jobs));
        stores::close(context).await;
        is_done
    }

    async fn listen(&self, config: &Config, purpose: Purpose, preferred_port: Option<u16>) -> anyhow::Result<()> {
        let port = config.ports.proxy.or(preferred_port).unwrap_or(Ports::DEFAULT_PROXY);
        match self.proxy.listen(port).await {
            Err(error) if purpose == Purpose::Serve => {
                return Err(error).context("the proxy cannot listen; stop that program or use --proxy-port");
            }
            Err(error) => tracing::warn!(%error, "the proxy does not listen"),
            Ok(()) => {}
        }
        if config.is_remote {
            tracing::warn!(
                "the proxy can be reached from other machines, without TLS: keys and prompts travel readable"
            );
        }
        let socket = Socket::bind(&config.data_dir).context("the control socket cannot be made")?;
        let answer = ControlAnswer::new(self.api.clone(), config.timeouts.body_idle);
        let stop = self.control_stop.clone();
        self.control_stop.tasks.spawn(socket.serve(answer, patience(config), stop));
        Ok(())
    }

    fn serve_web(&self, listeners: Vec<Listener>, config: &Config, sessions: &Arc<Sessions>, api: &Router) {
        let caps = Caps::new(config.connections, config.connections_per_peer);
        for listener in listeners {
            let port = listener.address().port();
            let answer = WebAnswer {
                guard: Arc::new(Guard::new(port, &config.allowed_hosts, &[]).with_own_pages()),
                sessions: Arc::clone(sessions),
                api: api.clone(),
                body_idle: config.timeouts.body_idle,
            };
            let stop = self.control_stop.clone();
            self.control_stop.tasks.spawn(serve_tcp(listener, answer, Arc::clone(&caps), patience(config), stop));
        }
    }
}

/// Only a server holds the credentials of a database.
fn allow_hub(config: &Config, purpose: Purpose) -> anyhow::Result<()> {
    if config.hub.is_none() {
        return Ok(());
    }
    match purpose {
        Purpose::Serve => Ok(()),
        Purpose::Desktop => bail!(
            "only `megarouter-server serve` may hold the address of a hub's database; take hub.database_url \
             (MEGAROUTER_DATABASE_URL) out of this program's settings"
        ),
        Purpose::Command => bail!(
            "this data folder belongs to a node of a hub, and the node does not run; start it with \
             `megarouter-server serve`, then repeat this command"
        ),
    }
}

/// Waits for the hub for a moment, so that the first requests under shared budgets are not refused.
async fn first_contact(context: &Context) {
    let has_contact = |upkeep: &Upkeep| upkeep.node.as_ref().is_some_and(|node| node.last_contact.is_some());
    let mut upkeep = context.upkeep.subscribe();
    if timeout(FIRST_CONTACT, upkeep.wait_for(has_contact)).await.is_err() {
        tracing::warn!("the hub does not answer; keys under shared budgets are refused until it does");
    }
}

fn care(config: &mut Config, wanted: mpsc::Receiver<BackupOrder>, signals: mpsc::Receiver<Signalled>) -> Care {
    let longest_stream = stores::longest_stream(config);
    let Config { backup, retention, .. } = config;
    Care { backup: std::mem::take(backup), wanted, retention: *retention, longest_stream, signals }
}

/// What the links in refusals begin with.
fn link_base(config: &Config, web: &[Listener], purpose: Purpose) -> Arc<str> {
    let own = || Some(format!("http://localhost:{}", web.first()?.address().port()));
    match config.public_url.clone().or_else(own) {
        Some(address) if purpose == Purpose::Serve => format!("{address}/").into(),
        _ => "megarouter://".into(),
    }
}

fn in_words(error: ApiError) -> anyhow::Error {
    anyhow::anyhow!(error.message)
}

async fn bind_web(config: &Config, purpose: Purpose) -> anyhow::Result<Vec<Listener>> {
    let port = config.ports.web.filter(|_| purpose == Purpose::Serve);
    let Some(port) = port else { return Ok(Vec::new()) };
    bind(&loopback(), port).await.context("the web UI cannot listen; stop that program or use --web-port")
}

fn control_api(context: &Arc<Context>, proxy: &Arc<Proxy>, purpose: Purpose) -> Router {
    let api = megarouter_api::router::router(Arc::clone(context));
    match purpose {
        Purpose::Command => api,
        Purpose::Serve | Purpose::Desktop => control::with_moving_proxy(api, Arc::clone(proxy), Arc::clone(context)),
    }
}
