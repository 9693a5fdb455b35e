//! The installation's settings.

pub mod change;
pub mod show;

use megarouter_domain::budget;
use megarouter_store::settings::Everything;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::{ConfiguredPort, Context};
use crate::error::ApiError;

/// The preference that holds the proxy's port.
pub const PROXY_PORT: &str = "proxy_port";
/// The preference that holds whether the proxy goes on when the window is closed.
pub const KEEP_RUNNING_ON_CLOSE: &str = "keep_running_on_close";
/// The preference that holds whether the catalogue is refreshed from its public sources.
pub const CATALOGUE_REFRESH: &str = "catalogue_refresh";

/// The preference that holds what becomes of requests whose price is not known, where a hard budget in money applies.
pub const UNKNOWN_PRICE: &str = "unknown_price";

/// The preference that holds whether and how the text of requests and answers is kept.
pub const BODIES: &str = "bodies";
/// The preference that holds the organisation's own regular expressions for what is made unreadable in kept texts.
pub const REDACTION_PATTERNS: &str = "redaction_patterns";
/// The preference that holds whether providers are asked regularly whether they work.
pub const PROBES: &str = "probes";
/// The preference that holds what savings are told against.
pub const SAVINGS_BASELINE: &str = "savings_baseline";

/// The baseline that is no model: what each request asked for.
pub const ASKED: &str = "asked";

/// What becomes of requests whose price is not known, where a hard budget in money applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPrice {
    /// They are refused.
    #[default]
    Deny,
    /// They pass, and are charged nothing.
    Free,
}

/// Whether and how the text of requests and answers is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BodyRules {
    /// Whether it is kept at all.
    pub is_on: bool,
    /// For how many days.
    #[schema(minimum = 1, maximum = 365)]
    pub retention_days: u16,
    /// The most that all of it may take on the disk, in megabytes; the oldest goes first.
    #[schema(minimum = 10, maximum = 100_000)]
    pub max_mb: u32,
    /// Whether what looks like a secret or a person's data is made unreadable before it is kept.
    pub redacts: bool,
}

/// The installation's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Settings {
    /// The port apps connect to; 0 lets the system choose.
    pub proxy_port: u16,
    /// The port in use; `null` when the proxy does not listen.
    pub proxy_port_in_use: Option<u16>,
    /// Whether the proxy goes on when the window is closed; `null` when nobody was asked yet.
    pub keep_running_on_close: Option<bool>,
    /// Whether the catalogue of models is refreshed once a day; `null` when nobody was asked yet.
    pub catalogue_refresh: Option<bool>,
    /// What becomes of requests whose price is not known, where a hard budget in money applies.
    pub unknown_price: UnknownPrice,
    /// Whether and how the text of requests and answers is kept.
    pub bodies: BodyRules,
    /// Regular expressions of what is made unreadable beside the usual, before texts are kept.
    pub redaction_patterns: Vec<String>,
    /// What savings are told against: `asked`, or the name of a model.
    pub savings_baseline: String,
    /// Whether every provider is asked now and then whether it answers; those that rest always are.
    pub probes: bool,
    /// True when a changed setting waits for the next start.
    pub needs_restart: bool,
}

/// What people chose; `None` where nobody did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// The port apps connect to.
    pub proxy_port: Option<u16>,
    /// Whether the proxy goes on when the window is closed.
    pub keep_running_on_close: Option<bool>,
    /// Whether the catalogue of models is refreshed once a day.
    pub catalogue_refresh: Option<bool>,
    /// What becomes of requests whose price is not known, where a hard budget in money applies.
    pub unknown_price: Option<UnknownPrice>,
    /// Whether and how the text of requests and answers is kept.
    pub bodies: Option<BodyRules>,
    /// Whether providers are asked regularly whether they work.
    pub probes: Option<bool>,
}

impl Preferences {
    /// Reads them from the stored configuration. A value that cannot be read counts as not chosen:
    /// no preference is worth refusing to start.
    pub fn of(everything: &Everything) -> Self {
        Self {
            proxy_port: preference(everything, PROXY_PORT),
            keep_running_on_close: preference(everything, KEEP_RUNNING_ON_CLOSE),
            catalogue_refresh: preference(everything, CATALOGUE_REFRESH),
            unknown_price: preference(everything, UNKNOWN_PRICE),
            bodies: preference(everything, BODIES),
            probes: preference(everything, PROBES),
        }
    }
}

impl Default for BodyRules {
    fn default() -> Self {
        Self { is_on: false, retention_days: 30, max_mb: 1_024, redacts: true }
    }
}

/// The organisation's own regular expressions for what is made unreadable in kept texts.
pub fn redaction_patterns(everything: &Everything) -> Vec<String> {
    preference(everything, REDACTION_PATTERNS).unwrap_or_default()
}

/// What savings are told against: [`ASKED`], or the name of a model.
pub fn savings_baseline(everything: &Everything) -> String {
    preference(everything, SAVINGS_BASELINE).unwrap_or_else(|| ASKED.to_owned())
}

impl From<UnknownPrice> for budget::UnknownPrice {
    fn from(choice: UnknownPrice) -> Self {
        match choice {
            UnknownPrice::Deny => Self::Deny,
            UnknownPrice::Free => Self::Free,
        }
    }
}

fn preference<T: DeserializeOwned>(everything: &Everything, name: &str) -> Option<T> {
    let (_, value) = everything.preferences.iter().find(|(known, _)| known == name)?;
    serde_json::from_str(value).ok()
}

async fn read(context: &Context) -> Result<Settings, ApiError> {
    let everything = context.everything().await?;
    let preferences = Preferences::of(&everything);
    let listening = context.host.listening();
    let (proxy_port, may_change) = match listening.configured_port {
        ConfiguredPort::Fixed(port) => (port, false),
        ConfiguredPort::Default(port) => (preferences.proxy_port.unwrap_or(port), true),
    };
    let is_other = proxy_port != 0 && listening.port != Some(proxy_port);
    Ok(Settings {
        proxy_port,
        proxy_port_in_use: listening.port,
        keep_running_on_close: preferences.keep_running_on_close,
        catalogue_refresh: preferences.catalogue_refresh,
        unknown_price: preferences.unknown_price.unwrap_or_default(),
        bodies: preferences.bodies.unwrap_or_default(),
        redaction_patterns: redaction_patterns(&everything),
        savings_baseline: savings_baseline(&everything),
        probes: preferences.probes.unwrap_or(false),
        needs_restart: may_change && is_other,
    })
}
