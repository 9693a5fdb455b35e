//! What the operations work on: the stores, the gateway, the clock, and the running program.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use http::StatusCode;
use megarouter_domain::clock::{Clock, Timestamp};
use megarouter_domain::id::{Entropy, ProviderId};
use megarouter_domain::record::UsageRecord;
use megarouter_domain::secret::Secret;
use megarouter_gateway::Gateway;
use megarouter_gateway::feedback::Signalled;
use megarouter_ledger::account::Account;
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{ChangeNote, Lsn};
use megarouter_ledger::state::State;
use megarouter_secrets::{Holder, Store as Secrets};
use megarouter_store::bodies::Bodies;
use megarouter_store::hub::Hub;
use megarouter_store::ledger::Ledger;
use megarouter_store::settings::{Change, ChangeError, Everything, Settings};
use tokio::sync::{Mutex, Notify, mpsc, oneshot, watch};

use crate::audit;
use crate::catalog::{self, Shelf};
use crate::configuration::{self, Credentials, Environment, Keyring, Known, Reread};
use crate::error::{ApiError, settings_unavailable};
use crate::events::{Events, Tag};
use crate::ledger::Verification;
use crate::requests::RequestRow;
use crate::status::Mode;
use crate::upkeep::{BackupDone, Upkeep};

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
    /// The database that nodes share; `None` for a node that is alone.
    pub hub: Option<Arc<Hub>>,
    /// The configuration as it was last read, for a start without the database; `None` to read it first.
    pub last_good: Option<Everything>,
    /// Takes orders to make a backup now.
    pub backups: mpsc::Sender<BackupOrder>,
    /// The texts of requests, where they are kept.
    pub bodies: Arc<Bodies>,
    /// Takes what people say of answers.
    pub signals: mpsc::Sender<Signalled>,
}

/// Where to tell how a backup that was ordered went.
pub type BackupOrder = oneshot::Sender<Result<BackupDone, String>>;

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
    /// The database that nodes share; `None` for a node that is alone.
    pub hub: Option<Arc<Hub>>,
    /// What happened on all nodes; empty for a node that is alone, or until the hub was first reached.
    pub fleet_ledger: OnceLock<Arc<Ledger>>,
    /// How the work beside the requests is going.
    pub upkeep: watch::Sender<Upkeep>,
    /// Told when limits could not be put in force here and are to be tried again.
    pub limits_changed: Notify,
    /// Takes orders to make a backup now.
    pub backups: mpsc::Sender<BackupOrder>,
    /// The texts of requests, where they are kept.
    pub bodies: Arc<Bodies>,
    /// Takes what people say of answers.
    pub signals: mpsc::Sender<Signalled>,
    /// Told when a replay was ordered or stopped.
    pub replays_changed: Notify,
    /// Told when somebody replaced what was learnt.
    pub learnt_replaced: Notify,
    /// Who listens.
    pub events: Events,
    /// The last self-check of the ledger.
    pub(crate) verification: watch::Sender<Option<Verification>>,
    /// Held while a correction is made.
    pub(crate) adjusting: Mutex<()>,
    /// Held while limits are put in force.
    pub(crate) installing: Mutex<()>,
    /// The configuration as it was last read.
    last_good: watch::Sender<Option<Arc<Everything>>>,
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
        let Parts { settings, ledger, secrets, gateway, clock, random, environment, host, shelf, hub, .. } = parts;
        Self {
            settings,
            ledger,
            secrets,
            gateway,
            clock,
            environment,
            host,
            shelf,
            hub,
            fleet_ledger: OnceLock::new(),
            upkeep: watch::Sender::default(),
            limits_changed: Notify::new(),
            backups: parts.backups,
            bodies: parts.bodies,
            signals: parts.signals,
            replays_changed: Notify::new(),
            learnt_replaced: Notify::new(),
            events: Events::default(),
            verification: watch::Sender::default(),
            adjusting: Mutex::default(),
            installing: Mutex::default(),
            last_good: watch::Sender::new(parts.last_good.map(Arc::new)),
            random,
            reading: Mutex::default(),
            changing: Mutex::default(),
        }
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

    /// Keeps a credential's secret in the secret store of this machine.
    ///
    /// # Errors
    /// When the store does not take it; and on a node of a hub, whose other nodes could not read it.
    pub async fn keep_secret(&self, of: impl Into<Holder>, secret: &Secret) -> Result<(), ApiError> {
        if self.hub.is_some() {
            let message = "This node belongs to a hub, and credentials are never stored there. Nothing was changed. Name \
                           an environment variable, and set it on every node.";
            return Err(ApiError::new(StatusCode::CONFLICT, "credential.per_node", message).about("credential"));
        }
        Ok(self.secrets.put(of, secret).await?)
    }

    /// The whole configuration, as it is stored; the last one known while the database that nodes share does not
    /// answer.
    pub async fn everything(&self) -> Result<Everything, ApiError> {
        match self.settings.load().await {
            Ok(everything) => {
                self.keep_good(&everything);
                Ok(everything)
            }
            Err(error) => match self.last_good().filter(|_| self.hub.is_some()) {
                Some(everything) => Ok(everything.as_ref().clone()),
                None => Err(settings_unavailable(&error)),
            },
        }
    }

    /// The configuration as it was last read; `None` before the first time.
    pub fn last_good(&self) -> Option<Arc<Everything>> {
        self.last_good.borrow().clone()
    }

    /// Follows the configuration as it is read.
    pub fn follow_settings(&self) -> watch::Receiver<Option<Arc<Everything>>> {
        self.last_good.subscribe()
    }

    /// Tells that things changed beside the configuration.
    pub fn changed(&self, tags: &[Tag]) {
        self.events.changed(tags);
    }

    /// The ledger to ask about what happened: that of all nodes where there are several.
    pub fn questions(&self) -> &Ledger {
        self.fleet_ledger.get().unwrap_or(&self.ledger)
    }

    /// Makes changes of the configuration, puts them in force and tells everybody: when this
    /// returns, the next request is decided on them. Each change is on the ledger before it is made; without
    /// changes, the configuration is read again.
    ///
    /// # Errors
    /// When a change is refused; then none was made.
    pub async fn change(&self, changes: Vec<Change>, reread: Reread, tags: &[Tag]) -> Result<Everything, ApiError> {
        let _reading = if reread == Reread::Nothing { None } else { Some(self.reading.lock().await) };
        let fresh = self.read_credentials(&changes, reread).await?;
        let concerns_limits = changes.is_empty() || changes.iter().any(is_about_limits);
        let changing = self.changing.lock().await;
        if !changes.is_empty() {
            self.apply(changes).await?;
        }
        let everything = self.put_in_force(&fresh).await?;
        drop(changing);
        self.events.changed(tags);
        if concerns_limits && let Err(error) = self.install_limits().await {
            self.limits_changed.notify_one();
            return Err(not_yet_in_force(&error));
        }
        Ok(everything)
    }

    /// Notes as abandoned what a run that died was about to change and did not. To be called once, at the start.
    ///
    /// # Errors
    /// When the ledger or the settings do not answer.
    pub async fn settle_changes(&self) -> Result<(), ApiError> {
        let applied = audit::applied(&self.stored().await?, self.ledger.id().await?);
        let notes = self.ledger.notes(applied).await?;
        let Some((first, last)) = audit::unresolved(&notes, applied) else { return Ok(()) };
        let note = audit::abandoned(first, last, "the program stopped before");
        self.until_durable(self.gateway.books().note(note)).await
    }

    /// Writes down what is about to be changed, and changes it.
    async fn apply(&self, mut changes: Vec<Change>) -> Result<(), ApiError> {
        let before = self.stored().await?;
        let books = self.gateway.books();
        let intents = audit::intents(&changes, &before).into_iter();
        let written: Vec<Lsn> = intents.map(|intent| books.note(intent)).collect();
        let Some((first, last)) = written.first().copied().zip(written.last().copied()) else { return Ok(()) };
        self.until_durable(last).await?;
        let name = audit::applied_preference(self.ledger.id().await?);
        changes.push(Change::PutPreference { name, value: last.0.to_string() });
        let Err(error) = self.settings.apply(changes).await else { return Ok(()) };
        // When the database did not say how it ended, the start of the next run finds out.
        if !matches!(error, ChangeError::Store(_)) {
            let note = books.note(audit::abandoned(first, last, &error.to_string()));
            self.until_durable(note).await?;
        }
        Err(error.into())
    }

    pub(crate) async fn until_durable(&self, lsn: Lsn) -> Result<(), ApiError> {
        self.gateway.books().until_durable(lsn).await.map_err(|error| {
            let message = format!(
                "The ledger cannot take entries: {error}. Nothing was changed, because every change is written down \
                 first. Look at the disk and try again."
            );
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "ledger.unavailable", message)
        })
    }

    /// The configuration as it is stored and no other, for changing it.
    async fn stored(&self) -> Result<Everything, ApiError> {
        self.settings.load().await.map_err(|error| settings_unavailable(&error))
    }

    fn keep_good(&self, everything: &Everything) {
        let is_known = |last: &Option<Arc<Everything>>| last.as_deref().is_some_and(|last| last == everything);
        self.last_good.send_if_modified(|last| {
            let is_news = !is_known(last);
            if is_news {
                *last = Some(Arc::new(everything.clone()));
            }
            is_news
        });
    }

    /// The accounts of all limits: what all nodes used together, with what this one has set aside.
    pub(crate) async fn accounts(&self) -> Result<Vec<Account>, ApiError> {
        let books = self.gateway.books();
        let own = books.accounts();
        let Some(fleet) = self.fleet_ledger.get() else { return Ok(own) };
        let (limits, now) = (books.limits(), self.now());
        let (_, openings) = fleet.openings(&limits.openings(now, now)).await?;
        let (engine, _) = Engine::start(State::default(), limits, &openings, "", now);
        let mut accounts = engine.accounts(now);
        for account in &mut accounts {
            account.held = own.iter().find(|known| known.key == account.key).map_or(0, |known| known.held);
        }
        Ok(accounts)
    }

    /// Writes something down that changes no setting, and waits until it is on the disk.
    pub(crate) async fn note(&self, note: ChangeNote) -> Result<(), ApiError> {
        self.until_durable(self.gateway.books().note(note)).await
    }

    /// Writes down that a lost node's shares are about to be given back.
    pub(crate) async fn note_release(&self, node: u64, name: &str) -> Result<(), ApiError> {
        let note = self.gateway.books().note(audit::release(node, name));
        self.until_durable(note).await
    }

    /// Reads the configuration again, with every credential, and puts it in force. For whoever
    /// changed it without [`Context::change`], or unlocked the secret store.
    ///
    /// # Errors
    /// When it cannot be read; then the last one stays in force.
    pub async fn reload(&self) -> Result<Everything, ApiError> {
        self.change(vec![], Reread::All, Tag::ALL).await
    }

    /// Puts what is known of deployments in force, after the catalogue or a provider's list changed, and after the
    /// start.
    ///
    /// # Errors
    /// When the configuration cannot be read; then what was known stays in force.
    pub async fn refresh_facts(&self) -> Result<(), ApiError> {
        let _changing = self.changing.lock().await;
        self.put_in_force(&HashMap::new()).await.map(|_| ())
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
    ) -> Result<HashMap<ProviderId, Keyring>, ApiError> {
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
                fresh.insert(id, self.credentials().all_of(&provider).await);
            }
        }
        Ok(fresh)
    }

    async fn put_in_force(&self, fresh: &HashMap<ProviderId, Keyring>) -> Result<Everything, ApiError> {
        let everything = self.everything().await?;
        let current = self.gateway.snapshot();
        let facts = catalog::known::facts(self, &everything).await;
        let known = Known { fresh, current: &current, facts };
        let snapshot = configuration::snapshot(&everything, &self.credentials(), Some(&known)).await?;
        self.gateway.replace_snapshot(snapshot);
        Ok(everything)
    }
}

/// Whether a change can make another limit apply.
const fn is_about_limits(change: &Change) -> bool {
    match change {
        Change::PutUnit(_)
        | Change::ArchiveUnit { .. }
        | Change::RestoreUnit(_)
        | Change::PutBudget(_)
        | Change::ArchiveBudget { .. }
        | Change::PutPreference { .. } => true,
        Change::PutProvider(_)
        | Change::RemoveProvider { .. }
        | Change::PutModel(_)
        | Change::RemoveModel(_)
        | Change::RenewPrice { .. }
        | Change::RenameOrganization(_)
        | Change::PutKey(_)
        | Change::RevokeKey { .. }
        | Change::PutPolicy(_)
        | Change::ArchivePolicy { .. } => false,
    }
}

fn not_yet_in_force(error: &ApiError) -> ApiError {
    let message = format!(
        "The change is saved, and the limits it makes are not in force yet: {} They are tried again until they are.",
        error.message
    );
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "limits.pending", message)
}

impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Context")
    }
}
