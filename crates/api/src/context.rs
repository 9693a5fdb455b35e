//! What the operations work on: the stores, the gateway, the clock, and the running program.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use megarouter_domain::clock::{Clock, Timestamp};
use megarouter_domain::id::{Entropy, ProviderId};
use megarouter_domain::provider::Credential;
use megarouter_domain::record::UsageRecord;
use megarouter_domain::secret::Secret;
use megarouter_gateway::Gateway;
use megarouter_secrets::Store as Secrets;
use megarouter_store::ledger::Ledger;
use megarouter_store::settings::{Change, Everything, Settings};
use tokio::sync::Mutex;

use crate::catalog::Shelf;
use crate::configuration::{self, Credentials, Environment, Known, Reread};
use crate::error::{ApiError, settings_unavailable};
use crate::events::{Events, Tag};
use crate::requests::RequestRow;
use crate::status::Mode;

/// Fills a buffer with random bytes.
pub type Random = dyn Fn(&mut [u8]) + Send + Sync;

/// What the program gives to [`Context::new`].
pub struct Parts {
    /// The configuration.
    pub settings: Settings,
    /// What happened.
    pub ledger: Arc<Ledger>,
    /// Providers' credentials.
    pub secrets: Secrets,
    /// The proxy.
    pub gateway: Arc<Gateway>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The system's random numbers, fit for keys.
    pub random: Arc<Random>,
    /// Environment variables.
    pub environment: Arc<Environment>,
    /// The running program.
    pub host: Arc<dyn Host>,
    /// What is known of models.
    pub shelf: Shelf,
}

/// Everything an operation may use.
pub struct Context {
    /// The configuration.
    pub settings: Settings,
    /// What happened.
    pub ledger: Arc<Ledger>,
    /// Providers' credentials.
    pub secrets: Secrets,
    /// The proxy.
    pub gateway: Arc<Gateway>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Environment variables.
    pub environment: Arc<Environment>,
    /// The running program.
    pub host: Arc<dyn Host>,
    /// What is known of models.
    pub shelf: Shelf,
    /// Who listens.
    pub events: Events,
    random: Arc<Random>,
    /// Held while credentials are read and until they are in force, so that the last one written is
    /// the last one in force. Taken before `changing`.
    reading: Mutex<()>,
    /// Held while the configuration changes, so that the snapshot in force is never older than the
    /// last answer. A keychain may be slow or ask a person; nothing waits for it while this is held,
    /// and so the revocation of a key never does.
    changing: Mutex<()>,
}

/// What only the running program knows. `server` has the real one; tests bring their own.
pub trait Host: Send + Sync {
    /// What does not change while the program runs.
    fn about(&self) -> About;

    /// The data plane's listeners at present.
    fn listening(&self) -> Listening;

    /// Exchanges the token of a one-time link for a session's token.
    ///
    /// # Errors
    /// When the program has no web UI, or the token is unknown, used or too old; the latter are not
    /// told apart.
    fn sign_in(&self, token: &Secret) -> Result<Secret, SignInError>;
}

/// What does not change while the program runs.
#[derive(Clone, Debug)]
pub struct About {
    /// The program's version.
    pub version: String,
    /// How it runs.
    pub mode: Mode,
    /// Operating system and architecture.
    pub platform: String,
    /// The folder that holds everything.
    pub data_dir: String,
}

/// The data plane's listeners.
#[derive(Clone, Debug, Default)]
pub struct Listening {
    /// The port to listen on when no setting says otherwise, and whether a setting may.
    pub configured_port: ConfiguredPort,
    /// The addresses in use.
    pub addresses: Vec<String>,
    /// The port in use.
    pub port: Option<u16>,
    /// What to put into an app.
    pub base_url: String,
    /// Why it does not listen.
    pub error: Option<String>,
}

/// Where the proxy's port comes from when it is not a setting.
#[derive(Clone, Copy, Debug)]
pub enum ConfiguredPort {
    /// From the program's default; a setting has precedence.
    Default(u16),
    /// From a flag, a file or the environment; a setting would have no effect.
    Fixed(u16),
}

/// Why a token gives no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInError {
    /// The program has no web UI to sign in to.
    NotServed,
    /// The token is unknown, used or too old.
    Refused,
}

impl Default for ConfiguredPort {
    fn default() -> Self {
        Self::Default(4180)
    }
}

impl Context {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let Parts { settings, ledger, secrets, gateway, clock, random, environment, host, shelf } = parts;
        let (events, reading, changing) = (Events::default(), Mutex::default(), Mutex::default());
        Self { settings, ledger, secrets, gateway, clock, environment, host, shelf, events, random, reading, changing }
    }

    /// The wall clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Where credentials are read from.
    pub fn credentials(&self) -> Credentials<'_> {
        Credentials { secrets: &self.secrets, environment: &*self.environment }
    }

    /// The random part of a new id.
    pub fn entropy(&self) -> Entropy {
        self.random_bytes()
    }

    /// Random bytes, fit for a key.
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.random)(&mut bytes);
        bytes
    }

    /// The whole configuration, as it is stored.
    pub async fn everything(&self) -> Result<Everything, ApiError> {
        self.settings.load().await.map_err(|error| settings_unavailable(&error))
    }

    /// Makes changes of the configuration, puts them in force and tells everybody: when this
    /// returns, the next request is decided on them.
    ///
    /// # Errors
    /// When a change is refused; then none was made.
    pub async fn change(&self, changes: Vec<Change>, reread: Reread, tags: &[Tag]) -> Result<Everything, ApiError> {
        let _reading = if reread == Reread::Nothing { None } else { Some(self.reading.lock().await) };
        let fresh = self.read_credentials(&changes, reread).await?;
        let changing = self.changing.lock().await;
        self.settings.apply(changes).await?;
        let everything = self.put_in_force(&fresh).await?;
        drop(changing);
        self.events.changed(tags);
        Ok(everything)
    }

    /// Reads the configuration again, with every credential, and puts it in force. For whoever
    /// changed it without [`Context::change`], or unlocked the secret store.
    ///
    /// # Errors
    /// When it cannot be read; then the last one stays in force.
    pub async fn reload(&self) -> Result<Everything, ApiError> {
        self.change(vec![], Reread::All, &[Tag::Providers, Tag::Models, Tag::Keys, Tag::Settings, Tag::Catalog]).await
    }

    /// Tells whoever listens that a request is finished and on the ledger.
    pub fn request_finished(&self, record: &UsageRecord) {
        let snapshot = self.gateway.snapshot();
        self.events.request(|| RequestRow::of(record, &snapshot));
    }

    /// Tells whoever listens that the status is another one.
    pub fn status_changed(&self) {
        self.events.status();
    }

    /// Reads the credentials of providers as they will be after the changes.
    async fn read_credentials(
        &self,
        changes: &[Change],
        reread: Reread,
    ) -> Result<HashMap<ProviderId, Credential>, ApiError> {
        if reread == Reread::Nothing {
            return Ok(HashMap::new());
        }
        let mut providers: HashMap<_, _> =
            self.everything().await?.providers.into_iter().map(|provider| (provider.id, provider)).collect();
        providers.extend(changes.iter().filter_map(|change| match change {
            Change::PutProvider(provider) => Some((provider.id, provider.clone())),
            _ => None,
        }));
        let mut fresh = HashMap::new();
        for (id, provider) in providers {
            if matches!(reread, Reread::All) || reread == Reread::Provider(id) {
                fresh.insert(id, self.credentials().of(&provider).await);
            }
        }
        Ok(fresh)
    }

    async fn put_in_force(&self, fresh: &HashMap<ProviderId, Credential>) -> Result<Everything, ApiError> {
        let everything = self.everything().await?;
        let current = self.gateway.snapshot();
        let known = Known { fresh, current: &current };
        let snapshot = configuration::snapshot(&everything, &self.credentials(), Some(&known)).await?;
        self.gateway.replace_snapshot(snapshot);
        Ok(everything)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Context")
    }
}
