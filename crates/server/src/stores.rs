//! Opening what an instance works on: settings, ledger, secrets and the gateway over them; and
//! closing it again.

use std::sync::Arc;

use anyhow::Context as _;
use megarouter_api::catalog::{Addresses, Shelf};
use megarouter_api::configuration::{self, Credentials, Environment};
use megarouter_api::context::{Context, Parts};
use megarouter_api::settings::Preferences;
use megarouter_domain::clock::Clock;
use megarouter_domain::secret::Secret;
use megarouter_domain::snapshot::Snapshot;
use megarouter_gateway::{Books, Gateway, JournalFeed, Limits};
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::Lsn;
use megarouter_providers::client::{Client, ClientOptions};
use megarouter_secrets::Store as Secrets;
use megarouter_store::ledger::Ledger;
use megarouter_store::settings::Settings;

use crate::config::Config;
use crate::program::{Program, VERSION};

/// The opened stores, with everything that a dead run left open ended.
pub struct Opened {
    settings: Settings,
    ledger: Ledger,
    secrets: Secrets,
    engine: Engine,
    durable: Lsn,
    snapshot: Snapshot,
    preferences: Preferences,
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
        let dir = config.data_dir.as_path();
        let settings =
            async { Settings::open(dir, clock.now(), rand::random()).await.context("the settings cannot be opened") };
        let ledger = async {
            let ledger = Ledger::open(dir).await.context("the ledger cannot be opened")?;
            let engine = ledger.recover(VERSION, clock.now()).await.context("the ledger cannot be recovered")?;
            let durable = ledger.durable().await.context("the ledger cannot be read")?;
            Ok((ledger, engine, durable))
        };
        let secrets = async { Ok(secrets.await?) };
        let (settings, (ledger, engine, durable), secrets) = tokio::try_join!(settings, ledger, secrets)?;
        let everything = settings.load().await.context("the settings cannot be read")?;
        let credentials = Credentials { secrets: &secrets, environment: &read_environment };
        let snapshot = configuration::snapshot(&everything, &credentials, None).await?;
        let preferences = Preferences::of(&everything);
        Ok(Self { settings, ledger, secrets, engine, snapshot, preferences, durable })
    }

    /// What people chose in the settings.
    pub fn preferences(&self) -> Preferences {
        self.preferences
    }

    /// Puts the gateway over the stores; the feed is for the journal's writer. The catalogue is refreshed
    /// from `sources`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn into_context(
        self,
        config: &Config,
        clock: Arc<dyn Clock>,
        program: &Arc<Program>,
        sources: Addresses,
        link_base: Arc<str>,
    ) -> anyhow::Result<(Arc<Context>, JournalFeed)> {
        let client = Client::new(&ClientOptions {
            connect_timeout: config.timeouts.connect,
            proxy: config.outgoing_proxy.clone(),
            ..ClientOptions::default()
        })?;
        let (books, feed) = Books::open(self.engine, Vec::new(), self.durable, Arc::clone(&clock));
        let gateway = Gateway::new(self.snapshot, books, client, Arc::clone(&clock), limits(config));
        let gateway = Arc::new(gateway.with_link_base(link_base));
        let environment: Arc<Environment> = Arc::new(read_environment);
        let context = Context::new(Parts {
            settings: self.settings,
            ledger: Arc::new(self.ledger),
            secrets: self.secrets,
            gateway,
            clock,
            random: Arc::new(|bytes: &mut [u8]| rand::fill(bytes)),
            environment,
            host: Arc::clone(program) as Arc<_>,
            shelf: Shelf::new(&config.data_dir, sources),
        });
        Ok((Arc::new(context), feed))
    }
}

/// Closes the stores' files, which leaves nothing beside them to recover at the next start. Whoever
/// still holds the context keeps them open; everything is durable all the same.
pub async fn close(context: Arc<Context>) {
    let Some(Context { settings, ledger, .. }) = Arc::into_inner(context) else { return };
    settings.close().await;
    if let Some(ledger) = Arc::into_inner(ledger) {
        ledger.close().await;
    }
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

fn read_environment(variable: &str) -> Option<Secret> {
    let value = std::env::var_os(variable)?.into_string().ok()?;
    (!value.is_empty()).then(|| Secret::new(value))
}
