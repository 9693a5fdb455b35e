//! The state of the running program.

pub mod show;

use megarouter_domain::clock::Timestamp;
use megarouter_secrets::{Kind, Readiness, State};
use megarouter_store::ledger::requests::Filter;
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::ApiError;
use crate::shape::{Cost, Time};

/// The state of the running program.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// How it runs.
    pub mode: Mode,
    /// Operating system and architecture, e.g. `linux x86_64`.
    pub platform: String,
    /// The data plane.
    pub proxy: ProxyStatus,
    /// The journal.
    pub ledger: LedgerStatus,
    /// Where providers' secrets are kept.
    pub secret_store: SecretStoreStatus,
    /// The folder that holds everything.
    pub data_dir: String,
    /// True until the first provider is added.
    pub first_run: bool,
    /// Figures since midnight UTC; `null` while the ledger cannot be read.
    #[schema(required)]
    pub today: Option<Today>,
}

/// How the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// With a window.
    Desktop,
    /// Headless.
    Serve,
}

/// The data plane.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProxyStatus {
    /// Whether it takes requests.
    pub state: ProxyState,
    /// The addresses it listens on, e.g. `127.0.0.1:4180`.
    pub addresses: Vec<String>,
    /// What to put into an app, e.g. `http://127.0.0.1:4180/v1`.
    pub base_url: String,
    /// When a pause ends by itself; `null` when it is not paused, or until somebody resumes.
    pub paused_until: Option<Time>,
    /// Why it does not listen.
    pub error: Option<String>,
}

/// Whether the data plane takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProxyState {
    /// It does.
    Running,
    /// Somebody paused it.
    Paused,
    /// It cannot listen.
    Failed,
}

/// The journal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LedgerHealth)]
pub struct LedgerStatus {
    /// Whether entries can be written.
    pub state: LedgerState,
    /// The last entry that is on disk.
    pub durable_lsn: u64,
    /// Entries that wait to be written.
    pub queued: u64,
    /// Why entries cannot be written.
    pub error: Option<String>,
}

/// Whether entries can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LedgerState {
    /// They can.
    Ok,
    /// They cannot; new requests are refused until they can.
    Unavailable,
}

/// Where providers' secrets are kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SecretStoreStatus {
    /// What kind of store.
    pub kind: SecretStoreKind,
    /// Whether it can be used.
    pub state: SecretStoreState,
    /// One sentence for a person.
    pub detail: String,
}

/// What kind of store keeps providers' secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretStoreKind {
    /// The operating system's keychain.
    Keychain,
    /// An encrypted file in the data folder.
    EncryptedFile,
    /// None: only environment variables.
    Environment,
}

/// Whether the secret store can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretStoreState {
    /// It can.
    Ready,
    /// Somebody has to unlock it.
    Locked,
    /// It is not there.
    Unavailable,
}

/// Figures since midnight UTC.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Today {
    /// What was spent.
    pub cost: Cost,
    /// How many requests came.
    pub requests: u64,
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Puts the status together.
///
/// # Errors
/// When the stores do not answer.
pub(crate) async fn read(context: &Context) -> Result<Status, ApiError> {
    let about = context.host.about();
    let first_run = context.everything().await?.providers.is_empty();
    // A ledger that cannot be read is a state to show, not a reason to show nothing.
    let today = today(context).await;
    Ok(Status {
        version: about.version,
        mode: about.mode,
        platform: about.platform,
        proxy: proxy(context),
        ledger: ledger(context, today.as_ref().err()),
        secret_store: context.secrets.state().into(),
        data_dir: about.data_dir,
        first_run,
        today: today.ok(),
    })
}

fn proxy(context: &Context) -> ProxyStatus {
    let listening = context.host.listening();
    let pause = context.gateway.pause_state();
    let state = match (&listening.error, pause) {
        (Some(_), _) => ProxyState::Failed,
        (None, Some(_)) => ProxyState::Paused,
        (None, None) => ProxyState::Running,
    };
    ProxyStatus {
        state,
        addresses: listening.addresses,
        base_url: listening.base_url,
        paused_until: pause.flatten().map(Time),
        error: listening.error,
    }
}

fn ledger(context: &Context, unread: Option<&ApiError>) -> LedgerStatus {
    let books = context.gateway.books();
    let durability = books.durability();
    let unwritten = durability.failure.map(|failure| failure.to_string());
    let error = unwritten.or_else(|| unread.map(|error| error.message.clone()));
    LedgerStatus {
        state: if error.is_some() { LedgerState::Unavailable } else { LedgerState::Ok },
        durable_lsn: durability.lsn.0,
        queued: books.queued() as u64,
        error,
    }
}

async fn today(context: &Context) -> Result<Today, ApiError> {
    let now = context.now().as_micros();
    let midnight = Timestamp::from_micros(now - now.rem_euclid(MICROS_PER_DAY));
    let filter = Filter { from: Some(midnight), ..Filter::default() };
    let sums = context.questions().request_sums(&filter).await?;
    Ok(Today { cost: sums.cost().into(), requests: sums.requests })
}

impl From<State> for SecretStoreStatus {
    fn from(state: State) -> Self {
        Self {
            kind: match state.kind {
                Kind::Keychain => SecretStoreKind::Keychain,
                Kind::EncryptedFile => SecretStoreKind::EncryptedFile,
                Kind::Environment => SecretStoreKind::Environment,
            },
            state: match state.readiness {
                Readiness::Ready => SecretStoreState::Ready,
                Readiness::Locked => SecretStoreState::Locked,
                Readiness::Unavailable => SecretStoreState::Unavailable,
            },
            detail: state.detail,
        }
    }
}
