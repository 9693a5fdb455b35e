//! Opening what an instance works on: settings, ledger, secrets and the gateway over them; and
//! closing it again.
//!
//! A node of a hub opens its own ledger first and needs nothing else to account for what a dead run left.
//! Settings come from the hub, or from the copy of them when the hub is away; a node that has neither
//! starts all the same, and turns requests away until it has.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use megarouter_api::catalog::{Addresses, Shelf};
use megarouter_api::configuration::{self, Credentials, Environment};
use megarouter_api::context::{BackupOrder, Context, Parts};
use megarouter_api::settings::Preferences;
use megarouter_domain::clock::{Clock, Timestamp};
use megarouter_domain::id::{KeyId, OrganizationId};
use megarouter_domain::secret::Secret;
use megarouter_domain::snapshot::Snapshot;
use megarouter_gateway::feedback::Signalled;
use megarouter_gateway::{Books, Gateway, JournalFeed, Limits};
use megarouter_ledger::account::Sharing;
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::Lsn;
use megarouter_providers::client::{Client, ClientOptions};
use megarouter_secrets::Store as Secrets;
use megarouter_store::bodies::Bodies;
use megarouter_store::hub::{Hub, HubPool};
use megarouter_store::ledger::Ledger;
use megarouter_store::settings::{Everything, Mirror, Organization, Settings};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::config::{Config, HubOptions};
use crate::jobs::fleet::Fleet;
use crate::ledger_file;
use crate::program::{Program, VERSION};

/// How long a start waits for the hub's settings before it takes the copy.
const HUB_PATIENCE: Duration = Duration::from_secs(5);

/// The opened stores, with everything that a dead run left open ended.
pub struct Opened {
    settings: Settings,
    ledger: Ledger,
    secrets: Secrets,
    engine: Engine,
    durable: Lsn,
    snapshot: Snapshot,
    everything: Option<Everything>,
    membership: Option<Membership>,
}

/// What a node of a hub has besides its own stores.
pub struct Membership {
    /// The node among the others.
    pub fleet: Arc<Fleet>,
    /// The connections to the database.
    pub pool: HubPool,
    /// The copy of the settings.
    pub mirror: Arc<Mirror>,
    /// The version of the settings in force; `None` without any.
    pub seen: Option<u64>,
}

/// What is around the stores.
pub struct Surroundings {
    /// Where the catalogue is refreshed from.
    pub sources: Addresses,
    /// Where a copy of the ledger is asked for.
    pub backups: mpsc::Sender<BackupOrder>,
    /// Where what people say of answers goes.
    pub signals: mpsc::Sender<Signalled>,
    /// The hub that this node belongs to.
    pub hub: Option<Arc<Hub>>,
    /// What the links in refusals begin with.
    pub link_base: Arc<str>,
}

/// The opened configuration.
struct Configured {
    settings: Settings,
    everything: Option<Everything>,
    hub: Option<(HubPool, Mirror)>,
}

impl Opened {
    /// Opens the stores of a data folder, all at the same time.
    ///
    /// # Errors
    /// When one of them cannot be opened.
    pub async fn open(config: &mut Config, clock: &dyn Clock) -> anyhow::Result<Self> {
        let secrets = Secrets::open(megarouter_secrets::Options {
            data_dir: config.data_dir.clone(),
            key_source: config.key_source,
            passphrase: config.passphrase.take(),
        });
        let configured = Configured::open(config, clock.now());
        let ledger = Box::pin(async {
            let ledger = ledger_file::open(&config.data_dir, &config.backup).await?;
            let engine = ledger.recover(VERSION, clock.now()).await.context("the ledger cannot be recovered")?;
            let durable = ledger.durable().await.context("the ledger cannot be read")?;
            let id = ledger.id().await.context("the ledger cannot be read")?;
            Ok((ledger, id, engine, durable))
        });
        let secrets = async { Ok(secrets.await?) };
        let (configured, (ledger, id, engine, durable), secrets) = tokio::try_join!(configured, ledger, secrets)?;
        let Configured { settings, everything, hub } = configured;
        let credentials = Credentials { secrets: &secrets, environment: &read_environment };
        let nothing = nothing(clock.now());
        let in_force = everything.as_ref().unwrap_or(&nothing);
        let snapshot = configuration::snapshot(in_force, &credentials, None).await?;
        let membership = hub.map(|(pool, mirror)| {
            let name = config.hub.as_ref().map(|hub| hub.node_name.clone()).unwrap_or_default();
            let fleet = Arc::new(Fleet::new(Arc::new(Hub::new(pool.clone())), name, id));
            Membership {
                fleet,
                pool,
                mirror: Arc::new(mirror),
                seen: everything.as_ref().map(|everything| everything.version),
            }
        });
        Ok(Self { settings, ledger, secrets, engine, durable, snapshot, everything, membership })
    }

    /// What people chose in the settings.
    pub fn preferences(&self) -> Preferences {
        self.everything.as_ref().map(Preferences::of).unwrap_or_default()
    }

    /// False for a node that has neither a hub nor a copy of its settings.
    pub fn is_configured(&self) -> bool {
        self.everything.is_some()
    }

    /// Takes out what only a node of a hub has.
    pub fn take_membership(&mut self) -> Option<Membership> {
        self.membership.take()
    }

    /// Puts the gateway over the stores; the feed is for the journal's writer.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn into_context(
        self,
        config: &Config,
        clock: Arc<dyn Clock>,
        program: &Arc<Program>,
        surroundings: Surroundings,
    ) -> anyhow::Result<(Arc<Context>, JournalFeed)> {
        let Surroundings { sources, backups, signals, hub, link_base } = surroundings;
        let client = Client::new(&ClientOptions {
            connect_timeout: config.timeouts.connect,
            proxy: config.outgoing_proxy.clone(),
            ..ClientOptions::default()
        })?;
        let (books, feed) = Books::open(self.engine, Vec::new(), self.durable, Arc::clone(&clock));
        if hub.is_some() {
            books.share(Sharing::Leased { live_nodes: 1 });
            books.fence_after(Duration::ZERO);
        }
        let gateway = Gateway::new(self.snapshot, books, client, Arc::clone(&clock), limits(config));
        gateway.tell_signals_to(signals.clone());
        let environment: Arc<Environment> = Arc::new(read_environment);
        let context = Context::new(Parts {
            settings: self.settings,
            ledger: Arc::new(self.ledger),
            secrets: self.secrets,
            gateway: Arc::new(gateway.with_link_base(link_base)),
            clock,
            random: Arc::new(|bytes: &mut [u8]| rand::fill(bytes)),
            environment,
            host: Arc::clone(program) as Arc<_>,
            shelf: Shelf::new(&config.data_dir, sources),
            hub,
            backups,
            bodies: Arc::new(Bodies::in_folder(&config.data_dir)),
            signals,
            last_good: self.everything,
        });
        Ok((Arc::new(context), feed))
    }
}

impl Configured {
    async fn open(config: &Config, now: Timestamp) -> anyhow::Result<Self> {
        let Some(hub) = &config.hub else {
            let settings = Settings::open(config.data_dir.as_path(), now, rand::random());
            let settings = settings.await.context("the settings cannot be opened")?;
            let everything = settings.load().await.context("the settings cannot be read")?;
            return Ok(Self { settings, everything: Some(everything), hub: None });
        };
        Self::open_shared(config, hub, now).await
    }

    /// The hub's settings, or else the copy of them.
    async fn open_shared(config: &Config, hub: &HubOptions, now: Timestamp) -> anyhow::Result<Self> {
        let pool = HubPool::new(&hub.url).context("the hub cannot be used")?;
        let mirror = Mirror::open(&config.data_dir).await.context("the copy of the hub's settings cannot be opened")?;
        let settings = Settings::of_hub(&pool);
        let loaded = async {
            settings.prepare(now, rand::random()).await?;
            settings.load().await
        };
        let failure = match timeout(HUB_PATIENCE, loaded).await {
            Ok(Ok(everything)) => {
                mirror.keep(&everything).await.context("the copy of the hub's settings cannot be written")?;
                return Ok(Self { settings, everything: Some(everything), hub: Some((pool, mirror)) });
            }
            Ok(Err(error)) => format!("{:#}", anyhow::Error::from(error)),
            Err(_) => "it does not answer".to_owned(),
        };
        let everything = mirror.load().await.context("the copy of the hub's settings cannot be read")?;
        let has_copy = everything.is_some();
        tracing::warn!(failure, has_copy, "the hub's settings cannot be read; starting with the copy, if there is one");
        Ok(Self { settings, everything, hub: Some((pool, mirror)) })
    }
}

/// Closes the stores' files, which leaves nothing beside them to recover at the next start. Whoever
/// still holds the context keeps them open; everything is durable all the same.
pub async fn close(context: Arc<Context>) {
    let Some(Context { settings, ledger, hub, bodies, .. }) = Arc::into_inner(context) else { return };
    settings.close().await;
    if let Some(bodies) = Arc::into_inner(bodies) {
        bodies.close().await;
    }
    if let Some(ledger) = Arc::into_inner(ledger) {
        ledger.close().await;
    }
    if let Some(hub) = hub {
        hub.pool().close().await;
    }
}

/// The longest that a stream may last.
pub fn longest_stream(config: &Config) -> Duration {
    limits(config).stream_total
}

fn limits(config: &Config) -> Limits {
    Limits {
        max_body_bytes: config.body_bytes,
        body_idle: config.timeouts.body_idle,
        first_output: config.timeouts.answer,
        stream_idle: config.timeouts.stream_idle,
        ..Limits::default()
    }
}

/// The settings of a node that knows none. Nothing is decided on them.
fn nothing(now: Timestamp) -> Everything {
    Everything {
        organization: Organization {
            id: OrganizationId::new(now, rand::random()),
            name: String::new(),
            created_at: now,
        },
        providers: Vec::new(),
        models: Vec::new(),
        units: Vec::new(),
        keys: Vec::new(),
        playground_key: KeyId::new(now, rand::random()),
        budgets: Vec::new(),
        policies: Vec::new(),
        preferences: Vec::new(),
        version: 0,
    }
}

fn read_environment(variable: &str) -> Option<Secret> {
    let value = std::env::var_os(variable)?.into_string().ok()?;
    (!value.is_empty()).then(|| Secret::new(value))
}
